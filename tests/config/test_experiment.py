"""The names of experiments that no file describes."""

import pytest

from misfire.config.composing import composition
from misfire.config.jobs import work


def named(verb: str, *words: str) -> object:
    return composition(verb, words).plain["tracking"]["experiment"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ensemble",), "ensemble-world-world_clip"),
        (("gap",), "gap-world-world_clip"),
        (("evaluate", "dataset.num_images=80"), "evaluate-world_num_images_80-world_clip"),
        (("ensemble", "dataset=folder", "dataset.root=my/photos"), "ensemble-photos-world_clip"),
        (("mine", "seed=3"), None),
        (("ensemble", "subset=action", "pooling=max", "seed=3", "trainer=cpu"), "ensemble-world-world_clip"),
        (("evaluate", "backbone=hf_hub", "backbone.model=hf-hub:org/repo"), "evaluate-world-repo"),
        (("evaluate", "backbone=local_dir", "backbone.model=local-dir:/a/clip/"), "evaluate-world-clip"),
        (("evaluate", "backbone=local_dir", "backbone.model=local-dir:clip2"), "evaluate-world-clip2"),
        (("negations", "dataset=coco2017", "dataset.images=null"), "negations-coco2017"),
        (("modes", "outcomes=file", "outcomes.path=their.csv"), "modes-world-their.csv-world_clip"),
        (("classify",), "classify-world-world_clip"),
        (("classify", "dataset=outcomes", "dataset.path=a/b.csv", "dataset.prediction=vit"), "classify-b.csv"),
        (("ensemble", "tracking.experiment=mine"), "mine"),
    ],
)
def test_other_data_models_and_questions_have_experiments_of_their_own(
    words: tuple[str, ...], expected: str | None
) -> None:
    if expected is None:
        assert "tracking" not in composition(words[0], words[1:]).plain
    else:
        assert named(*words) == expected


def test_a_grid_over_models_is_kept_together() -> None:
    points = [("backbone=world_clip", "trainer=cpu"), ("backbone=vit_b_32_openai", "trainer=cpu")]
    found = work("evaluate", points)
    assert found.settings["tracking.experiment"] == "evaluate-world-world_clip+vit_b_32_openai"
    assert all("tracking.experiment='evaluate-world-world_clip+vit_b_32_openai'" in job.words for job in found.jobs)
    alone = work("evaluate", [("ks=[1]", "trainer=cpu"), ("ks=[2]", "trainer=cpu")])
    assert [job.words for job in alone.jobs] == [
        ("evaluate", "ks=[1]", "trainer=cpu"),
        ("evaluate", "ks=[2]", "trainer=cpu"),
    ]
