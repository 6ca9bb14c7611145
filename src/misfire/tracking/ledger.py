"""The ledger of cells in MLflow: a sweep is an experiment, a finished cell one flat run of it."""

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from misfire.cells import Cell, Claim, Estimates, Logged, Outcome, Question, ReportPart, artifacts, in_words
from misfire.core.errors import IntegrityError, MisfireError, UsageError
from misfire.core.hashing import sha256_bytes, sha256_text
from misfire.core.progress import say
from misfire.core.words import counted, plain_count
from misfire.reporting.table import Column, Entry, Table, to_markdown
from misfire.tracking.claims import CLAIM, Leases, held, place_of
from misfire.tracking.database import absolute_uri, connect, database_path, exists, follow_move, patiently
from misfire.tracking.links import run_link
from misfire.tracking.live_run import LiveRun
from misfire.tracking.overview import Overview
from misfire.tracking.revision import source_revision
from misfire.tracking.shelf import MANIFEST, MANIFEST_FILE, WORDS, Shelf, command, manifest
from misfire.tracking.unlogged import RunContent, Unlogged

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

CELL_ID, KIND, SWEEP = "misfire.cell_id", "misfire.kind", "misfire.sweep"
_SUMMARY, _LACKING = "summary", "none"
_ANSWER, _MADE_OF = "misfire.answer", "misfire.made_of"
_NOTE = "mlflow.note.content"
_LONGEST_TAG, _LONGEST_PARAM = 8000, 6000  # MLflow refuses longer ones
_MOST_ROWS_IN_NOTE = 40
_DIGEST_LETTERS = 8  # as many as MLflow's own digests have; the whole fingerprint stands in the source
_NOT_IN_A_NAME = re.compile(r"[^\w.\- :/]")


@final
@dataclass(frozen=True)
class MlflowLedger:
    """One experiment of an MLflow store: a :class:`misfire.cells.Ledger`.

    A cell is finished once its run has MLflow's status ``FINISHED`` and every artifact agrees with the manifest whose
    checksum stands in the run's tags. The status is written last, so that a process that is killed leaves a run that
    nobody takes for a finished cell; the next one that holds the cell removes it. A cell whose artifacts were damaged
    since isn't finished either: issuing it again replaces it, and whatever reads it is told so.

    Nothing is made by reading: an experiment, and the store itself, begin with the first cell that is saved.

    Args:
        uri: Tracking URI: ``sqlite:///path``, another database, or a server's address.
        artifact_root: Folder of the artifacts on this machine; ``None`` leaves them to the server.
        lock_folder: Folder of the locks by which processes of this machine share the cells.
        experiment: Name of the experiment: the sweep.
    """

    uri: str
    artifact_root: str | None
    lock_folder: str
    experiment: str = "ensemble"
    _known: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _superseded: dict[str, list[Shelf]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _claims: dict[str, "Run"] = field(default_factory=dict, init=False, repr=False, compare=False)
    _live: dict[str, LiveRun] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        absolute_uri(self.uri)
        if not self.experiment.strip():
            raise UsageError("tracking.experiment must be a name, got an empty one; give the sweep's name.")
        # Reports lie in a folder of the experiment's name, which must not lead elsewhere.
        if not self.experiment.isprintable() or {"", ".", ".."} & set(re.split(r"[/\\]", self.experiment)):
            raise UsageError(
                f"tracking.experiment must be a name that is no path to elsewhere, got {self.experiment!r}; name it in "
                "letters, such as table1."
            )

    def for_experiment(self, name: str) -> "MlflowLedger":
        """The same store, another experiment."""
        return replace(self, experiment=name)

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client of this store."""
        return connect(self.uri).client

    @property
    def experiment_id(self) -> str:
        """Identifier of the experiment, which is created when it's new.

        Raises:
            UsageError: If an experiment of this name was deleted and still stands in the bin.
        """
        if "" not in self._known:
            self.follow_move()
            self._known[""] = ""
        if self._found_experiment() is None:
            with held(self._lock_file("experiments"), what="an experiment's creation"):
                if self._found_experiment() is None:
                    self._known[self.experiment] = self._create_experiment()
        return self._known[self.experiment]

    def follow_move(self) -> int:
        """Tell a store that was moved or copied with its project where its artifacts lie now; how many runs were told.

        Reading needs none of it, since artifacts are looked for beside the store first.
        """
        path = database_path(self.uri)
        if path is None or self.artifact_root is None or not path.exists() or connect(self.uri).is_read_only:
            return 0
        with held(self._lock_file("move"), what="what was moved"):
            return patiently(follow_move)(path, Path(self.artifact_root).resolve())

    def _found_experiment(self) -> str | None:
        if self.experiment not in self._known:
            found = self.client.get_experiment_by_name(self.experiment) if exists(self.uri) else None
            if found is None:
                return None
            if found.lifecycle_stage != "active":
                raise UsageError(
                    f"tracking.experiment must not be a deleted one, got {self.experiment}; restore it in the MLflow "
                    "UI, or choose another name."
                )
            self._known[self.experiment] = str(found.experiment_id)
        return self._known[self.experiment]

    def _create_experiment(self) -> str:
        here = self._artifacts_here
        location = None if here is None else here.as_uri()
        tags = {"mlflow.experimentKind": "custom_model_development", SWEEP: self.experiment}
        return str(self.client.create_experiment(self.experiment, artifact_location=location, tags=tags))

    @property
    def _artifacts_here(self) -> Path | None:
        """The folder of the experiment's artifacts; ``None`` where the server keeps them."""
        if self.artifact_root is None:
            return None
        name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in self.experiment)
        return Path(self.artifact_root).resolve() / name

    def finished(self, ids: Collection[str]) -> Mapping[str, Logged]:
        """Those of some cells that are finished and whole, in one read of the database."""
        wanted = set(ids)
        found: dict[str, Logged] = {}
        for shelf in self._finished_shelves():
            cell_id = shelf.run.data.tags[CELL_ID]
            if cell_id in wanted and cell_id not in found and shelf.is_whole:
                found[cell_id] = self._logged(shelf)
        return found

    def load(self, kind: str | None = None) -> Sequence[Logged]:
        """All finished cells, of one kind or of any, oldest first; what is damaged says so when it is read."""
        shelves = self._finished_shelves("" if kind is None else f" and tags.`{KIND}` = '{kind}'")
        oldest = {shelf.run.data.tags[CELL_ID]: shelf for shelf in reversed(shelves)}
        return [self._logged(shelf) for shelf in reversed(oldest.values())]

    def _finished_shelves(self, further: str = "") -> list[Shelf]:
        runs = self.runs(f"attributes.status = 'FINISHED'{further}")
        return [self._shelf(run) for run in runs if MANIFEST in run.data.tags and CELL_ID in run.data.tags]

    @contextmanager
    def claim(self, cell_id: str, *, wait: bool = True) -> Iterator[Claim]:
        """Hold a cell against other processes; a store that can only be read gives what is finished.

        Raises:
            UsageError: If the cell isn't finished and the store can't be written to.
        """
        if exists(self.uri) and connect(self.uri).is_read_only:
            found = self._look(cell_id)
            if found is None:
                raise UsageError(
                    f"a cell that isn't finished must have a store that can be written to, got {self.uri}; choose "
                    "another folder with paths.root, or mend its permissions."
                )
            yield Claim(is_held=False, finished=found)
            return
        with ExitStack() as held_until_saved:
            what = f"cell {cell_id[:12]}"
            if not held_until_saved.enter_context(held(self._lock_file(cell_id[:32]), wait=wait, what=what)):
                yield Claim(is_held=False)
                return
            found = self._look(cell_id)
            if found is None and database_path(self.uri) is None:
                lease = held_until_saved.enter_context(self._leases.held(cell_id, wait=wait))
                if lease is None:
                    yield Claim(is_held=False)
                    return
                self._claims[cell_id] = lease
                held_until_saved.callback(self._claims.pop, cell_id, None)
                found = self._look(cell_id)  # whoever held it before may have finished it
            held_until_saved.callback(self._forget_live, cell_id)
            yield Claim(is_held=True, finished=found or self._log_what_was_kept(cell_id))

    @cached_property
    def _leases(self) -> Leases:
        return Leases(self.client, self.experiment_id, place=place_of(Path(self.lock_folder)))

    def _log_what_was_kept(self, cell_id: str) -> Logged | None:
        """Log what an earlier process had computed and couldn't log."""
        unlogged = self._unlogged(cell_id)
        found = unlogged.read()
        if found is None:
            return None
        logged = self._log(cell_id, *found)
        unlogged.remove()
        return logged

    def _unlogged(self, cell_id: str) -> Unlogged:
        return Unlogged(Path(self.lock_folder).parent / "unlogged" / sha256_text(self.experiment)[:12] / cell_id)

    def _look(self, cell_id: str) -> Logged | None:
        """The finished cell; runs of it that are in its way are kept in mind until it is saved again."""
        whole: Shelf | None = None
        in_the_way = []
        for run in self.runs(f"tags.`{CELL_ID}` = '{cell_id}'"):
            shelf = self._shelf(run)
            if whole is None and run.info.status == "FINISHED":
                damage = shelf.damage
                if damage is None:
                    whole = shelf
                    continue
                say(f"A damaged cell is made again: {damage}")
            in_the_way.append(shelf)
        self._superseded[cell_id] = in_the_way
        return None if whole is None else self._logged(whole)

    def watch(self, cell: Cell, curves: Mapping[str, Sequence[float]]) -> None:
        """Show what a claimed cell that is still running has come to, in the unfinished run that it will be kept in."""
        if cell.id not in self._live:
            # So that whoever finds it after a kill knows whose it is.
            tags = {CELL_ID: cell.id, KIND: cell.kind, SWEEP: self.experiment}
            run = self._claims.get(cell.id) or self.client.create_run(
                self.experiment_id, start_time=int(1000 * time.time()), tags=tags, run_name=cell.name
            )
            self._live[cell.id] = LiveRun(self.client, run)
        self._live[cell.id].show(_curves(curves))

    def _forget_live(self, cell_id: str) -> None:
        """Remove the run of a cell that was watched and not saved; of one that was saved nothing is left to remove."""
        live = self._live.pop(cell_id, None)
        if live is not None and cell_id not in self._claims:  # a claim's run is its lease's
            self._give_up_on_the_way(self._shelf(live.run))

    def save(self, cell: Cell, outcome: Outcome, *, config: str, words: Sequence[str] = ()) -> Logged:
        """Keep a cell that is claimed as one finished run.

        Args:
            cell: What was run.
            outcome: What came out.
            config: The composed configuration, as YAML.
            words: Words of the command line that ask for the cell alone, its verb first.

        Raises:
            MisfireError: If the store can't take it. Where there is room beside the store the outcome is kept there,
                and logged when the cell is issued again.
        """
        files = artifacts(cell, outcome, config=config)
        content = self._content(cell, outcome, checksum=sha256_bytes(manifest(files)), words=words)
        try:
            return self._log(cell.id, content, files)
        except MisfireError as error:
            with suppress(OSError):
                folder = self._unlogged(cell.id).write(content, files)
                raise type(error)(f"{str(error).removesuffix('.')}; what was computed is kept in {folder}.") from error
            raise

    def _content(self, cell: Cell, outcome: Outcome, *, checksum: str, words: Sequence[str]) -> RunContent:
        headline = cell.headline(outcome.estimates, outcome.facts)
        tags = {
            CELL_ID: cell.id,
            KIND: cell.kind,
            SWEEP: self.experiment,
            MANIFEST: checksum,
            WORDS: command(words),
            "misfire.revision": source_revision(),
            "mlflow.source.name": command(words[:1]) or "misfire",
            "mlflow.source.type": "LOCAL",
            **{f"misfire.{name}": value for name, value in cell.marks.items()},
            **({} if cell.data is None else {"misfire.dataset_fingerprint": cell.data[1]}),
            _NOTE: note(headline, outcome.estimates, outcome.notes),
        }
        return RunContent(
            name=f"{cell.name} · {headline}" if headline else cell.name,
            tags={key: value[:_LONGEST_TAG] for key, value in tags.items()},
            params={_as_name(name): value[:_LONGEST_PARAM] for name, value in _params(cell).items()},
            metrics={_as_name(name): value for name, value in outcome.estimates.metrics().items()},
            data=cell.data,
            curves=_curves(outcome.curves),
        )

    def _log(self, cell_id: str, content: RunContent, files: Mapping[str, bytes]) -> Logged:
        """Log a whole run: artifacts first, one batch for what is small, and that it is finished last."""
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException

        shelf: Shelf | None = None
        try:
            now = int(1000 * time.time())
            live = self._live.pop(cell_id, None)
            begun = self._claims.get(cell_id) if live is None else live.run
            run = begun or self.client.create_run(
                self.experiment_id, start_time=now, tags=dict(content.tags), run_name=content.name
            )
            run_id, shelf = str(run.info.run_id), self._shelf(run)
            shelf.lay({**files, MANIFEST_FILE: manifest(files)})
            self.client.log_batch(
                run_id,
                metrics=[Metric(name, value, now, 0) for name, value in content.metrics.items()],
                params=[Param(name, value) for name, value in content.params.items()],
                tags=[RunTag(key, value) for key, value in content.tags.items()] if begun else [],
            )
            (live or LiveRun(self.client, run)).log(content.curves)
            if content.data is not None:
                self.client.log_inputs(run_id, datasets=[_dataset_input(*content.data)])
            if begun:
                self.client.update_run(run_id, name=content.name)
            self.client.set_terminated(run_id, status="FINISHED")
            for old in self._superseded.pop(cell_id, []):
                self._give_up(old)
            if begun:
                run.data.tags.update(content.tags)  # as the store has them now
            if CLAIM in run.data.tags:
                self._leases.keep(run_id)
            return self._logged(shelf, name=content.name)
        except OSError as error:
            self._give_up_on_the_way(shelf)
            raise MisfireError(
                f"a cell's artifacts must be written, got {error.strerror or error} in "
                f"{shelf.folder if shelf else self.artifact_root}; make room or mend the permissions, and issue the "
                "cell again."
            ) from error
        except MlflowException as error:
            self._give_up_on_the_way(shelf)
            raise MisfireError(
                f"a cell must be logged, the tracking store {self.uri} says {str(error).splitlines()[0]}; mend it, and "
                "issue the cell again."
            ) from error

    def _give_up_on_the_way(self, shelf: Shelf | None) -> None:
        if shelf is not None:
            # What can't be removed either isn't finished, and goes when the cell is issued again.
            with suppress(Exception):
                self._give_up(shelf)

    def check(self) -> str:
        """What there is and whether it is whole, in a few lines, for who asks what is wrong; mends what it can.

        Raises:
            IntegrityError: If a finished cell is damaged; the commands that make it again are told.
            UsageError: If the store can't be used.
        """
        if not exists(self.uri):
            return f"{self.uri}: no finished cell yet; `misfire demo` makes some"
        num_moved = self.follow_move()
        told = [f"{self.uri}:"]
        if num_moved:
            told.append(f"  it was moved: it knows now where the artifacts of its {plain_count(num_moved)} runs lie")
        damages = []
        for name in self.experiments():
            shelves = self.for_experiment(name)._finished_shelves()
            damages += [damage for shelf in shelves if (damage := shelf.damage) is not None]
            told.append(f"  {name}: {counted(len(shelves), 'finished cell')}")
        if damages:
            noun = "1 finished cell is" if len(damages) == 1 else f"{plain_count(len(damages))} finished cells are"
            raise IntegrityError(f"{noun} damaged in {self.uri}: " + " ".join(damages[:5]))
        return "\n".join(told) if len(told) > 1 else f"{self.uri}: no finished cell yet; `misfire demo` makes some"

    def experiments(self) -> Sequence[str]:
        """Names of the store's experiments that hold finished cells, in order of their names; makes nothing."""
        if not exists(self.uri):
            return []
        found = self.client.search_experiments(max_results=5000)
        return sorted(str(one.name) for one in found if self._has_cells(one.experiment_id))

    @property
    def has_cells(self) -> bool:
        """Whether the experiment holds a finished cell; makes nothing."""
        experiment_id = self._found_experiment()
        return experiment_id is not None and self._has_cells(experiment_id)

    def _has_cells(self, experiment_id: str) -> bool:
        finished = f"attributes.status = 'FINISHED' and tags.`{MANIFEST}` != ''"
        return bool(self.client.search_runs([experiment_id], finished, max_results=1))

    def summarise(
        self, question: Question, answer: str, parts: Mapping[str, ReportPart], *, report: Path, made_of: str
    ) -> None:
        """Put a report into the experiment's one run called summary, and the gist into the experiment's note.

        An earlier summary is overwritten where it stands, so that nothing piles up.

        Args:
            question: What the experiment asks.
            answer: What came out.
            parts: What each kind has to say, by kind, those that decide first.
            report: Folder of the report's files.
            made_of: A digest of everything that the report depends on.
        """
        if exists(self.uri) and connect(self.uri).is_read_only:
            say("The tracking store can only be read: the report is written, the store's summary stays as it was.")
            return
        overview = Overview(question, answer, parts, self.load())
        files = {
            str(path.relative_to(report)): path.read_bytes() for path in sorted(report.rglob("*")) if path.is_file()
        }
        with held(self._lock_file(_SUMMARY), what="the experiment's summary"):
            shelf = self._summary_shelf()
            run_id = str(shelf.run.info.run_id)
            shelf.replace(files)
            tags = {
                "mlflow.runName": f"summary · {plain_count(len(overview.cells))} cells",
                _NOTE: overview.gist[:_LONGEST_TAG],
                "misfire.revision": source_revision(),
                # The last to be set, below: a summary that a kill left half-made answers nothing.
                _MADE_OF: "",
            }
            for key, value in tags.items():
                self.client.set_tag(run_id, key, value)
            self.client.set_terminated(run_id, status="FINISHED")
            self._fill_in(overview)
            for key, value in overview.tags(self.experiment_id, run_id).items():
                self.client.set_experiment_tag(self.experiment_id, key, value)
            if len(answer) <= _LONGEST_TAG:
                self.client.set_tag(run_id, _ANSWER, answer)
                self.client.set_tag(run_id, _MADE_OF, made_of)

    def answered(self, made_of: str) -> str | None:
        """The answer of the experiment's report if it was made of just this; None where it has to be made."""
        found = self.runs(f"tags.`{KIND}` = '{_SUMMARY}' and tags.`{_MADE_OF}` = '{made_of}'")
        return str(found[0].data.tags[_ANSWER]) if found else None

    def _fill_in(self, overview: Overview) -> None:
        """Say of a cell what it doesn't have and its neighbours do: MLflow draws a param that lacks as a number."""
        from mlflow.entities import Param

        shown = {cell.key for cell in overview.shown}
        for shelf in self._finished_shelves():
            if shelf.run.info.run_id in shown:
                lacking = [name for name in map(_as_name, overview.params) if name not in shelf.run.data.params]
                if lacking:
                    params = [Param(name, _LACKING) for name in lacking]
                    self.client.log_batch(shelf.run.info.run_id, params=params)

    def _summary_shelf(self) -> Shelf:
        runs = self.runs(f"tags.`{KIND}` = '{_SUMMARY}'")
        if runs:
            return self._shelf(runs[0])
        tags = {KIND: _SUMMARY, SWEEP: self.experiment, "mlflow.source.name": "misfire report"}
        return self._shelf(self.client.create_run(self.experiment_id, tags=tags, run_name=_SUMMARY))

    def _give_up(self, shelf: Shelf) -> None:
        self.client.delete_run(shelf.run.info.run_id)
        shelf.clear()

    def runs(self, filter_string: str = "") -> list["Run"]:
        """Runs of the experiment, deleted ones excepted, oldest first; none where there is no such experiment."""
        experiment_id = self._found_experiment()
        found: list[Run] = []
        token = None
        while experiment_id is not None:
            page = self.client.search_runs(
                [experiment_id],
                filter_string,
                max_results=5000,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            found.extend(page)
            token = page.token
            if not token:
                break
        return found

    def _shelf(self, run: "Run") -> Shelf:
        return Shelf(self.client, run, self._folder_of(run))

    def _folder_of(self, run: "Run") -> Path | None:
        """Where a run's artifacts lie: beside the store, wherever that was moved to, or where the run says."""
        from mlflow.utils.file_utils import local_file_uri_to_path
        from mlflow.utils.uri import is_local_uri

        address = str(run.info.artifact_uri)
        if not is_local_uri(address):  # type: ignore[no-untyped-call]
            return None
        stated = Path(local_file_uri_to_path(address))  # type: ignore[no-untyped-call]
        if self.artifact_root is None:
            return stated
        here = Path(self.artifact_root).resolve().joinpath(*stated.parts[-3:])
        return here if here.exists() or not stated.exists() else stated

    def _logged(self, shelf: Shelf, *, name: str = "") -> Logged:
        run = shelf.run
        return Logged(
            id=run.data.tags[CELL_ID],
            kind=run.data.tags[KIND],
            name=name or str(run.info.run_name),
            read=shelf.read,
            url=run_link(str(run.info.experiment_id), str(run.info.run_id)),
            key=str(run.info.run_id),
        )

    def _lock_file(self, name: str) -> Path:
        return Path(self.lock_folder) / f"{sha256_text(self.experiment)[:12]}-{name}.lock"


def _curves(curves: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {_as_name(name): [float(value) for value in values] for name, values in curves.items()}


def _params(cell: Cell) -> dict[str, str]:
    """What tells the cell from its neighbours, and the seed that it was asked for with."""
    label, identity = dict(cell.label()), cell.identity()
    return label if "seed" in label or "seed" not in identity else {**label, "seed": str(identity["seed"])}


def note(headline: str, estimates: Estimates, notes: Sequence[str] = ()) -> str:
    """The text of a run's page, in Markdown: what came out, the tracked estimates, and what belongs beside them."""
    tracked = [row for row in estimates if row.is_tracked]
    shown = tracked[:_MOST_ROWS_IN_NOTE]
    left = len(estimates) - len(shown)
    table = Table(
        name="estimates",
        title=headline or "Estimates",
        columns=(
            Column("estimate", ("estimate",), is_number=False),
            Column("value", ("value",)),
            Column("n", ("n",)),
        ),
        rows=tuple(
            (
                Entry(row.tracked_name, (row.tracked_name,)),
                Entry(in_words(row), (row.value,)),
                Entry("" if row.n is None else plain_count(row.n), (row.n,)),
            )
            for row in shown
        ),
        note=f"{plain_count(left)} more in estimates.csv." if left else "",
    )
    return "\n\n".join([to_markdown(table), *notes])


def _dataset_input(name: str, fingerprint: str) -> "DatasetInput":
    """MLflow's record that a run read a dataset, for its "Datasets used" column."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=name,
        digest=fingerprint[:_DIGEST_LETTERS],
        source_type="misfire",
        source=json.dumps({"name": name, "fingerprint": fingerprint}),
    )
    return DatasetInput(dataset=dataset, tags=[InputTag("mlflow.data.context", "evaluation")])


def _as_name(name: str) -> str:
    """A name in the letters that MLflow takes.

    Example:
        >>> _as_name("t2i/hit_at_10/category (red|blue)")
        't2i/hit_at_10/category _red_blue_'
    """
    return _NOT_IN_A_NAME.sub("_", name)[:250]
