"""A ledger that is a dictionary: what the contract asks of one, and nothing else."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from misfire.cells import Cell, Claim, Logged, Outcome, artifacts


@dataclass
class MemoryLedger:
    """Keeps cells in memory; ``held`` are the ids that another process is taken to hold."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    logged: dict[str, Logged] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    watched: dict[str, list[dict[str, Sequence[float]]]] = field(default_factory=dict)
    num_reads: int = 0

    def finished(self, ids: Collection[str]) -> Mapping[str, Logged]:
        self.num_reads += 1
        return {one: self.logged[one] for one in ids if one in self.logged}

    @contextmanager
    def claim(self, cell_id: str, *, wait: bool = True) -> Iterator[Claim]:
        if cell_id in self.held and not wait:
            yield Claim(is_held=False)
            return
        self.held.discard(cell_id)  # whoever held it has let go by the time that we have waited
        yield Claim(is_held=True, finished=self.logged.get(cell_id))

    def watch(self, cell: Cell, curves: Mapping[str, Sequence[float]]) -> None:
        self.watched.setdefault(cell.id, []).append(dict(curves))

    def save(self, cell: Cell, outcome: Outcome, *, config: str, words: Sequence[str] = ()) -> Logged:
        files = artifacts(cell, outcome, config=config)
        headline = cell.headline(outcome.estimates, outcome.facts)
        name = " · ".join(part for part in (cell.name, headline) if part)
        found = Logged(id=cell.id, kind=cell.kind, name=name, read=files.__getitem__, key=cell.id[:12])
        self.files[cell.id], self.logged[cell.id] = files, found
        return found

    def load(self, kind: str | None = None) -> Sequence[Logged]:
        return [one for one in self.logged.values() if kind in (None, one.kind)]
