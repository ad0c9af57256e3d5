"""What was seen of a model in service, and what was made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from jupyter_mlops.records.base import Record, Severity, Verdict
from jupyter_mlops.records.evidence import Estimate


class MetricPoint(Record):
    """One figure of one window. `coverage` is the share of rows whose label has arrived (None: needs no labels)."""

    model: str
    segment: str | None
    version: int | None
    metric: str
    slice: str = ""
    start: datetime
    end: datetime
    value: float
    low: float | None = None
    high: float | None = None
    n: int
    coverage: float | None = None


class Violation(Record):
    """One rule broken in one window; `kind` decides what may be done about it."""

    kind: Literal["data-quality", "drift", "performance", "estimated-performance"]
    what: str
    sentence: str
    severity: Severity
    figures: dict[str, float | int | str | None] = {}


class Alert(Record):
    """One incident, from its opening on. A fleet's alert has no segment of its own; `segments` says which it speaks for.

    `why` says why it was closed or suppressed; `notified`, when people were told.
    """

    alert_id: int
    model: str
    segment: str | None
    kind: str
    what: str
    sentence: str
    severity: Severity
    state: Literal["open", "acknowledged", "resolved", "suppressed"]
    opened: datetime
    acknowledged_by: str = ""
    owner: str = ""
    segments: list[str] = []
    last_seen: datetime | None = None
    closed: datetime | None = None
    closed_by: str = ""
    why: str = ""
    notified: datetime | None = None


class Silence(Record):
    """Until then, what is found about `name` (a model, or one segment of it) opens no alert that anybody is told of."""

    silence_id: int
    name: str
    until: datetime
    by: str
    reason: str


class EstimatorRecord(Record):
    """How estimates made before outcomes were known compare with what the outcomes then said: the estimator's own record.

    `within` of `windows` realised values lay in their estimate's interval; `mean_error` is of the estimate, without sign.
    """

    windows: int
    within: int
    mean_error: float


class PerformanceEstimate(Estimate):
    """A metric as it probably is, before outcomes are known; to be shown with its assumption. `realised` is what they say now."""

    method: Literal["CBPE", "DLE"]
    assumption: str
    realised: Estimate | None = None
    record: EstimatorRecord | None = None


class MonitorReport(Record):
    """What one window of one segment showed. `verdict` is `fail` when a rule was broken, `inconclusive` on too little."""

    model: str
    segment: str | None
    version: int
    start: datetime
    end: datetime
    rows: int
    coverage: float
    verdict: Verdict
    points: list[MetricPoint]
    violations: list[Violation]
    alerts: list[Alert] = []
    estimated: list[PerformanceEstimate] = []


class RetrainDecision(Record):
    model: str
    segment: str | None
    fired: bool
    reason: str
    trigger: str = ""
    run_id: str | None = None
    version: int | None = None
    at: datetime | None = None
