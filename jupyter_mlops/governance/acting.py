"""Who acts now, and why: carried beside MLflow's calls, whose signatures have room for neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from jupyter_mlops import config


@dataclass(frozen=True)
class Act:
    """`evidence` is the digest of what a decision on a protected alias rests on; empty when there is none."""

    actor: str
    reason: str = ""
    evidence: str = ""


_current: ContextVar[Act | None] = ContextVar("mlops_act", default=None)


@contextmanager
def acting(*, reason: str, evidence: str = "", actor: str | None = None) -> Iterator[Act]:
    """Registry changes inside are entered with this reason, on this evidence, by this actor (default: the OS user)."""
    act = Act(actor or config.actor(), reason, evidence)
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)


def current() -> Act:
    """The act under way; outside of one, the server's authenticated user or the OS user, with no reason given."""
    return _current.get() or Act(_request_user() or config.actor())


def _request_user() -> str | None:
    """The user that MLflow's server authenticated for this request, when we run inside one."""
    import sys

    flask = sys.modules.get("flask")
    if flask is None or not flask.has_request_context():
        return None
    authorization = flask.request.authorization
    return f"{authorization.username}" if authorization and authorization.username else "anonymous"
