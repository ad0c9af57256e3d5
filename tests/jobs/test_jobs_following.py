"""Whoever asks, from another process, is told how far a job is, what it printed so far, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from made import notebook

from jupyter_mlops.errors import BadInput, NotFound
from jupyter_mlops.flows import run_jobs, start_jobs
from jupyter_mlops.jobs import Task, cancel, executed, progress, run_notebook, under_way
from jupyter_mlops.project import Project
from jupyter_mlops.records import Progress
from jupyter_mlops.store import Store, open_store

WAITS = "print('said ' + word, flush=True)\nimport time\nfrom pathlib import Path\nwhile not Path(go).exists(): time.sleep(0.05)"


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    store = open_store(project)
    yield store
    for found in under_way(store):  # they outlive a test that failed
        cancel(store, found.run_id)


def _until(store: Store, run_id: str, true: Callable[[Progress], bool]) -> Progress:
    deadline = time.monotonic() + 150
    while not true(found := progress(store, run_id)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def _printed(store: Store, run_id: str) -> str:
    cells = executed(store, run_id)["cells"]
    return "".join(o["text"] if isinstance(o["text"], str) else "".join(o["text"]) for c in cells for o in c["outputs"])


def test_a_job_of_its_own_process_is_followed_to_its_end(project: Project, store: Store):
    path = notebook(project.root, "a = 1", WAITS, "a", parameters="word = ''\ngo = ''")
    (project.root / "there").touch()
    run_notebook(store, path, {"word": "first", "go": str(project.root / "there")})
    run_id = start_jobs(project, [Task("job", path, {"word": "second", "go": str(project.root / "go")})], force=True)
    found = _until(store, run_id, lambda p: bool(p.running) and p.running[0].cell == 3)
    assert (found.status, found.unit, found.done, found.of) == ("RUNNING", "cell", 3, 5)
    assert found.running[0].line == "print('said ' + word, flush=True)"
    assert found.left is not None
    assert [p.run_id for p in under_way(store)] == [run_id]
    deadline = time.monotonic() + 100
    while "said second" not in _printed(store, run_id):
        assert time.monotonic() < deadline, "what a silent cell printed last was not saved while it ran"
        time.sleep(0.1)
    assert executed(store, run_id)["metadata"]["mlops"]["status"] == "RUNNING"
    (project.root / "go").touch()
    found = _until(store, run_id, lambda p: p.status != "RUNNING")
    assert (found.status, found.done, found.of, found.running, found.left) == ("FINISHED", 5, 5, [], None)
    assert under_way(store) == []


def test_a_fleet_of_its_own_process_is_followed_and_cancelled(project: Project, store: Store):
    path = notebook(project.root, "import time; time.sleep(seconds)", parameters="seconds = 0")
    tasks = [Task(name, path, {"seconds": s}) for name, s in (("short", 0), ("long", 300), ("longer", 301))]
    run_id = start_jobs(project, tasks, workers=2)
    found = _until(store, run_id, lambda p: p.done == 1 and len(p.running) == 2)
    assert (found.unit, found.of, {cell.name for cell in found.running}) == ("job", 3, {"long", "longer"})
    assert found.left is not None
    cancel(store, run_id)
    assert _until(store, run_id, lambda p: p.status != "RUNNING").status == "KILLED"
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(project.root) in " ".join(p.info["cmdline"] or ())]


def test_a_try_names_the_next(project: Project, store: Store):
    path = notebook(project.root, "import os; os.kill(os.getpid(), 9)", name="killed.ipynb")
    last = run_notebook(store, path, retries=1)
    [first] = [r for r in store.runs("killed") if r.run_id != last.run_id]
    assert (progress(store, first.run_id).retried_as, progress(store, last.run_id).retried_as) == (last.run_id, None)


def test_what_does_not_fit_starts_nothing(project: Project, store: Store):
    path = notebook(project.root, "a = 1", parameters="alpha = 0.5")
    with pytest.raises(BadInput, match=r"unknown parameter of .*'alfa'"):
        start_jobs(project, [Task("job", path, {"alfa": 0.7})])
    assert store.runs() == []


def test_a_finished_job_stands_for_one_that_is_started(project: Project, store: Store):
    path = notebook(project.root, "a = 1", parameters="alpha = 0.5")
    before = run_jobs(store, [Task("job", path, {"alpha": 0.7})])["job"]
    assert start_jobs(project, [Task("job", path, {"alpha": 0.7})]) == before.run_id


def test_a_run_that_is_no_job_has_no_progress(store: Store):
    run_id = store.create_run("some", "thing", key="k")
    with pytest.raises(NotFound, match="is no job"):
        progress(store, run_id)
