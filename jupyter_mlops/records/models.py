"""What is registered, and what it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from jupyter_mlops.records.base import Record


class ModelVersion(Record):
    """One version of one registered model. `digest` is over the model's files as they were registered."""

    model: str
    version: int
    run_id: str
    digest: str
    created: datetime
    aliases: list[str] = []
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}


class RegisteredModel(Record):
    """`name` is `model` or `model.segment`; `aliases` maps an alias to a version."""

    name: str
    model: str
    segment: str | None = None
    aliases: dict[str, int] = {}
    latest: int | None = None
    risk: str = "low"
    owner: str = ""
    updated: datetime | None = None
    metrics: dict[str, float] = {}


class LineageStep(Record):
    """One thing a version comes from or went to; `run_id` where a run stands behind it."""

    kind: Literal["data", "notebook", "job", "cell", "version", "evidence", "decision"]
    title: str
    detail: str = ""
    at: datetime | None = None
    by: str = ""
    run_id: str | None = None
