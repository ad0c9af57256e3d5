"""A tracked cell: what was asked of it, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Options:
    """What a person asked of one cell; everything else is found."""

    name: str = ""
    model: str | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    keep_model: bool = True
    pickled: bool = False
    """A model that can be written no other way is pickled."""
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    again: Mapping[str, Any] | None = None
    """Of a block that tracks itself: `{file, argv, nth}`, what a replay runs and which of its blocks this is; else empty."""


@dataclass(frozen=True)
class Source:
    """A cell's text as written, as Python, and where in the notebook it stands (the cell's id), if that is known.

    `block` is the part of it whose names are looked at for findings, where that is not the whole.
    """

    text: str
    python: str
    place: str | None = None
    block: str = ""


@dataclass
class Cell:
    """A tracked cell as it went: what the run card shows. `origins` says of each finding where it came from.

    `attempt` counts the tracked executions of one cell of the notebook; `best` holds the best metrics of the earlier ones.
    """

    key: str
    name: str
    place: str = ""
    status: str = "RUNNING"
    error: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    model: str = ""
    slice: list[int] = field(default_factory=list)
    unseeded: list[int] = field(default_factory=list)
    """Which executions of those it depends on, itself among them, drew from a shared generator that nothing has seeded."""
    executed: int = 0
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    attempt: int = 1
    previous: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    champion: dict[str, Any] = field(default_factory=dict)
    """`{model, version, metrics}` of what this notebook has in service, as of the last run that was shipped."""
    parent: str | None = None
    returned: Any = None
    printed: str = ""
    outputs: list[tuple[str, bytes]] = field(default_factory=list)
    streamed: dict[str, float] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    """What the names that it may bind held before it ran."""
