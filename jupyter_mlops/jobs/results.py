"""A fleet's own run: the parent of its jobs, with one table of what came of them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlops.errors import Conflict, NotFound
from jupyter_mlops.jobs.asked import keep_asked
from jupyter_mlops.jobs.burying import close_dead
from jupyter_mlops.jobs.following import JOBS
from jupyter_mlops.jobs.notebooks import Source
from jupyter_mlops.jobs.tasks import Task
from jupyter_mlops.records import Job
from jupyter_mlops.store import LEASE, Store

TABLE = "results.csv"
_SHOWN = 20


@dataclass(frozen=True)
class Parent:
    run_id: str
    resumed: bool


def open_parent(store: Store, ready: Sequence[tuple[Task, Source]], name: str, resume: bool) -> Parent:
    """A new run; with `resume`, that of the newest fleet of the same tasks, unless it finished."""
    first = ready[0][0]
    digest = _digest([task for task, _ in ready])
    if resume:
        close_dead(store)  # what still says RUNNING after this does run
    if resume and (known := _unfinished(store, first.place, digest)):
        store.reopen(known, LEASE)
        return Parent(known, resumed=True)
    tags = {"mlops.kind": "fleet", "mlops.fleet": digest, "mlops.notebook": first.notebook.name, JOBS: str(len(ready))}
    called = name or f"{first.place} x {len(ready)}"
    run_id = store.create_run(first.place, called, key=uuid.uuid4().hex, tags=tags, lasts=LEASE)
    keep_asked(store, run_id, [task for task, _ in ready])
    return Parent(run_id, resumed=False)


def _unfinished(store: Store, experiment: str, digest: str) -> str | None:
    try:
        found = store.runs(experiment, limit=1, tags={"mlops.fleet": digest})
    except NotFound:
        return None
    if found and found[0].status == "RUNNING":
        raise Conflict(
            f"these jobs are running now, as {found[0].run_id[:8]}",
            f"wait, or end them with `jupyter mlops cancel {found[0].run_id[:8]}`",
        )
    return found[0].run_id if found and found[0].status != "FINISHED" else None


def _digest(tasks: Sequence[Task]) -> str:
    text = json.dumps([str(tasks[0].notebook), sorted(task.digest for task in tasks)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def close_parent(store: Store, parent: Parent, ready: Sequence[tuple[Task, Source]], jobs: Mapping[str, Job]) -> None:
    """The end of a fleet: FINISHED when every job is, KILLED when not all were run, else FAILED with which and why."""
    missing = [task.name for task, _ in ready if task.name not in jobs]
    wrong = {name: job for name, job in jobs.items() if job.status != "FINISHED"}
    counts = {"jobs": len(ready), "jobs.finished": len(jobs) - len(wrong), "jobs.failed": len(wrong)}
    store.log(parent.run_id, metrics=counts)
    store.log_text(parent.run_id, table(ready, jobs), TABLE)
    if missing or any(job.status == "KILLED" for job in wrong.values()):
        told = f"stopped: {len(jobs) - len(wrong)} of {len(ready)} jobs had finished"
        store.end_run(parent.run_id, "KILLED", told)
    elif wrong:
        shown = "; ".join(f"{name}: {job.reason}" for name, job in list(wrong.items())[:_SHOWN])
        store.end_run(parent.run_id, "FAILED", f"{len(wrong)} of {len(ready)} failed: {shown}")
    else:
        store.end_run(parent.run_id, "FINISHED")


def table(ready: Sequence[tuple[Task, Source]], jobs: Mapping[str, Job]) -> str:
    """One line a job: name, status, reason, run, seconds, and each parameter and metric in a column of its own."""
    parameters = sorted({name for task, _ in ready for name in task.parameters})
    metrics = sorted({name for job in jobs.values() for name in job.metrics})
    text = io.StringIO()
    write = csv.writer(text)
    write.writerow(["job", "status", "reason", "run_id", "seconds", *parameters, *(f"metric.{m}" for m in metrics)])
    for task, _ in ready:
        job = jobs.get(task.name)
        seconds = f"{(job.ended - job.started).total_seconds():.2f}" if job else ""
        row = [job.status, job.reason, job.run_id, seconds] if job else ["not run", "", "", ""]
        values = [task.parameters.get(name, "") for name in parameters]
        write.writerow([task.name, *row, *values, *(job.metrics.get(m, "") if job else "" for m in metrics)])
    return text.getvalue()
