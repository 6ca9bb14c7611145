"""A run's artifacts: laid out in one go, listed with their checksums, and verified whenever they are read."""

import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from misfire.core.errors import IntegrityError
from misfire.core.hashing import sha256_bytes

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MANIFEST_FILE = "manifest.json"
MANIFEST, WORDS, DAMAGED = "misfire.manifest", "misfire.words", "misfire.damaged"
"""Tags of a run: its manifest's checksum, the command that makes the cell again, what of it was found damaged."""


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The list of some artifacts, each with its checksum and size; its own checksum stands in a tag of the run."""
    listed = {name: {"sha256": sha256_bytes(content), "size": len(content)} for name, content in files.items()}
    return json.dumps(listed, indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8")


@final
@dataclass(frozen=True, eq=False)
class Shelf:
    """The artifacts of one run.

    Args:
        client: MLflow's.
        run: The run.
        folder: Where they lie on this machine; ``None`` where they must be fetched.
    """

    client: "MlflowClient"
    run: "Run"
    folder: Path | None

    def lay(self, files: Mapping[str, bytes]) -> None:
        """Write artifacts. What a full disk or a kill leaves of them is found by the manifest's checksums.

        Raises:
            OSError: If there is no room, or no permission.
        """
        if self.folder is not None:
            _write(self.folder, files)
            return
        with tempfile.TemporaryDirectory() as name:
            _write(Path(name), files)
            self.client.log_artifacts(self.run.info.run_id, name)

    def replace(self, files: Mapping[str, bytes]) -> None:
        """Write artifacts in place of those that lie there.

        Raises:
            OSError: If there is no room, or no permission.
        """
        self.lay(files)
        if self.folder is not None:
            for path in sorted(self.folder.rglob("*"), reverse=True):
                if path.is_file() and path.relative_to(self.folder).as_posix() not in files:
                    path.unlink()
                elif path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
            return
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository = get_artifact_repository(str(self.run.info.artifact_uri), tracking_uri=self.client.tracking_uri)
        for stored in self._paths_at_server(""):
            if stored not in files:
                repository.delete_artifacts(stored)  # type: ignore[no-untyped-call]

    def _paths_at_server(self, folder: str) -> Iterator[str]:
        for found in self.client.list_artifacts(self.run.info.run_id, folder):
            if found.is_dir:
                yield from self._paths_at_server(found.path)
            else:
                yield str(found.path)

    def clear(self) -> None:
        """Remove the artifacts of a run that is given up, as far as they lie on this machine."""
        if self.folder is not None:
            shutil.rmtree(self.folder.parent, ignore_errors=True)

    def read(self, name: str) -> bytes:
        """The bytes of an artifact, as they were logged.

        Raises:
            IntegrityError: If they are missing or others.
        """
        stated = self._manifest.get(name)
        if stated is None:
            raise self._damage(name, "none of that name")
        content = self._fetched(name)
        if content is None:
            raise self._damage(name, "none")
        if sha256_bytes(content) != stated["sha256"]:
            raise self._damage(name, "other bytes")
        return content

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be damaged, for a read of many runs.

        What lies on this machine is read and hashed, which takes a millisecond a run; what would have to be fetched
        counts as whole until a read has found otherwise.
        """
        return DAMAGED not in self.run.data.tags if self.folder is None else self.damage is None

    @property
    def damage(self) -> str | None:
        """What is wrong with the first artifact that is missing or changed; ``None`` for a run that is whole."""
        try:
            for name in self._manifest:
                self.read(name)
        except IntegrityError as error:
            return str(error)
        return None

    @cached_property
    def _manifest(self) -> Mapping[str, Mapping[str, str | int]]:
        content = self._fetched(MANIFEST_FILE)
        if content is None:
            raise self._damage(MANIFEST_FILE, "none")
        if sha256_bytes(content) != self.run.data.tags.get(MANIFEST):
            raise self._damage(MANIFEST_FILE, "other bytes")
        listed: Mapping[str, Mapping[str, str | int]] = json.loads(content)
        return listed

    def _fetched(self, name: str) -> bytes | None:
        from mlflow.exceptions import MlflowException

        try:
            if self.folder is not None:
                return (self.folder / name).read_bytes()
            with tempfile.TemporaryDirectory() as folder:
                return Path(self.client.download_artifacts(self.run.info.run_id, name, dst_path=folder)).read_bytes()
        except (OSError, MlflowException):
            return None

    def _damage(self, name: str, got: str) -> IntegrityError:
        if self.folder is None:
            self.client.set_tag(self.run.info.run_id, DAMAGED, name)
        words = self.run.data.tags.get(WORDS)
        remedy = f"make the cell again with `{words}`" if words else "issue the cell again"
        return IntegrityError(
            f"artifact {name} of run {self.run.info.run_name} must be as it was logged, got {got}; {remedy}."
        )


def command(words: Sequence[str]) -> str:
    """The line that a shell takes for some words of our command line."""
    return shlex.join(("misfire", *words)) if words else ""


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
