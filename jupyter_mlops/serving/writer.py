"""Takes what was answered without waiting for any disk, and sees to it that it is kept; what cannot be kept is counted.

Two threads: one writes ahead to the local disk, the other turns closed files into Parquet wherever `storage:` is. Neither ends
because of an error: it is told once, tried again, and told again when it is over.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from jupyter_mlops.project import Project
from jupyter_mlops.serving.blocks import Block, Entry, gathered
from jupyter_mlops.serving.log import InferenceLog
from jupyter_mlops.serving.wal import WriteAhead, into_parquet, recover

SYNC_EVERY = 0.25
COMPACT_EVERY = 30.0
COMPACT_ROWS = 20_000
TRY_AGAIN_AFTER = 5.0
TIDY_EVERY = 3600.0
MOST_WAITING = 100_000
LOST = "lost rows"
Tell = Callable[[str, str | None], None]
Prepare = Callable[[Block], Block]
_log = logging.getLogger("jupyter_mlops.serving")


class LogWriter:
    """`tell(what, sentence)` is called when `what` ("disk" or "storage") fails, and with None when it works again.

    Also, as `LOST`, of how many rows are lost by now; nothing brings those back.
    """

    def __init__(
        self, project: Project, tell: Tell = lambda _what, _sentence: None, prepare: Prepare | None = None
    ) -> None:
        self._project, self._tell = project, tell
        self._prepare = prepare or (lambda block: block)
        self._lock = threading.Lock()
        self._waiting: deque[Entry] = deque()
        self._waiting_rows = 0
        self._file: WriteAhead | None = None
        self._closed: deque[Path] = deque()
        self._recovered = False
        self._tidied = -TIDY_EVERY
        self.lost, self.kept, self.failures = 0, 0, 0
        self._failing: dict[str, str] = {}
        self._told: dict[str, str | None] = {}
        self._logged: dict[str, str | None] = {}
        self._stop, self._work = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._syncing, name="mlops-inference-log", daemon=True),
            threading.Thread(target=self._compacting, name="mlops-inference-parquet", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def add(self, entry: Entry) -> None:
        """Never blocks on a disk and never fails. Beyond `MOST_WAITING` rows the oldest give way and are counted as lost."""
        with self._lock:
            self._waiting.append(entry)
            self._waiting_rows += len(entry.ids)
            while self._waiting_rows > MOST_WAITING and len(self._waiting) > 1:
                self._drop(self._waiting.popleft())

    def figures(self) -> dict[str, int]:
        """Rows lost, rows answered that are on no disk yet, files on this disk that are not Parquet yet, and errors met."""
        return {
            "inference_log_lost_total": self.lost,
            "inference_log_waiting_rows": self._waiting_rows,
            "inference_log_waiting_files": len(self._closed),
            "inference_log_errors_total": self.failures,
            "inference_log_failing": int(bool(self._failing)),
        }

    def close(self) -> None:
        """Everything taken so far is in Parquet when this returns, or stays in files that the next server finds."""
        self._stop.set()
        self._work.set()
        for thread in self._threads:
            thread.join(30)
        self._guarded("disk", self._sync)
        self._turn_over()
        self._guarded("storage", self._compact)
        with self._lock:
            while self._waiting:
                self._drop(self._waiting.popleft())

    def _drop(self, entry: Entry) -> None:
        self.lost += len(entry.ids)
        self._waiting_rows -= len(entry.ids)

    def _syncing(self) -> None:
        while not self._stop.wait(SYNC_EVERY):
            self._guarded("disk", self._sync)
            file = self._file
            due = file and file.rows and (file.rows >= COMPACT_ROWS or time.monotonic() - file.since > COMPACT_EVERY)
            if due:
                self._turn_over()
            self._report()

    def _compacting(self) -> None:
        while not self._stop.is_set():
            ok = self._guarded("storage", self._compact)
            self._report()
            self._work.wait(None if ok else TRY_AGAIN_AFTER)
            self._work.clear()

    def _guarded(self, what: str, step: Callable[[], None]) -> bool:
        """A thread that ends would lose rows in silence, so no error may end it."""
        try:
            step()
        except Exception as error:  # noqa: BLE001
            self.failures += 1
            self._failing[what] = f"{type(error).__name__}: {str(error)[:200]}"
            return False
        self._failing.pop(what, None)
        return True

    def _sync(self) -> None:
        with self._lock:
            entries = list(self._waiting)
            self._waiting.clear()
        if not entries:
            return
        rows = sum(len(entry.ids) for entry in entries)
        lines = self._lines(entries)
        try:
            self._file = self._file or WriteAhead(self._project)
            self._file.write(lines, rows)
        except OSError:
            with self._lock:
                self._waiting.extendleft(reversed(entries))
            self._turn_over()
            raise
        self.kept += rows
        with self._lock:
            self._waiting_rows -= rows

    def _lines(self, entries: list[Entry]) -> list[bytes]:
        """The entries in few lines; when that fails one by one, so that one without a form on disk is lost alone."""
        try:
            return [self._prepare(block).line() for block in gathered(entries)]
        except Exception as error:  # noqa: BLE001
            if len(entries) == 1:
                self.lost += len(entries[0].ids)
                _log.warning("a row of %s could not be written: %s", entries[0].model, error)
                return []
        return [line for entry in entries for line in self._lines([entry])]

    def _turn_over(self) -> None:
        """The next row begins a new file; this one is ready to become Parquet."""
        file, self._file = self._file, None
        if file is None:
            return
        if file.rows:
            file.close()
            self._closed.append(file.path)
            self._work.set()
        else:
            file.discard()

    def _compact(self) -> None:
        if not self._recovered:
            recover(self._project)
            self._recovered = True
        log = InferenceLog(self._project)
        for path in list(self._closed):
            try:
                into_parquet(log, path)
            except Exception:
                self._closed.rotate(-1)  # one file that cannot be turned must not keep the others waiting
                raise
            path.unlink(missing_ok=True)
            self._closed.remove(path)
        if time.monotonic() - self._tidied > TIDY_EVERY:
            tidy(self._project)
            self._tidied = time.monotonic()

    def _report(self) -> None:
        """Tell what changed. Telling may fail for the same cause as keeping did, and is then tried again."""
        for what in ("disk", "storage"):
            sentence = self._failing.get(what)
            if (sentence is None) != (self._logged.get(what) is None):
                _log.warning("the inference log: %s %s", what, sentence or "works again")
            self._logged[what] = sentence
            self._told_of(what, sentence)
        if self.lost:
            self._told_of(LOST, f"{self.lost} rows were answered and are in no log; they waited for it in vain")

    def _told_of(self, what: str, sentence: str | None) -> None:
        if sentence == self._told.get(what):
            return
        with contextlib.suppress(Exception):
            if what == LOST or sentence is None or self._told.get(what) is None:
                self._tell(what, sentence)
            self._told[what] = sentence


def tidy(project: Project) -> int:
    """Delete what is older than `deploy.log.retention` allows; how many files that were."""
    log, deleted = InferenceLog(project), 0
    for name, spec in project.file.models.items():
        if spec.deploy and spec.deploy.log.retention:
            for segment in (None, *spec.segments):
                deleted += log.keep_since(name, segment, spec.deploy.log.retention)
    return deleted
