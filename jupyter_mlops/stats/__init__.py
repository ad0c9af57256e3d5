"""Numbers from numbers: metrics as sums, intervals, distances between histograms. No I/O, no model, no clock."""

from jupyter_mlops.stats.added import Added, summed
from jupyter_mlops.stats.behaviour import behaviour, leaning, popularity
from jupyter_mlops.stats.bootstrap import (
    BUCKETS,
    Combine,
    Interval,
    Sums,
    beside,
    bucket_of,
    bucketed,
    by_unit,
    difference_of,
    gap_interval,
    interval,
    intervals,
    paired_interval,
)
from jupyter_mlops.stats.changes import change_point
from jupyter_mlops.stats.classification import CLASSIFICATION, MULTICLASS, ratio
from jupyter_mlops.stats.correlation import ORDERS, correlation, correlations_differ
from jupyter_mlops.stats.directions import gated_metrics, higher_is_better
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
from jupyter_mlops.stats.metrics import RANKING, REGRESSION, Metric, Rising, at_k, ranking_at
from jupyter_mlops.stats.named import groups_of, is_extreme, left_out, named_metric
from jupyter_mlops.stats.online import online_level, simes
from jupyter_mlops.stats.ordering import rising_order, stretches
from jupyter_mlops.stats.ranking import first, unlike_pairs
from jupyter_mlops.stats.sequential import e_benjamini_hochberg, log_evidence
from jupyter_mlops.stats.shares import few, wilson
from jupyter_mlops.stats.showing import coverage, coverage_gain
from jupyter_mlops.stats.strata import stratified

__all__ = [
    "BUCKETS",
    "CLASSIFICATION",
    "MULTICLASS",
    "ORDERS",
    "RANKING",
    "REGRESSION",
    "Added",
    "Combine",
    "Interval",
    "Metric",
    "Rising",
    "Sums",
    "at_k",
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
    "coverage_gain",
    "difference_of",
    "e_benjamini_hochberg",
    "exact_p_value",
    "few",
    "first",
    "gap_interval",
    "gated_metrics",
    "groups_of",
    "hellinger",
    "higher_is_better",
    "holm",
    "interval",
    "intervals",
    "is_extreme",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "largest_gap",
    "leaning",
    "left_out",
    "log_evidence",
    "named_metric",
    "online_level",
    "paired_interval",
    "popularity",
    "population_stability",
    "ranking_at",
    "ratio",
    "rising_order",
    "simes",
    "stratified",
    "stretches",
    "summed",
    "unlike_pairs",
    "wasserstein",
    "wilson",
]
