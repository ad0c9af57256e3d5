"""What a recommender shows, beyond whether it was right: how much of the catalogue, how mixed, how new, how popular.
For the first k of each list, ten where nobody names another:

- `coverage@k`: the share of all items that anybody is shown among their first k.
- `diversity@k`: the share of pairs within a list that are of different groups (`data.item_group`).
- `novelty@k` and `popularity_bias@k` (`stats.leaning`), an item's popularity being its share of all relevant rows in training
  (in evaluation where training cannot be read).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Data
from jupyter_mlops.records import Estimate
from jupyter_mlops.stats import Interval, bucketed, coverage, first, intervals, leaning, popularity, ratio, unlike_pairs
from jupyter_mlops.validation.judged import Judged

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_Z = NormalDist().inv_cdf(0.975)


def catalogue(
    judged: Judged, scores: Floats, data: Data, training: pd.DataFrame | None, seed: int, k: int = 10
) -> list[Estimate]:
    """Estimates over entities; nothing where no item column is declared or there."""
    if judged.task != "ranking" or judged.units is None or data.item is None or data.item not in judged.rows:
        return []
    nameless = int(judged.rows[data.item].isna().sum())
    if nameless:
        raise BadInput(
            f"{nameless} rows have no value in {data.item!r}",
            "leave rows out whose item is not known",
            column=data.item,
        )
    codes, kinds = pd.factorize(judged.rows[data.item].astype(str), sort=True)
    item, entity, shown = codes.astype(np.int64), judged.units, first(scores, judged.units, k)
    relevant = (judged.truth > 0).astype(np.float64)
    popular = _popularity(judged, item, [str(k) for k in kinds], data, training)
    asked = leaning(popular[item], shown.astype(np.float64), relevant, entity, k)
    if data.item_group is not None and data.item_group in judged.rows:
        group = pd.factorize(judged.rows[data.item_group].astype(str), use_na_sentinel=False)[0].astype(np.int64)
        unlike, pairs = unlike_pairs(group[shown], entity[shown])
        share = ratio(unlike, pairs)
        known = np.isfinite(share)
        asked[f"diversity@{k}"] = (np.stack([np.nan_to_num(share), known.astype(float)], axis=1), _mean)
    found = dict(zip(asked, intervals([(bucketed(p), c) for p, c in asked.values()], seed=seed), strict=True))
    value, low, high = coverage(item[shown], entity[shown], len(kinds), _Z)
    found[f"coverage@{k}"] = Interval(value, low, high, judged.count)
    return [
        Estimate(metric=name, value=i.value, low=i.low, high=i.high, n=i.n)
        for name, i in sorted(found.items())
        if np.isfinite([i.value, i.low, i.high]).all()
    ]


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
