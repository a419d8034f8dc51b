"""The problem: its loss, its gradient, its projection, its constants, its complaints."""

import numpy as np
import pytest
from hypothesis import given
from strategies import (
    LOSSES,
    OUTPUTS,
    drawn_losses,
    drawn_outputs,
    inner,
    norm,
    random_problem,
    seeds,
)

from dspgd_lib import LogCoshLoss, Problem, SquaredLoss

losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)


@given(drawn_losses, drawn_outputs, seeds)
def test_gradient_is_the_derivative_of_the_loss(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    W, D = rng.standard_normal((2, problem.d, k))
    h = 1e-3
    slope = (
        8 * (problem.loss_value(W + h * D) - problem.loss_value(W - h * D))
        - (problem.loss_value(W + 2 * h * D) - problem.loss_value(W - 2 * h * D))
    ) / (12 * h)
    assert slope == pytest.approx(inner(problem.gradient(W), D), rel=1e-7, abs=1e-7)


@given(drawn_losses, drawn_outputs, seeds)
def test_projection_interpolates_and_is_nearest(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    W, other = rng.standard_normal((2, problem.d, k))
    P, Q = problem.project(W), problem.project(other)
    size = norm(W) + norm(P) + norm(Q)
    assert norm(problem.residual(P)) <= 1e-13 * problem.sigma_max * size
    assert norm(problem.project(P) - P) <= 1e-13 * size
    assert abs(inner(W - P, Q - P)) <= 1e-12 * size**2
    assert problem.loss_value(P) <= 1e-24 * problem.M * size**2


@given(drawn_losses, drawn_outputs, seeds)
def test_loss_is_smooth_and_strongly_convex_along_the_row_space(loss, k, seed):
    """M-smoothness, and the Polyak-Łojasiewicz inequality with μ (classical)."""
    problem, rng = random_problem(seed, k, loss)
    W = 10.0 ** rng.uniform(-3, 3) * rng.standard_normal((problem.d, k))
    V, L = problem.gradient(W), problem.loss_value(W)
    assert 2 * problem.mu * L * (1 - 1e-9) <= inner(V, V) <= 2 * problem.M * L * (1 + 1e-9)
    distance = norm(W - problem.project(W))
    assert problem.mu / 2 * distance**2 <= L * (1 + 1e-9)
    upper = problem.M / 2 * distance**2
    assert upper * (1 + 1e-9) >= L
    assert distance <= norm(problem.residual(W)) / problem.sigma_min * (1 + 1e-9)


@given(drawn_losses, drawn_outputs, seeds)
def test_divergence_is_the_one_of_the_definition(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    A, B = rng.standard_normal((2, problem.d, k))
    naive = problem.loss_value(A) - problem.loss_value(B) - inner(problem.gradient(B), A - B)
    assert problem.divergence(A, B) == pytest.approx(naive, rel=1e-9, abs=1e-11)


@given(drawn_losses, drawn_outputs, seeds)
def test_divergence_of_close_points_does_not_cancel(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    B, H = rng.standard_normal((2, problem.d, k))
    A = B + 1e-12 * H
    XH = problem.X @ (A - B)
    sech2 = 1 / np.cosh(problem.residual(B)) ** 2
    second = 1 + sech2 if isinstance(loss, LogCoshLoss) else 1.0
    half = 0.5 * np.sum(second * XH**2)
    assert problem.divergence(A, B) == pytest.approx(half, rel=1e-6, abs=0)


@given(drawn_losses, drawn_outputs, seeds)
def test_a_stack_of_weights_equals_one_at_a_time(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    W = rng.standard_normal((2, 3, problem.d, k))
    for method in (problem.loss_value, problem.gradient, problem.project, problem.residual):
        assert method(W)[1, 2] == pytest.approx(method(W[1, 2]), rel=1e-10, abs=1e-12)
    assert problem.divergence(W, W[0, 0]).shape == (2, 3)


@given(seeds)
def test_constants_come_from_the_singular_values(seed):
    problem, _ = random_problem(seed, 2, LogCoshLoss())
    singular = np.linalg.svd(problem.X, compute_uv=False)
    assert problem.sigma_max == pytest.approx(singular[0])
    assert problem.sigma_min == pytest.approx(singular[-1])
    smoothness, convexity = problem.M, problem.mu
    assert smoothness == pytest.approx(2 * singular[0] ** 2)
    assert convexity == pytest.approx(singular[-1] ** 2)
    assert problem.kappa == pytest.approx(problem.M / problem.mu)


def test_gaussian_problems_are_reproducible_and_differ_between_seeds():
    a, b, c = (Problem.gaussian(5, 20, 3, seed) for seed in (0, 0, 1))
    assert (a.X == b.X).all() and (a.Y == b.Y).all() and (a.X != c.X).any()
    assert (a.n, a.d, a.k) == (5, 20, 3) and a.loss == SquaredLoss()
    assert Problem.gaussian(5, 20, 3, 0, loss=LogCoshLoss()).loss == LogCoshLoss()
    big = Problem.gaussian(100, 400, 1, 0)
    assert big.X.std() == pytest.approx(1, abs=0.02) and big.X.mean() == pytest.approx(0, abs=0.02)


def test_vectors_are_read_as_columns_when_there_is_one_output():
    problem = Problem(X=[[1, 0, 0], [0, 2, 0]], Y=[1, 2])
    assert problem.Y.shape == (2, 1)
    assert problem.project([5, 5, 5]).tolist() == [[1.0], [1.0], [5.0]]
    with pytest.raises(ValueError, match="W must have shape"):
        Problem(np.eye(2, 3), np.ones((2, 2))).project([5, 5, 5])


def test_a_problem_is_frozen_and_keeps_its_own_copy():
    X = np.eye(2, 3)
    problem = Problem(X, [1.0, 2.0])
    X[0, 0] = 7.0
    assert problem.X[0, 0] == 1.0
    with pytest.raises(AttributeError):
        problem.X = X
    with pytest.raises(ValueError, match="read-only"):
        problem.X[0, 0] = 2.0


BAD_PROBLEMS = {
    "X must have shape": (np.ones(3), [1.0]),
    "X must hold real numbers": ("abc", [1.0]),
    "X contains NaN": ([[1.0, np.nan]], [1.0]),
    "X contains an infinite entry": ([[1.0, np.inf]], [1.0]),
    "Y contains NaN": ([[1.0, 2.0]], [np.nan]),
    "Y must have shape": (np.eye(2, 3), np.ones(3)),
    "X must be wide, d > n, found n = 3 and d = 3": (np.eye(3), np.ones(3)),
    "X must be wide, d > n, found n = 3 and d = 2": (np.eye(3, 2), np.ones(3)),
    "found rank 1 with n = 2, so no W interpolates": (np.ones((2, 3)), [1.0, 2.0]),
    "found rank 1 with n = 2, so only special labels": (np.ones((2, 3)), [1.0, 1.0]),
    "X must not be 0": (np.zeros((1, 2)), [1.0]),
}


@pytest.mark.parametrize("message", BAD_PROBLEMS)
def test_bad_data_is_refused_with_a_reason(message):
    with pytest.raises(ValueError, match=message):
        Problem(*BAD_PROBLEMS[message])


@pytest.mark.parametrize("loss", [SquaredLoss, "squared", None])
def test_a_loss_must_be_an_object(loss):
    with pytest.raises(ValueError, match="loss must "):
        Problem(np.eye(2, 3), np.ones(2), loss)


@pytest.mark.parametrize("sizes", [(0, 2, 1), (2, 2, 1), (2, 3, 0), (2.0, 3, 1), (True, 3, 1)])
def test_gaussian_refuses_bad_sizes(sizes):
    with pytest.raises(ValueError, match=r"^(n|d|k|X) must"):
        Problem.gaussian(*sizes, seed=0)


@pytest.mark.parametrize("bad", [np.ones((3, 1)), np.ones((2, 2)), np.ones(3), [[np.nan]] * 4, "a"])
def test_weights_must_fit(bad):
    problem = Problem.gaussian(2, 4, 1, 0)
    for method in (problem.loss_value, problem.gradient, problem.project, problem.residual):
        with pytest.raises(ValueError, match=r"^W "):
            method(bad)


def test_labels_zero_are_interpolated_by_zero_whatever_the_rank():
    problem = Problem(np.ones((2, 3)), np.zeros((2, 2)), strict=False)
    assert problem.interpolable
    assert problem.project(np.ones((3, 2))) == pytest.approx(0.0, abs=1e-14)


class ValueAndGradient:
    """log cosh with the least that a loss must have: divergences come from the definition."""

    strong_convexity, smoothness = 0.0, 1.0

    def value(self, Z):
        return np.sum(np.log(np.cosh(Z)), axis=(-2, -1))

    def gradient(self, Z):
        return np.tanh(Z)


@given(drawn_outputs, seeds)
def test_a_loss_without_a_divergence_has_the_one_of_the_definition(k, seed):
    problem, rng = random_problem(seed, k, ValueAndGradient())
    A, B = rng.standard_normal((2, 5, problem.d, k))
    tangent = problem.loss_value(B) + inner(problem.gradient(B), A - B)
    found, scale = problem.divergence(A, B), problem.loss_value(A) + problem.loss_value(B)
    assert (found >= 0).all()
    assert (np.abs(found - (problem.loss_value(A) - tangent)) <= 1e-12 * (1 + scale)).all()


def test_counterexamples_may_be_built_when_not_strict():
    repeated = Problem(np.ones((2, 3)), [1.0, 3.0], strict=False)
    assert not repeated.interpolable
    assert repeated.project(np.zeros(3)) == pytest.approx(np.full((3, 1), 2 / 3))
    assert repeated.sigma_min == pytest.approx(np.sqrt(6))
    consistent = Problem(np.ones((2, 3)), [2.0, 2.0], strict=False)
    assert consistent.interpolable
    assert consistent.residual(consistent.project(np.ones(3))) == pytest.approx(0.0, abs=1e-14)
    assert Problem(np.eye(3), np.ones(3), strict=False).project(np.zeros(3)).sum() == 3
