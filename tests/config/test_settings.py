"""From words to objects: what is kept, shared and refused."""

from pathlib import Path

import pytest

from misfire.config import Settings
from misfire.config.composing import composed
from misfire.core.errors import UsageError
from misfire.prompts import TemplateSet
from misfire.scoring import LogMeanExpPooling
from misfire.stats import StatisticsSettings


def settings_of(*words: str, verb: str = "ensemble") -> Settings:
    return Settings.of_words(verb, words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sede=3"], "a key must be one of the configuration's, got sede; did you mean seed?"),
        (["pooling.tua=3"], "a key must be one of the configuration's, got pooling.tua; did you mean pooling.tau?"),
        (["poolng=max"], "a key must be one of the configuration's, got poolng; did you mean pooling?"),
        (
            ["sede=3", "zzzz=1"],
            "a key must be one of the configuration's, got sede (did you mean seed?), zzzz; "
            "`misfire VERB --help` lists the keys.",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        composed("ensemble", words)
    assert str(caught.value) == sentence


def test_a_key_of_another_choice_does_not_hide_the_unknown_one() -> None:
    with pytest.raises(UsageError) as caught:
        composed("ensemble", ["subset=file", "subset.path=a.csv", "sede=3"])
    assert str(caught.value) == "a key must be one of the configuration's, got sede; did you mean seed?"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pooling=softmax"], "pooling must be one of its choices, got softmax; did you mean max? There are "),
        (
            ["subset=fil", "subset.path=a.csv"],
            "subset must be one of its choices, got fil; did you mean file? There are",
        ),
        (["seed=many"], "seed must be a whole number, got many; write seed=3."),
        (["ks=[1,two]"], "ks must be a list, each entry a whole number, got [1, 'two']; write ks=[3]."),
        (["ks=[1,2"], "ks must be a list, each entry a whole number, got [1,2; write ks=[3]."),
        (
            ["pooling=max", "pooling.tau=2"],
            "pooling.tau must belong to the choice of pooling, got pooling=max, which has no tau; choose "
            "pooling=logmeanexp or logsumexp, or drop it.",
        ),
        (["seed"], "a setting must be written key=value, got seed;"),
        (["dev_share=half"], "dev_share must be a number, got half; write dev_share=0.5."),
        (["annotator=ann"], "a key must be one of the configuration's, got annotator;"),
    ],
)
def test_what_does_not_compose_is_one_sentence_with_key_rule_value_and_remedy(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(*words)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "attribute", "sentence"),
    [
        (["pooling.tau=0"], "pooling", "tau must be a positive finite number, got 0.0; for tau -> 0 use max"),
        (["pooling.tau=-1"], "pooling", "tau must be a positive finite number, got -1.0"),
        (["statistics.num_replicates=0"], "statistics", "num_replicates"),
        (["statistics.confidence=95"], "statistics", "confidence"),
        (["trainer.batch_size=0", "dataset.num_images=4"], "trainer", "trainer.batch_size must be >= 1, got 0"),
        (["dataset.num_images=0"], "dataset", "num_images"),
        (["tracking.experiment=''"], "tracking", "tracking.experiment must be a name"),
        (["backbone.precision=fp8"], "backbone", "precision must be one of fp32, bf16, got fp8"),
        (["subset.categories=[colour]"], "subset", "colour"),
    ],
)
def test_a_value_outside_its_range_keeps_its_own_sentence(words: list[str], attribute: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        _ = settings_of(*words)[attribute]
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Error in call" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "attribute", "sentence"),
    [
        (["pooling.tau=abc"], "pooling", "pooling.tau must be a number, got abc; write pooling.tau=0.5."),
        (["dataset.num_images=many"], "dataset", "dataset.num_images must be a whole number, got many;"),
        (["dataset.num_images=1.5"], "dataset", "dataset.num_images must be a whole number, got 1.5;"),
        (["statistics.seed=null"], "statistics", "statistics.seed must be a whole number, got null;"),
        (["templates=generic", "templates.templates=3"], "templates", "templates.templates must be a list"),
        (["backbone.model=null"], "backbone", "backbone.model must be a text, got null;"),
    ],
)
def test_a_value_of_another_type_is_refused_with_key_rule_value_and_remedy(
    words: list[str], attribute: str, sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        _ = settings_of(*words)[attribute]
    assert str(caught.value).startswith(sentence)


def test_zero_is_a_seed() -> None:
    settings = settings_of("seed=0", "statistics.seed=0", "dataset.seed=0", "complement.num_queries=0")
    assert settings["seed"] == 0
    assert settings["statistics"].seed == 0
    assert settings["dataset.seed"] == 0
    assert settings["complement.num_queries"] == 0


def test_the_defaults_are_the_published_protocol() -> None:
    settings = settings_of()
    assert settings["statistics"] == StatisticsSettings(num_replicates=2000, confidence=0.95, seed=42)
    assert (settings["seed"], settings["ks"]) == (42, [1, 5, 10])
    assert settings["pooling"] == LogMeanExpPooling(tau=1.0)


def test_equal_descriptions_are_built_once() -> None:
    words = ("dataset.num_images=4", "trainer=cpu")
    first, second = settings_of(*words, "pooling=max"), settings_of(*words, "pooling=mean")
    assert first["dataset"] is second["dataset"]
    assert first["backbone"] is second["backbone"]
    assert first.lab is second.lab
    assert first.bench is second.bench
    assert settings_of(*words, "dataset.seed=1")["dataset"] is not first["dataset"]


def test_the_yaml_says_where_values_come_from(tmp_path: Path) -> None:
    from omegaconf import OmegaConf

    settings = settings_of("pooling=max", f"paths.root={tmp_path}")
    config = OmegaConf.create(settings.to_yaml())
    assert config.tracking.uri == f"sqlite:///{tmp_path}/mlflow.db"
    config.paths.root = "elsewhere"
    assert config.tracking.uri == "sqlite:///elsewhere/mlflow.db"


def test_a_kind_is_what_the_choice_asks_for() -> None:
    assert settings_of().kind.kind == "ensemble"
    assert settings_of("pooling=profile", "pooling.num_taus=5").kind.kind == "profile"
    assert settings_of("pooling=profile", verb="gap").kind.kind == "gap"
    with pytest.raises(UsageError, match="cell must name a kind of cell and nothing else, got None"):
        _ = settings_of(verb="mine").kind


@pytest.mark.parametrize("words", [[], ["templates=generic"], ["templates=caption_only"]])
def test_composing_leaves_no_state_behind(words: list[str]) -> None:
    from hydra.core.global_hydra import GlobalHydra

    composed("ensemble", words)
    assert not GlobalHydra.instance().is_initialized()


def test_a_set_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: sketches\ntemplates: ['{caption}', 'a sketch of {caption}']\n")
    settings = settings_of("templates=file", f"templates.path={path}")
    assert settings["templates"] == TemplateSet("sketches", ("{caption}", "a sketch of {caption}"))


def test_a_whole_number_and_its_float_are_one_temperature() -> None:
    one, other = (settings_of(f"pooling.tau={value}")["pooling"].describe() for value in ("1", "1.0"))
    assert repr(one) == repr(other)
