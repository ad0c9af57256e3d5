"""Intervals by the Poisson bootstrap: each unit is drawn Poisson(1) times, so one product of weights and sums does them all.

A metric is given as sums over units (columns of `parts`) and a function from those sums to its value. Chamandy et al.,
"Estimating uncertainty for massive data streams", 2012. Units are rows, or entities whose rows are not independent.

Above `BUCKETS` units, units are put into that many buckets at random and buckets are drawn: the sums are read once, and the
cost of a thousand resamples does not grow with the rows. The interval is bias-corrected and accelerated (Efron, 1987) from
the buckets' jackknife, and widened for few units as Hesterberg, "What teachers should know about the bootstrap", 2015, does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.strata import held

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Combine = Callable[[Floats], Floats]

REPLICATES = 2000
BUCKETS = 1024
_FOLDED = 0.25  # from so many standard deviations on, the bias of resampling is the metric's nature and no accident
_BEHIND = 3.0  # so many standard errors behind the largest gap, a gap is not the largest by bad luck
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Sums:
    """What each unit, or each bucket of units, adds (rows of `per`); `n` counts the units. `strata`: the same within each
    stratum whose rows are held, units x strata x (k + 1), as `stratified` gives them."""

    per: Floats
    n: int
    strata: Floats | None = None

    def columns(self, which: Sequence[int]) -> Sums:
        """Only these columns."""
        strata = None if self.strata is None else self.strata[:, :, [*which, -1]]
        return Sums(self.per[:, list(which)], self.n, strata)

    @cached_property
    def total(self) -> Floats:
        return np.asarray(self.per.sum(axis=0))

    @cached_property
    def without(self) -> Floats:
        """The sums without each unit in turn, units x k; each sum's stand together in memory."""
        if self.strata is None:
            return (self.total[:, None] - self.per.T).T
        whole = self.strata.sum(axis=0)
        return held(whole - self.strata, whole)


def beside(many: Sequence[Sums]) -> Sums:
    """Columns of several, of the same units, side by side."""
    per = np.hstack([sums.per for sums in many])
    if many[0].strata is None:
        return Sums(per, many[0].n)
    parts = [sums.strata[:, :, :-1] for sums in many if sums.strata is not None]
    return Sums(per, many[0].n, np.concatenate([*parts, many[0].strata[:, :, -1:]], axis=2))


def by_unit(parts: Floats, units: Codes | None) -> Floats:
    """Sums of the rows of `parts` (rows x k) within each unit (codes from 0), units x k. None: each row is a unit."""
    if units is None:
        return parts
    from scipy.sparse import csc_matrix

    count = int(units.max()) + 1 if len(units) else 0
    where = (np.ones(len(units)), units, np.arange(len(units) + 1))
    # Reads the rows once, whatever the number of columns; a bincount of each column reads all of memory each time.
    return np.asarray(csc_matrix(where, shape=(count, len(units))) @ parts)


def bucket_of(count: int, seed: int = 0) -> Codes | None:
    """The bucket of each of `count` units; None when they are few enough to be drawn one by one."""
    return np.random.default_rng(seed).integers(0, BUCKETS, count) if count > BUCKETS else None


def bucketed(parts: Floats, seed: int = 0) -> Sums:
    """`parts` of units (units x k), in buckets where there are many."""
    return Sums(by_unit(parts, bucket_of(len(parts), seed)), len(parts))


def interval(parts: Floats, combine: Combine, *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """The metric's value and its interval; the interval is NaN when no resample gives a number."""
    return intervals([(bucketed(parts, seed), combine)], confidence=confidence, seed=seed)[0]


def paired_interval(
    challenger: Floats, champion: Floats, combine: Combine, *, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """The same for challenger minus champion, both resampled by the same weights: what they share cancels."""
    both = np.hstack([challenger, champion])
    return interval(both, difference_of(combine, challenger.shape[1]), confidence=confidence, seed=seed)


def difference_of(combine: Combine, k: int) -> Combine:
    """From sums of two models side by side (k each) to the first's value less the second's."""

    def difference(sums: Floats) -> Floats:
        return np.asarray(combine(sums[..., :k]) - combine(sums[..., k:]))

    return difference


def intervals(asked: Sequence[tuple[Sums, Combine]], *, confidence: float = 0.95, seed: int = 0) -> list[Interval]:
    """One interval for each metric; metrics over the same number of buckets are resampled in one product."""
    every = {id(sums): sums for sums, _ in asked}  # many metrics may be made from the same sums
    drawn = {key: _within_strata(sums.strata, seed) for key, sums in every.items() if sums.strata is not None}
    every = {key: sums for key, sums in every.items() if key not in drawn}
    for size in sorted({len(sums.per) for sums in every.values()}):
        group = [sums for sums in every.values() if len(sums.per) == size]
        together = _replicates(np.hstack([sums.per for sums in group]), seed)
        ends = np.cumsum([sums.per.shape[1] for sums in group])
        for sums, part in zip(group, np.split(together, ends[:-1], axis=1), strict=True):
            drawn[id(sums)] = part
    return [_accelerated(sums, combine, combine(drawn[id(sums)]), confidence) for sums, combine in asked]


def gap_interval(
    sums: Sums, rates: Combine, *, logarithmic: bool = False, confidence: float = 0.95, seed: int = 0
) -> Interval | None:
    """The largest gap between any two groups in any of several rates; `rates` is from sums (... x k) to ... x rates x groups.
    `logarithmic`: the smallest ratio of any two instead, which is a gap of logarithms. None where a rate has no value.

    Noise alone makes a largest gap larger, so a resample of it says too little of none. The lower end is that of all
    differences together (the max-t interval of Westfall and Young, 1993) that can be the largest, as those far behind it
    cannot (Chernozhukov, Lee and Rosen, 2013); the upper end that of each difference by itself.
    """
    scale = np.log if logarithmic else np.asarray
    drawn = _replicates(sums.per, seed) if sums.strata is None else _within_strata(sums.strata, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, moved = scale(rates(sums.total)), scale(rates(drawn))
        if not np.isfinite(value).all():
            return None
        one, other = np.triu_indices(value.shape[-1], 1)
        gap = value[..., one] - value[..., other]
        away = (moved[..., one] - moved[..., other] - gap).reshape(len(drawn), -1)
        away = away[np.isfinite(away).all(axis=1)]
        gap, error = np.abs(gap).ravel(), away.std(axis=0)
    sure = error > 0
    if not len(away) or not sure.any():
        return None
    z = _wide(confidence, _free(sums))
    able = sure & (gap + _BEHIND * error >= gap.max())
    able = able if able.any() else sure
    together = float(np.quantile(np.abs(away[:, able] / error[able]).max(axis=1), confidence))
    together *= z / _NORMAL.inv_cdf((1 + confidence) / 2)
    low, found, high = max(0.0, float((gap - together * error).max())), float(gap.max()), float((gap + z * error).max())
    ends = (math.exp(-found), math.exp(-high), math.exp(-low)) if logarithmic else (found, low, high)
    return Interval(*ends, sums.n)


def _within_strata(strata: Floats, seed: int) -> Floats:
    if not len(strata):
        return np.empty((0, strata.shape[2] - 1))
    flat = _replicates(strata.reshape(len(strata), -1), seed)
    return held(flat.reshape(len(flat), *strata.shape[1:]), strata.sum(axis=0))


@lru_cache(maxsize=2)
def _weights(seed: int) -> Floats:
    drawn = np.random.default_rng(seed).poisson(1.0, size=(REPLICATES, BUCKETS)).astype(np.float64)
    drawn.setflags(write=False)
    return drawn


def _replicates(per: Floats, seed: int) -> Floats:
    """Resampled sums, replicates x k. In double precision: in single, the eighth digit of where an interval ends would depend
    on how many threads multiply, and evidence would have other bytes on another machine."""
    if not len(per):
        return np.empty((0, per.shape[1]))
    return np.asarray(_weights(seed)[:, : len(per)] @ per)


def _accelerated(sums: Sums, combine: Combine, drawn: Floats, confidence: float) -> Interval:
    value = float(combine(sums.total))
    finite = np.sort(drawn[np.isfinite(drawn)])
    if not len(finite) or not math.isfinite(value):
        return Interval(value, math.nan, math.nan, sums.n)
    width = float(finite[-1] - finite[0])
    if width <= 1e-6 * max(abs(value), width):  # every resample says the same, so rounding is all that is left to see
        return Interval(value, value, value, sums.n)
    bias, spread = float(finite.mean()) - value, float(finite.std())
    if abs(bias) > _FOLDED * spread:
        low, high = _shifted(finite, bias, confidence, _free(sums))
    else:
        low, high = _quantiles(finite, _levels(sums, combine, value, finite, confidence))
    return Interval(value, min(float(low), value), max(float(high), value), sums.n)


def _quantiles(drawn: Floats, levels: tuple[float, float]) -> Floats:
    """Of values in order; numpy's own sorts them again for each interval, and there are hundreds."""
    last = len(drawn) - 1
    return np.asarray(np.interp(np.array(levels) * last, np.arange(last + 1), drawn))


def _shifted(drawn: Floats, bias: float, confidence: float, n: int) -> tuple[float, float]:
    """For sums of absolute values and gaps between extremes, which noise alone makes larger: the sample was pushed as
    the resamples are pushed again, and a resample shows less of a push than there was. The end that is pushed away from the
    truth goes back further. The factors were found by simulation: 95 of 100 cover at a hundred rows and at three hundred."""
    tail = 1 - _NORMAL.cdf(_wide(confidence, n))
    low, high = _quantiles(drawn, (tail, 1 - tail))
    far = (3, 1) if bias > 0 else (1, 3)
    ends = float(low) - far[0] * bias, float(high) - far[1] * bias
    return (max(ends[0], 0.0), ends[1]) if drawn[0] >= 0 else ends


def _levels(sums: Sums, combine: Combine, value: float, drawn: Floats, confidence: float) -> tuple[float, float]:
    """Which quantiles of the resampled values, in order, are the ends of the interval."""
    below = float(np.searchsorted(drawn, value) + np.searchsorted(drawn, value, side="right")) / (2 * len(drawn))
    shift = _NORMAL.inv_cdf(min(max(below, 0.01), 0.99))
    without = combine(sums.without)
    without = without[np.isfinite(without)]
    pull = without.mean() - without if len(without) else np.zeros(1)
    squared = pull * pull  # a third power is taken by logarithms, ten times as slowly
    spread = float(squared.sum()) ** 1.5
    bend = float((squared * pull).sum()) / (6 * spread) if spread > 0 else 0.0
    ends = []
    for side in (-1.0, 1.0):
        z = shift + side * _wide(confidence, _free(sums))
        room = 1 - bend * z
        ends.append(_NORMAL.cdf(shift + z / room) if room > 0.1 else _NORMAL.cdf(side * 8))
    return min(ends), max(ends)


def _free(sums: Sums) -> int:
    """How many units are free to differ: each stratum has a mean of its own."""
    return len(sums.per) - (0 if sums.strata is None else sums.strata.shape[1] - 1)


def _wide(confidence: float, n: int) -> float:
    """How many standard deviations of the resamples reach as far as Student's t would (Cornish-Fisher to second order)."""
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    if n < 3:
        return 8.0
    free = n - 1
    t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    return t * math.sqrt(n / free)
