"""Values of parameters are data: exactly JSON's types and dates, with no subclass whose own methods would run."""

from __future__ import annotations

import math
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs.kinds import Kind

_MOST = 1_000_000  # items of one value: a few lines of YAML can stand for billions
_DIGITS = 4000  # Python itself refuses to write longer integers down


def plain_data(name: str, value: Any) -> Any:
    """The value as plain data; numpy's numbers, paths and tuples become what they stand for. Raises BadInput."""
    return _Plain(name).read(value)


class _Plain:
    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def read(self, value: Any) -> Any:
        self.count += 1
        if self.count > _MOST:
            raise self._refusal("holds more than a million items", "keep it in a file, and give the file's path")
        kind = type(value)
        if kind in (bool, type(None), date, datetime):
            return value
        if kind is str:
            return self._text(value)
        if kind is int:
            if value.bit_length() > _DIGITS * 3:
                raise self._refusal(f"has more than {_DIGITS} digits", "give it as text")
            return value
        return self._rest(value)

    def _rest(self, value: Any) -> Any:
        kind = type(value)
        if kind is float and math.isfinite(value):
            return value
        if kind in (list, tuple):
            return kind(self.read(item) for item in value)
        if kind is dict:
            return {self.read(key): self.read(item) for key, item in value.items()}
        if kind.__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item"):
            return self.read(value.item())
        if isinstance(value, PurePath) and kind.__module__.startswith("pathlib"):
            return self._text(str(value))
        shown = f"{value!r} is {kind.__name__}" if kind is float else f"{kind.__name__}"
        raise BadInput(
            f"{self.name}: {shown}, which is not plain data",
            "give text, numbers, true/false, null, dates, lists or mappings of them",
            name=self.name,
        )

    def _text(self, value: str) -> str:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self._refusal(f"holds half a character at {error.start}", "give valid Unicode text") from error
        return value

    def _refusal(self, what: str, fix: str) -> BadInput:
        return BadInput(f"{self.name} {what}, which is not plain data", fix, name=self.name)


def as_declared(value: Any, kind: Kind) -> Any:
    """Dates from their text where a date is declared, text from a date where text is, a tuple where a tuple is."""
    if kind.name == "tuple" and isinstance(value, list):
        return tuple(value)
    if kind.name in ("date", "datetime") and isinstance(value, str):
        try:
            return (date if kind.name == "date" else datetime).fromisoformat(value)
        except ValueError:
            return value
    if kind.name == "str" and type(value) is date:
        return value.isoformat()
    if kind.name == "|" and isinstance(value, str) and all(k.name != "str" for k in kind.of):
        return next((v for k in kind.of if not isinstance(v := as_declared(value, k), str)), value)
    return value
