"""Evidence is exact, repeatable, and never passes on too little."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Gate, Project, Target
from jupyter_mlops.records import Dataset, Evidence
from jupyter_mlops.validation import validate


class Shifted:
    """A fitted model whose answers are off by a constant."""

    def __init__(self, model: LinearRegression, by: float) -> None:
        self.model, self.by = model, by
        self.feature_names_in_ = model.feature_names_in_

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return self.model.predict(rows) + self.by


@pytest.fixture
def target(project: Project) -> Target:
    return project.target("rul.plant-01")


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    x = random.normal(size=600)
    return pd.DataFrame({"x": x, "rul": 3 * x + random.normal(size=600), "unit": np.arange(600) // 4, "shift": "day"})


@pytest.fixture
def model(rows: pd.DataFrame) -> LinearRegression:
    return LinearRegression().fit(rows[["x"]], rows["rul"])


def _evidence(target: Target, model: object, rows: pd.DataFrame, **options: object) -> Evidence:
    data = Dataset(name="e", digest="d", source="e.parquet", rows=len(rows), columns=rows.shape[1])
    return validate(target, 2, model, rows, data, **options)


def _gated(target: Target, **gate: object) -> Target:
    spec = target.spec.model_copy(update={"gates": [Gate(**gate)]})
    return Target(target.model, target.segment, spec)


def test_the_same_inputs_give_the_same_digest(target: Target, model: LinearRegression, rows: pd.DataFrame):
    one, two = (_evidence(target, model, rows) for _ in range(2))
    assert one == two
    assert one.digest != _evidence(target, Shifted(model, 0.1), rows).digest


def test_rows_of_an_entity_count_as_one(target: Target, model: LinearRegression, rows: pd.DataFrame):
    mae = next(e for e in _evidence(target, model, rows).estimates if e.metric == "mae")
    assert mae.n == 150
    assert mae.low < mae.value < mae.high


@pytest.mark.parametrize(("limit", "verdict"), [(1.0, "pass"), (0.5, "fail"), (0.8, "inconclusive")])
def test_a_limit_is_judged_by_the_interval(target, model, rows, limit: float, verdict: str):
    evidence = _evidence(_gated(target, metric="mae", max=limit), model, rows)
    assert evidence.verdict == verdict
    assert f"{limit:g}" in evidence.gates[0].sentence


@pytest.mark.parametrize(
    ("by", "comparison", "verdict"),
    [
        (0.0, "better", "pass"),
        (2.0, "not worse", "pass"),
        (-2.05, "inconclusive", "inconclusive"),
        (4.0, "worse", "fail"),
    ],
)
def test_a_challenger_is_held_against_the_champion_on_the_same_rows(target, model, rows, by, comparison, verdict):
    gated = _gated(target, metric="mae", versus_champion={"not_worse_by": "5%"})
    champion = Shifted(model, -2.0 if by else 1.0)
    evidence = _evidence(gated, Shifted(model, -by if comparison != "better" else 0.0), rows, champion=(1, champion))
    assert (evidence.comparisons[0].verdict, evidence.verdict) == (comparison, verdict)


def test_no_gate_is_no_pass(target: Target, model: LinearRegression, rows: pd.DataFrame):
    spec = target.spec.model_copy(update={"gates": []})
    assert _evidence(Target("rul", "plant-01", spec), model, rows).verdict == "not run"


def test_too_few_rows_never_pass(target: Target, model: LinearRegression, rows: pd.DataFrame):
    assert _evidence(target, model, rows.head(80)).verdict == "inconclusive"


def test_a_slice_that_fails_fails_the_gate(target: Target, model: LinearRegression, rows: pd.DataFrame):
    rows.loc[rows.index >= 440, ["rul", "shift"]] = [50.0, "night"]
    evidence = _evidence(_gated(target, metric="mae", max=20, slices=["shift"]), model, rows)
    assert {g.figures["slice"]: g.verdict for g in evidence.gates} == {
        "": "pass",
        "shift=day": "pass",
        "shift=night": "fail",
    }


def test_fairness_is_fairlearns_and_small_groups_are_not_judged(target: Target):
    random = np.random.default_rng(3)
    n = 4000
    group = np.where(random.random(n) < 0.5, "a", "b")
    x = random.normal(size=n) + (group == "a") * 1.5
    rows = pd.DataFrame({"x": x, "rul": (x + random.normal(size=n) > 0.7).astype(int), "unit": range(n), "g": group})
    model = LogisticRegression().fit(rows[["x"]], rows["rul"])
    gate = {"fairness": {"metric": "demographic_parity_difference", "max": 0.1, "by": "g"}}
    gated = _gated(target, **gate)
    gated = Target("rul", "plant-01", gated.spec.model_copy(update={"task": "classification"}))
    result = _evidence(gated, model, rows).gates[0]
    chosen = model.predict_proba(rows[["x"]])[:, 1] > 0.5
    assert result.figures["value"] == pytest.approx(np.ptp([chosen[group == g].mean() for g in "ab"]))
    assert result.verdict == "fail"
    rows.loc[:20, "g"] = "c"
    assert _evidence(gated, model, rows).gates[0].verdict == "inconclusive"


def _no_target(rows):
    return rows.drop(columns="rul")


def _no_rows(rows):
    return rows.head(0)


def _no_feature(rows):
    return rows.drop(columns="x")


def _missing_outcome(rows):
    return rows.assign(rul=rows["rul"].where(rows.index > 3))


def _text_outcome(rows):
    return rows.assign(rul="soon")


def _text_feature(rows):
    return rows.assign(x="fast")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_no_target, "no column 'rul'"),
        (_no_rows, "no rows"),
        (_no_feature, "lack 1 columns.*x"),
        (_missing_outcome, "4 rows have no outcome"),
        (_text_outcome, "not numeric"),
        (_text_feature, "cannot answer"),
    ],
)
def test_what_cannot_be_judged_is_named(target, model, rows, spoil, named: str):
    with pytest.raises(BadInput, match=named):
        _evidence(target, model, spoil(rows))


def test_answers_that_are_no_numbers_are_named_by_row(target: Target, model: LinearRegression, rows: pd.DataFrame):
    with pytest.raises(BadInput, match="600 rows is no finite number, the first is row 0"):
        _evidence(target, Shifted(model, float("nan")), rows)


def test_an_unknown_metric_of_a_gate_is_named_with_the_nearest(target, model, rows):
    with pytest.raises(BadInput, match="unknown metric of a gate: 'mea'") as refusal:
        _evidence(_gated(target, metric="mea", max=1), model, rows)
    assert "mae" in refusal.value.fix
