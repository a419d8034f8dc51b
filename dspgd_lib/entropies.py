"""Potentials of positive weights: the negative entropy and Burg's entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr, xlogy

from ._stable import LARGEST, log_ratio, log_remainder
from ._validation import Array, as_stack, total
from .convex import ConvexFunction, quiet


class PositiveSum(ConvexFunction):
    """A sum over positive weights of a function of one variable."""

    zero_allowed: ClassVar[bool] = False  # is f finite at weights 0?

    def _point(self, name: str, A: ArrayLike, closed: bool = False) -> Array:
        found = as_stack(name, A)
        least = float(found.min())
        if least < 0 or (least == 0 and not (closed and self.zero_allowed)):
            allowed = "must not be negative" if closed and self.zero_allowed else "must be positive"
            raise ValueError(
                f"{name} {allowed} for {type(self).__name__}, found an entry {least:g}: start from "
                "positive weights, or use a potential of all weights such as LogCosh()."
            )
        return found

    @quiet
    def curvature(self, A: ArrayLike) -> Array:
        """Return the second derivative in each entry, of the shape (..., d, k) of A.

        Parameters
        ----------
        A : array of shape (..., d, k)
            Positive weights.

        Returns
        -------
        array of shape (..., d, k)

        Raises
        ------
        ValueError
            If an entry of A is not positive.

        Examples
        --------
        >>> BurgEntropy().curvature([[2.0]]).tolist(), NegativeEntropy().curvature([[2.0]]).tolist()
        ([[0.25]], [[0.5]])
        """
        return self._curvature(self._point("A", A))

    def _curvature(self, A: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class NegativeEntropy(PositiveSum):
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

    def _value(self, A: Array) -> Array:
        return total(xlogy(A, A) - A)

    def _gradient(self, A: Array) -> Array:
        return np.log(A)

    def _curvature(self, A: Array) -> Array:
        return 1.0 / A

    def _conjugate(self, S: Array) -> Array:
        return total(np.exp(S))

    def _gradient_of_conjugate(self, S: Array) -> Array:
        return np.exp(S)

    def _divergence(self, A: Array, B: Array) -> Array:
        t = _relative_change(A, B)
        small = np.where(_near(t), t, 0.0)
        near = B * (small * (np.log1p(small) - log_remainder(small)))
        return total(np.where(_near(t), near, rel_entr(A, B) - (A - B)))


@dataclass(frozen=True)
class BurgEntropy(PositiveSum):
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

    def _value(self, A: Array) -> Array:
        return -total(np.log(A))

    def _gradient(self, A: Array) -> Array:
        return -1.0 / A

    def _curvature(self, A: Array) -> Array:
        return 1.0 / np.square(A)

    def _conjugate(self, S: Array) -> Array:
        return total(np.where(S < 0, -1.0 - np.log(-S), np.inf))

    def _slopes(self, S: ArrayLike) -> Array:
        S = as_stack("S", S)
        if (S >= 0).any():
            raise ValueError(
                f"S must be negative, as all slopes of BurgEntropy are, found {S.max():g}."
            )
        return S

    def _gradient_of_conjugate(self, S: Array) -> Array:
        return -1.0 / S

    def _divergence(self, A: Array, B: Array) -> Array:
        t = _relative_change(A, B)
        small = np.where(_near(t), t, 0.0)
        return total(np.where(_near(t), small * log_remainder(small), t - log_ratio(A, B)))


def _relative_change(a: Array, b: Array) -> Array:
    return np.minimum((a - b) / b, LARGEST)


def _near(t: Array) -> NDArray[np.bool_]:
    return np.abs(t) < 0.5
