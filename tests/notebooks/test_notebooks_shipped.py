"""What is shipped is run: the templates' notebooks as jobs, the README's commands, binder's script."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops import assets
from jupyter_mlops.cli.commands import COMMANDS
from jupyter_mlops.jobs import schema
from jupyter_mlops.project import load

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", assets.project_templates())
def test_a_templates_parameters_fit_its_notebook(name: str):
    folder = assets.project_template(name)
    project = load(folder)
    for target in project.targets():
        declared = schema(folder / target.spec.train.notebook)
        assert target.parameters.keys() <= declared.keys()


@pytest.mark.parametrize("path", sorted(assets.templates().rglob("*.ipynb")), ids=lambda p: p.stem)
def test_a_shipped_notebook_is_valid_and_holds_no_output(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_every_command_is_in_the_readme_and_every_one_there_exists():
    said = (ROOT / "README.md").read_text()
    table = said[said.index("| command |") :]
    words = set(re.findall(r"`(?:jupyter mlops )?([a-z]+)`", table[: table.index("\n\n")]))
    assert {c.name for c in COMMANDS} == words


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_every_command_has_help_with_an_example(command):
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", command.name, "--help"], capture_output=True, text=True, check=True
    )
    assert command.example in done.stdout


def test_binder_installs_from_the_lock_and_runs_the_quickstart():
    script = (ROOT / "binder" / "postBuild").read_text()
    assert "--constraint requirements.lock" in script
    assert "jupyter mlops quickstart" in script


def test_the_lock_names_no_host():
    for file in ("requirements.lock", "labextension/yarn.lock", "labextension/.yarnrc.yml"):
        assert not re.search(r"https?://", (ROOT / file).read_text()), file
