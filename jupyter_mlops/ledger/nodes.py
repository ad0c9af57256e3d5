"""The stored part of the tree: every complete subtree above the leaves, so that a root or a proof costs O(log n) rows."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.ledger import tables
from jupyter_mlops.ledger.tree import completed, consistency, inclusion, leaf_hash, node_hash, span_hash

_MANY = 5000


def grow(connection: sa.Connection, index: int, body: bytes, before: bytes) -> None:
    """Store the subtrees that leaf `index` completes; `before` is the body of the leaf on its left."""
    wanted = completed(index)
    if not wanted:
        return
    lefts = _read(connection, wanted[1:])
    if len(lefts) < len(wanted) - 1:
        # A ledger begun before there was a tree: its earlier entries are brought in once.
        _rebuild(connection, index)
        lefts = _read(connection, wanted[1:])
    found, rows = leaf_hash(body), []
    for level, left in wanted:
        found = node_hash(leaf_hash(before) if level == 0 else lefts[level, left], found)
        rows.append({"level": level + 1, "idx": index >> (level + 1), "hash": found.hex()})
    connection.execute(tables.nodes.insert(), rows)


def root(connection: sa.Connection, size: int) -> bytes:
    """The root over the first `size` entries."""
    return span_hash(0, size, _reader(connection))


def proof_of(connection: sa.Connection, seq: int, size: int) -> list[bytes]:
    """The inclusion proof of an entry in the tree of `size` entries: at most log2(size) hashes of 32 bytes."""
    return inclusion(seq - 1, size, _reader(connection))


def growth(connection: sa.Connection, first: int, second: int) -> list[bytes]:
    """The proof that the ledger of size `second` began as the one of size `first`."""
    return consistency(first, second, _reader(connection))


def _reader(connection: sa.Connection) -> Callable[[int, int], bytes]:
    def node(level: int, index: int) -> bytes:
        if level == 0:
            query = sa.select(tables.ledger.c.body).where(tables.ledger.c.seq == index + 1)
            body = connection.scalar(query)
            if body is None:
                raise MlopsError(f"ledger entry {index + 1} is missing", "run `jupyter mlops ledger verify`")
            return leaf_hash(body.encode())
        found = _read(connection, [(level, index)])
        if (level, index) not in found:
            return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
        return found[level, index]

    return node


def _read(connection: sa.Connection, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Nodes by level; keyed by (level, index), what is not stored is not in it."""
    if not wanted:
        return {}
    table = tables.nodes
    places = [sa.and_(table.c.level == level, table.c.idx == index) for level, index in wanted]
    rows = connection.execute(sa.select(table.c.level, table.c.idx, table.c.hash).where(sa.or_(*places)))
    return {(row.level, row.idx): bytes.fromhex(row.hash) for row in rows}


def _rebuild(connection: sa.Connection, size: int) -> None:
    connection.execute(tables.nodes.delete())
    bodies = connection.execute(sa.select(tables.ledger.c.body).order_by(tables.ledger.c.seq).limit(size))
    peaks: list[bytes] = []
    rows: list[dict[str, object]] = []
    for index, (body,) in enumerate(bodies):
        found = leaf_hash(body.encode())
        for level, _ in completed(index):
            found = node_hash(peaks.pop(), found)
            rows.append({"level": level + 1, "idx": index >> (level + 1), "hash": found.hex()})
        peaks.append(found)
    for first in range(0, len(rows), _MANY):
        connection.execute(tables.nodes.insert(), rows[first : first + _MANY])
