"""The statements of the convex toolbox, over random functions, points and problems."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from strategies import (
    LOCAL,
    LOSSES,
    PRECONDITIONERS,
    Bent,
    Quadratic,
    along_axes,
    inner,
    norm,
    points,
    random_problem,
    scales,
    seeds,
    up_to,
)

from dspgd_lib import (
    Adam,
    GradientClipping,
    GradientDescent,
    LogCoshLoss,
    NormalizedGD,
    PNorm,
    Problem,
    SmoothedSign,
    SoftClipping,
    check,
    dspgd,
    min_norm,
)
from dspgd_lib.figures import convex_toolbox as figures
from dspgd_lib.figures.convex_toolbox import TwoWells

names = st.sampled_from(sorted(PRECONDITIONERS))
k_values = st.sampled_from([1, 3])
all_names = st.sampled_from(sorted(PRECONDITIONERS | LOCAL))
parameters = st.sampled_from([0.1, 1.0, 5.0])
powers = st.sampled_from([1.2, 1.5, 2.0, 3.0, 6.0])


def make(name, parameter):
    return (PRECONDITIONERS | LOCAL)[name](parameter)


def smooth(parameter):
    """All preconditioners with a Lipschitz gradient; gradient descent meets every bound."""
    return [K(parameter) for K in PRECONDITIONERS.values()]


def pairs(seed):
    """Pairs of points; those of the second half lie near 0, where each K bends most."""
    x, y = points(seed, 2, 100)
    x[50:] *= 1e-5 / norm(x[50:])[:, None, None]
    y[50:] *= 1e-5 / norm(y[50:])[:, None, None]
    return x, y


def gap(f, y, x):
    """D_f(y, x), and the size of its terms, against which rounding is measured."""
    terms = f.value(y), f.value(x), inner(f.gradient(x), y - x)
    return terms[0] - terms[1] - terms[2], sum(np.abs(term) for term in terms)


bounded = st.sampled_from([Quadratic, Bent])


# ------------------------------------------------------------------------------- from below


@pytest.mark.statement("prop-tool-tangent")
@given(all_names, parameters, seeds)
def test_tangents_lie_below_convex_functions(name, parameter, seed):
    K, (x, y) = make(name, parameter), points(seed, 2, 50, spread=1)
    y[:10] = 2 * x[:10]  # on a ray, where clipping has a constant slope
    found, size = gap(K, y, x)
    assert (found >= -1e-12 * size).all()
    product = inner(K.gradient(x) - K.gradient(y), x - y)
    assert (product >= -1e-12 * norm(K.gradient(x)) * norm(x)).all()
    t = np.random.default_rng(seed).random((50, 1, 1))
    between, ends = K.value((1 - t) * x + t * y), np.stack([K.value(x), K.value(y)])
    chord = (1 - t[:, 0, 0]) * ends[0] + t[:, 0, 0] * ends[1]
    assert (between <= chord + 1e-12 * ends.sum(axis=0)).all()
    assert not K.gradient(0 * x).any() and (K.value(x) >= K.value(0 * x)).all()


@pytest.mark.statement("prop-tool-tangent")
def test_all_three_fail_for_two_wells():
    f, (x, y) = TwoWells(), np.array([[[0.5]], [[-0.4]]])
    assert gap(f, y, x)[0] < -0.01
    assert inner(f.gradient(x) - f.gradient(y), x - y) < -0.01
    assert f.value((x + y) / 2) > (f.value(x) + f.value(y)) / 2 + 0.01
    assert not f.gradient([[0.0]]).any() and f.value([[0.0]]) > f.value([[1.0]])


@pytest.mark.statement("prop-tool-tangent")
def test_a_convex_function_that_is_not_strictly_convex_may_run_along_a_tangent():
    f, x, y = GradientClipping(1.0), np.array([[2.0]]), np.array([[5.0]])
    assert gap(f, y, x)[0] == 0 and not (f.gradient(x) - f.gradient(y)).any()


@pytest.mark.statement("prop-tool-tangent")
@given(seeds, st.sampled_from([1.5, 3.0, 4.0]))
def test_a_strictly_convex_function_leaves_its_tangents(seed, p):
    x, y = np.random.default_rng(seed).standard_normal((2, 20, 3, 2))
    assert (gap(PNorm(p), y, x)[0] > 0).all()


def largest_of_affine(seed):
    """A polyhedral function: slopes S (5, 3), offsets b (5,), and the function of x (…, 3)."""
    rng = np.random.default_rng(seed)
    S, b = rng.standard_normal((5, 3)), rng.standard_normal(5)
    return S, b, lambda x: (x @ S.T + b).max(axis=-1)


@pytest.mark.statement("lem-tool-subgradient")
@given(seeds)
def test_the_nearest_point_of_the_epigraph_gives_a_line_between(seed):
    """The construction of the proof, for a function with corners."""
    S, b, f = largest_of_affine(seed)
    rng = np.random.default_rng(seed + 1)
    x = rng.standard_normal(3)
    a = f(x) - rng.uniform(0.05, 2)
    found = minimize(
        lambda p: np.sum((p[:3] - x) ** 2) + (p[3] - a) ** 2,
        np.r_[x, f(x)],
        jac=lambda p: 2 * (p - np.r_[x, a]),
        constraints={
            "type": "ineq",
            "fun": lambda p: p[3] - S @ p[:3] - b,
            "jac": lambda p: np.c_[-S, np.ones(5)],
        },
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 300},
    ).x
    near, delta = found[:3], found[3] - a
    assert delta > 0
    slope = (x - near) / delta

    def line(y):
        return found[3] + (y - near) @ slope

    assert line(x) > a
    y = 5 * rng.standard_normal((500, 3))
    assert (f(y) >= line(y) - 1e-5 * (1 + np.abs(y).sum(axis=1))).all()


@pytest.mark.statement("lem-tool-subgradient")
@given(seeds, st.floats(1.001, 10.0), st.floats(0, 50))
def test_outside_the_domain_the_plane_is_vertical_and_a_tilted_line_does(seed, distance, a):
    """f = 0 on the unit ball and +∞ outside: the case δ = 0 of the proof."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal(3), rng.standard_normal((500, 3))
    x *= distance / np.linalg.norm(x)
    y *= rng.random((500, 1)) ** (1 / 3) / np.linalg.norm(y, axis=1, keepdims=True)
    near = x / distance  # (near, a) is the point of the epigraph nearest to (x, a): δ = 0
    heights = rng.exponential(a + 1, 500)
    nearest = (distance - 1) ** 2
    assert (np.sum((y - x) ** 2, axis=1) + (heights - a) ** 2 >= nearest * (1 - 1e-12)).all()
    v = x - near
    assert ((y - near) @ v <= 1e-12 * distance).all()
    tilt = (a + 2) / (v @ v)  # of the line −1, which lies below f

    def line(z):
        return -1 + tilt * (z - near) @ v

    assert (line(y) <= -1 + 1e-11 * tilt * distance).all() and line(x) > a


@pytest.mark.statement("lem-tool-subgradient")
@given(seeds)
def test_a_finite_convex_function_is_continuous_and_has_subgradients(seed):
    S, b, f = largest_of_affine(seed)
    rng = np.random.default_rng(seed + 1)
    x, y = rng.standard_normal((2, 200, 3))
    s = S[(x @ S.T + b).argmax(axis=1)]
    assert (f(y) >= f(x) + np.sum(s * (y - x), axis=1) - 1e-12).all()
    m = np.abs(f(x)) + np.abs(f(x + y)) + np.abs(f(x - y))
    for t in (0.5, 1e-2, 1e-5):  # the bound of the proof, with the cube's m at least this
        most = np.maximum(f(x + y), f(x - y)) - f(x)
        assert (np.abs(f(x + t * y) - f(x)) <= t * most + 1e-12 * m).all()


@pytest.mark.statement("lem-tool-subgradient")
@given(st.floats(-1e6, 1e6), st.floats(0.001, 1.0))
def test_neither_part_holds_for_a_function_that_is_not_closed_or_not_finite(slope, height):
    """0 on [−1, 1) and 1 at 1: no line below is above 0 there. −√(1 − x²): no slope at 1."""
    inside = 1 - 0.5 * height / (1 + abs(slope))  # below it lies every line that misses the jump
    assert height + slope * (inside - 1) > 0
    x = 1 - 1 / (1 + slope**2)
    assert -np.sqrt(1 - x) * np.sqrt(1 + x) < slope * (x - 1)


# ------------------------------------------------------------------------- curvature bounds


@pytest.mark.statement("lem-tool-descent")
@given(parameters, seeds, up_to(1.0), up_to(3.0, 1.0))
def test_a_step_gains_what_the_descent_lemma_says(parameter, seed, safe, part):
    """Both bounds are met by half the squared norm: a safe step 5 % longer gains less than η/2."""
    x, y = pairs(seed)
    for K in smooth(parameter):
        found, size = gap(K, y, x)
        assert (np.abs(found) <= 0.5 * K.smoothness * norm(y - x) ** 2 + 1e-12 * size).all()
        s, eta = K.gradient(x), part / K.smoothness
        after = K.value(x - eta * s)
        stated = eta * (1 - eta * K.smoothness / 2) * norm(s) ** 2
        assert (K.value(x) - after >= stated - 1e-12 * (K.value(x) + after)).all()
        eta = safe / K.smoothness
        gain = K.value(x) - K.value(x - eta * s)
        assert (gain >= eta / 2 * norm(s) ** 2 - 1e-12 * K.value(x)).all()


@pytest.mark.statement("lem-tool-descent")
@given(seeds)
def test_the_descent_lemma_needs_no_convexity(seed):
    """Σ cos x is 1-smooth and not convex; on −½‖x‖² the lower side is attained."""
    x, y = points(seed, 2, 50)

    class Cosine:
        def value(self, x):
            return np.cos(x).sum(axis=(-2, -1))

        def gradient(self, x):
            return -np.sin(x)

    class Cap:
        def value(self, x):
            return -0.5 * norm(x) ** 2

        def gradient(self, x):
            return -x

    found, size = gap(Cosine(), y, x)
    assert (np.abs(found) <= 0.5 * norm(y - x) ** 2 + 1e-12 * size).all()
    found, size = gap(Cap(), y, x)
    assert (np.abs(found + 0.5 * norm(y - x) ** 2) <= 1e-12 * size).all()
    gain = Cap().value(x) - Cap().value(x - 0.5 * Cap().gradient(x))
    assert (gain >= 0.5 * (1 - 0.25) * norm(x) ** 2 * (1 - 1e-12)).all()


@pytest.mark.statement("thm-tool-cocoercive")
@given(parameters, seeds)
def test_the_four_faces_of_smoothness(parameter, seed):
    """Near 0 all four are nearly equalities, for half the squared norm everywhere."""
    x, y = pairs(seed)
    for K in smooth(parameter):
        beta, change = K.smoothness, K.gradient(y) - K.gradient(x)
        found, size = gap(K, y, x)
        slack = 1e-12 * (size + beta * norm(x) ** 2 + beta * norm(y) ** 2)
        assert (norm(change) <= beta * norm(y - x) * (1 + 1e-9) + 1e-300).all()
        assert (found <= beta / 2 * norm(y - x) ** 2 + slack).all()
        assert (found >= 1 / (2 * beta) * norm(change) ** 2 - slack).all()
        assert (inner(change, y - x) >= 1 / beta * norm(change) ** 2 - slack).all()


@pytest.mark.statement("thm-tool-cocoercive")
@given(bounded, seeds, up_to(2.0))
def test_gradients_do_not_grow_and_two_runs_never_separate(kind, seed, part):
    f = kind(seed)
    x, y = along_axes(f, seed)
    for _ in range(20):
        ahead, other = (z - part / f.beta * f.gradient(z) for z in (x, y))
        assert (norm(f.gradient(ahead)) <= norm(f.gradient(x)) * (1 + 1e-12) + 1e-14).all()
        assert (norm(ahead - other) <= norm(x - y) * (1 + 1e-12) + 1e-14).all()
        x, y = ahead, other


@given(bounded, seeds, up_to(3.0))
def test_with_both_bounds_one_step_scales_the_gradient_by_the_law_of_its_two_ends(kind, seed, part):
    """At most max(1 − ηα, ηβ − 1): the mean second derivative has eigenvalues between α and β."""
    f = kind(seed)
    for x in along_axes(f, seed):
        law = max(1 - part * f.alpha / f.beta, part - 1)
        after = norm(f.gradient(x - part / f.beta * f.gradient(x)))
        assert (after <= law * norm(f.gradient(x)) * (1 + 1e-9) + 1e-14).all()


@pytest.mark.statement("thm-tool-cocoercive")
@given(bounded, seeds)
def test_beyond_twice_the_smoothness_gradients_grow_and_runs_separate(kind, seed):
    f = kind(seed)
    x = along_axes(f, seed)[0][20:21]  # on the steepest axis
    x *= 1e-3 / norm(x)
    y = -0.5 * x
    ahead, other = (z - 2.1 / f.beta * f.gradient(z) for z in (x, y))
    assert norm(f.gradient(ahead)) > 1.09 * norm(f.gradient(x))
    assert norm(ahead - other) > 1.09 * norm(x - y)


@pytest.mark.statement("prop-tool-strong")
@given(bounded, seeds)
def test_with_both_bounds_two_runs_approach_by_the_factor_of_the_exercise(kind, seed):
    """1 − α/β at η = 1/β, attained on the flattest axis; the root of it is the weaker claim."""
    f = kind(seed)
    x, y = along_axes(f, seed)
    ahead, other = (z - f.gradient(z) / f.beta for z in (x, y))
    factor = 1 - f.alpha / f.beta
    assert (norm(ahead - other) <= factor * norm(x - y) * (1 + 1e-9)).all()


def what_strong_convexity_buys(f, x, y, alpha):
    """Whether the five inequalities of the proposition hold with α = alpha, up to rounding."""
    found, size = gap(f, y, x)
    slack = 1e-12 * (size + norm(x) ** 2 + norm(y) ** 2)
    product = inner(f.gradient(x) - f.gradient(y), x - y)
    above = f.value(x) - f.value(0 * x)  # all have their minimum at 0
    t = 0.5 * norm(x - y) ** 2
    middle = f.value((x + y) / 2) - (f.value(x) + f.value(y)) / 2
    return [
        bool((side <= other + slack).all())
        for side, other in (
            (alpha * t, found),
            (2 * alpha * t, product),
            (alpha / 2 * norm(x) ** 2, above),
            (2 * alpha * above, norm(f.gradient(x)) ** 2),
            (middle, -alpha / 4 * t),
        )
    ]


@pytest.mark.statement("prop-tool-strong")
@given(seeds, st.floats(0.05, 1.0))
def test_what_strong_convexity_buys(seed, least):
    """Each constant is met on the flattest axis of a quadratic: none may be 5 % larger."""
    for f in (Quadratic(seed, least), Bent(seed)):
        x, y = along_axes(f, seed)
        assert all(what_strong_convexity_buys(f, x, y, f.alpha))
    f = Quadratic(seed, least)
    x, y = (z[:20] for z in along_axes(f, seed))  # on that axis
    apart = norm(x - y) > 1e-3 * norm(x)
    assume(apart.any())
    x, y = x[apart], y[apart]
    assert not any(what_strong_convexity_buys(f, x, y, 1.05 * f.alpha))


def slow_huber(size, part, T):
    """Huber's function with β = 1 that attains the bound after T steps with η = part."""
    return GradientClipping(size / (2 * T * part + 1))


@pytest.mark.statement("prop-tool-sublinear")
@example(parameter=1.0, seed=0, part=1.0, T=1)
@given(parameters, seeds, up_to(1.0), st.integers(1, 60))
def test_the_rate_without_a_lower_bound(parameter, seed, part, T):
    """Tight for Huber's function with a threshold made for T; all these have x_* = 0."""
    start = points(seed, 20, spread=1)
    huber = slow_huber(norm(start[0]), part, T)
    for K in (*smooth(parameter), huber):
        x, eta = start, part / K.smoothness
        for _ in range(T):
            x = x - eta * K.gradient(x)
        best = norm(start) ** 2 / (4 * eta * T + 2 / K.smoothness)
        assert (K.value(x) <= best * (1 + 1e-9)).all()
        if K is huber:
            assert K.value(x[0]) == pytest.approx(float(best[0]), rel=1e-9)


@pytest.mark.statement("prop-tool-sublinear")
@given(seeds, up_to(1.0), st.integers(1, 12))
def test_the_inequalities_of_its_proof(seed, part, T):
    """Distance, gains and end, one by one, for functions that are not even."""
    f = Bent(seed)
    x, path = points(seed, 5, spread=1), []
    for _ in range(T + 1):
        path.append((x, f.value(x) - f.value(0 * x), f.gradient(x)))
        x = x - part / f.beta * f.gradient(x)
    eta, G = part, norm(path[-1][2]) / f.beta
    for (x, value, s), (after, lower, r) in pairwise(path):
        value, lower, s, r = value / f.beta, lower / f.beta, s / f.beta, r / f.beta
        slack = 1e-12 * (1 + norm(x) ** 2)
        wear = norm(x) ** 2 - norm(after) ** 2
        assert (wear >= 2 * eta * value + eta * (1 - eta) * G**2 - slack).all()
        assert (value - lower >= eta / 2 * (norm(s) ** 2 + norm(r) ** 2) - slack).all()
        assert (value - lower >= eta * G**2 - slack).all()


@pytest.mark.statement("prop-tool-sublinear")
def test_beyond_the_rate_nothing_better_holds_and_a_learning_rate_too_large_breaks_it():
    """A bound of 0.95 fails for Huber; at η = 2.1/β half the squared norm grows."""
    x = np.array([[1.0]])
    K = slow_huber(1.0, 1.0, 30)
    for _ in range(30):
        x = x - K.gradient(x)
    assert K.value(x) > 0.95 / 122
    w = (1 - 2.1) ** 30
    assert 0.5 * w**2 > 1 / (4 * 2.1 * 30 + 2)


@pytest.mark.statement("prop-tool-strong")
@given(bounded, seeds, up_to(2.0), st.floats(0.5, 4.0))
def test_the_rate_with_both_bounds(kind, seed, part, curvature):
    """The factor is met if α = β, and at η = 2/β, where it is 1; nothing holds beyond."""
    for f in (kind(seed), Quadratic(seed, curvature, curvature)):
        x, eta = along_axes(f, seed)[0], part / f.beta
        q = 1 - eta * f.alpha * (2 - eta * f.beta)
        above = f.value(x) - f.value(0 * x)
        ahead = f.value(x - eta * f.gradient(x)) - f.value(0 * x)
        assert (ahead <= q * above + 1e-12 * (f.value(x) + norm(x) ** 2)).all()
        assert q <= 1


@pytest.mark.statement("prop-tool-strong")
def test_strict_convexity_buys_none_of_it():
    f, w = PNorm(4.0), np.array([[1.0]])
    ratios = []
    for _ in range(4):
        w = 0.1 * w
        ratios.append(float(f.value(w) / norm(f.gradient(w)) ** 2))
    assert all(after > 50 * before for before, after in pairwise(ratios))


class Kinked:
    """½az² on either side of 0: a loss that is not twice differentiable."""

    strong_convexity, smoothness = 1.0, 3.0

    def value(self, Z):
        return 0.5 * inner(np.where(Z < 0, 3.0, 1.0) * Z, Z)

    def gradient(self, Z):
        return np.where(Z < 0, 3.0, 1.0) * Z

    def divergence_from(self, B, H):
        return self.value(B + H) - self.value(B) - inner(self.gradient(B), H)


losses = st.sampled_from([*LOSSES.values(), Kinked()])


def on_axes(problem, rng, scale):
    """Weights: on the two extreme singular directions from a perfect fit, and anywhere."""
    goal = problem.project(rng.standard_normal((problem.d, problem.k)))
    right = np.linalg.svd(problem.X)[2][:, :, None]
    labels = rng.standard_normal((40, 1, problem.k))
    ends = [goal + scale * right[i] * labels for i in (0, problem.n - 1)]
    return np.concatenate([*ends, scale * rng.standard_normal((40, problem.d, problem.k))])


@pytest.mark.statement("prop-tool-pl")
@given(seeds, losses, k_values, scales)
def test_gradient_and_loss_bound_each_other(seed, loss, k, scale):
    """For the squared loss all three are met along a singular direction."""
    problem, rng = random_problem(seed, k, loss)
    W = on_axes(problem, rng, scale)
    square, value = norm(problem.gradient(W)) ** 2, problem.loss_value(W)
    tiny = 1e-24 * (1 + problem.M) * (problem.M * norm(W) ** 2 + norm(problem.Y) ** 2)
    assert (square >= 2 * problem.mu * value * (1 - 1e-5) - tiny).all()
    assert (square <= 2 * problem.M * value * (1 + 1e-5) + tiny).all()
    change = norm(problem.gradient(W[1:]) - problem.gradient(W[:-1]))
    bound = problem.M * norm(W[1:] - W[:-1])
    assert (change <= bound * (1 + 1e-9) + 1e-12 * problem.M * norm(W[1:])).all()


@pytest.mark.statement("prop-tool-pl")
@given(seeds, losses, k_values, up_to(1.9, 0.4))
def test_gd_loses_the_stated_factor_and_ends_at_the_projection(seed, loss, k, part):
    """The factor is met with one example and the squared loss, where κ = 1."""
    for n in (1, 2):
        problem, rng = random_problem(seed, k, loss, n=n, d=n + 8)
        assume(problem.kappa < 30)
        W0 = rng.standard_normal((problem.d, k))
        run = dspgd(problem, GradientDescent(), W0, part / problem.M, record=("loss",))
        root, goal = np.sqrt(run.history["loss"]), problem.project(W0)
        q = 1 - part * (2 - part) / problem.kappa
        rounding = 1e-13 * (problem.sigma_max * (norm(W0) + norm(goal)) + norm(problem.Y))
        assert (root[1:] <= np.sqrt(q + 1e-12) * root[:-1] + rounding).all()
        assert run.converged and norm(run.W - goal) <= 1e-8 * (norm(W0) + norm(goal))


@pytest.mark.statement("prop-tool-pl")
@given(seeds, st.sampled_from(list(LOSSES.values())), k_values)
def test_beyond_twice_one_over_M_the_loss_can_grow(seed, loss, k):
    problem, rng = random_problem(seed, k, loss)
    near = on_axes(problem, rng, 1e-3)[:1]
    after = near - 2.1 / problem.M * problem.gradient(near)
    assert problem.loss_value(after) > 1.1 * problem.loss_value(near)


# ---------------------------------------------------------------------------------- the dual


@pytest.mark.statement("prop-tool-fenchel-young")
@given(all_names, parameters, seeds)
def test_fenchel_young_and_when_it_is_an_equality(name, parameter, seed):
    K, (x, y) = make(name, parameter), points(seed, 2, 50, spread=1)
    y[:10] = x[:10]  # there it is an equality
    s = K.gradient(y) * (1 - 1e-9)
    both = K.value(x) + K.conjugate(s)
    slack = 1e-9 * (np.abs(both) + norm(x) * norm(s))
    assert (both >= inner(s, x) - slack).all()
    s = K.gradient(x)
    assume(np.isfinite(K.conjugate(s)).all())
    close = K.value(x) + K.conjugate(s) - inner(s, x)
    assert (np.abs(close) <= 1e-7 * (K.value(x) + np.abs(inner(s, x)))).all()
    away = s * np.random.default_rng(seed).uniform(0.2, 0.8, (50, 1, 1))  # no subgradient at x
    assume((norm(s) > 1e-6).all())
    assert (K.value(x) + K.conjugate(away) > inner(away, x)).all()


@pytest.mark.statement("prop-tool-fenchel-young")
@given(st.floats(0.1, 5.0), st.floats(0.1, 5.0), st.floats(0.0, 0.99))
def test_the_dual_reverses_order_and_is_convex(one, two, s):
    small, large = sorted([one, two])
    for kind in (NormalizedGD, SoftClipping):  # both decrease as ε grows
        assert kind(large).value([[1.3]]) <= kind(small).value([[1.3]]) + 1e-15
        assert kind(large).conjugate([[s]]) >= kind(small).conjugate([[s]]) - 1e-15
    wells = TwoWells()
    a, b = wells.conjugate([[s]]), wells.conjugate([[-2 * one]])
    assert wells.conjugate([[(s - 2 * one) / 2]]) <= (a + b) / 2 + 1e-12


def brute_dual(f, s, reach=40.0):
    """Return sup s·x − f(x) over the line by a grid and a local search, for scalar s."""
    x = np.linspace(-reach, reach, 8001)
    i = int(np.clip(np.argmax(s * x - f(x)), 1, len(x) - 2))
    found = minimize_scalar(
        lambda z: f(np.array([z]))[0] - s * z, bounds=(x[i - 1], x[i + 1]), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    return max(-found.fun, (s * x - f(x)).max())


def profile(K):
    return lambda x: K.value(np.asarray(x, dtype=float)[:, None, None])


@pytest.mark.statement("thm-tool-biconjugate")
@given(st.floats(-3, 3), st.sampled_from([0.3, 1.0, 2.0]))
def test_two_duals_give_the_function_back(x, parameter):
    for K in (NormalizedGD(parameter), GradientClipping(parameter), SoftClipping(parameter),
              PNorm(parameter + 1), GradientDescent()):  # fmt: skip
        edge = {GradientClipping: parameter}.get(type(K), 1.0)
        limit = 1000.0 if isinstance(K, (PNorm, GradientDescent)) else edge * (1 - 1e-9)
        found = minimize_scalar(
            lambda s, K=K: float(K.conjugate([[s]])) - s * x, bounds=(-limit, limit),
            method="bounded", options={"xatol": 1e-12},
        )  # fmt: skip
        assert -found.fun == pytest.approx(float(K.value([[x]])), rel=1e-6, abs=1e-6)


@pytest.mark.statement("thm-tool-biconjugate")
@given(st.floats(-1.9, 1.9))
def test_of_two_wells_two_duals_see_the_convex_function_below(x):
    wells = TwoWells()
    s = np.linspace(-6, 6, 24_001)
    found = (s * x - wells.conjugate(s[:, None, None])).max()
    expected = 0.0 if abs(x) <= 1 else float(wells.value([[x]]))
    assert found == pytest.approx(expected, abs=1e-6)
    assert found <= wells.value([[x]]) + 1e-12


@pytest.mark.statement("thm-tool-biconjugate")
def test_of_a_function_that_is_not_closed_two_duals_see_the_closed_one_below():
    """0 on −1 < x < 1 and 1 at the ends: its dual is that of the function with 0 at the ends."""
    s = np.linspace(-50, 50, 1001)
    inside = np.linspace(-1, 1, 20_003)[1:-1]
    dual = np.maximum(np.outer(s, inside).max(axis=1), np.abs(s) - 1)
    assert dual == pytest.approx(np.abs(s), rel=2e-4)
    assert (s - np.abs(s)).max() == 0  # f**(1), where f is 1


@pytest.mark.statement("thm-tool-biconjugate")
@given(all_names, parameters, seeds)
def test_the_gradient_of_the_dual_inverts_the_gradient(name, parameter, seed):
    K, x = make(name, parameter), points(seed, 20, spread=0.6)
    s = K.gradient(x)
    if name == "clipping":  # beyond the threshold the slope c belongs to many points
        x = x * np.minimum(1, parameter / norm(x))[:, None, None] * 0.99
        s = K.gradient(x)
    assert norm(K.gradient_of_conjugate(s) - x).max() <= 1e-5 * norm(x).max()


@pytest.mark.statement("prop-tool-pairs")
@given(
    st.sampled_from([-1.02, -0.95, 0.0, 0.31, 1.02]) | st.floats(-1.3, 1.3),
    st.sampled_from([0.3, 1.0, 2.0]),
    powers,
)
def test_the_table_of_pairs(s, eps, p):
    q, r = p / (p - 1), abs(s)
    inside = r < 0.97  # nearer to the edge the largest gap is too far out for the search
    rows = [
        (lambda x: x**2 / 2, s**2 / 2, True, 10.0),
        (lambda x: np.abs(x) ** p / p, r**q / q, True, 10.0),
        (np.abs, 0.0, r <= 1, 10.0),
        (profile(GradientClipping(eps)), s**2 / 2, r <= eps, 10.0),
        (profile(NormalizedGD(eps)), eps * (1 - np.sqrt(max(0.0, 1 - s**2))), inside, 20.0),
        (profile(SoftClipping(eps)), -eps * (np.log1p(-min(r, 0.97)) + r), inside, 100.0),
    ]
    for f, stated, finite, reach in rows:
        if finite:
            assert brute_dual(f, s, reach) == pytest.approx(stated, rel=1e-7, abs=1e-9)
    edges = (1.0, eps, 1.0, 1.0)
    for f, edge in zip([np.abs, *(row[0] for row in rows[3:])], edges, strict=True):
        slope = 1.1 * edge
        assert brute_dual(f, slope, 1e5) > 5 * brute_dual(f, slope, 1e4) > 0


@pytest.mark.statement("prop-tool-pairs")
@given(seeds, st.sampled_from([0.3, 1.0, 2.0]), powers)
def test_the_table_of_preconditioners(seed, eps, p):
    """Each is a row of the table of pairs, applied to the norm or to the entries."""
    G = points(seed)

    def huber(x):
        return np.where(np.abs(x) <= eps, x**2 / 2, eps * np.abs(x) - eps**2 / 2)

    def a(x):
        return np.sqrt(x**2 + eps**2) - eps

    def b(x):
        return np.abs(x) - eps * np.log(1 + np.abs(x) / eps)

    for K, stated in (
        (GradientClipping(eps), huber(norm(G))),
        (NormalizedGD(eps), a(norm(G))),
        (SoftClipping(eps), b(norm(G))),
        (SmoothedSign(eps), a(G).sum()),
        (Adam(eps), b(G).sum()),
        (PNorm(p), (np.abs(G) ** p).sum() / p),
    ):
        assert K.value(G) == pytest.approx(float(stated), rel=1e-9, abs=1e-13)


@pytest.mark.statement("prop-tool-pairs")
def test_at_the_edge_one_dual_is_finite_and_one_is_not():
    for eps in (0.3, 2.0):
        assert NormalizedGD(eps).conjugate([[1.0]]) == pytest.approx(eps)
        assert brute_dual(profile(NormalizedGD(eps)), 1.0, 1e6) == pytest.approx(eps, rel=1e-5)
        assert np.isinf(SoftClipping(eps).conjugate([[1.0]]))
        assert brute_dual(profile(SoftClipping(eps)), 1.0, 1e6) > 10 * eps


@pytest.mark.statement("prop-tool-pairs")
@given(st.floats(-0.9, 0.9), st.floats(0.2, 5.0), st.floats(-2, 2), st.floats(-2, 2))
def test_rules_of_scale_and_translation(s, a, z, r):
    K = NormalizedGD(1.0)
    f, dual = profile(K), lambda t: float(K.conjugate([[t]]))
    reach = 40.0
    cases = [
        (lambda x: a * f(x), a * s, a * dual(s)),
        (lambda x: f(a * x), a * s, dual(s)),
        (lambda x: f(x - z), s, dual(s) + s * z),
        (lambda x: f(x) + r * x + 0.7, s + r, dual(s) - 0.7),
    ]
    for g, slope, stated in cases:
        assert brute_dual(g, slope, reach) == pytest.approx(stated, rel=1e-6, abs=1e-7)


@pytest.mark.statement("prop-tool-pairs")
@given(seeds, powers, st.sampled_from([1.0, 2.0]))
def test_isotropic_separable_and_quadratic(seed, p, eps):
    rng = np.random.default_rng(seed)
    S = rng.standard_normal((3, 2))
    q, size = p / (p - 1), np.abs(S)
    # the dual norm of ‖·‖_p is ‖·‖_q: no point of the unit ball does better, one attains it
    ball = rng.standard_normal((2000, 3, 2))
    ball /= (np.abs(ball) ** p).sum(axis=(1, 2), keepdims=True) ** (1 / p)
    dual_norm = (size**q).sum() ** (1 / q)
    best = np.sign(S) * size ** (q - 1) / dual_norm ** (q - 1)
    assert inner(ball, S).max() <= dual_norm * (1 + 1e-12)
    assert (np.abs(best) ** p).sum() == pytest.approx(1) and inner(best, S) == pytest.approx(
        dual_norm
    )

    # rule 4 for this norm: ½‖·‖_p² and ½‖·‖_q²
    def half_square(x):
        return 0.5 * (np.abs(x) ** p).sum(axis=(-2, -1)) ** (2 / p)

    maximiser = dual_norm ** (2 - q) * np.sign(S) * size ** (q - 1)
    stated = 0.5 * dual_norm**2
    assert inner(S, maximiser) - half_square(maximiser) == pytest.approx(stated)
    reach = 10.0 ** rng.uniform(-2, 1, (2000, 1, 1))
    for others in (reach * dual_norm * ball, maximiser + 0.1 * reach * ball):
        assert (inner(S, others) - half_square(others) <= stated * (1 + 1e-12)).all()
    inside = 0.9 * S / norm(S)
    radial = float(NormalizedGD(eps).conjugate([[norm(inside)]]))
    assert NormalizedGD(eps).conjugate(inside) == pytest.approx(radial)
    entries = sum(float(Adam(eps).conjugate([[s]])) for s in inside.ravel())
    assert Adam(eps).conjugate(inside) == pytest.approx(entries)
    for K in (NormalizedGD(eps), SmoothedSign(eps), SoftClipping(eps), PNorm(p)):
        found = minimize(
            lambda v, K=K: float(K.value(v.reshape(3, 2))) - v @ inside.ravel(),
            0.1 * np.ones(6),
            jac=lambda v, K=K: (K.gradient(v.reshape(3, 2)) - inside).ravel(),
            method="BFGS",
        )
        assert -found.fun <= K.conjugate(inside) * (1 + 1e-9) + 1e-12
        assert -found.fun == pytest.approx(float(K.conjugate(inside)), rel=2e-3)
    f, x = Quadratic(seed), rng.standard_normal((500, 3, 2))
    stated = 0.5 * inner(S, f.inverse @ S)
    assert (inner(S, x) - f.value(x) <= stated + 1e-12).all()
    assert inner(S, f.inverse @ S) - f.value(f.inverse @ S) == pytest.approx(stated)


# ------------------------------------------------------------------- curvature under the dual


@pytest.mark.statement("thm-tool-strong-smooth")
@given(names, parameters, seeds)
def test_the_dual_of_a_smooth_function_is_strongly_convex(name, parameter, seed):
    K, (x, y) = make(name, parameter), points(seed, 2, 50, spread=0.6)
    s, r = K.gradient(x), K.gradient(y)
    x, y = K.gradient_of_conjugate(s), K.gradient_of_conjugate(r)
    slack = 1e-6 * norm(x - y) * norm(s - r)
    assert (inner(x - y, s - r) >= norm(s - r) ** 2 / K.smoothness - slack).all()
    # convexity of K* − ‖·‖²/(2β), also where K* has no gradient
    t = np.random.default_rng(seed).random(50)
    mix = (1 - t)[:, None, None] * s + t[:, None, None] * r
    bend = t * (1 - t) * norm(s - r) ** 2 / (2 * K.smoothness)
    ends = (1 - t) * K.conjugate(s) + t * K.conjugate(r)
    assert (K.conjugate(mix) <= ends - bend + 1e-9 * (1 + ends)).all()


@pytest.mark.statement("thm-tool-strong-smooth")
@given(st.floats(0.05, 2.0), st.sampled_from([0.3, 1.0, 2.0]))
def test_second_derivatives_at_matching_points_are_reciprocal(x, eps):
    for K in (NormalizedGD(eps), SoftClipping(eps), PNorm(3.0)):
        s, h = float(K.gradient([[x]])[0, 0]), 1e-5

        def bend(slope, at, h=h):
            return float((slope([[at + h]]) - slope([[at - h]]))[0, 0]) / (2 * h)

        reach = min(h, 1e-3 * (1 - s)) if not isinstance(K, PNorm) else h * s
        product = bend(K.gradient, x) * bend(K.gradient_of_conjugate, s, reach)
        assert product == pytest.approx(1, rel=1e-4)


class Cornered:
    """½αx² + |x| and its dual: strongly convex with a corner; its dual is flat, then a parabola."""

    def __init__(self, alpha):
        self.alpha = alpha

    def value(self, x):
        return 0.5 * self.alpha * x**2 + np.abs(x)

    def maximiser(self, s):
        return np.sign(s) * np.maximum(np.abs(s) - 1, 0) / self.alpha


@pytest.mark.statement("thm-tool-strong-smooth")
@given(st.sampled_from([0.2, 1.0, 7.0]), seeds)
def test_the_dual_of_a_strongly_convex_function_is_smooth_and_its_gradient_the_maximiser(a, seed):
    f, rng = Cornered(a), np.random.default_rng(seed)
    s, r = 3 * rng.standard_normal((2, 200))

    def dual(s):
        x = f.maximiser(s)
        return s * x - f.value(x)

    for x in 5 * rng.standard_normal((20, 1)):
        assert (s * x - f.value(x) <= dual(s) + 1e-12).all()  # it is the maximiser
    gap_above = dual(r) - dual(s) - f.maximiser(s) * (r - s)
    assert (gap_above >= -1e-12 / a).all()
    assert (gap_above <= (r - s) ** 2 / (2 * a) + 1e-12 / a).all()
    assert (np.abs(f.maximiser(s) - f.maximiser(r)) <= np.abs(s - r) / a * (1 + 1e-12)).all()


@pytest.mark.statement("thm-tool-strong-smooth")
def test_without_strong_convexity_the_dual_is_not_smooth():
    power = PNorm(4.0)  # strictly convex
    stretch = [float(power.gradient_of_conjugate([[s]])[0, 0] / s) for s in (1e-2, 1e-4, 1e-6)]
    assert stretch[0] < stretch[1] / 10 < stretch[2] / 100
    assert np.isinf(GradientClipping(1.0).conjugate([[1.1]]))


# -------------------------------------------------------------------------------- constraints


@pytest.mark.statement("prop-tool-kkt")
@given(seeds, powers, st.sampled_from([1, 3]))
def test_a_multiplier_makes_a_minimum(seed, p, k):
    rng = np.random.default_rng(seed)
    n, d = 4, 9
    X, A, W0 = (rng.standard_normal(shape) for shape in ((n, d), (n, k), (d, k)))
    f, power = (lambda W: (np.abs(W - W0) ** p).sum(axis=(-2, -1)) / p), PNorm(p)
    W = W0 + power.gradient_of_conjugate(X.T @ A / norm(X.T @ A))
    Z = rng.standard_normal((500, d, k)) * 10.0 ** rng.uniform(-4, 1, (500, 1, 1))
    Z -= np.linalg.pinv(X) @ (X @ Z)
    assert (f(W + Z) >= f(W) * (1 - 1e-12)).all()


@pytest.mark.statement("prop-tool-kkt")
@given(seeds, st.sampled_from([1, 3]))
def test_a_minimum_has_a_multiplier(seed, k):
    """Minimise over the null space and look at the gradient there."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    target = rng.standard_normal((problem.d, k))
    start = problem.project(0 * target)
    basis = np.linalg.svd(problem.X)[2][problem.n :].T

    def at(z):
        return start + basis @ z.reshape(-1, k)

    def f(W):
        return 0.5 * norm(W - target) ** 2 + np.log(np.cosh(W)).sum()

    def slope(W):
        return W - target + np.tanh(W)

    found = minimize(
        lambda z: f(at(z)),
        np.zeros(basis.shape[1] * k),
        jac=lambda z: (basis.T @ slope(at(z))).ravel(),
        method="BFGS",
        options={"gtol": 1e-9},
    )
    W = at(found.x)
    A = np.linalg.lstsq(problem.X.T, slope(W), rcond=None)[0]
    assert norm(problem.X @ W - problem.Y) <= 1e-8 * (1 + norm(problem.Y) + norm(W))
    assert norm(problem.X.T @ A - slope(W)) <= 1e-5 * (1 + norm(slope(W)))


@pytest.mark.statement("prop-tool-kkt")
@given(seeds, powers, k_values)
def test_without_a_multiplier_there_is_no_minimum(seed, p, k):
    """A gradient whose part in the null space is 5 % of it: a small step back is an improvement."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    V = problem.X.T @ rng.standard_normal((problem.n, k))
    Z = rng.standard_normal(V.shape)
    Z -= np.linalg.pinv(problem.X) @ (problem.X @ Z)
    V = V / norm(V) + 0.05 * Z / norm(Z)
    f, move = PNorm(p), PNorm(p).gradient_of_conjugate(V)
    steps = 10.0 ** -np.arange(1, 8)[:, None, None] * Z / norm(Z)
    assert f.value(move - steps).min() < f.value(move)


@pytest.mark.statement("prop-tool-kkt")
def test_for_two_wells_a_multiplier_is_not_enough():
    f, X = TwoWells(), np.array([[1.0, 0.0]])
    W, other = np.zeros((2, 1)), np.array([[0.0], [1.0]])
    assert (X @ W == X @ other).all() and not f.gradient(W[1:]).any()
    assert f.value(other[1:]) < f.value(W[1:])


@pytest.mark.statement("prop-tool-kkt")
@given(seeds)
def test_the_weighted_projection_of_the_exercise(seed):
    """W_0 + C⁻¹XᵀA with XC⁻¹XᵀA = Y − XW_0: it interpolates and nothing else is as near."""
    problem, rng = random_problem(seed, 1, LOSSES["squared"])
    W0, c = rng.standard_normal((problem.d, 1)), np.exp(rng.standard_normal((problem.d, 1)))
    A = np.linalg.solve(problem.X @ (problem.X.T / c), -problem.residual(W0))
    move = problem.X.T @ A / c
    assert norm(problem.residual(W0 + move)) <= 1e-9 * (1 + norm(problem.Y) + norm(W0))
    Z = rng.standard_normal((200, problem.d, 1)) * 10.0 ** rng.uniform(-2, 1, (200, 1, 1))
    Z -= np.linalg.pinv(problem.X) @ (problem.X @ Z)
    assert ((c * (move + Z) ** 2).sum(axis=(1, 2)) > (c * move**2).sum()).all()


@pytest.mark.statement("prop-tool-kkt")
@given(seeds)
def test_the_projection_is_the_case_of_the_squared_distance(seed):
    problem, rng = random_problem(seed, 2, LOSSES["squared"])
    W0 = rng.standard_normal((problem.d, 2))
    move = min_norm(problem, W0, 2) - W0
    A = np.linalg.lstsq(problem.X.T, move, rcond=None)[0]
    assert norm(problem.X.T @ A - move) <= 1e-9 * (1 + norm(move))


# ------------------------------------------------------------------------- the dual of a loss


@pytest.mark.statement("prop-tool-loss-dual")
@given(seeds, st.sampled_from([1, 3]))
def test_the_dual_of_the_loss_on_the_row_space(seed, k):
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    U = rng.standard_normal((problem.n, k))
    stated = 0.5 * norm(U) ** 2 + inner(U, problem.Y)
    W = problem.project(0 * problem.X.T @ U) + np.linalg.pinv(problem.X) @ U  # residual U
    size = norm(U) ** 2 + norm(U) * norm(problem.Y) + norm(W) ** 2 * problem.M
    assert abs(inner(problem.X.T @ U, W) - problem.loss_value(W) - stated) <= 1e-8 * size
    others = W + rng.standard_normal((300, problem.d, k)) * 10.0 ** rng.uniform(-3, 3, (300, 1, 1))
    gaps = inner(problem.X.T @ U, others) - problem.loss_value(others)
    assert (gaps <= stated + 1e-8 * (size + problem.loss_value(others))).all()


@pytest.mark.statement("prop-tool-loss-dual")
@given(seeds, losses, st.sampled_from([1, 3]))
def test_no_other_weights_exceed_the_dual_of_any_loss(seed, loss, k):
    """The supremum over W for G = XᵀU, U = ∇ℓ(R), against points near and far from it."""
    problem, rng = random_problem(seed, k, loss)
    R = rng.standard_normal((problem.n, k))
    U = problem.loss.gradient(R)
    stated = inner(U, R) - problem.loss.value(R) + inner(U, problem.Y)  # ℓ*(U) + ⟨U, Y⟩
    for other in R + rng.standard_normal((50, problem.n, k)):  # it is the dual of ℓ at U
        assert inner(U, other) - problem.loss.value(other) <= inner(U, R) - problem.loss.value(R)
    W = np.linalg.pinv(problem.X) @ (R + problem.Y)
    G = problem.X.T @ U
    size = 1 + norm(G) * norm(W) + problem.loss.value(R) + norm(U) * norm(problem.Y)
    assert abs(inner(G, W) - problem.loss_value(W) - stated) <= 1e-8 * size
    others = W + rng.standard_normal((300, problem.d, k)) * 10.0 ** rng.uniform(-3, 2, (300, 1, 1))
    values = inner(G, others) - problem.loss_value(others)
    assert (values <= stated + 1e-8 * (size + problem.loss_value(others))).all()


@pytest.mark.statement("prop-tool-loss-dual")
@given(seeds, losses, st.sampled_from([1, 3]))
def test_weights_are_subgradients_at_their_gradient(seed, loss, k):
    problem, rng = random_problem(seed, k, loss)
    W, other = rng.standard_normal((2, problem.d, k))
    Z = rng.standard_normal(W.shape)
    Z -= np.linalg.pinv(problem.X) @ (problem.X @ Z)
    V = problem.gradient(W)
    here = inner(V, W) - problem.loss_value(W)  # Fenchel–Young with equality
    for place in (other, W + 1e-3 * other, W - 1e-3 * other):
        there = inner(problem.gradient(place), place) - problem.loss_value(place)
        change = problem.gradient(place) - V
        for point in (W, W + Z):
            slack = 1e-9 * (abs(here) + abs(there) + norm(point) * norm(change))
            assert there >= here + inner(point, change) - slack
    U = problem.loss.gradient(problem.residual(W))
    dual_entries = inner(U, problem.residual(W)) - problem.loss.value(problem.residual(W))
    assert here == pytest.approx(float(dual_entries + inner(U, problem.Y)), rel=1e-8, abs=1e-8)
    for t in (1e4, 1e6):  # off the row space by Z: the gap along Z has no bound
        far = W + t * Z
        value = inner(V + Z, far) - problem.loss_value(far)
        assert value >= 0.5 * t * norm(Z) ** 2 or norm(Z) < 0.05


@pytest.mark.statement("prop-tool-loss-dual")
@given(seeds, st.sampled_from([0.1, 1.0]))
def test_weight_decay_turns_the_wall_into_a_parabola(seed, lam):
    """The exercise on weight decay: both sides for the squared loss, k = 1."""
    problem, rng = random_problem(seed, 1, LOSSES["squared"])
    G, X, Y = rng.standard_normal((problem.d, 1)), problem.X, problem.Y
    W = np.linalg.solve(X.T @ X + lam * np.eye(problem.d), G + X.T @ Y)
    left = inner(G, W) - problem.loss_value(W) - lam / 2 * norm(W) ** 2
    U = np.linalg.solve(np.eye(problem.n) + X @ X.T / lam, X @ G / lam - Y)
    right = norm(U) ** 2 / 2 + inner(U, Y) + norm(G - X.T @ U) ** 2 / (2 * lam)
    assert left == pytest.approx(float(right), rel=1e-7, abs=1e-7)


# ------------------------------------------------------------------ a step among the slopes


def decrease(problem, K, W, eta):
    """K before and after a step, and D_L(W⁺, W), for stacks of weights W."""
    V = problem.gradient(W)
    step = -eta * K.gradient(V)
    R, H = problem.residual(W), problem.X @ step
    fall = problem.loss.divergence_from(R, H)
    return K.value(V), K.value(problem.gradient(W + step)), fall


@pytest.mark.statement("prop-tool-step")
@example(name="clipping", parameter=5.0, seed=0, loss=LOSSES["squared"], k=1, part=1.0)
@given(names, parameters, seeds, losses, k_values, up_to(1.0))
def test_the_potential_falls_at_least_as_far_as_the_ceiling(name, parameter, seed, loss, k, part):
    K = make(name, parameter)
    problem, rng = random_problem(seed, k, loss)
    W = on_axes(problem, rng, 1.0)
    eta = part / (K.smoothness * problem.M)
    before, after, fall = decrease(problem, K, W, eta)
    rounding = 1e-9 * before + 1e-24 * (1 + norm(problem.Y) ** 2) / K.smoothness
    assert (eta * after <= eta * before - fall + eta * rounding).all()


@pytest.mark.statement("prop-tool-step")
@given(seeds, st.floats(0.3, 3.0))
def test_the_ceiling_is_met_and_at_twice_the_guarantee_and_more_the_potential_may_rise(seed, size):
    """For half the squared norm and one example with the squared loss K can fall no less."""
    problem = Problem(size * np.array([[0.6, 0.8]]), np.array([[1.0]]))
    W = np.random.default_rng(seed).standard_normal((10, 2, 1))
    K = GradientDescent()
    before, after, fall = decrease(problem, K, W, 1 / problem.M)
    assert after == pytest.approx(0, abs=1e-12 * before.max())
    assert fall == pytest.approx(before / problem.M, rel=1e-9)
    before, after, _ = decrease(problem, K, W, 2.1 / problem.M)
    assert (after > 1.05 * before).all()


@pytest.mark.statement("prop-tool-step")
@given(st.floats(-3, 3), up_to(1.0))
def test_the_ceiling_lies_above_and_is_least_where_the_step_leads(w, share):
    assume(abs(w) > 1e-3)
    at = figures.ceiling(w, share)
    K = NormalizedGD(1.0).value(at["v"][:, None, None])
    assert (at["height"] >= K - 1e-9).all()
    near = np.abs(at["v"] - at["after"])
    lowest = at["v"][np.argmin(at["height"])]
    assert abs(lowest - at["after"]) <= 2 * np.sort(near)[0] + 0.11
    assert at["then"] <= at["before"]


def test_four_times_the_guarantee_lets_the_potential_rise_in_the_picture():
    w, share = figures.CEILINGS["η = 4/(βM)"]
    at = figures.ceiling(w, share)
    assert share == 4 and at["then"] > at["before"]
    K = NormalizedGD(1.0).value(at["v"][:, None, None])
    assert (at["height"] < K - 0.01).any()


# ------------------------------------------------------------------------- figures, exercises


def test_the_lines_never_exceed_the_function_and_close_in_on_it_if_it_is_convex():
    for name in figures.STEEPEST:
        f, worst = figures.FUNCTIONS[name], []
        for count in (5, 9, 17, 33, 65):
            lines, highest, most, _ = figures.shortfall(name, count)
            assert len(lines) == count
            assert (highest <= f.value(figures.TANGENT_X[:, None, None]) + 1e-12).all()
            worst.append(most)
        if name == "two wells":
            assert worst[1:] == pytest.approx([0.25] * 4) and worst[0] >= 0.25
        else:
            assert all(b < a / 2 for a, b in pairwise(worst))


@given(st.sampled_from(figures.PLACES), st.sampled_from(figures.SHARES))
def test_the_two_parabolas_say_of_a_step_what_is_true(x, share):
    f, (alpha, beta) = figures.between, (figures.ALPHA, figures.BETA)
    y = np.linspace(-6, 6, 1201)
    bend = np.diff(f(y), 2) / (y[1] - y[0]) ** 2
    assert (bend > alpha).all() and (bend < beta).all()
    at = figures.promise(x, share)
    assert at["slope"] == pytest.approx((f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rel=1e-6)
    assert at["there"] <= at["upper"] + 1e-12
    assert at["upper"] == pytest.approx(
        at["here"] + at["slope"] * (at["to"] - x) + beta / 2 * (at["to"] - x) ** 2
    )
    assert (at["upper"] < at["here"]) == (share < 2)
    assert at["bottom"] < 0 and abs(at["far"] - x) > abs(x) > abs(at["slope"]) / beta


def test_a_run_off_the_floor_arrives_and_its_gradients_stay_in_the_row_space():
    problem = Problem.gaussian(n=20, d=60, k=1, seed=0)
    W0 = 0.1 * np.random.default_rng(1).standard_normal((60, 1))

    def off(A):
        return norm(A - np.linalg.pinv(problem.X) @ (problem.X @ A)) / norm(A)

    run = dspgd(problem, Adam(0.1), W0, 0.05 / problem.M, record=("W", "gradient"))
    step = run.history["W"][1] - W0
    assert round(np.degrees(np.arcsin(off(step)))) == 29  # the page says so
    assert off(run.history["gradient"][0]) < 1e-12
    assert problem.loss_value(run.W) < 1e-20 and norm(run.W - problem.project(W0)) > 0.2


@pytest.mark.statement("prop-tool-pl")
def test_gradient_and_loss_of_the_picture_lie_between_the_lines_on_any_road():
    problem = Problem.gaussian(n=20, d=60, k=1, seed=0)
    for losses, squares in figures.gradients_and_losses().values():
        assert len(losses) >= 50
        assert (squares >= 2 * problem.mu * losses * (1 - 1e-9)).all()
        assert (squares <= 2 * problem.M * losses * (1 + 1e-9)).all()
        late = losses < 1e-3
        assert (squares[late] <= 2 * 1.5 * problem.mu * losses[late]).all()


@pytest.mark.statement("prop-tool-step")
@pytest.mark.parametrize("K", [Adam(0.1), SmoothedSign(0.1)])
def test_two_runs_of_the_page_stay_close_below_what_the_step_allows(K):
    problem = Problem.gaussian(n=20, d=60, k=1, seed=0)
    W0 = 0.1 * np.random.default_rng(1).standard_normal((60, 1))
    eta = 1 / (K.smoothness * problem.M)
    run = dspgd(problem, K, W0, eta, tol=1e-5, record=("W", "gradient"))
    W, V = run.history["W"], run.history["gradient"]
    allowed = K.value(V[:-1]) - norm(problem.X @ np.diff(W, axis=0)) ** 2 / 2 / eta
    share = K.value(V[1:]) / allowed
    assert 0.89 < share.min() and share.max() < 1 and share[0] > 0.99


def test_the_gradient_of_the_picture_has_no_part_along_the_line_at_its_end():
    end = figures.end_of_line()
    assert abs(figures.split_gradient(end)[1]) < 1e-12
    assert abs(figures.split_gradient(0.55)[1]) > 1


def test_a_short_slope_may_be_far_from_the_minimum_and_high_above_it():
    f = GradientClipping(1e-6)
    for x, least in ((1.0, 0.9e-6), (1e8, 99.9)):
        assert norm(f.gradient([[x]])) == pytest.approx(1e-6) and f.value([[x]]) >= least


def test_the_keyboard_exercise_is_failed_by_its_starting_code_and_passed_by_the_solution():
    grid = np.linspace(-60, 60, 240_001)
    choices = [GradientClipping(2.0), NormalizedGD(1.0), Adam(0.5)]

    def compare(answer):
        return check.same(
            lambda K, s: answer(lambda x: K.value(x[:, None, None]), s),
            lambda K, s: K.conjugate([[s]]),
            choices,
            check.positive(0.01, 0.95),
            trials=40,
            atol=1e-5,
        )

    assert not compare(lambda f, s: 0.0)
    assert not compare(lambda f, s: np.max(f(grid) - s * grid))
    assert compare(lambda f, s: np.max(s * grid - f(grid)))


def test_two_duals_by_machine_lose_a_quarter_of_the_two_wells():
    def my_dual(f, s, grid):
        return np.max(s * grid - f(grid))

    def wells(x):
        return (x**2 - 1) ** 2 / 4

    points_, slopes = np.linspace(-60, 60, 24_001), np.linspace(-3, 3, 301)
    first = np.array([my_dual(wells, s, points_) for s in slopes])
    x = np.linspace(-1.6, 1.6, 161)
    lost = wells(x) - np.array([my_dual(lambda s: first, at, slopes) for at in x])
    assert (lost >= -1e-12).all() and lost.max() == pytest.approx(0.25)
    assert abs(x[np.argmax(lost)]) < 1e-12


def test_a_loss_of_both_bounds_for_more_examples_than_weights():
    """The problem of the chapter's check: curvature exactly between μ and M."""
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((30, 10)), rng.standard_normal((10, 1))
    f = Problem(X, X @ W, LogCoshLoss(), strict=False)
    x, y = rng.standard_normal((2, 200, 10, 1))
    change = f.gradient(x) - f.gradient(y)
    assert (inner(change, x - y) >= f.mu * norm(x - y) ** 2).all()
    assert (norm(change) <= f.M * norm(x - y)).all()
