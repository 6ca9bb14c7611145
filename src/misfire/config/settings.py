"""A composed configuration as objects and plain data, read by key: what the rooms of the methods see of it."""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from misfire.config.building import TARGET, built, target
from misfire.config.composing import CELL, Composition, composition, resolved
from misfire.config.fitting import MISSING, fitted_fields, hints_of, unknown_keys
from misfire.config.words import PATH_KEYS
from misfire.core.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from misfire.cells import Cell, Lab, Logged, Workbench

_MOST_KEPT = 4
_DEAR = ("dataset", "backbone")
_kept: dict[str, "OrderedDict[str, Any]"] = {}
_labs: "OrderedDict[str, Lab]" = OrderedDict()


@final
class Settings:
    """One command's configuration; an object is built when it is first asked for, and once for equal descriptions.

    Args:
        verb: Whose configuration it is.
        config: As it was composed.

    Raises:
        UsageError: If a scalar isn't of the type that the verb's schema states, or a key isn't in it.
    """

    def __init__(self, verb: str, config: "DictConfig | Composition") -> None:
        self.verb = verb
        self._composed = config
        self._built: dict[str, Any] = {}
        self._plain = _checked(verb, config.plain if isinstance(config, Composition) else resolved(config))

    @classmethod
    def of_words(cls, verb: str, words: Sequence[str]) -> "Settings":
        """The configuration that words ask for.

        Raises:
            UsageError: If they don't compose.
        """
        return cls(verb, composition(verb, words))

    def __getitem__(self, key: str) -> Any:
        """The value of a key, dots for its parts: an object where the configuration describes one, else plain data.

        Raises:
            UsageError: If there is no such key, or its value is refused.
        """
        node: Any = self._plain
        for part in key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                raise UsageError(unknown_keys([key], list(self._plain)))
            node = node[part]
        if node == MISSING:
            raise UsageError(f"{key} must be given, got nothing; add {key}=... to the command.")
        if not isinstance(node, Mapping | list):
            return node
        if key not in self._built:
            self._built[key] = _shared(key, node)
        return self._built[key]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key at the top, or another one where the verb has no such key."""
        return self[key] if key in self._plain else default

    def varied(self, key: str, **values: Any) -> Any:
        """The object of a group, with other values than are configured."""
        node = {**self._plain[key], **values}
        return _shared(key, node)

    @property
    def _config(self) -> "DictConfig":
        return self._composed.config if isinstance(self._composed, Composition) else self._composed

    @property
    def root(self) -> Path:
        """The folder under which everything is kept."""
        return Path(self._plain["paths"]["root"])

    @property
    def lab(self) -> "Lab":
        """Where cells run: one for equal settings, so that cells of a process share what they embed."""
        from misfire.cells import Lab
        from misfire.embeddings import EmbeddingStore

        name = json.dumps([str(self.root.resolve()), self._plain["trainer"]], sort_keys=True)
        if name not in _labs:
            store = EmbeddingStore(self.root / "embeddings")
            _labs[name] = Lab(root=self.root, store=store, trainer=self["trainer"])
            while len(_labs) > _MOST_KEPT:
                _labs.popitem(last=False)
        return _labs[name]

    @property
    def kind(self) -> "type[Cell]":
        """The kind of cell that the configuration asks for.

        Raises:
            UsageError: If it asks for none.
        """
        return _kind_of(self.verb, self._plain)

    @property
    def bench(self) -> "Workbench":
        """The workbench of the configured dataset and backbone."""
        return self.lab.bench(self["dataset"], self["backbone"])

    def cell(self) -> "Cell":
        """The cell that the configuration asks for.

        Raises:
            UsageError: If a part is refused, or they don't fit each other.
        """
        cell = self.kind.configured(self)
        for key, node in self._plain.items():
            # What this kind doesn't read is built too, where that is cheap: a slip in it must not pass unseen.
            if key not in (CELL, *_DEAR) and isinstance(node, Mapping) and TARGET in node:
                _ = self[key]
        return cell

    def of(self, logged: "Logged") -> "Settings":
        """The configuration that made a finished cell, with our folders and store in place of the ones it had then.

        Raises:
            IntegrityError: If what is stored isn't a configuration.
        """
        import yaml
        from omegaconf import DictConfig, OmegaConf

        try:
            config = OmegaConf.create(logged.config)
        except yaml.YAMLError as error:
            raise IntegrityError(f"the stored configuration of cell {logged.name} isn't YAML; run it again.") from error
        if not isinstance(config, DictConfig):
            raise IntegrityError(f"the stored configuration of cell {logged.name} holds no keys; run it again.")
        for key in ("paths", "tracking", "trainer"):
            if key in config and key in self._config:
                config[key] = self._config[key]
        return Settings(self.verb, config)

    def to_yaml(self) -> str:
        """The composed configuration as YAML; what refers to another key still does."""
        from omegaconf import OmegaConf

        return OmegaConf.to_yaml(self._config)


def _kind_of(verb: str, plain: Mapping[str, Any]) -> "type[Cell]":
    described = plain.get(CELL)
    if not isinstance(described, Mapping) or set(described) != {TARGET}:
        raise UsageError(f"{CELL} must name a kind of cell and nothing else, got {described} for misfire {verb}.")
    from misfire.cells import Cell

    kind = target(described[TARGET], key=CELL, expected=(Cell,))
    assert isinstance(kind, type)
    return kind


def _checked(verb: str, plain: dict[str, Any]) -> dict[str, Any]:
    """The plain values held against the schema: the kind's for a cell, the verb's own otherwise."""
    from misfire.config.schema import of_verb

    if CELL in plain:
        kind, values = _kind_of(verb, plain), {key: value for key, value in plain.items() if key != CELL}
        return {**_with_schema(kind.schema, values), CELL: plain[CELL]}
    schema = of_verb(verb)
    return plain if schema is None else _with_schema(schema, plain)


def _with_schema(schema: type, values: dict[str, Any]) -> dict[str, Any]:
    found = fitted_fields(values, schema)
    _made(schema, found)  # a schema may refuse what its types allow
    return found


def _made(schema: type, values: Mapping[str, Any]) -> Any:
    hints, arguments = hints_of(schema), {}
    for one in fields(schema):
        key = one.name.rstrip("_")
        if key in values:
            hint, value = hints.get(one.name), values[key]
            is_part = isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping)
            arguments[one.name] = _made(hint, value) if is_part and isinstance(hint, type) else value
    return schema(**arguments)


def _shared(key: str, node: Any) -> Any:
    """The object of a description, built once for equal ones among the last few of a key."""
    # What a file says may be another thing by the next command of a process; of datasets and models that is too dear.
    if not _describes(node) or (key not in _DEAR and _reads_a_file(node)):
        return built(node, key)
    name = json.dumps(node, sort_keys=True, default=str)
    kept = _kept.setdefault(key, OrderedDict())
    if name not in kept:
        kept[name] = built(node, key)
        while len(kept) > _MOST_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(name)
    return kept[name]


def _reads_a_file(node: Any) -> bool:
    if isinstance(node, Mapping):
        named = any(key in PATH_KEYS and isinstance(value, str) for key, value in node.items())
        return named or any(map(_reads_a_file, node.values()))
    return isinstance(node, list) and any(map(_reads_a_file, node))


def _describes(node: Any) -> bool:
    if isinstance(node, Mapping):
        return TARGET in node or any(map(_describes, node.values()))
    return isinstance(node, list) and any(map(_describes, node))


def forget() -> None:
    """Build anew."""
    _kept.clear()
    _labs.clear()
