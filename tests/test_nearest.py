"""Nearest interpolating points, in a p-norm or a divergence, by their optimality conditions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import OUTPUTS, norm, random_problem, scales, seeds

from dspgd_lib import (
    Adam,
    BurgEntropy,
    Cosh,
    Hypentropy,
    LogCosh,
    NegativeEntropy,
    NormalizedGD,
    PNorm,
    Problem,
    Quadratic,
    SmoothedSign,
    Spectral,
    SquaredLoss,
    bregman,
)
from dspgd_lib.nearest import bregman_projection, min_norm

NORMS = (1, 2, np.inf)
BETWEEN = (1.1, 1.5, 3.0, 20.0)
every_norm = pytest.mark.parametrize("p", NORMS + BETWEEN)
outputs = pytest.mark.parametrize("k", OUTPUTS)


def size(A, p):
    """The p-norm of each column."""
    return np.linalg.norm(A, p, axis=0)


def case(seed, k, scale=1.0):
    problem, rng = random_problem(seed, k, SquaredLoss(), label_scale=scale)
    return problem, scale * rng.standard_normal((problem.d, k)), rng


def dual_certificate(problem, step, p):
    """A multiplier u for one column: Xᵀu is a subgradient of ‖·‖_p at the step.

    For p = 1, Xᵀu agrees with the signs on the support; for p = ∞, Xᵀu vanishes off the entries
    of largest size and has the sign of the step on them.
    """
    if p == 1:
        support = np.abs(step) > 0
        return np.linalg.lstsq(problem.X[:, support].T, np.sign(step[support]), rcond=None)[0]
    largest = np.max(np.abs(step))
    inside = np.abs(step) < largest * (1 - 1e-9)
    rows = np.vstack([problem.X[:, inside].T, problem.X @ step])
    target = np.append(np.zeros(inside.sum()), largest)
    return np.linalg.lstsq(rows, target, rcond=None)[0]


# ---------------------------------------------------------------- feasible and best


@every_norm
@outputs
@given(seeds, scales)
def test_it_interpolates(p, k, seed, scale):
    problem, W0, _ = case(seed, k, scale)
    W = min_norm(problem, W0, p)
    unit = problem.sigma_max * norm(W) + norm(problem.Y)
    assert W.shape == W0.shape and norm(problem.residual(W)) <= 1e-12 * unit


@outputs
@given(seeds)
def test_the_1_norm_is_certified_by_a_dual_point(k, seed):
    """‖δ‖₁ = ⟨u, Xδ⟩ with ‖Xᵀu‖_∞ ≤ 1 proves that no feasible step is shorter."""
    problem, W0, _ = case(seed, k)
    for step in (min_norm(problem, W0, 1) - W0).T:
        step[np.abs(step) < 1e-12] = 0.0
        assert np.count_nonzero(step) <= problem.n
        u = dual_certificate(problem, step, 1)
        assert np.max(np.abs(problem.X.T @ u)) <= 1 + 1e-8
        assert u @ problem.X @ step == pytest.approx(size(step, 1), rel=1e-9)


@outputs
@given(seeds)
def test_the_largest_entry_is_certified_by_a_dual_point(k, seed):
    """‖δ‖_∞ = ⟨u, Xδ⟩ with ‖Xᵀu‖₁ ≤ 1 proves that no feasible step is flatter."""
    problem, W0, _ = case(seed, k)
    for step in (min_norm(problem, W0, np.inf) - W0).T:
        assert np.sum(np.abs(step) < size(step, np.inf) * (1 - 1e-9)) <= problem.n - 1
        u = dual_certificate(problem, step, np.inf)
        assert np.sum(np.abs(problem.X.T @ u)) <= 1 + 1e-8
        assert u @ problem.X @ step == pytest.approx(size(step, np.inf), rel=1e-9)


@outputs
@given(seeds)
def test_the_2_norm_is_the_projection(k, seed):
    problem, W0, _ = case(seed, k)
    step = min_norm(problem, W0, 2) - W0
    assert step + W0 == pytest.approx(problem.project(W0), rel=1e-12)
    multiplier = np.linalg.lstsq(problem.X.T, step, rcond=None)[0]
    assert norm(problem.X.T @ multiplier - step) <= 1e-10 * norm(step)


def slopes(step, p):
    """∇ of the p-power in units in which the largest entry of each column is 1."""
    unit = step / np.abs(step).max(axis=0)
    return np.sign(unit) * np.abs(unit) ** (p - 1)


@pytest.mark.parametrize("p", (1.03, *BETWEEN, 300.0))
@outputs
@given(seeds)
def test_between_the_slopes_lie_in_the_row_space(p, k, seed):
    problem, W0, _ = case(seed, k)
    # Adding W0 rounds off the tiny entries of a step, whose slopes for p < 2 are not tiny.
    W0 = 0 * W0 if p < 2 else W0
    S = slopes(min_norm(problem, W0, p) - W0, p)
    outside = S - np.linalg.pinv(problem.X) @ (problem.X @ S)
    assert (np.linalg.norm(outside, axis=0) <= 1e-9 * np.linalg.norm(S, axis=0)).all()


@pytest.mark.parametrize("p", BETWEEN)
@pytest.mark.parametrize("n, d", [(50, 200), (100, 200), (10, 300)])
def test_between_larger_problems_are_solved_as_well(p, n, d):
    problem = Problem.gaussian(n, d, 1, seed=d - n)
    step = min_norm(problem, np.zeros((d, 1)), p)
    S = slopes(step, p)
    outside = S - np.linalg.pinv(problem.X) @ (problem.X @ S)
    assert norm(outside) <= 1e-9 * norm(S)
    assert norm(problem.residual(step)) <= 1e-12 * problem.sigma_max * norm(step)


@given(seeds)
def test_the_answer_is_continuous_in_p(seed):
    """Towards 1, 2 and ∞ the distance to the answer there falls, and is small at last."""
    problem, W0, _ = case(seed, 1)
    for end, others in ((1, (1.3, 1.1, 1.02)), (2, (2.5, 2.05, 2.001)), (np.inf, (4, 20, 400))):
        goal = min_norm(problem, W0, end)
        # the norm exceeds the least one by a factor that tends to 1 at a known rate
        for p in others:
            excess = size(min_norm(problem, W0, p) - W0, end) / size(goal - W0, end)
            bound = problem.d ** abs(1 / p - (0 if end == np.inf else 1 / end))
            assert 1 - 1e-9 <= excess <= bound * (1 + 1e-9)
    near = [norm(min_norm(problem, W0, p) - min_norm(problem, W0, 2)) for p in (1.9, 1.99, 1.999)]
    assert near[2] <= 0.2 * near[1] <= 0.04 * near[0]


def test_an_exponent_beyond_reach_is_confessed():
    problem = Problem.gaussian(100, 200, 1, 0)
    with pytest.raises(RuntimeError, match="p is too close to 1 or too large"):
        min_norm(problem, np.zeros((200, 1)), 1.01)


@every_norm
@given(seeds, st.sampled_from([1e-6, 1e-2, 1.0]))
def test_no_other_interpolating_point_is_nearer(p, seed, far):
    problem, W0, rng = case(seed, 3)
    W = min_norm(problem, W0, p)
    for _ in range(20):
        away = rng.standard_normal(W.shape)
        other = W + far * (away - np.linalg.pinv(problem.X) @ (problem.X @ away))
        assert (size(other - W0, p) >= size(W - W0, p) * (1 - 1e-12)).all()


@given(seeds)
def test_each_norm_is_least_in_its_own_sense(seed):
    problem, W0, _ = case(seed, 3)
    steps = {p: min_norm(problem, W0, p) - W0 for p in NORMS + BETWEEN}
    for p in steps:
        assert all((size(steps[p], p) <= size(steps[q], p) * (1 + 1e-9)).all() for q in steps)
    whole = {p: np.max(np.abs(step)) for p, step in steps.items()}
    assert whole[np.inf] <= min(whole.values()) * (1 + 1e-9)  # of the whole matrix as well


@pytest.mark.parametrize("n, d", [(50, 200), (100, 200), (20, 400)])
@pytest.mark.parametrize("seed", range(3))
def test_larger_problems_are_solved_as_well(n, d, seed):
    problem = Problem.gaussian(n, d, 1, seed)
    W0 = np.random.default_rng(seed).standard_normal((d, 1)) / np.sqrt(d)
    for p, dual in ((1, np.inf), (np.inf, 1)):
        step = (min_norm(problem, W0, p) - W0)[:, 0]
        step[np.abs(step) < 1e-12] = 0.0
        u = dual_certificate(problem, step, p)
        assert np.linalg.norm(problem.X.T @ u, dual) <= 1 + 1e-8
        assert u @ problem.X @ step == pytest.approx(np.linalg.norm(step, p), rel=1e-9)


# ---------------------------------------------------------------- closed forms


@given(seeds)
def test_closed_forms_with_one_example(seed):
    """p = 1 moves the entry with the largest |x|, p = ∞ moves all entries by r/‖x‖₁."""
    problem, rng = random_problem(seed, 1, SquaredLoss(), n=1, d=7)
    x, W0 = problem.X[0], rng.standard_normal((7, 1))
    r = float(problem.Y[0, 0] - x @ W0[:, 0])
    top = np.arange(7) == np.argmax(np.abs(x))
    steps = {1: top * r / x[top], 2: r * x / (x @ x), np.inf: r * np.sign(x) / np.abs(x).sum()}
    for p in BETWEEN:  # by Hölder: a multiple of sign(x)|x|^(q − 1)
        q = p / (p - 1)
        way = np.sign(x) * np.abs(x) ** (q - 1)
        steps[p] = r * way / np.sum(np.abs(x) ** q)
    for p in steps:
        found = (min_norm(problem, W0, p) - W0)[:, 0]
        assert found == pytest.approx(steps[p], abs=1e-12 * (1 + abs(r)))


@pytest.mark.parametrize("p", (1, 1.1, 20.0, np.inf))
@given(seeds)
def test_columns_do_not_interact(p, seed):
    problem, W0, _ = case(seed, 3)
    W = min_norm(problem, W0, p)
    for j in range(3):
        alone = min_norm(Problem(problem.X, problem.Y[:, j]), W0[:, j], p)
        assert alone == pytest.approx(W[:, j : j + 1], abs=1e-9)


@every_norm
@pytest.mark.parametrize("scale", [1e-120, 1e-6, 1e6, 1e120])
def test_units_do_not_matter(p, scale):
    problem, W0, _ = case(2, 2)
    W = min_norm(problem, W0, p)
    assert min_norm(Problem(problem.X, scale * problem.Y), scale * W0, p) / scale == pytest.approx(
        W
    )
    data = Problem(1e-50 * scale**0.1 * problem.X, 1e-50 * scale**0.1 * problem.Y)
    assert min_norm(data, W0, p) == pytest.approx(W)


@every_norm
def test_a_start_that_interpolates_stays(p):
    problem = Problem(np.eye(2, 4), np.zeros(2))
    assert (min_norm(problem, [0.0, 0.0, 3.0, -1.0], p)[:, 0] == [0.0, 0.0, 3.0, -1.0]).all()


@every_norm
def test_entries_the_data_do_not_see_are_never_worth_a_move_beyond_the_others(p):
    W = min_norm(Problem(np.eye(2, 4), np.zeros(2)), [1.0, -0.5, 3.0, 4.0], p)[:, 0]
    assert W[:2] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert np.max(np.abs(W - [1.0, -0.5, 3.0, 4.0])) == pytest.approx(1.0)


@pytest.mark.parametrize("p", (1.5, 3, 4, 6, 10))
def test_weights_that_no_example_uses_do_not_move(p):
    rng = np.random.default_rng(19)
    X = rng.integers(-2, 3, (2, 15)).astype(float)
    X[:, 3] = 0.0
    for data, labels in (
        ([[-1.0, 2.0, 0.0, 1.0, -2.0]], [1.0]),
        ([[0.0, -0.13210486, 0.64042265]], [1.0]),
        (X, [1.0, 2.0]),
    ):
        problem, unseen = Problem(data, labels), ~np.any(np.asarray(data), axis=0)
        for W0 in (np.zeros(problem.d), rng.standard_normal(problem.d)):
            step = min_norm(problem, W0, p)[:, 0] - W0
            assert (step[unseen] == 0).all() and unseen.any()
            S = slopes(step[:, None], p)
            outside = S - np.linalg.pinv(problem.X) @ (problem.X @ S)
            assert norm(outside) <= (1e-6 if p < 2 else 1e-9) * norm(S)
            assert norm(problem.residual(W0[:, None] + step[:, None])) <= 1e-12


@every_norm
def test_a_problem_without_full_rank_that_can_be_interpolated(p):
    problem = Problem([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]], [1.0, 2.0], strict=False)
    W = min_norm(problem, np.zeros(3), p)
    assert norm(problem.residual(W)) <= 1e-12


# ---------------------------------------------------------------- complaints


BAD_ARGUMENTS = {
    "p must be a number at least 1, or np.inf, found 0.5": {"p": 0.5},
    "p must be a number at least 1, or np.inf, found True": {"p": True},
    "p must be a number at least 1, or np.inf, found 'two'": {"p": "two"},
    "p must be a number at least 1, or np.inf, found nan": {"p": np.nan},
    "p must be a number at least 1, or np.inf, found array": {"p": np.array([1, 2])},
    "W0 must have shape": {"W0": np.zeros(8)},
    "p must be a number at least 1, or np.inf, found None": {"p": None},
    "p must be at most 1000, or np.inf, found 1e.308: use np.inf": {"p": 1e308},
    "p must be at most 1000, or np.inf, found 1000": {"p": 10**400},
    "p must be 1 or at least 1.001, found 1.0000001: use 1": {"p": 1.0000001},
    "W0 must be one matrix": {"W0": np.zeros((2, 9, 1))},
    "W0 must hold real numbers, found ndarray": {"W0": np.zeros(9) * 1j},
    "W0 must hold real numbers, found str": {"W0": "zero"},
    "W0 must be a plain array, found a masked one": {"W0": np.ma.masked_array(np.ones(9), 9 * [1])},
    "problem must be a Problem, found <class": {"problem": Problem},
    "W0 contains NaN": {"W0": np.full(9, np.nan)},
    "problem must be a Problem": {"problem": np.eye(3)},
    "labels that no W interpolates": {
        "problem": Problem([[1.0, 2.0], [2.0, 4.0]], [1.0, 1.0], strict=False),
        "W0": np.zeros(2),
    },
}


@pytest.mark.parametrize("message", BAD_ARGUMENTS)
def test_bad_arguments_are_refused_with_a_reason(message):
    good = {"problem": Problem.gaussian(3, 9, 1, 0), "W0": np.zeros(9), "p": 1}
    with pytest.raises(ValueError, match=message):
        min_norm(**(good | BAD_ARGUMENTS[message]))


# ---------------------------------------------------------------- in a divergence

POWERS = (1.05, 1.5, 3.0, 5.0, 12.0)
EVERYWHERE = {f"p-norm-{p:g}": PNorm(p) for p in POWERS} | {
    "cosh": Cosh(),
    "log-cosh": LogCosh(),
    "hypentropy-0.01": Hypentropy(0.01),
    "hypentropy-10": Hypentropy(10.0),
    "adam": Adam(0.3),
    "smoothed-sign": SmoothedSign(0.3),
    "quadratic": None,
    "normalized-gd": NormalizedGD(0.5),
    "spectral": Spectral(SmoothedSign(0.5)),
}
POSITIVE = {"entropy": NegativeEntropy(), "burg": BurgEntropy()}


class Curved:
    """A sum over entries that knows its curvature, here Σ|w|³/3 + w²/2."""

    def gradient(self, W):
        return W * (1 + np.abs(W))

    def gradient_of_conjugate(self, S):
        return np.sign(S) * 2 * np.abs(S) / (1 + np.sqrt(1 + 4 * np.abs(S)))

    def curvature(self, W):
        return 1 + 2 * np.abs(W)


class Uncurved(Curved):
    """The same for those who do not."""

    def curvature(self, W):
        raise NotImplementedError


def task(name, seed):
    """A problem of up to 10 × 30, f and C, with 1 or 3 outputs and labels of any scale."""
    rng = np.random.default_rng(seed)
    n, k, scale = int(rng.integers(1, 11)), int(rng.choice([1, 3])), rng.choice([1e-3, 1.0, 1e3])
    d = n + int(rng.integers(1, 21))
    if name in POSITIVE:
        X, (U, C) = rng.random((n, d)), scale * rng.exponential(size=(2, d, k))
        return Problem(X, X @ U), POSITIVE[name], C
    scale = min(scale, 10.0) if name in ("cosh", "spectral") else scale  # slopes end, or overflow
    f, R = EVERYWHERE[name], rng.standard_normal((d, d))
    f = Quadratic(R @ R.T + np.eye(d)) if f is None else f
    C = min(scale, 1.0) * rng.integers(0, 2) * rng.standard_normal((d, k))
    return Problem(rng.standard_normal((n, d)), scale * rng.standard_normal((n, k))), f, C


def optimality(problem, f, C, P):
    """How far XP is from Y, and ∇f(P) − ∇f(C) from the row space, relatively."""
    missed = norm(problem.residual(P)) / (problem.sigma_max * norm(P) + norm(problem.Y))
    change, size = f.gradient(P) - f.gradient(C), norm(f.gradient(P)) + norm(f.gradient(C))
    return missed, norm(change - np.linalg.pinv(problem.X) @ (problem.X @ change)) / size


@pytest.mark.parametrize("name", EVERYWHERE | POSITIVE)
@given(seeds)
def test_the_projection_is_optimal_and_no_other_interpolating_weights_are_nearer(name, seed):
    problem, f, C = task(name, seed)
    before = C.copy()
    P = bregman_projection(problem, f, C)
    missed, off = optimality(problem, f, C, P)
    assert P.shape == C.shape and not np.shares_memory(P, C) and (C == before).all()
    assert missed <= 1e-9 and off <= 1e-9
    rng, least = np.random.default_rng(seed), float(bregman(f, P, C))
    slack = 1e-9 * (abs(least) + np.sum(np.abs(f.gradient(P) * P)))
    for far in (1e-2, 0.4):
        away = rng.uniform(-far, far, P.shape) * np.abs(P).min()
        other = P + away - np.linalg.pinv(problem.X) @ (problem.X @ away)
        if name in EVERYWHERE or (other > 0).all():
            assert bregman(f, other, C) >= least - slack


@pytest.mark.parametrize("p", (1.05, 12.0))
@given(seeds)
def test_from_0_the_p_power_projects_as_the_p_norm(p, seed):
    problem, _, C = task(f"p-norm-{p:g}", seed)
    P = bregman_projection(problem, PNorm(p), 0 * C)
    assert norm(P - min_norm(problem, 0 * C, p)) <= 1e-7 * norm(P)


@given(seeds)
def test_columns_are_projected_one_by_one_with_a_curvature_or_without(seed):
    problem, _, C = task("cosh", seed)
    P = bregman_projection(problem, Curved(), C)
    assert norm(bregman_projection(problem, Uncurved(), C) - P) <= 1e-9 * norm(P)
    for j in range(problem.k):
        alone = bregman_projection(Problem(problem.X, problem.Y[:, j]), Curved(), C[:, j])
        assert norm(alone - P[:, j : j + 1]) <= 1e-12 * norm(P)


@pytest.mark.parametrize("name", EVERYWHERE | POSITIVE)
def test_weights_that_interpolate_or_that_no_example_uses_stay(name):
    problem, f, C = task(name, 3)
    P = bregman_projection(problem, f, C)
    assert norm(bregman_projection(problem, f, P) - P) <= 1e-6 * norm(P)
    X = problem.X.copy()
    X[:, -1] = 0.0
    unseen = Problem(X, problem.Y) if name in EVERYWHERE else Problem(X, X @ P)
    if hasattr(f, "curvature"):
        assert (bregman_projection(unseen, f, C)[-1] == C[-1]).all()


def test_labels_of_very_different_sizes_are_all_met():
    """One label is 1e8 times another: the error is measured against all of them, not the least."""
    X = np.array([[1.0, 0.5, 0.2, 0.1], [0.1, 1.0, 0.3, 0.7]])
    for Y in ([1e-4, 1e4], [1e4, 1e-4]):
        for f in (Cosh(), Hypentropy(1.0), PNorm(3.0)):
            problem = Problem(X, np.array(Y) / (1e3 if isinstance(f, Cosh) else 1.0))
            P = bregman_projection(problem, f, np.zeros(4))
            assert np.abs(problem.residual(P)).max() <= 1e-12 * np.abs(problem.Y).max()


def test_slopes_whose_squares_do_not_fit_into_floats_are_compared_all_the_same():
    """The 299th power of the weights, as from 0 the least 2-norm would do if all slopes were 0."""
    problem = Problem.gaussian(5, 20, 1, 0)
    P = bregman_projection(problem, PNorm(300.0), np.zeros(20))
    assert norm(P - min_norm(problem, np.zeros(20), 300.0)) <= 1e-9 * norm(P)
    assert np.abs(P).max() < 0.9 * np.abs(problem.project(np.zeros((20, 1)))).max()


# ---------------------------------------------------------------- what it cannot do, it says


FORCED = {  # no positive weights interpolate
    "a negative sum": ([[1.0, 1.0]], [[-1.0]]),
    "a sum of 0": ([[1.0, 1.0]], [[0.0]]),
    "one weight must be 0": ([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]], [[0.0], [1.0]]),
    "in the second column": ([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]]),
}


@pytest.mark.parametrize("case", FORCED)
@pytest.mark.parametrize("name", POSITIVE)
def test_labels_that_positive_weights_do_not_meet_are_refused(name, case):
    problem = Problem(*FORCED[case])
    with pytest.raises(ValueError, match="no projection found: f needs positive weights"):
        bregman_projection(problem, POSITIVE[name], np.ones((problem.d, problem.k)))


@given(seeds)
def test_positive_weights_are_found_wherever_there_are_some(seed):
    """Even if the nearest point in the plain sense is not positive."""
    rng = np.random.default_rng(seed)
    X, U = rng.standard_normal((3, 8)), 10.0 ** rng.uniform(-3, 3, (8, 1))
    problem = Problem(X, X @ U)
    for f in POSITIVE.values():
        P = bregman_projection(problem, f, np.ones(8))
        missed, off = optimality(problem, f, np.ones((8, 1)), P)
        assert (P > 0).all() and missed <= 1e-9 and off <= 1e-9


def test_what_floats_do_not_tell_is_confessed():
    far = Problem([[1.0, 2.0, 1.0]], [1e4])
    with pytest.raises(RuntimeError, match=r"too flat or too steep|do not fit into floats"):
        bregman_projection(far, Cosh(), np.zeros(3))
    with pytest.raises(
        RuntimeError, match=r"stopped where XP misses Y by .* too flat or too steep"
    ):
        bregman_projection(Problem.gaussian(5, 20, 1, 0), PNorm(1.001), np.zeros(20))
    with pytest.raises(ValueError, match="C must have slopes that fit into floats, found inf"):
        bregman_projection(far, Cosh(), [1000.0, 0.0, 0.0])


def test_weights_beyond_the_slopes_that_floats_tell_apart_are_confessed():
    class Saturating(Curved):  # log cosh, with its curvature
        def gradient(self, W):
            return np.tanh(W)

        def gradient_of_conjugate(self, S):
            if (np.abs(S) >= 1).any():
                raise ValueError("no such slope")
            return np.arctanh(S)

        def curvature(self, W):
            return np.cosh(np.clip(W, -300, 300)) ** -2.0

    # One weight alone may lie far out: the label determines it. Two that share a label may not.
    P = bregman_projection(Problem([[1.0, 2.0, 1.0]], [1e6]), Saturating(), np.zeros(3))
    assert P[:, 0] == pytest.approx([np.arctanh(0.5), 5e5 - np.arctanh(0.5), np.arctanh(0.5)])
    with pytest.raises(RuntimeError, match="2 weights so far out that floats cannot tell"):
        bregman_projection(Problem([[1.0, 1.0, 0.5]], [1e6]), Saturating(), np.zeros(3))
    with pytest.raises(RuntimeError, match=r"f is so flat at C|so far out"):
        bregman_projection(Problem([[1.0, 1.0, 1.0]], [7.0]), Saturating(), [40.0, -40.0, 40.0])


BAD_PROJECTIONS = {
    "f must be an object, found the class LogCosh": {"f": LogCosh},
    "f must have the methods gradient and gradient_of_conjugate, found None": {"f": None},
    "f must be one function, found a grid of 2": {"f": PNorm([2.0, 3.0])},
    "C must have shape": {"C": np.zeros(8)},
    "C must be one matrix": {"C": np.zeros((2, 9, 1))},
    "C contains NaN": {"C": np.full(9, np.nan)},
    "C must hold real numbers, found ndarray": {"C": np.array([None] * 9)},
    "C must be a plain array, found a masked one": {"C": np.ma.masked_array(np.ones(9), 9 * [1])},
    "must be positive": {"f": BurgEntropy(), "C": -np.ones(9)},
    "problem must be a Problem": {"problem": Problem},
    "labels that no W interpolates": {
        "problem": Problem([[1.0, 2.0], [2.0, 4.0]], [1.0, 1.0], strict=False),
        "C": np.zeros(2),
    },
}


@pytest.mark.parametrize("message", BAD_PROJECTIONS)
def test_bad_arguments_of_the_projection_are_refused_with_a_reason(message):
    good = {"problem": Problem.gaussian(3, 9, 1, 0), "C": np.zeros(9), "f": LogCosh()}
    with pytest.raises(ValueError, match=message):
        bregman_projection(**(good | BAD_PROJECTIONS[message]))
