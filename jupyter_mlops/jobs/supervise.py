"""One job, supervised: the run is opened, the notebook executed, and the end entered truthfully, in MLflow and the file."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import papermill  # noqa: F401  # before our engine: as it comes, it asks for it by its entry point
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from jupyter_mlops.errors import MlopsError, Unavailable
from jupyter_mlops.jobs import identity
from jupyter_mlops.jobs.ends import End, died, mark, outcome, under_way
from jupyter_mlops.jobs.engine import Exited, Manager, execute
from jupyter_mlops.jobs.injecting import with_parameters
from jupyter_mlops.jobs.masking import Masked
from jupyter_mlops.jobs.notebooks import Source, write_notebook
from jupyter_mlops.jobs.preparing import prepared
from jupyter_mlops.jobs.tasks import Conditions, Task
from jupyter_mlops.jobs.watching import Watch
from jupyter_mlops.masking import mask
from jupyter_mlops.records import Job
from jupyter_mlops.store import LEASE, Store

FIRST_WAIT = 1.0  # seconds before the second try; twice as long before each further one
LONGEST_WAIT = 60.0
_log = logging.getLogger("jupyter_mlops.jobs")


def run_notebook(
    store: Store,
    notebook: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    experiment: str = "",
    name: str = "",
    tags: Mapping[str, str] | None = None,
    segment: str | None = None,
    timeout: timedelta = timedelta(minutes=15),
    retries: int = 0,
    memory: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Job:
    """Run a notebook as a job: one MLflow run, its executed notebook kept with it as it goes.

    Parameters that do not fit are BadInput before a kernel starts. A notebook that fails, is killed or takes longer than
    `timeout` gives a Job that says so; a kernel that was killed is tried again up to `retries` times, a raising cell is not.
    """
    task = Task(
        name or notebook.stem,
        notebook,
        dict(parameters or {}),
        experiment,
        segment,
        tags or {},
        timeout,
        retries,
        memory,
    )
    return run_task(store, *prepared(task), Conditions(env=env or {}))


def run_task(store: Store, task: Task, source: Source, conditions: Conditions) -> Job:
    """The job, tried again with growing waits while that is worth while."""
    try:
        return _tried(store, task, source, conditions)
    finally:
        _close_loop()


def _tried(store: Store, task: Task, source: Source, conditions: Conditions) -> Job:
    attempt = 1
    while True:
        try:
            job, again = _Attempt(store, task, source, conditions, attempt).run()
        except CancelledError:  # while it waited for its turn
            if attempt == 1:
                raise
            return job
        if not again or attempt > task.retries or conditions.stop.is_set():
            return job
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
        if conditions.stop.wait(wait):
            return job
        attempt += 1


@dataclass
class _Attempt:
    store: Store
    task: Task
    source: Source
    conditions: Conditions
    number: int
    node: Any = None
    started: datetime = field(init=False)

    def run(self) -> tuple[Job, bool]:
        """The job as it ended, and whether another try is worth while."""
        with contextlib.ExitStack() as turn:
            turn.enter_context(self.conditions.turn)
            return self._run(turn)

    def _run(self, turn: contextlib.ExitStack) -> tuple[Job, bool]:
        task, masked = self.task, Masked(self.task.parameters)
        self.started = datetime.now(UTC)
        run_id = self._open(masked)
        home = self.store.project.home / "jobs"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        output = home / f"{task.notebook.stem}-{run_id[:8]}.ipynb"
        notes = home / f".{run_id}.inputs"
        watch = Watch(
            seconds=task.timeout.total_seconds(),
            stop=self.conditions.stop,
            cancel_file=home / f"{run_id}.cancel",
            memory=task.memory,
            renew=lambda: self.store.renew(run_id, LEASE),
        )
        end = End("FAILED", "our supervisor failed; this is our fault")
        try:
            end = self._execute(masked, output, run_id, notes, watch)
            end = replace(end, reason=masked.text(end.reason))
        except (KeyboardInterrupt, SystemExit):
            end = End("KILLED", "the job was cancelled", under_way(self.node) if self.node else None)
            raise
        finally:
            watch.close()
            turn.close()  # the next job computes while this one's end is entered
            inputs = identity.read_inputs(notes, self.store.project.home)
            self._close(run_id, end, watch, masked, output, inputs)
            notes.unlink(missing_ok=True)
            (home / f"{run_id}.cancel").unlink(missing_ok=True)
        return self._job(run_id, end, output), end.again

    def _open(self, masked: Masked) -> str:
        task, conditions = self.task, self.conditions
        labels = {
            **conditions.tags,
            **task.tags,
            "mlops.kind": "job",
            "mlops.notebook": task.notebook.name,
            "mlops.attempt": str(self.number),
            "mlops.task": task.digest,
            "mlops.folder": str(task.notebook.parent),
        }
        labels |= {"mlops.base": conditions.base} if conditions.base else {}
        run_id = self.store.create_run(
            task.place,
            task.name[:250],
            key=f"{task.key}-{self.number}",
            tags=labels,
            started=self.started,
            parent=conditions.parent,
            lasts=LEASE,
        )
        if self.conditions.moved:
            self.store.reopen(run_id, LEASE)
        output = self.store.project.home / "jobs" / f"{task.notebook.stem}-{run_id[:8]}.ipynb"
        self.store.log(run_id, parameters=masked.parameters, tags={"mlops.output": str(output)})
        conditions.begun(run_id)
        return run_id

    def _execute(self, masked: Masked, output: Path, run_id: str, notes: Path, watch: Watch) -> End:
        limit = self.task.timeout
        node = self.node = with_parameters(self.source, self.task.parameters)
        node.metadata["mlops"] = {"run_id": run_id, "status": "RUNNING"}
        manager = Manager(node, output, masked)
        manager.cell_done = self.conditions.cell_done
        env = {
            **self.conditions.env,
            "MLOPS_PARENT_RUN": run_id,
            "MLOPS_SHIP": "supervisor",
            "MLOPS_PROJECT": str(self.store.project.root),
            "MLOPS_NOTEBOOK": self.task.notebook.stem,
            "MLOPS_INPUTS": str(notes),
        }
        python = self.source.language in ("python", "ipython", "")
        try:
            execute(
                manager,
                self.source.kernel,
                cwd=str(self.task.notebook.parent),
                env=env,
                watch=watch,
                observed=python,
                kernel=self.conditions.kernel,
            )
        except DeadKernelError:
            return died(node, watch, limit)
        except CellTimeoutError:
            return outcome(node, watch, limit)
        except Exited:
            cell = under_way(node)
            return End("FAILED", f"cell {(cell or 0) + 1} called exit() with cells still to run", cell)
        except OSError as error:
            return End("FAILED", f"the executed notebook cannot be written: {error.strerror or error}", under_way(node))
        except RuntimeError as error:  # nbclient's word for a kernel that does not come up
            return (
                died(node, watch, limit) if watch.ended_by else End("FAILED", f"no kernel: {error}"[:500], again=True)
            )
        return outcome(node, watch, limit)

    def _close(
        self, run_id: str, end: End, watch: Watch, masked: Masked, output: Path, inputs: identity.Inputs
    ) -> None:
        """The end, in the file first: should MLflow not answer, it is known from there."""
        conditions, store = self.conditions, self.store
        if self.node is not None:
            with contextlib.suppress(OSError):  # a full disk must not keep the end from MLflow
                write_notebook(mark(masked(self.node), end, run_id), output)
        tags = {"mlops.cpu_s": f"{watch.cpu:.2f}", "mlops.peak_memory_mb": f"{watch.peak / 2**20:.0f}"}
        if conditions.base:
            tags["mlops.identity"] = identity.whole(conditions.base, inputs)
        with _patiently():
            store.log(run_id, tags=tags)
            texts = {
                "requirements.txt": conditions.lock,
                "git.diff": mask(conditions.diff),
                identity.NAME: inputs.as_json(),
            }
            store.log_texts(run_id, {name: text for name, text in texts.items() if text})
            if output.is_file():
                store.log_file(run_id, output)
        with _patiently():
            store.end_run(run_id, end.status, end.reason)

    def _job(self, run_id: str, end: End, output: Path) -> Job:
        task = self.task
        return Job(
            run_id=run_id,
            name=task.name,
            notebook=str(task.notebook),
            output=str(output),
            parameters=dict(task.parameters),
            status=end.status,
            reason=end.reason,
            cell=end.cell,
            started=self.started,
            ended=datetime.now(UTC),
            attempts=self.number,
            segment=task.segment,
            parent=self.conditions.parent,
        )


@contextlib.contextmanager
def _patiently() -> Iterator[None]:
    """What MLflow could not take is said, and left to `jupyter mlops recover`: the job itself is not undone by it."""
    try:
        yield
    except Unavailable as error:
        _log.warning("not entered: %s; `jupyter mlops recover` does it later", error.message)
    except MlopsError as error:
        _log.warning("not entered: %s", error.message)


def _close_loop() -> None:
    """A thread of a pool ends without a word to the event loop that nbclient made in it, which holds files and a thread."""
    if threading.current_thread() is threading.main_thread():
        return
    loop = ensure_event_loop()
    if not loop.is_running():
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
