"""Slices nobody named: where a model errs most, of up to two columns, corrected for having looked everywhere.

Every value (numbers by quarters) of every column is looked at, then the pairs of the columns that showed most. Cells are
ranked by how surely their mean exceeds what it is held against; entities and time blocks count as one case each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.records import FoundSlice
from jupyter_mlops.stats import holm
from jupyter_mlops.validation.judged import Judged, kinds_of
from jupyter_mlops.validation.preparing import FEWEST

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
LEVEL = 0.05
MOST_FOUND = 5
MOST_SEARCHED = 100_000
_MOST_VALUES = 25
_PAIRED = 6
_CANDIDATES = 40
_LARGEST = 0.5  # of the rows: a slice of more than half is not a slice of the whole
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Coded:
    name: str
    codes: Codes
    values: list[str]


@dataclass(frozen=True)
class _Cell:
    name: str
    where: NDArray[np.bool_]
    z: float


def losses(judged: Judged, scores: Floats) -> tuple[str, Floats]:
    """What each row loses, 0 at best: the error of a number, of a probability, of a class, or 1 less its entity's share of
    what the first gate on lists asks for."""
    if judged.task == "regression":
        return "absolute error", np.abs(judged.truth - scores)
    if judged.task == "ranking":
        assert judged.units is not None
        metric = next(m for m in judged.metrics if m.name == judged.main)
        value = metric.combine(metric.parts(judged.truth, scores, judged.units))
        return f"1 - {metric.name}", (1 - value)[judged.units]
    if scores.ndim == 1:
        return "brier", (judged.truth - scores) ** 2
    one_hot = judged.truth[:, None] == np.arange(scores.shape[1])
    return "brier", ((scores - one_hot) ** 2).sum(axis=1)


def find(
    judged: Judged,
    loss: str,
    mine: Floats,
    columns: Sequence[str],
    *,
    theirs: Floats | None = None,
    margin: float = 0.0,
) -> tuple[list[FoundSlice], int]:
    """The worst slices and how many were looked at. With `theirs` (the champion's losses): where mine exceed them by more
    than `margin` of them; without: where mine exceed those elsewhere."""
    keep = np.flatnonzero(np.isfinite(mine))
    if len(keep) > MOST_SEARCHED:
        keep = np.sort(np.random.default_rng(0).choice(keep, MOST_SEARCHED, replace=False, shuffle=False))
    rows = judged.rows.iloc[keep]
    units = None if judged.units is None else np.unique(judged.units[keep], return_inverse=True)[1].astype(np.int64)
    lost, rival = mine[keep], None if theirs is None else theirs[keep]
    tested = lost if rival is None else lost - rival * (1 + margin)
    coded = _coded(rows, columns, units if judged.task == "ranking" else None)
    cells, looked = _look(coded, tested, rival is None)
    found = []
    for cell in sorted(cells, key=lambda c: (-c.z, c.name))[:_CANDIDATES]:
        excess, error, n = _excess(tested, cell.where, units, rival is None)
        if n >= FEWEST and error > 0:
            found.append((cell, excess, error, n))
    if not found:
        return [], looked
    p = holm(np.array([_NORMAL.cdf(-excess / error) for _, excess, error, _ in found]), looked)
    reach = -_NORMAL.inv_cdf(LEVEL / 2 / max(1, looked))
    chosen: list[FoundSlice] = []
    masks: list[NDArray[np.bool_]] = []
    for (cell, excess, error, n), chance in _surest(found, p):
        if chance >= LEVEL or len(chosen) == MOST_FOUND or any(_alike(cell.where, m) for m in masks):
            continue
        masks.append(cell.where)
        chosen.append(
            FoundSlice(
                slice=cell.name,
                kind="error" if rival is None else "versus champion",
                loss=loss,
                value=float(lost[cell.where].mean()),
                rest=float(lost[~cell.where].mean() if rival is None else rival[cell.where].mean()),
                excess=excess,
                low=excess - reach * error,
                high=excess + reach * error,
                n=n,
                p_value=chance,
                looked=looked,
            )
        )
    return chosen, looked


def _surest(
    found: Sequence[tuple[_Cell, float, float, int]], chances: Floats
) -> list[tuple[tuple[_Cell, float, float, int], float]]:
    """The surest first, so that a slice is told before its parts."""
    pairs = [(one, float(chance)) for one, chance in zip(found, chances, strict=True)]
    return sorted(pairs, key=lambda f: (-f[0][1] / f[0][2], f[0][0].name))


def _coded(rows: pd.DataFrame, columns: Sequence[str], entity: Codes | None) -> list[Coded]:
    """Columns of a few kinds of values each; the rare values of one are one kind. Of a ranking, those fixed by the entity."""
    found = []
    for column in columns:
        codes, names = kinds_of(rows, column)
        if len(names) < 2 or len(names) > len(rows) / 2:
            continue
        if len(names) > _MOST_VALUES:
            common = np.sort(np.argsort(-np.bincount(codes), kind="stable")[:_MOST_VALUES])
            place = np.full(len(names), len(common))
            place[common] = np.arange(len(common))
            codes, names = place[codes], [names[i] for i in common]
        if entity is None or _fixed(codes, entity):
            found.append(Coded(column, codes, [*names, "(any other)"]))
    return found


def _fixed(codes: Codes, entity: Codes) -> bool:
    first = np.zeros(int(entity.max()) + 1, dtype=np.int64)
    first[entity[::-1]] = codes[::-1]
    return bool((first[entity] == codes).all())


def _look(coded: Sequence[Coded], tested: Floats, against_rest: bool) -> tuple[list[_Cell], int]:
    """Every cell of one column, then of the pairs of the most telling columns; and how many those were."""
    cells: list[_Cell] = []
    telling: list[tuple[float, Coded]] = []
    looked = 0
    for one in coded:
        mine, count = _cells(one.codes, [f"{one.name}={v}" for v in one.values], tested, against_rest)
        looked += count
        cells += mine
        telling.append((max((c.z for c in mine), default=-math.inf), one))
    telling.sort(key=lambda t: (-t[0], t[1].name))
    for (_, a), (_, b) in combinations(telling[:_PAIRED], 2):
        names = [f"{a.name}={v} & {b.name}={w}" for v in a.values for w in b.values]
        mine, count = _cells(a.codes * len(b.values) + b.codes, names, tested, against_rest)
        looked += count
        cells += mine
    return cells, looked


def _cells(codes: Codes, names: Sequence[str], tested: Floats, against_rest: bool) -> tuple[list[_Cell], int]:
    n = np.bincount(codes, minlength=len(names))
    total, squares = (np.bincount(codes, weights=w, minlength=len(names)) for w in (tested, tested * tested))
    rest = len(tested) - n
    wide = np.flatnonzero((n >= FEWEST) & (n <= _LARGEST * len(tested)) & (rest > 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, variance = total / n, squares / n - (total / n) ** 2
        other = (total.sum() - total) / rest if against_rest else np.zeros_like(mean)
        z = (mean - other) / np.sqrt(np.maximum(variance, 0) / n)
    return list(_worth(wide, names, codes, z)), len(wide)


def _worth(wide: Codes, names: Sequence[str], codes: Codes, z: Floats) -> Iterator[_Cell]:
    best = sorted((int(i) for i in wide if z[i] > 2), key=lambda i: (-z[i], names[i]))[:MOST_FOUND]
    for i in best:
        yield _Cell(names[i], codes == i, float(z[i]))


def _excess(
    tested: Floats, where: NDArray[np.bool_], units: Codes | None, against_rest: bool
) -> tuple[float, float, int]:
    """How much more is lost in the slice, the standard error of that, and how many independent cases the slice has."""
    groups = [where, ~where] if against_rest else [where]
    excess, variance, cases = 0.0, 0.0, 0
    for sign, group in zip((1, -1), groups, strict=False):
        own = tested[np.flatnonzero(group)]
        mean = float(own.mean())
        away = own - mean
        if units is not None:
            away = np.asarray(
                np.bincount(np.unique(units[group], return_inverse=True)[1], weights=away), dtype=np.float64
            )
        excess += sign * mean
        variance += float((away**2).sum()) / group.sum() ** 2 * len(away) / max(1, len(away) - 1)
        cases = cases or len(away)
    return excess, math.sqrt(variance), cases


def _alike(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> bool:
    """Mostly the same rows, or the one within the other: told once."""
    both = int((a & b).sum())
    return both > 0.8 * min(int(a.sum()), int(b.sum()))
