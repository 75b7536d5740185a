"""Statistics: pure functions on arrays, each with its convention and source."""

from mlbench.stats.intervals import Interval, mean_interval, ratio_interval, slope_interval
from mlbench.stats.progress import antt, fairness, jain, stp
from mlbench.stats.quantiles import binomial_cdf, quantile, quantile_floor, quantiles
from mlbench.stats.student import student_t_cdf, student_t_quantile

__all__ = [
    "Interval",
    "antt",
    "binomial_cdf",
    "fairness",
    "jain",
    "mean_interval",
    "quantile",
    "quantile_floor",
    "quantiles",
    "ratio_interval",
    "slope_interval",
    "stp",
    "student_t_cdf",
    "student_t_quantile",
]
