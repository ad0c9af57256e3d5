"""What a model's answers rest on, as its evidence holds it: the columns it would lose most without, and what they do."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from jupyter_mlops.dashboards import charts, words
from jupyter_mlops.dashboards import html as h
from jupyter_mlops.records import Dependence, Evidence, Explanation, Importance

_TOP = 5


def reasons(e: Evidence) -> Markup:
    """Nothing where the evidence explains nothing."""
    told = e.explanation
    if told is None or not told.importances:
        return Markup("")
    shown = [i for i in told.importances if not i.slice][:_TOP]
    scale = charts.Scale.around([_mark(i) for i in shown])
    curves = {curve.column: curve for curve in told.dependence}
    columns = (
        h.Column("Its answers rest on"),
        h.Column("Lost without it"),
        h.Column("On one scale", picture=True),
        h.Column("As it grows", picture=True),
        h.Column("The mean answer"),
    )
    rows = [_row(i, scale, curves.get(i.column), told) for i in shown]
    table = h.table(columns, rows, f"Reasons of {e.model}", "Nothing was found to matter.")
    return table + h.soft(h.spoken(_note(e, told)))


def _row(i: Importance, scale: charts.Scale, curve: Dependence | None, told: Explanation) -> list[str | Markup]:
    moved = "weighs otherwise than in the version before" if i.column in told.moved else ""
    return [
        h.html("{}{}", i.column, h.soft(moved)),
        h.estimate(i.value, i.low, i.high),
        charts.whisker(scale, _mark(i), None, f"{i.column}: {charts.said(_mark(i))}"),
        charts.curve(_marks(curve), f"{i.column}: {_moves(curve)}") if curve else "",
        _moves(curve) if curve else "",
    ]


def _moves(curve: Dependence) -> str:
    """From the least to the greatest value of numbers; of kinds, from the least to the greatest answer."""
    pairs = list(zip(curve.at, curve.answer, strict=True))
    if any(isinstance(at, str) for at in curve.at):
        pairs.sort(key=lambda pair: pair[1])
    (first, low), (last, high) = pairs[0], pairs[-1]
    of = f" of {curve.answer_of}" if curve.answer_of else ""
    return f"{words.number(low)}{of} at {_spelt(first)}, {words.number(high)} at {_spelt(last)}"


def _spelt(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _marks(curve: Dependence) -> Sequence[charts.Mark]:
    return [charts.Mark(*three) for three in zip(curve.answer, curve.low, curve.high, strict=True)]


def _mark(i: Importance) -> charts.Mark:
    return charts.Mark(i.value, i.low, i.high)


def _note(e: Evidence, told: Explanation) -> str:
    return (
        f"Lost without it: how much the {told.loss} grows when the column is shuffled, on {told.rows:,} rows. "
        f"Why it answers one row as it does: `jupyter mlops explain {e.model} {e.version} --row 0`."
    )
