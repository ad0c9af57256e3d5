"""What a bare %%track finds, what it never does to the person's cell, and what survives."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_mlops.project import Project
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import journal, log, ship

SETUP = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_absolute_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
r = np.random.default_rng(0)
rows = pd.DataFrame(r.normal(size=(300, 3)), columns=list("abc"))
y = rows.a * 2 + r.normal(size=300)
learn, test, y_learn, y_test = train_test_split(rows, y, random_state=0)
"""


@pytest.fixture
def shell(interactive):
    interactive.run_cell(SETUP, store_history=True)
    return interactive


def _told(project: Project) -> list[journal.Told]:
    return [journal.read(folder) for folder in journal.waiting(project.home)]


def _last(project: Project) -> journal.Told:
    return _told(project)[-1]


def _run(shell, cell: str):
    return shell.run_cell(cell, store_history=True)


def test_each_metric_says_where_it_came_from(project, shell):
    _run(
        shell,
        "%%track\n"
        "model = Ridge().fit(learn, y_learn)\n"
        "mae = mean_absolute_error(y_test, model.predict(test))\n"
        "r2_test = model.score(test, y_test)\n"
        "cv = cross_val_score(Ridge(), learn, y_learn, cv=4)\n"
        "for i in range(3):\n    print('epoch loss:', i)\n"
        "print(f'RMSE: {1.25:.2f}   rows: 300')\n"
        "print('MAE:', round(mae, 3))\n"
        "{'f1': 0.5, 'n': 3}",
    )
    end = _last(project).end
    assert end["origins"] == {
        "f1": "what the cell returned",
        "mae": "the variable mae",
        "r2_test": "the variable r2_test",
        "cv_score": "cross_val_score, 4 folds",
        "rmse": "printed",
    }
    assert end["metrics"]["rmse"] == 1.25
    contexts = {(d["context"], d["name"], d["rows"]) for d in end["datasets"]}
    assert contexts == {("training", "learn", 225), ("evaluation", "test", 75)}
    assert end["warnings"] == []


def test_a_search_gives_its_best_score_and_parameters(project, shell):
    _run(shell, "%%track\nsearch = GridSearchCV(Ridge(), {'alpha': [0.1, 5.0]}, cv=3).fit(learn, y_learn)")
    end = _last(project).end
    assert end["metrics"].keys() == {"best_cv_score"}
    assert end["parameters"]["best_alpha"] in ("0.1", "5.0")
    assert end["model"] == "search: GridSearchCV"


def test_leaked_rows_are_told_and_ordinary_scores_are_not(project, shell):
    _run(shell, "%%track\nm = Ridge().fit(learn, y_learn)\nmae = mean_absolute_error(y_learn, m.predict(learn))")
    assert _last(project).end["warnings"] == ["scored on the very rows it was fitted on"]
    both = "m = Ridge().fit(learn, y_learn)\nr2_learn = m.score(learn, y_learn)\nr2_test = m.score(test, y_test)"
    _run(shell, "%%track\n" + both)
    assert _last(project).end["warnings"] == []
    _run(shell, "leaky, y_leaky = pd.concat([test, learn[:25]]), pd.concat([y_test, y_learn[:25]])")
    _run(shell, "%%track\nm = Ridge().fit(learn, y_learn)\nr2 = m.score(leaky, y_leaky)")
    assert "25% of the rows" in _last(project).end["warnings"][0]


def test_an_edited_or_rerun_cell_is_told(project, shell):
    shell.run_cell("alpha = 1.0", store_history=True, cell_id="knob")
    shell.run_cell("scale = alpha * 2", store_history=True, cell_id="scale")
    shell.run_cell("alpha = 3.0", store_history=True, cell_id="knob")
    _run(shell, "%%track\nm = Ridge(alpha=scale).fit(learn, y_learn)")
    assert any("has run other code since" in w for w in _last(project).end["warnings"])


def test_attempts_of_one_cell_fold_together(project, shell, capsys):
    for alpha in (100.0, 1.0, 50.0):
        cell = (
            f"%%track\nm = Ridge(alpha={alpha}).fit(learn, y_learn)\nmae = mean_absolute_error(y_test, m.predict(test))"
        )
        shell.run_cell(cell, store_history=True, cell_id="train")
    assert "attempt 3" in capsys.readouterr().out
    ship(project)
    runs = open_store(project).runs()
    assert [r.tags["mlops.cell"] for r in runs] == ["train"] * 3
    assert sorted(r.tags["mlops.attempt"] for r in runs) == ["1", "2", "3"]
    best = min(runs, key=lambda r: r.metrics["mae"])
    assert [r.tags.get("mlops.best") for r in runs].count("mae") == 1
    assert best.tags["mlops.best"] == "mae"
    assert [r.tags["mlops.attempt"] for r in runs if r.tags.get("mlops.latest") == "true"] == ["3"]


def test_track_on_keeps_the_cells_that_fit_or_score_and_no_others(project, shell, capsys):
    _run(shell, "%track on")
    _run(shell, "n = len(rows)")
    _run(shell, "from sklearn.preprocessing import StandardScaler\nscaled = StandardScaler().fit_transform(learn)")
    _run(shell, "model = Ridge().fit(learn, y_learn)")
    _run(shell, "mae = mean_absolute_error(y_test, model.predict(test))")
    _run(shell, "1 / 0")
    _run(shell, "Ridge().fit(learn, y_learn); 1 / 0")
    _run(shell, "%track off")
    _run(shell, "model = Ridge().fit(learn, y_learn)")
    told = _told(project)
    assert [t.end["status"] for t in told] == ["FINISHED", "FINISHED", "FAILED"]
    assert told[1].end["metrics"].keys() == {"mae"}
    assert len(told[1].start["slice"]) == 2
    assert capsys.readouterr().out.count("ZeroDivisionError") >= 2


def test_track_on_keeps_a_cell_that_only_logs(project, shell):
    _run(shell, "import jupyter_mlops as mlops\n%track on")
    _run(shell, "for i in range(3): mlops.log(loss=1 / (i + 1), step=i)")
    assert ship(project).count == 1
    [run] = open_store(project).runs()
    assert run.metrics == {"loss": 1 / 3}


def test_nothing_of_ours_is_left_in_what_a_cell_made(project, shell):
    """A scorer, a dictionary, a default hold the very function; a class of the notebook goes to another process as it is."""
    import cloudpickle
    from sklearn.metrics import f1_score

    before = f1_score.__code__
    _run(
        shell,
        "%%track\nfrom sklearn.base import BaseEstimator\nfrom sklearn.metrics import f1_score, make_scorer\n"
        "import cloudpickle, inspect, pickle\nscorer, held = make_scorer(f1_score), {'f1': f1_score}\n"
        "class Own(BaseEstimator):\n    def fit(self, X, y=None): return self\n    def predict(self, X): return X\n"
        "takes = list(inspect.signature(Own.fit).parameters), inspect.getfullargspec(Own().fit).args\n"
        "sent = pickle.dumps(scorer), cloudpickle.dumps(Own())\nheld['f1']([0, 1], [0, 1])",
    )
    assert _last(project).end["metrics"] == {"f1": 1.0}
    kept = shell.user_ns
    assert kept["held"]["f1"] is f1_score is kept["scorer"]._score_func
    assert f1_score.__code__ is before
    assert b"jupyter_mlops" not in b"".join(kept["sent"])
    assert kept["takes"] == (["self", "X", "y"],) * 2
    assert kept["Own"].fit.__code__.co_argcount == 3
    assert "__signature__" not in vars(kept["Own"].fit)
    assert cloudpickle.loads(kept["sent"][1]).fit(1).predict(2) == 2


def test_a_traceback_is_the_one_without_us(project, shell, capsys):
    said = []
    for first in ("", "%%track\n"):
        shell.run_cell(f"{first}mean_absolute_error([1, 2], [1])\n", store_history=True)
        said.append(capsys.readouterr().out)
    assert "jupyter_mlops" not in said[1]
    frames = [[line for line in text.splitlines() if ", in " in line and "Cell In" not in line] for text in said]
    assert frames[0] == frames[1] != []


def test_blocks_of_several_threads_leave_nothing_behind(project):
    import threading

    from sklearn.linear_model import Ridge

    from jupyter_mlops.tracking.observing import observing
    from jupyter_mlops.tracking.seeing import Seen

    before, gate = Ridge.fit.__code__, threading.Barrier(2)
    seens = [Seen(), Seen()]

    def work(seen: Seen) -> None:
        with observing("", seen):
            gate.wait(60)
            Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
            gate.wait(60)

    threads = [threading.Thread(target=work, args=(seen,)) for seen in seens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(seen.fits for seen in seens)
    assert Ridge.fit.__code__ is before


def test_metrics_by_epoch_are_a_curve_and_survive_a_kill(project, shell):
    _run(shell, "import jupyter_mlops as mlops")
    _run(shell, "%%track\nfor i in range(5):\n    mlops.log(loss=1 / (i + 1), step=i)")
    assert _last(project).end["metrics"] == {"loss": 0.2}
    ship(project)
    store = open_store(project)
    [run] = store.runs()
    assert [m.value for m in store.client.get_metric_history(run.run_id, "loss")] == [1.0, 0.5, 1 / 3, 0.25, 0.2]
    code = (
        "import os, signal; from jupyter_mlops.tracking import Session, Options, Source, log\n"
        "with Session('nb').track(Source('x = 1', 'x = 1'), {}, Options()):\n"
        "    for i in range(7): log(loss=i, step=i)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=project.root, check=False, timeout=60)
    ship(project)
    killed = next(r for r in store.runs() if r.status == "KILLED")
    assert len(store.client.get_metric_history(killed.run_id, "loss")) == 7


def test_log_outside_of_a_cell_is_refused():
    from jupyter_mlops.errors import BadInput

    with pytest.raises(BadInput, match="outside"):
        log(loss=1)


def test_figures_tables_and_local_modules_go_along(project, shell):
    (project.root / "own_features.py").write_text(
        "TOKEN = 'hf_abcdefghijklmnopqrstuvwxyz0123456789'\ndef twice(x): return 2 * x\n"
    )
    _run(shell, "import sys; sys.path.insert(0, '.')\nimport own_features\nfrom IPython.display import HTML, display")
    _run(shell, "%%track\nm = Ridge().fit(own_features.twice(learn), y_learn)\ndisplay(HTML('<table>1</table>'))")
    end = _last(project).end
    assert [m["name"] for m in end["local_modules"]] == ["own_features"]
    assert "hf_abc" not in json.dumps(end)
    assert end["environment"]["cpus"]
    assert end["times"]["peak_memory"] > 1e6
    sys.modules.pop("own_features")


@pytest.mark.parametrize(
    "cell",
    [
        "%%track\n%%time\nx = 41 + 1",
        "%%track\nimport asyncio\nawait asyncio.sleep(0)\nx = 42",
        "%%track\nx = sum(i for i in [20, 22])",
        "%%track\nmae = 'not a number'\nx = 42",
        "%%track\nlist = 3\nx = 42\ndel list",
        "%%track\na = []; a.append(a)\nx = 42",
        "%%track --metric mae=nothing_such\nx = 42",
        "%%track --model nothing_such\nx = 42",
        "%%track\nclass Own(Ridge):\n    def __reduce__(self): raise TypeError('never')\nm = Own().fit(learn, y_learn)\nx = 42",
        "%%track\nimport sys; sys.setrecursionlimit(sys.getrecursionlimit())\nx = 42",
    ],
)
def test_awkward_cells_run_as_without_us(project, shell, cell):
    assert _run(shell, cell).success
    assert shell.user_ns["x"] == 42
    assert _last(project).end["status"] == "FINISHED"


def test_a_broken_project_file_breaks_no_cell(project, shell):
    (project.root / "mlops.yaml").write_text("version: [1\n")
    assert _run(shell, "%%track\nx = 42").success
    assert shell.user_ns["x"] == 42
    assert _last(project).end["status"] == "FINISHED"


def test_an_unwritable_journal_breaks_no_cell_and_loses_nothing(project, shell, capsys):
    """The journal's place is taken by a file: no record can be written until it is gone."""
    taken = project.home / "journal"
    project.home.mkdir(exist_ok=True)
    taken.write_text("")
    assert _run(shell, "%%track first\nx = 42").success
    assert "waits in memory" in capsys.readouterr().out
    taken.unlink()
    assert _run(shell, "%%track second\nx = 43").success
    assert [t.start["name"] for t in _told(project)] == ["first", "second"]
    assert all(t.end["status"] == "FINISHED" for t in _told(project))


def test_the_namespace_and_the_stream_are_left_clean(shell):
    names, write = set(shell.user_ns), sys.stdout.write
    _run(shell, "%%track\nmodel = Ridge().fit(learn, y_learn)\nprint('x')")
    assert set(shell.user_ns) - names <= {"model", "_i", "_ii", "_iii", "_dh", "_"} | {f"_i{n}" for n in range(99)}
    assert sys.stdout.write == write
    assert Ridge_fit() == "sklearn.linear_model._ridge"


def Ridge_fit() -> str:  # noqa: N802
    from sklearn.linear_model import Ridge

    return Ridge.fit.__module__


def test_a_notebook_below_the_project_shares_its_journal(project, shell, monkeypatch):
    (project.root / "notebooks").mkdir(exist_ok=True)
    monkeypatch.chdir(project.root / "notebooks")
    shell.mlops_magics.session.folder = Path.cwd()
    _run(shell, "%%track below\nx = 1")
    assert _last(project).start["name"] == "below"
    assert not (project.root / "notebooks" / ".mlops").exists()


def test_a_disk_that_fills_up_in_the_middle_loses_nothing(project):
    """No file may grow beyond a few kB while the cell runs; afterwards it may, and everything arrives."""
    code = (
        "import resource, sys; from jupyter_mlops.tracking import Session, Options, Source, log\n"
        "s = Session('nb')\n"
        "with s.track(Source('x = 1', 'x = 1'), {}, Options(name='full')):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))\n"
        "    for i in range(200): log(loss=i, step=i)\n"
        "assert s.last.warnings, 'it should have been told'\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "with s.track(Source('x = 1', 'x = 1'), {}, Options(name='after')): pass\n"
    )
    environment = {**os.environ, "MLOPS_STRICT": ""}
    subprocess.run([sys.executable, "-c", code], cwd=project.root, check=True, timeout=60, env=environment)
    told = {t.start["name"]: t for t in _told(project)}
    assert len(told["full"].streamed) == 200
    assert told["full"].end["status"] == "FINISHED"


def test_a_kernel_killed_at_any_moment_ends_truthfully(project):
    """Twelve kernels, killed at twelve moments: what was logged before is readable, and none of them says FINISHED."""
    code = (
        "from jupyter_mlops.tracking import Session, Options, Source, log\n"
        "import sys\n"
        "with Session('nb').track(Source('x', 'x'), {}, Options(name=sys.argv[1])):\n"
        "    i = 0\n"
        "    while True:\n"
        "        log(done=i, step=i); print(i, flush=True); i += 1\n"
    )
    said = {}
    for number in range(12):
        name = f"kill-{number}"
        child = subprocess.Popen(
            [sys.executable, "-c", code, name], cwd=project.root, stdout=subprocess.PIPE, text=True
        )
        child.stdout.readline()
        time.sleep(0.003 * number)
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
        said[name] = int(rest[-1]) if rest else 0
        child.wait()
    ship(project)
    store = open_store(project)
    runs = {r.name: r for r in store.runs()}
    assert runs.keys() == said.keys()
    for name, run in runs.items():
        assert run.status == "KILLED"
        assert len(store.client.get_metric_history(run.run_id, "done")) > said[name]


def test_numbers_of_numpy_count_and_epochs_and_a_reports_own_fits_do_not(project, shell):
    _run(shell, "from sklearn.metrics import classification_report")
    _run(
        shell,
        "%%track\naccuracy, f1, auc = np.float32(0.5), np.array(0.25), None\n"
        "for i in range(2):\n    print(f'epoch {i} loss: {i / 7}')\n"
        "print(classification_report([0, 1], [0, 1]))",
    )
    end = _last(project).end
    assert end["metrics"] == {"accuracy": 0.5, "f1": 0.25}
    assert end["datasets"] == []


def test_a_syntax_error_is_shown_as_ever_and_ran_nothing(project, shell, capsys):
    _run(shell, "%%track\nif True print(1)")
    said = capsys.readouterr()
    assert "SyntaxError" in said.out + said.err
    assert "magic.py" not in said.out + said.err
    _run(shell, "%%track\nm = Ridge().fit(learn, y_learn)")
    told = _last(project)
    assert told.end["warnings"] == []
    assert all("if True print" not in cell for cell in told.start["slice"])


def test_help_needs_no_cell(shell, capsys):
    _run(shell, "%%track --help")
    assert "--pickle" in capsys.readouterr().out


def test_cells_without_ids_are_told_apart_by_what_they_bind(project, shell):
    _run(shell, "%%track\none = Ridge().fit(learn, y_learn)")
    _run(shell, "%%track\nother = Ridge().fit(learn, y_learn)")
    _run(shell, "%%track\none = Ridge(alpha=2).fit(learn, y_learn)")
    assert [t.start["attempt"] for t in _told(project)] == [1, 1, 2]


def test_the_card_compares_with_the_champion_of_its_notebook(project, shell, capsys):
    from jupyter_mlops.registry import register

    cell = "m = Ridge(alpha={}).fit(learn, y_learn)\nmae = mean_absolute_error(y_test, m.predict(test))"
    _run(shell, "%%track\n" + cell.format(1))
    ship(project)
    store = open_store(project)
    [run] = store.runs()
    register(store, run.run_id, "rul")
    with sqlite3.connect(project.home / "mlops.db") as rows:  # what a decision comes to
        rows.execute("INSERT INTO registered_model_aliases (name, alias, version) VALUES ('rul', 'champion', 1)")
    _run(shell, "%%track\n" + cell.format(2))
    ship(project)
    capsys.readouterr()
    _run(shell, "%%track\n" + cell.format(3))
    assert "against champion rul v1" in capsys.readouterr().out
