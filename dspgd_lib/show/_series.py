"""A curve over a parameter: its medians, its spread, and what is predicted of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validation import Array
from ._curves import Curve, called
from ._words import minus, spoken


@dataclass(frozen=True)
class Series:
    """One curve, what is predicted of it, and the slope that it has.

    Attributes
    ----------
    y, band
        Medians over seeds, and the 10th and 90th percentiles; no band of one run.
    line
        Places and values of the dashed line, or None.
    law
        The law at the dots, or None.
    slope, power
        Fitted and predicted exponent; None without a prediction.
    """

    curve: Curve
    y: Array
    band: tuple[Array, Array] | None
    line: tuple[Array, Array] | None
    law: Array | None
    slope: float | None
    power: float | None


def predicted(
    curve: Curve, law: Any, power: float | None, log: bool, within: tuple[float, float]
) -> Series:
    """Return a curve with its law (an array, a function or None) and its power."""
    y, band, line, slope = np.median(curve.values, axis=0), None, None, None
    if len(curve.values) > 1:
        low, high = np.percentile(curve.values, [10, 90], axis=0)
        band = (low, high)
    if law is not None:
        at = _between(curve.x, log) if callable(law) else curve.x
        line = (at, called("law", law, at) if callable(law) else np.asarray(law))
        law = called("law", law, curve.x) if callable(law) else np.asarray(law)
    if power is not None:
        slope, through = _fitted(curve.x, y, power, within)
        line = through if line is None else line
    return Series(curve, y, band, line, law, slope, power)


def _between(x: Array, log: bool) -> Array:
    """Return the places and more between them, for a smooth curve."""
    dense = np.geomspace(x[0], x[-1], 150) if log else np.linspace(x[0], x[-1], 150)
    return np.unique(np.r_[x, np.clip(dense, x[0], x[-1])])


def _fitted(
    x: Array, y: Array, power: float, within: tuple[float, float]
) -> tuple[float, tuple[Array, Array]]:
    """Return the slope of the dots, and the line of the predicted slope through the middle one."""
    used = (x >= within[0]) & (x <= within[1]) & (y > 0)
    u, v = np.log(x[used]), np.log(y[used])
    if len(np.unique(u)) < 2:
        raise ValueError(
            "power needs at least two dots with positive values at different x: widen within, or "
            "leave power out."
        )
    centred = u - u.mean()
    slope = float(centred @ (v - v.mean()) / (centred @ centred))
    middle = len(u) // 2
    ends = u[[0, -1]]
    with np.errstate(over="ignore"):
        return slope, (np.exp(ends), np.exp(v[middle] + power * (ends - u[middle])))


def slopes(one: Series) -> str:
    """Say which slope the dots have, and which one was predicted."""
    if one.slope is None or one.power is None:
        return ""
    measured = f"{one.slope:.2f}".replace("-0.00", "0.00")
    return minus(f"slope {measured}, predicted {one.power:.3g}")


def against(one: Series) -> str:
    """Say how far dots are from a law: as a quotient where it tells, else as a difference."""
    y, law = one.y, one.law
    if law is None:
        return ""
    known = np.isfinite(law)
    if not known.any():
        return ""
    y, law = y[known], law[known]
    if (law > 0).all() and (y > 0).all():
        with np.errstate(over="ignore"):
            least, most = (y / law).min(), (y / law).max()
        if most - least < 5e-4:
            return f", {spoken(most, 4)} times its law"
        return f", {spoken(least)} to {spoken(most)} times its law"
    return f", at most {spoken(float(np.abs(y - law).max()))} from its law"
