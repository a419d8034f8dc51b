"""The even convex function of one variable from which a preconditioner is made.

A profile k has k(0) = k′(0) = 0 and is evaluated at sizes s = |x| ≥ 0. Instead of k′ it gives the
*slope* k′(s)/s, which is what multiplies a gradient and which is never more than the largest float.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ._validation import Array, expanded, positive

Parameter = float | Array

# ‖∇K(G)‖ rounds to a few units above the edge of a closed domain; that still counts as the edge.
EDGE_SLACK = 16 * float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Profile:
    """An even convex function k of one variable; a preconditioner of one's own begins here.

    A subclass gives `value` and `slope`. With `flattens` it has a smoothness and a sector, so that
    the theorems apply; `curvature`, `conjugate` and `inverse_slope` are needed by mirror descent
    and Bregman projections only.

    Attributes
    ----------
    flattens : bool
        Whether k′(s)/s never increases, so that k″ is largest at 0. It is checked at a few sizes,
        and so is that k is convex and k′ its derivative.
    definite : bool
        Whether k′(s) > 0 for s > 0. Profiles with `flattens` need not say so.
    parameters : tuple of str
        The fields that are positive and may be grids of shape (B,), one value for each of B runs.

    Examples
    --------
    >>> from dspgd_lib import Separable
    >>> class SquareRoot(Profile):
    ...     flattens = True
    ...     def value(self, s):
    ...         return ((1 + s * s) ** 0.75 - 1) / 1.5
    ...     def slope(self, s):
    ...         return (1 + s * s) ** -0.25
    >>> K = Separable(SquareRoot())
    >>> K.smoothness, K.gradient([[3.0], [0.0]]).round(3).tolist()
    (1.0, [[1.687], [0.0]])
    """

    parameters: ClassVar[tuple[str, ...]] = ()
    flattens: ClassVar[bool] = False
    definite: ClassVar[bool] = False
    conjugate_at_edge: ClassVar[bool] = False  # is k* finite at the edge of its domain?
    inverse_at_edge: ClassVar[bool] = False  # does k* have a subgradient there?

    def __post_init__(self) -> None:
        for name in self.parameters:
            object.__setattr__(self, name, positive(name, getattr(self, name)))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _contents(self) == _contents(other)

    def __hash__(self) -> int:
        return hash((type(self), _contents(self)))

    @property
    def grid(self) -> int | None:
        """How many functions this is: B if a parameter has shape (B,), None for one."""
        return next(iter(self._lengths()), None)

    def _lengths(self) -> set[int]:
        return {len(p) for name in self.parameters if np.ndim(p := getattr(self, name))}

    def changed(self, change: Any) -> Any:
        """Return a copy with a function applied to each parameter that is a grid."""
        new = copy(self)
        for name in self.parameters:
            if np.ndim(value := getattr(self, name)):
                object.__setattr__(new, name, change(value))
        return new

    def wide(self) -> Any:
        """Return a copy that acts on stacks of B matrices: grids of shape (B, 1, 1)."""
        return self.changed(expanded)

    def value(self, s: Array) -> Array:
        """Return k(s) for s ≥ 0."""
        raise self._lacks("value")

    def slope(self, s: Array) -> Array:
        """Return k′(s)/s, and k″(0) at 0."""
        raise self._lacks("slope")

    def curvature(self, s: Array) -> Array:
        """Return k″(s)."""
        raise self._lacks("curvature")

    def divergence(self, a: Array, b: Array, h: Array) -> Array:
        """Return k(a) − k(b) − k′(b)h for a, b ≥ 0 and h = a − b.

        This is the definition, which loses digits where a is near b; a subclass may do better.
        """
        return np.maximum(self.value(a) - self.value(b) - b * self.slope(b) * h, 0.0)

    @property
    def smoothness(self) -> Parameter:
        """The Lipschitz constant sup k″ of k′, ∞ if none is known."""
        return self.slope(np.zeros(())) if self.flattens else np.inf

    def sector(self, radius: Array) -> tuple[Parameter, Parameter]:
        """Return inf k′(s)/s and sup k″ over 0 < s ≤ radius, or (0, ∞) if they are not known."""
        return (self.slope(radius), self.smoothness) if self.flattens else (0.0, np.inf)

    @property
    def edge(self) -> Parameter:
        """The edge sup k′ of the domain of k*."""
        return np.inf

    def _conjugate(self, r: Array) -> Array:
        raise self._lacks("conjugate")

    def _inverse_slope(self, r: Array) -> Array:
        raise self._lacks("inverse_slope")

    def _within(self, r: Array, closed: bool) -> NDArray[np.bool_]:
        return r <= self.edge * (1.0 + EDGE_SLACK) if closed else r < self.edge

    def conjugate(self, r: Array) -> Array:
        """Return k*(r), +∞ outside its domain."""
        inside = self._within(r, self.conjugate_at_edge)
        safe = np.where(inside, np.minimum(r, self.edge), 0.0)
        return np.where(inside, self._conjugate(safe), np.inf)

    def inverse_slope(self, r: Array) -> Array:
        """Return (k*)′(r)/r, or raise where k* has no subgradient."""
        if not self._within(r, self.inverse_at_edge).all():
            raise ValueError(
                f"S is not in the range of the gradient of K: its size is {np.max(r):.17g} and "
                f"must be {'at most' if self.inverse_at_edge else 'below'} "
                f"{np.min(self.edge):g}. Scale S down."
            )
        return self._inverse_slope(r)

    def _lacks(self, name: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} must define {name}(self, s) for this.")

    def check(self) -> None:
        """Complain, at a few sizes, about a k that is not what it says."""
        if len(self._lengths()) > 1:
            found = sorted(self._lengths())
            raise ValueError(f"The grids of {self} must have one length, found {found}.")
        s = np.geomspace(1e-4, 1e4, 33)[(slice(None), *(None,) * 3)]
        k = self.wide()
        with np.errstate(all="ignore"):
            zero = np.max(np.abs(k.value(0.0 * s)))
            value, slope = (f(s) * np.ones_like(s) for f in (k.value, k.slope))
            steep, chord = s * slope, np.diff(value, axis=0) / np.diff(s, axis=0)
            far = ~np.isfinite(chord)  # too large for a float
            fits = (steep[:-1] <= chord * (1 + 1e-6)) & (chord <= steep[1:] * (1 + 1e-6)) | far
            flat = (slope[1:] <= slope[:-1] * (1 + 1e-9)) | (not self.flattens)
        if not zero <= 1e-12:
            raise ValueError(f"{self} must have k(0) = 0, found {zero:g}.")
        rules = (
            (fits, "be convex, with s·slope(s) the derivative of value; look"),
            (flat, "have a k′(s)/s that never increases, as flattens = True says; look"),
        )
        for good, rule in rules:
            if not good.all():
                at = s[np.argwhere(~good)[0][0]].item()
                raise ValueError(f"{self} must {rule} just above s = {at:.3g}.")


def _contents(profile: Profile) -> tuple[Any, ...]:
    return tuple(
        (name, np.shape(v), v.tobytes()) if isinstance(v, np.ndarray) else (name, v)
        for name, v in sorted(vars(profile).items())
    )
