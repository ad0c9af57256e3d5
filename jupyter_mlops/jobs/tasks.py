"""What is asked for: one job, and the conditions that all jobs of a fleet share."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.injecting import written


@dataclass(frozen=True)
class Task:
    """One job to do; `name` is what people call it (a registered model's name, or the notebook's).

    `memory` is the most its kernel and what it starts may hold, in bytes. `key` makes its runs known again.
    """

    name: str
    notebook: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    experiment: str = ""
    segment: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta = timedelta(minutes=15)
    retries: int = 0
    memory: int | None = None
    content: bytes | None = (
        None  # the notebook as it was when the job was asked for, where the file may be another by now
    )
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def place(self) -> str:
        """The experiment its runs go to."""
        return self.experiment or self.notebook.stem

    @property
    def digest(self) -> str:
        """What was asked for: name and parameters, however often."""
        values = {name: written(value) for name, value in sorted(self.parameters.items())}
        return hashlib.blake2b(json.dumps([self.name, values]).encode(), digest_size=16).hexdigest()


def called(notebook: Path, given: Mapping[str, Any], axes: Iterable[str]) -> str:
    """The name of one of several jobs: what tells it from the others is in it."""
    return " ".join([notebook.stem, *(f"{name}={given[name]}" for name in axes)])


@dataclass
class Conditions:
    """What one job is run under. `stop` ends it; `base` is its identity as far as it is known before it runs."""

    env: Mapping[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    parent: str | None = None
    base: str = ""
    lock: str = ""
    diff: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    moved: bool = False  # the run may have been begun by a worker that was lost
    kernel: Any = None  # the manager of the kernel to run in, where it is not the notebook's own
    cell_done: Callable[[int, int, str], None] = lambda _done, _all, _line: None
    begun: Callable[[str], None] = lambda _run_id: None
    turn: AbstractContextManager[Any] = field(default_factory=nullcontext)
    """Held from the run's beginning to its kernel's end: as many jobs compute at once as there are turns."""
