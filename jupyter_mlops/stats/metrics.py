"""Metrics as sums: `parts` gives what each row adds, `combine` turns summed parts (any shape ... x k) into values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.ranking import average_precision, ranked

Floats = NDArray[np.float64]
Combine = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Metric:
    """`parts(truth, prediction)` is rows x k; for ranking `parts(truth, score, entity)` is entities x k.

    `higher` is the better direction (None: neither, so it cannot be gated). `probabilities`: hard answers are not enough.
    `within` is what it can be at all: no interval reaches beyond. `share`: a count over a count of
    yes or no. `weighted`: `parts` wants the rows' weights itself, as `weight=`.
    """

    name: str
    parts: Callable[..., Floats]
    combine: Combine
    higher: bool | None
    probabilities: bool = False
    share: bool = False
    weighted: bool = False
    within: tuple[float, float] = (-math.inf, math.inf)


UNIT = (0.0, 1.0)
POSITIVE = (0.0, math.inf)


def mean(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def each(values: Floats) -> Floats:
    return np.stack([values, np.ones_like(values)], axis=1)


def _r2(sums: Floats) -> Floats:
    residual, n, total, squares = (sums[..., i] for i in range(4))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - residual / (squares - total**2 / n))


def _r2_parts(truth: Floats, predicted: Floats) -> Floats:
    # Around the mean, or the difference of two large sums would lose its digits.
    centred = truth - truth.mean()
    return np.stack([(truth - predicted) ** 2, np.ones_like(truth), centred, centred**2], axis=1)


def _rank_parts(
    values_of: Callable[[Floats, Floats, NDArray[np.int64]], Floats], which: int
) -> Callable[[Floats, Floats, NDArray[np.int64]], Floats]:
    def parts(truth: Floats, score: Floats, entity: NDArray[np.int64]) -> Floats:
        values = values_of(truth, score, entity)[:, which]
        known = np.isfinite(values)
        return np.stack([np.where(known, values, 0.0), known.astype(np.float64)], axis=1)

    return parts


REGRESSION = (
    Metric("mae", lambda y, p: each(np.abs(y - p)), mean, False, within=POSITIVE),
    Metric("rmse", lambda y, p: each((y - p) ** 2), lambda sums: np.sqrt(mean(sums)), False, within=POSITIVE),
    Metric("r2", _r2_parts, _r2, True, within=(-math.inf, 1.0)),
    Metric("bias", lambda y, p: each(p - y), mean, None),
)
RANKING = (
    Metric("ndcg@10", _rank_parts(ranked, 0), mean, True, within=UNIT),
    Metric("precision@10", _rank_parts(ranked, 1), mean, True, within=UNIT),
    Metric("recall@10", _rank_parts(ranked, 2), mean, True, within=UNIT),
    Metric("map", _rank_parts(average_precision, 0), mean, True, within=UNIT),
    Metric("map@10", _rank_parts(average_precision, 1), mean, True, within=UNIT),
)
