"""A governed registry with one version in it, and people who say things about it through MLflow's own client."""

import contextlib
import json
from collections.abc import Iterator

from mlflow import MlflowClient

from jupyter_mlops.governance import acting, parse_policy, put_in_force
from jupyter_mlops.project import Project
from jupyter_mlops.store import database, open_store

NAME = "rul.plant-01"
DIGEST = "a" * 64
POLICY = """\
version: 1
policy: high-risk
models: ["rul*"]
risk: [high]
protect: [champion, production]
gates: [mae]
approvals:
  roles: {validator: 1, risk-officer: 1}
  expire: 14d
roles:
  validator: [bob, carol]
  risk-officer: [dora, bob]
  on-call: [otto]
people:
  bob: [Robert, bob@corp.example]
break_glass: {roles: [on-call], review_within: 2d}
automatic: [retrain-bot]
"""


@contextlib.contextmanager
def by(name: str, source: str = "mlflow", reason: str = "") -> Iterator[None]:
    """As a server would have it: the request's authenticated user, who gives no reason but in what they send."""
    with acting(actor=name, source=source, reason=reason):
        yield


def put(project: Project, text: str = POLICY, reason: str = "agreed", actor: str = "root") -> str:
    policy = parse_policy(text, "test")
    with acting(reason=reason, actor=actor) as act, database(project).begin() as connection:
        put_in_force(connection, policy, act)
    return policy.digest


def client(project: Project, versions: int = 1) -> MlflowClient:
    plain = open_store(project).client
    with by("ann"):
        plain.create_registered_model(NAME, tags={"mlops.risk": "high"})
        for _ in range(versions):
            plain.create_model_version(NAME, source="/nowhere", tags={"mlops.digest": "d"}, await_creation_for=0)
    return plain


def decide(
    plain: MlflowClient, who: str, kind: str, reason: str = "good", *, source: str = "mlflow", version: int = 1, **facts
):
    value = json.dumps({"reason": reason, **facts}) if facts else reason
    with by(who, source):
        plain.set_model_version_tag(NAME, str(version), f"mlops.decision.{kind}", value)


def validated(plain: MlflowClient, who: str = "ann", evidence: str = DIGEST, verdict: str = "pass", version: int = 1):
    gates = [{"gate": "mae at most 25", "verdict": verdict}]
    decide(plain, who, "validated", "validated", verdict=verdict, evidence=evidence, gates=gates, version=version)


def champion(plain: MlflowClient) -> int | None:
    found = plain.get_registered_model(NAME).aliases.get("champion")
    return int(found) if found is not None else None
