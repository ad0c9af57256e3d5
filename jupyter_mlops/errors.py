"""Every refusal of ours, as one family: what happened, the evidence, the fix, and a stable code.

One error has one exit status on the command line and one HTTP status over REST; both are stated here and nowhere else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class MlopsError(Exception):
    """A refusal a person can act on.

    `message` says what happened with its evidence, `fix` the next thing to do, `details` carries machine-readable facts.
    """

    code = "internal"
    exit_status = 3
    http_status = 500

    def __init__(self, message: str, fix: str = "", *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.details = details
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.fix}" if self.fix else self.message

    def as_dict(self) -> dict[str, Any]:
        """The `error` object of the JSON envelope."""
        return {"code": self.code, "message": self.message, "fix": self.fix, "details": self.details}


class BadInput(MlopsError):
    """A value somebody gave cannot be used; names the field, the value and the fix."""

    code = "bad-input"
    exit_status = 2
    http_status = 400


class NotFound(MlopsError):
    """Something named does not exist."""

    code = "not-found"
    exit_status = 2
    http_status = 404


class Refused(MlopsError):
    """A rule says no."""

    code = "refused"
    exit_status = 2
    http_status = 403


class Conflict(MlopsError):
    """The state changed under the request, or the target is taken."""

    code = "conflict"
    exit_status = 2
    http_status = 409


class AnswerIsNo(MlopsError):
    """The question was understood and answered: no (a gate failed, drift was found, a ledger was tampered with)."""

    code = "answer-is-no"
    exit_status = 1
    http_status = 409


class Unavailable(MlopsError):
    """A server, disk or service we depend on does not answer."""

    code = "unavailable"
    exit_status = 3
    http_status = 503


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when nothing is close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(kind: str, word: str, known: Iterable[str], *, error: type[MlopsError] = BadInput) -> MlopsError:
    """The one wording for an unknown name: the nearest right one first, else all of them."""
    choices = sorted(known)
    close = nearest(word, choices)
    fix = f"did you mean {close!r}?" if close else f"choose one of: {', '.join(choices) or '(there are none yet)'}"
    return error(f"unknown {kind}: {word!r}", fix, name=word, nearest=close, known=choices[:50])
