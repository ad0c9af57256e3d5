"""Drift between two profiles: distances, and a decision that needs both an effect that matters and chance ruled out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_mlops import stats
from jupyter_mlops.errors import nearest
from jupyter_mlops.monitoring.comoving import PairDrift, comoving
from jupyter_mlops.monitoring.measuring import CATEGORICAL, NUMERIC, Picture, categorical, numeric
from jupyter_mlops.monitoring.profiles import Column, Profile
from jupyter_mlops.monitoring.quality import Undeclared, faults
from jupyter_mlops.monitoring.reading import chosen_pairs, profile

if TYPE_CHECKING:
    from jupyter_mlops.monitoring.multivariate import Together

FEWEST = 30
EFFECT = 0.05
RATE = 0.05


@dataclass
class ColumnDrift:
    """`effect` is the Jensen-Shannon distance; `kind` is how the column is counted, `holds` the same in a person's word."""

    name: str
    kind: str
    n_reference: int
    n_current: int
    nulls_reference: int
    nulls_current: int
    figures: dict[str, float | None] = field(default_factory=dict)
    drifted: bool = False
    reason: str = ""
    stored: str = ""
    holds: str = ""

    @property
    def effect(self) -> float:
        return self.figures.get("js") or 0.0

    @property
    def why(self) -> str:
        return "; ".join(filter(None, [self.reason, self.stored]))

    def as_dict(self) -> dict[str, Any]:
        hidden = ("kind", "figures", "drifted", "reason", "stored", "holds")
        line = {"name": self.name, "kind": self.holds or self.kind} | {
            k: v for k, v in vars(self).items() if k not in hidden
        }
        return {**line, **self.figures, "effect": self.effect, "drifted": self.drifted, "reason": self.why}


@dataclass
class DriftReport:
    rows_reference: int
    rows_current: int
    columns: list[ColumnDrift]
    missing: list[str]
    extra: list[str]
    renamed: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)
    multivariate: Together | None = None
    broken: dict[str, str] = field(default_factory=dict)
    pairs: list[PairDrift] = field(default_factory=list)

    @property
    def drifted_columns(self) -> list[str]:
        return [column.name for column in self.columns if column.drifted]

    @property
    def drifted_pairs(self) -> list[PairDrift]:
        return [pair for pair in self.pairs if pair.drifted]

    def as_dict(self) -> dict[str, Any]:
        """The data of `drift --json`."""
        return {
            "rows": {"reference": self.rows_reference, "current": self.rows_current},
            "columns": [column.as_dict() for column in self.columns],
            "drifted_columns": self.drifted_columns,
            "missing_columns": self.missing,
            "extra_columns": self.extra,
            "renamed_columns": self.renamed,
            "broken_columns": self.broken,
            "pairs": [pair.as_dict() for pair in self.pairs],
            "lost": self.lost,
            "multivariate": self.multivariate.as_dict() if self.multivariate else None,
        }

    def __str__(self) -> str:
        from jupyter_mlops.monitoring.showing import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from jupyter_mlops.monitoring.showing import as_html

        return as_html(self)


def drift(
    reference: Any,
    current: Any,
    *,
    effect: float = EFFECT,
    fdr: float = RATE,
    ignore: Sequence[str] = (),
    exact: bool = False,
    multivariate: bool = False,
    pairs: Iterable[Sequence[str]] = (),
) -> DriftReport:
    """Compare two data sets (frames, Arrow, paths, Profiles), column by column.

    A column drifted when its Jensen-Shannon distance is at least `effect` and the hypothesis of no change is rejected with
    the false discovery rate over all columns held at `fdr`. Fewer than 30 values on a side are inconclusive, not drift.
    `broken` in the report says which columns look like a fault of the feed (empty, stuck, another unit), drifted or not.
    Figures are within 1 % (or 0.002) of those of the raw rows, whose memory is not needed; `exact` gives the very same.
    `pairs` are columns whose correlation is compared too, as are those that two given profiles hold.
    `multivariate` also asks, of a sample, whether the columns together tell the data sets apart; profiles have no rows to ask.
    """
    chosen = chosen_pairs(pairs)
    ref, cur = (profile(data, exact=exact, pairs=chosen) for data in (reference, current))
    shared = [name for name in ref.columns if name in cur.columns and name not in ignore]
    pictures: dict[str, Picture] = {}
    compared = [_compare(name, ref.columns[name], cur.columns[name], pictures) for name in shared]
    _decide(compared, effect, fdr)
    missing = [n for n in ref.columns if n not in cur.columns and n not in ignore]
    extra = [n for n in cur.columns if n not in ref.columns and n not in ignore]
    both = None
    if multivariate:
        from jupyter_mlops.monitoring import multivariate as sample

        both = sample.together(reference, current, [c.name for c in compared if c.kind == cur.columns[c.name].kind])
    guesses = renamed(ref, cur, missing, extra)
    faulty = faults(ref, cur, [*shared, *missing], Undeclared()) if cur.rows >= FEWEST else {}
    lost = [*ref.lost, *cur.lost]
    together = comoving(ref.pairs, cur.pairs, fdr)
    return DriftReport(ref.rows, cur.rows, compared, missing, extra, guesses, lost, pictures, both, faulty, together)


def _compare(name: str, ref: Column, cur: Column, pictures: dict[str, Picture]) -> ColumnDrift:
    told = ref if ref.present or not cur.present else cur
    kind = told.kind
    found = ColumnDrift(name, kind, ref.n, cur.n, ref.nulls, cur.nulls, holds=told.holds)
    found.figures = dict.fromkeys(NUMERIC if kind == "numeric" else CATEGORICAL)
    if ref.type != cur.type and ref.present and cur.present:
        found.stored = f"it was stored as {ref.type or 'nothing'}, now as {cur.type or 'nothing'}"
    if ref.present and cur.present and ref.kind != cur.kind:
        found.reason = f"it was {ref.holds} and is {cur.holds} now"
    elif min(ref.seen, cur.seen) == 0:
        found.reason = f"inconclusive: there are no values to compare {'now' if ref.seen else 'in the reference'}"
    else:
        measured = numeric(ref, cur) if kind == "numeric" else categorical(ref, cur)
        found.figures |= measured[0]
        pictures[name] = measured[1]
        if min(ref.seen, cur.seen) < FEWEST:
            found.reason = f"inconclusive: {min(ref.seen, cur.seen)} values are too few"
    return found


def renamed(ref: Profile, cur: Profile, missing: list[str], extra: list[str]) -> dict[str, str]:
    """For each column that is gone, the new one that looks most like it by its name or by its values, if any does."""
    guesses: dict[str, str] = {}
    for name in missing:
        left = [n for n in extra if n not in guesses.values() and cur.columns[n].kind == ref.columns[name].kind]
        close = nearest(name, left) or _alike(ref.columns[name], {n: cur.columns[n] for n in left})
        if close:
            guesses[name] = close
    return guesses


def _alike(ref: Column, candidates: dict[str, Column]) -> str | None:
    """The candidate whose values are distributed like the column's own, when one is."""
    if ref.seen < FEWEST:
        return None
    measure = numeric if ref.kind == "numeric" else categorical
    apart = {n: measure(ref, c)[0]["js"] for n, c in candidates.items() if c.seen >= FEWEST}
    best = min(apart, key=lambda n: apart[n], default=None)
    return best if best is not None and apart[best] < EFFECT else None


def _decide(columns: list[ColumnDrift], effect: float, rate: float) -> None:
    tested = [column for column in columns if not column.reason]
    beyond_chance = stats.benjamini_hochberg(np.array([c.figures["p_value"] for c in tested], dtype=np.float64), rate)
    for column, real in zip(tested, beyond_chance, strict=True):
        column.drifted = bool(real) and column.effect >= effect
        if column.drifted:
            column.reason = (
                f"its distribution moved by {column.effect:.2f} (at least {effect:g} matters), beyond chance"
            )
        elif real:
            column.reason = f"it moved by {column.effect:.2f}, less than the {effect:g} that matters"
        else:
            column.reason = "no change beyond chance"
