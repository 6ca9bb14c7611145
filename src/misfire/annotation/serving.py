"""Runs the annotation server until it's interrupted."""

import errno
import signal
import socket
import sys
from collections.abc import Callable

from misfire.annotation.access import Access
from misfire.annotation.desk import AnnotationDesk
from misfire.annotation.server import create_app
from misfire.core.errors import UsageError
from misfire.data import Dataset

_PORTS_TO_TRY = 50


def serve(desk: AnnotationDesk, dataset: Dataset, access: Access, *, announce: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C or a polite kill.

    Args:
        desk: The session.
        dataset: Where its images come from.
        access: Where to listen, and who may talk.
        announce: Told the address once the port is ours.

    Raises:
        UsageError: If the host can't be listened on or the port is taken; the message offers the next that is free.
    """
    import uvicorn

    listening = _bound(access)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(desk, dataset, access),
            log_level="warning",
            access_log=False,  # it would print the token
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    announce(access.url)
    # The server stops at either signal and then passes it on: to Python's own handling for Ctrl-C, to this otherwise.
    # Both are how it is meant to end, and so no business of whoever else listens for them.
    previous = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
        listening.close()


def _bound(access: Access) -> socket.socket:
    try:
        return _listen(access.host, access.port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise UsageError(
                f"annotate.host must be an address of this machine on which port {access.port} may be opened, got "
                f"{access.host} ({error.strerror}); try host=127.0.0.1 and another port."
            ) from error
    raise UsageError(
        f"the port must be free, {access.port} on {access.host} is taken, perhaps by another annotator's page; "
        f"try port={_next_free(access)}."
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _next_free(access: Access) -> int:
    for port in range(access.port + 1, min(access.port + _PORTS_TO_TRY, 65536)):
        try:
            _listen(access.host, port).close()
        except OSError:
            continue
        return port
    return 0
