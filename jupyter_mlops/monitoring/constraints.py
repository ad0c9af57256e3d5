"""What a reference's columns were like, as rules a person can read, edit and keep: learned, checked, and given to other tools.

A file of them is YAML: `columns: {NAME: {type, nulls, min, max, values}}`. What is left out is not asked.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring.describing import OPAQUE
from jupyter_mlops.monitoring.profiles import Column, Profile
from jupyter_mlops.project import Share

_CLOSED = 20  # so few values, each seen so often, are a list that is meant to be closed
_OFTEN = 30
_ROOM = 0.5  # of the range, on either side: what was seen is not all that can be


class Rule(BaseModel):
    """`type` is Arrow's word, or several parted by `|`; `nulls` the most missing values there may be; `values` all allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str | None = None
    nulls: Share | None = None
    min: float | None = None
    max: float | None = None
    values: list[str] | None = None


class Constraints(BaseModel):
    """By a column's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, Rule] = Field(default={})

    def save(self, path: str | Path) -> None:
        kept = self.model_dump(exclude_none=True)
        Path(path).write_text(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), encoding="utf-8")

    @staticmethod
    def load(path: str | Path) -> Constraints:
        """BadInput names what in the file is no rule."""
        try:
            return Constraints.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"{path}: {where}: {first['msg']} (got {first['input']!r})", "mend that rule") from error
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise BadInput(f"{path} cannot be read: {str(error)[:200]}", "name a file of constraints") from error


def learned(reference: Profile) -> Constraints:
    """Rules that the reference keeps, with room: its types, ranges, closed lists of values, and shares of nulls."""
    return Constraints(columns={name: _rule(column) for name, column in reference.columns.items()})


def _rule(column: Column) -> Rule:
    nulls = column.nulls / max(1, column.n)
    found: dict[str, Any] = {"type": column.type or None, "nulls": round(min(1.0, nulls + 0.1), 3) if nulls else 0.0}
    bounds = column.range()
    if bounds and column.holds == "numeric":  # other tools do not hold times against numbers of seconds
        room = _ROOM * (bounds[1] - bounds[0] or abs(bounds[0]) or 1.0)
        found |= {"min": bounds[0] - room, "max": bounds[1] + room}
    named = column.categories
    if (
        column.holds not in OPAQUE
        and named.exact
        and 0 < named.distinct <= _CLOSED
        and column.seen >= _OFTEN * named.distinct
    ):
        found["values"] = sorted(named.named)
    return Rule(**found)


def violated(rules: Constraints, current: Profile) -> list[str]:
    """A sentence for each rule that the data does not keep."""
    said = []
    for name, rule in rules.columns.items():
        column = current.columns.get(name)
        said += (
            [f"column {name} is not there"] if column is None else [f"column {name} {s}" for s in _broken(rule, column)]
        )
    return said


def _broken(rule: Rule, column: Column) -> list[str]:
    said = []
    if rule.type and column.present and not set(column.type.split("|")) <= set(rule.type.split("|")):
        said.append(f"is stored as {column.type}, not as {rule.type}")
    nulls = column.nulls / max(1, column.n)
    if rule.nulls is not None and nulls > rule.nulls:
        said.append(f"is missing in {nulls:.1%} of the rows, more than {rule.nulls:.1%}")
    bounds = column.range() if column.kind == "numeric" else None
    if bounds and bounds[0] < (rule.min if rule.min is not None else -math.inf):
        said.append(f"goes down to {bounds[0]:g}, below {rule.min:g}")
    if bounds and bounds[1] > (rule.max if rule.max is not None else math.inf):
        said.append(f"goes up to {bounds[1]:g}, above {rule.max:g}")
    new = sorted(set(column.categories.named) - set(rule.values)) if rule.values is not None else []
    return (
        [*said, f"holds {new[0]!r:.60}" + (f" and {len(new) - 1} other new values" if new[1:] else "")] if new else said
    )


def as_pandera(rules: Constraints) -> str:
    """A Python module with a pandera `DataFrameSchema` called `schema`. Shares of nulls other than none are not asked by it."""
    lines = ["import pandera.pandas as pa", "", "schema = pa.DataFrameSchema(", "    {"]
    for name, rule in rules.columns.items():
        checks = []
        if rule.min is not None:
            checks.append(f"pa.Check.ge({rule.min!r})")
        if rule.max is not None:
            checks.append(f"pa.Check.le({rule.max!r})")
        if rule.values is not None and rule.type != "bool":
            checks.append(f"pa.Check.isin({rule.values!r})")
        nullable = rule.nulls is None or rule.nulls > 0
        lines.append(f"        {name!r}: pa.Column(checks=[{', '.join(checks)}], nullable={nullable}),")
    return "\n".join([*lines, "    }", ")", ""])


def as_great_expectations(rules: Constraints, name: str = "reference") -> dict[str, Any]:
    """An expectation suite of Great Expectations 1.x, as its JSON."""
    asked = []
    for column, rule in rules.columns.items():
        asked.append(_expects("expect_column_to_exist", column=column))
        if rule.nulls is not None:
            asked.append(_expects("expect_column_values_to_not_be_null", column=column, mostly=1 - rule.nulls))
        if rule.min is not None or rule.max is not None:
            limits = {"min_value": rule.min, "max_value": rule.max}
            asked.append(_expects("expect_column_values_to_be_between", column=column, **limits))
        if rule.values is not None and rule.type != "bool":
            asked.append(_expects("expect_column_values_to_be_in_set", column=column, value_set=rule.values))
    return {"name": name, "expectations": asked, "meta": {}}


def _expects(what: str, **arguments: Any) -> dict[str, Any]:
    return {"type": what, "kwargs": {k: v for k, v in arguments.items() if v is not None}, "meta": {}}
