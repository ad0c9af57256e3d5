"""Jobs that ended without their supervisor: a killed process, a dead machine. And the cancel of one that runs."""

from __future__ import annotations

import contextlib
from pathlib import Path

from jupyter_mlops.errors import Conflict, MlopsError
from jupyter_mlops.jobs.ends import End, mark, under_way
from jupyter_mlops.jobs.notebooks import write_notebook
from jupyter_mlops.records import Run
from jupyter_mlops.store import Store


def close_dead(store: Store) -> list[str]:
    """Close every run whose keeper is gone, in MLflow and in the executed notebook alike; their ids.

    Where the keeper could still write the end into the notebook but not to MLflow, that end is entered.
    """
    closed = store.close_orphans()
    for run_id in closed:
        run = store.run(run_id)
        output = Path(run.tags.get("mlops.output", ""))
        if run.tags.get("mlops.kind") == "job" and output.is_file():
            with contextlib.suppress(OSError, ValueError, MlopsError):
                _agree(store, run, output)
    return closed


def _agree(store: Store, run: Run, output: Path) -> None:
    import nbformat  # not for who only lists runs

    node = nbformat.read(output, as_version=4)
    told = node.metadata.get("mlops", {})
    if told.get("run_id") == run.run_id and told.get("status") in ("FINISHED", "FAILED", "KILLED"):
        store.end_run(run.run_id, told["status"], told.get("reason") or "")
    else:
        write_notebook(mark(node, End("KILLED", run.reason, under_way(node)), run.run_id), output)
    store.log_file(run.run_id, output)


def cancel(store: Store, run_id: str) -> Run:
    """Ask a running job, or every job of a running fleet, to end; its supervisor does it within a second."""
    run = store.run(run_id)
    if run.status != "RUNNING":
        raise Conflict(
            f"run {run.run_id[:8]} is {run.status}, so there is nothing to cancel", "list them: `jupyter mlops runs`"
        )
    home = store.project.home / "jobs"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in [run, *store.runs(run.experiment, parent=run.run_id, limit=10_000)]:
        if each.status == "RUNNING":
            (home / f"{each.run_id}.cancel").touch()
    return run
