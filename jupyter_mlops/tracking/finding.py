"""From what was seen in a cell: its model, parameters, metrics and data, each with where it was found."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlops.records import Dataset
from jupyter_mlops.tracking.analysis import names_of
from jupyter_mlops.tracking.data import describe
from jupyter_mlops.tracking.observing import Fit, Seen
from jupyter_mlops.tracking.secrets import mask_value
from jupyter_mlops.tracking.syntax import BROKEN, constants_of

_METRIC = re.compile(
    r"(?i)(?:^|_)(?:mae|mse|rmse|mape|r2|auc|accuracy|acc|precision|recall|f1|ndcg|mrr|mean_ap|log_?loss|loss|brier|score|"
    r"error|kappa|mcc)(?:_|$|\d)"
)
_MOST_PARAMETERS = 100
_LONGEST = 500


def find_model(seen: Seen, namespace: Mapping[str, Any], wanted: str | None) -> tuple[str, Any] | None:
    """The variable asked for, else the last estimator fitted that a variable holds; its name and the object."""
    if wanted is not None:
        return (wanted, namespace[wanted]) if wanted in namespace else None
    for fit in reversed(seen.fits):
        for name, value in namespace.items():
            if value is fit.estimator and not name.startswith("_") and hasattr(value, "predict"):
                return name, value
    return None


def find_metrics(seen: Seen, namespace: Mapping[str, Any], cell: str, asked: Mapping[str, float]) -> dict[str, float]:
    """Scores computed once, under the variable they were given to or the function's name; scalars with a metric's name."""
    found: dict[str, float] = {}
    assigned = {
        name: float(namespace[name])
        for name in sorted(names_of(cell).writes)
        if name in namespace and _METRIC.search(name) and _is_number(namespace[name])
    }
    by_name: dict[str, list[float]] = {}
    for score in seen.scores:
        by_name.setdefault(score.name, []).append(score.value)
    for name, values in by_name.items():
        if len(values) == 1 and values[0] not in assigned.values():
            found[name] = values[0]
    return {name: value for name, value in {**found, **assigned, **asked}.items() if math.isfinite(value)}


def find_parameters(
    model: Any, namespace: Mapping[str, Any], cells: Sequence[str], asked: Sequence[str]
) -> dict[str, str]:
    """Constants assigned in the slice, then what the estimator was given beyond its defaults; secrets masked."""
    found: dict[str, Any] = {}
    for cell in cells:
        found |= {name: namespace[name] for name in constants_of(cell) if _is_plain(namespace.get(name))}
    found |= {name: namespace[name] for name in asked if name in namespace}
    if model is not None and hasattr(model, "get_params"):
        found["estimator"] = type(model).__name__
        found |= _given(model, "")
    items = list(found.items())[:_MOST_PARAMETERS]
    return {name: mask_value(name, str(value))[:_LONGEST] for name, value in items if not _METRIC.search(name)}


def _given(estimator: Any, prefix: str, depth: int = 0) -> dict[str, Any]:
    """Constructor arguments that differ from their defaults, also of the parts of a pipeline."""
    defaults = {n: p.default for n, p in inspect.signature(type(estimator).__init__).parameters.items()}
    found: dict[str, Any] = {}
    for name, value in estimator.get_params(deep=False).items():
        for part_name, part in _parts(name, value):
            if hasattr(part, "get_params") and not isinstance(part, type) and depth < 5:
                found[f"{prefix}{part_name}"] = type(part).__name__
                found |= _given(part, f"{prefix}{part_name}__", depth + 1)
            elif part is value and _is_plain(value) and (name not in defaults or value != defaults[name]):
                found[f"{prefix}{name}"] = value
    return found


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
    for context, value in [
        *(("training", fit.data) for fit in _distinct(seen.fits)),
        *(("named", namespace[name]) for name in asked if name in namespace),
        *(("evaluation", score.data) for score in seen.scores if score.data is not None),
    ]:
        name = next((n for n, held in namespace.items() if held is value and not n.startswith("_")), "X")
        data = describe(value, name, source, context)
        if data is not None:
            found.setdefault(data.digest + context, data)
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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)
