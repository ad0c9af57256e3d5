"""What a recommender shows in a window, and how people answer it."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops import stats
from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate

NEED_NO_OUTCOME = ("session_length", "coverage@10")
_Z = NormalDist().inv_cdf(0.975)


def shown_and_taken(target: Target, rows: pd.DataFrame, known: pd.DataFrame) -> list[Estimate]:
    """Figures of a window of a ranking model, over entities; nothing for other tasks, or where no entity is declared.

    Of all rows (`prediction`, entity, item): session length and how much of the items is shown among the first ten. Of those
    whose outcome is known: click-through rate, conversion, position bias. Rows that name no entity (or no item) are left out.
    """
    entity = target.spec.data.entity
    if target.spec.task != "ranking" or entity is None or entity not in rows.columns:
        return []
    rows, known = rows[rows[entity].notna()], known[known[entity].notna()]
    if not len(rows):
        return []
    found = _answers(rows, np.zeros(len(rows)), entity, ("session_length",)) + _covered(target, rows, entity)
    if len(known):
        taken = (known[target.spec.data.target].to_numpy(dtype=np.float64) > 0).astype(np.float64)
        found += _answers(known, taken, entity, ("ctr@10", "conversion", "position_bias@10"))
    return found


def _answers(rows: pd.DataFrame, taken: Any, entity: str, names: tuple[str, ...]) -> list[Estimate]:
    codes = pd.factorize(rows[entity].astype(str))[0].astype(np.int64)
    asked = stats.behaviour(taken, rows["prediction"].to_numpy(dtype=np.float64), codes)
    found = stats.intervals([(stats.bucketed(parts), combine) for parts, combine in (asked[name] for name in names)])
    return [
        Estimate(metric=name, value=i.value, low=i.low, high=i.high, n=i.n)
        for name, i in zip(names, found, strict=True)
        if np.isfinite([i.value, i.low, i.high]).all()
    ]


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
