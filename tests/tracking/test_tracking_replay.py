"""Replay says reproduced only of what was, and names what differs; diff shows two runs side by side."""

import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from jupyter_mlops.cli import main
from jupyter_mlops.project import Project
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import replay, ship

CELLS = [
    "import numpy as np, pandas as pd\nfrom sklearn.linear_model import Ridge\nfrom sklearn.metrics import mean_absolute_error",
    "rows = pd.read_csv('rows.csv')",
    "import os, sys; sys.path.insert(0, os.getcwd())\nimport shapes",
    "never_used = 1",
]
TRAIN = """%%track {name}
model = Ridge(alpha=ALPHA).fit(shapes.wide(rows[["a", "b"]]), rows["y"])
mae = mean_absolute_error(rows["y"], model.predict(shapes.wide(rows[["a", "b"]]))) {more}
"""


@pytest.fixture
def shell(project: Project, interactive):
    import pandas as pd

    r = np.random.default_rng(0)
    pd.DataFrame(r.normal(size=(50, 3)), columns=["a", "b", "y"]).to_csv(project.root / "rows.csv", index=False)
    (project.root / "shapes.py").write_text("def wide(x):\n    return x * 2\n")
    for cell in [*CELLS, "ALPHA = 0.5"]:
        assert interactive.run_cell(cell, store_history=True).success
    yield interactive
    sys.modules.pop("shapes", None)


def _tracked(project: Project, shell, name: str = "one", more: str = "") -> str:
    assert shell.run_cell(TRAIN.format(name=name, more=more), store_history=True).success
    assert ship(project).count == 1
    return next(r.run_id for r in open_store(project).runs() if r.name == name)


def test_what_is_as_it_was_is_reproduced_and_what_is_not_is_named(project: Project, shell):
    run = _tracked(project, shell)
    answer = replay(project, run)
    assert answer["reproduced"], answer["culprit"]
    assert answer["metrics"]["mae"]["recorded"] == answer["metrics"]["mae"]["replayed"]

    rows = (project.root / "rows.csv").read_text()
    (project.root / "rows.csv").write_text(rows + "9,9,9\n")
    answer = replay(project, run)
    assert not answer["reproduced"]
    assert answer["culprit"].startswith("data X")
    (project.root / "rows.csv").write_text(rows)

    (project.root / "shapes.py").write_text("def wide(x):\n    return x * 3\n")
    assert replay(project, run)["culprit"].startswith("module shapes")
    (project.root / "shapes.py").unlink()
    answer = replay(project, run)
    assert "cell 3 of the slice failed: ModuleNotFoundError" in answer["culprit"]


def test_where_no_metric_was_computed_the_models_answers_are_compared(project: Project, shell):
    train = "%%track {name}\nmodel = Ridge().fit(rows[['a', 'b']]{array}, rows['y'] + {noise})"
    for name, noise, array, reproduced in (
        ("same", "0", "", True),
        ("array", "0", ".to_numpy()", True),
        ("other", "np.random.default_rng().normal()", "", False),
    ):
        assert shell.run_cell(train.format(name=name, noise=noise, array=array), store_history=True).success
        assert ship(project).count == 1
        answer = replay(project, next(r.run_id for r in open_store(project).runs() if r.name == name))
        assert answer["reproduced"] is reproduced, answer
        assert {"predict[0]", "predict[4]"} <= answer["metrics"].keys()
        assert reproduced or "predict[0] differs" in answer["culprit"]


def test_randomness_without_a_seed_is_told_as_what_it_is(project: Project, shell):
    run = _tracked(project, shell, more="+ np.random.default_rng().normal()")
    answer = replay(project, run)
    assert not answer["reproduced"]
    assert "without a seed" in answer["culprit"]


def test_a_cell_that_drew_without_a_seed_is_named_and_one_that_drew_from_a_seed_is_repeated(project: Project, shell):
    np.random.set_bit_generator(np.random.MT19937())  # the cells' own, which other tests may have seeded
    shell.run_cell("waste = np.random.rand()", store_history=True)
    shell.run_cell("noise = np.random.normal()", store_history=True)
    answer = replay(project, _tracked(project, shell, "unseeded", more="+ noise"))
    assert answer["culprit"].startswith("cell 5 of the slice drew random numbers without a seed")
    assert open_store(project).run(answer["run_id"]).tags["mlops.slice"] == "6 of 9"

    shell.run_cell("np.random.seed(3)\nwaste = np.random.rand()", store_history=True)
    shell.run_cell("noise = np.random.normal()", store_history=True)
    answer = replay(project, _tracked(project, shell, "seeded", more="+ noise"))
    assert answer["reproduced"], answer["culprit"]


SCRIPT = """
import sys
import threading
import numpy as np
from sklearn.linear_model import Ridge
import jupyter_mlops as mlops

def train(alpha):
    rows = np.arange(20.0).reshape(-1, 2)
    with mlops.track(f"ridge-{alpha}"):
        r2 = Ridge(alpha=alpha).fit(rows[:5], rows[:5].sum(1)).score(rows[5:], rows[5:].sum(1))

for word in sys.argv[1:]:
    train(float(word))
sys.exit(0)
"""


def test_blocks_of_a_script_are_replayed_with_the_words_it_was_started_with(project: Project, monkeypatch):
    (project.root / "ridge.py").write_text(SCRIPT)
    env = {**os.environ, "MLOPS_SHIP": "supervisor", "MLOPS_PROJECT": str(project.root)}
    subprocess.run([sys.executable, "ridge.py", "0.5", "9"], cwd=project.root, env=env, check=True)
    assert ship(project).count == 2
    runs = {run.name: run for run in open_store(project).runs()}
    assert runs["ridge-0.5"].metrics["r2"] > runs["ridge-9.0"].metrics["r2"]
    answer = replay(project, runs["ridge-0.5"].run_id)
    assert answer["reproduced"], answer["culprit"]
    assert answer["metrics"]["r2"]["recorded"] == runs["ridge-0.5"].metrics["r2"]


def test_a_block_within_a_cell_is_replayed_from_the_cells_it_depends_on(project: Project, shell):
    block = "import jupyter_mlops as mlops\nfor n in (1, 2):\n    with mlops.track(f'block-{n}'):\n        "
    block += "mae = Ridge(alpha=n * ALPHA).fit(rows[['a']], rows['y']).score(rows[['a']], rows['y'])"
    assert shell.run_cell(block, store_history=True).success
    assert ship(project).count == 2
    run = next(run for run in open_store(project).runs() if run.name == "block-1")
    answer = replay(project, run.run_id)
    assert answer["reproduced"], answer["culprit"]
    assert run.tags["mlops.slice"] == "5 of 7"


def test_isolated_it_runs_in_the_pins_of_the_run(project: Project, shell):
    run = _tracked(project, shell)
    store = open_store(project)
    pins = [
        pin
        for pin in (store.text(run, "requirements.txt") or "").split()
        if pin.startswith(("scikit-learn=", "pandas="))
    ]
    store.log_texts(run, {"requirements.txt": "\n".join(pins)})  # what these tests import beside takes long to install
    answer = replay(project, run, isolated=True)
    assert len(pins) == 2
    assert answer["reproduced"], answer["culprit"]


def test_two_runs_differ_where_they_do(project: Project, shell, capsys):
    one = _tracked(project, shell)
    shell.run_cell("ALPHA = 5.0", store_history=True)
    other = _tracked(project, shell, "two")
    assert main(["diff", one, other, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])["data"]
    assert {d["what"] for d in answer["parameters"]} >= {"ALPHA", "alpha"}
    assert [d["what"] for d in answer["metrics"]] == ["mae"]
    assert "ALPHA = 5.0" in [d["other"] for d in answer["code"]]
    assert answer["data"] == []
    assert answer["environment"] == []


def test_who_interrupts_a_replay_is_not_told_that_something_differs(project: Project, shell):
    hold, held = project.root / "hold", project.root / "held"
    waits = (
        "import pathlib, time\nif pathlib.Path('hold').exists():\n    pathlib.Path('held').touch()\n    time.sleep(600)"
    )
    assert shell.run_cell(waits.replace("import", "stop = 1\nimport", 1), store_history=True).success
    run = _tracked(project, shell, more="+ stop")
    hold.touch()
    done = threading.Event()

    def interrupt() -> None:
        while not held.exists() and not done.wait(0.1):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        replay(project, run)
    done.set()
    thread.join()
