"""However a job ends, MLflow and the executed notebook say the same of it, and nothing of it is left running."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import nbformat
import psutil
import pytest
from made import notebook

from jupyter_mlops.errors import BadInput, Conflict
from jupyter_mlops.flows import run_jobs
from jupyter_mlops.jobs import Task, cancel, close_dead, run_fleet, run_notebook, supervise
from jupyter_mlops.project import Project
from jupyter_mlops.records import Job
from jupyter_mlops.store import Store, open_store


@pytest.fixture
def store(project: Project) -> Store:
    return open_store(project)


def _agree(store: Store, job: Job, status: str, said: str, cell: int | None) -> None:
    run, node = store.run(job.run_id), nbformat.read(job.output, as_version=4)
    assert (job.status, run.status, node.metadata["mlops"]["status"]) == (status, status, status), run.reason
    assert said in run.reason
    assert node.metadata["mlops"]["reason"] == job.reason == run.reason
    assert node.metadata["mlops"]["cell"] == job.cell == cell
    if cell is not None:
        assert node.metadata["papermill"]["exception"] is True
        assert [c.metadata["papermill"]["status"] for c in node.cells][cell:] == ["failed"] + ["pending"] * (
            len(node.cells) - cell - 1
        )
    kept = nbformat.read(store.artifact(job.run_id, Path(job.output).name), as_version=4)
    assert kept.metadata["mlops"] == node.metadata["mlops"]


LATER = "ran_on = True"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("raise SystemExit(3)", "cell 2 failed: SystemExit: 3"),
        ("exit()", "cell 2 called exit() with cells still to run"),
        ("import os; os._exit(5)", "the kernel died in cell 2: it ended by itself with status 5"),
        ("import os; os.kill(os.getpid(), 9)", "the kernel died in cell 2 (killed, or out of memory"),
        ("import ctypes; ctypes.string_at(0)", "the kernel died in cell 2 (SIGSEGV)"),
        ("import time; time.sleep(60)", "cell 2 was still running at the time limit"),
        (
            "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)",
            "cell 2 was still running at the time limit",
        ),
        ("x = bytearray(900 << 20); import time; time.sleep(60)", "out of memory in cell 2"),
    ],
)
def test_an_end_is_the_same_everywhere(project: Project, store: Store, cell: str, said: str):
    limits = {"timeout": timedelta(seconds=5)} if "time limit" in said else {"memory": 700 << 20}
    job = run_notebook(store, notebook(project.root, "a = 1", cell, LATER), **limits)
    _agree(store, job, "FAILED", said, 1)


def test_exit_in_the_last_cell_is_an_end_like_any_other(project: Project, store: Store):
    job = run_notebook(store, notebook(project.root, "a = 1", "exit()"))
    _agree(store, job, "FINISHED", "", None)


def test_a_kernel_that_is_not_installed_is_named_and_leaves_no_run(project: Project, store: Store):
    path = notebook(project.root, "a = 1")
    path.write_text(path.read_text().replace('"python3"', '"julia-9"'))
    with pytest.raises(BadInput, match="not installed: julia-9"):
        run_notebook(store, path)
    assert store.runs() == []


def test_what_a_notebook_started_ends_with_it(project: Project, store: Store):
    cell = """
import os, subprocess, sys, time
pid = os.fork()
if pid == 0:
    time.sleep(300)
    os._exit(0)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
open("pids", "w").write(f"{pid} {other.pid} {own.pid}")
time.sleep(1)
"""
    job = run_notebook(store, notebook(project.root, cell))
    assert job.status == "FINISHED", job.reason
    deadline = time.monotonic() + 60
    pids = [int(p) for p in (project.root / "pids").read_text().split()]
    while any(psutil.pid_exists(p) for p in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [p for p in pids if psutil.pid_exists(p)] == []


def test_a_notebook_may_write_to_its_own_file_and_change_directory(project: Project, store: Store):
    path = notebook(
        project.root, "import os; os.chdir('/'); open(PLACE, 'w').write('{}')", "b = 2", parameters="PLACE = ''"
    )
    here = Path.cwd()
    job = run_notebook(store, path, {"PLACE": str(path)})
    _agree(store, job, "FINISHED", "", None)
    assert (path.read_text(), Path.cwd()) == ("{}", here)


def test_output_without_end_is_cut_and_said_and_later_cells_still_speak(
    project: Project, store: Store, monkeypatch: pytest.MonkeyPatch
):
    from jupyter_mlops.jobs import engine

    monkeypatch.setattr(engine, "MOST_OUTPUT", 1 << 20)
    job = run_notebook(store, notebook(project.root, "for _ in range(400): print('x' * 10_000)", "print('after')"))
    assert job.status == "FINISHED", job.reason
    first, second = nbformat.read(job.output, as_version=4).cells
    text = "".join(output.text for output in first.outputs)
    assert 1 << 20 <= len(text) < (1 << 20) + 100
    assert text.endswith("[output beyond 1 MB is left out]\n")
    assert "".join(output.text for output in second.outputs) == "after\n"


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group of the system's with 200 MB, for whoever writes its process number there."""
    place = next((p for p in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")) if p.is_dir()), None)
    if place is None:
        pytest.fail("control groups are not mounted at /sys/fs/cgroup, so nothing can run out of memory here")
    group = place / f"mlops-test-{os.getpid()}"
    group.mkdir()
    limit = next(group / n for n in ("memory.limit_in_bytes", "memory.max") if (group / n).exists())
    limit.write_text(str(200 << 20))
    yield group / "cgroup.procs"
    deadline = time.monotonic() + 60
    while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    group.rmdir()


def test_a_kernel_that_the_system_ended_for_want_of_memory_is_told(project: Project, store: Store, memory_group: Path):
    cell = f"import os; open({str(memory_group)!r}, 'w').write(str(os.getpid()))\nx = bytearray(600 << 20)"
    job = run_notebook(store, notebook(project.root, "a = 1", cell, LATER))
    _agree(store, job, "FAILED", "the kernel died in cell 2: the system was out of memory", 1)


def test_a_killed_kernel_is_tried_again_ever_later_and_a_raising_cell_is_not(
    project: Project, store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervise, "FIRST_WAIT", 0.4)
    killed = "import os; open(f'try{os.getpid()}', 'w'); os.kill(os.getpid(), 9 * (len(glob('try*')) < 3))"
    path = notebook(project.root, "from glob import glob", killed, name="k.ipynb")
    job = run_notebook(store, path, retries=5)
    runs = sorted(store.runs("k"), key=lambda r: r.started)
    assert ([r.status for r in runs], job.attempts, job.status) == (["FAILED", "FAILED", "FINISHED"], 3, "FINISHED")
    waits = [(b.started - a.ended).total_seconds() for a, b in itertools.pairwise(runs) if a.ended]
    assert waits[0] > 0.3
    assert waits[1] > 0.6
    assert run_notebook(store, notebook(project.root, "1 / 0", name="raises.ipynb"), retries=3).attempts == 1


def test_a_cancel_from_elsewhere_ends_a_job_and_a_fleet(project: Project, store: Store):
    path = notebook(project.root, "import time; time.sleep(n)", parameters="n = 0")
    jobs: dict[str, Job] = {}

    def work() -> None:
        tasks = [Task(f"j{i}", path, {"n": 60}) for i in range(3)]
        jobs.update(run_fleet(open_store(project), tasks, workers=2))

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        running = [r for r in store.runs() if r.status == "RUNNING"]
        started = [p for p in (project.home / "jobs").glob("*.ipynb") if '"running"' in p.read_text()]
        if len(running) == 3 and len(started) == 2:
            break
        time.sleep(0.2)
    [fleet] = [r for r in running if r.tags["mlops.kind"] == "fleet"]
    cancel(store, fleet.run_id)
    thread.join(timeout=30)
    assert {name: job.status for name, job in jobs.items()} == {"j0": "KILLED", "j1": "KILLED"}
    assert store.run(fleet.run_id).status == "KILLED"
    for job in jobs.values():
        _agree(store, job, "KILLED", "cancelled in cell", job.cell)
    with pytest.raises(Conflict, match="nothing to cancel"):
        cancel(store, fleet.run_id)


def _start(project: Project, path: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jupyter_mlops.cli", "run", str(path), "--project", str(project.root), "--json"]
    return subprocess.Popen(
        [*command, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has Ctrl-C ignored, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _until_running(project: Project) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if any("begun" in p.read_text() for p in (project.home / "jobs").glob("*.ipynb")):
            return
        time.sleep(0.2)
    raise AssertionError("it never began")


SLEEPS = "print('beg' + 'un', flush=True)\nimport time, os\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(120)"


@pytest.mark.parametrize(("number", "said"), [(signal.SIGINT, "cancelled"), (signal.SIGTERM, "cancelled")])
def test_ctrl_c_ends_the_kernel_and_says_so(project: Project, number: int, said: str):
    path = notebook(project.root, "print('beg' + 'un')", SLEEPS, LATER)
    process = _start(project, path)
    _until_running(project)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert json.loads(out)["error"]["code"] == "interrupted", err
    store = open_store(project)
    [run] = [r for r in store.runs() if r.tags["mlops.kind"] == "job"]
    assert (run.status, said in run.reason) == ("KILLED", True), run.reason
    [output] = (project.home / "jobs").glob("*.ipynb")
    assert nbformat.read(output, as_version=4).metadata["mlops"]["status"] == "KILLED"
    pid = int((project.root / "pid").read_text()) if (project.root / "pid").exists() else 0
    assert not pid or not psutil.pid_exists(pid)


def test_a_killed_supervisor_is_told_by_who_looks_next(project: Project):
    path = notebook(project.root, "print('beg' + 'un')", SLEEPS, LATER)
    process = _start(project, path)
    _until_running(project)
    process.kill()
    process.communicate(timeout=30)
    store = open_store(project)
    closed = close_dead(store)
    [run] = [r for r in store.runs() if r.tags["mlops.kind"] == "job"]
    assert closed == [run.run_id]
    assert (run.status, "ended without a word" in run.reason) == ("KILLED", True)
    [output] = (project.home / "jobs").glob("*.ipynb")
    node = nbformat.read(output, as_version=4)
    assert (node.metadata["mlops"]["status"], node.metadata["mlops"]["cell"]) == ("KILLED", 1)
    assert [c.metadata["papermill"]["status"] for c in node.cells] == ["completed", "failed", "pending"]


def test_a_machine_that_is_not_heard_of_any_more_has_lost_its_jobs(project: Project, store: Store):
    run_id = store.create_run("e", "n", key="k", tags={"mlops.kind": "job"}, lasts=300)
    lease = json.loads(store.run(run_id).tags["mlops.lease"])
    elsewhere = {**lease, "host": "elsewhere", "boot": "b"}
    store.log(run_id, tags={"mlops.lease": json.dumps(elsewhere)})
    assert close_dead(store) == []
    store.log(run_id, tags={"mlops.lease": json.dumps({**elsewhere, "until": time.time() - 1})})
    assert close_dead(store) == [run_id]
    assert "elsewhere) has not been heard of" in store.run(run_id).reason


def test_secrets_are_in_nothing_that_is_kept(project: Project, store: Store):
    secret = "hunter2-correct-horse"
    cells = (
        "print('it is', db_password)",
        "url = f'postgres://me:{db_password}@host/db'; url",
        "raise ValueError(db_password)",
    )
    path = notebook(project.root, *cells, parameters="db_password = ''\nn = 1")
    job = run_jobs(store, [Task("j", path, {"db_password": secret, "n": 2})])["j"]
    run = store.run(job.run_id)
    assert (run.parameters["db_password"], run.parameters["n"]) == ("***", "2")
    folder = store.artifact(job.run_id, "")
    kept = {p.name: p.read_text() for p in [*folder.rglob("*"), *(project.home / "jobs").rglob("*")] if p.is_file()}
    assert [name for name, text in kept.items() if secret in text] == []
    assert "ValueError: ***" in run.reason
    assert secret not in job.reason


def test_a_run_says_where_and_from_what_it_came(project: Project, store: Store):
    subprocess.run(["git", "init", "-q", str(project.root)], check=True)
    path = notebook(project.root, "sum(range(10**6))")
    git = ["git", "-C", str(project.root), "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    clean = store.run(run_jobs(store, [Task("j", path)])["j"].run_id)
    (project.root / "mlops.yaml").write_text((project.root / "mlops.yaml").read_text() + "# changed\n")
    dirty = store.run(run_jobs(store, [Task("j", path)], force=True)["j"].run_id)
    assert (clean.tags["mlops.git.dirty"], dirty.tags["mlops.git.dirty"]) == ("false", "true")
    assert "+# changed" in store.artifact(dirty.run_id, "git.diff").read_text()
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert store.client.get_run(clean.run_id).data.tags["mlflow.source.git.commit"] == head
    lock = store.artifact(clean.run_id, "requirements.txt").read_text()
    assert "\nmlflow==" in lock
    assert (float(clean.tags["mlops.peak_memory_mb"]) > 20, float(clean.tags["mlops.cpu_s"]) > 0) == (True, True)
    assert clean.tags["mlops.host"] == os.uname().nodename


def test_jobs_and_their_fleet_give_signs_of_life(project: Project, store: Store, monkeypatch: pytest.MonkeyPatch):
    from jupyter_mlops.jobs import fleet, watching

    monkeypatch.setattr(fleet, "RENEW", 0.3)
    monkeypatch.setattr(watching, "RENEW", 0.3)
    path = notebook(project.root, "import time; time.sleep(3)")
    jobs = run_fleet(store, [Task("a", path), Task("b", path)])
    for run in [store.run(str(jobs["a"].parent)), *(store.run(job.run_id) for job in jobs.values())]:
        assert json.loads(run.tags["mlops.lease"])["until"] > run.started.timestamp() + 301, run.name
