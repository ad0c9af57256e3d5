"""A finding says what kind of change it is, since when, and where it sits."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlops.monitoring import attribution_drift, monitor, weights_of
from jupyter_mlops.project import Project
from jupyter_mlops.records import Estimate, MonitorReport, PerformanceEstimate
from jupyter_mlops.stats import change_point

PROMISED = Estimate(metric="mae", value=1.0, low=0.9, high=1.1, n=500)
WORSE = Estimate(metric="mae", value=2.0, low=1.9, high=2.1, n=500)


def _rows(seed: int, n: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": random.normal(size=n),
            "y": random.normal(size=n),
            "shift": random.choice(["day", "night"], n),
            "time": pd.date_range("2026-01-01", periods=n, freq="min", tz="UTC"),
        }
    )


def _judged(project: Project, now: pd.DataFrame, **more: object) -> MonitorReport:
    target = project.target("rul.plant-01")
    estimates = more.pop("estimates", [])
    features = ["x", "y", "shift"]
    return monitor(target, 1, _rows(0, 4000), now, estimates, reference_metric=PROMISED, features=features, **more)


def test_drift_says_since_when_and_where(project: Project):
    now = _rows(1)
    late, night = np.arange(600) >= 360, now["shift"] == "night"
    [found] = _judged(project, now.assign(x=now["x"] + 3.0 * (late & night))).violations
    assert (found.kind, found.what, found.figures["cause"]) == ("drift", "x", "covariate")
    began = datetime.fromisoformat(found.figures["since"])
    assert abs((began - now["time"].iloc[360]).total_seconds()) < 60 * 30
    assert found.figures["where"] == "shift=night"
    assert "since 2026-01-01 0" in found.sentence
    assert "most of it in shift=night" in found.sentence


def test_what_was_so_throughout_has_no_beginning_and_no_place(project: Project):
    now = _rows(1)
    [found] = _judged(project, now.assign(x=now["x"] + 3.0)).violations
    assert (found.figures["since"], found.figures["where"]) == (None, None)


def test_what_the_model_leans_on_is_named_first(project: Project):
    now = _rows(1).assign(x=lambda f: f["x"] + 2.5, y=lambda f: f["y"] + 2.0)
    assert _judged(project, now).violations[0].what == "x"
    [found] = _judged(project, now, weights={"x": 0.05, "y": 0.95}).violations
    assert found.what == "y"
    assert found.figures["weight"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("moved", "estimated", "cause"),
    [(0.0, 1.0, "concept"), (0.0, None, "concept"), (3.0, 2.0, "covariate"), (3.0, 1.0, "concept")],
)
def test_a_loss_says_whether_the_cases_or_the_relation_changed(
    project: Project, moved: float, estimated: float | None, cause: str
):
    known = {"method": "DLE", "assumption": "a", "realised": WORSE}
    value = estimated or 0.0
    e = PerformanceEstimate(metric="mae", value=value, low=value - 0.1, high=value + 0.1, n=600, **known)
    now = _rows(1).assign(x=lambda f: f["x"] + moved)
    report = _judged(project, now, estimates=[WORSE], estimated=[e] if estimated else [])
    [loss] = [v for v in report.violations if v.kind == "performance"]
    assert loss.figures["cause"] == cause


def test_a_loss_on_a_broken_feed_is_the_feeds(project: Project):
    report = _judged(project, _rows(1).assign(x=np.nan), estimates=[WORSE])
    assert [v.figures["cause"] for v in report.violations] == ["data bug", "data bug"]


def test_change_points_are_found_and_not_made_up():
    random = np.random.default_rng(0)
    found = sum(change_point(random.normal(size=400)) is not None for _ in range(300))
    assert found <= 9
    for place in (50, 200, 330):
        values = random.standard_cauchy(400) + 3.0 * (np.arange(400) >= place)
        assert change_point(values) == pytest.approx(place, abs=15)
    assert change_point(np.zeros(100)) is None
    assert change_point(np.array([1.0, np.nan] * 50)) is None


def test_weights_are_read_from_trees_and_coefficients():
    rows = _rows(0)[["x", "y"]]
    truth = 10 * rows["x"] + rows["y"]
    for model in (LinearRegression(), make_pipeline(StandardScaler(), LinearRegression()), RandomForestRegressor(10)):
        weights = weights_of(model.fit(rows, truth), ["x", "y"])
        assert sum(weights.values()) == pytest.approx(1.0)
        assert weights["x"] > 0.8
    assert weights_of(object(), ["x"]) == {}


def test_what_a_model_leans_on_is_asked_of_it_and_its_move_is_told(project: Project):
    """Inputs that drift where the model does not look move nothing; those that change what it looks at do."""
    before, other = _rows(0, 2000), _rows(2, 2000).assign(shift="night")

    def answer(rows: pd.DataFrame) -> np.ndarray:
        return np.where(rows["x"] < 8, rows["x"], 40 * rows["y"]).astype(float)

    features = ["x", "y", "shift"]
    same = attribution_drift(answer, before, other, features)
    assert same.moved < 0.1
    assert sum(same.reference.values()) == pytest.approx(1.0)
    assert same.reference["shift"] == same.current["shift"] == 0.0
    moved = attribution_drift(answer, before, other.assign(x=other["x"] + 20), features)
    assert moved.moved > 0.9
    assert moved.current["y"] == pytest.approx(1.0)
    assert attribution_drift(lambda rows: np.zeros(len(rows)), before, other, features) is None
    [point] = [p for p in _judged(project, other, attribution=moved).points if p.metric == "attribution_drift"]
    assert (point.value, point.n) == (moved.moved, 2000)
