"""What a fleet was asked for, kept with its run, so that whoever sees it fail can go on with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from jupyter_mlops.errors import MlopsError, Refused
from jupyter_mlops.jobs.masking import Masked
from jupyter_mlops.jobs.tasks import Task
from jupyter_mlops.records import Run
from jupyter_mlops.store import Store

NAME = "asked.yaml"


def keep_asked(store: Store, run_id: str, tasks: Sequence[Task]) -> None:
    """Each job with its values, but for secrets: a fleet that was given one is gone on with by who has it."""
    told = [_told(task) for task in tasks]
    store.log_text(run_id, yaml.safe_dump(told, allow_unicode=True, sort_keys=False), NAME)


def asked_of(store: Store, run: Run) -> list[Task]:
    """The jobs of a fleet as they were asked for. Refused where they are not known."""
    try:
        told = yaml.safe_load(store.artifact(run.run_id, NAME).read_text(encoding="utf-8"))
    except (MlopsError, OSError) as error:
        raise Refused(
            f"fleet {run.run_id[:8]} keeps no list of its jobs", "repeat its command with --resume"
        ) from error
    if given := next((job for job in told if job["secret"]), None):
        raise Refused(
            f"{given['name']} was given {', '.join(given['secret'])}, and secrets are not kept",
            "fill in the same values again, or repeat its command with --resume",
        )
    return [_task(job) for job in told]


def _told(task: Task) -> dict[str, Any]:
    masked = Masked(task.parameters)
    return {
        "name": task.name,
        "notebook": str(task.notebook),
        "parameters": _plain(masked.parameters),
        "secret": sorted(masked.secret),
        "experiment": task.experiment,
        "segment": task.segment,
        "tags": dict(task.tags),
        "timeout": task.timeout.total_seconds(),
        "retries": task.retries,
        "memory": task.memory,
    }


def _task(job: Mapping[str, Any]) -> Task:
    rest = {name: job[name] for name in ("name", "parameters", "experiment", "segment", "tags", "retries", "memory")}
    return Task(notebook=Path(job["notebook"]), timeout=timedelta(seconds=job["timeout"]), **rest)


def _plain(value: Any) -> Any:
    """YAML has no tuples; where the notebook declares one, it is made again from the list."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value
