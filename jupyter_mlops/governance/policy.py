"""What the registry refuses, whoever asks through whatever door.

The first policy: `champion` is what the business runs on. It moves only to a version whose evidence passed its gates, with a
reason; the version's verdict and evidence digest are tags that only a decision of ours may set.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from jupyter_mlops.governance.acting import Act
from jupyter_mlops.governance.changes import Change

PROTECTED = frozenset({"champion"})
VERDICT = "mlops.verdict"
EVIDENCE = "mlops.evidence"
DIGEST = "mlops.digest"
_SET_BY_VALIDATION = frozenset({VERDICT, EVIDENCE})


def objection(change: Change, act: Act, session: Session) -> str:
    """Why this change may not be made, in a sentence with its fix; empty when it may."""
    values = change.after or change.before or {}
    if change.action in ("set alias", "delete alias") and values.get("alias") in PROTECTED:
        return _alias(change, act, session)
    if change.action in ("set version tag", "delete version tag"):
        return _tag(change, act, session)
    if change.action in ("delete model", "delete version", "change model") and not act.reason:
        return _in_service(change, session)
    return ""


def _tag(change: Change, act: Act, session: Session) -> str:
    values = change.after or change.before or {}
    if values["key"] in _SET_BY_VALIDATION and not act.reason:
        return f"the tag {values['key']} is set by validation; run `jupyter mlops validate {_words(change.subject)}`"
    if values["key"] == DIGEST and not _is_new(change, session):
        return "the digest of a version's files is set once, when it is registered; register the run again"
    return ""


def _is_new(change: Change, session: Session) -> bool:
    """Whether the version this tag belongs to is made in the same transaction."""
    return any(
        row.__tablename__ == "model_versions" and (row.name, row.version) == (change.row.name, change.row.version)
        for row in session.new
    )


def _alias(change: Change, act: Act, session: Session) -> str:
    if not act.reason:
        return (
            f"champion of {change.subject} is protected: it moves only by a decision with a reason; "
            f"run `jupyter mlops promote {change.subject} VERSION --reason TEXT`"
        )
    if change.after is None:
        return ""
    version = change.after["version"]
    tags = _tags(session, change.subject, version)
    if tags.get(VERDICT) != "pass" or not tags.get(EVIDENCE) or tags[EVIDENCE] != act.evidence:
        return (
            f"{change.subject} version {version} has no evidence that passed its gates "
            f"(verdict: {tags.get(VERDICT, 'not run')}); run `jupyter mlops validate {change.subject} {version}`"
        )
    return ""


def _in_service(change: Change, session: Session) -> str:
    from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModelAlias as Alias

    name, _, version = change.subject.partition("/")
    if change.action == "change model":
        return ""
    query = session.query(Alias).filter(Alias.name == name, Alias.alias.in_(PROTECTED))
    if version:
        query = query.filter(Alias.version == int(version))
    with session.no_autoflush:
        return f"{change.subject} is in service as champion; promote another version first" if query.first() else ""


def _tags(session: Session, name: str, version: int) -> dict[str, str]:
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersionTag as Tag

    with session.no_autoflush:
        rows = session.query(Tag).filter(Tag.name == name, Tag.version == version).all()
    return {row.key: row.value for row in rows}


def _words(subject: str) -> str:
    return subject.replace("/", " ")
