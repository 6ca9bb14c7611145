"""What a user meets, who runs without the shape checks of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from jaxtyping import config


@contextmanager
def without_shape_checks() -> Iterator[None]:
    """Let a wrong shape through to the package's own errors."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)
