"""People in the log: values hashed with a key of the project, and who asked to be forgotten remembered by that hash."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

import pandas as pd

from jupyter_mlops.project import Project

_KEY_FILE = "inference-hash-key"
_ERASED = "erased.jsonl"


class Keyed:
    """A hash is keyed, since a plain one of few values is soon guessed."""

    def __init__(self, project: Project) -> None:
        self._home = project.home
        self._key = b""

    def hash(self, value: Any) -> str:
        self._key = self._key or _key(self._home / _KEY_FILE)
        return hmac.new(self._key, (word(value) or "").encode(), hashlib.sha256).hexdigest()[:32]

    def forget(self, model: str, column: str, value: str, until: float) -> None:
        """Rows answered up to then, wherever they still wait, are not to be logged any more."""
        row = {"model": model, "column": column, "hash": self.hash(value), "until": until}
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._home / _ERASED).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def without_forgotten(self, model: str, rows: pd.DataFrame) -> pd.DataFrame:
        for one in self._forgotten():
            if one["model"] == model and one["column"] in rows.columns and len(rows):
                early = pd.to_datetime(rows["time"], utc=True) <= pd.Timestamp(one["until"], unit="s", tz="UTC")
                rows = rows[~(early & (rows[one["column"]].map(self.hash) == one["hash"]))]
        return rows

    def _forgotten(self) -> list[dict[str, Any]]:
        file = self._home / _ERASED
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def word(value: Any) -> str | None:
    """A value as it is compared and written: 7, 7.0 and "7" are one entity."""
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _key(file: Path) -> bytes:
    """The project's own key, made once; whoever of several makes it first, all read the same."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)
        temporary.unlink()
    return file.read_bytes()
