"""The Hugging Face hub where there is no network: its cache at once, instead of half a minute of attempts."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies


@contextmanager
def offline_if_unreachable() -> Iterator[None]:
    """Ask the hub's cache alone where the hub's name doesn't resolve.

    Its client would try again for half a minute and complain a line each time. Behind a proxy the name need not
    resolve here, so there the client finds out.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not (getproxies() or _resolves(constants.ENDPOINT))
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _resolves(address: str) -> bool:
    try:
        return bool(socket.getaddrinfo(urlsplit(address).hostname, None))
    except OSError:
        return False
