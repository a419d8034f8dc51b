"""Statements of the chapter on general preconditioners, and what its figures claim."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from profiles import examples
from strategies import (
    ISOTROPIC,
    OUTPUTS,
    PRECONDITIONERS,
    RUNNABLE,
    SEPARABLE,
    drawn_losses,
    drawn_outputs,
    inner,
    norm,
    random_problem,
    seeds,
    start_at_radius,
    typical_parameter,
    up_to,
)

from dspgd_lib import (
    Adam,
    Problem,
    Quadratic,
    SmoothedSign,
    SquaredLoss,
    Start,
    angle_distance_bound,
    certified_limit,
    distance_bound,
    dspgd,
    max_learning_rate,
    preconditioned_flow,
    reach_bound,
    sector_distance_bound,
)
from dspgd_lib.figures import destinations, kantorovich, landing, turns
from dspgd_lib.figures import implicit_bias_general as figures
from dspgd_lib.figures.destinations import ends, tangent
from dspgd_lib.figures.kantorovich import built, least_price

runnable = pytest.mark.parametrize("K_of", RUNNABLE.values(), ids=RUNNABLE)
every = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
separable = pytest.mark.parametrize(
    "K_of", [SEPARABLE[name] for name in SEPARABLE if name in RUNNABLE],
    ids=[name for name in SEPARABLE if name in RUNNABLE],
)  # fmt: skip
outputs = pytest.mark.parametrize("k", OUTPUTS)
few = settings(max_examples=examples(6))
spreads = st.sampled_from([1.0, 1.01, 4.0, 100.0])


class Whole:
    """½⟨G, AG⟩ with A on all of ℝ^(d×k), eigenvalues from m to β."""

    definite = True

    def __init__(self, A):
        self.A = A
        self.least, *_, self.smoothness = np.linalg.eigvalsh(A).tolist()

    def value(self, G):
        return 0.5 * inner(G, self.gradient(G))

    def gradient(self, G):
        flat = G.reshape(*G.shape[:-2], -1)
        return (flat @ self.A.T).reshape(G.shape)

    def sector(self, radius):
        return self.least, self.smoothness


class Turned:
    """The gradient turned by an angle: no K at all. It stands where a preconditioner does."""

    smoothness = 1.0

    def __init__(self, degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        self.R = np.array([[c, -s], [s, c]])

    def value(self, G):
        return 0.5 * inner(G, G)

    def gradient(self, G):
        return self.R @ G


class Kinked:
    """m/2‖G‖² + (β−m)/2(⟨c, G⟩² + max(⟨b, G⟩, 0)²) for orthonormal b and c."""

    definite = True

    def __init__(self, b, c, m, beta, kink=True):
        self.b, self.c, self.m, self.smoothness, self.kink = b, c, m, beta, kink

    def value(self, G):
        along, over = self.c @ G, np.maximum(self.b @ G, 0) * self.kink
        return 0.5 * self.m * inner(G, G) + 0.5 * (self.smoothness - self.m) * np.sum(
            along**2 + over**2, axis=-1
        )

    def gradient(self, G):
        along, over = self.c @ G, np.maximum(self.b @ G, 0) * self.kink
        turned = self.c[:, None] * along[..., None, :] + self.b[:, None] * over[..., None, :]
        return self.m * G + (self.smoothness - self.m) * turned

    def sector(self, radius):
        return self.m, self.smoothness


def rotations(rng, size):
    return np.linalg.qr(rng.standard_normal((size, size)))[0]


def symmetric(rng, size, spread):
    """Eigenvalues 1 and β/m and others between, at random angles."""
    share = rng.beta(0.3, 0.3, size)
    share[:1], share[-1:] = 0.0, 1.0
    axes = rotations(rng, size)
    return axes * spread**share @ axes.T


def turn(A, B):
    """The tangent of the angle between two matrices; ∞ from 90° on."""
    along = inner(A, B)
    across = norm(B - along / inner(A, A) * A) * norm(A)
    return across / along if along > 0 else np.inf


def away(problem, W0, W):
    """How far Π(W) is from GD's end, and GD's way."""
    foot = problem.project(W0)
    return norm(problem.project(W) - foot), norm(foot - W0)


def a_start(K_of, loss, k, seed, radius=2.0, **sizes):
    problem, rng = random_problem(seed, k, loss, **sizes)
    W0 = start_at_radius(problem, rng, radius)
    return problem, K_of(typical_parameter(problem, W0, 10.0 ** rng.uniform(-1, 1))), W0


def weakest(problem, seed=0):
    """A start whose whole way lies along the weakest direction, in one column."""
    direction = np.linalg.svd(problem.X)[2][problem.n - 1]
    W = problem.project(np.random.default_rng(seed).standard_normal((problem.d, problem.k)))
    W[:, 0] += 1.5 * direction
    return W


# ---------------------------------------------------------------- the largest turn


@pytest.mark.statement("lem-general-angle")
@outputs
@given(seeds, spreads)
def test_a_symmetric_map_turns_nothing_by_more_than_its_cone(k, seed, spread):
    rng = np.random.default_rng(seed)
    A, V = symmetric(rng, 3 * k, spread), rng.standard_normal((3, k))
    assert turn(V, Whole(A).gradient(V)) <= tangent(spread) * (1 + 1e-9) + 1e-9
    phi = np.arctan(tangent(spread))
    assert np.sin(phi) == pytest.approx((spread - 1) / (spread + 1))
    s = np.log(np.sqrt(spread))
    assert [tangent(spread), 1 / np.cos(phi)] == pytest.approx([np.sinh(s), np.cosh(s)])


@pytest.mark.statement("lem-general-angle")
@given(seeds, st.sampled_from([1.01, 4.0, 100.0]))
def test_the_largest_turn_is_reached_at_the_geometric_mean(seed, spread):
    rng = np.random.default_rng(seed)
    axes = rotations(rng, 5)
    V = axes[:, 0] * np.sqrt(spread) + axes[:, 1]
    A = axes * np.array([1.0, spread, *rng.uniform(1, spread, 3)]) @ axes.T
    assert turn(V[:, None], A @ V[:, None]) == pytest.approx(tangent(spread), rel=1e-6)
    assert np.linalg.norm(A @ V) == pytest.approx(np.sqrt(spread) * np.linalg.norm(V))


@pytest.mark.statement("lem-general-angle")
@given(seeds, st.sampled_from([4.0, 100.0]), up_to(1.0))
def test_every_direction_in_the_cone_is_a_positive_multiple_of_some_map(seed, spread, share):
    rng = np.random.default_rng(seed)
    V, Z = rng.standard_normal((2, 6))
    Z -= Z @ V / (V @ V) * V
    Z *= share * tangent(spread) * np.linalg.norm(V) / np.linalg.norm(Z)
    A = built(V, Z)
    low, *_, high = np.linalg.eigvalsh(A)
    assert high / low <= spread * (1 + 1e-9)
    assert np.allclose(np.hypot(1, share * tangent(spread)) * A @ V, V + Z)


def test_a_map_that_is_not_symmetric_turns_farther_than_its_stretches_say():
    """A rotation stretches nothing: β/m = 1, and the cone would be a ray."""
    V = np.array([[1.0], [0.0]])
    assert turn(V, Turned(60).gradient(V)) == pytest.approx(np.sqrt(3))
    assert np.linalg.svd(Turned(60).R)[1] == pytest.approx([1, 1])


def test_numbers_of_angles_in_the_text():
    assert np.degrees(np.arctan(tangent(4.0))) == pytest.approx(36.87, abs=0.01)
    assert np.degrees(np.arctan(tangent(100.0))) == pytest.approx(78.58, abs=0.01)
    assert tangent(100.0) == pytest.approx(4.95)
    assert np.tan(np.radians(89)) == pytest.approx(57.3, abs=0.05)
    ratio = 101.0
    assert [ratio**2 - 1, tangent(ratio)] == pytest.approx([10_200, 4.975], abs=0.005)
    assert [tangent(ratio**2), ratio - 1] == pytest.approx([50.5, 100], abs=0.005)


# ---------------------------------------------------------------- one example


@pytest.mark.statement("prop-general-disc")
@runnable
@few
@given(drawn_losses, seeds, up_to(1.0))
def test_with_one_example_a_run_stays_in_the_cone(K_of, loss, seed, fraction):
    problem, K, W0 = a_start(K_of, loss, 1, seed, n=1)
    start = Start(problem, K, W0)
    run = dspgd(problem, K, W0, fraction * start.max_learning_rate, tol=0, max_steps=60, record="W")
    # Where the sector says nothing (powers: m = 0) the cone is a half-space.
    most = tangent(float(start.spread) ** 2) if np.isfinite(start.spread) else np.inf
    way = problem.project(W0) - W0
    for W in run.history["W"][1:]:
        assert inner(way, W - W0) > 0
        assert turn(way, W - W0) <= most * (1 + 1e-9) + 1e-7
    apart, length = away(problem, W0, run.W)
    assert apart <= most * length * (1 + 1e-9) + 1e-9


@pytest.mark.statement("prop-general-disc")
@separable
@few
@given(drawn_losses, seeds, up_to(1.0))
def test_a_separable_run_stays_in_the_cone_over_a_box(K_of, loss, seed, fraction):
    """W_t − W_0 = tAx with diagonal A: the quotients by the entries of x lie within β/m."""
    problem, K, W0 = a_start(K_of, loss, 1, seed, n=1)
    start = Start(problem, K, W0)
    run = dspgd(problem, K, W0, fraction * start.max_learning_rate, tol=0, max_steps=60)
    rates = ((run.W - W0) / problem.X.T)[:, 0]
    assert (np.sign(rates) == np.sign(rates[0])).all()
    rates = np.abs(rates)
    assert rates.max() <= rates.min() * float(start.spread) ** 2 * (1 + 1e-9)


@pytest.mark.statement("prop-general-disc")
@given(seeds, st.sampled_from([1.5, 6.0, 50.0]))
def test_the_cone_over_a_box_meets_the_fits_in_the_hull_of_its_corners(seed, spread):
    rates = np.random.default_rng(seed).uniform(1, spread, (50, 3))
    points = destinations.seen(ends(*figures.example(), rates[:, :, None] * np.eye(3)))
    hexagon = destinations.corners(spread)
    after = np.roll(hexagon, -1, axis=0) - hexagon
    gap = points[:, None] - hexagon
    assert (after[:, 0] * gap[..., 1] - after[:, 1] * gap[..., 0] > -1e-9).all()


@pytest.mark.statement("prop-general-disc")
def test_the_hypotheses_of_the_disc_are_needed():
    # Two examples: the integer run with one kink ends outside.
    problem, K, W0, T = kinked_integers()
    run = dspgd(problem, K, W0, 1 / (4 * problem.M), tol=1e-9)
    apart, way = away(problem, W0, run.W)
    assert apart > 1.1 * T * way
    # Not diagonal: the ends fill the disc, and leave the hexagon.
    hexagon = np.linalg.norm(destinations.corners(50.0), axis=1).max()
    A = destinations.drawn(50.0)
    assert np.linalg.norm(destinations.seen(ends(*figures.example(), A)), axis=1).max() > hexagon
    # A sector of smaller gradients than those of the run.
    problem = Problem([[1.0, 0.2]], [0.0])
    K, W0 = Adam(0.01), 10 * problem.X.T
    run = dspgd(problem, K, W0, max_learning_rate(problem, K))
    m, beta = K.sector(0.005)
    apart, way = away(problem, W0, run.W)
    assert apart > 1.5 * tangent(beta / m) * way


# ---------------------------------------------------------------- the right triangle


@pytest.mark.statement("prop-general-null")
@runnable
@outputs
@few
@given(drawn_losses, seeds, st.floats(-5, 5))
def test_what_leaves_the_floor_does_not_see_alpha(K_of, k, loss, seed, alpha):
    problem, K, W0 = a_start(K_of, loss, k, seed)
    eta = 0.9 * float(max_learning_rate(problem, K, W0))
    record = ("W", "gradient")
    run = dspgd(problem, K, W0, eta, tol=0, max_steps=40, record=record)
    V = run.history["gradient"][:-1]
    S = K.gradient(V) - alpha * V
    off = S - np.linalg.pinv(problem.X) @ (problem.X @ S)
    end, foot = problem.project(run.W), problem.project(W0)
    size = norm(W0) + eta * norm(S).sum()
    assert norm(end - foot + eta * off.sum(axis=0)) <= 1e-9 * size
    assert norm(W0 - end) ** 2 == pytest.approx(
        norm(W0 - foot) ** 2 + norm(foot - end) ** 2, rel=1e-9
    )


def test_before_the_run_arrives_the_triangle_is_not_right():
    problem, W0 = landing.problem()
    W = dspgd(problem, Adam(0.3), W0, 0.3 / problem.M, tol=0, max_steps=1).W
    foot = problem.project(W0)
    legs = norm(W0 - foot) ** 2 + norm(foot - W) ** 2
    assert abs(norm(W0 - W) ** 2 / legs - 1) > 0.5


# ---------------------------------------------------------------- the ball


@pytest.mark.statement("thm-general-ball")
@outputs
@settings(max_examples=examples(10))
@given(drawn_losses, seeds, spreads, up_to(1.0))
def test_quadratic_ends_lie_in_the_ball_whatever_the_learning_rate(k, loss, seed, spread, share):
    problem, rng = random_problem(seed, k, loss, n=2, d=4)
    assume(problem.kappa < 30)
    W0, A = rng.standard_normal((4, k)), symmetric(rng, 4 * k, spread)
    K = Whole(A)
    goal = end_of(problem, W0, A)
    apart, way = away(problem, W0, goal)
    assert apart <= tangent(spread) * way * (1 + 1e-9) + 1e-12
    if spread <= 4:
        run = dspgd(problem, K, W0, share / (K.smoothness * problem.M), tol=1e-9, max_steps=20_000)
        assert norm(run.W - goal) <= 1e-5 * (way + norm(W0))


def end_of(problem, W0, A):
    """Where ½⟨G, AG⟩ ends: the one point of W_0 + A(row space) that fits, A on ℝ^(d×k)."""
    X = np.kron(problem.X, np.eye(problem.k))
    way = A @ X.T @ np.linalg.solve(X @ A @ X.T, (problem.Y - problem.X @ W0).ravel())
    return W0 + way.reshape(W0.shape)


@pytest.mark.statement("thm-general-ball")
@outputs
@settings(max_examples=examples(10))
@given(drawn_losses, seeds, up_to(1.0), st.sampled_from([1.5, 9.0, 100.0]))
def test_every_point_of_the_ball_is_an_end_and_has_its_price(k, loss, seed, share, spread):
    problem, rng = random_problem(seed, k, loss)
    W0 = rng.standard_normal((problem.d, k))
    foot = problem.project(W0)
    Z = problem.project(rng.standard_normal(W0.shape)) - foot
    rho = share * tangent(spread)
    Z *= rho * norm(foot - W0) / norm(Z)
    A = built((foot - W0).ravel(), Z.ravel())
    low, *_, high = np.linalg.eigvalsh(A)
    assert high / low == pytest.approx(least_price(rho), rel=1e-6)
    assert high / low <= spread * (1 + 1e-6)
    assert norm(end_of(problem, W0, A) - foot - Z) <= 1e-8 * (1 + norm(Z))
    assert np.hypot(1, rho) == pytest.approx(np.cosh(0.5 * np.log(least_price(rho))))


@pytest.mark.statement("thm-general-ball")
@pytest.mark.parametrize("fraction", [0.1, 1.0])
def test_a_run_goes_to_a_fit_that_was_ordered(fraction):
    problem, W0 = Problem([[2.0, 1, 0, 1], [0, 1, 3, 0]], [[1.0], [2]]), np.zeros((4, 1))
    foot, wish = problem.project(W0), problem.project(np.array([[7.0], [-5], [0], [3]]))
    K = Quadratic(built(foot[:, 0], (wish - foot)[:, 0]))
    run = dspgd(problem, K, W0, fraction / (K.smoothness * problem.M), max_steps=200_000)
    assert norm(run.W - wish) < 1e-6


# ---------------------------------------------------------------- outside the ball


def kinked(X, e, m, beta, kink=True):
    """The preconditioner of the proposition, for a unit vector e of the row space."""
    f = np.linalg.svd(X)[2][-1]
    T = tangent(beta / m)
    c = (np.sqrt(m) * e - np.sqrt(beta) * f) / np.sqrt(m + beta)
    p, q = (v - v @ c * c for v in (X.T @ X @ e, T * e + f))
    b = p / np.linalg.norm(p) - q / np.linalg.norm(q)
    return Kinked(b / np.linalg.norm(b), c, m, beta, kink)


def kinked_integers():
    problem = Problem(np.array([[2.0, 1, 0], [1, 2, 0]]), np.zeros((2, 1)))
    b, c = np.array([-2.0, 6, -1]) / 41**0.5, np.array([1.0, 0, -2]) / 5**0.5
    return problem, Kinked(b, c, 1.0, 4.0), np.array([[1.0], [0], [0]]), 0.75


@pytest.mark.statement("prop-general-kink")
@settings(max_examples=examples(12))
@given(seeds, st.sampled_from([1.5, 4.0, 30.0]), st.sampled_from([0.3, 1.0, 1.95]))
def test_one_kink_leads_outside_the_ball(seed, spread, fraction):
    problem, rng = random_problem(seed, 1, SquaredLoss(), n=2, d=3)
    assume(1.5 < problem.kappa < 20)
    e = problem.X.T @ rng.standard_normal(2)
    e /= np.linalg.norm(e)
    He = problem.X.T @ (problem.X @ e)
    assume(np.linalg.norm(He - He @ e * e) > 0.05 * np.linalg.norm(He))
    W0 = problem.project(rng.standard_normal((3, 1))) + e[:, None]
    found = []
    for kink in (True, False):
        K = kinked(problem.X, e, 1.0, spread, kink)
        assert abs(K.b @ K.c) < 1e-9 and K.b @ He > 0
        eta = fraction / (spread * problem.M)
        run = dspgd(problem, K, W0, eta, tol=1e-9, max_steps=50_000)
        found.append(away(problem, W0, run.W)[0])
    assert found[0] > tangent(spread) * (1 + 1e-6)
    assert found[1] == pytest.approx(tangent(spread), rel=1e-5)  # the last term left out


@pytest.mark.statement("prop-general-kink")
def test_the_kink_in_whole_numbers():
    problem, K, W0, T = kinked_integers()
    ours = kinked(problem.X, W0[:, 0], 1.0, 4.0)
    assert np.allclose(ours.c * (1, 1, -1 if ours.c[2] > 0 else 1), K.c)
    y, He = np.array([T, 0.0, 1.0]), problem.X.T @ problem.X @ W0[:, 0]
    assert K.b @ He > 0 > K.b @ y and abs(K.b @ K.c) < 1e-12
    run = dspgd(problem, K, W0, 1 / 36, tol=1e-10)
    assert problem.kappa == pytest.approx(9)
    assert abs(run.W[2, 0]) == pytest.approx(0.8554, abs=5e-5)
    assert preconditioned_flow(problem, K, W0).limit[2, 0] ** 2 > T**2


@pytest.mark.statement("prop-general-kink")
def test_the_figure_of_the_kink_shows_the_run_in_whole_numbers():
    found = turns.outside(2000)
    assert found["quadratic"][:, 2] == pytest.approx(0.75)
    assert (np.diff(found["one kink"][:, 2]) > -1e-12).all()
    assert [rows[-1, 1] for rows in found.values()] == pytest.approx([0.75, 0.8554], abs=5e-5)


@pytest.mark.statement("prop-general-kink")
def test_along_an_eigenvector_the_kink_says_nothing():
    """With κ = 1 all vectors are eigenvectors, and the gradient keeps its direction."""
    problem = Problem(np.eye(2, 3), np.zeros((2, 1)))
    rng = np.random.default_rng(0)
    W0 = np.array([[0.6], [0.8], [0.0]])
    b, c = rotations(rng, 3)[:2]
    run = dspgd(problem, Kinked(b, c, 1.0, 4.0), W0, 0.25)
    assert away(problem, W0, run.W)[0] <= 0.75


# ---------------------------------------------------------------- the tangent pays


@pytest.mark.statement("thm-general-flow")
@every
@settings(max_examples=examples(4))
@given(drawn_losses, drawn_outputs, seeds)
def test_a_flow_pays_for_its_turns(K_of, loss, k, seed):
    problem, rng = random_problem(seed, k, loss, n=2, d=5)
    assume(problem.kappa < 20)
    W0 = start_at_radius(problem, rng, 2.0)
    K = K_of(typical_parameter(problem, W0, 10.0 ** rng.uniform(-1, 1)))
    W, tangents = turns.flows(problem, K, W0, 1)
    root = np.sqrt(2 * problem.loss_value(W[:, 0]) / problem.mu)
    area = -np.trapezoid(tangents[:, 0], root)
    apart, way = away(problem, W0, W[-1, 0])
    most = tangents.max()
    assert apart <= area * 1.001 + 1e-4 * way
    assert area <= most * root[0] * (1 + 1e-9)
    path = norm(np.diff(W[:, 0], axis=0)).sum()
    assert path <= root[0] * np.hypot(1, most) * (1 + 1e-6)
    assert norm(W[-1, 0] - preconditioned_flow(problem, K, W0).W) <= 2e-3 * (way + 1e-9)


@pytest.mark.statement("thm-general-flow")
@pytest.mark.parametrize("degrees", [45, 89])
def test_a_rotation_attains_the_bound_of_the_flow(degrees):
    problem, W0 = Problem([[1.0, 0.0]], [0.0]), np.array([[1.0], [0.0]])
    W, tangents = turns.flows(problem, Turned(degrees), W0, 1)
    assert tangents == pytest.approx(np.tan(np.radians(degrees)), rel=1e-6)
    assert abs(W[-1, 0, 1, 0]) == pytest.approx(np.tan(np.radians(degrees)), rel=1e-3)
    lengths = norm(np.diff(W[:, 0], axis=0)).sum()
    assert lengths == pytest.approx(1 / np.cos(np.radians(degrees)), rel=1e-3)


@pytest.mark.statement("thm-general-flow")
def test_beyond_a_right_angle_the_loss_rises():
    problem, W = Problem([[1.0, 0.0]], [0.0]), np.array([[1.0], [0.0]])
    step = W - 0.01 * Turned(100).gradient(problem.gradient(W))
    assert problem.loss_value(step) > problem.loss_value(W)
    step = W - 0.01 * Turned(89).gradient(problem.gradient(W))
    assert problem.loss_value(step) < problem.loss_value(W)


def log_of_squares(x):
    """Where the flow of h = ½log(1 + g²) ends, from residual 1, in GD's ways, and the cosines."""
    u = (np.arange(20_000)[:, None] + 0.5) / 20_000
    S = u * x / (1 + (u * x) ** 2)
    along = S @ x
    cosine = along / np.linalg.norm(S, axis=1) / np.linalg.norm(x)
    way = (S / along[:, None]).mean(axis=0)
    return np.linalg.norm(way - x / (x @ x)) * np.linalg.norm(x), cosine


@pytest.mark.statement("thm-general-steady")
def test_an_h_that_is_not_convex_turns_by_more_than_two_weights_allow():
    far, cosine = log_of_squares(np.array([30.0, 1.0]))
    assert cosine[-1] == pytest.approx(0.0999, abs=5e-4) and cosine[-1] < 0.1
    assert far == pytest.approx(4.86, abs=0.01)
    tangents = np.sqrt(cosine**-2 - 1)
    assert tangents[-1] == pytest.approx(9.99, abs=0.01)  # at the start, u = 1
    assert (np.diff(tangents) > 0).all()  # it falls with the residual
    assert far > Adam(1.0).tangent(2)  # what one even convex h would allow: 1


# ---------------------------------------------------------------- steps


@pytest.mark.statement("thm-general-distance")
@runnable
@outputs
@few
@given(drawn_losses, seeds, up_to(1.0))
def test_steps_end_within_the_tangent_of_the_sector(K_of, k, loss, seed, fraction):
    problem, K, W0 = a_start(K_of, loss, k, seed)
    start = Start(problem, K, W0)
    run = dspgd(problem, K, W0, fraction * start.max_learning_rate, tol=0, max_steps=300)
    apart, way = away(problem, W0, run.W)
    best, root, paper = (sector_distance_bound(start, f) for f in ("best", "root", "paper"))
    assert apart <= best * (1 + 1e-9) + 1e-9 * way
    assert best <= root * (1 + 1e-12) and root <= paper * (1 + 1e-12)
    if np.isfinite(best):
        assert best == pytest.approx(tangent(start.spread**2) * start.length, abs=1e-12)


@pytest.mark.statement("thm-general-distance")
@given(seeds, st.sampled_from([1.5, 4.0, 100.0]))
def test_what_a_step_spends_on_going_astray_it_saves_on_being_slow(seed, beta):
    """The claim of the proof, for random vectors of the ball that a sector allows."""
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((300, 4))
    v *= (0.5 * (beta - 1) * rng.uniform(size=300) ** 0.1 / np.linalg.norm(v, axis=1))[:, None]
    v[:, 0] += 0.5 * (beta + 1)
    a, w, omega = v[:, 0], np.linalg.norm(v[:, 1:3], axis=1), np.abs(v[:, 3])
    slow = a - w**2 / (beta - a)
    assert (slow >= 1 - 1e-9).all() and (slow <= a).all()
    assert (omega**2 <= (slow - 1) * (beta - a) + 1e-9).all()
    assert (omega <= tangent(beta) * np.sqrt(a * slow) * (1 + 1e-9)).all()


@pytest.mark.statement("thm-general-distance")
@given(seeds, st.sampled_from([0.1, 0.75, 4.0]))
def test_the_angle_and_beta_are_enough_for_that(seed, tan):
    """‖v‖² ≤ ⟨v, V⟩ (β = 1, ‖V‖ = 1) and an angle; worst where both hold with equality."""
    rng = np.random.default_rng(seed)
    a = np.r_[rng.uniform(0, 1, 4000), 1 / (1 + tan**2)]
    room = a * np.minimum(a * tan**2, 1 - a)
    across = room * np.r_[rng.uniform(0, 1, 4000) ** 0.1, 1.0]
    share = np.r_[rng.uniform(0, 1, 4000), 0.0]
    w2, omega2 = share * across, (1 - share) * across
    slow = a - w2 / (1 - a)
    assert (slow >= -1e-9).all()
    worst = omega2 / (tan**2 * a * np.maximum(slow, 1e-12))
    assert worst.max() <= 1 + 1e-9 and worst.max() > 0.999


@pytest.mark.statement("thm-general-distance")
@outputs
@pytest.mark.parametrize("degrees", [30, 70])
def test_a_rule_that_keeps_its_angle_attains_the_bound_with_steps(degrees, k):
    """A rotation, cos γ times as long, is no gradient, and ‖v‖² = ⟨v, V⟩."""
    problem = Problem([[1.0, 0.0]], np.zeros((1, k)))
    W0 = np.zeros((2, k))
    W0[0] = 1.0
    cos, tan = np.cos(np.radians(degrees)), np.tan(np.radians(degrees))
    for eta in (0.3, 1.0):
        W = W0
        for _ in range(2000):
            W = W - eta * cos * Turned(degrees).gradient(problem.gradient(W))
        length = np.sqrt(2 * problem.loss_value(W0) / problem.mu)
        assert norm(W) == pytest.approx(tan * length, rel=1e-9)


def overshot(eta):
    """Where ⅓‖g‖² + ⅙⟨c₁, g⟩₊² + ⅙⟨c₂, g⟩₊² ends, c = (±1, 1)/√2, from (1, 0), GD's end being 0."""
    C, w = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2), np.array([1.0, 0.0])
    for _ in range(4000):
        g = np.array([w[0], 0.0])
        w = w - eta * (2 / 3 * g + C.T @ np.maximum(C @ g, 0) / 3)
    return np.hypot(*w)


@pytest.mark.statement("prop-general-disc")
@pytest.mark.statement("thm-general-distance")
def test_past_the_guarantee_the_sum_of_the_steps_leaves_the_cone():
    most = tangent(1.5)
    assert most == pytest.approx(0.2041, abs=5e-5)
    assert overshot(0.5) == pytest.approx(0.2) and overshot(1.0) == pytest.approx(0.2)
    found = {1.3: 0.2364, 1.5: 1 / 3, 1.9: 0.76}
    for eta, far in found.items():
        assert (
            overshot(eta)
            == pytest.approx(far, abs=1e-4)
            == pytest.approx(eta / (12 - 5 * eta), abs=1e-4)
        )
        assert most < far < 0.2 / (1 - eta / 2)  # the bound past the guarantee
    assert overshot(1.21) < most < overshot(1.214)


@pytest.mark.statement("thm-general-distance")
@outputs
@pytest.mark.parametrize("spread", [1.5, 16.0])
@pytest.mark.parametrize("seed", range(3))
def test_for_all_data_the_constant_is_attained(seed, spread, k):
    problem, _ = random_problem(seed, k, SquaredLoss(), n=3, d=5)
    W0 = weakest(problem, seed)
    foot = problem.project(W0)
    up = np.zeros_like(W0)
    up[:, 0] = np.linalg.svd(problem.X)[2][-1]
    A = built((foot - W0).ravel(), tangent(spread) * norm(foot - W0) * up.ravel())
    K, bound = Whole(A), sector_distance_bound(Start(problem, Whole(A), W0))
    assert norm(end_of(problem, W0, A) - foot) == pytest.approx(bound, rel=1e-6)
    run = dspgd(problem, K, W0, 1 / (K.smoothness * problem.M), max_steps=20_000)
    assert norm(problem.project(run.W) - foot) == pytest.approx(bound, rel=1e-2)


@pytest.mark.statement("thm-general-distance")
def test_a_sector_of_fewer_gradients_or_too_large_a_step_breaks_the_bound():
    problem, W0 = Problem([[1.0, 0.2]], [0.0]), np.array([[10.0], [2.0]])
    run = dspgd(problem, Adam(0.01), W0, 0.01 / problem.M)
    m, beta = Adam(0.01).sector(0.005)
    length = Start(problem, Adam(0.01), W0).length
    assert away(problem, W0, run.W)[0] > 1.5 * tangent(beta / m) * length
    K = Quadratic(np.diag([4.0, 1.0]))
    run = dspgd(problem, K, W0, 2.1 / (4 * problem.X[0, 0] ** 2), max_steps=400, tol=0)
    far = norm(run.W - problem.project(W0))
    assert not far <= sector_distance_bound(Start(problem, K, W0))


def test_without_strong_convexity_of_the_loss_no_bound_is_left():
    class Flat(SquaredLoss):
        strong_convexity = 0.0

    start = Start(Problem([[1.0, 0.2]], [0.0], Flat()), Adam(1.0), np.ones((2, 1)))
    assert sector_distance_bound(start) == angle_distance_bound(start) == np.inf


# ---------------------------------------------------------------- the whole way


@pytest.mark.statement("cor-general-reach")
@runnable
@outputs
@few
@given(drawn_losses, seeds, up_to(1.0))
def test_the_whole_way_is_bounded_by_that_of_gd(K_of, k, loss, seed, fraction):
    problem, K, W0 = a_start(K_of, loss, k, seed)
    start = Start(problem, K, W0)
    run = dspgd(problem, K, W0, fraction * start.max_learning_rate, tol=0, max_steps=300)
    apart, way = away(problem, W0, run.W)
    bound = reach_bound(start)
    assert np.hypot(apart, way) <= bound * (1 + 1e-9)
    if np.isfinite(bound):
        most = tangent(start.spread**2)
        assert bound == pytest.approx(np.sqrt(1 + problem.kappa * most**2) * way)


@pytest.mark.statement("cor-general-reach")
def test_the_factor_without_kappa_is_attained_and_is_not_for_everybody():
    problem, K, W0, T = kinked_integers()
    apart, way = away(problem, W0, dspgd(problem, K, W0, 1 / 36).W)
    assert np.hypot(apart, way) > 1.05 * np.hypot(1, T) * way
    A = built(-W0[:, 0], np.array([0, 0, T]))
    assert norm(end_of(problem, W0, A) - W0) == pytest.approx(1.25)  # 1/cos φ for β/m = 4


def ceiling(spread, kappa):
    """The bound of the exercise, over its q, in GD's ways."""
    s, q = (spread - 1) / (spread + 1), np.linspace(1, kappa, 4001)
    left = 4 * q / (1 + q) ** 2 - s * s
    q, left = q[left > 0], left[left > 0]
    return (np.sqrt(kappa / q) * s / np.sqrt(left)).min()


@settings(max_examples=examples(10))
@given(seeds, st.sampled_from([4.0, 16.0]), st.sampled_from([1.5, 10.0]))
def test_no_rule_reaches_the_ceiling(seed, spread, kappa):
    """A greedy adversary with two examples: the step off ∇Z + f, for a Z of random tilt."""
    assert ceiling(10.0, 10.0) == pytest.approx(3.86, abs=5e-3)
    assert np.sqrt(10) * tangent(10.0) == pytest.approx(4.50, abs=5e-3)
    most = ceiling(spread, kappa)
    assert tangent(spread) < most < np.sqrt(kappa) * tangent(spread)
    rng = np.random.default_rng(seed)
    h, c, r = np.array([kappa, 1.0, 0.0]), 0.5 * (1 + spread), 0.5 * (spread - 1)
    e = np.r_[rng.standard_normal(2), 0.0]
    e /= np.linalg.norm(e)
    slant = np.r_[rng.uniform(0, 2, 2) * tangent(spread), 0.0]
    for _ in range(4000):
        V, left = h * e, np.linalg.norm(e[:2])
        up = np.array([0.0, 0.0, 1.0]) + slant * h**0.5 * e / left
        step = r * np.linalg.norm(V) * up / np.linalg.norm(up) - c * V
        e = e + 0.01 * left * step / np.linalg.norm(step)
    assert 0.3 * tangent(spread) < e[2] < most


@given(seeds, st.integers(2, 8), st.sampled_from([1.5, 7.0, 76.0]))
def test_sector_and_angle_together_as_observed(seed, N, spread):
    rng, r = np.random.default_rng(seed), min(spread, N - 1)
    most = np.sqrt(r) * (spread - 1) / (spread + r)
    V = np.sort(np.exp(rng.uniform(-5, 0, (200, N))), axis=1)
    rates = np.exp(rng.uniform(0, np.log(spread), (200, N)))
    S = np.maximum.accumulate(rates * V, axis=1)  # one convex profile: ordered alike
    S = np.clip(S, V, spread * V)
    assert turn_rows(V, S).max() <= most * (1 + 1e-9)
    assert most <= min(np.sqrt(N - 1), tangent(spread)) * (1 + 1e-12)
    if r == N - 1:
        V = np.r_[1.0, np.full(N - 1, 1 / spread)][None]
        assert turn_rows(V, np.ones((1, N)))[0] == pytest.approx(most)


def turn_rows(V, S):
    along = np.sum(V * S, axis=1) / np.linalg.norm(V, axis=1)
    return np.sqrt(np.maximum(np.sum(S * S, axis=1) - along**2, 0)) / along


def test_the_project_of_the_exercise_turns_what_is_turned_already():
    """Any matrix at any moment, κ ≈ 1111, tan φ = 2: w₃ comes to 0.98 tan²φ."""
    h, c, s = np.array([1.0, 0.03**2]), 1 / np.sqrt(5), 2 / np.sqrt(5)
    w, dt = np.array([1.0, 0.0, 0.0]), 0.01
    for _ in range(4000):
        v1, v2 = h * w[:2]
        w = w - dt * np.array([c * v1 + s * v2, c * v2 - s * v1, 0.0])
        if w[0] <= 1e-4:
            break
    end = 2 * abs(w[1])
    assert end == pytest.approx(3.92, abs=0.02)


# ---------------------------------------------------------------- when ε goes to 0


@pytest.mark.statement("thm-general-steady")
@pytest.mark.promise("angle_distance_bound")
@separable
@outputs
@few
@given(drawn_losses, seeds, up_to(1.9), st.sampled_from([1e-3, 0.1, 3.0]))
def test_a_separable_run_ends_within_its_angle(K_of, k, loss, seed, fraction, factor):
    problem, rng = random_problem(seed, k, loss)
    W0 = start_at_radius(problem, rng, 2.0)
    start = Start(problem, K_of(typical_parameter(problem, W0, factor)), W0)
    eta = fraction * float(start.max_learning_rate)
    run = dspgd(problem, start.K, W0, eta, tol=0, max_steps=300)
    bound = angle_distance_bound(start, eta)
    apart, way = away(problem, W0, run.W)
    assert apart <= bound * (1 + 1e-9) + 1e-9 * way
    most = np.sqrt(problem.d * k - 1)
    slack = 1.0 if fraction <= 1 else 1 - fraction / 2
    assert bound == pytest.approx(most / slack * start.length)
    assert angle_distance_bound(start) == pytest.approx(most * start.length)
    assert distance_bound(start) <= angle_distance_bound(start) * (1 + 1e-12)
    assert certified_limit(start, eta).error <= bound * (1 + 1e-9)


@pytest.mark.statement("thm-general-steady")
@pytest.mark.parametrize("name", ISOTROPIC)
def test_what_turns_nothing_goes_nowhere_else(name):
    class Straight:
        """An isotropic K that says no more of itself than its angle."""

        definite = True

        def __init__(self, K):
            self.value, self.gradient, self.smoothness = K.value, K.gradient, K.smoothness

        def tangent(self, entries):
            return 0.0

    problem, W0 = Problem.gaussian(2, 5, 1, 0), np.ones((5, 1))
    K = Straight(ISOTROPIC[name](1.0))
    start = Start(problem, K, W0)
    assert angle_distance_bound(start) == distance_bound(start) == 0
    run = dspgd(problem, K, W0, 1.5 * start.max_learning_rate, max_steps=3000)
    assert away(problem, W0, run.W)[0] < 1e-9


@pytest.mark.statement("thm-general-steady")
@pytest.mark.parametrize("N", [2, 5, 17, 65])
def test_the_square_root_is_approached(N):
    delta = 1e-4
    far = turns.approached(N, np.array([1e-9]), delta)[0]
    assert 0.99 * np.sqrt(N - 1) < far < np.sqrt(N - 1)
    shown = {2: 0.9997, 65: 0.993}  # the first point of the figure
    if N in shown:
        first = turns.approached(N, turns.SMALL[:1])[0] / np.sqrt(N - 1)
        assert first == pytest.approx(shown[N], abs=5e-4 if N == 65 else 5e-5)
    x = np.full((1, N), 0.05)
    x[0, 0] = 1.0
    flow = preconditioned_flow(Problem(x, [0.0]), SmoothedSign(0.01), x.T / (x @ x.T)).limit
    way = np.linalg.norm(flow) * np.linalg.norm(x)
    assert way == pytest.approx(turns.approached(N, np.array([0.01]), 0.05)[0], rel=1e-4)


@pytest.mark.statement("thm-general-steady")
def test_two_profiles_for_two_weights_turn_farther():
    """½g₁² + 50g₂²: each even and convex, but not one for both. √(N − 1) = 1, tan φ = 4.95."""
    problem = Problem([[10.0, 1.0]], [0.0])
    W0 = problem.X.T / 101
    run = dspgd(problem, Quadratic(np.diag([1.0, 100.0])), W0, 1 / (100 * problem.M))
    apart, way = away(problem, W0, run.W)
    assert apart == pytest.approx(4.95 * way, rel=1e-6)


@pytest.mark.statement("thm-general-steady")
def test_from_twice_the_learning_rate_on_a_run_need_not_arrive():
    problem, K, W0 = Problem([[1.0, 0.0]], [0.0]), Adam(1.0), np.array([[1e-3], [0.0]])
    run = dspgd(problem, K, W0, 2.5, tol=0, max_steps=2000)
    assert problem.loss_value(run.W) > 100 * problem.loss_value(W0)
    with pytest.raises(ValueError, match="eta must be at most"):
        angle_distance_bound(Start(problem, K, W0), 2.0)


# ---------------------------------------------------------------- figures


def test_the_opening_fills_the_disc_up_to_its_rim():
    problem, W0 = figures.example()
    assert (problem.n, problem.d, problem.k) == (1, 3, 1)
    points = destinations.seen(ends(problem, W0, destinations.drawn(destinations.SPREAD)))
    radius, far = tangent(destinations.SPREAD), np.linalg.norm(points, axis=1)
    assert radius == pytest.approx(0.75) and far.max() < radius
    slices = (np.arctan2(*points.T) // (np.pi / 8)).astype(int)
    for one in range(-8, 8):  # near the rim on all sides
        assert far[slices == one].max() > 0.95 * radius


def test_the_opening_shows_where_runs_do_end():
    problem, W0 = figures.example()
    for A in destinations.drawn(destinations.SPREAD, 5):
        K = Quadratic(A)
        run = dspgd(problem, K, W0, 0.7 / (K.smoothness * problem.M))
        assert norm(run.W - ends(problem, W0, A)) < 1e-9


def test_the_edges_of_the_cone_are_mirror_images_where_they_are_drawn():
    for spread in kantorovich.SPREADS[::16]:
        edge = kantorovich._cone_frame(spread).marks[0][1].points
        low, _, high = np.asarray(edge)
        assert low == pytest.approx(high * (1, -1)) and high[1] < 2.3
        assert high[1] / high[0] == pytest.approx(tangent(spread))


def test_the_cone_holds_its_ends():
    for spread, cloud in zip(kantorovich.SPREADS, kantorovich.clouds(), strict=True):
        assert np.linalg.norm(cloud, axis=1).max() <= tangent(spread) * (1 + 1e-9)


def test_adam_ends_in_the_hexagon_in_the_disc_and_in_the_triangle():
    triangle = destinations.singles()
    for eps in destinations.EPSILONS[::8]:
        spread = float(destinations.spread_of(eps))
        start = Start(*(figures.example()[0], Adam(eps), figures.example()[1]))
        assert float(start.spread) ** 2 == pytest.approx(spread)
        hexagon, end = destinations.corners(spread), destinations.adams(eps)
        assert np.linalg.norm(hexagon, axis=1).max() <= tangent(spread) * (1 + 1e-9)
        for polygon, inside in ((hexagon, end[None]), (triangle[::-1], hexagon), (hexagon, end)):
            edge = np.roll(polygon, -1, axis=0) - polygon
            gap = np.atleast_2d(inside)[:, None] - polygon
            side = edge[:, 0] * gap[..., 1] - edge[:, 1] * gap[..., 0]
            assert (side > -1e-9).all() or (side < 1e-9).all()


def test_the_hexagon_grows_into_the_triangle():
    far = destinations.corners(1e9)
    gaps = np.linalg.norm(destinations.singles()[:, None] - far, axis=-1).min(axis=1)
    assert gaps.max() < 1e-6


def test_the_legs_of_the_triangle():
    road = turns.lifted()
    assert np.abs(road[-1, :2]).max() < 1e-4 and abs(road[0, 1:]).max() < 1e-9
    assert [road[0, 0], road[-1, 2]] == pytest.approx([2.77, 1.63], abs=0.01)


def test_built_matrices_pay_the_least_price_and_others_more():
    found = kantorovich.prices()
    rho, cost = found["built for it"]
    assert cost == pytest.approx(least_price(rho), rel=1e-6)
    rho, cost = found["random matrices"]
    assert (cost > least_price(rho)).all()


def test_runs_stay_below_the_constant_that_quadratics_attain():
    spread, factor = kantorovich.attained()
    assert factor == pytest.approx(tangent(spread), rel=1e-6)
    for rows in kantorovich.others().values():
        assert (rows[:, 1] < 0.5 * tangent(rows[:, 0])).all()


def test_the_area_lies_between_what_was_measured_and_the_sector():
    found = [turns.turns(eps) for eps in turns.EPSILONS[::10]]
    for curve, area, far, most in found:
        assert 0 < far < area < curve.max() * 1.05 and curve.max() < most
    assert (np.diff([area for _, area, _, _ in found]) < 0).all()


def test_three_bounds_over_eps_have_a_reign_each():
    found = {name: np.median(rows, axis=0) for name, rows in turns.over_eps().items()}
    names = ["energy", "sector", "angle"]
    least = [names[i] for i in np.argmin([found[name] for name in names], axis=0)]
    assert least == ["angle"] * 11 + ["sector"] * 3 + ["energy"] * 8
    for name in [*names, "curvature"]:
        assert (turns.over_eps()["measured"] < turns.over_eps()[name]).all()
    assert found["angle"] == pytest.approx(np.sqrt(19), rel=1e-6)
    assert found["measured"][0] == pytest.approx(0.464, abs=1e-3)
    assert [found["energy"][0], found["sector"][0]] == pytest.approx([45_000, 277], rel=0.01)
    one = int(np.argmin(np.abs(np.log(turns.OVER / 0.01))))
    assert turns.OVER[one] == pytest.approx(0.01)
    assert found["measured"][one] == pytest.approx(0.46, abs=5e-3)
    assert found["sector"][one] == pytest.approx(28, abs=0.5)
    assert found["curvature"][one] == pytest.approx(9.4e6, rel=0.01)


def test_the_flow_by_runge_kutta_is_that_of_the_library():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((2, 20)), rng.standard_normal((2, 1)))
    W0 = rng.standard_normal((20, 1))
    apart = away(problem, W0, preconditioned_flow(problem, Adam(1e-4), W0).limit)[0]
    far = turns.over_eps()["measured"][0, 0] * Start(problem, Adam(1e-4), W0).length
    assert far == pytest.approx(apart, rel=1e-3)
