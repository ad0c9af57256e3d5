"""An append-only, hash-chained record of decisions and events, written in the transaction of what it records."""

from jupyter_mlops.ledger.chain import append, entries, verify

__all__ = ["append", "entries", "verify"]
