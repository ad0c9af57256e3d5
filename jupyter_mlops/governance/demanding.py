"""Gates that policies state in full: what a version is judged by beside its own gates in `mlops.yaml`."""

from __future__ import annotations

import sqlalchemy as sa

from jupyter_mlops.governance.approvals import Past
from jupyter_mlops.governance.judging import applying
from jupyter_mlops.governance.policies import in_force
from jupyter_mlops.ledger import history
from jupyter_mlops.project import Gate


def demanded(connection: sa.Connection, model: str) -> list[tuple[str, Gate]]:
    """What the policies in force ask of this model, each gate with the stamp that its answers must bear."""
    past = Past(model, history(connection, model))
    return [pair for policy in applying(in_force(connection), past) for pair in policy.demands]
