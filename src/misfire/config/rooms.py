"""The rooms of the methods, found rather than listed: ours, and those of packages that somebody else has installed."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, final

from misfire.config.folders import conf_folder
from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from misfire.cells import Cell

ENTRY_POINTS = "misfire.methods"
_OURS = "misfire.methods"


@final
@dataclass(frozen=True)
class Room:
    """One method's package.

    Args:
        name: What it is called.
        package: The package to import; what its ``__all__`` names is what a configuration may build.
        conf: Its folder of primary configurations and groups, where it brings one beside ours.
    """

    name: str
    package: str
    conf: Path | None


@lru_cache(maxsize=1)
def rooms() -> tuple[Room, ...]:
    """All rooms by name: the packages under ``misfire.methods``, and what other packages offer as entry points.

    A package of somebody else has an entry point of the group ``misfire.methods`` whose value is the package's name.

    Raises:
        UsageError: If two have one name, or a package that is offered isn't there.
    """
    import misfire.methods

    own = [Room(module.name, f"{_OURS}.{module.name}", None) for module in iter_modules(misfire.methods.__path__)]
    found = [*own, *(_offered(one.name, one.value) for one in entry_points(group=ENTRY_POINTS))]
    names = [room.name for room in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"a room must have a name of its own, got {twice[0]} twice; uninstall one of the packages.")
    return tuple(sorted(found, key=lambda room: room.name))


def _offered(name: str, package: str) -> Room:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            f"the room {name} must be an installed package, got {package}, which isn't; install or uninstall it whole."
        )
    conf = Path(spec.submodule_search_locations[0]) / "conf"
    return Room(name, package, conf if conf.is_dir() else None)


def conf_folders() -> tuple[Path, ...]:
    """Where configurations lie: ours first, then those that rooms bring."""
    return (conf_folder(), *(room.conf for room in rooms() if room.conf is not None))


def kinds(wanted: Collection[str]) -> "dict[str, type[Cell]]":
    """Those of some kinds of cell that a room exports, by name.

    Of our own rooms as little is imported as these need: a kind's class has a name that ends in ``Cell``, and what its
    name suggests is tried first.

    Raises:
        UsageError: If two rooms export a kind of one name.
    """
    from misfire.cells import Cell

    def is_unlikely(place: tuple[ModuleType, str]) -> bool:
        return not any(word in place[1].lower() for kind in wanted for word in kind.split("_"))

    packages = [import_module(room.package) for room in rooms()]
    exported = [(package, name) for package in packages for name in exports(package) if name.endswith("Cell")]
    found: dict[str, type[Cell]] = {}
    for package, name in sorted(exported, key=is_unlikely):
        is_ours = package.__name__.startswith(f"{_OURS}.")
        if is_ours and found.keys() >= set(wanted):
            continue
        kind = getattr(package, name)
        if isinstance(kind, type) and issubclass(kind, Cell) and kind.kind in wanted:
            if kind.kind in found:
                raise UsageError(f"a kind must stand in one room, got {kind.kind} in two; rename one of them.")
            found[kind.kind] = kind
    return found


def source_files() -> "list[Path]":
    """The files of code that cells and reports are made by: ours, and those of installed rooms, in order."""
    packages = dict.fromkeys(["misfire", *(room.package.partition(".")[0] for room in rooms())])
    specs = [spec for name in packages if (spec := find_spec(name)) is not None]
    folders = [Path(place) for spec in specs for place in spec.submodule_search_locations or ()]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def exports(module: ModuleType) -> tuple[str, ...]:
    """Names that a package offers to configurations."""
    return tuple(getattr(module, "__all__", ()))
