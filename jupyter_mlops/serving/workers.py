"""Threads that may be lost: a model that never answers keeps its own for ever, and whoever comes after it gets new ones."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

MOST_LOST = 8
_log = logging.getLogger("jupyter_mlops.serving")


class Workers:
    """`count` threads of this name, used from one thread only."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count
        self.pool = self._new()
        self.lost = 0
        self._under_way: set[Future[Any]] = set()

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        future = self.pool.submit(work, *given)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def renew(self) -> None:
        """New threads in place of some that do not come back; not without end, since the old ones cannot be ended."""
        if self.lost < MOST_LOST:
            self.lost += 1
            _log.error("a model keeps a thread of %s and does not come back; others get a new one", self._name)
            self.pool.shutdown(wait=False)
            self.pool = self._new()

    def close(self, within: float) -> bool:
        """Whether all that was under way ended in time; what had not begun is not begun any more."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        return not wait(list(self._under_way), within).not_done

    def _new(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=self._count, thread_name_prefix=self._name)
