"""Even convex functions of one variable, the profiles from which preconditioners are made.

A profile k has k(0) = k′(0) = 0 and is evaluated at sizes s = |x| ≥ 0. Instead of k′ it gives the
*slope* k′(s)/s, which is what multiplies a gradient and which is never more than the largest float.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ._validation import Array

Parameter = float | Array

# ‖∇K(G)‖ rounds to a few units above the edge of a closed domain; that still counts as the edge.
EDGE_SLACK = 16 * float(np.finfo(float).eps)
LARGEST = float(np.finfo(float).max)


def log_remainder(x: Array) -> Array:
    """Return 1 − log(1 + x)/x for x > −1 to a few units in the last place, 0 at 0.

    Near 0 it is summed from log(1 + x) = 2 artanh(x/(2 + x)), whose leading terms cancel by hand.
    """
    near = (x > -0.5) & (x < 1.0)
    small = np.where(near, x, 0.0)
    ratio = small / (2.0 + small)
    square = ratio * ratio
    series = np.zeros_like(square)
    for odd in range(33, 1, -2):  # |ratio| ≤ 1/3, so the first term left out is below 1e-17
        series = series * square + 1.0 / odd
    by_series = ratio - 2.0 * square * series / (2.0 + small)
    # Beyond the largest float 1 − log(1 + x)/x is 1 to the last digit.
    large = np.where(near, 1.0, np.minimum(x, LARGEST))
    return np.where(near, by_series, 1.0 - np.log1p(large) / large)


class Profile:
    """An even convex function k of one variable with the parameter p of its family."""

    conjugate_at_edge: ClassVar[bool] = False  # is k* finite at the edge of its domain?
    inverse_at_edge: ClassVar[bool] = False  # does k* have a subgradient there?

    def value(self, s: Array, p: Parameter) -> Array:
        """Return k(s)."""
        raise NotImplementedError

    def slope(self, s: Array, p: Parameter) -> Array:
        """Return k′(s)/s, and k″(0) at 0."""
        raise NotImplementedError

    def smoothness(self, p: Parameter) -> Parameter:
        """Return sup k″; here, where k″ is largest at 0, its value there."""
        return self.slope(np.zeros(np.shape(p)), p)

    def sector(self, radius: Array, p: Parameter) -> tuple[Parameter, Parameter]:
        """Return min k′(s)/s and sup k″ over s ≤ radius; here k′(s)/s never increases."""
        return self.slope(radius, p), self.smoothness(p)

    def edge(self, p: Parameter) -> Parameter:
        """Return sup k′, the edge of the domain of k*."""
        return 1.0

    def _conjugate(self, r: Array, p: Parameter) -> Array:
        raise NotImplementedError

    def _inverse_slope(self, r: Array, p: Parameter) -> Array:
        raise NotImplementedError

    def _within(self, r: Array, p: Parameter, closed: bool) -> NDArray[np.bool_]:
        edge = self.edge(p)
        return r <= edge * (1.0 + EDGE_SLACK) if closed else r < edge

    def conjugate(self, r: Array, p: Parameter) -> Array:
        """Return k*(r), +∞ outside its domain."""
        inside = self._within(r, p, self.conjugate_at_edge)
        safe = np.where(inside, np.minimum(r, self.edge(p)), 0.0)
        return np.where(inside, self._conjugate(safe, p), np.inf)

    def inverse_slope(self, r: Array, p: Parameter) -> Array:
        """Return (k*)′(r)/r, or raise where k* has no subgradient."""
        if not self._within(r, p, self.inverse_at_edge).all():
            raise ValueError(
                f"S is not in the range of the gradient of K: its size is {np.max(r):.17g} and "
                f"must be {'at most' if self.inverse_at_edge else 'below'} "
                f"{np.min(self.edge(p)):g}. Scale S down."
            )
        return self._inverse_slope(r, p)


class Quadratic(Profile):
    """½s²."""

    def value(self, s: Array, p: Parameter) -> Array:
        return 0.5 * s * s

    def slope(self, s: Array, p: Parameter) -> Array:
        return np.ones_like(s)

    def edge(self, p: Parameter) -> Parameter:
        return np.inf

    def _conjugate(self, r: Array, p: Parameter) -> Array:
        return 0.5 * r * r

    def _inverse_slope(self, r: Array, p: Parameter) -> Array:
        return np.ones_like(r)


class Root(Profile):
    """√(s² + ε²) − ε; its conjugate is ε(1 − √(1 − r²)) for r ≤ 1."""

    conjugate_at_edge = True

    def value(self, s: Array, p: Parameter) -> Array:
        return s * (s / (np.hypot(s, p) + p))

    def slope(self, s: Array, p: Parameter) -> Array:
        return 1.0 / np.hypot(s, p)

    def _conjugate(self, r: Array, p: Parameter) -> Array:
        return p * (r * r / (1.0 + np.sqrt((1.0 - r) * (1.0 + r))))

    def _inverse_slope(self, r: Array, p: Parameter) -> Array:
        return p / np.sqrt((1.0 - r) * (1.0 + r))


class Huber(Profile):
    """½s² up to c, then the tangent line cs − ½c²; its conjugate is ½r² for r ≤ c."""

    conjugate_at_edge = True
    inverse_at_edge = True

    def value(self, s: Array, p: Parameter) -> Array:
        short = np.minimum(s, p)
        return short * (s - 0.5 * short)

    def slope(self, s: Array, p: Parameter) -> Array:
        return p / np.maximum(s, p)

    def edge(self, p: Parameter) -> Parameter:
        return p

    def _conjugate(self, r: Array, p: Parameter) -> Array:
        return 0.5 * r * r

    def _inverse_slope(self, r: Array, p: Parameter) -> Array:
        return np.ones_like(r)


class Soft(Profile):
    """s − ε log(1 + s/ε); its conjugate is −ε(log(1 − r) + r) for r < 1."""

    def value(self, s: Array, p: Parameter) -> Array:
        with np.errstate(over="ignore"):  # s/ε beyond the largest float: the remainder is 1
            return s * log_remainder(s / p)

    def slope(self, s: Array, p: Parameter) -> Array:
        return 1.0 / (s + p)

    def _conjugate(self, r: Array, p: Parameter) -> Array:
        return p * (r * -log_remainder(-r))

    def _inverse_slope(self, r: Array, p: Parameter) -> Array:
        return p / (1.0 - r)


class Power(Profile):
    """sᵖ/p; its conjugate is r^q/q with 1/p + 1/q = 1. Only for p = 2 has it a smoothness."""

    def value(self, s: Array, p: Parameter) -> Array:
        return _power(s, p) / p

    def slope(self, s: Array, p: Parameter) -> Array:
        # The slope is ∞ at 0 for p < 2; cut off at the largest float it still gives k′(0) = 0.
        return np.minimum(_power(s, p - 2.0), LARGEST)

    def smoothness(self, p: Parameter) -> Parameter:
        return np.where(np.equal(p, 2.0), 1.0, np.inf)

    def sector(self, radius: Array, p: Parameter) -> tuple[Parameter, Parameter]:
        slope = _power(radius, np.subtract(p, 2.0))
        return (
            np.where(np.greater(p, 2.0), 0.0, slope),
            np.where(np.less(p, 2.0), np.inf, np.subtract(p, 1.0) * slope),
        )

    def edge(self, p: Parameter) -> Parameter:
        return np.inf

    def _conjugate(self, r: Array, p: Parameter) -> Array:
        return self.value(r, p / (p - 1.0))

    def _inverse_slope(self, r: Array, p: Parameter) -> Array:
        return self.slope(r, p / (p - 1.0))


def _power(s: Array, exponent: Parameter) -> Array:
    """Return s^exponent for s ≥ 0; ∞ where it is too large for a float, without a warning."""
    with np.errstate(over="ignore", divide="ignore"):
        return np.power(s, exponent)


class HyperbolicCosine(Profile):
    """cosh s − 1; its conjugate is r arsinh r − √(1 + r²) + 1. It has no smoothness.

    From s = 710.5 on the numbers are too large for a float; they are ∞, without a warning.
    """

    def value(self, s: Array, p: Parameter) -> Array:
        with np.errstate(over="ignore"):
            return 2.0 * np.sinh(0.5 * s) ** 2

    def slope(self, s: Array, p: Parameter) -> Array:
        with np.errstate(over="ignore"):
            return _ratio(np.sinh(s), s)

    def smoothness(self, p: Parameter) -> Parameter:
        return np.inf

    def sector(self, radius: Array, p: Parameter) -> tuple[Parameter, Parameter]:
        with np.errstate(over="ignore"):
            return np.ones(np.shape(radius)), np.cosh(radius)

    def edge(self, p: Parameter) -> Parameter:
        return np.inf

    def _conjugate(self, r: Array, p: Parameter) -> Array:
        return r * (np.arcsinh(r) - r / (1.0 + np.hypot(1.0, r)))

    def _inverse_slope(self, r: Array, p: Parameter) -> Array:
        return _ratio(np.arcsinh(r), r)


def _ratio(f: Array, s: Array) -> Array:
    """Return f/s, and the limit 1 at s = 0."""
    return np.where(s > 0, f / np.where(s > 0, s, 1.0), 1.0)
