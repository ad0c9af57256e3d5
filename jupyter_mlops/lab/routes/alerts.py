"""What needs a person, and what people do about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jupyter_mlops.errors import BadInput, NotFound
from jupyter_mlops.lab.route import Route, Words
from jupyter_mlops.lab.workspace import Workspace
from jupyter_mlops.project import parse_duration
from jupyter_mlops.records import Alert, Silence

_SHOWN = ("open", "acknowledged")


def _alerts(w: Workspace, words: Words) -> list[Alert]:
    found = w.base.alerts()
    return found if words.get("all") else [a for a in found if a.state in _SHOWN]


def _acknowledge(w: Workspace, words: Words) -> Alert:
    from jupyter_mlops.flows import acknowledge

    return acknowledge(w.base, words["id"], words["actor"])


def _known(w: Workspace, number: int) -> Alert:
    found = next((a for a in w.base.alerts() if a.alert_id == number), None)
    if found is None:
        raise NotFound(f"there is no alert {number}", "ask for those there are")
    return found


def _resolve(w: Workspace, words: Words) -> Alert:
    from jupyter_mlops.flows import close

    return close(w.base, _known(w, words["id"]), words["actor"], words["reason"])


def _suppress(w: Workspace, words: Words) -> Alert:
    from jupyter_mlops.flows import suppress

    return suppress(w.base, _known(w, words["id"]).alert_id, words["actor"], words["reason"])


def _silence(w: Workspace, words: Words) -> Silence:
    from jupyter_mlops.flows import silence

    name = words["name"]
    w.project.target(name) if "." in name else w.project.model(name)
    try:
        period = parse_duration(words["period"])
    except ValueError as error:
        raise BadInput(str(error), "write the time as 90m, 8h or 2d", field="period") from error
    if period.total_seconds() <= 0:
        raise BadInput(f"{words['period']} is no time", "write the time as 90m, 8h or 2d", field="period")
    return silence(w.base, name, period, words["actor"], words["reason"])


_ID: Any = {"id": "integer"}
_WHY: Any = {"id": "integer", "reason": "string"}

ROUTES = [
    Route(
        "GET", "alerts", "what needs a person; all there ever was with `all`", list[Alert], _alerts, {"all": "boolean?"}
    ),
    Route("POST", "alerts/{id}/acknowledge", "somebody looks after it", Alert, _acknowledge, _ID),
    Route("POST", "alerts/{id}/resolve", "it is over", Alert, _resolve, _WHY),
    Route("POST", "alerts/{id}/suppress", "nobody is told of it again", Alert, _suppress, _WHY),
    Route(
        "GET",
        "silences",
        "what is silenced now",
        list[Silence],
        lambda w, _: w.base.silences(datetime.now(UTC)),
    ),
    Route(
        "POST",
        "silences",
        "for a while nothing found about a model, or one segment, is told",
        Silence,
        _silence,
        {"name": "string", "period": "string", "reason": "string"},
    ),
]
