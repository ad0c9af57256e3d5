"""Jobs are run, then what their cells journalled is shipped and their metrics gathered: targets of the project, or any."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import nullcontext

from jupyter_mlops.errors import NotFound
from jupyter_mlops.flows.announcing import announce, reachable
from jupyter_mlops.jobs import Delivered, Parcel, Task, opened, run_fleet, work_on
from jupyter_mlops.jobs import cluster as jobs_cluster
from jupyter_mlops.project import Project, Target
from jupyter_mlops.records import Job
from jupyter_mlops.store import Store
from jupyter_mlops.tracking import ship

_log = logging.getLogger("jupyter_mlops.jobs")
CellDone = Callable[[Task, int, int, str], None]


def train(
    store: Store,
    targets: Iterable[Target],
    *,
    workers: int | None = None,
    done: Callable[[Job], None] | None = None,
    cell_done: CellDone | None = None,
    cluster: str | None = None,
    force: bool = True,
    resume: bool = False,
    notify: bool = False,
) -> dict[str, Job]:
    """One job for each target, by registered model's name, with the metrics its tracked cells found."""
    tasks = [task_of(store.project, target) for target in targets]
    name = tasks[0].experiment if tasks else ""
    return run_jobs(
        store,
        tasks,
        workers=workers,
        done=done,
        cell_done=cell_done,
        cluster=cluster,
        force=force,
        resume=resume,
        name=name,
        notify=notify,
    )


def run_jobs(
    store: Store,
    tasks: Iterable[Task],
    *,
    workers: int | None = None,
    done: Callable[[Job], None] | None = None,
    cell_done: CellDone | None = None,
    begun: Callable[[str], None] | None = None,
    executor: Executor | None = None,
    cluster: str | None = None,
    force: bool = False,
    resume: bool = False,
    name: str = "",
    notify: bool = False,
) -> dict[str, Job]:
    """Every task's Job, by name, with its metrics; a finished run of the same identity stands for one unless `force`.

    They run on the executor given, else on the Dask cluster at this address or at the project's own, else here. With
    `notify`, how they ended is told to the addresses of `mlops.yaml`.
    """
    doors = reachable(store.project) if notify else []

    def ended(task: Task, job: Job) -> Job:
        if not (job.reused and job.metrics):  # what was killed as a job finished has not gathered its metrics
            job = gather(store, {task.name: job})[task.name]
        if done:
            done(job)
        return job

    compute = store.project.file.compute
    address = None if executor else cluster or compute.cluster
    with jobs_cluster(address) if address else nullcontext(executor) as pool:
        jobs = run_fleet(
            store,
            tasks,
            workers=workers or compute.workers,
            executor=pool,
            done=ended,
            cell_done=cell_done,
            begun=begun,
            force=force,
            resume=resume,
            name=name,
            work=work_and_ship,
        )
    if said := announce(store.project, jobs, doors) if doors else "":
        _log.warning(said)
    return jobs


def work_and_ship(parcel: Parcel) -> Delivered:
    """A parcel's job, on a worker: what its cells journalled is shipped from there before the project is packed away."""
    with opened(parcel) as (store, task):
        delivered = work_on(parcel, store, task)
        ship(store.project)
        return delivered


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


def task_of(project: Project, target: Target) -> Task:
    """The job that trains a target. Raises NotFound where the notebook that `mlops.yaml` names is not there."""
    notebook = project.root / target.spec.train.notebook
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
