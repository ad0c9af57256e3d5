"""A model from the registry, or a refusal: the files must be, to the byte, what was registered."""

from __future__ import annotations

from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import Refused
from jupyter_mlops.ledger import allowed_files, append, entries
from jupyter_mlops.records import ModelVersion
from jupyter_mlops.registry.versions import resolve
from jupyter_mlops.store import LoadedModel, Store, database

CODE_LOADED = "files that run code loaded"


def load(store: Store, reference: str) -> LoadedModel:
    """The model behind `name@alias`, `name/3` or `name`. Refused when its files are not what was registered."""
    return load_version(store, resolve(store, reference))


def load_version(store: Store, version: ModelVersion) -> LoadedModel:
    uri = version.tags.get("mlops.model_uri", "")
    if not version.digest or not uri:
        raise Refused(
            f"{version.model} version {version.version} has no digest of its files: it was not registered by us",
            f"register its run again: `jupyter mlops register {version.run_id[:8] or 'RUN'} {version.model}`",
        )
    found = store.digest(uri)
    if found != version.digest:
        raise Refused(
            f"the files of {version.model} version {version.version} were changed after it was registered "
            f"(digest {found[:12]}, registered {version.digest[:12]})",
            "do not use it: find out who changed the files, then train and register again",
            code="model-tampered",
        )
    kinds = store.running(uri)
    if kinds:
        _permitted(store, version, uri, kinds)
    model, example = store.read_model(uri, runs_code=bool(kinds))
    return LoadedModel(version, model, _features(model, example), example)


def _permitted(store: Store, version: ModelVersion, uri: str, kinds: list[str]) -> None:
    """Refused unless policy allows each of these kinds and a trusted signer signed the files. A pickle is scanned too."""
    name = f"{version.model} version {version.version}"
    said = f"reading the files of {name} runs code ({', '.join(kinds)})"
    if not store.project.tracking.startswith("sqlite:///"):
        raise Refused(f"{said}, and from here no ledger can be read that allows it", "register a skops model of it")
    base = database(store.project)
    with base.read() as connection:
        allowed = allowed_files(connection, version.model, version.version, version.digest)
    if not set(kinds) <= set(allowed):
        raise Refused(
            f"{said}; no policy in force allows it with a trusted signer's signature",
            "register a skops model, or allow it under `model_files` of a policy and run "
            f"`jupyter mlops sign {version.model} {version.version} --reason TEXT` with a signer's key",
            code="unsafe-model",
        )
    imports = store.scan(uri)
    with base.begin() as connection:
        subject = f"{version.model}/{version.version}"
        known = entries(connection, subject, limit=1, action=CODE_LOADED)
        if not known or known[0].after["digest"] != version.digest:
            after = {"digest": version.digest, "kinds": kinds, "imports": imports}
            append(connection, actor=config.actor(), action=CODE_LOADED, subject=subject, after=after)


def _features(model: Any, example: Any) -> list[str]:
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        return [str(name) for name in names]
    return [str(name) for name in example.columns] if example is not None else []
