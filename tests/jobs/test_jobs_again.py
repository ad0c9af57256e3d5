"""A job that finished is known again while nothing it rests on has changed; a fleet goes on where it stopped."""

from __future__ import annotations

import csv
import datetime
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made import notebook

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput, Conflict, Refused
from jupyter_mlops.flows import run_jobs
from jupyter_mlops.jobs import Task, asked_of, prepared
from jupyter_mlops.project import Project
from jupyter_mlops.records import Job
from jupyter_mlops.store import Store, open_store

READS = """
import pandas as pd, helper
rows = pd.read_csv(f"{folder}/rows.csv"); more = pd.read_parquet(f"{folder}/more.parquet")
value = helper.scale(rows.x.sum() + more.x.sum())
open("out.txt", "w").write(str(value)); print(open("out.txt").read())
"""


@pytest.fixture
def store(project: Project) -> Store:
    return open_store(project)


@pytest.fixture
def path(project: Project) -> Path:
    data = project.root / "data"
    data.mkdir()
    pd.DataFrame({"x": [1, 2]}).to_csv(data / "rows.csv")
    pd.DataFrame({"x": [3, 4]}).to_parquet(data / "more.parquet")
    (project.root / "helper.py").write_text("def scale(x):\n    return 2 * x\n")
    return notebook(project.root, READS, parameters="folder = 'data'\nn = 1")


def _run(store: Store, path: Path, *, force: bool = False, **given: object) -> Job:
    job = run_jobs(store, [Task("j", path, given)], force=force)["j"]
    assert job.status == "FINISHED", job.reason
    return job


def test_a_finished_job_is_offered_while_nothing_it_rests_on_changed(project: Project, store: Store, path: Path):
    first = _run(store, path)
    again = _run(store, path)
    assert (again.run_id, again.reused, first.reused) == (first.run_id, True, False)
    kept = json.loads(store.artifact(first.run_id, "inputs.json").read_text())
    assert {Path(p).name for p in kept["files"]} == {"rows.csv", "more.parquet", "helper.py"}
    assert (kept["unseen"], kept["complete"]) == ([], True)
    forced = _run(store, path, force=True)
    assert forced.run_id != first.run_id
    identities = {store.run(r).tags["mlops.identity"] for r in (first.run_id, forced.run_id)}
    assert len(identities) == 1


def _csv(root: Path) -> None:
    (root / "data/rows.csv").write_text("x\n9\n")


def _parquet(root: Path) -> None:
    pd.DataFrame({"x": [3, 5]}).to_parquet(root / "data/more.parquet")


def _module(root: Path) -> None:
    (root / "helper.py").write_text("def scale(x):\n    return 3 * x\n")


def _notebook(root: Path) -> None:
    file = root / "job.ipynb"
    file.write_text(file.read_text().replace("rows.x.sum()", "rows.x.mean()"))


@pytest.mark.parametrize("change", [_csv, _parquet, _module, _notebook], ids=["csv", "parquet", "module", "notebook"])
def test_what_changed_is_run(project: Project, store: Store, path: Path, change):
    first = _run(store, path)
    change(project.root)
    second = _run(store, path)
    assert (second.reused, second.run_id == first.run_id) == (False, False)
    assert store.run(first.run_id).tags["mlops.identity"] != store.run(second.run_id).tags["mlops.identity"]
    assert _run(store, path).run_id == second.run_id


def test_another_parameter_or_environment_is_run(
    project: Project, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
):
    from jupyter_mlops.jobs import identity

    _run(store, path)
    assert not _run(store, path, n=2).reused
    assert _run(store, path, n=2).reused
    monkeypatch.setattr(identity, "environment_lock", lambda _kernel: "pandas==0.0.1")
    assert not _run(store, path, n=2).reused


NETWORK = "import socket\ntry: socket.create_connection(('192.0.2.1', 9), timeout=0.1)\nexcept OSError: pass"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (NETWORK, "the network"),
        ("!cat job.ipynb", "a process it started (a shell)"),
        ("import subprocess; subprocess.run(['cat', 'job.ipynb'])", "a process it started (cat)"),
    ],
    ids=["network", "shell", "process"],
)
def test_what_was_read_where_nobody_can_watch_is_never_offered(project: Project, store: Store, cell: str, said: str):
    path = notebook(project.root, cell)
    first = _run(store, path)
    assert json.loads(store.artifact(first.run_id, "inputs.json").read_text())["unseen"] == [said]
    assert not _run(store, path).reused


def test_the_watcher_of_files_never_breaks_what_it_watches(project: Project, store: Store):
    cell = """
import os
pid = os.fork()
if pid == 0:
    os.closerange(3, 256)
    open("child.txt", "w").write(open("job.ipynb").read()[:1])
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    _run(store, notebook(project.root, cell))
    assert (project.root / "child.txt").read_text() == "{"


FAILS = "import os\nassert n not in bad and not os.path.exists(f'stop{n}'), 'bad luck'"


def _cli(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]]]:
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)["data"]


def test_a_fleet_has_a_parent_a_table_and_goes_on(project: Project, capsys: pytest.CaptureFixture[str]):
    root = project.root
    path = str(notebook(root, FAILS, parameters="n = 0\nbad = []"))
    (root / "stop2").touch()
    words = ("run", path, "--matrix", "n=1,2,3", "--project", str(root))
    status, jobs = _cli(capsys, *words)
    assert (status, [j["status"] for j in jobs]) == (1, ["FINISHED", "FAILED", "FINISHED"])
    store = open_store(project)
    parent = store.run(str(jobs[0]["parent"]))
    assert (parent.status, parent.metrics["jobs.failed"]) == ("FAILED", 1)
    assert "1 of 3 failed: job n=2: cell 3 failed: AssertionError" in parent.reason.replace("cell 2", "cell 3")
    assert {r.run_id for r in store.runs(parent=parent.run_id)} == {j["run_id"] for j in jobs}
    rows = list(csv.DictReader(store.artifact(parent.run_id, "results.csv").read_text().splitlines()))
    assert [(r["job"], r["status"], r["n"]) for r in rows] == [
        ("job n=1", "FINISHED", "1"), ("job n=2", "FAILED", "2"), ("job n=3", "FINISHED", "3")
    ]  # fmt: skip
    (root / "stop2").unlink()
    status, resumed = _cli(capsys, *words, "--resume")
    assert (status, [j["status"] for j in resumed], [j["reused"] for j in resumed]) == (
        0, ["FINISHED"] * 3, [True, False, True]
    )  # fmt: skip
    assert resumed[1]["parent"] == parent.run_id
    assert store.run(parent.run_id).status == "FINISHED"
    assert [j["run_id"] for j in resumed][::2] == [j["run_id"] for j in jobs][::2]


def test_a_fleet_keeps_what_it_was_asked_for_but_secrets(project: Project, store: Store):
    path = notebook(
        project.root, "1", parameters="n = 0\nwhen = None\npair: tuple[int, str] = (0, '')\ndb_password = ''"
    )
    given = {"n": 1, "when": [datetime.date(2026, 3, 1), {"é": None}], "pair": (1, "x")}
    tasks = [Task(f"j{i}", path, given, timeout=datetime.timedelta(minutes=i), retries=2) for i in (1, 2)]
    parent = next(iter(run_jobs(store, tasks).values())).parent
    kept = [prepared(task)[0] for task in asked_of(store, store.run(str(parent)))]
    assert [(t.name, t.timeout, t.retries, t.digest) for t in kept] == [
        (t.name, t.timeout, t.retries, prepared(t)[0].digest) for t in tasks
    ]
    secret = [replace(task, parameters={"db_password": "hunter2-correct-horse"}) for task in tasks]
    parent = next(iter(run_jobs(store, secret).values())).parent
    assert "hunter2" not in store.text(str(parent), "asked.yaml")
    with pytest.raises(Refused, match="j1 was given db_password, and secrets are not kept"):
        asked_of(store, store.run(str(parent)))


def test_the_command_says_how_to_run_just_the_failed_again(project: Project):
    path = notebook(project.root, FAILS, parameters="n = 0\nbad = [2]")
    words = ["run", str(path), "--matrix", "n=1,2", "--project", str(project.root)]
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "1 of 2 did not finish" in done.stdout
    assert f"jupyter mlops {' '.join(words)} --resume" in done.stdout, done.stdout


def test_one_bad_job_of_a_fleet_stops_it_before_anything_runs(project: Project, store: Store):
    path = notebook(project.root, "a = 1", parameters="n = 0")
    with pytest.raises(BadInput, match="is str, not int"):
        run_jobs(store, [Task("a", path, {"n": 1}), Task("b", path, {"n": "x"})])
    with pytest.raises(BadInput, match="two jobs are called 'a'"):
        run_jobs(store, [Task("a", path), Task("a", path)])
    assert store.runs() == []


def test_many_jobs_leave_no_process_file_or_thread_behind(project: Project, store: Store):
    import threading

    import psutil

    path = notebook(project.root, "a = n", parameters="n = 0")
    me = psutil.Process()

    def files() -> int:
        # The store's connections are a pool: bounded, but filled by chance, when two writes happen to meet.
        held = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
        return sum(not path.startswith(str(project.home / "mlops.db")) for path in held)

    def held() -> tuple[int, int, int]:
        return len(me.children(recursive=True)), files(), threading.active_count()

    run_jobs(store, [Task(f"w{i}", path, {"n": i}) for i in range(4)], force=True)
    before = held()
    run_jobs(store, [Task(f"j{i}", path, {"n": i}) for i in range(12)], force=True)
    after = held()
    assert after[0] <= before[0]
    assert after[1] <= before[1] + 3
    assert after[2] <= before[2] + 1
    assert [p for p in (project.home / "jobs").iterdir() if p.suffix != ".ipynb"] == []


TRACKED = "%%track --metric total=total\nimport helper\ntotal = helper.scale(n) + bonus"


def test_a_job_is_replayed_as_a_cell_is(project: Project, capsys: pytest.CaptureFixture[str]):
    root = project.root
    (root / "helper.py").write_text("def scale(x):\n    return 2 * x\n")
    path = notebook(root, "%load_ext jupyter_mlops", TRACKED, parameters="n = 1\nbonus = 0.5\nsince = None")
    status, [job] = _cli(capsys, "run", str(path), "-p", "n=3", "-p", "since=2024-01-31", "--project", str(root))
    assert (status, job["metrics"]) == (0, {"total": 6.5})
    before = len(open_store(project).runs())
    status = main(["replay", str(job["run_id"]), "--project", str(root), "--json"])
    answer = json.loads(capsys.readouterr().out)["data"]
    assert (status, answer["reproduced"], answer["metrics"]) == (0, True, {"total": {"recorded": 6.5, "replayed": 6.5}})
    (root / "helper.py").write_text("def scale(x):\n    return 3 * x\n")
    status = main(["replay", str(job["run_id"]), "--project", str(root), "--json"])
    answer = json.loads(capsys.readouterr().out)["data"]
    assert (status, answer["reproduced"], answer["metrics"]["total"]["replayed"]) == (1, False, 9.5)
    assert "metric total differs" in answer["culprit"]
    assert "helper.py is not what it was" in answer["culprit"]
    assert len(open_store(project).runs()) == before


def test_a_fleet_whose_supervisor_was_killed_goes_on(project: Project, capsys: pytest.CaptureFixture[str]):
    root = project.root
    path = str(
        notebook(root, "import os, time\nwhile n and os.path.exists('wait'): time.sleep(0.1)", parameters="n = 0")
    )
    (root / "wait").touch()
    words = ["run", path, "--matrix", "n=0,1,2", "--workers", "1", "--project", str(root)]
    process = subprocess.Popen([sys.executable, "-m", "jupyter_mlops.cli", *words], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list((project.home / "jobs").glob("*.ipynb"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    tasks = [Task(f"job n={n}", Path(path), {"n": n}) for n in range(3)]
    with pytest.raises(Conflict, match="are running now"):
        run_jobs(open_store(project), tasks, resume=True)
    process.kill()
    process.wait()
    (root / "wait").unlink()
    status, jobs = _cli(capsys, *words, "--resume")
    assert (status, [j["reused"] for j in jobs]) == (0, [True, False, False])
    store = open_store(project)
    parent = store.run(str(jobs[1]["parent"]))
    assert (parent.status, len(store.runs(tags={"mlops.kind": "fleet"}))) == ("FINISHED", 1)
    assert sorted(r.status for r in store.runs(parent=parent.run_id)) == ["FINISHED"] * 3 + ["KILLED"]
