"""Average precision as sums, so that it can be resampled without sorting again.

The value is scikit-learn's average_precision_score, a tie counting at its end. What each row adds is its influence, the
derivative of the value by the row's weight (the infinitesimal jackknife of Jaeckel, 1972): with s falling and N, P the rows
and the precision down to a score, row j moves it by y_j (P_j - AP) + sum over found i no higher than j of (y_j - P_i) / N_i,
over the positives there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.added import Added

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def average_precision_rising(truth: NDArray[Any], score: Floats | None, weight: Floats | None) -> list[Added]:
    """Influence, the value itself and 1 for each row, of rows by rising score; NaN where nothing is positive.

    What a row adds changes only where something is found: it is computed at the ends of those ties and spread over the rows.
    """
    found = np.ascontiguousarray(truth[::-1]) == 1  # what is read backwards is summed a tenth as quickly
    w = None if weight is None else weight[::-1]
    hits = np.cumsum(found)
    positives = float(hits[-1] if w is None else w[found].sum())
    if not positives:
        return [Added(np.nan)] * 3
    ends = _ends(found, hits, None if score is None else tie_lengths(score[::-1]))
    rows = (ends + 1).astype(np.float64) if w is None else np.cumsum(w)[ends]
    down_to = hits[ends].astype(np.float64) if w is None else np.cumsum(w * found)[ends]
    own, precision = np.diff(down_to, prepend=0.0), _over(down_to, rows)
    value = float((own * precision).sum()) / positives
    missed = np.zeros(len(found))
    missed[: ends[-1] + 1] = np.repeat(_from(_over(own * precision, rows)), np.diff(ends, prepend=-1))
    gained = precision - value + _from(_over(own, rows))
    missed[np.flatnonzero(found)] -= np.repeat(gained, np.diff(hits[ends], prepend=0))
    whole = float(len(found) if w is None else w.sum())
    return [Added(missed[::-1] * (-whole / positives)), Added(value), Added(1.0)]


def _ends(found: NDArray[np.bool_], hits: Codes, tied: Codes | None) -> Codes:
    """The last row of each tie in which something is found."""
    if tied is None:
        return np.flatnonzero(found)
    last = np.cumsum(tied) - 1
    return last[np.diff(hits[last], prepend=0) > 0]


def tie_lengths(score: Floats) -> Codes | None:
    """How many rows each tie has, of scores in order; None where no two are the same."""
    new = np.flatnonzero(score[1:] != score[:-1]) + 1
    return None if len(new) == len(score) - 1 else np.diff(np.concatenate([[0], new, [len(score)]]))


def _over(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _from(values: Floats) -> Floats:
    """The sum of the values from each to the end."""
    before = np.cumsum(values)
    return np.asarray(before[-1] - before + values)
