"""Why a model answers as it does: what it loses without a column, what an answer does when a value changes, and what made
one answer what it is. Everything is asked of the model from outside, so every model is explained alike.

Permutation importance: Breiman, 2001, the loss averaged over shuffles, its interval over the rows. Partial dependence:
Friedman, 2001. Reasons of one answer: Shapley values by sampled orders, each taken forth and back (Strumbelj and Kononenko,
2014); they add up to the answer less the mean answer of the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.records import Dependence, Explanation, Importance, Reason
from jupyter_mlops.stats import Combine, Sums, intervals, ratio
from jupyter_mlops.validation.case import Judge
from jupyter_mlops.validation.finding import losses
from jupyter_mlops.validation.judged import Judged
from jupyter_mlops.validation.shapley import shap_importances

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
MOST_ROWS = 1000
_SHUFFLES = 3
_ASKED_AT_ONCE = 60_000
_TOP = 3
_TOP_IN_SLICE = 5
_CURVE_ROWS = 200
_POINTS = 10
_ORDERS = 32


def explain(
    judge: Judge,
    judged: Judged,
    scores: Floats,
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    champion: tuple[Judge, Floats] | None,
    seed: int,
) -> Explanation:
    """Importances over a sample of the rows and in each named slice, curves of the top columns, and how far the champion's
    reasons agree."""
    where = _sample(judged, seed)
    rows, part = judged.rows[where], judged.take(where)
    name, _ = losses(part, scores[where])
    columns, grown = _grown(judge, part, rows, scores[where], seed)
    importances = _importances(part, columns, grown)
    named = {str(c): c for c in columns}
    top = [named[i.column] for i in importances]
    by_slice = []
    for group, members in groups[:10]:
        inside = members[where]
        if inside.sum() > 1:
            cut = part.take(inside)
            by_slice += _importances(cut, columns, grown[inside], group, most=_TOP_IN_SLICE)
    rival: list[Importance] = []
    if champion is not None:
        old_columns, old = _grown(champion[0], part, rows, champion[1][where], seed)
        rival = _importances(part, old_columns, old)
    return Explanation(
        loss=name,
        rows=int(where.sum()),
        importances=importances + by_slice,
        dependence=[_dependence(judge, part, rows.iloc[:_CURVE_ROWS], column) for column in top[:_TOP]],
        shap=shap_importances(judge, part, rows, seed),
        champion=rival,
        agreement=_agreement(importances, rival),
        moved=_moved(importances, rival),
    )


def reasons(
    judge: Judge, row: pd.DataFrame, background: pd.DataFrame, classes: Sequence[str], seed: int
) -> list[Reason]:
    """What each column's value adds to the answer to `row` (one row), the largest first. Of classes: to the score of the
    second of two, of the answered one of more."""
    columns = judge.features(row)
    answered = _answer(judge, row, classes, None)
    which = None if answered.ndim == 1 else int(answered[0].argmax())
    random = np.random.default_rng(seed)
    own, other = row[columns].reset_index(drop=True), background[columns].reset_index(drop=True)
    orders = [random.permutation(len(columns)) for _ in range(_ORDERS)]
    orders += [order[::-1] for order in orders]
    starts = np.resize(random.permutation(len(other)), _ORDERS)
    starts = np.concatenate([starts, starts])
    steps = len(columns) + 1
    walk = other.iloc[np.repeat(starts, steps)].reset_index(drop=True)
    taken = np.zeros((len(orders), steps, len(columns)), dtype=bool)
    for i, order in enumerate(orders):
        taken[i, 1:, order] = np.arange(steps - 1)[None, :] >= np.arange(len(columns))[:, None]
    flat = taken.reshape(-1, len(columns))
    for i, column in enumerate(columns):
        walk[column] = walk[column].where(~flat[:, i], own[column].iloc[0])
    said = _answer(judge, walk, classes, which).reshape(len(orders), steps)
    added = np.zeros(len(columns))
    for i, order in enumerate(orders):
        added[order] += np.diff(said[i])
    added /= len(orders)
    found = [_reason(column, own[column].iloc[0], float(value)) for column, value in zip(columns, added, strict=True)]
    return sorted(found, key=lambda r: (-abs(r.contribution), r.column))


def _reason(column: str, value: Any, added: float) -> Reason:
    number = float(value) if isinstance(value, int | float | np.number) and np.isfinite(value) else None
    shown = f"{number:.4g}" if number is not None else "nothing" if pd.isna(value) else str(value)
    does = f"raises the answer by {added:.3g}" if added > 0 else f"lowers the answer by {-added:.3g}"
    return Reason(
        column=str(column),
        value=number if number is not None else None if pd.isna(value) else str(value),
        contribution=added,
        sentence=f"{column} = {shown} {does}" if added else f"{column} = {shown} changes nothing",
    )


def _answer(judge: Judge, rows: pd.DataFrame, classes: Sequence[str], which: int | None) -> Floats:
    said = judge.ask(rows).on(classes)
    return said if which is None else np.asarray(said[:, which])


def _sample(judged: Judged, seed: int) -> NDArray[np.bool_]:
    """At most a thousand rows; of a ranking, entities whole."""
    count = len(judged.truth)
    if count <= MOST_ROWS:
        return np.ones(count, dtype=bool)
    random = np.random.default_rng(seed)
    if judged.task == "ranking" and judged.units is not None:
        wanted = max(2, judged.count * MOST_ROWS // count)
        return np.asarray((random.permutation(judged.count) < wanted)[judged.units])
    chosen = np.zeros(count, dtype=bool)
    chosen[random.choice(count, MOST_ROWS, replace=False, shuffle=False)] = True
    return chosen


def _grown(judge: Judge, part: Judged, rows: pd.DataFrame, scores: Floats, seed: int) -> tuple[list[str], Floats]:
    """How much each row's loss grows when a column is shuffled, rows x columns."""
    columns = judge.features(rows)
    _, before = losses(part, scores)
    random = np.random.default_rng(seed)
    orders = np.concatenate([random.permutation(len(rows)) for _ in range(_SHUFFLES)])
    grown = np.zeros((len(rows), len(columns)))
    together = max(1, _ASKED_AT_ONCE // max(1, len(orders)))
    for start in range(0, len(columns), together):
        some = columns[start : start + together]
        said = judge.ask(_shuffled(rows, columns, some, orders)).on(part.classes)
        for j, answers in enumerate(np.split(said, len(some) * _SHUFFLES)):
            grown[:, start + j // _SHUFFLES] += losses(part, answers)[1] - before
    return columns, grown / _SHUFFLES


def _shuffled(rows: pd.DataFrame, columns: Sequence[str], some: Sequence[str], orders: Codes) -> pd.DataFrame:
    """For each of `some` all rows, shuffled in that column alone: asked at once, since asking costs more than answering."""
    once = np.resize(np.arange(len(rows)), len(orders))
    found = {}
    for column in columns:
        places = [orders if column == shuffled else once for shuffled in some]
        found[column] = rows[column].take(np.concatenate(places)).array
    return pd.DataFrame(found, copy=False)


def _importances(
    part: Judged, columns: Sequence[str], grown: Floats, name: str = "", most: int | None = None
) -> list[Importance]:
    """The largest first; intervals cost more than values, so only the `most` that are told get one."""
    known = np.asarray(np.isfinite(grown).all(axis=1))
    weight = known.astype(np.float64) if part.weight is None else known * part.weight
    sums = part.gather(np.concatenate([np.nan_to_num(grown) * weight[:, None], weight[:, None]], axis=1))
    last = len(columns)
    total = sums.per.sum(axis=0)
    largest = sorted(range(last), key=lambda i: (-total[i], str(columns[i])))[:most]
    asked: list[tuple[Sums, Combine]] = [(sums.columns([i, last]), _mean) for i in largest]
    found = [
        Importance(column=str(columns[c]), value=i.value, low=i.low, high=i.high, slice=name)
        for c, i in zip(largest, intervals(asked), strict=True)
        if np.isfinite([i.value, i.low, i.high]).all()
    ]
    return sorted(found, key=lambda i: (-i.value, i.column))


def _mean(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def _dependence(judge: Judge, part: Judged, rows: pd.DataFrame, column: str) -> Dependence:
    points = _points(rows[column])
    many = pd.concat([rows] * len(points), ignore_index=True)
    many[column] = np.repeat(np.array(points, dtype=object if isinstance(points[0], str) else None), len(rows))
    said = judge.ask(many).on(part.classes)
    common = int(np.bincount(part.truth.astype(np.int64)).argmax()) if said.ndim == 2 else 0
    said = (said[:, common] if said.ndim == 2 else said).reshape(len(points), len(rows))
    columns = [np.stack([one, np.ones_like(one)], axis=1) for one in said]
    found = intervals([(Sums(c, len(c)), _mean) for c in columns])
    of_two = part.classes[1] if len(part.classes) == 2 else ""
    return Dependence(
        column=str(column),
        at=points,
        answer=[i.value for i in found],
        low=[i.low if np.isfinite(i.low) else i.value for i in found],
        high=[i.high if np.isfinite(i.high) else i.value for i in found],
        answer_of=part.classes[common] if len(part.classes) > 2 else of_two,
    )


def _points(column: pd.Series[Any]) -> list[float | str]:
    """Ten quantiles of numbers, or the ten most frequent values."""
    if column.dtype.kind in "iuf":
        numbers = column.to_numpy(dtype=np.float64)
        numbers = numbers[np.isfinite(numbers)]
        return (
            [float(v) for v in np.unique(np.quantile(numbers, np.linspace(0.05, 0.95, _POINTS)))]
            if len(numbers)
            else [0.0]
        )
    common = column.dropna().value_counts()
    return sorted(str(v) for v in common.index[:_POINTS]) or [""]


def _agreement(mine: Sequence[Importance], theirs: Sequence[Importance]) -> float | None:
    """Spearman's rank correlation over the columns both know."""
    shared = sorted({i.column for i in mine} & {i.column for i in theirs})
    if len(shared) < 2:
        return None
    ranks = []
    for side in (mine, theirs):
        values = {i.column: i.value for i in side}
        ranks.append(pd.Series([values[c] for c in shared]).rank().to_numpy(dtype=np.float64))
    if not np.ptp(ranks[0]) or not np.ptp(ranks[1]):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _moved(mine: Sequence[Importance], theirs: Sequence[Importance]) -> list[str]:
    """Columns whose share of the whole importance has intervals that do not meet, and columns only one of the two knows."""
    if not theirs:
        return []
    shares = [_shares(side) for side in (mine, theirs)]
    moved = []
    for column in sorted({*shares[0], *shares[1]}):
        a, b = shares[0].get(column), shares[1].get(column)
        if a is None or b is None or a[0] > b[1] or b[0] > a[1]:
            moved.append(column)
    return moved


def _shares(side: Sequence[Importance]) -> dict[str, tuple[float, float]]:
    whole = sum(max(0.0, i.value) for i in side) or 1.0
    return {i.column: (i.low / whole, i.high / whole) for i in side}
