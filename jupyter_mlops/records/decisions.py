"""What was decided, by whom and why, and whether the record of it holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jupyter_mlops.records.base import Record, Verdict


class LedgerEntry(Record):
    """One act, done or refused. `hash` covers every other field in canonical JSON, `prev_hash` the entry before."""

    seq: int
    prev_hash: str
    hash: str
    actor: str
    action: str
    subject: str
    before: Any = None
    after: Any = None
    reason: str = ""
    at: datetime


class Verification(Record):
    """The ledger's answer: how many entries hold, and the first that does not, with why.

    `root` is of the Merkle tree over those entries; `checkpoints` counts those signed before that it was held against.
    `clock_back` are entries whose time is over a minute before an earlier entry's: their order holds, their times do not.
    """

    ok: bool
    entries: int
    head: str
    root: str = ""
    checkpoints: int = 0
    first_bad: int | None = None
    problem: str = ""
    unexplained: list[str] = []
    clock_back: list[int] = []


class Decision(Record):
    """A promotion, rollback or refusal, as it was entered in the ledger."""

    model: str
    version: int
    alias: str
    done: bool
    reason: str
    verdict: Verdict
    evidence_digest: str = ""
    previous: int | None = None
    entry: int | None = None
