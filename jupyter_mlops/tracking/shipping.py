"""Records of the journal become runs in MLflow, once each, however often shipping is interrupted."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project
from jupyter_mlops.records import Dataset
from jupyter_mlops.store import Store, expired, open_store
from jupyter_mlops.tracking import journal


@dataclass(frozen=True)
class Shipped:
    """`waiting` are cells still running; `failed` says of each record that stayed why."""

    count: int
    waiting: int
    failed: list[str]


def ship(project: Project) -> Shipped:
    """Send what is complete, and close what was killed. A record that fails stays in the journal for the next time."""
    if not any(journal.waiting(project.home)):
        return Shipped(0, 0, [])
    store = open_store(project)
    count, waiting, failed = 0, 0, []
    with _alone(project.home):
        for folder in list(journal.waiting(project.home)):
            start, end = journal.read(folder)
            why = "" if end else expired(start.get("lease", ""))
            if end is None and not why:
                waiting += 1
                continue
            try:
                _send(store, project.home, folder, start, end or _killed(why))
                count += 1
            except MlopsError as error:
                failed.append(f"{folder.name}: {error.message}")
                if config.strict():
                    raise
    return Shipped(count, waiting, failed)


def recover(project: Project) -> Shipped:
    """Ship what a crash left behind; the same as ship, under the name people look for."""
    return ship(project)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "journal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _killed(why: str) -> dict[str, Any]:
    return {"at": datetime.now(UTC).isoformat(), "status": "KILLED", "error": why, "environment": {}}


def _send(store: Store, home: Path, folder: Path, start: dict[str, Any], end: dict[str, Any]) -> None:
    """Every step may be repeated: the run is found by its key, and what is logged twice is stored once."""
    run_id = store.create_run(
        start["experiment"],
        start["name"],
        key=start["key"],
        tags={**start["tags"], "mlops.kind": "cell", "mlflow.note.content": start["note"]},
        parent=start["parent"],
        started=datetime.fromisoformat(start["at"]),
    )
    ended = datetime.fromisoformat(end["at"])
    times = {f"time.{name}_s": seconds for name, seconds in end.get("times", {}).items()}
    tags = {"mlops.slice": f"{len(start['slice']) + 1} of {start['executed']}", **times}
    store.log(run_id, parameters=end.get("parameters"), metrics=end.get("metrics"), tags=tags, at=ended)
    store.log_datasets(run_id, [Dataset(**data) for data in end.get("datasets", [])])
    requirements = _requirements(end["environment"])
    store.log_text(run_id, json.dumps({"cells": [*start["slice"], start["source"]]}, indent=1), "slice.json")
    store.log_text(run_id, "\n\n".join([*start["slice"], start["source"]]), "slice.py")
    store.log_text(run_id, json.dumps(end["environment"], indent=1), "environment.json")
    store.log_text(run_id, "\n".join(requirements), "requirements.txt")
    status, reason = end["status"], end["error"]
    if (folder / journal.MODEL).is_file():
        reason = _send_model(store, run_id, folder, requirements) or reason
    store.end_run(run_id, status, reason, ended)
    receipt = journal.shipped(home, folder.name)
    receipt.parent.mkdir(exist_ok=True, mode=0o700)
    receipt.write_text(json.dumps({"run_id": run_id}), encoding="utf-8")
    shutil.rmtree(folder)


def _send_model(store: Store, run_id: str, folder: Path, requirements: list[str]) -> str:
    """The model, if its types are ones that were reviewed; why not, as the run's reason, otherwise."""
    import pandas as pd

    example = folder / journal.EXAMPLE
    rows = pd.read_parquet(example) if example.is_file() else None
    try:
        store.log_saved_model(run_id, folder / journal.MODEL, input_example=rows, requirements=requirements)
    except MlopsError as error:
        return f"the model was not kept: {error.message}"
    return ""


def _requirements(environment: dict[str, Any]) -> list[str]:
    """Pins of the distributions that were imported."""
    homes = metadata.packages_distributions() if environment.get("modules") else {}
    names = {name for module in environment.get("modules", []) for name in homes.get(module, [])}
    return sorted(f"{name}=={metadata.version(name)}" for name in names)
