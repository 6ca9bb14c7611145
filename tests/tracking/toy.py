"""A cell that computes nothing worth computing, to try what becomes of cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import pandas as pd
from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Lab, Outcome, Settings


@final
@dataclass(frozen=True)
class ToyCell(Cell):
    """The mean of a few draws."""

    number: int = 0
    num_units: int = 8
    group: str = "delta"

    kind: ClassVar[str] = "toy"

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "ToyCell":
        return cls(number=settings["number"])

    @override
    def identity(self) -> Mapping[str, Any]:
        return {"number": self.number, "seed": 0}

    @override
    def label(self) -> Mapping[str, str]:
        return {"number": str(self.number), "units": "few"}

    @property
    @override
    def marks(self) -> Mapping[str, str]:
        return {"oracle": "false", "how_chosen": "by nobody"}

    @property
    @override
    def data(self) -> tuple[str, str]:
        return "invented", "f" * 64

    @override
    def run(self, lab: Lab | None) -> Outcome:
        values = np.random.default_rng(self.number).random(self.num_units)
        mean = float(values.mean())
        return Outcome(
            records=pd.DataFrame({"unit": np.arange(self.num_units), "value": values}),
            estimates=Estimates.of(
                [
                    Estimate(
                        "toy/hit", mean, k=10, group=self.group, unit="difference", low=mean / 2, n=self.num_units
                    ),
                    Estimate("toy/hit", 0.5, k=10, group="baseline", n=self.num_units),
                    Estimate("toy/undefined", float("nan")),
                    Estimate("toy/hidden", 0.25, is_tracked=False),
                ]
            ),
            facts={"notes": ["größer als 0", 3], "none": None},
            files={"replicates.npz": values.tobytes()},
        )

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        return f"{100 * estimates.rows[0].value:+.1f} pp"
