"""Where a version comes from and what became of it, and what sets it apart from the champion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_mlops.flows.judging import champion_of
from jupyter_mlops.flows.promotion import evidence_of
from jupyter_mlops.ledger import history
from jupyter_mlops.records import LedgerEntry, LineageStep, Run
from jupyter_mlops.registry import version
from jupyter_mlops.store import Store, database
from jupyter_mlops.tracking import differences

_OF_THE_PATH = {
    "approval requested",
    "approved",
    "rejected",
    "approval withdrawn",
    "promotion refused",
    "set alias",
    "set alias refused",
    "break glass",
    "break glass reviewed",
}


def lineage_of(store: Store, name: str, number: int) -> list[LineageStep]:
    """From the rows it learnt from to where it serves, in that order."""
    found = version(store, name, number)
    steps: list[LineageStep] = []
    if found.run_id:
        steps += _of_run(store, store.run(found.run_id))
    steps.append(
        LineageStep(
            kind="version",
            title=f"{name} version {number}",
            detail=f"files {found.digest[:12]}" if found.digest else "",
            at=found.created,
        )
    )
    evidence = evidence_of(store, found)
    if evidence:
        rows = f"{evidence.data.rows:,} rows of {evidence.data.source}, digest {evidence.data.digest[:12]}"
        steps.append(LineageStep(kind="evidence", title=f"judged: {evidence.verdict}", detail=rows))
    with database(store.project).read() as connection:
        past = history(connection, name)
    return steps + [_decision(e) for e in past if _concerns(e, name, number)]


def _of_run(store: Store, run: Run) -> list[LineageStep]:
    """A job's cells are runs of their own; a cell tracked by hand is the run itself."""
    job = run if run.tags.get("mlops.kind") == "job" else None
    cells = store.runs(parent=run.run_id) if job else [run]
    steps = [
        LineageStep(
            kind="data",
            title=data.name,
            detail=f"{data.context}: {data.rows:,} rows of {data.columns} columns from {data.source}, digest {data.digest[:12]}",
        )
        for data in {d.digest: d for cell in cells for d in cell.datasets}.values()
    ]
    if job:
        notebook = Path(job.tags.get("mlops.folder", "")) / job.tags.get("mlops.notebook", "")
        steps.append(LineageStep(kind="notebook", title=notebook.name, detail=f"in {notebook.parent}"))
        steps.append(_step("job", job))
    return steps + [_step("cell", cell) for cell in reversed(cells)]


def _step(kind: Any, run: Run) -> LineageStep:
    given = ", ".join(f"{k}={v}" for k, v in sorted(run.parameters.items())[:6])
    detail = f"{run.status}{f': {run.reason}' if run.reason else ''}{f'; {given}' if given else ''}"
    return LineageStep(
        kind=kind, title=run.name, detail=detail, at=run.started, by=run.tags.get("mlflow.user", ""), run_id=run.run_id
    )


def _concerns(entry: LedgerEntry, name: str, number: int) -> bool:
    if entry.action not in _OF_THE_PATH:
        return False
    about = (entry.after or {}).get("version") if isinstance(entry.after, dict) else None
    return entry.subject == f"{name}/{number}" or (entry.subject == name and about == number)


def _decision(entry: LedgerEntry) -> LineageStep:
    alias = (entry.after or {}).get("alias", "") if isinstance(entry.after, dict) else ""
    title = f"{entry.action} {alias}".strip()
    return LineageStep(kind="decision", title=title, detail=entry.reason, at=entry.at, by=entry.actor)


def compared_with_champion(store: Store, name: str, number: int) -> dict[str, Any] | None:
    """What differs between the champion's making and this version's; None where there is no other champion."""
    found, champion = version(store, name, number), champion_of(store, name)
    if champion is None or champion.version == number or not champion.run_id or not found.run_id:
        return None
    one, other = (_with_cells(store, store.run(v.run_id)) for v in (champion, found))
    return differences(store, one, other)


def _with_cells(store: Store, run: Run) -> Run:
    """A job keeps its code with its cells: the one that logged the model speaks for it, under the job's parameters."""
    if run.tags.get("mlops.kind") != "job":
        return run
    cells = [cell for cell in store.runs(parent=run.run_id) if cell.metrics] or [run]
    return cells[0].model_copy(update={"parameters": {**run.parameters, **cells[0].parameters}})
