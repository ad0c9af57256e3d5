"""People's words on a version, and the policies they are asked by."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.errors import BadInput, NotFound
from jupyter_mlops.governance import (
    Act,
    Policy,
    Source,
    acting,
    decide,
    in_force,
    model_key,
    parse_policy,
    put_in_force,
    sign_files,
    standings,
)
from jupyter_mlops.ledger import SigningKey, checkpoint
from jupyter_mlops.project import Project
from jupyter_mlops.registry import version
from jupyter_mlops.store import Database, Store, database, digest_of, files_below


def say(
    store: Store,
    name: str,
    number: int,
    kind: str,
    *,
    reason: str,
    actor: str | None = None,
    source: Source | None = None,
) -> dict[str, Any]:
    """Approve, reject, withdraw, comment, request or review; how the version stands after it."""
    if not reason.strip():
        raise BadInput("a decision needs a reason", "say why with --reason TEXT", field="reason")
    ensure_policies(store.project)
    version(store, name, number)
    with acting(reason=reason, actor=actor, source=source), store.explained():
        decide(store.client, name, number, kind, reason=reason)
    return approvals(store, name, number)


def sign_files_of(store: Store, name: str, number: int, *, reason: str, key: SigningKey) -> dict[str, Any]:
    """Sign the files of a version that runs code when it is read; the registry asks whether policy trusts the key."""
    if not reason.strip():
        raise BadInput("a signature needs a reason", "say why with --reason TEXT", field="reason")
    ensure_policies(store.project)
    found = version(store, name, number)
    files = files_below(store.model_files(found.tags.get("mlops.model_uri", "")))
    bundle = sign_files(f"{name}/{number}", files, model_key(key)).decode()
    with acting(reason=reason), store.explained():
        decide(store.client, name, number, "sign", reason=reason, bundle=bundle)
    return {"model": name, "version": number, "digest": digest_of(files), "files": len(files)}


def approvals(store: Store, name: str, number: int) -> dict[str, Any]:
    """How a version stands with its policies. A server's ledger is the server's: there the state is `unknown` from here."""
    found = version(store, name, number)
    if not store.project.tracking.startswith("sqlite:///"):
        said = {k: v for k, v in found.tags.items() if k.startswith("mlops.decision.")}
        return {"model": name, "version": number, "state": "unknown", "policies": [], "decisions": said}
    trained = store.run(found.run_id).tags.get("mlflow.user") if found.run_id else None
    authors, declared = [trained] if trained else [], declared_policies(store.project)
    with database(store.project).read() as connection:
        return standings(connection, name, number, authors=authors, declared=declared)


def declared_policies(project: Project) -> list[Policy]:
    """The policies that `mlops.yaml` names, read from their files."""
    found = []
    for name in project.file.policies:
        path = (project.root / name).resolve()
        if not path.is_relative_to(project.root):
            raise BadInput(f"{name!r} leaves the project folder", "name a file inside the project", path=name)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(f"policy file {name} cannot be read: {error}", "correct `policies` in mlops.yaml") from error
        found.append(parse_policy(text, name))
    return found


def ensure_policies(project: Project) -> list[str]:
    """Put declared policies in force that never were; the names of those whose file says something else than what is.

    A changed file changes nothing by itself: whoever wants it in force says so with `policy apply`, and why.
    """
    declared = declared_policies(project)
    if not declared:
        return []
    base = database(project)
    with base.read() as connection:
        now = {p.policy: p.digest for p in in_force(connection)}
    new = [p for p in declared if p.policy not in now]
    if new:
        with acting(reason="declared in mlops.yaml") as act:
            apply_policies(base, new, act)
    return [p.policy for p in declared if p.policy in now and now[p.policy] != p.digest]


def apply_policies(base: Database, policies: list[Policy], act: Act) -> list[int]:
    """Put these in force, all or none; the numbers of the entries, none where the very text is in force already."""
    with base.begin() as connection:
        made = [put_in_force(connection, policy, act) for policy in policies]
    with base.begin() as connection:
        checkpoint(connection)
    return [entry.seq for entry in made if entry]
