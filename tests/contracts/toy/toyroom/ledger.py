"""A ledger in a folder: a room may bring one, as it may bring any other choice of a group."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from filelock import FileLock, Timeout

from misfire.cells import Cell, Claim, Logged, Outcome, Question, ReportPart, artifacts
from misfire.core.errors import IntegrityError
from misfire.core.files import write_files


@final
@dataclass(frozen=True)
class FolderLedger:
    """Cells as folders.

    Args:
        folder: Holds a folder an experiment.
        experiment: Which of them.
    """

    folder: str
    experiment: str

    @property
    def _place(self) -> Path:
        return Path(self.folder) / self.experiment

    def finished(self, ids: Collection[str]) -> Mapping[str, Logged]:
        """Those that have a seal."""
        return {cell_id: self._logged(cell_id) for cell_id in ids if (self._place / cell_id / "seal.json").is_file()}

    @contextmanager
    def claim(self, cell_id: str, *, wait: bool = True) -> Iterator[Claim]:
        """A lock beside the folder."""
        self._place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._place / f"{cell_id}.lock")
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            yield Claim(is_held=False)
            return
        try:
            yield Claim(is_held=True, finished=self.finished([cell_id]).get(cell_id))
        finally:
            lock.release()

    def watch(self, cell: Cell, curves: Mapping[str, Sequence[float]]) -> None:
        """Nobody looks into a folder while it is filled."""

    def save(self, cell: Cell, outcome: Outcome, *, config: str, words: Sequence[str] = ()) -> Logged:
        """The artifacts, then the seal, which makes them count."""
        files = artifacts(cell, outcome, config=config)
        write_files(self._place / cell.id, files)
        seal = {
            "kind": cell.kind,
            "name": " · ".join([cell.name, cell.headline(outcome.estimates, outcome.facts)]),
            "number": len(self.load()),
            "checksums": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
        write_files(self._place / cell.id, {"seal.json": json.dumps(seal)})
        return self._logged(cell.id)

    def load(self, kind: str | None = None) -> Sequence[Logged]:
        """What has a seal, oldest first."""
        sealed = [(json.loads(path.read_text()), path.parent.name) for path in self._place.glob("*/seal.json")]
        ordered = sorted(sealed, key=lambda one: one[0]["number"])
        return [self._logged(cell_id) for seal, cell_id in ordered if kind in (None, seal["kind"])]

    @property
    def has_cells(self) -> bool:
        """Whether anything has a seal."""
        return any(self._place.glob("*/seal.json"))

    def experiments(self) -> Sequence[str]:
        """Folders that hold a sealed cell."""
        return sorted({path.parents[1].name for path in Path(self.folder).glob("*/*/seal.json")})

    def summarise(
        self, question: Question, answer: str, parts: Mapping[str, ReportPart], *, report: Path, made_of: str
    ) -> None:
        """Question and answer beside the cells."""
        summary = {"question": question.question, "answer": answer, "made_of": made_of}
        write_files(self._place, {"summary.json": json.dumps(summary)})

    def answered(self, made_of: str) -> str | None:
        """The answer, if the summary is of just this."""
        path = self._place / "summary.json"
        summary = json.loads(path.read_text()) if path.is_file() else {}
        return summary["answer"] if summary.get("made_of") == made_of else None

    def _logged(self, cell_id: str) -> Logged:
        seal = json.loads((self._place / cell_id / "seal.json").read_text())

        def read(name: str) -> bytes:
            data = (self._place / cell_id / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != seal["checksums"][name]:
                raise IntegrityError(f"{name} of cell {cell_id[:12]} is damaged; issue the cell again.")
            return data

        return Logged(cell_id, seal["kind"], seal["name"], read)
