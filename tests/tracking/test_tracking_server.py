"""An MLflow server that hangs, dies and comes back: nothing is lost meanwhile, and nothing arrives twice."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from declared import MLOPS_YAML
from servers import Server

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project, load
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import Options, Session, Source, journal, log, ship


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.signal(signal.SIGKILL)
    found.process.wait()


def _project(tmp_path: Path, server: Server) -> Project:
    root = tmp_path / "plants"
    root.mkdir()
    (root / "mlops.yaml").write_text(MLOPS_YAML.replace("models:", f"tracking: {server.url}\nmodels:"))
    return load(root)


def _cell(project: Project, name: str) -> None:
    with Session("nb", project.root).track(Source("x = 1", "x = 1"), {}, Options(name=name)):
        for step in range(30):
            log(loss=1 / (step + 1), step=step)


def test_a_server_that_hangs_and_one_that_is_killed_lose_and_double_nothing(
    tmp_path: Path, server: Server, monkeypatch
):
    monkeypatch.setenv("MLOPS_STRICT", "")
    project = _project(tmp_path, server)
    _cell(project, "before")
    assert ship(project).count == 1

    server.signal(signal.SIGSTOP)
    _cell(project, "hanging")
    with monkeypatch.context() as impatient:
        impatient.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        assert _shipped(project) == 0
    server.signal(signal.SIGCONT)
    assert _shipped(project) == 1

    server.signal(signal.SIGKILL)
    server.process.wait()
    _cell(project, "away")
    assert _shipped(project) == 0
    server.start()
    assert _shipped(project) == 1

    assert list(journal.waiting(project.home)) == []
    store = open_store(project)
    runs = {r.name: r for r in store.runs()}
    assert sorted(runs) == ["away", "before", "hanging"]
    assert len(store.runs()) == 3
    assert {r.status for r in runs.values()} == {"FINISHED"}
    assert all(len(store.client.get_metric_history(r.run_id, "loss")) == 30 for r in runs.values())


def _shipped(project: Project) -> int:
    """How many arrived; 0 where the server does not answer, which is said and not raised at anybody's cell."""
    try:
        return ship(project).count
    except MlopsError:
        return 0
