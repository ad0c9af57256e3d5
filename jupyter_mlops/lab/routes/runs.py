"""Runs: look, compare, replay, register, name; and the notebook that a job executed, as it goes."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.lab.route import Route, Words
from jupyter_mlops.lab.shapes import Differences, Executed, Replay
from jupyter_mlops.lab.workspace import Workspace
from jupyter_mlops.records import ModelVersion, Run


def _runs(w: Workspace, words: Words) -> list[Run]:
    return w.store.runs(limit=words.get("limit", 50))


def _run(w: Workspace, words: Words) -> Run:
    """By id, or by the key of a record that is perhaps being shipped: then that is waited for."""
    from jupyter_mlops.tracking import arrived

    return arrived(w.store, words["id"])


def _children(w: Workspace, words: Words) -> list[Run]:
    """In the order they were begun; at most a thousand."""
    run = _run(w, words)
    return w.store.runs(run.experiment, parent=run.run_id, limit=1000)[::-1]


def _replay(w: Workspace, words: Words) -> dict[str, Any]:
    run = _run(w, words)
    if run.tags.get("mlops.kind") == "job":
        from jupyter_mlops.flows import replay_job

        return replay_job(w.store, run)
    from jupyter_mlops.tracking import replay

    return replay(w.store.project, run.run_id)


def _attempts(w: Workspace, words: Words) -> list[dict[str, Any]]:
    """What differs between this attempt at a cell and the one before it, and the best one."""
    from jupyter_mlops.tracking import differences

    run = _run(w, words)
    cell = run.tags.get("mlops.cell", "")
    attempts = [r for r in w.store.runs(run.experiment, tags={"mlops.cell": cell}) if r.run_id != run.run_id]
    before = next((r for r in attempts if r.started < run.started), None)
    best = next((r for r in attempts if r.tags.get("mlops.best", "none") != "none"), None)
    chosen = [r for r in (before, best) if r is not None]
    return [differences(w.store, other, run) for other in {r.run_id: r for r in chosen}.values()]


def _register(w: Workspace, words: Words) -> ModelVersion:
    from jupyter_mlops.registry import register

    return register(w.store, _run(w, words).run_id, words["model"])


def _name(w: Workspace, words: Words) -> Run:
    run_id = _run(w, words).run_id
    w.store.name_run(run_id, words["name"])
    return w.store.run(run_id)


def _notebook(w: Workspace, words: Words) -> Executed:
    from jupyter_mlops.jobs import executed

    run = _run(w, words)
    seen = w.seen(run)
    if seen == words.get("seen"):
        return Executed(run=run, seen=seen, notebook=None)
    node = executed(w.store, run.run_id)
    cell = node.get("metadata", {}).get("mlops", {}).get("cell")
    return Executed(run=run, seen=seen, notebook=node, cell=cell)


_ID: Any = {"id": "string"}

ROUTES = [
    Route("GET", "runs", "the newest runs", list[Run], _runs, {"limit": "integer?"}),
    Route("GET", "runs/{id}", "one run", Run, _run, _ID),
    Route("GET", "runs/{id}/children", "the runs inside it: a fleet's jobs, a job's cells", list[Run], _children, _ID),
    Route(
        "GET",
        "runs/{id}/notebook",
        "the notebook a job executes, as far as it is; nothing of it when it is as it was `seen`",
        Executed,
        _notebook,
        {"id": "string", "seen": "string?"},
    ),
    Route(
        "GET",
        "runs/{id}/attempts",
        "what differs from the attempt before, and from the best",
        list[Differences],
        _attempts,
        _ID,
    ),
    Route("POST", "runs/{id}/replay", "run its slice again, and compare", Replay, _replay, _ID, slow=True),
    Route(
        "POST",
        "runs/{id}/register",
        "a version of a model, from this run",
        ModelVersion,
        _register,
        {"id": "string", "model": "string"},
        slow=True,
    ),
    Route("POST", "runs/{id}/name", "another name for it", Run, _name, {"id": "string", "name": "string"}),
]
