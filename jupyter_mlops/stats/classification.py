"""Metrics of classifiers as sums. Of two classes the score is the second one's; of more, one column of scores a class.

Each equals scikit-learn's function of the same name; `ece` is the expected calibration error over ten bins of equal width
(Guo et al., 2017), of the second class where there are two, of the class that was answered where there are more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.added import Added, written_out
from jupyter_mlops.stats.metrics import (
    POSITIVE,
    UNIT,
    Combine,
    Metric,
    Rising,
    averaged,
    each,
    mean,
    one_by_one,
    sorting,
)
from jupyter_mlops.stats.precision import average_precision_of, average_precision_rising, tie_lengths

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_CLIP = float(np.finfo(np.float64).eps)  # where scikit-learn clips probabilities for the log loss
_BINS = 10


def ratio(above: Floats, below: Floats) -> Floats:
    """Above by below, NaN where there is nothing below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(above / below)


def _counted(truth: Floats, score: Floats) -> list[Added]:
    """Hits, false alarms, misses, right refusals."""
    cell = 3 - 2 * (score > 0.5).astype(np.int8) - (truth == 1)
    return [Added(1.0, cell, 4)]


def _f1(sums: Floats) -> Floats:
    hit, false, missed = (sums[..., i] for i in range(3))
    return ratio(2 * hit, 2 * hit + false + missed)


def _balanced(sums: Floats) -> Floats:
    hit, false, missed, right = (sums[..., i] for i in range(4))
    return (ratio(hit, hit + missed) + ratio(right, right + false)) / 2


def _accuracy(sums: Floats) -> Floats:
    return ratio(sums[..., 0] + sums[..., 3], sums.sum(axis=-1))


def _precision(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 0] + sums[..., 1])


def _recall(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 0] + sums[..., 2])


def _specificity(sums: Floats) -> Floats:
    return ratio(sums[..., 3], sums[..., 3] + sums[..., 1])


def _mcc(sums: Floats) -> Floats:
    """Matthews' correlation (1975); 0 where one of the four margins is empty, as scikit-learn's."""
    hit, false, missed, right = (sums[..., i] for i in range(4))
    margins = (hit + false) * (hit + missed) * (right + false) * (right + missed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(margins > 0, (hit * right - false * missed) / np.sqrt(margins), 0.0)


def _log_losses(truth: Floats, score: Floats) -> list[Added]:
    p = np.clip(score, _CLIP, 1 - _CLIP)
    return averaged(-np.log(np.where(truth == 1, p, 1 - p)))


def _auc_of(truth: NDArray[Any], score: Floats | None, weight: Floats | None) -> float:
    """The share of pairs of the two classes in which the positive one is above, a tie the half; NaN without pairs."""
    up = truth == 1
    one, other = _ups_and_downs(up, weight)
    if not one or not other:
        return math.nan
    if weight is None and score is None:
        return (float(np.flatnonzero(up).sum()) - one * (one - 1) / 2) / (one * other)
    mine, every = _below(up, score, weight)
    won = (every - mine)[up] if weight is None else (every - mine)[up] * weight[up]
    return float(won.sum()) / (one * other)


def _ups_and_downs(up: NDArray[np.bool_], weight: Floats | None) -> tuple[float, float]:
    one = float(np.count_nonzero(up) if weight is None else weight[up].sum())
    return one, float(len(up) if weight is None else weight.sum()) - one


def _auc_rising(truth: NDArray[Any], score: Floats | None, weight: Floats | None, value: float) -> list[Added]:
    """The structural components of DeLong, DeLong and Clarke-Pearson, 1988: the area is a mean over positives, and over
    negatives; their linearised average resamples without sorting again. Each row adds how many of the other kind are below,
    which `value`, where it is of finer rows than these, moves a little."""
    up = truth == 1
    one, other = _ups_and_downs(up, weight)
    if not one or not other:
        return [Added(np.nan)] * 7
    mine, every = _below(up, score, weight)
    finer = value - _auc_of(truth, score, weight)
    below = mine + up * (every - 2 * mine) + finer * np.where(up, other, -one)
    down = (~up).view(np.int8)
    return [Added(below, down, 2), Added(1.0, down, 2), Added(value), Added(one), Added(other)]


def _below(up: NDArray[np.bool_], score: Floats | None, weight: Floats | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """How many positives, and how many rows, are below each row, of its own tie the half. Of rows that count one each and no
    two of which are the same, whole numbers: of the row itself nothing is asked."""
    if weight is None and score is None:
        return np.cumsum(up, dtype=np.int32), np.arange(1, len(up) + 1, dtype=np.int32)
    tied = None if score is None else tie_lengths(score)
    weight = np.ones(len(up)) if weight is None else weight
    return _middle(weight * up, tied), _middle(weight, tied)


def _middle(counts: Floats, tied: Codes | None) -> Floats:
    """How much is counted below each row, of its own tie the half."""
    if tied is None:
        return np.asarray(np.cumsum(counts) - counts / 2)
    whole = np.add.reduceat(counts, np.cumsum(tied) - tied)
    return np.repeat(np.cumsum(whole) - whole / 2, tied)


def _auc(sums: Floats) -> Floats:
    """Both means less the area itself, which every row carries; at the whole sample exactly the area."""
    won, lost, ups, downs, area, one, other = (sums[..., i] for i in range(7))
    rows = ups + downs
    middle = ratio(area, rows)
    over_ups, over_downs = ratio(won, ups * ratio(other, rows)), 1 - ratio(lost, downs * ratio(one, rows))
    return _leaning(middle, over_ups + over_downs - 2 * middle)


def _average_precision(sums: Floats) -> Floats:
    return _leaning(ratio(sums[..., 1], sums[..., 2]), ratio(sums[..., 0], sums[..., 2]))


def _leaning(middle: Floats, away: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # On the scale of the odds a resample of a large area cannot leave (0, 1), and the interval leans the right way.
        leaning = 1 / (1 + (1 - middle) / middle * np.exp(-away / (middle * (1 - middle))))
    return np.where((away == 0) | (middle <= 0) | (middle >= 1), middle + away, leaning)


def _calibrated(right: Floats, confidence: Floats) -> list[Added]:
    which = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    return [Added(confidence - right, which, _BINS), Added(1.0)]


def _ece(sums: Floats) -> Floats:
    return ratio(np.abs(sums[..., :_BINS]).sum(axis=-1), sums[..., _BINS])


def _of_chances(
    name: str, added: Callable[[Floats, Floats], list[Added]], combine: Combine, within: tuple[float, float]
) -> Metric:
    return Metric(name, one_by_one(added), combine, False, probabilities=True, within=within, added=added)


_AUC = Rising(_auc_of, _auc_rising)
_AVERAGE_PRECISION = Rising(average_precision_of, average_precision_rising)
_AUC_PARTS = sorting(_AUC)
_COUNTS = one_by_one(_counted)
CLASSIFICATION = (
    Metric("accuracy", _COUNTS, _accuracy, True, share=(0, 1, 2, 3), within=UNIT, added=_counted),
    Metric("balanced_accuracy", _COUNTS, _balanced, True, within=UNIT, added=_counted),
    Metric("precision", _COUNTS, _precision, True, share=(0, 1), within=UNIT, added=_counted),
    Metric("recall", _COUNTS, _recall, True, share=(0, 2), within=UNIT, added=_counted),
    Metric("specificity", _COUNTS, _specificity, True, share=(1, 3), within=UNIT, added=_counted),
    Metric("f1", _COUNTS, _f1, True, within=UNIT, added=_counted),
    Metric("mcc", _COUNTS, _mcc, True, within=(-1.0, 1.0), added=_counted),
    Metric("auc", _AUC_PARTS, _auc, True, weighted=True, within=UNIT, rising=_AUC),
    Metric(
        "average_precision",
        sorting(_AVERAGE_PRECISION),
        _average_precision,
        True,
        weighted=True,
        within=UNIT,
        rising=_AVERAGE_PRECISION,
    ),
    _of_chances("log_loss", _log_losses, mean, POSITIVE),
    _of_chances("brier", lambda y, s: averaged((y - s) ** 2), mean, UNIT),
    _of_chances("ece", _calibrated, _ece, UNIT),
)


def _one_hot(codes: Floats, count: int) -> Floats:
    return np.asarray(codes[:, None] == np.arange(count), dtype=np.float64)


def _table(truth: Floats, scores: Floats) -> Floats:
    """For each class: hits, answers, occurrences."""
    count = scores.shape[1]
    true, answered = _one_hot(truth, count), _one_hot(scores.argmax(axis=1).astype(np.float64), count)
    return np.concatenate([true * answered, answered, true], axis=1)


def _of_classes(sums: Floats) -> tuple[Floats, Floats, Floats]:
    count = sums.shape[-1] // 3
    return sums[..., :count], sums[..., count : 2 * count], sums[..., 2 * count :]


def _macro(values: Floats, met: NDArray[np.bool_]) -> Floats:
    """The mean over classes that occurred or were answered; one of them without a value counts as 0, as scikit-learn's."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((np.nan_to_num(values) * met).sum(axis=-1) / met.sum(axis=-1))


def _f1_macro(sums: Floats) -> Floats:
    hit, answered, true = _of_classes(sums)
    return _macro(ratio(2 * hit, answered + true), answered + true > 0)


def _precision_macro(sums: Floats) -> Floats:
    hit, answered, true = _of_classes(sums)
    return _macro(ratio(hit, answered), answered + true > 0)


def _recall_macro(sums: Floats) -> Floats:
    hit, answered, true = _of_classes(sums)
    return _macro(ratio(hit, true), answered + true > 0)


def _balanced_macro(sums: Floats) -> Floats:
    hit, _, true = _of_classes(sums)
    return _macro(ratio(hit, true), true > 0)


def _auc_ovr_parts(truth: Floats, scores: Floats, weight: Floats | None = None) -> Floats:
    """One class against the rest, for each class that has both; the macro average."""
    each_class = [_AUC_PARTS((truth == c).astype(np.float64), scores[:, c], weight) for c in range(scores.shape[1])]
    known = [np.nan_to_num(parts) for parts in each_class]
    return np.concatenate(known, axis=1)


def _auc_ovr(sums: Floats) -> Floats:
    areas = np.stack([_auc(sums[..., i : i + 7]) for i in range(0, sums.shape[-1], 7)], axis=-1)
    known = np.isfinite(areas)
    return ratio(np.nan_to_num(areas).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def _log_loss_of(truth: Floats, scores: Floats) -> Floats:
    whole = scores / scores.sum(axis=1, keepdims=True)
    said = np.take_along_axis(whole, np.maximum(truth, 0).astype(np.int64)[:, None], axis=1)[:, 0]
    return each(-np.log(np.clip(said, _CLIP, 1 - _CLIP)))


def _brier_of(truth: Floats, scores: Floats) -> Floats:
    return each(((scores - _one_hot(truth, scores.shape[1])) ** 2).sum(axis=1))


def _calibration_of(truth: Floats, scores: Floats) -> Floats:
    answered = scores.argmax(axis=1)
    return written_out(_calibrated((answered == truth).astype(np.float64), scores.max(axis=1)), len(truth))


MULTICLASS = (
    Metric(
        "accuracy",
        lambda y, s: each((s.argmax(axis=1) == y).astype(np.float64)),
        mean,
        True,
        share=(1,),
        within=UNIT,
    ),
    Metric("balanced_accuracy", _table, _balanced_macro, True, within=UNIT),
    Metric("precision_macro", _table, _precision_macro, True, within=UNIT),
    Metric("recall_macro", _table, _recall_macro, True, within=UNIT),
    Metric("f1_macro", _table, _f1_macro, True, within=UNIT),
    Metric("auc_ovr", _auc_ovr_parts, _auc_ovr, True, probabilities=True, weighted=True, within=UNIT),
    Metric("log_loss", _log_loss_of, mean, False, probabilities=True, within=POSITIVE),
    Metric("brier", _brier_of, mean, False, probabilities=True, within=(0.0, 2.0)),
    Metric("ece", _calibration_of, _ece, False, probabilities=True, within=UNIT),
)
