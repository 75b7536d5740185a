"""Statistics: pure functions on arrays, each with its convention and source."""

from mlbench.stats.bootstrap import hierarchical_interval, quantile_draws
from mlbench.stats.intervals import Interval, mean_interval, ratio_interval, slope_interval
from mlbench.stats.progress import antt, fairness, jain, stp
from mlbench.stats.quantiles import binomial_cdf, quantile, quantile_floor, quantiles
from mlbench.stats.student import student_t_cdf, student_t_quantile
from mlbench.stats.wilson import wilson_interval

__all__ = [
    "Interval",
    "antt",
    "binomial_cdf",
    "fairness",
    "hierarchical_interval",
    "jain",
    "mean_interval",
    "quantile",
    "quantile_draws",
    "quantile_floor",
    "quantiles",
    "ratio_interval",
    "slope_interval",
    "stp",
    "student_t_cdf",
    "student_t_quantile",
    "wilson_interval",
]
