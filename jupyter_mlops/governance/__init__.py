"""Who may change the registry, and the proof: a governed MLflow registry store that enters every change in the ledger."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.governance.acting import acting

__all__ = ["acting", "governed_store"]


def governed_store(store_uri: str, tracking_uri: str | None = None) -> Any:  # noqa: ARG001  (MLflow passes both)
    """MLflow's plugin builder for `mlops+sqlite://` and its like; the prefix names us, the rest the database."""
    from jupyter_mlops.governance.registry_store import GovernedStore

    return GovernedStore(store_uri.removeprefix("mlops+"))
