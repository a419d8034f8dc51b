"""Convex functions of the weights: each owns its value, gradient, Fenchel dual and divergence.

Arrays are matrices or stacks of them, of shape (..., d, k). Unlike a preconditioner, a potential
need not be least at 0, and it may live on a part of the space only: then points outside are
refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr, xlog1py, xlogy

from ._profiles import LARGEST, log_remainder
from ._validation import Array, as_array, as_stack, positive_number
from .losses import log_cosh, log_cosh_divergence


class Potential:
    """A convex function f, a sum over entries unless a subclass says otherwise."""

    def _value(self, w: Array) -> Array:
        raise NotImplementedError

    def _slope(self, w: Array) -> Array:
        raise NotImplementedError

    def _conjugate(self, s: Array) -> Array:
        raise NotImplementedError

    def _inverse_slope(self, s: Array) -> Array:
        raise NotImplementedError

    def _divergence(self, a: Array, b: Array) -> Array:
        raise NotImplementedError

    def _point(self, name: str, W: ArrayLike, closed: bool = False) -> Array:
        """Return W as matrices at which f has a gradient (a value, if `closed`)."""
        return as_stack(name, W)

    def _slopes(self, S: ArrayLike) -> Array:
        """Return S as matrices at which the Fenchel dual has a gradient."""
        return as_stack("S", S)

    def value(self, W: ArrayLike) -> Array:
        """Return f(W).

        Parameters
        ----------
        W : array of shape (..., d, k)
            Weights, in the domain of f.

        Returns
        -------
        array of shape (...)
            f(W), in its own units.

        Raises
        ------
        ValueError
            If W is not an array of finite matrices, or lies outside the domain.

        Examples
        --------
        >>> LogCosh().value(np.zeros((5, 2, 2))).tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0]
        """
        return _summed(self._value(self._point("W", W, closed=True)))

    def gradient(self, W: ArrayLike) -> Array:
        """Return ∇f(W), a slope for each weight.

        Parameters
        ----------
        W : array of shape (..., d, k)
            Weights, in the interior of the domain of f.

        Returns
        -------
        array of shape (..., d, k)

        Raises
        ------
        ValueError
            If W is not an array of finite matrices, or f has no gradient there.

        Examples
        --------
        >>> BurgEntropy().gradient([[2.0], [4.0]]).tolist()
        [[-0.5], [-0.25]]
        """
        return self._slope(self._point("W", W))

    def conjugate(self, S: ArrayLike) -> Array:
        """Return the Fenchel dual f*(S) = sup ⟨S, W⟩ − f(W), +∞ outside its domain.

        Parameters
        ----------
        S : array of shape (..., d, k)
            Slopes.

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
        >>> float(NegativeEntropy().conjugate([[0.0]])), float(LogCosh().conjugate([[2.0]]))
        (1.0, inf)
        """
        return _summed(self._conjugate(as_stack("S", S)))

    def gradient_of_conjugate(self, S: ArrayLike) -> Array:
        """Return ∇f*(S), the weights at which f has the slopes S.

        Parameters
        ----------
        S : array of shape (..., d, k)
            Slopes that f attains.

        Returns
        -------
        array of shape (..., d, k)
            The inverse of `gradient`.

        Raises
        ------
        ValueError
            If no W has ∇f(W) = S.

        Examples
        --------
        >>> LogCosh().gradient_of_conjugate([[0.0], [0.5]]).round(3).tolist()
        [[0.0], [0.549]]
        """
        return self._inverse_slope(self._slopes(S))

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
        >>> round(float(NegativeEntropy().divergence([[1.0 + 1e-9]], [[1.0]])) * 1e18, 6)
        0.5
        """
        A, B = self._point("A", A, closed=True), self._point("B", B)
        if A.shape[-2:] != B.shape[-2:]:
            raise ValueError(
                f"A and B must be matrices of one shape (d, k), found {A.shape} and {B.shape}."
            )
        return _summed(self._divergence(A, B))


class _Positive(Potential):
    """A potential of positive weights."""

    zero_allowed = False  # is f finite at weights 0?

    def _point(self, name: str, W: ArrayLike, closed: bool = False) -> Array:
        W = as_stack(name, W)
        least = float(W.min())
        if least < 0 or (least == 0 and not (closed and self.zero_allowed)):
            allowed = "must not be negative" if closed and self.zero_allowed else "must be positive"
            raise ValueError(
                f"{name} {allowed} for {type(self).__name__}, found an entry {least:g}: start from "
                "positive weights, or use a potential of all weights such as LogCosh()."
            )
        return W


@dataclass(frozen=True, eq=False)
class Quadratic(Potential):
    """Half the squared length in a metric, f(W) = ½⟨W, AW⟩ (Mahalanobis).

    Parameters
    ----------
    A : array of shape (d, d)
        Symmetric and positive definite.

    Raises
    ------
    ValueError
        If A is not a symmetric positive definite matrix.

    Notes
    -----
    Classical. Its divergence is ½⟨H, AH⟩, H the difference of the two points.

    Examples
    --------
    >>> f = Quadratic([[2.0, 0.0], [0.0, 1.0]])
    >>> float(f.value([[1.0], [4.0]])), float(f.divergence([[1.0], [4.0]], [[0.0], [4.0]]))
    (9.0, 1.0)
    """

    A: Array

    def __post_init__(self) -> None:
        A = as_array("A", self.A)
        if A.ndim != 2 or A.shape[0] != A.shape[1] or A.size == 0:
            raise ValueError(f"A must have shape (d, d), found {A.shape}: pass a square matrix.")
        if np.abs(A - A.T).max() > 1e-12 * np.abs(A).max():
            raise ValueError(
                f"A must be symmetric, found entries {np.abs(A - A.T).max():g} away from their "
                "mirror images: pass (A + A.T) / 2."
            )
        least = float(np.linalg.eigvalsh(A)[0])
        if least <= 0:
            raise ValueError(
                f"A must be positive definite, found the eigenvalue {least:g}: add a multiple of "
                "the identity."
            )
        A = 0.5 * (A + A.T)
        A.flags.writeable = False
        object.__setattr__(self, "A", A)

    def _point(self, name: str, W: ArrayLike, closed: bool = False) -> Array:
        W = as_stack(name, W)
        if W.shape[-2] != len(self.A):
            raise ValueError(
                f"{name} must have {len(self.A)} rows as A has, found the shape {W.shape}."
            )
        return W

    def _slopes(self, S: ArrayLike) -> Array:
        return self._point("S", S)

    def _value(self, w: Array) -> Array:
        return 0.5 * w * (self.A @ w)

    def _slope(self, w: Array) -> Array:
        return self.A @ w

    def _conjugate(self, s: Array) -> Array:
        s = self._point("S", s)
        return 0.5 * s * np.linalg.solve(self.A, s)

    def _inverse_slope(self, s: Array) -> Array:
        return np.asarray(np.linalg.solve(self.A, s), dtype=np.float64)

    def _divergence(self, a: Array, b: Array) -> Array:
        return self._value(a - b)


@dataclass(frozen=True)
class NegativeEntropy(_Positive):
    """The negative entropy f(W) = Σ w log w − w of positive weights, 0 at 0.

    Its divergence is the Kullback–Leibler divergence Σ a log(a/b) − a + b.

    Notes
    -----
    Classical (Kullback, Leibler 1951), here without the constraint Σ w = 1.

    Examples
    --------
    >>> f = NegativeEntropy()
    >>> f.gradient([[1.0]]).tolist(), float(f.divergence([[0.0]], [[3.0]]))
    ([[0.0]], 3.0)
    """

    zero_allowed = True

    def _value(self, w: Array) -> Array:
        return xlogy(w, w) - w

    def _slope(self, w: Array) -> Array:
        return np.log(w)

    def _conjugate(self, s: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(s)

    def _inverse_slope(self, s: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(s)

    def _divergence(self, a: Array, b: Array) -> Array:
        t = _relative_change(a, b)
        small = np.where(_near(t), t, 0.0)
        near = b * (small * (np.log1p(small) - log_remainder(small)))
        return np.where(_near(t), near, rel_entr(a, b) - (a - b))


@dataclass(frozen=True)
class BurgEntropy(_Positive):
    """Burg's entropy f(W) = −Σ log w of positive weights.

    Its divergence is that of Itakura and Saito, Σ a/b − log(a/b) − 1, which sees ratios only.

    Notes
    -----
    Classical.

    Examples
    --------
    >>> f = BurgEntropy()
    >>> bool(f.divergence([[2.0]], [[1.0]]) == f.divergence([[200.0]], [[100.0]]))
    True
    """

    def _value(self, w: Array) -> Array:
        return -np.log(w)

    def _slope(self, w: Array) -> Array:
        with np.errstate(over="ignore"):
            return -1.0 / w

    def _conjugate(self, s: Array) -> Array:
        below = np.where(s < 0, s, -1.0)
        return np.where(s < 0, -1.0 - np.log(-below), np.inf)

    def _slopes(self, S: ArrayLike) -> Array:
        S = as_stack("S", S)
        if (S >= 0).any():
            raise ValueError(
                f"S must be negative, as all slopes of BurgEntropy are, found {S.max():g}."
            )
        return S

    def _inverse_slope(self, s: Array) -> Array:
        with np.errstate(over="ignore"):
            return -1.0 / s

    def _divergence(self, a: Array, b: Array) -> Array:
        t = _relative_change(a, b)
        small = np.where(_near(t), t, 0.0)
        return np.where(_near(t), small * log_remainder(small), t - _log_ratio(a, b))


@dataclass(frozen=True)
class LogCosh(Potential):
    """The function f(W) = Σ log cosh w: quadratic near 0, |w| − log 2 far out.

    Its slopes tanh w lie between −1 and 1.

    Notes
    -----
    Classical. Its Fenchel dual is ½Σ (1 + s) log(1 + s) + (1 − s) log(1 − s) for |s| ≤ 1.

    Examples
    --------
    >>> f = LogCosh()
    >>> f.gradient([[0.0], [50.0]]).tolist(), round(float(f.conjugate([[1.0]])), 4)
    ([[0.0], [1.0]], 0.6931)
    """

    def _value(self, w: Array) -> Array:
        return log_cosh(w)

    def _slope(self, w: Array) -> Array:
        return np.tanh(w)

    def _conjugate(self, s: Array) -> Array:
        inside = np.abs(s) <= 1.0
        safe = np.where(inside, s, 0.0)
        small = np.clip(safe, -0.5, 0.5)
        near = small * np.arctanh(small) + 0.5 * np.log1p(-small * small)
        far = 0.5 * (xlog1py(1.0 + safe, safe) + xlog1py(1.0 - safe, -safe))
        return np.where(inside, np.where(np.abs(safe) < 0.5, near, far), np.inf)

    def _slopes(self, S: ArrayLike) -> Array:
        S = as_stack("S", S)
        largest = float(np.abs(S).max())
        if largest >= 1:
            raise ValueError(
                f"S must lie between -1 and 1, as all slopes of LogCosh do, found {largest:g}: "
                "scale S down."
            )
        return S

    def _inverse_slope(self, s: Array) -> Array:
        return np.arctanh(s)

    def _divergence(self, a: Array, b: Array) -> Array:
        return log_cosh_divergence(b, a - b)


@dataclass(frozen=True)
class Hypentropy(Potential):
    """ψ(W) = Σ w arsinh(w/width) − √(w² + width²), between the 1-norm and the squared norm.

    Where |w| is far above the width, ψ is close to |w|(log(2|w|/width) − 1), an entropy for either
    sign; far below it, to w²/(2·width) − width. The mirror map is arsinh(w/width), its inverse
    width·sinh(s). It is least at 0. The dual is ψ*(S) = Σ width·cosh(s).

    Parameters
    ----------
    width : float
        In the units of W, positive.

    Raises
    ------
    ValueError
        If width is not a positive number.

    Notes
    -----
    The hypentropy of Ghai, Hazan and Singer 2020 (classical).

    Examples
    --------
    >>> psi = Hypentropy(width=0.5)
    >>> float(psi.value([[0.0]])), float(psi.conjugate([[0.0]]))
    (-0.5, 0.5)
    >>> W = np.array([[3.0], [-0.1]])
    >>> psi.gradient_of_conjugate(psi.gradient(W)).round(12).tolist()
    [[3.0], [-0.1]]
    """

    width: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", positive_number("width", self.width))

    def _value(self, w: Array) -> Array:
        return w * np.arcsinh(w / self.width) - np.hypot(w, self.width)

    def _slope(self, w: Array) -> Array:
        return np.arcsinh(w / self.width)

    def _conjugate(self, s: Array) -> Array:
        with np.errstate(over="ignore"):
            return self.width * np.cosh(s)

    def _inverse_slope(self, s: Array) -> Array:
        with np.errstate(over="ignore"):
            return self.width * np.sinh(s)

    def _divergence(self, a: Array, b: Array) -> Array:
        """Sum nearby entries from the dual side, where nothing cancels.

        There D is cosh(s)(cosh h − 1) + sinh(s)(sinh h − h) with s = arsinh a, h = arsinh b − s,
        for a and b in units of the width.
        """
        a, b = a / self.width, b / self.width
        root_a, root_b = np.hypot(a, 1.0), np.hypot(b, 1.0)
        same = a * b > 0
        # b√(1+a²) − a√(1+b²), which for equal signs is (b² − a²) over the sum of the two.
        total = np.where(same, b * root_a + a * root_b, 1.0)
        turn = np.where(same, (b - a) / total * (b + a), b * root_a - a * root_b)
        h = np.arcsinh(turn)
        near = np.abs(h) < 1.0
        small = np.where(near, h, 0.0)
        by_dual = root_a * 2.0 * np.sinh(small / 2.0) ** 2 + a * _sinh_remainder(small)
        plain = a * (np.arcsinh(a) - np.arcsinh(b)) - root_a + root_b
        return self.width * np.where(near, by_dual, plain)


def _summed(entries: Array) -> Array:
    return np.sum(entries, axis=(-2, -1))


def _relative_change(a: Array, b: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.minimum((a - b) / b, LARGEST)


def _log_ratio(a: Array, b: Array) -> Array:
    """Return log(a/b) although a/b may overflow."""
    (a, up), (b, down) = np.frexp(a), np.frexp(b)
    return np.log(a / b) + log(2.0) * (up - down)


def _near(t: Array) -> NDArray[np.bool_]:
    return np.abs(t) < 0.5


def _sinh_remainder(h: Array) -> Array:
    """Return sinh h − h for |h| ≤ 1, by its series: what is left out is below 1e-17 of it."""
    square = h * h
    series = np.zeros_like(h)
    for n in range(19, 1, -2):
        series = (1.0 + series) * square / (n * (n - 1))
    return h * series
