"""What of a request is kept: sensitive columns as they are, hashed or not at all, before any of it reaches a disk."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project, Target
from jupyter_mlops.serving.log import word
from jupyter_mlops.serving.wal import Entry

_KEY_FILE = "inference-hash-key"


class Privacy:
    """One project's rules. A hash is keyed with a secret of the project, since a plain one of few values is soon guessed."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._key = b""

    def __call__(self, entry: Entry) -> Entry:
        target = self._target(entry.model, entry.segment)
        rule = target.spec.deploy.log.sensitive if target and target.spec.deploy else "keep"
        hidden = set(target.spec.data.sensitive) if target and rule != "keep" else set()
        plain = entry.plain()
        places = [place for place, name in enumerate(plain.columns) if name in hidden]
        if not places:
            return plain
        if rule == "hash":
            return replace(plain, rows=[self._hashed(row, places) for row in plain.rows])
        keep = [place for place in range(len(plain.columns)) if place not in places]
        rows = [[row[place] for place in keep] for row in plain.rows]
        return replace(plain, columns=tuple(plain.columns[place] for place in keep), rows=rows)

    def as_kept(self, target: Target, column: str, value: str) -> str:
        """How a value of this column stands in the log."""
        deploy = target.spec.deploy
        hashed = deploy is not None and deploy.log.sensitive == "hash" and column in target.spec.data.sensitive
        return self.hash(value) if hashed else value

    def hash(self, value: Any) -> str:
        self._key = self._key or _secret(self._project.home / _KEY_FILE)
        return hmac.new(self._key, (word(value) or "").encode(), hashlib.sha256).hexdigest()[:32]

    def _hashed(self, row: list[Any], places: list[int]) -> list[Any]:
        return [self.hash(value) if place in places and value is not None else value for place, value in enumerate(row)]

    def _target(self, model: str, segment: str) -> Target | None:
        try:
            return self._project.target(f"{model}.{segment}" if segment else model)
        except MlopsError:
            return None


def _secret(file: Path) -> bytes:
    """The project's own key, made once; whoever of several makes it first, all read the same."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    if not file.exists():
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_hex(32))
        try:
            os.link(temporary, file)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return file.read_bytes()
