"""`validate --data FILE` of a number, of many classes and of lists, on files as they come: a clear answer, never our fault."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from jupyter_mlops.cli import main
from jupyter_mlops.project import Project, load
from jupyter_mlops.registry import register
from jupyter_mlops.store import open_store

YAML = """\
version: 1
project: bad
models:
  price:
    task: regression
    train: {notebook: train.ipynb}
    data: {training: rows.parquet, target: y, weight: w}
    gates: [{metric: mae, max: 5, slices: [g]}]
  kind:
    task: classification
    train: {notebook: train.ipynb}
    data: {training: rows.parquet, target: kind, weight: w}
    gates: [{metric: f1_macro, min: 0.2, slices: [g]}]
  shop:
    task: ranking
    train: {notebook: train.ipynb}
    data: {training: rows.parquet, target: took, entity: who, item: item, item_group: g, weight: w}
    gates: [{metric: ndcg@5, min: 0.2, slices: [g]}]
"""
TARGET = {"price": "y", "kind": "kind", "shop": "took"}


def _rows(seed: int, n: int = 800) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"a": random.normal(size=n), "b": random.normal(size=n), "w": 1.0})
    y = rows["a"] + rows["b"] / 2 + random.normal(size=n) * 0.3
    who = np.repeat(np.arange(n // 10), 10)
    kind = np.where(y > 0.7, "high", np.where(y < -0.7, "low", "mid"))
    took, item = np.clip(np.round(y), 0, 3), np.tile(np.arange(10.0), n // 10)
    return rows.assign(y=y, kind=kind, took=took, who=who, item=item, g=np.array(["p", "q"])[who % 2])


def _fitted(name: str, *, broken: bool = False) -> LinearRegression | LogisticRegression:
    rows = _rows(1)
    model = LogisticRegression() if name == "kind" else LinearRegression()
    model.fit(rows[["a", "b"]], rows[TARGET[name]])
    if broken:
        model.coef_ = model.coef_ * np.nan
    return model


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """Version 1 of each model answers numbers, version 2 none."""
    root = tmp_path_factory.mktemp("bad")
    (root / "mlops.yaml").write_text(YAML)
    _rows(1).to_parquet(root / "rows.parquet")
    store = open_store(load(root))
    for name in TARGET:
        for broken in (False, True):
            run_id = store.create_run(name, "by hand", key=f"{name} {broken}")
            example = _rows(1)[["a", "b"]].head(3)
            store.log_model(run_id, _fitted(name, broken=broken), input_example=example, requirements=["scikit-learn"])
            store.end_run(run_id, "FINISHED")
            register(store, run_id, name)
    return load(root)


def _but(column: str, row: int, value: object):
    return lambda rows: rows.assign(**{column: rows[column].where(rows.index != row, value)})


BAD = [
    ("every", "no target", lambda rows, target: rows.drop(columns=target), "no column '{target}'"),
    ("every", "outcomes missing", lambda rows, target: _but(target, 4, None)(rows), "1 rows have no outcome"),
    ("every", "outcomes are times", lambda rows, target: rows.assign(**{target: pd.Timestamp("2026-01-01")}), ""),
    ("every", "outcomes are lists", lambda rows, target: rows.assign(**{target: [[1]] * len(rows)}), "told apart"),
    ("every", "words for numbers", lambda rows, _: rows.assign(a="x"), "cannot answer these rows"),
    ("every", "a row raises", lambda rows, _: _but("a", 7, np.inf)(rows), "1 of 800 rows (row 7)"),
    ("every", "no rows", lambda rows, _: rows.head(0), "no rows"),
    ("every", "a negative weight", lambda rows, _: _but("w", 5, -1.0)(rows), "negative, the first is row 5"),
    ("every", "no weight counts", lambda rows, _: rows.assign(w=0), "all weights in 'w' are 0"),
    ("price", "words", lambda rows, _: rows.assign(y="high"), "not numeric"),
    ("price", "an infinite outcome", lambda rows, _: _but("y", 3, np.inf)(rows), "infinite, the first is row 3"),
    ("kind", "numbers for words", lambda rows, _: rows.assign(kind=1), "the model answers high, low, mid"),
    ("shop", "a negative grade", lambda rows, _: _but("took", 3, -1.0)(rows), "negative, the first is row 3"),
    ("shop", "lists of nobody", lambda rows, _: _but("who", 3, None)(rows), "1 rows have no value in 'who'"),
    ("shop", "lists of lists", lambda rows, _: rows.assign(who=[[1]] * len(rows)), "'who' cannot be told apart"),
    ("shop", "an item without a name", lambda rows, _: _but("item", 3, None)(rows), "1 rows have no value in 'item'"),
]
ASKED = [(n, *rest) for name, *rest in BAD for n in (TARGET if name == "every" else [name])]


def _validated(project: Project, tmp_path, capsys, name: str, number: int, rows: pd.DataFrame):
    rows.to_parquet(tmp_path / "rows.parquet")
    words = ["validate", name, str(number), "--data", str(tmp_path / "rows.parquet"), "--json"]
    status = main(["--project", str(project.root), *words])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "spoil", "said"), [pytest.param(n, *rest, id=f"{n}: {what}") for n, what, *rest in ASKED]
)
def test_what_cannot_be_judged_is_told(project: Project, tmp_path, capsys, name: str, spoil, said: str):
    status, answer = _validated(project, tmp_path, capsys, name, 1, spoil(_rows(2), TARGET[name]))
    assert status == 2, answer
    assert said.format(target=TARGET[name]) in answer["error"]["message"]
    assert answer["error"]["fix"]


@pytest.mark.parametrize(("ending", "by"), [("csv", ","), ("tsv", "\t"), ("csv.gz", ",")])
def test_a_column_that_is_there_twice_is_refused_by_name(project: Project, tmp_path, capsys, ending: str, by: str):
    rows, file = _rows(2), tmp_path / f"rows.{ending}"
    pd.concat([rows, rows[["a"]] * 2], axis=1).to_csv(file, sep=by, index=False)
    status = main(["--project", str(project.root), "validate", "price", "1", "--data", str(file), "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (status, error["details"]["columns"]) == (2, ["a"])
    assert "columns twice: a" in error["message"]


def test_a_seed_below_zero_is_refused(project: Project, capsys):
    words = ["validate", "price", "1", "--seed", "-1", "--data", str(project.root / "rows.parquet"), "--json"]
    assert main(["--project", str(project.root), *words]) == 2
    assert "the seed -1 is not from 0" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize("name", list(TARGET))
def test_answers_that_are_no_numbers_are_told(project: Project, tmp_path, capsys, name: str):
    status, answer = _validated(project, tmp_path, capsys, name, 2, _rows(2))
    assert (status, "800 rows is no finite number" in answer["error"]["message"]) == (2, True), answer


def test_lists_that_any_order_would_please_are_noted(project: Project, tmp_path, capsys):
    _, answer = _validated(project, tmp_path, capsys, "shop", 1, _rows(2).assign(took=1.0))
    assert (
        "80 of 80 entities of who hold rows of one relevance only: any order of them is perfect"
        in (answer["data"]["notes"])
    )


def test_an_item_of_no_group_is_in_a_group_of_its_own(project: Project, tmp_path, capsys):
    _, answer = _validated(project, tmp_path, capsys, "shop", 1, _but("g", 0, None)(_rows(2)))
    assert any(e["metric"] == "diversity@10" for e in answer["data"]["estimates"])
