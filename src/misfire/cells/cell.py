"""The contract of a cell: one unit of tracked work, whatever the method."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, final

from misfire.cells.estimates import Estimates
from misfire.core.hashing import sha256_json

if TYPE_CHECKING:
    from pandas import DataFrame

    from misfire.cells.lab import Lab
    from misfire.cells.logged import Logged
    from misfire.cells.objective import Objective, Rival
    from misfire.cells.paired import Paired
    from misfire.cells.part import Question, ReportPart
    from misfire.cells.searched import Searched
    from misfire.cells.settings import Settings

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


@final
@dataclass(frozen=True, eq=False)
class Outcome:
    """What came out of a cell.

    Args:
        records: The evidence: a row a unit (query, image, class, mode). Every estimate is computed from it.
        estimates: Every number that is shown, tracked or compared.
        facts: What doesn't fit a table, as JSON values: names, counts by name, how units were chosen, notes.
        files: Further artifacts by file name: replicates, checkpoints.
        curves: What was watched step by step on the way, as a training's loss: by name, a value a step from 1 on; NaN
            where there is none. A tracker draws them; nothing is decided by them.
    """

    records: "DataFrame"
    estimates: Estimates
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences of the fact ``dataset_notes``, if there is one: they stand wherever the estimates do."""
        return tuple(self.facts.get("dataset_notes", ()))


class Cell(ABC):
    """One unit of tracked work: an ablation cell, a profile, a classifier's evaluation, one training run.

    A *kind* of cell is a subclass in its method's room. The life of every cell, from the command line to the page:

    1. *Compose.* ``misfire VERB key=value`` composes ``conf/VERB.yaml``, whose ``cell._target_`` names the kind; a
       multirun or a sweep composes one configuration a point of its space.
    2. *Build.* :meth:`configured` makes the cell out of the configuration's objects. It checks what can be checked
       without computing, and raises ``UsageError`` before anything is written.
    3. *Identify.* :attr:`id` is a digest of :meth:`identity`: what was asked and chosen, known before anything is
       computed, and never a float that was measured on the way. Equal cells have equal ids on every machine.
    4. *Claim.* The ledger holds the id against other processes. A finished cell isn't run again: the life of a cell
       that is issued twice ends here, without a score or an embedding.
    5. *Run.* :meth:`run` computes the outcome with the lab's embeddings. A search that has finished trials asks
       :meth:`bound` first, and leaves a beaten cell alone.
    6. *Save.* The ledger keeps the outcome whole or not at all, with a checksum of each artifact: records, estimates,
       facts and files. Metrics and the note of the run are read off the estimates.
    7. *Tell.* :meth:`tell` says in words what a finished cell holds; the command line prints it.
    8. *Report.* ``misfire report`` loads the finished cells of an experiment and gives each kind its own to make a
       :class:`ReportPart` of: sections of text, tables and figures, and the answer to the sweep's question.

    Steps 1, 3, 4 and 6 are the house's; a kind brings the others, and only :meth:`configured`, :meth:`identity`,
    :meth:`label` and :meth:`run` must be written.
    """

    kind: ClassVar[str]
    """What tells the kind's runs in a store from those of other kinds: a short word, unique among all methods."""

    schema: ClassVar[type]
    """A dataclass of what the kind can be configured with: scalars with their types, groups as ``Any``."""

    units: ClassVar[str] = "units"
    """What its records are rows of, in the plural: queries, images, classes."""

    objectives: ClassVar[Mapping[str, "Objective"]] = {}
    """What a search may make large or small, by the name that a sweep's file uses."""

    @classmethod
    @abstractmethod
    def configured(cls, settings: "Settings") -> "Cell":
        """The cell that a configuration asks for.

        Raises:
            UsageError: If its parts don't fit each other. Nothing has been computed or written then.
        """

    @abstractmethod
    def identity(self) -> Mapping[str, Json]:
        """Everything that the result depends on, and nothing else: no path, device, batch size or name."""

    @abstractmethod
    def label(self) -> Mapping[str, str]:
        """What tells the cell from its neighbours, in the order in which a table of runs shows it: the run's params.

        What stands first weighs most where processes share a grid, each of which keeps to cells that are alike.
        """

    @abstractmethod
    def run(self, lab: "Lab") -> Outcome:
        """Compute the outcome; the same one for the same identity.

        Raises:
            MisfireError: If input or stored data is refused on the way. Nothing is logged then.
        """

    @final
    @property
    def id(self) -> str:
        """SHA-256 of the kind and the identity."""
        return sha256_json([self.kind, self.identity()])

    @property
    def name(self) -> str:
        """What differs between cells, in one line; a finished cell's run adds what came out (:meth:`headline`)."""
        return " · ".join(self.label().values())

    @property
    def marks(self) -> Mapping[str, str]:
        """What must be known beside every number: how units were chosen, whether gold labels took part."""
        return {}

    @property
    def data(self) -> tuple[str, str] | None:
        """Name and fingerprint of the data that the cell reads, if it reads a dataset."""
        return None

    @classmethod
    def check_comparable(cls, cells: Sequence["Cell"]) -> None:
        """Refuse cells that a search can't compare: whoever is asked the easier units would win; by default none.

        Args:
            cells: Of this kind, among which every choice of the search occurs.

        Raises:
            UsageError: If they can't be compared.
        """
        return

    def bound(
        self, lab: "Lab", objectives: Sequence["Objective"], rivals: Sequence["Rival"], *, k: int | None
    ) -> "Outcome | None":
        """The outcome of a part of the cell's units if that shows that a rival beats the cell; by default None.

        Its estimates are the best that the cell's may still be, whatever the other units say.

        Args:
            lab: Where embeddings come from.
            objectives: What a search compares.
            rivals: The values of the finished cells that this one is compared with, one number an objective.
            k: The cut-off at which objectives are read.
        """
        return None

    @classmethod
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        """What came out, in a few words for a run's name; by default nothing."""
        return ""

    @classmethod
    def tell(cls, logged: "Logged") -> str:
        """What the command line prints of one finished cell: the conclusion first, then an aligned table."""
        from misfire.cells.part import estimates_as_text

        return estimates_as_text(logged)

    @classmethod
    def paired(cls, logged: "Logged", *, k: int | None) -> "Paired | None":
        """Outcomes of the cell's units before and after, from its records; None for a kind that compares nothing."""
        return None

    @classmethod
    def report(cls, cells: Sequence["Logged"], question: "Question") -> "ReportPart":
        """The kind's part of a report: by default one table of the headline estimates.

        Args:
            cells: Finished cells of this kind, oldest first, at least one.
            question: What the experiment asks, and what a report may be made with.
        """
        from misfire.cells.part import plain_part

        return plain_part(cls.kind, cells)

    @classmethod
    def searched(cls, found: "Searched", question: "Question") -> "ReportPart":
        """A search's part of a report: by default its trials, and the winner's objectives on both sides.

        Args:
            found: What the search has found so far.
            question: What it asks.
        """
        from misfire.cells.searched_part import searched_part

        return searched_part(found)
