"""Metrics as sums: `parts` gives what each row adds, `combine` turns summed parts (any shape ... x k) into values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.added import Added, written_out
from jupyter_mlops.stats.ordering import rising_order
from jupyter_mlops.stats.ranking import average_precision, hit, ndcg, precision, recall, reciprocal_rank

Floats = NDArray[np.float64]
Combine = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Rising:
    """A metric of rows that stand by rising score, for whoever has sorted them already: score None where no two are the same,
    weight None where all count the same. `value(truth, score, weight)`, and with that value what each row adds,
    `added(truth, score, weight, value)`."""

    value: Callable[[NDArray[Any], Floats | None, Floats | None], float]
    added: Callable[[NDArray[Any], Floats | None, Floats | None, float], Sequence[Added]]


@dataclass(frozen=True)
class Metric:
    """`parts(truth, prediction)` is rows x k; for ranking `parts(truth, score, entity)` is entities x k.

    `higher` is the better direction (None: neither, so it cannot be gated). `probabilities`: hard answers are not enough.
    `within` is what it can be at all: no interval reaches beyond. `share`: of a count over a count of yes or no, the columns
    of `parts` whose sum is counted over. `weighted`: `parts` wants the rows' weights itself, as `weight=`.
    `added(truth, prediction)`: the same where each row adds to few columns. `rising`: that of rows by rising score.
    `whole(truth, prediction, weight)`: the value of what is no sum over rows. `extreme`: it is that of the single worst row, so
    no sample tells how much further it may go, and it has no interval.
    """

    name: str
    parts: Callable[..., Floats]
    combine: Combine
    higher: bool | None
    probabilities: bool = False
    share: tuple[int, ...] = ()
    weighted: bool = False
    added: Callable[[Floats, Floats], Sequence[Added]] | None = None
    rising: Rising | None = None
    whole: Callable[..., float] | None = None
    extreme: bool = False
    within: tuple[float, float] = (-math.inf, math.inf)


UNIT = (0.0, 1.0)
POSITIVE = (0.0, math.inf)


def mean(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def each(values: Floats) -> Floats:
    return np.stack([values, np.ones_like(values)], axis=1)


def averaged(values: Floats) -> list[Added]:
    """For the mean of one number a row."""
    return [Added(values), Added(1.0)]


def one_by_one(added: Callable[[Floats, Floats], Sequence[Added]]) -> Callable[..., Floats]:
    """`parts` of what gives what rows add to few columns."""
    return lambda truth, prediction: written_out(added(truth, prediction), len(truth))


def sorting(rising: Rising) -> Callable[..., Floats]:
    """`parts` of rows as they come, from what gives what those by rising score add."""

    def parts(truth: Floats, score: Floats, weight: Floats | None = None) -> Floats:
        order = rising_order(score)
        rows = truth[order], score[order], None if weight is None else weight[order]
        found = written_out(rising.added(*rows, rising.value(*rows)), len(truth), rows[2])
        back = np.empty_like(found)
        back[order] = found
        return back

    return parts


def _r2(sums: Floats) -> Floats:
    residual, n, total, squares = (sums[..., i] for i in range(4))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - residual / (squares - total**2 / n))


def _r2_parts(truth: Floats, predicted: Floats) -> Floats:
    # Around the mean, or the difference of two large sums would lose its digits.
    centred = truth - truth.mean()
    return np.stack([(truth - predicted) ** 2, np.ones_like(truth), centred, centred**2], axis=1)


def _rank_parts(values_of: Callable[..., Floats], k: int | None) -> Callable[..., Floats]:
    def parts(truth: Floats, score: Floats, entity: NDArray[np.int64]) -> Floats:
        values = values_of(truth, score, entity, k)
        known = np.isfinite(values)
        return np.stack([np.where(known, values, 0.0), known.astype(np.float64)], axis=1)

    return parts


REGRESSION = (
    Metric("mae", lambda y, p: each(np.abs(y - p)), mean, False, within=POSITIVE),
    Metric("rmse", lambda y, p: each((y - p) ** 2), lambda sums: np.sqrt(mean(sums)), False, within=POSITIVE),
    Metric("r2", _r2_parts, _r2, True, within=(-math.inf, 1.0)),
    Metric("bias", lambda y, p: each(p - y), mean, None),
)
RANKED_AT_K: dict[str, Callable[..., Floats]] = {
    "ndcg": ndcg,
    "precision": precision,
    "recall": recall,
    "map": average_precision,
    "hit": hit,
    "mrr": reciprocal_rank,
}


def at_k(name: str) -> tuple[str, int] | None:
    """`ndcg@5` is ("ndcg", 5); None where no number from 1 stands behind an @."""
    kind, _, k = name.partition("@")
    return (kind, int(k)) if re.fullmatch(r"[1-9][0-9]{0,5}", k) else None


def ranking_at(name: str) -> Metric | None:
    """The metric of the first k that is so named, for any k: `ndcg@5`, `hit@1`; None where none is."""
    kind, k = at_k(name) or ("", 0)
    return Metric(name, _rank_parts(RANKED_AT_K[kind], k), mean, True, within=UNIT) if kind in RANKED_AT_K else None


_FIRST_TEN = [Metric(f"{kind}@10", _rank_parts(RANKED_AT_K[kind], 10), mean, True, within=UNIT) for kind in RANKED_AT_K]
_MAP = Metric("map", _rank_parts(average_precision, None), mean, True, within=UNIT)
RANKING = (*_FIRST_TEN[:3], _MAP, _FIRST_TEN[3])
