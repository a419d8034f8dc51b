"""The statements of the chapter on the adjusted Bregman divergence, and what its figures claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles import examples
from strategies import (
    PRECONDITIONERS,
    drawn_outputs,
    inner,
    norm,
    random_problem,
    seeds,
    typical_parameter,
    up_to,
)

from dspgd_lib import (
    Adam,
    Cosh,
    GradientClipping,
    GradientDescent,
    LogCosh,
    LogCoshLoss,
    NormalizedGD,
    PNorm,
    Problem,
    SmoothedSign,
    SquaredLoss,
    adjusted_bregman,
    bregman,
    fundamental_identity,
    loss_conjugate_at,
    max_learning_rate,
    show,
    three_point_gap,
)
from dspgd_lib.counterexamples import HuberLoss
from dspgd_lib.figures import adjusted_bregman as figures
from dspgd_lib.figures import blade, carried, step_gaps

HUBER = HuberLoss(1.0)
STRICT = (SquaredLoss(), LogCoshLoss())
every_K = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)


@st.composite
def pairs(draw, losses=(*STRICT, HUBER), n=None):
    """A problem, two weights of it, W and W′, and its random generator."""
    seed, k, loss = draw(seeds), draw(drawn_outputs), draw(st.sampled_from(losses))
    problem, rng = random_problem(seed, k, loss, n=n)
    W = rng.standard_normal((2, problem.d, k)) * 10.0 ** rng.uniform(-1, 1, (2, 1, 1))
    return problem, W[0], W[1], rng


def gap(problem, W_, W, P):
    """D̂_{L*}(∇L(W′), ∇L(W); P) from the definition, and the size of what was subtracted."""
    V_, V = problem.gradient(W_), problem.gradient(W)
    rise = loss_conjugate_at(problem, W_) - loss_conjugate_at(problem, W)
    sizes = [inner(abs(G), abs(P) + abs(A)) for G, A in ((V_, W_), (V, W))]
    return rise - inner(P, V_ - V), 1e-13 * (sum(sizes) + inner(problem.Y, problem.Y))


def lifted(problem, Z):
    """The shortest weights whose prediction is Z."""
    return np.linalg.pinv(problem.X) @ Z


def in_null_space(problem, rng):
    A = 3 * rng.standard_normal((problem.d, problem.k))
    return A - lifted(problem, problem.X @ A)


def farther_out(problem, W, rng):
    """Other weights with the gradient of W: residuals beyond Huber's corner move on."""
    R = problem.residual(W)
    out = (abs(R) >= 1) * np.sign(R) * rng.exponential(2.0, R.shape)
    return W + lifted(problem, out) + in_null_space(problem, rng)


def top_direction(problem):
    return np.linalg.svd(problem.X)[2][0][:, None] * np.ones((1, problem.k))


class Hills(SquaredLoss):
    """½z² + 2(1 − cos z): smooth, least at 0, not convex."""

    smoothness = 3.0

    def phi(self, z):
        return 0.5 * z * z + 2 * (1 - np.cos(z))

    def slope(self, z):
        return z + 2 * np.sin(z)

    def entry_divergence(self, b, h):
        return self.phi(b + h) - self.phi(b) - self.slope(b) * h


class Ripples:
    """K(g) = 1 − cos g: not convex, but least at 0, and its gradient is 1-Lipschitz."""

    smoothness = 1.0

    def value(self, G):
        return (1 - np.cos(G)).sum(axis=(-2, -1))

    def gradient(self, G):
        return np.sin(G)


# ------------------------------------------------------------------- the third argument


@given(drawn_outputs, seeds)
def test_gaps_are_nonnegative_exactly_over_subgradients(k, seed):
    """F = ‖·‖₁ + ½‖·‖²: subgradients sign(B) + B, and anything in [−1, 1] where B is 0."""

    def F(A):
        return np.abs(A).sum(axis=(-2, -1)) + 0.5 * (A**2).sum(axis=(-2, -1))

    rng = np.random.default_rng(seed)
    B = rng.standard_normal((4, k)) * (rng.random((4, k)) < 0.5)
    P = np.where(B == 0, rng.choice([-1.0, 1.0, 0.3], B.shape), np.sign(B)) + B
    A = rng.standard_normal((200, 4, k)) * 10.0 ** rng.uniform(-2, 1, (200, 1, 1))
    B_, P_ = (np.broadcast_to(G, A.shape) for G in (B, P))
    assert (adjusted_bregman(F, A, B_, P_) >= -1e-12 * (1 + F(A))).all()
    wrong = P + 0.05 * (np.sign(B) + (B == 0) * np.sign(P))  # a little more slope than allowed
    off = np.abs(B) + (np.abs(P) == 1) * (B == 0) > 0
    toward = B + 0.02 * np.sign(wrong) * off
    if off.any():
        assert adjusted_bregman(F, toward, B, np.where(off, wrong, P)) < 0


@every_K
@given(drawn_outputs, seeds)
def test_with_the_gradient_it_is_the_ordinary_divergence(K_of, k, seed):
    K, (A, B) = K_of(0.5), np.random.default_rng(seed).standard_normal((2, 5, k))
    found = adjusted_bregman(K.value, A, B, K.gradient(B))
    assert found == pytest.approx(bregman(K, A, B), abs=1e-12)


@pytest.mark.statement("lem-adj-three-points")
@given(pairs())
def test_three_points_on_the_blade_whatever_the_slopes(case):
    """F = L*, which is +∞ off the row space; P and Q are any matrices at all."""
    problem, W, W_, rng = case
    C = rng.standard_normal(W.shape)
    P, Q = rng.standard_normal((2, *W.shape))
    V = [problem.gradient(G) for G in (W, W_, C)]
    known = {G.tobytes(): loss_conjugate_at(problem, A) for G, A in zip(V, (W, W_, C), strict=True)}
    left = three_point_gap(lambda G: known[G.tobytes()], *V, subgradients=(P, Q))
    scale = sum(abs(value) for value in known.values()) + sum(norm(G) for G in V) * norm(P - Q)
    assert abs(left) <= 1e-12 * scale
    wrong = inner(P - Q, V[0] - V[1])  # the inner product cannot be left out
    assert abs(left + 0.05 * wrong) > 1e-12 * scale or abs(wrong) < 1e-9 * scale


@pytest.mark.statement("lem-adj-carried")
@given(pairs())
def test_weights_and_all_others_with_their_gradient_touch_from_below(case):
    problem, W, W_, rng = case
    others = [W, W + in_null_space(problem, rng)]
    if problem.loss == HUBER:
        others.append(farther_out(problem, W, rng))
    for P in others:
        assert norm(problem.gradient(P) - problem.gradient(W)) <= 1e-9 * (1 + norm(P) * problem.M)
        for A in (W_, 0 * W, problem.project(W), 10 * W_):
            found, rounding = gap(problem, A, W, P)
            assert found >= -rounding


@pytest.mark.statement("lem-adj-carried")
@given(pairs(), st.sampled_from([0.05, 1.0]))
def test_weights_with_another_gradient_do_not_touch(case, size):
    problem, W, _, rng = case
    P = W + size * lifted(problem, rng.standard_normal((problem.n, problem.k)))
    found, rounding = gap(problem, P, W, P)
    if norm(problem.gradient(P) - problem.gradient(W)) > 1e-3 * size:
        assert found < -rounding


# ------------------------------------------------------------------- seen from a gradient


@pytest.mark.statement("prop-adj-duality")
@given(pairs())
def test_a_gap_is_a_difference_of_two_divergences_of_the_loss(case):
    """Part 1, for any P; part 2, where the second of them is 0."""
    problem, W, W_, rng = case
    P = 2 * rng.standard_normal(W.shape)
    for slope in (P, W, W_, farther_out(problem, W, rng)):
        far, near = problem.divergence(slope, W_), problem.divergence(slope, W)
        found, rounding = gap(problem, W_, W, slope)
        assert abs(found - (far - near)) <= rounding + 1e-12 * (far + near)
    found, rounding = gap(problem, W_, W, W)
    assert abs(found - problem.divergence(W, W_)) <= rounding
    fit = problem.project(W)
    assert problem.divergence(W, fit) == pytest.approx(problem.loss_value(W), rel=1e-6)


@pytest.mark.statement("prop-adj-duality")
@given(pairs())
def test_the_most_negative_gap_is_at_home(case):
    """Part 3: −D_L(P, W) at the gradient of P, and nowhere less (off the row space L* is +∞)."""
    problem, W, W_, rng = case
    P = W + rng.standard_normal(W.shape)
    least, rounding = gap(problem, P, W, P)
    assert abs(least + problem.divergence(P, W)) <= rounding
    near_home = P + 0.1 * rng.standard_normal(W.shape)
    for A in (W_, W, near_home, 0 * W):
        found, more = gap(problem, A, W, P)
        assert found >= least - rounding - more
    if np.abs(problem.X @ (P - W)).max() > 0.1 and problem.loss != HUBER:
        assert least < -rounding


def test_the_arguments_swap_and_do_not_stay():
    """For the logarithmic cosine D_L(W, W′) and D_L(W′, W) differ: the order matters."""
    problem = Problem([[1.0, 0.0]], [0.0], LogCoshLoss())
    W, W_ = np.array([[2.0], [1.0]]), np.array([[0.5], [0.0]])
    found, _ = gap(problem, W_, W, W)
    assert found == pytest.approx(problem.divergence(W, W_), rel=1e-12)
    assert abs(found / problem.divergence(W_, W) - 1) > 0.05


def test_without_convexity_weights_carry_nothing():
    """½w² + 2(1 − cos w): at w = 3 its tangent is not below; all four statements fail."""
    w = np.linspace(-30, 30, 60001)
    loss = Hills()
    L = loss.phi(w)

    def dual(v):
        return float(np.max(v * w - L))

    at, to = 3.0, 0.5
    v, v_ = float(loss.slope(np.array(at))), float(loss.slope(np.array(to)))
    assert at * v - float(loss.phi(np.array(at))) < dual(v) - 0.5  # no equality of Fenchel–Young
    gaps = [dual(float(u)) - dual(v) - at * (u - v) for u in loss.slope(np.linspace(-6, 6, 101))]
    assert min(gaps) < -0.2  # lem-adj-carried
    D = float(loss.entry_divergence(np.array(to), np.array(at - to)))
    assert abs(dual(v_) - dual(v) - at * (v_ - v) - D) > 0.5  # prop-adj-duality, prop-adj-compute


# ------------------------------------------------------------------- only XP counts


@pytest.mark.statement("prop-adj-which")
@given(pairs())
def test_subgradients_have_equal_slopes_entry_by_entry(case):
    problem, W, _, rng = case
    slopes = problem.loss.gradient(problem.residual(W))
    for P in (farther_out(problem, W, rng), W + 0.3 * rng.standard_normal(W.shape)):
        same = np.allclose(problem.loss.gradient(problem.residual(P)), slopes, atol=1e-9)
        found, rounding = gap(problem, P, W, P)
        assert same == (found >= -rounding)


@pytest.mark.statement("prop-adj-which")
@given(pairs(losses=(SquaredLoss(), HUBER)))
def test_the_gap_is_that_of_the_dual_of_the_loss_of_the_residuals(case):
    """Part 2 with ℓ*(U) = ½‖U‖² on its domain: P enters as XP − Y."""
    problem, W, W_, rng = case
    U, U_ = (problem.loss.gradient(problem.residual(A)) for A in (W, W_))
    P = rng.standard_normal(W.shape)
    beside = 0.5 * inner(U_, U_) - 0.5 * inner(U, U) - inner(problem.residual(P), U_ - U)
    for slope in (P, P + in_null_space(problem, rng)):
        found, rounding = gap(problem, W_, W, slope)
        assert abs(found - beside) <= 10 * rounding + 1e-12 * abs(beside)
    # a residual that is another at one entry only is seen from some gradient
    i, j = rng.integers(problem.n), rng.integers(problem.k)
    other = np.zeros_like(U)
    other[i, j] = 1.0
    R = problem.residual(W)
    R[i, j] = 0.5 if U[i, j] <= 0 else -0.5
    look = lifted(problem, R + problem.Y)
    found, rounding = gap(problem, look, W, P)
    moved, more = gap(problem, look, W, P + lifted(problem, other))
    expected = U[i, j] - R[i, j]
    assert abs(moved - found - expected) <= 10 * (rounding + more) and abs(expected) >= 0.5


@pytest.mark.statement("prop-adj-which")
@given(pairs(losses=STRICT))
def test_with_a_strictly_convex_loss_all_subgradients_agree(case):
    """Part 3, (c) ⇒ (b) ⇒ (a): the least move of XP is punished, moves along Z are not seen."""
    problem, W, W_, rng = case
    Z = in_null_space(problem, rng)
    found, rounding = gap(problem, W_, W, W)
    other, more = gap(problem, W_, W, W + Z)
    assert abs(found - other) <= rounding + more
    move = rng.standard_normal((problem.n, problem.k))
    P = W + lifted(problem, 0.05 * move)
    least, rounding = gap(problem, P, W, P)
    assert least <= -0.5 * 0.05**2 * inner(move, move) * problem.loss.strong_convexity + rounding


@pytest.mark.statement("prop-adj-which")
@given(pairs(losses=(HUBER,)))
def test_with_straight_pieces_they_do_not(case):
    """Part 3, not (c) ⇒ not (a): at U′ = 0 the gaps of two subgradients differ by (z′ − z)u."""
    problem, W, _, _ = case
    R = problem.residual(W)
    R[0, 0] = 1.5
    W = lifted(problem, R + problem.Y)
    further = np.zeros_like(R)
    further[0, 0] = 2.0
    fit = problem.project(W)
    gaps = [gap(problem, fit, W, P) for P in (W, W + lifted(problem, further))]
    assert gaps[1][0] - gaps[0][0] == pytest.approx(2.0, abs=1e-9 + gaps[0][1] + gaps[1][1])
    assert gaps[0][0] == pytest.approx(problem.loss_value(W), abs=1e-9 + gaps[0][1])


def test_without_full_row_rank_coordinates_are_not_unique():
    """Two equal examples with labels ±1: L* is below ℓ*(U) + ⟨U, Y⟩ for most U."""
    X, Y = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0], [-1.0]])
    U = np.array([[0.7], [-0.2]])
    w = np.linspace(-10, 10, 20001)
    dual = np.max((X.T @ U)[0, 0] * w - 0.5 * ((w[:, None] - Y[:, 0]) ** 2).sum(axis=1))
    assert dual < 0.5 * inner(U, U) + inner(U, Y) - 0.1


# ------------------------------------------------------------------- one step is the subgradient


def difference_gap(problem, K, W, W_, eta):
    """D̂_{F_η}(∇L(W′), ∇L(W); W⁺) from the definition, and its rounding."""
    V, V_ = problem.gradient(W), problem.gradient(W_)
    step = eta * K.gradient(V)
    found, rounding = gap(problem, W_, W, W - step)
    scale = eta * (K.value(V) + K.value(V_)) + inner(abs(step), abs(V) + abs(V_))
    return found - eta * (K.value(V_) - K.value(V)), rounding + 1e-13 * scale


@every_K
@pytest.mark.statement("thm-adj-step")
@settings(max_examples=examples(12))
@given(pairs(), up_to(1.0))
def test_up_to_the_guarantee_no_step_makes_a_negative_gap(K_of, case, share):
    """Part (a): (3) holds, so W⁺ touches F_η from below at V."""
    problem, W, W_, rng = case
    K = K_of(typical_parameter(problem, W))
    eta = share * max_learning_rate(problem, K)
    V = problem.gradient(W)
    after = W - eta * K.gradient(V)
    for A in (W_, after, problem.project(W), W + 0.01 * rng.standard_normal(W.shape)):
        found, rounding = difference_gap(problem, K, W, A, eta)
        assert found >= -rounding


@pytest.mark.statement("thm-adj-step")
@given(pairs(losses=(SquaredLoss(),)))
def test_beyond_it_gradient_descent_makes_one_at_once(case):
    """(a) is attained with 0 at η = 1/M, and without (3) it fails: 5 % more is enough."""
    problem, W, _, _ = case
    W_, K = W + top_direction(problem), GradientDescent()
    for share, sign in ((1.0, 0), (1.05, -1)):
        found, rounding = difference_gap(problem, K, W, W_, share / problem.M)
        D = problem.divergence(W, W_)
        assert found == pytest.approx(sign * 0.05 * D, abs=1e-9 * D + rounding)


def test_convexity_of_K_is_not_used():
    """K = 1 − cos and ½w²: F_η is convex up to η = 1, and no gap is negative; at 1.05 some are."""
    problem, K = Problem([[1.0]], [0.0], strict=False), Ripples()
    W, W_ = (G.reshape(-1, 1, 1) for G in np.meshgrid(*[np.linspace(-7, 7, 57)] * 2))
    for eta in (0.5, 1.0, 1.05):
        gaps, _ = difference_gap(problem, K, W, W_, eta)
        assert gaps.min() >= -1e-12 if eta <= 1 else gaps.min() < -1e-4


def convex_up_to(loss, K, u):
    """The largest η for which ℓ* − ηK is convex between the slopes u: from second differences."""
    z = np.linspace(-4, 4, 80001)
    heights = loss.phi(z)
    dual = np.array([np.max(v * z - heights) for v in u])
    bent = np.diff(K.value(u[:, None, None]), 2)
    return float(np.min(np.diff(dual, 2)[bent > 1e-9] / bent[bent > 1e-9]))


CURVED = {
    "normalized GD": NormalizedGD(0.5),
    "Adam": Adam(0.5),
    "smoothed sign": SmoothedSign(0.5),
    "clipping": GradientClipping(0.3),
    "log cosh": LogCosh(),
    "cosh": Cosh(),
    "third power": PNorm(3.0),
}


@pytest.mark.statement("thm-adj-step")
@pytest.mark.parametrize("loss", [*STRICT, HUBER], ids=["squared", "log-cosh", "Huber"])
@pytest.mark.parametrize("K", CURVED.values(), ids=CURVED)
def test_no_negative_gap_means_convex_and_the_other_way_round(K, loss):
    """(a) and (b) where convexity can be seen: one weight, slopes between −1 and 1.

    Huber's loss has no others, so there hyperbolic cosine and third power have an η, too.
    """
    problem = Problem([[1.0]], [0.0], loss, strict=False)
    u = np.linspace(-1, 1, 81)
    z = np.linspace(-2, 2, 4001)
    ends = np.interp(u, loss.slope(z), z) if isinstance(loss, LogCoshLoss) else u
    W = ends[:, None, None]
    edge = convex_up_to(loss, K, u)
    V, value = problem.gradient(W)[:, 0, 0], loss_conjugate_at(problem, W)
    for share in (0.9, 1.1):
        eta = share * edge
        after = ends - eta * K.gradient(V[:, None, None])[:, 0, 0]
        F = value - eta * K.value(V[:, None, None])
        gaps = F[None] - F[:, None] - after[:, None] * (V[None] - V[:, None])
        assert (gaps.min() >= -1e-9) == (share < 1)


def test_one_start_does_not_tell_whether_the_difference_is_convex():
    """From u = 2 every gap at its own end is positive up to 2.8 guarantees: (b) needs all pairs."""
    rates = np.linspace(1.01, 2.79, 60)
    assert (step_gaps.one_step(2.0, rates)["gap"] > 0).all()
    assert (step_gaps.one_step(0.02, rates)["gap"] < 0).all()


@given(st.floats(0.05, 3), up_to(3.0))
def test_from_where_the_cut_of_normalized_gd_is_seen(u, share):
    """Of the step from u some gradient sees a negative gap exactly above √(1 + u²) guarantees."""
    edge = np.sqrt(1 + u**2)
    gaps = step_gaps.gap_from(u, share, np.linspace(-12, 12, 24001))
    assert gaps.min() >= -1e-12 or share > edge
    assert step_gaps.gap_from(u, 1.02 * edge, -u) < 0 < step_gaps.gap_from(u, 0.98 * edge, -u)
    after = float(step_gaps.one_step(u, share)["after"])
    own = step_gaps.one_step(u, share)["gap"]
    assert step_gaps.gap_from(u, share, after) == pytest.approx(float(own), abs=1e-12)


# ------------------------------------------------------------------- a gap without its function


@every_K
@pytest.mark.statement("prop-adj-compute")
@settings(max_examples=examples(12))
@given(pairs(), up_to(3.0))
def test_the_gap_of_a_step_is_computed_without_its_function(K_of, case, share):
    """For every learning rate, (3) or not; `fundamental_identity` returns it for W′ = W⁺."""
    problem, W, W_, _ = case
    K = K_of(typical_parameter(problem, W))
    eta = share / (K.smoothness * problem.M)
    V, V_ = problem.gradient(W), problem.gradient(W_)
    without = problem.divergence(W, W_) - eta * bregman(K, V_, V)
    found, rounding = difference_gap(problem, K, W, W_, eta)
    assert abs(found - without) <= rounding + 1e-12 * abs(without)
    step = fundamental_identity(problem, K, W, W_, eta)
    own, rounding = difference_gap(problem, K, W, step.W_next, eta)
    assert abs(own - step.adjusted_divergence) <= 10 * rounding


@every_K
@pytest.mark.statement("prop-adj-share")
@settings(max_examples=examples(12))
@given(pairs(), up_to(3.0))
def test_the_share_that_is_left_lies_between_its_ends(K_of, case, share):
    problem, W, W_, rng = case
    K = K_of(typical_parameter(problem, W))
    eta = share / (K.smoothness * problem.M)
    near = problem.project(W) + 1e-3 * rng.standard_normal(W.shape)
    for A, B in ((W, W_), (W_, W), (near, problem.project(W)), (near, near + 1e-3 * W)):
        D, V, V_ = problem.divergence(A, B), problem.gradient(A), problem.gradient(B)
        left = D - eta * bregman(K, V_, V)
        rounding = 1e-10 * D + 1e-13 * eta * (K.value(V) + K.value(V_))
        assert (1 - share) * D - rounding <= left <= D + rounding


@pytest.mark.statement("prop-adj-share")
@given(pairs(losses=(SquaredLoss(),)), up_to(3.0))
def test_both_ends_of_the_share_are_attained(case, share):
    """GD along the top direction; clipping where both gradients are clipped on one side."""
    problem, W, _, rng = case
    D, W_ = 0.0, W + rng.uniform(0.1, 3) * top_direction(problem)
    eta, D = share / problem.M, problem.divergence(W, W_)
    K_gap = bregman(GradientDescent(), problem.gradient(W_), problem.gradient(W))
    assert D - eta * K_gap == pytest.approx((1 - share) * D, rel=1e-9, abs=1e-9 * D)
    one, clip = Problem([[1.0, 0.5]], [0.0]), GradientClipping(0.1)
    A, B = np.array([[2.0], [1.0]]), np.array([[5.0], [-1.0]])
    assert bregman(clip, one.gradient(B), one.gradient(A)) == pytest.approx(0, abs=1e-12)


def test_the_ends_need_what_is_assumed_of_K_and_of_the_loss():
    pi, zero = np.array([[np.pi]]), np.array([[0.0]])
    one = Problem([[1.0]], [0.0], strict=False)
    # K not convex: more than D_L is left (the exercise: ½π² + 1)
    left, _ = difference_gap(one, Ripples(), pi, zero, 0.5)
    assert left == pytest.approx(0.5 * np.pi**2 + 1) and round(float(left), 2) == 5.93
    assert left > 1.05 * one.divergence(pi, zero) and round(0.5 * np.pi**2, 2) == 4.93
    assert Ripples().gradient(pi) == pytest.approx(0, abs=1e-15)  # the run stays where it is
    # K not β-smooth: cosh with β = k″(0) = 1, far from 0
    W, W_ = np.array([[1.0]]), np.array([[4.0]])
    assert difference_gap(one, Cosh(), W, W_, 0.5)[0] < 0.5 * one.divergence(W, W_) - 1
    # the loss not M-smooth with the M that is used: log cosh has 2, not 1
    steep = Problem([[1.0]], [0.0], LogCoshLoss(), strict=False)
    left = difference_gap(steep, GradientDescent(), 0.01 * W, zero, 0.5)[0]
    assert left < 0.05 * steep.divergence(0.01 * W, zero)
    # the loss not convex: D_L(W, W′) < 0, and so is what is left
    A, B = np.array([2.0]), np.array([3.0])
    D = float(Hills().entry_divergence(B, A - B)[0])
    K_gap = 0.5 * float((Hills().slope(A) - Hills().slope(B))[0]) ** 2
    assert D < 0 and D - 0.1 * K_gap < (1 - 0.1 * 3) * D


# ------------------------------------------------------------------- one step, many methods


def with_kinks(A):
    return 2 * np.abs(A).sum(axis=(-2, -1)) + 0.5 * (A**2).sum(axis=(-2, -1))


MIRRORS = {"quadratic": GradientDescent(), "cosh": Cosh(), "third power": PNorm(3.0)}


def iteration(draw_name, problem, W, rng, share):
    """ψ, B, P, f, η, B⁺ and any A of the domain of ψ, for one of the instances of the chapter."""
    A = rng.standard_normal(W.shape)
    if draw_name == "kinks":
        P = 5 * rng.standard_normal(W.shape)
        eta = share / problem.M
        B, after = (G - np.clip(G, -2, 2) for G in (P, P))
        P_ = P - eta * problem.gradient(B)
        after = P_ - np.clip(P_, -2, 2)
        return with_kinks, B, P, problem, eta, after, A
    if draw_name == "dual":
        K = Adam(typical_parameter(problem, W))
        eta = share / (K.smoothness * problem.M)
        W_ = W - eta * K.gradient(problem.gradient(W))
        points = [problem.gradient(G) for G in (W, W_, A)]
        known = {
            G.tobytes(): loss_conjugate_at(problem, w)
            for G, w in zip(points, (W, W_, A), strict=True)
        }
        return lambda G: known[G.tobytes()], points[0], W, K, eta, points[1], points[2]
    psi = MIRRORS[draw_name]
    eta = share / problem.M
    P = psi.gradient(W)
    return (
        psi.value,
        W,
        P,
        problem,
        eta,
        psi.gradient_of_conjugate(P - eta * problem.gradient(W)),
        A,
    )


@pytest.mark.statement("prop-adj-mirror")
@pytest.mark.parametrize("name", ["kinks", "dual", *MIRRORS])
@given(pairs(), up_to(3.0))
def test_one_ledger_for_mirror_descent_for_ours_and_for_linearized_bregman(name, case, share):
    """Part 2, for every learning rate."""
    problem, W, _, rng = case
    psi, B, P, f, eta, after, A = iteration(name, problem, W, rng, share)
    f_at = f.value if hasattr(f, "value") else f.loss_value
    P_ = P - eta * f.gradient(B)
    sharp = adjusted_bregman(psi, after, B, P_) - eta * (f_at(after) - f_at(B))
    left = adjusted_bregman(psi, A, B, P) + eta * f_at(A)
    right = (
        adjusted_bregman(psi, A, after, P_)
        + eta * f_at(after)
        + sharp
        + eta * (f_at(A) - f_at(B) - inner(f.gradient(B), A - B))
    )
    scale = abs(psi(A)) + abs(psi(B)) + abs(psi(after)) + eta * (f_at(A) + f_at(B) + f_at(after))
    scale += inner(abs(P) + abs(P_), abs(A) + abs(B) + abs(after))
    assert abs(left - right) <= 1e-12 * scale
    if name in ("kinks", "quadratic", "dual"):  # ψ − ηf is convex up to a share of 1
        assert sharp >= -1e-12 * scale or share > 1


@pytest.mark.statement("prop-adj-mirror")
@given(pairs(losses=(SquaredLoss(),)))
def test_the_step_with_kinks_is_a_subgradient_up_to_its_guarantee_and_no_farther(case):
    """Part 1, attained: along the top direction, without a kink between, (1 − ηM)·½‖A − B‖²."""
    problem, W, _, rng = case
    direction = top_direction(problem)
    B = 4 * np.sign(direction) * np.ones_like(W) + 0.1 * rng.standard_normal(W.shape)
    P = 2 * np.sign(B) + B
    for share in (0.5, 1.0, 1.05):
        eta = share / problem.M
        P_ = P - eta * problem.gradient(B)
        for A in (B + direction, W, -B, 0 * B):
            found = adjusted_bregman(with_kinks, A, B, P_) - eta * (
                problem.loss_value(A) - problem.loss_value(B)
            )
            size = 1e-11 * (with_kinks(B) + with_kinks(A) + eta * problem.loss_value(B))
            assert found >= -size or share > 1
        found = adjusted_bregman(with_kinks, B + direction, B, P_) - eta * (
            problem.loss_value(B + direction) - problem.loss_value(B)
        )
        exact = (1 - share) * 0.5 * inner(direction, direction)
        assert found == pytest.approx(exact, abs=1e-9 * (1 + with_kinks(B)))


@pytest.mark.statement("prop-adj-mirror")
def test_the_first_term_of_the_ledger_needs_a_subgradient_at_the_new_point():
    """Carried, its gaps are nonnegative; with P from the old point and no step, one is not."""
    run = carried.linearized()
    A = run.truth
    kept = [adjusted_bregman(carried.potential, A, W, P) for W, P in zip(run.W, run.P, strict=True)]
    assert min(kept) > 0
    late = adjusted_bregman(carried.potential, 0 * A, run.W[-1], run.P[5])
    assert late < 0  # P of step 5 is no subgradient at the weights of step 80


@every_K
@settings(max_examples=examples(8))
@given(pairs(), up_to(3.0))
def test_the_ledger_of_our_method_seen_from_the_perfect_fits(K_of, case, share):
    """L(W) = L(W⁺) + ηK(V⁺) + D̂(V⁺, V; W⁺) + ηD_K(0, V), for every learning rate."""
    problem, W, _, _ = case
    K = K_of(typical_parameter(problem, W))
    eta = share / (K.smoothness * problem.M)
    V = problem.gradient(W)
    after = W - eta * K.gradient(V)
    V_ = problem.gradient(after)
    own = problem.divergence(W, after) - eta * bregman(K, V_, V)
    right = problem.loss_value(after) + eta * (K.value(V_) + bregman(K, 0 * V, V)) + own
    scale = problem.loss_value(W) + problem.loss_value(after) + eta * inner(abs(V), abs(V))
    assert abs(problem.loss_value(W) - right) <= 1e-9 * scale


# ------------------------------------------------------------------- exercises and prose


@pytest.mark.parametrize("K", [Adam(0.4), NormalizedGD(0.4)], ids=["Adam", "normalized GD"])
@given(seeds, drawn_outputs, st.sampled_from([0.9, 1.05, 1.5]))
def test_short_steps_of_the_top_direction_have_the_sign_of_one_minus_the_share(K, seed, k, share):
    problem, _ = random_problem(seed, k, SquaredLoss())
    start = problem.project(np.zeros((problem.d, k))) + 1e-8 / problem.M * top_direction(problem)
    parts = step_gaps.parts_of_steps(problem, K, start[None], [share], 1)
    assert parts.item() == pytest.approx(1 - share, abs=1e-5)


class Bump:
    """k′(g) = g/2 + min(1, max(0, 10(g − 10))) in the first entry, ¼g² in the second."""

    def value(self, G):
        over = np.clip(G[..., 0, 0] - 10, 0, None)
        bump = np.where(over < 0.1, 5 * over**2, over - 0.05)
        return 0.25 * (G**2).sum(axis=(-2, -1)) + bump

    def gradient(self, G):
        found = 0.5 * G
        found[..., 0, 0] += np.clip(10 * (G[..., 0, 0] - 10), 0, 1)
        return found


def test_looking_from_the_own_end_may_be_weaker_than_from_everywhere():
    """The exercise's second part: F_1 has a hump, but no step from any r ends where it shows."""
    problem, K = Problem([[1.0, 0.0]], [0.0]), Bump()
    r = np.r_[np.linspace(-60, 60, 2401), np.linspace(9.99, 10.12, 261)]
    W = np.stack([r, 0.3 + 0 * r], axis=-1)[..., None]
    after = W - K.gradient(problem.gradient(W))
    gaps, rounding = difference_gap(problem, K, W, after, 1.0)
    assert (gaps >= -rounding).all() and gaps[r > 10].min() > 1.25
    delta = K.gradient(problem.gradient(W))[:, 0, 0]
    assert (gaps >= 0.25 * delta**2 - (r > 10) * delta - 1e-9).all()
    near, far = np.array([[10.1], [0.0]]), np.array([[10.0], [0.0]])
    found, _ = difference_gap(problem, K, far, near, 1.0)
    assert found == pytest.approx(0.005 - 0.0525, abs=1e-12)
    ends = np.array([10.0, 10.05, 10.1])
    heights = 0.5 * ends**2 - K.value(np.stack([ends, 0 * ends], axis=-1)[..., None])
    assert np.diff(heights, 2)[0] < 0  # not convex


def test_the_example_computed_by_hand():
    problem = Problem([[1.0, 2.0]], [0.0])
    W = np.array([[3.0], [1.0]])
    assert problem.gradient(W).ravel().tolist() == [5.0, 10.0]
    assert loss_conjugate_at(problem, W) == 12.5
    for a, b, v in ((1.0, -0.5, 2.0), (0.3, 0.7, -1.0), (-3.0, -1.0, 0.0)):
        P, W_ = W + np.array([[a], [b]]), np.array([[v], [0.0]])
        found = 0.5 * (v - 5) ** 2 - (v - 5) * (a + 2 * b)
        assert gap(problem, W_, W, P)[0] == pytest.approx(found, abs=1e-12)
    assert gap(problem, 0 * W, W, 0 * W)[0] == pytest.approx(-12.5)


@given(st.floats(0.2, 3), st.floats(0.05, 4), st.sampled_from([-5.0, -1.0, -0.1, 0.0, 0.4, 3.0]))
def test_what_a_colleague_reports_with_the_shortest_subgradient(c, beyond, y):
    """Huber's loss, residual r > c at W: the shortest P gives ½c² if y ≥ −c, else L(0)."""
    loss, x = HuberLoss(c), np.array([[1.0, 0.5]])
    problem = Problem(x, [y], loss)
    W = lifted(problem, np.array([[y + c + beyond]])) + np.array([[0.5], [-1.0]])
    target = max(c, -y)  # the allowed residual with the shortest weights
    P = lifted(problem, np.array([[y + target]]))
    fit = problem.project(W)
    found, rounding = gap(problem, fit, W, P)
    least = c * target - 0.5 * c**2
    assert found == pytest.approx(least, abs=rounding + 1e-9)
    assert least == pytest.approx(0.5 * c**2) or y < -c
    assert gap(problem, fit, W, W)[0] == pytest.approx(problem.loss_value(W), abs=1e-9)
    others = lifted(problem, np.array([[y + target + 0.3]]))
    assert norm(others) >= norm(P) - 1e-12


def test_the_gradient_forgets_the_loss():
    problem = Problem([[1.0, 0.0]], [0.0], HUBER)
    low, high = np.array([[3.0], [0.0]]), np.array([[10.0], [0.0]])
    assert problem.loss_value(low) == 2.5 and problem.loss_value(high) == 9.5
    assert (problem.gradient(low) == problem.gradient(high)).all()


def test_the_check_of_the_exercise_sees_the_order_of_the_arguments():
    few, adam = Problem.gaussian(2, 3, seed=1, loss=LogCoshLoss()), Adam(1.0)
    W = np.ones((3, 1))
    step = fundamental_identity(few, adam, W, W, 0.5)
    D = few.divergence(W, step.W_next), few.divergence(step.W_next, W)
    assert abs(D[0] / D[1] - 1) > 1e-3


def test_from_which_places_a_step_of_normalized_gd_is_seen_to_cut():
    """Nobody at the guarantee; beyond, those who start within √(η² − 1), their own end later."""
    u = np.linspace(-4, 4, 161)
    start, place = np.meshgrid(u, np.linspace(-9, 9, 723))
    D_K = bregman(NormalizedGD(1.0), place[..., None, None], start[..., None, None])

    def seen(eta):
        return 0.5 * (start - place) ** 2 - eta * D_K < -1e-9

    assert not seen(1.0).any()
    for eta, widest in ((1.5, 1.118), (3.0, 2.828)):
        found = np.abs(u[seen(eta).any(axis=0)])
        assert found.max() == pytest.approx(np.sqrt(eta**2 - 1), abs=0.05)
        assert found.max() == pytest.approx(widest, abs=0.05)
    for far, negative in ((0.87, True), (0.90, False)):
        end = far - 1.5 * far / np.hypot(far, 1)
        own = bregman(NormalizedGD(1.0), [[end]], [[far]])
        assert (0.5 * (far - end) ** 2 - 1.5 * own < 0) == negative


def test_the_ledger_of_a_concave_K_closes_with_loans():
    """Every gap is positive, larger than D_L, and the loss grows: the terms with K are loans."""

    class Concave:
        value = staticmethod(lambda G: -GradientDescent().value(G))
        gradient = staticmethod(lambda G: -G)

    problem, W = Problem([[0.6, 0.8]], [0.0]), np.array([[1.0], [2.0]])
    for eta in (0.1, 1.0, 7.0):
        step = fundamental_identity(problem, Concave(), W, problem.project(W), eta)
        terms = [
            step.next_loss_divergence,
            step.next_preconditioner,
            step.adjusted_divergence,
            step.preconditioner_divergence,
        ]
        shares = [(1 + eta) ** 2, -eta * (1 + eta) ** 2, eta**2 * (1 + eta), -eta]
        assert np.divide(terms, problem.loss_value(W)) == pytest.approx(shares)
        assert sum(shares) == pytest.approx(1)
        assert step.adjusted_divergence > problem.divergence(W, step.W_next)


def test_a_step_of_the_cosine_is_seen_from_near_by_exactly_where_it_bends_down():
    one, K = Problem([[1.0]], [0.0], strict=False), Ripples()
    v = np.linspace(-7, 7, 113)[:, None, None]
    near = difference_gap(one, K, v, v + 1e-3, 1.5)[0]
    assert ((near < 0) == (1.5 * np.cos(v[:, 0, 0]) > 1)).mean() > 0.98


def test_huber_keeps_its_corner_however_many_examples_there_are():
    one = Problem([[1.0]], [0.0], HUBER, strict=False)
    w, P, look = (np.array([[a]]) for a in (3.0, 10.0, 0.2))
    assert one.gradient(w) == one.gradient(P) == 1
    assert [round(float(gap(one, look, w, G)[0]), 2) for G in (w, P)] == [1.92, 7.52]


def test_another_tangent_measures_up_to_nine_times_as_much():
    """The cells of the page: Q has the gradient of W, and residuals farther out by 3."""
    problem = Problem.gaussian(20, 60, seed=0, loss=HUBER)
    rng = np.random.default_rng(0)
    W, A = rng.standard_normal((2, 60, 1)) * 0.3
    R = problem.residual(W)
    Q = W + lifted(problem, 3 * np.sign(R) * (abs(R) > 1))
    assert problem.gradient(Q) == pytest.approx(problem.gradient(W), abs=1e-11)
    Z = A - lifted(problem, problem.X @ A)
    there = W + np.geomspace(0.03, 3, 25)[:, None, None] * rng.standard_normal((25, 60, 1))
    D = problem.divergence(W, there)
    for P, least, most in ((W, 1, 1), (W + Z, 1, 1), (Q, 1.0, 9.25)):
        parts = np.array([gap(problem, A, W, P)[0] for A in there]) / D
        assert parts.min() == pytest.approx(least, abs=1e-6), parts.max()
        assert parts.max() == pytest.approx(most, abs=0.01)

    def dual(W):  # the formula that the page takes
        U = problem.loss.gradient(problem.residual(W))
        return (U**2 / 2 + U * problem.Y).sum((-2, -1))

    assert dual(there) == pytest.approx(loss_conjugate_at(problem, there), abs=1e-9)


@every_K
@settings(max_examples=examples(10))
@given(pairs(), up_to(1.0))
def test_a_step_never_crosses_over(K_of, case, share):
    """The sum of two gaps is ⟨P − Q, B − A⟩, so ⟨W⁺ − W′⁺, V − V′⟩ ≥ 0 under (3)."""
    problem, W, W_, _ = case
    K = K_of(typical_parameter(problem, W))
    eta = share * max_learning_rate(problem, K)
    V, V_ = problem.gradient(W), problem.gradient(W_)
    after, after_ = W - eta * K.gradient(V), W_ - eta * K.gradient(V_)
    both = [difference_gap(problem, K, *pair, eta) for pair in ((W, W_), (W_, W))]
    crossed = inner(after - after_, V - V_)
    assert abs(sum(found for found, _ in both) - crossed) <= 10 * sum(size for _, size in both)
    assert crossed >= -10 * sum(size for _, size in both)


def test_beyond_the_guarantee_it_may_cross():
    problem = Problem([[1.0, 0.0]], [0.0])
    W, W_, K = np.array([[0.1], [0.0]]), np.array([[-0.1], [0.0]]), NormalizedGD(1.0)
    V, V_ = problem.gradient(W), problem.gradient(W_)
    assert inner(W - W_ - 1.05 * (K.gradient(V) - K.gradient(V_)), V - V_) < 0


# ------------------------------------------------------------------- what the figures claim


def test_the_page_turns_and_the_gap_does_not_change():
    problem, W = figures.example()
    V_at = {u: lifted(problem, np.array([[u + blade.LABEL]])) for u in (blade.THERE, 0.3, -1.2)}
    assert problem.gradient(W).ravel() == pytest.approx([0.64, 0.48])
    assert problem.loss_value(W) == pytest.approx(0.32)
    assert loss_conjugate_at(problem, W) == pytest.approx(blade.dual_value(blade.HERE))
    for z in blade.TURNS[::20]:
        P = (blade.EXAMPLE + z * blade.NULL)[:, None]  # XW = 1
        assert gap(problem, V_at[blade.THERE], W, P)[0] == pytest.approx(0.98)
        assert all(gap(problem, A, W, P)[0] > 0 for A in V_at.values())
    figure = blade.blade()
    assert all("<b>0.98</b>" in figure.frame(z=z).caption for z in blade.TURNS[::20])
    assert sum("P = W" in figure.frame(z=z).caption for z in blade.TURNS) == 1
    assert "P = W = (1.10, 0.20)" in figure.frame(z=blade.OWN).caption


@pytest.mark.parametrize("name", figures.FAN_LOSSES)
def test_lines_of_the_fan_cut_exactly_where_they_are_drawn_red(name):
    loss = figures.FAN_LOSSES[name]
    problem = Problem(blade.EXAMPLE[None], [blade.LABEL], loss)
    W, A = ((r + blade.LABEL) * blade.EXAMPLE[:, None] for r in (figures.OWN[name], figures.THERE))
    for r in figures.RESIDUALS[::7]:
        P = (r + blade.LABEL) * blade.EXAMPLE[:, None] + 0.35 * blade.NULL[:, None]
        there, least, (low, high) = figures.touching(loss, r)
        assert gap(problem, A, W, P)[0] == pytest.approx(there, abs=1e-12)
        assert least == pytest.approx(-problem.divergence(P, W), abs=1e-12)
        allowed = r >= 1 - 1e-9 if name != "squared loss" else abs(r - 1) < 1e-9
        assert allowed == (least > -1e-9)
        u = np.linspace(-1, 1, 401) if name != "squared loss" else np.linspace(-3, 4, 701)
        below = 0.5 * u**2 - 0.5 - r * (u - 1) < -1e-9
        low, high = sorted((low, high))
        assert (below == ((u > low + 1e-9) & (u < high - 1e-9))).mean() > 0.99
    assert 1.0 in figures.RESIDUALS


def test_the_numbers_of_the_step_over_the_learning_rate():
    """The figure's formulas are those of `fundamental_identity`; signs change where it is said."""
    problem = Problem([[0.8, 0.6]], [0.2])
    for u in (0.5, 2.0):
        W = (u + 0.2) * np.array([[0.8], [0.6]])
        for share in (0.3, 1.0, 2.5):
            step = fundamental_identity(problem, NormalizedGD(1.0), W, W, share)
            found = step_gaps.one_step(u, share)
            assert found["gap"] == pytest.approx(step.adjusted_divergence)
            assert found["after"] == pytest.approx(problem.residual(step.W_next).item())
    rates = np.linspace(0.01, 3.5, 3491)
    for u, at in ((0.5, 1.18), (2.0, 2.80)):
        gaps = step_gaps.one_step(u, rates)["gap"]
        assert rates[np.argmax(gaps < 0)] == pytest.approx(at, abs=0.006)
        assert (step_gaps.one_step(u, rates)["part"] >= 1 - rates).all()
    places = np.linspace(-3, 3, 601)
    for share, convex in ((1.0, True), (1.01, False)):
        heights = 0.5 * places**2 - share * NormalizedGD(1.0).value(places[:, None, None])
        assert (np.diff(heights, 2) >= -1e-12).all() == convex
    for u, at in ((0.5, 1.12), (2.0, 2.24)):
        cut = [(step_gaps.gap_from(u, s, places) < -1e-9).any() for s in rates[::5]]
        assert rates[::5][np.argmax(cut)] == pytest.approx(at, abs=0.011)
    figure = step_gaps.gap_over_eta()
    caption = figure.frame(u=0.5, share=2.34).caption
    assert "no longer convex" in caption and "−0.598" in caption and "−1.34" in caption
    caption = figure.frame(u=2.0, share=2.5).caption
    assert "<b>0.521</b>; at u = −2.56 it is −1.080" in caption
    assert "at u" not in figure.frame(u=2.0, share=2.2).caption


def test_a_bowl_has_one_page_and_many_that_nearly_touch():
    for length in (1.0, 0.3, 0.1):
        second = length * blade.NULL
        problem = Problem(
            np.array([blade.EXAMPLE, second]),
            [[blade.LABEL], [float(second @ blade.CARRIED)]],
            strict=False,
        )
        W = blade.CARRIED[:, None]
        assert problem.gradient(W).ravel() == pytest.approx(blade.HERE * blade.EXAMPLE)
        for A in np.random.default_rng(0).standard_normal((5, 2, 1)):
            V = problem.gradient(A)[:, 0]
            height = blade.bowl_value(V @ blade.EXAMPLE, V @ blade.NULL, length)
            assert loss_conjugate_at(problem, A) == pytest.approx(float(height))
            assert gap(problem, A, W, W)[0] > 0
        P = W + 0.05 * blade.NULL[:, None]
        assert gap(problem, P, W, P)[0] < 0
        for way in (blade.EXAMPLE, blade.NULL / length**2):
            off = problem.gradient(W + 0.2 * way[:, None]) - problem.gradient(W)
            assert norm(off) == pytest.approx(0.2)
        u, off = blade._level(0.7, length)
        assert blade.bowl_value(u, off, length) == pytest.approx(np.full(len(u), 0.7))


def test_what_K_takes_in_runs_lies_below_the_line_and_meets_it_towards_two():
    etas = np.linspace(0.3, 1.95, 12)
    found, below = figures.taken(etas), step_gaps.runs_below_zero(etas)
    assert list(found) == list(step_gaps.METHODS)
    for name, most in found.items():
        assert (most <= etas + 1e-9).all() and (most > 0.4 * etas).all(), name
        assert most[-1] == pytest.approx(1.95, abs=0.01), name
        assert (most[:-2] < 0.96 * etas[:-2]).all(), name
        assert (below[name][:7] == 0).all() and below[name][-1] >= 0.95, name
    assert etas[[6, 9]] == pytest.approx([1.2, 1.65])
    assert {name: runs[9] for name, runs in below.items()} == pytest.approx(
        {"Adam": 0.02, "normalized GD": 0.03, "gradient clipping": 0.2, "singular values": 0.0}
    )
    picture = show.bound(etas, found, etas, scales="linear")
    assert "axes linear" in repr(picture) and "beyond" not in repr(picture)


def test_where_the_steepest_direction_is_the_last_to_die():
    """|1 − ηM| > |1 − ημ| from 2/(1 + 1/κ) guarantees on; and at 1.95 the runs still converge."""
    problem = Problem.gaussian(n=8, d=24, k=1, seed=0)
    assert 2 / (1 + problem.mu / problem.M) == pytest.approx(1.85, abs=0.005)
    for name, K_of in step_gaps.METHODS.items():
        k = 3 if name == "singular values" else 1
        problem, rng = Problem.gaussian(n=8, d=24, k=k, seed=0), np.random.default_rng(1)
        W = rng.standard_normal((100, 24, k))
        K = K_of(0.3 * norm(problem.gradient(W[0])))
        start = problem.loss_value(W)
        for _ in range(600):
            W = W - 1.95 / (K.smoothness * problem.M) * K.gradient(problem.gradient(W))
        assert (problem.loss_value(W) < 1e-8 * start).all(), name


def test_what_is_carried_moves_while_the_weights_stand_still():
    run, (kept, fresh) = carried.linearized(), carried.gaps_to_truth()
    rest = carried.rest()
    assert rest == 15 and not run.W[: rest + 1].any() and run.W[rest + 1].any()
    assert fresh[: rest + 1] == pytest.approx(np.full(rest + 1, 84.22), abs=0.005)
    quoted = {0: 84.2, 5: 70.0, 10: 55.9, 15: 41.7, 20: 31.1, 40: 10.0, 80: 2.0}
    assert {t: round(float(kept[t]), 1) for t in quoted} == quoted
    assert (np.diff(kept) < 0).all() and (kept > 0).all() and (fresh >= kept - 1e-9).all()
    assert round(float(fresh[16]), 1) == 57.6 and round(float(fresh[80]), 1) == 11.4
    true = run.truth[:, 0] != 0
    assert true.sum() == 4 and (run.W[-1, true] != 0).sum() == 3 and (run.W[-1] != 0).sum() == 6
    woke = np.argmax(run.W[:, true, 0] != 0, axis=0)
    assert sorted(woke.tolist()) == [0, 16, 33, 52]
    stairs = np.flatnonzero(np.diff(fresh) < -8) + 1  # where the fresh slope jumps
    assert stairs.tolist() == [16, 33, 52]
