"""What a cell shows while it runs: figures and tables are kept with its run, printed lines are read for metrics."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from jupyter_mlops.tracking import Cell

_KEPT = ("image/png", "image/jpeg", "image/svg+xml", "text/html", "text/markdown")  # the richest form that comes first
_MOST_OUTPUTS = 20
_LARGEST = 2_000_000  # bytes of one output
_MOST_PRINTED = 20_000  # characters, the last ones


@contextmanager
def watching_outputs(shell: Any, cell: Cell) -> Iterator[None]:
    """Note what is shown until the end of the block. Nothing is held back or changed."""
    with ExitStack() as undo:

        def hook(message: Any) -> Any:
            _keep(cell, message.get("content", {}).get("data", {}))
            return message

        publishers: list[Any] = [getattr(shell, "display_pub", None), getattr(shell, "displayhook", None)]
        for publisher in publishers:
            if hasattr(publisher, "register_hook"):
                publisher.register_hook(hook)
                undo.callback(publisher.unregister_hook, hook)
        _listen(cell, undo)
        yield


def _keep(cell: Cell, data: dict[str, Any]) -> None:
    kind = next((kind for kind in _KEPT if kind in data), None)
    if kind is None or len(cell.outputs) >= _MOST_OUTPUTS:
        return
    content = data[kind]
    if not isinstance(content, str) or len(content) > _LARGEST * 4 // 3:
        return
    cell.outputs.append((kind, base64.b64decode(content) if kind in ("image/png", "image/jpeg") else content.encode()))


def _listen(cell: Cell, undo: ExitStack) -> None:
    """Read along what is printed, through the stream's own `write`."""
    stream = sys.stdout
    write = stream.write

    def heard(text: str, /) -> int:
        written = write(text)
        if isinstance(text, str):
            cell.printed = (cell.printed + text)[-_MOST_PRINTED:]
        return written

    try:
        stream.write = heard  # type: ignore[method-assign]
    except AttributeError:
        return  # a stream that lets nobody listen
    undo.callback(_put_back, stream, heard)


def _put_back(stream: Any, heard: Any) -> None:
    if stream.__dict__.get("write") is heard:
        del stream.write
