"""The profiles of the library, each with its conjugate and a divergence that keeps its digits."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from scipy.special import xlog1py

from . import _stable as stable
from ._validation import Array
from .profile import Parameter, Profile

GAUSS, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(12)


class Square(Profile):
    """½s², its own conjugate."""

    flattens = True

    def value(self, s: Array) -> Array:
        return 0.5 * s * s

    def slope(self, s: Array) -> Array:
        return np.ones_like(s)

    def curvature(self, s: Array) -> Array:
        return np.ones_like(s)

    def _conjugate(self, r: Array) -> Array:
        return 0.5 * r * r

    def _inverse_slope(self, r: Array) -> Array:
        return np.ones_like(r)

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        return 0.5 * h * h


@dataclass(frozen=True, eq=False)
class Root(Profile):
    """√(s² + ε²) − ε; its conjugate is ε(1 − √(1 − r²)) for r ≤ 1."""

    eps: Parameter
    parameters = ("eps",)
    flattens = conjugate_at_edge = True
    edge = 1.0

    def value(self, s: Array) -> Array:
        return s * (s / (np.hypot(s, self.eps) + self.eps))

    def slope(self, s: Array) -> Array:
        return 1.0 / np.hypot(s, self.eps)

    def curvature(self, s: Array) -> Array:
        root = np.hypot(s, self.eps)
        return self.eps / root * (self.eps / root) / root

    def _conjugate(self, r: Array) -> Array:
        return self.eps * (r * r / (1.0 + np.sqrt((1.0 - r) * (1.0 + r))))

    def _inverse_slope(self, r: Array) -> Array:
        return self.eps / np.sqrt((1.0 - r) * (1.0 + r))

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        A, B = np.hypot(a, self.eps), np.hypot(b, self.eps)
        share = a / np.where(a + b > 0, a + b, 1.0)
        mean = share * B + (1.0 - share) * A  # (aB + bA)/(a + b)
        return (self.eps / B) * (self.eps / mean) * (h * (h / (A + B)))

    @property
    def bend(self) -> Parameter:
        """The least b with dist(∇K(G), span G) ≤ b⟨G, ∇K(G)⟩ for K = Σk, in every dimension."""
        # b = max π√(1 − π)/(1 + √(2π)) over 0 ≤ π ≤ 1, attained where q = √(2π) solves a cubic.
        q = float(np.max(np.roots([2.0, 3.0, -2.0, -4.0]).real))
        pi = 0.5 * q * q
        return pi * (1.0 - pi) ** 0.5 / (1.0 + q) / self.eps


@dataclass(frozen=True, eq=False)
class Huber(Profile):
    """½s² up to c, then the tangent line cs − ½c²; its conjugate is ½r² for r ≤ c."""

    c: Parameter
    parameters = ("c",)
    flattens = conjugate_at_edge = inverse_at_edge = True

    def value(self, s: Array) -> Array:
        short = np.minimum(s, self.c)
        return short * (s - 0.5 * short)

    def slope(self, s: Array) -> Array:
        return self.c / np.maximum(s, self.c)

    def curvature(self, s: Array) -> Array:
        return np.where(s <= self.c, 1.0, 0.0)

    @property
    def edge(self) -> Parameter:
        return self.c

    def _conjugate(self, r: Array) -> Array:
        return 0.5 * r * r

    def _inverse_slope(self, r: Array) -> Array:
        return np.ones_like(r)

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        short, near = np.minimum(b, self.c), np.minimum(a, self.c)
        step = np.where(np.maximum(a, b) <= self.c, h, near - short)
        return 0.5 * step * step + (self.c - short) * (a - near)


@dataclass(frozen=True, eq=False)
class Soft(Profile):
    """s − ε log(1 + s/ε); its conjugate is −ε(log(1 − r) + r) for r < 1."""

    eps: Parameter
    parameters = ("eps",)
    flattens = True
    edge = 1.0

    def value(self, s: Array) -> Array:
        return s * stable.log_remainder(s / self.eps)

    def slope(self, s: Array) -> Array:
        return 1.0 / (s + self.eps)

    def curvature(self, s: Array) -> Array:
        return self.eps / (s + self.eps) / (s + self.eps)

    def _conjugate(self, r: Array) -> Array:
        return self.eps * (r * -stable.log_remainder(-r))

    def _inverse_slope(self, r: Array) -> Array:
        return self.eps / (1.0 - r)

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        x = h / (b + self.eps)  # D = ε(x − log(1 + x))
        near = x > -0.5
        by_ratio = x - stable.log_ratio(a + self.eps, b + self.eps)
        safe = np.where(near, x, 0.0)
        return self.eps * np.where(near, safe * stable.log_remainder(safe), by_ratio)

    @property
    def bend(self) -> Parameter:
        """The least b with dist(∇K(G), span G) ≤ b⟨G, ∇K(G)⟩ for K = Σk, in every dimension."""
        return 2.0 / (3.0 * 3.0**0.5) / self.eps


@dataclass(frozen=True, eq=False)
class Power(Profile):
    """sᵖ/p for p > 1; its conjugate is r^q/q with 1/p + 1/q = 1. Only p = 2 has a smoothness."""

    p: Parameter
    parameters = ("p",)
    definite = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not np.all(np.greater(self.p, 1.0)):
            raise ValueError(
                f"p must be above 1, found {np.min(self.p):g}: K has no gradient at 0 otherwise."
            )

    def value(self, s: Array) -> Array:
        return stable.power(s, self.p) / self.p

    def slope(self, s: Array) -> Array:
        # The slope is ∞ at 0 for p < 2; cut off at the largest float it still gives k′(0) = 0.
        return np.minimum(stable.power(s, np.subtract(self.p, 2.0)), stable.LARGEST)

    def curvature(self, s: Array) -> Array:
        return np.subtract(self.p, 1.0) * stable.power(s, np.subtract(self.p, 2.0))

    @property
    def smoothness(self) -> Parameter:
        return np.where(np.equal(self.p, 2.0), 1.0, np.inf)

    def sector(self, radius: Array) -> tuple[Parameter, Parameter]:
        slope = stable.power(radius, np.subtract(self.p, 2.0))
        return (
            np.where(np.greater(self.p, 2.0), 0.0, slope),
            np.where(np.less(self.p, 2.0), np.inf, np.subtract(self.p, 1.0) * slope),
        )

    def _dual(self) -> Power:
        dual = copy(self)
        object.__setattr__(dual, "p", self.p / np.subtract(self.p, 1.0))
        return dual

    def _conjugate(self, r: Array) -> Array:
        return self._dual().value(r)

    def _inverse_slope(self, r: Array) -> Array:
        return self._dual().slope(r)

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        # Nearby, Taylor's remainder h²∫(1 − t)k″(b + th)dt by Gauss' rule, exact to rounding.
        near = (np.abs(h) <= 0.5 * b) & (b > 0)
        inside = np.where(near, b, 1.0)
        u = np.where(near, h, 0.0) / inside
        mean = sum(
            w * (1.0 - x) * stable.power(1.0 + 0.5 * u * (1.0 + x), np.subtract(self.p, 2.0))
            for x, w in zip(GAUSS, GAUSS_WEIGHTS, strict=True)
        )
        scale = np.subtract(self.p, 1.0) * stable.power(inside, self.p)
        by_remainder = 0.25 * u * u * scale * mean
        return np.where(near, by_remainder, super().divergence(a, b, h))


class HyperbolicCosine(Profile):
    """cosh s − 1; its conjugate is r arsinh r − √(1 + r²) + 1. It has no smoothness.

    From s = 710.5 on the numbers are too large for a float; they are ∞, without a warning.
    """

    definite = True

    def value(self, s: Array) -> Array:
        return 2.0 * np.sinh(0.5 * s) ** 2

    def slope(self, s: Array) -> Array:
        return stable.ratio(np.sinh(s), s)

    def curvature(self, s: Array) -> Array:
        return np.cosh(s)

    def sector(self, radius: Array) -> tuple[Parameter, Parameter]:
        return np.ones(np.shape(radius)), np.cosh(radius)

    def _conjugate(self, r: Array) -> Array:
        return ArcSinh(1.0).value(r)

    def _inverse_slope(self, r: Array) -> Array:
        return ArcSinh(1.0).slope(r)

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        near = np.abs(h) <= 1.0
        by_remainder = stable.cosh_divergence(b, np.where(near, h, 0.0))
        return np.where(near, by_remainder, super().divergence(a, b, h))


@dataclass(frozen=True, eq=False)
class ArcSinh(Profile):
    """s arsinh(s/w) − √(s² + w²) + w with a width w; its conjugate is w(cosh r − 1)."""

    width: Parameter
    parameters = ("width",)
    flattens = True

    def value(self, s: Array) -> Array:
        s = s / self.width
        return self.width * (s * (np.arcsinh(s) - s / (1.0 + np.hypot(1.0, s))))

    def slope(self, s: Array) -> Array:
        return stable.ratio(np.arcsinh(s / self.width), s / self.width) / self.width

    def curvature(self, s: Array) -> Array:
        return 1.0 / np.hypot(s, self.width)

    def _conjugate(self, r: Array) -> Array:
        return self.width * HyperbolicCosine().value(r)

    def _inverse_slope(self, r: Array) -> Array:
        return self.width * HyperbolicCosine().slope(r)

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        """Sum nearby entries from the dual side, where nothing cancels: the roles of a, b swap."""
        a, b, h = a / self.width, b / self.width, h / self.width
        root_a, root_b = np.hypot(a, 1.0), np.hypot(b, 1.0)
        total = b * root_a + a * root_b
        # arsinh a − arsinh b is the arsinh of a√(1+b²) − b√(1+a²) = (a² − b²)/total.
        turn = -np.arcsinh(h * ((a + b) / np.where(total > 0, total, 1.0)))
        near = np.abs(turn) < 1.0
        by_dual = stable.cosh_divergence(np.arcsinh(a), np.where(near, turn, 0.0))
        plain = a * (np.arcsinh(a) - np.arcsinh(b)) - root_a + root_b
        return self.width * np.where(near, by_dual, plain)


class LogHyperbolicCosine(Profile):
    """log cosh s; its conjugate is ½((1 + r) log(1 + r) + (1 − r) log(1 − r)) for r ≤ 1."""

    flattens = conjugate_at_edge = True
    edge = 1.0

    def value(self, s: Array) -> Array:
        return stable.log_cosh(s)

    def slope(self, s: Array) -> Array:
        return stable.ratio(np.tanh(s), s)

    def curvature(self, s: Array) -> Array:
        return 1.0 / np.cosh(s) ** 2

    def _conjugate(self, r: Array) -> Array:
        small = np.minimum(r, 0.5)
        near = small * np.arctanh(small) + 0.5 * np.log1p(-small * small)
        far = 0.5 * (xlog1py(1.0 + r, r) + xlog1py(1.0 - r, -r))
        return np.where(r < 0.5, near, far)

    def _inverse_slope(self, r: Array) -> Array:
        return stable.ratio(np.arctanh(r), r)

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        return stable.log_cosh_divergence(b, h)
