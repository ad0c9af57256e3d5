"""Ranking within entities: how good are the first ten, ties counted as every order of them equally likely.

The tie-averaged discounted gain of McSherry and Najork, 2008, which is also what scikit-learn's ndcg_score computes. The
average precision of an entity is scikit-learn's average_precision_score of its rows: a relevant row counts at the last place
of its tie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def ranked(truth: Floats, score: Floats, entity: Codes, k: int = 10) -> Floats:
    """For each entity (codes from 0) with something relevant: ndcg@k, precision@k, recall@k; entities x 3, NaN without.

    `truth` is 0 or 1 for each row.
    """
    count, ent, rel, place, tie = _in_order(truth, score, entity)
    gain = np.where(place < k, 1 / np.log2(place + 2), 0.0)
    hit = (place < k).astype(np.float64)
    dcg = np.bincount(ent, weights=rel * _mean_within(gain, tie), minlength=count)
    hits = np.bincount(ent, weights=rel * _mean_within(hit, tie), minlength=count)
    relevant = np.bincount(ent, weights=rel, minlength=count)
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(k) + 2))])
    with np.errstate(divide="ignore", invalid="ignore"):
        best = ideal[np.minimum(relevant, k).astype(np.int64)]
        values = np.stack([dcg / best, hits / k, hits / relevant], axis=1)
    values[relevant == 0] = np.nan
    return values


def average_precision(truth: Floats, score: Floats, entity: Codes, k: int = 10) -> Floats:
    """For each entity with something relevant: its average precision, and that of its first k (over the relevant ones that
    fit in k); entities x 2, NaN without."""
    count, ent, rel, place, tie = _in_order(truth, score, entity)
    relevant = np.bincount(ent, weights=rel, minlength=count)
    precise, last = _precision_at(rel, place, tie)
    whole = np.bincount(ent, weights=rel * precise, minlength=count)
    early = np.bincount(ent, weights=rel * precise * (last < k), minlength=count)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.stack([whole / relevant, early / np.minimum(relevant, k)], axis=1)
    values[relevant == 0] = np.nan
    return values


def _in_order(truth: Floats, score: Floats, entity: Codes) -> tuple[int, Codes, Floats, Codes, Codes]:
    """Rows by entity and falling score: how many entities, whose each row is, its truth, its place, and its tie."""
    count = int(entity.max()) + 1 if len(entity) else 0
    order = np.lexsort((-score, entity))
    ent, rel, sco = entity[order], truth[order].astype(np.float64), score[order]
    tie = np.cumsum(np.concatenate([[0], (ent[1:] != ent[:-1]) | (sco[1:] != sco[:-1])])) if len(ent) else ent
    return count, ent, rel, _place(ent), tie


def first(score: Floats, entity: Codes, k: int = 10) -> NDArray[np.bool_]:
    """Which rows are among the first k of their entity; of a tie, the earlier row."""
    order = np.lexsort((-score, entity))
    chosen = np.zeros(len(score), dtype=bool)
    chosen[order[_place(entity[order]) < k]] = True
    return chosen


def places(score: Floats, entity: Codes) -> Codes:
    """Each row's place among the rows of its entity by falling score, from 0; of a tie, the earlier row first."""
    order = np.lexsort((-score, entity))
    found = np.empty(len(score), dtype=np.int64)
    found[order] = _place(entity[order])
    return found


def unlike_pairs(kind: Codes, entity: Codes) -> tuple[Floats, Floats]:
    """For each entity, how many pairs of its rows are of different kinds, and how many pairs there are."""
    count = int(entity.max()) + 1 if len(entity) else 0
    kinds = int(kind.max()) + 1 if len(kind) else 1
    together, sizes = np.unique(entity * kinds + kind, return_counts=True)
    alike = np.bincount(together // kinds, weights=sizes * (sizes - 1) / 2, minlength=count)
    rows = np.bincount(entity, minlength=count).astype(np.float64)
    pairs = rows * (rows - 1) / 2
    return pairs - alike, pairs


def coverage(item: Codes, entity: Codes, catalogue: int, confidence_z: float) -> tuple[float, float, float]:
    """The share of the catalogue's items that any entity was shown, and its jackknife interval over entities.

    A resample of entities repeats some and leaves others out, so it always shows fewer items: the bootstrap does not
    apply here, the delete-one jackknife does (Efron and Stein, 1981).
    """
    shown = np.unique(np.stack([item, entity]), axis=1)
    times = np.bincount(shown[0], minlength=catalogue)
    value = float((times > 0).sum() / catalogue)
    count = int(entity.max()) + 1 if len(entity) else 0
    lost = np.bincount(shown[1], weights=(times[shown[0]] == 1).astype(float), minlength=count) / catalogue
    error = float(np.sqrt((count - 1) / max(1, count) * ((lost - lost.mean()) ** 2).sum())) if count > 1 else np.nan
    return value, max(0.0, value - confidence_z * error), min(1.0, value + confidence_z * error)


def _precision_at(rel: Floats, place: Codes, tie: Codes) -> tuple[Floats, Codes]:
    """For each row, in order: the precision down to the end of its tie, and the place of that end."""
    if not len(rel):
        return rel, place
    ends = np.flatnonzero(np.append(tie[1:] != tie[:-1], True))[tie]
    total = np.cumsum(rel)
    begins = np.arange(len(rel)) - place
    before = np.where(begins > 0, total[begins - 1], 0.0)
    last = place[ends]
    return (total[ends] - before) / (last + 1), last


def _place(entity: Codes) -> Codes:
    """The position of each row within its entity, from 0; rows of an entity stand together."""
    starts = np.flatnonzero(np.concatenate([[True], entity[1:] != entity[:-1]])) if len(entity) else entity[:0]
    lengths = np.diff(np.concatenate([starts, [len(entity)]]))
    return np.arange(len(entity)) - np.repeat(starts, lengths)


def _mean_within(values: Floats, group: Codes) -> Floats:
    return (np.bincount(group, weights=values) / np.bincount(group))[group] if len(group) else values
