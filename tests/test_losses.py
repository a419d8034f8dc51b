"""What a loss must be: strongly convex, smooth, and divergent without cancellation."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from strategies import (
    LOSSES,
    OUTPUTS,
    drawn_outputs,
    inner,
    norm,
    random_problem,
    seeds,
)

from dspgd_lib import (
    GradientDescent,
    LogCoshLoss,
    Problem,
    SquaredLoss,
    Start,
    certified_limit,
    loss_rate,
)
from dspgd_lib.losses import Loss

every = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)


def pairs(seed, k):
    """Two stacks of residuals on many scales, some pairs close together."""
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((60, 4, k)) * 10.0 ** rng.uniform(-3, 3, (60, 1, 1))
    H = rng.standard_normal((60, 4, k)) * 10.0 ** rng.uniform(-3, 3, (60, 1, 1))
    return B + H, B


@every
@given(drawn_outputs, seeds)
def test_gradient_is_the_derivative_of_the_value(loss, k, seed):
    Z, D = pairs(seed, k)
    D, h = D / norm(D)[:, None, None], 1e-3
    slope = (
        8 * (loss.value(Z + h * D) - loss.value(Z - h * D))
        - (loss.value(Z + 2 * h * D) - loss.value(Z - 2 * h * D))
    ) / (12 * h)
    assert slope == pytest.approx(inner(loss.gradient(Z), D), rel=1e-6, abs=1e-12 / h * 1e6 * 1e-2)
    near = norm(Z) < 10
    assert slope[near] == pytest.approx(inner(loss.gradient(Z), D)[near], abs=1e-9)


@every
@given(drawn_outputs, seeds)
def test_divergence_lies_between_strong_convexity_and_smoothness(loss, k, seed):
    A, B = pairs(seed, k)
    half = 0.5 * inner(A - B, A - B)
    assert (loss.divergence(A, B) >= loss.strong_convexity * half * (1 - 1e-12)).all()
    assert (loss.divergence(A, B) <= loss.smoothness * half * (1 + 1e-12)).all()


@every
@given(drawn_outputs, seeds)
def test_divergence_is_the_one_of_the_definition(loss, k, seed):
    A, B = pairs(seed, k)
    naive = loss.value(A) - loss.value(B) - inner(loss.gradient(B), A - B)
    assert loss.divergence(A, B) == pytest.approx(naive, rel=1e-6, abs=1e-8)
    assert (loss.divergence_from(B, A - B) == loss.divergence(A, B)).all()


@every
@given(drawn_outputs, seeds)
def test_minimum_is_zero_at_zero_only(loss, k, seed):
    Z, _ = pairs(seed, k)
    zero = np.zeros((4, k))
    assert loss.value(zero) == 0 and not loss.gradient(zero).any()
    assert (loss.value(Z) >= 0.5 * loss.strong_convexity * inner(Z, Z) * (1 - 1e-12)).all()


@given(drawn_outputs, seeds)
def test_the_constants_of_log_cosh_are_the_best(k, seed):
    loss, B = LogCoshLoss(), np.zeros((4, k))
    H = np.random.default_rng(seed).standard_normal(B.shape)
    ratio = [loss.divergence_from(B + at, 1e-3 * H) / inner(H, H) * 2e6 for at in (0.0, 30.0)]
    assert ratio == pytest.approx([2.0, 1.0], rel=1e-5)


@pytest.mark.parametrize("b", [0.0, 1e-9, -0.3, 0.5, 2.0, -25.0, 400.0, -1e5])
@pytest.mark.parametrize("h", [1e-100, 1e-9, 1e-3, 0.2, 0.49, 0.999, 1.0, 1.5, 30.0, 900.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_log_cosh_keeps_its_digits(b, h, sign):
    loss, h = LogCoshLoss(), sign * h
    with localcontext() as context:
        context.prec = 500
        b_, h_ = Decimal(b), Decimal(h)

        def log_cosh(z):
            return abs(z) + ((1 + (-2 * abs(z)).exp()) / 2).ln()

        growth = (2 * b_).exp()
        tanh = (growth - 1) / (growth + 1)
        exact = h_ * h_ / 2 + log_cosh(b_ + h_) - log_cosh(b_) - tanh * h_
        found = Decimal(float(loss.divergence_from([[b]], [[h]])))
        assert abs(found / exact - 1) < Decimal("3e-15")
        value = h_ * h_ / 2 + log_cosh(h_)
        assert abs(Decimal(float(loss.value([[h]]))) / value - 1) < Decimal("2e-15")


@given(drawn_outputs, seeds)
def test_conjugate_of_the_squared_loss(k, seed):
    loss = SquaredLoss()
    Z, U = pairs(seed, k)
    young = loss.value(Z) + loss.conjugate(U) - inner(Z, U)
    assert (young >= -1e-12 * (loss.value(Z) + loss.value(U))).all()
    G = loss.gradient(Z)
    assert loss.value(Z) + loss.conjugate(G) == pytest.approx(inner(Z, G), rel=1e-12)


@every
@pytest.mark.parametrize("bad", [np.ones(3), [[np.nan]], "a", [[1j]]])
def test_residuals_must_be_finite_matrices(loss, bad):
    for method in (loss.value, loss.gradient):
        with pytest.raises(ValueError, match=r"^Z "):
            method(bad)


class Rounded(Loss):
    """√(1 + z²) − 1, convex but not strongly: μ_ℓ = 0."""

    strong_convexity, smoothness = 0.0, 1.0

    def phi(self, z):
        return np.sqrt(1 + z * z) - 1

    def slope(self, z):
        return z / np.sqrt(1 + z * z)


@given(drawn_outputs, seeds)
def test_without_strong_convexity_there_is_a_learning_rate_but_no_bound(k, seed):
    problem, rng = random_problem(seed, k, Rounded())
    W0 = rng.standard_normal((problem.d, k))
    start = Start(problem, GradientDescent(), W0)
    assert problem.mu == 0 and start.max_learning_rate == pytest.approx(1 / problem.M)
    assert start.length == np.inf and loss_rate(start, 0.5 / problem.M) == 1
    certificate = certified_limit(start, 1 / problem.M)  # that the steps stay in the row space
    assert certificate.error == 0 and (certificate.limit == problem.project(W0)).all()


def test_a_loss_that_is_constant_is_refused_and_a_flat_one_is_not():
    class Constant(Rounded):
        smoothness = 0.0

        def phi(self, z):
            return 0.0 * z

        slope = phi

    class Gentle(Rounded):
        smoothness = 0.05

        def phi(self, z):
            return 0.05 * super().phi(z)

        def slope(self, z):
            return 0.05 * super().slope(z)

    with pytest.raises(ValueError, match="smoothness > 0, found 0 and 0"):
        Problem([[1.0, 0.0]], [1.0], Constant())
    assert Problem([[1.0, 0.0]], [1.0], Gentle()).M == 0.05
