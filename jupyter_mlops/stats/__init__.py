"""Numbers from numbers: metrics as sums, intervals, distances between histograms. No I/O, no model, no clock."""

from jupyter_mlops.stats.bootstrap import Interval, by_unit, interval, paired_interval
from jupyter_mlops.stats.changes import change_point
from jupyter_mlops.stats.discovery import benjamini_hochberg
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
from jupyter_mlops.stats.metrics import CLASSIFICATION, HIGHER_IS_BETTER, RANKING, REGRESSION, Metric
from jupyter_mlops.stats.ranking import ranked
from jupyter_mlops.stats.sequential import e_benjamini_hochberg, log_evidence

__all__ = [
    "CLASSIFICATION",
    "HIGHER_IS_BETTER",
    "RANKING",
    "REGRESSION",
    "Interval",
    "Metric",
    "benjamini_hochberg",
    "by_unit",
    "change_point",
    "chi_square",
    "e_benjamini_hochberg",
    "exact_p_value",
    "hellinger",
    "interval",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "largest_gap",
    "log_evidence",
    "paired_interval",
    "population_stability",
    "ranked",
    "wasserstein",
]
