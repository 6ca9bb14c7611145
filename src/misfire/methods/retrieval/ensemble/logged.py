"""A finished ensemble, read: its numbers by group and cut-off, its facts by name."""

import io
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import pandas as pd
from jaxtyping import Float

from misfire.cells import Estimate, Flips, Paired
from misfire.cells.comparison import score_interval
from misfire.methods.retrieval.ensemble.measured import HIT, SUBSET, paired_hits
from misfire.methods.retrieval.logged import LoggedCell


@final
@dataclass(frozen=True, eq=False)
class LoggedEnsemble(LoggedCell):
    """What a report reads of a finished ensemble."""

    @property
    def pooling_label(self) -> str:
        """The pooling with its temperature, if it has one: ``logmeanexp tau=1``."""
        return str(self.pooling) if self.tau is None else f"{self.pooling} tau={self.tau:g}"

    def find(self, group: str, k: int) -> Estimate | None:
        """An estimate at a cut-off; None where it wasn't made."""
        return self.logged.estimates.find(HIT, k=k, group=group)

    def at(self, group: str, k: int) -> Estimate:
        """An estimate at a cut-off.

        Raises:
            UsageError: If there is none.
        """
        return self.logged.estimates.at(HIT, k=k, group=group)

    def delta(self, k: int) -> float:
        """Gain in the hit rate on the subset, a fraction."""
        return self.at("delta", k).value

    def trusted(self, k: int) -> tuple[float, float]:
        """Score interval of the gain, the captions of an image counted together: what tables and figures show."""
        return score_interval(self.paired(k), confidence=self.confidence)

    def flips(self, k: int, group: str = "") -> Flips:
        """Counts of queries before and after: the subset's, or those of a group such as ``complement``."""
        prefix = f"{group}/" if group else ""
        return Flips(*(int(self.at(f"{prefix}{name}", k).value) for name in Flips.__dataclass_fields__))

    def has_flips(self, k: int, group: str) -> bool:
        """Whether the queries of a group were counted."""
        return self.find(f"{group}/fixed", k) is not None

    @cached_property
    def replicates(self) -> dict[int, Float[np.ndarray, " replicate"]]:
        """The gain in every resample of the subset, a fraction, by cut-off."""
        with np.load(io.BytesIO(self.logged.read("replicates.npz")), allow_pickle=False) as archive:
            return {k: archive[f"hit_at_{k}"] for k in self.ks}

    @cached_property
    def records(self) -> pd.DataFrame:
        """A row a query, the subset's first."""
        frame = self.logged.records
        return frame.iloc[np.argsort((frame["part"] != SUBSET).to_numpy(), kind="stable")]

    def paired(self, k: int) -> Paired:
        """Hits of each query at a cut-off, before and after."""
        frame = self.records
        return paired_hits(
            frame["baseline_rank"].to_numpy(),
            frame["ensembled_rank"].to_numpy(),
            query=frame["query_id"].to_numpy(),
            image=frame["image_id"].to_numpy(),
            num_subset=int((frame["part"] == SUBSET).sum()),
            num_others=self.num_others,
            k=k,
            is_failure_mined=self.is_failure_mined,
            confidence=self.confidence,
            data=self.dataset_fingerprint,
        )
