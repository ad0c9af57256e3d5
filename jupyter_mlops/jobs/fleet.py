"""Many jobs at once over any `concurrent.futures.Executor`; one that fails does not stop the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.parameters import check, schema
from jupyter_mlops.jobs.supervise import run_notebook
from jupyter_mlops.records import Job
from jupyter_mlops.store import Store


@dataclass(frozen=True)
class Task:
    """One job to do; `name` is what people call it (a registered model's name, or the notebook's)."""

    name: str
    notebook: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    experiment: str = ""
    segment: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta = timedelta(minutes=15)
    retries: int = 0


def run_fleet(
    store: Store,
    tasks: Iterable[Task],
    *,
    workers: int = 2,
    executor: Executor | None = None,
    done: Callable[[Task, Job], None] | None = None,
) -> dict[str, Job]:
    """Every task's Job, by name. All parameters are checked before the first kernel starts.

    A thread here only supervises; the work is in the kernels, which are processes. `done` is called as each ends.
    """
    todo = list(tasks)
    for task in todo:
        check(schema(task.notebook), task.parameters, task.notebook.name)
    jobs: dict[str, Job] = {}
    pool = executor or ThreadPoolExecutor(max_workers=workers, thread_name_prefix="mlops-job")
    try:
        threads = _threads(min(workers, len(todo)))
        waiting = {pool.submit(_run, store, task, threads): task for task in todo}
        for future in as_completed(waiting):
            task = waiting[future]
            jobs[task.name] = future.result()
            if done:
                done(task, jobs[task.name])
    finally:
        if executor is None:
            pool.shutdown(wait=True, cancel_futures=True)
    return {task.name: jobs[task.name] for task in todo}


def _threads(at_once: int) -> dict[str, str]:
    """Each kernel its share of the cores: two that both spin on every core train hundreds of times slower."""
    share = str(max(1, (os.cpu_count() or 1) // max(1, at_once)))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: os.environ.get(name, share) for name in names}


def _run(store: Store, task: Task, env: Mapping[str, str]) -> Job:
    return run_notebook(
        store,
        task.notebook,
        task.parameters,
        experiment=task.experiment,
        name=task.name,
        tags=task.tags,
        segment=task.segment,
        timeout=task.timeout,
        retries=task.retries,
        env=env,
    )
