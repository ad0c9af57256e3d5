"""A real server, a real registry: answers, refusals, the log, the switch to a new champion, and a kill."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pandas as pd
import psutil
import pytest
from declared import MLOPS_YAML
from house import Client, until
from sklearn.linear_model import LinearRegression

from jupyter_mlops.errors import BadInput, NotFound, Unavailable
from jupyter_mlops.flows import promote, rollback
from jupyter_mlops.flows.endpoints import references, source
from jupyter_mlops.ledger import entries
from jupyter_mlops.project import Project, load
from jupyter_mlops.registry import register
from jupyter_mlops.serving import InferenceLog, endpoint, recover
from jupyter_mlops.serving.app import App
from jupyter_mlops.serving.models import Models
from jupyter_mlops.store import database, open_store

NAME = "rul.plant-01"
ROWS = pd.DataFrame({"x": np.arange(400.0), "unit": np.arange(400)})


def _version(store, slope: float) -> int:
    model = LinearRegression().fit(ROWS[["x"]], ROWS["x"] * slope)
    run_id = store.create_run("rul", "by hand", key=f"slope {slope}")
    store.log_model(run_id, model, input_example=ROWS[["x"]].head(3), requirements=["scikit-learn"])
    store.end_run(run_id, "FINISHED")
    return register(store, run_id, NAME).version


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    root = tmp_path_factory.mktemp("served")
    (root / "mlops.yaml").write_text(MLOPS_YAML)
    (root / "data" / "plant-01").mkdir(parents=True)
    ROWS.assign(rul=ROWS["x"] * 2).to_parquet(root / "data" / "plant-01" / "evaluation.parquet")
    made = load(root)
    store = open_store(made)
    assert promote(store, NAME, _version(store, 1.99), reason="first").done
    return made


def _serve(project: Project, *more: str) -> tuple[subprocess.Popen, str]:
    command = [sys.executable, "-m", "jupyter_mlops.cli", "--project", str(project.root), "serve", NAME, "--port", "0"]
    server = subprocess.Popen([*command, *more, "--json"], stdout=subprocess.PIPE, text=True)
    return server, json.loads(server.stdout.readline())["data"]["url"]


@pytest.fixture(scope="module")
def url(project: Project):
    server, url = _serve(project)
    yield url
    server.terminate()
    assert server.wait(20) in (0, -signal.SIGTERM)


def _post(url: str, body: bytes, kind: str = "application/json", **headers: str) -> tuple[int, dict]:
    request = urllib.request.Request(url, body, {"content-type": kind, **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_every_form_is_answered_and_a_new_champion_is_served_within_seconds(project: Project, url: str):
    expected = pytest.approx([1.99, 3.98])
    for body, kind in [
        (b'{"dataframe_split": {"columns": ["x"], "data": [[1], [2]]}}', "application/json"),
        (b'{"dataframe_records": [{"x": 1}, {"x": 2}]}', "application/json"),
        (b'{"instances": [[1], [2]]}', "application/json"),
        (b"x\n1\n2\n", "text/csv"),
    ]:
        status, answer = _post(f"{url}/invocations", body, kind)
        assert (status, answer["predictions"]) == (200, expected), body
    body = b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "data": [1, 2]}]}'
    assert _post(f"{url}/v2/models/{NAME}/infer", body)[1]["outputs"][0]["data"] == expected
    for page in ("/health/ready", "/metrics", "/openapi.json", "/", f"/v2/models/{NAME}"):
        assert urllib.request.urlopen(url + page, timeout=10).status == 200
    store = open_store(project)
    assert promote(store, NAME, _version(store, 2.0), reason="better").done
    until = time.monotonic() + 60
    while endpoint(url).predict(ROWS[["x"]].head(1))["version"][0] != 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert endpoint(url).predict(ROWS[["x"]].iloc[[5]])["prediction"][0] == pytest.approx(10)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "said"),
    [
        ("/invocations", b"{", {}, 400, "not valid JSON"),
        ("/invocations", b"[]", {}, 400, "none of the known forms"),
        ("/invocations", b'{"instances": []}', {}, 400, "no rows"),
        ("/invocations", b'{"dataframe_records": [{"y": 1}]}', {}, 400, "column 'x' is missing"),
        (
            "/invocations",
            b'{"dataframe_split": {"columns": ["x", "inference_id"], "data": [[1]]}}',
            {},
            400,
            "row 0: expected a list of 2 values, got a list of 1 values",
        ),
        (
            "/invocations",
            b'{"dataframe_records": [{"x": 1}, {"x": "fast"}]}',
            {},
            400,
            "column 'x', row 1: expected a number",
        ),
        ("/invocations", b'{"dataframe_records": [{"x": Infinity}]}', {}, 400, "column 'x', row 0"),
        ("/models/nope/invocations", b'{"instances": [[1]]}', {}, 404, "no model 'nope'"),
        ("/nowhere", b"{}", {}, 404, "not answered"),
        ("/invocations", b'{"instances": [[1]]}', {"host": "evil.example"}, 403, "not allowed"),
        ("/invocations", b'{"instances": [[1]]}', {"origin": "http://evil.example"}, 403, "not allowed"),
        ("/invocations", b"[" * 17 * 2**20, {}, 413, "larger than"),
        ("/ground-truth", b'{"truth": [{"id": 1}]}', {}, 400, "no ground truth"),
    ],
)
def test_bad_requests_are_told(url: str, path, body, headers, status, said):
    code, answer = _post(url + path, body, **headers)
    assert code == status
    assert said in answer["error"]["message"]


def test_the_client_keeps_its_connection_and_says_what_the_server_said(project: Project, url: str):
    client = endpoint(url, NAME)
    rows = ROWS[["x"]].head(2)
    first = client.predict(rows)
    connection = client._connection
    assert connection is not None
    assert client.predict(rows)["prediction"].tolist() == first["prediction"].tolist()
    assert client._connection is connection
    connection.sock.shutdown(socket.SHUT_RDWR)
    assert len(client.predict(rows)) == 2
    assert client.explain(rows.assign(x=[100.0, 200.0]))[1]["reasons"][0]["column"] == "x"
    said = client.truth(pd.DataFrame({"inference_id": first["inference_id"], "truth": [1.0, 2.0]}))
    assert (said["received"], said["kept"]) == (2, 2)
    with pytest.raises(BadInput, match="column 'x' is missing"):
        client.predict(rows.rename(columns={"x": "y"}))
    with pytest.raises(NotFound, match="no model 'nope'"):
        endpoint(url, "nope").predict(rows)
    with pytest.raises(Unavailable, match="does not answer"):
        endpoint("http://127.0.0.1:9").predict(rows)
    with pytest.raises(BadInput, match="no address"):
        endpoint("models.example")


def test_answers_on_an_open_connection_do_not_wait_for_the_network(url: str):
    client, times = endpoint(url, NAME), []
    for _ in range(30):
        began = time.perf_counter()
        client.predict(ROWS[["x"]].head(1))
        times.append(time.perf_counter() - began)
    assert sorted(times)[5] < 0.03  # a delayed ACK is 0.04, each time


def test_what_was_answered_before_a_kill_is_in_the_log_once(project: Project):
    log = InferenceLog(project)
    server, url = _serve(project)
    answered = [endpoint(url).predict(ROWS[["x"]].iloc[[i]])["inference_id"][0] for i in range(20)]
    time.sleep(1.0)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert recover(project) == 20
    assert recover(project) == 0
    rows = log.rows("rul", "plant-01")
    assert set(answered) <= set(rows["inference_id"])
    assert log.count("rul", "plant-01") == len(rows)  # none twice, whichever server of this project wrote it


def test_several_workers_answer_on_one_port_count_together_and_end_together(project: Project):
    server, url = _serve(project, "--workers", "2")
    try:
        first = psutil.Process(server.pid)
        until(lambda: _workers_answering(project, server.pid, url) == 2, within=200)
        (worker,) = first.children()
        asked = int(_metric(url, 'mlops_requests_total{status="200"}'))
        assert asked >= 2
        worker.kill()
        for _ in range(10):
            assert len(_fresh(url)) == 1
        until(lambda: [c for c in first.children() if c.pid != worker.pid and c.status() != "zombie"], within=60)
    finally:
        server.terminate()
    assert server.wait(60) in (0, -signal.SIGTERM)
    assert not (project.home / "serving" / str(server.pid)).exists()


def _fresh(url: str) -> list:
    return _post(f"{url}/invocations", b'{"instances": [[1]]}')[1]["predictions"]


def _workers_answering(project: Project, first: int, url: str) -> int:
    _fresh(url)
    files = (project.home / "serving" / str(first)).glob("*.json")
    return sum('mlops_requests_total{status=\\"200\\"}' in file.read_text() for file in files)


def _metric(url: str, name: str) -> float:
    text = urllib.request.urlopen(f"{url}/metrics", timeout=10).read().decode()
    return float(next(line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(name)))


def test_outcomes_restate_history(project: Project):
    log = InferenceLog(project)
    log.add_truth("rul", "plant-02", pd.DataFrame({"inference_id": ["a", "b"], "truth": [1.0, 2.0]}))
    log.add_truth("rul", "plant-02", pd.DataFrame({"inference_id": ["a"], "truth": [5.0]}))
    truth = log.truth("rul", "plant-02").set_index("inference_id")["truth"]
    assert truth.to_dict() == {"a": 5.0, "b": 2.0}


def test_a_worse_model_is_refused_and_a_rollback_goes_back(project: Project):
    store = open_store(project)
    number = _version(store, 3.0)
    decision = promote(store, NAME, number, reason="trust me")
    assert not decision.done
    assert "mae" in decision.reason
    with database(project).read() as connection:
        assert entries(connection, f"{NAME}/{number}", action="promotion refused")
    back = rollback(store, NAME, reason="errors since noon")
    assert (back.done, back.version) == (True, 1)
    with pytest.raises(BadInput, match="needs a reason"):
        rollback(store, NAME, reason="")


def test_a_models_name_stands_for_its_segments_and_a_version_is_taken_back_for_good_reason(project: Project):
    store = open_store(project)
    app = App(project, Models(project, references(store, "rul"), source(store)))
    try:
        client = Client(app)
        assert list(app.models.held) == [NAME]
        before = client.predict([{"x": 3.0, "segment": "plant-01"}], "rul")["version"]
        number = _version(store, 1.995)
        assert promote(store, NAME, number, reason="next").done
        until(lambda: client.predict([{"x": 3.0}], NAME)["version"] == number)
        assert source(store).rollback(NAME, number, "errors in its first minute")
        assert not source(store).rollback(NAME, number, "seen by another server too")
        until(lambda: client.predict([{"x": 3.0}], NAME)["version"] == before)
    finally:
        app.close()
    with database(project).read() as connection:
        entry = entries(connection, NAME, action="set alias")[0]
    assert (entry.actor, entry.reason) == ("jupyter-mlops serve", "errors in its first minute")
    assert references(store, "rul/3") == ["rul/3"]
    with pytest.raises(NotFound):
        source(store).resolve(references(store, "rul@challenger")[0])
