"""Models are not trusted: what would run code when it is read is refused, unless policy allows it and a trusted signer signed."""

import json
import os
import pickle
import runpy
from pathlib import Path

import cloudpickle
import mlflow
import numpy as np
import pytest
import yaml
from sklearn.ensemble import RandomForestRegressor

from jupyter_mlops import config
from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput, Refused
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.project import Project
from jupyter_mlops.registry import load, register
from jupyter_mlops.store import Store, database, formats, open_store

NAME = "rul.plant-01"
X = np.arange(60, dtype=float).reshape(20, 3)
FITTED = RandomForestRegressor(n_estimators=2, random_state=0).fit(X, X.sum(axis=1))


class Runs:
    """A pickle that calls something when it is read."""

    def __init__(self, call, *given) -> None:
        self.call, self.given = call, given

    def __reduce__(self):
        return self.call, self.given


HOSTILE = [
    (os.system, "true"),
    (eval, "1"),
    (exec, "1"),
    (runpy.run_path, "x"),
    (getattr, "a", "b"),
    (__import__, "os"),
]
HIDDEN = b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x05numpy\x8c\x05dtype00\x93."  # os.system, behind two that are dropped


def test_what_a_pickle_imports_is_read_and_not_run():
    for protocol in (0, 2, 4, 5):
        names = formats.imported(pickle.dumps(FITTED, protocol=protocol), "x")
        assert all(map(formats._harmless, names)), names
        for call, *given in HOSTILE:
            found = formats.imported(pickle.dumps(Runs(call, *given), protocol=protocol), "x")
            assert not all(map(formats._harmless, found)), (call, protocol, found)
    assert formats.imported(HIDDEN, "x") == {"unknown"}
    assert all(map(formats._harmless, formats.imported(cloudpickle.dumps(FITTED), "x")))
    assert not all(map(formats._harmless, formats.imported(cloudpickle.dumps(lambda: 1), "x")))
    with pytest.raises(BadInput, match="cannot be scanned"):
        formats.imported(b"\x80\x04\x95 not a pickle", "x")


@pytest.mark.parametrize(
    ("flavors", "file", "kind"),
    [
        ({"sklearn": {"serialization_format": "cloudpickle"}}, "model.pkl", "pickle"),
        ({"python_function": {"loader_module": "evil"}}, "x", "loader-module"),
        (
            {"python_function": {"loader_module": "mlflow.pyfunc.model", "model_code_path": "m.py"}},
            "m.py",
            "model-code",
        ),
        ({"sklearn": {"serialization_format": "skops", "code": "../x"}}, "model.skops", "code-paths"),
        ({"sklearn": {"serialization_format": "skops"}}, "model.skops", ""),
    ],
)
def test_each_way_to_run_code_is_known(tmp_path: Path, flavors: dict, file: str, kind: str):
    (tmp_path / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    (tmp_path / file).write_bytes(b"")
    assert formats.running(tmp_path) == ([kind] if kind else [])


def _pickled(store: Store, tmp_path: Path, model: object) -> None:
    """As MLflow alone saves it: a pickle, in a run of the project."""
    place = tmp_path / "model"
    mlflow.sklearn.save_model(FITTED, str(place), serialization_format="cloudpickle", pip_requirements=["scikit-learn"])
    (place / "model.pkl").write_bytes(pickle.dumps(model))
    run = store.create_run("train", "one", key="k")
    experiment = store.client.get_run(run).info.experiment_id
    logged = store.client.create_logged_model(experiment, name="model", source_run_id=run)
    store.client.log_model_artifacts(logged.model_id, str(place))
    store.client.finalize_logged_model(logged.model_id, "READY")
    store.client.log_outputs(run, [mlflow.entities.LoggedModelOutput(logged.model_id, 0)])
    register(store, run, NAME)


def _main(project: Project, capsys: pytest.CaptureFixture, *words: str) -> tuple[int, dict]:
    status = main([*words, "--project", str(project.root), "--json"])
    return status, json.loads(capsys.readouterr().out)


def _allow(project: Project, capsys: pytest.CaptureFixture, key: Path, kinds: str = "pickle") -> None:
    os.environ["MLOPS_LEDGER_KEY"], own = str(key), os.environ["MLOPS_LEDGER_KEY"]
    signer = _main(project, capsys, "ledger", "key")[1]["data"]["signer"]
    os.environ["MLOPS_LEDGER_KEY"] = own
    text = f"version: 1\npolicy: legacy\nmodel_files: {{allow: [{kinds}], signers: ['{signer}']}}\n"
    (project.root / "legacy.yaml").write_text(text)
    status, _ = _main(project, capsys, "policy", "apply", str(project.root / "legacy.yaml"), "--reason", "until spring")
    assert status == 0


def test_a_pickle_needs_policy_and_a_trusted_signature(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture):
    store, key = open_store(project), tmp_path / "signer.key"
    _pickled(store, tmp_path, FITTED)
    with pytest.raises(Refused, match=r"runs code \(pickle\); no policy"):
        load(store, f"{NAME}/1")
    sign = ("sign", NAME, "1", "--reason", "read it", "--key")
    assert "no policy in force allows" in _main(project, capsys, *sign, str(key))[1]["error"]["message"]
    _allow(project, capsys, key)
    with pytest.raises(Refused, match="no policy in force allows it with a trusted"):
        load(store, f"{NAME}/1")
    other = _main(project, capsys, *sign, str(config.ledger_key()))[1]
    assert "by a signer of policy legacy" in other["error"]["message"]
    assert _main(project, capsys, *sign, str(key))[0] == 0
    assert load(store, f"{NAME}/1").model.predict(X).shape == (20,)
    with database(project).read() as connection:
        said = entries(connection, f"{NAME}/1", action="files that run code loaded")
        assert verify(connection).ok
    assert "sklearn.ensemble._forest.RandomForestRegressor" in said[0].after["imports"]
    _allow(project, capsys, key, "code-paths")
    with pytest.raises(Refused, match="runs code"):
        load(store, f"{NAME}/1")


def test_a_signature_does_not_make_a_hostile_pickle_loadable(project: Project, tmp_path: Path, capsys):
    store, key = open_store(project), tmp_path / "signer.key"
    _pickled(store, tmp_path, Runs(os.system, f"touch {tmp_path}/ran"))
    _allow(project, capsys, key)
    assert _main(project, capsys, "sign", NAME, "1", "--reason", "unread", "--key", str(key))[0] == 0
    with pytest.raises(BadInput, match="system"):
        load(store, f"{NAME}/1")
    assert not (tmp_path / "ran").exists()
