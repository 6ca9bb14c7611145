"""What holds for every test: none is timed, since a machine may be busy with other work."""

import os

# Each of several workers has one thread, as has what it starts: two that share two cores with two threads each wait for
# one another. Before anything imports a library that asks.
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
