"""`%mlops`: the command line in a cell. It is a surface of its own, so it is run, not imported."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from html import escape
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import HTML, display


def show(line: str) -> None:
    """Run the command and show its data as a table, or its error with the fix; in a terminal, what it says there."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        print(f"%mlops: {error}\n  fix: close the quotes", file=sys.stderr)  # noqa: T201
        return
    if hasattr(get_ipython(), "kernel"):
        _show_rich(words)
        return
    done = _run(words)
    print(done.stdout, end="")  # noqa: T201
    print(done.stderr, end="", file=sys.stderr)  # noqa: T201


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", *words], capture_output=True, text=True, check=False
    )


def _show_rich(words: list[str]) -> None:
    done = _run([*words, "--json"])
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        print((done.stdout + done.stderr).strip())  # noqa: T201
        return
    if "error" in answer:
        error = answer["error"]
        print(f"{error['message']}\n  fix: {error['fix']}", file=sys.stderr)  # noqa: T201
    else:
        display(HTML(_html(answer["data"])))


def _html(data: Any) -> str:
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        columns = list(data[0])
        head = "".join(f"<th scope='col'>{escape(c)}</th>" for c in columns)
        body = "".join("<tr>" + "".join(f"<td>{_cell(row.get(c))}</td>" for c in columns) + "</tr>" for row in data)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if isinstance(data, dict):
        rows = "".join(f"<tr><th scope='row'>{escape(str(k))}</th><td>{_cell(v)}</td></tr>" for k, v in data.items())
        return f"<table>{rows}</table>"
    return escape(str(data)) if data else "nothing yet"


def _cell(value: Any) -> str:
    text = (
        f"{value:.5g}"
        if isinstance(value, float)
        else str(value)
        if not isinstance(value, dict | list)
        else json.dumps(value)
    )
    return escape(text if len(text) < 200 else text[:200] + "…")
