"""The statements of the chapter on dual space preconditioning, and what its figures claim."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from profiles import examples
from strategies import (
    ALL,
    ISOTROPIC,
    LEFT_INVARIANT,
    LOSSES,
    PRECONDITIONERS,
    SEPARABLE,
    Bent,
    Quadratic,
    along_axes,
    drawn_losses,
    drawn_outputs,
    inner,
    norm,
    points,
    random_problem,
    seeds,
    start_at_radius,
    typical_parameter,
    up_to,
)

import dspgd_lib
from dspgd_lib import (
    Adam,
    Cosh,
    GradientClipping,
    GradientDescent,
    LogCoshLoss,
    NormalizedGD,
    PNorm,
    Problem,
    SmoothedSign,
    SoftClipping,
    Spectral,
    dspgd,
    sweep,
)
from dspgd_lib.figures import dual_preconditioning as figures

names = st.sampled_from(sorted(ALL))
smooth_names = st.sampled_from(sorted(PRECONDITIONERS))
parameters = st.sampled_from([0.1, 1.0, 5.0])
bounded = st.sampled_from([Quadratic, Bent])
PROFILES = [Adam, SmoothedSign, lambda eps: PNorm(2.5), lambda eps: PNorm(1.5), lambda eps: Cosh()]


def matrices(seed, k, count=40, d=4):
    """Gradients of shape (count, d, k) whose sizes and entries vary over two decades."""
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((count, d, k)) * 10.0 ** rng.uniform(-1, 0.5, (count, d, k))
    return G * 10.0 ** rng.uniform(-1, 0.5, (count, 1, 1))


def turn(seed, d=4):
    """A random orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def off_the_columns(S, G):
    """How far the columns of S are from the column space of G."""
    return norm(S - G @ np.linalg.lstsq(G, S, rcond=None)[0])


# ----------------------------------------------------------------------------- definite


@pytest.mark.statement("lem-dual-definite")
@given(names, drawn_outputs, seeds, parameters)
def test_a_definite_potential_grows_at_least_linearly(name, k, seed, parameter):
    """K(G) ≥ c‖G‖ from the unit sphere on; and what is small for K is small."""
    K, G = ALL[name](parameter), matrices(seed, k)
    unit = G / norm(G)[:, None, None]
    c = K.value(unit)
    for far in (1.0, 1.05, 3.0, 30.0):
        assert (K.value(far * unit) >= far * c * (1 - 1e-12)).all()
    assert (c > 0).all()
    for level in (1e-2, 1e-4, 1e-8):
        t = 10.0 ** np.linspace(-7, 0, 57)  # K(tG) ≤ level only for t with tG short
        small = K.value(t[:, None, None, None] * unit) <= level * c
        longest = t[[np.max(np.flatnonzero(row)) for row in small.T]]
        assert (longest < 1).all() and (level > 1e-8 or (longest < 0.01).all())


@pytest.mark.statement("lem-dual-definite")
def test_the_growth_of_a_clipped_potential_is_all_that_is_promised():
    """Clipping at a small c attains the bound; 5 % more would be too much."""
    K, unit = GradientClipping(1e-4), np.array([[0.6], [0.8]])
    c = K.value(unit)
    assert 100 * c <= K.value(100 * unit) < 1.05 * 100 * c


@pytest.mark.statement("lem-dual-definite")
def test_without_convexity_or_definiteness_a_small_value_says_nothing():
    t = np.array([1.0, 10.0, 100.0, 1e3])
    hollow = t**2 / (1 + t**4)  # positive except at 0, and not convex
    assert hollow[-1] < 1e-5
    dead = 0.5 * np.maximum(np.abs(t) - 2000, 0) ** 2  # convex, and 0 up to a threshold
    assert not dead.any()


@pytest.mark.statement("lem-dual-definite")
@given(seeds, st.floats(0.01, 2.0))
@settings(max_examples=examples(10))
def test_with_a_dead_zone_the_run_halts_before_the_fit(seed, c):
    """Not definite: h′(s) = max(s − c, 0) stops as soon as the largest entry of V is c."""
    x = np.random.default_rng(seed).standard_normal(3)
    x /= np.abs(x).max()

    class Dead:
        def value(self, G):
            return 0.5 * np.sum(np.maximum(np.abs(G) - c, 0) ** 2, axis=(-2, -1))

        def gradient(self, G):
            return np.sign(G) * np.maximum(np.abs(G) - c, 0)

    problem = Problem([x], [0.0])
    W0 = (3 + c) * x[:, None] / (x @ x)
    run = dspgd(problem, Dead(), W0, 0.5 / problem.M, tol=0, max_steps=300, record=("loss",))
    assert run.history["loss"][-1] == pytest.approx(c**2 / 2, rel=1e-6)
    x, R = np.array([3.0, 0.1]), c  # with more than 1/‖x‖² it may jump into the dead zone
    for _ in range(300):
        R -= 1.5 / (x @ x) * (Dead().gradient(R * x) @ x)
    assert R**2 / 2 < 1e-4 * c**2 / 18


# ------------------------------------------------------------------------------- three kinds


@pytest.mark.statement("prop-dual-kinds")
@given(names, drawn_outputs, seeds, parameters)
def test_isotropic_potentials_are_those_that_scale_the_gradient(name, k, seed, parameter):
    K, G = ALL[name](parameter), matrices(seed, k)
    S, Q = K.gradient(G), turn(seed, 4 * k)
    c = inner(S, G) / inner(G, G)
    parallel = (norm(S - c[:, None, None] * G) <= 1e-9 * norm(S)).all()
    turned = (G.reshape(-1, 4 * k) @ Q).reshape(G.shape)
    same = np.allclose(K.value(turned), K.value(G), rtol=1e-9, atol=0)
    isotropic = name in (LEFT_INVARIANT if k == 1 else ISOTROPIC)
    assert (c >= 0).all() and parallel == same == isotropic


@pytest.mark.statement("prop-dual-kinds")
def test_scaling_alone_is_not_isotropic_for_one_number_nor_grows_without_convexity():
    """dk ≥ 2 is needed: K = ½g² for g > 0 and g² for g < 0. Without convexity c may be negative."""
    g = np.array([-1.0, 1.0])
    slope, value = np.where(g > 0, g, 2 * g), np.where(g > 0, 0.5, 1.0) * g**2
    assert (slope * g >= 0).all() and value[0] != value[1]
    assert -np.sin(-4.0) * -4.0 > 0 > np.sin(4.0) * 4.0  # K = 1 − cos‖G‖: c = sin s/s


@pytest.mark.statement("prop-dual-kinds")
@pytest.mark.parametrize("name", sorted(LEFT_INVARIANT))
@given(drawn_outputs, seeds, parameters)
@settings(max_examples=examples(8))
def test_left_invariant_gradients_turn_along_and_stay_in_the_columns(name, k, seed, parameter):
    K, G, Q = LEFT_INVARIANT[name](parameter), matrices(seed, k, d=6), turn(seed, 6)
    S = K.gradient(G)
    assert np.allclose(K.value(Q @ G), K.value(G), rtol=1e-10, atol=0)
    assert (norm(K.gradient(Q @ G) - Q @ S) <= 1e-9 * norm(S)).all()
    for g, s in zip(G, S, strict=True):
        assert off_the_columns(s, g) <= 1e-8 * norm(s)
    if k == 1:
        assert (
            norm(S - inner(S, G)[:, None, None] / inner(G, G)[:, None, None] * G) <= 1e-9 * norm(S)
        ).all()


@pytest.mark.statement("prop-dual-kinds")
def test_what_is_not_left_invariant_leaves_the_columns_and_other_maps_are_not_followed():
    G = matrices(0, 2, d=6)
    for K in (Adam(0.3), SmoothedSign(0.3), PNorm(3.0)):
        S = K.gradient(G)
        assert min(off_the_columns(s, g) / norm(s) for g, s in zip(G, S, strict=True)) > 0.02
    K, skew = Spectral(SmoothedSign(0.3)), np.diag([1.0, 1, 1, 1, 1, 2])
    S = K.gradient(G)
    assert np.median(norm(K.gradient(skew @ G) - skew @ S) / norm(S)) > 0.05


@pytest.mark.statement("prop-dual-kinds")
@given(names, seeds, parameters)
def test_separable_potentials_are_those_that_treat_entries_one_by_one(name, seed, parameter):
    K, G = ALL[name](parameter), matrices(seed, 2)
    other = G.copy()
    other[:, 0, 0] = 1.7 * G[:, 0, 0] + 0.1 * parameter
    S, changed = K.gradient(G), K.gradient(other)
    changed[:, 0, 0] = S[:, 0, 0]
    alone = np.allclose(changed, S, rtol=1e-11, atol=0)
    one = np.einsum("bij,ijkl->bijkl", G, np.eye(8).reshape(4, 2, 4, 2)).reshape(-1, 8, 4, 2)
    added = np.sum([K.value(one[:, i]) for i in range(8)], axis=0)
    sums = np.allclose(added, K.value(G), rtol=1e-10, atol=0)
    assert alone == sums == (name in SEPARABLE or name == "gradient-descent")


# --------------------------------------------------------------------------- singular values


@pytest.mark.statement("prop-dual-spectral")
@pytest.mark.parametrize("base", PROFILES)
@given(st.sampled_from([(4, 1), (4, 4), (3, 5)]), seeds)
@settings(max_examples=examples(8))
def test_potentials_of_singular_values_and_their_duals(base, shape, seed):
    """Value, gradient and dual are those of h at the singular values, whatever these are."""
    h, K, rng = base(0.5), Spectral(base(0.5)), np.random.default_rng(seed)
    d, k = shape
    p = min(d, k)
    left, right = turn(seed, d)[:, :p], turn(seed + 1, k)[:, :p]
    for sizes in (rng.uniform(0.1, 3, p), np.full(p, 1.3), np.r_[np.zeros(p - 1), 2.0]):
        G = left * sizes @ right.T
        column = sizes[:, None]
        S = left * h.gradient(column)[:, 0] @ right.T
        assert K.value(G) == pytest.approx(float(h.value(column)), rel=1e-10)
        assert norm(K.gradient(G) - S) <= 1e-7 * norm(S)
        assert K.conjugate(S) == pytest.approx(float(h.conjugate(h.gradient(column))), rel=1e-7)
        assert K.value(G) + K.conjugate(S) == pytest.approx(inner(G, S), rel=1e-7)
        H = 1e-3 * rng.standard_normal(G.shape)
        rise = K.value(G + H) - K.value(G)
        assert rise >= inner(S, H) - 1e-9  # convex, with S as its slope
        assert rise <= inner(K.gradient(G + H), H) + 1e-9


@pytest.mark.statement("prop-dual-spectral")
@given(drawn_outputs, seeds, parameters)
def test_smoothness_is_that_of_the_profile(k, seed, eps):
    A, B = matrices(seed, k), matrices(seed + 1, k)
    for base in (SmoothedSign(eps), Adam(eps), PNorm(2.0)):
        K = Spectral(base)
        apart = norm(K.gradient(A) - K.gradient(B))
        assert (apart <= base.smoothness * norm(A - B) * (1 + 1e-9)).all()
        near = 1e-6 * eps * A[:1] / norm(A[:1])
        assert norm(K.gradient(near)) >= 0.99 * base.smoothness * norm(near)  # 5 % less fails


@pytest.mark.statement("prop-dual-spectral")
@given(seeds)
def test_a_kink_at_zero_or_a_profile_that_is_not_convex_breaks_it(seed):
    """h = |s| has no gradient where a singular value is 0; h = ½log(1 + s²) is not convex."""
    left, right = turn(seed), turn(seed + 1)
    flip = np.diag([1.0, 1.0, 1.0, -1.0])  # another decomposition of the same singular G
    assert norm(left @ right.T - left @ flip @ right.T) > 1.9
    middle, mean = np.log1p(4.0) / 2, (np.log1p(1.0) + np.log1p(9.0)) / 4
    assert middle == pytest.approx(0.8047, abs=5e-5) and mean == pytest.approx(0.7489, abs=5e-5)
    S, G = np.array([3 / 10, 1 / 2]), np.array([3.0, 1.0])
    assert S @ G == pytest.approx(1.4) and np.sort(S) @ np.sort(G) == pytest.approx(1.8)


@given(st.sampled_from([(4, 1), (5, 3), (3, 6)]), seeds, st.floats(1e-3, 10.0))
def test_shampoo_without_memory_is_smoothed_muon(shape, seed, delta):
    G = np.random.default_rng(seed).standard_normal(shape)
    muon = Spectral(SmoothedSign(np.sqrt(delta))).gradient(G)
    assert norm(figures.shampoo(G, delta) - muon) <= 1e-11 * norm(muon) * max(
        1, norm(G) ** 2 / delta
    )
    if delta > 0.1:
        assert norm(figures.shampoo(G, 1.05 * delta) - muon) > 1e-6 * norm(muon)


# ------------------------------------------------------------------------ in the family, or not


@pytest.mark.statement("prop-dual-test")
@pytest.mark.parametrize("name", sorted(PRECONDITIONERS))
@given(drawn_outputs, seeds)
@settings(max_examples=examples(4))
def test_jacobians_of_preconditioners_are_symmetric_and_positive(name, k, seed):
    K, G = PRECONDITIONERS[name](1.0), np.random.default_rng(seed).standard_normal((3, k))
    assume(name != "clipping" or abs(norm(G) - 1) > 0.01)
    J = figures.jacobian(K.gradient, G)
    assert norm(J - J.T) <= 1e-8 * norm(J)
    assert np.linalg.eigvalsh(J + J.T)[0] >= -1e-8


@pytest.mark.statement("prop-dual-test")
@pytest.mark.parametrize("name", sorted(ALL))
@given(drawn_outputs, seeds)
@settings(max_examples=examples(4))
def test_the_integral_along_the_ray_is_the_potential(name, k, seed):
    K, G = ALL[name](1.0), np.random.default_rng(seed).standard_normal((3, k))
    at, weights = np.polynomial.legendre.leggauss(200)
    t = (0.5 * (at + 1))[:, None, None]
    integral = 0.5 * weights @ inner(K.gradient(t * G), G)
    assert integral == pytest.approx(float(K.value(G)), rel=1e-4)


@pytest.mark.statement("prop-dual-test")
def test_a_rule_that_fails_one_check_is_no_preconditioner():
    """Symmetric alone: a potential that is not convex. Positive alone: a loop is left over."""
    angle = 2 * np.pi * np.arange(2000) / 2000
    G = np.stack([2 + np.cos(angle), 1 + np.sin(angle)], axis=1)
    step = (np.roll(G, -1, 0) - np.roll(G, 1, 0)) / 2
    skewed, falling = G @ np.array([[1.0, 0.5], [0.0, 1.0]]).T, G / (1 + (G * G).sum(1))[:, None]
    assert abs((skewed * step).sum()) == pytest.approx(np.pi / 2, rel=1e-4)  # the area, halved
    assert abs((falling * step).sum()) < 1e-6
    assert 0.5 * np.log1p(4) > (0.5 * np.log1p(1) + 0.5 * np.log1p(9)) / 2
    assert (1 + 0.0 * G != 0).all()  # F(G) = G + 1 has F(0) ≠ 0: its potential is not least at 0


def test_the_verdicts_of_the_figure():
    outside = {
        "G/(‖G‖² + ε²)": (True, False),
        "skewed matrix": (False, True),
        "Adafactor, no memory": (False, False),
        "rows, then columns": (False, False),
        "clipped, then Adam": (False, False),
        "Muon as it is run": (False, False),
    }
    for name in figures.RULES:
        assert figures.belongs(name) == outside.get(name, (True, True)), name
        asymmetry = figures.verdicts()[name][0]
        assert asymmetry.max() < 1e-9 or asymmetry.min() > 5e-3
    assert np.median(figures.verdicts()["Muon as it is run"][0]) == pytest.approx(0.26, abs=0.005)
    assert (figures.verdicts()["Muon as it is run"][1] < 0).all()


def test_five_steps_of_newton_and_schulz_bring_singular_values_near_one():
    s = np.linspace(0.05, 1, 20001)
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    assert 0.68 < s.min() < 0.70 and 1.12 < s.max() < 1.14


def test_what_a_loop_leaves_over():
    """The exercise: nothing for Adam, a number for "clip to 1, then Adam"."""

    def loop(rule, n):
        angle = 2 * np.pi * np.arange(n) / n
        G = np.stack([2 + np.cos(angle), 1 + np.sin(angle)], axis=1)
        S = np.array([rule(g) for g in G])
        return (S * (np.roll(G, -1, 0) - np.roll(G, 1, 0)) / 2).sum()

    def adam(g):
        return g / (np.abs(g) + 0.1)

    def clipped(g):
        return adam(g / max(1, np.linalg.norm(g)))

    assert abs(loop(adam, 1000)) < 1e-9
    assert loop(clipped, 1000) == pytest.approx(-0.1451, abs=1e-3)
    assert loop(clipped, 4000) == pytest.approx(-0.1451, abs=1e-4)


# --------------------------------------------------------------------------------- the sector


def allowed_map(g, v, m, beta):
    """The symmetric map of part (c), by a reflection."""
    u, eye = v - (m + beta) / 2 * g, np.eye(len(g))
    if norm(u) == 0:
        return (m + beta) / 2 * eye
    w = g / norm(g) - u / norm(u)
    H = eye if norm(w) < 1e-12 else eye - 2 * w @ w.T / (w * w).sum()
    return (m + beta) / 2 * eye + norm(u) / norm(g) * H


@pytest.mark.statement("prop-dual-sector")
@given(seeds, st.floats(0.01, 1.0), st.floats(1e-3, 0.99), st.floats(0.0, 1.5))
def test_three_ways_to_say_sector(seed, beta, share, other):
    rng, m = np.random.default_rng(seed), share * beta
    for radius in (0.0, 0.95, 0.9999, 1.0001, 1.05, other):
        g, direction = rng.standard_normal((2, 5, 1))
        v = (m + beta) / 2 * g + radius * (beta - m) / 2 * norm(g) * direction / norm(direction)
        assume(abs(radius - 1) > 1e-6)
        product = inner(v - m * g, beta * g - v)
        assert (product >= 0) == (radius < 1)
        eigenvalues = np.linalg.eigvalsh(A := allowed_map(g, v, m, beta))
        assert norm(A - A.T) <= 1e-12 and norm(A @ g - v) <= 1e-12 * norm(g)
        if radius < 1:
            assert m - 1e-12 <= eigenvalues[0] and eigenvalues[-1] <= beta + 1e-12
        else:  # and this map does not help out
            assert eigenvalues[0] < m or eigenvalues[-1] > beta


@pytest.mark.statement("prop-dual-sector")
@given(seeds, st.floats(0.01, 1.0), st.floats(1e-3, 0.9))
def test_every_symmetric_map_in_the_range_is_in_the_sector(seed, beta, share):
    """The last two vectors are the worst: on the rim of the ball, and there at the largest angle.

    With one eigenvalue 5 % beyond either end, its vector is no longer in the sector.
    """
    rng, m = np.random.default_rng(seed), share * beta
    axes = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    spectrum = np.r_[m, beta, rng.choice([m, beta, (m + beta) / 2, rng.uniform(m, beta)], 3)]
    A, ends = axes * spectrum @ axes.T, axes[:, :2, None].swapaxes(0, 1)
    worst = np.sqrt(beta) * ends[0] + np.sqrt(m) * ends[1]
    for g in (*rng.standard_normal((10, 5, 1)), ends[0] + ends[1], worst):
        v = A @ g
        assert inner(v - m * g, beta * g - v) >= -1e-12 * norm(g) ** 2
        centre = (m + beta) / 2 * g
        assert norm(v - centre) <= (beta - m) / 2 * norm(g) * (1 + 1e-12)
        cosine = inner(g, v) / (norm(g) * norm(v))
        assert cosine >= 2 * np.sqrt(m * beta) / (m + beta) - 1e-12
    for g, v in ((ends[0], 0.95 * m * ends[0]), (ends[1], 1.05 * beta * ends[1])):
        assert inner(v - m * g, beta * g - v) < 0


@pytest.mark.statement("prop-dual-sector")
@given(seeds, st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_the_centre_of_the_ball_and_a_ball_of_radius_nothing(seed, beta, share):
    """The cases u = 0 and m = β."""
    rng = np.random.default_rng(seed)
    g, direction = rng.standard_normal((2, 5, 1))
    for m in (share * beta, beta):
        v = (m + beta) / 2 * g  # u = 0
        A = allowed_map(g, v, m, beta)
        assert np.allclose(A, (m + beta) / 2 * np.eye(5), rtol=0, atol=1e-12)
        assert norm(A @ g - v) <= 1e-12 * norm(g)
        assert inner(v - m * g, beta * g - v) >= -1e-15 * norm(g) ** 2
        cosine = inner(g, v) / (norm(g) * norm(v))
        assert cosine >= 2 * np.sqrt(m * beta) / (m + beta) - 1e-12
    off = beta * g + 0.01 * norm(g) * direction / norm(direction)
    assert inner(off - beta * g, beta * g - off) < 0  # m = β allows v = βg only
    K = Quadratic(seed, beta, beta)  # and a K with both bounds equal gives that
    assert norm(K.gradient(g[:3]) - beta * g[:3]) <= 1e-12 * norm(g)


@pytest.mark.statement("prop-dual-sector")
@given(bounded, seeds)
def test_curvature_puts_the_gradient_in_the_sector(kind, seed):
    f = kind(seed)
    g = along_axes(f, seed)[0]
    v, (m, beta) = f.gradient(g), (f.alpha, f.beta)
    assert (inner(v - m * g, beta * g - v) >= -1e-12 * norm(g) ** 2).all()


@pytest.mark.statement("prop-dual-sector")
@given(seeds, parameters, st.sampled_from(["adam", "smoothed-sign"]))
def test_chords_do_better_than_curvature_and_no_m_does_better_still(seed, eps, name):
    K, g = PRECONDITIONERS[name](eps), points(seed, 50, spread=2)
    g[:10, 1:], g[:10, 0, 1] = 0, 0  # one entry: no chord is flatter than its own
    R = np.abs(g).max(axis=(1, 2))
    m = 1 / (R + eps) if name == "adam" else 1 / np.hypot(R, eps)
    beta, v = 1 / eps, K.gradient(g)
    left = inner(v, v) + m * beta * inner(g, g)
    assert (left <= (m + beta) * inner(v, g) * (1 + 1e-12)).all()
    one = np.zeros_like(g[0])
    one[0, 0] = R[0]
    step, larger = K.gradient(one), 1.001 * m[0]
    assume(R[0] > 0.1 * eps)
    assert inner(step - larger * one, beta * one - step) < 0
    curvature = eps / (R + eps) ** 2 if name == "adam" else eps**2 / np.hypot(R, eps) ** 3
    assert (curvature <= m).all()
    if name == "adam":
        assert np.allclose(curvature / beta, (m / beta) ** 2, rtol=1e-12, atol=0)


# ------------------------------------------------------------------------------- its own metric


def metric_at(K, V):
    """m, β and the map A of a vector in the sector, for k = 1."""
    m, beta = K.sector(K.radius(V))
    return m, beta, allowed_map(V, K.gradient(V), m, beta)


@pytest.mark.statement("prop-dual-metric")
@given(smooth_names, drawn_losses, seeds, st.floats(0.05, 2.0))
def test_a_step_is_least_in_its_own_metric(name, loss, seed, share):
    problem, rng = random_problem(seed, 1, loss)
    W = rng.standard_normal((problem.d, 1))
    V, K = problem.gradient(W), PRECONDITIONERS[name](typical_parameter(problem, W))
    m, beta, A = metric_at(K, V)
    assume(m > 1e-3 * beta)
    eta = share / (beta * problem.M)
    inverse, D = np.linalg.inv(A), -eta * K.gradient(V)

    def model(D):
        return inner(V, D) + inner(D, inverse @ D) / (2 * eta)

    others = D + rng.standard_normal((200, problem.d, 1)) * norm(D) * 10.0 ** rng.uniform(
        -4, 1, (200, 1, 1)
    )
    assert (model(others) >= model(D) - 1e-9 * abs(model(D))).all()
    values, axes = np.linalg.eigh(A)
    root = axes * np.sqrt(values) @ axes.T
    x, down = np.linalg.solve(root, W), root @ V  # ∇f(x) = A^{1/2}∇L(A^{1/2}x)
    assert norm(root @ (x - eta * down) - (W + D)) <= 1e-8 * (norm(W) + norm(D))
    others = x + rng.standard_normal((50, problem.d, 1))
    bent = norm(root @ (problem.gradient(root @ others) - V)) / norm(others - x)
    assert (bent <= beta * problem.M * (1 + 1e-9)).all()


@pytest.mark.statement("prop-dual-metric")
@given(names, drawn_losses, drawn_outputs, seeds, up_to(2.0))
def test_every_step_gains_what_its_metric_promises(name, loss, k, seed, share):
    problem, rng = random_problem(seed, k, loss)
    W = rng.standard_normal((problem.d, k)) * 10.0 ** rng.uniform(-2, 1)
    V, K = problem.gradient(W), ALL[name](typical_parameter(problem, W))
    beta = largest_factor(K, V)
    eta, S = share / (beta * problem.M), K.gradient(V)
    gain = problem.loss_value(W) - problem.loss_value(W - eta * S)
    promised = eta * (1 - share / 2) * inner(S, V)
    assert gain >= promised - 1e-10 * problem.loss_value(W)


def largest_factor(K, V):
    """A β for which ∇K(V) is in a sector; for separable K the least, the largest h′(s)/s."""
    if isinstance(K, dspgd_lib.Separable):
        return np.max(np.abs(K.gradient(V)) / np.abs(V))
    return K.sector(K.radius(V))[1]


@pytest.mark.statement("prop-dual-metric")
@given(seeds, up_to(2.0), st.floats(0.01, 2.0))
def test_a_smooth_potential_gains_it_without_a_sector(seed, share, c):
    """A dead zone: 1-smooth, and no m > 0 where an entry of V is below c."""
    problem, rng = random_problem(seed, 1, LOSSES["log-cosh"])
    W = rng.standard_normal((problem.d, 1))
    V, eta = problem.gradient(W), share / problem.M
    S = np.sign(V) * np.maximum(np.abs(V) - c, 0)
    gain = problem.loss_value(W) - problem.loss_value(W - eta * S)
    assert gain >= eta * (1 - share / 2) * inner(S, V) - 1e-12 * problem.loss_value(W)


@pytest.mark.statement("prop-dual-metric")
@given(seeds, up_to(2.0))
def test_on_the_steepest_axis_gradient_descent_gains_no_more(seed, share):
    problem, rng = random_problem(seed, 1, LOSSES["squared"])
    W = (
        problem.project(rng.standard_normal((problem.d, 1)))
        + np.linalg.svd(problem.X)[2][0][:, None]
    )
    V, eta = problem.gradient(W), share / problem.M
    gain = problem.loss_value(W) - problem.loss_value(W - eta * V)
    assert gain == pytest.approx(eta * (1 - share / 2) * inner(V, V), rel=1e-9, abs=1e-12)


@pytest.mark.statement("prop-dual-metric")
def test_without_smoothness_or_outside_the_sector_nothing_is_promised():
    """L = ¼w⁴ is not M-smooth for M = 1; and cosh is not in a sector with β = 1 at V = 5."""
    w, eta = 4.0, 1.0
    assert 0.25 * (w - eta * w**3) ** 4 > 0.25 * w**4
    assert 0.5 * (5.0 - 1.0 * np.sinh(5.0)) ** 2 > 0.5 * 5.0**2


# -------------------------------------------------------------------- how large may η be


def slack(problem, K, eta, there, here):
    """D_L(W, W′) − ηD_K(V′, V) ≥ 0 for all pairs: that L* − ηK is convex (part 3)."""
    V, after = problem.gradient(here), problem.gradient(there)
    return problem.divergence(here, there) - eta * K.divergence(after, V)


def pairs(problem, rng, count=60):
    """Pairs near the solution, far from it, and from near to far."""
    end = problem.project(np.zeros((problem.d, problem.k)))
    shape = (count, problem.d, problem.k)
    sizes = 10.0 ** rng.uniform(-4, 2, (2, count, 1, 1))
    return end + sizes * rng.standard_normal((2, *shape))


@pytest.mark.statement("prop-dual-step")
@given(smooth_names, drawn_losses, drawn_outputs, seeds, parameters)
def test_the_formula_is_enough(name, loss, k, seed, parameter):
    problem, rng = random_problem(seed, k, loss)
    K, (there, here) = PRECONDITIONERS[name](parameter), pairs(problem, rng)
    eta = 1 / (K.smoothness * problem.M)
    left = slack(problem, K, eta, there, here)
    assert (left >= -1e-9 * problem.divergence(here, there)).all()


@pytest.mark.statement("prop-dual-step")
@pytest.mark.parametrize("name", sorted(PRECONDITIONERS))
@given(drawn_outputs, seeds, parameters)
@settings(max_examples=examples(6))
def test_for_the_usual_methods_the_formula_is_exact(name, k, seed, parameter):
    """5 % above it L* − ηK is not convex: near 0, along the steepest direction."""
    problem, _ = random_problem(seed, k, LOSSES["squared"])
    K = PRECONDITIONERS[name](parameter)
    here = problem.project(np.zeros((problem.d, k)))
    top = np.zeros((problem.d, k))
    top[:, 0] = np.linalg.svd(problem.X)[2][0]
    there = here + 1e-4 * parameter / problem.M * top
    for share, fine in ((0.99, True), (1.05, False)):
        eta = share / (K.smoothness * problem.sigma_max**2)
        assert (slack(problem, K, eta, there, here) >= 0) == fine


@pytest.mark.statement("prop-dual-step")
@given(names, drawn_outputs, seeds)
def test_for_the_squared_loss_the_condition_is_smoothness_of_phi(name, k, seed):
    """L* − ηK at X^T U is ½‖U‖² + ⟨U, Y⟩ − ηφ(U), and its divergence ½‖U′ − U‖² − ηD_φ."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    K, (there, here) = ALL[name](1.0), pairs(problem, rng)
    assume(name != "cosh" and name != "spectral-cosh")  # too large for a float
    eta = 0.3
    U, after = problem.residual(here), problem.residual(there)
    phi = K.divergence(problem.X.T @ after, problem.X.T @ U)
    expected = 0.5 * norm(after - U) ** 2 - eta * phi
    found = slack(problem, K, eta, there, here)
    assert np.allclose(found, expected, rtol=1e-7, atol=1e-7 * (1 + np.abs(expected)).max())


@pytest.mark.statement("prop-dual-step")
def test_for_another_loss_smoothness_of_phi_is_not_enough():
    """LogCosh has M_ℓ = 2: φ is 1/η-smooth for η = 0.9, and part (3) fails, as it does for 0.55."""
    problem, K = Problem([[1.0, 0.0]], [0.0], LogCoshLoss()), GradientDescent()
    here, there = np.zeros((2, 1)), np.array([[1e-3], [0.0]])
    assert slack(problem, K, 0.49, there, here) > 0
    for eta in (0.55, 0.9):
        assert slack(problem, K, eta, there, here) < 0


@pytest.mark.statement("prop-dual-step")
def test_the_fifty_fold_learning_rate():
    problem, K = Problem([[0.1, 1.0]], [0.0]), dspgd_lib.Quadratic(np.diag([1.0, 0.01]))
    assert 1 / (K.smoothness * problem.M) == pytest.approx(0.990, abs=5e-4)
    here, there = np.zeros((2, 1)), np.array([[0.3], [0.7]])
    assert abs(slack(problem, K, 50.0, there, here)) < 1e-12
    assert slack(problem, K, 49.0, there, here) > 0 > slack(problem, K, 51.0, there, here)
    for eta, calm in ((50.0, True), (99.0, True), (101.0, False)):
        run = dspgd(problem, K, [0.3, 0.7], eta, tol=0, max_steps=400, record=("loss",))
        assert (run.history["loss"][-1] < run.history["loss"][0]) == calm
    theta, ends = figures.ends_of_convergence()
    assert ends == pytest.approx(2 * figures.allowed(theta), rel=1e-3)
    assert figures.allowed(figures.HERO) == pytest.approx(50)


# ------------------------------------------------------------------------- without a global β


def test_what_the_formula_loses_is_no_gain_of_the_preconditioner():
    """The example (0.1, 1): 173 steps or one, and one for gradient descent as well."""
    x, q = np.array([0.1, 1.0]), np.array([1.0, 0.01])
    formula = 1 / (x @ x)
    assert formula == pytest.approx(0.99, abs=0.001)
    R = (1 - 0.99 * (x @ (q * x))) ** np.arange(400)
    assert np.argmax(R**2 <= 1e-3) == 173
    assert 1 - 50 * (x @ (q * x)) == pytest.approx(0) and 1 - formula * (x @ x) == 0


@pytest.mark.statement("prop-dual-local")
@pytest.mark.parametrize("K", [Cosh(), PNorm(3.0), PNorm(2.2), PNorm(1.8), PNorm(1.2)], ids=repr)
@given(drawn_outputs, seeds, st.floats(-3, 3))
@settings(max_examples=examples(6))
def test_without_a_global_smoothness_every_learning_rate_fails_somewhere(K, k, seed, log_eta):
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    here = problem.project(np.zeros((problem.d, k)))
    there = here + problem.X.T @ rng.standard_normal((problem.n, k))
    V, scales_ = problem.gradient(there), 10.0 ** np.linspace(-60, 60, 121)
    scales_ = scales_[scales_ * norm(V) < (600 if K == Cosh() else 1e60)]
    left = [
        0.5 * t**2 * norm(problem.residual(there)) ** 2 - 10.0**log_eta * K.value(t * V)
        for t in scales_
    ]
    assert min(left) < 0


@pytest.mark.statement("prop-dual-local")
@given(
    st.sampled_from([Cosh(), PNorm(3.0), PNorm(5.0)]),
    drawn_losses,
    drawn_outputs,
    seeds,
    up_to(1.99),
)
def test_far_out_a_learning_rate_for_the_start_will_do(K, loss, k, seed, share):
    problem, rng = random_problem(seed, k, loss)
    r = float(rng.choice([0.1, 1.0, 4.0]))
    W0 = start_at_radius(problem, rng, r)
    beta = float(K.gradient([[r]])[0, 0]) / r
    run = dspgd(
        problem, K, W0, share / (beta * problem.M), tol=0, max_steps=60, record=("loss", "gradient")
    )
    loss_left, V = run.history["loss"], run.history["gradient"]
    assert (np.diff(loss_left) <= 1e-12 * loss_left[0]).all()
    assert loss_left[1] < loss_left[0] and (norm(V) <= r * (1 + 1e-9)).all()


@pytest.mark.statement("prop-dual-local")
def test_five_percent_beyond_the_bound_of_the_start_the_loss_may_rise():
    """One example on an axis, where V_0 has the length r: the bound is attained."""
    problem, W0 = Problem([[1.0, 0.0]], [0.0]), np.array([[2.0], [0.0]])
    for K in (Cosh(), PNorm(3.0)):
        beta = float(K.gradient([[2.0]])[0, 0]) / 2
        for share, falls in ((1.95, True), (2.1, False)):
            after = W0 - share / beta * K.gradient(problem.gradient(W0))
            assert (problem.loss_value(after) < problem.loss_value(W0)) == falls


@pytest.mark.statement("prop-dual-local")
@given(seeds, st.floats(1.1, 1.9), st.floats(-2, 2))
def test_below_two_the_solution_repels_and_a_cycle_attracts(seed, p, log_eta):
    x, eta = np.random.default_rng(seed).standard_normal(3), 10.0**log_eta
    problem, K = Problem([x], [0.0]), PNorm(p)
    u = (eta * np.sum(np.abs(x) ** p) / 2) ** (1 / (2 - p))
    assume(1e-8 < u < 1e8)
    near = np.array([1e-3, 0.3, 0.97, 0.9999, 1.0, 1.0001, 1.05])
    W = (near * u)[:, None, None] * (x / (x @ x))[:, None]
    after = problem.residual(W - eta * K.gradient(problem.gradient(W)))[:, 0, 0] / u
    assert (np.abs(after[:4]) > near[:4]).all() and after[4] == pytest.approx(-1, rel=1e-6)
    assert np.abs(after[6]) < near[6]  # beyond the cycle it is the other way round
    assert abs(after[5]) - 1 == pytest.approx((2 * p - 3) * 1e-4, abs=1e-7)


@pytest.mark.statement("prop-dual-local")
@given(drawn_outputs, seeds, st.floats(1.1, 1.9), st.floats(-2, 2), st.floats(1e-6, 1.0))
def test_below_two_every_solution_repels(k, seed, p, log_eta, share):
    """Up to (ησ_min^p/2)^(1/(2−p)), which one example with one feature attains."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    eta, K = 10.0**log_eta, PNorm(p)
    u = (eta * problem.sigma_min**p / 2) ** (1 / (2 - p))
    assume(u > 1e-60)
    R = rng.standard_normal((problem.n, k))
    R *= share * u / norm(R)
    assert norm(R - eta * (problem.X @ K.gradient(problem.X.T @ R))) >= norm(R) * (1 - 1e-9)
    one = Problem([[1.5, 0.0]], [0.0])
    u = (eta * 1.5**p / 2) ** (1 / (2 - p))
    for factor, grows in ((0.97, True), (1.03, False)):
        R = np.array([[factor * u]])
        assert (norm(R - eta * (one.X @ K.gradient(one.X.T @ R))) > norm(R)) == grows


def test_above_two_the_end_is_slow():
    """One example: |R_t| is (ηc(p − 2)t)^(−1/(p − 2)), to a percent."""
    x = np.array([0.5, -1.0, 0.3])
    for p in (2.5, 3.0, 4.0):
        R, c = 1.0, np.sum(np.abs(x) ** p)
        for _ in range(10000):
            R -= 0.5 * c * R * abs(R) ** (p - 2)
        law = (0.5 * c * (p - 2) * 10000) ** (-1 / (p - 2))
        assert abs(R) == pytest.approx(law, rel=0.01)


# ---------------------------------------------------------------------------- twice, and beyond


@pytest.mark.statement("prop-dual-step")
@given(smooth_names, drawn_outputs, seeds, up_to(2.0))
def test_for_the_squared_loss_both_fall_up_to_twice_the_guarantee(name, k, seed, share):
    """And up to the guarantee itself no residual points away from the one before."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    W0 = rng.standard_normal((problem.d, k))
    K = PRECONDITIONERS[name](typical_parameter(problem, W0))
    eta = share / (K.smoothness * problem.M)
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=40, record=("loss", "preconditioner", "W"))
    for H in (run.history["loss"], run.history["preconditioner"]):
        assert (np.diff(H) <= 1e-12 * H[0]).all()
    R = problem.residual(run.history["W"])
    if share <= 1:
        assert (
            inner(R[1:], R[:-1]) >= (1 - share) * inner(R[:-1], R[:-1]) - 1e-12 * norm(R[0]) ** 2
        ).all()


@pytest.mark.statement("prop-dual-twice")
@given(smooth_names, drawn_outputs, seeds, st.floats(2.05, 6.0))
def test_beyond_twice_a_run_near_a_solution_is_thrown_out(name, k, seed, ratio):
    """From the cone it leaves the ball, growing at least by (3a + 1)/4 at every step."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    K = PRECONDITIONERS[name](1.0)
    eta = ratio / (K.smoothness * problem.sigma_max**2)
    left, sigma, _ = np.linalg.svd(problem.X)
    factor = eta * K.smoothness * sigma**2
    steep = left[:, factor > 2]
    a, delta = factor[factor > 2].min() - 1, 1e-5 / problem.sigma_max
    assume(a > 1.02)
    R = steep @ rng.standard_normal((steep.shape[1], k))
    calm = rng.standard_normal((problem.n, k))
    calm -= steep @ (steep.T @ calm)
    R = R / norm(R) + calm / max(norm(calm), 1e-9) * (steep.shape[1] < problem.n)  # the rim
    R *= 1e-3 * delta / norm(R)
    for _ in range(2000):
        if norm(R) >= delta:
            break
        before = norm(steep.T @ R)
        R = R - eta * (problem.X @ K.gradient(problem.X.T @ R))
        assert norm(steep.T @ R) >= (3 * a + 1) / 4 * before
        assert norm(steep.T @ R) ** 2 >= (norm(R) ** 2 - norm(steep.T @ R) ** 2) * (1 - 1e-9)
    assert norm(R) >= delta


@pytest.mark.statement("prop-dual-twice")
def test_below_twice_or_off_the_cone_runs_do_arrive():
    """The hypotheses: η > 2/(βσ_max²); a start in the cone; a gradient βG at 0."""
    problem = Problem([[1.0, 0.0, 0.0], [0.0, 0.3, 0.0]], [0.0, 0.0])
    for K in (Adam(1.0), NormalizedGD(1.0), Spectral(SmoothedSign(1.0))):
        for W0, eta, arrives in (
            ([0.1, 0.1, 0.0], 1.95, True),
            ([0.1, 0.1, 0.0], 2.05, False),
            ([0.0, 0.1, 0.0], 2.05, True),
        ):
            run = dspgd(problem, K, W0, eta, tol=1e-8, max_steps=3000)
            assert run.converged == arrives
    tiny = dspgd(problem, PNorm(3.0), [0.1, 0.1, 0.0], 5.0, tol=0, max_steps=50, record=("loss",))
    assert (np.diff(tiny.history["loss"]) < 0).all()  # ∇K(G) = o(‖G‖): no β > 0


@pytest.mark.statement("prop-dual-twice")
@given(smooth_names, seeds, st.floats(2.01, 20.0))
@settings(max_examples=examples(12))
def test_with_one_example_no_run_converges_beyond_twice(name, seed, ratio):
    problem, rng = random_problem(seed, 1, LOSSES["squared"], n=1)
    W0 = rng.standard_normal((problem.d, 1))
    K = PRECONDITIONERS[name](typical_parameter(problem, W0))
    eta = ratio / (K.smoothness * problem.sigma_max**2)
    run = dspgd(problem, K, W0, eta, tol=1e-9, max_steps=1000)
    assert not run.converged


BOUNDED = {
    "normalized-gd": NormalizedGD,
    "soft-clipping": SoftClipping,
    "adam": Adam,
    "smoothed-sign": SmoothedSign,
    "spectral-sign": lambda eps: Spectral(SmoothedSign(eps)),
    "spectral-adam": lambda eps: Spectral(Adam(eps)),
}
RESTLESS = BOUNDED | {
    "clipping": GradientClipping,
    "clipping-by-value": lambda c: Clipped(c),
    "gradient-descent": lambda eps: GradientDescent(),
}


class Clipped:
    """Entries clipped to [−c, c]."""

    smoothness = 1.0

    def __init__(self, c):
        self.c = c

    def gradient(self, G):
        return np.clip(G, -self.c, self.c)


def one_step(problem, K, eta):
    return lambda R: R - eta * (problem.X @ K.gradient(problem.X.T @ R))


@pytest.mark.statement("prop-dual-rest")
@pytest.mark.parametrize("name", sorted(RESTLESS))
@given(k=drawn_outputs, seed=seeds, ratio=st.floats(2.05, 6.0), size=st.floats(-2, 1))
@settings(max_examples=examples(8))
def test_beyond_twice_almost_no_run_rests(name, k, seed, ratio, size):
    """From random starts, also those from which the walk wipes out the steep directions."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    K = RESTLESS[name](1.0)
    F = one_step(problem, K, ratio / (K.smoothness * problem.sigma_max**2))
    R = start = rng.standard_normal((problem.n, k)) * 10**size / problem.sigma_max
    far = 0.0
    for t in range(2500):
        R = F(R)
        if t >= 1500:
            far = max(far, norm(R) * problem.sigma_max)
        if norm(R) > 1e12 * norm(start):
            assert name == "gradient-descent"  # for bounded steps nothing explodes
            return
    assert far > 1e-2


@pytest.mark.statement("prop-dual-rest")
@pytest.mark.parametrize("name", sorted(BOUNDED))
@given(k=drawn_outputs, seed=seeds, ratio=st.floats(2.05, 6.0))
@settings(max_examples=examples(10))
def test_runs_that_differ_in_steep_directions_part(name, k, seed, ratio):
    """While both are near the solution, by (3a + 1)/4 at every step, as in the proof."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    K = BOUNDED[name](1.0)
    eta = ratio / (K.smoothness * problem.sigma_max**2)
    F, (left, sigma, _) = one_step(problem, K, eta), np.linalg.svd(problem.X)
    factor = eta * K.smoothness * sigma**2
    steep = left[:, factor > 2]
    a = factor[factor > 2].min() - 1
    assume(a > 1.02)
    delta = 1e-3 * (a - 1) / problem.sigma_max
    P = steep @ steep.T
    R = rng.standard_normal((problem.n, k))
    R *= 0.3 * delta / norm(R)
    apart = rng.standard_normal((problem.n, k))
    rest = apart - P @ apart
    apart = P @ apart / norm(P @ apart) + rest / max(norm(rest), 1e-9) * (norm(rest) > 1e-9)
    other, grown = R + 1e-4 * delta * apart, 0
    while max(norm(R), norm(other)) < delta:
        before = norm(P @ (R - other))
        R, other = F(R), F(other)
        gap = R - other
        assert norm(P @ gap) >= (3 * a + 1) / 4 * before * (1 - 1e-6)
        assert norm(gap - P @ gap) <= norm(P @ gap) * (1 + 1e-6)
        grown += 1
    assert grown > 0


@pytest.mark.statement("prop-dual-rest")
@pytest.mark.parametrize("name", sorted(BOUNDED))
@given(k=drawn_outputs, seed=seeds)
@settings(max_examples=examples(6))
def test_the_step_covers_a_ball_far_out(name, k, seed):
    """It moves no point farther than b, and is invertible almost everywhere."""
    problem, rng = random_problem(seed, k, LOSSES["squared"])
    K = BOUNDED[name](1.0)
    eta = 3 / (K.smoothness * problem.sigma_max**2)
    F, b = one_step(problem, K, eta), eta * problem.sigma_max * np.sqrt(problem.d * k)
    R = rng.standard_normal((200, problem.n, k)) * 10.0 ** rng.uniform(-2, 4, (200, 1, 1))
    assert (norm(F(R) - R) <= b * (1 + 1e-9)).all()
    E = 1e-5 * np.eye(problem.n * k).reshape(-1, problem.n, k)
    dets = [np.linalg.det(((F(r + E) - F(r - E)) / 2e-5).reshape(len(E), -1)) for r in R[:20]]
    assert (np.abs(dets) > 1e-12).all()


@pytest.mark.statement("prop-dual-rest")
def test_a_profile_with_a_straight_piece_sends_an_interval_home():
    """The hypothesis: analytic. Here h'(s) = 2.5 s near 0 and h'(s) = s on [1, 2], with η = 1."""
    at, to = [-2, -1, -0.2, 0.2, 1, 2], [-2, -1, -0.5, 0.5, 1, 2]

    def slope(s):
        return np.interp(s, at, to)

    s = np.linspace(-3, 3, 601)
    assert (np.diff(slope(s)) >= 0).all() and slope(0.1) == pytest.approx(0.25)
    R = np.linspace(1, 2, 50)
    assert np.abs(R - slope(R)).max() < 1e-15
    small = np.array([1e-6])
    assert abs(small - slope(small)) == pytest.approx(1.5e-6)  # which repels


@pytest.mark.statement("prop-dual-rest")
@pytest.mark.parametrize("name", ["adam", "smoothed-sign", "normalized-gd", "spectral-sign"])
def test_at_or_below_twice_every_run_arrives(name):
    """The hypothesis: η beyond 2/(βσ_max²)."""
    K = BOUNDED[name](1.0)
    for seed in range(10):
        problem, rng = random_problem(seed, 2, LOSSES["squared"])
        F = one_step(problem, K, 1.9 / (K.smoothness * problem.sigma_max**2))
        R = start = rng.standard_normal((problem.n, 2))
        for _ in range(20000):
            R = F(R)
            if norm(R) < 1e-6 * norm(start):
                break
        assert norm(R) < 1e-6 * norm(start)


def test_the_map_of_adam_obeys_its_two_lines():
    found = figures.behaviours_of_adam()
    kinds, height = found["kinds"], found["y"]
    assert (kinds[height < 1] == 0).all() and (kinds[height < 2] < 2).all()
    assert (kinds[height > 2] == 2).all()
    between = kinds[(height > 1) & (height < 2)]
    assert (between == 1).sum() == pytest.approx(223, abs=5) and between.size == 528
    assert found["runs"][4][2][-1] == pytest.approx(0.042, abs=0.001)
    one = np.array([0.15]), np.array([3.2])
    last = list(figures.residuals(*figures.map_problem(), *one, 1000))[-3:]
    assert norm(last[2] - last[0]) < 1e-9 < norm(last[1] - last[0])  # a two-cycle


def test_every_run_rests_just_below_the_line_and_none_above():
    assert figures.share_at_rest([1.99, 2.01]).tolist() == [1.0, 0.0]
    for seed in range(20):  # of 200 problems it is the same
        W0 = np.random.default_rng(5000 + seed).standard_normal((8, 2))
        one, ratio = np.ones(2), np.array([1.99, 2.01])
        assert (
            figures.endings(figures.map_problem(seed)[0], W0, one, ratio, 2500) < 2
        ).tolist() == [True, False]


# ---------------------------------------------------------------------------- what the text says


def test_the_opening_has_three_kinds_of_pictures():
    problem, W0 = figures.example()
    V = problem.gradient(W0)
    size = np.abs(V).ravel()
    order = np.argsort(size)
    assert size.max() / size.min() > 1e3
    for name, K in figures.methods().items():
        out = np.abs(K.gradient(V)).ravel()
        factor = (out / size)[order]
        line, curve = np.ptp(factor) < 1e-12, (np.diff(out[order]) > 0).all()
        assert (line, curve) == {
            "Adam": (False, True), "spectral": (False, False)
        }.get(name, (True, True))  # fmt: skip
        assert figures.losses(K)[-1] < 1e-6
    S = figures.methods()["spectral"].gradient(V)
    assert (S * V < 0).sum() == 10
    for matrix, said in ((V, [9.0, 2.0, 1.7, 0.59]), (S, [1.0, 1.0, 0.99, 0.95])):
        assert np.linalg.svd(matrix)[1][:4] == pytest.approx(said, abs=0.051)
    left, right = (panel.alt for panel in figures.opening().panels)
    assert "from 0.001 to 7.3" in left and "10 dots are hollow" in left
    assert "371 steps (GD)" in right and "648 steps (Adam)" in right


def test_where_the_five_end():
    problem, W0 = figures.example()
    foot = problem.project(W0)
    assert norm(foot - W0) == pytest.approx(32.7, abs=0.05)
    for name, away in (("gradient descent", 0.0), ("spectral", 0.0), ("Adam", 12.6)):
        K = figures.methods()[name]
        eta = 1 / (K.smoothness * problem.M)
        run = dspgd(problem, K, W0, eta, tol=1e-9, max_steps=5000)
        assert run.converged and norm(run.W - foot) == pytest.approx(away, abs=0.05)


def test_adam_turns_15_degrees_into_33_in_the_zoo():
    angle = np.radians(15)
    V = 1.222 * np.array([np.cos(angle), np.sin(angle)])
    assert figures.ZOO["Adam"].value(figures.diagonal(V)) == pytest.approx(0.80, abs=0.01)
    S = figures.pushed(figures.ZOO["Adam"], V)
    assert np.degrees(np.arctan2(S[1], S[0])) == pytest.approx(32.8, abs=0.2)


def test_the_bounce_of_adam_with_one_weight():
    """The exercise: from everywhere to η/2 − ε."""
    for eps, ratio in ((0.3, 3.2), (1.0, 2.2), (0.1, 9.0)):
        w, eta = np.array([1e-3, 0.4, 1.0, 30.0]), ratio * eps
        for _ in range(3000):
            w = w - eta * w / (np.abs(w) + eps)
        assert np.abs(w) == pytest.approx(np.full(4, eta / 2 - eps), rel=1e-9)


def test_sorting_five_rules():
    adam = Adam(0.1).gradient
    G, found = np.random.default_rng(1).standard_normal((4, 3)) * 2, {}
    for name, rule in {
        "square": lambda G: G * abs(G),
        "sine": np.sin,
        "twice": lambda G: adam(adam(G)),
        "mean": lambda G: G - G.mean(),
        "largest": lambda G: G / abs(G).max(),
    }.items():
        J = figures.jacobian(rule, G)
        found[name] = (
            bool(abs(J - J.T).max() < 1e-8), bool(np.linalg.eigvalsh(J + J.T)[0] > -1e-8)
        )  # fmt: skip
    assert found["square"] == found["twice"] == found["mean"] == (True, True)
    assert found["sine"] == (True, False) and not found["largest"][0]


def test_normals_in_the_zoo_point_to_the_other_point():
    """∇K*(∇K(V)) = V, up to a factor for clipping, whose dual has a corner there."""
    for name, K in figures.ZOO.items():
        V = np.array([0.7, -0.4]) if name == "clipping" else np.array([1.1, -0.4])
        S = figures.pushed(K, V)
        back = np.diag(K.gradient_of_conjugate(figures.diagonal(S)))
        assert back * norm(V[:, None]) / norm(back[:, None]) == pytest.approx(V, rel=1e-9)
    same = [
        figures.pushed(figures.ZOO[n], np.array([0.9, 0.2]))
        for n in ("smoothed sign", "smoothed Muon", "columns")
    ]
    assert np.allclose(same[0], same[1]) and np.allclose(same[0], same[2])


def test_the_glasses_begin_at_27_degrees_and_grow_rounder():
    V = figures.glasses_run()[2]
    A = figures.rates(V)
    turned = np.degrees(np.arctan2((A * V)[:, 1], (A * V)[:, 0]) - np.arctan2(V[:, 1], V[:, 0]))
    assert turned[0] == pytest.approx(26.9, abs=0.1)
    assert V[0, 0] / V[0, 1] == pytest.approx(4) and A[0, 1] / A[0, 0] == pytest.approx(
        3.47, abs=0.01
    )
    assert (np.diff(A[:, 1] / A[:, 0]) < 0).all() and (np.diff(turned) < 0).all()
    assert A[-1] == pytest.approx([10, 10], rel=0.02)


def test_lines_and_clouds_end_at_the_foot_and_curves_do_not():
    ends = [norm(road[-1][:, None]) for road in figures.three_roads()]
    assert max(ends[:2]) < 1e-5 and ends[2] == pytest.approx(1.37, abs=0.01)
    for road in figures.three_roads()[:2]:
        assert np.abs(road[:, 2]).max() < 1e-12
    straight = [np.abs(road[:, 1]).max() for road in figures.three_roads()[:2]]
    assert straight[0] > 0.7 and straight[1] < 0.1


def test_a_cloud_may_leave_the_floor():
    """Rows divided by their lengths: of none of the three kinds, and off the floor."""
    problem, W0 = figures.example()
    rule = figures.RULES["rows normalized"]
    V = problem.gradient(W0)
    order = np.argsort(np.abs(V).ravel())
    assert (np.diff(np.abs(rule(V)).ravel()[order]) < 0).any()
    W, curvature = W0, max(norm(rule(1e-6 * V)) / norm(1e-6 * V), 1)
    for _ in range(20000):
        W = W - 1 / (curvature * problem.M) * rule(problem.gradient(W))
    assert problem.loss_value(W) < 1e-12
    assert norm(W - problem.project(W0)) > 1


def test_by_rows_and_by_columns_alone_but_not_by_both():
    """The quiz: the last choice, without Adafactor's common factor."""
    G, eps = np.random.default_rng(0).standard_normal((4, 3)), 0.5

    def both(G):
        square = G * G
        rows, columns = (np.sqrt(square.sum(axis=a, keepdims=True) + eps**2) for a in (0, 1))
        return G / rows / columns

    J = figures.jacobian(both, G)
    assert norm(J - J.T) > 0.01 * norm(J)


def test_a_function_that_is_not_convex_leads_uphill_while_it_falls():
    """The exercise: K = ½g² + 6(1 − cos g), L = ½w², η = 1/7, from 4.5."""
    w, K = [4.5], []
    for _ in range(60):
        K.append(w[-1] ** 2 / 2 + 6 * (1 - np.cos(w[-1])))
        w.append(w[-1] - (w[-1] + 6 * np.sin(w[-1])) / 7)
    assert (np.diff(K) <= 1e-12).all() and K[0] == pytest.approx(17.39, abs=0.01)
    assert K[-1] == pytest.approx(16.71, abs=0.01) and w[-1] == pytest.approx(5.226, abs=1e-3)
    assert w[-1] ** 2 / 2 == pytest.approx(13.66, abs=0.01) and w[0] ** 2 / 2 == 10.125
    assert 4.5 * (4.5 + 6 * np.sin(4.5)) == pytest.approx(-6.1, abs=0.05)


def test_the_potential_of_clipping_by_value_is_that_of_huber():
    G = matrices(3, 2)
    h = 1e-6

    def value(G, c=0.8):
        s = np.abs(G)
        return np.sum(np.where(s <= c, s**2 / 2, c * s - c**2 / 2), axis=(-2, -1))

    H = np.random.default_rng(0).standard_normal(G.shape)
    slope = (value(G + h * H) - value(G - h * H)) / (2 * h)
    assert slope == pytest.approx(inner(np.clip(G, -0.8, 0.8), H), rel=1e-4, abs=1e-4)


@given(seeds)
@settings(max_examples=examples(4))
def test_rotated_axes_are_noticed_by_adam_only(seed):
    problem, W0 = figures.example()
    Q = turn(seed, 10)
    turned = Problem(problem.X @ Q.T, problem.Y)
    for name, notices in (("spectral", False), ("Adam", True)):
        K = figures.methods()[name]
        eta = 1 / (K.smoothness * problem.M)
        runs = sweep([problem, turned], K, np.stack([W0, Q @ W0]), eta, tol=0, max_steps=300)
        apart = norm(Q @ runs.W[0] - runs.W[1]) / norm(runs.W[0])
        assert (apart > 1e-3) == notices


def test_features_in_units_of_their_own():
    """The exercise: part 3 allows 169 times the formula, and 16 steps do what takes GD 167."""
    problem, W0 = figures.example()
    K = dspgd_lib.Quadratic(np.diag(1 / np.sum(problem.X**2, axis=0)))
    formula = 1 / (K.smoothness * problem.M)
    most = 1 / np.linalg.eigvalsh(problem.X @ K.Q @ problem.X.T)[-1]
    assert K.smoothness == pytest.approx(342, abs=0.5) and most / formula == pytest.approx(
        169, abs=0.5
    )

    def steps(K, eta):
        run = dspgd(problem, K, W0, eta, tol=0, max_steps=3000, record=("loss",))
        return int(np.argmax(run.history["loss"] <= run.history["loss"][0] / 1000))

    assert (steps(K, formula), steps(K, most)) == (2926, 16)
    assert steps(GradientDescent(), 1 / problem.M) == 167
