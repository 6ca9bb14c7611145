"""Lightning's data-parallel strategy, whose processes die with the command that started them."""

import os
from typing import Any, final

from lightning_fabric.strategies.ddp import DDPStrategy
from typing_extensions import override

from misfire.embeddings.processes import die_with


@final
class MortalDDPStrategy(DDPStrategy):
    """Several processes of one command, none of which survives a ``kill -9`` of it.

    Args:
        start_method: ``spawn`` or ``fork``.
    """

    def __init__(self, *, start_method: Any) -> None:
        super().__init__(start_method=start_method)
        self._parent = os.getpid()

    @override
    def setup_environment(self) -> None:
        # Before the processes look for each other: one that survives would wait half an hour, and hold the lock.
        if os.getpid() != self._parent:
            die_with(self._parent)
        super().setup_environment()
