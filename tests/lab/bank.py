"""A project as a data scientist at a bank may have it: two versions of a classifier judged with every part of evidence, a policy
that asks for approval, an alert, and a notebook that takes typed parameters."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from jupyter_mlops.flows import apply_policies, declared_policies, promote, validate_version
from jupyter_mlops.governance import acting
from jupyter_mlops.project import Project, load
from jupyter_mlops.records import Dataset
from jupyter_mlops.registry import register
from jupyter_mlops.store import Store, database, open_store

YAML = """\
version: 1
project: bank
business_unit: lending
policies: [policy.yaml]
models:
  loan:
    task: classification
    risk: high
    train: {notebook: train.ipynb}
    data: {training: train.parquet, evaluation: evaluation.parquet, target: paid, sensitive: [sex, region]}
    gates:
      - {metric: auc, min: 0.7, versus_champion: {not_worse_by: 5%}, slices: [region]}
      - fairness: {metric: demographic_parity_difference, max: 0.9, by: [sex]}
      - quality: {nulls: 1%}
"""
POLICY = """\
version: 1
policy: lending
models: ["loan*"]
protect: [champion]
approvals: {roles: {validator: 1}, expire: 14d}
roles: {validator: [vera], on-call: [otto]}
break_glass: {roles: [on-call], review_within: 2d}
"""
PARAMETERS = """\
from typing import Annotated, Literal
rate: float = 0.1  # 0 < rate <= 1, the step
rounds: Annotated[int, range(1, 21)] = 3
loss: Literal["log", "hinge"] = "log"
deep: bool = False
note = "as it was"
"""
STEPS = """\
import time
print("rate", rate, "loss", loss, "note", note, flush=True)
for step in range(rounds):
    time.sleep(pause)
    print("round", step + 1, flush=True)
"""
COLUMNS = ["age", "income"]


def loans(seed: int, rows: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": random.normal(40, 10, rows), "income": random.normal(0, 1, rows)})
    chance = 1 / (1 + np.exp(-(frame["age"] - 40) / 6 - frame["income"]))
    return frame.assign(
        paid=np.where(random.random(rows) < chance, "yes", "no"),
        sex=random.choice(["f", "m"], rows),
        region=random.choice(["north", "south"], rows),
    )


def notebook(root: Path, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    node = nbformat.v4.new_notebook(metadata=spec)
    node.cells.append(nbformat.v4.new_markdown_cell("# Training\nWhat a job executes, **as it goes**."))
    node.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    node.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(node, root / name)
    return root / name


def bank(root: Path) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlops.yaml").write_text(YAML.replace("policies: [policy.yaml]\n", ""))
    loans(1, 1500).to_parquet(root / "train.parquet")
    loans(2, 1500).to_parquet(root / "evaluation.parquet")
    notebook(root, "train.ipynb", "pause = 0.01", STEPS, "score = 0.75\nscore")
    project = load(root)
    store = open_store(project)
    first = _version(store, 1.0)
    promote(store, "loan", first, reason="the first that works")
    (root / "mlops.yaml").write_text(YAML)
    (root / "policy.yaml").write_text(POLICY)
    project = load(root)
    store = open_store(project)
    with acting(reason="declared in mlops.yaml") as act:
        apply_policies(database(project), declared_policies(project), act)
    validate_version(store, "loan", _version(store, 0.02))
    database(project).open_alert("loan", None, "drift", "income", "income moved: its mean rose from 0 to 1.", "warning")
    return project


def _version(store: Store, strength: float) -> int:
    rows = loans(1, 1500)
    model = LogisticRegression(C=strength).fit(rows[COLUMNS], rows["paid"])
    run = store.create_run("loan", f"C={strength}", key=f"loan {strength}")
    store.log(run, parameters={"C": strength}, metrics={"auc": 0.8 + strength / 100})
    store.log_datasets(run, [Dataset(name="train", digest="d" * 12, source="train.parquet", rows=1500, columns=5)])
    store.log_model(run, model, input_example=rows[COLUMNS].head(3), requirements=["scikit-learn"])
    store.end_run(run, "FINISHED")
    return register(store, run, "loan").version


if __name__ == "__main__":
    bank(Path(sys.argv[1]))
