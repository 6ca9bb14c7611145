"""A sweep file of a stranger is data: what was tried to make it run, write, fetch or send something."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from misfire.config.settings import Settings
from misfire.config.sweep import load
from misfire.core.errors import UsageError
from misfire.methods.modes import ScikitLearnClustering

GRID = {
    "title": "A sweep.",
    "question": "Does it run?",
    "decision_rule": "It must not.",
    "k": 10,
    "verb": "ensemble",
    "fixed": {"dataset.num_images": 6, "subset": "all", "templates": "generic"},
    "space": {"pooling": ["max"]},
}
CLASSIFY = {"verb": "classify", "fixed": {"dataset.num_images": 6}, "k": None}

Attempt = Callable[[str], None]


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """Goes as far with a file as a sweep does before it runs a cell, and looks what became of the folder."""
    monkeypatch.chdir(tmp_path)

    def go(text: str) -> None:
        Path("evil.yaml").write_text(text, encoding="utf-8")
        try:
            sweep = load("evil.yaml")
            for point in sweep.points(["tracking.experiment=evil"]):
                settings = Settings.of_words(sweep.verb, point)
                _ = settings["tracking"], settings.lab, settings.cell().id
        finally:
            assert [path.name for path in Path().iterdir()] == ["evil.yaml"]

    return go


def with_fixed(**fixed: Any) -> str:
    return yaml.safe_dump({**GRID, "fixed": {**GRID["fixed"], **fixed}})  # type: ignore[dict-item]


def with_space(**space: Any) -> str:
    return yaml.safe_dump({**GRID, "space": space})


def classifying(**fixed: Any) -> str:
    return yaml.safe_dump({**GRID, **CLASSIFY, "fixed": {**CLASSIFY["fixed"], **fixed}})  # type: ignore[dict-item]


def test_the_harmless_file_goes_through(attempt: Attempt) -> None:
    attempt(yaml.safe_dump(GRID))


@pytest.mark.parametrize(
    "text",
    [
        # names that look like ours: Cyrillic, full width, a ligature, a dot that is none, what can't be seen
        with_fixed(**{"pooling._target_": "misfire.scor\u0456ng.MaxPooling"}),
        with_fixed(**{"pooling._target_": "\uff4disfire.scoring.MaxPooling"}),
        with_fixed(**{"pooling._target_": "mis\ufb01re.scoring.MaxPooling"}),
        with_fixed(**{"pooling._target_": "misfire\u2024scoring\u2024MaxPooling"}),
        with_fixed(**{"pooling._target_": "misfire.scoring.Max\u200bPooling"}),
        # lists, mappings and other types where a name must stand
        with_fixed(**{"pooling._target_": ["misfire.scoring.MaxPooling"]}),
        with_fixed(**{"pooling._target_": {"_target_": "misfire.scoring.MaxPooling"}}),
        with_fixed(pooling=[{"_target_": "os.system", "command": "touch x"}]),
        with_fixed(**{"cell._target_": "os.system"}),
        with_fixed(cell={"_target_": "os.system"}),
        # a whole group in place of one of its choices
        with_fixed(templates={"name": "x"}),
        with_fixed(dataset={"index": "/tmp/x"}),
        with_fixed(templates={}),
        # what a builder might obey, as keys of their own
        *(
            with_fixed(**{f"pooling.{word}": value})
            for word, value in {
                "_partial_": True,
                "_args_": ["x"],
                "_recursive_": False,
                "_convert_": "all",
                "_mode_": "exec",
                "__class__": "os.system",
                "_target_._target_": "os.system",
            }.items()
        ),
        # references, also in an axis that is written with values, in lists and in names
        *(
            with_space(**{"pooling": ["logmeanexp"], "templates.name": {"values": [value]}})
            for value in (
                "${oc.env:HOME}",
                "${hydra:runtime.cwd}",
                "${oc.decode:'__import__(\"os\")'}",
                "${oc.create:'{_target_: os.system}'}",
                "${misfire:evil}",
                "\\${oc.env:HOME}",
            )
        ),
        with_space(**{"templates.templates": {"values": [["{caption}", "${oc.env:HOME}"]]}}),
        with_space(pooling={"values": [{"_target_": "os.system", "command": "true"}]}),
        with_space(pooling={"values": {"_target_": "os.system"}}),
        with_fixed(**{"templates.templates": ["{caption}", ["${oc.env:HOME}"]]}),
        with_fixed(**{"templates.name": "$${oc.env:HOME}"}),
        with_fixed(**{"${oc.env:HOME}": 1}),
        # Hydra's own words, however they are written
        *(
            with_fixed(**{key: "x"})
            for key in (
                "hydra",
                "hydra.searchpath",
                "++hydra.callbacks.x._target_",
                "~hydra.launcher",
                "hydra/job_logging",
                " hydra/launcher",
                "hydra@x",
                "HYDRA/launcher",
                "templates@hydra.launcher",
                "templates@cell",
                "pooling@_global_",
                "paths@pooling",
            )
        ),
        with_space(**{"hydra/launcher": ["joblib"]}),
        with_space(**{"hydra.launcher": {"subset_of": "x"}}),
        # a key that is more than a key once it is a word of the command line
        *(
            with_fixed(**{key: ""})
            for key in (
                "seed=1 hydra/launcher=joblib",
                "pooling=max,paths.root",
                "descriptions.cache=/tmp/x",
                "seed\nhydra.launcher",
                "templates.name='a',tracking.uri",
            )
        ),
        # choices that are paths
        *(
            with_fixed(templates=value)
            for value in ("../../tmp/evil", "/tmp/evil", "file:///tmp/evil", "pkg://os", "../paths/default", "glob(*)")
        ),
        # what the file would compose, were it one of Hydra's
        yaml.safe_dump({**GRID, "defaults": [{"override /pooling": "max"}]}),
        yaml.safe_dump({**GRID, "hydra": {"searchpath": ["file:///tmp"]}}),
        "# @package hydra\n" + yaml.safe_dump({**GRID, "_target_": "os.system"}),
        # YAML that builds, or hides what it says behind a merge
        yaml.safe_dump(GRID) + "seed: !!python/object/apply:os.system ['touch x']\n",
        yaml.safe_dump(GRID) + "seed: !!python/name:os.system\n",
        yaml.safe_dump(GRID) + "seed: !!python/module:os\n",
        yaml.safe_dump({**GRID, "fixed": "X"}).replace("fixed: X", "fixed:\n  <<: {hydra/launcher: joblib}\n  seed: 1"),
        yaml.safe_dump({**GRID, "fixed": "X"}).replace("fixed: X", "fixed:\n  pooling: {<<: {_target_: os.system}}"),
        yaml.safe_dump({**GRID, "fixed": "X"}).replace("fixed: X", "fixed:\n  seed: !!binary dG91Y2ggeA==\n"),
        # where things are kept, what is written where, and who is asked with whose key
        *(
            with_fixed(**{key: "x"})
            for key in (
                "tracking.uri",
                "paths.root",
                "trainer.accelerator",
                "dataset.index",
                "tracking",
                "paths.report",
            )
        ),
        *(
            classifying(descriptions="endpoint", enrich="all", **{"descriptions.model": "m", key: value})
            for key, value in {
                "descriptions.base_url": "http://evil.example",
                "descriptions.key_variable": "AWS_SECRET_ACCESS_KEY",
                "descriptions.cache": "/tmp/x",
                "descriptions.most_requests": 10**9,
            }.items()
        ),
        # torchvision: what fetches, what unpickles
        *(
            classifying(dataset="cifar10", **fixed)
            for fixed in (
                {"dataset.options": {"train": False, "download": True}},
                {"dataset.options": {"root": "/"}},
                {"dataset.source": "SEMEION"},
                {"dataset.source": "SBU", "dataset.options": {}},
                {"dataset.source": "LSUN", "dataset.options": {"classes": "test"}},
                {"dataset.source": "LSUNClass", "dataset.options": {}},
                {"dataset.source": "utils.download_url"},
                {"dataset.source": "__builtins__"},
            )
        ),
    ],
)
def test_what_a_file_might_smuggle_in_is_refused(text: str, attempt: Attempt) -> None:
    with pytest.raises(UsageError) as caught:
        attempt(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "x' hydra.launcher=joblib '",
        "a\nhydra/launcher=joblib",
        '"],_target_:os.system,["',
        "\\' ; touch x",
        "a,b",
        "$(touch x)",
        "`touch x`",
    ],
)
def test_a_text_stays_the_text_that_it_is(name: str, attempt: Attempt, tmp_path: Path) -> None:
    text = with_fixed(**{"templates.name": name})
    attempt(text)
    sweep = load("evil.yaml")
    (point,) = sweep.points([])
    assert Settings.of_words("ensemble", point)["templates"].name == name


@pytest.mark.parametrize("file", ["...yaml", "..yaml"])
def test_a_file_s_name_leads_to_no_other_folder(file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_text(yaml.safe_dump(GRID))
    with pytest.raises(UsageError, match=r"tracking\.experiment must be a name that is no path to elsewhere"):
        _ = Settings.of_words("ensemble", [f"tracking.experiment={load(str(path)).name}"])["tracking"]


@pytest.mark.parametrize("settings", [{"memory": "cache"}, {"verbose": True}, {"metric_params": 1, "n_clusterz": 2}])
def test_scikit_learn_is_told_nothing_that_unpickles(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="settings must be arguments of AgglomerativeClustering that choose clusters"):
        ScikitLearnClustering("AgglomerativeClustering", settings)
