"""What every test stands on: a project of its own, the observer strict, nothing of the person's own settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from declared import MLOPS_YAML

from jupyter_mlops.project import Project, load

os.environ["MLOPS_STRICT"] = "1"
os.environ.pop("MLOPS_PROJECT", None)
_elsewhere = Path(tempfile.mkdtemp(prefix="mlops-tests-"))
os.environ["MLOPS_LEDGER_KEY"] = str(_elsewhere / "ledger.key")
os.environ["MLOPS_WITNESS"] = str(_elsewhere / "witness")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last: Playwright leaves an event loop running, in which nobody else can start one."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of two plants, with an `mlops.yaml` and nothing else."""
    root = tmp_path / "plants"
    root.mkdir()
    (root / "mlops.yaml").write_text(MLOPS_YAML, encoding="utf-8")
    return load(root)


@pytest.fixture
def interactive(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """IPython in the project's folder, with our magics. What its cells journal waits there for whoever ships it."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.chdir(project.root)
    monkeypatch.setenv("MLOPS_SHIP", "supervisor")
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    assert shell.run_cell("%load_ext jupyter_mlops", store_history=True).success
    yield shell
    InteractiveShell.clear_instance()
