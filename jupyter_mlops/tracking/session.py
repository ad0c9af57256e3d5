"""One kernel's session: it remembers what was executed, and turns a tracked cell into a record of the journal."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.masking import mask, mask_code, mask_told
from jupyter_mlops.tracking import chance, document
from jupyter_mlops.tracking.cell import Cell, Options, Source
from jupyter_mlops.tracking.slicing import History


class Session:
    """`notebook` names runs that were given no name; `path` is the notebook's file, where it is known."""

    def __init__(self, notebook: str = "notebook", folder: Path | None = None, path: str = "") -> None:
        self.notebook = notebook
        self.path = path
        self.folder = folder or Path.cwd()
        self.history = History()
        self.running: Source | None = None
        self.last: Cell | None = None
        self._attempts: dict[str, list[dict[str, float]]] = defaultdict(list)
        self._unwritten: list[Any] = []
        self._chances: dict[str, int] = {}

    def cell_begins(self, source: Source | None = None) -> None:
        """Note what only a look before and a look after a cell can tell."""
        self.running = source
        self._chances = chance.states()

    def remember(self, source: Source, ok: bool, namespace: MutableMapping[str, Any]) -> None:
        """The cell that began last has ended, tracked or not."""
        self.running = None
        drew, lost = chance.drawn(self._chances), chance.lost(self._chances)
        self.history.add(source.text, source.python, ok, namespace, source.place, drew, lost)

    @contextmanager
    def track(
        self, source: Source, namespace: MutableMapping[str, Any], options: Options, *, if_seen: bool = False
    ) -> Iterator[Cell]:
        """Run the block as a tracked cell. Whatever it raises is noted and goes on; a failure of ours is a warning.

        With `if_seen`, a block that neither fits nor scores leaves no record, and its cell stays RUNNING.
        """
        from jupyter_mlops.tracking import loops
        from jupyter_mlops.tracking.analysis import read_in
        from jupyter_mlops.tracking.environment import PeakMemory
        from jupyter_mlops.tracking.observing import observing
        from jupyter_mlops.tracking.seeing import Seen
        from jupyter_mlops.tracking.streaming import streaming

        cell = Cell(uuid.uuid4().hex, options.name or self.notebook, parent=config.parent_run())
        record = self._begin(cell, source, options, if_seen)
        seen = Seen()
        seen.first = partial(self._start, record, cell, source, options) if if_seen else None
        weights: dict[int, int] = {}
        with self._harmless(cell, "what was there before it is not known"):
            cell.before = _metrics_before(source.python, namespace)
            weights = loops.networks(namespace)
        chances = chance.states()
        memory, began, cpu = PeakMemory(), time.perf_counter(), time.process_time()
        error: BaseException | None = None
        with observing(source.python, seen), streaming(cell, record, seen.begun):
            try:
                yield cell
            except BaseException as raised:
                error = raised
                raise
            finally:
                cell.seconds = time.perf_counter() - began
                with self._harmless(cell, "what it trained is not known"):
                    loops.trained(seen, weights, namespace, read_in(source.python))
                times = {"wall": cell.seconds, "cpu": time.process_time() - cpu, "peak_memory": memory.read()}
                if seen.first is not None:  # nothing that a run is for has begun
                    record.discard()
                else:
                    cell.status, cell.error = _outcome(error)
                    with self._harmless(cell, "what it depends on is not known"):
                        self._depends(cell, source, chances)
                    self._finish(cell, record, seen, source, namespace, options, times)

    def _depends(self, cell: Cell, source: Source, chances: dict[str, int]) -> None:
        """Known better when it has ended, and it is seen what it drew since `chances`."""
        cell.slice = self.history.slice(source.python, chance.drawn(chances))
        cell.unseeded = [i + 1 for i in cell.slice if self.history.cells[i].lost]
        cell.unseeded += [cell.executed] * chance.lost(chances)

    def _begin(self, cell: Cell, source: Source, options: Options, if_seen: bool) -> Any:
        from jupyter_mlops.project import HOME, root_around
        from jupyter_mlops.tracking.journal import Record, champion

        cell.place = self._place(source, options)
        earlier = self._attempts[cell.place]
        cell.attempt, cell.previous = len(earlier) + 1, earlier[-1] if earlier else {}
        cell.best = _best(earlier)
        home = root_around(self.folder) / HOME
        record = Record(home, cell.key)
        with self._harmless(cell, "the champion is not known"):
            cell.champion = champion(home, self.notebook)
        with self._harmless(cell, "what it depends on is not known"):
            cell.slice, cell.executed = self.history.slice(source.python), len(self.history.cells) + 1
        self._write_what_waits()
        if not if_seen:
            self._start(record, cell, source, options)
        return record

    def _place(self, source: Source, options: Options) -> str:
        """What makes two executions attempts at one thing: the notebook's cell, else the name given, else what is bound."""
        from jupyter_mlops.tracking.analysis import names_of

        return source.place or options.name or f"{self.notebook}: {', '.join(sorted(names_of(source.python).writes))}"

    def _start(self, record: Any, cell: Cell, source: Source, options: Options) -> None:
        from jupyter_mlops.store import lease

        with self._harmless(cell, "the record is not on disk yet"):
            record.write(
                {
                    "event": "start",
                    "key": cell.key,
                    "name": cell.name,
                    "experiment": self.notebook,
                    "at": datetime.now(UTC).isoformat(),
                    "lease": lease(),
                    "parent": cell.parent,
                    "notebook": self.path,
                    "place": cell.place,
                    "attempt": cell.attempt,
                    "folder": str(self.folder),
                    "source": _masked(source.text),
                    **self._code(cell),
                    "again": options.again,
                    "executed": cell.executed,
                    "tags": {name: mask(value) for name, value in options.tags.items()},
                    "note": mask(options.note),
                }
            )

    def _code(self, cell: Cell) -> dict[str, Any]:
        """Said when it starts, and again when it has ended and is known not to have drawn from every generator."""
        return {
            "slice": [_masked(self.history.cells[i].source) for i in cell.slice],
            "raised": [n for n, i in enumerate(cell.slice) if not self.history.cells[i].ok],
            "unseeded": [n for n, i in enumerate([*cell.slice, cell.executed - 1]) if i + 1 in cell.unseeded],
        }

    def _finish(
        self,
        cell: Cell,
        record: Any,
        seen: Any,
        source: Source,
        namespace: MutableMapping[str, Any],
        options: Options,
        times: dict[str, Any],
    ) -> None:
        """Never lets the cell fail: what could not be found is a warning on the card and in the record."""
        from jupyter_mlops.tracking.capturing import capture

        found: dict[str, Any] = {}
        with self._harmless(cell, "not everything was captured"):
            cells = [self.history.cells[i].python for i in cell.slice]
            harmless = partial(self._harmless, cell)
            found = capture(
                cell, record.folder, seen, source.block or source.python, cells, namespace, options, harmless
            )
        cell.warnings += self._stale(cell, source.place)
        with self._harmless(cell, "the record waits in memory until the disk takes it"):
            record.write({**self._end(cell, times), **found}, last=True)
        if not record.whole:
            self._unwritten.append(record)
        self._attempts[cell.place].append(cell.metrics)
        self.last = cell

    def _end(self, cell: Cell, times: dict[str, Any]) -> dict[str, Any]:
        from jupyter_mlops.project import root_around
        from jupyter_mlops.tracking.environment import environment, local_modules

        modules = local_modules(root_around(self.folder))
        return {
            "event": "end",
            **self._code(cell),
            "at": datetime.now(UTC).isoformat(),
            "status": cell.status,
            "error": mask_told(cell.error),
            "metrics": cell.metrics,
            "parameters": cell.parameters,
            "datasets": cell.datasets,
            "origins": {name: mask(value) for name, value in cell.origins.items()},
            "model": cell.model,
            "warnings": [mask(w) for w in cell.warnings],
            "times": times,
            "environment": environment(),
            "local_modules": [{**module, "text": _masked(module["text"])} for module in modules],
        }

    def _stale(self, cell: Cell, place: str | None) -> list[str]:
        failed = [i + 1 for i in cell.slice if not self.history.cells[i].ok]
        edited = [i + 1 for i in self.history.edited_since(cell.slice, place)]
        warnings = [f"it depends on execution {failed[-1]}, which raised"] if failed else []
        if edited:
            which = ", ".join(str(i) for i in edited[:5])
            warnings.append(f"it depends on execution {which}, whose cell has run other code since")
        with self._harmless(cell, "what the notebook's file says is not known"):
            told = [(i + 1, self.history.cells[i]) for i in cell.slice if i + 1 not in edited]
            warnings += document.warnings(Path(self.path), told, place) if self.path else []
        return warnings

    def _write_what_waits(self) -> None:
        for record in list(self._unwritten):
            try:
                record.flush(last=True)
            except OSError:
                return
            self._unwritten.remove(record)

    @contextmanager
    def _harmless(self, cell: Cell, what: str) -> Iterator[None]:
        """The observer never breaks the observed: whatever fails in here becomes one line of warning."""
        try:
            yield
        except Exception as error:
            if config.strict() and not isinstance(error, OSError):
                raise
            cell.warnings.append(f"{what}: {type(error).__name__}: {error}")


_masked = lru_cache(maxsize=4096)(mask_code)
"""Cells and modules go along with every run that depends on them."""


def _metrics_before(python: str, namespace: MutableMapping[str, Any]) -> dict[str, Any]:
    """What the names that it may bind hold now: a metric that it never came to bind is an earlier cell's."""
    from jupyter_mlops.tracking.analysis import names_of

    return {name: namespace[name] for name in names_of(python).writes if name in namespace}


def _outcome(error: BaseException | None) -> tuple[str, str]:
    if error is None:
        return "FINISHED", ""
    status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
    return status, f"{type(error).__name__}: {error}"[:2000]


def _best(attempts: list[dict[str, float]]) -> dict[str, float]:
    """The best value of each metric over the attempts; which way is better is read from the metric's name."""
    from jupyter_mlops.tracking.finding import less_is_better

    best: dict[str, float] = {}
    for metrics in attempts:
        for name, value in metrics.items():
            better = min if less_is_better(name) else max
            best[name] = better(best.get(name, value), value)
    return best
