"""What every test stands on: a project of its own, the observer strict, nothing of the person's own settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_mlops.project import Project, load

os.environ["MLOPS_STRICT"] = "1"
os.environ.pop("MLOPS_PROJECT", None)

MLOPS_YAML = """\
version: 1
project: test-plants
models:
  rul:
    task: regression
    owner: reliability@plant.example
    risk: high
    train: {notebook: notebooks/train.ipynb, parameters: {seed: 7}}
    data:
      training: data/{segment}/train.parquet
      evaluation: data/{segment}/evaluation.parquet
      target: rul
      entity: unit
    segments:
      plant-01: {}
      plant-02: {parameters: {seed: 8}}
    gates:
      - metric: mae
        max: 5
        versus_champion: {not_worse_by: 5%}
    retrain: {when: [performance, drift], promote: automatic}
    value: {per: prediction, amount: 0.5, currency: EUR, source: test}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of two plants, with an `mlops.yaml` and nothing else."""
    root = tmp_path / "plants"
    root.mkdir()
    (root / "mlops.yaml").write_text(MLOPS_YAML, encoding="utf-8")
    return load(root)
