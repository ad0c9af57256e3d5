"""Ranking within entities: how good are the first k, ties counted as every order of them equally likely.

Each function gives one value for each entity (codes from 0), NaN where nothing is relevant. `truth` is 0 or more for each row:
the gain of the discounted gain, and for what knows only yes and no, relevant where it is above 0.

The tie-averaged discounted gain of McSherry and Najork, 2008, which is also what scikit-learn's ndcg_score computes. The
average precision of an entity is scikit-learn's average_precision_score of its rows: a relevant row counts at the last place
of its tie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class _Lists:
    """Rows by entity and falling score: whose each is, its gain, whether that is any, its place and its tie. `relevant` is
    how many rows of each entity are."""

    entity: Codes
    gain: Floats
    yes: Floats
    place: Codes
    tie: Codes
    relevant: Floats

    def total(self, values: Floats) -> Floats:
        return _per_entity(self.entity, values, len(self.relevant))

    def hits(self, k: int) -> Floats:
        """How many relevant rows are among the first k."""
        return self.total(self.yes * _mean_within((self.place < k).astype(np.float64), self.tie))

    def known(self, values: Floats) -> Floats:
        return np.where(self.relevant > 0, values, np.nan)


def ndcg(truth: Floats, score: Floats, entity: Codes, k: int = 10) -> Floats:
    """The gain of the first k, the later ones discounted, over the best there could be (graded: gains as they are)."""
    lists = _lists(truth, score, entity)
    discount = np.where(lists.place < k, 1 / np.log2(lists.place + 2), 0.0)
    best = lists.total(truth[np.lexsort((-truth, entity))] * discount)
    with np.errstate(divide="ignore", invalid="ignore"):
        return lists.known(lists.total(lists.gain * _mean_within(discount, lists.tie)) / best)


def precision(truth: Floats, score: Floats, entity: Codes, k: int = 10) -> Floats:
    """The share of the first k that is relevant; of fewer rows than k, over k still."""
    lists = _lists(truth, score, entity)
    return lists.known(lists.hits(k) / k)


def recall(truth: Floats, score: Floats, entity: Codes, k: int = 10) -> Floats:
    """The share of the relevant rows that is among the first k."""
    lists = _lists(truth, score, entity)
    with np.errstate(divide="ignore", invalid="ignore"):
        return lists.known(lists.hits(k) / lists.relevant)


def hit(truth: Floats, score: Floats, entity: Codes, k: int = 10) -> Floats:
    """Whether anything relevant is among the first k: 0 or 1, between where a tie decides."""
    lists = _lists(truth, score, entity)
    missed = np.ones(len(lists.relevant))
    if len(lists.tie):
        begins = np.flatnonzero(np.diff(lists.tie, prepend=-1))
        size, yes = np.bincount(lists.tie), _per_entity(lists.tie, lists.yes, 0)
        none = _none_drawn(size, yes, np.clip(k - lists.place[begins], 0, size))
        np.multiply.at(missed, lists.entity[begins], none)
    return lists.known(1 - missed)


def reciprocal_rank(truth: Floats, score: Floats, entity: Codes, k: int = 10) -> Floats:
    """One over the place of the first relevant row, 0 where that is not among the first k; of a tie the mean over its orders."""
    lists = _lists(truth, score, entity)
    found = np.zeros(len(lists.relevant))
    if len(lists.tie):
        begins = np.flatnonzero(np.diff(lists.tie, prepend=-1))
        yes = _per_entity(lists.tie, lists.yes, 0)
        some = np.flatnonzero(yes > 0)
        some = some[np.unique(lists.entity[begins[some]], return_index=True)[1]]
        size, place = np.bincount(lists.tie)[some], lists.place[begins[some]]
        found[lists.entity[begins[some]]] = _first_drawn(size, yes[some], place, k)
    return lists.known(found)


def _first_drawn(size: Codes, yes: Floats, place: Codes, k: int) -> Floats:
    """The mean of one over the place of the first `yes` of a tie that begins at `place`, counting places up to k."""
    mean, none = np.zeros(len(size)), np.ones(len(size))
    for step in range(int(np.minimum(size - yes + 1, k - place).max(initial=0))):
        left = size - step
        now = np.where((left > 0) & (place + step < k), yes / np.maximum(left, 1), 0.0)
        mean += none * np.minimum(now, 1.0) / (place + step + 1)
        none = none * np.maximum(1 - yes / np.maximum(left, 1), 0.0)
    return mean


def average_precision(truth: Floats, score: Floats, entity: Codes, k: int | None = None) -> Floats:
    """The average precision of the whole list, or of its first k (over the relevant ones that fit in k)."""
    lists = _lists(truth, score, entity)
    precise, last = _precision_at(lists.yes, lists.place, lists.tie)
    counted = lists.yes * precise if k is None else lists.yes * precise * (last < k)
    most = lists.relevant if k is None else np.minimum(lists.relevant, k)
    with np.errstate(divide="ignore", invalid="ignore"):
        return lists.known(lists.total(counted) / most)


def _lists(truth: Floats, score: Floats, entity: Codes) -> _Lists:
    count = int(entity.max()) + 1 if len(entity) else 0
    order = np.lexsort((-score, entity))
    ent, gain, sco = entity[order], truth[order].astype(np.float64), score[order]
    yes = (gain > 0).astype(np.float64)
    tie = np.cumsum(np.concatenate([[0], (ent[1:] != ent[:-1]) | (sco[1:] != sco[:-1])])) if len(ent) else ent
    return _Lists(ent, gain, yes, _place(ent), tie, _per_entity(ent, yes, count))


def _per_entity(entity: Codes, values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(entity, weights=values, minlength=count), dtype=np.float64)


def _none_drawn(size: Codes, yes: Floats, drawn: Codes) -> Floats:
    """The chance that so many drawn from `size`, without putting back, hold none of the `yes`."""
    chance = np.where((yes > 0) & (drawn == size), 0.0, 1.0)
    open_ones = np.flatnonzero((yes > 0) & (drawn < size))
    for step in range(int(drawn[open_ones].max(initial=0))):
        some = open_ones[drawn[open_ones] > step]
        chance[some] *= np.maximum(size[some] - yes[some] - step, 0) / (size[some] - step)
    return chance


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
