"""What every preconditioner must be: a convex potential with its gradient, dual and sector."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    ALL,
    ISOTROPIC,
    LEFT_INVARIANT,
    LOCAL,
    OUTPUTS,
    PRECONDITIONERS,
    SEPARABLE,
    SMOOTHED,
    drawn_outputs,
    inner,
    norm,
    scales,
    seeds,
)

from dspgd_lib import (
    Adam,
    ColumnNormalized,
    Cosh,
    GradientClipping,
    GradientDescent,
    Hypentropy,
    LogCosh,
    NormalizedGD,
    PNorm,
    SmoothedSign,
    SoftClipping,
    Spectral,
)

every = pytest.mark.parametrize("K_of", ALL.values(), ids=ALL)
smooth = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
local = pytest.mark.parametrize("K_of", LOCAL.values(), ids=LOCAL)
smoothed = pytest.mark.parametrize("K_of", SMOOTHED.values(), ids=SMOOTHED)
outputs = pytest.mark.parametrize("k", OUTPUTS)
parameters = st.sampled_from([1e-3, 0.5, 1.0, 20.0])


def draws(seed, parameter, k, count=50):
    """Matrices from far below to far above the parameter, with some zero entries."""
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((count, 5, k)) * (rng.random((count, 5, k)) < 0.8)
    return G * parameter * 10.0 ** rng.uniform(-3, 3, (count, 1, 1))


def points(K, seed, parameter, k, count=50):
    """The same, no larger than what cosh bears (of a singular value: the largest hides others)."""
    reach = 3.0 if K == Spectral(Cosh()) else 30.0
    return np.clip(draws(seed, parameter, k, count), -reach, reach)


def is_steep_at_zero(K):
    """Whether K has infinite curvature where an entry is 0, so that difference quotients fail."""
    return K == PNorm(1.5)


def spectral(K):
    return isinstance(K, Spectral)


def flat_columns(G):
    """‖G_:j‖ in the shape (..., 1, k)."""
    return np.sqrt(np.sum(G * G, axis=-2, keepdims=True))


# ---------------------------------------------------------------- values, gradients, duals


@every
@given(drawn_outputs, seeds, parameters)
def test_gradient_is_the_derivative_of_the_value(K_of, k, seed, parameter):
    K = K_of(parameter)
    G = points(K, seed, parameter, k)
    D = np.random.default_rng(seed + 1).standard_normal(G.shape)
    D /= norm(D)[:, None, None]
    h = 1e-4 * np.minimum(np.maximum(norm(G), parameter), 1e3 * parameter)[:, None, None]
    slope = (8 * (K.value(G + h * D) - K.value(G - h * D))) - (
        K.value(G + 2 * h * D) - K.value(G - 2 * h * D)
    )
    slope /= 12 * h[:, 0, 0]
    gradient = K.gradient(G)
    # A kink of K″ leaves an error of order h, a third derivative at 0 one of order h².
    if not is_steep_at_zero(K):
        atol = 1e-4 * norm(gradient).max()
        assert slope == pytest.approx(inner(gradient, D), rel=1e-3, abs=atol)
    error = np.abs(slope - inner(gradient, D)) / (norm(gradient) + 1e-3 * parameter)
    assert np.median(error) < (1e-4 if is_steep_at_zero(K) else 1e-7)


@every
@given(drawn_outputs, seeds, parameters)
def test_potential_is_zero_with_its_gradient_at_zero_and_positive_elsewhere(
    K_of, k, seed, parameter
):
    K = K_of(parameter)
    G = points(K, seed, parameter, k)
    zero = np.zeros((5, k))
    assert K.value(zero) == 0 and not K.gradient(zero).any() and K.conjugate(zero) == 0
    nonzero = G.any(axis=(1, 2))
    assert (K.value(G)[nonzero] > 0).all()
    assert (inner(K.gradient(G), G)[nonzero] > 0).all()


@every
@given(drawn_outputs, seeds, parameters)
def test_fenchel_young_with_equality_at_the_gradient(K_of, k, seed, parameter):
    K = K_of(parameter)
    G = points(K, seed, parameter, k)
    S = K.gradient(G)
    scale = K.value(G) + np.abs(inner(S, G))
    assert (np.abs(K.value(G) + K.conjugate(S) - inner(S, G)) <= 1e-10 * scale).all()
    others = S[::-1]
    gap = K.value(G) + K.conjugate(others) - inner(others, G)
    assert (gap >= -1e-10 * (scale + np.abs(inner(others, G)))).all()


@every
@given(drawn_outputs, seeds, parameters)
def test_gradient_of_the_conjugate_inverts_the_gradient(K_of, k, seed, parameter):
    K = K_of(parameter)
    G = points(K, seed, parameter, k)
    if isinstance(K, LogCosh):  # its slopes crowd at 1 exponentially
        G, parameter = np.clip(G, -4.0, 4.0), 0.01
    S = K.gradient(G)
    back = K.gradient_of_conjugate(S)
    if isinstance(K, GradientClipping):  # one S for a whole ray: the shortest G is returned
        assert (norm(back) <= norm(G) * (1 + 1e-12)).all()
    else:
        # Far out the gradients crowd at the edge of the unit ball: rounding grows by (s/p)².
        # For singular values it also turns the vectors of those that nearly coincide, and what
        # is lost beside the largest one cannot come back.
        rounding = 1e-14 * (1 + (norm(G) / parameter) ** 2) * (10 if spectral(K) else 1)
        if spectral(K) and np.isinf(K.smoothness):
            rounding = 1e-9
        assert (norm(back - G) <= rounding * norm(G)).all()
    assert (norm(K.gradient(back) - S) <= 1e-12 * norm(S)).all()


@every
@given(drawn_outputs, seeds, parameters)
def test_gradient_is_cocoercive_with_the_stated_smoothness(K_of, k, seed, parameter):
    """Convexity and β-smoothness on a ball at once (classical)."""
    K = K_of(parameter)
    A = points(K, seed, parameter, k)
    _, beta = K.sector(K.radius(A).max() * 1.01)
    if np.isfinite(K.smoothness):
        assert beta == K.smoothness
    for B in (A[::-1], A * 1.01, -A, 0 * A):
        step = K.gradient(A) - K.gradient(B)
        left, right = inner(step, A - B), inner(step, step) / beta
        rounding = 1e-14 * norm(A - B) * (norm(K.gradient(A)) + norm(K.gradient(B)))
        assert (left >= right - (10 if spectral(K) else 1) * rounding).all()


@smooth
@outputs
def test_smoothness_is_the_least_possible(K_of, k):
    K, G = K_of(0.7), 1e-9 * np.ones((5, k))
    assert norm(K.gradient(G)) / norm(G) == pytest.approx(K.smoothness, rel=1e-6)


@local
@outputs
@pytest.mark.parametrize("radius", [0.3, 2.0])
def test_local_smoothness_is_the_least_possible(K_of, k, radius):
    """β on a ball is the slope of ∇K at its edge; where it is ∞, that at 0 grows for ever."""
    K, G, H = K_of(1.0), np.zeros((5, k)), np.zeros((5, k))
    _, beta = K.sector(radius)
    if np.isfinite(beta):
        G[2, 0], H[2, 0] = radius, radius * (1 - 1e-6)
        slope = norm(K.gradient(G) - K.gradient(H)) / norm(G - H)
        assert slope == pytest.approx(beta, rel=1e-5) and slope <= beta
    else:
        G[2, 0] = 1e-100
        assert norm(K.gradient(G)) / norm(G) > 1e40
    assert K.smoothness == np.inf


# ---------------------------------------------------------------- the sector


@every
@given(drawn_outputs, seeds, parameters)
def test_sector_holds_on_the_ball(K_of, k, seed, parameter):
    K = K_of(parameter)
    G = points(K, seed, parameter, k)
    m, beta = K.sector(K.radius(G).max())
    assert 0 <= m <= beta <= K.smoothness
    S = K.gradient(G)
    if np.isinf(beta):  # what is left of the condition
        assert (inner(S - m * G, G) >= -1e-12 * inner(S, G)).all()
    else:
        gap = inner(S - m * G, beta * G - S)
        assert (gap >= -1e-12 * beta**2 * inner(G, G)).all()


@every
@given(drawn_outputs, parameters, st.floats(1e-40, 100.0))
def test_sector_has_the_best_m_on_its_ball(K_of, k, parameter, radius):
    """At one entry of the size of the radius, or near 0, ∇K(G) = mG."""
    K, G, H = K_of(parameter), np.zeros((5, k)), np.zeros((5, k))
    m, _ = K.sector(radius)
    assert m >= 0 and (m > 0 or np.isinf(K.smoothness))
    G[2, 0], H[2, 0] = radius, 1e-100
    assert K.radius(G) == pytest.approx(radius, rel=1e-15)
    at_edge, at_zero = (norm(K.gradient(A)) / norm(A) for A in (G, H))
    assert min(at_edge, at_zero) == pytest.approx(m, rel=1e-12, abs=1e-40)


RADII = {
    "normalized-gd": lambda G: norm(G)[:, None, None],
    "adam": np.abs,
    "smoothed-sign": np.abs,
    "p-norm-3": np.abs,
    "cosh": np.abs,
    "column-normalized": flat_columns,
    "spectral-sign": lambda G: np.linalg.norm(G, 2, axis=(1, 2))[:, None, None],
}


@pytest.mark.parametrize("name", RADII)
@given(drawn_outputs, seeds)
def test_radius_is_the_norm_that_the_sector_measures(name, k, seed):
    K, G = ALL[name](0.7), draws(seed, 0.7, k)
    assert K.radius(G) == pytest.approx(RADII[name](G).max(axis=(1, 2)), rel=1e-13)
    assert (K.radius(G) <= norm(G) * (1 + 1e-13)).all()


@pytest.mark.parametrize("K_of", [PNorm, lambda p: Spectral(PNorm(p))], ids=["entries", "values"])
@given(st.floats(1e-9, 1.0), st.floats(0.1, 10.0))
def test_a_power_has_one_end_of_its_sector_only_however_near_it_is_to_2(K_of, off, radius):
    """k′(s)/s = sᵖ⁻² falls to 0 or rises to ∞ as s → 0."""
    least, most = K_of(2.0 + off).sector(radius)
    assert least == 0 and most == pytest.approx((1 + off) * radius**off)
    least, most = K_of(2.0 - 0.9 * off).sector(radius)
    assert least == pytest.approx(radius ** (-0.9 * off)) and most == np.inf
    assert K_of(2.0).sector(radius) == (1.0, 1.0)


@pytest.mark.parametrize("radius", [-1.0, np.nan, np.inf])
def test_sector_refuses_a_radius_that_is_no_length(radius):
    with pytest.raises(ValueError, match="radius"):
        NormalizedGD(1.0).sector(radius)


def distance_to_line(S, G):
    along = inner(S, G) / np.where(norm(G) > 0, inner(G, G), 1.0)
    return norm(S - along[..., None, None] * G)


@pytest.mark.parametrize("K_of", [Adam, SmoothedSign])
@given(drawn_outputs, seeds, parameters)
def test_bend_bounds_the_distance_to_the_line_of_the_gradient(K_of, k, seed, parameter):
    """The inequality behind the certified limit of Adam and the smoothed sign (this book)."""
    K, G = K_of(parameter), draws(seed, parameter, k)
    S = K.gradient(G)
    assert (distance_to_line(S, G) <= K.bend * inner(S, G) * (1 + 1e-12)).all()


@pytest.mark.parametrize("parameter", [1.0, 40.0])
def test_bend_of_adam_is_nearly_attained(parameter):
    spread = 10**6
    G = np.full((spread + 1, 1), 1e-2 * parameter / np.sqrt(2 * spread))
    G[0] = 1e-2 * parameter  # a third of the squared length is spread over a million entries
    K = Adam(parameter)
    S = K.gradient(G)
    assert distance_to_line(S, G) >= 0.97 * K.bend * inner(S, G)


@pytest.mark.parametrize("parameter", [1.0, 40.0])
def test_bend_of_the_smoothed_sign_is_nearly_attained(parameter):
    """One entry of 2 to 3 times the smoothing, the rest spread over a million entries."""
    spread, K = 10**6, SmoothedSign(parameter)
    ratios = []
    for size in np.linspace(2.0, 3.0, 21):
        for share in np.linspace(0.8, 2.0, 25):
            G = np.array([[size], [share]]) * parameter
            S = np.array([[size / np.hypot(size, 1.0)], [share]])  # the gradient of many entries
            ratios.append(distance_to_line(S, G) / inner(S, G))
    assert 0.999 * K.bend * parameter <= max(ratios) * parameter <= K.bend * parameter * (1 + 1e-9)
    G = np.full((spread + 1, 1), 1.26 / np.sqrt(spread)) * parameter
    G[0] = 2.65 * parameter
    assert distance_to_line(K.gradient(G), G) >= 0.999 * K.bend * inner(K.gradient(G), G)


# ---------------------------------------------------------------- invariance and limits


def rotation(seed, size=5):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]


@pytest.mark.parametrize("K_of", LEFT_INVARIANT.values(), ids=LEFT_INVARIANT)
@given(drawn_outputs, seeds)
def test_left_invariant_potentials_do_not_see_a_rotation_from_the_left(K_of, k, seed):
    """K(QG) = K(G) and ∇K(QG) = Q∇K(G); so the columns of ∇K(G) stay in the range of G."""
    K, Q = K_of(0.7), rotation(seed)
    G = points(K, seed, 0.7, k)
    S = K.gradient(G)
    assert K.invariance == ("isotropic" if K_of in ISOTROPIC.values() else "left")
    assert K.value(Q @ G) == pytest.approx(K.value(G), rel=1e-10)
    assert (norm(K.gradient(Q @ G) - Q @ S) <= 1e-9 * norm(S)).all()
    G = rotation(seed)[:, :2] @ np.random.default_rng(seed).standard_normal((2, k))
    S, P = K.gradient(G), rotation(seed)[:, :2]
    assert norm(S - P @ (P.T @ S)) <= 1e-9 * norm(S)


@pytest.mark.parametrize("K_of", ISOTROPIC.values(), ids=ISOTROPIC)
@given(drawn_outputs, seeds)
def test_isotropic_gradients_keep_the_direction(K_of, k, seed):
    K, G = K_of(0.7), draws(seed, 0.7, k)
    S = K.gradient(G)
    assert (inner(S, G) >= norm(S) * norm(G) * (1 - 1e-12)).all()


@given(seeds)
def test_left_invariant_is_weaker_than_isotropic(seed):
    G = np.random.default_rng(seed).standard_normal((5, 4))
    Q = rotation(seed, 4)
    for K in (Spectral(SmoothedSign(0.7)), ColumnNormalized(0.7)):
        S = K.gradient(G)
        assert inner(S, G) < norm(S) * norm(G) * (1 - 1e-4)
    muon, column = Spectral(SmoothedSign(0.7)), ColumnNormalized(0.7)
    assert muon.value(G @ Q) == pytest.approx(muon.value(G), rel=1e-12)
    assert column.value(G @ Q) != pytest.approx(column.value(G), rel=1e-6)


LIKE_ISOTROPIC = {
    "column": (ColumnNormalized, NormalizedGD),
    "spectral-sign": (lambda p: Spectral(SmoothedSign(p)), NormalizedGD),
    "spectral-adam": (lambda p: Spectral(Adam(p)), SoftClipping),
}


@pytest.mark.parametrize("name", LIKE_ISOTROPIC)
@given(seeds, parameters)
def test_left_invariant_with_one_output_is_isotropic(name, seed, parameter):
    left, isotropic = (K_of(parameter) for K_of in LIKE_ISOTROPIC[name])
    G = draws(seed, parameter, 1)
    assert left.value(G) == pytest.approx(isotropic.value(G), rel=1e-13)
    difference = norm(left.gradient(G) - isotropic.gradient(G))
    assert (difference <= 1e-14 * norm(isotropic.gradient(G))).all()
    S = 0.9 * isotropic.gradient(G)
    assert left.conjugate(S) == pytest.approx(isotropic.conjugate(S), rel=1e-11)


@pytest.mark.parametrize("K_of", SEPARABLE.values(), ids=SEPARABLE)
def test_separable_potentials_are_not_invariant_and_say_so(K_of):
    K, G = K_of(0.7), np.array([[1.0], [0.0]])
    half_turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    assert K.invariance == "none"
    assert K.value(half_turn @ G) != pytest.approx(K.value(G), rel=1e-2)
    assert K.gradient(np.array([[1.0], [2.0]])) != pytest.approx(
        K.gradient(np.array([[1.0], [1.0]])) * [[1.0], [2.0]], rel=1e-2
    )


@pytest.mark.parametrize("base", [Adam(0.7), SmoothedSign(0.7), PNorm(1.5), PNorm(3.0), Cosh()])
@given(seeds)
def test_spectral_is_its_base_on_the_singular_values(base, seed):
    """Also where singular values repeat or vanish."""
    rng = np.random.default_rng(seed)
    U, V = rotation(seed)[:, :4], rotation(seed + 1, 4)
    for sizes in ([2.0, 2.0, 2.0, 2.0], [3.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0], rng.random(4)):
        s = np.array(sizes)[:, None]
        K, G = Spectral(base), U @ (s * V.T)
        new = base.gradient(s)
        assert K.value(G) == pytest.approx(base.value(s), rel=1e-13, abs=1e-20)
        # A power below 2 is not Lipschitz at 0: a rounding error u moves it by u^(p − 1).
        atol = 1e-7 if base == PNorm(1.5) else 1e-13
        assert np.abs(K.gradient(G) - U @ (new * V.T)).max() <= atol
        slack = 1 - 1e-13
        assert K.conjugate(slack * U @ (new * V.T)) == pytest.approx(
            base.conjugate(slack * new), rel=1e-8, abs=1e-14
        )
        wide = K.gradient(G.T)  # more columns than rows
        assert np.abs(wide - V @ (new * U.T)).max() <= atol


def test_spectral_needs_a_separable_base():
    for base in (NormalizedGD(1.0), Spectral(Cosh()), Cosh, 1.0):
        with pytest.raises(ValueError, match=r"^base must be a separable preconditioner, found "):
            Spectral(base)
    assert repr(Spectral(Cosh())) == "Spectral(Cosh())"


@given(seeds, parameters)
def test_separable_potentials_of_one_entry_are_isotropic(seed, parameter):
    G = draws(seed, parameter, 1)[:, :1]
    assert Adam(parameter).value(G) == pytest.approx(SoftClipping(parameter).value(G), rel=1e-14)
    sign = SmoothedSign(parameter).value(G)
    assert sign == pytest.approx(NormalizedGD(parameter).value(G), rel=1e-14)


@smoothed
@given(drawn_outputs, seeds)
def test_a_large_parameter_gives_gradient_descent(K_of, k, seed):
    G = draws(seed, 1.0, k)
    K = K_of(1e12)
    assert (norm(K.gradient(G) / K.smoothness - G) <= 1e-8 * norm(G)).all()
    assert K.value(G) / K.smoothness == pytest.approx(0.5 * inner(G, G), rel=1e-8)


def polar(G):
    U, _, Vt = np.linalg.svd(G, full_matrices=False)
    return U @ Vt


UNIT_STEPS = {
    Adam: np.sign,
    SmoothedSign: np.sign,
    ColumnNormalized: lambda G: G / np.where(flat_columns(G) > 0, flat_columns(G), 1.0),
    Spectral: polar,
}


@smoothed
@given(drawn_outputs, seeds)
def test_a_small_parameter_gives_a_unit_step_of_its_norm(K_of, k, seed):
    G, K = draws(seed, 1.0, k), K_of(1e-14)
    if isinstance(K, Hypentropy):
        return  # its slopes grow without bound, though slowly
    G = G[G.any(axis=(1, 2))]
    if spectral(K):  # a zero singular value has no direction
        sizes = np.linalg.svd(G, compute_uv=False)
        G = G[sizes[:, -1] > 1e-3 * sizes[:, 0]]
    step = K.gradient(G) * (1e14 if isinstance(K, GradientClipping) else 1.0)
    limit = UNIT_STEPS.get(type(K), lambda G: G / norm(G)[:, None, None])(G)
    assert np.abs(step - limit).max() <= 1e-5


@given(drawn_outputs, seeds)
def test_p_norm_2_is_gradient_descent(k, seed):
    K, G = PNorm(2.0), draws(seed, 1.0, k)
    assert K.value(G) == pytest.approx(GradientDescent().value(G), rel=1e-14)
    assert (norm(K.gradient(G) - G) == 0).all()
    assert K.smoothness == 1.0 and K.sector(7.0) == (1.0, 1.0)


# ---------------------------------------------------------------- grids and stacks


@smoothed
@given(drawn_outputs, seeds)
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
@given(drawn_outputs, seeds)
def test_a_stack_equals_one_matrix_at_a_time(K_of, k, seed):
    K = K_of(0.7)
    G = points(K, seed, 0.7, k, count=6).reshape(2, 3, 5, k)
    assert K.value(G).shape == (2, 3) and K.gradient(G).shape == G.shape
    assert K.value(G)[1, 2] == pytest.approx(K.value(G[1, 2]), rel=1e-14)
    assert K.gradient(G)[1, 2] == pytest.approx(K.gradient(G[1, 2]), rel=1e-14)


# ---------------------------------------------------------------- digits


def root(s, e):
    return (s * s + e * e).sqrt() - e, s / (s * s + e * e).sqrt()


REFERENCES = {
    NormalizedGD: root,
    SmoothedSign: root,
    ColumnNormalized: root,
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


@pytest.mark.parametrize("p", [1.001, 1.5, 2.0, 2.5, 7.0])
def test_powers_keep_their_digits_at_every_size(p):
    K, tolerance = PNorm(p), Decimal("1e-14")
    exponent = Decimal(p)
    with localcontext() as context:
        context.prec = 60
        for size in SIZES:
            value = Decimal(size) ** exponent / exponent
            slope = Decimal(size) ** (exponent - 1)
            if 1e-305 < value < 1e305:
                assert abs(Decimal(float(K.value([[size]]))) / value - 1) < tolerance, size
            if 1e-305 < slope < 1e305:
                found = Decimal(float(K.gradient([[-size]])[0, 0]))
                assert abs(found / -slope - 1) < tolerance, size


@pytest.mark.parametrize("K", [Cosh(), Spectral(Cosh())], ids=["cosh", "spectral-cosh"])
def test_cosh_keeps_its_digits_at_every_size(K):
    with localcontext() as context:
        context.prec = 400
        for size in (1e-150, 1e-100, 1e-17, 1e-8, 1e-3, 0.3, 1.0, 3.0, 30.0, 700.0):
            up, down = Decimal(size).exp(), Decimal(-size).exp()
            value, slope = (up + down) / 2 - 1, (up - down) / 2
            assert abs(Decimal(float(K.value([[size]]))) / value - 1) < Decimal("2e-15"), size
            found = Decimal(float(K.gradient([[-size]])[0, 0]))
            assert abs(found / -slope - 1) < Decimal("2e-15"), size


@outputs
def test_what_is_too_large_for_a_float_is_infinite_without_a_warning(k):
    G = np.zeros((3, k))
    G[1, 0] = -2e3
    assert Cosh().value(G) == Spectral(Cosh()).value(G) == PNorm(200.0).value(G) == np.inf
    for K in (Cosh(), PNorm(200.0)):
        S = K.gradient(G)
        assert S[1, 0] == -np.inf and np.count_nonzero(S) == 1
    S = Spectral(Cosh()).gradient(G)  # ∞ times a singular vector would not be a number
    assert S[1, 0] < -1e300 and np.isfinite(S).all()
    assert Cosh().sector(2e3) == (1.0, np.inf)
    assert PNorm(200.0).sector(2e3) == (0.0, np.inf)
    assert PNorm(1.5).sector(0.0) == (np.inf, np.inf)


CONJUGATES = {
    NormalizedGD: lambda r: 1 - (1 - r * r).sqrt(),
    SmoothedSign: lambda r: 1 - (1 - r * r).sqrt(),
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


def test_the_conjugate_of_cosh_keeps_its_digits():
    with localcontext() as context:
        context.prec = 400
        for r in (1e-150, 1e-17, 1e-8, 1e-3, 0.3, 1.0, 30.0, 1e10, 1e150):
            s = Decimal(r)
            root = (1 + s * s).sqrt()
            exact = s * (s + root).ln() - root + 1
            assert abs(Decimal(float(Cosh().conjugate([[r]]))) / exact - 1) < Decimal("2e-15"), r


@given(seeds, st.sampled_from([1.2, 1.5, 2.0, 3.0, 7.0]))
def test_conjugate_of_a_p_norm_is_the_one_of_the_dual_exponent(seed, p):
    S = np.random.default_rng(seed).standard_normal((5, 4))
    dual = PNorm(p / (p - 1))
    assert PNorm(p).conjugate(S) == pytest.approx(dual.value(S), rel=1e-12)
    assert PNorm(p).gradient_of_conjugate(S) == pytest.approx(dual.gradient(S), rel=1e-12)


@every
@given(drawn_outputs, seeds)
def test_the_conjugate_of_the_conjugate_is_the_potential(K_of, k, seed):
    """K** = K: no S gives ⟨S, G⟩ − K*(S) > K(G), and steps toward ∇K(G) come close."""
    K = K_of(1.0)
    G = points(K, seed, 0.3, k)
    S = K.gradient(G)
    best = np.full(len(G), -np.inf)
    for stretch in (0.5, 0.9, 0.99, 1.0, 1.01):
        with np.errstate(invalid="ignore"):
            found = inner(stretch * S, G) - K.conjugate(stretch * S)
        assert (found <= K.value(G) * (1 + 1e-10) + 1e-300).all()
        best = np.maximum(best, found)
    assert best == pytest.approx(K.value(G), rel=1e-9)


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
    muon = Spectral(SmoothedSign(0.3))
    for K in (SmoothedSign(0.3), ColumnNormalized(0.3), muon):
        assert K.conjugate(S) == pytest.approx(0.3, rel=1e-15)
    for K in (NormalizedGD(0.3), SoftClipping(0.3), Adam(0.3), SmoothedSign(0.3), muon):
        assert K.conjugate((1 + 1e-9) * S) == np.inf
    assert GradientClipping(2.0).conjugate((2 + 1e-9) * S) == np.inf
    assert GradientDescent().conjugate(1e9 * S) == 5e17


@given(drawn_outputs, seeds)
def test_a_clipped_gradient_lies_in_the_domain_despite_rounding(k, seed):
    G = draws(seed, 70.0, k)
    K = GradientClipping(0.7)
    assert np.isfinite(K.conjugate(K.gradient(G))).all()
    assert np.isfinite(K.gradient_of_conjugate(K.gradient(G))).all()


@outputs
def test_gradient_of_the_conjugate_refuses_what_has_no_inverse(k):
    S = np.zeros((3, k))
    S[1, 0] = 1.0
    for K in (NormalizedGD(0.3), SoftClipping(0.3), Adam(0.3), Spectral(Adam(0.3))):
        with pytest.raises(ValueError, match=r"S is not in the range .* below 1"):
            K.gradient_of_conjugate(S)
    assert (GradientClipping(1.0).gradient_of_conjugate(S) == S).all()
    with pytest.raises(ValueError, match=r"at most 1"):
        GradientClipping(1.0).gradient_of_conjugate(1.01 * S)


# ---------------------------------------------------------------- what they are as objects


@smoothed
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, [1.0, 0.0], [], [[1.0]], "a", None, 1j])
def test_a_parameter_must_be_positive(K_of, bad):
    with pytest.raises(ValueError, match=r"^(eps|c|width) "):
        K_of(bad)


@pytest.mark.parametrize("bad", [1.0, 0.5, [2.0, 1.0], -3.0, np.nan, np.inf, "a"])
def test_an_exponent_must_be_above_one(bad):
    with pytest.raises(ValueError, match=r"^p "):
        PNorm(bad)


def test_a_grid_of_exponents_equals_one_at_a_time():
    grid, G = np.array([1.5, 2.0, 3.0]), np.random.default_rng(0).standard_normal((3, 5, 2))
    for K, singles in [
        (PNorm(grid), [PNorm(p) for p in grid]),
        (Spectral(PNorm(grid)), [Spectral(PNorm(p)) for p in grid]),
    ]:
        each = list(zip(singles, G, strict=True))
        assert K.value(G) == pytest.approx([one.value(g) for one, g in each], rel=1e-14)
        steps = np.array([one.gradient(g) for one, g in each])
        assert K.gradient(G) == pytest.approx(steps, rel=1e-10)
        assert K.smoothness.tolist() == [np.inf, 1.0, np.inf]
        assert np.array(K.sector(2.0)).T == pytest.approx(
            np.array([one.sector(2.0) for one in singles]), rel=1e-15
        )


@every
@pytest.mark.parametrize("bad", [np.ones(3), 1.0, [[np.nan]], [[np.inf]], np.ones((0, 2)), "a"])
def test_points_must_be_finite_matrices(K_of, bad):
    K = K_of(1.0)
    for method in (K.value, K.gradient, K.conjugate, K.gradient_of_conjugate, K.radius):
        with pytest.raises(ValueError, match=r"^[AGS] "):
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
    assert repr(Spectral(SmoothedSign(2))) == "Spectral(SmoothedSign(eps=2.0))"


@every
@given(scales)
def test_arguments_are_not_changed(K_of, scale):
    G = np.clip(scale * np.arange(-3.0, 3.0).reshape(3, 2), -100.0, 100.0)
    before, K = G.copy(), K_of(1.0)
    for method in (K.value, K.gradient, K.radius):
        method(G)
    K.gradient(G)[:] = 7.0
    assert np.array_equal(G, before)
