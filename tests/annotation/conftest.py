"""An invented failure set with a desk, and a real server on it in a process of its own."""

import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from misfire.annotation import AnnotationDesk, LabelLog, log_path, session_items
from misfire.data import Caption, Dataset, Image
from misfire.failures import Failure, FailureSet, load_taxonomy
from tests.commands import Started
from tests.plain_image import PlainImage

CAPTIONS = ("two red kites above a house", "a dog on a sofa", "some circles", "a boy hits a ball with a bat")


@pytest.fixture(scope="session")
def invented() -> ModuleType:
    """This module, for tests that stand in no package and so can't import it."""
    return sys.modules[__name__]


def dataset(num_images: int = 30, captions: tuple[str, ...] = CAPTIONS) -> Dataset:
    """Image ids are 100, 101, ...; caption ids 1000, 1010, ... so that no id is a position."""
    images = tuple(Image(100 + i, PlainImage((8 * i % 256, 60 + 5 * i % 190, 120))) for i in range(num_images))
    texts = tuple(Caption(1000 + 10 * i, 100 + i, f"{captions[i % len(captions)]} {i}") for i in range(num_images))
    return Dataset("invented", images, texts)


def failure_set(data: Dataset | None = None, num_failures: int = 24) -> FailureSet:
    """Each caption's retrieved image is the next one."""
    data = data or dataset()
    failures = tuple(
        Failure(caption.id, caption.text, caption.image_id, 100 + (i + 1) % len(data.images), 2, 2, 3, 0.21, 0.25)
        for i, caption in enumerate(data.captions[:num_failures])
    )
    return FailureSet("invented", data.fingerprint, "encoder/fp32/abc", "fp32", 42, 200, 150, failures)


def desk(folder: Path, annotator: str = "ann", *, repeats: float = 0.0, data: Dataset | None = None) -> AnnotationDesk:
    """A session on the invented failure set."""
    failures = failure_set(data)
    items = session_items(
        failures.query_ids, annotator=annotator, failure_set=failures.digest, seed=42, repeats=repeats
    )
    log = LabelLog(log_path(folder, annotator), failures.digest)
    return AnnotationDesk(annotator, failures, load_taxonomy(), items, log)


def label(item_id: str, category: str, event_id: str, **more: object) -> dict[str, object]:
    """A request as the page sends it."""
    return {"id": event_id, "action": "label", "item": item_id, "category": category, **more}


@dataclass
class Server:
    """A real server on the invented failure set, to be killed and started again."""

    folder: Path
    port: int
    caption: str = ""
    process: Started | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> "Server":
        self.process = Started(self.folder, serve_invented, self.folder, self.port, self.caption)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.code is None, f"the server ended at once: {self.process.err}"
            try:
                with urlopen(f"{self.url}api/session", timeout=5):
                    return self
            except (URLError, OSError):
                time.sleep(0.02)
        raise AssertionError("the server doesn't answer")

    def end(self, with_signal: int = signal.SIGKILL) -> int | None:
        assert self.process is not None
        self.process.signal(with_signal)
        return self.process.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server whose captions are the given one where one is given."""
    started: list[Server] = []

    def start(caption: str = "") -> Server:
        started.append(Server(tmp_path, free_port(), caption).start())
        return started[-1]

    yield start
    for server in started:
        if server.process is not None and server.process.code is None:
            server.end()


@pytest.fixture
def server(served: Callable[..., Server]) -> Server:
    """A server on the invented failure set."""
    return served()


def chromium() -> str | None:
    """Where the browser of these tests is, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def serve_invented(folder: Path, port: int, caption: str) -> int:
    """Serve the invented session until ended; each caption is the given one where one is given."""
    from misfire.annotation import Access, serve

    data = dataset(captions=(caption,) if caption else CAPTIONS)
    serve(desk(folder, data=data), data, Access(port=port), announce=lambda url: print(url, flush=True))
    return 0
