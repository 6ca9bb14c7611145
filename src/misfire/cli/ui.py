"""Open the MLflow UI on the store, on loopback, and print where to look."""

import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from misfire.cli._application import run_task

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(words: Sequence[str]) -> int:
    """Serve until interrupted; a polite kill ends the server too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    run_task("ui", _serve, words)
    return 0


def _serve(config: "DictConfig") -> None:
    from misfire.config import Settings
    from misfire.tracking import experiment_links, serve_ui

    settings = Settings(config)
    address = f"http://{config.host}:{config.port}"
    with serve_ui(settings.tracking, host=config.host, port=config.port) as server:
        print(f"MLflow UI on {address} (Ctrl-C ends it)")
        for title, link in experiment_links(settings.tracking.client):
            print(f"  {title:<40} {address}/{link}")
        server.wait()
