"""A job ends as it ended; what does not fit is refused before a kernel starts; parameters are data."""

from datetime import timedelta
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs import Task, run_fleet, run_notebook
from jupyter_mlops.project import Project
from jupyter_mlops.store import Store, open_store

PARAMETERS = 'text: str = "a"\nn: int = 1\nrate: float = 0.5\nflag: bool = False\nitems: list = []\nmode: Literal["x", "y"] = "x"'


@pytest.fixture
def store(project: Project) -> Store:
    return open_store(project)


def _notebook(folder: Path, *cells: str, name: str = "job.ipynb") -> Path:
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}}
    )
    notebook.cells = [nbformat.v4.new_code_cell("from typing import Literal\n")]
    notebook.cells += [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, folder / name)
    return folder / name


VALUES = {
    "text": "quote \" ' \\ \n '''{x}''' é \u2028 __import__('os').system('touch hacked')",
    "n": -7,
    "rate": 1e300,
    "flag": True,
    "items": [1, {"a": None}, "b"],
}


def test_values_arrive_exactly_and_run_nothing(project: Project, store: Store):
    cell = "import json; json.dump([text, n, rate, flag, items], open('out.json', 'w'))"
    job = run_notebook(store, _notebook(project.root, cell), VALUES)
    assert job.status == "FINISHED", job.reason
    import json

    assert json.loads((project.root / "out.json").read_text()) == list(VALUES.values())
    assert not (project.root / "hacked").exists()
    assert store.run(job.run_id).status == "FINISHED"


class Sly(int):
    def __repr__(self) -> str:
        return "__import__('os').system('touch hacked')"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"txet": "a"}, "unknown parameter.*txet"),
        ({"n": "seven"}, "is str, not int"),
        ({"n": True}, "is bool, not int"),
        ({"mode": "z"}, "not a choice"),
        ({"a = 1\nimport os": 1}, "cannot be a parameter"),
        ({"!touch x #": 1}, "cannot be a parameter"),
        ({"class": 1}, "cannot be a parameter"),
        ({"n": Sly(3)}, "not plain data"),
        ({"rate": float("nan")}, "not plain data"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_no_run(project: Project, store: Store, given, said):
    with pytest.raises(BadInput, match=said):
        run_notebook(store, _notebook(project.root), given)
    assert store.runs() == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1 / 0", "cell 3 failed: ZeroDivisionError"),
        ("%load_ext jupyter_mlops", "cell 4 failed: ZeroDivisionError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "the kernel died in cell 3"),
        ("import time; time.sleep(60)", "cell 3 was still running"),
    ],
)
def test_an_end_is_told_as_it_was(project: Project, store: Store, cell: str, said: str):
    job = run_notebook(
        store,
        _notebook(project.root, cell, "%%track\n1 / 0" if "load_ext" in cell else "x = 1"),
        timeout=timedelta(seconds=8),
    )
    run = store.run(job.run_id)
    assert (job.status, run.status) == ("FAILED", "FAILED")
    assert said in run.reason
    node = nbformat.read(job.output, as_version=4)
    assert node.metadata["mlops"]["status"] == "FAILED"
    assert node.cells[job.cell].metadata["papermill"]["status"] == "failed"


def test_one_that_fails_does_not_stop_the_others(project: Project, store: Store):
    good, bad = _notebook(project.root, "x = 1"), _notebook(project.root, "1 / 0", name="bad.ipynb")
    jobs = run_fleet(store, [Task("a", good), Task("b", bad), Task("c", good)], workers=2)
    assert {name: job.status for name, job in jobs.items()} == {"a": "FINISHED", "b": "FAILED", "c": "FINISHED"}


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "not a notebook"), ('{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', "format 3")],
)
def test_what_is_no_notebook_is_named(project: Project, store: Store, content: str, said: str):
    path = project.root / "x.ipynb"
    path.write_text(content)
    with pytest.raises(BadInput, match=said):
        run_notebook(store, path)
