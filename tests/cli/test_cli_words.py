"""Bad input gets a sentence with its fix and the right status, never a traceback; `--json` gives one envelope."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.cli import main
from jupyter_mlops.project import Project

BAD = [
    (["policy", "check", "nope.yaml"], 2, "there is no policy file"),
    (["policy", "check"], 2, "needs a file"),
    (["policy", "withdraw", "nope", "--reason", "x"], 2, "unknown policy in force"),
    (["ledger", "as-of", "yesterday", "rul"], 2, "is not a time"),
    (["ledger", "as-of", "2026-11-23"], 2, "needs a time and a model"),
    (["ledger", "as-of", "2026-11-23", "nobody"], 2, "the ledger knows no nobody"),
    (["ledger", "verify", "--database", "foo"], 2, "is not a database"),
    (["ledger", "checkpoint"], 2, "the ledger is empty"),
    (["verify", "nope.zip"], 2, "there is no file"),
    (["approve", "nobody", "1", "--reason", "x"], 2, "unknown model"),
    (["approve", "nobody", "1", "--reason", " "], 2, "needs a reason"),
    (["card", "nobody", "1"], 2, "unknown model"),
    (["evidence", "nobody", "1", "-o", "x.zip"], 2, "unknown model"),
    (["profile", "nope.csv", "--workers", "0"], 2, "--workers 0 is no number of processes"),
    (["quickstrat"], 2, "did you mean 'quickstart'?"),
    (["quickstart", "x", "--template", "retail"], 2, "did you mean 'retail-recommender'?"),
    (["models", "--project", "/nowhere"], 2, "no such project folder"),
    (["show", "abc"], 2, "no run begins with"),
    (["versions", "nobody"], 2, "unknown model"),
    (["promote", "rul.plant-01", "1", "--reason", " "], 2, "needs a reason"),
    (["promote", "rul.plant-01", "1"], 2, "--reason"),
    (["run", "nope.ipynb"], 2, "there is no notebook"),
    (["run", "--matrix", "a=1,2", "--segments", "rul"], 2, "has no effect"),
    (["run", "--segments", "rull"], 2, "did you mean 'rul'?"),
    (["drift", "a.csv", "b.csv"], 2, "there is no file or folder a.csv"),
    (["alerts", "--ack", "9"], 2, "no alert 9"),
    (["monitor", "rul", "--current", "x"], 2, "add --segment"),
    (["dashboards"], 2, "no dashboards"),
]


@pytest.mark.parametrize(("words", "status", "said"), BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input_is_told_with_its_fix(project: Project, monkeypatch, capsys, words, status, said):
    monkeypatch.chdir(project.root)
    assert main(words) == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert main([*words, "--json"]) == status
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert {"code", "message", "fix", "details"} == answer["error"].keys()


def test_a_broken_project_file_is_told_by_line(project: Project, monkeypatch, capsys):
    file = project.root / "mlops.yaml"
    file.write_text(file.read_text().replace("owner:", "owmer:"))
    monkeypatch.chdir(project.root)
    assert main(["models"]) == 2
    assert "line 6: models.rul.owmer: unknown key" in (said := capsys.readouterr().err)
    assert "did you mean 'owner'?" in said


def test_a_folder_that_is_not_empty_is_left_alone(project: Project, capsys):
    assert main(["quickstart", str(project.root), "--no-lab"]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [p.name for p in project.root.iterdir()] == ["mlops.yaml"]


def test_a_port_in_use_is_named(project: Project, monkeypatch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.chdir(project.root)
        assert main(["quickstart", "new", "--port", str(port)]) == 2
    assert f"port {port} is in use" in capsys.readouterr().err
    assert not (project.root / "new").exists()


def test_drift_answers_with_its_status(tmp_path: Path, capsys):
    random = np.random.default_rng(0)
    pd.DataFrame({"a": random.normal(size=3000), "c": "x"}).to_csv(tmp_path / "one.csv", index=False)
    pd.DataFrame({"a": random.normal(2, 1, size=3000), "c": "x"}).to_parquet(tmp_path / "two.parquet")
    words = ["drift", str(tmp_path / "one.csv"), str(tmp_path / "two.parquet"), "--json"]
    assert main(words) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["drifted_columns"] == ["a"]
    column = data["columns"][0]
    assert {
        "name",
        "kind",
        "n_reference",
        "ks",
        "p_value",
        "psi",
        "js",
        "wasserstein",
        "effect",
        "reason",
    } <= column.keys()
    assert main([*words, "--fail-on-drift"]) == 1


def test_a_project_is_found_from_below_and_may_be_named_anywhere(project: Project, monkeypatch, capsys):
    below = project.root / "notebooks"
    below.mkdir()
    monkeypatch.chdir(below)
    assert main(["models", "--json"]) == 0
    assert (project.home / "mlops.db").exists()
    monkeypatch.chdir("/")
    for words in (["--project", str(project.root), "models"], ["models", "--project", str(project.root)]):
        assert main(words) == 0
    assert not Path("/.mlops").exists()


def test_the_command_is_found_by_jupyter():
    command = [str(Path(sys.executable).parent / "jupyter"), "mlops", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/tmp")
    assert json.loads(done.stdout)["data"]


def test_the_command_line_begins_without_what_only_some_commands_need():
    code = "import sys, jupyter_mlops.cli.main; print({'mlflow', 'pandas', 'sklearn', 'papermill', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
