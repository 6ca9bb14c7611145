import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from misfire.core.files import atomic_path, locked, write_files, write_text


def write_half(path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    script = (
        "import os, signal, pathlib\nfrom misfire.core.files import atomic_path\n"
        f"with atomic_path(pathlib.Path({str(path)!r})) as temporary:\n"
        "    temporary.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_a_lock_keeps_another_process_out_and_dies_with_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    script = (
        "import sys, time, pathlib\nfrom misfire.core.files import locked\n"
        f"with locked(pathlib.Path({str(lock)!r})):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    from filelock import FileLock, Timeout

    with pytest.raises(Timeout):
        FileLock(lock).acquire(timeout=0.05)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with locked(lock):
        pass
    holder.stdout.close()


def test_files_of_a_folder_are_bytes_or_texts_in_their_order(tmp_path: Path) -> None:
    written = write_files(tmp_path / "report", {"b/table.md": "é\n", "a.png": b"\x89"})
    assert written == [tmp_path / "report" / "b" / "table.md", tmp_path / "report" / "a.png"]
    assert [path.read_bytes() for path in written] == [b"\xc3\xa9\n", b"\x89"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.png", "table.md"]
