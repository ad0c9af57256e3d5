"""Runs are created once, end truthfully, and read back as they were written."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from jupyter_mlops.errors import BadInput, NotFound, Unavailable
from jupyter_mlops.project import Project, load
from jupyter_mlops.records import Dataset
from jupyter_mlops.store import Store, open_store


@pytest.fixture
def store(project: Project) -> Store:
    return open_store(project)


def test_a_run_is_created_once_for_one_key(store: Store):
    first = store.create_run("e", "one", key="k")
    assert store.create_run("e", "one", key="k") == first
    assert store.create_run("e", "two", key="other") != first


def test_what_was_logged_is_read_back(store: Store):
    data = Dataset(name="d", digest="abc", source="data/x.parquet", rows=3, columns=2)
    run_id = store.create_run("e", "one", key="k", tags={"team": "blue"})
    store.log(run_id, parameters={f"p{i}": i for i in range(250)}, metrics={"mae": 0.5})
    store.log_datasets(run_id, [data])
    store.end_run(run_id, "FAILED", "it broke")
    run = store.run(run_id[:8])
    assert (run.status, run.reason, run.metrics, run.datasets) == ("FAILED", "it broke", {"mae": 0.5}, [data])
    assert len(run.parameters) == 250
    assert run.tags["team"] == "blue"


def test_children_are_found_by_their_parent(store: Store):
    parent = store.create_run("e", "job", key="p")
    child = store.create_run("e", "cell", key="c", parent=parent)
    assert [run.run_id for run in store.runs(parent=parent)] == [child]


def test_a_run_that_is_not_there_is_named(store: Store):
    with pytest.raises(NotFound, match="no run begins with"):
        store.run("deadbeef")


def test_a_run_whose_process_was_killed_is_closed_with_the_reason(project: Project, store: Store):
    code = (
        "import os, signal, sys; from pathlib import Path; from jupyter_mlops.project import load;"
        "from jupyter_mlops.store import open_store;"
        "open_store(load(Path(sys.argv[1]))).create_run('e', 'lost', key='k');"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(project.root)], check=False, timeout=120)
    mine = store.create_run("e", "mine", key="mine")
    [closed] = store.close_orphans()
    assert store.run(closed).status == "KILLED"
    assert "ended without a word" in store.run(closed).reason
    assert store.run(mine).status == "RUNNING"
    store.end_run(closed, "FINISHED")  # its journal was found whole after all
    assert store.run(closed).reason == ""


def test_a_forest_is_saved_as_skops_and_read_back_equal(store: Store):
    rows = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) ** 2})
    forest = RandomForestRegressor(n_estimators=4, random_state=0).fit(rows, rows.a)
    run_id = store.create_run("e", "one", key="k")
    uri = store.log_model(run_id, forest, input_example=rows.head(), requirements=["scikit-learn"])
    assert store.log_model(run_id, forest) == uri
    model, example = store.read_model(uri)
    assert (model.predict(rows) == forest.predict(rows)).all()
    pd.testing.assert_frame_equal(example, rows.head())


def test_types_nobody_reviewed_are_refused_by_name(store: Store):
    rows = pd.DataFrame({"a": [1.0, 2.0]})
    model = make_pipeline(FunctionTransformer(np.savetxt, validate=False), RandomForestRegressor(2))
    model.steps[1][1].fit(rows, [1, 2])
    run_id = store.create_run("e", "one", key="k")
    with pytest.raises(BadInput, match="savetxt"):
        store.log_model(run_id, model)


def test_a_server_that_does_not_answer_is_named_at_once(tmp_path: Path):
    (tmp_path / "mlops.yaml").write_text("version: 1\nproject: p\ntracking: http://127.0.0.1:9\n")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9 does not answer") as refusal:
        open_store(load(tmp_path))
    assert "tracking:" in refusal.value.fix
