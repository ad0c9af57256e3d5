"""A notebook's file: read once, refused when it is none, its language and its cells' code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput

TAG = "parameters"
INJECTED = "injected-parameters"


@dataclass(frozen=True)
class Source:
    """The bytes of a notebook, and the notebook they hold. `node` is shared: copy it before changing it."""

    path: Path
    content: bytes
    node: Any

    @property
    def kernel(self) -> str:
        return str(self.node.metadata.get("kernelspec", {}).get("name") or "python3")

    @property
    def language(self) -> str:
        spec, info = self.node.metadata.get("kernelspec", {}), self.node.metadata.get("language_info", {})
        return str(info.get("name") or spec.get("language") or "python").lower()

    def code(self) -> list[str]:
        return [cell.source for cell in self.node.cells if cell.cell_type == "code"]


def read_source(path: Path) -> Source:
    """The notebook, valid and of format 4; anything else is a BadInput that says what it is."""
    try:
        content = path.read_bytes()
    except IsADirectoryError as error:
        raise BadInput(f"{path} is a folder", "name the .ipynb file in it", path=str(path)) from error
    except FileNotFoundError as error:
        raise BadInput(
            f"there is no notebook {path}", "check the path; it is relative to where you are", path=str(path)
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "make it readable", path=str(path)) from error
    return parse_source(path, content)


def parse_source(path: Path, content: bytes) -> Source:
    import nbformat

    try:
        notebook = nbformat.reads(content.decode("utf-8"), as_version=nbformat.NO_CONVERT)
    except (nbformat.reader.NotJSONError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        what = _fault(content) or str(error)[:120]
        raise BadInput(f"{path.name} is not a notebook: {what}", "give an .ipynb file", path=str(path)) from error
    if notebook.get("nbformat") != 4:
        raise BadInput(
            f"{path.name} is of notebook format {notebook.get('nbformat')}, not 4",
            f"convert it: `jupyter nbconvert --to notebook {path.name}`",
        )
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise BadInput(
            f"{path.name} is not a valid notebook: {error.message[:120]}", "open and save it once"
        ) from error
    return Source(path, content, notebook)


def _fault(content: bytes) -> str:
    try:
        found = json.loads(content)
    except json.JSONDecodeError as error:
        return f"not valid JSON, line {error.lineno} column {error.colno}: {error.msg}"
    except (UnicodeDecodeError, RecursionError) as error:
        return f"not JSON: {error}"
    return "" if isinstance(found, dict) else f"it holds one {type(found).__name__}, not a mapping"


def first_line(source: str | list[str]) -> str:
    """What a cell is known by to people; a notebook's file has its source as text or as lines."""
    return next((line.strip() for line in "".join(source).splitlines() if line.strip()), "")


def write_notebook(node: Any, path: Path) -> None:
    """Replace the file in one step, so that no kill leaves half a notebook."""
    import nbformat

    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8") as file:
        file.write(nbformat.v4.writes_json(node))
    beside.replace(path)
