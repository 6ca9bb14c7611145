import pytest

from misfire.annotation import Access
from misfire.annotation.access import is_loopback
from misfire.core.errors import UsageError

TOKEN = "a-token-of-some-length"
OURS = {"host": "127.0.0.1:8321", "x-misfire": "1", "content-type": "application/json"}


def status(method: str, path: str = "/api/events", access: Access | None = None, **headers: str) -> int | None:
    """With which status a request is refused; None where it's answered."""
    sent = {**OURS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    refusal = (access or Access()).refuse(method, path, sent, {})
    return refusal.status if refusal else None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_beyond_this_machine_a_token_is_needed(host: str) -> None:
    with pytest.raises(
        UsageError, match=r"must have a token, since others can reach it, got none; add token=\S{24} or"
    ):
        Access(host=host)
    assert Access(host=host, token=TOKEN).url.endswith(f":8321/?token={TOKEN}")


@pytest.mark.parametrize("token", ["", "short", "x" * 257])
def test_a_token_that_can_be_guessed_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match=r"annotate.token must have 16 to 256 characters, got"):
        Access(token=token)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(UsageError, match=f"annotate.port must be between 1 and 65535, got {port};"):
        Access(port=port)


def test_the_address_is_one_to_open() -> None:
    assert Access().url == "http://127.0.0.1:8321/"
    assert Access(host="::1", port=80).url == "http://[::1]:80/"
    assert (
        Access(host="0.0.0.0", token="a b&c=d/e?f#gh0123").url
        == "http://127.0.0.1:8321/?token=a%20b%26c%3Dd%2Fe%3Ff%23gh0123"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8321", None),
        ("localhost:8321", None),
        ("[::1]:8321", None),
        ("127.0.0.1", 421),
        ("127.0.0.1:8322", 421),
        ("evil.example:8321", 421),
        ("127.0.0.1.evil.example:8321", 421),
        ("localhost@evil.example:8321", 421),
        ("evil@localhost:8321", 421),
        ("[::1:8321", 421),
        ("127.0.0.1:port", 421),
        ("", 421),
    ],
)
def test_a_name_bound_to_our_address_is_not_ours(host: str, expected: int | None) -> None:
    assert status("GET", "/", host=host) == expected
    assert status("POST", host=host) == expected


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("POST", "/api/events", {}, None),
        ("POST", "/api/events", {"origin": "http://127.0.0.1:8321", "sec_fetch_site": "same-origin"}, None),
        ("POST", "/api/events", {"origin": "http://evil.example"}, 403),
        ("POST", "/api/events", {"origin": "http://localhost:8321"}, 403),
        ("POST", "/api/events", {"origin": "https://127.0.0.1:8321"}, 403),
        ("POST", "/api/events", {"origin": "null"}, 403),
        ("POST", "/api/events", {"sec_fetch_site": "cross-site"}, 403),
        ("POST", "/api/events", {"sec_fetch_site": "same-site"}, 403),
        ("POST", "/api/events", {"sec_fetch_site": "none"}, 403),
        ("POST", "/api/events", {"x_misfire": "0"}, 403),
        ("POST", "/api/events", {"content_type": "text/plain"}, 403),
        ("POST", "/api/events", {"content_type": "application/x-www-form-urlencoded"}, 403),
        ("POST", "/api/events", {"content_type": "application/json; charset=utf-8"}, None),
        ("PUT", "/api/events", {}, 405),
        ("OPTIONS", "/api/events", {}, 405),
        ("GET", "/", {"sec_fetch_site": "cross-site"}, None),
        ("GET", "/", {"sec_fetch_site": "none"}, None),
        ("GET", "/api/session", {"sec_fetch_site": "cross-site"}, 403),
        ("GET", "/api/session", {"sec_fetch_site": "same-origin"}, None),
        ("GET", "/images/a/target", {"sec_fetch_site": "same-site"}, 403),
        ("GET", "/images/a/target", {"sec_fetch_site": "none"}, None),
    ],
)
def test_who_may_ask_what(method: str, path: str, headers: dict[str, str], expected: int | None) -> None:
    assert status(method, path, **headers) == expected


def test_the_token_is_asked_for_everywhere() -> None:
    access = Access(token=TOKEN)
    cookie = {access.cookie_name: access.cookie_value}
    for method, path in [("GET", "/"), ("GET", "/assets/page.js"), ("GET", "/api/session"), ("POST", "/api/events")]:
        assert status(method, path, access) == 401
        assert access.refuse(method, path, OURS, {access.cookie_name: TOKEN}) is not None
        assert access.refuse(method, path, OURS, {access.cookie_name: "\xe9"}) is not None
        assert access.refuse(method, path, OURS, cookie) is None
    assert TOKEN not in access.cookie_value
    assert access.knows(TOKEN)
    assert not any(access.knows(token) for token in ("", TOKEN[:-1], TOKEN + "x", "é"))
    assert not Access().knows("")


def test_beyond_loopback_the_token_stands_in_for_the_host() -> None:
    access = Access(host="0.0.0.0", token=TOKEN)
    cookies = {access.cookie_name: access.cookie_value}
    sent = {**OURS, "host": "annotation.lab:8321"}
    assert access.refuse("POST", "/api/events", sent, cookies) is None
    assert access.refuse("POST", "/api/events", sent, {}) is not None
    assert access.refuse("POST", "/api/events", {**sent, "origin": "http://evil.example"}, cookies) is not None
