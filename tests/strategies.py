"""Random problems, points and preconditioners, shared by the tests of the library."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from dspgd_lib import (
    Adam,
    GradientClipping,
    GradientDescent,
    LogCoshLoss,
    NormalizedGD,
    Problem,
    SoftClipping,
    SquaredLoss,
)

# Each takes one parameter: the smoothing or the threshold.
PRECONDITIONERS = {
    "gradient-descent": lambda p: GradientDescent(),
    "normalized-gd": NormalizedGD,
    "clipping": GradientClipping,
    "soft-clipping": SoftClipping,
    "adam": Adam,
}
SMOOTHED = {name: K for name, K in PRECONDITIONERS.items() if name != "gradient-descent"}
ISOTROPIC = {name: K for name, K in PRECONDITIONERS.items() if name != "adam"}
LOSSES = {"squared": SquaredLoss(), "log-cosh": LogCoshLoss()}
OUTPUTS = (1, 4)

seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-6, 1e-2, 1.0, 1e2, 1e6])
fractions = st.sampled_from([0.05, 0.3, 0.8, 1.0])


def inner(A, B):
    """⟨A, B⟩ over the last two axes."""
    return np.sum(A * B, axis=(-2, -1))


def norm(A):
    """‖A‖_F over the last two axes."""
    return np.sqrt(inner(A, A))


def random_problem(seed, k, loss, n=None, d=None, label_scale=1.0):
    """A Gaussian problem with n ≤ 6 unless told otherwise, and its random generator."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7)) if n is None else n
    d = n + int(rng.integers(1, 7)) if d is None else d
    X, Y = rng.standard_normal((n, d)), label_scale * rng.standard_normal((n, k))
    return Problem(X, Y, loss), rng


def typical_parameter(problem, W, factor=0.3):
    """A smoothing on the scale of the gradient at W, so that K is neither GD nor its limit."""
    return float(factor * norm(problem.gradient(W)) + 1e-3)
