"""What the notebook as it was last saved says of the cells that a result depends on: edited, deleted, run in another order.

A kernel sees what is executed and not what is edited; the file tells, once it was saved after a cell ran.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

_LARGEST = 8_000_000  # bytes; larger ones would take longer to read than a cell may be held up


class Ran(Protocol):
    """An execution: what ran, in which cell of the notebook, and when it had ended (seconds of the epoch)."""

    @property
    def source(self) -> str: ...
    @property
    def place(self) -> str | None: ...
    @property
    def at(self) -> float: ...


def warnings(path: Path, needed: Sequence[tuple[int, Ran]], own: str | None) -> list[str]:
    """Of these (number, execution), in the order they ran, and of the cell `own` that depends on them; empty if unknown."""
    try:
        found = path.stat()
        if found.st_size > _LARGEST:
            return []
        cells = _cells(path, found.st_mtime_ns)
    except (OSError, ValueError, AttributeError, TypeError):
        return []  # none, or being written just now
    placed = [(number, ran) for number, ran in needed if ran.place]
    if not any(ran.place in cells for _, ran in placed):
        return []  # of another notebook, or the host names its cells in its own way
    settled = [(number, ran) for number, ran in placed if ran.at < found.st_mtime]
    texts = {text for _, text in cells.values()}  # a cell that was cut and pasted is another one with the same text
    deleted = [number for number, ran in settled if ran.place not in cells and ran.source.strip() not in texts]
    edited = [n for n, ran in settled if ran.place in cells and cells[ran.place][1] != ran.source.strip()]
    said = [(deleted, "is no longer in the notebook"), (edited, "was edited since")]
    return [
        f"it depends on execution {_few(numbers)}, whose cell {what}" for numbers, what in said if numbers
    ] + _order([(number, cells[ran.place][0]) for number, ran in placed if ran.place in cells], cells.get(own or ""))


def _order(placed: list[tuple[int, int]], own: tuple[int, str] | None) -> list[str]:
    """The first of these (number, position) that ran after one which stands below it."""
    for (before, above), (after, below) in pairwise(placed):
        if below < above:
            return [f"executed out of order: execution {after} stands above execution {before}, and ran after it"]
    if own and placed and placed[-1][1] > own[0]:
        return [f"executed out of order: execution {placed[-1][0]}, which it depends on, stands below it"]
    return []


def _few(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5]))


@lru_cache(maxsize=1)
def _cells(path: Path, _saved: int) -> dict[str, tuple[int, str]]:
    """Position and text of each cell that has an id."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return {
        cell["id"]: (position, "".join(cell.get("source", "")).strip())
        for position, cell in enumerate(notebook.get("cells", []))
        if "id" in cell
    }
