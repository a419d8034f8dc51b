"""Losses ℓ(Z) = Σ φ(z), summed over the entries of a residual Z of shape (..., n, k)."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, log
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ._validation import Array, as_stack


class Loss(Protocol):
    """What a `Problem` needs of a loss: φ strongly convex and smooth, with its minimum 0 at 0."""

    strong_convexity: ClassVar[float]
    smoothness: ClassVar[float]

    def value(self, Z: ArrayLike) -> Array:
        """Return ℓ(Z), of shape (...)."""

    def gradient(self, Z: ArrayLike) -> Array:
        """Return φ′ entry by entry, of the shape of Z."""

    def divergence_from(self, B: ArrayLike, H: ArrayLike) -> Array:
        """Return D_ℓ(B + H, B), of shape (...)."""


class _Separable:
    """The sum over entries that both losses share."""

    def _entry_value(self, z: Array) -> Array:
        raise NotImplementedError

    def _entry_divergence(self, b: Array, h: Array) -> Array:
        raise NotImplementedError

    def value(self, Z: ArrayLike) -> Array:
        """Return ℓ(Z), the sum of φ over the entries.

        Parameters
        ----------
        Z : array of shape (..., n, k)
            Residuals XW − Y, in the units of the labels.

        Returns
        -------
        array of shape (...)
            ℓ(Z) ≥ 0.

        Raises
        ------
        ValueError
            If Z is not an array of finite matrices.

        Examples
        --------
        >>> SquaredLoss().value(np.ones((3, 2, 1))).tolist()
        [1.0, 1.0, 1.0]
        """
        return np.sum(self._entry_value(as_stack("Z", Z)), axis=(-2, -1))

    def divergence_from(self, B: ArrayLike, H: ArrayLike) -> Array:
        """Return D_ℓ(B + H, B) without cancellation, however short the step H.

        Parameters
        ----------
        B, H : arrays of shape (..., n, k)
            A residual and a change of it.

        Returns
        -------
        array of shape (...)
            The Bregman divergence of ℓ, ≥ 0.

        Raises
        ------
        ValueError
            If B or H is not an array of finite matrices.

        Examples
        --------
        >>> bool(LogCoshLoss().divergence_from([[1.0]], [[1e-9]]) > 5e-19)
        True
        """
        return np.sum(self._entry_divergence(as_stack("B", B), as_stack("H", H)), axis=(-2, -1))

    def divergence(self, A: ArrayLike, B: ArrayLike) -> Array:
        """Return the Bregman divergence D_ℓ(A, B) without cancellation.

        Parameters
        ----------
        A, B : arrays of shape (..., n, k)
            Residuals.

        Returns
        -------
        array of shape (...)
            D_ℓ(A, B) = ℓ(A) − ℓ(B) − ⟨∇ℓ(B), A − B⟩ ≥ 0.

        Raises
        ------
        ValueError
            If A or B is not an array of finite matrices.

        Examples
        --------
        >>> float(SquaredLoss().divergence([[3.0]], [[1.0]]))
        2.0
        """
        return self.divergence_from(B, as_stack("A", A) - as_stack("B", B))


@dataclass(frozen=True)
class SquaredLoss(_Separable):
    """The squared loss ℓ(Z) = ½‖Z‖_F² (classical): strong convexity and smoothness 1.

    Examples
    --------
    >>> float(SquaredLoss().value([[3.0], [4.0]]))
    12.5
    """

    strong_convexity: ClassVar[float] = 1.0
    smoothness: ClassVar[float] = 1.0

    def _entry_value(self, z: Array) -> Array:
        return 0.5 * z * z

    def gradient(self, Z: ArrayLike) -> Array:
        """Return ∇ℓ(Z) = Z, of shape (..., n, k)."""
        return as_stack("Z", Z)

    def conjugate(self, U: ArrayLike) -> Array:
        """Return ℓ*(U) = ½‖U‖_F², of shape (...)."""
        return self.value(U)

    def _entry_divergence(self, b: Array, h: Array) -> Array:
        return 0.5 * h * h + 0.0 * b


@dataclass(frozen=True)
class LogCoshLoss(_Separable):
    """The loss ℓ(Z) = Σ ½z² + log cosh z, not quadratic: strong convexity 1, smoothness 2.

    Examples
    --------
    >>> LogCoshLoss().gradient([[0.0], [20.0]]).tolist()
    [[0.0], [21.0]]
    """

    strong_convexity: ClassVar[float] = 1.0
    smoothness: ClassVar[float] = 2.0

    def _entry_value(self, z: Array) -> Array:
        return 0.5 * z * z + log_cosh(z)

    def gradient(self, Z: ArrayLike) -> Array:
        """Return ∇ℓ(Z) = z + tanh z entry by entry, of shape (..., n, k)."""
        Z = as_stack("Z", Z)
        return Z + np.tanh(Z)

    def _entry_divergence(self, b: Array, h: Array) -> Array:
        return 0.5 * h * h + log_cosh_divergence(b, h)


def log_cosh(z: Array) -> Array:
    """Return log cosh z entry by entry, without cancellation near 0 and without overflow."""
    size = np.abs(z)
    near = 0.5 * np.log1p(np.sinh(np.minimum(size, 1.0)) ** 2)
    far = size + np.log1p(np.exp(-2.0 * size)) - log(2.0)
    return np.where(size < 1.0, near, far)


def log_cosh_divergence(b: Array, h: Array) -> Array:
    """Return the Bregman divergence of log cosh from b + h to b, entry by entry."""
    # With p + q = 1 and tanh b = p − q, the divergence of log cosh is
    # log(p e^{2qh} + q e^{−2ph}); near h = 0 the first-order terms cancel by hand.
    p, q = expit(2.0 * b), expit(-2.0 * b)
    short = np.clip(h, -1.0, 1.0)
    near = np.log1p(p * _exp_remainder(2.0 * q * short) + q * _exp_remainder(-2.0 * p * short))
    log_p, log_q = -np.logaddexp(0.0, -2.0 * b), -np.logaddexp(0.0, 2.0 * b)
    far = np.logaddexp(log_p + 2.0 * q * h, log_q - 2.0 * p * h)
    return np.where(np.abs(h) < 1.0, near, far)


def _exp_remainder(x: Array) -> Array:
    """Return eˣ − 1 − x ≥ 0 for |x| ≤ 2, without cancellation near 0."""
    small = np.clip(x, -0.5, 0.5)
    series = np.zeros_like(small)
    for power in range(16, 1, -1):
        series = series * small + 1.0 / factorial(power)
    return np.where(np.abs(x) <= 0.5, series * small * small, np.expm1(x) - x)
