"""The MLflow UI as a child process, in its smallest form: one worker, no job execution."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from misfire.core.errors import MisfireError, UsageError
from misfire.tracking.database import connect
from misfire.tracking.ledger import MlflowLedger

_SECONDS_TO_START = 60.0


@contextmanager
def serve_ui(ledger: MlflowLedger, *, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the UI of a ledger's store until the context ends.

    Raises:
        UsageError: If the port is taken.
        MisfireError: If the server does not answer.
    """
    _check_port(host, port)
    # A new store is made here, once, before the server opens it, and a moved one told where its artifacts lie.
    uri = connect(ledger.uri).uri
    ledger.follow_move()
    words = ["server", "--backend-store-uri", uri, "--host", host, "--port", str(port), "--workers", "1"]
    roots = ["--default-artifact-root", Path(ledger.artifact_root).resolve().as_uri()] if ledger.artifact_root else []
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, *roots, "--app-name", declared_app(Path(folder))],
            env={
                **os.environ,
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "PYTHONPATH": os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")])),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_healthy(process, f"http://{host}:{port}/health")
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


def declared_app(folder: Path) -> str:
    """Declare :mod:`misfire.tracking.pages` as an app of MLflow's server, to a process that has ``folder`` on its path.

    MLflow knows an app by an entry point alone. Declared here it serves this process's children and nobody else.
    """
    declared = folder / "misfire_pages-1.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: misfire-pages\nVersion: 1\n", encoding="utf-8")
    (declared / "entry_points.txt").write_text("[mlflow.app]\nmisfire = misfire.tracking.pages:app\n", encoding="utf-8")
    return "misfire"


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"host and port must be free to listen on, got {host}:{port} ({error.strerror}); choose another with "
                "port=5001."
            ) from error


def _wait_until_healthy(process: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise MisfireError(
                f"the MLflow server must start, it ended with code {process.returncode}; run misfire doctor."
            )
        try:
            with urlopen(address, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise MisfireError(
        f"the MLflow server must answer within {_SECONDS_TO_START:.0f} s on {address}, it didn't; try again."
    )
