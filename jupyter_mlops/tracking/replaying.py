"""A run's slice again, in a fresh kernel: reproduced only if that happened and the metrics agreed."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.kernels import WARM_KERNEL
from jupyter_mlops.project import Project
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import journal

TOLERANCE = 1e-9
LOAD = "%load_ext jupyter_mlops"


def replay(project: Project, run_id: str) -> dict[str, Any]:
    """`{run_id, reproduced, metrics: {NAME: {recorded, replayed}}, culprit}`; the replay leaves no run behind."""
    store = open_store(project)
    run = store.run(run_id)
    try:
        cells = json.loads(store.artifact(run_id, "slice.json").read_text(encoding="utf-8"))["cells"]
    except (MlopsError, OSError) as error:
        raise BadInput(
            f"run {run_id[:8]} keeps no slice, so it cannot be replayed", "replay a run of %%track"
        ) from error
    again, failure = _run(cells, project.root / "notebooks" if (project.root / "notebooks").is_dir() else project.root)
    metrics = {name: {"recorded": value, "replayed": again.get(name)} for name, value in run.metrics.items()}
    differs = [name for name, m in metrics.items() if not _agree(m["recorded"], m["replayed"])]
    culprit = failure or (f"metric {differs[0]} differs" if differs else "" if metrics else "no metric was recorded")
    return {"run_id": run_id, "reproduced": not culprit, "metrics": metrics, "culprit": culprit or None}


def _agree(recorded: float | None, replayed: float | None) -> bool:
    if recorded is None or replayed is None:
        return False
    return abs(recorded - replayed) <= TOLERANCE * max(1.0, abs(recorded))


def _run(cells: list[str], folder: Path) -> tuple[dict[str, float], str]:
    """The metrics the last cell found, and why it could not be run, if so."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in [LOAD, *cells]])
    with tempfile.TemporaryDirectory() as elsewhere:
        client = NotebookClient(notebook, kernel_name=WARM_KERNEL, timeout=1800)
        env = {**os.environ, "MLOPS_PROJECT": elsewhere, "MLOPS_SHIP": "supervisor"}
        try:
            client.execute(env=env, cwd=str(folder))
        except CellExecutionError as error:
            return {}, f"a cell of the slice failed: {error.ename}: {error.evalue}"
        except (CellTimeoutError, DeadKernelError) as error:
            return {}, f"the slice did not finish: {error}"
        for record in journal.waiting(Path(elsewhere) / ".mlops"):
            end = journal.read(record).end
            return dict(end["metrics"]) if end else {}, ""
    return {}, "the slice tracked nothing when it was run again"
