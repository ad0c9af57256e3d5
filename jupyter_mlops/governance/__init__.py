"""Who may change the registry, and the proof: a governed MLflow registry store that enters every change in the ledger."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_mlops.governance.acting import Act, Source, acting

if TYPE_CHECKING:
    from jupyter_mlops.governance.adopting import adopt
    from jupyter_mlops.governance.card import as_html, as_markdown, card_of, sections
    from jupyter_mlops.governance.deciding import decide
    from jupyter_mlops.governance.demanding import demanded
    from jupyter_mlops.governance.dossier import Dossier
    from jupyter_mlops.governance.notebooks import as_notebook
    from jupyter_mlops.governance.pack import contents
    from jupyter_mlops.governance.pack import write as write_pack
    from jupyter_mlops.governance.policies import Policy, in_force, parse_policy, put_in_force, withdraw_policy
    from jupyter_mlops.governance.rehearsing import rehearse, standings
    from jupyter_mlops.governance.rules import NOTE, completeness, held_against_rules, rules_sections
    from jupyter_mlops.governance.signatures import key_line, model_key, public_pem, sign_files
    from jupyter_mlops.governance.unpack import verify_pack

__all__ = [
    "NOTE",
    "Act",
    "Dossier",
    "Policy",
    "Source",
    "acting",
    "adopt",
    "as_html",
    "as_markdown",
    "as_notebook",
    "card_of",
    "completeness",
    "contents",
    "decide",
    "demanded",
    "governed_store",
    "held_against_rules",
    "in_force",
    "key_line",
    "model_key",
    "parse_policy",
    "public_pem",
    "put_in_force",
    "rehearse",
    "rules_sections",
    "sections",
    "sign_files",
    "standings",
    "verify_pack",
    "withdraw_policy",
    "write_pack",
]

# MLflow asks for the builder alone, a policy check for no store: each name brings its own imports when it is first used.
_HOME = {
    "Dossier": "dossier",
    "NOTE": "rules",
    "Policy": "policies",
    "adopt": "adopting",
    "as_html": "card",
    "as_markdown": "card",
    "as_notebook": "notebooks",
    "card_of": "card",
    "completeness": "rules",
    "contents": "pack",
    "decide": "deciding",
    "demanded": "demanding",
    "held_against_rules": "rules",
    "in_force": "policies",
    "parse_policy": "policies",
    "put_in_force": "policies",
    "rehearse": "rehearsing",
    "rules_sections": "rules",
    "key_line": "signatures",
    "model_key": "signatures",
    "public_pem": "signatures",
    "sections": "card",
    "sign_files": "signatures",
    "standings": "rehearsing",
    "verify_pack": "unpack",
    "withdraw_policy": "policies",
    "write_pack": "pack:write",
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


# MLflow loads its plugins in each worker of a server, also in one that is never asked about the registry.
if os.environ.get("_MLFLOW_SERVER_REGISTRY_STORE", "").startswith("mlops+"):
    from jupyter_mlops.governance.doors import watch

    watch(os.environ["_MLFLOW_SERVER_REGISTRY_STORE"])


def __getattr__(name: str) -> object:
    if name in _HOME:
        home, _, there = _HOME[name].partition(":")
        return getattr(import_module(f"jupyter_mlops.governance.{home}"), there or name)
    raise AttributeError(name)
