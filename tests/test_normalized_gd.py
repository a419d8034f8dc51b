"""The statements of the chapter on normalized gradient descent, over random and hard problems."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles import examples
from scipy.integrate import solve_ivp
from strategies import inner, norm, seeds, up_to

from dspgd_lib import (
    ColumnNormalized,
    GradientDescent,
    LogCoshLoss,
    NormalizedGD,
    Problem,
    SquaredLoss,
    check,
    dspgd,
)
from dspgd_lib.figures import normalized_gd as figures


class KinkedLoss:
    """½az² on either side of 0, with its own pair of a for each entry: not twice differentiable."""

    strong_convexity, smoothness = 1.0, 3.0

    def _curvature(self, Z):
        i, j = np.indices(Z.shape[-2:])
        return np.where(Z < 0, 1.0 + 2.0 * ((i + j) % 2), 1.0 + i % 3)

    def value(self, Z):
        return 0.5 * inner(self._curvature(Z) * Z, Z)

    def gradient(self, Z):
        return self._curvature(Z) * Z

    def divergence_from(self, B, H):
        return self.value(B + H) - self.value(B) - inner(self.gradient(B), H)


LOSSES = (SquaredLoss(), LogCoshLoss(), KinkedLoss())


@st.composite
def cases(draw, losses=LOSSES):
    """A problem, a start, and the projection of the start.

    Condition numbers of X up to 10, sometimes a repeated top singular value, and starts whose
    error may lie along the weak directions.
    """
    n, k = draw(st.integers(1, 4)), draw(st.sampled_from([1, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sigma = np.geomspace(1, draw(st.sampled_from([1.0, 0.3, 0.1])), n)
    if n > 1 and draw(st.booleans()):
        sigma[1] = sigma[0]
    left = np.linalg.qr(rng.standard_normal((n, n)))[0]
    right = np.linalg.qr(rng.standard_normal((n + 2, n)))[0]
    loss = draw(st.sampled_from(losses))
    problem = Problem(left * sigma @ right.T, rng.standard_normal((n, k)), loss)
    goal = problem.project(rng.standard_normal((n + 2, k)))
    weak = sigma[:, None] ** -draw(st.sampled_from([0.0, 1.0, 2.0]))
    return problem, goal + right @ (weak * rng.standard_normal((n, k))), goal


smoothings = st.sampled_from([0.005, 0.05, 0.5, 3.0])  # in units of the first gradient


def along(problem, goal, i, distance):
    """The point at this distance from the goal along the i-th right singular vector of X.

    For the squared loss the gradient there is a multiple of the error: the worst case of a bound,
    with the largest curvature for i = 0 and the smallest for i = -1.
    """
    q = np.linalg.svd(problem.X, full_matrices=False)[2][i]
    return goal + distance * q[:, None] * np.full((1, problem.k), problem.k**-0.5)


def smoothing(problem, W0, share):
    return float(share * norm(problem.gradient(W0)))


def spread(problem):
    """√κ + 1/√κ, the reciprocal of half the worst cosine."""
    return problem.kappa**0.5 + problem.kappa**-0.5


# ------------------------------------------------------------------------------ the potential


@pytest.mark.statement("prop-ngd-potential")
@given(seeds, st.sampled_from([1e-6, 1e-2, 1.0, 1e2, 1e6]), st.floats(1e-3, 1e3))
def test_smoothness_and_sector_are_the_constants_stated(seed, scale, eps):
    """β is attained near 0, m at the length r, and the bound 1 far out."""
    rng = np.random.default_rng(seed)
    K, G, H = NormalizedGD(eps), *(scale * eps * rng.standard_normal((2, 3, 2)))
    beta, tiny = 1 / eps, 1e-4 * eps * G / norm(G)
    for A, B in ((G + H, G), (tiny, 0 * tiny)):
        assert norm(K.gradient(A) - K.gradient(B)) <= (1 + 1e-9) * beta * norm(A - B)
    assert norm(K.gradient(tiny)) >= (1 - 1e-7) * beta * norm(tiny)
    far = 1e5 * eps * G / norm(G)
    assert norm(K.gradient(G)) <= 1 and 1 - 1e-9 <= norm(K.gradient(far)) < 1
    r = norm(G)
    m = 1 / np.sqrt(r**2 + eps**2)
    assert K.sector(r) == pytest.approx((m, beta))
    for length in (1.0, 0.5, 1e-3, 1e-9):
        a = norm(K.gradient(length * G)) / norm(length * G)
        assert m * (1 - 1e-12) <= a <= beta * (1 + 1e-12)
    assert norm(K.gradient(1.05 * G)) < m * norm(1.05 * G) or r < 0.01 * eps  # beyond r


@pytest.mark.statement("prop-ngd-potential")
@given(seeds, st.sampled_from([1e-2, 1.0, 10.0]), st.floats(1e-3, 1e3))
def test_the_potential_is_strictly_convex(seed, scale, eps):
    """Its second derivative is at least ε²‖H‖²/ρ³, attained along G: by central differences."""
    rng = np.random.default_rng(seed)
    K, G, H = NormalizedGD(eps), *rng.standard_normal((2, 3, 2))
    G, rho = scale * eps * G / norm(G), eps * np.hypot(1, scale)
    for D in (H, G):
        h = 1e-4 * rho / norm(D)
        second = inner(D, K.gradient(G + h * D) - K.gradient(G - h * D)) / (2 * h)
        least = eps**2 * norm(D) ** 2 / rho**3
        assert second >= least * (1 - 1e-4)
    assert second == pytest.approx(least, rel=1e-4)


@given(seeds, st.sampled_from([1e-3, 0.1, 1.0, 10.0, 1e3]), st.floats(1e-3, 1e3))
def test_the_potential_lies_between_a_cone_and_a_bowl(seed, scale, eps):
    K, G = NormalizedGD(eps), np.random.default_rng(seed).standard_normal((3, 2))
    G *= scale * eps / norm(G)
    s, value = norm(G), K.value(G)
    assert s - eps <= value <= s
    below = 0.5 * s**2 - eps * value
    assert -1e-15 * s**2 <= below <= s**4 / (8 * eps**2) + 1e-15 * s**2
    if scale == 1e3:  # the lower bound of the first line is attained far out
        assert value <= s - 0.999 * eps
    if scale == 1e-3:  # the upper bounds are not, near 0: there the fourth power takes over
        assert value <= 1e-3 * s
    if scale == 0.1:
        assert below >= 0.99 * s**4 / (8 * eps**2)


@pytest.mark.statement("prop-ngd-potential")
@given(seeds, st.floats(0, 0.999999), st.floats(1e-3, 1e3))
def test_the_dual_is_the_supremum_and_attained_where_stated(seed, r, eps):
    rng = np.random.default_rng(seed)
    K, S = NormalizedGD(eps), rng.standard_normal((3, 2))
    S *= r / norm(S)
    stated = eps * r**2 / (1 + np.sqrt(1 - r**2))
    best = eps * S / np.sqrt(1 - r**2)
    assert K.conjugate(S) == pytest.approx(stated, rel=1e-9, abs=1e-15 * eps)
    assert abs(inner(S, best) - K.value(best) - stated) <= 1e-9 * (eps + inner(S, best))
    G = eps * 10.0 ** rng.uniform(-3, 3, (200, 1, 1)) * rng.standard_normal((200, 3, 2))
    gap = K.value(G) + stated - inner(S, G)
    assert (gap >= -1e-12 * (norm(G) + eps)).all()
    assert abs(K.value(best) + stated - inner(K.gradient(best), best)) <= 1e-9 * (
        eps + inner(S, best)
    )
    edge = rng.standard_normal((3, 2))
    edge /= norm(edge)
    assert K.conjugate(edge) == pytest.approx(eps) and K.conjugate(1.0001 * edge) == np.inf


# ---------------------------------------------------------------------------- the destination


@pytest.mark.statement("lem-ngd-secant")
@given(cases(), seeds)
def test_the_gradient_is_a_symmetric_map_of_the_error(case, seed):
    """For the squared loss, for which B = XᵀX, the eigenvalues reach from μ to M."""
    problem, W, _ = case
    other = np.random.default_rng(seed).standard_normal(W.shape)
    R, R_other = problem.residual(W), problem.residual(other)
    D = (problem.loss.gradient(R) - problem.loss.gradient(R_other)) / (R - R_other)
    wide = np.kron(problem.X, np.eye(problem.k))  # X on matrices written as vectors
    B = wide.T @ (D.reshape(-1, 1) * wide)
    change = problem.gradient(W) - problem.gradient(other)
    assert norm((B @ (W - other).ravel()).reshape(W.shape) - change) <= 1e-9 * norm(change)
    on_row_space = np.linalg.eigvalsh(B)[(problem.d - problem.n) * problem.k :]
    assert on_row_space[0] >= problem.mu * (1 - 1e-9)
    assert on_row_space[-1] <= problem.M * (1 + 1e-9)
    if isinstance(problem.loss, SquaredLoss):
        assert np.kron(problem.X.T @ problem.X, np.eye(problem.k)) == pytest.approx(B, abs=1e-9)
        assert on_row_space[[0, -1]] == pytest.approx([problem.mu, problem.M], rel=1e-9)


@pytest.mark.statement("thm-ngd-limit")
@given(cases(), up_to(1.0, 0.5), st.sampled_from([0.3, 1.0, 100.0]))
def test_normalized_gd_ends_where_gd_ends(case, fraction, share):
    """The bound on η is not the largest: up to 2ε/M see `thm-ngd-rate`, beyond `prop-ngd-beyond`.

    The way along the weak directions is long, so runs start nearer to the goal than elsewhere.
    """
    problem, W0, goal = case
    W0 = goal + problem.X.T @ (problem.X @ (W0 - goal))
    eps = smoothing(problem, W0, share)
    run = dspgd(problem, NormalizedGD(eps), W0, fraction * eps / problem.M, tol=1e-7)
    gd = dspgd(problem, GradientDescent(), W0, fraction / problem.M, tol=1e-7)
    assert run.converged and gd.converged
    for end in (run, gd):
        assert norm(end.W - goal) <= 1e-6 * (norm(W0) + norm(goal))


@pytest.mark.statement("thm-ngd-limit")
@given(st.sampled_from([1, 4]), st.sampled_from(LOSSES), st.floats(5.0, 500.0))
@settings(max_examples=8)
def test_the_limit_does_not_depend_on_the_learning_rate(k, loss, eps):
    base = Problem.gaussian(5, 20, k, seed=k)
    problem = Problem(base.X, base.Y, loss)
    W0 = np.random.default_rng(7).standard_normal((20, k))
    goal = problem.project(W0)
    for fraction in (0.3, 1.0):
        run = dspgd(problem, NormalizedGD(eps), W0, fraction * eps / problem.M)
        assert run.converged
        assert norm(run.W - goal) <= 1e-9 * norm(goal)


@pytest.mark.statement("thm-ngd-limit")
@given(st.floats(0.1, 1.0), st.floats(0.05, 1.0))
def test_without_full_row_rank_a_run_may_have_nowhere_to_go(eps, fraction):
    """Two labels for one example: no weights fit, and the gradient comes to rest elsewhere."""
    problem = Problem([[1.0, 0.0], [1.0, 0.0]], [0.0, 1.0], strict=False)
    run = dspgd(
        problem, NormalizedGD(eps), np.zeros((2, 1)), fraction * eps / problem.M, max_steps=200
    )
    assert problem.loss_value(run.W) >= 0.25 * (1 - 1e-12)


@pytest.mark.statement("thm-ngd-limit")
@given(cases())
def test_a_run_that_starts_at_the_goal_stays_there(case):
    problem, _, goal = case
    run = dspgd(problem, NormalizedGD(1.0), goal, 1 / problem.M, tol=0, max_steps=5)
    assert norm(run.W - goal) <= 1e-12 * (1 + norm(goal))


@pytest.mark.statement("prop-ngd-road")
@given(cases(losses=LOSSES[:2]), st.sampled_from([0.1, 1.0]))
def test_the_two_flows_run_through_the_same_curve(case, share):
    """Integrate both, the normalized flow together with the other's time and the way walked."""
    problem, W0, _ = case
    eps = smoothing(problem, W0, share)
    shape, horizon = W0.shape, 2.0 * eps / problem.M * (1 + 1 / share)

    def slow(_, w):
        return -problem.gradient(w.reshape(shape)).ravel()

    def normalized(_, state):
        V = problem.gradient(state[:-2].reshape(shape))
        step = -NormalizedGD(eps).gradient(V).ravel()
        return np.r_[step, 1 / np.sqrt(norm(V) ** 2 + eps**2), np.linalg.norm(step)]

    accurate = {"rtol": 1e-9, "atol": 1e-11, "method": "DOP853"}
    start = np.r_[W0.ravel(), 0.0, 0.0]
    *end, time, length = solve_ivp(normalized, (0, horizon), start, **accurate).y[:, -1]
    there = solve_ivp(slow, (0, time), W0.ravel(), **accurate).y[:, -1]
    way = norm(W0 - end_shape(end, shape))
    assert way > 0
    assert np.linalg.norm(there - end) <= 1e-6 * (way + norm(W0))
    least, most = np.hypot(length, eps * time), length + eps * time
    assert least * (1 - 1e-7) <= horizon <= most * (1 + 1e-7)


@pytest.mark.statement("prop-ngd-road")
@pytest.mark.parametrize("far", [1e-3, 1.0, 50.0, 1e6])
def test_the_clock_of_a_single_example_meets_both_of_its_bounds(far):
    """In closed form, for a first gradient of length far·ε and x of length 1."""

    def clock(near):
        def passed(y):
            return np.sqrt(y**2 + 1) - np.arcsinh(1 / y)

        length, time = far - near, np.log(far / near)
        return passed(far) - passed(near), length, time

    for near in (far * 0.999, far * 0.9, far * 0.1, far * 1e-9, far * 1e-100):
        T, length, time = clock(near)
        assert np.hypot(length, time) * (1 - 1e-9) <= T <= (length + time) * (1 + 1e-9)
    T, length, time = clock(far * 0.999)  # at once: the lower one
    assert T <= 1.001 * np.hypot(length, time)
    T, length, time = clock(far * 1e-150)  # in the end: the upper one
    assert T >= 0.98 * (length + time)
    assert T > np.hypot(length, time) * (1.05 if far == 50.0 else 1)


def end_shape(flat, shape):
    return np.array(flat).reshape(shape)


@pytest.mark.statement("prop-ngd-road")
@pytest.mark.parametrize("seed", range(2))
def test_the_roads_approach_each_other_in_proportion_to_the_learning_rate(seed):
    problem = Problem.gaussian(3, 9, 1, seed)
    W0 = np.random.default_rng(seed + 100).standard_normal((9, 1))
    K = NormalizedGD(smoothing(problem, W0, 0.3))
    fine = dspgd(problem, GradientDescent(), W0, 1e-2 / problem.M, tol=1e-3, record=("W",))

    def off(fraction):
        run = dspgd(problem, K, W0, fraction * K.eps / problem.M, tol=1e-2, record=("W",))
        return max(norm(fine.history["W"] - W).min() for W in run.history["W"][::3])

    assert off(0.2) <= 0.7 * off(0.4) <= 0.49 * off(0.8)


# --------------------------------------------------------------------------------- the speed


@pytest.mark.statement("lem-ngd-gradient-norms")
@given(cases(), up_to(2.0), smoothings)
def test_gradients_do_not_grow(case, fraction, share):
    """At η = 2ε/M a short gradient along the top direction keeps its length; beyond, it grows."""
    problem, W0, goal = case
    eps = smoothing(problem, W0, share)
    eta = fraction * eps / problem.M
    for start, steps in ((W0, 200), (along(problem, goal, 0, 1e-3 * eps / problem.M), 5)):
        keep = {"tol": 0, "max_steps": steps, "record": ("gradient",)}
        length = norm(dspgd(problem, NormalizedGD(eps), start, eta, **keep).history["gradient"])
        assert (np.diff(length) <= 1e-9 * (length[0] + 1e-4 * problem.M * norm(goal))).all()


@pytest.mark.statement("lem-ngd-gradient-norms")
@given(cases(losses=LOSSES[:2]), smoothings)
def test_five_percent_beyond_they_grow(case, share):
    problem, W0, goal = case
    eps = smoothing(problem, W0, share)
    start = along(problem, goal, 0, 1e-3 * eps / problem.M)
    after = start - 2.1 * eps / problem.M * NormalizedGD(eps).gradient(problem.gradient(start))
    assert norm(problem.gradient(after)) > 1.09 * norm(problem.gradient(start))
    assert norm(after - goal) > 1.09 * norm(start - goal)


@pytest.mark.statement("thm-ngd-rate")
@given(cases(), up_to(1.98), smoothings)
def test_every_step_shrinks_the_distance_by_the_stated_factor(case, fraction, share):
    """For the squared loss it is attained along the top and the bottom direction."""
    problem, W0, goal = case
    eps = smoothing(problem, W0, share)
    eta, near = fraction * eps / problem.M, 0.1 * eps / problem.M
    for start in (W0, *(along(problem, goal, i, near) for i in (0, -1))):
        keep = {"tol": 0, "max_steps": 100, "record": ("W", "gradient")}
        run = dspgd(problem, NormalizedGD(eps), start, eta, **keep)
        distance = norm(run.history["W"] - goal)
        pace = eta / np.hypot(norm(run.history["gradient"]), eps)
        q = np.maximum(1 - pace * problem.mu, pace * problem.M - 1)[:-1]
        assert (q < 1).all()
        slack = 1e-12 * (distance[0] + norm(goal))
        assert (distance[1:] <= q * distance[:-1] * (1 + 1e-9) + slack).all()
        assert (np.diff(pace) >= -1e-9 * pace[0]).all()
        if fraction <= 1:
            assert q == pytest.approx(1 - pace[:-1] * problem.mu, rel=1e-12)


@pytest.mark.statement("thm-ngd-rate")
@given(cases(), up_to(1.9, 1.2))
def test_it_converges_up_to_twice_the_guarantee(case, fraction):
    problem, W0, goal = case
    W0 = goal + problem.X.T @ (problem.X @ (W0 - goal))
    eps = smoothing(problem, W0, 1.0)
    run = dspgd(problem, NormalizedGD(eps), W0, fraction * eps / problem.M)
    assert run.converged
    assert norm(run.W - goal) <= 1e-9 * (norm(W0) + norm(goal))


@pytest.mark.statement("thm-ngd-rate")
@given(cases(), st.floats(0.1, 1.0))
@settings(max_examples=examples(15))
def test_it_converges_at_exactly_twice_the_guarantee(case, reach):
    """Slowly: the factor per step tends to 1. At 2.1 it does not converge, see below."""
    problem, W0, goal = case
    eps = smoothing(problem, W0, 1.0)
    eta = 2 * eps / problem.M
    start = goal + reach * eta * (W0 - goal) / norm(W0 - goal)
    steps = 500 + int(10 * problem.kappa)
    run = dspgd(
        problem, NormalizedGD(eps), start, eta, tol=0, max_steps=steps, record=("W", "gradient")
    )
    distance, length = norm(run.history["W"] - goal), norm(run.history["gradient"])
    slack = 1e-12 * (norm(goal) + distance[0])
    assert (np.diff(distance) <= slack).all()
    assert (np.diff(length) <= slack * problem.M).all()
    assert distance[-1] <= 0.02 * eta


@pytest.mark.statement("lem-ngd-angle")
@given(cases(), seeds)
def test_the_gradient_points_away_from_the_goal(case, seed):
    """The second claim is an equality along the top direction.

    The first is one for the squared loss and an error whose parts along the two extreme directions
    are as 1/σ² (Kantorovich).
    """
    problem, _, goal = case
    rng = np.random.default_rng(seed)
    top, bottom = (along(problem, 0, i, 1.0) for i in (0, -1))
    errors = [problem.X.T @ A for A in rng.standard_normal((10, *problem.Y.shape))]
    worst = top / problem.sigma_max + (bottom / problem.sigma_min if problem.n > 1 else 0)
    for error in (*errors, top, bottom, worst):
        error = error * 10 ** rng.uniform(-2, 2)
        V, error = problem.gradient(goal + error), goal + error - goal
        slack = 1 - 1e-6
        assert inner(V, error) >= slack * 2 / spread(problem) * norm(V) * norm(error)
        assert norm(V) ** 2 <= problem.M * inner(V, error) / slack


@pytest.mark.statement("prop-ngd-two-phases")
@given(cases(), up_to(2.0), smoothings)
def test_a_walk_and_then_a_constant_factor(case, fraction, share):
    """Part 1 is met far out along one direction, part 3 at a gradient of length ε.

    For the general bound of part 2 no tight instance is known.
    """
    problem, W0, goal = case
    eps = smoothing(problem, W0, share)
    eta = fraction * eps / problem.M
    far, turn = 50 * eps / problem.M, 0.9999 * eps / problem.mu
    starts = [(W0, 1000), (along(problem, goal, 0, far), 50), (along(problem, goal, -1, turn), 50)]
    starts.append((along(problem, goal, 0, 1e-2 * eps / problem.M), 3))
    for start, steps in starts:
        keep = {"tol": 1e-3, "max_steps": steps, "record": ("W", "gradient")}
        run = dspgd(problem, NormalizedGD(eps), start, eta, **keep)
        distance = norm(run.history["W"] - goal)
        slack = 1e-10 * (distance[0] + norm(goal))
        t = np.arange(len(distance))
        assert (distance >= distance[0] - eta * t - slack).all()
        long = norm(run.history["gradient"]) > eps * (1 + 1e-12)
        most = np.sqrt(2) / (2 - fraction / np.sqrt(2)) * spread(problem) * distance[0] / eta
        assert long.sum() <= most
        if isinstance(problem.loss, SquaredLoss) and fraction <= np.sqrt(2):
            assert long.sum() <= np.sqrt(2 * distinct(problem)) * distance[0] / eta
        assert (np.diff(long.astype(int)) <= 0).all()
        if fraction <= 2 / (1 + np.sqrt(0.5) / problem.kappa):
            late = ~long[:-1]
            factor = 1 - eta * problem.mu / (np.sqrt(2) * eps)
            assert (distance[1:][late] <= factor * distance[:-1][late] + 1e-3 * slack).all()


def distinct(problem):
    """The number of distinct singular values."""
    sigma = np.linalg.svd(problem.X, compute_uv=False)
    return 1 + int((np.diff(sigma) < -1e-9 * sigma[0]).sum())


@pytest.mark.statement("prop-ngd-two-phases")
@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_the_constants_of_the_two_phases_are_met_and_fail_just_beyond(eps, sigma):
    """One example: r = 1. A gradient a little longer than ε makes one long step."""
    problem = Problem([[sigma, 0.0]], [0.0])

    def long_steps(fraction):
        start, eta = along(problem, 0, 0, 1.0001 * eps / problem.M), fraction * eps / problem.M
        keep = {"tol": 0, "max_steps": 30, "record": ("gradient",)}
        run = dspgd(problem, NormalizedGD(eps), start, eta, **keep)
        count = (norm(run.history["gradient"]) > eps).sum()
        return count, np.sqrt(2) * norm(start) / eta

    count, most = long_steps(np.sqrt(2))
    assert 0.99 * most <= count <= most
    count, most = long_steps(1.05 * np.sqrt(2))
    assert count > most

    def late_factor(fraction, length):
        start, eta = along(problem, 0, 0, length / problem.M), fraction * eps / problem.M
        after = start - eta * NormalizedGD(eps).gradient(problem.gradient(start))
        return norm(after) / norm(start), 1 - fraction / np.sqrt(2)

    least = 2 / (1 + np.sqrt(0.5))
    for length in (eps, 0.5 * eps, 1e-4 * eps):
        for fraction in (0.5, 1.0, least):
            factor, bound = late_factor(fraction, length)
            assert factor <= max(bound, fraction - 1) + 1e-12
    factor, bound = late_factor(0.9, eps)
    assert factor == pytest.approx(bound, rel=1e-12)  # met where the gradient is ε long
    factor, bound = late_factor(1.05 * least, 1e-4 * eps)
    assert factor > bound


@pytest.mark.statement("prop-ngd-two-phases")
@given(cases(losses=LOSSES[:1]), smoothings)
def test_the_late_factor_fails_five_percent_beyond_its_hypothesis(case, share):
    problem, W0, goal = case
    eps = smoothing(problem, W0, share)
    largest = 2 * eps / (problem.M + problem.mu / np.sqrt(2))
    start = along(problem, goal, 0, 1e-3 * eps / problem.M)
    for eta, holds in ((largest, True), (1.05 * largest, False)):
        after = start - eta * NormalizedGD(eps).gradient(problem.gradient(start))
        factor = 1 - eta * problem.mu / (np.sqrt(2) * eps)
        assert (norm(after - goal) <= factor * norm(start - goal) * (1 + 1e-5)) == holds


# ----------------------------------------------------------------------- beyond the guarantee


@pytest.mark.statement("prop-ngd-beyond")
@given(cases(), up_to(1e6, 1.0), st.sampled_from([1e-3, 0.1, 0.5, 1.0]), st.floats(0, 4))
def test_it_stays_bounded_for_every_learning_rate(case, fraction, start, digits):
    """The 1 in the maximum is attained in the limit: a step far longer than the error, which is
    far longer than ε/M. For the ¼ no tight instance is known; it counts for κ > 13.9 only.
    """
    problem, W0, goal = case
    eps = smoothing(problem, W0, 10.0**-digits)
    eta = fraction * eps / problem.M
    reach = eta * max(1.0, spread(problem) / 4)
    near = goal + start * reach * (W0 - goal) / norm(W0 - goal)
    for W in (near, along(problem, goal, 0, np.sqrt(eta * eps / problem.M))):
        run = dspgd(problem, NormalizedGD(eps), W, eta, tol=0, max_steps=40, record=("W",))
        distance = norm(run.history["W"] - goal)
        assert distance.max() <= max(distance[0], reach) * (1 + 1e-9)


@pytest.mark.statement("prop-ngd-beyond")
@given(cases(losses=LOSSES[:1]), up_to(1e6, 1.0), st.sampled_from([1e-6, 1e-3, 0.1, 1.0, 10.0]))
def test_no_condition_number_bounds_how_far_it_gets(case, fraction, start):
    problem, W0, goal = case
    eps = smoothing(problem, W0, 1e-2)
    eta = fraction * eps / problem.M
    near = goal + start * eta * (W0 - goal) / norm(W0 - goal)
    keep = {"tol": 0, "max_steps": 60, "record": ("W",)}
    distance = norm(dspgd(problem, NormalizedGD(eps), near, eta, **keep).history["W"] - goal)
    most = distance[0] ** 2 + distinct(problem) * eta**2
    assert (distance**2).max() <= most * (1 + 1e-9)


@pytest.mark.statement("prop-ngd-beyond")
@pytest.mark.parametrize(
    ("sharp", "start", "reached"), [([1.0], [1e-4], 0.999), ([1.0, 1e4], [1e-6, 1e-12], 1.95)]
)
def test_the_bound_without_a_condition_number_is_met(sharp, start, reached):
    """One direction after the other is thrown to a distance of nearly η."""
    n = len(sharp)
    problem = Problem(np.c_[np.diag(np.sqrt(sharp)), np.zeros(n)], np.zeros(n))
    W0 = np.r_[start, 0.0][:, None]
    keep = {"tol": 0, "max_steps": 12, "record": ("W",)}
    distance = norm(dspgd(problem, NormalizedGD(1e-9), W0, 1.0, **keep).history["W"])
    assert reached <= (distance**2).max() - distance[0] ** 2 <= n


# ------------------------------------------------------------------------- the exact threshold


@pytest.mark.statement("lem-ngd-bounce")
@given(cases(losses=LOSSES[:1]), up_to(1e4), st.sampled_from([1e-3, 0.1, 1.0, 10.0]))
def test_the_energy_falls_by_what_the_lemma_says(case, fraction, start):
    problem, W0, goal = case
    K = NormalizedGD(smoothing(problem, W0, 0.1))
    eta = fraction * K.eps / problem.M
    W = goal + start * eta * (W0 - goal) / norm(W0 - goal)
    keep = {"tol": 0, "max_steps": 40, "record": ("W", "gradient")}
    run = dspgd(problem, K, W, eta, **keep)
    V, loss = run.history["gradient"], problem.loss_value(run.history["W"])
    energy = 2 * loss - eta * K.value(V)
    before, after = V[:-1], V[1:]
    drop = K.value(after) - K.value(before) + inner(K.gradient(before), after + before)
    size = 2 * loss[1:] + 2 * loss[:-1] + eta * (norm(before) + norm(after))
    assert (np.abs(energy[1:] - energy[:-1] + eta * drop) <= 1e-9 * size + 1e-12).all()
    assert (drop >= -1e-12 * (norm(before) + norm(after))).all()


@pytest.mark.statement("lem-ngd-bounce")
def test_without_strict_convexity_the_energy_may_stand_still():
    """Clipping, K(g) = g²/2 up to 1 and |g| − ½ beyond, with X = 1."""

    def K(g):
        return g**2 / 2 if abs(g) <= 1 else abs(g) - 0.5

    before = 2.7
    after = before - 4.5 * np.clip(before, -1, 1)
    assert after == pytest.approx(-1.8)
    drop = K(after) - K(before) + np.clip(before, -1, 1) * (after + before)
    assert drop == pytest.approx(0, abs=1e-12)


@pytest.mark.statement("lem-ngd-bounce")
@pytest.mark.parametrize(("weight", "fraction"), [(2.1, 2.05), (1.9, 1.95)])
def test_with_another_weight_of_the_loss_the_energy_may_rise(weight, fraction):
    problem, K = Problem([[1.0, 0.0]], [0.0]), NormalizedGD(1.0)
    keep = {"tol": 0, "max_steps": 3, "record": ("W", "gradient")}
    run = dspgd(problem, K, [1e-2, 0.0], fraction, **keep)
    loss, height = problem.loss_value(run.history["W"]), K.value(run.history["gradient"])
    assert (np.diff(weight * loss - fraction * height) > 0).all()
    assert (np.diff(2 * loss - fraction * height) < 0).all()


@pytest.mark.statement("lem-ngd-bounce")
def test_for_another_loss_the_energy_may_rise():
    problem, K = Problem([[1.0, 0.0]], [0.0], LogCoshLoss()), NormalizedGD(1.0)
    rises = []
    for fraction in np.linspace(1, 40, 40):
        keep = {"tol": 0, "max_steps": 40, "record": ("W", "gradient")}
        run = dspgd(problem, K, [3.0, 0.0], fraction / problem.M, **keep)
        loss, height = problem.loss_value(run.history["W"]), K.value(run.history["gradient"])
        rises.append(np.diff(2 * loss - fraction / problem.M * height).max())
    assert max(rises) > 1e-3


@pytest.mark.statement("thm-ngd-threshold")
@given(cases(losses=LOSSES[:1]), st.sampled_from([0.3, 1.0, 1.9, 1.95, 2.1, 2.3, 3.0, 4.5]))
@settings(max_examples=examples(20))
def test_every_run_rests_or_ends_on_the_bounce_along_the_top(case, fraction):
    """Parts 1 to 3, from random starts; an amplitude 5 % off would be seen."""
    problem, W0, goal = case
    eps = smoothing(problem, W0, 1.0)
    eta = fraction * eps / problem.M
    start = goal + 10 * eta * (W0 - goal) / norm(W0 - goal)
    steps = 1000 + int(20 * problem.kappa / min(fraction, 1))
    keep = {"tol": 0, "max_steps": steps, "record": ("W",)}
    run = dspgd(problem, NormalizedGD(eps), start, eta, **keep)
    before, after = run.history["W"][-2:] - goal
    slack = 1e-9 * eta + 1e-13 * norm(goal)
    if fraction <= 2:
        assert norm(after) <= 1e-6 * eta + slack
    else:
        c = np.sqrt(eta**2 / 4 - (eps / problem.M) ** 2)
        assert norm(before + after) <= 1e-3 * c + slack
        assert norm(after) == pytest.approx(c, rel=1e-3)
        sharpness = norm(problem.X @ after) / norm(after)
        assert sharpness == pytest.approx(problem.sigma_max, rel=1e-3)


@pytest.mark.statement("thm-ngd-threshold")
@given(cases(losses=LOSSES[:1]), up_to(1e3, 2.0001), seeds)
def test_each_direction_that_is_sharp_enough_has_its_two_cycles(case, fraction, seed):
    problem, W0, U = case
    eps = smoothing(problem, W0, 1.0)
    eta = fraction * eps / problem.M
    U = U + problem.project(np.random.default_rng(seed).standard_normal(U.shape)) - U
    for i, sigma in enumerate(np.linalg.svd(problem.X, compute_uv=False)):
        if sigma**2 <= 2.0001 * eps / eta:
            continue
        amplitude = np.sqrt(eta**2 / 4 - eps**2 / sigma**4)
        for sign, scale in ((1, 1.0), (-1, 1.0), (1, 1.05), (1, 0.95)):
            side = sign * scale * (along(problem, 0, i, amplitude))
            W = U + side
            stepped = W - eta * NormalizedGD(eps).gradient(problem.gradient(W))
            off = norm(stepped - (U - side))
            if scale == 1.0:
                assert off <= 1e-9 * amplitude + 1e-13 * norm(U)
            elif fraction > 2.1:
                assert off > 1e-4 * amplitude


@pytest.mark.statement("thm-ngd-threshold")
@given(cases(losses=LOSSES[:1]), st.floats(0.2, 0.5))
@settings(max_examples=examples(15))
def test_at_the_threshold_the_distance_falls_like_the_root_of_the_time(case, reach):
    """The constant 1/(2√2) to 1 %; without an error along the top it falls geometrically."""
    problem, W0, goal = case
    eps = smoothing(problem, W0, 1.0)
    eta = 2 * eps / problem.M
    top = along(problem, 0, 0, reach * eta)
    steps = 3000 + int(15 * problem.kappa)
    keep = {"tol": 0, "max_steps": steps}
    start = goal + top + 0.1 * reach * eta * (W0 - goal) / norm(W0 - goal)
    run = dspgd(problem, NormalizedGD(eps), start, eta, **keep)
    slow = np.sqrt(steps) * norm(run.W - goal) / eta
    assert slow == pytest.approx(1 / np.sqrt(8), rel=0.01)


@pytest.mark.statement("thm-ngd-threshold")
@given(st.floats(0.1, 10.0), st.sampled_from([1.9, 2.0, 2.1, 3.0]))
def test_without_an_error_along_v_or_below_the_threshold_the_run_converges(eps, fraction):
    """Neither the threshold nor the exception can be left out."""
    problem = Problem([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]], [0.0, 1.0])
    goal, K = problem.project(np.zeros((3, 1))), NormalizedGD(eps)
    other = goal + np.array([[0.0], [0.7], [0.0]])
    assert dspgd(problem, K, other, fraction * eps, max_steps=500).converged
    both = other + np.array([[0.7], [0.0], [0.0]])
    assert dspgd(problem, K, both, fraction * eps, max_steps=500).converged == (fraction < 2)


@pytest.mark.statement("thm-ngd-threshold")
@given(cases(losses=LOSSES[:1]), up_to(10.0, 2.1), smoothings)
def test_five_percent_beyond_the_threshold_the_run_keeps_its_distance(case, fraction, share):
    problem, W0, goal = case
    eps = smoothing(problem, W0, share)
    eta = fraction * eps / problem.sigma_max**2
    start = goal + (W0 - goal) * min(1.0, 30 * eta / norm(W0 - goal))
    steps = 300 + int(5 * norm(start - goal) * spread(problem) / eta)
    run = dspgd(problem, NormalizedGD(eps), start, eta, tol=0, max_steps=steps, record=("W",))
    late = norm(run.history["W"][-20:] - goal)
    # Where |1 - η_t σ²| exceeds 1 the error along v grows again: the run cannot stay that near.
    repelled = np.sqrt((fraction / 2) ** 2 - 1) * eps / problem.sigma_max**2
    assert late.max() >= 0.99 * repelled
    assert not run.converged


@given(st.floats(2.05, 10.0), st.floats(0.1, 10.0))
def test_errors_beside_the_two_cycle_shrink_by_the_factors_of_the_exercise(fraction, eps):
    """1 − 2ε²/ρ² along v and 1 − 2σ²/σ_max² along another direction, with ρ² = σ_max⁴c² + ε²."""
    top, other = 1.0, 0.6
    problem, eta = Problem([[top, 0.0, 0.0], [0.0, other, 0.0]], [0.0, 0.0]), fraction * eps
    c = np.sqrt(eta**2 / 4 - eps**2)
    rho, h = eta / 2, 1e-6 * c
    for i, stated in ((0, 1 - 2 * eps**2 / rho**2), (1, 1 - 2 * other**2 / top**2)):
        W = np.array([[c], [0.0], [0.0]])
        W[i] += h
        after = W - eta * NormalizedGD(eps).gradient(problem.gradient(W))
        after[0] += c
        assert after[i, 0] / h == pytest.approx(stated, abs=1e-3)
        assert abs(stated) < 1


@given(cases(), up_to(1.0, 0.5))
@settings(max_examples=10)
def test_one_length_per_column_ends_there_too(case, fraction):
    problem, W0, goal = case
    W0 = goal + problem.X.T @ (problem.X @ (W0 - goal))
    K = ColumnNormalized(smoothing(problem, W0, 1.0))
    run = dspgd(problem, K, W0, fraction / (K.smoothness * problem.M), tol=1e-10)
    assert run.converged and norm(run.W - goal) <= 1e-9 * (norm(W0) + norm(goal))


def test_the_unsmoothed_method_never_comes_to_rest():
    data, start = figures.plane()

    class Unsmoothed:
        def value(self, G):
            return norm(G)

        def gradient(self, G):
            return G / norm(G)

    run = dspgd(data, Unsmoothed(), start, 0.4, max_steps=300, record=("W",))
    assert not run.converged
    assert np.allclose(norm(np.diff(run.history["W"], axis=0)), 0.4)


def test_the_exercise_is_failed_by_its_starting_code_and_passed_by_its_solution():
    def given_code(G, eps):
        return G / np.abs(G + eps)

    def solution(G, eps):
        return G / np.hypot(np.linalg.norm(G), eps)

    def right(G, eps):
        return NormalizedGD(eps).gradient(G)

    inputs = check.matrices(d=3, k=2), check.positive()
    assert not check.same(given_code, right, *inputs).passed
    assert not check.same(lambda G, eps: solution(G, 0.5), right, *inputs).passed
    assert check.same(solution, right, *inputs).passed


# ------------------------------------------------------------------------- what the text says


def test_the_two_runs_of_the_opening_part_and_meet():
    problem, W0 = figures.example()
    gd = dspgd(problem, GradientDescent(), W0, 1 / problem.M)
    ngd = dspgd(problem, NormalizedGD(3.0), W0, 3 / problem.M)
    assert norm(gd.W - ngd.W) <= 1e-11 * norm(gd.W)
    left, right = (panel.alt for panel in figures.opening().panels)
    assert "within 10 steps" in left and "within 165" in left
    assert "0.58 of the length of the solution at step 12" in right


def test_runs_stray_from_the_road_in_proportion_to_the_learning_rate():
    rates = np.geomspace(0.05, 1.6, 5)
    off = np.median(figures.corners(rates, seeds=4), axis=0)
    assert np.polyfit(np.log(rates), np.log(off), 1)[0] == pytest.approx(1, abs=0.03)
    assert 0.003 < off[-1] < 0.007


def test_the_steps_lie_between_the_two_laws_of_the_clock():
    """Proved for flows; of runs with η = ε/M it is observed."""
    _, steps, least, most = figures.clocks()
    assert (steps >= 0.999 * least).all() and (steps <= most).all()
    assert (most <= np.sqrt(2) * least * (1 + 1e-12)).all()


def test_the_bound_on_long_steps_is_about_four_times_too_large_for_a_small_eps():
    count, most = figures.long_steps([0.5, 1, 3, 10, 100])
    assert most[:4] / count[:4] == pytest.approx(3.8, abs=0.25) and most[4] / count[4] > 6


def test_at_the_threshold_runs_from_afar_have_little_left():
    """With a small ε; with a large one there is hardly a walk."""

    def left(eps, seed):
        problem, W0 = figures.example(seed)
        eta, steps = 2 * eps / problem.M, 300 + int(300 / eps)
        run = dspgd(problem, NormalizedGD(eps), W0, eta, tol=0, max_steps=steps)
        return norm(run.W - problem.project(W0)) / eta

    for seed in range(10):
        assert max(left(eps, seed) for eps in (1.0, 3.0, 10.0)) < 1e-6
    assert left(100.0, 0) > 1e-3


def test_normalized_gd_may_be_faster_near_the_threshold_and_never_below_the_guarantee():
    problem, W0 = figures.example()
    goal = problem.project(W0)

    def steps(K, eta):
        run = dspgd(problem, K, W0, eta / problem.M, tol=1e-10, record=("W",))
        left = norm(run.history["W"] - goal)
        return int(np.argmax(left < 1e-6 * left[0]))

    assert steps(NormalizedGD(30.0), 1.9 * 30) == 69
    assert (steps(GradientDescent(), 1.9), steps(GradientDescent(), 1)) == (104, 124)
    for eps, fraction in ((3.0, 1.0), (10.0, 1.0), (30.0, 0.5), (1000.0, 1.0)):
        assert steps(NormalizedGD(eps), fraction * eps) >= steps(GradientDescent(), fraction)


def test_the_road_of_gd_is_three_percent_longer_than_that_of_its_flow():
    problem, W0 = figures.example()
    road = dspgd(problem, GradientDescent(), W0, 1 / problem.M, tol=1e-8, record=("W",))
    longer = norm(np.diff(road.history["W"], axis=0)).sum() / figures._flow(problem, W0)[0]
    assert longer == pytest.approx(1.03, abs=0.005)


def test_the_edge_and_the_amplitudes_follow_their_laws():
    far = figures.edge([3000])[:, 0]
    assert np.median(far) == pytest.approx(1 / np.sqrt(8 * 3000), rel=0.01)
    assert figures.amplitudes([2.1, 3.0, 30.0], seeds=3) == pytest.approx(
        np.tile(np.sqrt(np.array([2.1, 3.0, 30.0]) ** 2 / 4 - 1), (3, 1)), rel=1e-3
    )


def test_the_worst_errors_lie_on_the_bound_of_the_angle():
    kappa, runs, worst = figures.aims()
    least = 2 / (kappa**0.5 + kappa**-0.5)
    assert worst == pytest.approx(least, rel=1e-9) and (runs >= least * (1 - 1e-9)).all()


def test_a_cycle_along_a_weak_direction_is_left():
    problem, W0 = figures.example()
    goal, (_, sigma, Vt) = problem.project(W0), np.linalg.svd(problem.X)
    for i, stays in ((0, True), (19, False)):
        eta = 2 * np.hypot(0.05, 10 / sigma[i] ** 2)
        start = goal + 0.05 * Vt[i][:, None]
        run = dspgd(problem, NormalizedGD(10.0), start, eta, tol=0, max_steps=5000)
        assert (abs(norm(run.W - goal) - 0.05) < 1e-9) == stays
