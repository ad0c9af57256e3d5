"""The architecture is a file that a machine checks; here each rule is broken on purpose, and the break must be caught."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]

VIOLATIONS = [
    ("stats/violation.py", "from jupyter_mlops import records"),
    ("stats/violation.py", "import pandas"),
    ("records_violation.py", "VALUE = 1"),
    ("errors.py", "from jupyter_mlops import config"),
    ("config.py", "from jupyter_mlops import project"),
    ("project.py", "from jupyter_mlops.store import database"),
    ("store/violation.py", "from jupyter_mlops.ledger import append"),
    ("ledger/violation.py", "from jupyter_mlops.store import database"),
    ("store/violation.py", "def late():\n    from jupyter_mlops.registry import models"),
    ("kernels/violation.py", "import mlflow"),
    ("tracking/violation.py", "import papermill"),
    ("tracking/violation.py", "from jupyter_mlops.jobs import run_notebook"),
    ("monitoring/violation.py", "from jupyter_mlops.validation import validate"),
    ("registry/violation.py", "import mlflow.entities"),
    ("serving/violation.py", "import IPython"),
    ("validation/violation.py", "def late():\n    import matplotlib"),
    ("governance/violation.py", "import tornado.web"),
    ("jobs/violation.py", "import ipywidgets"),
    ("flows/violation.py", "from jupyter_mlops.cli import main"),
    ("flows/violation.py", "from mlflow import MlflowClient"),
    ("cli/violation.py", "from jupyter_mlops.magics import card"),
    ("lab/violation.py", "from jupyter_mlops.dashboards import portfolio"),
    ("magics/violation.py", "import mlflow"),
]


def _contracts_hold(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    ignored = shutil.ignore_patterns("labextension", "__pycache__")
    shutil.copytree(ROOT / "jupyter_mlops", folder / "jupyter_mlops", ignore=ignored)
    return folder


def test_the_house_stands(copy: Path):
    done = _contracts_hold(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("place", "line"), VIOLATIONS)
def test_a_violation_is_caught(copy: Path, place: str, line: str):
    file = copy / "jupyter_mlops" / place
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n")
    try:
        done = _contracts_hold(copy)
    finally:
        file.write_text(before) if before is not None else file.unlink()
    assert done.returncode == 1, f"not caught: {line} in {place}\n{done.stdout[-2000:]}"
    assert "BROKEN" in done.stdout or "Missing layers" in done.stdout or "not allowed" in done.stdout


ROOMS = sorted(p.parent.name for p in (ROOT / "jupyter_mlops").glob("*/__init__.py"))


def _edges() -> list[tuple[str, str, str]]:
    graph = grimp.build_graph("jupyter_mlops", cache_dir=None)
    return [
        (importer, imported, detail["line_contents"])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        for detail in graph.get_import_details(importer=importer, imported=imported)
    ]


def _room(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


def test_a_room_is_entered_from_outside_by_its_door():
    """`from jupyter_mlops.store import x`, never `from jupyter_mlops.store.inside import x`."""
    inside = [
        f"{importer}: {line}"
        for importer, imported, line in _edges()
        if _room(imported) in ROOMS and _room(importer) != _room(imported)
        if f"jupyter_mlops.{_room(imported)}." in line or f"import jupyter_mlops.{_room(imported)}." in line
    ]
    assert inside == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_on_a_rooms_door_is_behind_it(room: str):
    """Doors that import late would tell of a missing name only to whoever asks for it."""
    door = importlib.import_module(f"jupyter_mlops.{room}")
    assert [name for name in getattr(door, "__all__", []) if not hasattr(door, name)] == []


def test_nobody_inside_goes_through_the_door_of_his_own_room_or_of_the_house():
    """Import cycles run through an `__init__` that somebody inside imports."""
    faces = {f"jupyter_mlops.{room}" for room in ROOMS}
    wrong = [
        f"{importer}: {line}"
        for importer, imported, line in _edges()
        if (imported in faces and importer.startswith(f"{imported}."))
        or (imported == "jupyter_mlops" and importer not in faces and importer != "jupyter_mlops")
    ]
    assert wrong == []
