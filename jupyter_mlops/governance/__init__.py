"""Who may change the registry, and the proof: a governed MLflow registry store that enters every change in the ledger."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_mlops.governance.acting import Act, Source, acting

if TYPE_CHECKING:
    from jupyter_mlops.governance.deciding import decide
    from jupyter_mlops.governance.policies import Policy, in_force, parse_policy, put_in_force, withdraw_policy
    from jupyter_mlops.governance.rehearsing import rehearse, standings

__all__ = [
    "Act",
    "Policy",
    "Source",
    "acting",
    "decide",
    "governed_store",
    "in_force",
    "parse_policy",
    "put_in_force",
    "rehearse",
    "standings",
    "withdraw_policy",
]

# MLflow asks for the builder alone, a policy check for no store: each name brings its own imports when it is first used.
_HOME = {
    "Policy": "policies",
    "decide": "deciding",
    "in_force": "policies",
    "parse_policy": "policies",
    "put_in_force": "policies",
    "rehearse": "rehearsing",
    "standings": "rehearsing",
    "withdraw_policy": "policies",
}


def governed_store(store_uri: str, tracking_uri: str | None = None) -> Any:  # noqa: ARG001  (MLflow passes both)
    """MLflow's plugin builder for `mlops+sqlite://` and its like; the prefix names us, the rest the database."""
    from jupyter_mlops.governance.registry_store import GovernedStore, GovernedWorkspaceStore

    kind = (
        GovernedWorkspaceStore
        if os.environ.get("MLFLOW_ENABLE_WORKSPACES", "").lower() in ("true", "1")
        else GovernedStore
    )
    return kind(store_uri.removeprefix("mlops+"), os.environ.get("_MLFLOW_SERVER_READ_REPLICA_BACKEND_STORE") or None)


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.governance.{_HOME[name]}"), name)
    raise AttributeError(name)
