import io
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image as PillowImage
from starlette.testclient import TestClient

from misfire.annotation import Access, AnnotationDesk, create_app
from misfire.annotation.server import MOST_BODY_BYTES, SECURITY_HEADERS
from misfire.core.errors import UsageError

URL = "http://127.0.0.1:8321"
OURS = {"x-misfire": "1", "content-type": "application/json", "origin": URL, "sec-fetch-site": "same-origin"}
TOKEN = "a-token-of-some-length"
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


@pytest.fixture
def desk(tmp_path: Path, invented: ModuleType) -> AnnotationDesk:
    made: AnnotationDesk = invented.desk(tmp_path)
    return made


@pytest.fixture
def client(desk: AnnotationDesk, invented: ModuleType) -> TestClient:
    return TestClient(create_app(desk, invented.dataset(), Access()), base_url=URL, raise_server_exceptions=False)


def post(client: TestClient, request: dict[str, Any], **headers: str) -> Any:
    return client.post("/api/events", json=request, headers={**OURS, **headers})


def everything(client: TestClient, desk: AnnotationDesk) -> list[Any]:
    """An answer of each kind, errors included."""
    item = desk.items[0].id
    paths = ["/", "/assets/page.js", "/api/session", f"/api/items/{item}", f"/images/{item}/target", "/nothing"]
    return [*(client.get(path) for path in paths), client.post("/api/events"), post(client, {})]


def test_every_answer_carries_the_security_headers(client: TestClient, desk: AnnotationDesk) -> None:
    for answer in everything(client, desk):
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert answer.headers["cache-control"]
        assert "access-control-allow-origin" not in answer.headers
    policy = SECURITY_HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/").text
    assert not re.search(r"<style|style=|\bon\w+=|javascript:|<script(?![^>]*src=)", page)
    assert set(re.findall(r'(?:src|href)="([^"#]+)"', page)) == {
        "/assets/icon.svg",
        "/assets/page.css",
        "/assets/page.js",
    }
    for entry in files("misfire.annotation").joinpath("page").iterdir():
        text = entry.read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), entry.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)
        assert client.get("/" if entry.name == "index.html" else f"/assets/{entry.name}").content == entry.read_bytes()


def test_a_label_is_saved_and_shown(client: TestClient, desk: AnnotationDesk, invented: ModuleType) -> None:
    reply = post(client, invented.label(desk.items[0].id, "Object", "e1"))
    assert reply.status_code == 200
    assert reply.json()["num_labelled"] == 1
    assert client.get("/api/session").json()["items"][0]["category"] == "Object"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"x-misfire": ""},
        {"content-type": "text/plain"},
        {"host": "evil.example:8321"},
    ],
)
def test_another_origin_can_not_label(
    headers: dict[str, str], client: TestClient, desk: AnnotationDesk, invented: ModuleType
) -> None:
    answer = post(client, invented.label(desk.items[0].id, "Object", "e1"), **headers)
    assert answer.status_code in (403, 421)
    assert list(answer.json()) == ["error"]
    assert not desk.log.path.exists()


def test_a_preflight_is_not_answered_with_leave(client: TestClient) -> None:
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    answer = client.options("/api/events", headers=asked)
    assert answer.status_code == 403
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_images_are_the_items_own(client: TestClient, desk: AnnotationDesk, invented: ModuleType) -> None:
    colours = {image.id: image.source.colour for image in invented.dataset().images}
    for item in desk.items[:5]:
        failure = desk.failure(item.id)
        for side, image_id in (("target", failure.target_image_id), ("retrieved", failure.retrieved_image_id)):
            answer = client.get(f"/images/{item.id}/{side}")
            assert answer.headers["content-type"] == "image/png"
            assert PillowImage.open(io.BytesIO(answer.content)).getpixel((3, 3)) == colours[image_id]


@pytest.mark.parametrize(
    "path",
    [
        "/images/100/target",
        "/images/{item}/other",
        "/images/{item}/target/../../../../etc/passwd",
        "/images/..%2f..%2f..%2fetc%2fpasswd/target",
        "/images/%2e%2e/%2e%2e/etc/passwd",
        "/images//etc/passwd",
        "/assets/../server.py",
        "/assets/..%2fserver.py",
        "/assets/%2e%2e%2fserver.py",
        "/assets/..%5cserver.py",
        "/assets/page.js%00",
        "/assets/",
        "/assets/__init__.py",
        "/api/items/1000",
        "/annotations/ann.jsonl",
        "/docs",
        "/openapi.json",
    ],
)
def test_nothing_else_is_served(path: str, client: TestClient, desk: AnnotationDesk) -> None:
    answer = client.get(path.format(item=desk.items[0].id))
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"[" * 5000, 400),
        (b'{"id": "' + b"x" * MOST_BODY_BYTES + b'"}', 413),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    body: bytes, status: int, client: TestClient, desk: AnnotationDesk
) -> None:
    answer = client.post("/api/events", content=body, headers=OURS)
    assert answer.status_code == status
    assert re.fullmatch(r"[^\n]+; [^\n]+\.", answer.json()["error"])
    chunks = client.post("/api/events", content=iter([body[:10], body[10:]]), headers=OURS)
    assert chunks.status_code == status
    assert not desk.log.path.exists()


@pytest.mark.parametrize(
    ("changed", "status"), [({"category": "Objekt"}, 400), ({"item": "nobody"}, 404), ({"subtype": "x"}, 400)]
)
def test_a_refusal_is_one_sentence(
    changed: dict[str, str], status: int, client: TestClient, desk: AnnotationDesk, invented: ModuleType
) -> None:
    answer = post(client, {**invented.label(desk.items[0].id, "Object", "e1"), **changed})
    assert answer.status_code == status
    assert re.fullmatch(r"[^\n]+\.", answer.json()["error"])
    assert not desk.log.path.exists()


def test_a_label_that_can_not_be_written_is_not_called_saved(
    client: TestClient, desk: AnnotationDesk, invented: ModuleType
) -> None:
    desk.log.path.parent.parent.joinpath("annotations").write_text("in the way")
    answer = post(client, invented.label(desk.items[0].id, "Object", "e1"))
    assert answer.status_code == 503
    assert "nothing was saved, and the page will try again" in answer.json()["error"]


def test_an_image_that_can_not_be_read_is_an_error_of_its_own(desk: AnnotationDesk, invented: ModuleType) -> None:
    class Broken(invented.PlainImage):  # type: ignore[misc, name-defined]
        def load(self) -> PillowImage.Image:
            raise UsageError("an image file must decode whole, got a.jpg; restore or drop it.")

    data = invented.dataset()
    broken = replace(data, images=tuple(replace(image, source=Broken((0, 0, 0))) for image in data.images))
    client = TestClient(create_app(desk, broken, Access()), base_url=URL)
    answer = client.get(f"/images/{desk.items[0].id}/target")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "an image file must decode whole, got a.jpg; restore or drop it.",
    )
    assert client.get("/api/session").status_code == 200


def test_captions_and_notes_travel_as_data(tmp_path: Path, invented: ModuleType) -> None:
    data = invented.dataset(captions=(HOSTILE,))
    desk = invented.desk(tmp_path, data=data)
    client = TestClient(create_app(desk, data, Access()), base_url=URL)
    answer = client.get(f"/api/items/{desk.items[0].id}")
    assert answer.headers["content-type"] == "application/json"
    assert "".join(text for text, _ in answer.json()["caption"]).startswith(HOSTILE)
    post(client, {"id": "e1", "action": "note", "item": desk.items[0].id, "notes": HOSTILE})
    assert client.get("/api/session").json()["items"][0]["notes"] == HOSTILE
    assert HOSTILE not in client.get("/").text


def test_with_a_token_the_address_that_was_printed_opens_the_page(desk: AnnotationDesk, invented: ModuleType) -> None:
    access = Access(token=TOKEN)
    client = TestClient(create_app(desk, invented.dataset(), access), base_url=URL)
    for answer in everything(client, desk):
        assert answer.status_code in (401, 403)
    assert client.get("/?token=wrong").status_code == 401
    assert client.get(f"/api/session?token={TOKEN}").status_code == 401
    entered = client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    assert client.get("/").status_code == 200  # the client keeps cookies
    assert post(client, invented.label(desk.items[0].id, "Object", "e1")).status_code == 200
