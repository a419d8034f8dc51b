"""Lemmas 1–3 and Proposition 1 of the paper, the energy, and the digits they keep in floats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    LOSSES,
    OUTPUTS,
    PRECONDITIONERS,
    drawn_losses,
    drawn_outputs,
    fractions,
    inner,
    norm,
    random_problem,
    seeds,
    typical_parameter,
)

from dspgd_lib import (
    GradientDescent,
    NormalizedGD,
    Problem,
    SquaredLoss,
    adjusted_bregman,
    bregman,
    dspgd,
    fundamental_identity,
    loss_conjugate_at,
    max_learning_rate,
    three_point_gap,
)

every = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)


def squared_dual(problem):
    """L*(XᵀU) = ½‖U‖² + ⟨U, Y⟩ for the squared loss, as a function of the dual point."""
    back = np.linalg.pinv(problem.X.T)

    def value(G):
        U = back @ G
        return 0.5 * inner(U, U) + inner(U, problem.Y)

    return value


# ---------------------------------------------------------------- divergences


@every
@given(drawn_outputs, seeds)
def test_bregman_of_a_potential_is_nonnegative_and_satisfies_three_points(K_of, k, seed):
    K, (A, B, C) = K_of(0.7), np.random.default_rng(seed).standard_normal((3, 20, 4, k))
    assert (bregman(K, A, B) >= -1e-13 * (K.value(A) + K.value(B))).all()
    assert np.abs(three_point_gap(K, A, B, C)).max() < 1e-12 * (1 + K.value(A).max())


@given(drawn_losses, drawn_outputs, seeds)
def test_bregman_of_losses_and_problems_satisfies_three_points(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    W = rng.standard_normal((3, problem.d, k))
    Z = rng.standard_normal((3, problem.n, k))
    scale = problem.M * inner(W, W).sum() + inner(problem.Y, problem.Y)
    assert abs(three_point_gap(problem, *W)) <= 1e-13 * scale
    assert abs(three_point_gap(loss, *Z)) <= 1e-13 * (1 + inner(Z, Z).sum())
    assert bregman(problem, W[0], W[1]) == problem.divergence(W[0], W[1])


@given(drawn_outputs, seeds)
def test_three_points_for_the_adjusted_divergence(k, seed):
    """Lemma 1 of the paper: whatever the subgradients, even for a function with kinks."""

    def kinked(G):
        return np.abs(G).sum(axis=(-2, -1)) + 0.5 * np.max(G * G, axis=(-2, -1))

    A, B, C, P, Q = np.random.default_rng(seed).standard_normal((5, 4, k))
    assert abs(three_point_gap(kinked, A, B, C, subgradients=(P, Q))) < 1e-12
    plain = kinked(A) - kinked(B) - inner(P, A - B)
    assert adjusted_bregman(kinked, A, B, P) == pytest.approx(plain, abs=1e-13)


# ---------------------------------------------------------------- Lemmas 2 and 3, duality


@given(drawn_losses, drawn_outputs, seeds)
def test_weights_are_a_subgradient_of_the_dual_at_their_gradient(loss, k, seed):
    """Lemma 2 of the paper, tested at other dual points of the row space."""
    problem, rng = random_problem(seed, k, loss)
    W, other = rng.standard_normal((2, problem.d, k)) * 10.0 ** rng.uniform(-2, 2, (2, 1, 1))
    V, G = problem.gradient(W), problem.gradient(other)
    gap = loss_conjugate_at(problem, other) - loss_conjugate_at(problem, W) - inner(W, G - V)
    scale = problem.loss_value(W) + problem.loss_value(other) + abs(inner(W, G)) + abs(inner(W, V))
    assert gap >= -1e-12 * scale


@given(drawn_outputs, seeds)
def test_the_dual_at_a_gradient_has_its_closed_form(k, seed):
    problem, rng = random_problem(seed, k, SquaredLoss())
    W = rng.standard_normal((problem.d, k))
    exact = squared_dual(problem)(problem.gradient(W))
    assert loss_conjugate_at(problem, W) == pytest.approx(exact, rel=1e-8, abs=1e-8)


def test_one_of_several_weights_too_large_for_the_dual_is_enough_to_refuse():
    problem = Problem([[1e30, 1e30, 0.0]], [1.0])
    large = np.full((3, 1), 1e139)
    for W in (large, np.stack([np.ones((3, 1)), large])):
        with pytest.raises(ValueError, match="W makes the loss overflow"):
            loss_conjugate_at(problem, W)


@given(drawn_losses, drawn_outputs, seeds)
def test_adjusted_divergence_of_the_dual_swaps_the_arguments(loss, k, seed):
    """Duality: D̂_{L*}(∇L(W), ∇L(W′); W′) = D_L(W′, W)."""
    problem, rng = random_problem(seed, k, loss)
    W, W_ = rng.standard_normal((2, problem.d, k))
    V, V_ = problem.gradient(W), problem.gradient(W_)
    dual = {
        V.tobytes(): loss_conjugate_at(problem, W),
        V_.tobytes(): loss_conjugate_at(problem, W_),
    }
    found = adjusted_bregman(lambda G: dual[G.tobytes()], V, V_, W_)
    scale = problem.loss_value(W) + problem.loss_value(W_) + abs(inner(V, W))
    assert abs(found - problem.divergence(W_, W)) <= 1e-12 * scale


@every
@given(drawn_outputs, seeds, fractions)
def test_adjusted_divergence_is_nonnegative_and_both_formulas_agree(K_of, k, seed, fraction):
    """Lemma 3 of the paper: D̂ of F = L* − ηK with the subgradient W⁺, and without L*."""
    problem, rng = random_problem(seed, k, SquaredLoss())
    W = rng.standard_normal((problem.d, k))
    K = K_of(typical_parameter(problem, W))
    eta = fraction * max_learning_rate(problem, K)
    step = fundamental_identity(problem, K, W, problem.project(W), eta)
    dual = squared_dual(problem)
    by_definition = adjusted_bregman(
        lambda G: dual(G) - eta * K.value(G), step.V_next, step.V, step.W_next
    )
    scale = problem.loss_value(W) + dual(step.V) + abs(inner(step.V, W)) + inner(W, W)
    assert abs(step.adjusted_divergence - by_definition) <= 1e-9 * scale
    assert step.adjusted_divergence >= -1e-13 * scale
    assert (step.W_next == W - eta * K.gradient(step.V)).all()


# ---------------------------------------------------------------- Proposition 1


@every
@given(drawn_losses, drawn_outputs, seeds, st.sampled_from([0.05, 0.8, 1.0, 1.7, 10.0]))
def test_fundamental_identity_for_any_reference_and_any_learning_rate(
    K_of, loss, k, seed, fraction
):
    """Proposition 1 of the paper: it needs no bound on η."""
    problem, rng = random_problem(seed, k, loss)
    W, U = rng.standard_normal((2, problem.d, k))
    K = K_of(typical_parameter(problem, W))
    eta = fraction * max_learning_rate(problem, K)
    step = fundamental_identity(problem, K, W, U, eta)
    assert abs(step.residual) <= 1e-12 * (step.left + np.abs(step.right))
    u = problem.gradient(U)
    assert step.preconditioner_at_U == pytest.approx(eta * K.value(u))
    assert step.preconditioner_divergence == pytest.approx(eta * bregman(K, u, step.V))
    assert step.loss_divergence == pytest.approx(problem.divergence(W, U), rel=1e-9)
    assert step.next_preconditioner == pytest.approx(eta * K.value(step.V_next), rel=1e-12)


@every
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_ledger_of_a_run_has_no_negative_entry(K_of, loss, k, seed, fraction):
    """Proposition 1 from the manifold: L(W) is spent on terms that are all gains."""
    problem, rng = random_problem(seed, k, loss)
    W0 = rng.standard_normal((problem.d, k))
    K = K_of(typical_parameter(problem, W0))
    eta = fraction * max_learning_rate(problem, K)
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=30, record=("W", "loss"))
    ledger = fundamental_identity(problem, K, run.history["W"], problem.project(W0), eta)
    floor = 1e-13 * run.history["loss"][0] + 1e-28
    assert ledger.left == pytest.approx(run.history["loss"], rel=1e-9, abs=floor)
    for entry in (
        ledger.next_loss_divergence,
        ledger.next_preconditioner,
        ledger.adjusted_divergence,
        ledger.preconditioner_divergence,
    ):
        assert entry.shape == (31,) and (entry >= -floor).all()


@every
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_energy_decreases_by_what_the_step_does(K_of, loss, k, seed, fraction):
    """The energy Φ = L + ηK(V) (this book): its balance, its sum, and L ≤ Φ ≤ 2L."""
    problem, rng = random_problem(seed, k, loss)
    W0 = rng.standard_normal((problem.d, k))
    K = K_of(typical_parameter(problem, W0))
    eta = fraction * max_learning_rate(problem, K)
    run = dspgd(
        problem, K, W0, eta, tol=0, max_steps=40, record=("W", "loss", "preconditioner", "gradient")
    )
    W, V, L = (run.history[name] for name in ("W", "gradient", "loss"))
    energy = L + eta * run.history["preconditioner"]
    work = eta * inner(K.gradient(V), V)
    ledger = fundamental_identity(problem, K, W, problem.project(W0), eta)
    balance = energy[:-1] - work[:-1] - ledger.adjusted_divergence[:-1]
    rounding = 1e-12 * energy[0]
    assert energy[1:] == pytest.approx(balance, rel=1e-9, abs=rounding)
    assert work.sum() <= energy[0] * (1 + 1e-12)
    assert (energy <= 2 * L * (1 + 1e-9) + rounding).all()


def rounding_bound(problem, W):
    """8(δ√(2L) + δ²) with δ = 2.2e-16(σ_max‖W‖ + ‖Y‖), what rounding may cost."""
    delta = 2.2e-16 * (problem.sigma_max * norm(W) + norm(problem.Y))
    return 8 * (delta * np.sqrt(2 * problem.loss_value(W)) + delta**2)


@every
@outputs
@pytest.mark.parametrize(("n", "d"), [(1, 2), (1, 40), (5, 6), (20, 100), (50, 200)])
@settings(max_examples=4)
@given(seeds, fractions)
def test_identity_keeps_its_digits_down_to_the_rounding_floor(K_of, k, n, d, seed, fraction):
    rng = np.random.default_rng(seed)
    X, Y = (10.0 ** rng.uniform(-2, 2) * rng.standard_normal(size) for size in ((n, d), (n, k)))
    problem = Problem(X, Y)
    W0 = 10.0 ** rng.uniform(-2, 2) * rng.standard_normal((d, k))
    K = K_of(typical_parameter(problem, W0, factor=10.0 ** rng.uniform(-1, 2)))
    eta = fraction * max_learning_rate(problem, K)
    near = dspgd(problem, K, W0, eta, tol=1e-6, max_steps=300).W
    for start in (W0, near, problem.project(near)):
        run = dspgd(problem, K, start, eta, tol=0, max_steps=60, record="W")
        W, U = run.history["W"], problem.project(start)
        ledger = fundamental_identity(problem, K, W, U, eta)
        bound = rounding_bound(problem, W)
        assert (np.abs(ledger.residual) <= bound).all()
        assert (-ledger.adjusted_divergence <= bound).all()


def test_identity_keeps_its_digits_when_the_reference_is_far_away():
    """Nearly dependent rows: the interpolating U is a million times longer than W."""
    row, other = np.random.default_rng(0).standard_normal((2, 5))
    problem = Problem([row, row + 1e-7 * other], [1.0, 2.0])
    K = NormalizedGD(0.5)
    eta = max_learning_rate(problem, K)
    W = dspgd(problem, K, np.zeros(5), eta, tol=0, max_steps=200, record="W").history["W"]
    U = problem.project(W[0])
    assert norm(U) > 1e6 * norm(W).max()
    ledger = fundamental_identity(problem, K, W, U, eta)
    assert (np.abs(ledger.residual) <= rounding_bound(problem, W)).all()


# ---------------------------------------------------------------- stacks and complaints


def test_a_grid_of_learning_rates_gives_a_grid_of_ledgers():
    problem, rng = random_problem(3, 2, SquaredLoss(), n=2, d=5)
    W, U = rng.standard_normal((2, problem.d, 2))
    K, etas = GradientDescent(), np.array([0.01, 0.02])
    both = fundamental_identity(problem, K, W, U, etas)
    assert both.residual.shape == (2,) and both.W_next.shape == (2, 5, 2)
    one = fundamental_identity(problem, K, W, U, etas[1])
    assert both.adjusted_divergence[1] == pytest.approx(one.adjusted_divergence, rel=1e-12)


def test_bad_arguments_are_refused_with_a_reason():
    problem, K = Problem.gaussian(2, 4, 1, 0), GradientDescent()
    W = np.zeros((4, 1))
    for bad, name in ((np.zeros((3, 1)), "W"), (np.full((4, 1), np.nan), "W")):
        with pytest.raises(ValueError, match=f"^{name} "):
            fundamental_identity(problem, K, bad, W, 0.1)
    with pytest.raises(ValueError, match=r"^U must have shape"):
        fundamental_identity(problem, K, W, np.zeros((3, 1)), 0.1)
    for eta in (0.0, -1.0, np.nan, "a"):
        with pytest.raises(ValueError, match=r"^eta "):
            fundamental_identity(problem, K, W, W, eta)
    with pytest.raises(ValueError, match="one shape"):
        bregman(K, np.ones((3, 1)), np.ones((1, 1)))
    with pytest.raises(ValueError, match="one shape"):
        three_point_gap(K, np.ones((3, 1)), np.ones((3, 1)), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"^P "):
        adjusted_bregman(K.value, W, W, [[np.inf]])
    with pytest.raises(ValueError, match=r"^W must have shape"):
        loss_conjugate_at(problem, np.zeros((3, 1)))
