"""What routes give beside the records: the shape of what flows give as plain dictionaries, so that types can be made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from jupyter_mlops.records import Progress, Record, Run


class Shape(Record):
    """Fields that a flow adds are left out until they are named here."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Difference(Shape):
    what: str
    one: str | float | None
    other: str | float | None


class Differences(Shape):
    one: str
    other: str
    code: list[Difference]
    data: list[Difference]
    environment: list[Difference]
    parameters: list[Difference]
    metrics: list[Difference]


class ReplayedMetric(Shape):
    recorded: float | None
    replayed: float | None


class Replay(Shape):
    run_id: str
    reproduced: bool
    metrics: dict[str, ReplayedMetric]
    culprit: str | None


class Vote(Shape):
    """One person's word; `state` says whether it counts, `why` what took it away."""

    by: str
    at: datetime
    approve: bool
    reason: str
    entry: int
    roles: list[str]
    state: str
    why: str = ""


class PolicyStanding(Shape):
    """`missing` is how many more of each role are wanted."""

    policy: str
    digest: str
    state: str
    votes: list[Vote]
    missing: dict[str, int]


class Comment(Shape):
    by: str
    at: datetime
    text: str
    mentions: list[str]


class BrokenGlass(Shape):
    entry: int
    by: str
    reason: str
    why_now: str


class Frozen(Shape):
    """Until then a policy moves none of these aliases, whoever agrees."""

    policy: str
    aliases: list[str]
    until: datetime
    why: str


class Standing(Shape):
    """Where a version stands with those who must approve it. `me` is whom this server takes the asking person for."""

    model: str
    version: int
    state: str
    policies: list[PolicyStanding]
    frozen: list[Frozen] = []
    comments: list[Comment] = []
    unreviewed: list[BrokenGlass] = []
    me: str = ""


class JobRow(Record):
    """A job or a fleet: its run, and how far it is while it runs."""

    run: Run
    kind: Literal["job", "fleet"]
    notebook: str = ""
    cell: int | None = None
    progress: Progress | None = None


class Started(Record):
    """The run to follow: of the job, or of the fleet. It may have finished long ago, where it stands for this one too."""

    run_id: str


class Executed(Record):
    """An executed notebook as it is by now. `notebook` is None where `seen` names the state that is known already."""

    run: Run
    seen: str
    notebook: dict[str, Any] | None
    cell: int | None = None
