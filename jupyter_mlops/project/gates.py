"""What a version must pass before it goes into service, as `mlops.yaml` declares it."""

from __future__ import annotations

from pydantic import Field, model_validator

from jupyter_mlops.project.values import Duration, Share, Spec


class VersusChampion(Spec):
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


class FairnessGate(Spec):
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


class CalibrationGate(Spec):
    """The expected calibration error at most `max`."""

    max: float = Field(gt=0, le=1)


class RobustnessGate(Spec):
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


class LatencyGate(Spec):
    """95 % of answers to `rows` rows within `max`."""

    max: Duration
    rows: int = Field(default=1, ge=1)


class SizeGate(Spec):
    """The model's files, in megabytes of a million bytes."""

    max_mb: float = Field(gt=0)


class QualityGate(Spec):
    """The training rows: shares that may be null in a column, or be copies of other rows; how many rows at least."""

    nulls: Share | None = None
    duplicates: Share | None = None
    min_rows: int | None = Field(default=None, ge=1)


class LeakageGate(Spec):
    """The share of evaluation rows (and of entities, if declared apart) that may be in the training rows too."""

    rows: Share = 0.0
    entities: Share | None = None


class FreshnessGate(Spec):
    """How much older than the newest evaluation row the newest training row may be."""

    max_age: Duration


_KINDS = ("metric", "fairness", "calibration", "robustness", "latency", "size", "quality", "leakage", "freshness")


class Gate(Spec):
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

    @property
    def kind(self) -> str:
        """The metric it is on, else what it looks at."""
        return self.metric or next(kind for kind in _KINDS if getattr(self, kind) is not None)

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
