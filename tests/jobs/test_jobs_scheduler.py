"""jupyter-scheduler in a real Jupyter server: what its "Create notebook job" dialog sends, ends as our jobs end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from made import notebook
from servers import free_port

from jupyter_mlops.project import load
from jupyter_mlops.store import open_store

SHIPPED = Path(__file__).parents[2] / "jupyter-config" / "scheduler" / "jupyter_jupyter_scheduler_config.json"
INSTALLED = (
    *("jupyter_scheduler", "jupyterlab", "jupyter_lsp", "jupyter_mlops", "jupyter_server_terminals", "notebook_shim"),
    "voila.server_extension",
)


class Server:
    """A Jupyter server over `work`, with jupyter-scheduler as it comes and our shipped configuration."""

    def __init__(self, home: Path, work: Path) -> None:
        self.work, self.port, self.data = work, free_port(), home / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        open_store(load(work)).runs()  # made here, since to this server's HOME the making of a store is new, and long
        config = home / "config"
        config.mkdir(exist_ok=True)
        (config / SHIPPED.name).write_bytes(SHIPPED.read_bytes())
        wanted = {"ServerApp": {"jpserver_extensions": {name: name == "jupyter_scheduler" for name in INSTALLED}}}
        (config / "jupyter_server_config.json").write_text(json.dumps(wanted))
        env = {**os.environ, "JUPYTER_DATA_DIR": str(self.data), "JUPYTER_CONFIG_DIR": str(config), "HOME": str(home)}
        words = [f"--port={self.port}", "--ip=127.0.0.1", "--no-browser", "--allow-root", "--IdentityProvider.token=t"]
        words += [f"--ServerApp.root_dir={work}"]
        with (home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", *words], env=env, cwd=work, stdout=log, stderr=log
            )
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": "token t"}, timeout=60
        )
        try:
            self.until(lambda: self.client.get("/scheduler/config").status_code == 200)
        except BaseException:
            self.kill()
            raise

    def until(self, true: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 280
        while time.monotonic() < deadline:
            try:
                if found := true():
                    return found
            except httpx.TransportError:
                assert self.process.poll() is None, "the server ended"
            time.sleep(0.1)
        raise AssertionError("it never came true")

    def create(self, name: str, **more: Any) -> httpx.Response:
        asked = {"name": name, "input_uri": name, "runtime_environment_name": "python", "output_formats": ["ipynb"]}
        return self.client.post("/scheduler/jobs", json=asked | more)

    def state(self, job_id: str) -> dict[str, Any]:
        return dict(self.client.get(f"/scheduler/jobs/{job_id}").json())

    def ended(self, job_id: str) -> dict[str, Any]:
        return dict(self.until(lambda: s if (s := self.state(job_id))["status"] in ENDS else None))

    def output(self, job_id: str) -> str:
        [found] = [p for p in (self.data / "scheduler_staging_area" / job_id).glob("*.ipynb") if "-20" in p.name]
        return found.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.client.close()


ENDS = ("COMPLETED", "FAILED", "STOPPED")
RUNS = """
from pathlib import Path
tries = len(list(Path().glob("try*"))); Path(f"try{tries}").touch()
import helper
print(rate, repr(word), helper.VALUE, Path("beside.txt").read_text())
import os
if tries < dies: os.kill(os.getpid(), 9)
"""
WAITS = "from pathlib import Path\nimport time\nPath('begun').touch()\nwhile not Path('go').exists(): time.sleep(0.05)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work"))
    (server.work / "mlops.yaml").write_text("version: 1\nproject: scheduled\n")
    yield server
    for folder in server.work.iterdir():  # whatever waits, ends
        if folder.is_dir():
            (folder / "go").touch()
    server.kill()


def _folder(server: Server, name: str, *cells: str, parameters: str | None = None) -> str:
    path = notebook(server.work / name, *cells, parameters=parameters)
    (path.parent / "helper.py").write_text("VALUE = 'helped'\n")
    (path.parent / "beside.txt").write_text("its own folder")
    return f"{name}/{path.name}"


def test_a_job_runs_in_its_own_folder_with_typed_parameters_and_is_tried_again(server: Server):
    name = _folder(server, "typed", RUNS, parameters="rate = 0.1  # 0 < rate <= 1\nword = ''\ndies = 0")
    asked = {"parameters": {"rate": "0.5", "word": "'a; print(1)'", "dies": "1"}}
    job_id = server.create(name, **asked).json()["job_id"]
    job = server.ended(job_id)
    assert (job["status"], job.get("status_message")) == ("COMPLETED", None)
    assert "0.5 'a; print(1)' helped its own folder" in server.output(job_id)
    runs = open_store(load(server.work)).runs("job", tags={"mlops.scheduler_job": job_id})
    assert [r.status for r in runs] == ["FINISHED", "FAILED"]
    assert runs[0].parameters == {"rate": "0.5", "word": "a; print(1)", "dies": "1"}


def test_what_does_not_fit_is_refused_with_the_reason(server: Server):
    name = _folder(server, "refused", "a = 1", parameters="rate = 0.1  # 0 < rate <= 1")
    for given, said in (({"rote": "0.5"}, "did you mean 'rate'"), ({"rate": "7"}, "out of range")):
        answer = server.create(name, parameters=given)
        assert (answer.status_code, said in answer.json()["message"]) == (500, True)
        schedule = {"schedule": "0 3 * * *", "timezone": "UTC", "input_uri": name, "name": "n", "parameters": given}
        schedule |= {"runtime_environment_name": "python"}
        answer = server.client.post("/scheduler/job_definitions", json=schedule)
        assert (answer.status_code, said in answer.json()["message"]) == (500, True)


def test_a_definition_runs_the_notebook_as_it_was_in_the_folder_it_is_from(server: Server):
    name = _folder(server, "defined", "import helper; print('first', helper.VALUE, open('beside.txt').read())")
    asked = {"name": "n", "input_uri": name, "runtime_environment_name": "python", "output_formats": ["ipynb"]}
    definition = server.client.post("/scheduler/job_definitions", json=asked).json()["job_definition_id"]
    notebook(server.work / "defined", "print('second')")
    job_id = server.client.post(f"/scheduler/job_definitions/{definition}/jobs", json={}).json()["job_id"]
    assert server.ended(job_id)["status"] == "COMPLETED"
    assert "first helped its own folder" in server.output(job_id)


def test_a_failed_job_says_so_and_keeps_its_notebook(server: Server):
    job_id = server.create(_folder(server, "fails", "print('before')", "1 / 0")).json()["job_id"]
    job = server.ended(job_id)
    assert (job["status"], "cell 2 failed: ZeroDivisionError" in job["status_message"]) == ("FAILED", True)
    assert "before" in server.output(job_id)


def test_a_job_whose_process_was_killed_is_told(server: Server):
    job_id = server.create(_folder(server, "killed", WAITS)).json()["job_id"]
    server.until((server.work / "killed" / "begun").exists)
    lease = server.data / "scheduler_staging_area" / f"{job_id}.lease"
    os.kill(json.loads(lease.read_text())["pid"], signal.SIGKILL)
    job = server.ended(job_id)
    assert (job["status"], "ended without a word" in job["status_message"]) == ("FAILED", True)


def test_a_job_outlives_the_server_and_the_next_one_can_stop_it(tmp_path: Path):
    work = notebook(tmp_path / "work", WAITS).parent
    first = Server(tmp_path, work)
    try:
        job_id = first.create("job.ipynb").json()["job_id"]
        first.until((work / "begun").exists)
    finally:
        first.kill()
    second = Server(tmp_path, work)
    try:
        assert second.state(job_id)["status"] == "IN_PROGRESS"
        second.client.patch(f"/scheduler/jobs/{job_id}", json={"status": "STOPPED"}).raise_for_status()
        job = second.ended(job_id)
        assert (job["status"], "cancelled in cell 1" in job["status_message"]) == ("STOPPED", True)
        [run] = open_store(load(work)).runs("job")
        assert run.status == "KILLED"
    finally:
        (work / "go").touch()  # whatever was not stopped ends
        second.kill()
