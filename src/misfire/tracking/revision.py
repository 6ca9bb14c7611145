"""Which source made a number."""

import subprocess
from functools import lru_cache
from pathlib import Path

from misfire import __version__


@lru_cache(maxsize=1)
def source_revision() -> str:
    """The git revision of the checkout that misfire runs from, or its version where it's installed from a wheel."""
    package = Path(__file__).resolve().parents[1]
    if package.parent.name != "src":
        return f"misfire {__version__}"
    described = subprocess.run(
        ["git", "-C", str(package), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or f"misfire {__version__}"
