"""Guesses at what is wrong with an answer, from how it differs from the right one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._trials import show
from ._validation import Array


def shape_hint(got: Array, expected: Array) -> str:
    if got.T.shape == expected.shape and np.allclose(got.T, expected):
        return "it is the transpose of the right answer."
    if got.ndim < expected.ndim:
        return "an axis is lost on the way: does a sum or an index remove it?"
    return "compare the axes you sum over."


def common_factor(got: Array, expected: Array) -> list[float]:
    """Return the one number c with got = c·expected, NaN if there is none, nothing for 0."""
    nonzero = expected != 0
    if not nonzero.any():
        return []
    ratios = got[nonzero] / expected[nonzero]
    constant = not got[~nonzero].any() and np.allclose(ratios, ratios[0], rtol=1e-6)
    return [float(ratios[0]) if constant else np.nan]


def value_hint(got: Array, expected: Array, args: tuple[Any, ...], factors: list[float]) -> str:
    if np.isfinite(expected).all() and not np.isfinite(got).all():
        zero = any(isinstance(a, np.ndarray) and not a.any() for a in args)
        return "what does the formula divide by at 0?" if zero else "does something overflow?"
    if np.array_equal(got.T, expected):
        return "it is the transpose of the right answer."
    if factors and np.allclose(factors, factors[0], rtol=1e-6):
        factor = factors[0]
        if np.isclose(factor, -1.0):
            return "the sign is wrong."
        if factor > 0:
            size = f"{max(factor, 1 / factor):.3g} times too"
            return f"it is {size} {'large' if factor > 1 else 'small'}."
    sizes = [np.max(np.abs(a)) for a in args if isinstance(a, np.ndarray) and a.any()]
    if sizes and not 1e-3 < max(sizes) < 1e3:
        return "ordinary sizes may be right: look for digits that cancel or overflow."
    return ""


def described(answer: Array) -> str:
    """Say what a student returned instead of what was expected."""
    if answer.size == 0:
        return "an empty array"
    if answer.dtype.kind == "c":
        return f"complex numbers such as {answer.flat[0]:.4g}, expected real ones"
    if answer.dtype.kind in "biuf":
        return show(answer.astype(float))
    return f"{answer.tolist()!r:.60}, which is not an array of numbers"
