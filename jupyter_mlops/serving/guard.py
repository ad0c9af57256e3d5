"""What a version does in its first minutes in service, held against the rule that takes it back."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import UTC, datetime

from jupyter_mlops.project import Rollback

LOOK_EVERY = 2.0


class Guard:
    """Watches from the moment a version is switched to until `rule.window` is over. Threads may share it."""

    def __init__(self, rule: Rollback, version: int) -> None:
        self.rule, self.version, self.began = rule, version, datetime.now(UTC)
        self._until = time.monotonic() + rule.window.total_seconds()
        self._times: deque[float] = deque(maxlen=1000)
        self._requests = self._errors = 0
        self._looked = 0.0
        self._lock = threading.Lock()

    def saw(self, seconds: float, failed: bool) -> None:
        with self._lock:
            self._requests += 1
            self._errors += failed
            self._times.append(seconds)

    def over(self) -> bool:
        return time.monotonic() > self._until

    def due(self) -> bool:
        """Whether it is time to read the alerts again."""
        due = time.monotonic() - self._looked > LOOK_EVERY
        self._looked = time.monotonic() if due else self._looked
        return due

    def broken(self) -> str:
        """The part of the rule that was broken, in a sentence; empty when none was, or too little was seen to say."""
        with self._lock:
            requests, errors, times = self._requests, self._errors, sorted(self._times)
        if requests < self.rule.requests:
            return ""
        if self.rule.errors is not None and errors / requests > self.rule.errors:
            return f"{errors} of {requests} requests failed, more than {self.rule.errors:.1%}"
        slow = times[min(len(times) - 1, int(0.95 * len(times)))]
        if self.rule.latency is not None and slow > self.rule.latency.total_seconds():
            limit = 1000 * self.rule.latency.total_seconds()
            return f"one request in twenty takes {1000 * slow:.0f} ms or longer, more than {limit:.0f} ms"
        return ""
