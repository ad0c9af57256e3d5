"""The kinds of value that `mlops.yaml` holds: durations, shares, names."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NAME = r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,127}$"

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: Any) -> timedelta:
    """`200ms`, `90s`, `15m`, `1h`, `2d`, `1w`, or a number of seconds."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return timedelta(seconds=value)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*", str(value))
    if not found:
        raise ValueError(f"{value!r} is not a duration; write it as 90s, 15m, 1h, 2d or 1w")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def parse_share(value: Any) -> float:
    """`2%` or 0.02, as a fraction from 0 to 1."""
    text = str(value).strip()
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise ValueError(f"{value!r} is not a share; write it as 2% or 0.02") from None
    if not 0 <= share <= 1:
        raise ValueError(f"{value!r} is not between 0% and 100%")
    return share


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Share = Annotated[float, BeforeValidator(parse_share)]
Name = Annotated[str, Field(pattern=NAME)]


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
