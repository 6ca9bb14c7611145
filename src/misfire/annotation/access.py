"""Who may talk to the annotation server: rules over an address, a token and a request's headers."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text

_LEAST_TOKEN_CHARACTERS = 16
# A page of another origin can send neither this header nor JSON without asking the server first, which says no.
CUSTOM_HEADER = "x-misfire"
READING = ("GET", "HEAD")


class Refusal(NamedTuple):
    """An HTTP status and one sentence."""

    status: int
    sentence: str


@dataclass(frozen=True)
class Access:
    """Where the server listens, and the token that it asks for.

    Raises:
        UsageError: If it would listen beyond this machine without a token, or the token is short.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is None and not is_loopback(self.host):
            raise UsageError(
                f"a server on {self.host} must have a token, since others can reach it, got none; "
                f"add token={secrets.token_urlsafe(18)} or leave host at 127.0.0.1."
            )
        if self.token is not None and not _LEAST_TOKEN_CHARACTERS <= len(self.token) <= 256:
            raise UsageError(
                f"annotate.token must have {_LEAST_TOKEN_CHARACTERS} to 256 characters, got {len(self.token)}; "
                f"try token={secrets.token_urlsafe(18)}."
            )
        if not 0 < self.port < 65536:
            raise UsageError(f"annotate.port must be between 1 and 65535, got {self.port}; try port=8321.")

    @property
    def url(self) -> str:
        """The address to open in a browser, with the token where there is one."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)
        bracketed = f"[{host}]" if ":" in host else host
        token = f"?token={quote(self.token, safe='')}" if self.token else ""
        return f"http://{bracketed}:{self.port}/{token}"

    @property
    def cookie_name(self) -> str:
        """Cookies don't tell ports apart, so the name does."""
        return f"misfire_{self.port}"

    @property
    def cookie_value(self) -> str:
        """What the cookie holds in the token's place."""
        return sha256_text(f"misfire annotate {self.token}")

    def knows(self, token: str) -> bool:
        """Whether that is the token, in a time that doesn't depend on where they differ."""
        return self.token is not None and hmac.compare_digest(token.encode(), self.token.encode())

    def refuse(self, method: str, path: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Refusal | None:
        """Why a request isn't answered, None where it is.

        Args:
            method: Its HTTP method.
            path: Its path without the query.
            headers: By lower-case name.
            cookies: By name.
        """
        if not self._is_our_host(headers.get("host", "")):
            return Refusal(421, f"the Host must be this server's, got another; open {self._plain_url}.")
        if not _is_same_site(method, path, headers):
            return Refusal(
                403, f"a request must come from this page itself, got another origin's; open {self._plain_url}."
            )
        if self.token is not None and not self._has_cookie(cookies):
            return Refusal(401, "this page needs its token; open the address that misfire annotate printed.")
        if method in READING:
            return None
        if method != "POST":
            return Refusal(405, f"a request must read or post, got {method[:10]}; use the page.")
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if headers.get(CUSTOM_HEADER) != "1" or media_type != "application/json":
            return Refusal(403, "a post must be the page's own JSON, got something else; use the page.")
        return None

    @property
    def _plain_url(self) -> str:
        return self.url.partition("?")[0]

    def _has_cookie(self, cookies: Mapping[str, str]) -> bool:
        return hmac.compare_digest(cookies.get(self.cookie_name, "").encode(), self.cookie_value.encode())

    def _is_our_host(self, header: str) -> bool:
        """A site whose name was rebound to this address still sends its own name; beyond loopback the token guards."""
        if not is_loopback(self.host):
            return True
        try:
            parts = urlsplit(f"//{header}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        return port == self.port and "@" not in header and name in {"127.0.0.1", "localhost", "::1", self.host}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("")
        (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_same_site(method: str, path: str, headers: Mapping[str, str]) -> bool:
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    if origin is not None and origin != f"http://{headers.get('host', '')}":
        return False
    if method in READING and path == "/":
        return True  # following a link from elsewhere shows the page and does nothing
    return site == "same-origin" or (site == "none" and method in READING)
