"""The two figures of the paper as functions that return numbers.

The appendix with the paper's data is lost, so that these choices are this book's: X (n = 50,
d = 200) and y standard normal, W0 normal with variance 1/d, squared loss, one output.
"""

from .data import SEEDS, setting
from .interpolators import EPS, NORMS, InterpolatorDistances, distance_to_interpolators
from .learning_rates import FRACTIONS, LearningRates, limit_against_learning_rate

__all__ = [
    "EPS",
    "FRACTIONS",
    "NORMS",
    "SEEDS",
    "InterpolatorDistances",
    "LearningRates",
    "distance_to_interpolators",
    "limit_against_learning_rate",
    "setting",
]
