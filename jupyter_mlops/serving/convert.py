"""`python -m jupyter_mlops.serving.convert`: a process that turns one model into an ONNX graph, and nothing else.

Converting a forest keeps Python's lock for half a second at a time; in the server's own process every request would wait for
it. The model comes through this process' standard input from the server that started it, the graph goes back by the output.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

from jupyter_mlops.serving.converting import graph_of
from jupyter_mlops.serving.crew import end_with_parent

SMALL = 2**20
WITHIN = 300.0
_NICE = 10


def graph_elsewhere(model: Any, double: bool) -> bytes | str:
    """The model's ONNX graph, or why there is none. A small model is converted here and now."""
    try:
        content = pickle.dumps((model, double), protocol=5)
    except Exception:  # noqa: BLE001  (whatever a model's own pickling raises)
        content = b""
    if len(content) < SMALL:
        return graph_of(model, double)
    command = [sys.executable, "-m", "jupyter_mlops.serving.convert"]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"its ONNX form was not made: {str(error)[:120]}"
    mark, _, rest = done.stdout.partition(b"\n")
    if mark == b"graph":
        return rest
    return (
        rest.decode()
        if mark == b"why"
        else f"its ONNX form was not made: {done.stderr[-120:].decode(errors='replace')}"
    )


def _main() -> None:
    end_with_parent()
    os.nice(_NICE)
    out, sys.stdout = sys.stdout.buffer, sys.stderr  # converters print
    found = graph_of(*pickle.load(sys.stdin.buffer))  # noqa: S301  (its own server's bytes, through a pipe of their own)
    out.write(b"why\n" + found.encode() if isinstance(found, str) else b"graph\n" + found)


if __name__ == "__main__":
    _main()
