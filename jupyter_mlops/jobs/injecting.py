"""Parameters become a cell of the notebook. A value is written by Python's own `repr`, so it is data and nothing else."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

from jupyter_mlops.jobs.notebooks import INJECTED, Source


def with_parameters(source: Source, given: Mapping[str, Any]) -> Any:
    """A copy of the notebook, ready to be executed."""
    from papermill.iorw import load_notebook_node  # noqa: F401  # registers papermill's own translators
    from papermill.parameterize import parameterize_notebook

    node = copy.deepcopy(source.node)
    node.metadata.setdefault("papermill", {})
    node.metadata.setdefault("kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"})
    for cell in node.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata.setdefault("papermill", {})
    if not given:
        return node
    logging.getLogger("papermill.parameterize").setLevel(logging.ERROR)
    python = source.language in ("python", "ipython", "")
    node = parameterize_notebook(
        node,
        {} if python else dict(given),
        kernel_name=source.kernel,
        language=source.language if not python else "python",
    )
    node.metadata.papermill["parameters"] = {name: _json(value) for name, value in given.items()}
    if python:
        cell = next(c for c in node.cells if INJECTED in c.metadata.get("tags", []))
        cell.source = "# Parameters\n" + "\n".join(f"{name} = {written(value)}" for name, value in given.items()) + "\n"
        cell.metadata.setdefault("papermill", {})
    return node


def written(value: Any) -> str:
    """A Python expression that is this value, on one line. The value is plain data, as `values.plain_data` gives it."""
    if isinstance(value, date):
        return f'__import__("datetime").{type(value).__name__}.fromisoformat({value.isoformat()!r})'
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, tuple):
        return f"({''.join(f'{written(item)}, ' for item in value)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{written(k)}: {written(v)}' for k, v in value.items())}}}"
    return repr(value)


def _json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {k if isinstance(k, str) else str(k): _json(v) for k, v in value.items()}
    return value
