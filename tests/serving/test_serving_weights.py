"""A sample of the requests stands for all of them: in the log, in what is counted, in what a window is judged on."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
from declared import MLOPS_YAML
from house import Registry, logged, serving
from sklearn.linear_model import LinearRegression

from jupyter_mlops.flows.windows import evenly
from jupyter_mlops.project import load
from jupyter_mlops.serving import InferenceLog
from jupyter_mlops.store import LoadedModel

NAME = "rul.plant-01"


class Weighing(Registry):
    """Its model has a column that is called `weight`."""

    def _load(self, version):
        rows = pd.DataFrame({"weight": [1.0, 2.0, 3.0]})
        return LoadedModel(version, LinearRegression().fit(rows, rows["weight"]), ["weight"], rows)


def _log(project, count: int, weight: float | None, first: str) -> InferenceLog:
    rows = pd.DataFrame({"inference_id": [f"{first}{i}" for i in range(count)], "prediction": 1.0, "version": 1})
    rows["time"] = datetime.now(UTC)
    log = InferenceLog(project)
    log.append("rul", "plant-01", rows if weight is None else rows.assign(sampling_weight=weight))
    return log


def test_what_was_asked_is_counted_by_what_each_row_stands_for(project):
    log = _log(project, 30, 10.0, "sampled")
    assert log.asked("rul", "plant-01") == 300
    _log(project, 20, None, "scored")
    old = pd.DataFrame({"inference_id": ["old"], "prediction": 1.0, "version": 1, "weight": 4.0, "role": "champion"})
    log.append("rul", "plant-01", old.assign(time=datetime.now(UTC)))
    assert log.asked("rul", "plant-01") == 324
    rows = log.rows("rul", "plant-01")
    assert (log.count("rul", "plant-01"), rows["sampling_weight"].sum()) == (51, 324)


def test_a_window_with_rows_of_several_weights_is_thinned_to_one():
    many = pd.DataFrame({"inference_id": [f"a{i}" for i in range(8000)], "x": 0.0, "sampling_weight": 1.0})
    few = pd.DataFrame({"inference_id": [f"b{i}" for i in range(2000)], "x": 1.0, "sampling_weight": 10.0})
    rows = pd.concat([many, few])
    even = evenly(rows)
    assert (even["x"] == 1).sum() == 2000
    assert abs(even["x"].mean() - np.average(rows["x"], weights=rows["sampling_weight"])) < 0.02
    assert evenly(rows).equals(even)
    assert evenly(few).equals(few)
    assert not len(evenly(few.head(0)))


def test_a_models_own_column_of_that_name_is_kept(tmp_path):
    (tmp_path / "mlops.yaml").write_text(MLOPS_YAML)
    registry = Weighing(load(tmp_path))
    registry.put(NAME, 1, None, "champion")
    with serving(registry, NAME) as client:
        client.predict([{"weight": 71.5}], NAME)
    rows = logged(registry.project, "rul", "plant-01")
    assert (rows["weight"].iloc[0], rows["sampling_weight"].iloc[0]) == (71.5, 1.0)
