"""Ranking within entities: how good are the first ten, ties counted as every order of them equally likely.

The tie-averaged discounted gain of McSherry and Najork, 2008, which is also what scikit-learn's ndcg_score computes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ranked(truth: Floats, score: Floats, entity: NDArray[np.int64], k: int = 10) -> Floats:
    """For each entity (codes from 0) with something relevant: ndcg@k, precision@k, recall@k; entities x 3, NaN without.

    `truth` is 0 or 1 for each row.
    """
    count = int(entity.max()) + 1 if len(entity) else 0
    order = np.lexsort((-score, entity))
    ent, rel, sco = entity[order], truth[order].astype(np.float64), score[order]
    place = _place(ent)
    gain = np.where(place < k, 1 / np.log2(place + 2), 0.0)
    hit = (place < k).astype(np.float64)
    tie = np.cumsum(np.concatenate([[0], (ent[1:] != ent[:-1]) | (sco[1:] != sco[:-1])])) if len(ent) else ent
    dcg = np.bincount(ent, weights=rel * _mean_within(gain, tie), minlength=count)
    hits = np.bincount(ent, weights=rel * _mean_within(hit, tie), minlength=count)
    relevant = np.bincount(ent, weights=rel, minlength=count)
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(k) + 2))])
    with np.errstate(divide="ignore", invalid="ignore"):
        best = ideal[np.minimum(relevant, k).astype(np.int64)]
        values = np.stack([dcg / best, hits / k, hits / relevant], axis=1)
    values[relevant == 0] = np.nan
    return values


def _place(entity: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position of each row within its entity, from 0; rows of an entity stand together."""
    starts = np.flatnonzero(np.concatenate([[True], entity[1:] != entity[:-1]])) if len(entity) else entity[:0]
    lengths = np.diff(np.concatenate([starts, [len(entity)]]))
    return np.arange(len(entity)) - np.repeat(starts, lengths)


def _mean_within(values: Floats, group: NDArray[np.int64]) -> Floats:
    return (np.bincount(group, weights=values) / np.bincount(group))[group] if len(group) else values
