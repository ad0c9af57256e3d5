"""Files scored out of core, people erased, and what is rendered to run elsewhere."""

import json
import re

import pandas as pd
import pytest
import yaml
from declared import MLOPS_YAML
from house import ROWS, Registry, logged, serving, slope

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows import erase
from jupyter_mlops.ledger import entries
from jupyter_mlops.project import load
from jupyter_mlops.serving import new_key, recover, score_file, scoring
from jupyter_mlops.serving.log import InferenceLog
from jupyter_mlops.serving.wal import WriteAhead
from jupyter_mlops.serving.writer import tidy
from jupyter_mlops.store import database

NAME = "rul.plant-01"


@pytest.fixture
def registry(project) -> Registry:
    made = Registry(project)
    made.put(NAME, 1, slope(2), "champion")
    return made


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_file_is_scored_in_parts_and_logged_once_however_often(registry, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(scoring, "PART", 7)
    project, file, out = registry.project, tmp_path / f"may.{kind}", tmp_path / "out.parquet"
    rows = ROWS.assign(unit=range(20))
    rows.to_parquet(file) if kind == "parquet" else rows.to_csv(file, index=False)
    loaded = registry.source().load(registry.source().resolve(NAME))
    for _ in range(2):
        assert score_file(project, loaded, project.target(NAME), file, out) == 20
    answers = pd.read_parquet(out)
    assert list(answers["prediction"]) == pytest.approx([2.0 * x for x in range(20)], abs=1e-9)
    kept = logged(project, "rul", "plant-01")
    assert set(kept["inference_id"]) == set(answers["inference_id"])
    assert InferenceLog(project).count("rul", "plant-01") == 20


def test_what_was_ended_in_the_middle_goes_on_there(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "PART", 7)
    project, file, out = registry.project, tmp_path / "may.parquet", tmp_path / "out.parquet"
    ROWS.to_parquet(file)
    loaded = registry.source().load(registry.source().resolve(NAME))
    real, asked = scoring.answers, []

    def killed(model, rows, features):
        asked.append(len(rows))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(model, rows, features)

    monkeypatch.setattr(scoring, "answers", killed)
    with pytest.raises(KeyboardInterrupt):
        score_file(project, loaded, project.target(NAME), file, out)
    assert not out.exists()
    assert score_file(project, loaded, project.target(NAME), file, out) == 20
    assert asked == [7, 7, 7, 6]
    assert list(pd.read_parquet(out)["prediction"]) == pytest.approx([2.0 * x for x in range(20)], abs=1e-9)
    assert InferenceLog(project).count("rul", "plant-01") == 20
    assert [path.name for path in tmp_path.glob("out*")] == ["out.parquet"]


def test_a_file_that_breaks_off_leaves_no_predictions(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "PART", 1)
    project, file, out = registry.project, tmp_path / "may.csv", tmp_path / "out.parquet"
    loaded = registry.source().load(registry.source().resolve(NAME))
    for content in ("x\n", "y\n1\n", "x\n1\nfast\n"):
        file.write_text(content)
        with pytest.raises(BadInput):
            score_file(project, loaded, project.target(NAME), file, out)
        assert not list(tmp_path.glob("out*"))
    with pytest.raises(BadInput, match="there is no file"):
        score_file(project, loaded, project.target(NAME), tmp_path / "june.csv", out)


def test_an_entity_is_erased_wherever_its_rows_are_and_stays_so(registry):
    project = registry.project
    with serving(registry, NAME) as client:
        client.predict([{"x": 1, "unit": 7}, {"x": 2, "unit": 8}])
    waiting = WriteAhead(project)
    with serving(registry, NAME) as client:
        client.predict([{"x": 1, "unit": 7}])
        assert erase(project, "rul", "7", reason="asked to be forgotten") == 1
    waiting.discard()
    assert list(logged(project, "rul", "plant-01")["unit"]) == [8]
    recover(project)
    with serving(registry, NAME) as client:
        client.predict([{"x": 5, "unit": 7}])
    assert sorted(logged(project, "rul", "plant-01")["unit"]) == [7, 8]
    with database(project).read() as connection:
        entry = entries(connection, "rul", action="rows erased")[0]
    assert entry.after["rows"] == 1
    assert entry.after["entity"] != "7"
    with pytest.raises(BadInput, match="reason"):
        erase(project, "rul", "7", reason=" ")


def test_an_entity_that_is_kept_hashed_is_erased_by_its_own_name(tmp_path):
    text = MLOPS_YAML.replace("      entity: unit", "      entity: unit\n      sensitive: [unit]")
    text = text.replace(
        "    retrain:", "    deploy: {endpoint: rul, log: {sensitive: hash, retention: 30d}}\n    retrain:"
    )
    (tmp_path / "mlops.yaml").write_text(text)
    registry = Registry(load(tmp_path))
    registry.put(NAME, 1, slope(2), "champion")
    with serving(registry, NAME) as client:
        client.predict([{"x": 1, "unit": 7}, {"x": 2, "unit": 8}])
    assert erase(registry.project, "rul", "7", reason="asked") == 1
    log = InferenceLog(registry.project)
    assert log.count("rul", "plant-01") == 1
    old = pd.DataFrame({"inference_id": ["old"], "time": [pd.Timestamp("2020-01-01", tz="UTC")], "version": 1})
    log.append("rul", "plant-01", old.assign(prediction=1.0))
    assert tidy(registry.project) == 1
    assert log.count("rul", "plant-01") == 1


def _deployed(root, capsys, *more: str, tracking: str = "sqlite:///.mlops/mlops.db") -> dict:
    text = MLOPS_YAML.replace("    retrain:", "    deploy: {endpoint: rul}\n    retrain:")
    auth = f"auth: {json.dumps({'keys': [{'name': 'erp', 'sha256': new_key()[1]}]})}\ntracking: {tracking}\n"
    if not (root / "mlops.yaml").exists():
        (root / "mlops.yaml").write_text(text + auth)
    words = ["deploy", "-o", str(root / "out"), "--image", "registry.example.com/rul:1.4"]
    main(["--json", "--project", str(root), *words, *more])
    return json.loads(capsys.readouterr().out)


def test_what_is_rendered_is_valid_and_safe(tmp_path, capsys):
    assert _deployed(tmp_path, capsys)["data"]["changed"]
    documents = list(yaml.safe_load_all((tmp_path / "out" / "kubernetes.yaml").read_text()))
    kinds = [document["kind"] for document in documents]
    for kind in ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "CronJob", "Service"):
        assert kind in kinds
    pod = next(d for d in documents if d["kind"] == "Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["command"][:3] == ["jupyter-mlops", "serve", "rul"]
    assert documents[0]["data"]["mlops.yaml"] == (tmp_path / "mlops.yaml").read_text()
    docker = (tmp_path / "out" / "Dockerfile").read_text()
    assert "USER 10001" in docker
    assert re.search(r"^scikit-learn==\d", (tmp_path / "out" / "requirements.txt").read_text(), re.MULTILINE)
    assert yaml.safe_load((tmp_path / "out" / "kserve.yaml").read_text())["kind"] == "InferenceService"
    assert _deployed(tmp_path, capsys, "--diff") == {"ok": True, "data": {"folder": str(tmp_path / "out"), "diff": ""}}
    (tmp_path / "mlops.yaml").write_text((tmp_path / "mlops.yaml").read_text().replace("max: 5", "max: 6"))
    assert "max: 6" in _deployed(tmp_path, capsys, "--diff")["data"]["diff"]


def test_what_is_rendered_passes_the_schemas_of_kubernetes(tmp_path, capsys):
    from kubernetes_validate import validate

    _deployed(tmp_path, capsys, tracking="https://mlflow.example.com")
    for document in yaml.safe_load_all((tmp_path / "out" / "kubernetes.yaml").read_text()):
        validate(document, "1.31", strict=True)


def test_nothing_is_rendered_that_would_let_nobody_in_or_anything_through(tmp_path, capsys):
    (tmp_path / "mlops.yaml").write_text(MLOPS_YAML)
    assert "no model declares `deploy`" in _deployed(tmp_path, capsys)["error"]["message"]
    (tmp_path / "mlops.yaml").write_text(
        MLOPS_YAML.replace("    retrain:", "    deploy: {endpoint: rul}\n    retrain:")
    )
    assert "no API key" in _deployed(tmp_path, capsys)["error"]["message"]
    assert "cannot name an image" in _deployed(tmp_path, capsys, "--image", "a b; rm -rf /")["error"]["message"]


def test_what_tokens_need_goes_along_and_their_secret_does_not(tmp_path, capsys):
    from kubernetes_validate import validate

    text = MLOPS_YAML.replace("    retrain:", "    deploy: {endpoint: rul}\n    retrain:")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "jwks.json").write_text('{"keys": []}')
    jwt = {"algorithms": ["EdDSA"], "audience": "rul", "jwks": "keys/jwks.json"}
    (tmp_path / "mlops.yaml").write_text(text + f"auth: {json.dumps({'jwt': jwt})}\n")
    documents = _rendered(tmp_path, capsys)
    assert documents["ConfigMap"]["data"]["keys.jwks.json"] == '{"keys": []}'
    mounts = _container(documents)["volumeMounts"]
    assert {
        "name": "project",
        "mountPath": "/project/keys/jwks.json",
        "subPath": "keys.jwks.json",
        "readOnly": True,
    } in mounts
    assert _container(documents)["env"] == []

    secret = {"algorithms": ["HS256"], "audience": "rul", "secret_env": "TOKEN_SECRET"}
    (tmp_path / "mlops.yaml").write_text(text + f"auth: {json.dumps({'jwt': secret})}\n")
    documents = _rendered(tmp_path, capsys)
    (variable,) = _container(documents)["env"]
    assert variable["name"] == variable["valueFrom"]["secretKeyRef"]["key"] == "TOKEN_SECRET"
    for document in documents.values():
        validate(document, "1.31", strict=True)

    (tmp_path / "mlops.yaml").write_text(text + f"auth: {json.dumps({'jwt': {**jwt, 'jwks': '../x'}})}\n")
    assert "no such file in the project" in _deployed(tmp_path, capsys)["error"]["message"]


def _rendered(root, capsys) -> dict:
    _deployed(root, capsys, tracking="https://mlflow.example.com")
    return {d["kind"]: d for d in yaml.safe_load_all((root / "out" / "kubernetes.yaml").read_text())}


def _container(documents: dict) -> dict:
    return documents["Deployment"]["spec"]["template"]["spec"]["containers"][0]
