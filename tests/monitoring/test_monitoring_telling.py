"""What is found, in other tools' words, in money, over people's answers, and in times when nobody is to be told."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from jupyter_mlops.monitoring import drift, evidently, monitor, nannyml
from jupyter_mlops.monitoring.behaving import shown_and_taken
from jupyter_mlops.project import Maintenance, Project, Target, parse
from jupyter_mlops.records import Estimate

RANKER = """
version: 1
project: shop
models:
  next:
    task: ranking
    train: {notebook: train.ipynb}
    data: {training: train.parquet, target: bought, entity: household, item: product}
    value: {per: prediction, amount: 0.5, currency: EUR}
    monitor:
      maintenance: [{from: 2026-11-01T02:00, to: 2026-11-01T06:00, every: 1w, why: store update}]
"""


def _target() -> Target:
    return Target("next", None, parse(RANKER).models["next"])


def _shown(households: int = 400, favour: float = 0.5) -> pd.DataFrame:
    random = np.random.default_rng(0)
    place = np.tile(np.arange(12), households)
    return pd.DataFrame(
        {
            "household": np.repeat(np.arange(households), 12),
            "product": [f"p{i}" for i in random.integers(0, 60, 12 * households)],
            "prediction": 1.0 - place / 20,
            "bought": (random.random(12 * households) < np.where(place == 0, favour, 0.1)).astype(float),
        }
    )


def test_behaviour_is_what_a_count_by_hand_says():
    rows = _shown()
    found = {e.metric: e for e in shown_and_taken(_target(), rows, rows)}
    first_ten = rows[rows["prediction"] > 1.0 - 9.5 / 20]
    later = first_ten[first_ten["prediction"] < 1]
    first = rows.loc[rows["prediction"] == 1, "bought"].mean()
    assert found["ctr@10"].value == pytest.approx(first_ten["bought"].mean())
    assert found["conversion"].value == pytest.approx((rows.groupby("household")["bought"].max() > 0).mean())
    assert found["position_bias@10"].value == pytest.approx(first / later["bought"].mean())
    assert found["session_length"].value == 12
    assert found["coverage@10"].value == first_ten["product"].nunique() / rows["product"].nunique()
    for e in found.values():
        assert e.low <= e.value <= e.high
        assert e.n == 400


def test_without_outcomes_only_what_was_shown_is_told():
    rows = _shown()
    assert {e.metric for e in shown_and_taken(_target(), rows, rows.head(0))} == {"session_length", "coverage@10"}


def test_novelty_and_the_bias_to_the_popular_are_what_a_count_by_hand_says():
    rows, random = _shown(), np.random.default_rng(2)
    training = pd.DataFrame({"product": [f"p{i // 30}" for i in range(3000)], "bought": random.random(3000) < 0.2})
    found = {e.metric: e for e in shown_and_taken(_target(), rows, rows, training)}
    bought = training[training["bought"]]["product"].value_counts()
    popular = 1 + bought.reindex(rows["product"].unique()).fillna(0.0)
    each = rows["product"].map(popular / popular.sum())
    first_ten = rows["prediction"] > 1.0 - 9.5 / 20
    assert found["novelty@10"].value == pytest.approx(-np.log2(each[first_ten]).mean())
    lift = each[first_ten].mean() / each[rows["bought"] == 1].mean() - 1
    assert found["popularity_bias@10"].value == pytest.approx(lift)
    assert "novelty@10" in {e.metric for e in shown_and_taken(_target(), rows, rows.head(0), training)}
    graded = training.assign(bought=training["bought"] * np.where(training["product"] == "p3", 5, 1))
    assert shown_and_taken(_target(), rows, rows, graded) == list(found.values())
    told = shown_and_taken(_target(), rows, rows, training.drop(columns="product"))
    assert {e.metric for e in told} == {e.metric for e in shown_and_taken(_target(), rows, rows)}


def test_rows_that_name_no_entity_or_no_item_are_left_out():
    rows = _shown()
    holes = pd.concat([rows, rows.head(3).assign(household=None), rows.head(3).assign(product=None)], ignore_index=True)
    found = {e.metric: e for e in shown_and_taken(_target(), holes, holes)}
    assert found["coverage@10"] == {e.metric: e for e in shown_and_taken(_target(), rows, rows)}["coverage@10"]
    assert shown_and_taken(_target(), rows.assign(household=None), rows) == []
    sold = rows[["product", "bought"]]
    novelty = [{e.metric: e for e in shown_and_taken(_target(), r, r, sold)}["novelty@10"] for r in (rows, holes)]
    assert novelty[0].value == pytest.approx(novelty[1].value, rel=1e-3)
    assert "novelty@10" not in {e.metric for e in shown_and_taken(_target(), rows.assign(product=None), rows, sold)}
    assert "coverage@10" not in {e.metric for e in shown_and_taken(_target(), rows.assign(product=None), rows)}


@pytest.mark.parametrize(("metric", "before", "now", "lost"), [("ndcg@10", 0.8, 0.6, 0.25), ("mae", 1.0, 2.0, 0.5)])
def test_a_loss_is_said_in_money_where_a_value_is_declared(metric: str, before: float, now: float, lost: float):
    random, target = np.random.default_rng(1), _target()
    rows = pd.DataFrame({"x": random.normal(size=1000), "time": pd.Timestamp("2026-01-01", tz="UTC")})
    promised = Estimate(metric=metric, value=before, low=before * 0.99, high=before * 1.01, n=500)
    seen = Estimate(metric=metric, value=now, low=now * 0.99, high=now * 1.01, n=500)
    report = monitor(target, 1, rows, rows, [seen], reference_metric=promised, features=["x"], coverage=1.0)
    [found] = report.violations
    assert found.figures["value_at_stake"] == pytest.approx(1000 * 0.5 * lost)
    assert f"about {500 * lost:,.0f} of 500 EUR" in found.sentence


def test_maintenance_comes_again_each_week_and_ends():
    [planned] = _target().spec.monitor.maintenance
    start = datetime(2026, 11, 1, 2, tzinfo=UTC)
    for week in (0, 3):
        begins = start + timedelta(weeks=week)
        assert planned.until(begins) == planned.until(begins + timedelta(hours=3)) == begins + timedelta(hours=4)
        assert planned.until(begins + timedelta(hours=4)) is None
    assert planned.until(start - timedelta(seconds=1)) is None
    once = planned.model_copy(update={"every": None})
    assert once.until(start + timedelta(weeks=1)) is None
    with pytest.raises(ValidationError, match="until a later"):
        Maintenance(start=start, to=start)


def test_a_report_in_the_words_of_other_tools():
    random = np.random.default_rng(0)
    one = pd.DataFrame({"x": random.normal(size=500), "c": random.choice(list("ab"), 500)})
    report = drift(one, one.assign(x=one["x"] + 1))
    metrics = evidently(report)["metrics"]
    assert metrics[0]["metric_name"] == "DriftedColumnsCount(drift_share=0.5)"
    assert metrics[0]["value"] == {"count": 1.0, "share": 0.5}
    assert [m["config"]["column"] for m in metrics[1:]] == ["x", "c"]
    lines = {(line["column_name"], line["method"]): line for line in nannyml(report)}
    assert lines["x", "kolmogorov_smirnov"]["value"] == report.columns[0].figures["ks"]
    assert lines["x", "wasserstein"]["alert"]
    assert not lines["c", "chi2"]["alert"]


def test_a_project_without_maintenance_tells_at_any_time(project: Project):
    assert project.target("rul.plant-01").spec.monitor.maintenance == []
