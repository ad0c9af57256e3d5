"""Notebooks that tests make."""

from __future__ import annotations

from pathlib import Path

import nbformat


def notebook(folder: Path, *cells: str, parameters: str | None = None, name: str = "job.ipynb") -> Path:
    """A notebook of these cells, the one tagged `parameters` first where there are any."""
    node = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    if parameters is not None:
        node.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    node.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, folder / name)
    return folder / name
