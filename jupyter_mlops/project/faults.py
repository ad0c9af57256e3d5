"""What is wrong with a text that people wrote, in their words: the key, the problem, the fix.

Types know more than a person has to: which of several forms a value was tried as is not told, only the one that was meant.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from jupyter_mlops.errors import nearest

# Pydantic speaks of dictionaries and of our classes.
_KEYS_WANTED = "should hold keys and values"
_PLAINLY = {"model_type": _KEYS_WANTED, "dict_type": _KEYS_WANTED, "list_type": "should be a list: [one, another]"}


@dataclass(frozen=True)
class Fault:
    """`where` is the way to it, from the top; empty when the whole is meant."""

    where: tuple[str | int, ...]
    problem: str
    fix: str = ""

    @property
    def key(self) -> str:
        return ".".join(str(part) for part in self.where)


def faults(error: ValidationError, spec: type[BaseModel]) -> list[Fault]:
    """Each fault once. A key that is missing and one that is unknown beside it, much alike, are one fault."""
    found = [fault for one in error.errors(include_url=False) for fault in _fault(one, spec)]
    meant = {(*f.where[:-1], f.fix.split("'")[1]) for f in found if f.fix.startswith("did you mean")}
    return [f for f in found if not (f.fix.startswith("add ") and f.where in meant)]


def _fault(error: Any, spec: type[BaseModel]) -> Iterator[Fault]:
    where, around, tried = _followed(error["loc"], spec)
    if tried is not None and isinstance(error["input"], dict) and not _is_spec(tried):
        return
    if error["type"] == "extra_forbidden":
        close = nearest(str(where[-1]), _keys(around))
        yield Fault(where, "unknown key", f"did you mean {close!r}?" if close else f"remove {where[-1]!r}")
    elif error["type"] == "missing":
        yield Fault(where, "is missing", f"add {where[-1]!r}")
    else:
        problem = _PLAINLY.get(error["type"], error["msg"].removeprefix("Value error, "))
        yield Fault(where, f"{problem} (got {error['input']!r})" if where else problem)


def _followed(loc: tuple[str | int, ...], spec: Any) -> tuple[tuple[str | int, ...], Any, Any]:
    """The way as the text has it; what the last part stands in; and, where the fault is a whole form's, which was tried."""
    where: list[str | int] = []
    around = tried = None
    for part in loc:
        forms = _forms(spec)
        if len(forms) > 1:
            spec = tried = next((form for form in forms if _is_spec(form) and form.__name__ in str(part)), Any)
        elif part != "[key]":
            where.append(part)
            around, tried = forms[0], None
            spec = _part(forms[0], str(part))
    return tuple(where), around, tried


def _part(spec: Any, name: str) -> Any:
    if _is_spec(spec):
        return next((f.annotation for key, f in spec.model_fields.items() if name in (key, f.alias)), Any)
    return (get_args(spec) or (Any,))[-1]


def _forms(spec: Any) -> tuple[Any, ...]:
    """What a value may be; that it may be left out is not among it."""
    if get_origin(spec) is Annotated:
        return _forms(get_args(spec)[0])
    if get_origin(spec) in (Union, types.UnionType):
        return tuple(form for option in get_args(spec) if option is not type(None) for form in _forms(option))
    return (spec,)


def _keys(spec: Any) -> list[str]:
    return [field.alias or key for key, field in spec.model_fields.items()] if _is_spec(spec) else []


def _is_spec(spec: Any) -> bool:
    return isinstance(spec, type) and issubclass(spec, BaseModel)
