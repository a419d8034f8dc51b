"""The statements of the chapter on Bregman divergences, over random points and problems."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import xlogy
from strategies import LOSSES, OUTPUTS, inner, norm, random_problem, seeds

from dspgd_lib import (
    BurgEntropy,
    Cosh,
    GradientClipping,
    LogCosh,
    NegativeEntropy,
    PNorm,
    Problem,
    Quadratic,
    bregman,
    bregman_projection,
    check,
)
from dspgd_lib.figures import bregman as figures
from dspgd_lib.figures.convex_toolbox import TwoWells

D_ROWS = 4
ROOT = np.random.default_rng(8).standard_normal((D_ROWS, D_ROWS))
FUNCTIONS = {
    "squared": Quadratic(np.eye(D_ROWS)),
    "mahalanobis": Quadratic(ROOT @ ROOT.T + 0.2 * np.eye(D_ROWS)),
    "entropy": NegativeEntropy(),
    "burg": BurgEntropy(),
    "log-cosh": LogCosh(),
    "p-norm-3": PNorm(3.0),
    "p-norm-1.5": PNorm(1.5),
    "cosh": Cosh(),
}
POSITIVE = (NegativeEntropy, BurgEntropy)

every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
outputs = st.sampled_from(OUTPUTS)
losses = st.sampled_from(list(LOSSES.values()))


def points(f, seed, count, k=2, d=D_ROWS):
    """Matrices in the domain of f."""
    W = np.random.default_rng(seed).standard_normal((count, d, k))
    return np.exp(0.8 * W) if isinstance(f, POSITIVE) else 1.5 * W


def size(f, *places):
    """A scale for rounding errors: the largest value, slope and product in play."""
    values = sum(float(np.abs(f.value(A))) for A in places)
    slopes = max(norm(f.gradient(A)) for A in places)
    return 1 + values + slopes * sum(norm(A) for A in places)


def defined(f, A, B):
    """D_f(A, B) by its definition; the library has forms that do not subtract equal numbers."""
    return f.value(A) - f.value(B) - inner(f.gradient(B), A - B)


class Tilted:
    """A potential plus an affine function."""

    def __init__(self, f, slope, constant):
        self.f, self.slope, self.constant = f, slope, constant

    def value(self, W):
        return self.f.value(W) + inner(self.slope, W) + self.constant

    def gradient(self, W):
        return self.f.gradient(W) + self.slope


class Mixed:
    """A nonnegative combination of two potentials."""

    def __init__(self, f, g, c):
        self.f, self.g, self.c = f, g, c

    def value(self, W):
        return self.f.value(W) + self.c * self.g.value(W)

    def gradient(self, W):
        return self.f.gradient(W) + self.c * self.g.gradient(W)


# ---------------------------------------------------------------------------------- the rules


@pytest.mark.statement("prop-breg-loss")
@given(losses, outputs, seeds)
def test_the_loss_measures_predictions_and_is_blind_along_the_null_space(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    A, B = rng.standard_normal((2, problem.d, k))
    Z = rng.standard_normal((problem.d, k))
    Z -= np.linalg.pinv(problem.X) @ (problem.X @ Z)
    U = problem.project(rng.standard_normal((problem.d, k)))
    tangent = inner(problem.gradient(B), A - B)
    gap = problem.loss_value(A) - problem.loss_value(B) - tangent
    slack = 1e-10 * (1 + problem.loss_value(A) + problem.loss_value(B) + abs(tangent))
    residuals = loss.divergence(problem.residual(A), problem.residual(B))
    assert abs(gap - residuals) <= slack
    for one, other in ((A, B), (A + Z, B), (A, B + Z)):
        assert abs(bregman(problem, one, other) - residuals) <= slack
    to_manifold = problem.loss_value(A) - inner(problem.gradient(U), A - U)
    assert abs(bregman(problem, A, U) - problem.loss_value(A)) <= slack
    assert abs(to_manifold - problem.loss_value(A)) <= slack
    if type(loss).__name__ == "SquaredLoss":
        assert residuals == pytest.approx(0.5 * norm(problem.X @ (A - B)) ** 2)


@pytest.mark.statement("lem-breg-nonnegative")
@every
@given(seeds, st.floats(0, 1), st.floats(0, 5))
def test_rules_that_every_divergence_obeys(f, seed, share, c):
    A, B, other, slope = points(f, seed, 4)
    slack = 1e-12 * size(f, A, B, other)
    D = bregman(f, A, B)
    assert D > 0 and abs(bregman(f, B, B)) <= slack
    between = bregman(f, share * A + (1 - share) * other, B)
    assert between <= share * D + (1 - share) * bregman(f, other, B) + slack
    tilted = bregman(Tilted(f, slope, 3.0), A, B)
    assert abs(tilted - D) <= slack + 1e-12 * norm(slope) * (norm(A) + norm(B))
    mixed = bregman(Mixed(f, FUNCTIONS["mahalanobis"], c), A, B)
    g = FUNCTIONS["mahalanobis"]
    assert abs(mixed - D - c * bregman(g, A, B)) <= slack + 1e-12 * c * size(g, A, B)
    both = inner(f.gradient(A) - f.gradient(B), A - B)
    assert abs(D + bregman(f, B, A) - both) <= slack


@pytest.mark.statement("lem-breg-nonnegative")
@given(seeds, st.floats(0.05, 2.0), st.floats(1.05, 20.0))
def test_the_divergence_lies_between_the_two_curvatures(seed, low, ratio):
    """On the box [low, high]ᵈ, where the second derivatives are known."""
    high = low * ratio
    A, B = np.random.default_rng(seed).uniform(low, high, (2, 50, D_ROWS, 2))
    A[0], B[0] = high, high * (1 - 1e-6)  # close points at the two ends of the box
    A[1], B[1] = low, low * (1 + 1e-6)
    half = 0.5 * inner(A - B, A - B)
    axes = np.linalg.eigh(FUNCTIONS["mahalanobis"].Q)[1]
    curvatures = {
        NegativeEntropy(): (1 / high, 1 / low),
        BurgEntropy(): (high**-2, low**-2),
        LogCosh(): (np.cosh(high) ** -2, np.cosh(low) ** -2),
        FUNCTIONS["mahalanobis"]: tuple(np.linalg.eigvalsh(FUNCTIONS["mahalanobis"].Q)[[0, -1]]),
    }
    for f, (alpha, beta) in curvatures.items():
        D = f.divergence(A, B)
        assert (D >= alpha * half * (1 - 1e-4)).all() and (D <= beta * half * (1 + 1e-4)).all()
        # No constants between these would do.
        ratio = np.sort(D[:2] / half[:2])
        if f is FUNCTIONS["mahalanobis"]:
            along = axes.T[[0, -1], :, None] * [1.0, 2.0]
            ratio = f.divergence(along, 0 * along) / (0.5 * norm(along) ** 2)
        assert ratio == pytest.approx([alpha, beta], rel=1e-4)


@pytest.mark.statement("lem-breg-nonnegative")
def test_without_strictness_the_divergence_may_vanish_and_without_convexity_be_negative():
    f = GradientClipping(1.0)
    assert defined(f, np.array([[3.0]]), np.array([[2.0]])) == 0
    one, other = np.array([[0.5]]), np.array([[0.1]])
    assert defined(TwoWells(), other, one) < 0


def with_zeros(seed, count, k=2, d=D_ROWS):
    """Matrices on the boundary of the domain of the entropy: a third of the entries is zero."""
    rng = np.random.default_rng(seed)
    W = np.exp(rng.standard_normal((count, d, k)))
    W[rng.random(W.shape) < 1 / 3] = 0.0
    W[:, 0, 0] = 0.0
    return W


def entropy_by_definition(A, B):
    """D(A, B) of the entropy for A on the boundary, where only the second slope exists."""
    values = [np.where(W > 0, W * np.log(np.where(W > 0, W, 1.0)) - W, 0.0).sum() for W in (A, B)]
    return values[0] - values[1] - inner(np.log(B), A - B)


@pytest.mark.statement("lem-breg-nonnegative")
@pytest.mark.statement("lem-breg-three-points")
@pytest.mark.statement("prop-breg-mean")
@given(seeds, st.floats(0, 1))
def test_the_first_argument_may_lie_on_the_boundary(seed, share):
    f, (A, other) = NegativeEntropy(), with_zeros(seed, 2)
    B, C = points(f, seed + 1, 2)
    slack = 1e-12 * (1 + size(f, B, C) + norm(A) * norm(f.gradient(C)) + float(np.abs(f.value(A))))
    D = entropy_by_definition
    assert abs(D(A, B) - bregman(f, A, B)) <= slack and D(A, B) > 0
    between = share * A + (1 - share) * other
    assert D(between, B) <= share * D(A, B) + (1 - share) * D(other, B) + slack
    cosine = inner(f.gradient(B) - f.gradient(C), A - B)
    assert abs(D(A, C) - D(A, B) - D(B, C) - cosine) <= slack
    family = [A, B, with_zeros(seed + 2, 1)[0]]
    mean = np.mean(family, axis=0)
    excess = sum(D(one, C) - D(one, mean) for one in family) - 3 * D(mean, C)
    assert abs(excess) <= 10 * slack


@pytest.mark.statement("prop-breg-examples")
@given(seeds, st.floats(0.01, 100))
def test_the_table_of_five(seed, c):
    rng = np.random.default_rng(seed)
    H, B = rng.standard_normal((2, D_ROWS, 1))
    A = B + H
    Q = FUNCTIONS["mahalanobis"].Q
    a, b = np.exp(A), np.exp(B)
    claims = [
        (FUNCTIONS["squared"], A, B, 0.5 * norm(H) ** 2),
        (FUNCTIONS["mahalanobis"], A, B, 0.5 * inner(H, Q @ H)),
        (NegativeEntropy(), a, b, (a * np.log(a / b) - a + b).sum()),
        (BurgEntropy(), a, b, (a / b - np.log(a / b) - 1).sum()),
        (LogCosh(), A, B, (np.log(np.cosh(A) / np.cosh(B)) - H * np.tanh(B)).sum()),
    ]
    for f, one, other, formula in claims:
        slack = 1e-12 * size(f, one, other)
        assert abs(formula - defined(f, one, other)) <= slack
        assert abs(bregman(f, one, other) - defined(f, one, other)) <= slack
    kl, burg = NegativeEntropy(), BurgEntropy()
    assert kl.divergence(c * a, c * b) == pytest.approx(c * kl.divergence(a, b), rel=1e-10)
    assert burg.divergence(c * a, c * b) == pytest.approx(burg.divergence(a, b), rel=1e-10)
    assert kl.divergence(0 * a, b) == pytest.approx(b.sum())


# ----------------------------------------------------------------------------------- the balls


@pytest.mark.statement("lem-breg-balls")
@every
@given(seeds)
def test_balls_grow_along_rays_and_the_first_kind_is_convex(f, seed):
    C, end, other = points(f, seed, 3)
    t = np.linspace(0, 1, 60)[:, None, None]
    slack = 1e-12 * size(f, C, end, other)
    ray = C + t * (end - C)
    for along in (bregman(f, ray, C), bregman(f, C, ray)):
        assert (np.diff(along) >= -slack).all()
    r = bregman(f, end, C)
    lam = r / bregman(f, other, C)
    inside = C + min(lam, 1.0) * (other - C)  # by convexity within the ball through `end`
    assert bregman(f, inside, C) <= r + slack
    assert (bregman(f, inside + t * (end - inside), C) <= r + slack).all()


@pytest.mark.statement("lem-breg-balls")
@pytest.mark.parametrize(
    "f",
    [LogCosh(), Cosh(), PNorm(1.5), PNorm(3.0), NegativeEntropy(), BurgEntropy()],
    ids=lambda f: type(f).__name__,
)
@given(seeds, st.floats(0.1, 0.9))
def test_the_first_kind_grows_at_least_linearly(f, seed, share):
    C = points(f, seed, 1, k=1, d=2)[0]
    r = share * (C.min() if isinstance(f, POSITIVE) else 1.0)
    angle = np.linspace(0, 2 * np.pi, 4001)
    circle = C + r * np.stack([np.cos(angle), np.sin(angle)], axis=-1)[..., None]
    delta = bregman(f, circle, C).min()
    assert delta > 0
    far = np.concatenate([circle, points(f, seed + 1, 300, k=1, d=2)])  # on the circle it is met
    length = norm(far - C)
    outside = length >= r * (1 - 1e-12)
    assert (bregman(f, far, C) >= 0.999 * delta / r * length)[outside].all()


def test_what_fails_for_divergences():
    """The counterexamples of the chapter."""

    def D(f, a, b):
        return float(f.divergence([[a]], [[b]]))

    burg = BurgEntropy()
    assert D(burg, 10, 1) > 4 * D(burg, 0.1, 1)
    assert D(Quadratic(np.eye(1)), 0, 2) == 2
    assert D(burg, 1, 6) > (D(burg, 1, 3) + D(burg, 1, 9)) / 2
    assert D(LogCosh(), 0, 300.0) <= np.log(2) * (1 + 1e-12)
    # Part 3 of the lemma needs strictness: a ball of the first kind that never ends.
    assert defined(GradientClipping(1.0), np.array([[1e6]]), np.array([[2.0]])) == 0


# -------------------------------------------------------------------------- identities


@pytest.mark.statement("lem-breg-three-points")
@every
@given(seeds)
def test_three_points(f, seed):
    A, B, C = points(f, seed, 3)
    slack = 1e-12 * size(f, A, B, C)

    cosine = inner(f.gradient(B) - f.gradient(C), A - B)
    assert abs(defined(f, A, C) - defined(f, A, B) - defined(f, B, C) - cosine) <= slack
    assert abs(bregman(f, A, C) - bregman(f, A, B) - bregman(f, B, C) - cosine) <= slack
    assert abs(cosine) > 0


def nearest(f, seed, k):
    """A point C, and an affine subspace XW = Y with the nearest point P, built from the slopes."""
    rng = np.random.default_rng(seed)
    P = points(f, seed, 1, k)[0]
    X = rng.standard_normal((2, D_ROWS))
    lift = X.T @ rng.standard_normal((2, k))
    S = f.gradient(P)
    for share in 0.5 ** np.arange(30):  # C must exist: its slopes are in the range of ∇f
        T = S + share * lift
        if isinstance(f, BurgEntropy) and (T > 0.2 * S).any():
            continue
        if isinstance(f, LogCosh) and (1 - np.abs(T) < 0.2 * (1 - np.abs(S))).any():
            continue
        return X, P, f.gradient_of_conjugate(T), share * lift, rng
    raise AssertionError("no point found")


def feasible(f, X, P, rng, count=20):
    """Other points of the affine subspace, in the domain of f."""
    Z = rng.standard_normal((count, *P.shape))
    Z -= np.linalg.pinv(X) @ (X @ Z)
    if isinstance(f, POSITIVE):
        Z *= 0.9 * np.min(P / np.maximum(np.abs(Z), 1e-12), axis=(1, 2))[:, None, None]
    return P + Z


def largest_size(f, stack, *places):
    return max(size(f, A, *places) for A in stack)


@pytest.mark.statement("prop-breg-pythagoras")
@every
@given(outputs, seeds)
def test_slopes_in_the_row_space_make_the_nearest_point_and_pythagoras(f, k, seed):
    X, P, C, _, rng = nearest(f, seed, k)
    A = feasible(f, X, P, rng, 5)
    slack = 1e-10 * largest_size(f, A, P, C)
    assert (norm(X @ (A - P)) <= 1e-10 * (1 + norm(A) + norm(P))).all()
    across, away = bregman(f, P, C), bregman(f, A, C)
    assert (np.abs(away - bregman(f, A, P) - across) <= slack).all()
    # Part 3, and the converse in part 1: another point of the subspace is not nearest.
    assert (away > across).all()
    assert (np.abs(inner(f.gradient(A) - f.gradient(C), P - A)) > 1e-9 * norm(A - P) ** 2).all()


@pytest.mark.statement("prop-breg-pythagoras")
@every
@given(seeds)
def test_with_slopes_five_percent_off_the_row_space_it_is_not_the_nearest_point(f, seed):
    X, P, C, lift, rng = nearest(f, seed, 1)
    Z = rng.standard_normal(P.shape)
    Z -= np.linalg.pinv(X) @ (X @ Z)
    share = 0.05 * norm(lift) / norm(Z)
    if isinstance(f, BurgEntropy | LogCosh):  # C must still exist
        S = f.gradient(C)
        room = np.abs(S) if isinstance(f, BurgEntropy) else 1 - np.abs(S)
        share = min(share, 0.5 * (room / np.abs(Z)).min())
    C = f.gradient_of_conjugate(f.gradient(C) + share * Z)
    others = P + 10.0 ** -np.arange(1.0, 9.0)[:, None, None] * Z / norm(Z) * min(1, np.abs(P).min())
    assert bregman(f, others, C).min() < bregman(f, P, C)


@pytest.mark.statement("prop-breg-pythagoras")
@pytest.mark.parametrize("name", ["squared", "entropy", "burg", "log-cosh", "p-norm-3", "cosh"])
@given(seeds)
def test_on_a_box_there_is_an_inequality(name, seed):
    """For a sum over entries the nearest point of a box is found entry by entry."""
    f = FUNCTIONS[name]
    C, one, two, *A = points(f, seed, 18)
    low, high = np.minimum(one, two), np.maximum(one, two)
    P, A = np.clip(C, low, high), np.clip(A, low, high)
    change, across = f.gradient(P) - f.gradient(C), bregman(f, P, C)
    slack = 1e-11 * largest_size(f, A, P, C)
    cosine = inner(change, A - P)
    assert (bregman(f, A, C) >= across - slack).all()
    assert (cosine >= -slack).all()
    # The excess is the inner product: 0 on an affine subspace, here in general not.
    excess = bregman(f, A, C) - bregman(f, A, P) - across
    assert (excess >= -slack).all()
    assert (np.abs(excess - cosine) <= slack).all()


@pytest.mark.statement("prop-breg-pythagoras")
def test_a_nearest_point_may_not_exist_where_the_slopes_stay_finite_or_be_one_of_many():
    """½‖w‖² on the quadrant w ≥ 0 only: on w₁ + w₂ = 1 the nearest point to (3, 0.1) is (1, 0),
    which lies outside Ω. And a flat piece.
    """
    s = 10.0 ** -np.arange(1.0, 9.0)
    w = np.stack([1 - s, s], axis=-1)[..., None]
    distance = Quadratic(np.eye(2)).divergence(w, 0 * w + [[3.0], [0.1]])
    assert (np.diff(distance) < 0).all()  # there is no least one with w₂ > 0
    flat, C = GradientClipping(1.0), np.array([[2.0]])
    assert defined(flat, np.array([[3.0]]), C) == defined(flat, np.array([[4.0]]), C) == 0


def test_pythagoras_is_an_inequality_on_a_box():
    f, C, P, A = NegativeEntropy(), [[4.0], [1.0]], [[2.0], [1.0]], [[1.0], [2.0]]
    assert bregman(f, A, C) > bregman(f, A, P) + bregman(f, P, C) + 0.1


@pytest.mark.statement("prop-breg-pythagoras")
@given(outputs, seeds)
def test_pythagoras_holds_for_points_on_the_boundary(k, seed):
    f, rng = NegativeEntropy(), np.random.default_rng(seed)
    X, U = rng.random((2, D_ROWS)), with_zeros(seed, 1, k)[0]
    P = points(f, seed + 1, 1, k)[0]
    # Scale the columns of X so that the boundary point U and P share their measurements.
    X = X - (X @ (U - P)) @ np.linalg.pinv(U - P)
    C = f.gradient_of_conjugate(f.gradient(P) + X.T @ rng.standard_normal((2, k)))
    slack = 1e-9 * (1 + size(f, P, C) + norm(U) * norm(f.gradient(C)))
    assert norm(X @ (U - P)) <= 1e-9 * (1 + norm(X) * norm(U - P))
    D = entropy_by_definition
    assert abs(D(U, C) - D(U, P) - D(P, C)) <= slack


@pytest.mark.statement("prop-breg-pythagoras")
@pytest.mark.parametrize("name", ["mahalanobis", "log-cosh", "cosh", "entropy", "burg"])
@given(seeds)
def test_a_nearest_point_of_a_convex_set_exists(name, seed):
    """Part 4 on a segment: the minimiser lies inside Ω, and (ii) holds there."""
    f = FUNCTIONS[name]
    C, one, two = points(f, seed, 3, 1)
    low, high = 0.0, 1.0
    for _ in range(3):  # ever finer grids around the least
        t = np.linspace(low, high, 201)
        segment = one + t[:, None, None] * (two - one)
        i = np.argmin(bregman(f, segment, C))
        low, high, P = t[max(i - 1, 0)], t[min(i + 1, 200)], segment[i]
    segment = one + np.linspace(0, 1, 201)[:, None, None] * (two - one)
    change = f.gradient(P) - f.gradient(C)
    reach = norm(two - one) * max(norm(f.gradient(two) - f.gradient(one)), norm(change))
    assert (inner(change, segment - P) >= -1e-4 * (1 + reach)).all()


@pytest.mark.statement("prop-breg-pythagoras")
@pytest.mark.parametrize(
    "f",
    [NegativeEntropy(), BurgEntropy(), Cosh(), PNorm(1.5), LogCosh()],
    ids=lambda f: type(f).__name__,
)
@given(outputs, seeds)
def test_the_projection_exists_interpolates_and_is_nearest(f, k, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    X, inside = rng.random((n, n + 4)), rng.exponential(size=(n + 4, k)) + 0.05
    C = rng.exponential(size=(n + 4, k)) + 0.05
    if isinstance(f, LogCosh):  # floats cannot tell its slopes apart far out
        inside, C = np.tanh(inside), np.tanh(C)
    problem = Problem(X, X @ inside)
    P = bregman_projection(problem, f, C)
    assert norm(X @ P - problem.Y) <= 1e-10 * problem.label_norm
    change = f.gradient(P) - f.gradient(C)
    off = change - np.linalg.pinv(X) @ (X @ change)
    assert norm(off) <= 1e-9 * (norm(f.gradient(P)) + norm(f.gradient(C)))
    for share in (0.01, 0.3, 1.0):
        A = P + share * (inside - P)
        assert bregman(f, A, C) >= bregman(f, P, C) * (1 - 1e-10)


@pytest.mark.statement("prop-breg-duality")
@every
@given(seeds)
def test_the_arguments_swap_in_the_dual(f, seed):
    A, B, H = points(f, seed, 3)
    S, T = f.gradient(A), f.gradient(B)
    size_of_it = size(f, A, B) + abs(float(f.conjugate(S))) + abs(float(f.conjugate(T)))
    dual = f.conjugate(T) - f.conjugate(S) - inner(A, T - S)
    assert abs(dual - bregman(f, A, B)) <= 1e-11 * size_of_it
    back = f.gradient_of_conjugate(S)
    assert np.abs(back - A).max() <= 1e-8 * (1 + np.abs(A).max())
    with_gradient = f.conjugate(T) - f.conjugate(S) - inner(back, T - S)
    assert abs(with_gradient - bregman(f, A, B)) <= 1e-7 * size_of_it
    assert dual > 0
    # The dual is differentiable at S with gradient A: the first-order remainder vanishes faster.
    H = H / norm(H) * min(1.0, 0.5 * (1 - np.abs(S).max()) if isinstance(f, LogCosh) else 1.0)
    H = H * min(1.0, np.abs(S).min()) if isinstance(f, BurgEntropy) else H
    left = [float(f.conjugate(S + h * H) - f.conjugate(S)) / h for h in (1e-3, 1e-5)]
    errors = [abs(slope - inner(A, H)) for slope in left]
    assert errors[1] <= 0.2 * errors[0] + 1e-10 * size_of_it / 1e-5


@pytest.mark.statement("prop-breg-duality")
@every
@given(seeds)
def test_the_slopes_form_an_open_set(f, seed):
    """Every slope near ∇f(A) is taken: the maximiser of ⟨T, W⟩ − f(W) exists and has it."""
    A, H = points(f, seed, 2, 1)
    S = f.gradient(A)
    H = H / np.abs(H).max()
    room = 1 - np.abs(S).max() if isinstance(f, LogCosh) else np.abs(S).min()
    for T in (S + 0.3 * room * H, S - 0.3 * room * H):
        W = f.gradient_of_conjugate(T)
        assert np.abs(f.gradient(W) - T).max() <= 1e-9 * (1 + np.abs(T).max())
        others = points(f, seed + 1, 100, 1)
        gap = inner(T, W) - f.value(W) - (inner(T, others) - f.value(others))
        assert (gap >= -1e-11 * (1 + np.abs(inner(T, others)) + np.abs(f.value(others)))).all()


@pytest.mark.statement("prop-breg-mean")
@every
@given(seeds, st.integers(1, 8))
def test_the_mean_minimises_and_the_excess_is_a_divergence(f, seed, m):
    *A, C = points(f, seed, m + 1)
    mean = np.mean(A, axis=0)

    def total(place):
        return sum(bregman(f, one, place) for one in A)

    slack = 1e-11 * sum(size(f, one, C, mean) for one in A)
    assert abs(total(C) - total(mean) - m * bregman(f, mean, C)) <= slack
    assert total(C) > total(mean) - slack
    assert bregman(f, mean, C) > 0


@every
@given(seeds)
def test_the_mean_of_slopes_minimises_when_it_stands_first(f, seed):
    *A, other = points(f, seed, 5)
    C = f.gradient_of_conjugate(np.mean([f.gradient(one) for one in A], axis=0))
    excess = sum(bregman(f, other, one) - bregman(f, C, one) for one in A)
    slack = 1e-9 * size(f, C, other, *A)
    assert abs(excess - 4 * bregman(f, other, C)) <= slack


# ---------------------------------------------------------------------- projections in code


@given(seeds)
def test_the_squared_distance_projects_orthogonally(seed):
    problem, rng = random_problem(seed, 2, LOSSES["squared"])
    C = rng.standard_normal((problem.d, 2))
    P = bregman_projection(problem, Quadratic(np.eye(problem.d)), C)
    assert norm(P - problem.project(C)) <= 1e-9 * (1 + norm(P))
    again = bregman_projection(problem, Quadratic(np.eye(problem.d)), P)
    assert norm(again - P) <= 1e-9 * (1 + norm(P))


def test_a_projection_that_does_not_exist_is_refused():
    problem = Problem(X=[[1.0, 1.0]], Y=[-1.0])  # no positive weights have a negative sum
    for f in (NegativeEntropy(), BurgEntropy()):
        with pytest.raises(ValueError, match="no projection found"):
            bregman_projection(problem, f, [[1.0], [1.0]])
    with pytest.raises(ValueError, match="C must be one matrix"):
        bregman_projection(problem, LogCosh(), np.ones((2, 2, 1)))
    with pytest.raises(ValueError, match="must be positive"):
        bregman_projection(problem, BurgEntropy(), [[-1.0], [1.0]])


def test_projections_that_a_full_newton_step_misses():
    X = np.array([[0.9, 0.8, 0.7], [0.3, 0.9, 0.1]])
    hard = [  # a full Newton step overshoots, or leaves the domain of the dual
        (PNorm(3.0), np.array([[0.5, 0.2]]), [[0.84]], [[4.1], [4.9]]),
        (BurgEntropy(), X, X @ [[2.7], [386.9], [4.2]], [[1.2], [0.1], [10.9]]),
    ]
    for f, X, Y, C in hard:
        P = bregman_projection(Problem(X, Y), f, C)
        change = f.gradient(P) - f.gradient(C)
        assert X @ P == pytest.approx(np.asarray(Y), rel=1e-10)
        assert norm(change - np.linalg.pinv(X) @ (X @ change)) <= 1e-9 * norm(change)


@given(seeds)
@settings(max_examples=10)
def test_one_measurement_at_a_time_walks_to_the_projection(seed):
    """Two measurements that share little: their projections hardly disturb each other."""
    rng, f = np.random.default_rng(seed), NegativeEntropy()
    X, U = 0.2 * rng.random((2, 6)), rng.uniform(0.5, 2.0, (6, 1))
    X[0, :3] += 1
    X[1, 3:] += 1
    problem, C = Problem(X, X @ U), np.ones((6, 1))
    W, walked = C, 0.0
    single = [Problem(X[i : i + 1], problem.Y[i : i + 1]) for i in range(2)]
    for _sweep in range(15):
        for one in single:
            before, W = W, bregman_projection(one, f, W)
            step = f.divergence(U, before) - f.divergence(U, W) - f.divergence(W, before)
            assert abs(step) <= 1e-9 * (1 + f.divergence(U, C))
            walked += f.divergence(W, before)
    assert walked <= f.divergence(U, C) * (1 + 1e-9)
    assert norm(W - bregman_projection(problem, f, C)) <= 1e-6


# -------------------------------------------------------------------------- exercises, figures


def test_the_exercises_are_failed_by_their_starting_code_and_passed_by_their_solutions():
    f, inputs = LogCosh(), check.matrices(d=3, k=2, scales=(0.1, 5.0))

    def given_code(A, B):
        return 0.0

    def wrong_end(A, B):
        return f.value(A) - f.value(B) - np.sum(f.gradient(A) * (A - B))

    def solution(A, B):
        return f.value(A) - f.value(B) - np.sum(f.gradient(B) * (A - B))

    for attempt in (given_code, wrong_end):
        assert not check.same(attempt, f.divergence, inputs, inputs).passed
    assert check.same(solution, f.divergence, inputs, inputs).passed

    def triangle(a, b, c):
        D = NegativeEntropy().divergence
        return check.at_most(D([[a]], [[c]]), D([[a]], [[b]]) + D([[b]], [[c]]))

    number = check.positive(0.1, 10.0)
    assert not check.holds(lambda a, b, c: None, number, number, number).passed
    assert not triangle(4.0, 2.0, 1.0)
    found = check.holds(triangle, number, number, number)
    a, b, c = found.counterexample
    assert not found.passed and min(a, c) < b < max(a, c)


@given(seeds)
def test_pinsker(seed):
    a, b = np.random.default_rng(seed).exponential(size=(2, 200, 5, 1)) ** 2
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    b[0] = a[0] = 0.01  # attained in the limit: half of the mass in each of two parts
    b[0, :2], a[0, :2] = 0.485, [[0.4851], [0.4849]]
    D = NegativeEntropy().divergence(a, b)
    assert (D >= 0.5 * np.abs(a - b).sum((1, 2)) ** 2 * (1 - 1e-10)).all()


@pytest.mark.parametrize("name", figures.MEASURES)
@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("r", figures.RADII[::29])
def test_the_drawn_balls_have_the_radius_they_claim(name, kind, r):
    f, C = figures.MEASURES[name], figures.NEAR
    curve, reach = figures.ball(f, C, r, kind)
    inner_part = reach < figures.FAR
    A, C = curve[:-1][inner_part][..., None], C[:, None]
    inside = A.min(axis=(1, 2)) > 1e-6 if isinstance(f, POSITIVE) else np.full(len(A), True)
    A = A[inside]
    C = np.broadcast_to(C, A.shape)
    D = f.divergence(A, C) if kind == 1 else f.divergence(C, A)
    assert len(A) > 20 and D == pytest.approx(r, rel=1e-6)
    if kind == 1:
        assert figures.is_convex(curve)


def test_what_the_captions_of_the_balls_say():
    C = np.array([0.2, 0.8])
    dented, _ = figures.ball(BurgEntropy(), C, 1.0, 2)
    assert not figures.is_convex(dented)
    assert figures.ball(LogCosh(), C, 1.0, 2)[1].max() == figures.FAR
    said = {name: figures._ball_frame(name, 1.0).caption for name in figures.MEASURES}
    assert [name for name in said if "same" in said[name]] == ["squared distance"]
    assert "not convex" in said["Itakura–Saito"] and "never ends" in said["log cosh"]
    # The other stops that the chapter names.
    assert "never ends" in figures._ball_frame("log cosh", 0.3).caption
    kl = said["Kullback–Leibler"]
    assert "around C runs from 0.00" in kl
    dashed = figures.ball(NegativeEntropy(), figures.NEAR, 1.0, 2)[1]
    assert 0 < figures.NEAR[0] - dashed[120] < 0.05  # close to the border, and not on it


def test_away_from_zero_the_solid_balls_grow_or_shrink_as_the_exercise_asks():
    def grows(name):
        near, away = (
            figures.ball(figures.MEASURES[name], centre, 0.3, 1)[1].max()
            for centre in (figures.NEAR, figures.AWAY)
        )
        return near / away

    for name in ("Kullback–Leibler", "Itakura–Saito", "log cosh", "Adam’s K"):
        assert grows(name) < 0.9
    assert grows("cosh") > 1.1 and grows("squared distance") == pytest.approx(1)


@given(st.sampled_from(list(figures.DRAWN)), st.floats(0.2, 2.8))
def test_the_gap_under_the_tangent_is_the_divergence(name, b):
    f = figures.DRAWN[name]
    frame = figures.tangent_gap().frame(name=name, b=b)
    gap = float(defined(f, np.array([[1.0]]), np.array([[b]])))
    assert f"<b>{abs(gap):.3f}</b>" in frame.caption or abs(gap) < 1e-3


@given(st.floats(0.15, 2.9))
def test_the_two_bars_of_the_dual_figure_have_one_length(b):
    caption = figures.two_sides().frame(b=b).caption
    one, other = re.findall(r"<b>([\d.]+)</b>", caption)
    assert float(one) == pytest.approx(float(other), abs=1.1e-3)


@given(st.floats(-1, 1))
def test_the_gaps_at_a_kink_are_those_of_the_formula(s):
    caption = figures.kink().frame(s=s).caption
    one, other = (float(gap) for gap in re.findall(r"<b>([\d.]+)</b>", caption))
    assert one == pytest.approx(1 + s, abs=6e-3) and other == pytest.approx(2 - 2 * s, abs=6e-3)


def test_the_still_pictures_say_what_is_seen():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 3.0, (2, 400))
    ratio = figures.between_curvatures(a, b).panels[0].alt
    low, high = map(float, re.search(r"between ([\d.]+) and ([\d.]+)", ratio).groups())
    assert 1 / 3 <= low < high <= 2
    first, second = (p.alt for p in figures.best_guess(np.array([0.5, 1.0, 1.5, 5.0])).panels)
    assert first.count("2.00") == 4
    means = [2.0, 3.75**0.25, 4 / (2 + 1 + 2 / 3 + 0.2)]
    assert all(f"{mean:.2f}"[:3] in second for mean in means)
    assert "the chord 0.870" in figures.not_a_distance().panels[0].alt
    X, true = rng.random((6, 20)), rng.exponential(size=(20, 1))
    problem, C = Problem(X, X @ true), np.ones((20, 1))
    rulers = {"KL": NegativeEntropy(), "squared": Quadratic(np.eye(20))}
    found = {name: bregman_projection(problem, f, C) for name, f in rulers.items()}
    five = figures.five_answers(rulers, found, true)
    assert f"KL {found['KL'].min():.2f}" in five.panels[0].alt
    assert "class=" in five.html()


@pytest.mark.parametrize("name", figures.RULERS)
def test_the_touching_ball_touches(name):
    P = np.array(figures.touching_point(name))
    f, C = figures.RULERS[name], figures.OUTSIDE
    assert P @ figures.NORMAL == pytest.approx(figures.LABEL)
    change = f.gradient(P[:, None]) - f.gradient(C[:, None])
    along = np.array([[figures.NORMAL[1]], [-figures.NORMAL[0]]])
    assert abs(inner(change, along)) <= 1e-9
    foot = np.array(figures.FOOT)
    assert foot @ figures.NORMAL == pytest.approx(figures.LABEL)
    # What the chapter says about the last three rulers.
    assert (P[0] < foot[0] - 0.1) == (name in ("Kullback–Leibler", "Itakura–Saito", "log cosh"))


@pytest.mark.parametrize("name", figures.RULERS)
@pytest.mark.parametrize("place", figures.PLACES[::11])
def test_the_numbers_of_the_caption_add_up_as_printed(name, place):
    caption = figures._triangle_frame(name, place).caption
    whole, total = re.findall(r"<b>([\d.]+)</b>", caption)
    along, across = re.search(r"= ([\d.]+) \+ ([\d.]+) =", caption).groups()
    assert whole == total == f"{float(along) + float(across):.4f}"


@given(st.floats(-30, 30), st.floats(0.01, 0.99))
def test_two_coins_and_the_logistic_loss(z, a):
    def f(w):
        return xlogy(w, w) + xlogy(1 - w, 1 - w)

    b = 1 / (1 + np.exp(-z))
    assume(b < 1)
    slope = np.log(b) - np.log1p(-b)
    coins = a * np.log(a / b) + (1 - a) * np.log((1 - a) / (1 - b))
    assert f(a) - f(b) - slope * (a - b) == pytest.approx(coins, rel=1e-6, abs=1e-9)
    logistic = f(1.0) - f(b) - slope * (1 - b)
    assert logistic == pytest.approx(np.log1p(np.exp(-z)), rel=1e-3, abs=1e-12)


@given(st.floats(1.001, 1e4))
def test_itakura_saito_is_larger_to_the_right(r):
    f = BurgEntropy()
    assert f.divergence([[r]], [[1.0]]) > f.divergence([[1.0]], [[r]])
    assert f.divergence([[1.0]], [[r]]) == pytest.approx(f.divergence([[1 / r]], [[1.0]]), rel=1e-9)
