"""Whether the ledger holds: recomputed from its first byte, held against what was signed before, and against the registry."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import sqlalchemy as sa

from jupyter_mlops.errors import BadInput
from jupyter_mlops.ledger import checkpoints, nodes, notes, tables
from jupyter_mlops.ledger.chain import GENESIS
from jupyter_mlops.ledger.notes import Checkpoint
from jupyter_mlops.ledger.replaying import KINDS, RENAMED, Registry, unexplained
from jupyter_mlops.ledger.tree import Frontier, leaf_hash
from jupyter_mlops.records import Verification

_ROWS = 5000


def verify(connection: sa.Connection, held: list[Path] | None = None) -> Verification:
    """Names the first entry that was changed, removed, inserted or put elsewhere; a checkpoint that this history cannot have
    led to (a cut tail, a history rebuilt); and every row of the registry that no entry explains.

    `held` are files of checkpoints that somebody kept, beside those found where they are kept by themselves.
    """
    witnesses, broken = _witnesses(connection, held or [])
    walk = _Walk({w.size for _, w in witnesses})
    problem = walk.run(connection) or broken
    problem = problem or _contradicted(connection, walk, witnesses)
    base = {"entries": walk.count, "head": walk.head, "root": walk.tree.root().hex(), "checkpoints": len(witnesses)}
    if problem:
        return Verification(ok=False, first_bad=walk.first_bad, problem=problem, **base)
    rows = unexplained(connection, walk.registry)
    if rows:
        said = f"{len(rows)} registry row(s) are not what the ledger says; the first: {rows[0]}"
        return Verification(ok=False, problem=said, unexplained=rows, **base)
    return Verification(ok=True, **base)


class _Walk:
    """One pass over all entries: chain, tree, registry, and the roots at the sizes that were once signed."""

    def __init__(self, sizes: set[int]) -> None:
        self.count, self.head = 0, GENESIS
        self.first_bad: int | None = None
        self.tree, self.registry = Frontier(), Registry()
        self.roots: dict[int, bytes] = {}
        self._sizes = sizes

    def run(self, connection: sa.Connection) -> str:
        """The first fault, in a sentence; empty when there is none."""
        if not tables.exists(connection):
            return ""
        table = tables.ledger
        query = sa.select(table.c.seq, table.c.prev_hash, table.c.hash, table.c.body, table.c.subject).order_by(
            table.c.seq
        )
        for row in connection.execute(query.execution_options(yield_per=_ROWS)):
            problem = self._step(*row)
            if problem:
                self.first_bad = self.count + 1
                return problem
        return ""

    def _step(self, seq: int, prev_hash: str, own: str, text: str, subject: str) -> str:
        expected = self.count + 1
        body = text.encode()
        if seq != expected:
            return f"entry {expected} is missing"
        if prev_hash != self.head:
            return f"entry {expected} does not follow the entry before it"
        if hashlib.sha256(body).hexdigest() != own:
            return f"entry {expected} was changed after it was written"
        if not _plainly_here(text, seq, prev_hash, subject):
            try:
                fields = json.loads(text)
                here = (fields["seq"], fields["prev_hash"], fields["subject"]) == (seq, prev_hash, subject)
            except (ValueError, TypeError, KeyError):
                return f"entry {expected} is not readable"
            if not here:
                return f"entry {expected} was written for another place"
            self.registry.apply(seq, fields["action"], subject, fields["before"], fields["after"])
        self.tree.add(leaf_hash(body))
        self.head, self.count = own, expected
        if expected in self._sizes:
            self.roots[expected] = self.tree.root()
        return ""


def _plainly_here(text: str, seq: int, prev_hash: str, subject: str) -> bool:
    """Whether an entry is seen to belong where it stands, and not to be about the registry, without being parsed.

    Canonical JSON has its keys in order, and a quote inside a string is escaped: what ends so has these two last keys.
    """
    action = text[11 : text.find('"', 11)]
    if not text.startswith('{"action":"') or action.partition(" ")[2] in KINDS or action == RENAMED:
        return False
    return text.endswith(f',"seq":{seq},"subject":"{subject}"}}') and f',"prev_hash":"{prev_hash}","reason":"' in text


def _witnesses(connection: sa.Connection, held: list[Path]) -> tuple[list[tuple[str, Checkpoint]], str]:
    """Every checkpoint known of this ledger with where it lies, and the first that is not what was signed."""
    own, keys = checkpoints.origin(tables.identity(connection)), checkpoints.keys(connection)
    found: list[tuple[str, Checkpoint]] = []
    named = [(str(path), path.read_text(encoding="utf-8")) for path in held]
    marked = checkpoints.marked(connection)
    if marked and marked != tables.identity(connection):
        return (
            found,
            f"the database holds another ledger than {marked}, which was kept here before: the file was replaced",
        )
    for place, note in [*checkpoints.known(connection), *named]:
        try:
            made = notes.read(note)
        except BadInput:
            return found, f"{place} is not a checkpoint any more"
        if notes.standing(note, keys) == "bad signature":
            return found, f"{place} was changed after it was signed"
        if made.origin != own:
            return found, f"{place} is of another ledger ({made.origin}); this one is {own}"
        found.append((place, made))
    return found, ""


def _contradicted(connection: sa.Connection, walk: _Walk, witnesses: list[tuple[str, Checkpoint]]) -> str:
    for place, made in sorted(witnesses, key=lambda w: w[1].size):
        if made.size > walk.count:
            walk.first_bad = walk.count + 1
            return (
                f"entries {walk.count + 1} to {made.size} were cut off: {place} was signed when there were {made.size}"
            )
        if walk.roots[made.size] != made.root:
            return (
                f"the first {made.size} entries are not those that were signed: {place} says root {made.root.hex()[:8]}"
            )
    if walk.count and nodes.root(connection, walk.count) != walk.tree.root():
        return "the stored tree does not belong to the entries: mlops_ledger_nodes was changed"
    return ""
