"""The quickstart stopped anywhere, on a full disk, or with a notebook that raises: told, and gone on with."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from shop import command, run, templates

from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.project import load
from jupyter_mlops.registry import versions
from jupyter_mlops.store import database, open_store

STORE = "store-367"
NAME = f"recommender.{STORE}"


@pytest.mark.timeout(600)  # a whole quickstart, begun nine times
def test_whatever_stops_it_is_told_and_mended_it_goes_on_and_nothing_is_doubled(tmp_path):
    root, broken = tmp_path / "shop", tmp_path / "templates"
    words = ("quickstart", str(root), "--no-lab", "--json")
    whole = _raising(broken)
    _told_of_a_full_disk(broken, root)
    _killed_after((1.5, 4, 8), broken, root)
    told = run(broken, *words[:-1])
    said = told.stdout + told.stderr
    assert "the till was not emptied" in said
    assert "Traceback" not in said
    assert told.returncode == 1
    (root / "notebooks" / "train.ipynb").write_text(whole)
    _killed_after((6,), broken, root)
    _killed_when(lambda: _finished(root), broken, root)
    done = run(broken, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    first = _state(root)
    assert len(first["finished"]) == len(first["versions"])  # a run that was killed is told of, none stands twice
    assert "FAILED" in first["all"]
    assert run(broken, *words).returncode == 0
    assert _state(root) == first


def _killed_after(seconds: tuple[float, ...], templates: Path, root: Path) -> None:
    for wait in seconds:
        until = time.monotonic() + wait
        _killed_when(lambda until=until: time.monotonic() > until, templates, root)
        assert not root.exists() or (root / "mlops.yaml").is_file()


def _killed_when(come: Callable[[], bool], templates: Path, root: Path) -> None:
    begun = subprocess.Popen(
        command(templates, "quickstart", str(root), "--no-lab", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while begun.poll() is None and not come():
        time.sleep(0.05)
    assert begun.poll() is None
    os.killpg(begun.pid, signal.SIGKILL)
    begun.communicate()


def _finished(root: Path) -> bool:
    """A job has finished, and its model is not registered yet."""
    return any(r.status == "FINISHED" for r in open_store(load(root)).runs("recommender"))


def _state(root: Path) -> dict[str, list[object]]:
    project = load(root)
    store = open_store(project)
    with database(project).read() as connection:
        assert verify(connection).ok
        decided = [(e.action, e.subject) for e in entries(connection, NAME, limit=500)]
    runs = store.runs("recommender")
    finished = [r.run_id for r in runs if r.status == "FINISHED"]
    return {
        "all": [r.status for r in runs],
        "finished": finished,
        "versions": [v.version for v in versions(store, NAME)],
        "decided": decided,
    }


def _raising(folder: Path) -> str:
    """Templates whose notebook raises; gives the notebook as it was."""
    templates(folder, [STORE])
    path = folder / "retail-recommender" / "notebooks" / "train.ipynb"
    whole = path.read_text()
    notebook = nbformat.reads(whole, 4)
    notebook.cells.insert(4, nbformat.v4.new_code_cell("raise LookupError('the till was not emptied')"))
    nbformat.write(notebook, path)
    return whole


def _told_of_a_full_disk(folder: Path, root: Path) -> None:
    """No file may grow beyond 300 kB, less than an empty database: writing fails as it does on a full disk."""
    told = run(
        folder,
        *("quickstart", str(root), "--no-lab", "--json"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    assert "Traceback" not in told.stderr
    assert told.returncode not in (0, 1)
    error = json.loads(told.stdout)["error"]
    assert error["fix"]
    assert not (root / ".mlops" / "mlops.db").exists()
