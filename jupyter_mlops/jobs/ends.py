"""How a job ended, in the words that MLflow and the executed notebook both get.

papermill marks the cells of a killed kernel `completed`; what the supervisor saw is written over it.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jupyter_mlops.jobs.watching import Watch
from jupyter_mlops.records import RunStatus


@dataclass(frozen=True)
class End:
    """`again` says that another try may well go better: what failed was not the notebook's own doing."""

    status: RunStatus
    reason: str = ""
    cell: int | None = None
    again: bool = False


def outcome(node: Any, watch: Watch, limit: timedelta) -> End:
    """The end of a notebook whose cells were all gone through, or up to one that raised."""
    if watch.ended_by:
        return ended(node, watch, limit)
    for index, cell in enumerate(node.cells):
        if cell.metadata.get("papermill", {}).get("exception"):
            error = next((o for o in reversed(cell.get("outputs", [])) if o.output_type == "error"), None)
            what = f"{error.ename}: {error.evalue}" if error else "it raised"
            return End("FAILED", f"cell {_count(index)} failed: {what}"[:500], index)
    return End("FINISHED")


def ended(node: Any, watch: Watch, limit: timedelta) -> End:
    """The end of a notebook whose kernel the watch ended."""
    cell = under_way(node)
    if watch.ended_by == "timeout":
        return End("FAILED", f"cell {_count(cell)} was still running at the time limit of {limit}", cell)
    if watch.ended_by == "memory":
        return End("FAILED", f"out of memory in cell {_count(cell)}: it held {_size(watch.peak)}", cell, again=True)
    return End("KILLED", f"cancelled in cell {_count(cell)}", cell)


def died(node: Any, watch: Watch, limit: timedelta) -> End:
    """The end of a notebook whose kernel is gone."""
    if watch.ended_by:
        return ended(node, watch, limit)
    cell, status = under_way(node), watch.exit_status
    where = f"the kernel died in cell {_count(cell)}"
    if watch.out_of_memory:
        return End("FAILED", f"{where}: the system was out of memory; it held {_size(watch.peak)}", cell, again=True)
    if status is None or status == -signal.SIGKILL:
        return End("FAILED", f"{where} (killed, or out of memory; it held {_size(watch.peak)})", cell, again=True)
    if status < 0:
        return End("FAILED", f"{where} ({_signal(-status)})", cell, again=True)
    return End("FAILED", f"{where}: it ended by itself with status {status}", cell)


def under_way(node: Any) -> int | None:
    """The cell under way when the kernel was lost: the last that began. (papermill calls it `completed`.)"""
    begun = [i for i, cell in enumerate(node.cells) if cell.metadata.get("papermill", {}).get("start_time")]
    code = [i for i in begun if node.cells[i].cell_type == "code"]
    found = code or begun
    return found[-1] if found else None


def mark(node: Any, end: End, run_id: str) -> Any:
    """The supervisor's word in the executed notebook itself."""
    node.metadata["mlops"] = {"run_id": run_id, "status": end.status, "reason": end.reason, "cell": end.cell}
    if end.status == "FINISHED":
        return node
    node.metadata.setdefault("papermill", {})["exception"] = True
    cell = end.cell if end.cell is not None else len(node.cells)
    for index, later in enumerate(node.cells):
        if index == cell:
            later.metadata.setdefault("papermill", {}).update(status="failed", exception=True)
        elif index > cell:
            later.metadata.setdefault("papermill", {}).update(status="pending", exception=None)
    return node


def _count(cell: int | None) -> str:
    return "?" if cell is None else str(cell + 1)


def _size(size: int) -> str:
    return f"{size / 2**30:.2f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
