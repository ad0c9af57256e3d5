"""What a model leans on, asked of it from outside and without outcomes, and how far that moved.

A feature's share is how far the answers move, on average, when its values are exchanged among the rows (Breiman, 2001, without
the loss). Inputs may drift where the model does not look; here only what it looks at counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS = 300
Floats = NDArray[np.float64]
Answer = Callable[[pd.DataFrame], Floats]


@dataclass(frozen=True)
class AttributionDrift:
    """Each feature's share of the answers, then and now; the shares of a side add up to 1."""

    reference: dict[str, float]
    current: dict[str, float]

    @property
    def moved(self) -> float:
        """The share of the answers that rests on other features than before: 0 (none) to 1 (all)."""
        return sum(abs(self.current[name] - share) for name, share in self.reference.items()) / 2

    @property
    def most(self) -> str:
        """The feature whose share moved most."""
        return max(self.reference, key=lambda name: abs(self.current[name] - self.reference[name]))


def attributions(answer: Answer, rows: pd.DataFrame, features: Sequence[str]) -> dict[str, float] | None:
    """Of at most 300 of the rows, in one question; None where no feature changes any answer."""
    random = np.random.default_rng(0)
    some = rows[list(features)].iloc[np.sort(random.permutation(len(rows))[:ROWS])].reset_index(drop=True)
    asked = [some, *(some.assign(**{name: _exchanged(some[name], random)}) for name in features)]
    said = np.asarray(answer(pd.concat(asked, ignore_index=True)), dtype=np.float64).reshape(len(asked), len(some))
    moved = np.abs(said[1:] - said[0]).mean(axis=1) if len(some) else np.zeros(len(features))
    return dict(zip(features, (moved / moved.sum()).tolist(), strict=True)) if moved.sum() > 0 else None


def _exchanged(column: pd.Series, random: np.random.Generator) -> pd.Series:
    return column.iloc[random.permutation(len(column))].reset_index(drop=True)


def attribution_drift(
    answer: Answer, reference: pd.DataFrame, current: pd.DataFrame, features: Sequence[str]
) -> AttributionDrift | None:
    """How a model's reliance on its features moved between two sets of rows; None where it answers all rows alike."""
    before, now = (attributions(answer, rows, features) for rows in (reference, current))
    return AttributionDrift(before, now) if before and now else None
