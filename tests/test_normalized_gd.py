"""The statements of the chapter on normalized gradient descent, over random problems."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspgd_lib import (
    GradientDescent,
    LogCoshLoss,
    NormalizedGD,
    Problem,
    SquaredLoss,
    check,
    dspgd,
)
from dspgd_lib.figures import normalized_gd as figures


def norms(history):
    return np.linalg.norm(history, axis=(1, 2))


LOSSES = (SquaredLoss(), LogCoshLoss())


@st.composite
def cases(draw, losses=LOSSES):
    """A random problem, a start and a smoothing on the scale of the gradients."""
    n, extra, k = draw(st.integers(1, 6)), draw(st.integers(1, 8)), draw(st.sampled_from([1, 4]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X, Y = rng.standard_normal((n, n + extra)), rng.standard_normal((n, k))
    problem = Problem(X, Y, draw(st.sampled_from(losses)))
    W0 = rng.standard_normal((n + extra, k))
    eps = draw(st.sampled_from([0.05, 0.3, 1.0, 3.0])) * np.linalg.norm(problem.gradient(W0))
    return problem, W0, float(eps)


fractions = st.floats(0.05, 1.0)


@pytest.mark.statement("prop-ngd-potential")
@given(cases(), st.floats(1e-6, 1e6))
def test_the_potential_is_smooth_with_the_constant_stated_and_no_smaller_one(case, scale):
    problem, W0, eps = case
    K, V = NormalizedGD(eps), scale * problem.gradient(W0)
    rng = np.random.default_rng(0)
    H = rng.standard_normal(V.shape) * np.linalg.norm(V)
    slope = np.linalg.norm(K.gradient(V + H) - K.gradient(V)) / np.linalg.norm(H)
    assert slope <= (1 + 1e-9) / eps
    tiny = 1e-4 * eps * V / np.linalg.norm(V)
    assert np.linalg.norm(K.gradient(tiny)) / np.linalg.norm(tiny) >= (1 - 1e-7) / eps
    assert np.linalg.norm(K.gradient(V)) <= 1
    m, beta = K.sector(np.linalg.norm(V))
    factor = np.linalg.norm(K.gradient(V)) / np.linalg.norm(V)
    assert m * (1 - 1e-12) <= factor <= beta * (1 + 1e-12)


@pytest.mark.statement("prop-ngd-potential")
@given(cases(), st.floats(0, 0.999999))
def test_the_dual_is_the_largest_value_of_the_linear_function_minus_the_potential(case, r):
    problem, W0, eps = case
    K, V = NormalizedGD(eps), problem.gradient(W0)
    S = r * V / np.linalg.norm(V)
    along = np.linspace(0, 3 * (1 + r / np.sqrt(1 - r**2)), 4001)[:, None, None] * eps
    attained = (S * along * V / np.linalg.norm(V)).sum((1, 2)) - K.value(
        along * V / np.linalg.norm(V)
    )
    assert attained.max() <= K.conjugate(S) + 1e-12 * eps
    assert attained.max() >= K.conjugate(S) - 1e-2 * eps
    assert K.conjugate(1.0001 * V / np.linalg.norm(V)) == np.inf


@pytest.mark.statement("lem-one-meeting-point")
@given(cases(), st.integers(0, 2**32 - 1))
def test_the_plane_meets_the_manifold_once_and_nearest(case, seed):
    problem, W0, _ = case
    rng, P = np.random.default_rng(seed), problem.project(W0)
    size = np.linalg.norm(W0) + np.linalg.norm(P)
    X = problem.X
    A = np.linalg.lstsq(X.T, P - W0, rcond=None)[0]
    assert np.linalg.norm(X.T @ A - (P - W0)) <= 1e-9 * size
    assert np.linalg.norm(X @ P - problem.Y) <= 1e-9 * problem.sigma_max * size
    Z = rng.standard_normal(W0.shape)
    other = P + problem.project(Z) - problem.project(0 * Z)
    assert np.linalg.norm(P - W0) <= np.linalg.norm(other - W0) * (1 + 1e-9)
    W = W0 + X.T @ rng.standard_normal(problem.Y.shape)
    bound = np.linalg.norm(X @ W - problem.Y) / problem.sigma_min
    assert np.linalg.norm(W - P) <= bound * (1 + 1e-9) + 1e-9 * size


@pytest.mark.statement("thm-ngd-limit")
@given(cases(), fractions)
def test_normalized_gd_ends_where_gd_ends(case, fraction):
    problem, W0, eps = case
    run = dspgd(problem, NormalizedGD(eps), W0, fraction * eps / problem.M, max_steps=3000)
    gd = dspgd(problem, GradientDescent(), W0, fraction / problem.M, max_steps=3000)
    goal = problem.project(W0)
    for end in (run, gd):
        bound = np.linalg.norm(problem.X @ end.W - problem.Y) / problem.sigma_min
        slack = 1e-9 * (np.linalg.norm(W0) + np.linalg.norm(goal))
        assert np.linalg.norm(end.W - goal) <= bound * (1 + 1e-6) + slack
        assert problem.loss_value(end.W) <= problem.loss_value(W0)


@pytest.mark.statement("thm-ngd-limit")
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("eps", [0.5, 5.0, 500.0])
def test_the_limit_does_not_depend_on_the_learning_rate(k, loss, eps):
    base = Problem.gaussian(10, 30, k, seed=k)
    problem = Problem(base.X, base.Y, loss)
    W0 = np.random.default_rng(7).standard_normal((30, k))
    for fraction in (0.2, 0.6, 1.0):
        run = dspgd(problem, NormalizedGD(eps), W0, fraction * eps / problem.M)
        assert run.converged
        goal = problem.project(W0)
        assert np.linalg.norm(run.W - goal) <= 1e-9 * np.linalg.norm(goal)


@pytest.mark.statement("prop-ngd-road")
@given(cases(), st.floats(0.1, 0.9))
def test_the_two_flows_run_through_the_same_curve(case, fraction):
    """A reparametrised curve has parallel velocities: compare them along the GD path."""
    problem, W0, eps = case
    K = NormalizedGD(eps)
    path = dspgd(problem, GradientDescent(), W0, fraction / problem.M, max_steps=30, record=("W",))
    V = problem.gradient(path.history["W"])
    pushed, length = K.gradient(V), norms(V)
    cosine = (V * pushed).sum((1, 2)) / (length * norms(pushed))
    assert (cosine >= 1 - 1e-12).all()
    assert (norms(pushed) * np.hypot(length[0], eps) >= length * (1 - 1e-12)).all()


@pytest.mark.statement("prop-ngd-road")
@pytest.mark.parametrize("seed", range(3))
def test_the_roads_approach_each_other_in_proportion_to_the_learning_rate(seed):
    problem = Problem.gaussian(3, 6, 1, seed)
    W0 = np.random.default_rng(seed + 100).standard_normal((6, 1))
    K = NormalizedGD(0.3 * float(np.linalg.norm(problem.gradient(W0))))

    def off(fraction):
        fine = dspgd(problem, GradientDescent(), W0, 2e-3 / problem.M, tol=1e-5, record=("W",))
        run = dspgd(problem, K, W0, fraction * K.eps / problem.M, tol=1e-3, record=("W",))
        path = fine.history["W"][..., 0]
        return max(np.linalg.norm(path - W[:, 0], axis=1).min() for W in run.history["W"])

    assert off(0.1) <= 0.7 * off(0.2) <= 0.49 * off(0.4)


@pytest.mark.statement("lem-ngd-gradient-norms")
@given(cases(), st.floats(0.05, 2.0))
def test_gradients_do_not_grow(case, fraction):
    problem, W0, eps = case
    run = dspgd(
        problem, NormalizedGD(eps), W0, fraction * eps / problem.M, tol=1e-6, max_steps=400,
        record=("gradient",),
    )  # fmt: skip
    length = norms(run.history["gradient"])
    assert (np.diff(length) <= 1e-9 * length[0]).all()


@pytest.mark.statement("thm-ngd-rate")
@given(cases(), st.floats(0.05, 1.95))
def test_every_step_shrinks_the_distance_by_the_stated_factor(case, fraction):
    problem, W0, eps = case
    eta = fraction * eps / problem.M
    run = dspgd(
        problem, NormalizedGD(eps), W0, eta, tol=1e-6, max_steps=400, record=("W", "gradient")
    )
    distance = norms(run.history["W"] - problem.project(W0))
    pace = eta / np.hypot(norms(run.history["gradient"]), eps)
    q = np.maximum(1 - pace * problem.mu, pace * problem.M - 1)[:-1]
    assert (q < 1).all()
    assert (distance[1:] <= q * distance[:-1] + 1e-10 * (distance[0] + np.linalg.norm(W0))).all()
    assert (np.diff(pace) >= -1e-12 * pace[0]).all()


@pytest.mark.statement("thm-ngd-rate")
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_it_converges_up_to_twice_the_guarantee(loss):
    base = Problem.gaussian(5, 12, 2, seed=0)
    problem = Problem(base.X, base.Y, loss)
    W0 = np.random.default_rng(1).standard_normal((12, 2))
    run = dspgd(problem, NormalizedGD(5.0), W0, 1.9 * 5.0 / problem.M)
    assert run.converged and not run.guaranteed
    goal = problem.project(W0)
    assert np.linalg.norm(run.W - goal) <= 1e-9 * np.linalg.norm(goal)


@pytest.mark.statement("prop-ngd-two-phases")
@given(cases(), fractions)
def test_a_walk_and_then_a_constant_factor(case, fraction):
    problem, W0, eps = case
    eta = fraction * eps / problem.M
    run = dspgd(
        problem, NormalizedGD(eps), W0, eta, tol=1e-6, max_steps=2000, record=("W", "gradient")
    )
    distance = norms(run.history["W"] - problem.project(W0))
    slack = 1e-10 * (distance[0] + np.linalg.norm(W0))
    assert (distance >= distance[0] - eta * np.arange(len(distance)) - slack).all()
    long = norms(run.history["gradient"]) > eps
    assert long.sum() <= np.sqrt(2) * problem.kappa * distance[0] / eta + 1
    assert not long[np.argmin(long) :].any() or long.all()
    late = ~long[:-1]
    factor = 1 - eta * problem.mu / (np.sqrt(2) * eps)
    assert (distance[1:][late] <= factor * distance[:-1][late] + slack).all()


@pytest.mark.statement("prop-ngd-beyond")
@given(cases(), st.floats(1.0, 50.0))
def test_it_stays_bounded_for_every_learning_rate(case, fraction):
    problem, W0, eps = case
    eta = fraction * eps / problem.M
    run = dspgd(problem, NormalizedGD(eps), W0, eta, max_steps=200, record=("W",))
    distance = norms(run.history["W"] - problem.project(W0))
    assert distance.max() <= max(distance[0], eta * (problem.kappa / 2 + 1)) * (1 + 1e-9)


@pytest.mark.statement("prop-ngd-beyond")
@given(cases(losses=LOSSES[:1]), st.floats(2.05, 10.0))
def test_two_cycles_beyond_twice_the_guarantee(case, fraction):
    problem, W0, eps = case
    K, sharp = NormalizedGD(eps), problem.sigma_max**2
    eta = fraction * eps / sharp
    v = np.linalg.svd(problem.X)[2][0][:, None]
    b = np.ones((1, W0.shape[1])) / np.sqrt(W0.shape[1])
    c = np.sqrt(eta**2 / 4 - eps**2 / sharp**2)
    U = problem.project(W0)
    stepped = U + c * v @ b - eta * K.gradient(problem.gradient(U + c * v @ b))
    assert np.linalg.norm(stepped - (U - c * v @ b)) <= 1e-9 * (np.linalg.norm(U) + c)


@pytest.mark.statement("prop-ngd-beyond")
@given(cases(losses=LOSSES[:1]), st.floats(2.05, 10.0))
def test_beyond_twice_the_guarantee_the_sharpest_error_does_not_die_out(case, fraction):
    problem, W0, eps = case
    eta = fraction * eps / problem.sigma_max**2
    v = np.linalg.svd(problem.X)[2][0]
    run = dspgd(problem, NormalizedGD(eps), W0, eta, tol=0, max_steps=600, record=("W",))
    error = np.linalg.norm(v @ (run.history["W"] - problem.project(W0)), axis=1)
    # Below this size the factor |1 - η_t σ²| is above 1: whoever is there moves away again.
    repelling = np.sqrt((fraction / 2) ** 2 - 1) * eps / problem.sigma_max**2
    small = (error[:-1] > 1e-12) & (
        norms(problem.gradient(run.history["W"][:-1])) < 0.99 * repelling * problem.sigma_max**2
    )
    assert (error[1:][small] > error[:-1][small]).all()


def test_the_unsmoothed_method_never_comes_to_rest():
    data, start = figures.plane()

    class Unsmoothed:
        def value(self, G):
            return np.linalg.norm(G)

        def gradient(self, G):
            return G / np.linalg.norm(G)

    run = dspgd(data, Unsmoothed(), start, 0.4, max_steps=300, record=("W",))
    steps = norms(np.diff(run.history["W"], axis=0))
    assert not run.converged
    assert np.allclose(steps, 0.4)


def test_the_exercise_is_failed_by_its_starting_code_and_passed_by_its_solution():
    def given_code(G, eps=0.5):
        return G / np.abs(G + eps)

    def solution(G, eps=0.5):
        return G / np.hypot(np.linalg.norm(G), eps)

    reference = NormalizedGD(0.5).gradient
    assert not check.same(given_code, reference, check.matrices(d=3, k=2)).passed
    assert check.same(solution, reference, check.matrices(d=3, k=2)).passed
