"""Between an answer and its Parquet file: a write-ahead file for each server process, synced four times a second.

A line holds one request and is whole or is passed over. A file is locked by the process that writes it, so whoever serves
next knows a dead one's file by its lock being free, and turns it into the part it would have become.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops.project import Project
from jupyter_mlops.serving.log import ID, InferenceLog

FOLDER = "inference-wal"
AT_ONCE = 500  # lines made a frame together: enough to be cheap, few enough not to hold up a request meanwhile
ELSEWHERE_AFTER = (
    3600.0  # a lock may not be seen from another host, so a file written there must be this old, in seconds
)
_log = logging.getLogger("jupyter_mlops.serving")


@dataclass(frozen=True)
class Entry:
    """One answered request, or the part of one that a single version answered.

    `rows` (lists, an array or a DataFrame) holds `columns`, `extras` other columns worth keeping; all align with `ids`.
    """

    model: str
    segment: str
    version: int
    role: str
    at: float
    latency_ms: float
    columns: tuple[str, ...]
    rows: Any
    ids: list[str]
    answers: list[float]
    weight: float = 1.0
    extras: tuple[tuple[str, list[Any]], ...] = ()

    def plain(self) -> Entry:
        """The same with its rows as lists and its extras among them."""
        rows = _lists(self.rows)
        if self.extras:
            rows = [[*row, *more] for row, *more in zip(rows, *(values for _, values in self.extras), strict=True)]
        columns = (*self.columns, *(name for name, _ in self.extras))
        return replace(self, columns=columns, rows=rows, extras=())

    def line(self) -> bytes:
        return json.dumps(self.plain().__dict__, separators=(",", ":"), default=str).encode() + b"\n"


def _lists(rows: Any) -> list[list[Any]]:
    if isinstance(rows, pd.DataFrame):
        lists: list[list[Any]] = json.loads(rows.to_json(orient="values", date_format="iso"))
        return lists
    return rows if isinstance(rows, list) else rows.tolist()


class WriteAhead:
    """One open file. `write` raises OSError and leaves the file as it was; nothing is buffered on this side of the disk."""

    def __init__(self, project: Project) -> None:
        folder = project.home / FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{uuid.uuid4().hex}.jsonl"
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.rows = 0
        self.since = time.monotonic()
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._size = 0
            self.write([json.dumps({"host": socket.gethostname()}).encode() + b"\n"], 0)
        except OSError:
            self.discard()
            raise

    def write(self, lines: list[bytes], rows: int) -> None:
        if os.fstat(self._handle).st_nlink == 0:
            raise OSError(f"{self.path.name} was removed while it was written")
        content = b"".join(lines)
        try:
            done = 0
            while done < len(content):
                done += os.write(self._handle, content[done:])
            os.fsync(self._handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._size)
            raise
        self._size += len(content)
        self.rows += rows

    def close(self) -> None:
        os.close(self._handle)

    def discard(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)


def recover(project: Project) -> int:
    """Turn the files of servers that are gone into Parquet; how many rows that were. One bad file does not stop the others."""
    folder, log, count = project.home / FOLDER, InferenceLog(project), 0
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
        try:
            if _is_left(path):
                count += into_parquet(log, path)
                path.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            _log.warning("%s could not be turned into Parquet and is kept: %s", path, error)
    return count


def _is_left(path: Path) -> bool:
    """Whether the process that wrote this file is gone."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        age = time.time() - os.fstat(handle).st_mtime
    except OSError:
        return False
    finally:
        os.close(handle)
    head: dict[str, Any] = next(_lines(path), {})
    return head.get("host") in (None, socket.gethostname()) or age > ELSEWHERE_AFTER


def into_parquet(log: InferenceLog, path: Path) -> int:
    """The part is named after the file, so that a kill between the two and a second try make no second copy."""
    groups: dict[tuple[str, str, str], dict[tuple[str, ...], list[dict[str, Any]]]] = {}
    count = 0
    for line in _lines(path):
        if "ids" in line:
            place = (line["model"], line["segment"], "shadow" if line["role"] == "shadow" else "inference")
            groups.setdefault(place, {}).setdefault(tuple(line["columns"]), []).append(line)
            count += len(line["ids"])
    for (model, segment, kind), shapes in groups.items():
        frames = [
            _frame(columns, lines[at : at + AT_ONCE])
            for columns, lines in shapes.items()
            for at in range(0, len(lines), AT_ONCE)
        ]
        log.append(model, segment or None, pd.concat(frames, ignore_index=True), part=path.stem, kind=kind)
    return count


def _frame(columns: tuple[str, ...], lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Lines of the same columns, put together at once: a frame for each would take a thousand times as long."""
    sizes = [len(line["ids"]) for line in lines]
    frame = pd.DataFrame(
        [row for line in lines for row in line["rows"]], columns=list(columns), index=range(sum(sizes))
    )
    own: dict[str, Any] = {
        ID: [i for line in lines for i in line["ids"]],
        "prediction": [a for line in lines for a in line["answers"]],
    }
    for name in ("version", "role", "latency_ms", "weight"):
        own[name] = np.repeat([line[name] for line in lines], sizes)
    own["time"] = pd.to_datetime(np.repeat([line["at"] for line in lines], sizes), unit="s", utc=True)
    return frame.assign(**own)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line. One torn by a full disk or a kill is passed over, and those after it are read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    for text in content.split(b"\n"):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line
