"""Finished jobs that a new one would only repeat."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_mlops.errors import MlopsError, NotFound
from jupyter_mlops.jobs import identity
from jupyter_mlops.jobs.tasks import Task
from jupyter_mlops.records import Job, Run
from jupyter_mlops.store import Store

_MOST = 2000  # newest jobs of an experiment that are looked through


@dataclass
class Finished:
    """`parent`: look only among the jobs of that fleet."""

    store: Store
    parent: str | None = None
    _by_base: dict[str, dict[str, list[Run]]] = field(default_factory=dict)

    def like(self, task: Task, base: str, *, trusting: bool = False) -> Job | None:
        """The newest finished job of the same identity; None where there is none, or it cannot be known.

        `trusting` takes a job whose inputs could not be watched for unchanged: whoever resumes a fleet asks for that.
        """
        for run in self._runs(task.place).get(base, []):
            try:
                text = self.store.artifact(run.run_id, identity.NAME).read_text(encoding="utf-8")
                inputs = identity.load(text)
            except (MlopsError, OSError, ValueError, KeyError):
                continue
            if (trusting or not inputs.problem) and not identity.changed(inputs):
                return _job(run, task)
        return None

    def _runs(self, experiment: str) -> dict[str, list[Run]]:
        if experiment not in self._by_base:
            found: dict[str, list[Run]] = {}
            try:
                runs = self.store.runs(experiment, limit=_MOST, parent=self.parent, tags={"mlops.kind": "job"})
            except NotFound:
                runs = []
            for run in runs:
                if run.status == "FINISHED":
                    found.setdefault(run.tags.get("mlops.base", ""), []).append(run)
            self._by_base[experiment] = found
        return self._by_base[experiment]


def _job(run: Run, task: Task) -> Job:
    return Job(
        run_id=run.run_id,
        name=task.name,
        notebook=str(task.notebook),
        output=run.tags.get("mlops.output", ""),
        parameters=dict(task.parameters),
        status="FINISHED",
        started=run.started,
        ended=run.ended or run.started,
        attempts=int(run.tags.get("mlops.attempt", "1")),
        metrics=run.metrics,
        segment=task.segment,
        parent=run.parent,
        reused=True,
    )
