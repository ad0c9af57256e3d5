"""A cell becomes a run: everything found, nothing lost, nothing touched."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.masking import mask, mask_value
from jupyter_mlops.project import Project
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import journal, ship
from jupyter_mlops.tracking.data import digest
from jupyter_mlops.tracking.slicing import History

TRAIN = """%%track churn --tag team=blue
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
model = LogisticRegression(C=c).fit(rows[["a", "b"]], rows["y"])
auc = roc_auc_score(rows["y"], model.predict_proba(rows[["a", "b"]])[:, 1])
"""


@pytest.fixture
def shell(interactive):
    interactive.run_cell("import pandas as pd, numpy as np", store_history=True)
    interactive.run_cell("unrelated = 1", store_history=True)
    random = "r = np.random.default_rng(0); a = r.normal(size=60)"
    interactive.run_cell(f"{random}; rows = pd.DataFrame({{'a': a, 'b': r.normal(size=60)}})", store_history=True)
    interactive.run_cell(
        "rows['y'] = (a > 0).astype(int)\nc = 0.5\npassword = 'hunter2-but-longer'", store_history=True
    )
    return interactive


def _record(project: Project) -> tuple[dict, dict]:
    [folder] = journal.waiting(project.home)
    told = journal.read(folder)
    assert told.end is not None
    return told.start, told.end


def test_a_bare_cell_finds_everything_and_ships_once(project: Project, shell):
    result = shell.run_cell(TRAIN, store_history=True)
    assert result.success
    start, end = _record(project)
    assert end["metrics"].keys() == {"auc"}
    assert end["parameters"]["C"] == "0.5"
    assert end["parameters"]["password"] == "***"
    assert end["datasets"][0]["rows"] == 60
    assert "unrelated = 1" not in start["slice"]
    assert "rows['y'] = (a > 0).astype(int)" in start["slice"][-1]
    assert "hunter2" not in json.dumps([start, end])
    assert ship(project).count == 1
    assert ship(project).count == 0
    [run] = open_store(project).runs()
    assert (run.name, run.status, run.tags["team"]) == ("churn", "FINISHED", "blue")
    assert run.metrics == pytest.approx(end["metrics"])
    assert open_store(project).model_uri(run.run_id)


def test_a_ship_interrupted_after_the_run_was_made_makes_no_second(project: Project, shell, monkeypatch):
    from jupyter_mlops.store import Store

    shell.run_cell(TRAIN, store_history=True)
    real = Store.log_texts
    monkeypatch.setattr(Store, "log_texts", lambda *_a, **_k: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError, match="gone"):
        ship(project)
    monkeypatch.setattr(Store, "log_texts", real)
    assert ship(project).count == 1
    assert len(open_store(project).runs()) == 1


def test_a_raising_cell_is_a_failed_run_and_raises_as_ever(project: Project, shell, capsys):
    result = shell.run_cell("%%track\n1 / 0", store_history=True)
    shown = capsys.readouterr().out
    assert not result.success
    assert shown.count("division by zero") == 2  # once on the card, once in the traceback
    assert "jupyter_mlops" not in shown
    assert _record(project)[1]["status"] == "FAILED"


def test_a_syntax_error_is_shown_as_ever(project: Project, shell, capsys):
    shell.run_cell("%%track\nif", store_history=True)
    assert "SyntaxError" in capsys.readouterr().out
    assert _record(project)[1]["status"] == "FAILED"


def test_nothing_is_touched(shell):
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression.__dict__["fit"]
    import sklearn.metrics as metrics

    score = metrics.roc_auc_score
    shell.run_cell(TRAIN, store_history=True)
    assert LogisticRegression.__dict__["fit"] is fit
    assert metrics.roc_auc_score is score
    assert shell.user_ns["roc_auc_score"] is score
    tracked = shell.user_ns["model"].coef_.copy()
    shell.run_cell(TRAIN.partition("\n")[2], store_history=True)
    assert (shell.user_ns["model"].coef_ == tracked).all()


def test_a_word_that_is_not_an_option_is_said_in_one_line(project: Project, shell, capsys):
    shell.run_cell("%%track --metrc auc\nx = 1", store_history=True)
    captured = capsys.readouterr()
    assert "--metrc" in captured.err
    assert "Traceback" not in captured.out + captured.err
    assert list(journal.waiting(project.home)) == []


def test_a_kernel_killed_in_the_cell_is_closed_as_killed(project: Project):
    code = (
        "import os, signal; from jupyter_mlops.tracking import Session, Options, Source\n"
        "with Session('nb').track(Source('x = 1', 'x = 1'), {}, Options()):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project.root, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert ship(project).count == 1
    [run] = open_store(project).runs()
    assert run.status == "KILLED"
    assert "ended without a word" in run.reason


def test_loading_the_extension_brings_nothing_heavy():
    code = (
        "import sys, jupyter_mlops; from IPython.core.interactiveshell import InteractiveShell;"
        "jupyter_mlops.load_ipython_extension(InteractiveShell.instance());"
        "print({'pandas', 'mlflow', 'sklearn', 'numpy', 'sqlalchemy', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


NAMES = "abcd"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(NAMES), st.integers(0, 9)).map(lambda t: f"{t[0]} = [{t[1]}]"),
            st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(lambda t: f"{t[0]} = {t[1]} + [1]"),
            st.tuples(st.sampled_from(NAMES), st.integers(0, 9)).map(lambda t: f"{t[0]}.append({t[1]})"),
            st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(
                lambda t: f"if len({t[0]}) > 2:\n    {t[1]} = []"
            ),
            st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(lambda t: f"{t[0]} += {t[1]}[:1]"),
            st.sampled_from(NAMES).map(lambda n: f"def f():\n    {n}.append(5)"),
            st.just("f()"),
        ),
        max_size=14,
    )
)
def test_a_slice_alone_gives_what_the_whole_session_gave(cells: list[str]):
    begin = ["a = [1]", "b = [2]", "c = [3]", "d = [4]\ndef f(): pass"]
    history, whole = History(), {}
    for cell in [*begin, *cells]:
        exec(cell, whole)
        history.add(cell, cell, True)
    for name in NAMES:
        alone: dict = {}
        for index in history.slice(f"x = {name}"):
            exec(history.cells[index].python, alone)
        assert alone[name] == whole[name]


def test_a_thousand_cells_are_sliced_fast_enough_to_forget():
    history = History()
    for i in range(1000):
        history.add(f"v{i} = v{i - 1} + 1" if i else "v0 = 0", f"v{i} = v{i - 1} + 1" if i else "v0 = 0", True)
    assert history.slice("v999") == list(range(1000))
    assert history.slice("v3") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "xoxb-123456789012-abcdefGHIJKL",
        "sk-proj-" + "Ab1_" * 8,
        "hf_" + "aB3" * 11,
        "dapi" + "0f" * 16,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_are_masked_by_their_shape(secret: str):
    assert secret not in mask(f"connect({secret!r})".replace("\\n", "\n"))


def test_secrets_are_masked_by_their_name_and_place():
    assert "s3cret" not in mask("url = 'postgres://user:s3cret@host/db'")
    assert "s3cret-value" not in mask("db_password = 's3cret-value'")
    assert mask_value("API_KEY", "12345") == "***"


def test_ordinary_lines_are_left_alone():
    lines = [
        "model.fit(X_train, y_train)",
        "run_id = 'd5fe1c67e0ba492e8dfc26254965acab'",
        "digest = '" + "0f" * 32 + "'",
        "tokens = tokenizer(text)",
        "import secrets",
    ]
    assert [mask(line) for line in lines] == lines


def test_a_digest_tells_content_not_place():
    frame = pd.DataFrame({"a": np.arange(5.0), "s": list("abcde"), "t": pd.date_range("2026-01-01", periods=5)})
    assert digest(frame) == digest(frame.copy())
    changed = frame.copy()
    changed.loc[2, "s"] = "z"
    assert len({digest(frame), digest(changed), digest(frame.rename(columns={"a": "b"})), digest(frame[::-1])}) == 4
    assert digest(np.arange(6.0)) != digest(np.arange(6))


def test_the_record_is_for_this_persons_eyes_only(project: Project, shell):
    shell.run_cell(TRAIN, store_history=True)
    for path in [project.home / "journal", *(project.home / "journal").rglob("*")]:
        if path.name in (journal.RECORD,) or path.is_dir():
            assert path.stat().st_mode & 0o077 == 0 or path == Path(project.home / "journal")


def test_mlops_answers_in_words_where_nothing_shows_html(shell, capsys):
    capsys.readouterr()
    shell.run_cell("%mlops runs")
    shell.run_cell("%mlops runs --project 'open")
    said = capsys.readouterr()
    assert "HTML object" not in said.out
    assert said.out.strip()
    assert "fix: close the quotes" in said.err


def test_the_saved_notebook_tells_what_was_edited_deleted_or_run_out_of_order(shell, tmp_path):
    """Cells a, b, c, d stand in this order; they run as a, c, b, d, and each line says what the file then holds of them."""
    session = shell.mlops_magics.session
    file = tmp_path / "order.ipynb"
    session.path = str(file)

    def saved(later: float = 60, **cells: str) -> None:
        file.write_text(json.dumps({"cells": [{"id": name, "source": source} for name, source in cells.items()]}))
        os.utime(file, (time.time() + later,) * 2)

    texts = {"a": "one = 1", "c": "three = one + 2", "b": "two = one + 1", "d": "%%track\nscore = two + three"}
    for name, text in texts.items():
        saved(**dict(sorted(texts.items())))
        assert shell.run_cell(text, store_history=True, cell_id=name).success
    assert session.last.warnings == ["executed out of order: execution 8 stands above execution 7, and ran after it"]

    in_order = {name: texts[name] for name in "acbd"}
    for cells, later, told in [
        (in_order, 60, []),
        (in_order | {"c": "three = 3"}, 60, ["it depends on execution 7, whose cell was edited since"]),
        (in_order | {"c": "three = 3"}, -60, []),  # saved before it ran
        ({n: in_order[n] for n in "abd"}, 60, ["it depends on execution 7, whose cell is no longer in the notebook"]),
        ({"a": texts["a"], "moved": texts["c"], "b": texts["b"], "d": texts["d"]}, 60, []),
        ({"other": "x"}, 60, []),
        (
            dict(reversed(in_order.items())),
            60,
            ["executed out of order: execution 7 stands above execution 6, and ran after it"],
        ),
    ]:
        saved(later, **cells)
        shell.run_cell(texts["d"], store_history=True, cell_id="d")
        assert session.last.warnings == told
    file.write_text("{ torn")
    shell.run_cell(texts["d"], store_history=True, cell_id="d")
    assert session.last.warnings == []
