"""Clients that keep a connection and ask nothing, or never finish: each takes one of the server's connections from others.

uvicorn waits for the head of a request for ever. So whoever is not in the middle of a request is let go of after a while, and so
is whoever takes no answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Protocol

HEAD_WITHIN = 10.0


class Connection(Protocol):
    """What uvicorn's two HTTP protocols have in common: `cycle` is the last request, None before the first."""

    cycle: Any
    transport: Any


class Patience:
    """Asked from time to time by the event loop. `whole` is the seconds that a request may take in all."""

    def __init__(self, whole: float) -> None:
        self._whole = whole
        self._since: dict[Connection, tuple[Any, bool, float]] = {}

    def look(self, connections: Iterable[Connection], now: float | None = None) -> int:
        """Close those that have been at the same point for too long; how many."""
        now = time.monotonic() if now is None else now
        before, self._since = self._since, {}
        closed = 0
        for one in list(connections):
            cycle, waits = one.cycle, one.cycle is None or one.cycle.response_complete
            known = before.get(one)
            began = known[2] if known and known[0] is cycle and known[1] == waits else now
            if now - began > (HEAD_WITHIN if waits else self._whole):
                one.transport.abort()
                closed += 1
            else:
                self._since[one] = (cycle, waits, began)
        return closed
