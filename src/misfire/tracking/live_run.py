"""A run that can be looked at while its cell is still running: its curves grow, and nothing else stands in it."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_MOST_IN_A_BATCH = 1000  # metrics that MLflow takes at a time
_SECONDS_BETWEEN_LOOKS = 1.0  # nobody looks more often


@final
class LiveRun:
    """Logs each point of some curves once, however often they are shown.

    Args:
        client: MLflow's.
        run: The run, unfinished.
    """

    def __init__(self, client: "MlflowClient", run: "Run") -> None:
        self.run = run
        self._client = client
        self._num_logged: dict[str, int] = {}
        self._last_look = -math.inf

    def show(self, curves: Mapping[str, Sequence[float]]) -> None:
        """Log what is new, if there has been none for a second; a tracker that is away doesn't stop the training."""
        if time.monotonic() - self._last_look >= _SECONDS_BETWEEN_LOOKS:
            with suppress(Exception):
                self.log(curves)
            self._last_look = time.monotonic()

    def log(self, curves: Mapping[str, Sequence[float]]) -> None:
        """Log what hasn't been yet; where a curve is NaN it has no point."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        points = [
            Metric(name, value, now, step)
            for name, values in curves.items()
            for step, value in enumerate(values, start=1)
            if step > self._num_logged.get(name, 0) and math.isfinite(value)
        ]
        for start in range(0, len(points), _MOST_IN_A_BATCH):
            self._client.log_batch(str(self.run.info.run_id), metrics=points[start : start + _MOST_IN_A_BATCH])
        self._num_logged |= {name: len(values) for name, values in curves.items()}
