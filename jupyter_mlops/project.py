"""`mlops.yaml`, typed: what should be true of a project, and where the project lives.

A project is a folder with `mlops.yaml` or `.mlops/`, found by walking up from where one stands, so that a notebook in
`notebooks/` and the server at the top see the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from jupyter_mlops import config
from jupyter_mlops.errors import BadInput, nearest, unknown

FILE = "mlops.yaml"
HOME = ".mlops"
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


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Compute(_Spec):
    workers: int = Field(default=2, ge=1, le=256)
    cluster: str | None = None


class Train(_Spec):
    notebook: str
    parameters: dict[str, Any] = {}
    timeout: Duration = timedelta(minutes=15)
    retries: int = Field(default=0, ge=0, le=10)


class Data(_Spec):
    """Paths may hold `{segment}`. `evaluation` is what versions are compared on; no training row may be in it.

    Without `evaluation`, a version is validated on the file named at the time, and promoted on nothing less. `weight` is a
    column of what each row counts; `item` and `item_group` name what is ranked, for coverage, novelty and diversity.
    """

    training: str
    evaluation: str | None = None
    production: str = "inference"
    target: str
    timestamp: str | None = None
    entity: str | None = None
    weight: str | None = None
    item: str | None = None
    item_group: str | None = None
    sensitive: list[str] = []


class Segment(_Spec):
    parameters: dict[str, Any] = {}


class VersusChampion(_Spec):
    """`not_worse_by` allows a loss of that share of the champion's value; `better_by` asks for a gain, and names the size
    that must be found if it is there."""

    not_worse_by: Share | None = None
    better_by: Share | None = None
    confidence: float = Field(default=0.95, gt=0.5, lt=1)

    @model_validator(mode="after")
    def _one_margin(self) -> VersusChampion:
        if (self.not_worse_by is None) == (self.better_by is None):
            raise ValueError("versus_champion names either `not_worse_by` or `better_by`")
        return self


class FairnessGate(_Spec):
    """`by` is a sensitive column, or several whose combinations are the groups."""

    metric: str
    max: float | None = None
    min: float | None = None
    by: str | list[str]

    @model_validator(mode="after")
    def _one_limit(self) -> FairnessGate:
        if (self.min is None) == (self.max is None):
            raise ValueError("a fairness gate needs `max` (a difference) or `min` (a ratio)")
        return self

    @property
    def columns(self) -> list[str]:
        return [self.by] if isinstance(self.by, str) else self.by


class CalibrationGate(_Spec):
    """The expected calibration error at most `max`."""

    max: float = Field(gt=0, le=1)


class RobustnessGate(_Spec):
    """The metric may lose `loses` of its value when numbers get `noise` standard deviations of noise, a share of values is
    `missing`, a column is shuffled, or a column leaves the range it had."""

    metric: str | None = None
    loses: Share
    noise: float | None = Field(default=None, gt=0)
    missing: Share | None = None
    permuted: list[str] = []
    out_of_range: list[str] = []

    @model_validator(mode="after")
    def _a_trial(self) -> RobustnessGate:
        if self.noise is None and self.missing is None and not self.permuted and not self.out_of_range:
            raise ValueError("a robustness gate needs `noise`, `missing`, `permuted` or `out_of_range`")
        return self


class LatencyGate(_Spec):
    """95 % of answers to `rows` rows within `max`."""

    max: Duration
    rows: int = Field(default=1, ge=1)


class SizeGate(_Spec):
    """The model's files, in megabytes of a million bytes."""

    max_mb: float = Field(gt=0)


class QualityGate(_Spec):
    """The training rows: shares that may be null in a column, or be copies of other rows; how many rows at least."""

    nulls: Share | None = None
    duplicates: Share | None = None
    min_rows: int | None = Field(default=None, ge=1)


class LeakageGate(_Spec):
    """The share of evaluation rows (and of entities, if declared apart) that may be in the training rows too."""

    rows: Share = 0.0
    entities: Share | None = None


class FreshnessGate(_Spec):
    """How much older than the newest evaluation row the newest training row may be."""

    max_age: Duration


_KINDS = ("metric", "fairness", "calibration", "robustness", "latency", "size", "quality", "leakage", "freshness")


class Gate(_Spec):
    """One condition. On a metric: `slices` asks it of each value of those columns too."""

    metric: str | None = None
    fairness: FairnessGate | None = None
    calibration: CalibrationGate | None = None
    robustness: RobustnessGate | None = None
    latency: LatencyGate | None = None
    size: SizeGate | None = None
    quality: QualityGate | None = None
    leakage: LeakageGate | None = None
    freshness: FreshnessGate | None = None
    min: float | None = None
    max: float | None = None
    versus_champion: VersusChampion | None = None
    slices: list[str] = []

    @model_validator(mode="after")
    def _one_condition(self) -> Gate:
        named = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            raise ValueError(f"a gate names exactly one of {', '.join(f'`{kind}`' for kind in _KINDS)}")
        limits = self.min is not None or self.max is not None or self.versus_champion is not None
        if self.metric and not limits:
            raise ValueError("a gate on a metric needs `min`, `max` or `versus_champion`")
        if not self.metric and (limits or self.slices):
            raise ValueError("`min`, `max`, `versus_champion` and `slices` beside it go with a `metric`")
        return self


class Rollback(_Spec):
    """When a version just promoted is taken back by itself: within `window`, once `requests` were seen.

    `errors` is the share of requests it fails; `latency` what its slowest twentieth may take; `on_alert` takes it back when a
    monitor finds that it performs worse.
    """

    window: Duration = timedelta(minutes=10)
    requests: int = Field(default=20, ge=1)
    errors: Share | None = 0.05
    latency: Duration | None = None
    on_alert: bool = True


class Kept(_Spec):
    """What the inference log keeps: a share of the requests, sensitive columns or not, and for how long."""

    sample: Share = 1.0
    sensitive: Literal["keep", "hash", "drop"] = "keep"
    retention: Duration | None = None


class Deploy(_Spec):
    endpoint: str
    challenger_share: Share = 0.0
    shadow: bool = False
    rollback: Rollback | None = None
    log: Kept = Kept()


class Drift(_Spec):
    """A column drifted when its Jensen-Shannon distance is at least `effect` and chance is ruled out.

    `reference`: the training rows; `moving`, the `windows` before; or `seasonal`, the same window of the `windows` weeks before.
    While fewer than 100 such rows are logged, it is the training rows.
    """

    effect: float = Field(default=0.05, gt=0, lt=1)
    reference: Literal["training", "moving", "seasonal"] = "training"
    windows: int = Field(default=4, ge=1, le=520)
    false_discovery_rate: float = Field(default=0.05, gt=0, lt=1)
    ignore: list[str] = []


class Performance(_Spec):
    """The realised metric may lose `loses` of its reference value before it counts as decay."""

    metric: str | None = None
    loses: Share = 0.05
    labels_within: Duration = timedelta(days=14)


class Quality(_Spec):
    """A feed is broken, not drifted, when nulls rise by `nulls` or values leave the reference's range by `range`."""

    nulls: Share = 0.1
    out_of_range: Share = 0.05


class AlertRule(_Spec):
    """An alert opens when `violations` of the last `of` windows violate."""

    violations: int = Field(default=1, ge=1)
    of: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _possible(self) -> AlertRule:
        if self.violations > self.of:
            raise ValueError(f"{self.violations} of {self.of} windows can never be: `violations` is at most `of`")
        return self


class Monitor(_Spec):
    window: Duration = timedelta(days=1)
    drift: Drift = Drift()
    quality: Quality = Quality()
    performance: Performance = Performance()
    alert: AlertRule = AlertRule()


class Brakes(_Spec):
    cooldown: Duration = timedelta(days=1)
    at_most: str = Field(default="3 per week", pattern=r"^\d+ per (day|week|month)$")
    never_on: Literal["data-quality", "nothing"] = "data-quality"
    stop_after_failures: int = Field(default=3, ge=1)


class Schedule(_Spec):
    schedule: str


class Retrain(_Spec):
    when: list[Literal["performance", "drift"] | Schedule] = ["performance"]
    brakes: Brakes = Brakes()
    promote: Literal["automatic", "approval"] = "approval"


class Value(_Spec):
    per: Literal["prediction"] = "prediction"
    amount: float
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    note: str = ""
    source: str = ""


class Card(_Spec):
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


class Model(_Spec):
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


class Limits(_Spec):
    """What one request may cost. `rate` is per API key, or per address where nobody has one."""

    body_mb: float = Field(default=16, gt=0, le=1024)
    rows: int = Field(default=100_000, ge=1)
    timeout: Duration = timedelta(seconds=30)
    rate: str | None = Field(default=None, pattern=r"^\d+ per (second|minute|hour)$")


class Serving(_Spec):
    models_in_memory: int = Field(default=32, ge=1)
    limits: Limits = Limits()


class ApiKey(_Spec):
    """A key is known by its SHA-256 only. A model's name covers its segments; `truth` is sending outcomes."""

    name: Name
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    models: list[str] = ["*"]
    may: list[Literal["predict", "truth", "metrics"]] = ["predict", "truth", "metrics"]


class Auth(_Spec):
    keys: list[ApiKey] = []


class ProjectFile(_Spec):
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

    def without_effect(self) -> list[str]:
        """Settings this version reads and does not act on yet: said by `doctor`, never passed over in silence."""
        return [
            f"models.{name}.retrain.when.schedule"
            for name, model in self.models.items()
            if any(isinstance(w, Schedule) for w in model.retrain.when)
        ]


@dataclass(frozen=True)
class Target:
    """One registered model: a model of the project, or one segment of it."""

    model: str
    segment: str | None
    spec: Model

    @property
    def name(self) -> str:
        """The registered model's name: `rul`, or `rul.plant-01` for a segment."""
        return f"{self.model}.{self.segment}" if self.segment else self.model

    @property
    def parameters(self) -> dict[str, Any]:
        """The training notebook's parameters for this target, the segment's own last."""
        own = self.spec.segments[self.segment].parameters if self.segment else {}
        segment = {"segment": self.segment} if self.segment else {}
        return {**self.spec.train.parameters, **segment, **own}


@dataclass(frozen=True)
class Project:
    """A project on disk. `root` is absolute; everything ours is below `home`."""

    root: Path
    file: ProjectFile

    @property
    def home(self) -> Path:
        return self.root / HOME

    @property
    def name(self) -> str:
        return self.file.project

    @property
    def tracking(self) -> str:
        """The MLflow URI, with a relative SQLite path made absolute from the project's root."""
        uri = self.file.tracking
        prefix = "sqlite:///"
        if uri.startswith(prefix) and not uri.startswith(prefix + "/"):
            return f"{prefix}{self.root / uri.removeprefix(prefix)}"
        return uri

    @property
    def database(self) -> Path:
        """The SQLite file of decisions and figures; MLflow's own file too when nothing else is named."""
        prefix = "sqlite:///"
        return Path(self.tracking.removeprefix(prefix)) if self.tracking.startswith(prefix) else self.home / "mlops.db"

    @property
    def storage(self) -> str:
        """Where rows and artifacts go: an absolute folder, or an fsspec URL as it is."""
        return self.file.storage if "://" in self.file.storage else str(self.root / self.file.storage)

    def targets(self, model: str | None = None) -> Iterator[Target]:
        """Every registered model this project declares, in the file's order; of one model if named."""
        for name in [model] if model else self.file.models:
            spec = self.model(name)
            for segment in spec.segments or [None]:
                yield Target(name, segment, spec)

    def model(self, name: str) -> Model:
        if name not in self.file.models:
            raise unknown("model", name, self.file.models)
        return self.file.models[name]

    def target(self, name: str) -> Target:
        """The target of a registered model's name (`rul` or `rul.plant-01`)."""
        model, _, segment = name.partition(".")
        spec = self.model(model)
        if segment and segment not in spec.segments:
            raise unknown(f"segment of {model}", segment, spec.segments)
        return Target(model, segment or None, spec)

    def path(self, text: str, target: Target) -> Path:
        """A path of `mlops.yaml` for one target. Only `{segment}` is replaced; nothing else is ever formatted."""
        filled = text.replace("{segment}", target.segment or "all")
        path = (self.root / filled).resolve()
        if not path.is_relative_to(self.root):
            raise BadInput(f"{filled!r} leaves the project folder", "name a path inside the project", path=filled)
        return path


def find(start: str | Path | None = None) -> Project:
    """The project around `start` (default: `MLOPS_PROJECT`, else the working directory, which becomes one).

    Raises BadInput when the folder is not there or `mlops.yaml` cannot be used.
    """
    named = start or config.project_dir()
    here = Path(named or ".").resolve()
    if not here.is_dir():
        raise BadInput(f"no such project folder: {here}", "name an existing folder with --project", path=str(here))
    if named:
        return load(here)
    return load(root_around(here))


def root_around(folder: Path) -> Path:
    """The project's folder: `MLOPS_PROJECT`, else the nearest one upwards, else this one. `mlops.yaml` is not read."""
    named = config.project_dir()
    if named:
        return Path(named).resolve()
    here = folder.resolve()
    return next((p for p in [here, *here.parents] if (p / FILE).is_file() or (p / HOME).is_dir()), here)


def load(root: Path) -> Project:
    """The project at exactly this folder; without an `mlops.yaml`, one that declares nothing."""
    root = root.resolve()
    path = root / FILE
    if not path.is_file():
        name = re.sub(r"[^A-Za-z0-9 _-]", "-", root.name).lstrip("-_ ") or "project"
        return Project(root, ProjectFile(version=1, project=name))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "make it a readable UTF-8 file", path=str(path)) from error
    return Project(root, parse(text, str(path)))


def parse(text: str, where: str = FILE) -> ProjectFile:
    """The typed file. Every fault is a BadInput that names line, key and the nearest right key."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or str(error)
        raise BadInput(f"{where}, line {line}: not valid YAML: {problem}", "mend that line", line=line) from error
    if not isinstance(content, dict):
        raise BadInput(f"{where}: holds no settings", "start it with `version: 1` and `project: NAME`", line=1)
    try:
        return ProjectFile.model_validate(content)
    except ValidationError as error:
        raise _explain(error, node, where) from None


def _explain(error: ValidationError, node: Any, where: str) -> BadInput:
    faults = [_fault(e, node) for e in error.errors(include_url=False)]
    faults.sort(key=lambda f: f["line"] or 0)
    message = "\n".join(f"{where}, line {f['line']}: {f['key']}: {f['problem']}" for f in faults)
    fixes = [f["fix"] for f in faults if f["fix"]]
    return BadInput(message, "; ".join(fixes) or "mend those lines", code="bad-project-file", faults=faults)


def _fault(error: Any, node: Any) -> dict[str, Any]:
    where = [part for part in error["loc"] if part != "[key]"]
    key = ".".join(str(part) for part in where)
    line = _line(node, where)
    if error["type"] == "extra_forbidden":
        close = nearest(str(where[-1]), _keys_at(where[:-1]))
        fix = f"did you mean {close!r}?" if close else f"remove {where[-1]!r}"
        return {"line": line, "key": key, "problem": "unknown key", "fix": fix}
    if error["type"] == "missing":
        return {"line": line, "key": key, "problem": "is missing", "fix": f"add {where[-1]!r}"}
    problem = error["msg"].removeprefix("Value error, ")
    return {"line": line, "key": key, "problem": f"{problem} (got {error['input']!r})", "fix": ""}


def _line(node: Any, where: list[Any]) -> int | None:
    """The line of the deepest part of `where` that is in the file."""
    line: int = node.start_mark.line + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _keys_at(where: list[Any]) -> list[str]:
    """The keys that may stand at this place of the file, read from the types."""
    spec: Any = ProjectFile
    for part in where:
        if not (isinstance(spec, type) and issubclass(spec, BaseModel)):
            spec = _element(spec)
            continue
        field = spec.model_fields.get(str(part))
        if field is None:
            return []
        spec = field.annotation
    spec = _concrete(spec)
    return list(spec.model_fields) if isinstance(spec, type) and issubclass(spec, BaseModel) else []


def _element(annotation: Any) -> Any:
    """What one item of a list or a mapping is."""
    return _concrete(getattr(_concrete(annotation), "__args__", [annotation])[-1])


def _concrete(annotation: Any) -> Any:
    """`X | None` is X here."""
    options = [a for a in getattr(annotation, "__args__", []) if a is not type(None)]
    return options[0] if type(None) in getattr(annotation, "__args__", []) and options else annotation
