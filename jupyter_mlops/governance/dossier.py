"""Everything known of one version, gathered once: cards, rule tables and packs are made from it and add nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.project import Target
from jupyter_mlops.records import Alert, Dataset, Evidence, LedgerEntry, MetricPoint, ModelVersion, Run


@dataclass(frozen=True)
class Dossier:
    """`target` is None for a model that mlops.yaml does not declare; `files` maps each model file to its SHA-256."""

    project: str
    business_unit: str
    version: ModelVersion
    target: Target | None
    run: Run | None
    evidence: Evidence | None
    history: list[LedgerEntry]
    standing: dict[str, Any]
    points: list[MetricPoint] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    library: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
    requirements: list[str] = field(default_factory=list)
    code: str = ""
    notebook: str = ""
    modules: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.version.model}/{self.version.version}"

    @property
    def data(self) -> list[Dataset]:
        """What it learned from and was scored on, and what it was judged on."""
        return [*(self.run.datasets if self.run else []), *([self.evidence.data] if self.evidence else [])]

    @property
    def risk(self) -> str:
        return self.target.spec.risk if self.target else self.version.tags.get("mlops.risk", "")

    @property
    def asked(self) -> dict[str, str]:
        """What only a person can say, as far as somebody has said it."""
        if self.target is None:
            return {}
        said = {
            **self.target.spec.card.model_dump(),
            "purpose": self.target.spec.purpose,
            "owner": self.target.spec.owner,
        }
        return {name: str(text) for name, text in said.items() if text}

    @property
    def of_version(self) -> list[LedgerEntry]:
        return [e for e in self.history if e.subject == self.name]
