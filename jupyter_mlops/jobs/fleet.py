"""Many jobs at once over any `concurrent.futures.Executor`; one that fails does not stop the others.

More than one job has a parent run. Parameters are all checked, and what was finished before is found, before the first
kernel starts. Ctrl-C ends the kernels that run, and every job and the fleet say so.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.jobs import identity, surroundings
from jupyter_mlops.jobs.finished import Finished
from jupyter_mlops.jobs.notebooks import Source
from jupyter_mlops.jobs.parcels import Delivered, Work, deliver, pack
from jupyter_mlops.jobs.preparing import prepared
from jupyter_mlops.jobs.results import close_parent, open_parent
from jupyter_mlops.jobs.supervise import run_task
from jupyter_mlops.jobs.tasks import Conditions, Task
from jupyter_mlops.jobs.watching import RENEW
from jupyter_mlops.kernels import learn, warm_up
from jupyter_mlops.records import Job
from jupyter_mlops.store import LEASE, Store

Done = Callable[[Task, Job], Job]
"""Called as each job ends; gives the Job as it is from then on."""
CellDone = Callable[[Task, int, int, str], None]
"""Called as a cell begins and as it ends: how many are done, of how many, and the first line of the one that runs."""


@dataclass
class _Fleet:
    store: Store
    ready: list[tuple[Task, Source]]
    workers: int
    conditions: Conditions
    locks: dict[str, str] = field(default_factory=dict)


def run_fleet(
    store: Store,
    tasks: Iterable[Task],
    *,
    workers: int = 2,
    executor: Executor | None = None,
    done: Done | None = None,
    cell_done: CellDone | None = None,
    begun: Callable[[str], None] | None = None,
    force: bool = True,
    resume: bool = False,
    name: str = "",
    work: Work = deliver,
) -> dict[str, Job]:
    """Every task's Job, by name.

    `begun` is told the run to follow as soon as there is one: the fleet's, or that of the only job.

    Without `force`, a task whose identity is that of a finished run is not run again: that run's Job is given, `reused`.
    With `resume`, the newest fleet of the same tasks that did not finish is gone on with. `executor` is anybody's; without
    one, threads here supervise, and the work is in the kernels. `work` is what another process is sent to do with a parcel.
    """
    ready = [prepared(task) for task in tasks]
    _unequal_names(ready)
    conditions = Conditions(env=_threads(min(workers, len(ready))), tags=surroundings.host())
    fleet = _Fleet(store, ready, workers, conditions)
    learn({task.notebook for task, _ in ready})
    if executor is None and ready:
        warm_up()  # imports while the runs are prepared
    _describe(fleet)
    parent = open_parent(store, ready, name, resume) if len(ready) > 1 else None
    conditions.parent = parent.run_id if parent else None
    if begun and parent:
        begun(parent.run_id)
    elif begun:
        conditions.begun = begun
    jobs: dict[str, Job] = {}

    def ended(task: Task, job: Job) -> None:
        jobs[task.name] = done(task, job) if done else job

    try:
        todo = _not_finished(fleet, force, resume, ended)
        _run(fleet, todo, executor, ended, cell_done, work)
    finally:
        conditions.stop.set()
        ordered = {task.name: jobs[task.name] for task, _ in ready if task.name in jobs}
        if parent:
            close_parent(store, parent, ready, ordered)
    return ordered


def _unequal_names(ready: list[tuple[Task, Source]]) -> None:
    names = [task.name for task, _ in ready]
    double = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if double is not None:
        raise BadInput(f"two jobs are called {double!r}", "give each a name of its own")


def _describe(fleet: _Fleet) -> None:
    """The commit and the environment are the same for all jobs of a fleet, and found once."""
    if not fleet.ready:
        return
    commit = surroundings.commit_of(fleet.ready[0][0].notebook.parent)
    fleet.conditions.tags = {**fleet.conditions.tags, **commit.tags()}
    fleet.conditions.diff = commit.diff
    for _, source in fleet.ready:
        if source.kernel not in fleet.locks:
            fleet.locks[source.kernel] = identity.environment_lock(source.kernel)


def _conditions(fleet: _Fleet, task: Task, source: Source, cell_done: CellDone | None) -> Conditions:
    lock = fleet.locks[source.kernel]
    base = identity.base(source, task.parameters, identity.environment_digest(lock))
    told = (lambda n, of, line: cell_done(task, n, of, line)) if cell_done else (lambda _n, _of, _line: None)
    return replace(fleet.conditions, base=base, lock=lock, cell_done=told)


def _not_finished(
    fleet: _Fleet, force: bool, resume: bool, ended: Callable[[Task, Job], None]
) -> list[tuple[Task, Source]]:
    if force and not resume:
        return fleet.ready
    finished, todo = Finished(fleet.store, fleet.conditions.parent if resume else None), []
    for task, source in fleet.ready:
        job = finished.like(task, _conditions(fleet, task, source, None).base, trusting=resume)
        if job:
            ended(task, job)
        else:
            todo.append((task, source))
    return todo


def _run(
    fleet: _Fleet,
    todo: list[tuple[Task, Source]],
    executor: Executor | None,
    ended: Callable[[Task, Job], None],
    cell_done: CellDone | None,
    work: Work,
) -> None:
    turns = _Turns(max(1, fleet.workers), lambda: _is_ended(fleet))
    pool = executor or ThreadPoolExecutor(max_workers=2 * turns.number, thread_name_prefix="mlops-job")
    waiting: dict[Future[Any], tuple[Task, Source]] = {}
    try:
        for task, source in todo:
            conditions = _conditions(fleet, task, source, cell_done)
            future: Future[Any]
            if executor is None:
                future = pool.submit(run_task, fleet.store, task, source, replace(conditions, turn=turns))
            else:
                future = pool.submit(work, pack(fleet.store.project, task, source, conditions))
            waiting[future] = (task, source)
        for future in _as_they_end(fleet, set(waiting)):
            task = waiting[future][0]
            with suppress(CancelledError):  # it waited for its turn, and is left out as those that had not begun
                ended(task, _result(future, task, executor is not None, fleet))
    except BaseException:  # Ctrl-C too: what has not begun is not to begin
        fleet.conditions.stop.set()
        for future in waiting:
            future.cancel()
        raise
    finally:
        if executor is None:
            pool.shutdown(wait=True, cancel_futures=True)


class _Turns:
    """As many at once as `number`; who waits when all is stopped is told so. Threads beyond these enter ends in MLflow."""

    def __init__(self, number: int, ended: Callable[[], bool]) -> None:
        self.number = number
        self._free, self._ended = threading.Semaphore(number), ended

    def __enter__(self) -> None:
        self._free.acquire()
        if self._ended():
            self._free.release()
            raise CancelledError

    def __exit__(self, *_: object) -> None:
        self._free.release()


def _as_they_end(fleet: _Fleet, running: set[Future[Any]]) -> Iterator[Future[Any]]:
    """Each as it ends. Once the fleet is cancelled from elsewhere, those not begun are left out."""
    asked, renewed = _asked(fleet), time.monotonic()
    while running:
        if fleet.conditions.parent and time.monotonic() > renewed + RENEW:
            renewed = time.monotonic()
            with suppress(MlopsError):  # it is tried again soon
                fleet.store.renew(fleet.conditions.parent, LEASE)
        finished, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        if asked.exists():
            fleet.conditions.stop.set()
            asked.unlink(missing_ok=True)
            running = {future for future in running if not future.cancel()}
        yield from finished


def _asked(fleet: _Fleet) -> Path:
    """Is there once somebody asked the fleet to end."""
    return fleet.store.project.home / "jobs" / f"{fleet.conditions.parent}.cancel"


def _is_ended(fleet: _Fleet) -> bool:
    """Looked at before a job begins too: those that run may have ended by the same word before it is seen here."""
    return fleet.conditions.stop.is_set() or _asked(fleet).exists()


def _result(future: Future[Any], task: Task, elsewhere: bool, fleet: _Fleet) -> Job:
    """The Job; one that says FAILED where the worker itself was lost. What threads here raise is raised."""
    if not elsewhere:
        job: Job = future.result()
        return job
    try:
        delivered: Delivered = future.result()
        return delivered.unpack(fleet.store.project)
    except Exception as error:
        if not isinstance(error, BrokenProcessPool | OSError) and type(error).__name__ != "KilledWorker":
            raise
        now = datetime.now(UTC)
        said = f"the worker was lost: {str(error) or type(error).__name__}"[:500]
        return _lost(task, fleet, said, now)


def _lost(task: Task, fleet: _Fleet, said: str, now: datetime) -> Job:
    store = fleet.store
    run_id = store.create_run(task.place, task.name, key=f"{task.key}-1", parent=fleet.conditions.parent)
    store.end_run(run_id, "FAILED", said)
    return Job(
        run_id=run_id,
        name=task.name,
        notebook=str(task.notebook),
        output="",
        parameters=dict(task.parameters),
        status="FAILED",
        reason=said,
        started=now,
        ended=now,
        parent=fleet.conditions.parent,
    )


def _threads(at_once: int) -> dict[str, str]:
    """Each kernel its share of the cores: two that both spin on every core train hundreds of times slower."""
    share = str(max(1, (os.cpu_count() or 1) // max(1, at_once)))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: os.environ.get(name, share) for name in names}
