"""One job, supervised: the run is opened, the notebook executed, and the end entered truthfully, in MLflow and the file.

papermill marks the cells of a killed kernel `completed`; what the supervisor saw is written over it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs.engine import WarmEngine
from jupyter_mlops.jobs.parameters import check, schema
from jupyter_mlops.records import Job, RunStatus
from jupyter_mlops.store import Store

CellDone = Callable[[int, int], None]


@dataclass(frozen=True)
class _End:
    status: RunStatus
    reason: str = ""
    cell: int | None = None


def run_notebook(
    store: Store,
    notebook: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    experiment: str = "",
    name: str = "",
    tags: Mapping[str, str] | None = None,
    segment: str | None = None,
    timeout: timedelta = timedelta(minutes=15),
    retries: int = 0,
    env: Mapping[str, str] | None = None,
) -> Job:
    """Run a notebook as a job: one MLflow run, its executed notebook kept with it as it goes.

    Parameters that do not fit are BadInput before a kernel starts. A notebook that fails, is killed or takes longer than
    `timeout` gives a Job that says so; a dead kernel is tried again up to `retries` times, a raising cell is not.
    """
    given = dict(parameters or {})
    notebook = notebook.resolve()
    check(schema(notebook), given, notebook.name)
    for attempt in range(1, retries + 2):
        job, again = _attempt(
            store, notebook, given, experiment, name, tags or {}, segment, timeout, attempt, env or {}
        )
        if not again:
            break
    return job


def _attempt(
    store: Store,
    notebook: Path,
    given: dict[str, Any],
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    segment: str | None,
    timeout: timedelta,
    attempt: int,
    env: Mapping[str, str],
) -> tuple[Job, bool]:
    started = datetime.now(UTC)
    labels = {**tags, "mlops.kind": "job", "mlops.notebook": notebook.name, "mlops.attempt": str(attempt)}
    run_id = store.create_run(
        experiment or notebook.stem, name or notebook.stem, key=uuid.uuid4().hex, tags=labels, started=started
    )
    output = store.project.home / "jobs" / f"{notebook.stem}-{run_id[:8]}.ipynb"
    output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    store.log(run_id, parameters=given)
    end = _End("KILLED", "the job was cancelled")
    try:
        end = _execute(store, notebook, given, output, run_id, timeout, env)
    finally:
        _write_end(output, end, run_id)
        if output.is_file():
            store.log_file(run_id, output)
        store.end_run(run_id, end.status, end.reason)
    job = Job(
        run_id=run_id,
        notebook=str(notebook),
        output=str(output),
        parameters=given,
        status=end.status,
        reason=end.reason,
        cell=end.cell,
        started=started,
        ended=datetime.now(UTC),
        attempts=attempt,
        segment=segment,
    )
    return job, end.status == "FAILED" and "kernel died" in end.reason


def _execute(
    store: Store,
    notebook: Path,
    given: dict[str, Any],
    output: Path,
    run_id: str,
    timeout: timedelta,
    env: Mapping[str, str],
) -> _End:
    node = load_notebook_node(str(notebook))
    if given:
        node = parameterize_notebook(node, given)
    deadline = time.monotonic() + timeout.total_seconds()
    try:
        WarmEngine.execute_notebook(
            node,
            node.metadata.get("kernelspec", {}).get("name", "python3"),
            output_path=str(output),
            progress_bar=False,
            autosave_cell_every=5,
            cwd=str(notebook.parent),
            env={
                **env,
                "MLOPS_PARENT_RUN": run_id,
                "MLOPS_SHIP": "supervisor",
                "MLOPS_PROJECT": str(store.project.root),
                "MLOPS_NOTEBOOK": notebook.stem,
            },
            seconds_left=lambda: max(1, int(deadline - time.monotonic())),
        )
    except DeadKernelError:
        cell = _running(node)
        return _End("FAILED", f"the kernel died in cell {_count(cell)} (killed, or out of memory)", cell)
    except CellTimeoutError:
        cell = _running(node)
        return _End("FAILED", f"cell {_count(cell)} was still running at the time limit of {timeout}", cell)
    except LookupError as error:
        raise BadInput(
            f"{notebook.name} asks for a kernel that is not installed: {error}",
            "choose another kernel in the notebook, or install it; `jupyter kernelspec list` shows those there are",
        ) from error
    return _outcome(node)


def _outcome(node: Any) -> _End:
    for index, cell in enumerate(node.cells):
        if cell.metadata.get("papermill", {}).get("exception"):
            error = next((o for o in cell.get("outputs", []) if o.output_type == "error"), None)
            what = f"{error.ename}: {error.evalue}" if error else "it raised"
            return _End("FAILED", f"cell {_count(index)} failed: {what}"[:500], index)
    return _End("FINISHED")


def _running(node: Any) -> int | None:
    """The cell under way when the kernel was lost: the last that began. (papermill calls it `completed`.)"""
    begun = [i for i, cell in enumerate(node.cells) if cell.metadata.get("papermill", {}).get("start_time")]
    return begun[-1] if begun else None


def _count(cell: int | None) -> str:
    return "?" if cell is None else str(cell + 1)


def _write_end(output: Path, end: _End, run_id: str) -> None:
    """The supervisor's word in the executed notebook itself."""
    if not output.is_file():
        return
    node = nbformat.read(output, as_version=4)
    node.metadata["mlops"] = {"run_id": run_id, "status": end.status, "reason": end.reason, "cell": end.cell}
    if end.status != "FINISHED":
        node.metadata.setdefault("papermill", {})["exception"] = True
        if end.cell is not None and end.cell < len(node.cells):
            node.cells[end.cell].metadata.setdefault("papermill", {}).update(status="failed", exception=True)
    nbformat.write(node, output)
