"""Drift of how chosen pairs of columns move together: of their correlation, which no figure of a single column shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jupyter_mlops import stats
from jupyter_mlops.monitoring.pairs import Names, Pair

FEWEST = 30
MATTERS = 0.1


@dataclass(frozen=True)
class PairDrift:
    """`effect` is how far the correlation went; None where it cannot be told."""

    columns: Names
    reference: dict[str, Any]
    current: dict[str, Any]
    effect: float | None = None
    p_value: float | None = None
    drifted: bool = False
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {"columns": list(self.columns)}

    def __str__(self) -> str:
        before, now = self.reference["correlation"], self.current["correlation"]
        told = "" if before is None or now is None else f" were correlated by {before:.2f} and are by {now:.2f}"
        return f"{self.columns[0]} and {self.columns[1]}{told}: {self.reason}"


def comoving(reference: Mapping[Names, Pair], current: Mapping[Names, Pair], rate: float) -> list[PairDrift]:
    """A pair drifted when its correlation moved by at least 0.1 and beyond chance, the false discovery rate of all held."""
    found = [_compare(names, pair, current[names]) for names, pair in reference.items() if names in current]
    tested = [one for one in found if one.p_value is not None]
    real = stats.benjamini_hochberg(np.array([one.p_value for one in tested], dtype=np.float64), rate)
    decided = {one.columns: _decided(one, bool(yes)) for one, yes in zip(tested, real, strict=True)}
    return [decided.get(one.columns, one) for one in found]


def _compare(names: Names, ref: Pair, cur: Pair) -> PairDrift:
    one, two = ref.correlation, cur.correlation
    found = PairDrift(names, ref.as_dict(), cur.as_dict())
    if min(ref.n, cur.n) < FEWEST:
        return replace(found, reason=f"inconclusive: {min(ref.n, cur.n)} rows with both values are too few")
    if one is None or two is None:
        return replace(found, reason="inconclusive: one of them is constant")
    p_value = stats.correlations_differ((*one, ref.n), (*two, cur.n))
    return replace(found, effect=abs(one[0] - two[0]), p_value=p_value)


def _decided(one: PairDrift, real: bool) -> PairDrift:
    effect = one.effect or 0.0
    if real and effect >= MATTERS:
        return replace(
            one, drifted=True, reason=f"it moved by {effect:.2f} (at least {MATTERS:g} matters), beyond chance"
        )
    return replace(
        one, reason=f"it moved by {effect:.2f}, less than what matters" if real else "no change beyond chance"
    )
