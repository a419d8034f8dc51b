"""The library of mirror descent: the run, the curvature at its end, and the hypentropy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LOSSES, OUTPUTS, inner, norm, random_problem, scales, seeds

from dspgd_lib import (
    BurgEntropy,
    Cosh,
    GradientDescent,
    Hypentropy,
    PNorm,
    Problem,
    Quadratic,
    Spectral,
    SquaredLoss,
    bregman,
    dspgd,
    mirror_curvature,
    mirror_descent,
)
from dspgd_lib.experiments import setting
from dspgd_lib.profiles import ArcSinh

TINY = Problem([[1.0, 0.0]], [1.0])
SMALL = {"n": 5, "d": 20}
widths = st.floats(1e-3, 1e3)


# ---------------------------------------------------------------- the run


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("k", OUTPUTS)
@given(seeds)
def test_mirror_descent_ends_at_the_bregman_projection_of_its_start(loss, k, seed):
    """W interpolates and ∇ψ(W) − ∇ψ(W0) lies in the row space: the conditions of a minimizer."""
    problem, rng = random_problem(seed, k, loss, n=2, d=8)
    W0 = rng.standard_normal((8, k))
    end = problem.project(W0)
    eta = np.array([0.2, 0.6]) / (problem.M * np.hypot(end, 1.0).max())
    runs = mirror_descent(problem, Hypentropy(1.0), W0, eta)
    assert runs.converged.all() and runs.W.shape == (2, 8, k)
    for W in runs.W:
        moved = np.arcsinh(W) - np.arcsinh(W0)
        assert norm(moved - np.linalg.pinv(problem.X) @ (problem.X @ moved)) <= 1e-8
        assert norm(problem.residual(W)) <= 1e-10 * (1 + norm(problem.Y))
    assert norm(runs.W[0] - runs.W[1]) <= 1e-8
    assert runs.steps[0] > runs.steps[1]


def test_a_wide_potential_is_gradient_descent():
    problem, W0 = setting(0, **SMALL)
    width = 1e4
    limit = mirror_descent(problem, Hypentropy(width), W0, 0.5 / (problem.M * width)).W
    assert norm(limit - problem.project(W0)) <= 1e-6


def test_with_half_the_squared_norm_every_iterate_is_that_of_gradient_descent():
    problem, W0 = setting(1, **SMALL)
    eta, keep = 0.7 / problem.M, {"tol": 0, "max_steps": 30, "record": ("W", "gradient", "loss")}
    mine = mirror_descent(problem, GradientDescent(), W0, eta, **keep)
    plain = dspgd(problem, GradientDescent(), W0, eta, **keep)
    for name in keep["record"]:
        assert mine.history[name] == pytest.approx(plain.history[name], rel=1e-9)
    assert mine.steps == 30 and not mine.converged


def test_wherever_mirror_descent_converges_it_converges_to_one_point():
    problem, W0 = setting(1)
    eta = np.geomspace(1.0, 300.0, 12) / problem.M
    runs = mirror_descent(problem, Hypentropy(0.1), W0, eta, max_steps=3000)
    there = runs.W[runs.converged]
    assert 3 <= runs.converged.sum() < 12 and np.isfinite(runs.W).all()
    assert norm(there - there[0]).max() <= 1e-9
    for message, converged in zip(runs.message, runs.converged, strict=True):
        assert message.startswith("Converged in ") == converged


@pytest.mark.parametrize("psi", [PNorm(1.5), PNorm(3.0), Cosh(), Hypentropy(0.1)], ids=str)
def test_runs_side_by_side_are_those_of_single_runs(psi):
    problem, W0 = setting(2, **SMALL)
    eta = np.array([1.0, 3.0]) * 1e-3
    keep = {"record": ("W", "dual", "gradient", "loss"), "max_steps": 400}
    both = mirror_descent(problem, psi, W0, eta, **keep)
    longest = int(both.steps.max())
    for f in range(2):
        alone = mirror_descent(problem, psi, W0, float(eta[f]), **keep)
        steps = int(alone.steps)
        assert (alone.W == both.W[f]).all() and (alone.dual == both.dual[f]).all()
        assert steps == both.steps[f] and alone.converged == both.converged[f]
        for name in keep["record"]:
            series = both.history[name]
            assert series.shape[:2] == (longest + 1, 2)
            assert (series[: steps + 1, f] == alone.history[name]).all()
            assert (series[steps:, f] == alone.history[name][-1]).all()


def test_the_history_is_that_of_the_stated_step():
    problem, W0 = setting(3, **SMALL)
    psi, eta = PNorm(1.5), 1e-3
    run = mirror_descent(
        problem, psi, W0, eta, tol=0, max_steps=50, record=("W", "dual", "gradient", "loss")
    )
    W, S = run.history["W"], run.history["dual"]
    assert S == pytest.approx(psi.gradient(W), rel=1e-9, abs=1e-12)
    assert np.diff(S, axis=0) == pytest.approx(-eta * problem.gradient(W[:-1]), abs=1e-12)
    assert run.history["gradient"] == pytest.approx(problem.gradient(W))
    assert run.history["loss"] == pytest.approx(problem.loss_value(W))
    assert (W[0] == W0).all() and (W[-1] == run.W).all() and (S[-1] == run.dual).all()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_an_order_uses_one_example_after_the_other(loss):
    problem, rng = random_problem(5, 2, loss, n=4, d=9)
    W0, psi, eta, order = rng.standard_normal((9, 2)), Cosh(), 0.02, [2, 0, 3]
    run = mirror_descent(
        problem, psi, W0, eta, order=order, tol=0, max_steps=7, record=("W", "dual")
    )
    for t in range(7):
        i = order[t % 3]
        residual = problem.X[i : i + 1] @ run.history["W"][t] - problem.Y[i : i + 1]
        step = -eta * problem.X[i : i + 1].T @ loss.gradient(residual)
        assert np.diff(run.history["dual"], axis=0)[t] == pytest.approx(step, abs=1e-12)


def test_a_run_that_starts_where_it_would_end_takes_no_step():
    run = mirror_descent(TINY, Cosh(), [1.0, 3.0], 0.1)
    assert run.steps == 0 and run.converged and run.W[:, 0].tolist() == [1.0, 3.0]
    assert run.message == "Converged in 0 steps."
    assert mirror_descent(TINY, GradientDescent(), [0, 0], 1.0).message == "Converged in 1 step."


@pytest.mark.parametrize("psi", [GradientDescent(), Cosh(), PNorm(1.5)], ids=repr)
def test_zero_weights_interpolate_zero_labels(psi):
    """There residual and tolerance are both 0, and 0 is within 0."""
    problem = Problem.gaussian(3, 7, 2, 0)
    run = mirror_descent(Problem(problem.X, np.zeros((3, 2))), psi, np.zeros((7, 2)), [0.1, 0.2])
    assert run.converged.all() and (run.steps == 0).all() and not run.W.any()


def test_a_run_out_of_bounds_stops_at_finite_weights():
    run = mirror_descent(TINY, Hypentropy(1.0), [50.0, 0.0], 100.0)
    assert not run.converged and np.isfinite(run.W).all() and np.isfinite(run.dual).all()
    assert run.message.startswith("Diverged: after ")


# ---------------------------------------------------------------- the curvature at the end


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("k", OUTPUTS)
@given(seeds, scales)
def test_the_curvature_is_the_largest_eigenvalue_stated(loss, k, seed, scale):
    problem, rng = random_problem(seed, k, loss)
    W = scale * rng.standard_normal((problem.d, k))
    for psi, inverse in (
        (GradientDescent(), np.ones_like(W)),
        (PNorm(1.5), 2.0 * np.abs(W) ** 0.5),
        (PNorm(3.0), 0.5 / np.abs(W)),
        (PNorm(4.0), np.abs(W) ** -2 / 3.0),
        (Hypentropy(scale), np.hypot(W, scale)),
    ):
        each = [problem.X @ np.diag(column) @ problem.X.T for column in inverse.T]
        largest = loss.smoothness * max(np.linalg.eigvalsh(A)[-1] for A in each)
        assert mirror_curvature(problem, psi, W) == pytest.approx(largest, rel=3e-8)


def test_the_curvature_is_that_of_the_other_entries_where_an_entry_is_zero_and_p_is_below_2():
    problem, rng = random_problem(4, 1, SquaredLoss(), n=3, d=8)
    W = rng.standard_normal((8, 1))
    W[2] = 0.0
    inverse = 2.0 * np.abs(W) ** 0.5
    largest = np.linalg.eigvalsh(problem.X @ (inverse * problem.X.T))[-1]
    assert mirror_curvature(problem, PNorm(1.5), W) == pytest.approx(largest, rel=1e-4)
    assert mirror_curvature(problem, PNorm(4.0), W) > 1e6  # infinite


def test_a_potential_that_is_no_sum_over_entries_is_refused():
    for psi in (Quadratic(np.diag(np.arange(1.0, 3.0))), Spectral(PNorm(3.0))):
        with pytest.raises(ValueError, match="sum over entries with a method `curvature`, found"):
            mirror_curvature(TINY, psi, [1.0, 2.0])


@pytest.mark.parametrize("start", [0.3, 0.1])
def test_a_rate_that_leaves_the_range_of_the_mirror_map_ends_its_own_run_only(start):
    """Burg's entropy has negative slopes only: a long step asks for one that is not there."""
    problem, rates = Problem([[1.0, 0.5]], [2.0]), [0.01, 0.1, 1e3]
    runs = mirror_descent(problem, BurgEntropy(), [start, start], rates, max_steps=20_000)
    assert runs.converged.tolist() == [True, True, False]
    assert runs.message[2].startswith("Diverged") and (runs.W[2] == start).all()
    alone = mirror_descent(problem, BurgEntropy(), [start, start], 0.1, max_steps=20_000)
    assert runs.W[1] == pytest.approx(alone.W) and runs.steps[1] == alone.steps


@given(seeds)
def test_the_end_of_a_run_shrinks_up_to_twice_the_inverse_curvature_and_grows_beyond(seed):
    problem, rng = random_problem(seed, 1, SquaredLoss(), n=3, d=8)
    psi, W0 = Cosh(), rng.standard_normal((8, 1))
    end = mirror_descent(problem, psi, W0, 0.3 / problem.M).W
    lam = mirror_curvature(problem, psi, end)
    S = psi.gradient(end) + 1e-7 * problem.X.T @ rng.standard_normal((3, 1))
    near = psi.gradient_of_conjugate(S)
    for fraction, shrinks in ((1.9, True), (2.2, False)):
        keep = {"tol": 0, "max_steps": 300, "record": "loss"}
        loss = mirror_descent(problem, psi, near, fraction / lam, **keep).history["loss"]
        assert (loss[-1] < 1e-2 * loss[0]) == shrinks


# ---------------------------------------------------------------- the hypentropy


@given(seeds, widths, scales)
def test_the_slopes_are_the_derivative_and_the_map_back_is_the_inverse(seed, width, scale):
    rng = np.random.default_rng(seed)
    psi, W = Hypentropy(width), width * scale * rng.standard_normal((3, 2))
    assert psi.gradient_of_conjugate(psi.gradient(W)) == pytest.approx(W, rel=1e-9)
    H = rng.standard_normal((3, 2))
    h = 1e-5 * norm(W)
    rise = (psi.value(W + h * H) - psi.value(W - h * H)) / (2 * h)
    size = np.abs(psi.value(W)) / h
    assert rise == pytest.approx(inner(psi.gradient(W), H), rel=1e-6, abs=1e-14 * size)


@given(seeds, widths, st.floats(1e-3, 20.0))
def test_the_dual_is_the_supremum(seed, width, scale):
    rng = np.random.default_rng(seed)
    psi, S = Hypentropy(width), scale * rng.uniform(-1, 1, (3, 2))
    best = psi.gradient_of_conjugate(S)
    size = np.abs(S * best).sum() + psi.conjugate(S)
    assert abs(inner(S, best) - psi.value(best) - psi.conjugate(S)) <= 1e-12 * size
    other = best + width * 10 ** rng.uniform(-3, 2, (50, 1, 1)) * rng.standard_normal((50, 3, 2))
    assert (psi.value(other) + psi.conjugate(S) - inner(S, other) >= -1e-12 * size).all()
    assert float(psi.conjugate([[1e4]])) == np.inf


@given(seeds, widths, scales, st.sampled_from([3.0, 1.0, 1e-2, 1e-5, 1e-9]))
def test_the_divergence_keeps_its_digits_for_near_points(seed, width, scale, near):
    """Against the integral of (a − w)/√(w² + width²) from b to a, by Gauss–Legendre."""
    rng = np.random.default_rng(seed)
    B = width * scale * rng.standard_normal((3, 2))
    A = B + near * (np.abs(B) + 0.1 * width) * rng.uniform(-1, 1, (3, 2))
    found = Hypentropy(width).divergence(A, B)
    assert found >= 0
    nodes, weights = np.polynomial.legendre.leggauss(100)
    exact = np.zeros(())
    for a, b in zip(A.ravel(), B.ravel(), strict=True):
        # in t = arsinh(w/width) the integrand is a − width·sinh t, which is smooth
        s, t = np.arcsinh(a / width), np.arcsinh(b / width)
        where = 0.5 * (s + t) + 0.5 * (s - t) * nodes
        fall = 2.0 * np.sinh(0.5 * (s - where)) * np.cosh(0.5 * (s + where))
        step = (a - b) / np.hypot(a, width) if near < 1e-3 else s - t
        exact = exact + 0.5 * step * width * np.sum(weights * fall)
    assert found == pytest.approx(exact, rel=1e-4 if near < 1e-3 else 1e-9)
    assert bregman(Hypentropy(width), A, B) == found


@given(seeds, widths)
def test_an_entry_zero_in_either_point_counts_as_the_definition_says(seed, width):
    """0 at (0, 0), ψ(a) at (a, 0), and √(b² + width²) − width at (0, b)."""
    psi, rng = Hypentropy(width), np.random.default_rng(seed)
    a, b = width * 10 ** rng.uniform(-3, 3, 2) * rng.choice([-1, 1], 2)
    assert float(psi.divergence([[0.0]], [[0.0]])) == 0
    assert ArcSinh(width).divergence(*np.zeros((3, 2))).tolist() == [0, 0]  # without a warning
    assert float(psi.divergence([[a]], [[0.0]])) == pytest.approx(float(psi.value([[a]])))
    assert float(psi.divergence([[0.0]], [[b]])) == pytest.approx(
        b * (b / (np.hypot(b, width) + width))
    )


@given(seeds, widths)
def test_far_above_the_width_it_is_a_1_norm_with_a_slow_factor_and_far_below_a_square(seed, width):
    rng = np.random.default_rng(seed)
    psi, W = Hypentropy(width), width * rng.uniform(1, 2, (3, 2)) * rng.choice([-1, 1], (3, 2))
    far = 1e4 * np.abs(W)
    assert psi.value(1e4 * W) == pytest.approx(
        np.sum(far * (np.log(2 * far / width) - 1) + width), rel=1e-6
    )
    near = psi.value(1e-3 * W) - psi.value(0 * W)
    assert near == pytest.approx(np.sum((1e-3 * W) ** 2) / (2 * width), rel=1e-4)


@given(seeds, widths)
def test_the_divergence_of_far_points_is_the_plain_formula(seed, width):
    rng = np.random.default_rng(seed)
    psi, (A, B) = Hypentropy(width), width * 30 * rng.standard_normal((2, 3, 2))
    plain = psi.value(A) - psi.value(B) - inner(psi.gradient(B), A - B)
    assert psi.divergence(A, B) == pytest.approx(plain, rel=1e-9)
    assert psi.divergence(A, A) == 0


# ---------------------------------------------------------------- complaints


@pytest.mark.parametrize(
    "message, call",
    [
        ("problem must be a Problem", lambda: mirror_descent(np.eye(2), Cosh(), [0, 0], 1.0)),
        ("psi must be an object", lambda: mirror_descent(TINY, Cosh, [0, 0], 1.0)),
        ("psi must have the methods", lambda: mirror_descent(TINY, SquaredLoss(), [0, 0], 1.0)),
        ("W0 must be one matrix", lambda: mirror_descent(TINY, Cosh(), np.ones((2, 2, 1)), 1.0)),
        ("W0 must have shape", lambda: mirror_descent(TINY, Cosh(), np.ones(3), 1.0)),
        ("W0 must lie where psi", lambda: mirror_descent(TINY, Cosh(), [1e3, 0], 1.0)),
        ("eta must be positive", lambda: mirror_descent(TINY, Cosh(), [0, 0], -1.0)),
        ("tol must be at least 0", lambda: mirror_descent(TINY, Cosh(), [0, 0], 1.0, tol=-1)),
        ("max_steps", lambda: mirror_descent(TINY, Cosh(), [0, 0], 1.0, max_steps=-1)),
        ("order must be a list", lambda: mirror_descent(TINY, Cosh(), [0, 0], 1.0, order=[0.5])),
        ("order must name examples", lambda: mirror_descent(TINY, Cosh(), [0, 0], 1.0, order=[1])),
        (
            "record has the unknown name 'slope'",
            lambda: mirror_descent(TINY, Cosh(), [0, 0], 1.0, record="slope"),
        ),
        ("width must be positive", lambda: Hypentropy(0.0)),
        (
            "psi must be one function, found a grid of 2",
            lambda: mirror_descent(TINY, Hypentropy([1.0, 2.0]), [0, 0], 1.0),
        ),
        ("A must have shape", lambda: Hypentropy(1.0).gradient([1.0, 2.0])),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(message, call):
    with pytest.raises(ValueError, match=message):
        call()
