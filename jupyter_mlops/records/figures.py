"""What the pages show: computed when it changes, only read there."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from jupyter_mlops.records.base import Record
from jupyter_mlops.records.decisions import LedgerEntry, Verification
from jupyter_mlops.records.evidence import Estimate, Evidence
from jupyter_mlops.records.watching import Alert, MetricPoint, RetrainDecision


class ModelFigures(Record):
    """One line of the portfolio. Money is None where no value was declared; nothing is guessed."""

    name: str
    model: str
    segment: str | None
    owner: str
    risk: str
    champion: int | None
    trained: datetime | None
    metric: str = ""
    estimate: Estimate | None = None
    recent: MetricPoint | None = None
    predictions: int = 0
    value: float | None = None
    currency: str = ""
    open_alerts: int = 0
    status: Literal["healthy", "at risk", "not in service", "unknown"] = "unknown"


class PortfolioFigures(Record):
    project: str
    business_unit: str
    at: datetime
    models: list[ModelFigures]
    value_source: str = ""


class MonitoringFigures(Record):
    """`drift_limits` is the distance at which a column of each model counts as drifted."""

    project: str
    at: datetime
    points: list[MetricPoint]
    alerts: list[Alert]
    retrains: list[RetrainDecision]
    drift_limits: dict[str, float] = {}


class GovernanceFigures(Record):
    """Who decided what, on which evidence; `ledger` is the answer of `verify` at that time."""

    project: str
    at: datetime
    decisions: list[LedgerEntry]
    ledger: Verification
    evidence: list[Evidence]
