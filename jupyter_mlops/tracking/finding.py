"""From what was seen in a cell: its model, parameters, metrics and data, each with where it was found."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jupyter_mlops.masking import mask_value
from jupyter_mlops.records import Dataset
from jupyter_mlops.tracking.analysis import Names, names_of
from jupyter_mlops.tracking.cell import Cell
from jupyter_mlops.tracking.data import describe
from jupyter_mlops.tracking.seeing import Fit, Score, Seen, number
from jupyter_mlops.tracking.syntax import BROKEN, constants_of

_LESS = "mae|mse|rmse|mape|log_?loss|loss|brier|aic|bic|perplexity|error"
_MORE = "r2|auc|accuracy|acc|precision|recall|f1|ndcg|mrr|mean_ap|score|kappa|mcc"
_METRIC = re.compile(rf"(?i)(?:^|_)(?:{_LESS}|{_MORE})(?:_|$|\d)")
_ERRORS = re.compile(rf"(?i)(?:^|_)(?:{_LESS})(?:_|$|\d)")
_LINE = re.compile(r"([A-Za-z][\w@ -]{0,40}?)\s*[:=]\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])")
_MOST_PARAMETERS = 100
_LONGEST = 500


def find_model(seen: Seen, namespace: Mapping[str, Any], wanted: str | None) -> tuple[str, Any] | None:
    """The variable asked for, else the last estimator fitted that a variable holds; its name and the object."""
    if wanted is not None:
        return (wanted, namespace[wanted]) if wanted in namespace else None
    fitted = [
        fit.estimator
        for fit in reversed(seen.fits)
        if hasattr(fit.estimator, "predict") or hasattr(fit.estimator, "state_dict")
    ]
    for estimator in fitted:
        for name, value in namespace.items():
            if value is estimator and not name.startswith("_"):
                return name, value
    return None


Found = dict[str, tuple[float, str]]
"""Metrics by name: the value, and where it came from."""


def find_metrics(
    seen: Seen, namespace: Mapping[str, Any], python: str, asked: Mapping[str, float], cell: Cell
) -> Found:
    """What was asked for, logged, assigned, returned, computed once or printed, under a metric's name; the first of these.

    A score that a variable holds goes by the variable's name; the same value is not reported twice.
    """
    found: Found = {name: (value, "--metric") for name, value in asked.items()}
    _add(found, ((name, value, "mlops.log") for name, value in cell.streamed.items()))
    names = names_of(python)
    bound = {n for n in names.writes if n in namespace and _METRIC.search(n) and _was_bound(n, names, namespace, cell)}
    assigned = {n: namespace[n] for n in sorted(bound)}
    _add(found, ((n, v, f"the variable {n}") for name, held in assigned.items() for n, v in _numbers(name, held)))
    if isinstance(cell.returned, dict):
        _add(found, ((n, v, "what the cell returned") for n, v in _numbers("", cell.returned) if _METRIC.search(n)))
    known = {value for value, _ in found.values()}
    by_name: dict[str, list[Score]] = {}
    for score in [*seen.scores, *_searches(seen)]:
        by_name.setdefault(score.name, []).append(score)
    _add(found, ((n, s[0].value, s[0].function) for n, s in by_name.items() if len(s) == 1 and s[0].value not in known))
    _add(found, ((name, value, "printed") for name, value in _printed(cell.printed, found)))
    return {name: item for name, item in found.items() if math.isfinite(item[0])}


def _was_bound(name: str, names: Names, namespace: Mapping[str, Any], cell: Cell) -> bool:
    """Whether it was this execution that bound it: certain where it ended well and no condition stands over it."""
    if cell.error == "" and name in names.settles:
        return True
    return name not in cell.before or cell.before[name] is not namespace[name]


def less_is_better(name: str) -> bool:
    """Which way is up, by the metric's name: of errors and losses less is better."""
    return bool(_ERRORS.search(name))


def _add(found: Found, more: Iterable[tuple[str, float, str]]) -> None:
    for name, value, origin in more:
        found.setdefault(name, (value, origin))


def _numbers(name: str, value: Any) -> list[tuple[str, float]]:
    """A number under its name; the numbers of a mapping under theirs."""
    held = value if issubclass(type(value), dict) else {name: value}
    found = ((str(key), number(one)) for key, one in held.items())
    return [(key, one) for key, one in found if one is not None][:_MOST_PARAMETERS]


def _searches(seen: Seen) -> list[Score]:
    """A search's best score, as it was fitted."""
    best = [(fit, number(getattr(fit.estimator, "best_score_", None))) for fit in seen.fits]
    return [
        Score("best_cv_score", value, None, f"{type(fit.estimator).__name__}.best_score_")
        for fit, value in best
        if value is not None
    ]


def _printed(text: str, found: Found) -> list[tuple[str, float]]:
    """`name: number` on a line, once, with a metric's name and a value not known already to the digits printed."""
    seen: dict[str, list[str]] = {}
    for label, digits in _LINE.findall(text):
        name = re.sub(r"\W+", "_", re.sub(r"\b\d+\b", " ", label).strip()).strip("_").lower()  # "epoch 3 loss" counts
        if _METRIC.search(name):
            seen.setdefault(name, []).append(digits)
    once = [(name, digits[0]) for name, digits in seen.items() if len(digits) == 1]
    return [
        (name, float(digits))
        for name, digits in once
        if not any(abs(value - float(digits)) <= 0.51 * 10.0 ** -_decimals(digits) for value, _ in found.values())
    ]


def _decimals(digits: str) -> int:
    mantissa, _, exponent = digits.lower().partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)


def find_parameters(
    seen: Seen,
    model: tuple[str, Any] | None,
    namespace: Mapping[str, Any],
    cells: Sequence[str],
    asked: Sequence[str],
) -> dict[str, str]:
    """Constants assigned in the slice, then what the estimator was given beyond its defaults; secrets masked."""
    found: dict[str, Any] = {}
    for cell in cells:
        found |= {name: namespace[name] for name in constants_of(cell) if _is_plain(namespace.get(name))}
    found |= {name: namespace[name] for name in asked if name in namespace}
    if model is not None:
        found |= _of_model(model[1], seen)
    items = list(found.items())[:_MOST_PARAMETERS]
    return {name: mask_value(name, str(value))[:_LONGEST] for name, value in items if not _METRIC.search(name)}


def _of_model(model: Any, seen: Seen) -> dict[str, Any]:
    given = next((fit.given for fit in seen.fits if fit.estimator is model), {})
    found: dict[str, Any] = {"estimator": type(model).__name__}
    found |= {name: value for name, value in given.items() if _is_plain(value)}
    if hasattr(model, "get_params"):
        found |= _given(model, "")
    best = getattr(model, "best_params_", None)
    return found | ({f"best_{name}": value for name, value in best.items()} if isinstance(best, dict) else {})


def _given(estimator: Any, prefix: str, depth: int = 0) -> dict[str, Any]:
    """Constructor arguments that differ from their defaults, also of the parts of a pipeline."""
    defaults = _defaults(type(estimator))  # type: ignore[arg-type]
    found: dict[str, Any] = {}
    for name, value in estimator.get_params(deep=False).items():
        for part_name, part in _parts(name, value):
            if hasattr(part, "get_params") and not isinstance(part, type) and depth < 5:
                found[f"{prefix}{part_name}"] = type(part).__name__
                found |= _given(part, f"{prefix}{part_name}__", depth + 1)
            elif part is value and _is_plain(value) and (name not in defaults or value != defaults[name]):
                found[f"{prefix}{name}"] = value
    return found


@lru_cache(maxsize=1000)
def _defaults(kind: type) -> dict[str, Any]:
    return {name: p.default for name, p in inspect.signature(kind.__init__).parameters.items()}  # type: ignore[misc]


def _parts(name: str, value: Any) -> list[tuple[str, Any]]:
    """The named members of `steps`, `transformers` and the like; else the value itself."""
    if isinstance(value, list) and value and all(isinstance(v, tuple) and len(v) >= 2 for v in value):
        return [(str(member[0]), member[1]) for member in value]
    return [(name, value)]


def find_datasets(
    seen: Seen, cell: str, cells: Sequence[str], namespace: Mapping[str, Any], asked: Sequence[str]
) -> list[Dataset]:
    """What fit and score were given: the frame itself, or the part of one the cell took; sources are the files read."""
    source = ", ".join(dict.fromkeys(p for c in [*cells, cell] for p in _files_read(c, namespace))) or "memory"
    found: dict[str, Dataset] = {}
    # Frames are fitted and scored on alike, and looking through one takes a while.
    known: dict[int, Dataset | None] = {}
    for context, value in [
        *(("training", fit.data) for fit in _distinct(seen.fits)),
        *(("named", namespace[name]) for name in asked if name in namespace),
        *(("evaluation", score.data) for score in seen.scores if score.data is not None),
    ]:
        if id(value) not in known:
            name = next((n for n, held in namespace.items() if held is value and not n.startswith("_")), "X")
            known[id(value)] = describe(value, name, source, context)
        data = known[id(value)]
        if data is not None:
            found.setdefault(data.digest + context, data.model_copy(update={"context": context}))
    return list(found.values())[:10]


def _distinct(fits: Sequence[Fit]) -> list[Fit]:
    return list({id(fit.data): fit for fit in fits if fit.data is not None}.values())


def _files_read(cell: str, namespace: Mapping[str, Any]) -> list[str]:
    """The paths given to `read_parquet` and its like, where the path is text, a variable or a filled-in string."""
    try:
        tree = ast.parse(cell)
    except BROKEN:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name.startswith("read_"):
                path = _text(node.args[0], namespace)
                found += [mask_value("path", path)] if path else []
    return found


def _text(node: ast.expr, namespace: Mapping[str, Any]) -> str | None:
    """The value of a literal, a name, or an f-string of names; nothing is evaluated that could do anything."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return str(namespace[node.id]) if node.id in namespace else None
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, namespace)
    if isinstance(node, ast.JoinedStr):
        parts = [_text(part, namespace) for part in node.values]
        return None if None in parts else "".join(part or "" for part in parts)
    return None


def _is_plain(value: Any) -> bool:
    return issubclass(type(value), (str, int, float, bool))
