"""What of a request is kept: sensitive columns as they are, hashed or not at all, before any of it reaches a disk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project, Target
from jupyter_mlops.serving.blocks import Block
from jupyter_mlops.serving.keyed import Keyed


class Privacy:
    """One project's rules: `deploy.log.sensitive` for the columns of `data.sensitive`."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._keyed = Keyed(project)

    def __call__(self, block: Block) -> Block:
        rule, hidden = _rule(self._target(block.model, block.segment))
        there = hidden & {*block.columns, *block.others}
        if not there:
            return block
        rest = block.without(there)
        if rule == "drop":
            return rest
        hashed = {name: [self._hash(value) for value in block.column(name) or []] for name in sorted(there)}
        return replace(rest, others={**rest.others, **hashed})

    def frame(self, target: Target, rows: pd.DataFrame) -> pd.DataFrame:
        """The same for many rows at once."""
        rule, hidden = _rule(target)
        there = [name for name in rows.columns if name in hidden]
        if rule == "drop":
            return rows.drop(columns=there)
        return rows.assign(**{name: rows[name].map(self._hash) for name in there})

    def as_kept(self, target: Target, column: str, value: str) -> str:
        """How a value of this column stands in the log."""
        rule, hidden = _rule(target)
        return self._keyed.hash(value) if rule == "hash" and column in hidden else value

    def _hash(self, value: Any) -> str | None:
        return None if value is None or value != value else self._keyed.hash(value)

    def _target(self, model: str, segment: str) -> Target | None:
        try:
            return self._project.target(f"{model}.{segment}" if segment else model)
        except MlopsError:
            return None


def _rule(target: Target | None) -> tuple[str, set[str]]:
    rule = target.spec.deploy.log.sensitive if target and target.spec.deploy else "keep"
    return rule, set(target.spec.data.sensitive) if target and rule != "keep" else set()
