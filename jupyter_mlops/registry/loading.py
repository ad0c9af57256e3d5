"""A model from the registry, or a refusal: the files must be, to the byte, what was registered."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.errors import Refused
from jupyter_mlops.records import ModelVersion
from jupyter_mlops.registry.versions import resolve
from jupyter_mlops.store import LoadedModel, Store


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
    model, example = store.read_model(uri)
    return LoadedModel(version, model, _features(model, example), example)


def _features(model: Any, example: Any) -> list[str]:
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        return [str(name) for name in names]
    return [str(name) for name in example.columns] if example is not None else []
