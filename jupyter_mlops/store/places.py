"""Where a run's files lie, and that they are files."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from jupyter_mlops.errors import BadInput


def on_this_machine(place: str) -> Path | None:
    """The folder that an artifact location names, if it is one of this machine."""
    if place.startswith("file://"):
        return Path(urllib.parse.unquote(urllib.parse.urlsplit(place).path))
    return Path(place) if place.startswith("/") else None


def ordinary(root: Path, path: str) -> None:
    """BadInput where a link or pipe stands in the way to a file below the root: it would be followed, or wait for ever."""
    found = root / path
    below = [found, *found.parents][: len(Path(path).parts)]
    special = found.exists() and not (found.is_file() or found.is_dir())
    if special or any(place.is_symlink() for place in below):
        raise BadInput(f"{path} among the run's files is not an ordinary file", "find out who put it there", path=path)
