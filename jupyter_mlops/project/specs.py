"""`mlops.yaml`, typed: what should be true of a project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ConfigDict, Field, field_validator, model_validator

from jupyter_mlops.project.gates import (
    Gate,
)
from jupyter_mlops.project.values import Duration, Name, Share, Spec


class Compute(Spec):
    workers: int = Field(default=2, ge=1, le=256)
    cluster: str | None = None


class Train(Spec):
    notebook: str
    parameters: dict[str, Any] = {}
    timeout: Duration = timedelta(minutes=15)
    retries: int = Field(default=0, ge=0, le=10)


class Data(Spec):
    """Paths may hold `{segment}`. `evaluation` is what versions are compared on; no training row may be in it.

    Without `evaluation`, a version is validated on the file named at the time, and promoted on nothing less. `weight` is a
    column of what each row counts; `strata` one of which a chosen number of rows of each value was drawn; `item` and
    `item_group` name what is ranked, for coverage, novelty and diversity.
    """

    training: str
    evaluation: str | None = None
    production: str = "inference"
    target: str
    timestamp: str | None = None
    entity: str | None = None
    weight: str | None = None
    strata: str | None = None
    item: str | None = None
    item_group: str | None = None
    sensitive: list[str] = []


class Segment(Spec):
    parameters: dict[str, Any] = {}


class Rollback(Spec):
    """When a version just promoted is taken back by itself: within `window`, once `requests` were seen.

    `errors` is the share of requests it fails; `latency` what its slowest twentieth may take; `on_alert` takes it back when a
    monitor finds that it performs worse.
    """

    window: Duration = timedelta(minutes=10)
    requests: int = Field(default=20, ge=1)
    errors: Share | None = 0.05
    latency: Duration | None = None
    on_alert: bool = True


class Kept(Spec):
    """What the inference log keeps: a share of the requests, sensitive columns or not, and for how long."""

    sample: Share = 1.0
    sensitive: Literal["keep", "hash", "drop"] = "keep"
    retention: Duration | None = None


class Deploy(Spec):
    endpoint: str
    challenger_share: Share = 0.0
    shadow: bool = False
    rollback: Rollback | None = None
    log: Kept = Kept()


class Drift(Spec):
    """A column drifted when its Jensen-Shannon distance is at least `effect` and chance is ruled out.

    `reference`: the training rows; `moving`, the `windows` before; or `seasonal`, the same window of the `windows` weeks before.
    While fewer than 100 such rows are logged, it is the training rows. The false discovery rate is held over the columns of each
    window; with `over: windows` over all windows too, which makes alarms rarer and small changes harder to find. `pairs` are
    numeric features whose correlation is watched too.
    """

    effect: float = Field(default=0.05, gt=0, lt=1)
    reference: Literal["training", "moving", "seasonal"] = "training"
    windows: int = Field(default=4, ge=1, le=520)
    false_discovery_rate: float = Field(default=0.05, gt=0, lt=1)
    over: Literal["columns", "windows"] = "columns"
    pairs: list[tuple[str, str]] = []
    ignore: list[str] = []


class Performance(Spec):
    """The realised metric may lose `loses` of its reference value before it counts as decay."""

    metric: str | None = None
    loses: Share = 0.05
    labels_within: Duration = timedelta(days=14)


class Quality(Spec):
    """A feed is broken, not drifted, when nulls rise by `nulls` or a share `out_of_range` of values leaves the reference's range.

    Also when a window holds fewer rows than `volume` times the fewest of earlier windows, or the most of them as many times over
    (0: not asked); when `duplicates` of its rows come twice; when its newest row is older than `stale` (by default, when rows
    stop for longer than they ever did); and when it breaks a rule of `constraints`, a file of `profile FILE --constraints`.
    """

    nulls: Share = 0.1
    out_of_range: Share = 0.05
    volume: Share = 0.5
    duplicates: Share = 0.05
    stale: Duration | None = None
    constraints: str | None = None


class AlertRule(Spec):
    """An alert opens when `violations` of the last `of` windows violate."""

    violations: int = Field(default=1, ge=1)
    of: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _possible(self) -> AlertRule:
        if self.violations > self.of:
            raise ValueError(f"{self.violations} of {self.of} windows can never be: `violations` is at most `of`")
        return self


class Maintenance(Spec):
    """A time in which nobody is told of alerts, once or again after each `every`. A time without a zone is UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    start: datetime = Field(alias="from")
    to: datetime
    every: Duration | None = None
    why: str = ""

    @field_validator("start", "to")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    @model_validator(mode="after")
    def _forwards(self) -> Maintenance:
        if self.to <= self.start or (self.every is not None and self.to - self.start > self.every):
            raise ValueError("maintenance lasts from `from` until a later `to`, and no longer than `every`")
        return self

    def until(self, now: datetime) -> datetime | None:
        """When the maintenance that is on at this time ends; None when none is on."""
        if now < self.start:
            return None
        begins = self.start + (now - self.start) // self.every * self.every if self.every else self.start
        ends = begins + (self.to - self.start)
        return ends if now < ends else None


class Monitor(Spec):
    window: Duration = timedelta(days=1)
    drift: Drift = Drift()
    quality: Quality = Quality()
    performance: Performance = Performance()
    alert: AlertRule = AlertRule()
    maintenance: list[Maintenance] = []


class Brakes(Spec):
    cooldown: Duration = timedelta(days=1)
    at_most: str = Field(default="3 per week", pattern=r"^\d+ per (day|week|month)$")
    never_on: Literal["data-quality", "nothing"] = "data-quality"
    stop_after_failures: int = Field(default=3, ge=1)


class Schedule(Spec):
    """When to retrain, as cron's five fields (minute, hour, day of month, month, day of week), in the time of `zone`.

    A moment that a change of the clocks leaves out is the first one after it; one that comes twice counts once.
    """

    schedule: str
    zone: str = "UTC"

    @field_validator("schedule")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        from cronsim import CronSim, CronSimError

        try:
            if len(value.split()) != 5:
                raise ValueError("cron has five fields: minute, hour, day of month, month, day of week")
            next(CronSim(value, datetime.now(UTC), reverse=True))
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"no moment fits it: {error}, such as '0 3 * * 1' for Mondays at 03:00") from None
        return " ".join(value.split())

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("there is no such time zone; write it as Europe/Vienna") from None
        return value

    def last(self, now: datetime) -> datetime:
        """The last moment that it names, up to and with the minute of `now`, in UTC: an hour that comes twice has no name."""
        from cronsim import CronSim

        minute = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        found: datetime = next(CronSim(self.schedule, minute.astimezone(ZoneInfo(self.zone)), reverse=True))
        return found.astimezone(UTC)


class Retrain(Spec):
    when: list[Literal["performance", "drift"] | Schedule] = ["performance"]
    brakes: Brakes = Brakes()
    promote: Literal["automatic", "approval"] = "approval"


class Value(Spec):
    per: Literal["prediction"] = "prediction"
    amount: float
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    note: str = ""
    source: str = ""


class Card(Spec):
    """What only a person can say of a model; what is left out stands as missing on its card, and is never made up."""

    intended_use: str = ""
    users: str = ""
    out_of_scope: str = ""
    foreseeable_misuse: str = ""
    limitations: str = ""
    risks: str = ""
    affected_groups: str = ""
    human_oversight: str = ""
    who_may_stop: str = ""
    data_origin: str = ""
    data_licence: str = ""
    personal_data: str = ""
    legal_basis: str = ""
    instructions: str = ""
    provider: str = ""
    licence: str = ""
    contact: str = ""
    standards: str = ""
    retention: str = ""


class Model(Spec):
    task: Literal["regression", "classification", "ranking"]
    owner: str = ""
    risk: Literal["low", "medium", "high"] = "low"
    purpose: str = ""
    train: Train
    data: Data
    segments: dict[Name, Segment] = {}
    gates: list[Gate] = []
    deploy: Deploy | None = None
    monitor: Monitor = Monitor()
    retrain: Retrain = Retrain()
    value: Value | None = None
    card: Card = Card()


class Limits(Spec):
    """What one request may cost. `rate` is per API key, or per address where nobody has one."""

    body_mb: float = Field(default=16, gt=0, le=1024)
    rows: int = Field(default=100_000, ge=1)
    timeout: Duration = timedelta(seconds=30)
    rate: str | None = Field(default=None, pattern=r"^\d+ per (second|minute|hour)$")


class Serving(Spec):
    models_in_memory: int = Field(default=32, ge=1)
    limits: Limits = Limits()


class ApiKey(Spec):
    """A key is known by its SHA-256 only. A model's name covers its segments; `truth` is sending outcomes."""

    name: Name
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    models: list[str] = ["*"]
    may: list[Literal["predict", "truth", "metrics"]] = ["predict", "truth", "metrics"]


class Jwt(Spec):
    """Bearer tokens of an identity provider: who signs them, for whom they are, and which claims say what they allow.

    One of: `secret_env`, the environment variable that holds the secret of HS256; `public_key`, a PEM file; `jwks`, a file of
    JSON Web Keys. Files are named from the project's folder. The claim `models_claim` lists models as `auth.keys` does.
    """

    algorithms: list[Literal["HS256", "RS256", "ES256", "EdDSA"]] = Field(min_length=1)
    audience: str = Field(min_length=1)
    issuer: str | None = Field(default=None, min_length=1)
    secret_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    public_key: str | None = None
    jwks: str | None = None
    leeway: Duration = timedelta(seconds=30)
    models_claim: str = "models"
    may_claim: str = "may"

    @model_validator(mode="after")
    def _one_key(self) -> Jwt:
        if sum(source is not None for source in (self.secret_env, self.public_key, self.jwks)) != 1:
            raise ValueError("jwt names one of `secret_env` (HS256), `public_key` or `jwks`")
        if (self.secret_env is not None) != (self.algorithms == ["HS256"]):
            raise ValueError("HS256 stands alone and goes with `secret_env`; a public key must never serve as a secret")
        return self


class Auth(Spec):
    keys: list[ApiKey] = []
    jwt: Jwt | None = None

    @property
    def declared(self) -> bool:
        """Whether anybody can be told from a stranger."""
        return bool(self.keys) or self.jwt is not None


class ProjectFile(Spec):
    """The whole of `mlops.yaml`."""

    version: Literal[1]
    project: Name
    business_unit: str = ""
    tracking: str = "sqlite:///.mlops/mlops.db"
    storage: str = ".mlops/data"
    compute: Compute = Compute()
    notify: list[str] = []
    policies: list[str] = []
    serving: Serving = Serving()
    auth: Auth = Auth()
    models: dict[Name, Model] = {}
