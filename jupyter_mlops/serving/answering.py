"""From the rows of a request to its answers: which model answers which row, what becomes of a failure, and what is logged."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from jupyter_mlops.errors import BadInput, MlopsError, Unavailable
from jupyter_mlops.serving.batching import Batcher
from jupyter_mlops.serving.blocks import Entry
from jupyter_mlops.serving.compiled import Ready
from jupyter_mlops.serving.counters import Counters
from jupyter_mlops.serving.log import ID
from jupyter_mlops.serving.models import SEGMENT, Held, Models
from jupyter_mlops.serving.requests import Table
from jupyter_mlops.serving.telling import Told, together, told
from jupyter_mlops.serving.workers import Workers
from jupyter_mlops.serving.writer import LogWriter
from jupyter_mlops.store import Answers

ASKED = "asked_segment"
MOST_SHADOWS = 200
INLINE_ROWS = 256
CLOSE_WITHIN = 5.0
_log = logging.getLogger("jupyter_mlops.serving")


class TimedOut(Unavailable):
    code = "timeout"
    http_status = 504


@dataclass
class Part:
    """The rows of a request that one model answers; `rows` are their places in it, None for all."""

    held: Held
    table: Table
    rows: Sequence[int] | None = None
    role: str = "champion"
    ids: list[str] = field(default_factory=list)


@dataclass
class Answered:
    """In the order of the request's rows. `versions` names each row's version where not all have the same."""

    model: str
    version: int
    said: Told
    ids: list[str]
    versions: list[int] | None = None


class Answering:
    def __init__(self, models: Models, writer: LogWriter, counters: Counters, timeout: float) -> None:
        self._models, self._writer, self._counters, self._timeout = models, writer, counters, timeout
        self._predicting, self._aside = Workers("mlops-predict", 2), Workers("mlops-aside", 2)
        self._shadows = Workers("mlops-shadow", 1)
        self._shadowing = 0
        self._batchers: WeakKeyDictionary[Ready, Batcher] = WeakKeyDictionary()

    def close(self) -> bool:
        """Whether every thread came back."""
        came_back = [one.close(CLOSE_WITHIN) for one in (self._predicting, self._aside, self._shadows)]
        return all(came_back)

    async def run(self, work: Any, *given: Any) -> Any:
        """Something slow, in a thread. TimedOut when it does not come back."""
        under_way = self._aside.submit(work, *given)
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.wrap_future(under_way)
        except TimeoutError as error:
            if under_way.running():
                self._aside.renew()
            raise self._timed_out() from error

    def _timed_out(self) -> TimedOut:
        return TimedOut(f"no answer within {self._timeout:g} s", "ask for fewer rows at a time")

    async def answer(self, name: str | None, table: Table) -> Answered:
        """Every row's answer, logged. MlopsError when the request is at fault, or nothing can answer it."""
        began = time.perf_counter()
        parts = self._parts(name, table)
        ids = _ids(table)
        if len(parts) == 1 and parts[0].rows is None:
            parts[0].ids = ids
            version, said = await self._part(parts[0], began)
            return Answered(parts[0].held.name, version, said, ids)
        return await self._merged(parts, ids, began, name)

    async def _merged(self, parts: list[Part], ids: list[str], began: float, name: str | None) -> Answered:
        for part in parts:
            part.ids = [ids[row] for row in part.rows or range(len(ids))]
        found = await asyncio.gather(*(self._part(part, began) for part in parts))
        places, versions = [part.rows or range(len(ids)) for part in parts], [0] * len(ids)
        for rows, (version, _) in zip(places, found, strict=True):
            for place in rows:
                versions[place] = version
        said = together(zip(places, (answers for _, answers in found), strict=True), len(ids))
        mixed = versions if len(set(versions)) > 1 or len({part.held.name for part in parts}) > 1 else None
        return Answered(name or parts[0].held.name, found[0][0], said, ids, mixed)

    def _parts(self, name: str | None, table: Table) -> list[Part]:
        parts = []
        for held, rows in self.routed(name, table):
            rival = self._models.challenger(held)
            asked = table if rows is None else table.take(rows)
            share = held.deploy.challenger_share if rival and held.deploy else 0.0
            parts += (
                [Part(held, asked, rows)] if rival is None or not share else _split(held, rival, share, asked, rows)
            )
        return parts

    def routed(self, name: str | None, table: Table) -> list[tuple[Held, Sequence[int] | None]]:
        """A model's name reaches its segments by the rows' own `segment`; a segment not served falls back on the pooled model."""
        held = self._models.held
        if name is not None and name not in held and "." in name and name.partition(".")[0] in held:
            return [(self._models.get(name.partition(".")[0]), None)]
        segmented = name is not None and any(other.startswith(f"{name}.") for other in held)
        if name is None or not segmented:
            return [(self._models.get(name), None)]
        column = table.column(SEGMENT)
        if column is None:
            if name in held:
                return [(self._models.get(name), None)]
            raise BadInput(
                f"{name} is served by segment, and the rows have no column {SEGMENT!r}",
                f"send {SEGMENT!r} with each row, or ask /models/{name}.SEGMENT/invocations",
                column=SEGMENT,
            )
        groups: dict[str, list[int]] = {}
        for row, value in enumerate(column):
            groups.setdefault(self._reached(name, value, row), []).append(row)
        return [(self._models.get(key), rows) for key, rows in groups.items()]

    def _reached(self, name: str, value: Any, row: int) -> str:
        exact = self._models.held.get(f"{name}.{value}")
        if exact is not None and not exact.gone:
            return exact.name
        if name in self._models.held:
            return name
        if exact is not None:
            return exact.name
        known = sorted(n.partition(".")[2] for n in self._models.held if n.startswith(f"{name}."))
        raise BadInput(
            f"column {SEGMENT!r}, row {row}: no model of {name} serves {str(value)[:60]!r}, and there is none for all segments",
            f"send one of {', '.join(known[:20])}",
            column=SEGMENT,
            row=row,
            expected=known[:50],
            got=str(value)[:60],
        )

    async def _part(self, part: Part, began: float) -> tuple[int, Told]:
        try:
            ready, values, answers = await self._tried(part)
        except MlopsError:
            if part.role != "challenger" or part.held.target is None:
                raise
            self._counters.add("challenger_failures_total")
            part.role, part.held = "champion", self._models.get(part.held.name)
            ready, values, answers = await self._tried(part)
        took = time.perf_counter() - began
        said = told(answers)
        self._keep(part, ready, values, said, took)
        return ready.loaded.version.version, said

    async def _tried(self, part: Part) -> tuple[Ready, Any, Answers]:
        """The model's answers; in a new version's first minutes, those of the one before where the new one fails."""
        held = part.held
        ready = held.ready
        if ready is None:
            ready = await self.run(self._models.ready, held)
        held.used = time.monotonic()
        values = ready.schema.values(part.table)
        guard, before, began = held.guard, held.before, time.perf_counter()
        try:
            answers = await self._asked(ready, values)
        except Exception as error:
            if before is None:
                raise _failure(error, held) from error
            found = await self._fallen_back(before, part, error)
            if guard is not None:
                guard.saw(time.perf_counter() - began, failed=True)
            self._counters.add("answered_by_version_before_total")
            return found
        if guard is not None:
            guard.saw(time.perf_counter() - began, failed=False)
        return ready, values, answers

    async def _fallen_back(self, before: Ready, part: Part, error: Exception) -> tuple[Ready, Any, Answers]:
        try:
            values = before.schema.values(part.table)
            return before, values, await self._asked(before, values)
        except Exception:  # noqa: BLE001  (what the new version raised is what is told)
            raise _failure(error, part.held) from error

    async def _asked(self, ready: Ready, values: Any) -> Answers:
        if ready.inline and len(values) <= INLINE_ROWS:
            return ready.answer(values)
        batcher = self._batchers.get(ready)
        if batcher is None:
            batcher = self._batchers[ready] = Batcher(ready, self._predicting)
        try:
            async with asyncio.timeout(self._timeout):
                return await batcher.ask(values)
        except TimeoutError as error:
            if batcher.busy_for() >= self._timeout and self._batchers.get(ready) is batcher:
                self._predicting.renew()
                del self._batchers[ready]
            raise self._timed_out() from error

    def _keep(self, part: Part, ready: Ready, values: Any, said: Told, took: float) -> None:
        held, version = part.held, ready.loaded.version.version
        self._counters.predicted(held.name, version, part.role, len(part.ids), took)
        deploy = held.deploy
        if deploy is not None and deploy.log.sample < 1 and random.random() >= deploy.log.sample:  # noqa: S311
            self._counters.add("inference_log_sampled_out_total", len(part.ids))
        else:
            self._writer.add(_entry(part, ready, values, said, took))
        rival = self._models.challenger(held)
        if rival is not None and deploy is not None and deploy.shadow and part.role == "champion":
            self._shadow(rival, part)

    def _shadow(self, rival: Held, part: Part) -> None:
        """The challenger answers behind the scenes; when it is too slow for that, rows are passed over and counted."""
        if self._shadowing >= MOST_SHADOWS:
            self._counters.add("shadow_passed_over_total", len(part.ids))
            return
        self._shadowing += 1
        self._shadows.submit(self._shadowed, rival, part)

    def _shadowed(self, rival: Held, part: Part) -> None:
        try:
            began = time.perf_counter()
            ready = self._models.ready(rival)
            values = ready.schema.values(part.table)
            said = told(ready.answer(values))
            took = time.perf_counter() - began
            shadow = Part(rival, part.table, part.rows, "shadow", part.ids)
            self._counters.predicted(rival.name, ready.loaded.version.version, "shadow", len(part.ids), took)
            self._writer.add(_entry(shadow, ready, values, said, took))
        except Exception as error:  # noqa: BLE001  (nothing a shadow does may reach a client)
            self._counters.add("shadow_failures_total")
            _log.debug("the shadow of %s failed: %s", rival.name, error)
        finally:
            self._shadowing -= 1


def _split(held: Held, rival: Held, share: float, table: Table, rows: Sequence[int] | None) -> list[Part]:
    """An entity is always answered by the same of the two; a row without one by chance."""
    entity = held.target.spec.data.entity if held.target else None
    column = table.column(entity) if entity else None
    sides: tuple[list[int], list[int]] = ([], [])
    for row in range(len(table)):
        value = column[row] if column is not None else None
        sides[(random.random() if value is None else stick(held.name, value)) < share].append(row)  # noqa: S311
    places = rows if rows is not None else range(len(table))
    made = ((held, "champion", sides[0]), (rival, "challenger", sides[1]))
    return [Part(h, table.take(own), [places[i] for i in own], role) for h, role, own in made if own]


def stick(name: str, entity: Any) -> float:
    """A number from 0 to 1 that is always the same for one entity of one model, whichever server is asked."""
    digest = hashlib.blake2b(f"{name}\0{entity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _entry(part: Part, ready: Ready, values: Any, said: Told, took: float) -> Entry:
    held, names = part.held, ready.schema.names
    extras = tuple(
        (ASKED if name == SEGMENT else name, column)
        for name in held.worth_keeping
        if name not in names and (column := part.table.column(name)) is not None
    )
    weight = 1 / held.deploy.log.sample if held.deploy and held.deploy.log.sample else 1.0
    return Entry(
        held.model,
        held.segment,
        ready.loaded.version.version,
        part.role,
        time.time(),
        round(took * 1000, 3),
        tuple(names),
        values,
        part.ids,
        said.values,
        weight,
        (*extras, *said.more.items()),
    )


def _ids(table: Table) -> list[str]:
    """An id for each row: the client's own, or one that begins with the time in milliseconds, so that its day can be told."""
    own = table.column(ID)
    if own is None:
        now, noise = f"{int(time.time() * 1000):012x}", os.urandom(10 * len(table)).hex()
        return [now + noise[at : at + 20] for at in range(0, len(noise), 20)]
    wrong = next(
        (row for row, value in enumerate(own) if not isinstance(value, str) or not 0 < len(value) <= 128), None
    )
    if wrong is not None or len(set(own)) < len(own):
        raise BadInput(
            f"column {ID!r}: "
            + ("two rows have the same" if wrong is None else f"row {wrong} has no text of 1 to 128"),
            "send a different text for each row, or none at all",
            column=ID,
        )
    return own


def _failure(error: Exception, held: Held) -> MlopsError:
    if isinstance(error, MlopsError):
        return error
    _log.error("%s version %s failed", held.name, held.version.version, exc_info=error)
    return Unavailable(f"{held.name} failed on these rows", "ask its owner to look at the server's log")
