"""The database: whole or not there, refused in one sentence, found again wherever it was moved."""

import logging
import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from misfire.core.errors import MisfireError, UsageError
from misfire.tracking import MlflowLedger, database
from tests.tracking.toy import ToyCell


def ledger_in(folder: Path, experiment: str = "sweep") -> MlflowLedger:
    return MlflowLedger(
        f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"), str(folder / "locks"), experiment
    )


@pytest.fixture
def in_earnest(made_by_mlflow: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A new database is made as a user's is, and not copied."""
    monkeypatch.setattr(database, "_fill", made_by_mlflow)


def save(ledger: MlflowLedger, number: int = 0) -> str:
    cell = ToyCell(number)
    with ledger.claim(cell.id) as claim:
        assert claim.is_held
        return ledger.save(cell, cell.run(None), config="").key if claim.finished is None else claim.finished.key


def dies(work: Callable[[], object]) -> None:
    """Run some work in a forked process that must be killed on the way."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def killed_at_statement(number: int) -> Callable[..., None]:
    left = [number]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return count


@pytest.mark.usefixtures("in_earnest")
def test_a_kill_while_it_is_made_leaves_no_database_and_the_next_process_makes_it(tmp_path: Path) -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def make(number: int) -> None:
        event.listen(Engine, "before_cursor_execute", killed_at_statement(number))
        database.connect(f"sqlite:///{tmp_path}/mlflow.db")

    for number in (1, 60, 130):
        dies(lambda number=number: make(number))
        assert not (tmp_path / "mlflow.db").exists()
        assert list(tmp_path.glob(".mlflow.db.*.new")), "it was killed while it was being made"
    ledger = ledger_in(tmp_path)
    save(ledger)
    assert [one.kind for one in ledger.load()] == ["toy"]
    assert not list(tmp_path.glob(".*.new*"))
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("harm", ["DROP TABLE runs", "DELETE FROM alembic_version", "DELETE FROM experiments"])
def test_a_half_made_database_is_recognised(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "mlflow.db"
    database._make(path)
    assert not database.is_half_made(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(harm)
    assert database.is_half_made(path)


def test_a_half_made_database_is_made_anew_and_a_full_one_never(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("CREATE TABLE runs (id)")
    save(ledger_in(tmp_path))
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("DELETE FROM alembic_version")
    assert not database.is_half_made(tmp_path / "mlflow.db")


def test_the_copies_that_tests_begin_with_are_what_mlflow_makes(
    made_by_mlflow: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    def content(path: Path) -> dict[str, tuple[list[tuple[object, ...]], ...]]:
        with sqlite3.connect(path) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            asked = ("SELECT * FROM pragma_table_info('{}')", "SELECT * FROM '{}'")
            return {one: tuple(connection.execute(words.format(one)).fetchall() for words in asked) for one in tables}

    copy = tmp_path / "copy.db"
    database.connect(f"sqlite:///{copy}")
    made_by_mlflow(tmp_path / "made.db", tmp_path / "artifacts")
    made, found = content(tmp_path / "made.db"), content(copy)
    for one in (made, found):
        columns, ((*experiment, _, _, _),) = one["experiments"]
        one["experiments"] = (columns, [tuple(experiment)])  # but for when it was made
    assert found == made


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"must be a database, got .*mlflow\.db with 0 bytes, which has forgotten every cell; put a copy"),
        (b"this is not a database" * 40, r"must be a SQLite database, got .*mlflow\.db, which is none; put a copy"),
        (b"SQLite format 3\x00" + b"x" * 900, r"must be a whole SQLite database, got .*mlflow\.db"),
        (None, r"must be a file, got .*mlflow\.db, which is a folder; move it away"),
    ],
)
def test_what_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "mlflow.db"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(UsageError, match=sentence):
        ledger_in(tmp_path).load()
    assert path.is_dir() if content is None else path.read_bytes() == content


def test_a_schema_of_another_version_names_its_one_command(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    database._make(tmp_path / "mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'older'")
        connection.execute("INSERT INTO experiments (name, lifecycle_stage) VALUES ('old', 'active')")
    with pytest.raises(UsageError, match=rf"run `mlflow db upgrade 'sqlite:///{tmp_path}/mlflow.db'`"):
        ledger.load()


@pytest.mark.parametrize("name", ["run?1", "a%20b", "a#b", "größe 日本", "a&b;c='d'"])
def test_every_character_of_a_path_stands_for_itself(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    ledger = ledger_in(folder)
    key = save(ledger)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]
    with sqlite3.connect(folder / "mlflow.db") as connection:
        connection.execute("PRAGMA wal_checkpoint")
        assert connection.execute("SELECT run_uuid FROM runs").fetchall() == [(key,)]
    assert (folder / "artifacts" / "sweep" / key / "artifacts" / "cell.json").is_file()
    assert {one.path for one in ledger.client.list_artifacts(key)} >= {"cell.json", "records.parquet"}
    assert Path(ledger.client.download_artifacts(key, "cell.json")).read_bytes() == ledger.load()[0].read("cell.json")


def test_a_moved_project_reads_and_writes_in_its_new_place(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    key = save(ledger_in(old))
    with sqlite3.connect(old / "mlflow.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(old, new)
    shutil.rmtree(old)
    moved = ledger_in(new)
    assert moved.load()[0].records.equals(ToyCell().run(None).records)
    second = save(moved, 1)
    assert not old.exists()
    assert (new / "artifacts" / "sweep" / second / "artifacts" / "cell.json").is_file()
    for one in (key, second):
        assert moved.client.get_run(one).info.artifact_uri == (new / "artifacts/sweep" / one / "artifacts").as_uri()
    assert "2 finished cells" in moved.check()
    assert moved.follow_move() == 0


def test_a_copied_project_leaves_the_first_one_alone(tmp_path: Path) -> None:
    save(ledger_in(tmp_path / "old"))
    with sqlite3.connect(tmp_path / "old" / "mlflow.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    before = sorted(str(path) for path in (tmp_path / "old").rglob("*"))
    second = ledger_in(tmp_path / "new")
    assert "it knows now where the artifacts of its 1 runs lie" in second.check()
    save(second, 1)
    assert sorted(str(path) for path in (tmp_path / "old").rglob("*")) == before


def test_a_store_that_can_only_be_read_gives_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(ledger_in(tmp_path / "a"))
    # As root, permissions stop nobody.
    monkeypatch.setattr(database, "_is_writable", lambda path: False)
    database._connect.cache_clear()
    ledger = ledger_in(tmp_path / "a")
    assert len(ledger.load()) == 1
    with ledger.claim(ToyCell().id) as claim:
        assert claim.finished is not None
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with (
        pytest.raises(UsageError, match=r"must have a store that can be written to, got sqlite:///"),
        ledger.claim("d" * 64),
    ):
        pass
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    database._connect.cache_clear()


@pytest.mark.usefixtures("in_earnest")
def test_a_disk_that_fills_while_the_database_is_made_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))  # as far as SQLite can tell, a disk without room
    try:
        with pytest.raises(UsageError, match=r"room for a database .* \((disk I/O error|.* full)\); make room"):
            _ = ledger_in(tmp_path).client
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.glob("*.new*")) + list(tmp_path.glob("mlflow.db"))


def test_what_the_database_refuses_prints_no_stack(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ledger = ledger_in(tmp_path)
    _ = ledger.experiment_id
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        store.execute(
            "CREATE TRIGGER t BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    with pytest.raises(MisfireError, match="must have room"):
        save(ledger)
    assert "Traceback" not in capfd.readouterr().err
    assert not logging.getLogger("mlflow.store.db.utils").isEnabledFor(logging.ERROR)


def test_a_moved_store_that_another_program_has_locked_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database._make(tmp_path / "mlflow.db")
    ledger, locked = ledger_in(tmp_path), [True, True]

    def follow(*_: object) -> int:
        if locked:
            locked.pop()
            raise sqlite3.OperationalError("database is locked")
        return 7

    monkeypatch.setattr("misfire.tracking.ledger.follow_move", follow)
    assert ledger.follow_move() == 7


def test_a_store_under_a_file_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"got /dev/null/locks .*choose another folder with paths.root"):
        _ = ledger_in(Path("/dev/null")).experiment_id


def test_a_locked_database_is_waited_for_and_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # MLflow itself waits for twenty seconds before it gives up.
    answers: list[Exception | str] = [sqlite3.OperationalError("database is locked")] * 3 + ["done"]

    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert database.patiently(call)() == "done"
    told = capsys.readouterr().err
    assert told.count("Waiting for another program, which has locked the tracking store's database.") == 1
    monkeypatch.setattr(database, "_MOST_SECONDS_LOCKED", -1.0)
    answers[:] = [sqlite3.OperationalError("database is locked")]
    with pytest.raises(MisfireError, match="another program has locked its database"):
        database.patiently(call)()
    answers[:] = [sqlite3.OperationalError("(sqlite3.OperationalError) database or disk is full")]
    with pytest.raises(MisfireError, match=r"must have room .*\(database or disk is full\); make room"):
        database.patiently(call)()
    answers[:] = [ValueError("another")]
    with pytest.raises(ValueError, match="another"):
        database.patiently(call)()


def test_a_row_that_another_process_made_first_is_no_error() -> None:
    """MLflow looks for a run's dataset and inserts it where there is none, which two processes may do at once."""
    clash = sqlite3.IntegrityError("UNIQUE constraint failed: datasets.experiment_id, datasets.name, datasets.digest")
    calls: list[int] = []

    def call(num_clashes: int) -> str:
        calls.append(num_clashes)
        if len(calls) <= num_clashes:
            raise clash
        return "done"

    assert database.patiently(call)(2) == "done"
    assert len(calls) == 3
    calls.clear()
    with pytest.raises(sqlite3.IntegrityError, match=r"datasets\.name"):
        database.patiently(call)(1000)
    assert len(calls) == 6


def test_what_can_not_be_logged_is_kept_and_logged_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_in(tmp_path)
    _ = ledger.experiment_id

    def full(*_: object, **__: object) -> None:
        raise MisfireError("the tracking store must have room; make some.")

    with monkeypatch.context() as patch:
        patch.setattr(database._Patient, "log_batch", full, raising=False)
        with pytest.raises(MisfireError, match=r"make some; what was computed is kept in .*unlogged"):
            save(ledger)
    assert ledger.load() == []
    with ledger.claim(ToyCell().id) as claim:
        assert claim.finished is not None
        assert claim.finished.records.equals(ToyCell().run(None).records)
    assert len(ledger.load()) == 1
    assert not list((tmp_path / "unlogged").rglob("*.json"))


def test_a_disk_that_is_full_of_artifacts_leaves_nothing_that_reads_as_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = ledger_in(tmp_path)
    original = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "records.parquet":
            raise OSError(28, "No space left on device")
        return original(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MisfireError, match=r"artifacts must be written, got No space left on device in .*make room"):
        save(ledger)
    assert (ledger.load(), ledger.runs()) == ([], [])
    monkeypatch.undo()
    save(ledger)
    assert len(ledger.load()) == 1


@pytest.mark.parametrize("step", ["create_run", "log_batch", "log_inputs", "set_terminated"])
@pytest.mark.parametrize("is_after", [False, True])
def test_a_kill_while_a_cell_is_saved_leaves_it_unfinished_or_whole(
    shared_ledger: MlflowLedger, step: str, is_after: bool
) -> None:
    ledger = shared_ledger.for_experiment(f"killed at {step} {is_after}")
    _ = ledger.experiment_id

    def work() -> None:
        original = getattr(ledger.client, step)

        def deadly(*arguments: object, **named: object) -> None:
            if is_after:
                original(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(database._Patient, step, staticmethod(deadly))
        save(ledger)

    dies(work)
    is_finished = step == "set_terminated" and is_after
    assert len(ledger.load()) == int(is_finished)
    save(ledger)
    (one,) = ledger.load()
    assert one.records.equals(ToyCell().run(None).records)
    assert len(ledger.runs()) == 1
