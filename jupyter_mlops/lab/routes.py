"""Every route in one table: the handlers, the OpenAPI document and the tests are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import unknown
from jupyter_mlops.lab.workspace import Status, Workspace
from jupyter_mlops.records import Alert, Decision, LedgerEntry, ModelVersion, RegisteredModel, Run, Verification


@dataclass(frozen=True)
class Route:
    """`answer(workspace, words)` is given path words, query words and the body's fields together; it may block."""

    method: str
    path: str
    summary: str
    gives: Any
    answer: Callable[[Workspace, dict[str, Any]], Any]
    takes: dict[str, str] = field(default_factory=dict)


def _models(w: Workspace, _words: dict[str, Any]) -> list[RegisteredModel]:
    from jupyter_mlops.registry import models, versions

    found = models(w.store)
    metrics = {m.name: _champion_metrics(versions(w.store, m.name)) for m in found if "champion" in m.aliases}
    return [m.model_copy(update={"metrics": metrics.get(m.name, {})}) for m in found]


def _champion_metrics(versions: list[ModelVersion]) -> dict[str, float]:
    return next((v.metrics for v in versions if "champion" in v.aliases), {})


def _versions(w: Workspace, words: dict[str, Any]) -> list[ModelVersion]:
    from jupyter_mlops.registry import versions

    return versions(w.store, words["name"])


def _promote(w: Workspace, words: dict[str, Any]) -> Decision:
    from jupyter_mlops.flows import promote, refresh_figures

    name, number = words["name"], words["version"]
    made = promote(w.store, name, number, reason=words["reason"], actor=words["actor"], source="jupyter")
    refresh_figures(w.store)
    return made


def _rollback(w: Workspace, words: dict[str, Any]) -> Decision:
    from jupyter_mlops.flows import refresh_figures, rollback

    made = rollback(w.store, words["name"], reason=words["reason"], actor=words["actor"], source="jupyter")
    refresh_figures(w.store)
    return made


_SAID = ("approve", "reject", "withdraw", "comment", "request", "review")


def _say(w: Workspace, words: dict[str, Any]) -> dict[str, Any]:
    from jupyter_mlops.flows import say

    if words["decision"] not in _SAID:
        raise unknown("decision", words["decision"], _SAID)
    name, number, kind = words["name"], words["version"], words["decision"]
    return say(w.store, name, number, kind, reason=words["reason"], actor=words["actor"], source="jupyter")


def _approvals(w: Workspace, words: dict[str, Any]) -> dict[str, Any]:
    from jupyter_mlops.flows import approvals

    return approvals(w.store, words["name"], words["version"])


def _runs(w: Workspace, words: dict[str, Any]) -> list[Run]:
    return w.store.runs(limit=words.get("limit", 50))


def _run(w: Workspace, words: dict[str, Any]) -> Run:
    """By id, or by the key of a record that is perhaps being shipped: then that is waited for."""
    from jupyter_mlops.tracking import arrived

    return arrived(w.store, words["id"])


def _replay(w: Workspace, words: dict[str, Any]) -> dict[str, Any]:
    from jupyter_mlops.tracking import replay

    return replay(w.store.project, _run(w, words).run_id)


def _attempts(w: Workspace, words: dict[str, Any]) -> list[dict[str, Any]]:
    """What differs between this attempt at a cell and the one before it, and the best one."""
    from jupyter_mlops.tracking import differences

    run = _run(w, words)
    cell = run.tags.get("mlops.cell", "")
    attempts = [r for r in w.store.runs(run.experiment, tags={"mlops.cell": cell}) if r.run_id != run.run_id]
    before = next((r for r in attempts if r.started < run.started), None)
    best = next((r for r in attempts if r.tags.get("mlops.best", "none") != "none"), None)
    chosen = [r for r in (before, best) if r is not None]
    return [differences(w.store, other, run) for other in {r.run_id: r for r in chosen}.values()]


def _register(w: Workspace, words: dict[str, Any]) -> ModelVersion:
    from jupyter_mlops.registry import register

    return register(w.store, _run(w, words).run_id, words["model"])


def _name(w: Workspace, words: dict[str, Any]) -> Run:
    run_id = _run(w, words).run_id
    w.store.name_run(run_id, words["name"])
    return w.store.run(run_id)


def _ledger(w: Workspace, words: dict[str, Any]) -> list[LedgerEntry]:
    from jupyter_mlops.ledger import entries

    with w.base.read() as connection:
        return entries(connection, limit=words.get("limit", 50))


def _verify(w: Workspace, _words: dict[str, Any]) -> Verification:
    from jupyter_mlops.ledger import verify

    with w.base.read() as connection:
        return verify(connection)


def _acknowledge(w: Workspace, words: dict[str, Any]) -> Alert:
    return w.base.set_alert(words["id"], "acknowledged", words.get("actor") or config.actor())


ROUTES = [
    Route("GET", "status", "what this project is, and whether it can be used", Status, lambda w, _: w.status()),
    Route("GET", "models", "registered models, with the champion's metrics", list[RegisteredModel], _models),
    Route("GET", "models/{name}/versions", "versions of one model", list[ModelVersion], _versions, {"name": "string"}),
    Route(
        "POST",
        "models/{name}/promote",
        "judge a version and make it champion if it passes",
        Decision,
        _promote,
        {"name": "string", "version": "integer", "reason": "string"},
    ),
    Route(
        "POST",
        "models/{name}/rollback",
        "the champion before this one, back in service",
        Decision,
        _rollback,
        {"name": "string", "reason": "string"},
    ),
    Route(
        "POST",
        "models/{name}/say",
        "approve, reject, withdraw, comment, request or review a version",
        dict[str, Any],
        _say,
        {"name": "string", "version": "integer", "decision": "string", "reason": "string"},
    ),
    Route(
        "GET",
        "models/{name}/approvals",
        "how a version stands with those who must approve it",
        dict[str, Any],
        _approvals,
        {"name": "string", "version": "integer"},
    ),
    Route(
        "GET",
        "runs",
        "the newest runs",
        list[Run],
        _runs,
        {"limit": "integer"},
    ),
    Route("GET", "runs/{id}", "one run", Run, _run, {"id": "string"}),
    Route(
        "GET",
        "runs/{id}/attempts",
        "what differs from the attempt before, and from the best",
        list[dict[str, Any]],
        _attempts,
        {"id": "string"},
    ),
    Route("POST", "runs/{id}/replay", "run its slice again, and compare", dict[str, Any], _replay, {"id": "string"}),
    Route(
        "POST",
        "runs/{id}/register",
        "a version of a model, from this run",
        ModelVersion,
        _register,
        {"id": "string", "model": "string"},
    ),
    Route("POST", "runs/{id}/name", "another name for it", Run, _name, {"id": "string", "name": "string"}),
    Route("GET", "alerts", "what needs a person", list[Alert], lambda w, _: w.base.alerts("open")),
    Route("POST", "alerts/{id}/acknowledge", "somebody looks after it", Alert, _acknowledge, {"id": "integer"}),
    Route("GET", "ledger", "the newest decisions and events", list[LedgerEntry], _ledger, {"limit": "integer"}),
    Route("GET", "ledger/verify", "whether the ledger holds", Verification, _verify),
]
