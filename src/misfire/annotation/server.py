"""The annotation page over HTTP: assets, images by item, and one place that writes."""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from misfire.annotation.access import Access
from misfire.annotation.desk import AnnotationDesk, UnknownItemError
from misfire.annotation.pictures import Picture, picture
from misfire.core.errors import MisfireError, UsageError
from misfire.data import Dataset

MOST_BODY_BYTES = 16 * 1024
_MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(desk: AnnotationDesk, dataset: Dataset, access: Access) -> FastAPI:
    """The application that serves one annotator's session.

    Args:
        desk: The session.
        dataset: Where its images come from; nothing else is served.
        access: Who may talk to it.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(_Guard, access=access)
    assets = _assets()

    @lru_cache(maxsize=128)
    def encoded(image_id: int) -> Picture:
        return picture(dataset, image_id)

    @app.get("/")
    def page() -> Response:
        return _asset(assets, "index.html")

    @app.get("/assets/{name}")
    def asset(name: str) -> Response:
        return _asset(assets, name)

    @app.get("/api/session")
    def overview() -> Response:
        return _answer(desk.overview())

    @app.get("/api/items/{item_id}")
    def item(item_id: str) -> Response:
        return _answer(desk.item(item_id))

    @app.get("/images/{item_id}/{side}")
    def image(item_id: str, side: str) -> Response:
        failure = desk.failure(item_id)
        sides = {"target": failure.target_image_id, "retrieved": failure.retrieved_image_id}
        if side not in sides:
            raise UnknownItemError(f"an item's image must be its target or retrieved, got {side[:20]!r}; use the page.")
        shown = encoded(sides[side])
        # An item's name stands for its content, so that its image never changes.
        return Response(shown.data, media_type=shown.media_type, headers={"cache-control": "private, max-age=86400"})

    @app.post("/api/events")
    async def record(request: Request) -> Response:
        content = _parsed(await request.body())
        return _answer(await run_in_threadpool(desk.record, content))

    app.add_exception_handler(MisfireError, _refuse)
    app.add_exception_handler(OSError, _not_written)
    app.add_exception_handler(404, _nothing_here)
    return app


class _BodyTooLargeError(Exception):
    pass


class _Guard:
    """Stands before every route: refuses what the access rules refuse, bounds bodies, adds the security headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                have = Headers(raw=message["headers"])
                extra = {**SECURITY_HEADERS, **({} if "cache-control" in have else {"cache-control": "no-store"})}
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in extra.items()),
                ]
            await send(message)

        answer = self._answer_at_once(HTTPConnection(scope), scope["method"])
        if answer is not None:
            await answer(scope, receive, send_guarded)
            return
        try:
            await self.app(scope, _bounded(receive), send_guarded)
        except _BodyTooLargeError:
            sentence = f"a request must have at most {MOST_BODY_BYTES} bytes, got more; shorten the note."
            await _error(413, sentence)(scope, receive, send_guarded)

    def _answer_at_once(self, connection: HTTPConnection, method: str) -> Response | None:
        path = connection.url.path
        refusal = self.access.refuse(method, path, connection.headers, connection.cookies)
        if refusal is None:
            return None
        if refusal.status == 401 and path == "/" and method == "GET":
            if self.access.knows(connection.query_params.get("token", "")):
                entered = RedirectResponse("/", status_code=303)
                # Lax, since a link in a message must work; what writes checks the origin besides.
                entered.set_cookie(self.access.cookie_name, self.access.cookie_value, httponly=True, samesite="lax")
                return entered
            return Response(refusal.sentence, status_code=401, media_type="text/plain")
        return _error(refusal.status, refusal.sentence)


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BODY_BYTES:
            raise _BodyTooLargeError
        return message

    return bounded


def _assets() -> dict[str, bytes]:
    """The page's files by name, read once: no request reaches the file system."""
    folder = files("misfire.annotation").joinpath("page")
    served = (entry for entry in folder.iterdir() if entry.name.rpartition(".")[2] in _MEDIA_TYPES)
    return {entry.name: entry.read_bytes() for entry in served}


def _asset(assets: Mapping[str, bytes], name: str) -> Response:
    if name not in assets:
        raise UnknownItemError(f"an asset must be the page's, got {name[:20]!r}; reload the page.")
    # Checked anew each time, so that a newer misfire's page is never mixed with an older one's.
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    return Response(assets[name], media_type=media_type, headers={"cache-control": "no-cache"})


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError("a post must be JSON, got something else; use the page.") from error
    if not isinstance(content, dict):
        raise UsageError(f"a post must be a JSON object, got {type(content).__name__}; use the page.")
    return content


def _answer(content: Any) -> Response:
    return JSONResponse(content)


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)


def _refuse(request: Request, error: Exception) -> Response:
    return _error(404 if isinstance(error, UnknownItemError) else 400, str(error))


def _not_written(request: Request, error: Exception) -> Response:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return _error(503, f"the log must be writable, got {said}; nothing was saved, and the page will try again.")


def _nothing_here(request: Request, error: Exception) -> Response:
    return _error(404, "there is nothing at this address; open the page itself.")
