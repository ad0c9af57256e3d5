"""Whether the ledger holds: recomputed from its first byte, held against what was signed before, and against the registry."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from jupyter_mlops.errors import BadInput
from jupyter_mlops.ledger import checkpoints, nodes, notes, tables
from jupyter_mlops.ledger.chain import GENESIS
from jupyter_mlops.ledger.notes import Checkpoint
from jupyter_mlops.ledger.replaying import Registry, concerns, unexplained
from jupyter_mlops.ledger.tree import Frontier
from jupyter_mlops.records import Verification

_ROWS = 4096  # whole subtrees, level by level
# Clocks of several machines differ by less.
_SKEW = timedelta(minutes=1)
_MOST_TOLD = 100
# Canonical JSON: the keys stand in order, and a quote within a text is escaped.
_AT = re.compile(r'"at":"([^"]{20,40})","before":')


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
    base["clock_back"] = walk.clock.back
    if problem:
        return Verification(ok=False, first_bad=walk.first_bad, problem=problem, **base)
    rows = unexplained(connection, walk.registry)
    if rows:
        said = f"{len(rows)} registry row(s) are not what the ledger says; the first: {rows[0]}"
        return Verification(ok=False, problem=said, unexplained=rows, **base)
    return Verification(ok=True, **base)


class _Clock:
    """Which entries say a time well before that of an entry before them: a clock was set back, or had been ahead."""

    def __init__(self) -> None:
        self.back: list[int] = []
        self._newest = ""

    def see(self, seq: int, text: str) -> None:
        found = _AT.search(text)
        at = found[1] if found else ""
        # Moments in UTC and of one form are in order as texts.
        if at >= self._newest:
            self._newest = at
        elif at and len(self.back) < _MOST_TOLD and self._well_before(at):
            self.back.append(seq)

    def _well_before(self, at: str) -> bool:
        return datetime.fromisoformat(self._newest) - datetime.fromisoformat(at) > _SKEW


class _Walk:
    """One pass over all entries: chain, tree, registry, and the roots at the sizes that were once signed."""

    def __init__(self, sizes: set[int]) -> None:
        self.count, self.head = 0, GENESIS
        self.first_bad: int | None = None
        self.tree, self.registry = Frontier(), Registry()
        self.roots: dict[int, bytes] = {}
        self.clock = _Clock()
        self._sizes = sorted(sizes)
        self._passed_over: dict[str, bool] = {}

    def run(self, connection: sa.Connection) -> str:
        """The first fault, in a sentence; empty when there is none."""
        if not tables.exists(connection):
            return ""
        table = tables.ledger
        query = sa.select(table.c.seq, table.c.prev_hash, table.c.hash, table.c.body, table.c.subject).order_by(
            table.c.seq
        )
        for rows in connection.execute(query.execution_options(yield_per=_ROWS)).partitions():
            leaves: list[bytes] = []
            problem = self._follow(rows, leaves)
            self._grow(leaves)
            if problem:
                self.first_bad = self.count + 1
                return problem
        return ""

    def _follow(self, rows: Sequence[Any], leaves: list[bytes]) -> str:
        """What is wrong with the first entry that does not stand where it belongs; `leaves` takes those before it.

        One flat loop: a call of its own for each of a million entries would cost half as much as all it does.
        """
        sha256, passed_over, see = hashlib.sha256, self._passed_over, self.clock.see
        expected, head = self.count, self.head
        for seq, prev_hash, own, text, subject in rows:
            expected += 1
            body = text.encode()
            if seq != expected:
                return f"entry {expected} is missing"
            if prev_hash != head:
                return f"entry {expected} does not follow the entry before it"
            if sha256(body).hexdigest() != own:
                return f"entry {expected} was changed after it was written"
            # Canonical JSON has its keys in order, and a quote inside a string is escaped: what begins and ends so needs no
            # parsing to be seen to belong here, and not to be about the registry.
            if not (
                passed_over.get(text[: text.find('"', 11)])
                and text.endswith(f',"seq":{seq},"subject":"{subject}"}}')
                and f',"prev_hash":"{prev_hash}","reason":"' in text
            ):
                problem = self._read(text, seq, prev_hash, subject)
                if problem:
                    return problem
            see(seq, text)
            leaves.append(sha256(b"\x00" + body).digest())
            self.head = head = own
        return ""

    def _read(self, text: str, seq: int, prev_hash: str, subject: str) -> str:
        try:
            fields = from_json(text)
            here = (fields["seq"], fields["prev_hash"], fields["subject"]) == (seq, prev_hash, subject)
            action, before, after = fields["action"], fields["before"], fields["after"]
        except (ValueError, TypeError, KeyError):
            return f"entry {seq} is not readable"
        if not here:
            return f"entry {seq} was written for another place"
        if concerns(action):
            self.registry.apply(seq, action, subject, before, after)
        elif text.startswith(f'{{"action":"{action}"'):
            self._passed_over[f'{{"action":"{action}'] = True
        return ""

    def _grow(self, leaves: list[bytes]) -> None:
        end, taken = self.count + len(leaves), self.count
        for size in self._sizes[bisect_right(self._sizes, taken) : bisect_right(self._sizes, end)]:
            self.tree.extend(leaves[taken - self.count : size - self.count])
            self.roots[size], taken = self.tree.root(), size
        self.tree.extend(leaves[taken - self.count :])
        self.count = end


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
