"""What was run: runs, jobs, how far a job is, and the form it is asked for with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from jupyter_mlops.records.base import Record, RunStatus


class Dataset(Record):
    """Rows that were read: `digest` is over their content, `source` says where they came from."""

    name: str
    digest: str
    source: str
    rows: int
    columns: int
    context: str = "training"


class Run(Record):
    run_id: str
    name: str
    experiment: str
    status: RunStatus
    started: datetime
    ended: datetime | None = None
    reason: str = ""
    parameters: dict[str, str] = {}
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}
    datasets: list[Dataset] = []
    parent: str | None = None
    artifacts: str = ""


class Job(Record):
    """One notebook run, as its supervisor saw it. `cell` is the failing cell's index, counted from 0.

    `reused` says that a finished run of the same identity stands for it; `parent` is the run of its fleet.
    """

    run_id: str
    name: str = ""
    notebook: str
    output: str
    parameters: dict[str, Any]
    status: RunStatus
    reason: str = ""
    cell: int | None = None
    started: datetime
    ended: datetime
    attempts: int = 1
    metrics: dict[str, float] = {}
    segment: str | None = None
    parent: str | None = None
    reused: bool = False


class RunningCell(Record):
    """A cell that runs now: of which job, its index counted from 0, its first line, and for how many seconds."""

    run_id: str
    name: str
    cell: int
    line: str
    seconds: float


class Progress(Record):
    """How far a job or a fleet is: `done` of `of` units, each a cell or a job; `of` is None where that cannot be seen.

    `seconds` it has run so far; `left` by what its cells took the last time, None where that is not known. `saved` is when
    the notebook with its outputs so far was last written. `retried_as` is the run of the next try, once it has begun.
    """

    run_id: str
    name: str
    status: RunStatus
    reason: str = ""
    parent: str | None = None
    unit: Literal["cell", "job"]
    done: int
    of: int | None
    running: list[RunningCell] = []
    seconds: float
    left: float | None = None
    saved: datetime | None = None
    retried_as: str | None = None


class FormField(Record):
    """One parameter as a form asks for it: `text` is its default as a person would type it, empty where it has none.

    `kind` is the type in words; `choices` are texts too. `span` says the range, as in `0 < rate <= 1`.
    """

    name: str
    kind: str
    text: str = ""
    required: bool = False
    optional: bool = False
    computed: bool = False
    choices: list[str] = []
    span: str = ""
    help: str = ""


class JobForm(Record):
    """What a notebook takes; `model` is the one of `mlops.yaml` that it trains, `segments` how many that one has."""

    notebook: str
    fields: list[FormField]
    model: str | None = None
    segments: int = 0
