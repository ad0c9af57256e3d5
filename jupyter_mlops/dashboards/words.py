"""Figures as people write them: money, shares, dates, and plain names for measures, states and acts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

UNKNOWN = "unknown"


class Measure(NamedTuple):
    """A metric's name for people, and which way is better ("" where neither is)."""

    name: str
    better: str


_MEASURES = {
    "accuracy": Measure("Share answered rightly", "higher"),
    "auc": Measure("Telling good from bad", "higher"),
    "auc_ovr": Measure("Telling each class from the rest", "higher"),
    "average_precision": Measure("Right ones near the top, over all thresholds", "higher"),
    "balanced_accuracy": Measure("Share answered rightly, each class counting the same", "higher"),
    "bias": Measure("Leaning to one side", ""),
    "brier": Measure("Error of the probabilities", "lower"),
    "coverage": Measure("Share of the range that is ever suggested", "higher"),
    "diversity": Measure("Unlikeness of what is suggested together", "higher"),
    "conversion": Measure("Visitors who took anything", "higher"),
    "ctr": Measure("Suggestions that were taken", "higher"),
    "drift": Measure("Distance from the training data", "lower"),
    "drift_p_value": Measure("How probable such a distance is by chance", "higher"),
    "ece": Measure("Gap between said and true probability", "lower"),
    "f1": Measure("Balance of finding and not crying wolf", "higher"),
    "f1_macro": Measure("Balance of finding and not crying wolf, over the classes", "higher"),
    "hit": Measure("Lists with a right one near the top", "higher"),
    "log_loss": Measure("Misplaced certainty", "lower"),
    "mae": Measure("Average error", "lower"),
    "map": Measure("Right ones near the top", "higher"),
    "mcc": Measure("Agreement with what was right, chance taken out", "higher"),
    "mrr": Measure("How near the top the first right one is", "higher"),
    "ndcg": Measure("Ranking quality", "higher"),
    "novelty": Measure("Rarity of what is suggested", "higher"),
    "popularity_bias": Measure("Leaning to what everybody buys", "lower"),
    "position_bias": Measure("How much oftener the first place is taken", "lower"),
    "precision": Measure("Suggestions that were right", "higher"),
    "precision_macro": Measure("Answers that were right, over the classes", "higher"),
    "prediction_drift": Measure("Distance of the answers from ordinary ones", "lower"),
    "attribution_drift": Measure("Share of the answers that rests on other columns than in training", "lower"),
    "r2": Measure("Share of the variation explained", "higher"),
    "recall": Measure("Right ones that were suggested", "higher"),
    "recall_macro": Measure("Cases that were found, over the classes", "higher"),
    "rmse": Measure("Typical error, large ones weighing more", "lower"),
    "session_length": Measure("Suggestions shown to each", ""),
    "specificity": Measure("Others that were left alone", "higher"),
}


def measure(metric: str) -> Measure:
    """`ndcg@10` and `ndcg` have one name; a metric of the project's own keeps its own. An estimate is called one."""
    before, estimated, name = metric.partition("estimated_")
    if estimated and not before:
        known = measure(name)
        return Measure(f"{known.name}, estimated before outcomes", known.better)
    return _MEASURES.get(metric.partition("@")[0], Measure(metric or UNKNOWN, ""))


class State(NamedTuple):
    """How a word is shown: its tone (a class of the style sheet) and a sign, so that colour never stands alone."""

    tone: str
    sign: str


_STATES = {
    "healthy": State("good", "●"),
    "at risk": State("bad", "▲"),
    "not in service": State("idle", "■"),
    UNKNOWN: State("idle", "?"),
    "pass": State("good", "✓"),
    "fail": State("bad", "✗"),
    "inconclusive": State("warn", "≈"),
    "not run": State("idle", "○"),
    "critical": State("bad", "▲"),
    "warning": State("warn", "▲"),
    "info": State("idle", "i"),
}


def state(word: str) -> State:
    return _STATES.get(word, State("idle", "?"))


class Act(NamedTuple):
    """An action of the ledger in plain words, its kind (what it is filtered by) and how it is shown."""

    words: str
    kind: str
    state: State


_ACTS = {
    "set alias": Act("Put in service", "service", State("good", "✓")),
    "delete alias": Act("Taken out of service", "service", State("warn", "■")),
    "promotion refused": Act("Not put in service", "refused", State("bad", "✗")),
    "set alias refused": Act("Refused: not allowed", "refused", State("bad", "✗")),
    "retrain fired": Act("Retrained", "retraining", State("good", "↻")),
    "retrain refused": Act("Not retrained", "retraining", State("warn", "■")),
    "retrain failed": Act("Retraining failed", "retraining", State("bad", "✗")),
    "alert opened": Act("Alert opened", "alert", State("warn", "▲")),
    "alert acknowledged": Act("Alert taken on", "alert", State("idle", "·")),
    "alert resolved": Act("Alert closed", "alert", State("good", "✓")),
    "alert suppressed": Act("Alert suppressed", "alert", State("idle", "·")),
    "alerts silenced": Act("Alerts silenced", "alert", State("idle", "·")),
}


def act(action: str) -> Act:
    return _ACTS.get(action, Act(action, "other", State("idle", "·")))


def number(value: float | None) -> str:
    """Three figures that matter, in plain notation; what is not a number is unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    size = abs(value)
    if size and (size < 0.001 or size >= 1e15):
        return f"{value:.2g}"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or not size else 3
    return f"{value:,.{digits}f}"


def interval(low: float | None, high: float | None) -> str:
    """`0.51 to 0.55`; empty where no interval is known."""
    return f"{number(low)} to {number(high)}" if low is not None and high is not None else ""


def money(amount: float | None, currency: str) -> str:
    """Whole units from ten on, cents below; millions in words."""
    if amount is None or not math.isfinite(amount):
        return UNKNOWN
    if abs(amount) >= 1e6:
        figure = f"{amount / 1e6:,.1f} million"
    else:
        figure = f"{amount:,.0f}" if abs(amount) >= 10 or amount == 0 else f"{amount:,.2f}"
    return f"{figure} {currency}".strip()


def moneys(amounts: Iterable[tuple[float, str]]) -> str:
    """Sums by currency, the largest first; currencies are never added to each other."""
    sums: dict[str, float] = {}
    for amount, currency in amounts:
        sums[currency] = sums.get(currency, 0.0) + amount
    return " + ".join(money(total, c) for c, total in sorted(sums.items(), key=lambda item: -item[1]))


def share(part: float | None) -> str:
    """A fraction as a percentage. Nearly all is not all, and nearly none is not none."""
    if part is None or not math.isfinite(part):
        return UNKNOWN
    if 0.99 < part < 1:
        return f"{math.floor(part * 1000) / 10:.1f}%"
    return "under 1%" if 0 < part < 0.01 else f"{part:.0%}"


def count(n: int, one: str, many: str = "") -> str:
    """`1 model`, `3 models`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(names: Iterable[str], most: int = 3) -> str:
    """`a, b and c`; of many, the first few and how many more."""
    known = list(names)
    if len(known) > most + 1:
        known = [*known[:most], f"{len(known) - most} more"]
    return " and ".join(part for part in (", ".join(known[:-1]), *known[-1:]) if part)


def day(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y}"


def clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M} UTC"


def moment(at: datetime) -> str:
    return f"{day(at)} {clock(at)}"


def period(start: datetime, end: datetime) -> str:
    return f"{day(start)} to {day(end)}"
