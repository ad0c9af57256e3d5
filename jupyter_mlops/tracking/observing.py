"""What was done while a cell ran: which estimators were fitted on what, and which scores were computed.

Of scikit-learn, and of the libraries that make its estimators or train boosters of their own. For the time of the cell `fit`
and `score` of every imported estimator class, and the functions of `sklearn.metrics`, also under the names that the notebook
and its local modules gave them, are replaced by ones that call the original and note it. Afterwards everything is as it was.
Profiling hooks would see more and slow every call of the cell; this costs about a millisecond.
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from numbers import Real
from types import ModuleType
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.tracking.environment import own_namespaces

BOOSTING = ("xgboost", "lightgbm")
"""Libraries with a training function of their own beside scikit-learn's estimators."""
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
    """`given` are the parameters of a training function, where there is no constructor that took them."""

    estimator: Any
    data: Any
    target: Any
    given: dict[str, Any] = field(default_factory=dict)


@dataclass
class Score:
    """`value` is what `function` gave; `data` the rows it was computed on: asked of `.score`, or predicted before."""

    name: str
    value: float
    data: Any = None
    function: str = ""


@dataclass
class Seen:
    """`first` is called once, when the first fit begins or the first score is computed."""

    fits: list[Fit] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    depth: int = 0
    first: Callable[[], None] | None = None
    predicted: list[tuple[Any, Any]] = field(default_factory=list)
    """(what `predict` gave, the rows it was given): so that a score of the one is known to be of the other."""

    def begun(self) -> None:
        if self.first is not None:
            first, self.first = self.first, None
            first()


@contextmanager
def observing(namespace: MutableMapping[str, Any], source: str, seen: Seen) -> Iterator[None]:
    """Watch until the end of the block. A library that is not there and that the cell does not import is let be."""
    here = [name for name in ("sklearn", *BOOSTING) if name in sys.modules or _imports(source, name)]
    if not here:
        yield
        return
    undo: list[Callable[[], None]] = []
    try:
        _watch(namespace, seen, undo, here)
    except Exception:  # a broken scikit-learn is for the cell to find out
        if config.strict():
            raise
    try:
        yield
    finally:
        for restore in reversed(undo):
            restore()


def _imports(source: str, name: str) -> bool:
    return bool(re.search(rf"^\s*(?:import|from)\s+{name}\b|\bimport\s+.*\b{name}\b", source, re.MULTILINE))


def _watch(namespace: MutableMapping[str, Any], seen: Seen, undo: list[Callable[[], None]], here: list[str]) -> None:
    wrappers: dict[int, Callable[..., Any]] = {}
    for name in here:
        module = importlib.import_module(name)  # the cell imports it, or somebody has
        if name in BOOSTING and hasattr(module, "Booster"):
            wrappers |= _watch_boosting(module, seen, undo)
    base, metrics = importlib.import_module("sklearn.base"), importlib.import_module("sklearn.metrics")
    for kind in _classes(base):
        _watch_class(kind, seen, undo)
    undo.append(_watch_new_classes(base.BaseEstimator, seen, undo))
    wrappers |= _watch_metrics(metrics, seen, undo)
    if "sklearn.model_selection" in sys.modules:
        wrappers |= _watch_validation(sys.modules["sklearn.model_selection"], seen, undo)
    undo += [_swap_names(names, wrappers) for names in [namespace, *own_namespaces()]]


def _watch_boosting(module: Any, seen: Seen, undo: list[Callable[[], None]]) -> dict[int, Callable[..., Any]]:
    """`train` of XGBoost and LightGBM, which gives a booster, and what the booster predicts."""
    original = module.train
    wrapper = _watched_training(original, seen)
    module.train = wrapper
    undo.append(functools.partial(setattr, module, "train", original))
    predict = module.Booster.predict
    module.Booster.predict = _watched_predict(predict, seen)
    undo.append(functools.partial(setattr, module.Booster, "predict", predict))
    return {id(original): wrapper}


def _watched_training(original: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    @functools.wraps(original)
    def train(*args: Any, **kwargs: Any) -> Any:
        rows = args[1] if len(args) > 1 else kwargs.get("dtrain", kwargs.get("train_set"))
        held = getattr(rows, "data", None)  # LightGBM lets go of it when it has trained
        seen.begun()
        seen.depth += 1
        try:
            booster = original(*args, **kwargs)
        finally:
            seen.depth -= 1
        if seen.depth == 0:
            given = args[0] if args else kwargs.get("params")
            seen.fits.append(
                Fit(booster, rows if held is None else held, None, dict(given) if isinstance(given, Mapping) else {})
            )
        return booster

    return train


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
    for method, watched in _METHODS.items():
        original = kind.__dict__.get(method)
        if inspect.isfunction(original):
            replaced: Any = watched(original, seen)
        elif (
            type(original).__name__ == "_AvailableIfDescriptor"
        ):  # a pipeline's or a search's, there if its parts have it
            replaced = copy.copy(original)
            replaced.fn = watched(replaced.fn, seen)
        else:
            continue
        setattr(kind, method, replaced)
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
        seen.begun()
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
        _note(seen, Score("score", answer, X, f"{type(self).__name__}.score"))
        return answer

    return score


def _watched_predict(original: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    @functools.wraps(original)
    def predict(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N803
        seen.depth += 1
        try:
            answer = original(self, X, *args, **kwargs)
        finally:
            seen.depth -= 1
        if seen.depth == 0:
            seen.predicted.append((answer, X))
            del seen.predicted[:-_MOST_PREDICTIONS]
        return answer

    return predict


_MOST_PREDICTIONS = 20
_METHODS: dict[str, Callable[[Callable[..., Any], Seen], Callable[..., Any]]] = {
    "fit": _watched_fit,
    "fit_transform": _watched_fit,
    "score": _watched_score,
    "predict": _watched_predict,
    "predict_proba": _watched_predict,
}


def _watch_metrics(module: ModuleType, seen: Seen, undo: list[Callable[[], None]]) -> dict[int, Callable[..., Any]]:
    def watched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        if name.endswith(("_score", "_error", "_loss")):
            return _watched_metric(original, _SHORT.get(name, name), seen)
        return _as_one_step(original, seen)

    return _watch_functions(module, watched, undo)


def _watch_validation(module: ModuleType, seen: Seen, undo: list[Callable[[], None]]) -> dict[int, Callable[..., Any]]:
    def watched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        return (_watched_validation if name in ("cross_val_score", "cross_validate") else _as_one_step)(original, seen)

    return _watch_functions(module, watched, undo)


def _watch_functions(
    module: ModuleType, watched: Callable[[str, Callable[..., Any]], Callable[..., Any]], undo: list[Callable[[], None]]
) -> dict[int, Callable[..., Any]]:
    wrappers = {}
    for name, original in list(vars(module).items()):
        if inspect.isfunction(original) and not name.startswith("_"):
            wrappers[id(original)] = watched(name, original)
            setattr(module, name, wrappers[id(original)])
            undo.append(functools.partial(setattr, module, name, original))
    return wrappers


def _as_one_step(original: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    """What is fitted inside, a report's encoder or a curve's hundred models, is the function's own business."""

    @functools.wraps(original)
    def step(*args: Any, **kwargs: Any) -> Any:
        seen.depth += 1
        try:
            return original(*args, **kwargs)
        finally:
            seen.depth -= 1

    return step


def _watched_validation(original: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    """Cross-validation: the mean over the folds, each score under its own name. The fits inside are its business."""

    @functools.wraps(original)
    def validated(*args: Any, **kwargs: Any) -> Any:
        seen.begun()
        seen.depth += 1
        try:
            answer = original(*args, **kwargs)
        finally:
            seen.depth -= 1
        if seen.depth == 0:
            folds = answer if isinstance(answer, dict) else {"test_score": answer}
            for name, values in folds.items():
                if name.startswith("test_"):
                    short = name.removeprefix("test_")
                    scored = Score(
                        f"cv_{short}", float(values.mean()), None, f"{original.__name__}, {len(values)} folds"
                    )
                    seen.scores.append(scored)
        return answer

    return validated


def _watched_metric(original: Callable[..., Any], name: str, seen: Seen) -> Callable[..., Any]:
    @functools.wraps(original)
    def metric(*args: Any, **kwargs: Any) -> Any:
        seen.depth += 1
        try:
            answer = original(*args, **kwargs)
        finally:
            seen.depth -= 1
        _note(seen, Score(name, answer, _rows(seen, [*args, *kwargs.values()]), original.__name__))
        return answer

    return metric


def _rows(seen: Seen, given: list[Any]) -> Any:
    """The rows that what was given had been predicted from; a column of probabilities is a view of what was predicted."""
    for answer, rows in reversed(seen.predicted):
        if any(_whole(value) is _whole(answer) for value in given if value is not None):
            return rows
    return None


def _whole(value: Any) -> Any:
    """The array that a view is of, else the value."""
    base = getattr(value, "base", None)
    return value if base is None else base


def _note(seen: Seen, score: Score) -> None:
    value = number(score.value)
    if seen.depth == 0 and value is not None:
        seen.begun()
        seen.scores.append(replace(score, value=value))


def number(value: Any) -> float | None:
    """The value of a number of any library: Python's, numpy's, an array or tensor of no dimension; None of what is none."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        held = value.item()
        return float(held) if isinstance(held, int | float) and not isinstance(held, bool) else None
    return None


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
