"""The statements of the chapter on mirror descent, over random problems and potentials."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import root
from strategies import LOSSES, inner, norm, random_problem, seeds

from dspgd_lib import (
    Adam,
    Cosh,
    GradientDescent,
    Hypentropy,
    NormalizedGD,
    PNorm,
    Problem,
    Spectral,
    SquaredLoss,
    bregman,
    dspgd,
    fundamental_identity,
    min_norm,
    mirror_curvature,
    mirror_descent,
)


class Quadratic:
    """½⟨W, AW⟩: not a sum over entries, and λ_min(A)-strongly convex."""

    def __init__(self, A):
        self.A = A

    def value(self, W):
        return 0.5 * inner(W, self.A @ W)

    def gradient(self, W):
        return self.A @ W

    def conjugate(self, S):
        return 0.5 * inner(S, np.linalg.solve(self.A, S))

    def gradient_of_conjugate(self, S):
        return np.linalg.solve(self.A, S)


def quadratic(rng, d):
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return Quadratic(Q * np.geomspace(0.3, 3.0, d) @ Q.T)


STRONG = {  # with the constant of strong convexity
    "half the squared norm": lambda rng, d: (GradientDescent(), 1.0),
    "cosh": lambda rng, d: (Cosh(), 1.0),
    "quadratic": lambda rng, d: (quadratic(rng, d), 0.3),
}
LOCAL = {  # strongly convex on bounded sets
    "1.5-power": lambda rng, d: (PNorm(1.5), None),
    "hypentropy": lambda rng, d: (Hypentropy(0.3), None),
}
ALL = STRONG | LOCAL | {"3-power": lambda rng, d: (PNorm(3.0), None)}
every_potential = pytest.mark.parametrize("psi_of", ALL.values(), ids=ALL)
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def case(seed, loss, n=None):
    """A problem with bounded condition number, one or two outputs, and a start."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4)) if n is None else n
    d, k = n + int(rng.integers(1, 5)), int(rng.integers(1, 3))
    left = np.linalg.qr(rng.standard_normal((n, n)))[0]
    right = np.linalg.qr(rng.standard_normal((d, n)))[0]
    X = left * np.geomspace(1.0, 0.4, n) @ right.T
    Y, W0 = 0.5 * rng.standard_normal((n, k)), 0.7 * rng.standard_normal((d, k))
    return Problem(X, Y, loss), W0, rng


def interpolating(problem, rng, count):
    """Random points of the manifold."""
    return problem.project(2.0 * rng.standard_normal((count, problem.d, problem.k)))


def curvature(problem, psi, W):
    """λ at W, also for the potential that is not a sum over entries."""
    if isinstance(psi, Quadratic):
        metric = problem.X @ np.linalg.solve(psi.A, problem.X.T)
        return problem.loss.smoothness * np.linalg.eigvalsh(metric)[-1]
    return mirror_curvature(problem, psi, W)


def outside(problem, S):
    """The part of S outside the row space."""
    return S - np.linalg.pinv(problem.X) @ (problem.X @ S)


# ------------------------------------------------------------------------------ the mirror map


@pytest.mark.statement("lem-mirror-map")
@every_potential
@given(seeds)
def test_the_mirror_map_is_a_bijection_with_the_gradient_of_the_dual_as_inverse(psi_of, seed):
    rng = np.random.default_rng(seed)
    psi, _ = psi_of(rng, 4)
    W, S, U = rng.standard_normal((3, 4, 2))
    assert psi.gradient_of_conjugate(psi.gradient(W)) == pytest.approx(W, rel=1e-9, abs=1e-12)
    assert psi.gradient(psi.gradient_of_conjugate(S)) == pytest.approx(S, rel=1e-9, abs=1e-12)
    slopes = psi.gradient(W)
    assert psi.value(W) + psi.conjugate(slopes) == pytest.approx(inner(slopes, W), rel=1e-9)
    # ψ* is strictly convex with this gradient: its divergence is that of ψ with swapped arguments
    swapped = psi.conjugate(S) - psi.conjugate(slopes) - inner(W, S - slopes)
    point = psi.gradient_of_conjugate(S)
    assert swapped == pytest.approx(bregman(psi, W, point), rel=1e-7, abs=1e-12)
    assert swapped > 0
    # both are supercoercive: the quotient grows along a ray (slowly for the dual of cosh)
    for f in (psi.value, psi.conjugate):
        quotient = [f(r * U) / (r * norm(U)) for r in (5.0, 20.0, 80.0)]
        assert quotient[0] < quotient[1] < quotient[2]


@pytest.mark.statement("lem-mirror-map")
@every_potential
@every_loss
@given(seeds, st.floats(0.01, 1.0))
def test_a_step_minimizes_the_tangent_plus_the_price(psi_of, loss, seed, eta):
    problem, W, rng = case(seed, loss)
    psi, _ = psi_of(rng, problem.d)
    run = mirror_descent(problem, psi, W, eta, tol=0, max_steps=1)

    def price(A):
        return inner(problem.gradient(W), A) + bregman(psi, A, W) / eta

    size = 10.0 ** rng.uniform(-3, 0.5, (200, 1, 1))
    other = run.W + size * rng.standard_normal((200, *W.shape))
    assert (price(other) >= price(run.W) - 1e-9 * (1 + abs(price(run.W)))).all()


@pytest.mark.statement("lem-mirror-map")
@every_potential
@given(seeds)
def test_a_bounded_divergence_bounds_the_second_argument(psi_of, seed):
    rng = np.random.default_rng(seed)
    psi, _ = psi_of(rng, 4)
    U, away = rng.standard_normal((2, 4, 2))
    far = [bregman(psi, U, U + r * away / norm(away)) for r in (5.0, 20.0, 80.0, 320.0)]
    assert (np.diff(far) > 0).all() and far[-1] > 1.5 * far[0]
    # points whose divergence tends to 0 approach U
    S, direction = psi.gradient(U), rng.standard_normal((4, 2))
    near = np.array([psi.gradient_of_conjugate(S + h * direction) for h in (1e-1, 1e-3, 1e-5)])
    gaps, ways = bregman(psi, U, near), norm(near - U)
    assert (np.diff(gaps) < 0).all() and gaps[-1] <= 1e-5
    assert (np.diff(ways) < 0).all() and ways[-1] <= 1e-2


# ---------------------------------------------------------------------------- the destination


@pytest.mark.statement("thm-mirror-destination")
@pytest.mark.parametrize("psi_of", (STRONG | LOCAL).values(), ids=STRONG | LOCAL)
@every_loss
@given(seeds)
def test_random_rates_and_random_examples_do_not_move_the_destination(psi_of, loss, seed):
    problem, W0, rng = case(seed, loss)
    psi, _ = psi_of(rng, problem.d)
    S, W = psi.gradient(W0), W0
    lam = curvature(problem, psi, problem.project(W0))
    for _ in range(6000):
        R = problem.residual(W)
        if norm(R) <= 1e-10:
            break
        some = rng.random((problem.n, 1)) < 0.7
        eta = rng.uniform(0.1, 0.7) / lam
        S = S - eta * problem.X.T @ (some * loss.gradient(R))
        W = psi.gradient_of_conjugate(S)
    assert norm(problem.residual(W)) <= 1e-10
    least = bregman(psi, W, W0)
    for U in interpolating(problem, rng, 10):
        excess = bregman(psi, U, W0) - least
        assert excess == pytest.approx(bregman(psi, U, W), rel=1e-6, abs=1e-7)
        assert excess > 0


@pytest.mark.statement("thm-mirror-destination")
@every_potential
@given(seeds)
def test_the_library_ends_at_the_same_point_for_three_rates_and_in_any_order(psi_of, seed):
    problem, _, rng = case(seed, SquaredLoss())
    # away from 0, where a power above 2 is too flat to arrive in reasonable time
    W0, fits = rng.uniform(0.7, 1.3, (2, problem.d, problem.k))
    problem = Problem(problem.X, problem.X @ fits)
    psi, _ = psi_of(rng, problem.d)
    eta = np.array([0.1, 0.3, 0.7]) / curvature(problem, psi, problem.project(W0))
    runs = mirror_descent(problem, psi, W0, eta, tol=1e-11, max_steps=8000)
    order = rng.integers(0, problem.n, 1000)
    single = mirror_descent(problem, psi, W0, eta[1], order=order, tol=1e-11, max_steps=8000)
    ends = [W for W, done in zip(runs.W, runs.converged, strict=True) if done]
    ends += [single.W] if single.converged else []
    assert len(ends) >= (1 if isinstance(psi, PNorm) and psi.p > 2 else 4)
    for W in ends:
        assert norm(W - ends[0]) <= 1e-7 * (1 + norm(W))
        moved = psi.gradient(W) - psi.gradient(W0)
        assert norm(outside(problem, moved)) <= 1e-9 * (1 + norm(moved))


@pytest.mark.statement("prop-mirror-pnorm")
@pytest.mark.parametrize("p", [1.2, 1.5, 2.0, 2.5, 3.0])
@given(seeds)
def test_from_zero_a_power_leads_to_the_least_p_norm(p, seed):
    problem, _, _ = case(seed, SquaredLoss())
    zero = np.zeros((problem.d, problem.k))
    goal = min_norm(problem, zero, p)
    if p > 2 and np.abs(goal).min() < 0.05:  # a small entry makes the run take for ever
        return
    eta = 0.5 / mirror_curvature(problem, PNorm(p), goal)
    run = mirror_descent(problem, PNorm(p), zero, eta, tol=1e-11)
    assert run.converged
    assert norm(run.W - goal) <= 1e-8 * norm(goal)


@pytest.mark.statement("prop-mirror-pnorm")
@given(st.floats(1.2, 5.0), st.floats(0.05, 3.0))
def test_from_elsewhere_the_end_is_not_the_nearest_point(p, c):
    problem, W0, psi = Problem([[1.0, 1.0]], [1 + 2 * c]), np.array([[1.0], [0.0]]), PNorm(p)
    nearest = min_norm(problem, W0, p)
    assert nearest[:, 0] == pytest.approx([1 + c, c], rel=1e-9)
    # the destination, by bisection on the multiplier
    low, high = 0.0, (2 + c) ** (p - 1)
    for _ in range(200):
        middle = 0.5 * (low + high)
        W = psi.gradient_of_conjugate(psi.gradient(W0) + middle)
        low, high = (middle, high) if W.sum() < 1 + 2 * c else (low, middle)
    assert W.sum() == pytest.approx(1 + 2 * c)
    gap = (1 + c) ** (p - 1) - 1 - c ** (p - 1)  # the condition that the nearest point violates
    assert np.sign(gap) == np.sign(p - 2) or abs(p - 2) < 1e-9
    assert (W[0, 0] < nearest[0, 0]) == (p > 2) or abs(p - 2) < 1e-6
    if abs(p - 2) > 0.2:
        assert norm(W - nearest) > 1e-4
    for U in problem.project(np.random.default_rng(0).standard_normal((20, 2, 1))):
        assert bregman(psi, U, W0) >= bregman(psi, W, W0) - 1e-9
        assert np.sum(np.abs(U - W0) ** p) >= np.sum(np.abs(nearest - W0) ** p) - 1e-9


# ---------------------------------------------------------------------------- the ledger


class Waves:
    """Σ sin w: differentiable, not convex."""

    def value(self, W):
        return np.sum(np.sin(W), axis=(-2, -1))

    def gradient(self, W):
        return np.cos(W)


@pytest.mark.statement("prop-mirror-identity")
@every_potential
@given(seeds, st.floats(0.01, 1.0), st.sampled_from(["squared", "log-cosh", "waves"]))
def test_the_ledger_of_one_step_closes(psi_of, seed, eta, name):
    problem, W, rng = case(seed, LOSSES.get(name, SquaredLoss()))
    psi, _ = psi_of(rng, problem.d)
    plain = Waves()
    f = plain if name == "waves" else problem
    value = plain.value if name == "waves" else problem.loss_value
    U = rng.standard_normal(W.shape)
    after = psi.gradient_of_conjugate(psi.gradient(W) - eta * f.gradient(W))
    left = bregman(psi, U, W) + eta * value(U)
    sharp = bregman(psi, after, W) - eta * bregman(f, after, W)
    right = bregman(psi, U, after) + sharp + eta * value(after) + eta * bregman(f, U, W)
    size = abs(psi.value(U)) + abs(psi.value(W)) + abs(psi.value(after)) + norm(W) ** 2 + 1
    assert abs(left - right) <= 1e-11 * size * (1 + norm(psi.gradient(after)))


@pytest.mark.statement("lem-mirror-manifold")
@every_loss
@given(seeds)
def test_all_interpolating_points_see_the_same_loss(loss, seed):
    problem, W, rng = case(seed, loss)
    U = interpolating(problem, rng, 5)
    R = problem.residual(W)
    stated = inner(loss.gradient(R), R) - loss.value(R)
    # by the definition of the divergence, not by the library's short cut
    seen = problem.loss_value(U) - problem.loss_value(W) - inner(problem.gradient(W), U - W)
    assert seen == pytest.approx(np.full(5, stated), rel=1e-9, abs=1e-12)
    assert stated >= 0.5 * loss.strong_convexity * norm(R) ** 2 * (1 - 1e-9)
    back = problem.loss_value(W) - problem.loss_value(U) - inner(problem.gradient(U), W - U)
    assert back == pytest.approx(np.full(5, problem.loss_value(W)), rel=1e-9)
    if isinstance(loss, SquaredLoss):
        assert stated == pytest.approx(problem.loss_value(W))


def check_conclusions(problem, psi, W0, eta, run, rng):
    """Parts 1 to 3 of the theorem on a recorded run, with the budget seen from its end."""
    W, L = run.history["W"], run.history["loss"]
    assert run.converged
    falls = []
    for U in [problem.project(run.W), *interpolating(problem, rng, 3)]:
        D = bregman(psi, U, W)
        assert (np.diff(D) <= 1e-12 * (1 + D[0] + abs(psi.value(U)))).all()
        falls.append(-np.diff(D))
    size = 1 + abs(psi.value(W0)) + norm(psi.gradient(W0)) ** 2
    assert np.ptp(falls, axis=0).max() <= 1e-10 * size
    budget = bregman(psi, run.W, W0)
    assert (np.diff(L) <= 1e-12 * L[0]).all()
    assert eta * L[1:].sum() <= budget * (1 + 1e-6) + 1e-12 * size
    t = np.arange(1, len(L))
    assert (eta * t * L[1:] <= budget * (1 + 1e-6) + 1e-12 * size).all()
    moved = psi.gradient(run.W) - psi.gradient(W0)
    assert norm(outside(problem, moved)) <= 1e-9 * (1 + norm(moved))


def condition(problem, psi, eta, W):
    """Its smallest value over the steps, relative to rounding."""
    after, before = W[1:], W[:-1]
    sharp = bregman(psi, after, before) - eta * problem.divergence(after, before)
    rounding = 1e-14 * (1 + np.abs(psi.value(W)).max() + norm(psi.gradient(W)).max())
    return np.min(sharp + rounding, initial=0.0) >= 0.0


@pytest.mark.statement("thm-mirror-convergence")
@pytest.mark.parametrize("psi_of", STRONG.values(), ids=STRONG)
@every_loss
@given(seeds, st.sampled_from([0.3, 1.0]))
def test_strong_convexity_guarantees_the_condition_and_it_convergence(psi_of, loss, seed, share):
    problem, W0, rng = case(seed, loss)
    psi, alpha = psi_of(rng, problem.d)
    eta = share * alpha / problem.M
    run = mirror_descent(problem, psi, W0, eta, tol=1e-10, record=("W", "loss"))
    assert condition(problem, psi, eta, run.history["W"])
    check_conclusions(problem, psi, W0, eta, run, rng)


@pytest.mark.statement("thm-mirror-convergence")
@pytest.mark.parametrize("psi_of", LOCAL.values(), ids=LOCAL)
@every_loss
@given(seeds)
@settings(max_examples=12)
def test_for_each_start_some_learning_rate_works_and_all_smaller_ones(psi_of, loss, seed):
    problem, W0, rng = case(seed, loss)
    psi, _ = psi_of(rng, problem.d)

    eta = 2.0 / curvature(problem, psi, problem.project(W0))
    for _ in range(12):
        run = mirror_descent(problem, psi, W0, eta, tol=1e-6, max_steps=3000, record=("W", "loss"))
        if condition(problem, psi, eta, run.history["W"]) and run.converged:
            break
        eta /= 2.0
    check_conclusions(problem, psi, W0, eta, run, rng)
    smaller = mirror_descent(problem, psi, W0, 0.3 * eta, tol=0, max_steps=1000, record="W")
    assert condition(problem, psi, 0.3 * eta, smaller.history["W"])


@pytest.mark.statement("prop-mirror-dual")
@every_potential
@given(seeds)
def test_the_multipliers_do_gradient_descent_on_the_dual_function(psi_of, seed):
    problem, W0, rng = case(seed, SquaredLoss())
    psi, _ = psi_of(rng, problem.d)
    X, Y, S0, eta = problem.X, problem.Y, psi.gradient(W0), 0.05

    def phi(U):
        return psi.conjugate(S0 + X.T @ U) - inner(U, Y)

    run = mirror_descent(problem, psi, W0, eta, tol=0, max_steps=25, record=("W", "dual"))
    U = np.zeros_like(Y)
    for t in range(25):
        assert run.history["dual"][t] == pytest.approx(S0 + X.T @ U, rel=1e-9, abs=1e-10)
        H, h = rng.standard_normal(U.shape), 1e-5
        slope = inner(H, X @ run.history["W"][t] - Y)
        # a secant through a kink of the second derivative is off by a power of h only
        rise = (phi(U + h * H) - phi(U - h * H)) / (2 * h)
        assert rise == pytest.approx(
            slope, rel=1e-3, abs=1e-2 if psi_of is ALL["3-power"] else 1e-6
        )
        U = U - eta * (X @ run.history["W"][t] - Y)


@pytest.mark.statement("prop-mirror-dual")
@every_loss
@given(seeds)
def test_the_multiplier_of_the_destination_minimizes_the_dual_function(loss, seed):
    problem, W0, rng = case(seed, loss)
    psi = Cosh()
    end = mirror_descent(problem, psi, W0, 1.0 / problem.M).W
    S0, X = psi.gradient(W0), problem.X
    U = np.linalg.lstsq(X.T, psi.gradient(end) - S0, rcond=None)[0]
    assert S0 + X.T @ U == pytest.approx(psi.gradient(end), abs=1e-9)

    def phi(U):
        return psi.conjugate(S0 + X.T @ U) - inner(U, problem.Y)

    other = U + 10.0 ** rng.uniform(-2, 1, (50, 1, 1)) * rng.standard_normal((50, *U.shape))
    assert (phi(other) > phi(U) - 1e-10 * (1 + abs(phi(U)))).all()
    middle = phi(0.5 * (other + U))
    assert (middle <= 0.5 * (phi(other) + phi(U)) + 1e-12 * np.abs(phi(other))).all()


# ---------------------------------------------------------------------------- the mirror image


def tall(seed, loss, n=7, d=3, k=2):
    """At least as many examples as weights, and labels that some weights fit."""
    rng = np.random.default_rng(seed)
    X, fits = rng.standard_normal((n, d)) / np.sqrt(n), rng.standard_normal((d, k))
    return Problem(X, X @ fits, loss, strict=False), fits, rng


@pytest.mark.statement("prop-mirror-mirror")
@pytest.mark.parametrize("K", [Adam(0.3), NormalizedGD(0.5), Cosh()], ids=str)
@given(seeds)
def test_gradients_do_mirror_descent_with_the_dual_of_the_loss(K, seed):
    problem, fits, rng = tall(seed, SquaredLoss())
    H, eta = problem.X.T @ problem.X, 0.05 / problem.M
    W0 = fits + 0.3 * rng.standard_normal(fits.shape)
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=20, record=("W", "gradient"))
    W, V = run.history["W"], run.history["gradient"]

    def slopes(V):  # ∇L*(V), from L*(V) = ½⟨V, H⁻¹V⟩ + ⟨V, fits⟩
        return np.linalg.solve(H, V) + fits

    def D(A, B):
        return 0.5 * inner(A - B, np.linalg.solve(H, A - B))

    tolerance = 1e-9 * np.linalg.cond(H) * (1 + norm(W0))
    assert norm(slopes(V) - W).max() <= tolerance
    assert norm(slopes(V[1:]) - slopes(V[:-1]) + eta * K.gradient(V[:-1])).max() <= tolerance
    U = rng.standard_normal(fits.shape)
    u = problem.gradient(U)
    sharp = D(V[1:], V[:-1]) - eta * bregman(K, V[1:], V[:-1])
    left = problem.divergence(W[:-1], U) + eta * K.value(u)
    right = problem.divergence(W[1:], U) + eta * K.value(V[1:]) + sharp
    right = right + eta * bregman(K, u, V[:-1])
    assert left == pytest.approx(right, rel=1e-8)


@pytest.mark.statement("prop-mirror-mirror")
@given(seeds)
def test_with_another_loss_the_gradient_still_determines_the_weights(seed):
    problem, fits, rng = tall(seed, LOSSES["log-cosh"])
    K, eta = Adam(0.3), 0.1 / problem.M
    W = fits + rng.standard_normal(fits.shape)
    V = problem.gradient(W)

    def inverse(V):  # ∇L* by a root finder that does not know W
        start = np.zeros(fits.size)
        found = root(lambda w: (problem.gradient(w.reshape(fits.shape)) - V).ravel(), start)
        return found.x.reshape(fits.shape)

    assert inverse(V) == pytest.approx(W, abs=1e-5)
    after = W - eta * K.gradient(V)
    moved = inverse(problem.gradient(after)) - inverse(V)
    assert moved == pytest.approx(-eta * K.gradient(V), abs=1e-5)
    step = fundamental_identity(problem, K, W, rng.standard_normal(fits.shape), eta)
    assert step.residual == pytest.approx(0, abs=1e-10 * (1 + step.left))


@pytest.mark.statement("prop-mirror-breaks")
@every_loss
@given(seeds)
def test_every_point_of_the_fibre_is_a_subgradient_and_no_other(loss, seed):
    problem, W, rng = case(seed, loss)
    V = problem.gradient(W)

    def attained(P, V=V):
        return inner(V, P) - problem.loss_value(P)

    best = attained(W)
    size = 1e-12 * (1 + abs(best) + norm(V) * norm(W))
    Z = outside(problem, rng.standard_normal((20, *W.shape)))
    for h in (1e-2, 1.0, 1e2):
        assert np.abs(attained(W + h * Z) - best).max() <= 100 * size * max(1, h)
        assert problem.gradient(W + h * Z) == pytest.approx(np.broadcast_to(V, Z.shape), abs=1e-9)
    A = problem.X.T @ rng.standard_normal((20, problem.n, problem.k))
    room = 0.5 * problem.mu * norm(A) ** 2  # strong convexity along the row space
    assert (attained(W + A + Z) <= best - room * (1 - 1e-9) + size).all()
    # off the row space the supremum is infinite: it grows linearly along the null space
    off = V + Z[0]
    values = [attained(t * Z[0], off) for t in (1.0, 10.0, 100.0)]
    assert (values[2] - values[1]) / 90 == pytest.approx(norm(Z[0]) ** 2, rel=1e-6)
    # and every element of the row space is a gradient
    goal = 3 * rng.standard_normal((problem.n, problem.k))
    R = np.zeros_like(goal)
    for _ in range(2000):
        R = R - (loss.gradient(R) - goal) / loss.smoothness
    found = np.linalg.pinv(problem.X) @ (R + problem.Y)
    assert problem.gradient(found) == pytest.approx(problem.X.T @ goal, abs=1e-6)


@pytest.mark.statement("prop-mirror-breaks")
@pytest.mark.parametrize(
    "K", [GradientDescent(), Adam(0.5), NormalizedGD(0.5), Spectral(Adam(0.5))], ids=str
)
@every_loss
@given(seeds)
def test_two_starts_with_one_gradient_stay_apart_for_ever(K, loss, seed):
    problem, W, rng = case(seed, loss)
    Z = outside(problem, rng.standard_normal(W.shape))
    keep = {"tol": 0, "max_steps": 40, "record": ("W", "gradient")}
    eta = 0.5 / (problem.M * K.smoothness)
    one, two = (dspgd(problem, K, start, eta, **keep).history for start in (W, W + Z))
    assert two["W"] - one["W"] == pytest.approx(np.broadcast_to(Z, one["W"].shape), abs=1e-9)
    assert two["gradient"] == pytest.approx(one["gradient"], abs=1e-9)


# ------------------------------------------------------------- what the exercises claim


@given(st.floats(2.2, 5.0), st.floats(0.01, 1.0), seeds)
def test_for_p_above_2_a_run_towards_zero_never_rests(p, eta, seed):
    x = np.random.default_rng(seed).uniform(0.3, 2.0, 3)
    q = p / (p - 1)
    c = np.sum(x**q)
    a = (eta * c / 2) ** (1 / (2 - q))
    problem, psi = Problem(x[None], [0.0]), PNorm(p)

    def u_after(u, steps):
        start = psi.gradient_of_conjugate(u * x[:, None])
        run = mirror_descent(problem, psi, start, eta, tol=0, max_steps=steps, record="dual")
        return run.history["dual"][:, 0, 0] / x[0]

    assert u_after(a, 2) == pytest.approx([a, -a, a], rel=1e-6)
    inside = u_after(0.01 * a, 1)
    assert abs(inside[1]) > abs(inside[0]) and inside[0] * inside[1] < 0


@given(seeds, st.sampled_from([1.5, 3.0, 4.0]))
def test_the_directions_of_the_steps_do_mirror_descent_with_the_dual_preconditioner(seed, p):
    problem, W0, _ = case(seed, SquaredLoss())
    K, psi = PNorm(p), PNorm(p / (p - 1))
    flat = Problem(problem.X, 0 * problem.Y)
    keep = {"tol": 0, "max_steps": 15}
    V = dspgd(problem, K, W0, 0.01, record="gradient", **keep).history["gradient"]
    P = K.gradient(V)
    W = mirror_descent(flat, psi, P[0], 0.01, record="W", **keep).history["W"]
    assert W == pytest.approx(P, rel=1e-6, abs=1e-9)


@given(seeds)
def test_relative_entropy_to_the_start_is_what_multiplicative_steps_minimize(seed):
    class Entropy:
        def gradient(self, W):
            return np.log(W)

        def gradient_of_conjugate(self, S):
            return np.exp(S)

    problem, rng = random_problem(seed, 1, SquaredLoss(), n=2, d=6)
    truth, W0 = rng.exponential(size=(2, 6, 1)) + 0.1
    fit = Problem(problem.X, problem.X @ truth)
    eta = 0.2 / (fit.M * (1 + truth.max() + W0.max()))
    run = mirror_descent(fit, Entropy(), W0, eta, tol=1e-10)
    assert run.converged and (run.W > 0).all()

    def entropy(W):
        return np.sum(W * np.log(W / W0) - W + W0, axis=(-2, -1))

    for _ in range(20):
        away = outside(fit, rng.standard_normal(W0.shape))
        h = 0.5 * np.min(run.W / np.maximum(np.abs(away), 1e-12))
        assert entropy(run.W + h * away) >= entropy(run.W) - 1e-9
