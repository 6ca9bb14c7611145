"""A real server process: what it says, and what survives when it is killed in the middle of labelling."""

import json
import signal
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from misfire.annotation import Access, serve
from misfire.core.errors import UsageError

HEADERS = {"Content-Type": "application/json", "X-Misfire": "1"}


def post(port: int, request: dict[str, Any]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/api/events", json.dumps(request), HEADERS)
    return connection.getresponse().status


def test_a_killed_server_has_kept_every_label_that_it_confirmed(server: Any, invented: ModuleType) -> None:
    desk = invented.desk(server.folder)
    confirmed: list[str] = []
    sent = 0
    for round_number in range(3):
        killer = threading.Timer(0.15, server.end)
        killer.start()
        try:
            while True:
                sent += 1
                item = desk.items[sent % len(desk.items)]
                assert post(server.port, invented.label(item.id, "Object", f"e{sent}")) == 200
                confirmed.append(f"e{sent}")
        except OSError:
            killer.join()
        kept = [event.id for event in invented.desk(server.folder).log.read().events]
        # What was on its way when the process died may be there or not; what was confirmed is, in its order, once.
        assert [name for name in kept if name in set(confirmed)] == confirmed
        assert len(kept) - len(confirmed) <= round_number + 1
        server.start()
    assert len(confirmed) > 10
    assert post(server.port, invented.label(desk.items[0].id, "Count", confirmed[0])) == 200
    assert len(invented.desk(server.folder).log.read().events) == len(kept)


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_server_politely(server: Any, with_signal: int) -> None:
    assert server.end(with_signal) == 0


def test_a_taken_port_is_answered_with_the_next(tmp_path: Path, invented: ModuleType) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError, match=f"the port must be free, {port} on 127.0.0.1 is taken, .*try port="
        ) as error:
            serve(invented.desk(tmp_path), invented.dataset(), Access(port=port), announce=print)
    offered = int(str(error.value).rpartition("=")[2].rstrip("."))
    assert port < offered < port + 50
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", offered))


def test_an_address_of_another_machine_is_refused(tmp_path: Path, invented: ModuleType) -> None:
    access = Access(host="192.0.2.1", token="a-token-of-some-length")
    with pytest.raises(UsageError, match=r"annotate.host must be an address of this machine .*, got 192.0.2.1 \("):
        serve(invented.desk(tmp_path), invented.dataset(), access, announce=print)


def test_the_room_is_entered_without_the_web_server_until_it_is_needed() -> None:
    code = "import sys, misfire.cli, misfire.cli.annotate; print('fastapi' in sys.modules, 'hydra' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
