"""How jobs ended, told through a webhook that is really there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from made import notebook

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows import run_jobs
from jupyter_mlops.flows.retraining import retrain_for
from jupyter_mlops.jobs import Task
from jupyter_mlops.project import Project, load
from jupyter_mlops.store import open_store

Heard = tuple[str, list[dict[str, str]]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """An address, and what was posted to it."""
    posted: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}/", posted
        server.shutdown()


def _with(project: Project, *addresses: str) -> Project:
    file = project.root / "mlops.yaml"
    file.write_text(f"{file.read_text()}notify: {json.dumps(addresses)}\n")
    return load(project.root)


def test_a_fleets_end_is_one_message_the_failed_first(project: Project, heard: Heard):
    address, posted = heard
    project = _with(project, address)
    path = notebook(project.root, "if n == 2: raise ValueError('no rows of plant-02')", parameters="n = 1")
    jobs = run_jobs(open_store(project), [Task("one", path, {"n": 1}), Task("two", path, {"n": 2})], notify=True)
    [message] = posted
    assert message["title"] == f"{project.name}: 1 of 2 jobs did not finish"
    first, second = message["message"].splitlines()
    assert first == (f"two: FAILED (run {jobs['two'].run_id[:8]}): cell 3 failed: ValueError: no rows of plant-02")
    assert second == f"one: FINISHED (run {jobs['one'].run_id[:8]})"


def test_who_cannot_be_told_is_said_before_anything_runs(project: Project, capsys: pytest.CaptureFixture[str]):
    path = notebook(project.root, "1")
    with pytest.raises(BadInput, match="nobody to tell"):
        run_jobs(open_store(project), [Task("one", path)], notify=True)
    assert main(["run", str(path), "--notify", "--json", "--project", str(project.root)]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "there is nobody to tell"
    assert not list(Path(project.home / "jobs").glob("*.ipynb"))


def test_an_address_that_does_not_answer_leaves_the_jobs_as_they_ended(
    project: Project, caplog: pytest.LogCaptureFixture
):
    project = _with(project, "json://127.0.0.1:1/")
    jobs = run_jobs(open_store(project), [Task("one", notebook(project.root, "1"))], notify=True)
    assert jobs["one"].status == "FINISHED"
    assert "1 of 1 addresses of `notify:` could not be told" in caplog.text


def test_a_retraining_that_kept_no_model_is_told_and_who_was_not_reached_is_on_record(project: Project, heard: Heard):
    address, posted = heard
    project = _with(project, address, "json://127.0.0.1:1/")
    notebook(project.root / "notebooks", "1", parameters="seed: int = 1\nsegment: str = ''", name="train.ipynb")
    target = next(project.targets("rul"))
    [(decision, promoted)] = retrain_for(open_store(project), [(target, "drift")]).values()
    assert (decision.fired, promoted, len(posted)) == (False, None, 1)
    assert posted[0]["title"] == f"{project.name}: {target.name} FAILED"
    assert "no model" in posted[0]["message"]
    assert "no model" in decision.reason
    assert decision.reason.endswith("1 of 2 addresses of `notify:` could not be told")
