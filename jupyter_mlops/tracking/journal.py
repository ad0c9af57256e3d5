"""The journal: a folder for each tracked cell, on disk before the cell returns. It is also the queue to MLflow.

`record.jsonl` gets a line when the cell starts and one when it ends. A record without its second line, whose process is
gone, is a cell that was killed; whoever looks next closes it so.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORD = "record.jsonl"
MODEL = "model.skops"
EXAMPLE = "input_example.parquet"
RECEIPT = "receipt.json"


def new_record(home: Path) -> Path:
    """A fresh folder of the journal, for this person's eyes only."""
    folder = home / "journal" / uuid.uuid4().hex
    folder.mkdir(parents=True, mode=0o700)
    return folder


def write(folder: Path, line: dict[str, Any]) -> None:
    """Append one line and wait until it is on disk."""
    handle = os.open(folder / RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps(line, default=str).encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The start and, if it came to that, the end of a record. A line torn by a kill counts as not written."""
    lines = []
    for line in (folder / RECORD).read_bytes().splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    start = lines[0] if lines else {}
    return start, next((line for line in lines[1:] if line.get("event") == "end"), None)


def waiting(home: Path) -> Iterator[Path]:
    """Records not shipped yet, the oldest first."""
    folders = [p for p in (home / "journal").glob("*") if (p / RECORD).is_file()]
    yield from sorted(folders, key=lambda p: (p / RECORD).stat().st_ctime_ns)


def shipped(home: Path, key: str) -> Path:
    """Where the receipt of a shipped record is kept."""
    return home / "journal" / "shipped" / f"{key}.json"
