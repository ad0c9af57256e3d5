"""A run's slice again, in a fresh kernel: reproduced only if that happened and the metrics agreed; otherwise, what differs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.kernels import WARM_KERNEL
from jupyter_mlops.project import HOME, Project
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import answering, journal
from jupyter_mlops.tracking.blaming import other_than_recorded, read_json, unseeded
from jupyter_mlops.tracking.isolating import isolated_kernel

TOLERANCE = 1e-9
"""Relative: what the order of additions in a parallel sum can move."""
LOAD = "%load_ext jupyter_mlops"
_LONGEST = 1800  # seconds


def replay(project: Project, run_id: str, *, isolated: bool = False) -> dict[str, Any]:
    """`{run_id, reproduced, metrics: {NAME: {recorded, replayed}}, culprit}`; the replay leaves no run behind.

    `isolated` runs it in an environment rebuilt from the run's requirements; raises Unavailable where that cannot be had.
    """
    store = open_store(project)
    run = store.run(run_id)
    kept = read_json(store, run_id, "slice.json")
    if not kept:
        raise BadInput(f"run {run_id[:8]} keeps no slice, so it cannot be replayed", "replay a run of %%track")
    if kept.get("again") == {}:
        raise BadInput(
            f"run {run_id[:8]} was tracked by code that another program called, which a replay cannot start",
            "start it as a script (`python FILE.py`), or call it in a notebook's cell",
        )
    requirements = store.text(run_id, "requirements.txt").split()
    folder = Path(kept.get("folder") or project.root)
    pins = requirements if isolated else None
    recorded = {name: value for name, value in run.metrics.items() if not name.startswith("system/")}
    rows = None
    if not recorded:
        recorded, rows = answering.recorded(store, run_id)
    answers = (lambda record: answering.replayed(store, record, rows)) if rows is not None else None
    again, failure = _run(kept, folder if folder.is_dir() else project.root, pins, answers)
    replayed = again.get("metrics", {})
    metrics = {name: {"recorded": value, "replayed": replayed.get(name)} for name, value in recorded.items()}
    differs = [name for name, m in metrics.items() if not _agree(m["recorded"], m["replayed"])]
    culprit = failure or _unclear(metrics, differs)
    if failure or differs:
        cause = other_than_recorded(store, run, again, None if isolated else requirements)
        chance = "" if failure else unseeded(kept)
        culprit = "; ".join(filter(None, (failure, chance, cause))) or culprit
    return {"run_id": run_id, "reproduced": not culprit, "metrics": metrics, "culprit": culprit or None}


def _unclear(metrics: dict[str, Any], differs: list[str]) -> str:
    if not metrics:
        return "no metric was recorded, nor a model that answers its input example, so nothing can be compared"
    if not differs:
        return ""
    one = metrics[differs[0]]
    return (
        f"{differs[0]} differs ({one['recorded']:.6g} recorded, {one['replayed']} replayed) and nothing else that was "
        "recorded does: a random state without a seed, or something outside of the session"
    )


def _agree(recorded: float | None, replayed: float | None) -> bool:
    if recorded is None or replayed is None:
        return False
    return abs(recorded - replayed) <= TOLERANCE * max(1.0, abs(recorded))


def _notebook(kept: dict[str, Any]) -> Any:
    """The slice, its last cell tracked. A cell that raised in the session, and was built upon, may raise again.

    A script may end by leaving: what matters is that the block in it was gone through.
    """
    from jupyter_mlops.kernels import postpone_grammars

    postpone_grammars()
    from nbformat import v4

    again = kept.get("again")
    last = kept["cells"][-1] if again else _tracked(kept["cells"][-1])
    cells = [v4.new_code_cell(source) for source in [_first(again or {}), *kept["cells"][:-1], last]]
    for number in [*kept.get("raised", []), *([len(cells) - 2] if again else [])]:
        cells[number + 1].metadata["tags"] = ["raises-exception"]
    return v4.new_notebook(cells=cells)


def _first(again: dict[str, Any]) -> str:
    """What makes the kernel ready; for a script, as Python would have found it."""
    if not again.get("file"):
        return LOAD
    file = str(again["file"])
    words = (
        f"sys.argv = {[file, *again['argv']]!r}\nsys.path.insert(0, {str(Path(file).parent)!r})\n__file__ = {file!r}"
    )
    return f"{LOAD}\nimport sys\n{words}"


def _run(
    kept: dict[str, Any],
    folder: Path,
    requirements: list[str] | None,
    answers: Callable[[Path], dict[str, float]] | None,
) -> tuple[dict[str, Any], str]:
    """The record of what was tracked, and why it could not be run, if so. `answers` are its metrics, read off the record."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook, nth = _notebook(kept), (kept.get("again") or {}).get("nth", 0)
    which: dict[str, Any] = (
        {"kernel_name": WARM_KERNEL} if requirements is None else {"km": isolated_kernel(requirements)}
    )
    with tempfile.TemporaryDirectory() as elsewhere:
        client = NotebookClient(notebook, timeout=_LONGEST, shutdown_kernel="immediate", **which)
        env = {**os.environ, "MLOPS_PROJECT": elsewhere, "MLOPS_SHIP": "supervisor", "MLOPS_PARENT_RUN": ""}
        failure = ""
        try:
            _execute(client, env, folder)
        except CellExecutionError as error:
            number = next((n for n, c in enumerate(notebook.cells) if _failed(c) and not c.metadata.get("tags")), 0)
            which_cell = "the tracked cell" if number == len(notebook.cells) - 1 else f"cell {number} of the slice"
            failure = f"{which_cell} failed: {error.ename}: {error.evalue}"
        except (CellTimeoutError, DeadKernelError) as error:
            failure = f"the slice did not finish: {error}"
        record, end = _recorded(Path(elsewhere) / HOME, nth)
        if record is not None and answers is not None:
            end["metrics"] = answers(record)
    return end, failure or ("" if end else _nothing(notebook))


def _execute(client: Any, env: dict[str, str], folder: Path) -> None:
    """nbclient answers Ctrl-C by ending the kernel and tells of a dead one; who pressed it is not told that something differs."""
    try:
        client.execute(env=env, cwd=str(folder))
    finally:
        if hasattr(client, "_async_cleanup_kernel_future"):
            raise KeyboardInterrupt


def _recorded(home: Path, nth: int) -> tuple[Path | None, dict[str, Any]]:
    """The last record that ended, or the nth that began, and how it ended."""
    told = sorted(
        ((record, journal.read(record)) for record in journal.waiting(home)), key=lambda one: one[1].start["at"]
    )
    for record, one in told[nth - 1 : nth] if nth else reversed(told):
        if one.end:
            return record, one.end
    return None, {}


def _nothing(notebook: Any) -> str:
    for output in notebook.cells[-1].get("outputs", []):
        if output.get("output_type") == "error":
            return f"the tracked code failed: {output['ename']}: {output['evalue']}"
    return "the slice tracked nothing when it was run again"


def _tracked(cell: str) -> str:
    """A cell that `%track on` tracked says nothing of it."""
    return cell if cell.lstrip().startswith("%%track") else f"%%track\n{cell}"


def _failed(cell: Any) -> bool:
    return any(output.get("output_type") == "error" for output in cell.get("outputs", []))
