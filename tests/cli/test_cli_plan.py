"""mlops.yaml against what is: every difference named, the same each time; closed once, and then nothing is left to do."""

import fcntl
import json

import numpy as np
import pandas as pd
import pytest
from declared import MLOPS_YAML
from sklearn.linear_model import LinearRegression

from jupyter_mlops.cli import main
from jupyter_mlops.governance import acting
from jupyter_mlops.ledger import entries
from jupyter_mlops.project import load
from jupyter_mlops.registry import register
from jupyter_mlops.serving import new_key
from jupyter_mlops.store import database, open_store

ROWS = pd.DataFrame({"x": np.arange(400.0), "unit": np.arange(400)})
POLICY = "version: 1\npolicy: everybody\nmodels: ['rul*']\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One plant with a version that nobody judged, one with nothing; a policy, manifests, a segment nobody declares."""
    root = tmp_path_factory.mktemp("planned")
    auth = f"auth: {json.dumps({'keys': [{'name': 'erp', 'sha256': new_key()[1]}]})}\n"
    deploy = "    deploy: {endpoint: rul, challenger_share: 10%}\n    retrain:"
    text = MLOPS_YAML.replace("    retrain:", deploy).replace("drift]", 'drift, {schedule: "0 3 * * 1"}]')
    (root / "mlops.yaml").write_text(text + auth + "policies: [policy.yaml]\n")
    (root / "policy.yaml").write_text(POLICY)
    (root / "data" / "plant-01").mkdir(parents=True)
    ROWS.assign(rul=ROWS["x"] * 2).to_parquet(root / "data" / "plant-01" / "evaluation.parquet")
    store = open_store(load(root))
    for name in ("rul.plant-01", "rul.plant-99"):
        run = store.create_run("rul", "by hand", key=name)
        model = LinearRegression().fit(ROWS[["x"]], ROWS["x"] * 1.99)
        store.log_model(run, model, input_example=ROWS[["x"]].head(3), requirements=["scikit-learn"])
        store.end_run(run, "FINISHED")
        register(store, run, name)
    return root


def _run(root, capsys, *words: str) -> tuple[int, dict]:
    status = main(["--json", "--project", str(root), *words])
    return status, json.loads(capsys.readouterr().out)["data"]


def _steps(root, capsys) -> dict:
    return {(s["kind"], s["name"]): s for s in _run(root, capsys, "plan")[1]["steps"]}


def _entered(root) -> int:
    with database(load(root)).read() as connection:
        return len(entries(connection, limit=1000))


def test_every_difference_is_named_then_closed_once(root, capsys):
    _run(root, capsys, "deploy", "-o", str(root / "deploy"), "--image", "registry.example.com/rul:2")
    before, entered = _steps(root, capsys), _entered(root)
    assert {key: step["by"] for key, step in before.items()} == {
        ("policy", "everybody"): "apply",
        ("promote", "rul.plant-01"): "apply",
        ("train", "rul.plant-02"): "person",
        ("registry", "rul.plant-99"): "person",
    }
    assert before["promote", "rul.plant-01"]["version"] == 1
    assert "no notebook notebooks/train.ipynb" in before["train", "rul.plant-02"]["what"]
    assert (_steps(root, capsys), _entered(root)) == (before, entered)

    status, data = _run(root, capsys, "apply")
    assert status == 0
    assert [(one["kind"], one["ok"]) for one in data["done"]] == [("policy", True), ("promote", True)]
    after, entered = {(s["kind"], s["name"]): s for s in data["left"]}, _entered(root)
    assert set(before) - set(after) == {("policy", "everybody"), ("promote", "rul.plant-01")}
    assert after["traffic", "rul.plant-01"]["by"] == "person"
    for words in (["apply"], ["reconcile"]):
        assert _run(root, capsys, *words)[1]["done"] == []
    assert (_steps(root, capsys), _entered(root)) == (after, entered)


def test_manifests_that_are_not_what_would_be_rendered_are_shown_and_rendered_again(root, capsys):
    _run(root, capsys, "deploy", "-o", str(root / "deploy"), "--image", "registry.example.com/rul:2")
    (root / "mlops.yaml").write_text((root / "mlops.yaml").read_text().replace("max: 5", "max: 6"))
    step = _steps(root, capsys)["deploy", "deploy"]
    assert step["by"] == "apply"
    assert "+" in step["diff"]
    assert "max: 6" in step["diff"]
    assert _run(root, capsys, "apply")[0] == 0
    assert ("deploy", "deploy") not in _steps(root, capsys)
    assert "image: registry.example.com/rul:2" in (root / "deploy" / "kubernetes.yaml").read_text()


def test_what_a_person_decided_stays_a_persons(root, capsys):
    (root / "policy.yaml").write_text(POLICY + "protect: [champion, production]\n")
    store = open_store(load(root))
    with acting(reason="out of service for good"):
        store.client.delete_registered_model_alias("rul.plant-01", "champion")
    steps = _steps(root, capsys)
    assert steps["policy", "everybody"]["by"] == "person"
    assert steps["promote", "rul.plant-01"]["by"] == "person"
    assert "no champion any more" in steps["promote", "rul.plant-01"]["what"]
    done = _run(root, capsys, "apply")[1]["done"]
    assert {one["kind"] for one in done} == {"deploy"}  # the manifests carry the policy's file


def test_two_at_once_are_told(root, capsys):
    with (root / ".mlops" / "reconcile.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["--project", str(root), "apply"]) == 2
    assert "reconciled already" in capsys.readouterr().err
    assert main(["--project", str(root), "reconcile", "--every", "soon"]) == 2
