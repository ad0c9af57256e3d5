"""Average precision as sums, so that it can be resampled without sorting again.

The value is scikit-learn's average_precision_score, a tie counting at its end. What each row adds is its influence, the
derivative of the value by the row's weight (the infinitesimal jackknife of Jaeckel, 1972): with s falling and N, P the rows
and the precision down to a score, row j moves it by y_j (P_j - AP) + sum over found i no higher than j of (y_j - P_i) / N_i,
over the positives there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def average_precision_rising(truth: Floats, score: Floats, weight: Floats) -> Floats:
    """Influence, the value itself and 1 for each row, each times its weight, of rows by rising score; rows x 3, NaN where
    nothing is positive."""
    y, w, s = truth[::-1], weight[::-1], score[::-1]
    found = w * y
    positives = float(found.sum())
    if not positives:
        return np.full((len(truth), 3), np.nan)
    tied = tie_lengths(s)
    rows, hits = _down_to(w, tied), _down_to(found, tied)
    precision = _over(hits, rows)
    value = float((found * precision).sum()) / positives
    below = _from(_over(found, rows), tied)
    missed = _from(_over(found * precision, rows), tied)
    parts = np.empty((len(y), 3))
    parts[:, 1], parts[:, 2] = value * weight, weight
    moved = (y * (precision - value + below) - missed) * (float(w.sum()) / positives)
    parts[:, 0] = (moved * w)[::-1]
    return parts


def tie_lengths(score: Floats) -> Codes | None:
    """How many rows each tie has, of scores in order; None where no two are the same."""
    new = np.flatnonzero(score[1:] != score[:-1]) + 1
    return None if len(new) == len(score) - 1 else np.diff(np.concatenate([[0], new, [len(score)]]))


def _over(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _down_to(values: Floats, tied: Codes | None) -> Floats:
    """The sum of the values down to each row and the rows of its tie."""
    total = np.cumsum(values)
    return total if tied is None else np.repeat(total[np.cumsum(tied) - 1], tied)


def _from(values: Floats, tied: Codes | None) -> Floats:
    """The sum of the values from each row, and the rows of its tie, to the end."""
    rest = np.cumsum(values[::-1])[::-1]
    return rest if tied is None else np.repeat(rest[np.cumsum(tied) - tied], tied)
