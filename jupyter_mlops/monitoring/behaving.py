"""What a recommender shows in a window, and how people answer it."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops import stats
from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate

NEED_NO_OUTCOME = ("session_length", "coverage@10", "novelty@10")
Floats = NDArray[np.float64]
_Z = NormalDist().inv_cdf(0.975)


def shown_and_taken(
    target: Target, rows: pd.DataFrame, known: pd.DataFrame, training: pd.DataFrame | None = None
) -> list[Estimate]:
    """Figures of a window of a ranking model, over entities; nothing for other tasks, or where no entity is declared.

    Of all rows (`prediction`, entity, item): session length and how much of the items is shown among the first ten. Of those
    whose outcome is known: click-through rate, conversion, position bias. With `training` rows, which say how popular items
    were: novelty of what is shown, and its bias to the popular beside what was taken. Rows that name no entity (or no item) are
    left out.
    """
    entity = target.spec.data.entity
    if target.spec.task != "ranking" or entity is None or entity not in rows.columns:
        return []
    rows, known = rows[rows[entity].notna()], known[known[entity].notna()]
    if not len(rows):
        return []
    found = _answers(rows, np.zeros(len(rows)), entity, ("session_length",)) + _covered(target, rows, entity)
    found += _leaning(target, rows, entity, training, "novelty@10")
    if len(known):
        taken = (known[target.spec.data.target].to_numpy(dtype=np.float64) > 0).astype(np.float64)
        found += _answers(known, taken, entity, ("ctr@10", "conversion", "position_bias@10"))
        found += _leaning(target, known, entity, training, "popularity_bias@10")
    return found


def _answers(rows: pd.DataFrame, taken: Any, entity: str, names: tuple[str, ...]) -> list[Estimate]:
    codes = pd.factorize(rows[entity].astype(str))[0].astype(np.int64)
    asked = stats.behaviour(taken, rows["prediction"].to_numpy(dtype=np.float64), codes)
    return _told({name: asked[name] for name in names})


def _told(asked: dict[str, tuple[Floats, stats.Combine]]) -> list[Estimate]:
    found = stats.intervals([(stats.bucketed(parts), combine) for parts, combine in asked.values()])
    return [
        Estimate(metric=name, value=i.value, low=i.low, high=i.high, n=i.n)
        for name, i in zip(asked, found, strict=True)
        if np.isfinite([i.value, i.low, i.high]).all()
    ]


def _leaning(
    target: Target, rows: pd.DataFrame, entity: str, training: pd.DataFrame | None, name: str
) -> list[Estimate]:
    item, wanted = target.spec.data.item, target.spec.data.target
    if training is None or item is None or item not in rows.columns or not {item, wanted} <= set(training.columns):
        return []
    rows = rows[rows[item].notna()]
    if not len(rows):
        return []
    codes, kinds = pd.factorize(rows[item].astype(str))
    before = pd.Index(kinds).get_indexer(training[item].astype(str))
    met = before >= 0
    relevant = (pd.to_numeric(training[wanted], errors="coerce").fillna(0) > 0).to_numpy(dtype=np.float64)
    popular = stats.popularity(before[met].astype(np.int64), relevant[met], len(kinds))
    whose = pd.factorize(rows[entity].astype(str))[0].astype(np.int64)
    shown = stats.first(rows["prediction"].to_numpy(dtype=np.float64), whose).astype(np.float64)
    taken = rows[wanted].to_numpy(dtype=np.float64) > 0 if wanted in rows.columns else np.zeros(len(rows))
    return _told({name: stats.leaning(popular[codes], shown, np.asarray(taken, dtype=np.float64), whose)[name]})


def _covered(target: Target, rows: pd.DataFrame, entity: str) -> list[Estimate]:
    item = target.spec.data.item
    if item is None or item not in rows.columns:
        return []
    rows = rows[rows[item].notna()]
    if not len(rows):
        return []
    codes, kinds = pd.factorize(rows[item].astype(str))
    whose = pd.factorize(rows[entity].astype(str))[0].astype(np.int64)
    shown = stats.first(rows["prediction"].to_numpy(dtype=np.float64), whose)
    value, low, high = stats.coverage(codes.astype(np.int64)[shown], whose[shown], len(kinds), _Z)
    if not np.isfinite([value, low, high]).all():
        return []
    return [Estimate(metric="coverage@10", value=value, low=low, high=high, n=int(whose.max()) + 1)]
