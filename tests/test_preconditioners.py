"""What every preconditioner must be: a convex potential with its gradient, dual and sector."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ISOTROPIC, OUTPUTS, PRECONDITIONERS, SMOOTHED, inner, norm, scales, seeds

from dspgd_lib import Adam, GradientClipping, GradientDescent, NormalizedGD, SoftClipping

every = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
smoothed = pytest.mark.parametrize("K_of", SMOOTHED.values(), ids=SMOOTHED)
outputs = pytest.mark.parametrize("k", OUTPUTS)
parameters = st.sampled_from([1e-3, 0.5, 1.0, 20.0])


def draws(seed, parameter, k, count=50):
    """Matrices from far below to far above the parameter, with some zero entries."""
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((count, 5, k)) * (rng.random((count, 5, k)) < 0.8)
    return G * parameter * 10.0 ** rng.uniform(-3, 3, (count, 1, 1))


# ---------------------------------------------------------------- values, gradients, duals


@every
@outputs
@given(seeds, parameters)
def test_gradient_is_the_derivative_of_the_value(K_of, k, seed, parameter):
    K, G = K_of(parameter), draws(seed, parameter, k)
    D = np.random.default_rng(seed + 1).standard_normal(G.shape)
    D /= norm(D)[:, None, None]
    h = 1e-4 * np.maximum(norm(G), parameter)[:, None, None]
    slope = (8 * (K.value(G + h * D) - K.value(G - h * D))) - (
        K.value(G + 2 * h * D) - K.value(G - 2 * h * D)
    )
    slope /= 12 * h[:, 0, 0]
    gradient = K.gradient(G)
    # A kink of K″ leaves an error of order h, a third derivative at 0 one of order h².
    assert slope == pytest.approx(inner(gradient, D), rel=1e-3, abs=1e-4 * norm(gradient).max())
    typical = np.median(np.abs(slope - inner(gradient, D)) / (norm(gradient) + 1e-3 * parameter))
    assert typical < 1e-7


@every
@outputs
@given(seeds, parameters)
def test_potential_is_zero_with_its_gradient_at_zero_and_positive_elsewhere(
    K_of, k, seed, parameter
):
    K, G = K_of(parameter), draws(seed, parameter, k)
    zero = np.zeros((5, k))
    assert K.value(zero) == 0 and not K.gradient(zero).any() and K.conjugate(zero) == 0
    nonzero = G.any(axis=(1, 2))
    assert (K.value(G)[nonzero] > 0).all()
    assert (inner(K.gradient(G), G)[nonzero] > 0).all()


@every
@outputs
@given(seeds, parameters)
def test_fenchel_young_with_equality_at_the_gradient(K_of, k, seed, parameter):
    K, G = K_of(parameter), draws(seed, parameter, k)
    S = K.gradient(G)
    scale = K.value(G) + np.abs(inner(S, G))
    assert (np.abs(K.value(G) + K.conjugate(S) - inner(S, G)) <= 1e-10 * scale).all()
    others = S[::-1]
    gap = K.value(G) + K.conjugate(others) - inner(others, G)
    assert (gap >= -1e-10 * (scale + np.abs(inner(others, G)))).all()


@every
@outputs
@given(seeds, parameters)
def test_gradient_of_the_conjugate_inverts_the_gradient(K_of, k, seed, parameter):
    K, G = K_of(parameter), draws(seed, parameter, k)
    S = K.gradient(G)
    back = K.gradient_of_conjugate(S)
    if isinstance(K, GradientClipping):  # one S for a whole ray: the shortest G is returned
        assert (norm(back) <= norm(G) * (1 + 1e-12)).all()
    else:
        # Far out the gradients crowd at the edge of the unit ball: rounding grows by (s/p)².
        rounding = 1e-14 * (1 + (norm(G) / parameter) ** 2)
        assert (norm(back - G) <= rounding * norm(G)).all()
    assert (norm(K.gradient(back) - S) <= 1e-12 * norm(S)).all()


@every
@outputs
@given(seeds, parameters)
def test_gradient_is_cocoercive_with_the_stated_smoothness(K_of, k, seed, parameter):
    """Convexity and β-smoothness at once (classical)."""
    K, A = K_of(parameter), draws(seed, parameter, k)
    for B in (A[::-1], A * 1.01, -A, 0 * A):
        step = K.gradient(A) - K.gradient(B)
        left, right = inner(step, A - B), inner(step, step) / K.smoothness
        rounding = 1e-14 * norm(A - B) * (norm(K.gradient(A)) + norm(K.gradient(B)))
        assert (left >= right - rounding).all()


@every
@outputs
def test_smoothness_is_the_least_possible(K_of, k):
    K, G = K_of(0.7), 1e-9 * np.ones((5, k))
    assert norm(K.gradient(G)) / norm(G) == pytest.approx(K.smoothness, rel=1e-6)


# ---------------------------------------------------------------- the sector


@every
@outputs
@given(seeds, parameters)
def test_sector_holds_on_the_ball(K_of, k, seed, parameter):
    K, G = K_of(parameter), draws(seed, parameter, k)
    m, beta = K.sector(K.radius(G).max())
    assert 0 < m <= beta == K.smoothness
    S = K.gradient(G)
    gap = inner(S - m * G, beta * G - S)
    assert (gap >= -1e-12 * beta**2 * inner(G, G)).all()


@every
@outputs
@given(parameters, st.floats(0.0, 1e3))
def test_sector_is_the_best_on_its_ball(K_of, k, parameter, radius):
    """At one entry of the size of the radius, ∇K(G) = mG."""
    K, G = K_of(parameter), np.zeros((5, k))
    G[2, 0] = radius
    assert K.radius(G) == radius
    assert K.gradient(G) == pytest.approx(K.sector(radius)[0] * G, rel=1e-12)


@every
@outputs
@given(seeds)
def test_radius_is_the_norm_that_the_sector_measures(K_of, k, seed):
    K, G = K_of(0.7), draws(seed, 0.7, k)
    expected = np.abs(G).max(axis=(1, 2)) if isinstance(K, Adam) else norm(G)
    assert K.radius(G) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("radius", [-1.0, np.nan, np.inf])
def test_sector_refuses_a_radius_that_is_no_length(radius):
    with pytest.raises(ValueError, match="radius"):
        NormalizedGD(1.0).sector(radius)


@outputs
@given(seeds, parameters)
def test_bend_of_adam_bounds_the_distance_to_the_line_of_the_gradient(k, seed, parameter):
    """The inequality behind Adam's certified limit (this book)."""
    K, G = Adam(parameter), draws(seed, parameter, k)
    S = K.gradient(G)
    along = inner(S, G) / np.where(norm(G) > 0, inner(G, G), 1.0)
    distance = norm(S - along[:, None, None] * G)
    assert (distance <= K.bend * inner(S, G) * (1 + 1e-12)).all()


def test_bend_of_adam_is_nearly_attained():
    spread = 10**6
    G = np.full((spread + 1, 1), 1e-2 / np.sqrt(2 * spread))
    G[0] = 1e-2  # a third of the squared length is spread over a million entries
    K = Adam(1.0)
    S = K.gradient(G)
    distance = norm(S - inner(S, G) / inner(G, G) * G)
    assert distance >= 0.97 * K.bend * inner(S, G)


# ---------------------------------------------------------------- invariance and limits


@pytest.mark.parametrize("K_of", ISOTROPIC.values(), ids=ISOTROPIC)
@outputs
@given(seeds)
def test_isotropic_potentials_see_only_the_length(K_of, k, seed):
    K, G = K_of(0.7), draws(seed, 0.7, k)
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((5, 5)))[0]
    assert K.invariance == "isotropic"
    assert K.value(Q @ G) == pytest.approx(K.value(G), rel=1e-10)
    assert (norm(K.gradient(Q @ G) - Q @ K.gradient(G)) <= 1e-10 * norm(K.gradient(G))).all()


def test_adam_is_not_invariant_and_says_so():
    K, G = Adam(0.7), np.array([[1.0], [0.0]])
    half_turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    assert K.invariance == "none"
    assert K.value(half_turn @ G) != pytest.approx(K.value(G), rel=1e-2)


@given(seeds, parameters)
def test_adam_of_one_entry_is_soft_clipping(seed, parameter):
    G = draws(seed, parameter, 1)[:, :1]
    assert Adam(parameter).value(G) == pytest.approx(SoftClipping(parameter).value(G), rel=1e-14)


@smoothed
@outputs
@given(seeds)
def test_a_large_parameter_gives_gradient_descent(K_of, k, seed):
    G = draws(seed, 1.0, k)
    K = K_of(1e12)
    assert (norm(K.gradient(G) / K.smoothness - G) <= 1e-8 * norm(G)).all()
    assert K.value(G) / K.smoothness == pytest.approx(0.5 * inner(G, G), rel=1e-8)


@smoothed
@outputs
@given(seeds)
def test_a_small_parameter_gives_a_unit_step_or_the_sign(K_of, k, seed):
    G = draws(seed, 1.0, k)
    G = G[G.any(axis=(1, 2))]
    K = K_of(1e-14)
    step = K.gradient(G) * (1e14 if isinstance(K, GradientClipping) else 1.0)
    limit = np.sign(G) if isinstance(K, Adam) else G / norm(G)[:, None, None]
    assert np.abs(step - limit).max() <= 1e-5


# ---------------------------------------------------------------- grids and stacks


@smoothed
@outputs
@given(seeds)
def test_a_grid_of_parameters_equals_one_at_a_time(K_of, k, seed):
    grid = np.array([0.01, 1.0, 30.0])
    K, G = K_of(grid), draws(seed, 1.0, k, count=3)
    singles = [K_of(p) for p in grid]
    S = 0.9 * K.gradient(G)
    for name, at in [
        ("value", G),
        ("gradient", G),
        ("conjugate", S),
        ("gradient_of_conjugate", S),
        ("radius", G),
    ]:
        found = getattr(K, name)(at)
        one = np.array([getattr(single, name)(a) for single, a in zip(singles, at, strict=True)])
        assert found.shape == one.shape
        assert found == pytest.approx(one, rel=1e-14)
    assert K.smoothness == pytest.approx([single.smoothness for single in singles], rel=1e-15)
    assert K.sector(2.0)[0] == pytest.approx([s.sector(2.0)[0] for s in singles], rel=1e-15)
    assert K.value(G[0]).shape == (3,) and K.gradient(G[0]).shape == (3, 5, k)


@every
@outputs
@given(seeds)
def test_a_stack_equals_one_matrix_at_a_time(K_of, k, seed):
    K, G = K_of(0.7), draws(seed, 0.7, k, count=6).reshape(2, 3, 5, k)
    assert K.value(G).shape == (2, 3) and K.gradient(G).shape == G.shape
    assert K.value(G)[1, 2] == pytest.approx(K.value(G[1, 2]), rel=1e-14)
    assert K.gradient(G)[1, 2] == pytest.approx(K.gradient(G[1, 2]), rel=1e-14)


# ---------------------------------------------------------------- digits

REFERENCES = {
    NormalizedGD: lambda s, e: ((s * s + e * e).sqrt() - e, s / (s * s + e * e).sqrt()),
    GradientClipping: lambda s, e: (s * s / 2 if s <= e else e * s - e * e / 2, min(s, e)),
    SoftClipping: lambda s, e: (s - e * (1 + s / e).ln(), s / (s + e)),
    Adam: lambda s, e: (s - e * (1 + s / e).ln(), s / (s + e)),
}
SIZES = [10.0**p for p in (-300, -100, -17, -8, -3, -0.5, 0, 0.5, 3, 8, 17, 100, 300)]
SIZES += [1.0 + 2**-40, 0.999, 1.001]


@pytest.mark.parametrize("K_of", REFERENCES)
@pytest.mark.parametrize("parameter", [1.0, 1e-150, 3e120])
def test_values_and_gradients_keep_their_digits_at_every_size(K_of, parameter):
    with localcontext() as context:
        context.prec = 1400
        for size in SIZES:
            value, slope = REFERENCES[K_of](Decimal(size), Decimal(parameter))
            if 1e-305 < value < 1e305:
                found = K_of(parameter).value([[size]])
                assert abs(Decimal(float(found)) / value - 1) < Decimal("2e-15"), size
            if 1e-305 < slope < 1e305 and size / parameter < 1e305:
                found = K_of(parameter).gradient([[-size]])[0, 0]
                assert abs(Decimal(float(found)) / -slope - 1) < Decimal("1e-15"), size


CONJUGATES = {
    NormalizedGD: lambda r: 1 - (1 - r * r).sqrt(),
    SoftClipping: lambda r: -((1 - r).ln() + r),
    Adam: lambda r: -((1 - r).ln() + r),
}


@pytest.mark.parametrize("K_of", CONJUGATES)
def test_conjugates_keep_their_digits(K_of):
    with localcontext() as context:
        context.prec = 400
        for r in (1e-150, 1e-17, 1e-8, 1e-3, 0.3, 0.4999, 0.5, 0.5001, 0.9, 0.999999):
            exact = 3 * CONJUGATES[K_of](Decimal(r))
            assert abs(Decimal(float(K_of(3.0).conjugate([[r]]))) / exact - 1) < Decimal("2e-15")


@smoothed
def test_the_profile_has_no_jump_where_its_formula_changes(K_of):
    at = np.array([1.0, 0.5])[:, None] * np.array([1 - 1e-13, 1.0, 1 + 1e-13])
    values = K_of(1.0).value(at[..., None, None])
    assert np.abs(np.diff(values, axis=1)).max() <= 5e-13


# ---------------------------------------------------------------- edges of the conjugates


@outputs
def test_conjugate_at_the_edge_of_its_domain(k):
    S = np.zeros((3, k))
    S[1, 0] = 1.0
    assert NormalizedGD(0.3).conjugate(S) == pytest.approx(0.3, rel=1e-15)
    assert GradientClipping(2.0).conjugate(2.0 * S) == pytest.approx(2.0, rel=1e-15)
    assert SoftClipping(0.3).conjugate(S) == Adam(0.3).conjugate(S) == np.inf
    for K in (NormalizedGD(0.3), SoftClipping(0.3), Adam(0.3)):
        assert K.conjugate((1 + 1e-9) * S) == np.inf
    assert GradientClipping(2.0).conjugate((2 + 1e-9) * S) == np.inf
    assert GradientDescent().conjugate(1e9 * S) == 5e17


@outputs
@given(seeds)
def test_a_clipped_gradient_lies_in_the_domain_despite_rounding(k, seed):
    G = draws(seed, 70.0, k)
    K = GradientClipping(0.7)
    assert np.isfinite(K.conjugate(K.gradient(G))).all()
    assert np.isfinite(K.gradient_of_conjugate(K.gradient(G))).all()


@outputs
def test_gradient_of_the_conjugate_refuses_what_has_no_inverse(k):
    S = np.zeros((3, k))
    S[1, 0] = 1.0
    for K in (NormalizedGD(0.3), SoftClipping(0.3), Adam(0.3)):
        with pytest.raises(ValueError, match=r"S is not in the range .* below 1"):
            K.gradient_of_conjugate(S)
    assert (GradientClipping(1.0).gradient_of_conjugate(S) == S).all()
    with pytest.raises(ValueError, match=r"at most 1"):
        GradientClipping(1.0).gradient_of_conjugate(1.01 * S)


# ---------------------------------------------------------------- what they are as objects


@smoothed
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, [1.0, 0.0], [], [[1.0]], "a", None, 1j])
def test_a_parameter_must_be_positive(K_of, bad):
    with pytest.raises(ValueError, match=r"^(eps|c) "):
        K_of(bad)


@every
@pytest.mark.parametrize("bad", [np.ones(3), 1.0, [[np.nan]], [[np.inf]], np.ones((0, 2)), "a"])
def test_points_must_be_finite_matrices(K_of, bad):
    K = K_of(1.0)
    for method in (K.value, K.gradient, K.conjugate, K.gradient_of_conjugate, K.radius):
        with pytest.raises(ValueError, match=r"^[GS] "):
            method(bad)


@every
def test_preconditioners_are_frozen_values(K_of):
    K = K_of(0.5)
    assert {K, K_of(0.5)} == {K}
    for name in ("eps", "c", "anything"):
        with pytest.raises(AttributeError):
            setattr(K, name, 2.0)


def test_repr_shows_how_to_make_it():
    assert repr(NormalizedGD(0.5)) == "NormalizedGD(eps=0.5)"
    assert repr(GradientClipping(2)) == "GradientClipping(c=2.0)"


@every
@given(scales)
def test_arguments_are_not_changed(K_of, scale):
    G = scale * np.arange(-3.0, 3.0).reshape(3, 2)
    before, K = G.copy(), K_of(1.0)
    for method in (K.value, K.gradient, K.radius):
        method(G)
    K.gradient(G)[:] = 7.0
    assert np.array_equal(G, before)
