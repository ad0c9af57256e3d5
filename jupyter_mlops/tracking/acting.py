"""Whether using a value may run code that the notebook wrote: only then do the names that this code uses come with it."""

from __future__ import annotations

import gc
from types import FunctionType, MethodType, ModuleType
from typing import Any

_INERT = (int, float, complex, str, bytes, type(None), ModuleType, range, slice)
_MOST = 300  # objects looked at; of what is larger nothing is claimed
_OF_A_CONTAINER = 50
_DATA = ("numpy", "pandas", "polars", "pyarrow", "scipy")


def may_act(value: Any) -> bool:
    """True of a function or class of the notebook, an object of one, and what holds such a thing; also where it is not clear."""
    waiting, met = [value], 0
    known: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in known or _is_inert(one):
            continue
        if _is_own(one):
            return True
        known.add(id(one))
        met += 1
        if met > _MOST:
            return True
        waiting += _parts(one)
    return False


def _is_inert(value: Any) -> bool:
    kind = type(value)  # what an object says of its own class may be anything, or an error
    if issubclass(kind, _INERT):
        return True
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        return bool(value.dtype.kind != "O")
    return kind.__module__.partition(".")[0] in _DATA


def _is_own(value: Any) -> bool:
    kind = value if issubclass(type(value), (type, FunctionType)) else type(value)
    return getattr(kind, "__module__", None) == "__main__"


def _parts(value: Any) -> list[Any]:
    if issubclass(type(value), MethodType):
        return [value.__self__, value.__func__]
    if issubclass(type(value), (type, FunctionType)):  # a library's own: its closure may hold what it was given
        cells = getattr(value, "__closure__", None) or ()
        return [cell.cell_contents for cell in cells if _is_full(cell)]
    if type(value).__module__ == "numpy":
        return list(value.ravel()[:_OF_A_CONTAINER])
    return gc.get_referents(value)[:_OF_A_CONTAINER]  # of an object with attributes, a container, a partial alike


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
