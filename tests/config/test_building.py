"""What a ``_target_`` may name is a closed set; here is what was tried to get past it."""

import math
from pathlib import Path
from typing import Any, Literal

import pytest
from omegaconf import OmegaConf

from misfire.config.building import built, target
from misfire.config.fitting import fitted
from misfire.config.settings import Settings
from misfire.core.errors import UsageError
from misfire.prompts import MatchedTemplates, TemplateSet
from misfire.scoring import LogMeanExpPooling, MaxPooling

OUTSIDE = [
    "os.system",
    "builtins.eval",
    "subprocess.Popen",
    "misfire",
    "misfirex.scoring.MaxPooling",
    # what a module imports
    "misfire.embeddings.weights_file.torch.load",
    "misfire.core.files.write_text",
    "misfire.cli._entry.main",
    "misfire.cli.main",
    "misfire.config.building.import_module",
    # a module of ours rather than the package that exports
    "misfire.scoring.pooling.score_pooling.MaxPooling",
    "misfire.prompts.template_set.TemplateSet",
    # attribute chains and dunders
    "misfire.scoring.MaxPooling.__init__",
    "misfire.scoring.MaxPooling.__class__.__base__.__subclasses__",
    "misfire.scoring.__builtins__.eval",
    "misfire.scoring.__init__",
    "misfire.prompts.TemplateSet.for_categories",
    # exported, but a function that isn't there to build anything
    "misfire.prompts.lint_templates",
    "misfire.data.dataset_card",
    # spelling
    "misfire..scoring.MaxPooling",
    ".misfire.scoring.MaxPooling",
    "misfire.scoring.MaxPooling ",
    "misfire/scoring.MaxPooling",
    "misfire.scoring.MaxPooling\n",
    "",
    "MaxPooling",
    None,
    3,
    ["misfire.scoring.MaxPooling"],
    {"_target_": "misfire.scoring.MaxPooling"},
]


@pytest.mark.parametrize("name", OUTSIDE, ids=repr)
def test_what_is_not_exported_for_configurations_is_refused(name: Any) -> None:
    with pytest.raises(UsageError, match=r"^_target_ must name something of misfire, got "):
        built({"_target_": name}, "pooling")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("misfire.failures.AllQueries", "pooling"),
        ("misfire.tracking.MlflowLedger", "pooling"),
        ("misfire.scoring.MaxPooling", "dataset"),
        ("misfire.prompts.Template", "templates"),
        ("misfire.core.errors.UsageError", "pooling"),
        ("misfire.scoring.PromptPooling", "pooling"),
        ("misfire.cells.Cell", "cell"),
        ("misfire.cells.Lab", "tracking"),
    ],
)
def test_what_is_of_another_type_than_its_group_is_refused(name: str, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        built({"_target_": name}, key)
    assert "_target_ must " in str(caught.value)


def test_what_stands_inside_is_of_the_type_that_its_place_wants() -> None:
    inner = {"_target_": "misfire.prompts.TemplateSet", "name": "a", "templates": ["{caption}"]}
    found = built({"_target_": "misfire.prompts.MatchedTemplates", "sets": {"object": inner}}, "templates")
    assert isinstance(found, MatchedTemplates)
    for other in ({"_target_": "misfire.scoring.MaxPooling"}, {"_target_": "os.system", "command": "true"}, "text"):
        with pytest.raises(UsageError, match=r"templates\.sets\.object"):
            built({"_target_": "misfire.prompts.MatchedTemplates", "sets": {"object": other}}, "templates")
    with pytest.raises(UsageError, match=r"templates\.name"):
        built({**inner, "name": {"_target_": "misfire.scoring.MaxPooling"}}, "templates")


@pytest.mark.parametrize("word", ["_partial_", "_args_", "_recursive_", "_convert_", "__class__", "_x"])
def test_words_that_a_builder_might_obey_are_refused(word: str) -> None:
    with pytest.raises(UsageError, match="a key must not begin with _"):
        built({"_target_": "misfire.scoring.MaxPooling", word: True}, "pooling")
    with pytest.raises(UsageError, match="a key must not begin with _"):
        built({"one": {word: ["misfire.scoring.MaxPooling"]}}, "pooling")


def test_a_target_may_not_refer_to_another_value() -> None:
    for text in ("${other}", "misfire.scoring.${other}", "${oc.env:HOME}"):
        config = OmegaConf.create({"other": "MaxPooling", "pooling": {"deep": [{"_target_": text}]}})
        with pytest.raises(UsageError, match=r"pooling\.deep\.0\._target_ must be written out"):
            Settings("mine", config)


def test_a_description_that_a_reference_brings_is_checked_too(tmp_path: Path) -> None:
    evil = {"_target_": "os.system", "command": f"touch {tmp_path}/x"}
    config = OmegaConf.create({"evil": evil, "pooling": "${evil}"})
    with pytest.raises(UsageError, match=r"got os\.system for pooling"):
        _ = Settings("none", config)["pooling"]
    config = OmegaConf.create({"pooling": "${oc.create:'{_target_: os.system, command: ls}'}"})
    with pytest.raises(UsageError, match=r"must name something of misfire|must refer to a key"):
        _ = Settings("none", config)["pooling"]
    assert not list(tmp_path.iterdir())


def test_a_factory_is_one_that_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: sketches\ntemplates: ['{caption}', 'a sketch of {caption}']\n")
    found = built({"_target_": "misfire.prompts.template_set_from_file", "path": str(path)}, "templates")
    assert found == TemplateSet("sketches", ("{caption}", "a sketch of {caption}"))


def test_an_argument_that_a_class_lacks_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        built({"_target_": "misfire.scoring.LogMeanExpPooling", "tua": 1}, "pooling")
    assert str(caught.value) == ("a key must be one of the configuration's, got pooling.tua; did you mean pooling.tau?")


def test_what_is_described_is_built() -> None:
    assert built({"_target_": "misfire.scoring.MaxPooling"}, "pooling") == MaxPooling()
    assert built({"_target_": "misfire.scoring.LogMeanExpPooling", "tau": 1}, "pooling") == LogMeanExpPooling(1.0)
    assert target("misfire.scoring.MeanPooling", key="pooling").__name__ == "MeanPooling"


@pytest.mark.parametrize(
    ("value", "hint", "rule"),
    [
        ("abc", int, "a whole number"),
        (1.5, int, "a whole number"),
        (True, int, "a whole number"),
        ("abc", float, "a number"),
        (math.nan, float, "a number"),
        (1, bool, "true or false"),
        ([1], str, "a text"),
        (None, str, "a text"),
        ("x", int | None, "a whole number or null"),
        ("x", float | int, "a number"),
        ("fp8", Literal["fp32", "bf16"], "one of fp32, bf16"),
        (3, list[int], "a list, each entry a whole number"),
        ([1, "two"], tuple[int, ...], "a list, each entry a whole number"),
        ([1], dict[str, int], "a mapping"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_rule(value: Any, hint: Any, rule: str) -> None:
    with pytest.raises(UsageError, match=rf"^a\.key must be {rule}, got .*; write a\.key="):
        fitted(value, hint, "a.key")


@pytest.mark.parametrize(
    ("value", "hint", "found"),
    [
        (1, float, 1.0),
        (3, float | int, 3),
        (None, int | None, None),
        (2017, str, "2017"),
        ("a/b", Path, Path("a/b")),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, 2], list[float], [1.0, 2.0]),
        ({"a": 1}, dict[str, float], {"a": 1.0}),
        ("bf16", Literal["fp32", "bf16"], "bf16"),
        (object, Any, object),
    ],
)
def test_a_value_is_what_its_type_wants(value: Any, hint: Any, found: Any) -> None:
    got = fitted(value, hint, "key")
    assert got == found
    assert type(got) is type(found)
