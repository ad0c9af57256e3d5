"""An append-only record of decisions and events: hash-chained, with a Merkle tree and signed checkpoints kept elsewhere too.

It is written in the transaction of what it records, and held against the registry's rows by `verify`.
"""

from jupyter_mlops.ledger.chain import TOOK_NAME, append, canonical, entries, entry_body, history, lineage
from jupyter_mlops.ledger.checkpoints import due, keys, latest
from jupyter_mlops.ledger.checkpoints import make as checkpoint
from jupyter_mlops.ledger.nodes import proof_of
from jupyter_mlops.ledger.notes import Checkpoint, PublicKey, SigningKey, public_key, signing_key, standing
from jupyter_mlops.ledger.notes import read as read_checkpoint
from jupyter_mlops.ledger.replaying import as_of, placed, strangers, subject
from jupyter_mlops.ledger.tables import take_turn
from jupyter_mlops.ledger.tree import included, leaf_hash
from jupyter_mlops.ledger.trusting import FILES_SIGNED, allowed_files
from jupyter_mlops.ledger.verifying import verify

__all__ = [
    "FILES_SIGNED",
    "TOOK_NAME",
    "Checkpoint",
    "PublicKey",
    "SigningKey",
    "allowed_files",
    "append",
    "as_of",
    "canonical",
    "checkpoint",
    "due",
    "entries",
    "entry_body",
    "history",
    "included",
    "keys",
    "latest",
    "leaf_hash",
    "lineage",
    "placed",
    "proof_of",
    "public_key",
    "read_checkpoint",
    "signing_key",
    "standing",
    "strangers",
    "subject",
    "take_turn",
    "verify",
]
