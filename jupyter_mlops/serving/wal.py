"""Between an answer and its Parquet file: a write-ahead file for each server process, synced four times a second.

A line holds the rows of a moment and is whole or is passed over. A file is locked by the process that writes it, so whoever
serves next knows a dead one's file by its lock being free, and turns it into the part it would have become.
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
from pathlib import Path
from typing import Any

import pandas as pd

from jupyter_mlops.project import Project
from jupyter_mlops.serving.blocks import frame
from jupyter_mlops.serving.log import InferenceLog

FOLDER = "inference-wal"
AT_ONCE = 2_000  # rows made a frame together: enough to be cheap, few enough not to hold up a request meanwhile
ELSEWHERE_AFTER = (
    3600.0  # a lock may not be seen from another host, so a file written there must be this old, in seconds
)
_log = logging.getLogger("jupyter_mlops.serving")


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
            groups.setdefault(place, {}).setdefault((*line["columns"], "", *line["others"]), []).append(line)
            count += len(line["ids"])
    for (model, segment, kind), shapes in groups.items():
        frames = [frame(some) for lines in shapes.values() for some in _by_rows(lines)]
        log.append(model, segment or None, pd.concat(frames, ignore_index=True), part=path.stem, kind=kind)
    return count


def _by_rows(lines: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some, rows = [], 0
    for line in lines:
        some.append(line)
        rows += len(line["ids"])
        if rows >= AT_ONCE:
            yield some
            some, rows = [], 0
    if some:
        yield some


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
