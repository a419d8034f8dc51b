"""What goes wrong where an assumption is missing: the counterexamples of the book, run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import inner, norm, seeds

from dspgd_lib import (
    Cosh,
    PNorm,
    Problem,
    Start,
    certified_limit,
    distance_bound,
    dspgd,
    fundamental_identity,
    max_learning_rate,
)
from dspgd_lib.counterexamples import Drifting, drift

# ---------------------------------------------------------------- no smoothness: powers, cosh


@given(seeds, st.floats(1.1, 1.9), st.floats(-2, 2))
def test_a_power_below_two_has_a_cycle_for_every_learning_rate(seed, p, log_eta):
    """One example: |u| = (η‖x‖_p^p/2)^{1/(2−p)} is thrown over the manifold and back, for ever."""
    x, eta = np.random.default_rng(seed).standard_normal(4), 10.0**log_eta
    problem, K = Problem([x], [0.0]), PNorm(p)
    u = (eta * np.sum(np.abs(x) ** p) / 2) ** (1 / (2 - p))
    W0 = (u * x / inner(x[:, None], x[:, None]))[:, None]
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=6, record="W")
    residuals = problem.residual(run.history["W"])[:, 0, 0]
    assert residuals == pytest.approx(u * np.array([1, -1, 1, -1, 1, -1, 1]), rel=1e-6)
    assert not run.converged and not run.guaranteed


@pytest.mark.parametrize("p", [1.2, 1.5, 1.8])
@pytest.mark.parametrize("eta", [1e-3, 1e-1, 10.0])
@pytest.mark.parametrize("start", [0.01, 3.0])
def test_other_starts_are_drawn_into_the_cycle(p, eta, start):
    """The map of the residual has the slope 3 − 2p on it, less than 1 in size."""
    x = np.array([1.0, -0.5, 2.0])
    problem, K = Problem([x], [0.0]), PNorm(p)
    u = (eta * np.sum(np.abs(x) ** p) / 2) ** (1 / (2 - p))
    W0 = start * u * x[:, None] / inner(x[:, None], x[:, None])
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=400)
    assert abs(problem.residual(run.W)[0, 0]) == pytest.approx(u, rel=1e-9)
    assert not run.converged and run.limit_error == np.inf


@pytest.mark.parametrize("eta", [1e-6, 1e-3, 1.0])
@pytest.mark.parametrize("K", [Cosh(), PNorm(3.0)], ids=["cosh", "p-norm-3"])
def test_far_out_every_learning_rate_is_too_large_without_smoothness(K, eta):
    """The ledger loses its sign and the loss grows, though closer in the same η is covered."""
    problem = Problem([[1.0, 0.5]], [0.0])
    far = 40.0 / min(eta, 1.0) if K == PNorm(3.0) else 40.0
    W = np.array([[far], [0.0]])
    step = fundamental_identity(problem, K, W, problem.project(W), eta)
    assert step.adjusted_divergence < 0
    assert problem.loss_value(step.W_next) > problem.loss_value(W)
    near = np.array([[0.1 / max(eta, 1.0)], [0.0]])
    assert 0 < max_learning_rate(problem, K, near)
    assert max_learning_rate(problem, K, near) > max_learning_rate(problem, K, W)
    assert max_learning_rate(problem, K) == 0


def test_cosh_works_on_the_gradients_of_the_run():
    problem, W0 = Problem([[1.0, 0.5]], [0.0]), np.array([[2.0], [0.0]])
    eta = max_learning_rate(problem, Cosh(), W0)
    run = dspgd(problem, Cosh(), W0, eta, record=("W", "loss"))
    assert run.converged and (np.diff(run.history["loss"]) < 0).all()
    apart = norm(run.W - problem.project(W0))
    assert 0.01 < apart <= distance_bound(Start(problem, Cosh(), W0))


def test_a_power_above_two_arrives_ever_more_slowly():
    """m = 0: the loss falls like 1/t², not like a power of a number below 1."""
    problem, W0, K = Problem([[1.0, 0.5]], [0.0]), np.array([[2.0], [0.0]]), PNorm(3.0)
    eta = max_learning_rate(problem, K, W0)
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=8000, record="loss")
    L = run.history["loss"]
    assert (np.diff(L) < 0).all()
    assert 3.8 < L[2000] / L[4000] < L[4000] / L[8000] < 4.0


# ---------------------------------------------------------------- ∇²K(0) = βI is needed


class Uneven:
    """K = ½g₁² + 0.005g₂²: β = 1, but not in the direction of the data."""

    smoothness = 1.0

    def value(self, G):
        return 0.5 * G[..., 0, 0] ** 2 + 0.005 * G[..., 1, 0] ** 2

    def gradient(self, G):
        return np.array([[1.0], [0.01]]) * G

    def sector(self, radius):
        return 0.01, 1.0


def test_the_largest_learning_rate_is_not_exact_for_a_hessian_with_other_eigenvalues():
    problem, K = Problem([[0.1, 1.0]], [0.0]), Uneven()
    assert max_learning_rate(problem, K) == pytest.approx(1 / 1.01)
    W = np.array([[3.0], [-2.0]])
    for eta, sign in ((0.9, 1), (49.9, 1), (50.1, -1)):
        step = fundamental_identity(problem, K, W, problem.project(W), eta)
        assert sign * step.adjusted_divergence > 0
    assert dspgd(problem, K, W, 50.0).steps <= 2  # here the smallest step that arrives at once
    assert dspgd(problem, K, W, 99.0).converged
    assert not dspgd(problem, K, W, 101.0).converged


# ---------------------------------------------------------------- loss to 0, weights to nowhere


@given(seeds)
def test_the_drifting_potential_is_convex_and_smooth_with_one_minimum(seed):
    rng, K = np.random.default_rng(seed), Drifting()
    A, B = 10.0 ** rng.uniform(-2, 1) * rng.standard_normal((2, 2, 1))
    step = K.gradient(A) - K.gradient(B)
    assert inner(step, A - B) >= inner(step, step) / 2 - 1e-9 * norm(A - B) * norm(step)
    D = rng.standard_normal((2, 1))
    h = 1e-5 * norm(A)
    slope = (K.value(A + h * D) - K.value(A - h * D)) / (2 * h)
    assert slope == pytest.approx(inner(K.gradient(A), D), rel=1e-6, abs=1e-8 * norm(A))
    assert K.value(A) > 0 and norm(K.gradient(A)) > 0


def test_the_loss_may_fall_to_zero_while_the_weights_never_settle():
    """The weights need one more hypothesis: here W drifts along the manifold like −¼ log t."""
    problem, K, eta = Problem([[1.0, 0.0]], [0.0]), Drifting(), 0.5
    run = dspgd(problem, K, [1.0, 0.0], eta, tol=0, max_steps=300, record="W")
    path = drift(100_000, eta)
    assert run.history["W"][..., 0] == pytest.approx(path[:301], rel=1e-9, abs=1e-12)
    assert run.guaranteed and run.limit_error == np.inf  # Theorem 1 covers it, no bound on W does
    step = fundamental_identity(problem, K, np.array([[1.0], [0.0]]), np.zeros((2, 1)), eta)
    assert step.adjusted_divergence >= 0 and abs(step.residual) < 1e-14

    times = np.array([10**3, 10**4, 10**5])
    loss, drifted = 0.5 * path[times, 0] ** 2, path[times, 1]
    assert (loss[1:] < 0.11 * loss[:-1]).all()  # to 0, like 1/(4t)
    assert loss * times == pytest.approx(1 / 4, rel=2e-2)
    offset = drifted + 0.25 * np.log(times)
    assert (np.diff(drifted) < -0.57).all()  # ¼ log 10 = 0.5756 for each power of ten, for ever
    assert (np.abs(np.diff(offset)) < [5e-3, 1e-3]).all() and (np.diff(offset) < 0).all()
    assert offset[-1] == pytest.approx(-0.3836, abs=2e-4)


def test_nothing_is_certified_for_the_drift():
    problem = Problem([[1.0, 0.0]], [0.0])
    certificate = certified_limit(Start(problem, Drifting(), [1.0, 0.0]), 0.5)
    assert certificate.error == np.inf and "no sector" in certificate.reason


# ---------------------------------------------------------------- problems that are not strict


def test_with_as_many_weights_as_examples_every_run_ends_at_the_one_solution():
    """d = n: the manifold is a point, and no preconditioner can choose."""
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((3, 3)), rng.standard_normal(3), strict=False)
    solution = np.linalg.solve(problem.X, problem.Y)
    for K in (Cosh(), PNorm(2.0)):
        W0 = solution + 0.05 * rng.standard_normal((3, 1))
        run = dspgd(problem, K, W0, max_learning_rate(problem, K, W0))
        assert run.converged and norm(run.W - solution) <= 1e-8 * norm(solution)


def test_with_repeated_examples_and_agreeing_labels_the_bounds_still_hold():
    """Not full row rank: the smallest singular value that is not 0 takes the place of σ_min."""
    row = np.array([1.0, 2.0, -0.5])
    problem = Problem([row, row], [1.0, 1.0], strict=False)
    W0 = np.array([[0.3], [0.0], [0.1]])
    eta = max_learning_rate(problem, Cosh(), W0)
    run = dspgd(problem, Cosh(), W0, eta)
    assert run.converged
    assert 0 < norm(run.W - problem.project(W0)) <= distance_bound(Start(problem, Cosh(), W0))


def test_with_labels_that_contradict_each_other_nothing_is_certified():
    problem = Problem(np.ones((2, 3)), [1.0, 3.0], strict=False)
    run = dspgd(problem, PNorm(2.0), np.zeros(3), 0.1, max_steps=200)
    assert not run.converged and run.limit_error == np.inf and "no W interpolates" in run.message
