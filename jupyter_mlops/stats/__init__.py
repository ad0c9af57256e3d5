"""Numbers from numbers: metrics as sums, intervals, distances between histograms. No I/O, no model, no clock."""

from jupyter_mlops.stats.behaviour import behaviour, leaning, popularity
from jupyter_mlops.stats.bootstrap import (
    Combine,
    Interval,
    Sums,
    beside,
    bucket_of,
    bucketed,
    by_unit,
    difference_of,
    interval,
    intervals,
    paired_interval,
)
from jupyter_mlops.stats.changes import change_point
from jupyter_mlops.stats.classification import CLASSIFICATION, MULTICLASS, ratio
from jupyter_mlops.stats.correlation import ORDERS, correlation, correlations_differ
from jupyter_mlops.stats.discovery import benjamini_hochberg, holm
from jupyter_mlops.stats.distances import (
    chi_square,
    exact_p_value,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    largest_gap,
    population_stability,
    wasserstein,
)
from jupyter_mlops.stats.metrics import RANKING, REGRESSION, Metric
from jupyter_mlops.stats.online import online_level, simes
from jupyter_mlops.stats.ranking import coverage, first, ranked, unlike_pairs
from jupyter_mlops.stats.sequential import e_benjamini_hochberg, log_evidence
from jupyter_mlops.stats.shares import few, wilson
from jupyter_mlops.stats.strata import stratified

_CATALOGUE = {"coverage@10": True, "diversity@10": True, "novelty@10": True, "popularity_bias@10": False}
HIGHER_IS_BETTER = {
    metric.name: metric.higher
    for metric in (*REGRESSION, *CLASSIFICATION, *MULTICLASS, *RANKING)
    if metric.higher is not None
} | _CATALOGUE
"""A metric that is not here (bias) has no better direction and cannot be gated."""

__all__ = [
    "CLASSIFICATION",
    "HIGHER_IS_BETTER",
    "MULTICLASS",
    "ORDERS",
    "RANKING",
    "REGRESSION",
    "Combine",
    "Interval",
    "Metric",
    "Sums",
    "behaviour",
    "benjamini_hochberg",
    "beside",
    "bucket_of",
    "bucketed",
    "by_unit",
    "change_point",
    "chi_square",
    "correlation",
    "correlations_differ",
    "coverage",
    "difference_of",
    "e_benjamini_hochberg",
    "exact_p_value",
    "few",
    "first",
    "hellinger",
    "holm",
    "interval",
    "intervals",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "largest_gap",
    "leaning",
    "log_evidence",
    "online_level",
    "paired_interval",
    "popularity",
    "population_stability",
    "ranked",
    "ratio",
    "simes",
    "stratified",
    "unlike_pairs",
    "wasserstein",
    "wilson",
]
