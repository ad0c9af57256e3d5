"""Any metric of scikit-learn, by the name of its scorer or of its function: `matthews_corrcoef`, `d2_pinball_score`.

Such a metric is no sum over rows, so units are put into groups at random and each group is left out once: what the metric
changes by is the group's influence, which is then resampled as any sum is (the grouped jackknife; Shao and Wu, 1989, for why
groups of about the root of the units serve medians and quantiles too). It is asked a few dozen times, not once a resample.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.classification import ratio
from jupyter_mlops.stats.metrics import Metric

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_GROUPS = (20, 50)
_HIGHER = ("_score", "_corrcoef")
_LOWER = ("_loss", "_error", "_deviance")
_CALLED = ("y_pred", "labels_pred", "y2")
_EXTREME = ("max_error", "neg_max_error")
_REFUSED = (ValueError, TypeError, AttributeError, IndexError, ZeroDivisionError)


class Scored(Protocol):
    """The metric of answers: `said` is a class's code or a number for each row, `chances` is None or what probabilities there
    are, of two classes the second's. Raises what scikit-learn raises where the metric has no value."""

    def __call__(self, truth: Floats, said: Floats, chances: Floats | None, weight: Floats | None) -> float: ...


@lru_cache(maxsize=256)
def named_metric(name: str, task: str, classes: int = 2) -> Metric | None:
    """scikit-learn's metric of that name, if it has one that says something of such a task."""
    found = None if task == "ranking" else _scorer(name, task) or _function(name)
    if found is None:
        return None
    scored, higher = found
    truth, scores = _tried(task, classes)
    said = scores if task == "regression" else _classes(scores)
    if not math.isfinite(_value(scored, truth, said, scores, None)):
        return None
    needs = task != "regression" and not math.isfinite(_value(scored, truth, said, None, None))

    def of(truth: Floats, scores: Floats, weight: Floats | None = None) -> float:
        return _value(scored, truth, scores if task == "regression" else _classes(scores), scores, weight)

    parts, extreme = _one_by_one(of), is_extreme(name)
    return Metric(name, parts, influenced, higher, probabilities=needs, weighted=True, whole=of, extreme=extreme)


def is_extreme(name: str) -> bool:
    """Whether it is the value of the single worst row, which has no interval and tells no two samples apart."""
    return name in _EXTREME


def _tried(task: str, classes: int) -> tuple[Floats, Floats]:
    """A few rows, on which what is no metric of the task is seen to be none."""
    if task == "regression":
        return np.array([1.0, 2.0, 3.0, 4.0, 2.0]), np.array([1.5, 1.5, 2.5, 4.0, 3.0])
    truth = np.arange(4 * classes) % classes
    scores = np.full((len(truth), classes), 0.4 / classes)
    scores[np.arange(len(truth)), np.where(np.arange(len(truth)) < 2 * classes, truth, (truth + 1) % classes)] += 0.6
    return truth.astype(np.float64), scores[:, 1] if classes == 2 else scores


def groups_of(units: int, seed: int = 0) -> Codes:
    """A group for each unit, all of about the same size."""
    count = min(units, max(_GROUPS[0], min(_GROUPS[1], math.isqrt(units))))
    return np.random.default_rng(seed).permutation(units) % count


def left_out(of: Callable[..., float], truth: Floats, scores: Floats, weight: Floats | None, group: Codes) -> Floats:
    """For each group its influence, the value of all rows, and 1; NaN where there is no value. `group` is of each row."""
    count = int(group.max(initial=-1)) + 1
    value = of(truth, scores, weight)
    without = np.full(count, np.nan)
    for g in range(count if math.isfinite(value) else 0):
        rest = group != g
        without[g] = of(truth[rest], scores[rest], None if weight is None else weight[rest])
    away = (count - 1) * (without.mean() - without)
    return np.stack([away, np.full(count, value), np.ones(count)], axis=1)


def influenced(sums: Floats) -> Floats:
    return ratio(sums[..., 0] + sums[..., 1], sums[..., 2])


def _one_by_one(of: Callable[..., float]) -> Callable[..., Floats]:
    def parts(truth: Floats, scores: Floats, weight: Floats | None = None) -> Floats:
        return left_out(of, truth, scores, weight, np.arange(len(truth)))

    return parts


def _classes(scores: Floats) -> Floats:
    return np.asarray(scores > 0.5 if scores.ndim == 1 else scores.argmax(axis=1), dtype=np.float64)


def _value(scored: Scored, truth: Floats, said: Floats, chances: Floats | None, weight: Floats | None) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return float(scored(truth, said, chances, weight))
        except _REFUSED:
            return math.nan


def _scorer(name: str, task: str) -> tuple[Scored, bool] | None:
    """By scikit-learn's own scorer, which is asked of a model: one that answers what ours answered."""
    from sklearn.metrics import get_scorer, get_scorer_names

    if name not in get_scorer_names():
        return None
    scorer = get_scorer(name)

    def scored(truth: Floats, said: Floats, chances: Floats | None, weight: Floats | None) -> float:
        model = _answered(task, said, chances)
        weighed = {} if weight is None else {"sample_weight": weight}
        return float(scorer(model, np.arange(len(truth))[:, None], truth, **weighed))

    return scored, True


def _function(name: str) -> tuple[Scored, bool] | None:
    import sklearn.metrics

    function = getattr(sklearn.metrics, name, None) if name.endswith((*_HIGHER, *_LOWER)) else None
    if function is None:
        return None
    taken = list(inspect.signature(function).parameters)
    called = len(taken) > 1 and taken[1] in _CALLED

    def scored(truth: Floats, said: Floats, chances: Floats | None, weight: Floats | None) -> float:
        if chances is None and not called:
            raise ValueError("it needs probabilities")
        weighed = {} if weight is None else {"sample_weight": weight}
        return float(function(truth, said if called else chances, **weighed))

    return scored, name.endswith(_HIGHER)


def _answered(task: str, said: Floats, chances: Floats | None) -> Any:
    """A fitted model, to whoever asks, that gives the answers that are known to rows, each of which is its number."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    def predict(_: Any, rows: Codes) -> Floats:
        return said[rows[:, 0]]

    if task == "regression":
        return type("Answered", (RegressorMixin, BaseEstimator), {"predict": predict, "fitted_": True})()
    held: dict[str, Any] = {"predict": predict, "classes_": np.arange(2.0)}
    if chances is not None:
        table = np.stack([1 - chances, chances], axis=1) if chances.ndim == 1 else chances

        def predict_proba(_: Any, rows: Codes) -> Floats:
            return table[rows[:, 0]]

        held |= {"predict_proba": predict_proba, "classes_": np.arange(float(table.shape[1]))}
    return type("Answered", (ClassifierMixin, BaseEstimator), held)()
