"""What a model's files are, as one SHA-256 over their names and bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlops.errors import BadInput, NotFound


def files_below(folder: Path) -> dict[str, str]:
    """Each file below, by name, with its SHA-256; a link or special file is refused, not followed."""
    if not folder.is_dir():
        raise NotFound(f"the model's files are gone: {folder}", "restore them, or train and register again")
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BadInput(f"{path.name} in the model's files is not an ordinary file", "remove it and register again")
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def digest_of(files: Mapping[str, str]) -> str:
    """The one digest of these files (name to SHA-256)."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()
