"""How far a job or a fleet is, for whoever asks and from any process: read from its run and from its notebook as it goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from jupyter_mlops.errors import MlopsError, NotFound
from jupyter_mlops.jobs.notebooks import first_line
from jupyter_mlops.records import Progress, Run, RunningCell
from jupyter_mlops.store import KEY, Store

JOBS = "mlops.jobs"
"""The tag of a fleet's run that says how many jobs it has."""
_EARLIER = 20  # newest runs of a notebook among which one that finished is looked for
_LONGEST_LINE = 120
_MOST_JOBS = 50_000  # as many as MLflow gives at once
_NO_NODE: dict[str, Any] = {"cells": []}


def progress(store: Store, run_id: str) -> Progress:
    """How far this run is: cells of a job, jobs of a fleet. Raises NotFound where it is neither."""
    run = store.run(run_id)
    kind = run.tags.get("mlops.kind")
    if kind == "fleet":
        return _of_fleet(store, run)
    if kind == "job":
        return _of_job(store, run)
    raise NotFound(f"run {run.run_id[:8]} is no job", "list them with `jupyter mlops runs`")


def under_way(store: Store) -> list[Progress]:
    """Everything that runs now and is no part of a fleet that does, newest first."""
    runs = [r for kind in ("fleet", "job") for r in store.runs(tags={"mlops.kind": kind}, limit=1000)]
    running = {run.run_id: run for run in runs if run.status == "RUNNING"}
    shown = sorted((r for r in running.values() if r.parent not in running), key=lambda r: r.started, reverse=True)
    return [progress(store, run.run_id) for run in shown]


def executed(store: Store, run_id: str) -> dict[str, Any]:
    """A job's notebook with all its outputs so far, secrets masked, as JSON. Raises NotFound where none can be seen.

    While the job runs it is saved within a second or two of each output; `Progress.saved` says when it was.
    """
    run = store.run(run_id)
    node = _node(run) or _node_kept(store, run)
    if node is None:
        raise NotFound(
            f"run {run.run_id[:8]} has no notebook that can be seen from here",
            "a job on another machine sends its notebook when it ends",
        )
    return node


def _of_job(store: Store, run: Run) -> Progress:
    node = _node(run)
    cells = node["cells"] if node else []
    done = sum(_told(cell, "status") in ("completed", "failed") for cell in cells)
    running = _running(run, cells) if run.status == "RUNNING" else []
    left = _left(_expected(store, run), cells, running) if running else None
    of = len(cells) if node else None
    return _progress(run, "cell", done, of, running, left, _saved(run), _next_try(store, run))


def _of_fleet(store: Store, run: Run) -> Progress:
    children = store.runs(run.experiment, parent=run.run_id, limit=_MOST_JOBS)
    newest = {c.tags.get("mlops.task", c.run_id): c for c in reversed(children)}
    ended = [c for c in newest.values() if c.status != "RUNNING"]
    running = [
        cell for c in newest.values() if c.status == "RUNNING" for cell in _running(c, (_node(c) or _NO_NODE)["cells"])
    ]
    of = int(run.tags[JOBS]) if run.tags.get(JOBS, "").isdigit() else None
    left = None
    if run.status == "RUNNING" and of and ended:
        left = _seconds(run) / len(ended) * max(0, of - len(ended))
    return _progress(run, "job", len(ended), of, running, left)


def _progress(
    run: Run,
    unit: Literal["cell", "job"],
    done: int,
    of: int | None,
    running: list[RunningCell],
    left: float | None,
    saved: datetime | None = None,
    retried_as: str | None = None,
) -> Progress:
    return Progress(
        run_id=run.run_id,
        name=run.name,
        status=run.status,
        reason=run.reason,
        parent=run.parent,
        unit=unit,
        done=done,
        of=of,
        running=running,
        seconds=_seconds(run),
        left=left,
        saved=saved,
        retried_as=retried_as,
    )


def _next_try(store: Store, run: Run) -> str | None:
    key, _, number = run.tags.get(KEY, "").rpartition("-")
    if run.status != "FAILED" or not key or not number.isdigit():
        return None
    later = store.runs(run.experiment, tags={KEY: f"{key}-{int(number) + 1}"}, limit=1)
    return later[0].run_id if later else None


def _running(run: Run, cells: list[Any]) -> list[RunningCell]:
    for index, cell in enumerate(cells):
        if _told(cell, "status") == "running":
            began = datetime.fromisoformat(_told(cell, "start_time"))
            line = first_line(cell["source"])[:_LONGEST_LINE]
            seconds = (datetime.now(UTC) - began).total_seconds()
            return [RunningCell(run_id=run.run_id, name=run.name, cell=index, line=line, seconds=seconds)]
    return []


def _left(expected: tuple[float, ...], cells: list[Any], running: list[RunningCell]) -> float | None:
    """Seconds, by what each cell took the last time; None where the notebook was another then."""
    if len(expected) != len(cells):
        return None
    now = running[0]
    return max(0.0, expected[now.cell] - now.seconds) + sum(expected[now.cell + 1 :])


def _expected(store: Store, run: Run) -> tuple[float, ...]:
    labels = {"mlops.kind": "job", "mlops.notebook": run.tags.get("mlops.notebook", "")}
    for earlier in store.runs(run.experiment, tags=labels, limit=_EARLIER):
        if earlier.status == "FINISHED":
            return _durations(earlier.tags.get("mlops.output", ""))
    return ()


@lru_cache(maxsize=64)  # a notebook that finished does not change
def _durations(output: str) -> tuple[float, ...]:
    return tuple(float(_told(cell, "duration") or 0.0) for cell in (_read(Path(output)) or _NO_NODE)["cells"])


def _told(cell: Any, what: str) -> Any:
    return cell["metadata"].get("papermill", {}).get(what)


def _seconds(run: Run) -> float:
    return ((run.ended or datetime.now(UTC)) - run.started).total_seconds()


def _node(run: Run) -> dict[str, Any] | None:
    output = run.tags.get("mlops.output", "")
    return _read(Path(output)) if output else None


def _node_kept(store: Store, run: Run) -> dict[str, Any] | None:
    name = Path(run.tags.get("mlops.output", "")).name
    try:
        return _read(store.artifact(run.run_id, name)) if name else None
    except MlopsError:
        return None


def _read(file: Path) -> dict[str, Any] | None:
    try:
        node = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return node if isinstance(node, dict) and isinstance(node.get("cells"), list) else None


def _saved(run: Run) -> datetime | None:
    try:
        return datetime.fromtimestamp(Path(run.tags.get("mlops.output", "")).stat().st_mtime, UTC)
    except OSError:
        return None
