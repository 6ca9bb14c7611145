"""What others said of a failure set, out of their logs or sheets, and where they disagree."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from misfire.annotation.desk import Opinion
from misfire.annotation.label_log import LabelLog, log_path
from misfire.annotation.state import fold
from misfire.core.errors import UsageError, name_some
from misfire.failures import FailureSet, Taxonomy
from misfire.failures.sheets import read_sheets, text_key

Opinions = Mapping[int, Sequence[Opinion]]


def annotators_with_logs(folder: Path) -> list[str]:
    """Names of all who have a log of the failure set in that folder."""
    return sorted(path.stem for path in (folder / "annotations").glob("*.jsonl"))


def opinions_of(sources: Iterable[str], folder: Path, failure_set: FailureSet, taxonomy: Taxonomy) -> Opinions:
    """What each source says, by query id, in the order of the sources.

    A hidden repeat isn't an opinion of its own.

    Args:
        sources: Annotators who have a log, or sheets by path.
        folder: The failure set's.
        failure_set: What they labelled.
        taxonomy: What the labels of sheets are held against.

    Raises:
        UsageError: If a source is neither, or stands twice.
    """
    listed = list(dict.fromkeys(sources))
    known = annotators_with_logs(folder)
    strangers = [source for source in listed if source not in known and not Path(source).is_file()]
    if strangers:
        raise UsageError(
            f"annotate.of must name annotators with a log ({', '.join(known) or 'none yet'}) or sheets, got "
            f"{name_some(strangers)}; check the names."
        )
    opinions: dict[int, list[Opinion]] = {}
    for source in listed:
        said = (
            _of_log(folder, failure_set, source) if source in known else _of_sheet(Path(source), failure_set, taxonomy)
        )
        for query_id, opinion in said.items():
            opinions.setdefault(query_id, []).append(opinion)
    return opinions


def disagreements(opinions: Opinions) -> tuple[int, ...]:
    """Queries to which at least two different categories were given, ascending; subtypes don't count."""
    return tuple(sorted(query_id for query_id, said in opinions.items() if len({one.category for one in said}) > 1))


def _of_log(folder: Path, failure_set: FailureSet, annotator: str) -> dict[int, Opinion]:
    state = fold(LabelLog(log_path(folder, annotator), failure_set.digest).read().events)
    labels = ((key, state.label(key)) for key in state.answers if not key.is_repeat)
    return {
        key.query_id: Opinion(annotator, str(event.category), event.subtype, state.notes.get(key, ""))
        for key, event in labels
        if event is not None
    }


def _of_sheet(path: Path, failure_set: FailureSet, taxonomy: Taxonomy) -> dict[int, Opinion]:
    by_content = {
        (text_key(one.caption), str(one.target_image_id), str(one.retrieved_image_id)): one.query_id
        for one in failure_set.failures
    }
    opinions = {}
    for row in read_sheets([path], taxonomy=taxonomy).rows:
        query_id = row.query_id if row.query_id is not None else by_content.get(row.content)
        if query_id is not None and row.label is not None and not row.is_repeat:
            opinions[query_id] = Opinion(row.annotator, row.label.category, row.label.ambiguous_subtype, row.notes)
    return _checked(path, opinions, failure_set)


def _checked(path: Path, opinions: dict[int, Opinion], failure_set: FailureSet) -> dict[int, Opinion]:
    strangers = sorted(opinions.keys() - set(failure_set.query_ids))
    if strangers:
        raise UsageError(
            f"sheet {path.name} must be of failure set {failure_set.digest[:12]}, got {name_some(strangers)} by query "
            "id that aren't in it; name the failure set that it was made from."
        )
    return opinions
