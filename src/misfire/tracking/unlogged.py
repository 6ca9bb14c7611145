"""What was computed and couldn't be logged: kept beside the store until the cell is issued again."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import final

from misfire.core.files import write_bytes
from misfire.core.hashing import sha256_bytes, sha256_json
from misfire.tracking.shelf import MANIFEST, MANIFEST_FILE, manifest

_RUN_FILE = "run.json"


@final
@dataclass(frozen=True)
class RunContent:
    """What a run says besides its artifacts.

    Args:
        name: Its name.
        tags: Its tags, the checksum of its artifacts' manifest among them.
        params: What tells it from its neighbours.
        metrics: Its tracked numbers.
        data: Name and fingerprint of the data that it read, if any.
        curves: Numbers of each step from 1 on, by name.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    data: tuple[str, str] | None
    curves: Mapping[str, list[float]] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Unlogged:
    """The folder of one such cell."""

    folder: Path

    def write(self, content: RunContent, files: Mapping[str, bytes]) -> Path:
        """Keep a run and its artifacts; the run's file comes last, so that what is there is whole."""
        for name, kept in {**files, MANIFEST_FILE: manifest(files)}.items():
            write_bytes(self.folder / name, kept)
        run = asdict(content)
        write_bytes(self.folder / _RUN_FILE, json.dumps({"sha256": sha256_json(run), "run": run}).encode("utf-8"))
        return self.folder

    def read(self) -> tuple[RunContent, dict[str, bytes]] | None:
        """The run and its artifacts; None where there is none, or it isn't as it was written."""
        try:
            stored = json.loads((self.folder / _RUN_FILE).read_bytes())
            run, listed = stored["run"], (self.folder / MANIFEST_FILE).read_bytes()
            if sha256_json(run) != stored["sha256"] or sha256_bytes(listed) != run["tags"][MANIFEST]:
                return None
            files = {name: (self.folder / name).read_bytes() for name in json.loads(listed)}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if manifest(files) != listed:
            return None
        data = None if run["data"] is None else (run["data"][0], run["data"][1])
        return RunContent(run["name"], run["tags"], run["params"], run["metrics"], data, run.get("curves", {})), files

    def remove(self) -> None:
        """Forget it, once it is logged."""
        shutil.rmtree(self.folder, ignore_errors=True)
