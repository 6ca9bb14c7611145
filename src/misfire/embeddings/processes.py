"""Processes of the encoding loop: none outlives its parent, and what kills one is told in a sentence."""

import ctypes
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import misfire.core.errors
from misfire.core.errors import MisfireError

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, so that nobody writes after a ``kill -9`` (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before that
            os._exit(1)


@contextmanager
def clear_process_errors() -> Iterator[None]:
    """Raise a process's own error without the traceback it comes in, and say in a sentence that one was killed.

    Raises:
        MisfireError: What the process raised, or that it was killed: most often by the kernel for want of memory.
    """
    from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

    try:
        yield
    except ProcessRaisedException as error:
        told = re.search(r"^misfire\.core\.errors\.(\w+): (.+)$", str(error), re.MULTILINE)
        if told is None:
            raise
        raise getattr(misfire.core.errors, told[1], MisfireError)(told[2]) from error
    except (RuntimeError, ProcessExitedException) as error:
        if not (isinstance(error, ProcessExitedException) or str(error).startswith("DataLoader worker")):
            raise
        raise death(str(error).strip().splitlines()[0].partition(". ")[0].rstrip(".")) from error


def death(what: str) -> MisfireError:
    """What a user is told of a process that was killed."""
    return MisfireError(
        f"processes that read or encode must live until the end, got one that died ({what}); "
        "free some memory or set trainer.num_workers=0, and run the command again, which goes on where it stopped."
    )
