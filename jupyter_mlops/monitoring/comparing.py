"""Drift between two profiles: distances, and a decision that needs both an effect that matters and chance ruled out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jupyter_mlops import stats
from jupyter_mlops.monitoring.buckets import aligned
from jupyter_mlops.monitoring.profiles import Column
from jupyter_mlops.monitoring.reading import profile

FEWEST = 30
EFFECT = 0.1
RATE = 0.05


@dataclass
class ColumnDrift:
    """`effect` is the Jensen-Shannon distance; `test` names the statistic that `p_value` belongs to."""

    name: str
    kind: str
    n_reference: int
    n_current: int
    nulls_reference: int
    nulls_current: int
    figures: dict[str, float] = field(default_factory=dict)
    drifted: bool = False
    reason: str = ""

    @property
    def effect(self) -> float:
        return self.figures.get("js", 0.0)

    def as_dict(self) -> dict[str, Any]:
        line = {k: v for k, v in vars(self).items() if k not in ("figures", "drifted", "reason")}
        return {**line, **self.figures, "effect": self.effect, "drifted": self.drifted, "reason": self.reason}


@dataclass
class DriftReport:
    rows_reference: int
    rows_current: int
    columns: list[ColumnDrift]
    missing: list[str]
    extra: list[str]
    pictures: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    @property
    def drifted_columns(self) -> list[str]:
        return [column.name for column in self.columns if column.drifted]

    def as_dict(self) -> dict[str, Any]:
        """The data of `drift --json`."""
        return {
            "rows": {"reference": self.rows_reference, "current": self.rows_current},
            "columns": [column.as_dict() for column in self.columns],
            "drifted_columns": self.drifted_columns,
            "missing_columns": self.missing,
            "extra_columns": self.extra,
        }

    def __str__(self) -> str:
        from jupyter_mlops.monitoring.showing import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from jupyter_mlops.monitoring.showing import as_html

        return as_html(self)


def drift(
    reference: Any, current: Any, *, effect: float = EFFECT, fdr: float = RATE, ignore: Sequence[str] = ()
) -> DriftReport:
    """Compare two data sets (frames, Arrow, paths, Profiles), column by column.

    A column drifted when its Jensen-Shannon distance is at least `effect` and the hypothesis of no change is rejected with
    the false discovery rate over all columns held at `fdr`. Fewer than 30 values on a side are inconclusive, not drift.
    """
    ref, cur = profile(reference), profile(current)
    shared = [name for name in ref.columns if name in cur.columns and name not in ignore]
    pictures: dict[str, tuple[list[float], list[float]]] = {}
    compared = [_compare(name, ref.columns[name], cur.columns[name], pictures) for name in shared]
    _decide(compared, effect, fdr)
    return DriftReport(
        ref.rows,
        cur.rows,
        compared,
        [n for n in ref.columns if n not in cur.columns],
        [n for n in cur.columns if n not in ref.columns],
        pictures,
    )


def _compare(name: str, ref: Column, cur: Column, pictures: dict[str, tuple[list[float], list[float]]]) -> ColumnDrift:
    found = ColumnDrift(name, ref.kind, ref.n, cur.n, ref.nulls, cur.nulls)
    if ref.kind != cur.kind:
        found.reason = f"it was {ref.kind} and is {cur.kind} now"
    elif min(ref.seen, cur.seen) < FEWEST:
        found.reason = f"inconclusive: {min(ref.seen, cur.seen)} values are too few"
    elif ref.kind == "numeric":
        found.figures, pictures[name] = _numeric(ref, cur)
    else:
        found.figures, pictures[name] = _categorical(ref, cur)
    return found


def _numeric(ref: Column, cur: Column) -> tuple[dict[str, float], tuple[list[float], list[float]]]:
    p, q, values = aligned(ref.buckets, cur.buckets)
    ks, p_value = stats.kolmogorov_smirnov(p, q)
    tenths = _binned(p, q, values, _quantile_edges(p, values))
    bars = _binned(p, q, values, _doane_edges(p, values))
    distance = stats.wasserstein(p, q, values)
    figures = {
        "ks": ks,
        "p_value": p_value,
        "psi": stats.population_stability(*tenths),
        "js": stats.jensen_shannon(*bars),
        "wasserstein": distance,
    }
    return figures, (bars[0].tolist(), bars[1].tolist())


def _categorical(ref: Column, cur: Column) -> tuple[dict[str, float], tuple[list[float], list[float]]]:
    names = sorted({*ref.categories, *cur.categories}, key=lambda n: (-ref.categories[n], n))
    p = np.array([ref.categories[n] for n in names], dtype=np.float64)
    q = np.array([cur.categories[n] for n in names], dtype=np.float64)
    statistic, p_value = stats.chi_square(p, q)
    figures = {
        "chi2": statistic,
        "p_value": p_value,
        "psi": stats.population_stability(p, q),
        "js": stats.jensen_shannon(p, q),
    }
    return figures, (p[:30].tolist(), q[:30].tolist())


Floats = np.ndarray[Any, np.dtype[np.float64]]


def _quantile_edges(counts: Floats, values: Floats) -> Floats:
    """Inner edges of ten bins that hold a tenth of the reference each; fewer where values are tied."""
    reached = np.cumsum(counts) / counts.sum()
    return np.unique(values[np.searchsorted(reached, np.arange(1, 10) / 10)])


def _doane_edges(counts: Floats, values: Floats) -> Floats:
    """Inner edges of equal bins over the reference's range, their number by Doane's rule, what lies outside in two more."""
    held = counts > 0
    n, v, c = counts.sum(), values[held], counts[held]
    mean = np.average(v, weights=c)
    sd = math.sqrt(np.average((v - mean) ** 2, weights=c))
    if n < 3 or sd == 0 or not math.isfinite(sd):
        return np.unique(np.array([np.nextafter(v[0], -np.inf), v[-1]]))
    skew = abs(np.average(((v - mean) / sd) ** 3, weights=c))
    spread = math.sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3)))
    bins = math.ceil(1 + math.log2(n) + math.log2(1 + skew / spread))
    edges = np.linspace(v[0], v[-1], bins + 1)
    edges[0] = np.nextafter(edges[0], -np.inf)
    return np.unique(edges)


def _binned(p: Floats, q: Floats, values: Floats, inner: Floats) -> tuple[Floats, Floats]:
    """Counts of both below, between and above the edges; an edge belongs to the bin below it."""
    place = np.searchsorted(inner, values, side="left")
    size = len(inner) + 1
    below, after = (np.bincount(place, weights=w, minlength=size).astype(np.float64) for w in (p, q))
    return below, after


def _decide(columns: list[ColumnDrift], effect: float, rate: float) -> None:
    tested = [column for column in columns if column.figures]
    beyond_chance = stats.benjamini_hochberg(np.array([c.figures["p_value"] for c in tested]), rate)
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
