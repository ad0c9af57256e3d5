"""Tests that come one after another without end: at which level to ask the next, so that few of all alarms are false."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SCALE = 0.0722  # makes the weights below sum to 1


def simes(p_values: Floats) -> float:
    """One p-value for "none of these is a change" (Simes, 1986): below the level exactly when Benjamini-Hochberg rejects any."""
    count = len(p_values)
    if not count:
        return 1.0
    return float(min(1.0, (np.sort(p_values) * count / np.arange(1, count + 1)).min()))


def online_level(past: Sequence[float], rate: float) -> float:
    """The level for the next test, given the p-values of those before it, in order: LORD++ (Ramdas et al., 2017).

    The expected share of false alarms among all alarms stays below `rate` however many tests follow, when p-values of no change
    are independent. Each alarm earns some level back; a long time without one leaves little.
    """
    start = rate / 2
    alarms: list[int] = []
    for step in range(1, len(past) + 2):
        level = start * _weight(step)
        if alarms:
            level += (rate - start) * _weight(step - alarms[0])
            level += rate * sum(_weight(step - alarm) for alarm in alarms[1:])
        if step <= len(past) and past[step - 1] <= level:
            alarms.append(step)
    return min(level, rate)


def _weight(step: int) -> float:
    """Of the step-th test after an alarm; steps before it have none (Javanmard and Montanari, 2018)."""
    if step < 1:
        return 0.0
    return _SCALE * math.log(max(step, 2)) / (step * math.exp(math.sqrt(math.log(step))))
