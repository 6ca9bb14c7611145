"""Independent random streams out of one seed."""

import numpy as np

from misfire.core.hashing import sha256_json


def generator(seed: int, *stream: str | int) -> np.random.Generator:
    """A generator that depends on ``seed`` and on the name of the stream, and on nothing else.

    Example:
        >>> bool(generator(0, "mine").integers(100) == generator(0, "mine").integers(100))
        True
    """
    return np.random.default_rng([seed, int(sha256_json(list(stream))[:16], 16)])
