import numpy as np

from misfire.failures import load_taxonomy
from misfire.methods.retrieval.templates.routers import ZeroShotRouter
from tests.methods.retrieval.templates.routers.problems import NAMES, captions, embed, problem


def test_an_example_of_a_category_goes_to_it() -> None:
    taxonomy = load_taxonomy()
    asked = [taxonomy.category(name).examples[0].caption for name in NAMES]
    assert ZeroShotRouter().route(problem(captions(asked))) == NAMES


def test_routes_are_those_of_a_loop_over_cosines() -> None:
    asked = ["two red stars", "a man runs in a park", "a dog left of a cat", "the sea", "a big blue cup"]
    taxonomy = load_taxonomy()
    expected = []
    for text in asked:
        cosines = []
        for name in NAMES:
            centre = np.mean([embed([e.caption])[0].numpy() for e in taxonomy.category(name).examples], axis=0)
            cosines.append(float(centre @ embed([text])[0].numpy()) / float(np.linalg.norm(centre)))
        expected.append(NAMES[int(np.argmax(cosines))])
    assert ZeroShotRouter().route(problem(captions(asked))) == tuple(expected)


def test_no_label_is_read() -> None:
    asked = captions(["two red stars", "a dog runs"])
    planted = problem(asked, asked, ("spatial", "spatial"))
    assert ZeroShotRouter().route(planted) == ZeroShotRouter().route(problem(asked))
