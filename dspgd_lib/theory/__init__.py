"""What the theorems promise: learning rates, rates, lengths, distances, the certified limit.

Every promise is a function of a `Start`, which holds the hypotheses: a problem, a preconditioner
and the weights from which the run goes on, with the constants that they determine.
"""

from .bounds import (
    angle_distance_bound,
    distance_bound,
    energy,
    energy_distance_bound,
    gradient_sum_bound,
    path_length_bound,
    reach_bound,
    sector_distance_bound,
)
from .certificate import CertifiedLimit, certified_limit
from .rates import loss_rate, one_step_bound, weight_rate
from .start import Start, max_learning_rate
