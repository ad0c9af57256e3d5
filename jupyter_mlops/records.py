"""The nouns: what comes in at a surface, is written by the base, and comes back.

Runs, versions and aliases are MLflow's own; these records are how the rooms hand them to each other and to REST, whose
OpenAPI and TypeScript types are generated from this file. Times are UTC, aware.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["pass", "fail", "inconclusive", "not run"]
RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
Severity = Literal["info", "warning", "critical"]


class Record(BaseModel):
    """Immutable, and strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Dataset(Record):
    """Rows that were read: `digest` is over their content, `source` says where they came from."""

    name: str
    digest: str
    source: str
    rows: int
    columns: int
    context: str = "training"


class Run(Record):
    run_id: str
    name: str
    experiment: str
    status: RunStatus
    started: datetime
    ended: datetime | None = None
    reason: str = ""
    parameters: dict[str, str] = {}
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}
    datasets: list[Dataset] = []
    parent: str | None = None
    artifacts: str = ""


class ModelVersion(Record):
    """One version of one registered model. `digest` is over the model's files as they were registered."""

    model: str
    version: int
    run_id: str
    digest: str
    created: datetime
    aliases: list[str] = []
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}


class RegisteredModel(Record):
    """`name` is `model` or `model.segment`; `aliases` maps an alias to a version."""

    name: str
    model: str
    segment: str | None = None
    aliases: dict[str, int] = {}
    latest: int | None = None
    risk: str = "low"
    owner: str = ""
    updated: datetime | None = None
    metrics: dict[str, float] = {}


class Estimate(Record):
    """A metric's value with its confidence interval over `n` rows or entities; `slice` is `column=value` or empty."""

    metric: str
    value: float
    low: float
    high: float
    n: int
    slice: str = ""


class Comparison(Record):
    """Challenger minus champion on the same rows, paired, signed so that positive is better for the challenger.

    `low` and `high` bound the difference at the gate's confidence. `rows_needed` is how many rows (entities, where those
    are independent) would probably settle an inconclusive answer, and `rows_more` how many of them are missing.
    `detectable` is the improvement these rows find in 90 % of cases, and `rows_for_size` the rows that would find one of the
    size the gate names.
    """

    metric: str
    champion_version: int
    difference: float
    low: float
    high: float
    n: int
    verdict: Literal["better", "not worse", "worse", "inconclusive"]
    rows_needed: int | None = None
    rows_more: int | None = None
    slice: str = ""
    confidence: float = 0.95
    champion: float | None = None
    margin: float | None = None
    detectable: float | None = None
    rows_for_size: int | None = None


class FoundSlice(Record):
    """Rows that nobody named in advance, found among `looked` combinations of up to two columns.

    `value` is the mean loss there and `rest` elsewhere; the bounds of `excess` and the p value are corrected for having
    looked. `kind` says whether the model errs more there than elsewhere, or more than the champion does there.
    """

    slice: str
    kind: Literal["error", "versus champion"]
    loss: str
    value: float
    rest: float
    excess: float
    low: float
    high: float
    n: int
    p_value: float
    looked: int


class GroupRates(Record):
    """What one group of people gets: each rate an estimate; `judged` is false where the group is too small to tell."""

    group: str
    n: int
    rates: list[Estimate]
    judged: bool


class Fairness(Record):
    """Groups of one sensitive column or one intersection, and the gaps and ratios between the extreme groups."""

    by: str
    groups: list[GroupRates]
    gaps: list[Estimate]


class Importance(Record):
    """How much the loss grows when a column is shuffled, with its interval, over all rows or in one slice."""

    column: str
    value: float
    low: float
    high: float
    slice: str = ""


class Dependence(Record):
    """The mean answer when everyone has this value of the column."""

    column: str
    at: list[float | str]
    answer: list[float]
    low: list[float]
    high: list[float]
    answer_of: str = ""


class Explanation(Record):
    """Why a model answers as it does; columns by importance, the names deciding ties.

    `agreement` is the rank correlation of the importances with the champion's, `moved` the columns whose share of the whole
    importance differs beyond chance.
    """

    loss: str
    rows: int
    importances: list[Importance]
    dependence: list[Dependence] = []
    shap: list[Importance] = []
    champion: list[Importance] = []
    agreement: float | None = None
    moved: list[str] = []


class Reason(Record):
    """What one column's value adds to one answer, against the answers of ordinary rows."""

    column: str
    value: float | str | None
    contribution: float
    sentence: str


class GateResult(Record):
    """One gate's answer: the sentence a manager reads, and the figures behind it. `policy` names the policy that asks for it
    and exactly what it asks; empty where `mlops.yaml` does."""

    gate: str
    verdict: Verdict
    sentence: str
    policy: str = ""
    figures: dict[str, float | int | str | None] = {}


class Evidence(Record):
    """What a decision rests on. `digest` is over the canonical JSON of everything else; same inputs, same digest.

    `design` says what was resampled, `figures` holds the SHA-256 of each drawing, `made_with` what computed all this.
    `timings` are what a clock said here and now: they are in no file of the evidence, and so not in its digest.
    """

    model: str
    version: int
    task: str
    data: Dataset
    seed: int
    estimates: list[Estimate]
    comparisons: list[Comparison] = []
    gates: list[GateResult] = []
    classes: list[str] = []
    design: str = "rows"
    notes: list[str] = []
    found: list[FoundSlice] = []
    fairness: list[Fairness] = []
    explanation: Explanation | None = None
    model_digest: str = ""
    champion_digest: str = ""
    made_with: dict[str, str] = {}
    figures: dict[str, str] = {}
    timings: dict[str, float] = Field(default={}, exclude=True)
    digest: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst answer of all gates; no gate is `not run`, which is not a pass."""
        answers = {gate.verdict for gate in self.gates} or {"not run"}
        return next(v for v in ("fail", "inconclusive", "not run", "pass") if v in answers)


class LedgerEntry(Record):
    """One act, done or refused. `hash` covers every other field in canonical JSON, `prev_hash` the entry before."""

    seq: int
    prev_hash: str
    hash: str
    actor: str
    action: str
    subject: str
    before: Any = None
    after: Any = None
    reason: str = ""
    at: datetime


class Verification(Record):
    """The ledger's answer: how many entries hold, and the first that does not, with why.

    `root` is of the Merkle tree over those entries; `checkpoints` counts those signed before that it was held against.
    """

    ok: bool
    entries: int
    head: str
    root: str = ""
    checkpoints: int = 0
    first_bad: int | None = None
    problem: str = ""
    unexplained: list[str] = []


class Decision(Record):
    """A promotion, rollback or refusal, as it was entered in the ledger."""

    model: str
    version: int
    alias: str
    done: bool
    reason: str
    verdict: Verdict
    evidence_digest: str = ""
    previous: int | None = None
    entry: int | None = None


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


class Job(Record):
    """One notebook run, as its supervisor saw it. `cell` is the failing cell's index, counted from 0.

    `reused` says that a finished run of the same identity stands for it; `parent` is the run of its fleet.
    """

    run_id: str
    name: str = ""
    notebook: str
    output: str
    parameters: dict[str, Any]
    status: RunStatus
    reason: str = ""
    cell: int | None = None
    started: datetime
    ended: datetime
    attempts: int = 1
    metrics: dict[str, float] = {}
    segment: str | None = None
    parent: str | None = None
    reused: bool = False


class RunningCell(Record):
    """A cell that runs now: of which job, its index counted from 0, its first line, and for how many seconds."""

    run_id: str
    name: str
    cell: int
    line: str
    seconds: float


class Progress(Record):
    """How far a job or a fleet is: `done` of `of` units, each a cell or a job; `of` is None where that cannot be seen.

    `seconds` it has run so far; `left` by what its cells took the last time, None where that is not known. `saved` is when
    the notebook with its outputs so far was last written. `retried_as` is the run of the next try, once it has begun.
    """

    run_id: str
    name: str
    status: RunStatus
    reason: str = ""
    parent: str | None = None
    unit: Literal["cell", "job"]
    done: int
    of: int | None
    running: list[RunningCell] = []
    seconds: float
    left: float | None = None
    saved: datetime | None = None
    retried_as: str | None = None


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


class FormField(Record):
    """One parameter as a form asks for it: `text` is its default as a person would type it, empty where it has none.

    `kind` is the type in words; `choices` are texts too. `span` says the range, as in `0 < rate <= 1`.
    """

    name: str
    kind: str
    text: str = ""
    required: bool = False
    optional: bool = False
    computed: bool = False
    choices: list[str] = []
    span: str = ""
    help: str = ""


class JobForm(Record):
    """What a notebook takes; `model` is the one of `mlops.yaml` that it trains, `segments` how many that one has."""

    notebook: str
    fields: list[FormField]
    model: str | None = None
    segments: int = 0


class LineageStep(Record):
    """One thing a version comes from or went to; `run_id` where a run stands behind it."""

    kind: Literal["data", "notebook", "job", "cell", "version", "evidence", "decision"]
    title: str
    detail: str = ""
    at: datetime | None = None
    by: str = ""
    run_id: str | None = None
