"""The figures of one column in two profiles, and the bars to draw of it."""

from __future__ import annotations

import numpy as np

from jupyter_mlops import stats
from jupyter_mlops.monitoring.buckets import MOST, Buckets, either
from jupyter_mlops.monitoring.categories import aligned
from jupyter_mlops.monitoring.curves import Floats, bars, curves, tenths, together
from jupyter_mlops.monitoring.describing import moments
from jupyter_mlops.monitoring.profiles import Column

NUMERIC = ("ks", "p_value", "psi", "js", "wasserstein", "wasserstein_normed", "hellinger")
CATEGORICAL = ("chi2", "p_value", "psi", "js", "hellinger", "linf")
Figures = dict[str, float]
Picture = tuple[list[float], list[float]]


def numeric(ref: Column, cur: Column) -> tuple[Figures, Picture]:
    """Distances of two numeric columns; `wasserstein_normed` is in standard deviations of the reference."""
    reference, current = curves(ref.buckets, cur.buckets)
    in_tenths, in_bars = tenths(reference, current), bars(reference, current, ref.integral)
    p, q = _same(ref.buckets, cur.buckets)
    ks, p_value = stats.kolmogorov_smirnov(p, q)
    if max(ref.buckets.most, cur.buckets.most) > MOST:
        p_value = stats.exact_p_value(p, q)
    distance = stats.wasserstein(*together(reference, current))
    _, deviation = moments(ref.buckets)
    figures = {
        "ks": ks,
        "p_value": p_value,
        "psi": stats.population_stability(*in_tenths),
        "js": stats.jensen_shannon(*in_bars),
        "wasserstein": distance,
        "hellinger": stats.hellinger(*in_bars),
    }
    if deviation:
        figures["wasserstein_normed"] = distance / deviation
    return figures, (in_bars[0].tolist(), in_bars[1].tolist())


def _same(one: Buckets, two: Buckets) -> tuple[Floats, Floats]:
    """Both columns' counts over the same buckets."""
    shift = max(one.shift, two.shift)
    one, two = one.coarser(shift), two.coarser(shift)
    keys = either(one.keys, two.keys)
    counted = []
    for part in (one, two):
        full = np.zeros(len(keys))
        full[np.searchsorted(keys, part.keys)] = part.counts
        counted.append(full)
    return counted[0], counted[1]


def categorical(ref: Column, cur: Column) -> tuple[Figures, Picture]:
    p, q, each = aligned(ref.categories, cur.categories)
    statistic, p_value = stats.chi_square(p, q, yates=True, each=each)
    figures = {
        "chi2": statistic,
        "p_value": p_value,
        "psi": stats.population_stability(p, q),
        "js": stats.jensen_shannon(p, q),
        "hellinger": stats.hellinger(p, q),
        "linf": stats.largest_gap(p, q),
    }
    return figures, (p[:30].tolist(), q[:30].tolist())
