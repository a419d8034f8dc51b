"""Convex functions of matrices, of the weights or of the gradients: one family for both roles.

Arrays are matrices or stacks of them, of shape (..., d, k). A function may live on a part of the
space only: then points outside are refused.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_array, as_stack, frobenius_norm, inner, read_only, same_matrices

quiet = np.errstate(all="ignore")  # a number too large for a float is ∞, without a warning


class ConvexFunction:
    """A convex function f with its gradient, its Fenchel dual and its Bregman divergence.

    As a potential of mirror descent it is a function of the weights, as a preconditioner one of
    the gradients. Subclasses write the same functions with a leading underscore, for arrays that
    have been checked. A sum over entries also has `curvature`.
    """

    def _stack(self, name: str, A: ArrayLike) -> Array:
        """Return A as finite matrices of a shape that f takes."""
        return as_stack(name, A)

    def _point(self, name: str, A: ArrayLike, closed: bool = False) -> Array:
        """Return A as matrices at which f has a gradient (a value, if `closed`)."""
        return self._stack(name, A)

    def _slopes(self, S: ArrayLike) -> Array:
        """Return S as matrices at which the Fenchel dual has a gradient."""
        return self._stack("S", S)

    def _value(self, A: Array) -> Array:
        raise NotImplementedError

    def _gradient(self, A: Array) -> Array:
        raise NotImplementedError

    def _conjugate(self, S: Array) -> Array:
        raise NotImplementedError

    def _gradient_of_conjugate(self, S: Array) -> Array:
        raise NotImplementedError

    def _divergence(self, A: Array, B: Array) -> Array:
        return np.maximum(self._value(A) - self._value(B) - inner(self._gradient(B), A - B), 0.0)

    @quiet
    def value(self, A: ArrayLike) -> Array:
        """Return f(A).

        Parameters
        ----------
        A : array of shape (..., d, k)
            Weights or a gradient, in the domain of f.

        Returns
        -------
        array of shape (...)
            f(A), in its own units; for a preconditioner ≥ 0, and 0 at 0.

        Raises
        ------
        ValueError
            If A is not an array of finite matrices, or lies outside the domain.

        Examples
        --------
        >>> from dspgd_lib import GradientDescent
        >>> GradientDescent().value(np.ones((5, 2, 2))).tolist()
        [2.0, 2.0, 2.0, 2.0, 2.0]
        """
        return self._value(self._point("A", A, closed=True))

    @quiet
    def gradient(self, A: ArrayLike) -> Array:
        """Return ∇f(A); for a preconditioner, the direction of the step.

        Parameters
        ----------
        A : array of shape (..., d, k)
            Weights or a gradient, in the interior of the domain of f.

        Returns
        -------
        array of shape (..., d, k)

        Raises
        ------
        ValueError
            If A is not an array of finite matrices, or f has no gradient there.

        Examples
        --------
        >>> from dspgd_lib import BurgEntropy, SoftClipping
        >>> SoftClipping(eps=[1.0, 3.0]).gradient([[1.0]]).ravel().tolist()
        [0.5, 0.25]
        >>> BurgEntropy().gradient([[2.0], [4.0]]).tolist()
        [[-0.5], [-0.25]]
        """
        return self._gradient(self._point("A", A))

    @quiet
    def conjugate(self, S: ArrayLike) -> Array:
        """Return the Fenchel dual f*(S) = sup ⟨S, A⟩ − f(A), +∞ outside its domain.

        Parameters
        ----------
        S : array of shape (..., d, k)
            Slopes. At the edge of a closed domain a few rounding errors are forgiven.

        Returns
        -------
        array of shape (...)
            f*(S), possibly +∞.

        Raises
        ------
        ValueError
            If S is not an array of finite matrices.

        Examples
        --------
        >>> from dspgd_lib import NormalizedGD
        >>> K = NormalizedGD(eps=5.0)
        >>> float(K.conjugate([[1.0], [0.0]])), float(K.conjugate([[2.0], [0.0]]))
        (5.0, inf)
        """
        return self._conjugate(self._stack("S", S))

    @quiet
    def gradient_of_conjugate(self, S: ArrayLike) -> Array:
        """Return ∇f*(S), the inverse of ∇f; where f* has many subgradients, the shortest one.

        Parameters
        ----------
        S : array of shape (..., d, k)
            Slopes in the range of ∇f.

        Returns
        -------
        array of shape (..., d, k)
            The shortest A with ∇f(A) = S.

        Raises
        ------
        ValueError
            If no A has ∇f(A) = S; so does a gradient so long that it was rounded to the edge.

        Examples
        --------
        >>> from dspgd_lib import SoftClipping
        >>> SoftClipping(eps=2.0).gradient_of_conjugate([[0.5], [0.0]]).tolist()
        [[2.0], [0.0]]
        """
        return self._gradient_of_conjugate(self._slopes(S))

    @quiet
    def divergence(self, A: ArrayLike, B: ArrayLike) -> Array:
        """Return the Bregman divergence D_f(A, B) without cancellation, however close A and B.

        Parameters
        ----------
        A : array of shape (..., d, k)
            The point, in the domain of f.
        B : array of shape (..., d, k)
            The point whose tangent is subtracted, in the interior of the domain.

        Returns
        -------
        array of shape (...)
            f(A) − f(B) − ⟨∇f(B), A − B⟩ ≥ 0, in the units of f.

        Raises
        ------
        ValueError
            If A or B is not an array of finite matrices of one shape, or lies outside the domain.

        Examples
        --------
        >>> from dspgd_lib import Adam
        >>> round(float(Adam(eps=1.0).divergence([[1.0 + 1e-9]], [[1.0]])) * 1e18, 6)
        0.125
        """
        A, B = self._point("A", A, closed=True), self._point("B", B)
        same_matrices(A=A, B=B)
        found = self._divergence(A, B)
        return np.where(np.isnan(found), np.inf, found)


class Preconditioner(ConvexFunction):
    """A convex function K of gradients, least at 0, with what the theorems ask about it.

    Attributes
    ----------
    invariance : str
        "isotropic" if K(G) is a function of ‖G‖_F, "left" if K(QG) = K(G) for all orthogonal Q,
        else "none".
    definite : bool
        Whether K(G) > 0 for G ≠ 0.
    """

    invariance: ClassVar[str] = "none"
    definite: ClassVar[bool] = False

    @property
    def smoothness(self) -> float | Array:
        """The Lipschitz constant β of ∇K, of shape (B,) for a grid; ∞ if there is none.

        Examples
        --------
        >>> from dspgd_lib import Adam, Cosh
        >>> Adam(eps=0.25).smoothness, Cosh().smoothness
        (4.0, inf)
        """
        return np.inf

    def _radius(self, G: Array) -> Array:
        return frobenius_norm(G)

    def _sector(self, radius: Array) -> tuple[Any, Any]:
        return 0.0, self.smoothness

    @quiet
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
            singular value for `Spectral`, the largest norm of a column for `ColumnWise`.
            None of them exceeds ‖G‖_F.

        Examples
        --------
        >>> from dspgd_lib import Adam, NormalizedGD
        >>> G = [[3.0], [4.0]]
        >>> float(NormalizedGD(1.0).radius(G)), float(Adam(1.0).radius(G))
        (5.0, 4.0)
        """
        return self._radius(self._stack("G", G))

    @quiet
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
        The sector condition, ``prop-dual-sector`` (this book; classical in control).

        Examples
        --------
        >>> from dspgd_lib import Adam, PNorm
        >>> Adam(eps=0.5).sector(radius=1.5)
        (0.5, 2.0)
        >>> PNorm(p=3.0).sector(radius=2.0), PNorm(p=1.5).sector(radius=4.0)
        ((0.0, 4.0), (0.5, inf))
        """
        found = as_array("radius", radius)
        if (found < 0).any():
            raise ValueError(f"radius must not be negative, found {found.min():g}.")
        m, beta = np.broadcast_arrays(*self._sector(found))
        return plain(m), plain(beta)


def real_gradient(K: Any, V: Array, remedy: str) -> Array:
    """Return ∇K(V), or say that K does not give real numbers of the shape of V, and the remedy."""
    found = np.asarray(K.gradient(read_only(V)))
    if found.shape != V.shape or found.dtype.kind not in "iuf":
        kind = "" if found.dtype.kind in "iuf" else f" of {found.dtype}"
        raise ValueError(
            f"K.gradient must return real numbers of the shape {V.shape} of its argument, found "
            f"{found.shape}{kind}: {remedy}."
        )
    return found.astype(np.float64, copy=False)


def grid_length(K: Any) -> int | None:
    """Return B if K stands for B functions, one for each run, None if it is one."""
    return getattr(K, "grid", None) if isinstance(K, Preconditioner) else None


def members(K: Any, index: Any) -> Any:
    """Return the part of a grid K at an index, a slice or a mask; K itself if it is no grid."""
    return K if grid_length(K) is None else K[index]


def plain(value: Any) -> Any:
    """Return a float for a number, an array as it is."""
    return value if np.ndim(value) else float(value)


def check_convex(name: str, f: Any, *methods: str, one: bool = False) -> None:
    """Complain about an f that is a class, lacks one of the methods, or is not one but a grid."""
    if isinstance(f, type):
        raise ValueError(f"{name} must be an object, found the class {f.__name__}: call it first.")
    for method in methods:
        if not callable(getattr(f, method, None)):
            needs = " and ".join(methods)
            raise ValueError(f"{name} must have the methods {needs}, found {f!r} without {method}.")
    if one and (length := grid_length(f)) is not None:
        raise ValueError(f"{name} must be one function, found a grid of {length}: take one of it.")
