"""Records of the journal become runs in MLflow, once each, however often shipping is interrupted."""

from __future__ import annotations

import fcntl
import inspect
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.project import Project
from jupyter_mlops.records import Dataset, Run
from jupyter_mlops.store import KEY, Store, expired, open_store
from jupyter_mlops.tracking import journal
from jupyter_mlops.tracking.folding import ATTEMPT, CELL, champion, fold
from jupyter_mlops.tracking.repository import repository

SEEN_AFTER = 3.0  # seconds: a cell that runs longer is a RUNNING run meanwhile


_TORN_AFTER = 3600.0


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
            try:
                done = _ship_one(store, project.home, folder)
            except Exception as error:  # whatever one record meets, the others are shipped
                failed.append(f"{folder.name}: {getattr(error, 'message', error)}")
                if config.strict():
                    raise
            else:
                count += done
                waiting += not done
    return Shipped(count, waiting, failed)


def _ship_one(store: Store, home: Path, folder: Path) -> bool:
    """Whether it is shipped; False while its cell runs. A cell that takes a while is seen in MLflow as it runs."""
    told = journal.read(folder)
    if not told.start:  # its first line is being written; or it was killed before that, when nothing had run yet
        if time.time() - folder.stat().st_mtime > _TORN_AFTER:
            shutil.rmtree(folder)
        return False
    why = "" if told.end else expired(told.start.get("lease", ""))
    if told.end is None and not why:
        if (datetime.now(UTC) - datetime.fromisoformat(told.start["at"])).total_seconds() > SEEN_AFTER:
            store.log_curves(_run(store, told.start), told.streamed)
        return False
    _send(store, home, folder, told, told.end or _killed(why, told))
    return True


def recover(project: Project) -> Shipped:
    """Ship what a crash left behind; the same as ship, under the name people look for."""
    return ship(project)


def arrived(store: Store, run_id: str) -> Run:
    """The run of this id or record key, whole: if its record waits in the journal, that is shipped now, or waited for.

    A person asks for a run the moment its card appears; half of it may be there, or nothing yet.
    """
    key = next((f.name for f in journal.waiting(store.project.home) if f.name.startswith(run_id)), "")
    key = key or store.run(run_id).tags.get(KEY, "")
    if journal.waits(store.project.home, key):
        failed = [why for why in ship(store.project).failed if why.startswith(key)]
        if failed:
            raise Unavailable(f"the run is not in MLflow yet: {failed[0]}", "it is tried again by itself; ask later")
    return store.run(run_id)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "journal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _killed(why: str, told: journal.Told) -> dict[str, Any]:
    """What can be said of a cell that never ended: what it logged until then."""
    metrics = {name: value for name, value, _, _ in told.streamed}
    return {
        "at": datetime.now(UTC).isoformat(),
        "status": "KILLED",
        "error": why,
        "metrics": metrics,
        "environment": {},
    }


def _run(store: Store, start: dict[str, Any]) -> str:
    tags = {**start["tags"], "mlops.kind": "cell", "mlflow.note.content": start["note"]}
    tags[CELL] = start.get("place") or start["name"]
    tags[ATTEMPT] = str(start.get("attempt", 1))
    if start.get("notebook"):
        tags |= {"mlflow.source.name": start["notebook"], "mlflow.source.type": "NOTEBOOK"}
    return store.create_run(
        start["experiment"],
        start["name"],
        key=start["key"],
        tags=tags,
        parent=start["parent"],
        started=datetime.fromisoformat(start["at"]),
        lease=start.get("lease", ""),
    )


def _send(store: Store, home: Path, folder: Path, told: journal.Told, end: dict[str, Any]) -> None:
    """Every step may be repeated: the run is found by its key, and what is logged twice is stored once."""
    start = told.start | {name: end[name] for name in ("slice", "raised", "unseeded") if name in end}
    run_id = _run(store, start)
    ended = datetime.fromisoformat(end["at"])
    curved = {name for name, _, step, _ in told.streamed if step}
    store.log_curves(run_id, told.streamed)
    metrics = {name: value for name, value in end.get("metrics", {}).items() if name not in curved}
    store.log(run_id, parameters=end.get("parameters"), metrics=metrics, tags=_tags(start, end), at=ended)
    store.log_datasets(run_id, [Dataset(**data) for data in end.get("datasets", [])])
    requirements = _requirements(end["environment"])
    _send_code(store, run_id, start, end, requirements)
    status, reason = end["status"], end["error"]
    for name in end.get("outputs", []):
        store.log_file(run_id, folder / journal.OUTPUTS / name, "outputs")
    model = journal.model_file(folder)
    if model is not None:
        reason = _send_model(store, run_id, model, requirements) or reason
    if (folder / journal.FLAVOUR).is_dir():
        store.log_model_folder(run_id, folder / journal.FLAVOUR, requirements)
    if (folder / journal.PICKLE).is_file():
        store.log_file(run_id, folder / journal.PICKLE, "pickled")
    store.end_run(run_id, status, reason, ended)
    fold(store, store.run(run_id))
    _note_champion(store, home, start["experiment"])
    receipt = journal.shipped(home, folder.name)
    receipt.parent.mkdir(exist_ok=True, mode=0o700)
    receipt.write_text(json.dumps({"run_id": run_id}), encoding="utf-8")
    shutil.rmtree(folder)


def _note_champion(store: Store, home: Path, notebook: str) -> None:
    file = journal.champions(home, notebook)
    file.parent.mkdir(exist_ok=True, mode=0o700)
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(champion(store, notebook)), encoding="utf-8")
    unfinished.replace(file)


def _tags(start: dict[str, Any], end: dict[str, Any]) -> dict[str, str]:
    times = end.get("times", {})
    tags = {f"time.{name}_s": str(times[name]) for name in ("wall", "cpu") if name in times}
    if times.get("peak_memory"):
        tags["memory.peak_bytes"] = str(times["peak_memory"])
    tags["mlops.slice"] = f"{len(start['slice']) + 1} of {start['executed']}"
    if end.get("warnings"):
        tags["mlops.warnings"] = "\n".join(end["warnings"])
    return tags


def _send_code(store: Store, run_id: str, start: dict[str, Any], end: dict[str, Any], requirements: list[str]) -> None:
    """The slice, the local modules it imports, the repository's state, and the environment to run them in."""
    cells = [*start["slice"], start["source"]]
    kept = {"cells": cells, "folder": start["folder"], "raised": start.get("raised", [])}
    kept |= {"unseeded": start.get("unseeded", []), "again": start.get("again")}
    texts = {
        "slice.json": json.dumps(kept, indent=1),
        "slice.py": "\n\n".join(cells),
        "environment.json": json.dumps(end["environment"], indent=1),
        "requirements.txt": "\n".join(requirements),
        "origins.json": json.dumps(end.get("origins", {}), indent=1),
    }
    modules = end.get("local_modules", [])
    texts |= {f"modules/{module['name'].replace('.', '/')}.py": module["text"] for module in modules}
    if modules:
        texts["modules.json"] = json.dumps([{k: m[k] for k in ("name", "path", "digest")} for m in modules], indent=1)
    commit, diff = repository(Path(start["folder"]))
    if commit:
        store.log(run_id, tags={"mlflow.source.git.commit": commit, "mlops.git.dirty": str(bool(diff)).lower()})
    if diff:
        texts["uncommitted.diff"] = diff
    store.log_texts(run_id, texts)


def _send_model(store: Store, run_id: str, file: Path, requirements: list[str]) -> str:
    """The model, if its types are ones that were reviewed; why not, as the run's reason, otherwise."""
    example = _example(file.parent)
    try:
        store.log_saved_model(run_id, file, input_example=example, requirements=requirements)
    except (OSError, Unavailable):
        raise
    except Exception as error:  # noqa: BLE001  # a model's library raises what it likes; the run is told all the same
        return f"the model was not kept: {getattr(error, 'message', error)}"
    return ""


def _example(folder: Path) -> Any:
    import numpy as np
    import pandas as pd

    if (folder / journal.EXAMPLE).is_file():
        return pd.read_feather(folder / journal.EXAMPLE)
    if (folder / journal.OLD_EXAMPLE).is_file():
        return pd.read_parquet(folder / journal.OLD_EXAMPLE)
    array = folder / journal.EXAMPLE_ARRAY
    return np.load(array, allow_pickle=False) if array.is_file() else None


def _requirements(environment: dict[str, Any]) -> list[str]:
    """Pins of the distributions that were imported."""
    modules = frozenset(environment.get("modules", []))
    places = tuple((place, Path(place).stat().st_mtime_ns) for place in sys.path if Path(place).is_dir())
    return list(_pins(modules, places)) if modules else []


@lru_cache(maxsize=100)
def _pins(modules: frozenset[str], _places: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """The jobs of a fleet import the same, from folders in which nothing was installed meanwhile."""
    pins: dict[str, str] = {}
    for found in metadata.distributions():
        if modules & _modules_of(found):
            pins.setdefault(found.name, f"{found.name}=={found.version}")  # the first on the path is the one imported
    return tuple(sorted(pins.values()))


def _modules_of(found: metadata.Distribution) -> set[str]:
    """As `packages_distributions` has it, which takes a second for every run: it asks the disk for each file that is listed."""
    if told := found.read_text("top_level.txt"):
        return set(told.split())
    listed = (found.read_text("RECORD") or "").splitlines()
    return {inspect.getmodulename(top) or top for top in {line.partition(",")[0].partition("/")[0] for line in listed}}
