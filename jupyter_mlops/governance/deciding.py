"""How our own commands decide: by the same tag that any MLflow client would set, here or on a server."""

from __future__ import annotations

import json
from typing import Any

from jupyter_mlops.governance.approvals import DECISION


def decide(client: Any, name: str, version: int, kind: str, *, reason: str, **facts: Any) -> None:
    """Ask the registry for a decision on a version; MLflow's PERMISSION_DENIED carries why it may not be made."""
    value = json.dumps({"reason": reason, **{k: v for k, v in facts.items() if v not in (None, "")}})
    client.set_model_version_tag(name, str(version), f"{DECISION}{kind}", value)
