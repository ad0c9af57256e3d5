"""Cells that nobody writes on purpose, or few do: each ends as it would have without us, and its record says what happened."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.project import Project
from jupyter_mlops.tracking import data, journal

SETUP = """
import asyncio
import numpy as np
from sklearn.linear_model import Ridge
rows = np.arange(40.0).reshape(20, 2)
async def slow(value):
    await asyncio.sleep(0)
    return value
"""


class Notebook:
    def __init__(self, project: Project, shell: Any) -> None:
        self.project, self.shell = project, shell
        self.run(SETUP)

    def run(self, cell: str) -> Any:
        """As a kernel runs it: from within a loop, and what comes after a cell is the kernel's to tell."""

        async def inside() -> Any:
            transformed = self.shell.transform_cell(cell)
            return await self.shell.run_cell_async(cell, store_history=True, transformed_cell=transformed)

        result = asyncio.run(inside())
        self.shell.events.trigger("post_run_cell", result)
        return result

    @property
    def ends(self) -> list[dict[str, Any]]:
        return [journal.read(folder).end or {} for folder in journal.waiting(self.project.home)]


@pytest.fixture
def notebook(project: Project, interactive: Any) -> Notebook:
    return Notebook(project, interactive)


def test_a_cell_that_awaits_is_tracked_as_any_other(notebook: Notebook):
    ran = notebook.run(
        "%%track waiting --tag team=blue\nmodel = Ridge().fit(await slow(rows), rows[:, 0])\nscore = 0.5\nscore"
    )
    assert (ran.success, ran.result) == (True, 0.5)
    failed = notebook.run("%%track waiting\nawait slow(1)\n1 / 0")
    assert isinstance(failed.error_in_exec, ZeroDivisionError)
    first, second = notebook.ends
    assert (first["status"], first["metrics"], first["model"]) == ("FINISHED", {"score": 0.5}, "model: Ridge")
    assert (second["status"], second["error"]) == ("FAILED", "ZeroDivisionError: division by zero")
    [start, _] = [journal.read(folder).start for folder in journal.waiting(notebook.project.home)]
    assert start["source"].startswith("%%track waiting --tag team=blue\nmodel")
    assert start["tags"] == {"team": "blue"}
    assert notebook.run("%track status").success


def test_options_that_are_wrong_are_said_of_a_cell_that_awaits_too(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
):
    notebook.run("%%track --bogus\nvalue = await slow(1)")
    assert "unrecognized arguments: --bogus" in capsys.readouterr().err
    assert "value" not in notebook.shell.user_ns
    assert notebook.ends == []


def test_one_tracked_cell_within_another_fails_as_the_inner_one_did(notebook: Notebook):
    ran = notebook.run("%%track outer\n%%track inner\nmodel = Ridge().fit(rows, rows[:, 0])\n1 / 0")
    assert isinstance(ran.error_in_exec, ZeroDivisionError)
    assert [end["status"] for end in notebook.ends] == ["FAILED", "FAILED"]
    assert "_showtraceback" not in vars(notebook.shell)


def test_a_metric_is_no_earlier_cells(notebook: Notebook):
    notebook.run("score = 0.9; loss = 0.1")
    notebook.run("%%track\n1 / 0\nscore = 1.0")
    notebook.run("%%track\nif not score:\n    loss = 0.2\nmae = 0.3")
    assert [end["metrics"] for end in notebook.ends] == [{}, {"mae": 0.3}]


HOSTILE = """
class Hostile:
    def __getattribute__(self, name): raise RuntimeError("no")
    def __eq__(self, other): raise RuntimeError("no")
    def __bool__(self): raise RuntimeError("no")
evil = loss = Hostile()
def twice(value): return 2 * value
"""


def test_an_object_that_answers_nothing_keeps_nothing_from_being_known(notebook: Notebook):
    notebook.run(HOSTILE)
    notebook.run("%%track\nloss, held = evil, [evil]\nmodel = Ridge().fit(twice(rows), rows[:, 0])\nscore = 0.5")
    [end] = notebook.ends
    assert (end["metrics"], end["model"], end["warnings"]) == ({"score": 0.5}, "model: Ridge", [])
    assert HOSTILE in end["slice"]


def test_what_was_asked_for_and_is_not_there_is_said(notebook: Notebook):
    notebook.run("%%track --model nosuch --data nope --param none\nmodel = Ridge().fit(rows, rows[:, 0])")
    [end] = notebook.ends
    assert [warning.partition(":")[0] for warning in end["warnings"][:3]] == [
        "--model nosuch",
        "--param none",
        "--data nope",
    ]


def test_nothing_depends_on_what_never_ran(notebook: Notebook):
    notebook.run("%%nosuchmagic\nx")
    notebook.run("%%track\nmodel = Ridge().fit(rows, rows[:, 0])")
    notebook.run("%%track\nmodel = Ridge(.fit(rows)")
    first, second = (journal.read(folder) for folder in journal.waiting(notebook.project.home))
    assert (first.end or {})["slice"] == [SETUP]
    assert second.start["slice"] == []


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame])
def test_of_more_than_a_gigabyte_blocks_are_read(kind: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "MOST_BYTES", 10_000)
    monkeypatch.setattr(data, "_SAMPLED", 4_000)
    rows = kind(np.random.default_rng(0).normal(size=(5_000, 2)))
    digest = data.digest(rows)
    assert digest.startswith("~")
    assert digest == data.digest(rows)
    changed = rows.copy()
    changed[-1:] = 0.0
    assert digest != data.digest(changed)


def test_ten_gigabytes_that_lie_nowhere_are_described_at_once():
    endless = np.broadcast_to(np.zeros(1), (1_250_000_000, 1))
    found = data.describe(endless, "endless", "memory", "training")
    assert found is not None
    assert (found.rows, found.columns, found.digest[0]) == (1_250_000_000, 1, "~")


CHANCY = """
import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neural_network import MLPRegressor
from xgboost import XGBRegressor
learn, test = train_test_split(np.random.normal(size=(80, 4)))
models = [
    RandomForestRegressor(3), GradientBoostingRegressor(n_estimators=3, subsample=0.5),
    MLPRegressor(max_iter=3, tol=10.0, n_iter_no_change=1),
    XGBRegressor(n_estimators=3, subsample=0.5), KMeans(2, n_init=1),
]
answers = [model.fit(learn[:, :3], learn[:, 3]).predict(test[:, :3]).tobytes() for model in models]
answers += [cross_val_score(models[0], test[:, :3], test[:, 3], cv=2).tobytes(), np.random.get_state()[1].tobytes()]
"""


def test_the_results_are_the_same_to_the_last_bit(notebook: Notebook):
    found = []
    for first in ("", "%%track\n", "%%track\n"):
        notebook.run("np.random.seed(7)")
        assert notebook.run(first + CHANCY).success
        found.append(notebook.shell.user_ns["answers"])
    assert found[0] == found[1] == found[2]
