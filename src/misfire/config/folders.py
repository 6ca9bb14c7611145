"""Where ``conf/`` and ``sweeps/`` lie: in a checkout beside ``src``, in an installed wheel inside the package."""

from pathlib import Path

from misfire.core.errors import IntegrityError

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE, _PACKAGE.parents[1])


def conf_folder() -> Path:
    """The folder of configuration groups.

    Raises:
        IntegrityError: If the installation lacks it.
    """
    return _bundled("conf", marker="ensemble.yaml")


def sweeps_folder() -> Path:
    """The folder of bundled sweeps.

    Raises:
        IntegrityError: If the installation lacks it.
    """
    return _bundled("sweeps", marker="table1.yaml")


def _bundled(name: str, *, marker: str) -> Path:
    for place in _PLACES:
        if (place / name / marker).is_file():
            return place / name
    raise IntegrityError(f"an installed misfire must hold {name}/{marker}, found none in {_PACKAGE}; install it again.")
