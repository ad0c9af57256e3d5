"""A server process: models loaded, port taken, requests answered until told to stop; the log is whole when it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn

from jupyter_mlops.errors import Conflict, Refused
from jupyter_mlops.project import Project
from jupyter_mlops.serving.access import LOOPBACK, Access
from jupyter_mlops.serving.app import App
from jupyter_mlops.serving.bodies import BODY_WITHIN
from jupyter_mlops.serving.crew import EVERY, Crew, Tally, end_with_parent
from jupyter_mlops.serving.models import Models, Source
from jupyter_mlops.serving.patience import Patience
from jupyter_mlops.serving.presence import Presence

MOST_CONNECTIONS = 2_000
READ_WITHIN = 30.0


def serve(
    project: Project,
    references: list[str],
    source: Source,
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    no_auth: bool = False,
    crew: list[str] | None = None,
    workers: int = 1,
    shared: int | None = None,
    ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until interrupted or terminated. `ready` is given the URL once requests are answered.

    Beyond this machine nothing is served without an API key, unless `no_auth` says that it may. With `workers`, `crew` is the
    command that starts another; each of those is given the number of the socket it shares as `shared`.
    """
    if host not in LOOPBACK and not project.file.auth.declared and not no_auth:
        raise Refused(
            f"{host} can be reached from other machines, and mlops.yaml declares no API key and no `auth.jwt`",
            "make one with `jupyter mlops key NAME` and declare it under auth.keys, or say --no-auth",
            code="needs-auth",
        )
    access = Access(project, frozenset({host}))
    listener = _listen(host, port) if shared is None else socket.socket(fileno=shared)
    alone = shared is None and workers < 2
    if shared is not None:
        end_with_parent()
    tally = None if alone else Tally(project, os.getpid() if shared is None else os.getppid())
    # Python hands its lock on only so often; at the usual 5 ms a request would wait that long for the log's threads each time.
    sys.setswitchinterval(0.0005)
    app = App(project, Models(project, references, source), access, tally)
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it again and again for garbage would hold up requests
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=10,
        limit_concurrency=MOST_CONNECTIONS,
    )
    server = uvicorn.Server(config)
    # uvicorn ends gracefully on SIGTERM, then raises the signal again: by then it must no longer kill us, or the log is cut.
    signal.signal(signal.SIGTERM, lambda *_: None)
    others = Crew(crew, listener, workers - 1) if crew and shared is None and workers > 1 else None
    url = f"http://{host}:{listener.getsockname()[1]}"
    beat = _Beat(project, app, server, tally, Presence(project, url) if shared is None else None)
    _room_for(MOST_CONNECTIONS)
    try:
        asyncio.run(_run(server, listener, lambda: ready(url), beat))
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a person ends it
    finally:
        if others is not None:
            others.close()
        beat.close()
        listener.close()


class _Beat:
    """What is done once a second beside answering, and what is left at the end. The first process has the `presence`."""

    def __init__(
        self, project: Project, app: App, server: uvicorn.Server, tally: Tally | None, presence: Presence | None
    ) -> None:
        self._app, self._server, self._tally, self._presence = app, server, tally, presence
        self._patience = Patience(BODY_WITHIN + project.file.serving.limits.timeout.total_seconds() + READ_WITHIN)

    def __call__(self) -> None:
        if self._presence is not None:
            held = self._app.models.held.values()
            self._presence.say({one.name: one.version.version for one in held if not one.gone})
        let_go = self._patience.look(self._server.server_state.connections)
        self._app.counters.add("connections_let_go_total", let_go)
        if self._tally is not None:
            self._tally.put(self._app.counted())

    def close(self) -> None:
        if self._presence is not None:
            self._presence.close()
        whole = self._app.close()
        if self._tally is not None and self._presence is not None:
            self._tally.close()
        if not whole:
            sys.stdout.flush()
            os._exit(0)  # Python would wait for the thread of a model that never comes back


async def _run(
    server: uvicorn.Server, listener: socket.socket, ready: Callable[[], None], tell: Callable[[], None]
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        tell()
        ready()
    while not serving.done():
        await asyncio.wait([serving], timeout=EVERY)
        tell()
    await serving


def _room_for(connections: int) -> None:
    """As many open files as that, as far as the system lets us; the models and the log need some too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 512
    if 0 <= soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Head and body of an answer are two writes: without this the second waits for the client's delayed ACK, 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on {host} port {port}: {error.strerror}",
            "choose another with --port, or --port 0",
            port=port,
        ) from error
    return listener
