"""One kernel's session: it remembers what was executed, and turns a tracked cell into a record of the journal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.tracking.secrets import mask
from jupyter_mlops.tracking.slicing import History

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Options:
    """What a person asked of one cell; everything else is found."""

    name: str = ""
    model: str | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    keep_model: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass
class Cell:
    """A tracked cell as it went: what the run card shows."""

    key: str
    name: str
    status: str = "RUNNING"
    error: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    model: str = ""
    slice: list[int] = field(default_factory=list)
    executed: int = 0
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    previous: dict[str, float] = field(default_factory=dict)
    parent: str | None = None


class Session:
    """`notebook` names runs that were given no name."""

    def __init__(self, notebook: str = "notebook", folder: Path | None = None) -> None:
        self.notebook = notebook
        self.folder = folder or Path.cwd()
        self.history = History()
        self.last: Cell | None = None
        self._metrics: dict[str, dict[str, float]] = {}

    @contextmanager
    def track(self, source: str, python: str, namespace: MutableMapping[str, Any], options: Options) -> Iterator[Cell]:
        """Run the block as a tracked cell. Whatever it raises is noted and goes on; a failure of ours is a warning."""
        from jupyter_mlops.project import find
        from jupyter_mlops.tracking import journal
        from jupyter_mlops.tracking.observing import observing

        home = find(config.project_dir() or self.folder).home
        folder = journal.new_record(home)
        cell = Cell(folder.name, options.name or self.notebook, parent=config.parent_run())
        cell.slice, cell.executed = self.history.slice(python), len(self.history.cells) + 1
        journal.write(folder, self._start(cell, source, options))
        began, cpu = time.perf_counter(), time.process_time()
        error: BaseException | None = None
        with observing(namespace, python) as seen:
            try:
                yield cell
            except BaseException as raised:
                error = raised
                raise
            finally:
                cell.seconds = time.perf_counter() - began
                cell.status, cell.error = _outcome(error)
                times = {"wall": cell.seconds, "cpu": time.process_time() - cpu}
                self._finish(cell, folder, seen, python, namespace, options, times)

    def _start(self, cell: Cell, source: str, options: Options) -> dict[str, Any]:
        from jupyter_mlops.store import lease

        return {
            "event": "start",
            "key": cell.key,
            "name": cell.name,
            "experiment": self.notebook,
            "at": datetime.now(UTC).isoformat(),
            "lease": lease(),
            "parent": cell.parent,
            "folder": str(self.folder),
            "source": mask(source),
            "slice": [mask(self.history.cells[i].source) for i in cell.slice],
            "executed": cell.executed,
            "tags": dict(options.tags),
            "note": mask(options.note),
        }

    def _finish(
        self,
        cell: Cell,
        folder: Path,
        seen: Any,
        python: str,
        namespace: MutableMapping[str, Any],
        options: Options,
        times: dict[str, float],
    ) -> None:
        """Never lets the cell fail: what could not be found is a warning on the card and in the record."""
        from jupyter_mlops.tracking import journal

        try:
            self._find(cell, folder, seen, python, namespace, options)
        except Exception as error:
            if config.strict():
                raise
            cell.warnings.append(f"not everything was captured: {type(error).__name__}: {error}")
        try:
            journal.write(folder, self._end(cell, times))
        except OSError as error:
            cell.warnings.append(f"the record is not complete on disk ({error.strerror}); make room, then run it again")
        self._metrics[cell.name] = cell.metrics
        self.last = cell

    def _find(
        self, cell: Cell, folder: Path, seen: Any, python: str, namespace: MutableMapping[str, Any], options: Options
    ) -> None:
        from jupyter_mlops.tracking import finding

        sources = [self.history.cells[i].python for i in cell.slice]
        found = finding.find_model(seen, namespace, options.model)
        asked = {name: float(eval(text, dict(namespace))) for name, text in options.metrics.items()}  # noqa: S307
        cell.metrics = finding.find_metrics(seen, namespace, python, asked)
        cell.parameters = finding.find_parameters(
            found[1] if found else None, namespace, [*sources, python], options.parameters
        )
        cell.datasets = [d.model_dump() for d in finding.find_datasets(seen, python, sources, namespace, options.data)]
        cell.previous = self._metrics.get(cell.name, {})
        cell.warnings += self._stale(cell) + _leaks(cell)
        if found and options.keep_model and cell.status == "FINISHED":
            cell.model = f"{found[0]}: {type(found[1]).__name__}"
            _save(folder, found[1], next((f.data for f in seen.fits if f.estimator is found[1]), None))

    def _end(self, cell: Cell, times: dict[str, float]) -> dict[str, Any]:
        return {
            "event": "end",
            "at": datetime.now(UTC).isoformat(),
            "status": cell.status,
            "error": mask(cell.error),
            "metrics": cell.metrics,
            "parameters": cell.parameters,
            "datasets": cell.datasets,
            "model": cell.model,
            "warnings": [mask(w) for w in cell.warnings],
            "times": times,
            "environment": _environment(),
        }

    def _stale(self, cell: Cell) -> list[str]:
        failed = [i + 1 for i in cell.slice if not self.history.cells[i].ok]
        return [f"it depends on execution {failed[-1]}, which raised"] if failed else []


def _outcome(error: BaseException | None) -> tuple[str, str]:
    if error is None:
        return "FINISHED", ""
    status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
    return status, f"{type(error).__name__}: {error}"[:2000]


def _leaks(cell: Cell) -> list[str]:
    used: dict[str, set[str]] = {}
    for data in cell.datasets:
        used.setdefault(data["context"], set()).add(data["digest"])
    if used.get("training", set()) & used.get("evaluation", set()):
        return ["scored on the very rows it was fitted on"]
    return []


def _save(folder: Path, model: Any, data: Any) -> None:
    from skops.io import dump

    from jupyter_mlops.tracking import journal

    dump(model, folder / journal.MODEL)
    if hasattr(data, "to_parquet"):
        data.head(EXAMPLE_ROWS).to_parquet(folder / journal.EXAMPLE)


def _environment() -> dict[str, Any]:
    """Interpreter, platform, and the top-level modules imported from packages; their versions are looked up when shipped."""
    modules = sorted(
        {
            name
            for name, module in list(sys.modules.items())
            if "." not in name and not name.startswith("_") and "-packages" in (getattr(module, "__file__", None) or "")
        }
    )
    return {"python": sys.version.split()[0], "platform": sys.platform, "cpus": os.cpu_count(), "modules": modules}
