"""The value of a constant expression of a notebook's source, found without running anything."""

from __future__ import annotations

import ast
import operator
from datetime import date, datetime
from typing import Any

_LARGEST = 10**18
_DATES = {"date": date, "datetime": datetime}
_OPERATIONS: dict[type[ast.operator], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


class NotPlain(ValueError):
    """An expression whose value only running it would tell."""


def constant(node: ast.expr) -> Any:
    """`3`, `-1e-3`, `["a", {"b": None}]`, `60 * 15`, `date(2024, 1, 31)`. Raises NotPlain for everything else."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        pass
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _arithmetic(node)
    if isinstance(node, ast.Call):
        return _date(node)
    raise NotPlain(ast.unparse(node)[:100])


def _arithmetic(node: ast.BinOp) -> Any:
    left, right = constant(node.left), constant(node.right)
    if not all(type(side) in (int, float) and abs(side) < _LARGEST for side in (left, right)):
        raise NotPlain("only numbers are reckoned with")
    try:
        return _OPERATIONS[type(node.op)](left, right)
    except ArithmeticError as error:
        raise NotPlain(str(error)) from error


def _date(call: ast.Call) -> Any:
    """`date(2024, 1, 31)`, `datetime.datetime(...)`, `date.fromisoformat("2024-01-31")`."""
    words = ast.unparse(call.func).split(".")
    make = words.pop() if words[-1] == "fromisoformat" else None
    if not words or words[-1] not in _DATES or call.keywords:
        raise NotPlain(ast.unparse(call)[:100])
    kind = _DATES[words[-1]]
    try:
        given = [constant(a) for a in call.args]
        return getattr(kind, make)(*given) if make else kind(*given)
    except (TypeError, ValueError) as error:
        raise NotPlain(str(error)) from error
