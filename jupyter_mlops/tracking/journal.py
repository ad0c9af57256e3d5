"""The journal: a folder for each tracked cell, on disk before the cell returns. It is also the queue to MLflow.

`record.jsonl` gets a line when the cell starts, one for each metric it streams, and one when it ends. A record without its
last line, whose process is gone, is a cell that was killed; whoever looks next closes it so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

RECORD = "record.jsonl"
MODEL = "model.skops"
PICKLE = "model.pkl"
FLAVOUR = "flavour"
NATIVE = "model.cbm"
"""As the model's own library writes it, where that runs no code when it is read."""
EXAMPLE = "input_example.arrow"
OLD_EXAMPLE = "input_example.parquet"
"""As it once was written: a record may wait for long."""
EXAMPLE_ARRAY = "input_example.npy"
OUTPUTS = "outputs"

_encode = json.JSONEncoder(default=str).encode


class Record:
    """One cell's record. What the disk does not take now is kept in memory, in order, and tried again with the next line."""

    def __init__(self, home: Path, key: str) -> None:
        self.folder = home / "journal" / key
        self._waiting: list[bytes] = []
        self._handle: int | None = None

    def write(self, line: dict[str, Any], *, last: bool = False) -> None:
        """Append a line. It survives a kill at once, and after the last line a power cut. Raises OSError; nothing is lost."""
        self._waiting.append(_encode(line).encode() + b"\n")
        self.flush(last=last)

    def flush(self, *, last: bool = False) -> None:
        """Write what still waits."""
        if self._handle is None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._handle = os.open(self.folder / RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        while self._waiting:
            line = self._waiting[0]
            written = os.write(self._handle, line)
            self._waiting[0] = line[written:]
            if written == len(line):
                del self._waiting[0]
        if last:
            os.fsync(self._handle)
            self.close()

    @property
    def whole(self) -> bool:
        """Whether all that was written is on disk."""
        return not self._waiting

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def discard(self) -> None:
        """As if it had never been."""
        self.close()
        self._waiting.clear()
        with contextlib.suppress(OSError):
            shutil.rmtree(self.folder)


@dataclass
class Told:
    """A record as read: `end` is None while the cell runs, or when it was killed. `streamed` are (name, value, step, ms)."""

    start: dict[str, Any]
    end: dict[str, Any] | None = None
    streamed: list[tuple[str, float, int, int]] = field(default_factory=list)


def read(folder: Path) -> Told:
    """What a record says. A line torn by a kill counts as not written."""
    told = Told({})
    for line in (folder / RECORD).read_bytes().splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        match found.get("event"):
            case "start":
                told.start = found
            case "end":
                told.end = found
            case "metrics":
                told.streamed += [(name, value, found["step"], found["ms"]) for name, value in found["values"].items()]
    return told


def model_file(folder: Path) -> Path | None:
    """The model that a record holds in a form that runs no code when it is read."""
    return next((folder / name for name in (MODEL, NATIVE) if (folder / name).is_file()), None)


def waiting(home: Path) -> Iterator[Path]:
    """Records not shipped yet, the oldest first."""
    folders = [p for p in (home / "journal").glob("*") if (p / RECORD).is_file()]
    yield from sorted(folders, key=lambda p: (p / RECORD).stat().st_ctime_ns)


def waits(home: Path, key: str) -> bool:
    """Whether the record of this key is here, not shipped or not wholly."""
    return bool(key) and (home / "journal" / key / RECORD).is_file()


def champions(home: Path, notebook: str) -> Path:
    """Where the shipper notes what this notebook has in service, for kernels that ask MLflow nothing."""
    return home / "journal" / "champions" / f"{quote(notebook, safe='')}.json"


def champion(home: Path, notebook: str) -> dict[str, Any]:
    """`{model, version, metrics}`, or empty where nothing or more than one thing is in service."""
    file = champions(home, notebook)
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def shipped(home: Path, key: str) -> Path:
    """Where the receipt of a shipped record is kept."""
    return home / "journal" / "shipped" / f"{key}.json"
