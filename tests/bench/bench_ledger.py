"""The ledger's speed: an append with its fsync, and a verification of a million entries. Run as a script: `bench_ledger.py [N]`.

The peer is what anybody would write first, in the same run: a bare SQLite table with the same rows and the same fsync for
appends, and a plain walk over the hash chain (no tree, no registry, nothing signed) for verification.
"""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from jupyter_mlops.ledger import append, canonical, checkpoint, verify
from jupyter_mlops.ledger.chain import GENESIS
from jupyter_mlops.ledger.nodes import _rebuild
from jupyter_mlops.project import load
from jupyter_mlops.store import Database, database

APPENDS = 400


def appends(base: Database) -> list[float]:
    """Seconds for each append, each in a transaction of its own that is on disk when it returns."""
    taken = []
    for i in range(APPENDS):
        begun = time.perf_counter()
        with base.begin() as connection:
            append(
                connection, actor="ann", action="set version tag", subject=f"rul/{i}", after={"key": "k", "value": "v"}
            )
        taken.append(time.perf_counter() - begun)
    return taken


def bare_appends(folder: Path) -> list[float]:
    """The same rows into a bare table, WAL and synchronous FULL as the ledger has them."""
    raw = sqlite3.connect(folder / "bare.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, body TEXT)")
    taken = []
    for i in range(APPENDS):
        begun = time.perf_counter()
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("INSERT INTO t VALUES (?, ?)", (i, "x" * 330))
        raw.execute("COMMIT")
        taken.append(time.perf_counter() - begun)
    return taken


def fill(base: Database, count: int) -> None:
    """Entries as the ledger writes them, brought in at once: a million single transactions would take an hour."""
    head, rows, at = GENESIS, [], datetime.now(UTC).isoformat()
    for seq in range(1, count + 1):
        after = {"key": "note", "value": f"value {seq}"}
        fields = {"actor": "ann", "action": "noted", "subject": f"rul/{seq % 50}", "before": None, "after": after}
        body = canonical({**fields, "reason": "because", "at": at, "seq": seq, "prev_hash": head})
        before, head = head, hashlib.sha256(body).hexdigest()
        rows.append((seq, before, head, body.decode(), fields["subject"]))
    with base.begin() as connection:
        append(connection, actor="a", action="b", subject="c")
        for act in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER mlops_ledger_no_{act}")
        connection.exec_driver_sql("DELETE FROM mlops_ledger")
        connection.exec_driver_sql(
            "INSERT INTO mlops_ledger (seq, prev_hash, hash, body, subject) VALUES (?,?,?,?,?)", rows
        )
        _rebuild(connection, count)
        checkpoint(connection)


def bare_walk(path: Path) -> float:
    """CPU seconds to recompute the hash chain and nothing else."""
    raw = sqlite3.connect(path)
    begun, head = time.process_time(), GENESIS
    for prev_hash, own, body in raw.execute("SELECT prev_hash, hash, body FROM mlops_ledger ORDER BY seq"):
        assert prev_hash == head
        assert hashlib.sha256(body.encode()).hexdigest() == own
        head = own
    return time.process_time() - begun


def main(count: int = 1_000_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = database(load(Path(folder)))
        ours, bare = (statistics.median(x) * 1000 for x in (appends(base), bare_appends(Path(folder))))
        print(f"append: p50 {ours:.2f} ms; a bare table {bare:.2f} ms; {ours / bare:.1f} times as long")
    with tempfile.TemporaryDirectory() as folder:
        base = database(load(Path(folder)))
        fill(base, count)
        begun, cpu = time.perf_counter(), time.process_time()
        with base.read() as connection:
            answer = verify(connection)
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        assert answer.ok, answer.problem
        bare = bare_walk(base.path)
        print(
            f"verify {answer.entries:,} entries: {wall:.1f} s ({cpu:.1f} s of CPU); "
            f"a bare walk of the chain {bare:.1f} s of CPU; {cpu / bare:.1f} times as long"
        )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
