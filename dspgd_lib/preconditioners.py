"""Preconditioners: each owns its potential K, the gradient ∇K, the conjugate K* and ∇K*.

Arrays are matrices or stacks of them, of shape (..., d, k). A parameter of shape (B,) acts as
(B, 1, 1), so one object serves one run or a whole grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._profiles import LARGEST, Huber, HyperbolicCosine, Parameter, Power, Quadratic, Root, Soft
from ._validation import Array, as_array, as_stack, expanded, frobenius_norm, positive


class Preconditioner:
    """A potential K(G) = Σ k(s), k a profile and s the sizes of the blocks that G is cut into.

    One block (the whole matrix) makes K isotropic; one block for each entry makes it separable;
    one for each column, or for each singular value, makes it left-invariant.
    """

    invariance: ClassVar[str] = "none"
    _profile: Any  # a `Profile`
    _raw: Any  # the parameter as it was given: a float, or an array of shape (B,)
    _parameter: Any  # the same, of shape (B, 1, 1)

    def __post_init__(self) -> None:
        parameter: Parameter = 1.0
        for field in fields(self):  # type: ignore[arg-type]
            parameter = positive(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, parameter)
        object.__setattr__(self, "_raw", parameter)
        object.__setattr__(self, "_parameter", expanded(parameter))

    def _sizes(self, G: Array) -> Array:
        """Return the sizes of the blocks of G as matrices that broadcast against it."""
        raise NotImplementedError

    def _scaled(self, G: Array, slope: Callable[[Array, Any], Array]) -> Array:
        """Return G with each block multiplied by the slope at its size."""
        with np.errstate(over="ignore"):
            return slope(self._sizes(G), self._parameter) * G

    def value(self, G: ArrayLike) -> Array:
        """Return the potential K(G).

        Parameters
        ----------
        G : array of shape (..., d, k)
            A gradient of the loss, or any dual point.

        Returns
        -------
        array of shape (...)
            K(G) ≥ 0, with K(0) = 0.

        Raises
        ------
        ValueError
            If G is not an array of finite matrices.

        Examples
        --------
        >>> GradientDescent().value(np.ones((5, 2, 2))).tolist()
        [2.0, 2.0, 2.0, 2.0, 2.0]
        """
        sizes = self._sizes(as_stack("G", G))
        return np.sum(self._profile.value(sizes, self._parameter), axis=(-2, -1))

    def gradient(self, G: ArrayLike) -> Array:
        """Return ∇K(G), the direction of the step, of the shape (..., d, k) of G.

        Parameters
        ----------
        G : array of shape (..., d, k)
            A gradient of the loss, or any dual point.

        Returns
        -------
        array of shape (..., d, k)
            ∇K(G), with ∇K(0) = 0.

        Raises
        ------
        ValueError
            If G is not an array of finite matrices.

        Examples
        --------
        >>> SoftClipping(eps=[1.0, 3.0]).gradient([[1.0]]).ravel().tolist()
        [0.5, 0.25]
        """
        return self._scaled(as_stack("G", G), self._profile.slope)

    def conjugate(self, S: ArrayLike) -> Array:
        """Return the Fenchel dual K*(S) = sup ⟨S, G⟩ − K(G), +∞ outside its domain.

        Parameters
        ----------
        S : array of shape (..., d, k)
            A step direction. At the edge of a closed domain a few rounding errors are forgiven.

        Returns
        -------
        array of shape (...)
            K*(S) ≥ 0, possibly +∞.

        Raises
        ------
        ValueError
            If S is not an array of finite matrices.

        Examples
        --------
        >>> K = NormalizedGD(eps=5.0)
        >>> float(K.conjugate([[1.0], [0.0]])), float(K.conjugate([[2.0], [0.0]]))
        (5.0, inf)
        """
        sizes = self._sizes(as_stack("S", S))
        return np.sum(self._profile.conjugate(sizes, self._parameter), axis=(-2, -1))

    def gradient_of_conjugate(self, S: ArrayLike) -> Array:
        """Return ∇K*(S), the inverse of ∇K; where K* has many subgradients, the shortest one.

        Parameters
        ----------
        S : array of shape (..., d, k)
            A step direction in the range of ∇K.

        Returns
        -------
        array of shape (..., d, k)
            The shortest G with ∇K(G) = S.

        Raises
        ------
        ValueError
            If no G has ∇K(G) = S; so does a gradient so long that it was rounded to the edge.

        Examples
        --------
        >>> SoftClipping(eps=2.0).gradient_of_conjugate([[0.5], [0.0]]).tolist()
        [[2.0], [0.0]]
        """
        return self._scaled(as_stack("S", S), self._profile.inverse_slope)

    @property
    def smoothness(self) -> float | Array:
        """The Lipschitz constant β of ∇K, of shape (B,) for a grid; ∞ if there is none.

        Examples
        --------
        >>> Adam(eps=0.25).smoothness, Cosh().smoothness
        (4.0, inf)
        """
        return _number(self._profile.smoothness(self._raw))

    def radius(self, G: ArrayLike) -> Array:
        """Return the size of G in the norm that `sector` measures: that of its largest block.

        Parameters
        ----------
        G : array of shape (..., d, k)
            A gradient of the loss, or any dual point.

        Returns
        -------
        array of shape (...)
            ‖G‖_F for an isotropic K, the largest |entry| for a separable one, the largest
            singular value for `Spectral`, the largest norm of a column for `ColumnNormalized`.
            None of them exceeds ‖G‖_F.

        Examples
        --------
        >>> G = [[3.0], [4.0]]
        >>> float(NormalizedGD(1.0).radius(G)), float(Adam(1.0).radius(G))
        (5.0, 4.0)
        """
        return np.max(self._sizes(as_stack("G", G)), axis=(-2, -1))

    def sector(self, radius: ArrayLike) -> tuple[Any, Any]:
        """Return (m, β) with ⟨∇K(G) − mG, βG − ∇K(G)⟩ ≥ 0 on the ball of this radius.

        Parameters
        ----------
        radius : float or array of shape (B,)
            In the norm of `radius` (so a Frobenius norm is always large enough), in the units of
            a gradient.

        Returns
        -------
        tuple of two floats (or arrays of shape (B,))
            m, the best on that ball: the least k′(s)/s over s ≤ radius; and β, the Lipschitz
            constant of ∇K on that ball. A step with η ≤ 1/(βM) needs β, not the smaller
            sup k′(s)/s, which would do for the inequality. m may be 0 and β may be ∞.

        Raises
        ------
        ValueError
            If the radius is negative or not finite.

        Notes
        -----
        The sector condition (this book; classical in control).

        Examples
        --------
        >>> Adam(eps=0.5).sector(radius=1.5)
        (0.5, 2.0)
        >>> PNorm(p=3.0).sector(radius=2.0), PNorm(p=1.5).sector(radius=4.0)
        ((0.0, 4.0), (0.5, inf))
        """
        found = as_array("radius", radius)
        if (found < 0).any():
            raise ValueError(f"radius must not be negative, found {found.min():g}.")
        m, beta = self._profile.sector(found, self._raw)
        return _number(m), _number(beta)


def _number(value: Any) -> Any:
    return value if np.ndim(value) else float(value)


class _Isotropic(Preconditioner):
    invariance = "isotropic"

    def _sizes(self, G: Array) -> Array:
        return np.asarray(frobenius_norm(G))[..., None, None]


class _Separable(Preconditioner):
    def _sizes(self, G: Array) -> Array:
        return np.abs(G)


@dataclass(frozen=True)
class GradientDescent(_Isotropic):
    """Plain gradient descent, K(G) = ½‖G‖_F² (classical).

    Examples
    --------
    >>> K = GradientDescent()
    >>> K.gradient([[3.0], [-4.0]]).tolist()
    [[3.0], [-4.0]]
    >>> float(K.value([[3.0], [-4.0]]))
    12.5
    """

    _profile = Quadratic()


@dataclass(frozen=True)
class NormalizedGD(_Isotropic):
    """Smoothed normalized gradient descent, K(G) = √(‖G‖_F² + ε²) − ε.

    K* is finite on the closed unit ball (ε on its boundary); ∇K* exists inside.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Example 1 in Section II-A of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> K = NormalizedGD(eps=12.0)
    >>> K.gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.231], [-0.308]]
    >>> float(K.value([[3.0], [-4.0]]))
    1.0
    """

    eps: float | Array
    _profile = Root()


@dataclass(frozen=True)
class GradientClipping(_Isotropic):
    """Clipping to norm c: K(G) = ½s² up to s = ‖G‖_F = c, then the tangent cs − ½c² (Huber).

    K* is ½‖S‖_F² on the closed ball of radius c. At its boundary every tS, t ≥ 1, has the
    gradient S; `gradient_of_conjugate` returns the shortest, S itself.

    Parameters
    ----------
    c : float or array of shape (B,)
        Clipping threshold c > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If c is not positive.

    Notes
    -----
    Classical: K is Huber's function of the norm.

    Examples
    --------
    >>> K = GradientClipping(c=1.0)
    >>> K.gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.6], [-0.8]]
    >>> float(K.value([[3.0], [-4.0]]))
    4.5
    """

    c: float | Array
    _profile = Huber()


@dataclass(frozen=True)
class SoftClipping(_Isotropic):
    """Soft clipping, K(G) = s − ε log(1 + s/ε) with s = ‖G‖_F.

    K* and ∇K* are finite inside the open unit ball only.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Classical: the scalar function of Adam, applied to the norm.

    Examples
    --------
    >>> SoftClipping(eps=5.0).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.3], [-0.4]]
    """

    eps: float | Array
    _profile = Soft()


@dataclass(frozen=True)
class Adam(_Separable):
    """Adam without momentum, K(G) = Σ |g| − ε log(1 + |g|/ε): each entry is soft-clipped.

    K* and ∇K* are finite where every |entry| is below 1.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Example 3 in Section II-A of the paper (Ghane, Akhtiamov, Hassibi 2026). It is the Adam of
    torch and optax with β₁ = β₂ = 0.

    Examples
    --------
    >>> Adam(eps=1.0).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.75], [-0.8]]
    """

    eps: float | Array
    _profile = Soft()

    @property
    def bend(self) -> float | Array:
        """The least b with dist(∇K(G), span G) ≤ b⟨G, ∇K(G)⟩ in every dimension (this book).

        Examples
        --------
        >>> round(Adam(eps=2.0).bend, 3)
        0.192
        """
        return 2.0 / (3.0 * 3.0**0.5) / self.eps


@dataclass(frozen=True)
class SmoothedSign(_Separable):
    """Smoothed sign descent, K(G) = Σ √(g² + ε²) − ε: RMSprop without its running average.

    K* is finite where every |entry| is at most 1; ∇K* exists where every |entry| is below 1.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Classical: the scalar function of normalized GD, applied to each entry.

    Examples
    --------
    >>> SmoothedSign(eps=4.0).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.6], [-0.707]]
    """

    eps: float | Array
    _profile = Root()

    @property
    def bend(self) -> float | Array:
        """The least b with dist(∇K(G), span G) ≤ b⟨G, ∇K(G)⟩ in every dimension (this book).

        Examples
        --------
        >>> round(SmoothedSign(eps=2.0).bend, 4)
        0.0906
        """
        # b = max π√(1 − π)/(1 + √(2π)) over 0 ≤ π ≤ 1, attained where q = √(2π) solves a cubic.
        q = float(np.max(np.roots([2.0, 3.0, -2.0, -4.0]).real))
        pi = 0.5 * q * q
        return pi * (1.0 - pi) ** 0.5 / (1.0 + q) / self.eps


@dataclass(frozen=True)
class PNorm(_Separable):
    """A power of the p-norm, K(G) = Σ |g|ᵖ/p, with ∇K(G) = sign(g)|g|ᵖ⁻¹ in each entry.

    K* is Σ |s|^q/q with 1/p + 1/q = 1. Unless p = 2 there is no smoothness β, so that no learning
    rate is guaranteed for every start. For p > 2, ∇K is smooth on bounded sets, but so flat at 0
    that m = 0; for p < 2 it is so steep at 0 that every constant learning rate overshoots.
    Where a power is too large for a float it is ∞, without a warning.

    Parameters
    ----------
    p : float or array of shape (B,)
        Exponent p > 1.

    Raises
    ------
    ValueError
        If p is not above 1.

    Notes
    -----
    Classical: the potential of mirror descent with p-norms.

    Examples
    --------
    >>> PNorm(p=3.0).gradient([[3.0], [-4.0]]).tolist()
    [[9.0], [-16.0]]
    >>> PNorm(p=3.0).smoothness
    inf
    """

    p: float | Array
    _profile = Power()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not np.all(np.greater(self.p, 1.0)):
            raise ValueError(
                f"p must be above 1, found {np.min(self.p):g}: K has no gradient at 0 otherwise."
            )


@dataclass(frozen=True)
class Cosh(_Separable):
    """The hyperbolic cosine, K(G) = Σ cosh g − 1, with ∇K(G) = sinh g in each entry.

    K* is Σ s arsinh s − √(1 + s²) + 1. There is no smoothness β, so that no learning rate is
    guaranteed for every start; on the ball |g| ≤ R, β = cosh R. Where |g| > 710 value and
    gradient are too large for a float: they are ∞, without a warning.

    Notes
    -----
    Classical.

    Examples
    --------
    >>> Cosh().gradient([[1.0], [-2.0]]).round(3).tolist()
    [[1.175], [-3.627]]
    >>> m, beta = Cosh().sector(radius=1.0)
    >>> m, round(beta, 3)
    (1.0, 1.543)
    """

    _profile = HyperbolicCosine()


@dataclass(frozen=True)
class ColumnNormalized(Preconditioner):
    """Each column is normalized on its own: K(G) = Σ_j √(‖G_:j‖² + ε²) − ε.

    Normalized GD for each of the k outputs. K* is finite where every column has norm at most 1;
    ∇K* exists where every column has norm below 1.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Classical; that its limit is gradient descent's is a result of this book.

    Examples
    --------
    >>> G = [[3.0, 0.0], [-4.0, 5.0]]
    >>> ColumnNormalized(eps=12.0).gradient(G).round(3).tolist()
    [[0.231, 0.0], [-0.308, 0.385]]
    """

    eps: float | Array
    invariance = "left"
    _profile = Root()

    def _sizes(self, G: Array) -> Array:
        return np.asarray(frobenius_norm(np.swapaxes(G, -2, -1)[..., None]))[..., None, :]


@dataclass(frozen=True)
class Spectral(Preconditioner):
    """A separable preconditioner applied to singular values: K(G) = Σ_i k(σ_i(G)).

    With G = U diag(σ) Vᵀ, ∇K(G) = U diag(k′(σ)) Vᵀ. With k = 1 output it is isotropic.
    `Spectral(SmoothedSign(eps))` is a smoothed Muon without momentum. Everything else is that of
    the base, at the singular values: β, the sector (the radius is the largest singular value),
    K* and ∇K*. In the gradient the largest float stands for a k′ that is too large for one.

    Parameters
    ----------
    base : Adam, SmoothedSign, PNorm or Cosh
        The function k, which may hold a grid of parameters.

    Raises
    ------
    ValueError
        If base is not a separable preconditioner.

    Notes
    -----
    Gradient and conjugate are classical (von Neumann; Lewis 1995); that its limit is gradient
    descent's is a result of this book.

    Examples
    --------
    >>> K = Spectral(SmoothedSign(eps=4.0))
    >>> K.gradient([[0.0, 3.0], [3.0, 0.0], [0.0, 0.0]]).round(3).tolist()
    [[0.0, 0.6], [0.6, 0.0], [0.0, 0.0]]
    >>> float(K.radius([[0.0, 3.0], [1.0, 0.0]])), K.smoothness
    (3.0, 0.25)
    """

    base: Any
    invariance = "left"

    def __post_init__(self) -> None:
        if not isinstance(self.base, _Separable):
            raise ValueError(
                f"base must be a separable preconditioner, found {self.base!r}: pass an object "
                "such as SmoothedSign(eps)."
            )
        for name in ("_profile", "_raw", "_parameter"):
            object.__setattr__(self, name, getattr(self.base, name))

    def _sizes(self, G: Array) -> Array:
        return np.asarray(np.linalg.svd(G, compute_uv=False), dtype=float)[..., None]

    def _scaled(self, G: Array, slope: Callable[[Array, Any], Array]) -> Array:
        left, sizes, right = np.linalg.svd(G, full_matrices=False)
        # U diag(k′(σ)) Vᵀ also where singular values repeat or vanish: k′(0) = 0.
        with np.errstate(over="ignore"):
            new = np.minimum(slope(sizes[..., None], self._parameter) * sizes[..., None], LARGEST)
            return (left * np.swapaxes(new, -2, -1)) @ right
