"""Requests that wait for a busy model are answered together: nobody waits for a batch to fill, only for the one before."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.serving.compiled import Ready
from jupyter_mlops.serving.schema import Values
from jupyter_mlops.serving.workers import Workers
from jupyter_mlops.store import Answers, Said

MOST_ROWS = 512
MOST_WAITING = 2_000


class TooBusy(Unavailable):
    code = "too-busy"
    http_status = 503


class Batcher:
    """One model's queue; used from one event loop only."""

    def __init__(self, ready: Ready, workers: Workers) -> None:
        self._answer, self._workers = ready.answer, workers
        self._most = MOST_ROWS if ready.gains else 1
        self._waiting: deque[tuple[Values, asyncio.Future[Answers]]] = deque()
        self._busy = False
        self._since = 0.0

    def ask(self, values: Values) -> asyncio.Future[Answers]:
        """The answers to these rows, or what the model raised on them. TooBusy when too many wait already."""
        if len(self._waiting) >= MOST_WAITING:
            raise TooBusy(f"{len(self._waiting)} requests wait for this model already", "ask again in a second")
        future: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._waiting.append((values, future))
        if not self._busy:
            self._next()
        return future

    def busy_for(self) -> float:
        """Seconds since the batch that is under way was begun."""
        return time.monotonic() - self._since if self._busy else 0.0

    def _next(self) -> None:
        batch: list[tuple[Values, asyncio.Future[Answers]]] = []
        rows = 0
        while self._waiting and (not batch or rows + len(self._waiting[0][0]) <= self._most):
            values, future = self._waiting.popleft()
            if not future.done():
                batch.append((values, future))
                rows += len(values)
        self._busy, self._since = bool(batch), time.monotonic()
        if batch:
            work = asyncio.wrap_future(self._workers.submit(self._together, [v for v, _ in batch]))
            work.add_done_callback(partial(self._done, [f for _, f in batch]))

    def _done(self, futures: list[asyncio.Future[Answers]], work: asyncio.Future[list[Any]]) -> None:
        failed = work.exception()
        results = [failed] * len(futures) if failed else work.result()
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._next()

    def _together(self, asked: list[Values]) -> list[Any]:
        """One call for all; when it fails, one for each, so that nobody pays for another's rows."""
        if len(asked) > 1:
            try:
                return list(_cut(self._answer(_joined(asked)), [len(values) for values in asked]))
            except Exception:  # noqa: BLE001, S110
                pass
        return [self._alone(values) for values in asked]

    def _alone(self, values: Values) -> Answers | Exception:
        try:
            return self._answer(values)
        except Exception as error:  # noqa: BLE001  (given to the one who asked)
            return error


def _cut(answers: Answers, sizes: list[int]) -> Iterator[Answers]:
    first = 0
    for size in sizes:
        last = first + size
        yield answers.part(first, last) if isinstance(answers, Said) else answers[first:last]
        first = last


def _joined(asked: list[Values]) -> Values:
    frames = [values for values in asked if isinstance(values, pd.DataFrame)]
    return pd.concat(frames, ignore_index=True) if frames else np.concatenate(asked)
