"""The MLflow UI as a child process, in its smallest form: one worker, no job execution."""

import os
import socket
import subprocess
import sys
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
_PAGES = "misfire"  # what our entry point calls :mod:`misfire.tracking.pages`


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
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words, *roots, "--app-name", _PAGES],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_healthy(process, f"http://{host}:{port}/health")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


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
