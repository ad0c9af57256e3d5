"""Drift in a stream: rows come one by one or in batches, and looking at the verdict after each of them is free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from jupyter_mlops import stats
from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring.categories import aligned
from jupyter_mlops.monitoring.comparing import EFFECT, RATE
from jupyter_mlops.monitoring.curves import curves, tenths
from jupyter_mlops.monitoring.profiles import Column, Profile
from jupyter_mlops.monitoring.reading import profile

_BUFFER = 1 << 14


class DriftStream:
    """What arrives, held against a reference by a test that is valid at any time.

    However often and whenever it is looked at, the false discovery rate over the columns stays below `fdr`; a column drifted when
    the evidence says so and its Jensen-Shannon distance over ten reference quantiles (or its categories) is at least `effect`.
    """

    def __init__(self, reference: Any, *, effect: float = EFFECT, fdr: float = RATE) -> None:
        self.reference = profile(reference)
        self.effect, self.fdr = effect, fdr
        self._seen = Profile(0, {})
        self._waiting: list[Mapping[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """One row, as a dictionary; a few microseconds."""
        self._waiting.append(row)
        if len(self._waiting) >= _BUFFER:
            self._take()

    def update(self, data: Any) -> None:
        """A batch: anything `profile` takes."""
        self._take()
        self._seen = self._seen.merge(profile(data)) if self._seen.columns else profile(data)

    @property
    def seen(self) -> Profile:
        """The profile of everything that arrived."""
        self._take()
        return self._seen

    @property
    def evidence(self) -> dict[str, float]:
        """The logarithm of each column's evidence of a change."""
        return {name: found[0] for name, found in self._judged().items()}

    @property
    def drifted_columns(self) -> list[str]:
        judged = self._judged()
        names = list(judged)
        real = stats.e_benjamini_hochberg(np.array([judged[name][0] for name in names]), self.fdr)
        return [name for name, yes in zip(names, real, strict=True) if yes and judged[name][1] >= self.effect]

    def _judged(self) -> dict[str, tuple[float, float]]:
        now = self.seen.columns
        shared = {name: (column, now[name]) for name, column in self.reference.columns.items() if name in now}
        return {name: _column(*pair) for name, pair in shared.items() if min(p.seen for p in pair)}

    def _take(self) -> None:
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        names = list(dict.fromkeys(name for row in rows for name in row))
        try:
            table = pa.table({name: [row.get(name) for row in rows] for name in names})
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise BadInput(
                f"these rows have no common type: {str(error)[:200]}", "give each column one type"
            ) from error
        made = profile(table)
        self._seen = self._seen.merge(made) if self._seen.columns else made


def _column(ref: Column, cur: Column) -> tuple[float, float]:
    if ref.kind != cur.kind:
        return float("inf"), 1.0
    if ref.kind == "numeric":
        p, q = tenths(*curves(ref.buckets, cur.buckets))
    else:
        p, q, _ = aligned(ref.categories, cur.categories)
    return stats.log_evidence(p, q), stats.jensen_shannon(p, q)
