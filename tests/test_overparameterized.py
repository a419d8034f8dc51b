"""The statements of the chapter on overparameterized models, over random and hard problems."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import inner, norm, seeds, up_to

from dspgd_lib import GradientDescent, Problem, dspgd, min_norm
from dspgd_lib.figures import overparameterized as figures
from dspgd_lib.figures import two_weights

GD = GradientDescent()


@st.composite
def cases(draw):
    """A problem with the squared loss, a start, and orthonormal singular vectors of X.

    Condition numbers of X up to 10, sometimes a repeated top singular value; d - n from 1 to 3.
    Returns the problem, W0, the singular values, and the p_i, the q_i and a basis of the null
    space as columns.
    """
    n, k, free = draw(st.integers(1, 4)), draw(st.sampled_from([1, 3])), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(seeds))
    sigma = draw(st.sampled_from([0.3, 1.0, 20.0])) * np.geomspace(
        1, draw(st.sampled_from([1.0, 0.4, 0.1])), n
    )
    if n > 1 and draw(st.booleans()):
        sigma[1] = sigma[0]
    P = np.linalg.qr(rng.standard_normal((n, n)))[0]
    both = np.linalg.qr(rng.standard_normal((n + free, n + free)))[0]
    Q, null = both[:, :n], both[:, n:]
    problem = Problem(P * sigma @ Q.T, rng.standard_normal((n, k)))
    return problem, rng.standard_normal((n + free, k)), sigma, P, Q, null


def with_extremes(goal, Q, length, rng):
    """A point at random, and two on the extreme singular directions, about this far from a fit."""
    k = goal.shape[1]
    row = rng.standard_normal((1, k))
    return [goal + length * Q[:, [i]] @ row for i in (0, -1)] + [
        goal + length * Q @ rng.standard_normal((Q.shape[1], k))
    ]


def factor(problem, eta):
    return max(1 - eta * problem.mu, eta * problem.M - 1)


# -------------------------------------------------------------------------- the perfect fits


@pytest.mark.statement("prop-over-manifold")
@given(cases(), seeds)
def test_the_perfect_fits_are_one_of_them_plus_the_null_space(case, seed):
    problem, _, sigma, P, Q, null = case
    rng = np.random.default_rng(seed)
    one = Q @ ((P.T @ problem.Y) / sigma[:, None])
    size = norm(one) + 1
    W = one + null @ rng.standard_normal((null.shape[1], problem.k))
    assert norm(problem.residual(W)) <= 1e-12 * sigma[0] * (norm(W) + size)
    other = problem.project(rng.standard_normal(W.shape))  # by the library, another way
    assert norm(Q.T @ (other - W)) <= 1e-9 * (norm(W) + norm(other))


@pytest.mark.statement("prop-over-manifold")
@given(cases(), seeds)
def test_row_and_null_space_split_the_weights_and_have_the_dimensions_stated(case, seed):
    problem, W, *_ = case
    n, d, k = problem.n, problem.d, problem.k
    X_on_matrices = np.kron(problem.X, np.eye(k))  # on matrices written as vectors
    assert np.linalg.matrix_rank(X_on_matrices) == n * k
    _, values, right = np.linalg.svd(X_on_matrices)
    kernel = right[len(values) :]
    assert len(kernel) == (d - n) * k
    A = np.linalg.solve(problem.X @ problem.X.T, problem.X @ W)
    seen = problem.X.T @ A
    assert norm(problem.X @ (W - seen)) <= 1e-9 * problem.sigma_max * norm(W)
    assert abs(inner(seen, W - seen)) <= 1e-9 * norm(W) ** 2
    unseen = (kernel.T @ (kernel @ W.ravel())).reshape(d, k)
    assert norm(W - seen - unseen) <= 1e-9 * norm(W)


@pytest.mark.statement("prop-over-manifold")
@given(cases(), st.floats(1e-6, 1e3), seeds)
def test_loss_and_gradient_vanish_on_the_manifold_only(case, distance, seed):
    problem, W0, *_ = case
    rng = np.random.default_rng(seed)
    fit = problem.project(W0)
    scale = problem.sigma_max * (norm(fit) + 1)
    assert problem.loss_value(fit) <= (1e-12 * scale) ** 2
    assert norm(problem.gradient(fit)) <= 1e-12 * problem.sigma_max * scale
    off = problem.X.T @ rng.standard_normal((problem.n, problem.k))
    off *= distance / norm(off)
    assert problem.loss_value(fit + off) >= 0.5 * problem.mu * distance**2 * (1 - 1e-6)
    assert norm(problem.gradient(fit + off)) >= problem.mu * distance * (1 - 1e-6)


@pytest.mark.statement("prop-over-manifold")
@given(seeds, st.integers(1, 4), st.sampled_from([1, 3]))
def test_with_as_many_weights_as_examples_one_perfect_fit_is_left(seed, n, k):
    """d = n, the end of the hypothesis: the null space is 0, and the rest of the claims hold."""
    rng = np.random.default_rng(seed)
    P, Q = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    problem = Problem(P * np.geomspace(1, 0.3, n) @ Q, rng.standard_normal((n, k)), strict=False)
    fits = problem.project(rng.standard_normal((2, n, k)))
    assert norm(fits[0] - fits[1]) <= 1e-10 * (1 + norm(fits[0]))
    assert problem.loss_value(fits[0]) <= 1e-20 * (1 + norm(problem.Y) ** 2)
    off = rng.standard_normal((n, k))  # all of it is in the row space
    assert problem.loss_value(fits[0] + off) >= 0.5 * 0.09 * norm(off) ** 2 * (1 - 1e-6)
    assert norm(problem.gradient(fits[0] + off)) >= 0.09 * norm(off) * (1 - 1e-6)


@pytest.mark.statement("prop-over-manifold")
@pytest.mark.parametrize(("labels", "fate"), [((3, 4), "no W interpolates"), ((3, 3), "special")])
def test_without_full_row_rank_the_library_says_what_is_wrong(labels, fate):
    with pytest.raises(ValueError, match=f"full row rank.*{fate}"):
        Problem([[1, 2, 0], [1, 2, 0]], labels)
    none = Problem([[1, 2, 0], [1, 2, 0]], [3, 4], strict=False)
    W = none.project(np.zeros((3, 1)))  # the gradient vanishes, the loss does not
    assert norm(none.gradient(W)) <= 1e-12 and none.loss_value(W) >= 0.25 - 1e-12


# ------------------------------------------------------------------------- one meeting point


@pytest.mark.statement("lem-one-meeting-point")
@given(cases(), seeds)
def test_the_floor_meets_the_manifold_once_and_nearest(case, seed):
    problem, W0, _, _, Q, null = case
    rng, P, X = np.random.default_rng(seed), problem.project(W0), problem.X
    size = norm(W0) + norm(P)
    formula = W0 + X.T @ np.linalg.solve(X @ X.T, problem.Y - X @ W0)
    assert norm(P - formula) <= 1e-9 * size
    assert norm(null.T @ (P - W0)) <= 1e-9 * size  # on the floor
    assert norm(X @ P - problem.Y) <= 1e-9 * problem.sigma_max * size  # and on the manifold
    other = P + null @ rng.standard_normal((null.shape[1], problem.k))
    squares = norm(other - P) ** 2 + norm(P - W0) ** 2
    assert norm(other - W0) ** 2 == pytest.approx(squares, rel=1e-9)
    nearest = norm(P - W0)
    for share in (0.05, -0.05):  # no other point of the floor is on the manifold
        assert norm(X @ (P + share * (W0 - P)) - problem.Y) > 0 or nearest < 1e-9 * size
    for W in with_extremes(P, Q, 1.0, rng):
        residual, distance = norm(X @ W - problem.Y), norm(W - P)
        assert residual / problem.sigma_max <= distance * (1 + 1e-6)
        assert distance <= residual / problem.sigma_min * (1 + 1e-6)


@given(cases(), seeds)
def test_two_ends_differ_by_the_unseen_part_of_the_starts(case, seed):
    """So they are never farther apart than the starts; as far, if those differ by it alone."""
    problem, W0, _, _, _, null = case
    rng = np.random.default_rng(seed)
    for change in (rng.standard_normal(W0.shape), null @ (null.T @ rng.standard_normal(W0.shape))):
        apart = problem.project(W0 + change) - problem.project(W0)
        size = 1e-9 * (norm(W0) + norm(change))
        assert norm(apart - null @ (null.T @ change)) <= size
        assert norm(apart) <= norm(change) + size
    assert norm(apart) >= norm(change) - size


@given(cases())
def test_the_committee_of_the_exercise_is_off_by_what_it_says(case):
    """E‖Π(W) − Π(0)‖² = s²·Σ‖Π(E) − Π(0)‖² over unit matrices E, whatever the distribution."""
    problem, W0, *_ = case
    zero, units = np.zeros(W0.shape), np.eye(W0.size).reshape(-1, *W0.shape)
    total = (norm(problem.project(units) - problem.project(zero)) ** 2).sum()
    assert total == pytest.approx((problem.d - problem.n) * problem.k, rel=1e-9)


# ---------------------------------------------------------------------- coordinate by coordinate


@pytest.mark.statement("prop-over-svd")
@given(cases(), up_to(3.0))
def test_every_coordinate_of_a_run_is_predicted(case, fraction):
    problem, W0, sigma, _, Q, null = case
    eta, steps = fraction / problem.M, 12
    run = dspgd(problem, GD, W0, eta, tol=0, max_steps=steps, record=("W", "loss"))
    W, goal = run.history["W"], problem.project(W0)
    assert len(W) == steps + 1
    first = Q.T @ (W0 - goal)
    powers = (1 - eta * sigma**2) ** np.arange(steps + 1)[:, None]
    predicted = powers[:, :, None] * first
    size = (norm(W0) + norm(goal)) * np.maximum(1, abs(powers).max(axis=1))
    off = norm(Q.T @ (W - goal) - predicted)
    assert (off <= 1e-10 * size).all()
    assert (norm(null.T @ (W - W0)) <= 1e-10 * size).all()
    loss = 0.5 * norm(sigma[:, None] * predicted) ** 2
    assert (abs(run.history["loss"] - loss) <= 1e-9 * problem.M * size**2).all()


# ---------------------------------------------------------------------------- the learning rate


@pytest.mark.statement("thm-over-gd-limit")
@given(cases(), up_to(1.95, 0.3))
def test_gd_converges_to_the_projection(case, fraction):
    problem, W0, *_ = case
    run = dspgd(problem, GD, W0, fraction / problem.M)
    goal = problem.project(W0)
    assert run.converged and norm(run.W - goal) <= 1e-9 * (norm(W0) + norm(goal))


@pytest.mark.statement("thm-over-gd-limit")
@given(cases(), up_to(1.95), seeds)
def test_the_distance_falls_by_the_factor_stated_and_no_faster_from_the_worst_start(
    case, fraction, seed
):
    problem, W0, _, _, Q, _ = case
    eta, goal = fraction / problem.M, problem.project(W0)
    rho = factor(problem, eta)
    assert 0 <= rho < 1
    starts = with_extremes(goal, Q, 1.0, np.random.default_rng(seed))
    met = []
    for start in (*starts, W0):
        W = dspgd(problem, GD, start, eta, tol=0, max_steps=12, record="W").history["W"]
        distance = norm(W - goal)
        bound = rho ** np.arange(13) * distance[0]
        slack = 1e-12 * (norm(goal) + distance[0]) * problem.kappa
        assert (distance <= bound * (1 + 1e-9) + slack).all()
        met.append((distance >= bound * (1 - 1e-6) - slack).all())
    worst = 0 if problem.M * eta - 1 > 1 - problem.mu * eta else 1  # the top or the bottom
    assert met[worst]


@pytest.mark.statement("thm-over-gd-limit")
@given(cases(), up_to(2.5, 0.01))
def test_no_learning_rate_has_a_smaller_factor_than_the_best(case, fraction):
    problem, *_ = case
    kappa = problem.kappa
    least = factor(problem, 2 / (problem.mu + problem.M))
    assert least == pytest.approx((kappa - 1) / (kappa + 1), abs=1e-12)
    assert factor(problem, fraction / problem.M) >= least - 1e-12


@pytest.mark.statement("thm-over-gd-limit")
@given(cases(), up_to(4.0, 2.01), seeds)
def test_beyond_twice_one_over_M_a_run_grows_as_stated(case, fraction, seed):
    """With an equality along the top direction."""
    problem, W0, _, _, Q, _ = case
    goal, steps = problem.project(W0), 40
    for start in (W0, *with_extremes(goal, Q, 1.0, np.random.default_rng(seed))):
        size = norm(start) + norm(goal)
        along = max(0.0, norm(Q[:, [0]].T @ (start - goal)) - 1e-13 * size)  # less its rounding
        run = dspgd(problem, GD, start, fraction / problem.M, tol=0, max_steps=steps, record="W")
        distance = norm(run.history["W"] - goal)
        bound = (fraction - 1) ** np.arange(len(distance)) * along
        assert (distance >= bound * (1 - 1e-6) - 1e-9 * size).all()


@pytest.mark.statement("thm-over-gd-limit")
@given(cases())
def test_at_twice_one_over_M_the_error_along_the_top_changes_sign_and_keeps_its_length(case):
    problem, W0, _, _, Q, _ = case
    W = dspgd(problem, GD, W0, 2 / problem.M, tol=0, max_steps=10, record="W").history["W"]
    along = Q[:, 0] @ (W - problem.project(W0))
    signs = (-1.0) ** np.arange(11)[:, None]
    assert along == pytest.approx(signs * along[0], abs=1e-10 * (norm(W0) + norm(W[-1])))


@pytest.mark.statement("thm-over-gd-limit")
@given(cases(), up_to(2.2, 2.05))
def test_without_an_error_along_the_top_the_run_converges_for_a_while(case, fraction):
    problem, W0, sigma, _, Q, _ = case
    eta, goal = fraction / problem.M, problem.project(W0)
    fast = Q[:, eta * sigma**2 >= 2]
    assume(fast.shape[1] < problem.n)
    start = W0 - fast @ (fast.T @ (W0 - goal))
    run = dspgd(problem, GD, start, eta, tol=0, max_steps=30, record="W")
    distance = norm(run.history["W"] - goal)
    assert (distance <= distance[0] * (1 + 1e-6) + 1e-9 * norm(goal)).all()


# ------------------------------------------------------------------------------ the PL inequality


@pytest.mark.statement("prop-over-pl")
@given(cases(), up_to(2.0), seeds)
def test_the_gradient_is_long_where_the_loss_is_large(case, fraction, seed):
    """Both sides are met on singular directions, the factor where κ = 1 or η = 2/M."""
    problem, W0, _, _, Q, _ = case
    for W in with_extremes(problem.project(W0), Q, 1.0, np.random.default_rng(seed)):
        L, V = problem.loss_value(W), problem.gradient(W)
        assert 2 * problem.mu * L <= norm(V) ** 2 * (1 + 1e-6)
        assert norm(V) ** 2 <= 2 * problem.M * L * (1 + 1e-6)
        eta = fraction / problem.M
        bound = (1 - eta * problem.mu * (2 - eta * problem.M)) * L
        assert problem.loss_value(W - eta * V) <= bound * (1 + 1e-6) + 1e-20 * (1 + problem.M)
        assert bound <= L


@pytest.mark.statement("prop-over-pl")
@given(cases(), seeds)
def test_both_sides_of_the_pl_inequality_are_attained_where_stated_only(case, seed):
    problem, W0, sigma, P, Q, _ = case
    rng, goal, X = np.random.default_rng(seed), problem.project(W0), problem.X
    for i, curvature in ((0, problem.M), (-1, problem.mu)):
        W = goal + Q[:, [i]] @ rng.standard_normal((1, problem.k))
        R = problem.residual(W)
        assert norm(X @ (X.T @ R) - curvature * R) <= 1e-7 * curvature * norm(R) + 1e-12
        square = norm(problem.gradient(W)) ** 2
        assert square == pytest.approx(2 * curvature * problem.loss_value(W), rel=1e-6)
        away = abs(sigma**2 - curvature) > 0.1 * curvature
        if away.any():  # a part along another p_i makes the inequality strict
            R = R + norm(R) * P[:, away][:, [0]] @ rng.standard_normal((1, problem.k))
            V = X.T @ R
            gap = norm(V) ** 2 - curvature * norm(R) ** 2
            assert (gap < 0) if i == 0 else (gap > 0)


# -------------------------------------------------------------------------------- several labels


@given(cases(), up_to(1.9))
def test_columns_do_not_interact(case, fraction):
    problem, W0, *_ = case
    eta = fraction / problem.M
    W = dspgd(problem, GD, W0, eta, tol=0, max_steps=20).W
    for j in range(problem.k):
        alone = Problem(problem.X, problem.Y[:, j])
        end = dspgd(alone, GD, W0[:, j], eta, tol=0, max_steps=20).W[:, 0]
        assert np.linalg.norm(end - W[:, j]) <= 1e-11 * (norm(W0) + norm(W))


# ------------------------------------------------------------------------------------ one example

powers = st.sampled_from([1.0, 1.1, 1.5, 2.0, 3.0, 8.0, np.inf])


@st.composite
def examples(draw):
    """x with three to six entries, some of them zero, a start and a label."""
    rng = np.random.default_rng(draw(seeds))
    d = draw(st.integers(3, 6))
    x = rng.standard_normal(d) * draw(st.sampled_from([0.1, 1.0, 10.0]))
    if draw(st.booleans()):
        x[rng.integers(d)] = 0.0
    return x, rng.standard_normal(d), float(rng.standard_normal()), rng


def dual(p):
    return np.inf if p == 1 else 1 / (1 - 1 / p)


def stated(x, r, p):
    """The change W - W0 of the proposition."""
    if p == 1:
        step = np.zeros(len(x))
        j = int(np.argmax(abs(x)))
        step[j] = r / x[j]
        return step
    q = dual(p)
    weight = abs(x) ** (q - 1) if q > 1 else np.ones(len(x))
    return r / (abs(x) ** q).sum() * np.sign(x) * weight


@pytest.mark.statement("prop-over-one-example")
@given(examples(), powers)
def test_the_nearest_model_is_the_one_stated(example, p):
    x, start, y, rng = example
    r = y - x @ start
    step, least = stated(x, r, p), abs(r) / np.linalg.norm(x, dual(p))
    assert abs(x @ step - r) <= 1e-9 * (abs(r) + 1e-12)
    assert np.linalg.norm(step, p) == pytest.approx(least, rel=1e-9)
    Z = rng.standard_normal((300, len(x))) * 10.0 ** rng.uniform(-3, 1, (300, 1)) * least
    Z -= np.outer(Z @ x, x) / (x @ x)
    others = np.linalg.norm(step + Z, p, axis=1)
    assert (others >= least * (1 - 1e-9)).all()
    if 1 < p < np.inf or (p == 1 or x.all()):  # the only one (the largest |x_j| occurs once)
        far = np.linalg.norm(Z, axis=1) > 0.1 * least
        assert (others[far] > least * (1 + 1e-12)).all()


@pytest.mark.statement("prop-over-one-example")
@given(examples(), powers)
def test_small_moves_away_from_the_nearest_model_make_it_longer(example, p):
    """Where the minimiser is the only one, every move along the null space lengthens the change."""
    x, _, _, rng = example
    x = np.where(x == 0, 0.1, x)
    step = stated(x, 1.0, p)
    least = np.linalg.norm(step, p)
    for _ in range(20):
        z = rng.standard_normal(len(x))
        z -= (z @ x) * x / (x @ x)
        z *= 0.3 * least / np.linalg.norm(z)
        assert np.linalg.norm(step + z, p) > least * (1 + 1e-9)


@pytest.mark.statement("prop-over-one-example")
@given(examples(), st.sampled_from([1, 2, np.inf]))
def test_the_library_finds_the_same_distance(example, p):
    x, start, y, _ = example
    found = min_norm(Problem(x[None], [y]), start, p)[:, 0] - start
    least = abs(y - x @ start) / np.linalg.norm(x, dual(p))
    assert np.linalg.norm(found, p) == pytest.approx(least, rel=1e-7, abs=1e-12)
    if p == 2 or (p == np.inf and x.all()) or p == 1:
        assert found == pytest.approx(stated(x, y - x @ start, p), rel=1e-6, abs=1e-9)


@pytest.mark.statement("prop-over-one-example")
@pytest.mark.parametrize("p", [1, np.inf])
def test_with_ties_or_zeros_there_is_more_than_one_nearest_model(p):
    x = np.array([2.0, -2.0, 1.0]) if p == 1 else np.array([2.0, 0.0, 1.0])
    step = stated(x, 1.0, p)
    other = np.array([0.25, -0.25, 0.0]) if p == 1 else step + np.array([0.0, 0.1, 0.0])
    assert x @ other == pytest.approx(1.0) and abs(other - step).max() > 0.05
    assert np.linalg.norm(other, p) == pytest.approx(np.linalg.norm(step, p))


# ------------------------------------------------------------------------------- what figures say


@pytest.mark.parametrize("w1", figures.FIRST[::10])
@pytest.mark.parametrize("w2", figures.SECOND[::3])
def test_each_ball_of_the_figure_touches_the_line_and_does_not_cross_it(w1, w2):
    data, start = figures.plane(), np.array([w1, w2])
    x, y = data.X[0], data.Y[0, 0]
    side = np.sign(x @ start - y)
    for p, ball in zip(figures.NORMS, figures.UNIT_BALLS, strict=True):
        size = np.linalg.norm(min_norm(data, start, p)[:, 0] - start, p)
        reach = side * ((start + size * ball) @ x - y)
        assert reach.min() == pytest.approx(0.0, abs=2e-3 * (1 + size))


def test_six_stops_across_and_one_up_lead_to_the_same_end_of_gd():
    data = figures.plane()
    across = figures.FIRST[6] - figures.FIRST[0]
    up = figures.SECOND[1] - figures.SECOND[0]
    shifted = data.project([0.5 + across, 0.25 + up])
    assert norm(data.project([0.5, 0.25]) - shifted) <= 1e-12
    assert any(data.X[0] @ (a, b) == data.Y[0, 0] for a in figures.FIRST for b in figures.SECOND)


@pytest.mark.parametrize("p", figures.NORMS)
def test_the_figure_finds_the_nearest_fits_of_the_library(p):
    for start in ((0.0, -0.9), (0.35, 0.6), (2.0, 0.9)):
        found = min_norm(figures.plane(), start, p)[:, 0]
        assert figures.nearest(np.array(start), p) == pytest.approx(found, abs=1e-9)


def test_the_figure_of_two_weights_shows_runs_to_the_foot_of_the_perpendicular():
    data, start = figures.plane(), np.array(figures.HAND_START)
    foot = data.project(start)[:, 0]
    x = data.X[0]
    direction = (foot - start) / np.linalg.norm(foot - start)
    assert abs(direction @ (-x[1], x[0])) <= 1e-12  # at a right angle to the perfect fits
    assert abs(1 - figures.HAND_RATE * x @ x - 0.5) <= 1e-12  # every step halves the miss
    figure = figures.right_angle()
    assert figure.start == {"eta": figures.HAND_RATE}
    numbers = [float(number) for number in re.findall(r"[\d.]*\d", figure.panels[0].alt)]
    assert numbers == pytest.approx([*foot])
    for eta, factor_ in ((0.4, 0.5), (0.8, 0.0), (1.2, -0.5)):
        road = figures.hand_runs(eta)
        assert road[1] - foot == pytest.approx(factor_ * (start - foot), abs=1e-12)
        off = (road - foot) @ (-x[1], x[0])
        assert np.abs(off).max() <= 1e-12
    assert "<b>1</b> step " in two_weights._hand_frame(0.8).caption
    assert "never arrives" in two_weights._hand_frame(1.6).caption  # 2/M
    assert "never arrives" not in two_weights._hand_frame(1.55).caption


@pytest.mark.parametrize("n", [1, 2])
def test_the_road_in_three_dimensions_ends_at_the_nearest_point(n):
    data, W0 = figures.space(n)
    W = figures._road(n).W
    assert norm(W - data.project(W0)) <= 1e-5
    grid = figures._grid(data.X[0], data.Y[0, 0], figures.CENTRE)
    assert all(np.allclose(line @ data.X[0], data.Y[0, 0]) for line in grid)


@pytest.mark.parametrize("n", [1, 2])
def test_the_road_ends_on_each_patch_drawn(n):
    data, W0 = figures.space(n)
    goal = data.project(W0)[:, 0]
    for x, y in zip(data.X, data.Y[:, 0], strict=True):
        lines = figures._grid(x, y, figures.CENTRE)
        corner, right, up = lines[0][0], lines[len(lines) // 2][1], lines[0][1]
        sides = np.array([right - corner, up - corner])
        place = sides @ (goal - corner) / (sides**2).sum(axis=1)
        assert (place > 0.1).all() and (place < 0.9).all()


@pytest.mark.parametrize("turn", figures.TURNS[::5])
@pytest.mark.parametrize("n", [1, 2])
def test_nothing_in_three_dimensions_is_cut_off_at_any_turn(n, turn):
    fig, ax = plt.subplots()
    figures._draw_space(ax)
    limits = np.array([ax.get_xlim(), ax.get_ylim()]).T
    plt.close(fig)
    for mark in figures._space_frame(n, turn).marks[0]:
        points = np.atleast_2d(getattr(mark, "points", getattr(mark, "at", None)))
        assert (points > limits[0]).all() and (points < limits[1]).all()


def test_the_floor_holds_the_road_and_the_line_of_fits_stands_upright_on_it():
    data, W0 = figures.space(2)
    lines = figures.ground(2).reshape(-1, 3)
    upright = np.cross(*data.X)
    assert np.abs((lines - W0[:, 0]) @ upright).max() <= 1e-12
    one, start = figures.ground(1)[0], figures.space(1)[1][:, 0]
    assert norm(np.cross(one - start, figures.space(1)[0].X[0])) <= 1e-12


def test_at_zero_degrees_the_road_looks_straight_and_the_line_upright_on_it():
    data, W0 = figures.space(2)
    goal = data.project(W0)[:, 0]
    upright = np.cross(*data.X) / np.linalg.norm(np.cross(*data.X))
    road = figures._road(2).history["W"][..., 0]
    assert np.linalg.svd(road - goal)[1][2] <= 1e-12  # all of it lies in one plane

    def bend(turn):
        seen = figures._view(turn, road) - figures._view(turn, goal[None])
        along = seen[0] / np.linalg.norm(seen[0])
        return abs(seen @ (-along[1], along[0])).max(), along

    bends = {turn: bend(turn)[0] for turn in figures.TURNS}
    assert abs(min(bends, key=bends.get)) <= 2 and bends[0] < 0.1 * bends[-70]
    line = np.diff(figures._view(0, goal + np.outer([-0.5, 0.5], upright)), axis=0)[0]
    assert abs(line @ bend(0)[1]) <= 0.05 * np.linalg.norm(line)


def test_the_factors_of_the_figure_are_those_of_the_problem_at_every_stop():
    problem = Problem.gaussian(20, 60, 1, seed=0)
    stops = figures.coordinates().controls[0].values
    best = 2 * problem.M / (problem.mu + problem.M)
    assert min(abs(np.array(stops) - best)) <= 1e-9
    for share in (*stops[::7], 1.0, best, stops[-1]):
        frame = figures._errors_frame(share)
        *_, first, last = frame.marks[0]
        rho = factor(problem, share / problem.M)
        assert f"{rho:.3f}" in frame.caption
        for mark, curvature in ((first, problem.M), (last, problem.mu)):
            (t0, one), (t1, height) = mark.points
            expected = abs(1 - share * curvature / problem.M) ** t1
            assert (t0, one) == (0, 1)
            assert height == pytest.approx(expected, rel=1e-6, abs=1e-11)
    assert "first and last" in figures._errors_frame(best).caption
    assert "1 of the 20 curves rises" in figures._errors_frame(2.05).caption
    assert "0.000" in figures._errors_frame(1.0).caption  # the first curve drops at once


def test_the_road_in_the_valley_is_that_of_the_library():
    """In the first and the last seen coordinate, from a start with equal errors along both."""
    problem, W0 = figures.chapter()
    Q = np.linalg.svd(problem.X)[2][:20].T
    ends = Q[:, [0, 19]]
    goal = problem.project(W0)
    run = dspgd(problem, GD, goal + ends.sum(axis=1, keepdims=True), 1.6 / problem.M, record="W")
    seen = (ends.T @ (run.history["W"] - goal))[..., 0]
    road = np.asarray(figures._errors_frame(1.6).marks[1][0].points)
    assert np.abs(seen[: len(road)] - road).max() <= 1e-12


def test_the_still_pictures_say_what_is_seen():
    problem, W0 = figures.chapter()
    zero = np.zeros((60, 1))
    models = {p: min_norm(problem, zero, p) for p in (1, np.inf)}
    ends = {"0": problem.project(zero), "W0": problem.project(W0)}
    named = {**ends, "sparse": models[1], "flat": models[np.inf]}
    new = np.random.default_rng(12).standard_normal((20, 60))
    four = figures.four_models(named, new)
    assert "sparse: 20 of 60" in four.panels[0].alt
    assert (np.abs(named["flat"]) > abs(named["flat"]).max() * (1 - 1e-9)).sum() == 41
    run = dspgd(problem, GD, W0, 1 / problem.M, record="W")
    path = run.history["W"][:-30]
    sizes = norm(problem.residual(path)), norm(path - problem.project(W0))
    between = figures.between(*sizes, problem.sigma_min, problem.sigma_max)
    assert "ends at 1.000 of it" in between.panels[0].alt
    for picture in (four, between, figures.long_gradients()):
        assert "class=" in picture.html()


# --------------------------------------------------------------------- what the chapter's runs say


def test_a_quarter_of_the_rate_leads_to_the_same_end_on_the_chapters_problem():
    problem = Problem.gaussian(n=20, d=60, k=1, seed=0)
    W0 = 0.1 * np.random.default_rng(1).standard_normal((60, 1))
    fast, slow = (dspgd(problem, GD, W0, c / problem.M) for c in (1, 0.25))
    assert slow.steps > 3 * fast.steps
    assert norm(slow.W - fast.W) <= 1e-11


@given(cases(), st.integers(0, 10))
def test_gd_uses_a_feature_more_when_it_is_listed_twice(case, at):
    problem, *_ = case
    j = at % problem.d
    zero = np.zeros((problem.d, problem.k))
    once = problem.project(zero)
    copied = Problem(np.c_[problem.X, problem.X[:, j]], problem.Y)
    twice = copied.project(np.zeros((problem.d + 1, problem.k)))
    assert norm(twice[[j]] - twice[-1:]) <= 1e-9 * (norm(twice) + 1e-9)
    fold = np.ones((problem.d, 1))
    fold[j] = np.sqrt(2)
    folded = Problem(problem.X * fold.T, problem.Y).project(zero) * fold
    size = norm(once) + norm(folded)
    assert norm(folded[[j]] - twice[[j]] - twice[-1:]) <= 1e-8 * size
    assert (abs(folded[j]) >= abs(once[j]) - 1e-8 * size).all()


@given(cases())
def test_the_end_is_the_least_norm_fit_plus_the_unseen_part_of_the_start(case):
    problem, W0, _, _, _, null = case
    unseen = null @ (null.T @ W0)
    end, least = problem.project(W0), problem.project(np.zeros_like(W0))
    assert norm(end - least - unseen) <= 1e-9 * (norm(W0) + norm(least))
    assert norm(end) == pytest.approx(np.hypot(norm(least), norm(unseen)), rel=1e-8)


@given(cases(), seeds)
def test_n_steps_with_the_rates_of_the_exercise_finish(case, seed):
    """η_i = 1/σ_i², in any order, up to the rounding that the detour makes."""
    problem, W0, sigma, *_ = case
    W, farthest = W0, norm(W0)
    for s in np.random.default_rng(seed).permutation(sigma):
        W = W - problem.gradient(W) / s**2
        farthest = max(farthest, norm(W))
    goal = problem.project(W0)
    assert norm(W - goal) <= 1e-13 * problem.kappa ** (problem.n - 1) * (farthest + norm(goal))


@given(cases(), seeds)
def test_in_other_units_gd_ends_at_the_fit_stated(case, seed):
    """D·(the end of GD on XD) = D²Xᵀ(XD²Xᵀ)⁻¹Y, from zero."""
    problem, *_ = case
    D = np.diag(np.exp(np.random.default_rng(seed).standard_normal(problem.d)))
    scaled = Problem(problem.X @ D, problem.Y)
    U = scaled.project(np.zeros((problem.d, problem.k)))
    X, D2 = problem.X, D @ D
    formula = D2 @ X.T @ np.linalg.solve(X @ D2 @ X.T, problem.Y)
    assert norm(D @ U - formula) <= 1e-8 * (1 + norm(formula))


def test_the_exercise_by_hand():
    """The end, and the learning rates that arrive at once, halve the miss, and make it grow."""
    problem, W0 = Problem([[3.0, 4.0]], [10.0]), np.array([[1.0], [-2.0]])
    assert problem.project(W0) == pytest.approx(np.array([[2.8], [0.4]]))
    miss = abs(problem.residual(W0).item())
    for eta, factor_ in ((1 / 25, 0.0), (1 / 50, 0.5), (3 / 50, 0.5), (2 / 25, 1.0)):
        after = abs(problem.residual(W0 - eta * problem.gradient(W0)).item())
        assert after == pytest.approx(factor_ * miss, abs=1e-12)
    assert abs(problem.residual(W0 - 2.1 / 25 * problem.gradient(W0)).item()) > 1.09 * miss
