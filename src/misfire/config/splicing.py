"""Configurations of a grid: what each choice puts in its place is composed once, and not once for each of its cells."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

from misfire.config.groups import groups, package_of

if TYPE_CHECKING:
    from omegaconf import DictConfig


@final
class Splices:
    """What the files of one verb compose when the same groups are chosen, each time otherwise.

    A grid of six poolings on seven subsets has 42 configurations, and 12 of them say all: the first one, and those that
    differ from it by one choice. Where such a choice changes its own place alone, the others are the first one with
    these places filled. A choice that changes more, or whose file says itself where it belongs, is left to Hydra
    wherever it occurs.
    """

    def __init__(self) -> None:
        self._first: tuple[str, ...] = ()
        self._config: DictConfig | None = None
        self._places: dict[str, DictConfig] = {}

    def config(self, choices: Sequence[str]) -> "DictConfig | None":
        """What some choices compose, if what was kept says it.

        Args:
            choices: Words ``group=choice``, of the same groups in the same order each time.
        """
        differing = self._differing(choices)
        if self._config is None or not all(word in self._places for word in differing):
            return None
        config = copy.deepcopy(self._config)
        for word in differing:
            config[_group(word)] = self._places[word]
        return config

    def keep(self, choices: Sequence[str], config: "DictConfig") -> None:
        """Keep what Hydra composed of some choices, as far as it says what others compose."""
        if not all(map(_stays_in_its_place, choices)):
            return
        if self._config is None:
            self._first, self._config = tuple(choices), config
            return
        differing = self._differing(choices)
        if len(differing) != 1:
            return
        (word,) = differing
        group = _group(word)
        rest, first = _plain(config), _plain(self._config)
        if group in rest and group in first:
            del rest[group], first[group]
            if rest == first:
                self._places[word] = config[group]

    def _differing(self, choices: Sequence[str]) -> list[str]:
        return [word for word, first in zip(choices, self._first, strict=True) if word != first] if self._first else []


def groups_in(choices: Sequence[str]) -> tuple[str, ...]:
    """The groups that words choose from, in order."""
    return tuple(map(_group, choices))


def _group(word: str) -> str:
    return word.partition("=")[0]


def _stays_in_its_place(word: str) -> bool:
    """Whether a choice's file leaves it to its group where it belongs, so that no other choice's place is its."""
    group, _, choice = word.partition("=")
    path = groups().get(group, {}).get(choice)
    return path is not None and "/" not in group and package_of(path) is None


def _plain(config: "DictConfig") -> dict[str, Any]:
    from omegaconf import OmegaConf

    found: dict[str, Any] = OmegaConf.to_container(config, resolve=False)  # type: ignore[assignment]
    return found
