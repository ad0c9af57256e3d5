"""What scikit-learn did while a cell ran: which estimators were fitted on what, and which scores were computed.

For the time of the cell `fit` and `score` of every imported estimator class, and the functions of `sklearn.metrics`, also
under the names the notebook gave them, are replaced by ones that call the original and note it. Afterwards everything is as
it was. Profiling hooks would see more and slow every call of the cell; this costs about a millisecond.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

_SHORT = {
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "mean_absolute_percentage_error": "mape",
    "r2_score": "r2",
    "roc_auc_score": "auc",
    "average_precision_score": "average_precision",
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "precision_score": "precision",
    "recall_score": "recall",
    "f1_score": "f1",
    "log_loss": "log_loss",
    "brier_score_loss": "brier",
    "ndcg_score": "ndcg",
}


@dataclass
class Fit:
    estimator: Any
    data: Any
    target: Any


@dataclass
class Score:
    """`value` is what the function gave; `data` what a `.score` call was asked on."""

    name: str
    value: float
    data: Any = None


@dataclass
class Seen:
    fits: list[Fit] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    depth: int = 0


@contextmanager
def observing(namespace: MutableMapping[str, Any], source: str) -> Iterator[Seen]:
    """Watch until the end of the block. When scikit-learn is not there and the cell does not mention it, nothing is done."""
    seen = Seen()
    if "sklearn" not in sys.modules and "sklearn" not in source:
        yield seen
        return
    undo = _watch(namespace, seen)
    try:
        yield seen
    finally:
        for restore in reversed(undo):
            restore()


def _watch(namespace: MutableMapping[str, Any], seen: Seen) -> list[Callable[[], None]]:
    base, metrics = importlib.import_module("sklearn.base"), importlib.import_module("sklearn.metrics")
    undo: list[Callable[[], None]] = []
    for kind in _classes(base):
        _watch_class(kind, seen, undo)
    undo.append(_watch_new_classes(base.BaseEstimator, seen, undo))
    wrappers = _watch_metrics(metrics, seen, undo)
    undo.append(_swap_names(namespace, wrappers))
    return undo


def _classes(base: ModuleType) -> list[type]:
    """Every estimator class imported so far, and the mixins that bring `score`."""
    found: dict[type, None] = {base.ClassifierMixin: None, base.RegressorMixin: None}
    waiting = [base.BaseEstimator]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found[kind] = None
            waiting += kind.__subclasses__()
    return list(found)


def _watch_class(kind: type, seen: Seen, undo: list[Callable[[], None]]) -> None:
    for method, watched in (("fit", _watched_fit), ("fit_transform", _watched_fit), ("score", _watched_score)):
        original = kind.__dict__.get(method)
        if callable(original) and not isinstance(original, staticmethod | classmethod):
            setattr(kind, method, watched(original, seen))
            undo.append(functools.partial(setattr, kind, method, original))


def _watch_new_classes(base: Any, seen: Seen, undo: list[Callable[[], None]]) -> Callable[[], None]:
    """Classes imported or written by the cell itself announce themselves when they are made."""
    original = base.__dict__.get("__init_subclass__")
    inherited = base.__init_subclass__

    def announced(cls: type, /, **options: Any) -> None:
        inherited.__func__(cls, **options) if hasattr(inherited, "__func__") else None
        _watch_class(cls, seen, undo)

    base.__init_subclass__ = classmethod(announced)

    def restore() -> None:
        if original is None:
            del base.__init_subclass__
        else:
            base.__init_subclass__ = original

    return restore


def _watched_fit(original: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    @functools.wraps(original)
    def fit(self: Any, X: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: N803  (scikit-learn's own name)
        target = args[0] if args else kwargs.get("y")
        seen.depth += 1
        try:
            answer = original(self, X, *args, **kwargs) if X is not None else original(self, *args, **kwargs)
        finally:
            seen.depth -= 1
        if seen.depth == 0:
            seen.fits.append(Fit(self, X, target))
        return answer

    return fit


def _watched_score(original: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    @functools.wraps(original)
    def score(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N803
        seen.depth += 1
        try:
            answer = original(self, X, *args, **kwargs)
        finally:
            seen.depth -= 1
        _note(seen, "score", answer, X)
        return answer

    return score


def _watch_metrics(module: ModuleType, seen: Seen, undo: list[Callable[[], None]]) -> dict[int, Callable[..., Any]]:
    wrappers = {}
    for name in dir(module):
        original = getattr(module, name)
        if name.startswith("_") or not callable(original) or isinstance(original, type):
            continue
        if name.endswith(("_score", "_error", "_loss")):
            wrapper = _watched_metric(original, _SHORT.get(name, name), seen)
            wrappers[id(original)] = wrapper
            setattr(module, name, wrapper)
            undo.append(functools.partial(setattr, module, name, original))
    return wrappers


def _watched_metric(original: Callable[..., Any], name: str, seen: Seen) -> Callable[..., Any]:
    @functools.wraps(original)
    def metric(*args: Any, **kwargs: Any) -> Any:
        seen.depth += 1
        try:
            answer = original(*args, **kwargs)
        finally:
            seen.depth -= 1
        _note(seen, name, answer)
        return answer

    return metric


def _note(seen: Seen, name: str, answer: Any, data: Any = None) -> None:
    if seen.depth == 0 and isinstance(answer, int | float) and not isinstance(answer, bool):
        seen.scores.append(Score(name, float(answer), data))


def _swap_names(namespace: MutableMapping[str, Any], wrappers: dict[int, Callable[..., Any]]) -> Callable[[], None]:
    """Functions the notebook imported by name; the way back also mends names that the cell itself imported."""
    for name, value in list(namespace.items()):
        if id(value) in wrappers:
            namespace[name] = wrappers[id(value)]
    originals = {id(wrapper): wrapper.__wrapped__ for wrapper in wrappers.values()}  # type: ignore[attr-defined]

    def restore() -> None:
        for name, value in list(namespace.items()):
            if id(value) in originals:
                namespace[name] = originals[id(value)]

    return restore
