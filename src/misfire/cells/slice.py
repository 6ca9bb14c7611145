"""A slice: some units of a dataset, by id, and how they were chosen. Every method can write one and take one."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, final

from misfire.core.errors import UsageError, name_some
from misfire.core.files import write_text
from misfire.core.hashing import sha256_json

Of = Literal["captions", "images"]
_KEYS = ("name", "of", "members", "how_chosen", "is_chosen_by_failing", "uses_oracle_labels", "dataset_fingerprint")


@final
@dataclass(frozen=True)
class Slice:
    """Some captions or images of a dataset.

    A failure mode, a category's failures, a worst class and a file of ids are slices.

    Args:
        name: What tables call it.
        of: What its members are: ``captions`` or ``images``.
        members: Their ids, each once, ascending.
        how_chosen: How they were chosen, in words.
        is_chosen_by_failing: Whether they were chosen because a model failed on them, so that a gain on them alone
            proves nothing.
        uses_oracle_labels: Whether gold labels took part in the choice.
        dataset_fingerprint: Of which data the ids are.

    Raises:
        UsageError: If there is no member, or one stands twice.
    """

    name: str
    of: Of
    members: tuple[int, ...] | tuple[str, ...]
    how_chosen: str
    is_chosen_by_failing: bool
    uses_oracle_labels: bool
    dataset_fingerprint: str

    def __post_init__(self) -> None:
        if self.of not in ("captions", "images"):
            raise UsageError(f"a slice must be of captions or of images, got {self.of}; name one.")
        if not self.members or len(set(self.members)) < len(self.members):
            raise UsageError(
                f"slice {self.name} must have members, each once, got {name_some(self.members)}; choose others."
            )
        object.__setattr__(self, "members", tuple(sorted(self.members)))

    @property
    def digest(self) -> str:
        """SHA-256 of what was chosen of which data; its name and words have no part in it."""
        return sha256_json([self.dataset_fingerprint, self.of, list(self.members)])

    def check_fits(self, dataset_fingerprint: str, *, name: str) -> None:
        """Refuse a slice of other data.

        Raises:
            UsageError: If its ids are of another dataset.
        """
        if dataset_fingerprint != self.dataset_fingerprint:
            raise UsageError(
                f"slice {self.name} must be of the data in use, got ids of data {self.dataset_fingerprint[:12]} for "
                f"{name} ({dataset_fingerprint[:12]}); make it again from this data."
            )

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")


def read_slice(path: Path) -> Slice:
    """Read what :meth:`Slice.write` wrote.

    Raises:
        UsageError: If the file isn't there or isn't a slice.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"a slice must be a JSON file in UTF-8, got {path} ({error}); write it again, or name a CSV of ids."
        ) from error
    missing = _missing(content)
    if missing:
        raise UsageError(
            f"a slice must state {', '.join(_KEYS)}, {path} lacks or mistakes {', '.join(missing)}; mend it."
        )
    return Slice(**{**{key: content[key] for key in _KEYS}, "members": tuple(content["members"])})


def _missing(content: object) -> Sequence[str]:
    if not isinstance(content, dict):
        return _KEYS
    rules: dict[str, type | tuple[type, ...]] = {
        "name": str,
        "of": str,
        "members": list,
        "how_chosen": str,
        "is_chosen_by_failing": bool,
        "uses_oracle_labels": bool,
        "dataset_fingerprint": str,
    }
    wrong = [key for key, kind in rules.items() if not isinstance(content.get(key), kind)]
    kinds = {type(member) for member in content.get("members") or []} if "members" not in wrong else set()
    return [*wrong, *(["members"] if len(kinds) > 1 or kinds - {int, str} else [])]
