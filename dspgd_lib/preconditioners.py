"""Preconditioners: each owns its potential K, the gradient ∇K, the conjugate K* and ∇K*.

Arrays are matrices or stacks of them, of shape (..., d, k). A parameter of shape (B,) acts as
(B, 1, 1), so one object serves one run or a whole grid.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._profiles import Huber, Parameter, Profile, Quadratic, Root, Soft
from ._validation import Array, as_array, as_stack, expanded, frobenius_norm, positive


class Preconditioner:
    """A potential K(G) = Σ k(s), k a profile and s the sizes of the blocks that G is cut into.

    One block (the whole matrix) makes K isotropic; one block for each entry makes it separable.
    """

    invariance: ClassVar[str] = "none"
    _profile: ClassVar[Profile]
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
        raise NotImplementedError

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
        G = as_stack("G", G)
        return self._profile.slope(self._sizes(G), self._parameter) * G

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
        S = as_stack("S", S)
        return self._profile.inverse_slope(self._sizes(S), self._parameter) * S

    @property
    def smoothness(self) -> float | Array:
        """The Lipschitz constant β of ∇K, of shape (B,) for a grid.

        Examples
        --------
        >>> Adam(eps=0.25).smoothness
        4.0
        """
        beta = self._profile.slope(np.zeros(np.shape(self._raw)), self._raw)
        return beta if np.ndim(beta) else float(beta)

    def radius(self, G: ArrayLike) -> Array:
        """Return the size of G in the norm that `sector` measures: that of its largest block.

        Parameters
        ----------
        G : array of shape (..., d, k)
            A gradient of the loss, or any dual point.

        Returns
        -------
        array of shape (...)
            ‖G‖_F for an isotropic K, the largest |entry| for a separable one.

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
            Frobenius norm for an isotropic K, largest |entry| for a separable one, in the units
            of a gradient.

        Returns
        -------
        tuple of two floats (or arrays of shape (B,))
            The best m on that ball, k′(radius)/radius, and β.

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
        """
        found = as_array("radius", radius)
        if (found < 0).any():
            raise ValueError(f"radius must not be negative, found {found.min():g}.")
        m = self._profile.slope(found, self._raw)
        return (m if np.ndim(m) else float(m)), self.smoothness


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
