"""A verb's configuration out of its words: choices by Hydra, once for each tuple of them; values one by one."""

import copy
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from misfire.config.fitting import unknown_keys
from misfire.config.folders import conf_folder
from misfire.config.groups import content, groups, groups_of, primaries
from misfire.config.words import Word, own_words, parsed
from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from omegaconf import DictConfig

CELL = "cell"
"""The key that names a verb's kind of cell."""


def composed(verb: str, words: Sequence[str]) -> "DictConfig":
    """The configuration of a verb that words ask for; flags and Hydra's own words have no part in it.

    Raises:
        UsageError: If a word names no key or choice of the verb, with the nearest that there is.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    said = parsed(own_words(words))
    choices = tuple(word.text for word in said if word.is_choice)
    values = [word for word in said if not word.is_choice]
    check_choices(verb, said)
    base, known = _base(verb, choices)
    strangers = [word.key for word in values if word.key not in known]
    if strangers:
        raise UsageError(_unknown(verb, strangers, known, said))
    config = copy.deepcopy(base)
    for word in values:
        try:
            OmegaConf.update(config, word.key, word.values[0][0], merge=False)
        except OmegaConfBaseException as error:
            raise UsageError(f"{word.key} can't be set to {word.text}: {_one_line(error)}.") from error
    return config


def keys(verb: str, words: Sequence[str] = ()) -> frozenset[str]:
    """Every key that a verb knows with the choices among some words, dots for its parts."""
    said = parsed(own_words(words))
    check_choices(verb, said)
    return _base(verb, tuple(word.text for word in said if word.is_choice))[1]


def shared_out(verbs: Sequence[str], words: Sequence[str]) -> dict[str, list[str]]:
    """The words that each of several verbs knows, for a command that runs them one after the other.

    Raises:
        UsageError: If none of them knows a word.
    """
    shares: dict[str, list[str]] = {}
    for verb in verbs:
        own = groups_of(verb)
        choices = [word for word in words if word.partition("=")[0].partition("@")[0] in own]
        known = keys(verb, choices)
        shares[verb] = [word for word in words if word in choices or word.partition("=")[0] in known]
    strangers = [word for word in words if not any(word in share for share in shares.values())]
    if strangers:
        known = frozenset(key for verb in verbs for key in keys(verb))
        raise UsageError(unknown_keys([word.partition("=")[0] for word in strangers], known))
    return shares


@lru_cache(maxsize=128)  # a composed configuration takes about a megabyte
def _base(verb: str, choices: tuple[str, ...]) -> "tuple[DictConfig, frozenset[str]]":
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            config = hydra.compose(verb, overrides=list(choices))
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(
            f"the configuration must compose, got {' '.join(choices) or verb}: {_one_line(error)}; "
            f"`misfire {verb} --help` shows what there is."
        ) from error
    return config, frozenset(name for name in _names(config, "") if name.partition(".")[0] != CELL)


def _names(node: Any, prefix: str) -> Iterator[str]:
    if hasattr(node, "items_ex"):
        for key, value in node.items_ex(resolve=False):
            yield f"{prefix}{key}"
            yield from _names(value, f"{prefix}{key}.")


def check_choices(verb: str, said: Sequence[Word]) -> None:
    """Refuse a group that the verb doesn't compose, or a choice that there isn't, with the nearest that there is.

    Raises:
        UsageError: If there is one.
    """
    if verb not in primaries():
        raise UsageError(f"a verb must have a primary configuration, got {verb}; there are {', '.join(primaries())}.")
    own = groups_of(verb)
    for word in said:
        if not word.is_choice:
            continue
        group = word.key.partition("@")[0]
        if group not in own and "@" not in word.key:
            raise UsageError(_unknown(verb, [word.key], frozenset(own), said))
        choice = str(word.values[0][0])
        known = sorted(groups()[group])
        if choice not in known:
            near = get_close_matches(choice, known, n=1)
            hint = f"did you mean {near[0]}? There are" if near else "there are"
            raise UsageError(f"{group} must be one of its choices, got {choice}; {hint} {', '.join(known)}.")


def _unknown(verb: str, strangers: Sequence[str], known: frozenset[str], said: Sequence[Word]) -> str:
    """The sentence on unknown keys; where another choice of the group has the key, it names the choices that do."""
    group, dot, rest = strangers[0].partition(".")
    if len(strangers) == 1 and dot and group in groups_of(verb):
        having = [name for name, path in groups()[group].items() if rest in content(path)]
        if having:
            chosen = next((word.values[0][0] for word in said if word.key == group), groups_of(verb)[group])
            return (
                f"{strangers[0]} must belong to the choice of {group}, got {group}={chosen}, which has no {rest}; "
                f"choose {group}={' or '.join(sorted(having))}, or drop it."
            )
    if len(strangers) == 1 and not dot and strangers[0] in groups():
        return (
            f"a key must be one that misfire {verb} reads, got {strangers[0]}, which it doesn't; "
            f"`misfire {verb} --help` lists its keys."
        )
    return unknown_keys(strangers, known)


def _one_line(error: Exception) -> str:
    messages = dict.fromkeys(" ".join(str(part).split()) for part in (error, error.__cause__) if part is not None)
    return " ".join(messages).partition(" Config search path:")[0].partition(" full_key:")[0]


def forget() -> None:
    """Compose anew."""
    _base.cache_clear()
