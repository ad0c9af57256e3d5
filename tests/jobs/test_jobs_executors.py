"""The same jobs over every executor, a worker that is lost among them; a cluster that cannot be used says why."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import nbformat
import psutil
import pytest
from made import notebook

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows import run_jobs
from jupyter_mlops.jobs import Task, clusters
from jupyter_mlops.jobs.notebooks import read_source
from jupyter_mlops.jobs.parcels import opened, pack
from jupyter_mlops.jobs.tasks import Conditions
from jupyter_mlops.project import Project
from jupyter_mlops.store import Store, open_store

pytest.importorskip("distributed")


@pytest.fixture
def store(project: Project) -> Store:
    return open_store(project)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class DaskCluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.address = f"tcp://127.0.0.1:{_free_port()}"
        self.folder = folder
        quiet = {
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "cwd": folder,
            "env": {**os.environ, "MLOPS_PRELOAD": "json"},
        }
        host, port = self.address.removeprefix("tcp://").split(":")
        command = [sys.executable, "-c", "from distributed.cli.dask_scheduler import main; main()"]
        self.processes = [subprocess.Popen([*command, "--host", host, "--port", port, "--no-dashboard"], **quiet)]
        command = [sys.executable, "-c", "from distributed.cli.dask_worker import main; main()", self.address]
        for i in range(workers):
            words = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", f"w{i}"]
            self.processes.append(subprocess.Popen([*command, *words], **quiet))
        from distributed import Client

        with Client(self.address, timeout="60s", set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    started = DaskCluster(tmp_path_factory.mktemp("dask"))
    yield started
    started.close()


@pytest.fixture(autouse=True)
def _few_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every worker would preload what models are made with, and none is made here."""
    monkeypatch.setenv("MLOPS_PRELOAD", "json")


@contextlib.contextmanager
def _executor(kind: str, request: pytest.FixtureRequest) -> Iterator[Executor | None]:
    if kind == "ours":
        yield None
    elif kind == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif kind == "processes":
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        with clusters.cluster(request.getfixturevalue("dask").address) as pool:
            yield pool


CELL = "%load_ext jupyter_mlops"
TRACKED = "%%track --metric twice=2*n\nimport helper\ntwice = helper.twice(n)"


@pytest.mark.parametrize("kind", ["ours", "threads", "processes", "dask"])
def test_the_same_jobs_over_every_executor(project: Project, store: Store, kind: str, request: pytest.FixtureRequest):
    (project.root / "helper.py").write_text(
        "def twice(n):\n    if n == 3:\n        raise ValueError('three')\n    return 2 * n\n"
    )
    path = notebook(project.root, CELL, TRACKED, parameters="n = 0")
    with _executor(kind, request) as pool:
        jobs = run_jobs(store, [Task(f"j{n}", path, {"n": n}) for n in (1, 2, 3)], executor=pool, force=True)
    assert {name: job.status for name, job in jobs.items()} == {"j1": "FINISHED", "j2": "FINISHED", "j3": "FAILED"}
    assert "ValueError: three" in jobs["j3"].reason
    assert [jobs[name].metrics.get("twice") for name in ("j1", "j2")] == [2, 4]
    for job in jobs.values():
        run = store.run(job.run_id)
        assert (run.status, run.parent, run.tags["mlops.kind"]) == (job.status, job.parent, "job")
        assert nbformat.read(job.output, as_version=4).metadata["mlops"]["status"] == job.status
    parent = store.run(str(jobs["j1"].parent))
    assert (parent.status, len(store.runs(parent=parent.run_id))) == ("FAILED", 3)


def test_a_lost_workers_job_is_done_elsewhere_and_recorded_once(project: Project, store: Store, tmp_path: Path):
    dask = DaskCluster(tmp_path)
    try:
        cell = "import os, time\nwhile os.path.exists('wait'): time.sleep(0.1)"
        path = notebook(project.root, "import os; open(f'at-{os.getpid()}', 'w')", cell)
        (project.root / "wait").touch()
        jobs = {}

        def work() -> None:
            with clusters.cluster(dask.address) as pool:
                jobs.update(run_jobs(open_store(project), [Task("j", path)], executor=pool, force=True))

        thread = threading.Thread(target=work)
        thread.start()
        kernel = _kernel(project.root)
        worker = next(p for p in psutil.Process(kernel).parents() if p.pid in {w.pid for w in dask.processes})
        os.kill(worker.pid, signal.SIGKILL)
        assert _kernel(project.root, but=kernel) != kernel
        (project.root / "wait").unlink()
        thread.join(timeout=150)
        assert jobs["j"].status == "FINISHED", jobs["j"].reason
        [run] = store.runs()
        assert (run.run_id, run.status) == (jobs["j"].run_id, "FINISHED")
    finally:
        dask.close()


def _kernel(root: Path, but: int = 0) -> int:
    """The process of the kernel that has begun."""
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        found = [int(p.name.partition("-")[2]) for p in root.glob("at-*")]
        if fresh := [pid for pid in found if pid != but]:
            return fresh[0]
        time.sleep(0.1)
    raise AssertionError("no kernel began")


def test_what_a_job_needs_travels_where_the_folder_is_not_seen(project: Project, store: Store, tmp_path: Path):
    library = project.root / "lib"
    library.mkdir()
    (library / "__init__.py").write_text("from lib.deep import x\n")
    (library / "deep.py").write_text("import other\nx = other.y\n")
    (project.root / "other.py").write_text("y = 7\n")
    (project.root / "unused.py").write_text("z = 1\n")
    path = notebook(
        project.root / "notebooks",
        "import sys; sys.path.insert(0, '..')\nfrom lib import x\nassert x == n",
        parameters="n = 0",
    )
    (project.root / "mlops.yaml").write_text(
        "version: 1\nproject: p\ntracking: sqlite:///" + str(tmp_path / "mlops.db") + "\n"
    )
    from jupyter_mlops.flows.training import work_and_ship
    from jupyter_mlops.project import load

    here = load(project.root)
    open_store(here).runs()
    task = Task("j", path, {"n": 7})
    parcel = pack(here, task, read_source(path), Conditions())
    assert set(parcel.files) == {"lib/__init__.py", "lib/deep.py", "other.py"}
    shutil.rmtree(project.root)
    delivered = work_and_ship(parcel)
    assert delivered.job.status == "FINISHED", delivered.job.reason
    assert not Path(delivered.job.notebook).exists()
    assert json.loads(delivered.executed)["metadata"]["mlops"]["status"] == "FINISHED"
    with pytest.raises(BadInput, match="does not see"), opened(replace(parcel, tracking="sqlite:////nowhere/x.db")):
        pass


def test_a_process_pool_that_breaks_is_told(project: Project, store: Store):
    path = notebook(project.root, "import os, signal; os.kill(int(os.environ['JPY_PARENT_PID']), signal.SIGKILL)")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        job = run_jobs(store, [Task("j", path)], executor=pool)["j"]
    assert (job.status, "the worker was lost" in job.reason) == ("FAILED", True)
    assert [r.status for r in store.runs()] == ["FAILED"]


def test_a_cluster_that_is_not_there_is_named(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(clusters, "_WITHIN", "1s")
    path = notebook(project.root, "a = 1")
    address = f"tcp://127.0.0.1:{_free_port()}"
    status = main(["run", str(path), "--cluster", address, "--project", str(project.root), "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (status, error["code"], address in error["message"]) == (3, "unavailable", True)


def test_workers_with_other_versions_are_named(dask: DaskCluster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clusters, "PACKAGES", (*clusters.PACKAGES, "numpy"))
    ours = clusters._versions
    monkeypatch.setattr(clusters, "_ours", lambda: {**ours(clusters.PACKAGES), "numpy": "0.1"})
    with (
        pytest.raises(BadInput, match=r"2 of 2 workers have other versions: .*numpy .* \(here 0.1\)"),
        clusters.cluster(dask.address),
    ):
        pass
