"""Signed checkpoints of the ledger, kept in the database and, above all, outside of it.

Whoever can write the database can rebuild every hash in it. They cannot take back what was signed before and lies where they
cannot write: each folder of `MLOPS_WITNESS`, and every report that shows the size and root.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from jupyter_mlops import config
from jupyter_mlops.ledger import nodes, notes, tables
from jupyter_mlops.ledger.notes import Checkpoint, PublicKey

EVERY = 100
_END = ".checkpoint"


def origin(identity: str) -> str:
    return f"jupyter-mlops/ledger/{identity}"


def make(connection: sa.Connection) -> Checkpoint | None:
    """Sign what is committed now, and keep it here and outside; None while the ledger is empty.

    The transaction must have begun after the entries were committed: a checkpoint of entries that are rolled back would
    testify against an honest ledger for ever.
    """
    size = _size(connection)
    if not size:
        return None
    key = notes.signing_key(config.ledger_key())
    made = notes.write(origin(tables.identity(connection)), size, nodes.root(connection, size), key)
    known = connection.scalar(sa.select(tables.checkpoints.c.note).where(tables.checkpoints.c.size == size))
    if known is None:
        row = {"size": size, "note": made.note, "at": datetime.now(UTC).isoformat()}
        connection.execute(tables.checkpoints.insert().values(row))
    for folder in config.witnesses():
        _keep(folder, made, key.public)
    mark = _mark(connection)
    if mark and not mark.exists():
        mark.write_text(f"{tables.identity(connection)}\n", encoding="ascii")
    return made


def marked(connection: sa.Connection) -> str:
    """Which ledger belongs to this place, as the file beside an SQLite database says; empty where there is none."""
    mark = _mark(connection)
    return mark.read_text(encoding="utf-8", errors="replace").strip() if mark and mark.is_file() else ""


def due(connection: sa.Connection) -> bool:
    """Whether a hundred entries or more were added since the last checkpoint."""
    if not tables.exists(connection):
        return False
    last = connection.scalar(sa.select(sa.func.max(tables.checkpoints.c.size))) or 0
    return _size(connection) - last >= EVERY


def latest(connection: sa.Connection) -> Checkpoint | None:
    """The newest checkpoint that the database holds."""
    if not sa.inspect(connection).has_table(tables.checkpoints.name):
        return None
    newest = sa.select(tables.checkpoints.c.note).order_by(tables.checkpoints.c.size.desc()).limit(1)
    note = connection.scalar(newest)
    return notes.read(note) if note else None


def known(connection: sa.Connection) -> list[tuple[str, str]]:
    """(where it was kept, note) of every checkpoint of this ledger that can be found."""
    found = []
    if sa.inspect(connection).has_table(tables.checkpoints.name):
        rows = connection.execute(sa.select(tables.checkpoints.c.size, tables.checkpoints.c.note))
        found += [(f"the database's checkpoint {row.size}", row.note) for row in rows]
    identity = tables.identity(connection)
    for folder in config.witnesses() if identity else []:
        for file in sorted((folder / identity).glob(f"*{_END}")):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                found.append((str(file), file.read_text(encoding="utf-8")))
    return found


def keys(connection: sa.Connection) -> list[PublicKey]:
    """Our own key, and those that were first seen beside the checkpoints kept outside."""
    found = []
    if config.ledger_key().exists():
        found.append(notes.signing_key(config.ledger_key()).public)
    for folder in config.witnesses():
        for file in sorted((folder / (tables.identity(connection) or "-")).glob("*.vkey")):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                found.append(notes.public_key(file.read_text(encoding="utf-8")))
    return found


def _mark(connection: sa.Connection) -> Path | None:
    """A database file that was replaced whole has no trace of the ledger it held; the file beside it does."""
    file = connection.engine.url.database
    return Path(file).with_suffix(".ledger") if connection.dialect.name == "sqlite" and file else None


def _keep(folder: Path, made: Checkpoint, key: PublicKey) -> None:
    """Add one file to the folder; what is there already is never written over, since it may be the evidence."""
    place = folder / made.origin.rpartition("/")[2]
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file, text in ((place / f"{key.name}.vkey", f"{key}\n"), (place / f"{made.size:012d}{_END}", made.note)):
        if file.exists():
            continue
        unfinished = file.with_name(f".{file.name}.{os.getpid()}")
        with unfinished.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, file)
        unfinished.unlink()


def _size(connection: sa.Connection) -> int:
    if not tables.exists(connection):
        return 0
    return connection.scalar(sa.select(sa.func.max(tables.ledger.c.seq))) or 0
