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


def average_precision_parts(
    truth: Floats, score: Floats, weight: Floats | None = None, order: Codes | None = None
) -> Floats:
    """Influence, the value itself and 1 for each row, each times its weight; rows x 3, NaN where nothing is positive.
    `order` is that of rising scores where it is known."""
    weight = np.ones_like(truth) if weight is None else weight
    order = (np.argsort(score) if order is None else order)[::-1]
    y, w, s = truth[order], weight[order], score[order]
    found, positives = w * y, float((w * y).sum())
    if not positives:
        return np.full((len(truth), 3), np.nan)
    first = np.flatnonzero(np.concatenate([[True], np.diff(s) != 0]))
    lengths = np.diff(np.append(first, len(s)))
    last = np.repeat(first + lengths - 1, lengths)
    rows = np.cumsum(w)[last]
    precision = _over(np.cumsum(found)[last], rows)
    value = float((found * precision).sum()) / positives
    begin = np.repeat(first, lengths)
    below, missed = (_from(_over(found * each, rows), begin) for each in (np.ones_like(w), precision))
    moved = (y * (precision - value) + y * below - missed) / positives
    influence = np.empty_like(moved)
    influence[order] = moved * w.sum()
    return np.stack([influence * weight, value * weight, weight], axis=1)


def _over(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _from(values: Floats, begin: Codes) -> Floats:
    """The sum of the values from each place `begin` to the end."""
    rest = np.cumsum(values[::-1])[::-1]
    return rest[begin]
