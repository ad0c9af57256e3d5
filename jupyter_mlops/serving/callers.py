"""Somebody who asks, known by a key or a token, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlops.errors import Refused

ACTS = ("predict", "truth", "metrics")
_FIXES = {
    "key": "add {0} to the key's `{1}` in mlops.yaml",
    "token": "have it issued with {0} in its claim for `{1}`",
}


class NoKey(Refused):
    code = "no-key"
    http_status = 401


@dataclass(frozen=True)
class Caller:
    """`models` are names that may be used, "*" all of them; `may` are acts; `what` they showed is a key or a token."""

    name: str
    models: tuple[str, ...]
    may: tuple[str, ...]
    what: str = "key"

    def needs(self, act: str, model: str | None) -> None:
        """Refused unless they may do this with this model. Who may use `rul` may use its segments too."""
        if act not in self.may:
            raise self._forbidden("do this", act, "may")
        if model is not None and not {"*", model, model.partition(".")[0]} & set(self.models):
            raise self._forbidden(f"use {model!r}", model, "models")

    def _forbidden(self, what: str, wanted: str, where: str) -> Refused:
        fix = _FIXES[self.what].format(repr(wanted), where)
        return Refused(f"the {self.what} of {self.name!r} may not {what}", fix, code="forbidden")


def permitted(caller: Caller | None, act: str, model: str | None) -> None:
    """Refused unless this caller may do this; None is somebody who needs no permission."""
    if caller is not None:
        caller.needs(act, model)
