"""The cell of a PRIME search: modes of one part of the images, what they are worth, and how they do on the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from typing_extensions import override

from misfire.cells import Cell, Estimates, Objective, Outcome, read_slice
from misfire.core.errors import UsageError, name_some
from misfire.data.column_file import ColumnFile
from misfire.data.outcomes import Outcomes
from misfire.data.tag_table import TagTable, common_images
from misfire.methods.modes.outcome_source import Ground, OutcomeSource, outcomes_of
from misfire.methods.modes.prime_findings import PrimeFindings
from misfire.methods.modes.prime_report import prime_part, told
from misfire.methods.modes.prime_search import PrimeSearch
from misfire.methods.modes.schema import ModesSchema
from misfire.methods.modes.tag_source import TagSource
from misfire.prompts.descriptions import DescriptionSource, NoDescriptions

if TYPE_CHECKING:
    from misfire.cells import Lab, Logged, Question, ReportPart
    from misfire.cells.cell import Json
    from misfire.cells.settings import Settings


@final
@dataclass(frozen=True, eq=False)
class PrimeCell(Cell):
    """One search for failure modes: outcomes of a model, tags of its images, and what counts as a mode.

    Args:
        source: Where outcomes come from.
        tag_source: Where tags come from.
        search: What counts as a mode, and how modes are judged.
        ground: Dataset and backbone, where a source or the search reads them.
        seed: Of the held-out half and of permutations.
        captions: Writes captions of the modes that stand, from which an image generator makes pictures; None leaves it
            to the search's template.
    """

    kind: ClassVar[str] = "prime"
    schema: ClassVar[type] = ModesSchema
    source: OutcomeSource
    tag_source: TagSource
    search: PrimeSearch
    ground: Ground
    seed: int
    captions: DescriptionSource | None = None

    objectives: ClassVar[Mapping[str, Objective]] = {
        "explained": Objective(
            "explained",
            "explained_errors",
            "standing",
            title="errors on unseen images that the modes explain (%)",
            scale=100,
            has_cut_off=False,
        ),
        "coverage": Objective(
            "coverage",
            "coverage_of_errors",
            "standing",
            title="errors that lie in modes (%)",
            scale=100,
            has_cut_off=False,
        ),
        "standing": Objective("standing", "standing", title="modes that stand", has_cut_off=False),
    }

    @override
    @classmethod
    def configured(cls, settings: "Settings") -> "PrimeCell":
        source, tag_source, search = outcomes_of(settings), settings["tags"], settings["method"]
        for name, found, wanted in (("tags", tag_source, TagSource), ("method", search, PrimeSearch)):
            if not isinstance(found, wanted):
                raise UsageError(f"{name} of a PRIME search must be a {wanted.__name__}, got {type(found).__name__}.")
        needs_dataset = source.needs_dataset or tag_source.needs_dataset or search.embeds
        needs_backbone = source.needs_backbone or tag_source.needs_backbone or search.embeds
        ground = Ground(
            settings["dataset"] if needs_dataset else None, settings["backbone"] if needs_backbone else None
        )
        described = settings["descriptions"]
        captions = None if isinstance(described, NoDescriptions) else described
        return cls(source, tag_source, search, ground, int(settings["seed"]), captions)

    @override
    def identity(self) -> "Mapping[str, Json]":
        search = {name: value for name, value in asdict(self.search).items() if name not in ("unseen", "within")}
        return {
            "outcomes": self.source.identity(self.ground),
            "tags": self.tag_source.identity(self.ground),
            "search": {**search, "necessity": list(self.search.necessity)},
            "unseen": ColumnFile(Path(self.search.unseen)).sha256 if self.search.unseen else None,
            "within": read_slice(Path(self.search.within)).digest if self.search.within else None,
            "space": (
                [self.ground.known_dataset.image_set.fingerprint, self.ground.known_backbone.fingerprint]
                if self.search.embeds
                else None
            ),
            "captions": None if self.captions is None else self.captions.describe(),
            "seed": self.seed,
        }

    @override
    def label(self) -> Mapping[str, str]:
        search = self.search
        return {
            "min_support": str(search.min_support),
            "min_drop": f"{search.min_drop:g}",
            "max_size": str(search.max_size),
            "searched": "part" if search.unseen else "half" if search.holds_out_half else "all",
            "seed": str(self.seed),
            **({"side": self.source.side} if self.source.side else {}),
            **({} if search.width is None else {"width": str(search.width)}),
        }

    @override
    @property
    def name(self) -> str:
        search = self.search
        width = "" if search.width is None else f", the {search.width} hardest of each size"
        side = f" on {self.source.side}" if self.source.side else ""
        return f"s={search.min_support} a={search.min_drop:g} l={search.max_size}{width}{side}"

    @override
    @property
    def marks(self) -> Mapping[str, str]:
        searched = "one half of each class" if self.search.holds_out_half else "all images"
        return {"chosen": f"the worst of many sets of tags on {'a part' if self.search.unseen else searched}"}

    @override
    @property
    def data(self) -> tuple[str, str] | None:
        return None if self.ground.dataset is None else (self.ground.dataset.name, self.ground.dataset.fingerprint)

    @override
    def run(self, lab: "Lab") -> Outcome:
        outcomes = self.source.outcomes(self.ground, lab)
        if self.search.within:
            outcomes = outcomes.take(self._rows_within(Path(self.search.within), outcomes))
        outcomes, tags, remarks = _joined(outcomes, self.tag_source.tags(self.ground, lab))
        return PrimeFindings(
            self.search,
            self.source,
            self.ground,
            outcomes,
            tags,
            remarks=remarks,
            seed=self.seed,
            lab=lab,
            captions=self.captions,
        ).outcome

    def _rows_within(self, path: Path, outcomes: Outcomes) -> list[int]:
        """Positions of the images of a slice.

        Raises:
            UsageError: If it is of captions, of another dataset, or of images without an outcome.
        """
        chosen, dataset = read_slice(path), self.ground.dataset
        if chosen.of != "images":
            raise UsageError(
                f"method.within must be a slice of images, got {path.name} of {chosen.of}; choose another."
            )
        if dataset is None:
            members = {str(member) for member in chosen.members}
        else:
            chosen.check_fits(dataset.fingerprint, name=dataset.name)
            ids = set(chosen.members)
            members = {image.name or str(image.id) for image in dataset.images if image.id in ids}
        strangers = members - set(outcomes.images)
        if strangers:
            raise UsageError(
                f"images of slice {chosen.name} must have outcomes, got {name_some(sorted(strangers))} without; name "
                "the outcomes of its images."
            )
        return [row for row, name in enumerate(outcomes.images) if name in members]

    @override
    @classmethod
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        found, stand = (round(estimates.at(name).value) for name in ("modes", "standing"))
        return f"{found} modes, {stand} stand"

    @override
    @classmethod
    def tell(cls, logged: "Logged") -> str:
        return told(logged)

    @override
    @classmethod
    def report(cls, cells: "Sequence[Logged]", question: "Question") -> "ReportPart":
        return prime_part(cells)


def _joined(outcomes: Outcomes, tags: TagTable) -> tuple[Outcomes, TagTable, tuple[str, ...]]:
    rows, places, left_out = common_images(outcomes.images, tags.images)
    return outcomes.take(rows), tags.take(places), (*outcomes.remarks, *tags.remarks, *left_out)
