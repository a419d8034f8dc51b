"""The bounds of the theory hold on runs, and those called best possible are attained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    ISOTROPIC,
    LEFT_INVARIANT,
    LOCAL,
    LOSSES,
    OUTPUTS,
    RUNNABLE,
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
    ColumnNormalized,
    Cosh,
    GradientDescent,
    NormalizedGD,
    PNorm,
    Problem,
    SmoothedSign,
    Spectral,
    Start,
    angle_distance_bound,
    certified_limit,
    distance_bound,
    dspgd,
    energy,
    energy_distance_bound,
    fundamental_identity,
    gradient_sum_bound,
    loss_rate,
    max_learning_rate,
    one_step_bound,
    path_length_bound,
    reach_bound,
    sector_distance_bound,
    weight_rate,
)

runnable = pytest.mark.parametrize("K_of", RUNNABLE.values(), ids=RUNNABLE)
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)
SECTOR_FORMS = ("paper", "root", "best")
RECORD = ("W", "gradient", "loss", "preconditioner")


class Quadratic:
    """K = ½Σ aᵢgᵢ² over the rows: the sector is exactly [min a, max a]."""

    def __init__(self, *curvatures):
        self.curvatures = np.array(curvatures)[:, None]
        self.smoothness = float(max(curvatures))

    def value(self, G):
        return 0.5 * np.sum(self.curvatures * G * G, axis=(-2, -1))

    def gradient(self, G):
        return self.curvatures * G

    def sector(self, radius):
        return float(self.curvatures.min()), self.smoothness


def a_run(K_of, loss, k, seed, fraction, steps=40):
    """A problem, a K whose parameter fits it, a start and the record of a covered run."""
    problem, rng = random_problem(seed, k, loss)
    W0 = start_at_radius(problem, rng, 2.0)
    K = K_of(typical_parameter(problem, W0, 10.0 ** rng.uniform(-1, 1)))
    eta = fraction * max_learning_rate(problem, K, W0)
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=steps, record=RECORD)
    return problem, K, W0, eta, run.history


# ---------------------------------------------------------------- on every run


@pytest.mark.promise("loss_rate")
@pytest.mark.promise("gradient_sum_bound")
@pytest.mark.promise("path_length_bound")
@pytest.mark.promise("sector_distance_bound")
@pytest.mark.promise("distance_bound")
@runnable
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_bounds_hold_on_runs(K_of, loss, k, seed, fraction):
    """They bound every partial sum, so that runs need not be long."""
    problem, K, W0, eta, history = a_run(K_of, loss, k, seed, fraction)
    W, V, L = history["W"], history["gradient"], history["loss"]
    start = Start(problem, K, W0)
    slack, floor = 1 + 1e-9, 1e-12 * norm(W0)
    assert norm(V).max() <= np.sqrt(2 * problem.M * L[0]) * slack
    assert (L[1:] <= loss_rate(start, eta) * L[:-1] + 1e-13 * L[0]).all()
    assert (L[1:] <= one_step_bound(Start(problem, K, W), eta)[:-1] + 1e-13 * L[0]).all()
    assert eta * norm(V).sum() <= gradient_sum_bound(start) * slack
    assert norm(np.diff(W, axis=0)).sum() <= path_length_bound(start) * slack + floor
    apart = norm(problem.project(W) - problem.project(W0)).max()
    paper, root, sector = (sector_distance_bound(start, form) for form in SECTOR_FORMS)
    assert apart <= sector * slack + floor
    assert sector <= root * slack + floor
    assert root <= paper * slack + floor
    assert apart <= distance_bound(start, eta) * slack + floor


@pytest.mark.promise("energy")
@runnable
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_energy_falls_by_what_the_step_does(K_of, loss, k, seed, fraction):
    problem, K, W0, eta, history = a_run(K_of, loss, k, seed, fraction)
    W, V, L = history["W"], history["gradient"], history["loss"]
    Phi = energy(Start(problem, K, W), eta)
    assert Phi == pytest.approx(L + eta * history["preconditioner"], rel=1e-12)
    ledger = fundamental_identity(problem, K, W, problem.project(W0), eta)
    work = eta * inner(K.gradient(V), V)
    rounding = 1e-12 * Phi[0]
    assert (np.abs(ledger.residual) <= rounding).all()  # Proposition 1, also without smoothness
    assert (ledger.adjusted_divergence >= -rounding).all()
    balance = (Phi - work - ledger.adjusted_divergence)[:-1]
    assert Phi[1:] == pytest.approx(balance, rel=1e-9, abs=rounding)
    assert work.sum() <= Phi[0] * (1 + 1e-12)
    assert (L <= Phi + 1e-13 * rounding).all() and (Phi <= 2 * L + rounding).all()


@pytest.mark.parametrize("K_of", LOCAL.values(), ids=LOCAL)
@given(drawn_losses, drawn_outputs, seeds, st.floats(-3, 0))
def test_the_identity_needs_no_smoothness_at_all(K_of, loss, k, seed, log_eta):
    """Proposition 1 of the paper for any reference and any learning rate, also for p < 2."""
    problem, rng = random_problem(seed, k, loss)
    W, U = (start_at_radius(problem, rng, 2.0) for _ in range(2))
    step = fundamental_identity(problem, K_of(1.0), W, U, 10.0**log_eta / problem.M)
    rounding = 1e-12 * (step.left + np.abs(step.right))
    assert abs(step.residual) <= rounding
    assert min(step.next_preconditioner, step.preconditioner_divergence) >= -rounding


@pytest.mark.promise("energy_distance_bound")
@pytest.mark.parametrize("K_of", [Adam, SmoothedSign])
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_energy_bounds_the_distance_to_the_limit_of_gradient_descent(K_of, loss, k, seed, fraction):
    """Without κ and without μ: only the energy over ε (this book)."""
    problem, K, W0, eta, history = a_run(K_of, loss, k, seed, fraction, steps=200)
    apart = norm(problem.project(history["W"]) - problem.project(W0)).max()
    exact = energy_distance_bound(Start(problem, K, W0), eta)
    assert apart <= exact * (1 + 1e-9) + 1e-12 * norm(W0)
    spent = problem.loss_value(W0) / (1 - 0.5 * fraction)
    assert exact == pytest.approx(
        K.bend * min(energy(Start(problem, K, W0), eta), spent), rel=1e-12
    )
    assert exact <= energy_distance_bound(Start(problem, K, W0)) * (1 + 1e-12)
    assert energy_distance_bound(Start(problem, K, W0)) == pytest.approx(
        2 * K.bend * problem.loss_value(W0), rel=1e-12
    )


CONVERGING = [name for name in RUNNABLE if "p-norm" not in name]  # those are flat at 0


@pytest.mark.promise("reach_bound")
@pytest.mark.parametrize("name", CONVERGING)
@settings(max_examples=6)
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_limits_lie_within_reach(name, loss, k, seed, fraction):
    problem, rng = random_problem(seed, k, loss, n=2, d=15)
    W0 = start_at_radius(problem, rng, 2.0)
    K = RUNNABLE[name](typical_parameter(problem, W0))
    eta = fraction * max_learning_rate(problem, K, W0)
    end = dspgd(problem, K, W0, eta, tol=1e-10)
    assert end.converged
    reach, nearest = norm(end.W - W0), norm(problem.project(W0) - W0)
    assert nearest <= reach * (1 + 1e-7)
    assert reach <= reach_bound(Start(problem, K, W0)) * (1 + 1e-7)
    both = np.hypot(nearest, sector_distance_bound(Start(problem, K, W0)))
    assert both <= reach_bound(Start(problem, K, W0)) * (1 + 1e-7)


LIKE_ISOTROPIC = {
    "column-normalized": ColumnNormalized,
    "spectral-sign": lambda p: Spectral(SmoothedSign(p)),
    "spectral-cosh": lambda p: Spectral(Cosh()),
    "spectral-p-norm": lambda p: Spectral(PNorm(2.5)),
}


def assert_weight_rate(K_of, loss, k, seed, fraction):
    problem, K, W0, eta, history = a_run(K_of, loss, k, seed, fraction)
    W, distance = history["W"], norm(history["W"] - problem.project(W0))
    rate = weight_rate(Start(problem, K, W), eta)
    assert (distance[1:] <= rate[:-1] * distance[:-1] + 1e-13 * norm(W0)).all()
    lengths = norm(history["gradient"])
    assert (lengths[1:] <= lengths[:-1] * (1 + 1e-9) + 1e-12 * lengths[0]).all()
    return rate


@pytest.mark.promise("weight_rate")
@pytest.mark.parametrize("K_of", ISOTROPIC.values(), ids=ISOTROPIC)
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_isotropic_weights_approach_their_limit_at_the_weight_rate(K_of, loss, k, seed, fraction):
    """Their slope never increases, so that the rate of the start covers the run."""
    rate = assert_weight_rate(K_of, loss, k, seed, fraction)
    assert (rate <= rate[0] + 1e-12)[norm_is_seen(rate)].all()


def norm_is_seen(rate):
    """Where the gradient has not been rounded to 0, which sets the rate to 1."""
    return rate < 1


@pytest.mark.parametrize("K_of", LIKE_ISOTROPIC.values(), ids=LIKE_ISOTROPIC)
@given(drawn_losses, seeds, fractions)
def test_so_do_those_of_a_left_invariant_potential_with_one_output(K_of, loss, seed, fraction):
    assert_weight_rate(K_of, loss, 1, seed, fraction)


# ---------------------------------------------------------------- implicit bias


@pytest.mark.parametrize("K_of", LEFT_INVARIANT.values(), ids=LEFT_INVARIANT)
@losses
@outputs
@pytest.mark.parametrize("fraction", [0.3, 1.0, 1.8])
def test_left_invariant_runs_end_at_the_projection_of_their_start(K_of, loss, k, fraction):
    """Another road, the same destination (this book), past the guarantee as well."""
    problem, rng = random_problem(5, k, loss, n=4, d=16)
    W0 = start_at_radius(problem, rng, 2.0)
    K = K_of(typical_parameter(problem, W0))
    eta = fraction * max_learning_rate(problem, K, W0)
    limit, slow = problem.project(W0), K == Spectral(PNorm(2.5))
    end = dspgd(problem, K, W0, eta, max_steps=300 if slow else 100_000, record="W")
    off_the_road = end.history["W"] - problem.project(end.history["W"])
    null = end.history["W"] - W0 - (off_the_road - off_the_road[0])
    assert norm(null).max() <= 1e-9 * norm(limit)  # every iterate projects to the same point
    if not slow:  # a power above 2 is flat at 0 and never arrives
        assert end.converged and norm(end.W - limit) <= 1e-9 * norm(limit)
        assert end.limit_error == 0 and norm(end.limit - limit) <= 1e-12 * norm(limit)


@pytest.mark.parametrize("K", [Spectral(SmoothedSign(0.5)), ColumnNormalized(0.5)])
def test_the_road_is_another_one_unless_there_is_one_output(K):
    problem = Problem.gaussian(4, 16, 4, 0)
    W0 = np.zeros((16, 4))
    V = problem.gradient(W0)
    S = K.gradient(V)
    assert inner(S, V) < 0.999 * norm(S) * norm(V)


def test_separable_runs_end_elsewhere():
    problem, rng = random_problem(0, 4, LOSSES["squared"], n=4, d=16)
    W0 = start_at_radius(problem, rng, 3.0)
    for K in (Adam(1.0), SmoothedSign(1.0), Cosh()):
        end = dspgd(problem, K, W0, max_learning_rate(problem, K, W0), tol=1e-10)
        apart = norm(problem.project(end.W) - problem.project(W0))
        assert apart > 1e-3 * norm(W0 - problem.project(W0))


# ---------------------------------------------------------------- best possible


@outputs
@pytest.mark.parametrize("fraction", [0.1, 1.0])
def test_path_length_is_attained_along_the_weakest_direction(k, fraction):
    """Gradient descent along σ_min: straight, and every step counts."""
    problem, rng = random_problem(7, k, LOSSES["squared"], n=3, d=6)
    weakest = np.linalg.svd(problem.X, full_matrices=False)[2][-1]
    W0 = problem.project(np.zeros((6, k))) + weakest[:, None] * rng.standard_normal((1, k))
    K, eta = GradientDescent(), fraction / problem.M
    run = dspgd(problem, K, W0, eta, record=("W", "gradient"))
    length = norm(np.diff(run.history["W"], axis=0)).sum()
    assert length == pytest.approx(path_length_bound(Start(problem, K, W0)), rel=1e-9)
    total = eta * norm(run.history["gradient"]).sum()
    assert total == pytest.approx(gradient_sum_bound(Start(problem, K, W0)), rel=1e-9)


@outputs
@pytest.mark.parametrize("fraction", [0.1, 1.0])
def test_rates_are_attained_along_the_weakest_direction(k, fraction):
    problem, W0 = Problem(np.diag([2.0, 1.0]) @ np.eye(2, 3), np.zeros((2, k))), np.eye(3, k, k=-1)
    K, eta = GradientDescent(), fraction / problem.M
    W0[2:] = 0
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=1, record=("W", "loss"))
    L, distance = run.history["loss"], norm(run.history["W"])
    assert L[1] / L[0] == pytest.approx(loss_rate(Start(problem, K, W0), eta), rel=1e-12)
    rate = weight_rate(Start(problem, K, W0), eta)
    assert distance[1] / distance[0] == pytest.approx(rate, rel=1e-12)
    assert energy(Start(problem, K, W0), 1 / problem.M) <= 2 * L[0]


@pytest.mark.parametrize("spread", [1.5, 4.0, 100.0])
@pytest.mark.parametrize("fraction", [0.05, 1.0])
def test_distance_constant_of_the_sector_is_attained(spread, fraction):
    """Kantorovich's inequality: one example, K with curvatures m and β, x₁²/x₂² = β/m."""
    problem, K = Problem([[np.sqrt(spread), 1.0]], [0.0]), Quadratic(1.0, spread)
    W0 = np.array([[1.0], [3.0]])
    end = dspgd(problem, K, W0, fraction * max_learning_rate(problem, K))
    apart = norm(end.W - problem.project(W0))
    sector = sector_distance_bound(Start(problem, K, W0))
    assert apart == pytest.approx(sector, rel=1e-8)
    x = np.sqrt(spread)
    assert sector_distance_bound(Start(problem, K, W0), "root") / apart == pytest.approx(
        2 * x / (x + 1)
    )
    assert sector_distance_bound(Start(problem, K, W0), "paper") / apart == pytest.approx(2 * x)


@pytest.mark.parametrize("spread", [1.5, 4.0, 100.0])
def test_reach_is_attained_too(spread):
    problem, K = Problem([[np.sqrt(spread), 1.0]], [0.0]), Quadratic(1.0, spread)
    W0 = problem.X.T.copy()  # a start in the row space: all of it must go
    end = dspgd(problem, K, W0, max_learning_rate(problem, K))
    assert norm(end.W - W0) == pytest.approx(reach_bound(Start(problem, K, W0)), rel=1e-8)


def one_heavy_entry(spread):
    """One example: one entry has 2/3 of the squared length, `spread` others share the rest."""
    x = np.full(spread + 1, np.sqrt(1 / 3 / spread))
    x[0] = np.sqrt(2 / 3)
    return Problem([x], [0.0])


def test_distance_of_adam_approaches_its_bound_as_the_rest_is_spread():
    ratios = []
    for spread in (1, 10, 100, 1000, 4000):
        problem, K = one_heavy_entry(spread), Adam(1.0)
        W0 = 1e-3 * problem.X.T
        eta = max_learning_rate(problem, K)
        end = dspgd(problem, K, W0, eta)
        apart = norm(problem.project(end.W) - problem.project(W0))
        ratios.append(apart / energy_distance_bound(Start(problem, K, W0), eta))
    assert (np.diff(ratios) > 0).all()
    assert 0.98 < ratios[-1] < 1


def test_without_its_factor_the_bound_of_adam_would_lose_two_thirds():
    problem, K = one_heavy_entry(4000), Adam(1.0)
    W0 = 1e-3 * problem.X.T
    eta = max_learning_rate(problem, K)
    plain = energy(Start(problem, K, W0), eta) / K.eps
    factor = energy_distance_bound(Start(problem, K, W0), eta) / plain
    assert factor == pytest.approx(2 / (3 * np.sqrt(3)), rel=1e-12)


def test_distance_of_the_smoothed_sign_comes_near_its_bound():
    """Its bend is attained at one size of the gradient only, so that a whole run falls short."""
    spread, K = 4000, SmoothedSign(1.0)
    x = np.full(spread + 1, np.sqrt(0.3 / spread))
    x[0] = np.sqrt(0.7)
    problem, W0 = Problem([x], [0.0]), 4.0 * x[:, None]
    eta = 0.1 * max_learning_rate(problem, K)
    end = dspgd(problem, K, W0, eta)
    apart = norm(problem.project(end.W) - problem.project(W0))
    assert 0.85 < apart / energy_distance_bound(Start(problem, K, W0), eta) < 1


# ---------------------------------------------------------------- what they refuse, what is 0 or ∞


@outputs
def test_bounds_of_a_start_on_the_manifold_are_zero(k):
    problem = Problem(np.eye(2, 4), np.zeros((2, k)))
    for K in (Adam(1.0), NormalizedGD(1.0), Cosh(), PNorm(1.5), PNorm(3.0)):
        for bound in (gradient_sum_bound, path_length_bound, distance_bound, reach_bound):
            assert bound(Start(problem, K, np.zeros((4, k)))) == 0


@outputs
def test_without_a_sector_inside_0_and_infinity_nothing_is_bounded(k):
    problem, W0 = Problem.gaussian(2, 5, k, 0), np.ones((5, k))
    for K in (PNorm(1.5), PNorm(3.0)):
        for bound in (path_length_bound, sector_distance_bound, reach_bound):
            assert bound(Start(problem, K, W0)) == np.inf
    # The angle needs no m, but a learning rate.
    assert distance_bound(Start(problem, PNorm(1.5), W0)) == np.inf
    start = Start(problem, PNorm(3.0), W0)
    assert distance_bound(start) == pytest.approx(np.sqrt(5 * k - 1) * start.length)
    assert gradient_sum_bound(Start(problem, PNorm(3.0), W0)) == np.inf
    assert np.isfinite(gradient_sum_bound(Start(problem, PNorm(1.5), W0)))
    # The bias of a left-invariant K does not need a sector.
    assert distance_bound(Start(problem, Spectral(PNorm(3.0)), W0)) == 0


@outputs
def test_an_isotropic_potential_without_spread_is_bounded_by_zero(k):
    problem, W0 = Problem.gaussian(2, 5, k, 0), np.ones((5, k))
    start = Start(problem, GradientDescent(), W0)
    for form in SECTOR_FORMS:
        assert sector_distance_bound(start, form) == distance_bound(start) == 0
    nearest = norm(W0 - problem.project(W0))
    assert reach_bound(Start(problem, GradientDescent(), W0)) == pytest.approx(nearest, rel=1e-12)


@runnable
@outputs
def test_a_stack_of_starts_equals_one_at_a_time(K_of, k):
    problem, rng = random_problem(2, k, LOSSES["squared"], n=2, d=6)
    W = np.stack([start_at_radius(problem, rng, r) for r in (0.5, 1.0, 2.0)])
    K = K_of(1.0)
    eta = 0.5 * np.min(max_learning_rate(problem, K, W))
    for bound in (
        lambda W: loss_rate(Start(problem, K, W), eta),
        lambda W: energy(Start(problem, K, W), eta),
        lambda W: path_length_bound(Start(problem, K, W)),
        lambda W: gradient_sum_bound(Start(problem, K, W)),
        lambda W: distance_bound(Start(problem, K, W), eta=eta),
        lambda W: sector_distance_bound(Start(problem, K, W), "paper"),
        lambda W: reach_bound(Start(problem, K, W)),
    ):
        assert bound(W).shape == (3,)
        assert bound(W) == pytest.approx([float(bound(w)) for w in W], rel=1e-12)


class NoSector:
    """½‖G‖²; the least that `max_learning_rate` asks for."""

    smoothness = 1.0

    def value(self, G):
        return 0.5 * inner(G, G)

    def gradient(self, G):
        return G


def test_bad_arguments_are_refused_with_a_reason():
    problem, W0 = Problem.gaussian(3, 9, 1, 0), np.zeros(9)
    K, bad = Adam(1.0), np.zeros(8)
    rate = max_learning_rate(problem, K)
    bounds = (gradient_sum_bound, path_length_bound, distance_bound, reach_bound)
    for bound in bounds:
        with pytest.raises(ValueError, match=r"^W0 must have shape"):
            bound(Start(problem, K, bad))
    for bound in (gradient_sum_bound, path_length_bound, reach_bound):
        with pytest.raises(ValueError, match="has no sector: give it a method"):
            bound(Start(problem, NoSector(), W0))
    assert distance_bound(Start(problem, NoSector(), W0)) == np.inf
    for form in ("good", ["best"], None):
        with pytest.raises(ValueError, match=r"^form must be one of"):
            sector_distance_bound(Start(problem, K, W0), form)
    with pytest.raises(ValueError, match=r"^K must be Adam or SmoothedSign"):
        energy_distance_bound(Start(problem, NormalizedGD(1.0), W0))
    with pytest.raises(ValueError, match=r"^K must be separable, or have a tangent"):
        angle_distance_bound(Start(problem, NormalizedGD(1.0), W0))
    with pytest.raises(ValueError, match=r"^K must be isotropic"):
        weight_rate(Start(problem, K, W0), rate)
    wide = Problem.gaussian(3, 9, 4, 0)
    with pytest.raises(ValueError, match=r"^K must be isotropic"):
        weight_rate(Start(wide, ColumnNormalized(1.0), np.zeros((9, 4))), 1e-3)
    for call, most in (
        (lambda eta: loss_rate(Start(problem, K, W0), eta), 1.0),
        (lambda eta: weight_rate(Start(problem, NormalizedGD(1.0), W0), eta), 1.0),
        (lambda eta: distance_bound(Start(problem, K, W0), eta), 1.0),
        (lambda eta: energy_distance_bound(Start(problem, K, W0), eta), 2.0),
        (lambda eta: angle_distance_bound(Start(problem, K, W0), eta), 2.0),
    ):
        call(0.99 * most * rate)
        for eta in (1.01 * most * rate, 1e9):
            with pytest.raises(ValueError, match=r"^eta must be at most max_learning_rate"):
                call(eta)
        for eta in (0.0, True):
            with pytest.raises(ValueError, match=r"^eta must be (positive|a number)"):
                call(eta)
    with pytest.raises(ValueError, match=r"^eta must be positive"):
        energy(Start(problem, K, W0), -1.0)


@given(seeds, st.sampled_from([0.1, 1.0]))
def test_an_object_made_at_home_is_bounded_by_the_sector_it_has(seed, fraction):
    problem, rng = random_problem(seed, 1, LOSSES["squared"], n=1, d=2)
    W0, K = rng.standard_normal((2, 1)), Quadratic(0.2, 3.0)
    eta = fraction * max_learning_rate(problem, K)
    end = dspgd(problem, K, W0, eta)
    apart = norm(problem.project(end.W) - problem.project(W0))
    error = certified_limit(Start(problem, K, W0), eta).error
    assert apart <= error * (1 + 1e-9)
    assert error == pytest.approx(distance_bound(Start(problem, K, W0)), rel=1e-12)
