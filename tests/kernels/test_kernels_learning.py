"""Warm kernels hold what the project's notebooks import: found without running anything, there when a cell asks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.kernels import current, learn, notebooks_of, warm_up
from jupyter_mlops.kernels.learning import OURS, learned


def _notebook(path: Path, *cells: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells]), path)
    return path


@pytest.fixture
def usual() -> Iterator[None]:
    yield
    warm_up(())


def test_it_reads_what_cells_import_and_leaves_out_what_costs_nothing_or_may_change(tmp_path: Path):
    (tmp_path / "helper.py").write_text("raise RuntimeError('it was run')")
    cells = (
        "%matplotlib inline\nimport json, helper, not_there\nfrom sklearn import svm, datasets as d\n!ls",
        "def late():\n    from scipy.stats import norm\n    from . import beside",
        "a syntax error",
        "from sklearn.svm import SVC; import threadpoolctl",
    )
    before = set(sys.modules)
    found = set(learned([_notebook(tmp_path / "a.ipynb", *cells), tmp_path / "gone.ipynb"]))
    assert found == {"sklearn", "sklearn.svm", "sklearn.datasets", "scipy.stats", "threadpoolctl"}
    assert not {m for m in set(sys.modules) - before if m.partition(".")[0] in ("sklearn", "helper")}


def test_what_tracks_has_what_tracking_needs_and_what_is_no_notebook_has_nothing(tmp_path: Path):
    tracked = _notebook(tmp_path / "t.ipynb", "%load_ext jupyter_mlops")
    called = _notebook(tmp_path / "c.ipynb", "import jupyter_mlops as mlops")
    (tmp_path / "bad.ipynb").write_text('{"cells": [{"cell_type": "code"}, 3]}')
    assert set(learned([tracked])) == set(learned([called])) == set(OURS)
    assert learned([tmp_path / "bad.ipynb"]) == ()


def test_the_newest_notebooks_of_a_project_are_its_own(tmp_path: Path):
    mine = _notebook(tmp_path / "deep" / "mine.ipynb")
    for other in (".mlops/jobs/x.ipynb", "node_modules/a/x.ipynb", "deep/.ipynb_checkpoints/x.ipynb"):
        _notebook(tmp_path / other)
    assert notebooks_of(tmp_path) == [mine]


def test_a_kernel_has_what_was_learned(tmp_path: Path, start: Callable, usual: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(current, "PRELOAD", ())
    warm_up(())
    loaded = "'yaml' in __import__('sys').modules"
    assert start().data(loaded) is False
    learn([_notebook(tmp_path / "b.ipynb", "from yaml import nodes")])
    until = time.monotonic() + 60
    while not start().data(loaded) and time.monotonic() < until:
        """Kernels do without what is being imported."""
    held = current._current()
    assert start().data(loaded) is True
    learn([_notebook(tmp_path / "c.ipynb", "import yaml.loader")])
    assert current._current() is held  # it came with what was asked for
