"""An OpenAI-compatible endpoint that behaves well and badly, on this machine."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from misfire.core.errors import UsageError
from misfire.prompts.descriptions import EndpointDescriptions, EndpointError

pytest.importorskip("openai", reason="the extra 'descriptions' isn't installed")

KEY = "sk-very-secret"


@dataclass
class Server:
    """What it is told to answer, a status and a body a request (the last again and again), and what it was asked."""

    address: str
    replies: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    delay_s: float = 0.0


def message(text: object) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
    }


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(told)
            state.keys.append(self.headers.get("Authorization"))
            time.sleep(state.delay_s)
            status, body = state.replies.pop(0) if len(state.replies) > 1 else state.replies[0]
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(data)
            except BrokenPipeError:
                pass  # the client didn't wait

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{http.server_port}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()


@pytest.fixture
def source(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EndpointDescriptions:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return EndpointDescriptions(
        "small", str(tmp_path / "answers"), server.address, requests_per_minute=1e6, retries=2, timeout_s=5.0
    )


def test_answers_are_asked_for_once_and_never_again(server: Server, source: EndpointDescriptions) -> None:
    server.replies = [
        (200, message("Features of a hen are:\n- two legs\n- a red comb")),
        (200, message("1. large eyes")),
    ]
    found = source(["hen", "barn_owl"])
    assert found.of_class == {"hen": ("two legs", "a red comb"), "barn_owl": ("large eyes",)}
    assert [told["messages"][0]["content"].count("barn owl") for told in server.asked] == [0, 1]
    assert server.asked[0]["temperature"] == 0.0
    assert server.keys == [f"Bearer {KEY}"] * 2
    server.replies = [(500, {})]
    assert source(["hen", "barn_owl"]).digest == found.digest
    assert len(server.asked) == 2
    offline = replace(source, base_url="http://127.0.0.1:9/v1", key_variable="NO_SUCH_VARIABLE")
    assert offline(["barn_owl", "hen"]).of_class == dict(reversed(found.of_class.items()))


def test_the_key_stands_nowhere(
    server: Server, source: EndpointDescriptions, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.replies = [(200, message("- two legs")), (401, {"error": {"message": f"Incorrect API key: {KEY}"}})]
    with pytest.raises(EndpointError) as refusal:
        source(["hen", "owl"])
    assert "got HTTP status 401; what it answered so far is kept in" in str(refusal.value)
    look = f"look at {source.key_variable} and descriptions.base_url first"
    assert str(refusal.value).endswith(f"run the command again to go on ({look}).")
    told = "".join(capfd.readouterr()) + str(refusal.value) + repr(source) + json.dumps(source.describe())
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert KEY not in told + kept
    assert "two legs" in kept


def test_what_was_answered_before_a_failure_is_kept(server: Server, source: EndpointDescriptions) -> None:
    server.replies = [(200, message("- two legs")), (400, {"error": {"message": "no"}})]
    with pytest.raises(EndpointError, match="HTTP status 400"):
        source(["hen", "owl"])
    server.replies = [(200, message("- large eyes"))]
    assert source(["hen", "owl"]).of_class == {"hen": ("two legs",), "owl": ("large eyes",)}
    assert [told["messages"][0]["content"].count("hen") for told in server.asked] == [1, 0, 0]


def test_a_busy_endpoint_is_asked_again_and_a_dead_one_is_given_up(
    server: Server, source: EndpointDescriptions
) -> None:
    server.replies = [(429, {}), (503, {}), (200, message("- two legs"))]
    assert source(["hen"]).of_class == {"hen": ("two legs",)}
    server.replies = [(500, {})]
    with pytest.raises(EndpointError, match="HTTP status 500"):
        source(["owl"])
    assert len(server.asked) == 3 + 3
    with pytest.raises(EndpointError, match="must answer when it is asked, got no connection in 1 attempts"):
        replace(source, base_url="http://127.0.0.1:9/v1", retries=0)(["owl"])


def test_an_endpoint_that_takes_too_long_is_given_up(server: Server, source: EndpointDescriptions) -> None:
    server.replies, server.delay_s = [(200, message("- two legs"))], 0.5
    with pytest.raises(EndpointError, match=r"must answer within 0.1 s, got no answer in 1 attempts"):
        replace(source, timeout_s=0.1, retries=0)(["hen"])


@pytest.mark.parametrize(
    ("body", "dropped"),
    [
        (message(""), {"empty": 1}),
        (message(None), {"empty": 1}),
        (message("I'm sorry, but I can't do that."), {"refused": 1}),
        (message("- \n- \n"), {"empty": 2}),
    ],
)
def test_a_useless_answer_is_dropped_and_counted(
    server: Server, source: EndpointDescriptions, body: object, dropped: dict[str, int]
) -> None:
    server.replies = [(200, body)]
    found = source(["hen"])
    assert found.dropped == dropped
    assert found.without == ("hen",)


@pytest.mark.parametrize("body", [b"<html>junk</html>", {"choices": []}, {"object": "nothing"}, [1, 2], "text"])
def test_a_reply_that_is_no_message_is_said_and_not_kept(
    server: Server, source: EndpointDescriptions, body: object, tmp_path: Path
) -> None:
    server.replies = [(200, body)]
    with pytest.raises(EndpointError, match="must answer as the API says, got "):
        source(["hen"])
    assert not list(tmp_path.rglob("*.json"))


def test_samples_are_asked_for_one_by_one_and_a_budget_is_kept(server: Server, source: EndpointDescriptions) -> None:
    server.replies = [(200, message("- two legs")), (200, message("- a comb"))]
    twice = replace(source, samples=2, temperature=0.7)
    assert twice(["hen"]).of_class == {"hen": ("two legs", "a comb")}
    poor = replace(twice, most_requests=3)
    with pytest.raises(UsageError, match="within the budget, got 4 unanswered ones and most_requests=3"):
        poor(["hen", "owl", "yak"])
    assert len(server.asked) == 2


def test_questions_are_asked_no_faster_than_they_may_be(server: Server, source: EndpointDescriptions) -> None:
    server.replies = [(200, message("- two legs"))]
    start = time.monotonic()
    replace(source, requests_per_minute=600)(["hen", "owl", "yak"])
    assert time.monotonic() - start >= 0.2


def test_without_a_key_nothing_is_asked(
    server: Server, source: EndpointDescriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError, match="in the environment variable OPENAI_API_KEY, which is empty"):
        source(["hen"])
    server.replies = [(200, message("- two legs"))]
    assert replace(source, key_variable="")(["hen"]).of_class["hen"] == ("two legs",)


def test_what_the_answer_depends_on_is_described_and_nothing_else(source: EndpointDescriptions) -> None:
    elsewhere = replace(source, cache="/elsewhere", base_url="http://other", timeout_s=1.0, retries=0)
    assert elsewhere.describe() == source.describe()
    for change in ({"model": "large"}, {"temperature": 0.5}, {"samples": 3}, {"prompt": "What is a {class}?"}):
        assert replace(source, **change).describe() != source.describe()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": "What is it?"}, "must hold {class} where the class's name goes"),
        ({"temperature": 3.0}, "must be in range, got temperature=3.0"),
        ({"samples": 0, "timeout_s": 0.0}, "must be in range, got samples=0, timeout_s=0.0"),
    ],
)
def test_options_out_of_range_are_refused(source: EndpointDescriptions, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        replace(source, **change)
