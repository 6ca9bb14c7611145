"""Rows as those of a failure set: found by query id, or else by text and both images."""

from collections import defaultdict
from collections.abc import Sequence

from misfire.failures.consensus.item import Identified, Item
from misfire.failures.consensus.mismatch import Mismatch, differences, short
from misfire.failures.failure_set import Failure, FailureSet
from misfire.failures.sheets import Place, SheetRow, text_key
from misfire.failures.sheets.row import fits_hash

Content = tuple[str, str, str]


def identify_within(rows: Sequence[SheetRow], failure_set: FailureSet) -> Identified:
    """The failure of each row, which must agree with it in everything that it says."""
    index = _Index(failure_set)
    found, mismatches = [], []
    for row in rows:
        failure, problem = index.find(row)
        if failure is None:
            mismatches.append(Mismatch(row.name, *problem, (row.place,)))
        else:
            found.append((row, index.item(failure)))
    strange = [row for row, _ in found if row.failure_set and not failure_set.digest.startswith(row.failure_set)]
    mismatches += _of_another_set(strange, failure_set)
    return Identified(tuple(found), tuple(mismatches))


class _Index:
    """A failure set by every name that a row may use."""

    def __init__(self, failure_set: FailureSet) -> None:
        self._name = f"failure set {failure_set.digest[:12]}"
        self._by_id = {failure.query_id: failure for failure in failure_set.failures}
        self._place = {failure.query_id: place for place, failure in enumerate(failure_set.failures)}
        self._by_content: dict[Content, list[Failure]] = defaultdict(list)
        self._by_text: dict[str, list[Failure]] = defaultdict(list)
        for failure in failure_set.failures:
            self._by_content[_as_row(failure).content].append(failure)
            self._by_text[text_key(failure.caption)].append(failure)

    def item(self, failure: Failure) -> Item:
        images = str(failure.target_image_id), str(failure.retrieved_image_id)
        return Item(failure.query_id, failure.caption, *images, str(self._place[failure.query_id]))

    def find(self, row: SheetRow) -> tuple[Failure | None, tuple[str, str]]:
        """The failure of a row; or what is wrong with the row, and the values."""
        if row.query_id is not None:
            failure = self._by_id.get(row.query_id)
            if failure is None:
                return None, ("id isn't in the failure set", f"{row.query_id} is no query of {self._name}")
            return self._checked(row, failure)
        exact = self._by_content.get(row.content, [])
        if len(exact) == 1:
            return self._checked(row, exact[0])
        if exact:
            ids = ", ".join(str(failure.query_id) for failure in exact)
            return None, ("row fits several queries", f"queries {ids} have this text and these images; add query_id")
        alike = self._by_text.get(text_key(row.caption), [])
        # Of several with this text, the one that the row's idx names is the likeliest to have been meant.
        alike = sorted(alike, key=lambda failure: str(self._place[failure.query_id]) != row.idx)
        return self._checked(row, alike[0]) if alike else self._by_images(row)

    def _by_images(self, row: SheetRow) -> tuple[Failure | None, tuple[str, str]]:
        images = row.target, row.retrieved
        alike = [f for f in self._by_id.values() if (str(f.target_image_id), str(f.retrieved_image_id)) == images]
        if len(alike) == 1:
            return self._checked(row, alike[0])
        return None, ("text isn't in the failure set", f"{short(row.caption)} is no caption of {self._name}")

    def _checked(self, row: SheetRow, failure: Failure) -> tuple[Failure | None, tuple[str, str]]:
        found = differences(row, _as_row(failure))
        fits = row.text_sha256 and fits_hash(failure.caption, row.text_sha256)
        if fits is False:
            found.append(("text_sha256", f"{row.text_sha256[:12]} against {failure.text_sha256[:12]}"))
        if not found:
            return failure, ("", "")
        of = f"query {failure.query_id} of {self._name}"
        what = " and ".join(name for name, _ in found)
        return None, (f"{what} differ{'s' if len(found) == 1 else ''} from {of}", "; ".join(said for _, said in found))


def _as_row(failure: Failure) -> SheetRow:
    images = str(failure.target_image_id), str(failure.retrieved_image_id)
    return SheetRow(Place("", 0), "", failure.query_id, "", "", "", failure.caption, *images, ("", ""))


def _of_another_set(rows: Sequence[SheetRow], failure_set: FailureSet) -> list[Mismatch]:
    """One entry a sheet and set: text and images fit, so that the labels are of these failures all the same."""
    grouped: dict[tuple[str, str], list[SheetRow]] = defaultdict(list)
    for row in rows:
        grouped[row.place.sheet, row.failure_set].append(row)
    return [
        Mismatch(
            f"{len(group)} rows of {sheet}",
            "failure set differs",
            f"{digest[:12]} against {failure_set.digest[:12]}, though texts and images agree",
            tuple(row.place for row in group),
            is_joined=True,
        )
        for (sheet, digest), group in sorted(grouped.items())
    ]
