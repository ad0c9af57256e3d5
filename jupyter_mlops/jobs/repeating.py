"""A job's own notebook and parameters once more, from what its run keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.jobs import identity
from jupyter_mlops.jobs.notebooks import INJECTED, Source, parse_source
from jupyter_mlops.jobs.parameters import check, schema_of
from jupyter_mlops.jobs.supervise import run_task
from jupyter_mlops.jobs.tasks import Conditions, Task
from jupyter_mlops.records import Job, Run
from jupyter_mlops.store import Store

_MASKED = "***"


@dataclass(frozen=True)
class Kept:
    """What a job's run keeps of it: the notebook as it was, its parameters, and what it rested on."""

    source: Source
    given: dict[str, Any]
    inputs: identity.Inputs
    lock: str

    def changed(self) -> str:
        """What is no longer as it was then, in words; empty when nothing that is known of has changed."""
        if path := identity.changed(self.inputs):
            return f"{path} is not what it was"
        now = identity.environment_lock(self.source.kernel)
        if self.lock and self.lock != now:
            then, there = set(self.lock.splitlines()), set(now.splitlines())
            other = sorted(then - there) or sorted(there - then)
            return f"the environment is not what it was: {other[0]} is {'gone' if then - there else 'new'}"
        return ""


def kept(store: Store, run: Run) -> Kept:
    """Raises BadInput where the run does not keep enough to be repeated."""
    output = Path(run.tags.get("mlops.output", ""))
    try:
        node = json.loads(store.artifact(run.run_id, output.name).read_text(encoding="utf-8"))
        inputs = identity.load(store.artifact(run.run_id, identity.NAME).read_text(encoding="utf-8"))
        lock = _text(store, run, "requirements.txt")
    except (MlopsError, OSError, ValueError, KeyError) as error:
        raise BadInput(f"run {run.run_id[:8]} keeps no notebook, so it cannot be replayed", "replay another") from error
    given = node["metadata"].get("papermill", {}).get("parameters", {})
    secret = sorted(name for name, value in given.items() if value == _MASKED)
    if secret:
        raise BadInput(
            f"run {run.run_id[:8]} was given secrets ({', '.join(secret)}), which are not kept", "run it again yourself"
        )
    node["cells"] = [c for c in node["cells"] if INJECTED not in c["metadata"].get("tags", [])]
    folder = Path(run.tags.get("mlops.folder") or store.project.root)
    notebook = folder / run.tags.get("mlops.notebook", "notebook.ipynb")
    source = parse_source(notebook, json.dumps(node).encode())
    return Kept(source, check(schema_of(source), given, notebook.name), inputs, lock)


def _text(store: Store, run: Run, name: str) -> str:
    try:
        return store.artifact(run.run_id, name).read_text(encoding="utf-8")
    except (MlopsError, OSError):
        return ""


def repeat(store: Store, again: Kept, kernel: Any = None, limit: timedelta = timedelta(hours=1)) -> Job:
    """Run it once more, its run going to `store`, in the folder it had; in the given manager's kernel, if there is one."""
    folder = again.source.path.parent
    if not folder.is_dir():
        raise BadInput(
            f"the folder the job ran in is gone: {folder}", "put it back, or replay on the machine that has it"
        )
    task = Task(again.source.path.stem, again.source.path, again.given, timeout=limit)
    return run_task(store, task, again.source, Conditions(kernel=kernel))
