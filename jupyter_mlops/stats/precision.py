"""Average precision as sums, so that it can be resampled without sorting again.

The value is scikit-learn's average_precision_score, a tie counting at its end. What each row adds is its influence, the
derivative of the value by the row's weight (the infinitesimal jackknife of Jaeckel, 1972): with s falling and N, P the rows
and the precision down to a score, row j moves it by y_j (P_j - AP) + sum over found i no higher than j of (y_j - P_i) / N_i,
over the positives there are.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.added import Added

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def average_precision_of(truth: NDArray[Any], score: Floats | None, weight: Floats | None) -> float:
    """The value, of rows by rising score; NaN where nothing is positive."""
    steps = _steps(truth, score, weight)
    return math.nan if steps is None else float((steps.own * _over(steps.down_to, steps.rows)).sum()) / steps.positives


class _Steps(NamedTuple):
    """Rows by falling score: which are found; the last row of each tie in which something is; how much is found and how much
    stands down to there, and how much is found in that tie."""

    found: NDArray[np.bool_]
    ends: Codes
    down_to: Floats
    rows: Floats
    own: Floats
    positives: float


def _steps(truth: NDArray[Any], score: Floats | None, weight: Floats | None) -> _Steps | None:
    found = np.ascontiguousarray(truth[::-1]) == 1  # what is read backwards is summed a tenth as quickly
    w = None if weight is None else weight[::-1]
    if not found.any() or (w is not None and not w[found].any()):
        return None
    ends = _ends(found, None if score is None else tie_lengths(score[::-1]))
    if w is None:
        rows = np.asarray(ends + 1, dtype=np.float64)
        down_to = np.asarray(np.cumsum(found)[ends], dtype=np.float64)
    else:
        rows, down_to = (np.asarray(np.cumsum(one)[ends], dtype=np.float64) for one in (w, w * found))
    return _Steps(found, ends, down_to, rows, np.diff(down_to, prepend=0.0), float(down_to[-1]))


def average_precision_rising(
    truth: NDArray[Any], score: Floats | None, weight: Floats | None, value: float
) -> list[Added]:
    """Influence, the value and 1 for each row, of rows by rising score; NaN where nothing is positive. `value` may be of finer
    rows than these, whose influences then are those of their ties.

    What a row adds changes only where something is found: it is computed at the ends of those ties and spread over the rows.
    """
    steps = _steps(truth, score, weight)
    if steps is None:
        return [Added(np.nan)] * 3
    found, ends = steps.found, steps.ends
    precision = _over(steps.down_to, steps.rows)
    missed = np.zeros(len(found))
    missed[: ends[-1] + 1] = np.repeat(_from(_over(steps.own * precision, steps.rows)), np.diff(ends, prepend=-1))
    gained = precision - value + _from(_over(steps.own, steps.rows))
    missed[np.flatnonzero(found)] -= np.repeat(gained, np.diff(np.cumsum(found)[ends], prepend=0))
    missed = missed[::-1]
    whole = float(len(found) if weight is None else weight.sum())
    missed -= (missed.sum() if weight is None else missed @ weight) / whole  # nothing, unless `value` is of finer rows
    return [Added(missed * (-whole / steps.positives)), Added(value), Added(1.0)]


def _ends(found: NDArray[np.bool_], tied: Codes | None) -> Codes:
    """The last row of each tie in which something is found."""
    if tied is None:
        return np.flatnonzero(found)
    last = np.cumsum(tied) - 1
    return last[np.diff(np.cumsum(found)[last], prepend=0) > 0]


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
