"""Clients that keep a connection and ask nothing, or never finish: each takes one of the server's connections from others.

uvicorn waits for the head of a request for ever. So whoever is not in the middle of a request is let go of after a while, and so
is whoever takes no answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

HEAD_WITHIN = 10.0


class Patience:
    """Asked from time to time by the event loop. `whole` is the seconds that a request may take in all.

    uvicorn's HTTP/1 protocols have `cycle` in common, the last request, None before the first; what has none is left alone.
    """

    def __init__(self, whole: float) -> None:
        self._whole = whole
        self._since: dict[Any, tuple[Any, bool, float]] = {}

    def look(self, connections: Iterable[Any], now: float | None = None) -> int:
        """Close those that have been at the same point for too long; how many."""
        now = time.monotonic() if now is None else now
        before, self._since = self._since, {}
        closed = 0
        for one in [one for one in connections if hasattr(one, "cycle")]:
            cycle, waits = one.cycle, one.cycle is None or one.cycle.response_complete
            known = before.get(one)
            began = known[2] if known and known[0] is cycle and known[1] == waits else now
            if now - began > (HEAD_WITHIN if waits else self._whole):
                one.transport.abort()
                closed += 1
            else:
                self._since[one] = (cycle, waits, began)
        return closed
