"""One version: its evidence, what sets it apart from the champion, where it comes from, and people's words on it."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.errors import unknown
from jupyter_mlops.lab.route import Route, Words, who
from jupyter_mlops.lab.shapes import Differences, Standing
from jupyter_mlops.lab.workspace import Workspace
from jupyter_mlops.records import Evidence, LineageStep, Reason

_SAID = ("approve", "reject", "withdraw", "comment", "request", "review")
_ONE: Any = {"name": "string", "version": "integer"}


def _evidence(w: Workspace, words: Words) -> Evidence | None:
    """Read from what is kept with the run; never computed here."""
    from jupyter_mlops.flows import evidence_of
    from jupyter_mlops.registry import version

    return evidence_of(w.store, version(w.store, words["name"], words["version"]))


def _validate(w: Workspace, words: Words) -> Evidence:
    from jupyter_mlops.flows import validate_version

    return validate_version(w.store, words["name"], words["version"])


def _reasons(w: Workspace, words: Words) -> list[Reason]:
    from jupyter_mlops.flows import reasons_of

    return reasons_of(w.store, words["name"], words["version"], words["row"])


def _lineage(w: Workspace, words: Words) -> list[LineageStep]:
    from jupyter_mlops.flows import lineage_of

    return lineage_of(w.store, words["name"], words["version"])


def _compared(w: Workspace, words: Words) -> dict[str, Any] | None:
    from jupyter_mlops.flows import compared_with_champion

    return compared_with_champion(w.store, words["name"], words["version"])


def _say(w: Workspace, words: Words) -> Standing:
    from jupyter_mlops.flows import say

    kind = words["decision"]
    if kind not in _SAID:
        raise unknown("decision", kind, _SAID)
    said = say(w.store, words["name"], words["version"], kind, reason=words["reason"], **who(words))
    return Standing(**said, me=words["actor"])


def _approvals(w: Workspace, words: Words) -> Standing:
    from jupyter_mlops.flows import approvals

    return Standing(**approvals(w.store, words["name"], words["version"]), me=words["actor"])


ROUTES = [
    Route(
        "GET",
        "models/{name}/versions/{version}/evidence",
        "what the version was last judged on, as it is kept; null when it never was",
        Evidence | None,
        _evidence,
        _ONE,
    ),
    Route(
        "POST",
        "models/{name}/versions/{version}/validate",
        "judge the version now; nothing is promoted",
        Evidence,
        _validate,
        _ONE,
        slow=True,
    ),
    Route(
        "GET",
        "models/{name}/versions/{version}/reasons",
        "what each column's value adds to the answer to one of the evaluation rows, counted from 0",
        list[Reason],
        _reasons,
        {**_ONE, "row": "integer"},
        slow=True,
    ),
    Route(
        "GET",
        "models/{name}/versions/{version}/lineage",
        "what the version comes from, and what became of it",
        list[LineageStep],
        _lineage,
        _ONE,
    ),
    Route(
        "GET",
        "models/{name}/versions/{version}/compared",
        "what differs between the champion's making and this version's; null without another champion",
        Differences | None,
        _compared,
        _ONE,
    ),
    Route(
        "GET",
        "models/{name}/approvals",
        "how a version stands with those who must approve it",
        Standing,
        _approvals,
        _ONE,
    ),
    Route(
        "POST",
        "models/{name}/say",
        "approve, reject, withdraw, comment, request or review a version",
        Standing,
        _say,
        {**_ONE, "decision": "string", "reason": "string"},
    ),
]
