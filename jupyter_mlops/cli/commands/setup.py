"""A project for what is there, and what is wrong with it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path

from jupyter_mlops import config
from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of
from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.project import FILE, load

_NEEDED = ("jupyterlab", "mlflow", "papermill", "voila", "pandas", "scikit-learn", "skops", "ipywidgets")
_SPACE = 500 * 2**20


def _init(args: Namespace) -> Result:
    root = Path(args.dir).expanduser().resolve()
    path = root / FILE
    if path.exists():
        raise BadInput(f"{path} is there already", "edit it, or name another folder", path=str(path))
    try:
        root.mkdir(parents=True, exist_ok=True)
        path.write_text(_starter(root), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}", "name a folder you may write to") from error
    return Result({"path": str(path)}, f"wrote {path}; declare a model in it, or write %%track over a training cell")


def _starter(root: Path) -> str:
    notebooks = sorted(p.relative_to(root) for p in root.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    found = f"# notebooks found here: {', '.join(map(str, notebooks[:10]))}\n" if notebooks else ""
    return (
        f"version: 1\nproject: {load(root).name}\ntracking: sqlite:///.mlops/mlops.db\nstorage: .mlops/data\n{found}"
        "models: {}\n"
    )


def _doctor(args: Namespace) -> Result:
    checks = [*_packages(), *_project(args)]
    rows = [("ok" if ok else "PROBLEM", what, fix) for what, ok, fix in checks]
    data = [{"check": what, "ok": ok, "fix": fix} for what, ok, fix in checks]
    return Result(data, text.table(rows, ("", "CHECK", "FIX"), ""), 0 if all(ok for _, ok, _ in checks) else 1)


def _packages() -> list[tuple[str, bool, str]]:
    checks = []
    for name in _NEEDED:
        try:
            checks.append((f"{name} {importlib.metadata.version(name)}", True, ""))
        except importlib.metadata.PackageNotFoundError:
            checks.append((f"{name} is not installed", False, f"pip install {name}"))
    warm = config.warm_kernels() and hasattr(os, "fork")
    checks.append((f"warm kernels are {'on' if warm else 'off'}", True, "" if warm else "unset MLOPS_WARM on Linux"))
    return checks


def _project(args: Namespace) -> list[tuple[str, bool, str]]:
    try:
        project = project_of(args)
    except MlopsError as error:
        return [(error.message, False, error.fix)]
    checks = [(f"project {project.name} in {project.root}", True, "")]
    free = shutil.disk_usage(project.root).free
    checks.append((f"{free // 2**20:,} MB free", free > _SPACE, "" if free > _SPACE else "make room on the disk"))
    writable = os.access(project.root, os.W_OK)
    checks.append(("the folder is writable", writable, "" if writable else f"chmod u+w {project.root}"))
    try:
        from jupyter_mlops.jobs import close_dead
        from jupyter_mlops.store import open_store

        closed = close_dead(open_store(project))
        checks.append((f"tracking answers; {len(closed)} lost runs closed", True, ""))
    except MlopsError as error:
        checks.append((error.message, False, error.fix))
    return checks


def _init_words(parser: ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", nargs="?", default=".")


COMMANDS = [
    Command("init", "an mlops.yaml for what is there", "jupyter mlops init .", _init, _init_words),
    Command(
        "doctor", "what is installed, reachable, writable; each problem with its fix", "jupyter mlops doctor", _doctor
    ),
]
