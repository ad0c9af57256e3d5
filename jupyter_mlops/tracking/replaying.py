"""A run's slice again, in a fresh kernel: reproduced only if that happened and the metrics agreed; otherwise, what differs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.kernels import WARM_KERNEL
from jupyter_mlops.project import Project
from jupyter_mlops.records import Run
from jupyter_mlops.store import Store, open_store
from jupyter_mlops.tracking import answering, journal
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
    kept = _json(store, run_id, "slice.json")
    if not kept:
        raise BadInput(f"run {run_id[:8]} keeps no slice, so it cannot be replayed", "replay a run of %%track")
    requirements = store.text(run_id, "requirements.txt").split()
    folder = Path(kept.get("folder") or project.root)
    pins = requirements if isolated else None
    recorded = {name: value for name, value in run.metrics.items() if not name.startswith("system/")}
    rows = None
    if not recorded:
        recorded, rows = answering.recorded(store, run_id)
    answers = (lambda record: answering.replayed(store, record, rows)) if rows is not None else None
    again, failure = _run(_notebook(kept), folder if folder.is_dir() else project.root, pins, answers)
    replayed = again.get("metrics", {})
    metrics = {name: {"recorded": value, "replayed": replayed.get(name)} for name, value in recorded.items()}
    differs = [name for name, m in metrics.items() if not _agree(m["recorded"], m["replayed"])]
    culprit = failure or _unclear(metrics, differs)
    if culprit:
        cause = _cause(store, run, again, requirements, isolated)
        culprit = f"{failure}; {cause}" if failure and cause else cause or culprit
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


def _cause(store: Store, run: Run, again: dict[str, Any], requirements: list[str], isolated: bool) -> str:
    """The first thing that is not as it was recorded: a local module, a data digest, a variable, a package, the Python."""
    return (
        _other_module(_json(store, run.run_id, "modules.json") or [], again)
        or _other_data(run, again)
        or _other_value(run, again)
        or ("" if isolated else _other_package(requirements))
        or _other_python(_json(store, run.run_id, "environment.json") or {}, again)
    )


def _other_module(recorded: list[dict[str, str]], again: dict[str, Any]) -> str:
    now = {m["name"]: m["digest"] for m in again.get("local_modules", [])}
    for module in recorded:
        present = now.get(module["name"]) or _digest(Path(module["path"]))
        if present != module["digest"]:
            what = "was edited" if present else "is gone"
            return f"module {module['name']} ({module['path']}) {what}; its text as it ran is in the run's modules/"
    return ""


def _digest(path: Path) -> str:
    import hashlib

    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def _other_data(run: Run, again: dict[str, Any]) -> str:
    now = {(d["context"], d["name"]): d["digest"] for d in again.get("datasets", [])}
    for data in run.datasets:
        present = now.get((data.context, data.name))
        if present and not present.startswith(data.digest):
            return f"data {data.name} ({data.context}, from {data.source}): {data.digest[:10]} recorded, {present[:10]} now"
    return ""


def _other_value(run: Run, again: dict[str, Any]) -> str:
    now = again.get("parameters", {})
    for name, value in run.parameters.items():
        if name in now and str(now[name]) != value:
            return f"variable {name}: {value} recorded, {now[name]} replayed"
    return ""


def _other_package(requirements: list[str]) -> str:
    for pin in requirements:
        name, _, version = pin.partition("==")
        try:
            present = metadata.version(name)
        except metadata.PackageNotFoundError:
            return f"package {name}: {version} recorded, not installed here (try --isolated)"
        if present != version:
            return f"package {name}: {version} recorded, {present} here (try --isolated)"
    return ""


def _other_python(recorded: dict[str, Any], again: dict[str, Any]) -> str:
    before, now = recorded.get("python"), again.get("environment", {}).get("python")
    return f"Python: {before} recorded, {now} here" if before and now and before != now else ""


def _json(store: Store, run_id: str, name: str) -> Any:
    text = store.text(run_id, name)
    return json.loads(text) if text else None


def _notebook(kept: dict[str, Any]) -> Any:
    """The slice, its last cell tracked. A cell that raised in the session, and was built upon, may raise again."""
    from jupyter_mlops.kernels import postpone_grammars

    postpone_grammars()
    from nbformat import v4

    cells = [v4.new_code_cell(source) for source in [LOAD, *kept["cells"][:-1], _tracked(kept["cells"][-1])]]
    for number in kept.get("raised", []):
        cells[number + 1].metadata["tags"] = ["raises-exception"]
    return v4.new_notebook(cells=cells)


def _run(
    notebook: Any, folder: Path, requirements: list[str] | None, answers: Callable[[Path], dict[str, float]] | None
) -> tuple[dict[str, Any], str]:
    """The record of the last cell, and why it could not be run, if so. `answers` are its metrics, read off the record."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    which: dict[str, Any] = (
        {"kernel_name": WARM_KERNEL} if requirements is None else {"km": isolated_kernel(requirements)}
    )
    with tempfile.TemporaryDirectory() as elsewhere:
        client = NotebookClient(notebook, timeout=_LONGEST, **which)
        env = {**os.environ, "MLOPS_PROJECT": elsewhere, "MLOPS_SHIP": "supervisor", "MLOPS_PARENT_RUN": ""}
        failure = ""
        try:
            client.execute(env=env, cwd=str(folder))
        except CellExecutionError as error:
            number = next((n for n, c in enumerate(notebook.cells) if _failed(c) and not c.metadata.get("tags")), 0)
            which_cell = "the tracked cell" if number == len(notebook.cells) - 1 else f"cell {number} of the slice"
            failure = f"{which_cell} failed: {error.ename}: {error.evalue}"
        except (CellTimeoutError, DeadKernelError) as error:
            failure = f"the slice did not finish: {error}"
        ended = [(record, journal.read(record).end) for record in journal.waiting(Path(elsewhere) / ".mlops")]
        record, end = next(((record, end) for record, end in reversed(ended) if end), (None, None))
        if record is not None and end is not None and answers is not None:
            end["metrics"] = answers(record)
    return end or {}, failure or ("" if end else "the slice tracked nothing when it was run again")


def _tracked(cell: str) -> str:
    """A cell that `%track on` tracked says nothing of it."""
    return cell if cell.lstrip().startswith("%%track") else f"%%track\n{cell}"


def _failed(cell: Any) -> bool:
    return any(output.get("output_type") == "error" for output in cell.get("outputs", []))
