"""What the theorems promise: the largest learning rate, the one-step lemma, certified limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    LOCAL,
    LOSSES,
    OUTPUTS,
    PRECONDITIONERS,
    SMOOTHED,
    drawn_losses,
    drawn_outputs,
    fractions,
    inner,
    norm,
    random_problem,
    seeds,
    start_at_radius,
    typical_parameter,
)

from dspgd_lib import (
    Adam,
    Cosh,
    GradientDescent,
    Loss,
    NormalizedGD,
    PNorm,
    Problem,
    SmoothedSign,
    Spectral,
    SquaredLoss,
    Start,
    angle_distance_bound,
    certified_limit,
    dspgd,
    energy_distance_bound,
    fundamental_identity,
    max_learning_rate,
    one_step_bound,
    sector_distance_bound,
)

local = pytest.mark.parametrize("K_of", LOCAL.values(), ids=LOCAL)
every = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
smoothed = pytest.mark.parametrize("K_of", SMOOTHED.values(), ids=SMOOTHED)
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)


class Plain:
    """A preconditioner made at home: value and gradient, nothing else."""

    def value(self, G):
        return 0.5 * np.sum(G * G, axis=(-2, -1))

    def gradient(self, G):
        return G


class Stretched:
    """K = ½Σ a_i g_i², a_i from 1 to 4: a sector, no invariance, no bend."""

    smoothness = 4.0

    def weights(self, G):
        return np.linspace(1.0, 4.0, G.shape[-2])[:, None]

    def value(self, G):
        return 0.5 * np.sum(self.weights(G) * G * G, axis=(-2, -1))

    def gradient(self, G):
        return self.weights(G) * G

    def sector(self, radius):
        return 1.0, 4.0


class SmoothSign:
    """K = Σ √(g² + 0.25) − 0.5: a sector that narrows far out, no invariance, no bend."""

    smoothness = 2.0

    def value(self, G):
        return np.sum(np.hypot(G, 0.5) - 0.5, axis=(-2, -1))

    def gradient(self, G):
        return G / np.hypot(G, 0.5)

    def sector(self, radius):
        return 1 / np.hypot(radius, 0.5), 2.0


class Sloped(Stretched):
    """A smoothness on balls only."""

    smoothness = np.inf


class Flat(Stretched):
    """A sector that says nothing from below."""

    def sector(self, radius):
        return 0.0, 4.0


class Steep(Stretched):
    """No smoothness, not even on a ball."""

    smoothness = np.inf

    def sector(self, radius):
        return 1.0, np.inf


# ---------------------------------------------------------------- the largest learning rate


@every
@given(drawn_losses, seeds)
def test_largest_learning_rate_is_the_formula(K_of, loss, seed):
    problem, _ = random_problem(seed, 1, loss)
    K = K_of(0.7)
    assert max_learning_rate(problem, K) == pytest.approx(1 / (K.smoothness * problem.M), rel=1e-14)


@smoothed
def test_a_grid_of_parameters_has_a_grid_of_learning_rates(K_of):
    problem, grid = Problem.gaussian(2, 5, 1, 0), np.array([0.1, 1.0, 3.0])
    found = max_learning_rate(problem, K_of(grid))
    assert found == pytest.approx([max_learning_rate(problem, K_of(p)) for p in grid], rel=1e-14)


@pytest.mark.promise("max_learning_rate")
@every
@given(drawn_outputs, seeds)
def test_beyond_it_the_adjusted_divergence_turns_negative(K_of, k, seed):
    """For the squared loss the bound is exact when ∇²K(0) = βI: close to 𝓦 a step gives D̂ < 0."""
    problem, rng = random_problem(seed, k, SquaredLoss())
    K, U = K_of(1.0), problem.project(rng.standard_normal((problem.d, k)))
    top = np.linalg.svd(problem.X)[2][0][:, None] * np.eye(1, k)
    W = U + 1e-4 * top / problem.M
    for factor, sign in ((0.99, 1), (1.01, -1)):
        step = fundamental_identity(problem, K, W, U, factor * max_learning_rate(problem, K))
        assert sign * step.adjusted_divergence > 0


def test_without_smoothness_there_is_no_largest_learning_rate():
    problem = Problem.gaussian(2, 5, 1, 0)
    with pytest.raises(ValueError, match="no smoothness: give it an attribute"):
        max_learning_rate(problem, object())
    assert max_learning_rate(problem, Steep()) == 0.0


@local
@given(drawn_losses, drawn_outputs, seeds, st.floats(0.1, 5.0))
def test_without_smoothness_a_start_has_its_own_largest_learning_rate(K_of, loss, k, seed, radius):
    problem, rng = random_problem(seed, k, loss)
    K, W0 = K_of(1.0), start_at_radius(problem, rng, radius)
    _, beta = K.sector(np.sqrt(2 * problem.M * problem.loss_value(W0)))
    assert max_learning_rate(problem, K) == 0.0
    found = max_learning_rate(problem, K, W0)
    assert found == pytest.approx(1 / (beta * problem.M), rel=1e-12)
    both = max_learning_rate(problem, K, np.stack([W0, problem.project(W0) + 2 * W0]))
    assert np.broadcast_to(both, 2)[0] == pytest.approx(found, rel=1e-12)
    adam = Adam(1.0)
    assert max_learning_rate(problem, adam, W0) == max_learning_rate(problem, adam)


@given(seeds)
def test_a_guarantee_for_several_is_one_for_the_least_of_them(seed):
    """A grid of K, and a stack of starts where each has a rate of its own."""
    problem, rng = random_problem(seed, 1, SquaredLoss())
    W0 = problem.project(np.ones((problem.d, 1))) + rng.standard_normal((4, problem.d, 1))
    grid = Adam(10 ** rng.uniform(-2, 2, 4))
    for start in (Start(problem, grid, W0[0]), Start(problem, Cosh(), W0)):
        rates = start.max_learning_rate
        assert rates.shape == (4,) and rates.min() < rates.max()
        assert start.is_guaranteed(rates) and start.is_guaranteed(rates.min())
        assert not start.is_guaranteed(0.5 * (rates.min() + rates.max()))
        with pytest.raises(ValueError, match="eta must be at most"):
            start.checked_rate(rates.max())


@pytest.mark.parametrize(
    ("K", "times"),
    [(Sloped(), 1.0), (Cosh(), 2.0), (Spectral(Cosh()), 2.0)],
    ids=["sector alone", "separable", "left-invariant"],
)
def test_the_learning_rate_that_a_reason_names_is_the_one_that_is_certified(K, times):
    problem, W = Problem.gaussian(3, 9, 2, 0), np.zeros((9, 2))
    start = Start(problem, K, W)
    most = times * start.max_learning_rate
    assert f"; from here up to {most:.2g} is." in certified_limit(start, 10.0).reason
    assert certified_limit(start, 1.001 * most).error == np.inf
    assert certified_limit(start, 0.999 * most).error < np.inf


def test_a_run_without_smoothness_says_that_no_learning_rate_is_guaranteed_for_every_start():
    problem, W0 = Problem.gaussian(3, 9, 1, 0), np.ones(9)
    for K in (PNorm(1.5), Cosh()):
        run = dspgd(problem, K, W0, 10.0, max_steps=2)
        said = run.message + certified_limit(Start(problem, K, W0), 10.0).reason
        assert "no learning rate is guaranteed for every start" in said
        assert not run.guaranteed


# ---------------------------------------------------------------- one step, past the guarantee


@pytest.mark.promise("one_step_bound")
@every
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_one_step_lemma(K_of, loss, k, seed, fraction):
    """L(W⁺) ≤ (1 − ηmμ)(L − (η/2)⟨∇K(V), V⟩) ≤ (1 − ηmμ)² L (this book)."""
    problem, rng = random_problem(seed, k, loss)
    W = 10.0 ** rng.uniform(-2, 2) * rng.standard_normal((problem.d, k))
    K = K_of(typical_parameter(problem, W, factor=10.0 ** rng.uniform(-2, 1)))
    eta = fraction * max_learning_rate(problem, K)
    V, L = problem.gradient(W), problem.loss_value(W)
    after = problem.loss_value(W - eta * K.gradient(V))
    bound = one_step_bound(Start(problem, K, W), eta)
    m, _ = K.sector(K.radius(V))
    assert after <= bound + 1e-13 * L
    assert bound <= (1 - eta * m * problem.mu) ** 2 * L * (1 + 1e-12) + 1e-13 * L


@outputs
def test_one_step_lemma_is_attained_along_the_weakest_direction(k):
    problem = Problem(np.diag([2.0, 1.0]) @ np.eye(2, 3), np.zeros((2, k)))
    W = np.zeros((3, k))
    W[1] = 1.0
    eta = max_learning_rate(problem, GradientDescent())
    after = problem.loss_value(W - eta * problem.gradient(W))
    assert one_step_bound(Start(problem, GradientDescent(), W), eta) >= after
    assert after == pytest.approx((1 - eta * problem.mu) ** 2 * problem.loss_value(W))


@every
@given(drawn_losses, drawn_outputs, seeds, st.floats(0.05, 1.99))
def test_loss_still_falls_up_to_twice_the_guarantee(K_of, loss, k, seed, fraction):
    """L(W⁺) ≤ L − η(1 − ηβM/2)⟨∇K(V), V⟩ for every η (this book)."""
    problem, rng = random_problem(seed, k, loss)
    W = rng.standard_normal((problem.d, k))
    K = K_of(typical_parameter(problem, W))
    eta = fraction * max_learning_rate(problem, K)
    V, L = problem.gradient(W), problem.loss_value(W)
    S = K.gradient(V)
    promised = eta * (1 - fraction / 2) * inner(S, V)
    assert problem.loss_value(W - eta * S) <= L - promised + 1e-13 * L


# ---------------------------------------------------------------- certified limits


def assert_honest(problem, K, W0, eta, steps):
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=steps)
    end = dspgd(problem, K, run.W, eta)
    certificate = certified_limit(Start(problem, K, run.W), eta)
    assert end.converged
    assert norm(end.W - certificate.limit) <= certificate.error + 1e-10 * norm(end.W)
    assert norm(problem.residual(certificate.limit)) <= 1e-12 * problem.sigma_max * norm(end.W)
    assert run.limit_error == certificate.error and (run.limit == certificate.limit).all()
    return certificate


@pytest.mark.promise("certified_limit")
@every
@settings(max_examples=12)
@given(drawn_losses, drawn_outputs, seeds, fractions, st.sampled_from([0, 3, 40]))
def test_certified_limits_are_honest(K_of, loss, k, seed, fraction, steps):
    problem, rng = random_problem(seed, k, loss, n=3, d=15)
    W0 = rng.standard_normal((15, k))
    K = K_of(typical_parameter(problem, W0, factor=10.0 ** rng.uniform(-1.5, 1)))
    eta = fraction * max_learning_rate(problem, K)
    certificate = assert_honest(problem, K, W0, eta, steps)
    # Rounding may make the sector of other K a point, but not the reason.
    assert ("stay in the row space" in certificate.reason) == (K.invariance != "none")


@pytest.mark.parametrize("K", [Cosh(), Spectral(Cosh())], ids=["cosh", "spectral-cosh"])
@settings(max_examples=6)
@given(drawn_losses, drawn_outputs, seeds, fractions, st.sampled_from([0, 3]))
def test_limits_certified_on_the_gradients_of_a_run_are_honest(K, loss, k, seed, fraction, steps):
    problem, rng = random_problem(seed, k, loss, n=3, d=15)
    W0 = start_at_radius(problem, rng, 2.0)
    eta = fraction * max_learning_rate(problem, K, W0)
    certificate = assert_honest(problem, K, W0, eta, steps)
    # Rounding may make the sector of other K a point, but not the reason.
    assert ("stay in the row space" in certificate.reason) == (K.invariance != "none")
    assert "sector" in certificate.reason or certificate.error == 0


@given(drawn_losses, drawn_outputs, seeds, st.floats(-3, 2))
def test_the_certificate_is_the_best_of_three_and_says_which(loss, k, seed, log_eps):
    problem, rng = random_problem(seed, k, loss)
    W = rng.standard_normal((problem.d, k))
    for K_of in (Adam, SmoothedSign):
        K = K_of(typical_parameter(problem, W, 10**log_eps))
        eta = max_learning_rate(problem, K)
        certificate = certified_limit(Start(problem, K, W), eta)
        sector = sector_distance_bound(Start(problem, K, W))
        left = energy_distance_bound(Start(problem, K, W), eta)
        angle = angle_distance_bound(Start(problem, K, W), eta)
        assert certificate.error == pytest.approx(min(sector, left, angle), rel=1e-9)
        assert ("sector" in certificate.reason) == (sector < min(left, angle))
        assert ("energy left" in certificate.reason) == (left <= min(sector, angle))
        assert ("angle" in certificate.reason) == (angle < left and angle <= sector)


@pytest.mark.parametrize("share", [0.5, 1.9])
def test_a_power_whose_sector_says_nothing_is_certified_by_its_angle(share):
    """h = |g|³/3: flat at 0, so that m = 0, and steep far out, so that β is that of the run."""
    problem, W = Problem.gaussian(3, 9, 1, 0), np.zeros(9)
    start = Start(problem, PNorm(3.0), W)
    eta = share * start.max_learning_rate
    certificate = certified_limit(start, eta)
    assert "angle" in certificate.reason
    slack = 1.0 if share <= 1 else 1 - share / 2
    assert certificate.error == pytest.approx(np.sqrt(8) / slack * start.length)
    run = dspgd(problem, PNorm(3.0), W, eta, tol=1e-3, max_steps=20_000)
    assert norm(problem.project(run.W) - certificate.limit) <= certificate.error
    assert certified_limit(start, 2.001 * start.max_learning_rate).error == np.inf


@pytest.mark.parametrize("K", [Stretched(), SmoothSign()], ids=["stretched", "smooth-sign"])
@settings(max_examples=12)
@given(drawn_losses, drawn_outputs, seeds, fractions, st.sampled_from([0, 3, 40]))
def test_limits_certified_by_a_sector_are_honest(K, loss, k, seed, fraction, steps):
    problem, rng = random_problem(seed, k, loss, n=3, d=15)
    eta = fraction * max_learning_rate(problem, K)
    certificate = assert_honest(problem, K, rng.standard_normal((15, k)), eta, steps)
    assert 0 < certificate.error < np.inf and "sector" in certificate.reason


def test_sector_certificate_is_the_best_possible():
    """One example, two weights that K treats differently: Kantorovich's worst case."""
    problem, W0 = Problem([[2.0, 1.0]], [0.0]), np.array([[2.0], [1.0]])
    eta = 0.1 * max_learning_rate(problem, Stretched())
    end = dspgd(problem, Stretched(), W0, eta)
    distance = norm(end.W - problem.project(W0))
    error = certified_limit(Start(problem, Stretched(), W0), eta).error
    assert distance == pytest.approx(error, rel=1e-9)


def test_certificate_of_adam_shrinks_to_nothing_along_the_run():
    problem, K = Problem.gaussian(5, 20, 1, 0), Adam(2.0)
    eta = max_learning_rate(problem, K)
    run = dspgd(problem, K, np.zeros(20), eta, record="W")
    errors = [certified_limit(Start(problem, K, W), eta).error for W in run.history["W"]]
    assert (np.diff(errors) < 0).all() and errors[-1] < 1e-18
    V, L = problem.gradient(np.zeros(20)), problem.loss_value(np.zeros(20))
    left = 2 / (3 * np.sqrt(3)) * (L + eta * K.value(V)) / 2.0
    assert errors[0] <= left * (1 + 1e-12)
    V, L = problem.gradient(run.history["W"][-9]), problem.loss_value(run.history["W"][-9])
    left = 2 / (3 * np.sqrt(3)) * (L + eta * K.value(V)) / 2.0
    assert errors[-9] == pytest.approx(left, rel=1e-12)  # near the end it is the energy


def test_an_object_with_a_bend_and_no_sector_is_certified_by_its_energy():
    class Bent(Plain):
        smoothness, bend = 1.0, 0.5

    problem = Problem.gaussian(3, 9, 1, 0)
    start = Start(problem, Bent(), np.ones(9))
    for share in (0.5, 1.5):
        certificate = certified_limit(start, share * start.max_learning_rate)
        assert "energy left" in certificate.reason and 0 < certificate.error < np.inf


def test_a_loss_that_cancels_near_zero_certifies_no_error_zero():
    """√(1 + z²) − 1 is 0 in floats for small z; the residual still tells how large it can be."""

    class Cancelling(Loss):
        strong_convexity, smoothness = 0.5, 1.5

        def phi(self, z):
            return 0.25 * z**2 + np.sqrt(1 + z**2) - 1

        def slope(self, z):
            return 0.5 * z + z / np.sqrt(1 + z**2)

    problem = Problem.gaussian(3, 9, 1, 0, Cancelling())
    W = problem.project(np.ones(9)[:, None]) + 1e-9
    start = Start(problem, Stretched(), W)
    size = norm(problem.residual(W))
    assert problem.loss_value(W) < 0.25 * size**2  # in floats only
    assert 0.75 * size**2 <= start.loss * (1 + 1e-12) and start.loss <= 0.75 * size**2 * (1 + 1e-12)
    assert certified_limit(start, start.max_learning_rate).error > 0


def test_nothing_is_certified_without_a_guarantee():
    problem, W = Problem.gaussian(3, 9, 1, 0), np.zeros(9)
    adam, ngd = Adam(1.0), NormalizedGD(1.0)
    bound = max_learning_rate(problem, adam)
    unsolvable = Problem(np.ones((2, 3)), [1.0, 3.0], strict=False)
    for certificate, reason in [
        (certified_limit(Start(problem, adam, W), 2.0 * bound), "from 2/(βM) on"),
        (certified_limit(Start(problem, Stretched(), W), 0.26 / problem.M), "above 1/(βM)"),
        (certified_limit(Start(problem, ngd, W), 2.0 * bound), "from 2/(βM) on"),
        (certified_limit(Start(problem, Steep(), W), 1e-9), "guaranteed for every start."),
        (certified_limit(Start(problem, PNorm(1.5), W), 1e-9), "guaranteed for every start."),
        (certified_limit(Start(problem, Cosh(), W), 10.0), "every start; from here up to"),
        (
            certified_limit(Start(problem, Spectral(Cosh()), W), 10.0),
            "every start; from here up to",
        ),
        (certified_limit(Start(problem, Flat(), W), 1e-9), "no sector with m > 0"),
        (certified_limit(Start(problem, Plain(), W), 1e-9), "no smoothness"),
        (certified_limit(Start(problem, DeadZone(), W), 1e-9), "a run may stall"),
        (certified_limit(Start(unsolvable, ngd, np.zeros(3)), 1e-3), "no W interpolates"),
    ]:
        assert certificate.error == np.inf
        assert certificate.reason.startswith("Nothing is certified")
        assert reason in certificate.reason
    certified = certified_limit(Start(problem, ngd, W), 1.99 * bound)
    assert certified.error == 0 and (certified.limit == problem.project(W)).all()


class DeadZone:
    """½max(‖G‖ − 1, 0)²: isotropic and 1-smooth, but 0 on the unit ball, where runs stall."""

    smoothness, invariance = 1.0, "isotropic"

    def value(self, G):
        return 0.5 * np.maximum(norm(G) - 1, 0) ** 2

    def gradient(self, G):
        return np.maximum(1 - 1 / np.maximum(norm(G), 1e-300), 0)[..., None, None] * G

    def sector(self, radius):
        return 0.0, 1.0


def test_a_run_that_stalls_off_the_manifold_is_not_certified():
    problem = Problem.gaussian(3, 9, 1, 0)
    run = dspgd(problem, DeadZone(), np.zeros(9), 1 / problem.M)
    assert not run.converged and run.limit_error == np.inf and run.limit_error == np.inf


def test_the_one_step_bound_is_refused_where_it_does_not_hold():
    problem, K = Problem.gaussian(3, 9, 1, 0), Adam(1.0)
    with pytest.raises(ValueError, match=r"^eta must be at most max_learning_rate"):
        one_step_bound(Start(problem, K, np.zeros(9)), 1.01 * max_learning_rate(problem, K))


def test_bad_arguments_are_refused_with_a_reason():
    problem, K = Problem.gaussian(3, 9, 1, 0), Adam(1.0)
    for wrong, message in [
        ((problem, K, np.zeros(8)), r"^W0 must have shape"),
        ((problem, Adam, np.zeros(9)), r"^K must be an object, found the class Adam"),
        ((problem, object(), np.zeros(9)), r"^K must have the methods value and gradient"),
        ((Problem, K, np.zeros(9)), r"^problem must be a Problem"),
        ((None, K, np.zeros(9)), r"^problem must be a Problem"),
    ]:
        with pytest.raises(ValueError, match=message):
            Start(*wrong)
    for function in (certified_limit, one_step_bound):
        with pytest.raises(ValueError, match=r"^eta must be positive"):
            function(Start(problem, K, np.zeros(9)), 0.0)
    with pytest.raises(ValueError, match="W0 must be one matrix"):
        certified_limit(Start(problem, K, np.zeros((2, 9, 1))), 0.1)
    with pytest.raises(ValueError, match="K must be one function, found a grid of 2"):
        certified_limit(Start(problem, Adam([1.0, 2.0]), np.zeros(9)), 0.1)
