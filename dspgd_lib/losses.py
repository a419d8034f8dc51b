"""Losses ℓ(Z) = Σ φ(z), summed over the entries of a residual Z of shape (..., n, k)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from . import _stable as stable
from ._validation import Array, as_stack, inner, number, total


class Loss:
    """A convex loss ℓ(Z) = Σ φ(z), least at 0, where it is 0; one's own begins here.

    A subclass gives `phi`, its derivative `slope` and two constants. Anything else with `value`,
    `gradient` and these constants serves a `Problem` as well.

    Attributes
    ----------
    strong_convexity, smoothness : float
        0 ≤ μ_ℓ ≤ φ″ ≤ M_ℓ < ∞. The rates of the theory need μ_ℓ > 0.

    Examples
    --------
    >>> from dspgd_lib import Problem
    >>> class Mixed(Loss):
    ...     strong_convexity, smoothness = 0.5, 1.5
    ...     def phi(self, z):
    ...         return 0.25 * z**2 + z**2 / (1 + np.sqrt(1 + z**2))
    ...     def slope(self, z):
    ...         return 0.5 * z + z / np.sqrt(1 + z**2)
    >>> problem = Problem(X=[[2.0, 0.0]], Y=[1.0], loss=Mixed())
    >>> problem.M, problem.gradient([[0.5], [3.0]]).tolist()
    (6.0, [[0.0], [0.0]])
    """

    strong_convexity: ClassVar[float]
    smoothness: ClassVar[float]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def phi(self, z: Array) -> Array:
        """Return φ in each entry."""
        raise NotImplementedError(f"{type(self).__name__} must define phi(self, z).")

    def slope(self, z: Array) -> Array:
        """Return φ′ in each entry."""
        raise NotImplementedError(f"{type(self).__name__} must define slope(self, z).")

    def entry_divergence(self, b: Array, h: Array) -> Array:
        """Return φ(b + h) − φ(b) − φ′(b)h; a subclass may save the digits lost near h = 0."""
        return np.maximum(self.phi(b + h) - self.phi(b) - self.slope(b) * h, 0.0)

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
        Z = as_stack("Z", Z)
        with np.errstate(over="ignore"):  # too large for a float is ∞
            return total(self.phi(Z))

    def gradient(self, Z: ArrayLike) -> Array:
        """Return ∇ℓ(Z), φ′ entry by entry.

        Parameters
        ----------
        Z : array of shape (..., n, k)
            Residuals.

        Returns
        -------
        array of shape (..., n, k)

        Raises
        ------
        ValueError
            If Z is not an array of finite matrices.

        Examples
        --------
        >>> LogCoshLoss().gradient([[0.0], [20.0]]).tolist()
        [[0.0], [21.0]]
        """
        return self.slope(as_stack("Z", Z))

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
        B, H = as_stack("B", B), as_stack("H", H)
        with np.errstate(over="ignore"):
            return total(self.entry_divergence(B, H))

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
class SquaredLoss(Loss):
    """The squared loss ℓ(Z) = ½‖Z‖_F² (classical): strong convexity and smoothness 1.

    Examples
    --------
    >>> float(SquaredLoss().value([[3.0], [4.0]]))
    12.5
    """

    strong_convexity = smoothness = 1.0

    def phi(self, z: Array) -> Array:
        return 0.5 * z * z

    def slope(self, z: Array) -> Array:
        return z.copy()

    def entry_divergence(self, b: Array, h: Array) -> Array:
        return 0.5 * h * h + 0.0 * b

    def conjugate(self, U: ArrayLike) -> Array:
        """Return ℓ*(U) = ½‖U‖_F², of shape (...)."""
        return self.value(U)


@dataclass(frozen=True)
class LogCoshLoss(Loss):
    """The loss ℓ(Z) = Σ ½z² + log cosh z, not quadratic: strong convexity 1, smoothness 2.

    Examples
    --------
    >>> LogCoshLoss().gradient([[0.0], [20.0]]).tolist()
    [[0.0], [21.0]]
    """

    strong_convexity, smoothness = 1.0, 2.0

    def phi(self, z: Array) -> Array:
        return 0.5 * z * z + stable.log_cosh(z)

    def slope(self, z: Array) -> Array:
        return z + np.tanh(z)

    def entry_divergence(self, b: Array, h: Array) -> Array:
        return 0.5 * h * h + stable.log_cosh_divergence(b, h)


def check_loss(loss: Any) -> None:
    """Complain about an object that cannot be the loss of a problem, and say what it lacks."""
    if isinstance(loss, type):
        raise ValueError(f"loss must be an object, found the class {loss.__name__}: call it first.")
    for name in ("value", "gradient", "strong_convexity", "smoothness"):
        if not hasattr(loss, name):
            raise ValueError(
                "loss must have value, gradient, strong_convexity and smoothness, as SquaredLoss() "
                f"has, found {loss!r} without {name}."
            )
    low = number("loss.strong_convexity", loss.strong_convexity)
    high = number("loss.smoothness", loss.smoothness)
    if not 0.0 <= low <= high or high == 0.0:
        raise ValueError(
            "loss must have 0 ≤ strong_convexity ≤ smoothness and smoothness > 0, "
            f"found {low:g} and {high:g}."
        )


def loss_divergence(loss: Any, B: Array, H: Array) -> Array:
    """Return D_ℓ(B + H, B), from the definition if the loss has no method for it."""
    if hasattr(loss, "divergence_from"):
        return np.asarray(loss.divergence_from(B, H))
    gap = loss.value(B + H) - loss.value(B) - inner(loss.gradient(B), H)
    return np.maximum(gap, 0.0)
