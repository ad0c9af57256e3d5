"""Metrics as sums: `parts` gives what each row adds, `combine` turns summed parts (any shape ... x k) into values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.ranking import ranked

Floats = NDArray[np.float64]
_CLIP = float(np.finfo(np.float64).eps)  # where scikit-learn clips probabilities for the log loss


@dataclass(frozen=True)
class Metric:
    """`parts(truth, prediction)` is rows x k; for ranking `parts(truth, score, entity)` is entities x k."""

    name: str
    parts: Callable[..., Floats]
    combine: Callable[[Floats], Floats]


def _mean(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def _each(values: Floats) -> Floats:
    return np.stack([values, np.ones_like(values)], axis=1)


def _r2(sums: Floats) -> Floats:
    residual, n, total, squares = (sums[..., i] for i in range(4))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - residual / (squares - total**2 / n))


def _r2_parts(truth: Floats, predicted: Floats) -> Floats:
    # Around the mean, or the difference of two large sums would lose its digits.
    centred = truth - truth.mean()
    return np.stack([(truth - predicted) ** 2, np.ones_like(truth), centred, centred**2], axis=1)


def _f1_parts(truth: Floats, score: Floats) -> Floats:
    chosen = (score > 0.5).astype(np.float64)
    return np.stack([chosen * truth, chosen * (1 - truth), (1 - chosen) * truth], axis=1)


def _f1(sums: Floats) -> Floats:
    hit, false, missed = (sums[..., i] for i in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2 * hit / (2 * hit + false + missed))


def _log_loss(truth: Floats, score: Floats) -> Floats:
    p = np.clip(score, _CLIP, 1 - _CLIP)
    return _each(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)))


def _auc_parts(truth: Floats, score: Floats) -> Floats:
    """The structural components of DeLong, DeLong and Clarke-Pearson, 1988: the area is a mean over positives, and over
    negatives; their linearised average resamples without sorting again."""
    positive = truth == 1
    ups, downs = np.sort(score[positive]), np.sort(score[~positive])
    below = (np.searchsorted(downs, score, "left") + np.searchsorted(downs, score, "right")) / 2 / max(1, len(downs))
    above = 1 - (np.searchsorted(ups, score, "left") + np.searchsorted(ups, score, "right")) / 2 / max(1, len(ups))
    one = positive.astype(np.float64)
    area = below[positive].mean() if len(ups) and len(downs) else np.nan
    return np.stack([one * below, one, (1 - one) * above, 1 - one, np.full(len(truth), area)], axis=1)


def _auc(sums: Floats) -> Floats:
    """Both means less the area itself, which every row carries; at the whole sample exactly the area."""
    over_ups, ups, over_downs, downs, area = (sums[..., i] for i in range(5))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(over_ups / ups + over_downs / downs - area / (ups + downs))


def _rank_parts(which: int) -> Callable[[Floats, Floats, NDArray[np.int64]], Floats]:
    def parts(truth: Floats, score: Floats, entity: NDArray[np.int64]) -> Floats:
        values = ranked(truth, score, entity)[:, which]
        known = np.isfinite(values)
        return np.stack([np.where(known, values, 0.0), known.astype(np.float64)], axis=1)

    return parts


REGRESSION = (
    Metric("mae", lambda y, p: _each(np.abs(y - p)), _mean),
    Metric("rmse", lambda y, p: _each((y - p) ** 2), lambda sums: np.sqrt(_mean(sums))),
    Metric("r2", _r2_parts, _r2),
    Metric("bias", lambda y, p: _each(p - y), _mean),
)
CLASSIFICATION = (
    Metric("accuracy", lambda y, s: _each(((s > 0.5) == (y == 1)).astype(np.float64)), _mean),
    Metric("auc", _auc_parts, _auc),
    Metric("f1", _f1_parts, _f1),
    Metric("log_loss", _log_loss, _mean),
    Metric("brier", lambda y, s: _each((y - s) ** 2), _mean),
)
RANKING = (
    Metric("ndcg@10", _rank_parts(0), _mean),
    Metric("precision@10", _rank_parts(1), _mean),
    Metric("recall@10", _rank_parts(2), _mean),
)
HIGHER_IS_BETTER = {
    "mae": False,
    "rmse": False,
    "r2": True,
    "accuracy": True,
    "auc": True,
    "f1": True,
    "log_loss": False,
    "brier": False,
    "ndcg@10": True,
    "precision@10": True,
    "recall@10": True,
}
"""A metric that is not here (bias) has no better direction and cannot be gated."""
