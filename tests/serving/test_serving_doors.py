"""The server as a stranger meets it: protocols, keys, limits, outcomes, reasons, and what it keeps of people."""

import hashlib
import json
from datetime import timedelta

import pytest
from declared import MLOPS_YAML
from house import Registry, Slow, logged, serving, slope

from jupyter_mlops.errors import Refused, Unavailable
from jupyter_mlops.project import load
from jupyter_mlops.serving import answering, models, new_key, serve
from jupyter_mlops.serving.log import InferenceLog

NAME = "rul.plant-01"


def _registry(root, more: str = "", **replaced: str) -> Registry:
    text = MLOPS_YAML
    for old, new in replaced.items():
        text = text.replace(old.replace("_", " "), new)
    (root / "mlops.yaml").write_text(text + more)
    registry = Registry(load(root))
    registry.put(NAME, 1, slope(2), "champion")
    return registry


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with serving(_registry(tmp_path_factory.mktemp("doors")), NAME) as client:
        yield client


def _tensor(**changed):
    return {"name": "x", "datatype": "FP64", "shape": [2], "data": [1, 2], **changed}


def test_the_open_inference_protocol(client):
    assert client.ask("GET", "/v2").json()["name"] == "jupyter_mlops"
    assert client.ask("GET", "/v2/health/live").status_code == 200
    assert client.ask("GET", f"/v2/models/{NAME}/ready").status_code == 200
    said = client.ask("GET", f"/v2/models/{NAME}/versions/1").json()
    assert said["inputs"] == [{"name": "x", "datatype": "FP64", "shape": [-1]}]
    assert said["versions"] == ["1"]
    path = f"/v2/models/{NAME}/infer"
    for tensor in (_tensor(), _tensor(shape=[2, 1]), _tensor(name="input", shape=[2, 1], data=[[1], [2]])):
        answer = client.ask("POST", path, json={"id": "mine", "inputs": [tensor]}).json()
        assert (answer["id"], answer["model_name"], answer["model_version"]) == ("mine", NAME, "1")
        output = answer["outputs"][0]
        assert output["data"] == pytest.approx([2, 4])
        assert (output["name"], output["datatype"], output["shape"]) == ("prediction", "FP64", [2])
        assert len(output["parameters"]["inference_ids"]) == 2
    assert client.ask("POST", f"/v2/models/{NAME}/versions/1/infer", json={"inputs": [_tensor()]}).status_code == 200
    assert client.ask("POST", f"/v2/models/{NAME}/versions/9/infer", json={"inputs": [_tensor()]}).status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"inputs": [_tensor(shape=[3])]}, "shape [3] means 3 values, got 2"),
        ({"inputs": [_tensor(datatype="INT64", data=[1, 2.5])]}, "column 'x', row 1: expected INT64, got 2.5"),
        ({"inputs": [_tensor(datatype="UINT8", data=[1, 300])]}, "column 'x', row 1: expected UINT8, got 300"),
        ({"inputs": [_tensor(datatype="INT8", data=[-129, 1])]}, "column 'x', row 0: expected INT8, got -129"),
        ({"inputs": [_tensor(datatype="BOOL", data=[True, 7])]}, "column 'x', row 1: expected BOOL, got 7"),
        ({"inputs": [_tensor(datatype="BYTES", data=["1", "2"])]}, "column 'x', row 0: expected a number"),
        ({"inputs": [_tensor(datatype="QUATERNION")]}, 'datatype "QUATERNION" is not known'),
        ({"inputs": [_tensor(shape=[2, -1])]}, "no list of sizes"),
        ({"inputs": [_tensor(shape=[0], data=[])]}, "no rows"),
        ({"inputs": [_tensor(name="y")]}, "column 'x' is missing"),
        ({"inputs": [_tensor(), _tensor()]}, "two tensors have the same name"),
        ({"inputs": [_tensor(), _tensor(name="y", shape=[1], data=[1])]}, "'y' has 1 values"),
        ({"inputs": [_tensor()], "outputs": [{"name": "odds"}]}, "no such output"),
        ({"inputs": [{"name": "x", "parameters": {"binary_data_size": 8}}]}, "no list of values"),
        ({"inputs": [7]}, "inputs[0] is no tensor"),
        ({"inputs": []}, "no list of tensors"),
        ([], "no list of tensors"),
    ],
)
def test_bad_tensors_are_named_in_the_protocols_own_form(client, content, said):
    answer = client.ask("POST", f"/v2/models/{NAME}/infer", json=content)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert answer.json()["fix"]


def test_paths_and_methods_that_are_not_there(client):
    assert client.ask("GET", "/invocations").status_code == 405
    assert client.ask("DELETE", "/invocations").status_code == 405
    assert client.ask("GET", "/nowhere").status_code == 404
    assert client.ask("GET", "/v2/models/nope").status_code == 404
    assert client.ask("POST", f"/v2/models/{NAME}", json={}).status_code == 404
    near = client.ask("POST", "/models/rul.plant-1/invocations", json={"instances": [[1]]})
    assert near.status_code == 404
    assert NAME in near.json()["error"]["fix"]


def test_ids_are_the_clients_own_or_made(client):
    rows = [{"x": 1, "inference_id": "order-1"}, {"x": 2, "inference_id": "order-2"}]
    assert client.predict(rows)["inference_ids"] == ["order-1", "order-2"]
    made = client.predict([{"x": 1}] * 100)["inference_ids"]
    assert len(set(made)) == 100
    for wrong in (["a", "a"], [7, "b"], ["", "b"]):
        bad = [{"x": 1, "inference_id": value} for value in wrong]
        assert client.ask("POST", "/invocations", json={"dataframe_records": bad}).status_code == 400


def test_reasons_for_an_answer(client):
    said = client.ask("POST", f"/models/{NAME}/explain", json={"instances": [[5], [1]]}).json()
    first, usual = said["explanations"]
    assert first["prediction"] == pytest.approx(10)
    assert first["usual_prediction"] == pytest.approx(2)
    assert first["reasons"][0]["column"] == "x"
    assert first["reasons"][0]["effect"] == pytest.approx(8)
    assert usual["reasons"] == []
    many = client.ask("POST", "/explain", json={"instances": [[1]] * 101})
    assert "too many" in many.json()["error"]["message"]


def test_what_it_says_of_itself(client):
    paths = client.ask("GET", "/openapi.json").json()["paths"]
    row = paths[f"/models/{NAME}/invocations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert row["properties"]["dataframe_records"]["items"]["required"] == ["x"]
    page = client.ask("GET", "/").text
    assert f'value="/models/{NAME}/invocations"' in page
    text = client.ask("GET", "/metrics").text
    for name in ("mlops_requests_total", "mlops_predict_seconds_bucket", "mlops_inference_log_lost_total 0"):
        assert name in text


def _truth(client, *rows):
    return client.ask("POST", "/ground-truth", json={"truth": list(rows)})


def test_outcomes_are_told_apart(tmp_path):
    registry = _registry(tmp_path)
    with serving(registry, NAME) as client:
        ids = client.predict([{"x": 1}, {"x": 2}, {"x": 3}])["inference_ids"]
    with serving(registry, NAME) as client:
        said = _truth(client, {"inference_id": ids[0], "truth": 1.5, "observed_at": "2026-03-01T10:00:00Z"}).json()
        assert (said["kept"], said["not_in_log"]) == (1, 0)
        again = {"inference_id": ids[0], "truth": 1.5}
        said = _truth(client, again, again, {"inference_id": "nobody", "truth": 2}).json()
        assert (said["received"], said["repeated"], said["kept"], said["not_in_log"]) == (3, 2, 1, 1)
        assert said["ids"] == ["nobody"]
        said = _truth(client, {"inference_id": ids[0], "truth": 9}).json()
        assert said["corrected"] == 1
        said = _truth(client, {"inference_id": ids[0], "truth": 8, "observed_at": "2026-02-01T10:00:00Z"}).json()
        assert (said["kept"], said["corrected"]) == (1, 0)
        contradiction = _truth(client, {"inference_id": ids[1], "truth": 1}, {"inference_id": ids[1], "truth": 2})
        assert (contradiction.status_code, contradiction.json()["error"]["code"]) == (409, "conflict")
        later = [{"inference_id": ids[1], "truth": n, "observed_at": f"2026-03-0{n}"} for n in (2, 1)]
        assert _truth(client, *later).json()["kept"] == 1
        for wrong in (
            {"inference_id": ids[2]},
            {"inference_id": 7, "truth": 1},
            {"inference_id": ids[2], "truth": "good"},
            {"inference_id": ids[2], "truth": None},
            {"inference_id": ids[2], "truth": 1, "observed_at": "yesterday"},
            {"inference_id": ids[2], "truth": 1, "observed_at": 7},
            {"inference_id": ids[2], "truth": 10**400},
            {"inference_id": ids[2], "truth": -(2**63)},
            7,
        ):
            assert _truth(client, wrong).status_code == 400, wrong
        assert (
            client.ask("POST", "/ground-truth", content=b'{"truth": [{"inference_id": "a", "truth": NaN}]}').status_code
            == 400
        )
    truth = InferenceLog(registry.project).truth("rul", "plant-01").set_index("inference_id")["truth"]
    assert truth.to_dict() == {ids[0]: 9.0, "nobody": 2.0, ids[1]: 2.0}


def _keys(*entries: dict) -> str:
    return f"auth: {json.dumps({'keys': list(entries)})}\n"


def test_keys_open_what_they_are_for(tmp_path):
    (all_key, all_hash), (erp, erp_hash), (probe, probe_hash) = new_key(), new_key(), new_key()
    assert hashlib.sha256(all_key.encode()).hexdigest() == all_hash
    registry = _registry(
        tmp_path,
        _keys(
            {"name": "all", "sha256": all_hash},
            {"name": "erp", "sha256": erp_hash, "models": ["other"], "may": ["predict"]},
            {"name": "probe", "sha256": probe_hash, "may": ["metrics"]},
        ),
    )
    registry.put("other", 1, slope(3), "champion")
    body = {"instances": [[1]]}
    with serving(registry, NAME, "other") as client:

        def status(path: str, key: str = "", method: str = "POST", **more) -> int:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            return client.ask(method, path, headers={**headers, **more}, json=body).status_code

        assert status(f"/models/{NAME}/invocations") == 401
        assert status(f"/models/{NAME}/invocations", "mlops_guess") == 401
        assert status(f"/models/{NAME}/invocations", all_key) == 200
        assert status(f"/models/{NAME}/invocations", all_key, host="models.example") == 200
        assert status(f"/models/{NAME}/invocations", all_key, origin="http://evil.example") == 403
        assert status("/models/other/invocations", erp) == 200
        assert status(f"/models/{NAME}/invocations", erp) == 403
        assert status(f"/v2/models/{NAME}/infer", erp) == 403
        assert status("/ground-truth", erp) == 403
        assert status("/metrics", erp, "GET") == 403
        assert status("/metrics", probe, "GET") == 200
        assert status("/models/other/invocations", probe) == 403
        assert status("/metrics", method="GET") == 401
        assert status("/health/live", method="GET") == 200
        seen = client.ask("GET", "/openapi.json", headers={"x-api-key": erp}).text
        assert "other" in seen
        assert NAME not in seen
        answer = client.ask("POST", f"/models/{NAME}/invocations", json=body)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_other_machines_are_served_only_with_keys(tmp_path):
    registry = _registry(tmp_path)
    with pytest.raises(Refused, match="no API key"):
        serve(registry.project, [NAME], registry.source(), host="0.0.0.0", port=0)


def test_limits(tmp_path):
    limits = "serving: {limits: {rows: 3, body_mb: 0.001, rate: 5 per minute, timeout: 20ms}}\n"
    registry = _registry(tmp_path, limits)
    with serving(registry, NAME) as client:
        assert "more than 3" in client.ask("POST", "/invocations", json={"instances": [[1]] * 4}).text
        assert client.ask("POST", "/invocations", content=b" " * 2000).status_code == 413
        for _ in range(3):
            client.ask("GET", "/metrics")
        answer = client.ask("GET", "/metrics")
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 12
        assert client.ask("GET", "/health/live").status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(tmp_path):
    registry = _registry(tmp_path, "serving: {limits: {timeout: 10ms}}\n")
    registry.put(NAME, 1, Slow().fit([[1], [2], [3]], [1, 4, 9]), "champion")
    with serving(registry, NAME) as client:
        answer = client.ask("POST", "/invocations", json={"instances": [[1]]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")


@pytest.mark.parametrize("rule", ["keep", "hash", "drop"])
def test_sensitive_columns_are_kept_hashed_or_dropped_before_they_reach_a_disk(tmp_path, rule):
    registry = _registry(
        tmp_path,
        **{"      entity: unit": "      entity: unit\n      sensitive: [shift, unit]"},
        **{"    retrain:": f"    deploy: {{endpoint: rul, log: {{sensitive: {rule}}}}}\n    retrain:"},
    )
    rows = [{"x": 1, "unit": 7, "shift": "night", "password": "x"}, {"x": 1, "unit": 7, "shift": "day"}]
    with serving(registry, NAME) as client:
        client.predict(rows)
    kept = logged(registry.project, "rul", "plant-01")
    assert "password" not in kept.columns
    if rule == "keep":
        assert list(kept["shift"]) == ["night", "day"]
    elif rule == "drop":
        assert not {"shift", "unit"} & set(kept.columns)
    else:
        assert kept["shift"].nunique() == 2
        assert kept["unit"].nunique() == 1
        assert not kept["shift"].isin(["night", "day"]).any()


def test_a_sample_is_kept_with_its_weight(tmp_path):
    registry = _registry(tmp_path, **{"    retrain:": "    deploy: {endpoint: rul, log: {sample: 25%}}\n    retrain:"})
    with serving(registry, NAME) as client:
        for _ in range(200):
            client.predict([{"x": 1}])
        passed = client.metric("mlops_inference_log_sampled_out_total")
    kept = logged(registry.project, "rul", "plant-01")
    assert len(kept) + passed == 200
    assert 20 < len(kept) < 85
    assert set(kept["weight"]) == {4.0}


def test_a_clock_that_moves_backwards_confuses_nobody(tmp_path, monkeypatch):
    registry = _registry(tmp_path)
    hours = iter(range(1000, 0, -1))
    with serving(registry, NAME) as client:
        with monkeypatch.context() as patched:
            patched.setattr(answering.time, "time", lambda: 1_700_000_000.0 + 3600 * next(hours))
            ids = [client.predict([{"x": 1}])["inference_ids"][0] for _ in range(10)]
        assert client.metric("mlops_inference_log_lost_total") == 0
    kept = logged(registry.project, "rul", "plant-01")
    assert set(kept["inference_id"]) == set(ids)
    assert (kept["latency_ms"] >= 0).all()


def test_every_version_that_was_held_says_how_it_answers(client):
    said = client.ask("GET", f"/v2/models/{NAME}").json()
    assert said["platform"] == "sklearn (linear)"
    assert said["parameters"]["proof"] == {"way": "linear", "rows": 3, "difference": 0.0, "why": "", "graph": ""}
    assert models.EVERY <= 0.5
    assert timedelta(seconds=models.EVERY) < timedelta(seconds=2)


def test_storage_that_is_away_is_not_our_fault_and_its_place_is_nobodys_business(tmp_path, monkeypatch):
    class EndpointConnectionError(Exception):
        """As a bucket's client has it: no OSError."""

    registry = _registry(tmp_path)
    log = InferenceLog(registry.project)
    with serving(registry, NAME) as client, monkeypatch.context() as patched:
        patched.setattr(InferenceLog, "_files", lambda *_: (_ for _ in ()).throw(EndpointConnectionError("no route")))
        with pytest.raises(Unavailable, match="refuses: EndpointConnectionError: no route") as told:
            log.rows("rul", "plant-01")
        assert told.value.details["storage"] == log.place
        outcome = {"truth": [{"inference_id": "a", "truth": 1.0}]}
        refused = client.ask("POST", "/ground-truth", json=outcome)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        assert log.place not in refused.text
        patched.undo()
        assert client.ask("POST", "/ground-truth", json=outcome).json()["kept"] == 1
