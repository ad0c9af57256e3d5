"""Worst slices are found where they are and not where they are not; fairness is fairlearn's; explanations are what
scikit-learn computes; a catalogue's figures are those of a hand calculation; units are what is independent."""

import fairlearn.metrics
import numpy as np
import pandas as pd
import pytest
import shap
import sklearn.metrics as sk
from answered import Chances, Numbers, judged_numbers
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Model, Target
from jupyter_mlops.validation import Judge, judge_rows, reasons


def _rows(seed: int, n: int = 4000) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = judged_numbers(seed, n).assign(shift=random.choice(["day", "night"], n), x=random.normal(size=n))
    return rows.assign(h=random.choice(list("pqr"), n))


def test_where_nothing_is_wrong_hardly_anything_is_found():
    found = 0
    for seed in range(40):
        rows = _rows(seed)
        model = Numbers(rows.pop("said").to_numpy(), features=("x",))
        found += bool(judge_rows(model, rows, "y", explained=False).found)
    assert found <= 5  # 2 expected at the level of 0.05


def test_a_bad_corner_of_two_columns_is_found_with_a_corrected_interval():
    for seed in range(8):
        rows = _rows(seed)
        corner = ((rows["shift"] == "night") & (rows["h"] == "q")).to_numpy()
        rows.loc[corner, "said"] += 2.5
        worst = judge_rows(Numbers(), rows, "y", explained=False).found[0]
        assert worst.slice in ("shift=night & h=q", "h=q & shift=night")
        assert worst.n == corner.sum()
        assert 0 < worst.low < worst.excess < worst.high
        assert worst.looked > 20


def test_rows_of_an_entity_do_not_make_a_slice_sure():
    """Entities err each in its own way; a column that follows the entity shows nothing."""
    random = np.random.default_rng(0)
    found = 0
    for _ in range(20):
        entity = np.repeat(np.arange(80), 40)
        level = random.normal(size=80) * 3
        rows = pd.DataFrame({"said": level[entity] + random.normal(size=3200), "y": 0.0, "unit": entity})
        rows["side"] = random.choice(["l", "r", "m"], 80)[entity]
        found += bool(
            [f for f in judge_rows(Numbers(), rows, "y", entity="unit", explained=False).found if "side" in f.slice]
        )
    assert found <= 3


def _people(seed: int, n: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {"g": random.choice(list("abc"), n), "h": random.choice(["p", "q"], n), "y": random.integers(0, 2, n)}
    )
    return rows.assign(said=np.clip(0.5 * rows["y"] + 0.6 * random.random(n) - 0.1 * (rows["g"] == "a"), 0, 1))


def _gaps(rows: pd.DataFrame, by: list[str]) -> dict[str, float]:
    """fairlearn's definitions, from each group's confusion counts."""
    said = rows["said"] > 0.5
    groups = list(rows.groupby(by[0] if len(by) == 1 else by).groups.values())
    chosen = [said[i].mean() for i in groups]
    true, false = ([said[i][rows["y"][i] == v].mean() for i in groups] for v in (1, 0))
    return {
        "demographic_parity_difference": np.ptp(chosen),
        "demographic_parity_ratio": min(chosen) / max(chosen),
        "equal_opportunity_difference": np.ptp(true),
        "equal_opportunity_ratio": min(true) / max(true),
        "equalized_odds_difference": max(np.ptp(true), np.ptp(false)),
        "equalized_odds_ratio": min(min(true) / max(true), min(false) / max(false)),
    }


@pytest.mark.parametrize("seed", range(5))
def test_fairness_by_groups_and_their_combinations(seed: int):
    rows = _people(seed, 1500)
    evidence = judge_rows(Chances(), rows, "y", task="classification", sensitive=["g", "h"], explained=False)
    assert [f.by for f in evidence.fairness] == ["g", "h", "g and h"]
    for found, by in zip(evidence.fairness, (["g"], ["h"], ["g", "h"]), strict=True):
        expected = _gaps(rows, by)
        gaps = {gap.metric: gap for gap in found.gaps if not gap.slice}
        for name, value in expected.items():
            assert gaps[name].value == pytest.approx(value, abs=1e-9)
            assert gaps[name].low <= gaps[name].value <= gaps[name].high
        assert sum(group.n for group in found.groups) == 1500


def test_fairness_is_fairlearns_own():
    rows = _people(3, 1000)
    evidence = judge_rows(Chances(), rows, "y", task="classification", sensitive=["g"], explained=False)
    for gap in evidence.fairness[0].gaps:
        if hasattr(fairlearn.metrics, gap.metric):
            expected = getattr(fairlearn.metrics, gap.metric)(
                rows["y"], rows["said"] > 0.5, sensitive_features=rows["g"]
            )
            assert gap.value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("ratio", "verdict"), [(0.6, "fail"), (1.0, "pass")])
def test_a_biased_model_is_blocked_and_a_fair_one_is_not(ratio: float, verdict: str):
    gate = {"fairness": {"metric": "demographic_parity_ratio", "min": 0.8, "by": "g"}}
    answers = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        g = random.choice(["a", "b"], 10_000)
        said = random.random(10_000) < np.where(g == "a", 0.4, 0.4 * ratio)
        rows = pd.DataFrame({"g": g, "y": random.integers(0, 2, 10_000), "said": np.where(said, 0.9, 0.1)})
        answers.append(judge_rows(Chances(), rows, "y", task="classification", gates=[gate], explained=False).verdict)
    assert answers.count(verdict) >= 19


def test_a_group_of_eighteen_is_told_and_decides_nothing():
    rows = _people(0, 2000)
    rows.loc[:17, "g"] = "few"
    gate = {"fairness": {"metric": "demographic_parity_difference", "max": 0.9, "by": "g"}}
    evidence = judge_rows(Chances(), rows, "y", task="classification", gates=[gate], explained=False)
    assert evidence.verdict == "inconclusive"
    assert "too few rows of few" in evidence.gates[0].sentence
    assert "between the large groups" in evidence.gates[0].sentence


def _forest(rows: pd.DataFrame) -> RandomForestRegressor:
    return RandomForestRegressor(20, random_state=0).fit(rows[["a", "b", "c"]], rows["y"])


def _curved(seed: int, n: int = 600) -> pd.DataFrame:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return pd.DataFrame(x, columns=list("abc")).assign(y=3 * x[:, 0] + np.sin(x[:, 1]))


def test_importance_is_scikit_learns_with_intervals_and_the_curves_are_too():
    rows = _curved(0)
    model = _forest(_curved(1))
    told = judge_rows(model, rows, "y").explanation
    mine = {i.column: i for i in told.importances}
    theirs = permutation_importance(
        model, rows[list("abc")], rows["y"], scoring="neg_mean_absolute_error", n_repeats=20
    )
    for column, mean in zip("abc", theirs.importances_mean, strict=True):
        assert mine[column].value == pytest.approx(mean, rel=0.15, abs=0.02)
        assert mine[column].low <= mine[column].value <= mine[column].high
    assert [i.column for i in told.importances] == ["a", "b", "c"]
    curve = told.dependence[0]
    first = rows[list("abc")].head(200)
    expected = partial_dependence(model, first, ["a"], custom_values={"a": np.array(curve.at)}, method="brute")
    assert curve.answer == pytest.approx(expected["average"][0].tolist(), rel=1e-9)


@pytest.mark.parametrize("kind", ["tree", "linear", "any other"])
def test_shap_values_agree_on_what_matters(kind: str):
    learnt = _curved(1)
    other = KNeighborsRegressor(10) if kind == "any other" else LinearRegression()
    model = _forest(learnt) if kind == "tree" else other.fit(learnt[["a", "b", "c"]], learnt["y"])
    told = judge_rows(model, _curved(0), "y").explanation
    assert told.shap[0].column == "a"
    assert told.shap[0].low <= told.shap[0].value <= told.shap[0].high
    assert told.shap[0].value > 5 * told.shap[2].value


@pytest.mark.parametrize("classes", [2, 3])
def test_shap_values_of_histogram_boosting_add_up(classes: int):
    learnt, rows = _curved(1, 2000), _curved(0, 100)
    kinds = np.digitize(learnt["y"], [0.0] if classes == 2 else [-1.0, 1.0])
    model = HistGradientBoostingClassifier(max_iter=30).fit(learnt[["a", "b", "c"]], kinds)
    rows["y"] = np.digitize(rows["y"], [0.0] if classes == 2 else [-1.0, 1.0])
    [one, *_] = judge_rows(model, rows, "y").explanation.shap
    exact = np.abs(shap.TreeExplainer(model)(rows[["a", "b", "c"]]).values)
    exact = exact.sum(axis=2) if exact.ndim == 3 else exact
    assert (one.column, one.value) == ("a", pytest.approx(exact[:, 0].mean(), rel=1e-9))


def test_a_challenger_with_other_reasons_is_shown_so():
    rows = _curved(0)
    other = LinearRegression().fit(rows[["a", "b", "c"]], rows["b"] * 3)
    told = judge_rows(other, rows, "y", champion=_forest(_curved(1))).explanation
    assert "a" in told.moved
    assert told.agreement < 1
    same = judge_rows(_forest(_curved(1)), rows, "y", champion=_forest(_curved(1))).explanation
    assert (same.moved, same.agreement) == ([], pytest.approx(1.0))


@pytest.mark.parametrize("many", [False, True])
def test_reasons_add_up_to_the_answer(many: bool):
    rows = _curved(0)
    kinds = np.where(rows["y"] > 1, "high", np.where(rows["y"] < -1, "low", "mid"))
    model = RandomForestClassifier(10, random_state=0).fit(rows[["a", "b", "c"]], kinds) if many else _forest(rows)
    spec = {"task": "classification" if many else "regression", "train": {"notebook": "-"}}
    judge = Judge(model, Target("m", None, Model.model_validate({**spec, "data": {"training": "-", "target": "y"}})))
    found = reasons(judge, rows.iloc[[5]], rows.iloc[[9]], sorted(set(kinds)) if many else [], seed=0)
    one, other = (judge.ask(rows.iloc[[i]]) for i in (5, 9))
    which = one.on(sorted(set(kinds)))[0].argmax() if many else None
    values = [float(a.on(sorted(set(kinds)))[0][which]) if many else float(a.values[0]) for a in (one, other)]
    assert sum(r.contribution for r in found) == pytest.approx(values[0] - values[1], abs=1e-9)
    assert [abs(r.contribution) for r in found] == sorted((abs(r.contribution) for r in found), reverse=True)


def test_a_catalogue_by_hand():
    """Two people, three items; each is shown all three, the evaluation holds two relevant rows of item 0 and one of 1."""
    rows = pd.DataFrame(
        {
            "who": np.repeat(np.arange(40), 3),
            "item": [0, 1, 2] * 40,
            "kind": ["x", "x", "y"] * 40,
            "said": [3.0, 2.0, 1.0] * 40,
        }
    )
    rows["y"] = [1, 0, 0, 1, 1, 0] * 20
    evidence = judge_rows(
        Numbers(), rows, "y", task="ranking", entity="who", item="item", item_group="kind", explained=False
    )
    found = {e.metric: e.value for e in evidence.estimates}
    popular = np.array([41, 21, 1]) / 63
    assert found["coverage@10"] == 1.0
    assert found["diversity@10"] == pytest.approx(2 / 3)
    assert found["novelty@10"] == pytest.approx(-np.log2(popular).mean())
    lift = popular.mean() / ((popular[0] * 40 + popular[1] * 20) / 60) - 1
    assert found["popularity_bias@10"] == pytest.approx(lift)
    assert found["map"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("columns", "options", "design"),
    [
        ({}, {}, "rows"),
        ({"u": np.arange(4000) // 10}, {"entity": "u"}, "entities of u"),
        ({"t": pd.date_range("2026", periods=4000, freq="h")}, {"timestamp": "t"}, "days of t"),
        ({"t": np.arange(4000)}, {"timestamp": "t"}, "stretches of 16 rows of t"),
        (
            {"u": np.arange(4000) % 5, "t": pd.date_range("2026", periods=4000, freq="h")},
            {"entity": "u", "timestamp": "t"},
            "entities of u by days of t",
        ),
    ],
)
def test_what_is_drawn_as_one(columns, options, design: str):
    evidence = judge_rows(Numbers(), _rows(0).assign(**columns), "y", explained=False, **options)
    assert evidence.design == design


def test_a_slow_swing_is_covered_by_blocks_and_not_by_rows():
    covered = {"rows": 0, "blocks": 0}
    for seed in range(60):
        random = np.random.default_rng(seed)
        swing = np.repeat(random.normal(size=125), 24) + random.normal(size=3000) * 0.2
        rows = pd.DataFrame({"said": swing, "y": 0.0, "t": pd.date_range("2026", periods=3000, freq="h")})
        for name, options in (("rows", {}), ("blocks", {"timestamp": "t"})):
            bias = next(
                e for e in judge_rows(Numbers(), rows, "y", explained=False, **options).estimates if e.metric == "bias"
            )
            covered[name] += bias.low <= 0 <= bias.high
    assert covered["rows"] < 40
    assert covered["blocks"] >= 53


def _graded(seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"who": np.repeat(np.arange(60), 8), "item": np.tile(np.arange(8), 60)})
    rows["y"] = random.choice([0.0, 0.0, 0.0, 1.0, 2.0, 3.0], 480)
    rows["said"] = rows["y"] + random.normal(size=480)
    return rows


def test_lists_are_judged_at_the_k_a_gate_names_and_by_grades():
    rows = _graded()
    gates = [
        {"metric": "ndcg@3", "min": 0.1, "versus_champion": {"not_worse_by": 0.2}},
        {"metric": "hit@1", "min": 0.1},
        {"metric": "coverage@2", "min": 0.1},
        {"robustness": {"metric": "recall@5", "loses": 0.9, "noise": 0.01}},
    ]
    options = {"task": "ranking", "entity": "who", "item": "item", "gates": gates, "explained": False}
    evidence = judge_rows(Numbers(), rows, "y", champion=Numbers(), **options)
    found = {e.metric: e.value for e in evidence.estimates}
    expected = [sk.ndcg_score([one["y"]], [one["said"]], k=3) for _, one in rows.groupby("who") if (one["y"] > 0).any()]
    assert found["ndcg@3"] == pytest.approx(np.mean(expected), rel=1e-9)
    assert {"hit@1", "coverage@2", "recall@5", "ndcg@10", "coverage@10"} <= set(found)
    assert evidence.verdict == "pass", [g.sentence for g in evidence.gates]
    assert "recall@5" in evidence.gates[-1].sentence


@pytest.mark.parametrize(
    ("name", "fix"), [("ndgc@5", "ndcg@5"), ("recal@20", "recall@20"), ("hits@3", "hit@3"), ("ndcg@0", "ndcg@10")]
)
def test_an_unknown_metric_of_lists_is_told_with_the_nearest(name: str, fix: str):
    with pytest.raises(BadInput, match=f"unknown metric of a gate: '{name}'") as refusal:
        judge_rows(
            Numbers(),
            _graded(),
            "y",
            task="ranking",
            entity="who",
            gates=[{"metric": name, "min": 0.1}],
            explained=False,
        )
    assert fix in refusal.value.fix


def _held(metric: str, new: object, old: object, rows: pd.DataFrame, **options):
    gate = {"metric": metric, "versus_champion": {"not_worse_by": 0.1}, "slices": options.pop("slices", [])}
    options |= {"task": "ranking", "entity": "who", "item": "item", "gates": [gate], "explained": False}
    return judge_rows(Numbers(new), rows, "y", champion=Numbers(old), **options)


def test_what_cannot_be_held_against_a_champion_does_not_pass():
    assert _held("diversity@3", None, None, _graded()).verdict == "not run"  # no column of groups is declared


def _shop() -> pd.DataFrame:
    rows = _graded().assign(kind=lambda r: r["item"] % 4, side=lambda r: r["who"] % 2)
    return rows.assign(y=(rows["y"] * (9 - rows["item"]) > 8).astype(float))


@pytest.mark.parametrize("metric", ["coverage@3", "diversity@3", "novelty@3", "popularity_bias@3"])
def test_what_is_shown_is_held_against_the_champion_on_the_same_lists(metric: str):
    rows = _shop()
    narrow, wide = -rows["item"].to_numpy(float), np.random.default_rng(1).random(len(rows))
    options = {"item_group": "kind", "slices": ["side"]}
    evidence = _held(metric, wide, narrow, rows, **options)
    found = {c.slice: c for c in evidence.comparisons}
    assert set(found) == {"", "side=0", "side=1"}
    both = [judge_rows(Numbers(s), rows, "y", task="ranking", entity="who", item="item", item_group="kind",
                       gates=[{"metric": metric, "min": -9}], explained=False).estimates for s in (wide, narrow)]  # fmt: skip
    new, old = (next(e.value for e in one if e.metric == metric) for one in both)
    sign = -1 if metric.startswith("popularity") else 1
    assert found[""].difference == pytest.approx(sign * (new - old))
    assert found[""].low <= found[""].difference <= found[""].high
    if metric != "diversity@3":
        assert (found[""].verdict, evidence.gates[0].verdict) == ("better", "pass")
        assert _held(metric, narrow, wide, rows, **options).comparisons[0].verdict == "worse"


def test_lists_are_weak_by_what_their_gate_asks_for():
    rows = _graded().assign(side=lambda r: np.where(r["who"] % 3 == 0, "bad", "good"))
    rows["said"] = np.where(rows["side"] == "bad", -rows["y"], rows["y"])
    options = {"task": "ranking", "entity": "who", "item": "item", "explained": False}
    for gates, loss in (([], "1 - ndcg@10"), ([{"size": {"max_mb": 9}}, {"metric": "mrr@3", "min": 0.1}], "1 - mrr@3")):
        # thirty lists at least make a slice
        many = pd.concat([rows.assign(who=rows["who"] + 100 * i) for i in range(3)])
        found = judge_rows(Numbers(), many, "y", gates=gates, **options).found
        assert {(f.slice, f.loss) for f in found} == {("side=bad", loss)}


def test_a_negative_grade_is_named_with_its_row():
    rows = _graded()
    rows.loc[5, "y"] = -1.0
    with pytest.raises(BadInput, match="the outcome 'y' of 1 rows is negative, the first is row 5"):
        judge_rows(Numbers(), rows, "y", task="ranking", entity="who", explained=False)


def test_of_very_many_rows_it_is_said_how_many_were_searched():
    evidence = judge_rows(Numbers(), judged_numbers(0, 100_001), "y", explained=False)
    assert "weak slices were sought in 100,000 of 100,001 rows, drawn at random" in evidence.notes
