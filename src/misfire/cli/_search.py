"""A study from the command line: its words, the checks before anything is written, and the work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misfire.cli._application import compose, run_jobs
from misfire.cli._trial import design_on, trial_job
from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_json

if TYPE_CHECKING:
    from misfire.cells.axis import Setting
    from misfire.config import Settings
    from misfire.config.search import Search
    from misfire.methods.retrieval.ensemble.cell import Cell
    from misfire.tracking import Study

_OF_HYDRA = ("hydra.", "hydra/")
# Words that `misfire search` takes besides the configuration's: all say how it is worked off, none what is searched.
_OWN = ("num_trials", "storage", "take_over", "at_once")


@dataclass(frozen=True)
class PreparedSearch:
    """A search that composes.

    Args:
        source: Name or path of its description.
        search: The description.
        words: Overrides that all its cells share.
        settings: Their configuration, before a setting is chosen.
        digest: Names all that its trials' values depend on.
        own: How it is worked off: where the study lies, how many trials at once.
    """

    source: str
    search: "Search"
    words: tuple[str, ...]
    settings: "Settings"
    digest: str
    own: dict[str, Any]

    @property
    def study_words(self) -> list[str]:
        """The words that tell the sweeper which study it works off."""
        told = {
            "search": str(Path(self.source).resolve()) if Path(self.source).suffix else self.source,
            "study": self.settings.tracking.experiment,
            "folder": str(self.settings.root.resolve() / "studies"),
            "digest": self.digest,
            "num_trials": self.search.num_trials,
            **self.own,
        }
        return [
            "hydra/sweeper=misfire_search",
            *(f"hydra.sweeper.{key}={_as_word(value)}" for key, value in told.items() if value is not None),
        ]


def prepare(source: str, words: Sequence[str]) -> PreparedSearch:
    """Read the description, compose every choice in it, and find its dev queries.

    Raises:
        UsageError: If a part is refused. Embeddings and a failure set may have been made by then, a study not.
    """
    from misfire.cells.space import settings_with_every_value
    from misfire.config import Settings
    from misfire.config.search import load_search, study_plan
    from misfire.methods.retrieval.search.split import dev_queries

    own, rest = _own_words(words)
    search = load_search(source)
    search = search.lasting(own.pop("num_trials")) if "num_trials" in own else search
    shared = _last_of_each([*search.words, f"tracking.experiment={search.name}", *rest])
    _check_words(search, rest)
    compose([word for word in rest if word.startswith(_OF_HYDRA)])  # a launcher that isn't there is refused now
    settings = Settings(compose(_without_hydra(shared)))
    if search.k not in settings.ks:
        raise UsageError(f"ks must hold {search.k}, by which search {search.name} decides, got {settings.ks}; add it.")
    if study_plan(search, "").num_to_do < 1:
        raise UsageError(f"search {search.name} must have a trial to do, got none; enlarge its space.")
    telling = [
        Settings(compose(_without_hydra(_shared_with(shared, search, setting))))
        for setting in settings_with_every_value(search.space)
    ]
    for tried in telling:
        _ = tried.pooling, tried.templates, tried.statistics, tried.subset, tried.tracking, tried.backbone
    dev = dev_queries(settings.dataset, dev_share=search.dev_share, seed=search.seed)
    designs = [design_on(dev, tried) for tried in telling]
    _check_same_queries(search, [cell for _, cell in designs])
    failure_sets = {failure_set.digest for failure_set, _ in designs if failure_set}
    digest = _digest(search, settings, {cell.id for _, cell in designs}, failure_sets)
    return PreparedSearch(source, search, shared, settings, digest, own)


def work_off(prepared: PreparedSearch) -> "Study":
    """Do what is left of the study, and wait for nobody. Returns it."""
    # The store is made and migrated here, once, before any other process of this search opens it.
    _ = prepared.settings.tracking.experiment_id
    open_study(prepared)
    words = [word for word in prepared.words if word not in ("-m", "--multirun")]
    run_jobs("search", trial_job(prepared.search), [*words, *prepared.study_words], root=prepared.settings.root)
    return open_study(prepared)


def open_study(prepared: PreparedSearch) -> "Study":
    """The study, begun if it is new."""
    from misfire.config.search import study_plan
    from misfire.tracking import Study

    return Study(
        prepared.settings.tracking.experiment,
        prepared.settings.root.resolve() / "studies",
        study_plan(prepared.search, prepared.digest),
        storage=prepared.own.get("storage"),
        take_over=prepared.own.get("take_over"),
    )


def settings_of(prepared: PreparedSearch, setting: "Setting") -> "Settings":
    """The configuration of one setting of the search."""
    from misfire.config import Settings

    return Settings(compose(_without_hydra(_shared_with(prepared.words, prepared.search, setting))))


def _own_words(words: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    own: dict[str, Any] = {}
    rest = []
    for word in words:
        key, _, value = word.partition("=")
        if key in _OWN:
            own[key] = value
        else:
            rest.append(word)
    for key in ("num_trials", "at_once"):
        if key in own:
            if not own[key].isdigit() or int(own[key]) < 1:
                raise UsageError(f"{key} must be a whole number from 1, got {own[key]}; write {key}=4.")
            own[key] = int(own[key])
    return own, tuple(rest)


def _last_of_each(words: Sequence[str]) -> tuple[str, ...]:
    """Each key once: what is said on the command line stands in the place of what the description fixes."""
    return tuple({word.partition("=")[0]: word for word in words}.values())


def _check_words(search: "Search", words: Sequence[str]) -> None:
    """Refuse words that would take a choice from the search, or change what works it off."""
    sweepers = [word for word in words if word.startswith(("hydra.sweeper", "hydra/sweeper"))]
    if sweepers:
        raise UsageError(f"a search has a sweeper of its own, got {sweepers[0]}; its words are {', '.join(_OWN)}.")
    taken = [word for word in words if word.partition("=")[0] in search.space.keys]
    if taken:
        raise UsageError(
            f"what a search varies can't be fixed beside it, got {taken[0]}; change the space of {search.name} instead."
        )


def _without_hydra(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.startswith((*_OF_HYDRA, "-"))]


def _shared_with(words: Sequence[str], search: "Search", setting: "Setting") -> list[str]:
    from misfire.config.words import word

    own = [word(key, value) for key, value in search.space.assigned(setting).items()]
    keys = {word.partition("=")[0] for word in own}
    return [*(word for word in words if word.partition("=")[0] not in keys), *own]


def _check_same_queries(search: "Search", cells: "Sequence[Cell]") -> None:
    """Refuse backbones that would be asked different queries: whoever has the easier ones would win."""
    subsets = {tuple(cell.subset.positions.tolist()) for cell in cells}
    if len(subsets) > 1:
        raise UsageError(
            f"a search over backbones must ask all of them the same queries, got {len(subsets)} different subsets "
            f"{cells[0].subset.name} in {search.name}, each of a backbone's own failures; fix subset: all or a file, "
            "and choose the objective hits."
        )


def _digest(search: "Search", settings: "Settings", cells: set[str], failure_sets: set[str]) -> str:
    from omegaconf import OmegaConf

    config = settings.config
    return sha256_json(
        {
            "space": repr(search.space),
            "sampler": [search.sampler, search.seed, search.batch],
            "split": [search.dev_share, search.seed],
            "prune": search.prune,
            "objectives": [[objective.name, objective.k] for objective in search.objectives],
            "dataset": settings.dataset.fingerprint,
            "cells": sorted(cells),
            "failure_sets": sorted(failure_sets),
            "subset": OmegaConf.to_container(config.subset, resolve=True),
            "complement": str(config.complement.num_queries),
            "seed": settings.seed,
            "ks": list(settings.ks),
            "statistics": asdict(settings.statistics),
            "fixed": dict(search.fixed),
        }
    )


def _as_word(value: Any) -> str:
    from misfire.config.words import quoted

    return quoted(value) if isinstance(value, str) else str(value)
