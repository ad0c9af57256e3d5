"""Tests that may be looked at after every row: their chance of ever raising a false alarm is bounded, not that of one look."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_evidence(reference: Floats, current: Floats) -> float:
    """The logarithm of the evidence against "both samples are drawn from one distribution over these bins"; 0 is none.

    The Bayes factor of independence in a 2 x k table of which one row is given (Gunel and Dickey, 1974), under Jeffreys' prior.
    As `current` grows it is a martingale with mean 1 under no change, averaged over what the reference leaves open about the
    shares; so it exceeds 1 / a at any time with a probability of about a at most (Ville, 1939).
    """
    prior = np.full(len(reference), 0.5)
    apart = _log_marginal(current, prior)
    together = _log_marginal(reference + current, prior) - _log_marginal(reference, prior)
    return apart - together


def _log_marginal(counts: Floats, prior: Floats) -> float:
    """The logarithm of the Dirichlet-multinomial probability of a sequence with these counts."""
    lgamma = np.frompyfunc(math.lgamma, 1, 1)
    within = float(np.sum(lgamma(counts + prior) - lgamma(prior)))
    return within + math.lgamma(float(prior.sum())) - math.lgamma(float(prior.sum() + counts.sum()))


def e_benjamini_hochberg(log_evidences: Floats, rate: float) -> NDArray[np.bool_]:
    """Which hypotheses to reject so that the expected share of false ones is below `rate`, however they depend on each other.

    The e-BH procedure (Wang and Ramdas, 2022): the k largest, for the largest k with the k-th at least n / (rate k).
    """
    count = len(log_evidences)
    order = np.argsort(-log_evidences, kind="stable")
    needed = np.log(max(1, count)) - math.log(rate) - np.log(np.arange(1, count + 1))
    enough = np.flatnonzero(log_evidences[order] >= needed)
    rejected = np.zeros(count, dtype=bool)
    rejected[order[: int(enough[-1]) + 1 if len(enough) else 0]] = True
    return rejected
