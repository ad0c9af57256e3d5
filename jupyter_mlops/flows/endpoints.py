"""An endpoint is a registry's models behind a server."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd

from jupyter_mlops import registry, serving
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.flows.promotion import rollback
from jupyter_mlops.flows.rows import read_rows
from jupyter_mlops.project import Project
from jupyter_mlops.store import Store, open_store

ACTOR = "jupyter-mlops serve"


def serve(
    project: Project,
    models: list[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    no_auth: bool = False,
    crew: list[str] | None = None,
    workers: int = 1,
    shared: int | None = None,
    ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until interrupted or terminated; each reference's alias is followed. `ready` is given the URL.

    A model that has segments stands for all of them that are in service, and for its pooled model if there is one.
    """
    store = open_store(project)
    wanted = partial(_every, store, models)
    serving.serve(
        project,
        wanted(),
        replace(source(store), wanted=wanted),
        host=host,
        port=port,
        no_auth=no_auth,
        crew=crew,
        workers=workers,
        shared=shared,
        ready=ready,
    )


def _every(store: Store, models: list[str]) -> list[str]:
    return list(dict.fromkeys(one for model in models for one in references(store, model)))


def source(store: Store) -> serving.Source:
    return serving.Source(
        resolve=partial(registry.resolve, store),
        load=partial(registry.load_version, store),
        aliases=partial(_aliases, store),
        held_out=partial(_held_out, store),
        rollback=partial(_take_back, store),
    )


def references(store: Store, reference: str) -> list[str]:
    """What a reference stands for: itself, or the segments of a model that has them as far as they are in service."""
    name, _, alias = reference.partition("@")
    spec = store.project.file.models.get(name)
    if spec is None or not spec.segments:
        return [reference]
    wanted, known = alias or "champion", _aliases(store)
    found = [
        f"{one}@{wanted}" for one in (name, *(f"{name}.{s}" for s in spec.segments)) if wanted in known.get(one, {})
    ]
    return found or [f"{name}.{next(iter(spec.segments))}@{wanted}"]


def _aliases(store: Store) -> Mapping[str, Mapping[str, int]]:
    return {model.name: model.aliases for model in registry.models(store)}


def _held_out(store: Store, name: str) -> pd.DataFrame | None:
    """The rows that versions of this model are judged on, where the project declares and has them."""
    try:
        target = store.project.target(name)
        declared = target.spec.data.evaluation
        return read_rows(store.project.path(declared, target)) if declared else None
    except MlopsError:
        return None


def _take_back(store: Store, name: str, number: int, reason: str) -> bool:
    """Of several servers that see the same fault, one takes the version back; for the others it is done already."""
    with (store.project.home / "rollback.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if registry.resolve(store, f"{name}@champion").version != number:
            return False
        rollback(store, name, reason=reason, actor=ACTOR)
        return True
