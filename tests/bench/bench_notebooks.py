"""Notebooks of others run with `%track on`; then each tracked cell is replayed, and what came of it is told.

    python tests/bench/bench_notebooks.py FOLDER… [--timeout 120] [--replays 30] [--only TEXT] [--json FILE]

A folder of notebooks with what they read beside them: each is run where it lies, so give a copy. A notebook counts if it runs
to its end and something in it was tracked. Of each tracked cell is told: reproduced, or what the replay names as the culprit;
and how many of the session's cells its slice holds. `notebooks.csv` beside this names the ones that were found to run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.kernels import WARM_KERNEL
from jupyter_mlops.project import Project, load
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import replay, ship

TRAINS = (".fit(", ".fit_transform(", "cross_val_score(", ".train(")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="or a notebook")
    parser.add_argument("--timeout", type=int, default=120, help="seconds for a cell")
    parser.add_argument("--replays", type=int, default=30, help="of one notebook, spread over it")
    parser.add_argument("--only", default="", metavar="TEXT", help="notebooks with this in their path")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a line for each notebook is added to it")
    args = parser.parse_args()
    told = []
    for notebook in _notebooks(args.folders, args.only):
        one = _one(notebook, args.timeout, args.replays)
        told.append(one)
        _say(one)
        if args.json:
            with args.json.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(one) + "\n")
    _sum(told)


def _notebooks(folders: list[Path], only: str) -> Iterator[Path]:
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*.ipynb")):
            if only in str(path) and any(word in path.read_text(encoding="utf-8") for word in TRAINS):
                yield path.resolve()


def _one(path: Path, timeout: int, most: int) -> dict[str, Any]:
    """What came of one notebook: `why` it did not run, or its tracked cells."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlops-notebooks-") as folder:
        project = load(Path(folder))
        why = _run(path, project, timeout)
        cells = [] if why else _replayed(project, most)
    seconds = round(time.monotonic() - began, 1)
    return {"notebook": str(path), "why": why, "cells": cells, "session": _session(path), "seconds": seconds}


def _session(path: Path) -> int:
    """Cells executed when all is run: its own with code, and the two that make it tracked."""
    return 2 + sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells)


def _run(path: Path, project: Project, timeout: int) -> str:
    notebook = nbformat.read(path, as_version=4)
    first = [nbformat.v4.new_code_cell(source) for source in ("%load_ext jupyter_mlops", "%track on")]
    notebook.cells = first + [cell for cell in notebook.cells if cell.cell_type == "code"]
    client = NotebookClient(notebook, timeout=timeout, kernel_name=WARM_KERNEL)
    env = {**os.environ, "MLOPS_PROJECT": str(project.root), "MLOPS_SHIP": "supervisor", "MLOPS_NOTEBOOK": path.name}
    try:
        client.execute(cwd=str(path.parent), env=env)
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}"[:200]
    except (CellTimeoutError, DeadKernelError) as error:
        return str(error).partition("\n")[0][:200]
    return ""


def _replayed(project: Project, most: int) -> list[dict[str, Any]]:
    failed = ship(project).failed
    if failed:
        raise SystemExit(f"not shipped: {failed}")
    store = open_store(project)
    runs = sorted(store.runs(limit=1000), key=lambda run: run.started)
    step = max(1, -(-len(runs) // most))
    return [_replay(project, run) for run in runs[::step]]


def _replay(project: Project, run: Any) -> dict[str, Any]:
    held, _, executed = run.tags["mlops.slice"].partition(" of ")
    told = {"metrics": run.metrics, "slice": int(held), "executed": int(executed), "status": run.status}
    told["warnings"] = run.tags.get("mlops.warnings", "")
    try:
        answer = replay(project, run.run_id)
    except MlopsError as error:
        return told | {"reproduced": False, "culprit": f"refused: {error}"}
    if not answer["metrics"]:
        return told | {"reproduced": None, "culprit": None}  # nothing to compare, and the replay says so
    return told | {"reproduced": answer["reproduced"], "culprit": answer["culprit"]}


def _say(one: dict[str, Any]) -> None:
    cells = one["cells"]
    compared = [cell for cell in cells if cell["reproduced"] is not None]
    said = (
        one["why"]
        or f"{sum(cell['reproduced'] for cell in compared)} of {len(compared)} reproduced, {len(cells)} tracked"
    )
    print(f"{one['notebook']}: {said} ({one['seconds']:.0f} s)", flush=True)
    for cell in compared:
        if not cell["reproduced"]:
            print(f"    {cell['slice']} of {cell['executed']}: {cell['culprit']}", flush=True)


def _sum(told: list[dict[str, Any]]) -> None:
    ran = [one for one in told if not one["why"] and one["cells"]]
    cells = [cell for one in ran for cell in one["cells"]]
    compared = [cell for cell in cells if cell["reproduced"] is not None]
    if not compared:
        print(f"{len(told)} notebooks, none of which ran and computed a score")
        return
    share = statistics.mean(cell["slice"] / cell["executed"] for cell in cells)
    whole = statistics.mean(cell["slice"] / one["session"] for one in ran for cell in one["cells"])
    print(
        f"{len(ran)} of {len(told)} notebooks ran and were tracked: {len(cells)} cells, {len(compared)} with metrics or a model"
    )
    print(
        f"{sum(cell['reproduced'] for cell in compared)} of {len(compared)} reproduced; "
        f"the slice is {share:.0%} of the cells executed by then, {whole:.0%} of the session's"
    )


if __name__ == "__main__":
    os.environ.pop("MLOPS_STRICT", None)
    main()
