"""A verb's configuration out of its words: choices by Hydra, each once in a grid; values one by one."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, final

from misfire.config.building import TARGET
from misfire.config.experiment import EXPERIMENT, ad_hoc_name
from misfire.config.fitting import unknown_keys
from misfire.config.folders import conf_folder
from misfire.config.groups import content, groups, groups_of, primaries
from misfire.config.splicing import Splices, groups_in
from misfire.config.words import Word, own_words, parsed
from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from omegaconf import DictConfig

_DATA = "dataset"
CELL = "cell"
"""The key that names a verb's kind of cell."""

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")


@final
class Composition:
    """A verb's files with the values that words set in them.

    Args:
        base: What the files compose.
        values: What words set, by key.
    """

    def __init__(self, base: "_Base", values: Mapping[str, Any]) -> None:
        self._base = base
        self._values = values

    @cached_property
    def config(self) -> "DictConfig":
        """The whole, which belongs to the caller.

        Raises:
            UsageError: If a value can't stand where it is set.
        """
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        config = copy.deepcopy(self._base.config)
        for key, value in self._values.items():
            try:
                OmegaConf.update(config, key, value, merge=False)
            except OmegaConfBaseException as error:
                raise UsageError(f"{key} can't be set to {value}: {_one_line(error)}.") from error
        return config

    @property
    def plain(self) -> dict[str, Any]:
        """The whole as plain data, references followed.

        Raises:
            UsageError: If a reference leads nowhere, or stands where the name of a class must be written out.
        """
        if any(self._base.has_reference_to(key) or not _is_plain(value) for key, value in self._values.items()):
            return resolved(self.config)
        # Nothing that is set is read by another key, so what the files say is what it was: a grid of a thousand
        # cells follows each reference once.
        found = copy.deepcopy(self._base.plain)
        for key, value in self._values.items():
            *parts, last = key.split(".")
            node = found
            for part in parts:
                node = node[part]
            node[last] = copy.deepcopy(value)
        return found


@final
@dataclass(frozen=True, eq=False)
class _Base:
    """What files compose before a word has set a value.

    Args:
        config: The configuration.
        names: Every key.
    """

    config: "DictConfig"
    names: frozenset[str]

    @cached_property
    def plain(self) -> dict[str, Any]:
        """As plain data, references followed."""
        return resolved(self.config)

    @cached_property
    def lacks_experiment(self) -> bool:
        """Whether the files leave open what the experiment is called."""
        from omegaconf import OmegaConf

        return EXPERIMENT in self.names and OmegaConf.select(self.config, EXPERIMENT) is None

    @cached_property
    def _references(self) -> frozenset[str]:
        from omegaconf import OmegaConf

        return frozenset(_REFERENCE.findall(OmegaConf.to_yaml(self.config)))

    def has_reference_to(self, key: str) -> bool:
        """Whether the value of another key is this one's, or of a part of it, or of what it is a part of."""
        return any(f"{one}.".startswith(f"{key}.") or f"{key}.".startswith(f"{one}.") for one in self._references)


def composition(verb: str, words: Sequence[str]) -> Composition:
    """What a verb's files and some words say together; flags and Hydra's own words have no part in it.

    Raises:
        UsageError: If a word names no key or choice of the verb, with the nearest that there is.
    """
    said = parsed(own_words(words))
    choices = tuple(word.text for word in said if word.is_choice)
    values = [word for word in said if not word.is_choice]
    check_choices(verb, said)
    base = _base(verb, choices)
    strangers = [word.key for word in values if word.key not in base.names]
    if strangers:
        raise UsageError(_unknown(verb, strangers, base.names, said))
    found = {word.key: word.values[0][0] for word in values}
    _check_described(base, found)
    if base.lacks_experiment and found.get(EXPERIMENT) is None:
        found[EXPERIMENT] = ad_hoc_name(verb, [said])
    return Composition(base, found)


def composed(verb: str, words: Sequence[str]) -> "DictConfig":
    """The configuration that words ask for.

    Raises:
        UsageError: If a word names no key or choice of the verb, with the nearest that there is.
    """
    return composition(verb, words).config


def resolved(config: "DictConfig") -> dict[str, Any]:
    """A configuration as plain data, references followed.

    Raises:
        UsageError: If a reference leads nowhere, or stands where the name of a class must be written out.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    _check_written_out(config, "")
    try:
        found: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise UsageError(
            f"a value must refer to a key that is there, got: {' '.join(str(error).split())}; mend it, or write "
            "'\\${' for a name that holds those letters."
        ) from error
    return found


def _check_written_out(node: Any, key: str) -> None:
    """What is built is written out where it stands: a reference could be led elsewhere by another key."""
    from omegaconf import OmegaConf

    if node is None or node._is_none() or node._is_missing() or node._is_interpolation():
        return
    if OmegaConf.is_dict(node):
        for name in node:
            if str(name).startswith("_") and OmegaConf.is_interpolation(node, name):
                raise UsageError(f"{key}{name} must be written out, got a reference to another value; write the name.")
            _check_written_out(node._get_node(name), f"{key}{name}.")
    elif OmegaConf.is_list(node):
        for place in range(len(node)):
            _check_written_out(node._get_node(place), f"{key}{place}.")


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return False
    return all(map(_is_plain, value)) if isinstance(value, list) else not (isinstance(value, str) and "${" in value)


def keys(verb: str, words: Sequence[str] = ()) -> frozenset[str]:
    """Every key that a verb knows with the choices among some words, dots for its parts."""
    said = parsed(own_words(words))
    check_choices(verb, said)
    return _base(verb, tuple(word.text for word in said if word.is_choice)).names


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
def _base(verb: str, choices: tuple[str, ...]) -> _Base:
    splices = _splices(verb, groups_in(choices))
    config = splices.config(choices)
    if config is None:
        config = _composed_by_hydra(verb, choices)
        splices.keep(choices, config)
    _check_kind(verb, choices, config)
    return _Base(config, frozenset(name for name in _names(config, "") if name.partition(".")[0] != CELL))


@lru_cache(maxsize=16)
def _splices(verb: str, groups: tuple[str, ...]) -> Splices:
    """What is known of a verb whose words choose from some groups."""
    return Splices()


def _composed_by_hydra(verb: str, choices: tuple[str, ...]) -> "DictConfig":
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return hydra.compose(verb, overrides=list(choices))
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(
            f"the configuration must compose, got {' '.join(choices) or verb}: {_one_line(error)}; "
            f"`misfire {verb} --help` shows what there is."
        ) from error


def _check_described(base: "_Base", values: Mapping[str, Any]) -> None:
    """Refuse plain keys in place of a whole object: what they leave out would be gone, and with it what it is."""
    from omegaconf import OmegaConf

    for key, value in values.items():
        if isinstance(value, Mapping) and TARGET not in value and f"{key}.{TARGET}" in base.names:
            first = next(iter(value), "KEY")
            built = OmegaConf.select(base.config, f"{key}.{TARGET}")
            raise UsageError(
                f"{key} must be a choice, or an object with its {TARGET} ({built}), got a mapping without; set its "
                f"keys one by one, as {key}.{first}=VALUE."
            )


def _check_kind(verb: str, choices: Sequence[str], config: "DictConfig") -> None:
    """Refuse data that asks for another kind of cell than the verb makes with it: the verb's own couldn't read it.

    Of other groups the kinds themselves say what they take instead.
    """
    chosen = {**groups_of(verb), **{key: value for key, _, value in (word.partition("=") for word in choices)}}
    choice = chosen.get(_DATA, "")
    said = content(groups()[_DATA][choice]).get(CELL) if choice in groups()[_DATA] else None
    own = CELL in content(primaries()[verb])
    if said is not None and said != (config.get(CELL) if own else None):
        raise UsageError(
            f"{_DATA} must be a choice for misfire {verb}, got {choice}, which asks for another kind of cell; choose "
            "one with images, or a verb that reads it, as `misfire classify`."
        )


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
    _splices.cache_clear()
