"""Models and rows that cannot be judged are told with what is wrong and where; nothing passes by accident."""

import numpy as np
import pandas as pd
import pytest
from answered import Chances, Numbers, judged_numbers
from sklearn.linear_model import LinearRegression

import jupyter_mlops as mlops
from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Model, Target
from jupyter_mlops.validation import estimates_of, judge_rows

ROWS = judged_numbers(0, 200)
YES = ROWS.assign(y=(ROWS["y"] > 0).astype(int))
HALF = np.full(200, 0.5)


class Moody(Numbers):
    """Fails on what it does not like."""

    def predict(self, rows):
        if (rows["said"] > 2.5).any():
            raise RuntimeError("too large")
        return rows["said"].to_numpy()


class Leaver(Numbers):
    def predict(self, rows):
        raise SystemExit(3)


class Named(Numbers):
    classes_ = np.array(["bad", "good"])


def _with(values, at, value):
    changed = np.array(values, dtype=float)
    changed[at] = value
    return changed


@pytest.mark.parametrize(
    ("model", "rows", "said"),
    [
        (Numbers(_with(HALF, [7, 9], np.nan)), ROWS, "answer to 2 rows is no finite number, the first is row 7"),
        (Numbers(_with(HALF, [3], np.inf)), ROWS, "answer to 1 rows is no finite number, the first is row 3"),
        (Numbers(HALF[:-1]), ROWS, r"shape \(199,\) for 200 rows"),
        (Numbers(np.zeros((200, 2))), ROWS, r"shape \(200, 2\)"),
        (Numbers(np.array(["a"] * 200)), ROWS, "are not numbers"),
        (Chances(np.full((200, 2), 0.7)), YES, "do not sum to one, the first is row 0"),
        (Chances(np.tile([1.5, -0.5], (200, 1))), YES, "do not sum to one"),
        (Chances(np.full((199, 2), 0.5)), YES, r"shape \(199, 2\) for 200 rows"),
        (Chances(np.full((200, 3), 1 / 3)), YES, "knows 2 classes and gives 3"),
        (Chances(_with(HALF, [5], np.nan)), YES, "no finite number, the first is row 5"),
        (Moody(), ROWS, "cannot answer"),
        (Leaver(), ROWS, "cannot answer these rows: SystemExit: 3"),
        (len, ROWS, "a builtin_function_or_method, which has no predict"),
        (Numbers([[1.0]] * 199 + [[1.0, 2.0]]), ROWS, "no column of values"),
        (Numbers(HALF + 1j), ROWS, "are not numbers: they are of type complex128"),
        (Numbers(np.full(200, np.datetime64("2026-01-01"))), ROWS, "are not numbers: they are of type datetime64"),
        (Chances(np.full((200, 2), "many")), YES, "no table of numbers"),
        (Numbers(), ROWS.assign(y=ROWS["y"] + 1j), "'y' is not numeric: it holds complex numbers"),
        (Numbers(), pd.concat({"a": ROWS}, axis=1), "the columns have 2 levels of names|no column 'y'"),
        (Numbers(), ROWS.assign(y=_with(ROWS["y"], [4], np.inf)), "infinite, the first is row 4"),
        (Numbers(), ROWS.assign(y=pd.Timestamp("2026-01-01")), "not numeric"),
        (Numbers(), pd.concat([ROWS, ROWS["g"]], axis=1), "columns are there twice: g"),
        (Chances(HALF), YES.assign(y=2), "the outcome 'y' holds 2"),
    ],
)
def test_what_is_wrong_is_named(model, rows, said: str):
    with pytest.raises(BadInput, match=said):
        judge_rows(model, rows, "y", explained=False)


def test_rows_on_which_a_model_raises_are_named():
    rows = ROWS.assign(said=_with(np.zeros(200), [11, 150], 9))
    with pytest.raises(
        BadInput, match="cannot answer 2 of 200 rows \\(rows 11, 150\\): RuntimeError: too large"
    ) as refusal:
        judge_rows(Moody(), rows, "y")
    assert refusal.value.details["rows"] == [11, 150]


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (_with(HALF, [6], -1), "negative, the first is row 6"),
        (np.zeros(200), "all weights in 'w' are 0"),
        (_with(HALF, [6], np.nan), "1 rows have no value in 'w'"),
        (_with(HALF, [6], np.inf), "infinite"),
    ],
)
def test_weights_that_cannot_be(weight, said: str):
    with pytest.raises(BadInput, match=said):
        judge_rows(Numbers(), ROWS.assign(w=weight), "y", weight="w")


def test_a_class_that_is_not_named_is_refused_with_its_rows():
    rows = ROWS.assign(y=["good", "bad"] * 100)
    with pytest.raises(BadInput, match="100 rows names no class, the first is row 1"):
        judge_rows(Named(["good", None] * 100), rows, "y")


def test_rows_that_weigh_nothing_are_no_cases():
    w = np.where(np.arange(200) < 20, 1.0, 0.0)
    gate = {"metric": "mae", "max": 99}
    evidence = judge_rows(Numbers(), ROWS.assign(w=w), "y", weight="w", gates=[gate], explained=False)
    assert evidence.verdict == "inconclusive"
    assert {e.n for e in evidence.estimates} == {20}
    assert "180 of 200 rows weigh nothing" in evidence.notes


@pytest.mark.parametrize("cells", [[[1, 2]], [{"a": 1}], [[1], "x", None, 2.5]])
def test_cells_that_cannot_be_told_apart_are_told_by_how_they_are_written(cells):
    rows = ROWS.assign(g=pd.Series(cells * (200 // len(cells)), dtype=object))
    evidence = judge_rows(Numbers(), rows, "y", gates=[{"metric": "mae", "max": 9, "slices": ["g"]}], explained=False)
    assert len({e.slice for e in evidence.estimates}) == 1 + len(cells)


def test_times_that_are_none_are_refused_and_missing_ones_are_not():
    with pytest.raises(BadInput, match="of 200 rows is no time, the first is row 0: 'soon'"):
        judge_rows(Numbers(), ROWS.assign(t="soon"), "y", timestamp="t")
    missing = ROWS.assign(t=pd.Series([None] * 200, dtype=object))
    assert judge_rows(Numbers(), missing, "y", timestamp="t", explained=False).estimates


def test_columns_without_names_are_explained_by_their_numbers():
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)))
    model = LinearRegression().fit(rows[[0, 1]].to_numpy(), rows[2])
    told = judge_rows(model, rows.rename(columns={2: "y"}), "y").explanation
    assert {i.column for i in told.importances} == {"0", "1"}


@pytest.mark.parametrize("kind", ["g", "y", "said"])
def test_strata_are_the_values_of_a_column(kind: str):
    evidence = judge_rows(Numbers(), ROWS, "y", strata=kind, sensitive=["g"], explained=False)
    assert evidence.design == f"rows, as many of each {kind} as there are"
    assert all(e.low <= e.value <= e.high for e in evidence.estimates)


def test_strata_are_not_as_many_as_rows():
    with pytest.raises(BadInput, match="the strata 'who' are 200"):
        judge_rows(Numbers(), ROWS.assign(who=[f"p{i}" for i in range(200)]), "y", strata="who")


def test_no_interval_reaches_beyond_what_can_be():
    rows = pd.DataFrame({"said": [0.1, 0.9, 0.2, 0.8, 0.6], "y": [0, 1, 0, 1, 0]})
    for e in judge_rows(Chances(), rows, "y", task="classification", explained=False).estimates:
        least = -1.0 if e.metric == "mcc" else 0.0
        assert e.low >= least
        assert e.high <= 1.0 or e.metric == "log_loss"


def test_weights_count():
    w = np.random.default_rng(0).random(200)
    evidence = judge_rows(Numbers(), ROWS.assign(w=w), "y", weight="w", explained=False)
    mae = next(e for e in evidence.estimates if e.metric == "mae")
    assert mae.value == pytest.approx(np.average(np.abs(ROWS["said"] - ROWS["y"]), weights=w), abs=1e-9)


@pytest.mark.parametrize(
    ("model", "rows", "note"),
    [
        (Numbers(HALF), ROWS, "gives every row the same answer"),
        (Chances(HALF), YES.assign(y=1), "every outcome is '1'"),
        (Numbers(), pd.concat([ROWS, ROWS.head(3)]), "3 of 203 rows are exact copies"),
        (Numbers(), ROWS.head(12), "12 cases (rows) are too few"),
        (Numbers(), ROWS.assign(g=["z", *ROWS["g"][1:]]), "one row says nothing about a slice: g=z"),
    ],
)
def test_what_a_reader_must_know_is_noted(model, rows, note: str):
    gate = {"metric": "accuracy" if isinstance(model, Chances) else "mae", "max": 1000.0, "slices": ["g"]}
    evidence = judge_rows(model, rows, "y", gates=[gate], explained=False)
    assert any(note in told for told in evidence.notes), evidence.notes


def test_a_slice_of_one_row_never_passes():
    rows = ROWS.assign(g=["z", *["a"] * 199])
    evidence = judge_rows(Numbers(), rows, "y", gates=[{"metric": "mae", "max": 99, "slices": ["g"]}], explained=False)
    answers = {g.figures["slice"]: g.verdict for g in evidence.gates}
    assert answers == {"": "pass", "g=a": "pass", "g=z": "inconclusive"}


def test_a_slice_of_a_column_that_is_not_there_is_not_run():
    evidence = judge_rows(
        Numbers(), ROWS, "y", gates=[{"metric": "mae", "max": 99, "slices": ["plant"]}], explained=False
    )
    assert evidence.verdict == "not run"


def test_all_right_is_no_proof_of_never_wrong():
    model = Chances(np.where(YES["y"] == 1, 0.9, 0.1))
    evidence = judge_rows(model, YES, "y", gates=[{"metric": "accuracy", "min": 0.99}], explained=False)
    assert evidence.verdict == "inconclusive"


def test_a_class_that_is_absent_and_one_that_is_new():
    table = np.tile([0.5, 0.3, 0.2], (200, 1))
    model = Chances(table)
    model.classes_ = np.array(["a", "b", "c"])
    rows = ROWS.assign(y=np.where(ROWS["y"] > 0, "a", "d"))
    evidence = judge_rows(model, rows, "y", explained=False)
    assert evidence.classes == ["a", "b", "c", "d"]
    assert any("no row is of class b, c" in n for n in evidence.notes)
    assert any("does not know class d" in n for n in evidence.notes)
    accuracy = next(e for e in evidence.estimates if e.metric == "accuracy")
    assert accuracy.value == pytest.approx((rows["y"] == "a").mean())


def test_a_model_that_only_names_classes_has_no_probabilities():
    said, rows = (np.where(v > 0, "up", "down") for v in (ROWS["said"], ROWS["y"]))
    gates = [{"calibration": {"max": 0.1}}]
    evidence = judge_rows(Numbers(said), ROWS.assign(y=rows), "y", task="classification", gates=gates, explained=False)
    assert evidence.verdict == "not run"
    assert {e.metric for e in evidence.estimates}.isdisjoint({"log_loss", "brier", "ece"})


@pytest.mark.parametrize("seed", [-1, 2**53])
def test_a_seed_that_cannot_be_kept_is_refused(seed: int):
    with pytest.raises(BadInput, match=f"the seed {seed} is not from 0"):
        judge_rows(Numbers(), ROWS, "y", seed=seed)


def test_the_door_for_notebooks(tmp_path):
    evidence = mlops.validate(Numbers(), ROWS, "y", gates=[{"metric": "mae", "max": 2}])
    assert evidence.verdict == "pass"
    with pytest.raises(BadInput, match="not a DataFrame"):
        mlops.validate(Numbers(), ROWS.to_dict(), "y")
    with pytest.raises(BadInput, match="sensitve"):
        mlops.validate(Numbers(), ROWS, "y", sensitve=["g"])


@pytest.mark.parametrize(
    ("truth", "said", "expected"),
    [
        ([0, 1, 1, 0] * 10, [0.2, 0.9, 0.4, 0.1] * 10, 0.75),
        (["no", "yes", "yes", "no"] * 10, [0.2, 0.9, 0.4, 0.1] * 10, 0.75),
        (["no", "yes", "yes", "no"] * 10, ["no", "yes", "no", "no"] * 10, 0.75),
        (["a", "b", "c", "a"] * 10, ["a", "b", "b", "a"] * 10, 0.75),
        ([1, 2, 3, 1] * 10, [1.0, 2.0, 2.0, 1.0] * 10, 0.75),
        (["yes"] * 40, [0.9] * 40, None),
    ],
)
def test_outcomes_that_arrive_later_are_measured_as_scores_or_as_classes(truth, said, expected):
    declared = {"task": "classification", "train": {"notebook": "-"}, "data": {"training": "-", "target": "y"}}
    target = Target("m", None, Model.model_validate(declared))
    found = {e.metric: e.value for e in estimates_of(target, pd.DataFrame({"y": truth}), np.array(said))}
    assert found.get("accuracy") == expected


def test_a_champion_that_cannot_answer_is_named_as_such():
    with pytest.raises(BadInput, match="champion version 0 cannot be compared on these rows: the rows lack 1 columns"):
        judge_rows(Numbers(), ROWS, "y", champion=Numbers(features=("gone",)))


def test_columns_with_pandas_own_missing_values_are_read():
    rows = ROWS.assign(i=pd.array([None, *range(199)], dtype="Int64"), c=pd.Categorical(ROWS["g"]))
    gates = [{"metric": "mae", "max": 9, "slices": ["i", "c"]}]
    evidence = judge_rows(Numbers(), rows, "y", gates=gates)
    assert any(e.slice.startswith("i=[") for e in evidence.estimates)


def test_a_list_of_one_says_nothing_about_lists():
    rows = pd.DataFrame({"who": [0, 0, 1, 1], "said": [2.0, 1.0, 2.0, 1.0], "y": [1, 0, 0, 0]})
    assert judge_rows(Numbers(), rows, "y", task="ranking", entity="who", explained=False).estimates == []
