"""What is noted of the calls of a cell: what was fitted on what, which scores were computed, and of which rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

_MOST_PREDICTIONS = 20
_FIRST, _LAST = 10, 40
"""Fits and scores whose data is held; a loop of thousands would otherwise keep all of its models and rows alive."""


@dataclass(eq=False)
class Fit:
    """`given` are the parameters of a training function, where there is no constructor that took them."""

    estimator: Any
    data: Any
    target: Any
    given: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Score:
    """`value` is what `function` gave; `data` the rows it was computed on: asked of `.score`, or predicted before."""

    name: str
    value: float
    data: Any = None
    function: str = ""


@dataclass(eq=False)
class Seen:
    """`first` is called once, when the first fit begins or the first score is computed. `depth` counts the calls under way."""

    fits: list[Fit] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    depth: int = 0
    first: Callable[[], None] | None = None
    predicted: list[tuple[Any, Any]] = field(default_factory=list)
    """(what `predict` gave, the rows it was given): so that a score of the one is known to be of the other."""

    def begun(self) -> None:
        if self.first is not None:
            first, self.first = self.first, None
            first()

    def fitted(self, fit: Fit) -> None:
        self.fits.append(fit)
        del self.fits[_FIRST:-_LAST]

    def scored(self, name: str, value: Any, data: Any, function: str) -> None:
        """A score that is a number; what is none (an array for each class) is not one score."""
        figure = number(value)
        if figure is None:
            return
        self.begun()
        self.scores.append(Score(name, figure, data, function))
        for older in self.scores[_FIRST:-_LAST][-1:]:
            older.data = None

    def answered(self, answer: Any, rows: Any) -> None:
        self.predicted.append((answer, rows))
        del self.predicted[:-_MOST_PREDICTIONS]

    def rows(self, given: Iterable[Any]) -> Any:
        """The rows that what was given had been predicted from; a column of probabilities is a view of what was predicted."""
        known = [value for value in given if value is not None]
        for answer, rows in reversed(self.predicted):
            if any(_whole(value) is _whole(answer) for value in known):
                return rows
        return None


def _whole(value: Any) -> Any:
    """The array that a view is of, else the value."""
    base = getattr(value, "base", None)
    return value if base is None else base


def number(value: Any) -> float | None:
    """The value of a number of any library: Python's, numpy's, an array or tensor of no dimension; None of what is none."""
    kind = type(value)
    if issubclass(kind, Real) and not issubclass(kind, bool):
        return float(value)
    with suppress(Exception):  # a proxy may answer with any error
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            held = value.item()
            return float(held) if isinstance(held, int | float) and not isinstance(held, bool) else None
    return None
