import pytest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.templates.routers import LexicalRouter
from tests.methods.retrieval.templates.routers.problems import captions, problem


@pytest.mark.parametrize(
    ("caption", "category"),
    [
        ("Two dogs on grass", "count"),
        ("a dog behind a tree", "spatial"),
        ("a dog running", "action"),
        ("a building", "object"),  # ends like an action, and isn't one
        ("a dog at the beach", "context"),
        ("a red dog", "attribute"),
        ("a dog", "object"),
        ("a reddish dog", "object"),  # a cue is a whole word
    ],
)
def test_the_rarest_cue_decides(caption: str, category: str) -> None:
    assert LexicalRouter().route(problem(captions([caption]))) == (category,)


def test_a_caption_without_a_cue_takes_the_last_category() -> None:
    assert LexicalRouter({"count": "two", "action": "runs"}).route(problem(captions(["?"]))) == ("action",)


def test_cues_of_no_category_and_broken_cues_are_refused() -> None:
    with pytest.raises(UsageError, match=r"got those of shape; add some\.$"):
        LexicalRouter({"shape": "round"}).route(problem(captions(["x"])))
    with pytest.raises(UsageError, match=r"must be a regular expression, got '\(' for count: .*; mend it\.$"):
        LexicalRouter({"count": "("})
