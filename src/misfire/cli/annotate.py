"""Serve the annotation page, or take its labels to sheets and Label Studio and back."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from misfire.annotation import AnnotationDesk, AnnotationState
    from misfire.config import Settings
    from misfire.failures import FailureSet, Taxonomy

    Export = Callable[[Settings, FailureSet, Path, Taxonomy], None]

_EVERYBODY = "all"


def run(words: Sequence[str]) -> int:
    """Open a session, export or import."""
    from misfire.config import Settings
    from misfire.failures import load_taxonomy

    settings = Settings.of_words("annotate", words)
    _check(settings)
    failure_set, folder = _failure_set(settings)
    taxonomy = load_taxonomy(Path(settings["taxonomy"])) if settings["taxonomy"] else failure_set.label_taxonomy
    if settings["import"] is not None:
        _import(settings, failure_set, folder, taxonomy)
    elif settings["export"] is not None:
        _exports()[settings["export"]](settings, failure_set, folder, taxonomy)
    else:
        _serve(settings, _desk(settings, failure_set, folder, taxonomy))
    return 0


def _check(settings: "Settings") -> None:
    """What is wrong in itself is refused before anything is mined."""
    from misfire.annotation import Access, session_items
    from misfire.failures import check_annotator_names

    if settings["export"] is not None and settings["export"] not in _exports():
        raise UsageError(f"export must be one of {', '.join(_exports())}, got {settings['export']}; choose one.")
    if settings["export"] is not None and settings["import"] is not None:
        raise UsageError("a command must export or import, got both; give one after the other.")
    if settings["annotator"] is not None:
        check_annotator_names([settings["annotator"]])
    if settings["export"] is not None or settings["import"] is not None:
        return
    if settings["annotator"] in (None, _EVERYBODY):
        raise UsageError(
            f"a session must have one annotator, got {settings['annotator'] or 'none'}; add annotator=NAME to the "
            "command."
        )
    Access(settings["host"], settings["port"], settings["token"])
    session_items((), annotator=settings["annotator"], failure_set="", seed=0, repeats=settings["repeats"])


def _failure_set(settings: "Settings") -> "tuple[FailureSet, Path]":
    from misfire.failures import read_failure_set
    from misfire.methods.retrieval.failure_sets import mined_failure_set

    if settings["failure_set"] is None:
        folder = settings.root / "failures"
        return mined_failure_set(
            settings.bench,
            folder,
            num_failures=settings["num_failures"],
            seed=settings["seed"],
            mined_share=settings["mined_share"],
        )
    place = Path(settings["failure_set"])
    failure_set = read_failure_set(place)
    # The page needs the images and the captions, but no model.
    failure_set.check_fits(settings["dataset"])
    return failure_set, place


def _desk(settings: "Settings", failure_set: "FailureSet", folder: Path, taxonomy: "Taxonomy") -> "AnnotationDesk":
    from misfire.annotation import (
        AnnotationDesk,
        LabelLog,
        annotators_with_logs,
        assigned_query_ids,
        disagreements,
        log_path,
        opinions_of,
        session_items,
    )

    is_adjudication = settings["only"] == "disagreements"
    others = list(settings["of"]) or [name for name in annotators_with_logs(folder) if name != settings["annotator"]]
    opinions = {} if settings["blind"] and not is_adjudication else opinions_of(others, folder, failure_set, taxonomy)
    query_ids = (
        disagreements(opinions) if is_adjudication else assigned_query_ids(folder, failure_set, settings["annotator"])
    )
    if not query_ids:
        raise UsageError(
            f"a session of disagreements must have some, got none between {', '.join(others) or 'nobody'}; name "
            "annotators or sheets with of=[a,b]."
        )
    items = session_items(
        query_ids,
        annotator=settings["annotator"],
        failure_set=failure_set.digest,
        seed=settings["seed"],
        repeats=0.0 if is_adjudication else settings["repeats"],
    )
    return AnnotationDesk(
        annotator=settings["annotator"],
        failure_set=failure_set,
        taxonomy=taxonomy,
        items=items,
        log=LabelLog(log_path(folder, settings["annotator"]), failure_set.digest),
        opinions=opinions,
        shows_scores=not settings["blind"],
        highlights=settings["highlight"],
        is_adjudication=is_adjudication,
    )


def _serve(settings: "Settings", desk: "AnnotationDesk") -> None:
    from misfire.annotation import Access, serve
    from misfire.core.progress import say
    from misfire.core.pulse import at_rest

    damaged = desk.log.read().damaged_lines
    if damaged:
        lines = f"line, line {damaged[0]}" if len(damaged) == 1 else f"lines, line {damaged[0]} first"
        say(f"{desk.log.path} has {len(damaged)} torn {lines}; all others are there.")

    def announce(url: str) -> None:
        at_rest()
        done = desk.progress()
        print(
            f"{desk.annotator}: {done['num_labelled']} of {done['num_items']} items of failure set "
            f"{desk.failure_set.digest[:12]} are labelled"
        )
        print(f"  open {url} (Ctrl-C ends it; every label is on disk)", flush=True)

    serve(desk, settings["dataset"], Access(settings["host"], settings["port"], settings["token"]), announce=announce)
    done = desk.progress()
    print(f"\n{done['num_labelled']} of {done['num_items']} labelled, {done['num_skipped']} skipped: {desk.log.path}")


def _exports() -> "Mapping[str, Export]":
    return {"sheet": _export_sheet, "label_studio": _export_label_studio}


def _export_sheet(settings: "Settings", failure_set: "FailureSet", folder: Path, taxonomy: "Taxonomy") -> None:
    from misfire.annotation import assigned_query_ids, sheet_bytes, sheet_entries
    from misfire.core.files import write_bytes

    entries = {
        name: sheet_entries(state, assigned_query_ids(folder, failure_set, name), taxonomy)
        for name, state in _states(settings, failure_set, folder).items()
    }
    out = Path(settings["out"]) if settings["out"] else folder / "annotations"
    several = {out: entries} if out.suffix else {out / f"{name}.csv": {name: one} for name, one in entries.items()}
    files = {path: sheet_bytes(failure_set, some, taxonomy, path=path) for path, some in several.items()}
    for path, data in files.items():
        write_bytes(path, data)
        num_labelled = sum(
            entry.label is not None and not entry.is_repeat for one in several[path].values() for entry in one
        )
        print(f"{path}: {num_labelled} labels of {', '.join(several[path])}")


def _export_label_studio(settings: "Settings", failure_set: "FailureSet", folder: Path, taxonomy: "Taxonomy") -> None:
    import json

    from misfire.annotation import assigned_query_ids, embedded, label_studio_config, label_studio_tasks
    from misfire.core.files import write_text

    states = _states(settings, failure_set, folder)
    query_ids = {query_id for name in states for query_id in assigned_query_ids(folder, failure_set, name)}
    out = Path(settings["out"] or folder / "annotations" / "label_studio.json")
    tasks = label_studio_tasks(failure_set, query_ids, states, embedded(settings["dataset"]))
    write_text(out, json.dumps(tasks, indent=1, ensure_ascii=False) + "\n")
    write_text(out.with_suffix(".xml"), label_studio_config(taxonomy))
    num_annotations = sum(len(task["annotations"]) for task in tasks)
    print(f"{out}: {len(tasks)} tasks with {num_annotations} annotations of {', '.join(states)}")
    print(f"{out.with_suffix('.xml')}: the labelling interface for the project's settings")


def _import(settings: "Settings", failure_set: "FailureSet", folder: Path, taxonomy: "Taxonomy") -> None:
    from misfire.annotation import append_annotations, read_label_studio

    annotator = None if settings["annotator"] == _EVERYBODY else settings["annotator"]
    found = read_label_studio(Path(settings["import"]), failure_set, taxonomy, annotator=annotator, folder=folder)
    num_new = append_annotations(found, folder, failure_set)
    names = sorted({one.annotator for one in found})
    print(f"{settings['import']}: {len(found)} annotations of {', '.join(names) or 'nobody'}, {num_new} of them new")
    for name in names:
        print(f"  {folder / 'annotations' / f'{name}.jsonl'}")


def _states(settings: "Settings", failure_set: "FailureSet", folder: Path) -> "Mapping[str, AnnotationState]":
    """What everybody said, or the annotator who is named."""
    from misfire.annotation import LabelLog, annotators_with_logs, fold, log_path

    known, wanted = annotators_with_logs(folder), settings["annotator"]
    names = known if wanted in (None, _EVERYBODY) else [wanted]
    strangers = [name for name in names if name not in known]
    if strangers or not names:
        raise UsageError(
            f"an export needs labels, got none of {', '.join(strangers) or 'anybody'} in {folder / 'annotations'}; "
            f"there are those of {', '.join(known) or 'nobody'}."
        )
    return {name: fold(LabelLog(log_path(folder, name), failure_set.digest).read().events) for name in names}
