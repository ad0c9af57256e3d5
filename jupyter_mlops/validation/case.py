"""All that a gate may look at: one version, its answers, and what was found about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.project import Target
from jupyter_mlops.records import Comparison, Estimate, Fairness, FoundSlice
from jupyter_mlops.validation.answering import Answers, ask
from jupyter_mlops.validation.judged import Judged

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judge:
    """A fitted model and how it is asked. `size` is of its files, in bytes, where that is known."""

    model: Any
    target: Target
    size: int | None = None
    digest: str = ""

    @property
    def not_features(self) -> set[str | None]:
        data = self.target.spec.data
        return {data.target, data.timestamp, data.entity, data.weight, "inference_id"}

    def ask(self, rows: pd.DataFrame) -> Answers:
        return ask(self.model, rows, self.not_features, self.target.spec.task)

    def features(self, rows: pd.DataFrame) -> list[str]:
        """The columns that the model is given, in the model's order."""
        names = getattr(self.model, "feature_names_in_", None)
        return [str(n) for n in names] if names is not None else [c for c in rows.columns if c not in self.not_features]


@dataclass
class Case:
    """`timings` collects what a clock said; `training` is None where the training rows cannot be read; `rivalled` says that
    there is a champion to be held against."""

    judge: Judge
    judged: Judged
    scores: Floats
    estimates: list[Estimate]
    comparisons: list[Comparison]
    fairness: list[Fairness]
    found: list[FoundSlice]
    looked: int
    training: pd.DataFrame | None
    seed: int
    rivalled: bool = False
    groups: list[tuple[str, NDArray[np.bool_]]] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
