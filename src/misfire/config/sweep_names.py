"""What the bundled sweeps are called; apart from what they hold, so that help needs nothing that they are built of."""

from misfire.config.folders import sweeps_folder
from misfire.config.groups import content


def sweep_names(*, searches: bool | None = None) -> list[str]:
    """Names of the bundled files: all, or those that are searches, or those that aren't."""
    found = sorted(sweeps_folder().glob("*.yaml"))
    return [path.stem for path in found if searches in (None, "objectives" in content(path))]
