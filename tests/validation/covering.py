"""Simulations whose truth is known: how often an interval of a gap between groups, or of what a recommender shows, holds it.

Each of `COVERED` takes how many simulations to run and gives, for each metric, how many intervals held the truth.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
import pandas as pd

from jupyter_mlops.validation.catalogue import Shelf
from jupyter_mlops.validation.fairness import fairness_of
from jupyter_mlops.validation.judged import Judged

POSITIVE = 0.4
ITEMS, OFFERED, SHOWN = 120, 15, 5


def _gaps(true: np.ndarray, false: np.ndarray) -> dict[str, float]:
    """By fairlearn's definitions, from each group's chance of being chosen when it should be and when it should not."""
    chosen = POSITIVE * true + (1 - POSITIVE) * false
    right = POSITIVE * true + (1 - POSITIVE) * (1 - false)
    return {
        "demographic_parity_difference": np.ptp(chosen),
        "demographic_parity_ratio": chosen.min() / chosen.max(),
        "equal_opportunity_difference": np.ptp(true),
        "equal_opportunity_ratio": true.min() / true.max(),
        "equalized_odds_difference": max(np.ptp(true), np.ptp(false)),
        "equalized_odds_ratio": min(true.min() / true.max(), false.min() / false.max()),
        "accuracy_difference": np.ptp(right),
    }


def groups(true: list[float], false: list[float], simulations: int, rows: int = 1200) -> dict[str, int]:
    """Groups of the same size that are chosen with these chances; the rates of the first group too."""
    known = _gaps(np.array(true), np.array(false))
    known |= {"true_positive_rate": true[0], "false_positive_rate": false[0]}
    random, found = np.random.default_rng(11), Counter(dict.fromkeys(known, 0))
    for _ in range(simulations):
        g = random.integers(0, len(true), rows)
        y = (random.random(rows) < POSITIVE).astype(float)
        chosen = random.random(rows) < np.where(y == 1, np.array(true)[g], np.array(false)[g])
        judged = Judged("classification", y, None, pd.DataFrame({"g": g}), ["0", "1"])
        [one] = fairness_of(judged, np.where(chosen, 0.9, 0.1), ["g"], 0)
        for e in [*one.gaps, *one.groups[0].rates]:
            found[e.metric] += e.metric in known and e.low - 1e-12 <= known[e.metric] <= e.high + 1e-12
    return {name: found[name] for name in known}


def errors(scale: list[float], shift: list[float], simulations: int, rows: int = 900) -> dict[str, int]:
    """Groups whose errors are normal with this spread and this mean."""
    mae = np.array([_folded(s, m) for s, m in zip(scale, shift, strict=True)])
    known = {"mae_difference": np.ptp(mae), "mae_ratio": mae.min() / mae.max(), "bias_difference": np.ptp(shift)}
    random, found = np.random.default_rng(12), Counter()
    for _ in range(simulations):
        g = random.integers(0, len(scale), rows)
        error = np.array(shift)[g] + np.array(scale)[g] * random.normal(size=rows)
        judged = Judged("regression", np.zeros(rows), None, pd.DataFrame({"g": g}), [])
        [one] = fairness_of(judged, error, ["g"], 0)
        for e in one.gaps:
            found[e.metric] += e.low - 1e-12 <= known[e.metric] <= e.high + 1e-12
    return {name: found[name] for name in known}


def _folded(scale: float, shift: float) -> float:
    errors = shift + scale * np.random.default_rng(0).normal(size=2_000_000)
    return float(np.abs(errors).mean())


def _shelf(random: np.random.Generator, lists: int) -> tuple[Shelf, np.ndarray]:
    popular = 1 / np.arange(1, ITEMS + 1)
    popular /= popular.sum()
    item = np.concatenate([random.choice(ITEMS, OFFERED, replace=False, p=popular) for _ in range(lists)])
    relevant = (random.random(len(item)) < 0.1 + 2 * popular[item]).astype(float)
    score = relevant + 10 * popular[item] + random.normal(size=len(item))
    entity = np.repeat(np.arange(lists), OFFERED)
    return Shelf(item, ITEMS, popular[item], item % 7, relevant, entity), score


def shelves(simulations: int, lists: int = 200) -> dict[str, int]:
    """What a recommender shows; of coverage, which grows with the people, that of so many people."""
    random = np.random.default_rng(13)
    shelf, score = _shelf(random, 20_000)
    known = {e.metric: e.value for e in shelf.estimates(score, SHOWN, 0)}
    drawn = [shelf.estimates(score, SHOWN, 0) for shelf, score in (_shelf(random, lists) for _ in range(simulations))]
    name = f"coverage@{SHOWN}"
    known[name] = float(np.mean([e.value for one in drawn for e in one if e.metric == name]))
    found = Counter(e.metric for one in drawn for e in one if e.low <= known[e.metric] <= e.high)
    return {name: found[name] for name in known}


COVERED = {
    "groups that differ": partial(groups, [0.8, 0.65, 0.5], [0.3, 0.2, 0.1]),
    "groups, two": partial(groups, [0.8, 0.7], [0.3, 0.2]),
    "groups that are even": partial(groups, [0.7, 0.7, 0.7], [0.2, 0.2, 0.2]),
    "errors that differ": partial(errors, [1.0, 1.3, 1.6], [0.0, 0.2, 0.5]),
    "errors that are even": partial(errors, [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
    "shelves": shelves,
}
