"""Ranges, choices and help from the comment beside a parameter: `rate = 0.1  # 0 < rate <= 1, the step`.

A comment is prose, so only what can be meant in one way is taken for a rule, and only if the default itself obeys it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jupyter_mlops.jobs.kinds import Kind, kind_of_annotation

_N = r"(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?inf)"
_NAME = r"[A-Za-z_]\w*"
_TYPE = re.compile(r"^type:\s*([\w\[\], |.]+?)\s*(?:$|[;\u2014\u2013-]\s|\s{2,})")
_BRACKETS = re.compile(rf"([\[(])\s*{_N}\s*,\s*{_N}\s*([\])])")
_BETWEEN = re.compile(rf"(?:\bbetween\s+{_N}\s+and\s+{_N})|(?:(?<![\w.]){_N}\s*(?:\.\.\.?|…|\bto\b)\s*{_N}(?![\w]))")
_RANGE = re.compile(rf"\brange:?\s*{_N}\s*(?:-|\u2013|,|to|\.\.)\s*{_N}")
_CHAIN = re.compile(rf"{_N}\s*(<=|<|≤)\s*{_NAME}\s*(<=|<|≤)\s*{_N}")
_SIDE = re.compile(rf"(?:^|[\s,;(])(?:{_NAME}\s*)?(>=|>|≥|<=|<|≤)\s*{_N}")
_WORDS = re.compile(rf"\b(at least|min(?:imum)?:?|at most|max(?:imum)?:?)\s+{_N}")
_CHOICES = re.compile(r"\b(?:one of|choices|options|choose from)\b\s*:?\s*(.+)$", re.IGNORECASE)
_BARS = re.compile(r"^\s*[\w'\".+-]+(?:\s*\|\s*[\w'\".+-]+)+\s*$")


def hinted(comment: str, kind: Kind, default: Any) -> Kind:
    """The kind with what the comment adds; as it was where the comment adds nothing or contradicts the default."""
    typed = _TYPE.match(comment)
    if typed and not kind.name and not kind.choices:
        kind = _annotation(typed[1]) or kind
    if kind.choices or kind.range:
        return kind
    for reading in (_choices(comment, kind), _interval(comment), _sides(comment)):
        found = replace(kind, **reading) if reading else kind
        if found != kind and default is not None and not found.problem(default):
            return found
    return kind


def _annotation(text: str) -> Kind | None:
    import ast

    try:
        found = kind_of_annotation(ast.parse(text, mode="eval").body)[0]
    except SyntaxError:
        return None
    return found if found.name else None


def _interval(comment: str) -> dict[str, Any]:
    if found := _BRACKETS.search(comment):
        return _bounds(found[2], found[3], found[1] == "(", found[4] == ")")
    if found := _CHAIN.search(comment):
        return _bounds(found[1], found[4], found[2] == "<", found[3] == "<")
    if found := _RANGE.search(comment):
        return _bounds(found[1], found[2])
    if found := _BETWEEN.search(comment):
        low, high = [g for g in found.groups() if g is not None]
        return _bounds(low, high)
    return {}


def _bounds(low: str, high: str, low_open: bool = False, high_open: bool = False) -> dict[str, Any]:
    ends: dict[str, Any] = {"low": _number(low), "low_open": low_open, "high": _number(high), "high_open": high_open}
    for end in ("low", "high"):
        if ends[end] in (float("inf"), float("-inf")):
            ends |= {end: None, f"{end}_open": False}
    return ends


def _sides(comment: str) -> dict[str, Any]:
    ends: dict[str, Any] = {}
    for sign, number in _SIDE.findall(comment):
        side = "low" if sign in (">", ">=", "≥") else "high"
        ends |= {side: _number(number), f"{side}_open": sign in "<>"}
    for word, number in _WORDS.findall(comment):
        side = "low" if word.startswith(("at least", "min")) else "high"
        ends |= {side: _number(number), f"{side}_open": False}
    return ends


def _choices(comment: str, kind: Kind) -> dict[str, Any]:
    found = _CHOICES.search(comment)
    text = found[1] if found else comment if _BARS.match(comment) else ""
    parts = [p for p in re.split(r"\s*(?:,|\||\bor\b|/)\s*", text.strip().strip("()[]{}.")) if p]
    if len(parts) < 2 or kind.name not in ("str", "int", "float"):
        return {}
    try:
        makers: dict[str, Callable[[str], Any]] = {"str": _unquoted, "int": int, "float": _number}
        return {"choices": tuple(makers[kind.name](p) for p in parts)}
    except ValueError:
        return {}


def _unquoted(text: str) -> str:
    return text.strip("'\"`")


def _number(text: str) -> float:
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
