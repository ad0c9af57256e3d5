"""How much of a catalogue is shown at all: a count of distinct items, which no resample of the people can tell.

A resample repeats some people and leaves others out, so it always shows fewer items. Leaving out one at a time (the jackknife of
Efron and Stein, 1981) is always too wide, since what two people both show is nobody's loss alone and yet both's. Of an item that
is shown Poisson(m) times, the count's variance is exp(-m) - exp(-2m) where the jackknife tells m exp(-m). How often items are
shown at all tells the spread of m (the mixture of greatest likelihood, Simar, 1976), and so by how much to shrink.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_RARE = 40  # an item that is shown more often is as good as certain to be shown
_MEANS = np.concatenate([[0.0], np.geomspace(0.02, _RARE, 36)])
_STEPS = 20  # the first steps of the search find the shape; the rest would follow chance


class _Shown(NamedTuple):
    """The share of the catalogue that was shown; of each item how often; and the item and entity of what one alone was shown."""

    share: float
    times: Codes
    alone: Codes

    def lost(self, catalogue: int, count: int) -> Floats:
        """How much less were shown without each entity."""
        return np.bincount(self.alone[1], minlength=count) / catalogue


def coverage(item: Codes, entity: Codes, catalogue: int, confidence_z: float) -> tuple[float, float, float]:
    """The share of the catalogue's items that any entity was shown, and its interval over entities."""
    shown = _shown(item, entity, catalogue)
    lost = shown.lost(catalogue, int(entity.max(initial=-1)) + 1)
    error = _error(lost, shown.alone.shape[1] / catalogue**2, [shown.times])
    return shown.share, max(0.0, shown.share - confidence_z * error), min(1.0, shown.share + confidence_z * error)


def coverage_gain(
    new: tuple[Codes, Codes], old: tuple[Codes, Codes], catalogue: int, confidence_z: float
) -> tuple[float, float, float]:
    """How much more of the catalogue one model shows than another to the same entities, and its interval. Each model is its
    shown items and the entities they were shown to."""
    count = max(int(entity.max(initial=-1)) + 1 for _, entity in (new, old))
    mine, theirs = (_shown(*shown, catalogue) for shown in (new, old))
    cells = [set(map(tuple, shown.alone.T.tolist())) for shown in (mine, theirs)]
    lost = mine.lost(catalogue, count) - theirs.lost(catalogue, count)
    error = _error(lost, len(cells[0] ^ cells[1]) / catalogue**2, [mine.times, theirs.times])
    gain = mine.share - theirs.share
    return gain, gain - confidence_z * error, gain + confidence_z * error


def _shown(item: Codes, entity: Codes, catalogue: int) -> _Shown:
    shown = np.unique(np.stack([item, entity]), axis=1)
    times = np.bincount(shown[0], minlength=catalogue)
    return _Shown(float((times > 0).sum() / catalogue), times, shown[:, times[shown[0]] == 1])


def _error(lost: Floats, single: float, times: list[Codes]) -> float:
    """The jackknife's standard error, shrunk. `single`: its square if each item were lost by itself. What binds items to each
    other is between what shrinks as they do and what does not shrink."""
    count = len(lost)
    if count < 2:
        return math.nan
    wide = (count - 1) / count * float(((lost - lost.mean()) ** 2).sum())
    shrunk = _shrinking(np.concatenate(times))
    return math.sqrt((wide * shrunk + max(0.0, wide - single * (1 - shrunk))) / 2)


def _shrinking(times: Codes) -> float:
    """What the variance of how many items are shown is of the jackknife's, by how often each is."""
    counts = np.bincount(times[times <= _RARE], minlength=_RARE + 1).astype(np.float64)
    met = np.flatnonzero(counts)
    likely = _poisson(met)
    weight = np.full(len(_MEANS), 1 / len(_MEANS))
    for _ in range(_STEPS):
        weight = weight * (likely @ (counts[met] / (weight @ likely))) / max(1.0, counts.sum())
    once, never = weight @ (_MEANS * np.exp(-_MEANS)), weight @ (np.exp(-_MEANS) - np.exp(-2 * _MEANS))
    return float(never / once) if once > 0 else 1.0


def _poisson(times: Codes) -> Floats:
    """The chance of each number of times by each of `_MEANS`, means x times."""
    factorial = np.array([math.factorial(int(k)) for k in times], dtype=np.float64)
    return np.asarray(np.exp(-_MEANS)[:, None] * _MEANS[:, None] ** times / factorial)
