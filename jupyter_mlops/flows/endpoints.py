"""An endpoint is a registry's models behind a server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from jupyter_mlops import serving
from jupyter_mlops.project import Project
from jupyter_mlops.registry import load, resolve
from jupyter_mlops.store import open_store


def serve(
    project: Project,
    references: list[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until interrupted or terminated; each reference's alias is followed. `ready` is given the URL."""
    store = open_store(project)
    source = serving.Source(load=partial(load, store), resolve=partial(resolve, store))
    serving.serve(project, references, source, host=host, port=port, ready=ready)
