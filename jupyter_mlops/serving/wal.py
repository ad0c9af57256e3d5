"""Between an answer and its Parquet file: a write-ahead file for each server process, synced four times a second.

After a kill, whoever serves next finds the file of the process that is gone and turns it into the part it would have become.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from jupyter_mlops.project import Project
from jupyter_mlops.serving.log import InferenceLog
from jupyter_mlops.store import expired, lease

SYNC_EVERY = 0.25
COMPACT_EVERY = 30.0
COMPACT_ROWS = 20_000
Row = dict[str, Any]


class LogWriter:
    """Takes rows without waiting for the disk; a thread writes them. When the disk refuses, serving goes on: see `lost`."""

    def __init__(self, project: Project) -> None:
        self._folder = project.home / "inference-wal"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._log = InferenceLog(project)
        self._waiting: list[Row] = []
        self._kept = 0
        self.lost = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        recover(project)
        self._open()
        self._thread = threading.Thread(target=self._run, name="mlops-inference-log", daemon=True)
        self._thread.start()

    def add(self, rows: list[Row]) -> None:
        with self._lock:
            self._waiting += rows

    def close(self) -> None:
        """Everything taken so far is in Parquet when this returns."""
        self._closing.set()
        self._thread.join(30)
        self._sync()
        self._compact()
        self._path.unlink(missing_ok=True)

    def _open(self) -> None:
        self._path = self._folder / f"{uuid.uuid4().hex}.jsonl"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "ab")
        self._file.write(json.dumps({"lease": lease()}).encode() + b"\n")
        self._file.flush()
        self._kept = 0
        self._since = time.monotonic()

    def _run(self) -> None:
        while not self._closing.wait(SYNC_EVERY):
            self._sync()
            due = self._kept >= COMPACT_ROWS or time.monotonic() - self._since > COMPACT_EVERY
            if self._kept and due:
                self._compact()
                self._path.unlink(missing_ok=True)
                self._open()

    def _sync(self) -> None:
        with self._lock:
            rows, self._waiting = self._waiting, []
        if not rows:
            return
        try:
            self._file.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._kept += len(rows)
        except OSError:
            self.lost += len(rows)

    def _compact(self) -> None:
        self._file.close()
        _into_parquet(self._log, self._path)


def recover(project: Project) -> int:
    """Turn the files of servers that are gone into Parquet; how many rows that were."""
    folder, log, count = project.home / "inference-wal", InferenceLog(project), 0
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
        head = next(_lines(path), {})
        if expired(head.get("lease", "")):
            count += _into_parquet(log, path)
            path.unlink(missing_ok=True)
    return count


def _into_parquet(log: InferenceLog, path: Path) -> int:
    """The part is named after the file, so that a kill between the two and a second try make no second copy."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in _lines(path):
        if "inference_id" in row:
            groups.setdefault((row.pop("model"), row.pop("segment")), []).append(row)
    for (model, segment), rows in groups.items():
        frame = pd.DataFrame(rows)
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
        log.append(model, segment or None, frame, part=path.stem)
    return sum(len(rows) for rows in groups.values())


def _lines(path: Path) -> Iterator[Row]:
    """Whole lines only: the last may have been torn by a kill."""
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return
