"""One family of convex functions: the same object for weights and for gradients, and one's own."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import ALL, drawn_outputs, inner, norm, seeds

from dspgd_lib import (
    Adam,
    BurgEntropy,
    ColumnWise,
    Cosh,
    GradientClipping,
    GradientDescent,
    Hypentropy,
    Isotropic,
    LogCosh,
    NegativeEntropy,
    NormalizedGD,
    PNorm,
    Preconditioner,
    Problem,
    Profile,
    Quadratic,
    Separable,
    SmoothedSign,
    SoftClipping,
    Spectral,
    Start,
    bregman,
    certified_limit,
    dspgd,
    max_learning_rate,
    mirror_descent,
    profiles,
    sweep,
)

METRIC = Quadratic(np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.4]]))
FAMILY = {name: K(0.7) for name, K in ALL.items()} | {
    "quadratic": METRIC,
    "entropy": NegativeEntropy(),
    "burg": BurgEntropy(),
}
ENTRYWISE = {
    name: f for name, f in FAMILY.items() if hasattr(f, "curvature") and name != "clipping"
}
every = pytest.mark.parametrize("f", FAMILY.values(), ids=FAMILY)
entrywise = pytest.mark.parametrize("f", ENTRYWISE.values(), ids=ENTRYWISE)


def points(f, seed, k, count=2):
    """Stacks of twenty 3 × k matrices in the domain of f, some of them with zeros."""
    rng = np.random.default_rng(seed)
    W = 10.0 ** rng.uniform(-2, 0.6, (count, 20, 1, 1)) * rng.standard_normal((count, 20, 3, k))
    if isinstance(f, (NegativeEntropy, BurgEntropy)):
        return np.exp(W)
    return W * (rng.random(W.shape) < 0.8)


# ---------------------------------------------------------------- divergences and curvatures


@every
@given(drawn_outputs, seeds)
def test_the_divergence_is_the_one_of_the_definition_and_never_negative(f, k, seed):
    A, B = points(f, seed, k)
    steps = inner(f.gradient(B), A - B)
    naive = f.value(A) - f.value(B) - steps
    size = 1e-300 + np.abs(f.value(A)) + np.abs(f.value(B)) + np.abs(steps)
    size += norm(f.gradient(B)) * norm(A - B)
    assert (np.abs(f.divergence(A, B) - naive) <= 1e-13 * size).all()
    assert (f.divergence(A, B) >= 0).all()
    assert (bregman(f, A, B) == f.divergence(A, B)).all()


@every
@given(drawn_outputs, seeds, st.integers(2, 7))
def test_the_divergence_of_close_points_is_half_a_second_derivative(f, k, seed, digits):
    """What the definition loses altogether: D(B + H, B) = ½⟨H, ∇²f H⟩ + O(‖H‖³)."""
    B = points(f, seed, k, 1)[0]
    H = np.random.default_rng(seed + 1).standard_normal(B.shape)
    B, H = np.where(B == 0, 0.3, B), H / norm(H)[:, None, None]
    if isinstance(f, GradientClipping):  # not where it bends: all beyond the threshold, or within
        B = B / norm(B)[:, None, None] * np.where(norm(B) > 0.7, 2.0, 0.2)[:, None, None]
    scale = 1e-4 * np.minimum(np.abs(B).min(axis=(1, 2)), 1e-2)[:, None, None]
    wide = scale * H
    second = inner(H, f.gradient(B + wide) - f.gradient(B - wide)) / (2 * scale[:, 0, 0])
    short = 10.0**-digits * scale
    found = f.divergence(B + short * H, B)
    expected = 0.5 * short[:, 0, 0] ** 2 * second
    # The step itself is rounded at the size of B, and singular vectors turn with it.
    lost = 1e-16 * norm(B) / (short[:, 0, 0] * norm(H)) * (200 if isinstance(f, Spectral) else 20)
    close = np.abs(found - expected) <= (2e-3 + lost) * np.abs(expected) + 1e-30
    assert close.all()


@entrywise
@given(drawn_outputs, seeds)
def test_the_curvature_is_the_derivative_of_the_gradient(f, k, seed):
    A, _ = points(f, seed, k)
    A = np.where(np.abs(A) < 1e-2, 0.1, A)
    h = 1e-5 * np.abs(A)
    rise = (f.gradient(A + h) - f.gradient(A - h)) / (2 * h)
    assert f.curvature(A) == pytest.approx(rise, rel=1e-6, abs=1e-9)


def test_what_is_no_sum_over_entries_has_no_curvature():
    for f in (NormalizedGD(1.0), Spectral(Adam(1.0)), METRIC, ColumnWise(profiles.Soft(1.0))):
        assert not hasattr(f, "curvature")


def exact(f, a, b):
    """D_f(a, b) of two floats ≥ 0, to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        a, b, one = Decimal(float(a)), Decimal(float(b)), Decimal(1)
        e = Decimal(float.fromhex("0x1.6666666666666p-1"))
        k, slope = {
            SmoothedSign: (lambda x: (x * x + e * e).sqrt(), lambda x: x / (x * x + e * e).sqrt()),
            Adam: (lambda x: x - e * (one + x / e).ln(), lambda x: x / (x + e)),
            Cosh: (
                lambda x: (x.exp() + (-x).exp()) / 2,
                lambda x: (x.exp() - (-x).exp()) / 2,
            ),
            PNorm: (lambda x: x ** Decimal(3) / 3, lambda x: x * x),
        }[type(f)]
        return float(k(a) - k(b) - slope(b) * (a - b))


@pytest.mark.parametrize("f", [SmoothedSign(0.7), Adam(0.7), Cosh(), PNorm(3.0)], ids=repr)
@given(st.floats(-3, 1.5), st.floats(-12, 2), st.booleans())
@example(0.0, 0.0, True)
def test_divergences_keep_their_digits_for_close_and_for_distant_points(f, size, step, down):
    b = 10.0**size
    a = b * max(0.0, 1 + (-1) ** down * 10.0**step)
    if isinstance(f, Cosh):
        a = min(a, 300.0)
    assert float(f.divergence([[a]], [[b]])) == pytest.approx(exact(f, a, b), rel=1e-11)
    assert float(f.divergence([[-a]], [[-b]])) == float(f.divergence([[a]], [[b]]))


def test_the_definition_alone_would_lose_every_digit():
    """The divergence that this family owns is not there for show."""
    for f in (Adam(1.0), LogCosh(), Hypentropy(1.0), SmoothedSign(1.0)):
        A, B = np.array([[1.0 + 1e-9]]), np.array([[1.0]])
        naive = float(f.value(A) - f.value(B) - inner(f.gradient(B), A - B))
        found = float(f.divergence(A, B))
        assert found == pytest.approx(0.5e-18 * float(f.curvature(B)[0, 0]), rel=1e-6)
        assert abs(naive - found) > 0.5 * found


@pytest.mark.parametrize("f", [Cosh(), PNorm(1.5), Spectral(Cosh()), NormalizedGD(1.0)], ids=repr)
def test_far_out_a_divergence_is_right_or_infinite_and_says_nothing(f):
    for far in (800.0, 1e200, 1e300):
        A, B = np.array([[far], [0.0]]), np.array([[0.0], [far]])
        assert f.divergence(A, A) == 0 or isinstance(f, Spectral)  # singular vectors are rounded
        assert f.divergence(A, B) > 0 and f.divergence(0.5 * A, A) >= 0
        assert f.value(A) > 0 and np.isfinite(f.gradient(A)[1]).all()


# ---------------------------------------------------------------- both roles, one object


@pytest.mark.parametrize("f", [PNorm(3.0), Cosh(), Hypentropy(0.5), LogCosh()], ids=repr)
def test_the_same_object_is_a_potential_and_a_preconditioner(f):
    problem, W0 = Problem.gaussian(3, 9, 1, 0), np.full(9, 0.1)
    rate = 0.2 * max_learning_rate(problem, f, W0)
    run = dspgd(problem, f, W0, rate, max_steps=200, record=["loss"])
    assert run.guaranteed and (np.diff(run.history["loss"]) < 0).all()
    mirrored = mirror_descent(problem, f, W0, 1e-3, max_steps=20, record=["loss"])
    assert (np.diff(mirrored.history["loss"]) < 0).all()


def test_a_quadratic_knows_its_sector():
    assert METRIC.smoothness == pytest.approx(np.linalg.eigvalsh(METRIC.Q)[-1])
    assert METRIC.sector(3.0) == pytest.approx(tuple(np.linalg.eigvalsh(METRIC.Q)[[0, -1]]))
    problem = Problem.gaussian(1, 3, 1, 0)
    run = dspgd(problem, METRIC, np.ones(3), lambda start: start.max_learning_rate)
    assert run.converged and "sector" in run.message
    assert norm(run.W - run.limit) <= run.limit_error + 1e-12


# ---------------------------------------------------------------- grids, equality, immutability


@pytest.mark.parametrize("K_of", [NormalizedGD, Adam, lambda p: Spectral(Adam(p)), Hypentropy])
def test_a_grid_has_a_length_and_members(K_of):
    grid = K_of([0.5, 1.0, 2.0])
    assert len(grid) == 3 and grid.grid == 3
    assert grid[1] == K_of(1.0) and hash(grid[1]) == hash(K_of(1.0))
    assert grid[1:] == K_of([1.0, 2.0]) and grid[np.array([True, False, True])] == K_of([0.5, 2.0])
    assert grid == K_of(np.array([0.5, 1.0, 2.0])) and hash(grid) == hash(K_of([0.5, 1.0, 2.0]))
    assert grid != K_of([0.5, 1.0, 3.0]) and grid != grid[1] and grid != 3
    assert len({grid, K_of([0.5, 1.0, 2.0]), grid[0]}) == 2
    assert [K.smoothness for K in grid] == pytest.approx(grid.smoothness.tolist())
    for nothing in (lambda: len(grid[0]), lambda: grid[0][0]):
        with pytest.raises(TypeError, match="is one preconditioner, not a grid"):
            nothing()
    assert bool(grid[0])


def test_what_looks_alike_is_not_the_same():
    assert Adam(1.0) != SoftClipping(1.0) and Adam(1.0) != SmoothedSign(1.0)
    assert Separable(profiles.Soft(1.0)) != Adam(1.0)
    assert Separable(profiles.Soft(1.0)) == Separable(profiles.Soft(1.0))
    assert Quadratic(np.eye(2)) == Quadratic(np.eye(2)) != Quadratic(2 * np.eye(2))
    assert {Quadratic(np.eye(2)), Quadratic(np.eye(2))} == {Quadratic(np.eye(2))}
    assert Spectral(Adam(1.0)) != Spectral(SmoothedSign(1.0)) and Cosh() == Cosh() != LogCosh()


def test_parameters_cannot_be_changed_behind_the_back_of_an_object():
    eps = np.array([1.0, 2.0])
    K = Adam(eps)
    eps[0] = 100.0
    assert K.gradient([[1.0]]).ravel().tolist() == [0.5, 1 / 3]
    with pytest.raises(ValueError, match="read-only"):
        K.eps[0] = 5.0
    for name in ("eps", "profile", "new"):
        with pytest.raises(AttributeError):
            setattr(K, name, 1.0)
    with pytest.raises(AttributeError):
        K.profile.eps = 3.0


# ---------------------------------------------------------------- one's own


class SquareRoot(Profile):
    """k′ grows like a square root: a preconditioner of five lines."""

    flattens = True

    def value(self, s):
        return ((1 + s * s) ** 0.75 - 1) / 1.5

    def slope(self, s):
        return (1 + s * s) ** -0.25


@dataclass(frozen=True)
class Knots(Profile):
    """A one-dimensional field that is no grid: k″ is 1, then 1/2 and 1/4 beyond two knots."""

    knots: tuple | np.ndarray
    flattens = True

    def value(self, s):
        a, b = self.knots
        rest = 0.25 * np.maximum(s - a, 0) ** 2 + 0.125 * np.maximum(s - b, 0) ** 2
        return 0.5 * s * s - rest

    def slope(self, s):
        a, b = self.knots
        rest = 0.5 * np.maximum(s - a, 0) + 0.25 * np.maximum(s - b, 0)
        return 1 - rest / np.where(s > 0, s, 1.0)


@pytest.mark.parametrize("make", [Isotropic, Separable, ColumnWise])
@pytest.mark.parametrize(
    "profile", [SquareRoot(), Knots(np.array([0.5, 2.0]))], ids=["root", "knots"]
)
def test_a_profile_of_ones_own_has_everything_that_the_theorems_ask_for(make, profile):
    K, problem = make(profile), Problem.gaussian(3, 9, 2, 0)
    assert K.grid is None and K.smoothness == 1.0
    start = Start(problem, K, np.ones((9, 2)))
    run = dspgd(problem, K, np.ones((9, 2)), start.max_learning_rate)
    assert run.converged and run.guaranteed and run.limit_error < 1e-9
    runs = sweep(problem, K, np.ones((9, 2)), start.max_learning_rate * np.array([0.5, 1.0]))
    assert norm(runs.W[1] - run.W) <= 1e-10
    A, B = np.random.default_rng(0).standard_normal((2, 20, 9, 2))
    naive = K.value(A) - K.value(B) - inner(K.gradient(B), A - B)
    assert K.divergence(A, B) == pytest.approx(naive, abs=1e-12)
    spectral = Spectral(Separable(profile))
    assert dspgd(problem, spectral, np.ones((9, 2)), start.max_learning_rate).limit_error == 0
    with pytest.raises(NotImplementedError, match=r"must define conjugate\(self"):
        K.conjugate(A)


def test_without_a_promise_nothing_is_promised():
    class Modest(SquareRoot):
        flattens = False

    K, problem = Isotropic(Modest()), Problem.gaussian(3, 9, 1, 0)
    assert K.smoothness == np.inf and K.sector(1.0) == (0.0, np.inf) and not K.definite
    run = dspgd(problem, K, np.ones(9), 0.5 / problem.M)
    assert run.converged and not run.guaranteed and run.limit_error == np.inf


class Half(Preconditioner):
    """½‖G‖² by the two methods that a preconditioner cannot do without."""

    def _value(self, A):
        return 0.5 * inner(A, A)

    def _gradient(self, A):
        return A.copy()


def test_a_preconditioner_that_is_no_profile_needs_two_methods():
    problem, K = Problem.gaussian(2, 5, 1, 0), Half()
    run = dspgd(problem, K, np.ones(5), 0.5 / problem.M)
    assert run.converged and not run.guaranteed and run.limit_error == np.inf
    assert bregman(K, [[1.0]], [[3.0]]) == 2 and K.sector(1.0) == (0.0, np.inf)
    assert K.radius([[3.0], [4.0]]) == 5 and K.smoothness == np.inf


def test_a_profile_that_flattens_is_definite_and_one_with_a_constructor_has_its_own_identity():
    class Built(SquareRoot):
        def __init__(self, width):
            self.__dict__["width"] = width

    assert Separable(SquareRoot()).definite and Adam(1.0).definite and Cosh().definite
    assert Separable(Built(1.0)) == Separable(Built(1.0)) != Separable(Built(2.0))


class Raw(SquareRoot):
    """Returns k′ where the slope k′(s)/s is asked for."""

    flattens = False

    def slope(self, s):
        return s * super().slope(s)


class Unrelated(SquareRoot):
    def value(self, s):
        return 0.5 * s * s


class Wave(Profile):
    def value(self, s):
        return 1 - np.cos(s)

    def slope(self, s):
        return np.sinc(s / np.pi)


class Lifted(SquareRoot):
    def value(self, s):
        return super().value(s) + 1


class Boastful(Profile):
    flattens = True

    def value(self, s):
        return s**4 / 4

    def slope(self, s):
        return s**2


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (Wave(), r"must be convex, with s·slope\(s\) the derivative of value; look just above"),
        (Raw(), r"must be convex, with s·slope\(s\) the derivative of value"),
        (Unrelated(), r"must be convex, with s·slope\(s\) the derivative of value"),
        (Lifted(), r"must have k\(0\) = 0, found 1"),
        (Boastful(), r"must have a k′\(s\)/s that never increases, as flattens = True says; look"),
        (SquareRoot, "profile must be an object such as Soft"),
        (3.0, "profile must be an object such as Soft"),
    ],
)
def test_a_profile_that_is_not_what_it_says_is_refused(profile, message):
    with pytest.raises(ValueError, match=message):
        Separable(profile)


def test_grids_of_two_parameters_must_agree():
    @dataclass(frozen=True, eq=False)
    class Two(Profile):
        a: float
        b: float
        parameters = ("a", "b")

        def value(self, s):
            return 0.5 * self.a * s * s + 0.25 * self.b * s**4

        def slope(self, s):
            return self.a + self.b * s**2

    assert len(Separable(Two([1.0, 2.0], [3.0, 4.0]))) == len(Separable(Two([1.0, 2.0], 3.0))) == 2
    assert Separable(Two([1.0, 2.0], 3.0))[1] == Separable(Two(2.0, 3.0))
    with pytest.raises(ValueError, match="must have one length"):
        len(Separable(Two([1.0, 2.0], [1.0, 2.0, 3.0])))


# ---------------------------------------------------------------- a program of ten lines


def test_a_program_of_ten_lines():
    """An own preconditioner, an own loss, a sweep and a certificate."""
    from dspgd_lib import Loss

    class Mixed(Loss):
        strong_convexity, smoothness = 0.5, 1.5

        def phi(self, z):
            return 0.25 * z**2 + z**2 / (1 + np.sqrt(1 + z**2))

        def slope(self, z):
            return 0.5 * z + z / np.sqrt(1 + z**2)

    problem, K = Problem.gaussian(5, 20, 1, 0, Mixed()), Separable(SquareRoot())
    half = [0.25, 0.5, 1.0]
    runs = sweep(
        problem, K, np.ones(20), lambda start: np.array(half) * start.max_learning_rate,
        product=True,
    )  # fmt: skip
    assert runs.converged.all() and runs.guaranteed.all() and runs.steps.shape == (3,)
    rate = 0.5 * max_learning_rate(problem, K)
    certificate = certified_limit(Start(problem, K, np.ones(20)), rate)
    assert norm(runs.limit[1] - certificate.limit) <= certificate.error < np.inf
    A, B = np.random.default_rng(1).standard_normal((2, 5, 1))
    assert problem.loss.divergence(A, B) == pytest.approx(
        problem.loss.value(A) - problem.loss.value(B) - inner(problem.loss.gradient(B), A - B)
    )


def test_gradient_descent_is_both_isotropic_and_a_sum_over_entries():
    K = GradientDescent()
    assert K.invariance == "isotropic" and (K.curvature([[3.0], [0.0]]) == 1).all()
