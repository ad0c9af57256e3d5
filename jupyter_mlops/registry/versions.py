"""Registered models and their versions, as records; creates are searched for before they are sent again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jupyter_mlops.errors import BadInput, Conflict, NotFound, unknown
from jupyter_mlops.project import NAME
from jupyter_mlops.records import ModelVersion, RegisteredModel
from jupyter_mlops.store import Store

MODEL = "mlops.model"
SEGMENT = "mlops.segment"
DIGEST = "mlops.digest"
RISK = "mlops.risk"
_PAGE = 1000


def register(store: Store, run_id: str, name: str) -> ModelVersion:
    """A version of `name` from the model that the run, or its last tracked cell, logged. The same run registers once."""
    model, _, segment = name.partition(".")
    if not re.fullmatch(NAME, model) or (segment and not re.fullmatch(NAME, segment)):
        raise BadInput(f"{name!r} cannot name a model", "use letters, digits, space, '-' and '_', from 1 to 128")
    run = store.run(run_id)
    for known in versions(store, name, missing_ok=True):
        if known.run_id == run.run_id:
            return known
    uri = _logged_model(store, run.run_id)
    with store.explained():
        with contextlib.suppress(Conflict), store.explained():
            declared = store.project.file.models.get(model)
            labels = {MODEL: model} | ({SEGMENT: segment} if segment else {})
            labels |= {RISK: declared.risk} if declared else {}
            store.client.create_registered_model(name, tags=labels)
        created = store.client.create_model_version(
            name,
            source=str(store.model_files(uri)),
            run_id=run.run_id,
            tags={DIGEST: store.digest(uri), "mlops.model_uri": uri},
            model_id=uri.removeprefix("models:/"),
            await_creation_for=0,
        )
        return version(store, name, int(created.version))


def _logged_model(store: Store, run_id: str) -> str:
    """A job's model was logged by a cell it ran, so the run's children are asked too, the newest first."""
    for candidate in [run_id, *(child.run_id for child in store.runs(parent=run_id))]:
        uri = store.model_uri(candidate)
        if uri:
            return uri
    raise BadInput(
        f"run {run_id[:8]} logged no model, so there is nothing to register",
        "track the cell that fits the model with %%track (without --no-model)",
        run_id=run_id,
    )


def models(store: Store) -> list[RegisteredModel]:
    """Every registered model with its aliases and newest version, by name."""
    with store.explained():
        found = []
        token = None
        while True:
            page = store.client.search_registered_models(max_results=_PAGE, page_token=token)
            found += [_model(store, entry) for entry in page]
            token = page.token
            if not token:
                return sorted(found, key=lambda m: m.name)


def _model(store: Store, entry: Any) -> RegisteredModel:
    model, _, segment = entry.name.partition(".")
    declared = store.project.file.models.get(model)
    aliases = {alias: int(number) for alias, number in entry.aliases.items()}
    latest = max((int(v.version) for v in entry.latest_versions), default=None)
    return RegisteredModel(
        name=entry.name,
        model=model,
        segment=segment or None,
        aliases=aliases,
        latest=latest,
        risk=declared.risk if declared else "low",
        owner=declared.owner if declared else "",
        updated=_when(entry.last_updated_timestamp),
    )


def versions(store: Store, name: str, *, missing_ok: bool = False) -> list[ModelVersion]:
    """All versions of one model, newest first, with the metrics of their runs."""
    with store.explained():
        try:
            with store.explained():
                model = store.client.get_registered_model(name)
        except NotFound:
            if missing_ok:
                return []
            raise unknown("model", name, [m.name for m in models(store)], error=NotFound) from None
        found = store.client.search_model_versions(f"name = '{_quoted(name)}'", max_results=_PAGE)
        aliases: dict[int, list[str]] = {}
        for alias, number in model.aliases.items():
            aliases.setdefault(int(number), []).append(alias)
        records = [_version(store, entry, aliases.get(int(entry.version), [])) for entry in found]
        return sorted(records, key=lambda v: -v.version)


def version(store: Store, name: str, number: int) -> ModelVersion:
    """One version; NotFound names those there are."""
    all_versions = versions(store, name)
    for found in all_versions:
        if found.version == number:
            return found
    raise unknown(f"version of {name}", str(number), [str(v.version) for v in all_versions], error=NotFound)


def resolve(store: Store, reference: str) -> ModelVersion:
    """The version behind `name@alias`, `name/number` or `name` (its champion)."""
    if "/" in reference:
        name, _, number = reference.rpartition("/")
        if not number.isdigit():
            raise BadInput(f"{reference!r}: {number!r} is not a version number", "write it as NAME/3 or NAME@champion")
        return version(store, name, int(number))
    name, _, alias = reference.partition("@")
    alias = alias or "champion"
    all_versions = versions(store, name)
    for found in all_versions:
        if alias in found.aliases:
            return found
    held = {a for v in all_versions for a in v.aliases}
    if alias == "champion" and not held:
        raise NotFound(f"{name} has no champion yet", f"promote one: `jupyter mlops promote {name} 1 --reason TEXT`")
    raise unknown(f"alias of {name}", alias, held, error=NotFound)


def point_alias(store: Store, name: str, alias: str, number: int) -> None:
    """Move an alias. What the governed store refuses is Refused, with its reason."""
    with store.explained():
        store.client.set_registered_model_alias(name, alias, str(number))


def tag_version(store: Store, name: str, number: int, tags: Mapping[str, str]) -> None:
    with store.explained():
        for key, value in tags.items():
            store.client.set_model_version_tag(name, str(number), key, value)


def _version(store: Store, entry: Any, aliases: list[str]) -> ModelVersion:
    tags = dict(entry.tags)
    run = store.run(entry.run_id) if entry.run_id else None
    return ModelVersion(
        model=entry.name,
        version=int(entry.version),
        run_id=entry.run_id or "",
        digest=tags.get(DIGEST, ""),
        created=_when(entry.creation_timestamp) or datetime.fromtimestamp(0, UTC),
        aliases=sorted(aliases),
        metrics=run.metrics if run else {},
        tags=tags,
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _when(millis: int | None) -> datetime | None:
    return datetime.fromtimestamp(millis / 1000, UTC) if millis else None
