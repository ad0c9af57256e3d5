"""What the points of the monitors say together: the last of each, who is in trouble, what was promised."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlops.dashboards import charts
from jupyter_mlops.dashboards.reading import Documents
from jupyter_mlops.records import MetricPoint, MonitoringFigures

OPEN = ("open", "acknowledged")

Whose = tuple[str, str | None]
"""A model and its segment."""

Promised = dict[tuple[str, int | None], charts.Mark]
"""By the registered model's name and its version."""


def latest(points: Sequence[MetricPoint]) -> dict[tuple[Whose, str], MetricPoint]:
    """The last period of each measure of each model; points come in order of time."""
    found: dict[tuple[Whose, str], MetricPoint] = {}
    for p in points:
        known = found.get(((p.model, p.segment), p.metric))
        if known is None or p.end >= known.end:
            found[(p.model, p.segment), p.metric] = p
    return found


def troubled(figures: MonitoringFigures, kind: str = "") -> set[Whose]:
    return {(a.model, a.segment) for a in figures.alerts if a.state in OPEN and kind in ("", a.kind)}


def promised(documents: Documents, metric: str) -> Promised:
    """What the evidence of the version in service says, by name and version: figures of another are not held against it."""
    evidence = documents.governance.evidence if documents.governance else []
    return {
        (e.model, e.version): charts.Mark(x.value, x.low, x.high)
        for e in evidence
        for x in e.estimates
        if x.metric == metric and not x.slice
    }


def name(p: MetricPoint) -> str:
    return f"{p.model}.{p.segment}" if p.segment else p.model
