"""Targets of the project are trained: a job each, then what their cells journalled is shipped and their metrics gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jupyter_mlops.errors import NotFound
from jupyter_mlops.jobs import Task, run_fleet
from jupyter_mlops.project import Target
from jupyter_mlops.records import Job
from jupyter_mlops.store import Store
from jupyter_mlops.tracking import ship


def train(
    store: Store,
    targets: Iterable[Target],
    *,
    workers: int | None = None,
    done: Callable[[Job], None] | None = None,
) -> dict[str, Job]:
    """One job for each target, by registered model's name, with the metrics its tracked cells found."""
    tasks = [_task(store, target) for target in targets]
    finished = run_fleet(
        store,
        tasks,
        workers=workers or store.project.file.compute.workers,
        done=(lambda _task, job: done(job)) if done else None,
    )
    return gather(store, finished)


def gather(store: Store, jobs: dict[str, Job]) -> dict[str, Job]:
    """Ship the journal, and put the metrics of each job's cells on the job itself, so that a fleet compares in one table."""
    ship(store.project)
    return {name: _with_metrics(store, job) for name, job in jobs.items()}


def _with_metrics(store: Store, job: Job) -> Job:
    metrics: dict[str, float] = {}
    for cell in reversed(store.runs(parent=job.run_id)):
        metrics |= cell.metrics
    if metrics:
        store.log(job.run_id, metrics=metrics)
    return job.model_copy(update={"metrics": metrics})


def _task(store: Store, target: Target) -> Task:
    notebook = store.project.root / target.spec.train.notebook
    if not notebook.is_file():
        raise NotFound(
            f"models.{target.model}.train.notebook: there is no {target.spec.train.notebook}",
            "correct the path in mlops.yaml; it is relative to the project folder",
        )
    return Task(
        name=target.name,
        notebook=notebook,
        parameters=target.parameters,
        experiment=target.model,
        segment=target.segment,
        tags={"mlops.model": target.model} | ({"mlops.segment": target.segment} if target.segment else {}),
        timeout=target.spec.train.timeout,
        retries=target.spec.train.retries,
    )
