"""The database is born whole, whoever is first and whatever is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.project import Project, load
from jupyter_mlops.store import database

_FIND = (
    "import sys; from pathlib import Path; from jupyter_mlops.project import load; project = load(Path(sys.argv[1]));"
)
OPEN = (
    f"{_FIND} from jupyter_mlops.store import open_store; print(len(open_store(project).client.search_experiments()))"
)
BIRTH = f"{_FIND} from jupyter_mlops.store import database; database(project)"


def _start(code: str, root: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    )


def _complete(path: Path) -> bool:
    with sqlite3.connect(path) as raw:
        tables = {row[0] for row in raw.execute("SELECT name FROM sqlite_master")}
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return {"runs", "registered_models", "mlops_alerts", "mlops_meta", "mlops_latest_metrics_key_value"} <= tables


def test_eight_processes_open_a_fresh_project_at_once(project: Project):
    opened = [_start(OPEN, project.root) for _ in range(8)]
    for process in opened:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.strip() == "1"
    assert _complete(project.database)


def test_a_kill_at_any_moment_of_the_birth_leaves_nothing_that_bricks_it(tmp_path: Path):
    """Killed after 0, 10, 20 … ms of the birth itself, the next to come finds or makes a whole database."""
    for step in range(12):
        root = tmp_path / f"p{step}"
        root.mkdir()
        born = _start("print(flush=True); " + BIRTH, root)
        assert born.stdout is not None
        born.stdout.readline()
        time.sleep(0.25 + step * 0.02)
        born.send_signal(signal.SIGKILL)
        born.wait()
        database(load(root)).close()
        assert _complete(load(root).database)


def test_the_file_is_in_wal_mode_and_private(project: Project):
    database(project)
    with sqlite3.connect(project.database) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert project.database.stat().st_mode & 0o077 == 0
    assert project.home.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_named_with_the_fix(tmp_path: Path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    root = tmp_path / "p"
    root.mkdir()
    (root / ".mlops").symlink_to(blocked)
    with pytest.raises(Unavailable, match="cannot create the project's database") as refusal:
        database(load(root))
    assert "writable" in refusal.value.fix


def test_opening_does_not_import_mlflow(project: Project):
    code = BIRTH + "; assert not {'mlflow', 'pandas', 'sklearn'} & set(sys.modules), 'heavy import'"
    process = _start(code, project.root)
    assert process.wait(60) == 0, process.stderr and process.stderr.read()
