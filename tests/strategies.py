"""Random problems, points and preconditioners, shared by the tests of the library."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from dspgd_lib import (
    Adam,
    ColumnNormalized,
    Cosh,
    GradientClipping,
    GradientDescent,
    Hypentropy,
    LogCosh,
    LogCoshLoss,
    NormalizedGD,
    PNorm,
    Problem,
    SmoothedSign,
    SoftClipping,
    Spectral,
    SquaredLoss,
)

# Each takes one parameter: the smoothing or the threshold.
PRECONDITIONERS = {
    "gradient-descent": lambda p: GradientDescent(),
    "normalized-gd": NormalizedGD,
    "clipping": GradientClipping,
    "soft-clipping": SoftClipping,
    "adam": Adam,
    "smoothed-sign": SmoothedSign,
    "column-normalized": ColumnNormalized,
    "spectral-sign": lambda p: Spectral(SmoothedSign(p)),
    "spectral-adam": lambda p: Spectral(Adam(p)),
    "hypentropy": Hypentropy,
    "log-cosh": lambda p: LogCosh(),
}
# These are smooth on bounded sets at most; the parameter of the others means nothing to them.
LOCAL = {
    "p-norm-3": lambda p: PNorm(3.0),
    "p-norm-1.5": lambda p: PNorm(1.5),
    "cosh": lambda p: Cosh(),
    "spectral-p-norm": lambda p: Spectral(PNorm(2.5)),
    "spectral-cosh": lambda p: Spectral(Cosh()),
}
ALL = PRECONDITIONERS | LOCAL


def _with(invariances, table):
    return {name: K for name, K in table.items() if K(1.0).invariance in invariances}


FIXED = ("gradient-descent", "log-cosh")  # the parameter means nothing to them
SMOOTHED = {name: K for name, K in PRECONDITIONERS.items() if name not in FIXED}
ISOTROPIC = _with(("isotropic",), PRECONDITIONERS)
LEFT_INVARIANT = _with(("isotropic", "left"), ALL)
SEPARABLE = _with(("none",), ALL)
# A learning rate for every start, or for a given one (for a power below 2 there is none).
RUNNABLE = {name: K for name, K in ALL.items() if name != "p-norm-1.5"}
LOSSES = {"squared": SquaredLoss(), "log-cosh": LogCoshLoss()}
OUTPUTS = (1, 4)

seeds = st.integers(0, 2**32 - 1)
drawn_losses = st.sampled_from(list(LOSSES.values()))
drawn_outputs = st.sampled_from(OUTPUTS)
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


def start_at_radius(problem, rng, radius):
    """A start W0 whose gradients stay in the ball of this radius: √(2ML(W0)) = radius."""
    W0 = rng.standard_normal((problem.d, problem.k))
    end = problem.project(W0)
    for _ in range(6):  # one pass for the squared loss, a few for the other
        W0 = end + (W0 - end) * radius / np.sqrt(2 * problem.M * problem.loss_value(W0))
    return W0


def up_to(end, least=0.05):
    """Numbers from `least` to `end`, the two ends themselves in every other draw."""
    return st.sampled_from([end, least]) | st.floats(least, end)


def points(seed, *shape, spread=2.0):
    """Matrices 3 × 2 (or of another shape) whose sizes vary over orders of magnitude."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((*shape, 3, 2))
    return A * 10.0 ** rng.uniform(-spread, spread / 2, (*shape, 1, 1))


class Quadratic:
    """½⟨x, Qx⟩ on columns, with eigenvalues of Q between the two numbers given."""

    def __init__(self, seed, least=0.5, largest=4.0):
        rng = np.random.default_rng(seed)
        axes = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        spectrum = np.r_[least, rng.uniform(least, largest), largest]
        self.alpha, self.beta = least, largest
        self.Q, self.inverse = axes * spectrum @ axes.T, axes / spectrum @ axes.T

    def value(self, x):
        return 0.5 * inner(x, self.Q @ x)

    def gradient(self, x):
        return self.Q @ x


class Bent(Quadratic):
    """The same plus Σ √(1 + x²): curvature between α and β + 1, and not quadratic."""

    def __init__(self, seed):
        super().__init__(seed)
        self.beta += 1

    def value(self, x):
        return super().value(x) + np.sqrt(1 + x * x).sum(axis=(-2, -1))

    def gradient(self, x):
        return super().gradient(x) + x / np.sqrt(1 + x * x)


def along_axes(f, seed):
    """Pairs of points: on the flattest axis of Q, on the steepest one, and anywhere.

    On the axes a quadratic meets its two bounds; what is added in `Bent` bends most near 0.
    """
    x, y = points(seed, 2, 60, spread=1)
    axes = np.linalg.eigh(f.Q)[1][:, :, None] * [0.6, 0.8]
    sizes = np.random.default_rng(seed).standard_normal((2, 20, 1, 1))
    x[:20], y[:20] = sizes * axes[:, 0]
    x[20:40], y[20:40] = sizes * 10.0 ** -np.arange(20)[:, None, None].clip(max=4) * axes[:, -1]
    return x, y
