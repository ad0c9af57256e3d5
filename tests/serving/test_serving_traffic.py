"""Which model answers which row: champion, challenger, shadow, segments; switches, failures and the way back."""

import re
import threading
import time

import numpy as np
import pandas as pd
import pytest
from declared import MLOPS_YAML
from house import ROWS, Failing, Registry, Slow, logged, serving, slope, until
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Project, load
from jupyter_mlops.serving import InferenceLog, models
from jupyter_mlops.serving.answering import stick
from jupyter_mlops.store import database

NAME = "rul.plant-01"


def _project(root, deploy: str = "", more: str = "") -> Project:
    text = MLOPS_YAML.replace("    retrain:", f"    deploy: {{endpoint: rul{deploy}}}\n    retrain:") + more
    (root / "mlops.yaml").write_text(text)
    return load(root)


class Digested(Registry):
    """Its versions have what their proofs and faster forms are kept by."""

    def _resolve(self, reference):
        found = super()._resolve(reference)
        return found.model_copy(update={"digest": f"{found.model}/{found.version}".encode().hex().ljust(64, "0")})


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(models, "EVERY", 0.05)


def _units(count: int) -> list[dict]:
    return [{"x": 1.0, "unit": unit} for unit in range(count)]


def _alerts(project: Project) -> list[str]:
    return [alert.sentence for alert in database(project).alerts("open") if alert.kind == "serving"]


def test_a_challenger_gets_its_share_and_each_entity_stays_with_one(tmp_path):
    registry = Registry(_project(tmp_path, ", challenger_share: 30%"))
    registry.put(NAME, 1, slope(1), "champion")
    registry.put(NAME, 2, slope(2), "challenger")
    with serving(registry, NAME) as client:
        first, second = client.predict(_units(500)), client.predict(_units(500))
        assert first["versions"] == second["versions"]
        assert 100 < first["versions"].count(2) < 200
        assert first["predictions"] == pytest.approx([1.0 * v for v in first["versions"]])
        expected = [2 if stick(NAME, unit) < 0.3 else 1 for unit in range(500)]
        assert first["versions"] == expected
        registry.point(NAME, "challenger", None)
        until(lambda: "versions" not in client.predict(_units(500)))
    rows = logged(registry.project, "rul", "plant-01")
    assert set(rows["role"]) == {"champion", "challenger"}
    assert rows[rows["unit"] == 3]["version"].head(2).nunique() == 1


def test_a_challenger_that_fails_costs_nobody_an_answer(tmp_path):
    registry = Registry(_project(tmp_path, ", challenger_share: 50%"))
    registry.put(NAME, 1, slope(1), "champion")
    registry.put(NAME, 2, Failing().fit(ROWS, ROWS["x"] * 2), "challenger")
    with serving(registry, NAME) as client:
        answer = client.predict([{"x": 5.0, "unit": unit} for unit in range(20)])
        assert answer["predictions"] == pytest.approx([5.0] * 20)
        assert client.metric("mlops_challenger_failures_total") == 1


def test_a_shadow_answers_behind_the_scenes_and_is_logged_apart(tmp_path):
    registry = Registry(_project(tmp_path, ", shadow: true"))
    registry.put(NAME, 1, slope(1), "champion")
    registry.put(NAME, 2, Slow().fit(ROWS, ROWS["x"] * 2), "challenger")
    with serving(registry, NAME) as client:
        answer = client.predict(_units(3))
        assert answer["predictions"] == pytest.approx([1.0] * 3)
        until(lambda: client.metric('mlops_predicted_rows_total{model="rul.plant-01",version="2",role="shadow"}') == 3)
    shadow = logged(registry.project, "rul", "plant-01", "shadow")
    assert list(shadow["inference_id"]) == answer["inference_ids"]
    assert list(shadow["prediction"]) == pytest.approx([2.0] * 3)
    assert list(logged(registry.project, "rul", "plant-01")["prediction"]) == pytest.approx([1.0] * 3)


def test_a_shadow_that_fails_is_counted_and_no_more(tmp_path):
    registry = Registry(_project(tmp_path, ", shadow: true"))
    registry.put(NAME, 1, slope(1), "champion")
    registry.put(NAME, 2, Failing().fit(ROWS, ROWS["x"]), "challenger")
    with serving(registry, NAME) as client:
        assert client.predict([{"x": 9.0}])["version"] == 1
        until(lambda: client.metric("mlops_shadow_failures_total") == 1)


def test_rows_go_to_their_segment_and_others_to_the_pooled_model(tmp_path):
    registry = Registry(_project(tmp_path))
    registry.put("rul", 4, slope(10), "champion")
    registry.put(NAME, 1, slope(1), "champion")
    registry.put("rul.plant-02", 2, slope(2), "champion")
    with serving(registry, "rul", NAME, "rul.plant-02") as client:
        segments = ["plant-01", "plant-02", "plant-77", "plant-01", None]
        answer = client.predict([{"x": 1.0, "segment": segment} for segment in segments], "rul")
        assert answer["predictions"] == pytest.approx([1, 2, 10, 1, 10])
        assert answer["versions"] == [1, 2, 4, 1, 4]
        assert client.predict([{"x": 1.0}], "rul.plant-77")["predictions"] == pytest.approx([10])
        registry.point(NAME, "champion", None)
        until(lambda: client.predict([{"x": 1.0, "segment": "plant-01"}], "rul")["predictions"][0] > 9)
    assert list(logged(registry.project, "rul", "plant-02")["version"]) == [2]
    pooled = logged(registry.project, "rul")
    assert list(pooled["asked_segment"])[:1] == ["plant-77"]


def test_rows_of_an_unknown_segment_are_named_where_there_is_no_pooled_model(tmp_path):
    registry = Registry(_project(tmp_path))
    registry.put(NAME, 1, slope(1), "champion")
    registry.put("rul.plant-02", 1, slope(2), "champion")
    with serving(registry, NAME, "rul.plant-02") as client:
        rows = [{"x": 1.0, "segment": "plant-01"}, {"x": 1.0, "segment": "plant-9"}]
        answer = client.ask("POST", "/models/rul/invocations", json={"dataframe_records": rows})
        assert answer.status_code == 400
        assert answer.json()["error"]["details"]["row"] == 1
        assert "plant-9" in answer.json()["error"]["message"]
        without = client.ask("POST", "/models/rul/invocations", json={"dataframe_records": [{"x": 1}]})
        assert "no column 'segment'" in without.json()["error"]["message"]


def test_reasons_outcomes_and_columns_go_by_a_models_name_where_its_segments_answer(tmp_path):
    registry = Registry(_project(tmp_path))
    registry.put(NAME, 1, slope(1), "champion")
    registry.put("rul.plant-02", 1, slope(2), "champion")
    rows = [{"x": 5.0, "segment": "plant-02"}, {"x": 5.0, "segment": "plant-01"}]
    with serving(registry, NAME, "rul.plant-02") as client:
        ids = client.predict(rows, "rul")["inference_ids"]
        said = client.ask("POST", "/models/rul/explain", json={"dataframe_records": rows}).json()
        assert [one["prediction"] for one in said["explanations"]] == pytest.approx([10, 5])
        assert client.ask("GET", "/v2/models/rul/ready").status_code == 200
        assert client.ask("GET", "/v2/models/rul").json()["inputs"][-1]["name"] == "segment"
        outcomes = [{"inference_id": one, "truth": truth} for one, truth in zip(ids, (11, 6), strict=True)]
        client.app.writer.close()
        said = client.ask("POST", "/ground-truth", json={"model": "rul", "truth": outcomes}).json()
        assert (said["kept"], said["not_in_log"]) == (2, 0)
    log = InferenceLog(registry.project)
    for segment, own, truth in (("plant-02", ids[0], 11), ("plant-01", ids[1], 6)):
        known = log.truth("rul", segment).set_index("inference_id")["truth"]
        assert known[own] == truth
    log.add_truth("rul", "plant-02", pd.DataFrame({"inference_id": [ids[0]], "truth": [12]}))
    assert log.truth("rul", "plant-02").set_index("inference_id")["truth"][ids[0]] == 12
    assert log.erase("rul", "plant-02", "x", {"5"}) == 1
    assert ids[0] not in set(log.truth("rul", "plant-02")["inference_id"])
    assert ids[1] in set(log.truth("rul", "plant-01")["inference_id"])


def test_a_segment_that_comes_into_service_is_answered_for_without_a_new_start(tmp_path):
    registry = Registry(_project(tmp_path))
    registry.put(NAME, 1, slope(1), "champion")
    registry.put("rul.plant-02", 1, BadInput("the files were changed"))
    registry.wanted = ["rul.plant-02@champion"]
    with serving(registry, NAME) as client:
        registry.point("rul.plant-02", "champion", 1)
        until(
            lambda: any(
                "rul.plant-02 is not served: the files were changed" in one for one in _alerts(registry.project)
            )
        )
        registry.put("rul.plant-02", 2, slope(2), "champion")
        client.app.models._absent.clear()  # it is tried again after a minute
        registry.point("rul.plant-02", "champion", 2)
        until(lambda: "rul.plant-02" in client.app.models.held)
        assert client.predict([{"x": 1.0}], "rul.plant-02")["predictions"] == pytest.approx([2])


def test_a_version_that_cannot_answer_its_own_example_is_not_switched_to(tmp_path):
    registry = Registry(_project(tmp_path))
    registry.put(NAME, 1, slope(1), "champion")
    with serving(registry, NAME) as client:
        registry.put(NAME, 2, BadInput("the files were changed"), "champion")
        until(lambda: _alerts(registry.project))
        assert re.search("stays on version 1: the files were changed", _alerts(registry.project)[0])
        assert client.predict([{"x": 3.0}])["version"] == 1
        loads = registry.loads
        for _ in range(4):
            registry.point("other", "champion", 1)  # the registry changes, and with it what the server looks at
            time.sleep(0.2)
        assert registry.loads == loads
        registry.put(NAME, 3, slope(3), "champion")
        until(lambda: client.predict([{"x": 3.0}])["version"] == 3)
        assert registry.loads == loads + 1  # the version that failed was not tried over and over


def test_a_model_taken_out_of_service_answers_410_until_it_is_back(tmp_path):
    registry = Registry(_project(tmp_path))
    registry.put(NAME, 1, slope(1), "champion")
    with serving(registry, NAME) as client:
        registry.point(NAME, "champion", None)
        until(lambda: client.ask("GET", "/health/ready").status_code == 503)
        answer = client.ask("POST", "/invocations", json={"instances": [[1]]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "withdrawn")
        assert client.ask("GET", f"/v2/models/{NAME}/ready").status_code == 410
        assert client.ask("GET", "/health/live").status_code == 200
        registry.point(NAME, "champion", 1)
        until(lambda: client.ask("GET", "/health/ready").status_code == 200)
        assert client.predict([{"x": 2.0}])["predictions"] == pytest.approx([2.0])


def test_a_new_version_that_fails_is_taken_back_and_no_request_failed(tmp_path):
    registry = Registry(_project(tmp_path, ", rollback: {window: 5m, requests: 10, errors: 10%}"))
    registry.put(NAME, 1, slope(1), "champion")
    with serving(registry, NAME) as client:
        registry.put(NAME, 2, Failing().fit(ROWS, ROWS["x"] * 2), "champion")
        until(lambda: client.predict([{"x": 1.0}])["version"] == 2)
        for _ in range(20):
            assert client.predict([{"x": 7.0}])["predictions"] == pytest.approx([7.0])
        until(lambda: registry.rolled_back)
        until(lambda: client.predict([{"x": 1.0}])["version"] == 1)
        assert "requests failed" in registry.rolled_back[0][1]
        assert any("taken back" in sentence for sentence in _alerts(registry.project))
        assert len(registry.rolled_back) == 1


def test_a_new_version_that_is_slow_or_performs_worse_is_taken_back(tmp_path):
    registry = Registry(_project(tmp_path, ", rollback: {window: 5m, requests: 5, latency: 20ms}"))
    registry.put(NAME, 1, slope(1), "champion")
    with serving(registry, NAME) as client:
        registry.put(NAME, 2, Slow().fit(ROWS, ROWS["x"] ** 2), "champion")
        until(lambda: client.predict([{"x": 1.0}])["version"] == 2)
        until(lambda: client.predict([{"x": 1.0}])["version"] == 1)
        assert "ms or longer" in registry.rolled_back[0][1]
        registry.put(NAME, 2, slope(2), "champion")
        until(lambda: client.predict([{"x": 1.0}])["version"] == 2)
        base = database(registry.project)
        base.open_alert("rul", "plant-01", "performance", "mae", "the error rose by 40 %", "critical")
        until(lambda: client.predict([{"x": 1.0}])["version"] == 1)
        assert registry.rolled_back[1] == (NAME, "version 2 was taken back by itself: the error rose by 40 %")


def test_models_beyond_the_limit_leave_memory_and_come_back(tmp_path):
    registry = Registry(_project(tmp_path, more="serving: {models_in_memory: 3}\n"))
    names = [f"m{i}" for i in range(12)]
    for number, name in enumerate(names):
        registry.put(name, 1, slope(number), "champion")
    with serving(registry, *names) as client:
        assert client.metric("mlops_models_in_memory") == 3
        for number, name in enumerate(names * 2):
            assert client.predict([{"x": 1.0}], name)["predictions"] == pytest.approx([number % 12], abs=1e-9)
        assert client.metric("mlops_models_in_memory") == 3
        loads = registry.loads
        client.predict([{"x": 1.0}], "m11")
        assert registry.loads == loads


def test_models_that_gave_way_are_made_fast_too_and_come_back_without_being_read(tmp_path):
    pytest.importorskip("skl2onnx")
    registry = Digested(_project(tmp_path, more="serving: {models_in_memory: 1}\n"))
    for name in ("m0", "m1", "m2"):
        registry.put(name, 1, RandomForestRegressor(5, random_state=0).fit(ROWS, ROWS["x"]), "champion")
    with serving(registry, "m0", "m1", "m2") as client:
        held = client.app.models.held
        until(lambda: all((one.ready or one.asleep).proof.way == "onnx" for one in held.values()), within=60)
        assert client.metric("mlops_models_in_memory") == 1
        loads = registry.loads
        for name in ("m0", "m1", "m2", "m0"):
            client.predict([{"x": 3.0}], name)
        assert registry.loads == loads


class Hanging(LinearRegression):
    """Answers its input example, and for anything else keeps its thread until `let_go`."""

    let_go = threading.Event()

    def predict(self, X):  # noqa: N803
        time.sleep(0.002)  # so slow that it is asked in a thread
        if (np.asarray(X) >= 3).any():
            Hanging.let_go.wait(60)
        return super().predict(X)


def test_a_model_that_never_answers_keeps_nobody_else_waiting(tmp_path):
    more = "serving: {limits: {timeout: 1s}}\n"
    registry = Registry(_project(tmp_path, ", shadow: true", more))
    for name, model in (
        (NAME, slope(1)),
        ("hung", Hanging().fit(ROWS, ROWS["x"] ** 2)),
        ("slow", Slow().fit(ROWS, ROWS["x"] ** 2)),
    ):
        registry.put(name, 1, model, "champion")
    registry.put(NAME, 2, Hanging().fit(ROWS, ROWS["x"] ** 2), "challenger")
    try:
        with serving(registry, NAME, "hung", "slow") as client:
            hung = ("POST", "/models/hung/invocations", {"json": {"instances": [[5.0]]}})
            shadowed = (*hung[:1], f"/models/{NAME}/invocations", hung[2])
            answers = client.all([hung, hung, ("POST", "/models/hung/explain", hung[2]), *[shadowed] * 300])
            assert [answer.status_code for answer in answers[:3]] == [504] * 3
            assert {answer.status_code for answer in answers[3:]} == {200}
            assert client.metric("mlops_shadow_passed_over_total") >= 100
            assert client.predict([{"x": 5.0}], "slow")["version"] == 1
            assert client.ask(*hung[:2], **hung[2]).status_code == 504
            assert client.predict([{"x": 5.0}], "slow")["version"] == 1
            Hanging.let_go.set()
            until(lambda: client.ask(*hung[:2], **hung[2]).status_code == 200)
    finally:
        Hanging.let_go.set()


def test_waiting_requests_are_answered_together_and_a_bad_one_alone(tmp_path):
    registry = Registry(_project(tmp_path))

    class Counting(Slow):
        calls = 0

        def predict(self, X):  # noqa: N803
            Counting.calls += 1
            if (X["x"] == 13).any():
                raise RuntimeError("13")
            return super().predict(X)

    registry.put(NAME, 1, Counting().fit(ROWS, ROWS["x"] ** 2), "champion")
    with serving(registry, NAME) as client:
        Counting.calls = 0
        bodies = [{"json": {"instances": [[x]]}} for x in range(40) if x != 13]
        answers = client.all([("POST", "/invocations", body) for body in bodies])
        assert {answer.status_code for answer in answers} == {200}
        assert Counting.calls < 10
        line = Slow().fit(ROWS, ROWS["x"] ** 2)
        expected = line.predict([[x] for x in range(40) if x != 13])
        assert [answer.json()["predictions"][0] for answer in answers] == pytest.approx(list(expected))
        bodies = [{"json": {"instances": [[x]]}} for x in (11, 12, 13, 14)]
        answers = client.all([("POST", "/invocations", body) for body in bodies])
        assert [answer.status_code for answer in answers] == [200, 200, 503, 200]
        assert "13" not in answers[2].json()["error"]["message"]
