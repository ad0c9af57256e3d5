"""Any metric of scikit-learn serves as a gate by its name: its value, an interval, slices, and against the champion."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
from answered import Chances, Numbers, judged_numbers

from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows.watching import main_metric
from jupyter_mlops.project import Gate, Project
from jupyter_mlops.stats import intervals
from jupyter_mlops.stats.named import named_metric
from jupyter_mlops.validation import judge_rows
from jupyter_mlops.validation.judged import Judged


def _chances(n: int = 1500) -> pd.DataFrame:
    random = np.random.default_rng(0)
    said = random.random(n)
    return pd.DataFrame({"said": said, "y": (random.random(n) < said).astype(int), "g": random.choice(["p", "q"], n)})


def _estimates(rows: pd.DataFrame, model: Numbers, gate: dict, **data) -> dict[str, object]:
    evidence = judge_rows(model, rows, "y", gates=[gate], explained=False, **data)
    return {e.slice: e for e in evidence.estimates if e.metric == gate["metric"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("matthews_corrcoef", lambda y, s: sk.matthews_corrcoef(y, s > 0.5)),
        ("cohen_kappa_score", lambda y, s: sk.cohen_kappa_score(y, s > 0.5)),
        ("d2_brier_score", sk.d2_brier_score),
        ("neg_log_loss", lambda y, s: -sk.log_loss(y, s)),
        ("roc_auc", sk.roc_auc_score),
        ("zero_one_loss", lambda y, s: sk.zero_one_loss(y, s > 0.5)),
    ],
)
def test_a_gate_names_a_metric_of_classes(name: str, value):
    rows = _chances()
    found = _estimates(rows, Chances(), {"metric": name, "min": -9, "slices": ["g"]})
    assert found[""].value == pytest.approx(value(rows["y"], rows["said"]), abs=1e-9)
    inside = rows[rows["g"] == "p"]
    assert found["g=p"].value == pytest.approx(value(inside["y"], inside["said"]), abs=1e-9)
    assert found[""].low < found[""].value < found[""].high


def test_the_interval_is_as_wide_as_that_of_the_same_metric_as_sums():
    rows = _chances()
    mine = next(e for e in judge_rows(Chances(), rows, "y", explained=False).estimates if e.metric == "mcc")
    named = _estimates(rows, Chances(), {"metric": "matthews_corrcoef", "min": 0})[""]
    assert named.high - named.low == pytest.approx(mine.high - mine.low, rel=0.35)


def test_weights_and_entities_are_minded():
    rows = judged_numbers(0, 900).assign(w=np.arange(900) % 3, who=np.arange(900) // 9)
    gate = {"metric": "d2_pinball_score", "min": -9}
    found = _estimates(rows, Numbers(), gate, weight="w", entity="who")[""]
    assert found.value == pytest.approx(sk.d2_pinball_score(rows["y"], rows["said"], sample_weight=rows["w"]), abs=1e-9)
    assert found.n == 100


def test_against_the_champion_it_is_paired_and_less_of_a_loss_is_better():
    rows = judged_numbers(0, 1500)
    better = Numbers((rows["y"] + (rows["said"] - rows["y"]) * 0.8).to_numpy())
    gate = {"metric": "median_absolute_error", "versus_champion": {"not_worse_by": "2%"}}
    for new, old, verdict in ((better, Numbers(), "better"), (Numbers(), better, "worse")):
        [found] = judge_rows(new, rows, "y", champion=old, gates=[gate], explained=False).comparisons
        assert found.verdict == verdict


def test_the_largest_error_has_no_interval_and_says_why():
    rows = judged_numbers(0, 300)
    seen = float(sk.max_error(rows["y"], rows["said"]))
    for most, verdict in ((seen + 0.1, "pass"), (seen - 0.1, "fail")):
        evidence = judge_rows(
            Numbers(),
            rows,
            "y",
            champion=Numbers(),
            explained=False,
            gates=[
                {"metric": "max_error", "max": most},
                {"metric": "max_error", "versus_champion": {"not_worse_by": "2%"}},
            ],
        )
        assert [g.verdict for g in evidence.gates] == [verdict, "not run"]
        assert evidence.gates[0].figures["value"] == pytest.approx(seen)
        assert not any(e.metric == "max_error" for e in evidence.estimates)
        assert any(note.startswith("max_error is that of the single worst row") for note in evidence.notes)
    assert (
        "fewer than 1 case in 100 is beyond"
        in judge_rows(Numbers(), rows, "y", explained=False, gates=[{"metric": "max_error", "max": seen}])
        .gates[0]
        .sentence
    )


def test_intervals_of_a_median_cover():
    """Where leaving single rows out would say too little."""
    metric, held = named_metric("median_absolute_error", "regression"), 0
    assert metric is not None
    for seed in range(120):
        error = np.random.default_rng(seed).normal(size=300)
        judged = Judged("regression", error, None, pd.DataFrame(index=range(300)), [], asked=(metric,))
        [found] = intervals([(judged.sums(metric, np.zeros(300)), metric.combine)])
        held += found.low <= 0.67449 <= found.high
    assert 108 <= held <= 119


@pytest.mark.parametrize(
    ("task", "name"), [("regression", "roc_auc"), ("classification", "silhouette_score"), ("ranking", "r2_score")]
)
def test_what_says_nothing_of_the_task_is_refused(task: str, name: str):
    rows = judged_numbers(0, 60) if task == "regression" else _chances(60)
    model = Numbers() if task == "regression" else Chances()
    with pytest.raises(BadInput, match=name):
        judge_rows(model, rows.assign(who=1), "y", task=task, gates=[{"metric": name, "min": 0}], entity="who")


def test_the_largest_error_is_nothing_to_be_watched_by(project: Project):
    rows, robust = judged_numbers(0, 100), {"robustness": {"noise": 0.1, "loses": "10%", "metric": "max_error"}}
    with pytest.raises(BadInput, match="metric of a robustness gate is max_error, the value of one row"):
        judge_rows(Numbers(), rows, "y", explained=False, gates=[robust])
    target = next(iter(project.targets()))
    gates = [Gate(metric="max_error", max=9), Gate(metric="r2", min=0)]
    assert main_metric(replace(target, spec=target.spec.model_copy(update={"gates": gates}))) == "r2"
