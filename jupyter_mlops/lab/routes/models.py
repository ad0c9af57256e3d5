"""The project, its models, and the decisions about them."""

from __future__ import annotations

from jupyter_mlops.lab.route import Route, Words, who
from jupyter_mlops.lab.shapes import Standing
from jupyter_mlops.lab.workspace import Status, Workspace
from jupyter_mlops.records import Decision, ModelVersion, RegisteredModel


def _models(w: Workspace, _words: Words) -> list[RegisteredModel]:
    from jupyter_mlops.registry import models, versions

    found = models(w.store)
    metrics = {m.name: _champion_metrics(versions(w.store, m.name)) for m in found if "champion" in m.aliases}
    return [m.model_copy(update={"metrics": metrics.get(m.name, {})}) for m in found]


def _champion_metrics(versions: list[ModelVersion]) -> dict[str, float]:
    return next((v.metrics for v in versions if "champion" in v.aliases), {})


def _versions(w: Workspace, words: Words) -> list[ModelVersion]:
    from jupyter_mlops.registry import versions

    return versions(w.store, words["name"])


def _promote(w: Workspace, words: Words) -> Decision:
    from jupyter_mlops.flows import promote, refresh_figures

    name, number, glass = words["name"], words["version"], words.get("break_glass", "")
    made = promote(w.store, name, number, reason=words["reason"], break_glass=glass, **who(words))
    refresh_figures(w.store)
    return made


def _rollback(w: Workspace, words: Words) -> Decision:
    from jupyter_mlops.flows import refresh_figures, rollback

    made = rollback(w.store, words["name"], reason=words["reason"], **who(words))
    refresh_figures(w.store)
    return made


def _waiting(w: Workspace, words: Words) -> list[Standing]:
    from jupyter_mlops.flows import waiting_approvals

    return [Standing(**found, me=words["actor"]) for found in waiting_approvals(w.store)]


ROUTES = [
    Route("GET", "status", "what this project is, and whether it can be used", Status, lambda w, _: w.status()),
    Route("GET", "models", "registered models, with the champion's metrics", list[RegisteredModel], _models),
    Route("GET", "models/{name}/versions", "versions of one model", list[ModelVersion], _versions, {"name": "string"}),
    Route(
        "POST",
        "models/{name}/promote",
        "judge a version and make it champion if it passes; `break_glass` is why it cannot wait for approval",
        Decision,
        _promote,
        {"name": "string", "version": "integer", "reason": "string", "break_glass": "string?"},
        slow=True,
    ),
    Route(
        "POST",
        "models/{name}/rollback",
        "the champion before this one, back in service",
        Decision,
        _rollback,
        {"name": "string", "reason": "string"},
    ),
    Route("GET", "approvals", "versions that wait for people", list[Standing], _waiting),
]
