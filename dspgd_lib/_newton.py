"""Newton's method along an affine space, for convex functions that may be very flat or steep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._validation import Array

Map = Callable[[Array], Array]

UNIT = float(np.finfo(float).eps)
STEPS = 200
PATIENCE = 40  # steps in which the error may fail to halve, as it does far from the answer
CLOSE = 1e-10  # the error from which on it halves at once, or is rounding
FLAT = 1e-30  # curvatures below this, in units of the largest, count as this
LINE = 0.05  # the search along a line ends where the slope has fallen to this share


def stationary(
    slope: Map, curvature: Map | None, s: Array, B: Array, c: Array, enough: float = 0.0
) -> Array:
    """Return the point of s + range(B) at which Bᵀ(slope − c) = 0, as well as floats allow.

    That is where h − ⟨c, ·⟩ is least, h the convex function with this slope. Where h is a sum over
    entries, `curvature` is h″ of each; if it is None, differences stand in for it. The columns of
    B are orthonormal. Outside the domain of h the slope is not finite; s must be inside. The search
    may end early, at a relative error that is `enough`.
    """
    if B.shape[1] == 0:
        return s
    best, least, waited = s, np.inf, 0
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            r = slope(s) - c
            off = relative_error(B, r + c, c)
            waited = 0 if off < 0.5 * least else waited + 1
            if off < least:
                best, least = s, off
            patience = 2 if least < CLOSE else PATIENCE
            if off <= max(0.1 * UNIT, enough) or off == np.inf or waited > patience:
                break
            if curvature is None:
                z = _step_by_differences(slope, s, B, r)
            else:
                z = _step_by_curvature(curvature(s), s, B, r)
            step = B @ z
            length = _length(slope, c, s, step)
            if length == 0.0:
                break
            s = s + length * step
    return best


def relative_error(B: Array, a: Array, b: Array) -> float:
    """Return the size of Bᵀ(a − b) in units of a and b, ∞ if that is not known."""
    unit = max(np.max(np.abs(a)), np.max(np.abs(b)))
    if unit == 0.0:
        return 0.0
    with np.errstate(all="ignore"):
        a, b = a / unit, b / unit  # their squares may not fit into floats
        error = np.linalg.norm(B.T @ (a - b)) / (np.linalg.norm(a) + np.linalg.norm(b))
    return float(error) if np.isfinite(error) else np.inf


def _step_by_curvature(D: Array, s: Array, B: Array, r: Array) -> Array:
    """Return z = −(BᵀDB)⁻¹Bᵀr.

    Where r is as small as D allows, it is the least-squares solution of √D·Bz = −r/√D, whose
    condition is only the root of the other's; elsewhere r/√D would drown the rest in rounding.
    """
    D = np.nan_to_num(D, posinf=1e200)
    D = np.maximum(D, FLAT * D.max()) if D.any() else np.ones_like(D)
    root, small = np.sqrt(D), np.abs(r) <= D * np.max(np.abs(s))
    left, sigma, right = np.linalg.svd(root[:, None] * B, full_matrices=False)
    sigma = np.maximum(sigma, UNIT * sigma[0])
    z = left.T @ np.where(small, r / root, 0.0) + right @ (B.T @ np.where(small, 0.0, r)) / sigma
    return np.asarray(-right.T @ (z / sigma))


def _step_by_differences(slope: Map, s: Array, B: Array, r: Array) -> Array:
    """Return the same with a Jacobian by differences that stay inside the domain."""
    for h in (float(np.max(np.abs(s))) or 1.0) * 10.0 ** np.arange(-6, -15, -2):
        change = np.stack([slope(s + h * b) - slope(s - h * b) for b in B.T], axis=1)
        if np.isfinite(change).all():
            J = B.T @ change / (2.0 * h)
            return np.asarray(np.linalg.lstsq(J, -B.T @ r, rcond=1e-14)[0])
    return -B.T @ r


def _length(slope: Map, c: Array, s: Array, step: Array) -> float:
    """Return about the α at which h − ⟨c, ·⟩ is least on s + α·step; Newton's own is 1."""

    def rise(alpha: float) -> float:
        value = float((slope(s + alpha * step) - c) @ step)
        return value if np.isfinite(value) else np.inf  # outside the domain: too far

    here = slope(s)
    start, rounding = (
        float((here - c) @ step),
        UNIT * float((np.abs(here) + np.abs(c)) @ np.abs(step)),
    )
    if not start < -rounding:  # nothing is left to gain
        return 1.0 if np.isfinite(rise(1.0)) else 0.0
    low, high, alpha = 0.0, np.inf, 1.0
    for _ in range(60):
        value = rise(alpha)
        if abs(value) <= -LINE * start:
            return alpha
        low, high = (alpha, high) if value < 0 else (low, alpha)
        if high - low <= 1e-3 * high < np.inf:
            break
        inside = 0.5 * (low + high) if low > 0 else 0.1 * high
        alpha = inside if high < np.inf else 2.0 * low
    return low
