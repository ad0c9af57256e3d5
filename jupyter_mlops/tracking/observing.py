"""What was done while a cell ran: which estimators were fitted on what, and which scores were computed.

Of scikit-learn, and of the libraries that make its estimators or train boosters of their own. For the time of the cell `fit`
and `score` of every imported estimator class, and the functions of `sklearn.metrics` and `sklearn.model_selection`, run code
that calls the original and notes it (see `swapping`). Afterwards everything is as it was. Profiling hooks would see more and
slow every call of the cell; this costs about a millisecond.
"""

from __future__ import annotations

import importlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.tracking import watchers
from jupyter_mlops.tracking.seeing import Seen
from jupyter_mlops.tracking.swapping import Watcher, swap, swappable

BOOSTING = ("xgboost", "lightgbm")
"""Libraries with a training function of their own beside scikit-learn's estimators."""
_lock = threading.RLock()
_undo: list[Callable[[], None]] = []
_METHODS = tuple(watchers.METHODS.items())


@contextmanager
def observing(source: str, seen: Seen) -> Iterator[None]:
    """Watch until the end of the block. A library that is not there and that the cell does not import is let be."""
    here = [
        name
        for name in ("sklearn", *BOOSTING, *(home.partition(".")[0] for home, _, _ in _OTHERS))
        if name in sys.modules or _imports(source, name)
    ]
    if not here:
        yield
        return
    _begin(seen, here)
    try:
        yield
    finally:
        _end(seen)


def _begin(seen: Seen, here: list[str]) -> None:
    """Blocks may be nested, or be run by several threads: what one watches already is left to it until the last has ended."""
    with _lock:
        watchers.active.append(seen)
        try:
            _watch(here, first=len(watchers.active) == 1)
        except Exception:  # a broken scikit-learn is for the cell to find out
            if config.strict():
                raise


def _end(seen: Seen) -> None:
    with _lock:
        watchers.active.remove(seen)
        while _undo and not watchers.active:
            _undo.pop()()


def _imports(source: str, name: str) -> bool:
    return bool(re.search(rf"^\s*(?:import|from)\s+{name}\b|\bimport\s+.*\b{name}\b", source, re.MULTILINE))


def _watch(here: list[str], first: bool) -> None:
    for name in here:
        module = importlib.import_module(name)  # the cell imports it, or somebody has
        if name in BOOSTING and hasattr(module, "Booster"):
            _swap(module.train, watchers.training)
            _swap(module.Booster.predict, watchers.predict)
    for home, name, watch in _OTHERS:
        if home.partition(".")[0] in here:
            _watch_family(getattr(importlib.import_module(home), name), watch, first)
    if set(here) == {"statsmodels"}:
        return
    base, metrics = importlib.import_module("sklearn.base"), importlib.import_module("sklearn.metrics")
    for kind in _classes(base):
        _watch_class(kind)
    if first:
        _watch_new_classes(base.BaseEstimator, _watch_class)
    _watch_functions(metrics, lambda name: name.endswith(("_score", "_error", "_loss")), watchers.metric)
    if "sklearn.model_selection" in sys.modules:
        selection = sys.modules["sklearn.model_selection"]
        _watch_functions(selection, lambda name: name in ("cross_val_score", "cross_validate"), watchers.validation)


def _swap(function: Any, watcher: Watcher) -> None:
    if swappable(function):
        _undo.append(swap(function, watcher))


def _watch_family(base: type, watch: Callable[[type], None], first: bool) -> None:
    for kind in _family(base):
        watch(kind)
    if first:
        _watch_new_classes(base, watch)


def _classes(base: ModuleType) -> set[type]:
    """Every estimator class imported so far, and the mixins that bring methods to them."""
    return set[type]().union(*(kind.__mro__ for kind in _family(base.BaseEstimator)))


def _family(first: type) -> set[type]:
    found: set[type] = set()
    waiting = [first]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += kind.__subclasses__()
    return found


def _watch_class(kind: type) -> None:
    own = kind.__dict__
    for method, watcher in _METHODS:
        function = own.get(method)
        if function is not None:
            # A pipeline's or a search's method is there only if its parts have it; the function is in the descriptor.
            _swap(getattr(function, "fn", function), watcher)


def _watch_estimation(kind: type) -> None:
    _swap(kind.__dict__.get("fit"), watchers.estimation)


_OTHERS = (
    ("catboost.core", "CatBoost", _watch_class),
    ("statsmodels.base.model", "Model", _watch_estimation),
)
"""The classes of the libraries whose models are none of scikit-learn's, and what is watched of each."""


def _watch_new_classes(base: Any, watch: Callable[[type], None]) -> None:
    """Classes imported or written by the cell itself announce themselves when they are made."""
    original = base.__dict__.get("__init_subclass__")
    inherited = base.__init_subclass__

    def announced(cls: type, /, **options: Any) -> None:
        inherited.__func__(cls, **options) if hasattr(inherited, "__func__") else None
        with _lock:
            watch(cls)

    def restore() -> None:
        if original is None:
            del base.__init_subclass__
        else:
            base.__init_subclass__ = original

    base.__init_subclass__ = classmethod(announced)
    _undo.append(restore)


def _watch_functions(module: ModuleType, scores: Callable[[str], bool], watcher: Watcher) -> None:
    for name, function in list(vars(module).items()):
        if not name.startswith("_"):
            _swap(function, watcher if scores(name) else watchers.step)
