"""What a potential owns: gradient, Fenchel dual and a divergence that keeps its digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from strategies import inner, norm, seeds

from dspgd_lib import BurgEntropy, LogCosh, NegativeEntropy, Quadratic, bregman, three_point_gap

METRIC = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.4]])
ENTRYWISE = {"entropy": NegativeEntropy(), "burg": BurgEntropy(), "log-cosh": LogCosh()}
POTENTIALS = {"quadratic": Quadratic(METRIC)} | ENTRYWISE
POSITIVE = (NegativeEntropy, BurgEntropy)

every = pytest.mark.parametrize("f", POTENTIALS.values(), ids=POTENTIALS)
entrywise = pytest.mark.parametrize("f", ENTRYWISE.values(), ids=ENTRYWISE)


def points(f, seed, count=2, spread=1.0):
    """Stacks of 3 × 2 matrices in the domain of f, log-normal if it must be positive."""
    W = spread * np.random.default_rng(seed).standard_normal((count, 20, 3, 2))
    return np.exp(W) if isinstance(f, POSITIVE) else 2 * W


@every
@given(seeds)
def test_the_gradient_is_the_derivative_of_the_value(f, seed):
    W, D = points(f, seed)
    h = 1e-3 * W.min() if isinstance(f, POSITIVE) else 1e-3
    D = D / norm(D)[:, None, None]
    slope = (
        8 * (f.value(W + h * D) - f.value(W - h * D)) - f.value(W + 2 * h * D)
        + f.value(W - 2 * h * D)
    ) / (12 * h)  # fmt: skip
    size = 1 + np.abs(f.value(W)).max()
    assert np.abs(slope - inner(f.gradient(W), D)).max() <= 1e-9 * norm(f.gradient(W)).max() + (
        1e-14 * size / h
    )


@every
@given(seeds)
def test_equality_in_fenchel_young_and_the_inverse_of_the_gradient(f, seed):
    W, other = points(f, seed)
    S = f.gradient(W)
    size = 1 + np.abs(f.value(W)) + np.abs(inner(S, W))
    assert (np.abs(f.value(W) + f.conjugate(S) - inner(S, W)) <= 1e-12 * size).all()
    assert (f.value(other) + f.conjugate(S) >= inner(S, other) - 1e-12 * size).all()
    assert f.gradient_of_conjugate(S) == pytest.approx(W, rel=1e-4, abs=1e-9)
    near = np.abs(W) < 3
    assert f.gradient_of_conjugate(S)[near] == pytest.approx(W[near], rel=1e-11)


@entrywise
@given(st.floats(-0.98, 0.98))
def test_the_dual_is_the_supremum(f, s):
    slope = s - 1.0 if isinstance(f, BurgEntropy) else s
    low, high = (1e-9, 100.0) if isinstance(f, POSITIVE) else (-20.0, 20.0)
    found = minimize_scalar(
        lambda w: f.value([[w]]) - slope * w, bounds=(low, high), method="bounded",
        options={"xatol": 1e-12},
    )  # fmt: skip
    assert float(f.conjugate([[slope]])) == pytest.approx(-found.fun, rel=1e-9, abs=1e-9)


def test_the_dual_at_the_edge_of_its_domain_and_beyond():
    assert float(LogCosh().conjugate([[1.0], [-1.0]])) == pytest.approx(2 * np.log(2))
    assert LogCosh().conjugate([[1.0001]]) == np.inf
    assert BurgEntropy().conjugate([[0.0]]) == np.inf
    assert BurgEntropy().conjugate([[1.0], [-1.0]]) == np.inf
    for s in (1e-9, -1e-5, 0.4999, 0.5001):
        exact = _exact_dual(s)
        assert float(LogCosh().conjugate([[s]])) == pytest.approx(exact, rel=1e-14)


def _exact_dual(s):
    with localcontext() as context:
        context.prec = 60
        s, one = Decimal(s), Decimal(1)
        return float(((one + s) * (one + s).ln() + (one - s) * (one - s).ln()) / 2)


@every
@given(seeds)
def test_the_divergence_is_the_one_of_the_definition(f, seed):
    A, B = points(f, seed)
    naive = f.value(A) - f.value(B) - inner(f.gradient(B), A - B)
    size = 1 + np.abs(f.value(A)) + np.abs(f.value(B)) + np.abs(f.gradient(B) * (A - B)).sum((1, 2))
    assert (np.abs(f.divergence(A, B) - naive) <= 1e-13 * size).all()
    assert (bregman(f, A, B) == f.divergence(A, B)).all()
    assert (f.divergence(A, A) == 0).all()
    assert (np.abs(three_point_gap(f, A, B, A[::-1])) <= 1e-12 * size.max()).all()


def _exact(f, a, b):
    """D_f(a, b) of two floats, to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        a, b, two = Decimal(float(a)), Decimal(float(b)), Decimal(2)

        def log_cosh(w):
            return ((w.exp() + (-w).exp()) / two).ln()

        if isinstance(f, NegativeEntropy):
            return float(a * (a / b).ln() - a + b)
        if isinstance(f, BurgEntropy):
            return float(a / b - (a / b).ln() - 1)
        slope = (b.exp() - (-b).exp()) / (b.exp() + (-b).exp())
        return float(log_cosh(a) - log_cosh(b) - slope * (a - b))


@entrywise
@given(seeds, st.floats(-12, 0))
def test_the_divergence_keeps_its_digits_for_close_and_for_distant_points(f, seed, digits):
    rng = np.random.default_rng(seed)
    b = float(np.exp(rng.normal(0, 2))) if isinstance(f, POSITIVE) else float(rng.normal(0, 4))
    for step in (10.0**digits, -(10.0**digits), 3.0):
        a = b * (1 + 0.999 * step) if isinstance(f, POSITIVE) else b + 5 * step
        if a > 0 or not isinstance(f, POSITIVE):
            assert float(f.divergence([[a]], [[b]])) == pytest.approx(_exact(f, a, b), rel=3e-13)


@pytest.mark.parametrize("ratio", [1e-300, 1e-12, 0.4999, 0.5001, 1.4999, 1.5001, 1e12, 1e300])
@pytest.mark.parametrize("b", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize("f", [NegativeEntropy(), BurgEntropy()], ids=["entropy", "burg"])
def test_the_divergence_is_right_on_both_sides_of_its_seams(f, b, ratio):
    a = ratio * b
    assert float(f.divergence([[a]], [[b]])) == pytest.approx(_exact(f, a, b), rel=1e-13)


@pytest.mark.parametrize("h", [-1.001, -0.999, -0.501, -0.499, 0.499, 0.501, 0.999, 1.001])
@pytest.mark.parametrize("b", [-9.0, -0.7, 0.0, 0.3, 2.0, 15.0])
def test_log_cosh_is_right_on_both_sides_of_its_seams(b, h):
    exact = _exact(LogCosh(), b + h, b)
    assert float(LogCosh().divergence([[b + h]], [[b]])) == pytest.approx(exact, rel=1e-13)


def test_the_entropy_includes_zero_as_its_first_argument_only():
    f = NegativeEntropy()
    assert f.value([[0.0]]) == 0 and f.divergence([[0.0]], [[2.5]]) == 2.5
    for call in (lambda: f.gradient([[0.0]]), lambda: f.divergence([[1.0]], [[0.0]])):
        with pytest.raises(ValueError, match="must be positive"):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NegativeEntropy().value([[-1.0]]), "A must not be negative.*-1"),
        (lambda: BurgEntropy().value([[0.0]]), "A must be positive.*found an entry 0"),
        (lambda: BurgEntropy().divergence([[1.0]], [[-2.0]]), "B must be positive.*-2"),
        (lambda: BurgEntropy().gradient_of_conjugate([[1.0]]), "S must be negative.*1"),
        (lambda: LogCosh().gradient_of_conjugate([[-1.0]]), "S is not in the range.*1.*below 1"),
        (lambda: LogCosh().divergence([[1.0]], [[1.0], [2.0]]), "A and B must be .* one shape"),
        (lambda: LogCosh().value([1.0]), "A must have shape"),
        (lambda: LogCosh().value([[np.nan]]), "A contains NaN"),
        (lambda: Quadratic([[1.0, 2.0]]), "Q must have shape"),
        (lambda: Quadratic([[1.0, 2.0], [0.0, 1.0]]), "Q must be symmetric"),
        (lambda: Quadratic([[1.0, 0.0], [0.0, 0.0]]), "Q must be positive definite"),
        (lambda: Quadratic(np.eye(2)).value([[1.0]]), "A must have 2 rows"),
        (lambda: Quadratic(np.eye(2)).conjugate([[1.0]]), "S must have 2 rows"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_potential_does_not_change_and_keeps_no_reference():
    A = np.eye(2)
    f = Quadratic(A)
    A[0, 0] = 5.0
    assert f.value([[1.0], [0.0]]) == 0.5
    with pytest.raises(ValueError, match="read-only"):
        f.Q[0, 0] = 3.0
