"""Who acts now, and why: carried beside MLflow's calls, whose signatures have room for neither.

An actor is as good as where the name comes from: `mlflow` (the server authenticated the request), `jupyter` (the Jupyter
server did), `os` (the owner of this process), `declared` (calling code said so), `anonymous` (a server without log-in).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlops import config

Source = Literal["mlflow", "jupyter", "os", "declared", "anonymous"]
ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Act:
    """`evidence` is the digest of what a decision on a protected alias rests on; empty when there is none.

    `glass` is the second reason of somebody who breaks the glass; empty when nobody does.
    """

    actor: str
    reason: str = ""
    evidence: str = ""
    source: Source = "os"
    glass: str = ""


_current: ContextVar[Act | None] = ContextVar("mlops_act", default=None)


@contextmanager
def acting(
    *, reason: str, evidence: str = "", actor: str | None = None, source: Source | None = None, glass: str = ""
) -> Iterator[Act]:
    """Registry changes inside are entered with this reason, on this evidence, by this actor.

    Without `actor` it is who is known here: the server's authenticated user, else the OS user.
    """
    known = _identity()
    act = Act(actor or known[0], reason, evidence, source or ("declared" if actor else known[1]), glass)
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)


def current() -> Act:
    """The act under way; outside of one, whoever is known here, with no reason given."""
    act = _current.get()
    if act is None:
        actor, source = _identity()
        act = Act(actor, source=source)
    return act


def _identity() -> tuple[str, Source]:
    flask = sys.modules.get("flask")
    if flask is None or not flask.has_request_context():
        return config.actor(), "os"
    name = _authenticated(flask)
    return (name, "mlflow") if name else (ANONYMOUS, "anonymous")


def _authenticated(flask: Any) -> str:
    """The user whom MLflow's log-in let through. Without its app a name in a header is only what the sender wrote."""
    auth = sys.modules.get("mlflow.server.auth")
    hooks = flask.current_app.before_request_funcs.get(None, [])
    if auth is None or auth._before_request not in hooks:
        return ""
    # Asked again of MLflow (it remembers answers), since a log-in of a company's own need not use a header.
    found = auth.authenticate_request()
    return str(getattr(found, "username", None) or "")
