"""What a model was found to do on rows it never saw, and what its gates say of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyter_mlops.records.base import Record, Verdict
from jupyter_mlops.records.runs import Dataset


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
