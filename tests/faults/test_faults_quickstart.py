"""The quickstart stopped anywhere, on a full disk, or with a notebook that raises: told, and gone on with."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
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


@pytest.fixture(scope="module")
def one_store(tmp_path_factory) -> Path:
    return templates(tmp_path_factory.mktemp("templates") / "templates", [STORE])


def test_killed_at_any_point_it_goes_on_and_nothing_is_doubled(one_store, tmp_path):
    root = tmp_path / "shop"
    words = ("quickstart", str(root), "--no-lab", "--json")
    for wait in (1.5, 4, 8, 12):
        begun = subprocess.Popen(
            command(one_store, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        time.sleep(wait)
        os.killpg(begun.pid, signal.SIGKILL)
        begun.communicate()
        assert not root.exists() or (root / "mlops.yaml").is_file()
    done = run(one_store, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    first = _state(root)
    assert len(first["runs"]) == len(first["versions"])  # a run that was killed is told of, none stands twice
    assert run(one_store, *words).returncode == 0
    assert _state(root) == first


def _state(root: Path) -> dict[str, list[object]]:
    project = load(root)
    store = open_store(project)
    with database(project).read() as connection:
        assert verify(connection).ok
        decided = [(e.action, e.subject) for e in entries(connection, NAME, limit=500)]
    finished = [r.run_id for r in store.runs("recommender") if r.status == "FINISHED"]
    return {"runs": finished, "versions": [v.version for v in versions(store, NAME)], "decided": decided}


def test_a_full_disk_then_a_notebook_that_raises_are_told_and_mended_it_goes_on(tmp_path):
    root = tmp_path / "shop"
    broken = tmp_path / "templates"
    whole = _raising(broken)
    _told_of_a_full_disk(broken, root)
    told = run(broken, "quickstart", str(root), "--no-lab")
    said = told.stdout + told.stderr
    assert "the till was not emptied" in said
    assert "Traceback" not in said
    assert told.returncode == 1
    (root / "notebooks" / "train.ipynb").write_text(whole)
    assert run(broken, "quickstart", str(root), "--no-lab").returncode == 0
    runs = [r.status for r in open_store(load(root)).runs("recommender")]
    assert runs.count("FAILED") == 1


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
