"""From composed words to objects: what is kept, shared and refused."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from misfire.cli._application import compose
from misfire.config import Settings
from misfire.core.errors import UsageError
from misfire.prompts import TemplateSet
from misfire.scoring import LogMeanExpPooling
from misfire.stats import StatisticsSettings


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sede=3"], "a key must be one of the configuration's, got sede; did you mean seed?"),
        (["pooling.tua=3"], "a key must be one of the configuration's, got pooling.tua; did you mean pooling.tau?"),
        (["poolng=max"], "a key must be one of the configuration's, got poolng; did you mean pooling?"),
        (
            ["sede=3", "zzzz=1"],
            "a key must be one of the configuration's, got sede; did you mean seed?; zzzz; see `misfire VERB --help`.",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        compose(words)
    assert str(caught.value) == sentence


@pytest.mark.skipif(find_spec("hydra_plugins.hydra_submitit_launcher") is not None, reason="the launcher is installed")
def test_a_launcher_that_is_not_installed_is_refused_with_its_extra() -> None:
    with pytest.raises(UsageError) as caught:
        compose(["hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=5"])
    said = "hydra/launcher must be installed, got submitit_slurm, which isn't; "
    assert str(caught.value).startswith(f'{said}pip install "misfire[slurm]", or leave the word away')
    with pytest.raises(UsageError, match=r"Could not find 'hydra/launcher/zzzz'"):
        compose(["hydra/launcher=zzzz"])


def test_a_key_of_another_choice_does_not_hide_the_unknown_one() -> None:
    with pytest.raises(UsageError) as caught:
        compose(["subset=file", "subset.path=a.csv", "sede=3"])
    assert str(caught.value) == "a key must be one of the configuration's, got sede; did you mean seed?"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["pooling=softmax"], "softmax"),
        (["seed=many"], "many"),
        (["ks=[1,two]"], "two"),
        (["pooling=max", "pooling.tau=2"], "tau"),
        (["subset=fil", "subset.path=a.csv"], "fil"),
        (["seed"], "seed"),
    ],
)
def test_what_does_not_compose_is_one_sentence_that_names_it(words: list[str], part: str) -> None:
    with pytest.raises(UsageError) as caught:
        compose(words)
    said = str(caught.value)
    assert part in said
    assert "\n" not in said


def test_a_missing_choice_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"softmax.*Available options in 'pooling':.*embedding_mean.*logmeanexp"):
        compose(["pooling=softmax"])


@pytest.mark.parametrize(
    "target", ["os.system", "builtins.eval", "misfirex.scoring.MaxPooling", "subprocess.Popen", "misfire"]
)
def test_a_target_outside_misfire_is_refused(target: str) -> None:
    with pytest.raises(UsageError) as caught:
        _ = Settings(compose(["pooling=max", f"pooling._target_={target}"])).pooling
    assert str(caught.value) == (
        f"_target_ must name something of misfire, got {target}; wrap it in a class of the package."
    )


def test_a_target_hidden_deep_is_refused_too() -> None:
    with pytest.raises(UsageError, match=r"_target_ must name something of misfire, got os\.system"):
        _ = Settings(compose(["templates.sets.object._target_=os.system"])).templates


def test_a_target_that_misfire_lacks_is_one_sentence() -> None:
    with pytest.raises(UsageError) as caught:
        _ = Settings(compose(["pooling=max", "pooling._target_=misfire.scoring.Maximum"])).pooling
    assert "Maximum" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "attribute", "sentence"),
    [
        (["pooling.tau=0"], "pooling", "tau must be a positive finite number, got 0.0; for tau -> 0 use max"),
        (["pooling.tau=-1"], "pooling", "tau must be a positive finite number, got -1.0"),
        (["statistics.num_replicates=0"], "statistics", "num_replicates"),
        (["statistics.confidence=95"], "statistics", "confidence"),
        (["trainer.batch_size=0", "dataset.num_images=4"], "workbench", "trainer.batch_size must be >= 1, got 0"),
        (["dataset.num_images=0"], "dataset", "num_images"),
        (["tracking.experiment=''"], "tracking", "tracking.experiment must be a name"),
        (["backbone.precision=fp8"], "backbone", "precision must be one of fp32, bf16, got fp8"),
        (["subset.categories=[colour]"], "subset", "colour"),
    ],
)
def test_a_value_outside_its_range_keeps_its_own_sentence(words: list[str], attribute: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        getattr(Settings(compose(words)), attribute)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Error in call" not in str(caught.value)


def test_zero_is_a_seed() -> None:
    settings = Settings(compose(["seed=0", "statistics.seed=0", "dataset.seed=0", "complement.num_queries=0"]))
    assert settings.seed == 0
    assert settings.statistics.seed == 0
    assert settings.config.dataset.seed == 0
    assert settings.config.complement.num_queries == 0


def test_the_defaults_are_the_published_protocol() -> None:
    settings = Settings(compose([]))
    assert settings.statistics == StatisticsSettings(num_replicates=2000, confidence=0.95, seed=42)
    assert (settings.seed, settings.ks) == (42, (1, 5, 10))
    assert settings.pooling == LogMeanExpPooling(tau=1.0)


def test_equal_datasets_and_backbones_are_built_once() -> None:
    words = ["dataset.num_images=4"]
    first, second = Settings(compose([*words, "pooling=max"])), Settings(compose([*words, "pooling=mean"]))
    assert first.dataset is second.dataset
    assert first.backbone is second.backbone
    assert first.workbench is second.workbench
    assert Settings(compose([*words, "dataset.seed=1"])).dataset is not first.dataset


def test_the_yaml_composes_to_the_same(tmp_path: Path) -> None:
    from omegaconf import OmegaConf

    config = compose(["pooling=max", f"paths.root={tmp_path}"])
    assert OmegaConf.create(Settings(config).to_yaml()) == OmegaConf.create(
        OmegaConf.to_container(config, resolve=True)
    )


@pytest.mark.parametrize("words", [[], ["templates=generic"], ["templates=caption_only"]])
def test_composing_leaves_no_state_behind(words: list[str]) -> None:
    from hydra.core.global_hydra import GlobalHydra

    compose(words)
    assert not GlobalHydra.instance().is_initialized()


def test_a_set_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: sketches\ntemplates: ['{caption}', 'a sketch of {caption}']\n")
    settings = Settings(compose(["templates=file", f"templates.path={path}"]))
    assert settings.templates == TemplateSet("sketches", ("{caption}", "a sketch of {caption}"))


def test_a_whole_number_and_its_float_are_one_temperature() -> None:
    one, other = (Settings(compose([f"pooling.tau={value}"])).pooling.describe() for value in ("1", "1.0"))
    assert repr(one) == repr(other)
