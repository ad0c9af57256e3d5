"""`validate` and `explain` as they are typed: real registry, real files, every kind of gate, bad input told with its rows."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
from mlflow import MlflowException
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from jupyter_mlops.cli import main
from jupyter_mlops.project import Project, load
from jupyter_mlops.records import Evidence
from jupyter_mlops.registry import register
from jupyter_mlops.store import open_store
from jupyter_mlops.validation import digest

YAML = """\
version: 1
project: judged
models:
  loan:
    task: classification
    train: {notebook: train.ipynb}
    data:
      training: train.parquet
      evaluation: evaluation.parquet
      target: paid
      timestamp: at
      sensitive: [sex, region]
    gates:
      - {metric: auc, min: 0.7, versus_champion: {not_worse_by: 5%}, slices: [region]}
      - calibration: {max: 0.2}
      - fairness: {metric: demographic_parity_difference, max: 0.9, by: [sex, region]}
      - robustness: {metric: accuracy, loses: 90%, noise: 0.1, permuted: [age], out_of_range: [age]}
      - latency: {max: 5s}
      - size: {max_mb: 50}
      - quality: {nulls: 1%, duplicates: 0%, min_rows: 100}
      - leakage: {rows: 0%}
      - freshness: {max_age: 400d}
  kind:
    task: classification
    train: {notebook: train.ipynb}
    data: {training: train.parquet, evaluation: kinds.parquet, target: kind}
    gates: [{metric: f1_macro, min: 0.5}]
"""
COLUMNS = ["age", "income"]
TOLD = ("Against the champion on the same rows", "Fairness between groups", "Why it answers as it does")


def _loans(seed: int, rows: int, start: str) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": random.normal(40, 10, rows), "income": random.normal(0, 1, rows)})
    chance = 1 / (1 + np.exp(-(frame["age"] - 40) / 6 - frame["income"]))
    return frame.assign(
        paid=np.where(random.random(rows) < chance, "yes", "no"),
        sex=random.choice(["f", "m"], rows),
        region=random.choice(["north", "south"], rows),
        at=pd.date_range(start, periods=rows, freq="h"),
    )


def _ship(store, name: str, model: object, example: pd.DataFrame) -> int:
    run_id = store.create_run(name, "by hand", key=f"{name} {model}")
    store.log_model(run_id, model, input_example=example.head(3), requirements=["scikit-learn"])
    store.end_run(run_id, "FINISHED")
    return register(store, run_id, name).version


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    root = tmp_path_factory.mktemp("judged")
    (root / "mlops.yaml").write_text(YAML)
    train, evaluation = _loans(1, 2000, "2026-01-01"), _loans(2, 2000, "2026-04-01")
    train.to_parquet(root / "train.parquet")
    evaluation.to_parquet(root / "evaluation.parquet")
    kinds = evaluation.assign(
        kind=pd.cut(evaluation["age"], [-99, 35, 45, 199], labels=["low", "mid", "high"]).astype(str)
    )
    kinds[["age", "income", "kind"]].to_parquet(root / "kinds.parquet")
    made = load(root)
    store = open_store(made)
    for c in (0.0001, 1.0):
        _ship(store, "loan", LogisticRegression(C=c).fit(train[COLUMNS], train["paid"]), train[COLUMNS])
    forest = RandomForestClassifier(20, max_depth=4, random_state=0)
    _ship(store, "kind", forest.fit(kinds[COLUMNS], kinds["kind"]), kinds[COLUMNS])
    return made


def _run(project: Project, capsys, *words: str) -> tuple[int, dict]:
    status = main(["--project", str(project.root), *words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_every_kind_of_gate_answers_and_the_same_inputs_give_the_same_bytes(project: Project, capsys):
    status, answer = _run(project, capsys, "validate", "loan", "2")
    data = answer["data"]
    assert status == 0, [g for g in data["gates"] if g["verdict"] != "pass"]
    assert answer["ok"]
    assert data["verdict"] == "pass"
    kinds = " ".join(gate["gate"] for gate in data["gates"])
    asked = ["auc at least", "region=north", "versus champion", "ece", "parity", "noise", "shuffled", "out of range"]
    for word in [*asked, "latency", "size", "training rows", "nulls", "copies", "leakage", "freshness"]:
        assert word in kinds
    rows = pd.read_parquet(project.root / "evaluation.parquet")
    auc = next(e for e in data["estimates"] if (e["metric"], e["slice"]) == ("auc", ""))
    model = LogisticRegression().fit(
        *(lambda t: (t[COLUMNS], t["paid"]))(pd.read_parquet(project.root / "train.parquet"))
    )
    assert auc["value"] == pytest.approx(
        sk.roc_auc_score(rows["paid"], model.predict_proba(rows[COLUMNS])[:, 1]), abs=1e-9
    )
    assert data["design"] == "days of at"
    assert list(data["timings"]) == ["seconds for one row, 95 % of calls within"]
    assert [f["by"] for f in data["fairness"]] == ["sex", "region", "sex and region"]
    again = _run(project, capsys, "validate", "loan", "2")[1]["data"]
    assert again["digest"] == data["digest"]
    assert _run(project, capsys, "validate", "loan", "2", "--seed", "1")[1]["data"]["digest"] != data["digest"]


def test_a_champion_is_held_against_the_version_and_kept_files_verify(project: Project, capsys):
    status, answer = _run(project, capsys, "promote", "loan", "2", "--reason", "first")
    assert status == 0, answer
    status, answer = _run(project, capsys, "validate", "loan", "1")
    data = answer["data"]
    assert {c["slice"] for c in data["comparisons"]} == {"", "region=north", "region=south"}
    assert data["explanation"]["champion"]
    assert data["champion_digest"]
    store = open_store(project)
    run_id = store.client.get_model_version("loan", "1").run_id
    evidence = Evidence.model_validate_json(store.artifact(run_id, f"evidence/{data['digest']}.json").read_text())
    assert digest(evidence) == evidence.digest == data["digest"]
    drawn = store.artifact(run_id, f"evidence/{data['digest']}/importance.svg").read_bytes()
    assert hashlib.sha256(drawn).hexdigest() == evidence.figures["importance.svg"]


def test_the_card_shows_what_the_evidence_found_and_computes_nothing(project: Project, capsys):
    data = _run(project, capsys, "validate", "loan", "1")[1]["data"]
    status, answer = _run(project, capsys, "card", "loan", "1", "--format", "json")
    assert status == 0
    card = answer["data"]["card"] if "card" in answer["data"] else answer["data"]
    assert card["findings"]["groups"] == data["fairness"]
    assert card["findings"]["reasons"]["importances"] == data["explanation"]["importances"]
    main(["--project", str(project.root), "card", "loan", "1", "--format", "md"])
    said = capsys.readouterr().out
    for title in (*TOLD, "How the answer follows a column"):
        assert title in said


def test_many_classes_that_are_words(project: Project, capsys):
    status, answer = _run(project, capsys, "validate", "kind", "1")
    assert status == 0
    assert answer["data"]["classes"] == ["high", "low", "mid"]
    assert {"accuracy", "f1_macro", "auc_ovr", "log_loss", "ece"} <= {e["metric"] for e in answer["data"]["estimates"]}


def test_one_answer_is_explained(project: Project, capsys):
    status, answer = _run(project, capsys, "explain", "loan", "2", "--row", "3")
    assert status == 0
    assert {r["column"] for r in answer["data"]} == set(COLUMNS)
    status, answer = _run(project, capsys, "explain", "loan", "2", "--row", "2000")
    assert (status, answer["error"]["message"]) == (2, "there is no row 2000; the rows are 0 to 1999")


def _spoilt(rows: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, int, str]]:
    """What is wrong, the exit status, and what must be said."""
    infinite = rows.assign(age=rows["age"].where(rows.index != 17, np.inf))
    return {
        "no target": (rows.drop(columns="paid"), 2, "no column 'paid'"),
        "no feature": (rows.drop(columns="age"), 2, "lack 1 columns"),
        "no rows": (rows.head(0), 2, "no rows"),
        "text in numbers": (rows.assign(age="old"), 2, "cannot answer these rows"),
        "some rows raise": (infinite, 2, "cannot answer 1 of 2000 rows (row 17)"),
        "no outcome": (rows.assign(paid=rows["paid"].where(rows.index > 3)), 2, "4 rows have no outcome"),
        "strange classes": (rows.assign(paid="perhaps"), 2, "the model answers no, yes"),
        "one class": (rows[rows["paid"] == "yes"], 1, "every outcome is 'yes'"),
        "a new class": (rows.assign(paid=rows["paid"].where(rows.index > 3, "late")), 1, "does not know class late"),
        "copies": (pd.concat([rows, rows]), 0, "2000 of 4000 rows are exact copies"),
        "one row in a slice": (rows.assign(region=rows["region"].where(rows.index > 0, "east")), 1, "region=east"),
        "too few": (rows.head(20), 1, "too few"),
    }


@pytest.mark.parametrize("case", list(_spoilt(_loans(2, 2000, "2026-04-01"))))
def test_bad_input_is_told(project: Project, tmp_path, capsys, case: str):
    frame, expected, said = _spoilt(_loans(2, 2000, "2026-04-01"))[case]
    frame.to_parquet(tmp_path / "rows.parquet")
    status, answer = _run(project, capsys, "validate", "loan", "2", "--data", str(tmp_path / "rows.parquet"))
    assert status == expected
    assert said in json.dumps(answer, ensure_ascii=False)


def test_a_gate_written_wrongly_is_told_by_line(project: Project, tmp_path, capsys):
    (tmp_path / "mlops.yaml").write_text(YAML.replace("calibration: {max: 0.2}", "calibration: {most: 0.2}"))
    status, answer = _run(load(project.root), capsys, "--project", str(tmp_path), "validate", "loan", "2")
    assert status == 2
    assert "line 15" in answer["error"]["message"]


def test_what_a_person_reads(project: Project, capsys):
    main(["--project", str(project.root), "validate", "loan", "2"])
    said = capsys.readouterr().out
    assert "reasons  brier grows by" in said
    assert "verdict: pass" in said


POLICY = """\
version: 1
policy: lending
models: [loan]
protect: [champion, production]
gates: [auc, {metric: accuracy, min: %s, slices: [sex]}, {freshness: {max_age: 900d}}]
"""


@pytest.mark.parametrize(("least", "verdict", "status"), [(0.5, "pass", 0), (0.99, "fail", 1)])
def test_a_gate_that_a_policy_states_in_full_is_computed_and_decides(
    project: Project, tmp_path, capsys, least: float, verdict: str, status: int
):
    (tmp_path / "lending.yaml").write_text(POLICY % least)
    words = ["policy", "apply", str(tmp_path / "lending.yaml"), "--reason", "agreed"]
    assert _run(project, capsys, *words)[0] == 0
    try:
        found, answer = _run(project, capsys, "promote", "loan", "2", "--reason", "tried")
        data = _run(project, capsys, "validate", "loan", "2")[1]["data"]
        mine = {g["gate"]: g for g in data["gates"] if g["policy"].startswith("lending ")}
        assert found == status, answer
        gate = mine[f"accuracy at least {least}"]
        assert (gate["verdict"], data["verdict"]) == (verdict, verdict)
        assert gate["sentence"].endswith("(policy lending)")
        assert {"freshness", f"accuracy at least {least} for sex=f"} <= set(mine)
    finally:
        assert _run(project, capsys, "policy", "withdraw", "lending", "--reason", "tried")[0] == 0


def test_an_easier_gate_of_the_same_name_is_not_the_policys(project: Project, tmp_path, capsys):
    """What passed yesterday's policy is not taken for today's."""
    for least in (0.5, 0.6):
        (tmp_path / "lending.yaml").write_text(POLICY % least)
        assert _run(project, capsys, "policy", "apply", str(tmp_path / "lending.yaml"), "--reason", "agreed")[0] == 0
        if least == 0.5:
            assert _run(project, capsys, "validate", "loan", "2")[0] == 0
    store = open_store(project)
    with pytest.raises(MlflowException, match="asks for accuracy, which was not judged as it is now"):
        store.client.set_registered_model_alias("loan", "production", "2")
    assert _run(project, capsys, "policy", "withdraw", "lending", "--reason", "tried")[0] == 0
