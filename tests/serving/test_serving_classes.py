"""Models that answer with more than a number: classes that have names, several columns, tables; asked, logged and scored."""

import numpy as np
import pandas as pd
import pytest
from house import ROWS, Registry, logged, serving
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from jupyter_mlops.project import Project, load
from jupyter_mlops.serving.batching import _cut
from jupyter_mlops.serving.client import _answers, _probabilities
from jupyter_mlops.serving.scoring import score
from jupyter_mlops.store import answers, predict

YAML = """version: 1
project: shop
models:
  size:
    task: classification
    train: {notebook: none.ipynb}
    data: {training: rows.parquet, target: size}
    deploy: {endpoint: size}
  mixed:
    task: classification
    train: {notebook: none.ipynb}
    data: {training: rows.parquet, target: size}
    deploy: {endpoint: mixed, challenger_share: 50%}
"""
SIZES = np.repeat(["large", "medium", "small", "small"], 5)
ASKED = [{"x": 1.0}, {"x": 18.0}]


class Band(LinearRegression):
    """Answers with a table, as many a model of MLflow's does."""

    def predict(self, X):  # noqa: N803
        middle = super().predict(X)
        return pd.DataFrame({"low": middle - 1, "prediction": middle, "note": ["fine"] * len(middle)})


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    root = tmp_path_factory.mktemp("classes")
    (root / "mlops.yaml").write_text(YAML)
    return load(root)


@pytest.fixture
def registry(project: Project) -> Registry:
    return Registry(project)


@pytest.mark.parametrize(
    "model", [LogisticRegression(), RandomForestClassifier(5, random_state=1)], ids=["linear", "forest"]
)
def test_a_class_of_several_is_answered_by_name_with_the_probability_of_each(registry, model):
    registry.put("size", 1, model.fit(ROWS, SIZES), "champion")
    expected, chances = model.predict(pd.DataFrame(ASKED)), model.predict_proba(pd.DataFrame(ASKED))
    with serving(registry, "size") as client:
        said = client.predict(ASKED)
        tensors = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "data": [1.0, 18.0]}]}
        protocol = client.ask("POST", "/v2/models/size/infer", json=tensors).json()["outputs"]
        outputs = client.ask("GET", "/v2/models/size").json()["outputs"]
        reasons = client.ask("POST", "/explain", json={"dataframe_records": ASKED}).json()["explanations"]
    assert said["predictions"] == list(expected)
    assert list(said["probabilities"][0]) == ["large", "medium", "small"]
    assert [list(row.values()) for row in said["probabilities"]] == [pytest.approx(row) for row in chances]
    names = ["prediction", "probability_large", "probability_medium", "probability_small"]
    assert [(o["name"], o["datatype"]) for o in protocol] == [(names[0], "BYTES"), *((n, "FP64") for n in names[1:])]
    assert [(o["name"], o["datatype"]) for o in outputs] == [(o["name"], o["datatype"]) for o in protocol]
    assert (protocol[0]["data"], protocol[1]["data"]) == (list(expected), pytest.approx(chances[:, 0]))
    assert [one["probability_of"] for one in reasons] == list(expected)
    assert reasons[0]["prediction"] == pytest.approx(chances[0].max(), abs=1e-6)
    rows = logged(registry.project, "size").set_index("inference_id").loc[said["inference_ids"]]
    assert list(rows["prediction"]) == list(expected)
    assert rows["probability_medium"].to_numpy() == pytest.approx(chances[:, 1], abs=1e-6)


def test_names_without_probabilities_and_one_probability_of_two(registry):
    registry.put("size", 1, LinearSVC().fit(ROWS, SIZES), "champion")
    with serving(registry, "size") as client:
        assert set(client.predict(ASKED)["predictions"]) <= set(SIZES)
        refused = client.ask("POST", "/explain", json={"dataframe_records": ASKED})
    assert (refused.status_code, "gives no probabilities" in refused.text) == (400, True)
    registry.put(
        "size", 2, LogisticRegression().fit(ROWS, ROWS["x"].map(lambda x: "no" if x < 9 else "yes")), "champion"
    )
    with serving(registry, "size") as client:
        assert client.predict(ASKED)["predictions"][1] > 0.9
        [told] = client.ask("GET", "/v2/models/size").json()["outputs"]
    assert (told["datatype"], told["parameters"]) == ("FP64", {"probability_of": "yes"})


def test_a_table_is_answered_as_records_and_several_columns_as_lists(registry):
    registry.put("size", 1, Band().fit(ROWS, ROWS["x"]), "champion")
    with serving(registry, "size") as client:
        said = client.predict(ASKED)
    assert said["predictions"][1] == {"prediction": pytest.approx(18), "low": pytest.approx(17), "note": "fine"}
    row = logged(registry.project, "size").set_index("inference_id").loc[said["inference_ids"][1]]
    assert (row["prediction"], row["prediction_low"]) == (pytest.approx(18), pytest.approx(17))
    assert row["prediction_note"] == "fine"
    registry.put("size", 2, LinearRegression().fit(ROWS, np.column_stack([ROWS["x"], -ROWS["x"]])), "champion")
    with serving(registry, "size") as client:
        assert client.predict(ASKED)["predictions"][1] == pytest.approx([18, -18])


def test_a_mixture_of_versions_says_of_each_row_what_its_own_model_says(registry):
    registry.put("mixed", 1, LogisticRegression().fit(ROWS, SIZES), "champion")
    registry.put("mixed", 2, LinearRegression().fit(ROWS, ROWS["x"]), "challenger")
    with serving(registry, "mixed") as client:
        said = client.predict([{"x": float(x)} for x in range(20)] * 5)
    for value, chances, version in zip(said["predictions"], said["probabilities"], said["versions"], strict=True):
        assert isinstance(value, str) == (version == 1)
        assert (chances["small"] is None) == (version == 2)
    assert set(said["versions"]) == {1, 2}


def test_scored_rows_hold_the_same_columns(registry):
    model = LogisticRegression().fit(ROWS, SIZES)
    registry.put("size", 1, model, "champion")
    loaded = registry.source().load(registry.source().resolve("size@champion"))
    scored = score(registry.project, loaded, registry.project.target("size"), ROWS)
    assert list(scored["prediction"]) == list(predict(model, ROWS, ["x"]))
    assert scored.filter(like="probability_").sum(axis=1).to_numpy() == pytest.approx(1)
    kept = logged(registry.project, "size").set_index("inference_id").loc[scored["inference_id"]]
    assert list(kept["prediction"]) == list(scored["prediction"])


def test_answers_asked_together_are_handed_back_apart_and_a_client_shows_each_form():
    said = answers(LogisticRegression().fit(ROWS, SIZES), ROWS, ["x"])
    parts = list(_cut(said, [3, 17]))
    assert [len(part) for part in parts] == [3, 17]
    assert parts[1].more["probability_large"] == pytest.approx(said.more["probability_large"][3:])
    assert _answers([{"low": 1, "high": 2}]) == {"prediction_low": [1], "prediction_high": [2]}
    assert _answers([[1, 2]]) == {"prediction_0": [1], "prediction_1": [2]}
    assert _probabilities([{"a": 0.5}, {"b": 1.0}]) == {"probability_a": [0.5, None], "probability_b": [None, 1.0]}
