"""The `mlops.yaml` that tests start from; a module of its own, since every folder of tests may have a conftest."""

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
