"""What a recommender shows, beyond whether it was right: how much of the catalogue, how mixed, how new, how popular.
For the first k of each list, ten where nobody names another:

- `coverage@k`: the share of all items that anybody is shown among their first k.
- `diversity@k`: the share of pairs within a list that are of different groups (`data.item_group`).
- `novelty@k` and `popularity_bias@k` (`stats.leaning`), an item's popularity being its share of all relevant rows in training
  (in evaluation where training cannot be read).

Held against a champion, the same entities are resampled for both, and left out in turn for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Data
from jupyter_mlops.records import Estimate
from jupyter_mlops.stats import (
    Combine,
    Interval,
    bucketed,
    coverage,
    coverage_gain,
    difference_of,
    first,
    intervals,
    leaning,
    popularity,
    ratio,
    unlike_pairs,
)
from jupyter_mlops.validation.judged import Judged

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Shelf:
    """Of each row: its item (of `items` there are), how popular that is, its group, whether it was relevant, whose it is."""

    item: Codes
    items: int
    popular: Floats
    group: Codes | None
    relevant: Floats
    entity: Codes

    def take(self, where: NDArray[np.bool_]) -> Shelf:
        """Only the rows `where`; the catalogue and how popular it is stay what they are."""
        entity = np.unique(self.entity[where], return_inverse=True)[1].astype(np.int64)
        group = None if self.group is None else self.group[where]
        return replace(
            self,
            item=self.item[where],
            popular=self.popular[where],
            group=group,
            relevant=self.relevant[where],
            entity=entity,
        )

    def estimates(self, scores: Floats, k: int, seed: int, name: str = "") -> list[Estimate]:
        asked = self._asked(scores, k)
        found = dict(zip(asked, intervals([(bucketed(p), c) for p, c in asked.values()], seed=seed), strict=True))
        shown = first(scores, self.entity, k)
        value, low, high = coverage(self.item[shown], self.entity[shown], self.items, _Z)
        found[f"coverage@{k}"] = Interval(value, low, high, int(self.entity.max(initial=-1)) + 1)
        return [
            Estimate(metric=metric, value=i.value, low=i.low, high=i.high, n=i.n, slice=name)
            for metric, i in sorted(found.items())
            if np.isfinite([i.value, i.low, i.high]).all()
        ]

    def difference(
        self, metric: str, k: int, new: Floats, old: Floats, confidence: float, seed: int
    ) -> tuple[Interval, float] | None:
        """How much more it is of `new` than of `old`, and what it is of `old`; None where it has no value."""
        if metric == f"coverage@{k}":
            return self._coverage_gain(k, new, old, confidence)
        both = [self._asked(scores, k).get(metric) for scores in (new, old)]
        if both[0] is None or both[1] is None:
            return None
        (mine, combine), (theirs, _) = both[0], both[1]
        sums = bucketed(np.hstack([mine, theirs]))
        paired = difference_of(combine, mine.shape[1])
        return intervals([(sums, paired)], confidence=confidence, seed=seed)[0], float(combine(theirs.sum(axis=0)))

    def _coverage_gain(self, k: int, new: Floats, old: Floats, confidence: float) -> tuple[Interval, float]:
        shown = [first(scores, self.entity, k) for scores in (new, old)]
        pairs = [(self.item[s], self.entity[s]) for s in shown]
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        value, low, high = coverage_gain(pairs[0], pairs[1], self.items, z)
        standing = coverage(*pairs[1], self.items, z)[0]
        return Interval(value, low, high, int(self.entity.max(initial=-1)) + 1), standing

    def _asked(self, scores: Floats, k: int) -> dict[str, tuple[Floats, Combine]]:
        shown = first(scores, self.entity, k)
        asked = leaning(self.popular, shown.astype(np.float64), self.relevant, self.entity, k)
        if self.group is not None:
            unlike, pairs = unlike_pairs(self.group[shown], self.entity[shown])
            share = ratio(unlike, pairs)
            known = np.isfinite(share)
            asked[f"diversity@{k}"] = (np.stack([np.nan_to_num(share), known.astype(float)], axis=1), _mean)
        return asked


def shelf_of(judged: Judged, data: Data, training: pd.DataFrame | None) -> Shelf | None:
    """None where no item column is declared or there."""
    if judged.task != "ranking" or judged.units is None or data.item is None or data.item not in judged.rows:
        return None
    nameless = int(judged.rows[data.item].isna().sum())
    if nameless:
        raise BadInput(
            f"{nameless} rows have no value in {data.item!r}",
            "leave rows out whose item is not known",
            column=data.item,
        )
    codes, kinds = pd.factorize(judged.rows[data.item].astype(str), sort=True)
    item = codes.astype(np.int64)
    popular = _popularity(judged, item, [str(k) for k in kinds], data, training)
    group = None
    if data.item_group is not None and data.item_group in judged.rows:
        group = pd.factorize(judged.rows[data.item_group].astype(str), use_na_sentinel=False)[0].astype(np.int64)
    relevant = (judged.truth > 0).astype(np.float64)
    return Shelf(item, len(kinds), popular[item], group, relevant, judged.units)


def _popularity(judged: Judged, item: Codes, kinds: list[str], data: Data, training: pd.DataFrame | None) -> Floats:
    place = {kind: i for i, kind in enumerate(kinds)}
    if training is not None and data.item in training and data.target in training:
        known = training[data.item].astype(str).map(place)
        met = known.notna().to_numpy()
        item = np.asarray(known[met], dtype=np.int64)
        relevant = pd.to_numeric(training[data.target], errors="coerce").fillna(0).to_numpy(dtype=np.float64)[met]
    else:
        relevant = judged.truth
    return popularity(item, (relevant > 0).astype(np.float64), len(kinds))


def _mean(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])
