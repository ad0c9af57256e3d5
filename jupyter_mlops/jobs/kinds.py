"""What a parameter may be: its type, with what it holds, its choices and its range; read from annotations and defaults."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from jupyter_mlops.jobs.literals import NotPlain, constant

_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "tuple": (list, tuple),
    "dict": dict,
    "date": date,
    "datetime": datetime,
    "None": type(None),
}
_ALIASES = {"List": "list", "Sequence": "list", "Dict": "dict", "Mapping": "dict", "Tuple": "tuple", "Text": "str"}
_BOUNDS = {"ge": ("low", False), "gt": ("low", True), "le": ("high", False), "lt": ("high", True)}
_ONE_BOUND = {"Ge": "ge", "Gt": "gt", "Le": "le", "Lt": "lt"}


@dataclass(frozen=True)
class Kind:
    """`name` is a type of `_TYPES`, `|` for any of `of`, or empty where anything may stand.

    `of` holds what a list holds, or what a dict's keys and values are. A bound that is open excludes its own value.
    """

    name: str = ""
    of: tuple[Kind, ...] = ()
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    pattern: str = ""
    shortest: int | None = None
    longest: int | None = None

    def __str__(self) -> str:
        if self.choices:
            return " | ".join(map(repr, self.choices))
        if self.name == "|":
            return " | ".join(map(str, self.of))
        return (self.name or "anything") + (f"[{', '.join(map(str, self.of))}]" if self.of else "")

    @property
    def range(self) -> str:
        """`0 < x <= 1`, or empty."""
        low = "" if self.low is None else f"{self.low:g} {'<' if self.low_open else '<='} "
        high = "" if self.high is None else f" {'<' if self.high_open else '<='} {self.high:g}"
        return f"{low}x{high}" if low or high else ""

    def options(self) -> tuple[Kind, ...]:
        return self.of if self.name == "|" else (self,)

    def problem(self, value: Any) -> str:
        """Why this value does not fit, in words that follow `name=value`; empty when it does."""
        if self.name == "|":
            problems = [kind.problem(value) for kind in self.of]
            same = [p for p, kind in zip(problems, self.of, strict=True) if p and _is(kind.name, value)]
            return "" if "" in problems else (same or [f"is {type(value).__name__}, not {self}"])[0]
        if self.choices:
            same_type = [c for c in self.choices if type(c) is type(value)]
            return "" if value in same_type else "is not a choice"
        if not _is(self.name, value):
            return f"is {type(value).__name__}, not {self.name}"
        return self._out_of_range(value) or self._inner_problem(value)

    def _out_of_range(self, value: Any) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = self.low, self.high
            below = low is not None and (value <= low if self.low_open else value < low)
            above = high is not None and (value >= high if self.high_open else value > high)
            return f"is out of range: {self.range}" if below or above else ""
        if isinstance(value, str) and self.pattern and not re.search(self.pattern, value):
            return f"does not match {self.pattern}"
        if isinstance(value, str | list | tuple | dict):
            length = len(value)
            wrong = length < (self.shortest or 0) or (self.longest is not None and length > self.longest)
            return f"has length {length}, which is not allowed" if wrong else ""
        return ""

    def _inner_problem(self, value: Any) -> str:
        if not self.of:
            return ""
        if isinstance(value, dict) and len(self.of) == 2:
            pairs = [(self.of[0], k) for k in value] + [(self.of[1], v) for v in value.values()]
        elif isinstance(value, list | tuple):
            pairs = [(self.of[min(i, len(self.of) - 1)], item) for i, item in enumerate(value)]
        else:
            return ""
        return next((f"holds {item!r}, which {why}" for kind, item in pairs if (why := kind.problem(item))), "")


def _is(name: str, value: Any) -> bool:
    wanted = _TYPES.get(name)
    if wanted is None:
        return True
    if isinstance(value, bool):
        return name == "bool"
    if name == "date":  # a datetime is a date to Python
        return type(value) is date
    return isinstance(value, wanted)


def kind_of_default(value: Any) -> Kind:
    name = type(value).__name__
    return Kind(name) if name in _TYPES and value is not None else Kind()


def kind_of_annotation(node: ast.expr | None) -> tuple[Kind, bool]:
    """The kind, and whether None may stand too, of `float | None`, `list[int]`, `Literal["a"]`, `Annotated[int, Ge(1)]`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return Kind(), False
    if isinstance(node, ast.BinOp):
        return _union([node.left, node.right])
    if isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _SUBSCRIPTED.get(_name(node.value), _container)(node.value, inside)
    if isinstance(node, ast.Call):  # conint(ge=1), confloat(lt=1), constr(pattern="...")
        return _with(Kind(_name(node.func).removeprefix("con")), node), False
    name = _name(node)
    name = _ALIASES.get(name, name)
    return Kind(name if name in _TYPES else ""), False


def _name(node: ast.expr | None) -> str:
    """The last word of a dotted name: `typing.Literal` and `t.Literal` are both Literal."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _union(nodes: list[ast.expr]) -> tuple[Kind, bool]:
    options: list[Kind] = []
    optional = False
    for node in nodes:
        if isinstance(node, ast.Constant) and node.value is None:
            optional = True
            continue
        kind, none = kind_of_annotation(node)
        optional |= none
        options += kind.options()
    if any(not k.name and not k.choices for k in options):
        return Kind(), optional
    return (options[0] if len(options) == 1 else Kind("|", tuple(options))), optional


def _literal(_head: ast.expr, inside: list[ast.expr]) -> tuple[Kind, bool]:
    try:
        values = [constant(item) for item in inside]
    except NotPlain:
        return Kind(), False
    return Kind(choices=tuple(v for v in values if v is not None)), None in values


def _container(head: ast.expr, inside: list[ast.expr]) -> tuple[Kind, bool]:
    kind = kind_of_annotation(head)[0]
    held = [kind_of_annotation(i)[0] for i in inside if not (isinstance(i, ast.Constant) and i.value is ...)]
    return replace(kind, of=tuple(held) if kind.name else ()), False


def _annotated(_head: ast.expr, inside: list[ast.expr]) -> tuple[Kind, bool]:
    kind, optional = kind_of_annotation(inside[0])
    numbers = []
    for note in inside[1:]:
        if isinstance(note, ast.Call):
            kind = _with(kind, note)
            continue
        try:
            value = constant(note)
        except NotPlain:
            continue
        numbers += list(value) if isinstance(value, tuple | list) else [value]
    if len(numbers) == 2 and all(isinstance(n, int | float) for n in numbers):
        kind = replace(kind, low=numbers[0], high=numbers[1])
    return kind, optional


_SUBSCRIPTED: dict[str, Callable[[ast.expr, list[ast.expr]], tuple[Kind, bool]]] = {
    "Literal": _literal,
    "Annotated": _annotated,
    "Optional": lambda _head, inside: _union([*inside, ast.Constant(None)]),
    "Union": lambda _head, inside: _union(inside),
    "Final": lambda _head, inside: kind_of_annotation(inside[0]),
}


def _with(kind: Kind, call: ast.Call) -> Kind:
    """The kind with the constraints of `Field(ge=0, lt=1)`, `Ge(0)`, `Interval(gt=0)`, `range(1, 11)`, `MinLen(1)`."""
    name = _name(call.func)
    try:
        given = [constant(a) for a in call.args]
        named = {k.arg: constant(k.value) for k in call.keywords if k.arg}
    except NotPlain:
        return kind
    if name in _ONE_BOUND and given:
        named[_ONE_BOUND[name]] = given[0]
    if name in ("range", "Range", "ValueRange", "IntRange", "FloatRange") and len(given) in (2, 3):
        return replace(kind, low=given[0], high=given[1], high_open=name == "range")
    lengths = {"MinLen": "min_length", "MaxLen": "max_length"}
    if name in lengths and given:
        named[lengths[name]] = given[0]
    return _constrained(kind, named)


def _constrained(kind: Kind, named: dict[str, Any]) -> Kind:
    changes: dict[str, Any] = {}
    for word, (bound, is_open) in _BOUNDS.items():
        if isinstance(named.get(word), int | float):
            changes |= {bound: named[word], f"{bound}_open": is_open}
    if isinstance(named.get("pattern", named.get("regex")), str):
        changes["pattern"] = named.get("pattern", named.get("regex"))
    for word, length in (("min_length", "shortest"), ("max_length", "longest")):
        if isinstance(named.get(word), int):
            changes[length] = named[word]
    return replace(kind, **changes)
