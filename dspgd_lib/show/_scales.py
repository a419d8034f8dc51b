"""Axes that fit: which are logarithmic, where they end, and at most five ticks on each."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from .._validation import Array
from ._words import RAISED, minus, written

SCALES = {
    "linear": (False, False),
    "log-log": (True, True),
    "linear-log": (False, True),
    "log-linear": (True, False),
}
MOST_TICKS = 5
GAP = 5.0  # decades: a few values so far below all others are rounding, or as good as 0


def chosen(scales: str | None, x: Array, y: Array) -> tuple[bool, bool]:
    """Return which of the two axes are logarithmic; by itself each one that can be."""
    if scales is None:
        return bool((x > 0).all()), bool((y >= 0).all() and (y > 0).any())
    if scales not in SCALES:
        raise ValueError(f"scales must be one of {', '.join(SCALES)}, found {scales!r}.")
    return SCALES[scales]


def limits(values: Array, log: bool, pad: float = 0.05) -> tuple[float, float]:
    """Return the ends of an axis that shows these values with a margin."""
    if not log:
        low, high = float(values.min()), float(values.max())
        wide = (high - low) or abs(high) or 1.0
        return low - pad * wide, high + pad * wide
    decades = np.log10(values[values > 0])
    low, high = float(decades.min()), float(decades.max())
    margin = float(np.clip(pad * (high - low), 0.06, 1.0))
    if high - low < 0.2:
        margin = 0.15
    # No float is smaller or larger than these.
    return 10.0 ** max(low - margin, -307.0), 10.0 ** min(high + margin, 308.0)


def lowest(values: Array) -> float:
    """Return the smallest positive value that belongs to the picture.

    A few values (a tenth at most) that lie `GAP` decades below all others do not.
    """
    ordered = np.sort(values[values > 0])
    few = max(1, len(ordered) // 10)
    jumps = np.flatnonzero(np.diff(np.log10(ordered[: few + 1])) > GAP)
    return float(ordered[jumps[-1] + 1 if len(jumps) else 0])


def fix(axis: Any, low: float, high: float, log: bool) -> None:
    """Give an axis of matplotlib at most five ticks with plain labels."""
    places = log_ticks(low, high) if log else linear_ticks(low, high)
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FixedFormatter(labels(places, log)))
    axis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float) -> Array:
    """Return powers of ten, or 1, 2, 5 times powers of ten, between two positive numbers."""
    first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
    powers = np.arange(first, last + 1)
    if len(powers) >= 3:
        step = int(np.ceil(len(powers) / MOST_TICKS))
        while len(range(first + -first % step, last + 1, step)) > MOST_TICKS:
            step += 1
        return np.asarray(10.0 ** np.arange(first + -first % step, last + 1, step))
    for factors in ((1, 2, 5), (1, 3), (1,)):
        fine = np.concatenate([np.array(factors) * 10.0**p for p in range(first - 1, last + 1)])
        fine = fine[(fine >= low) & (fine <= high)]
        if 2 <= len(fine) <= MOST_TICKS:
            return np.asarray(fine)
    return linear_ticks(low, high)


def linear_ticks(low: float, high: float) -> Array:
    """Return round numbers between two numbers."""
    locator = MaxNLocator(nbins=MOST_TICKS - 1, steps=[1, 2, 2.5, 5, 10])
    places = np.asarray(locator.tick_values(low, high))
    slack = 1e-9 * (high - low)
    return np.asarray(places[(places >= low - slack) & (places <= high + slack)])


def labels(places: Array, log: bool) -> list[str]:
    """Return what the ticks say: all with powers of ten, or none."""
    sizes = np.abs(places[places != 0])
    exponents = np.log10(sizes) if len(sizes) else np.zeros(1)
    if log and len(sizes) and np.allclose(exponents, exponents.round()):
        if exponents.min() >= -3 and exponents.max() <= 3:
            return [f"{place:g}" for place in places]
        return ["10" + minus(f"{e:.0f}").translate(RAISED) for e in exponents]
    if len(sizes) and (sizes.max() >= 1e5 or sizes.max() < 1e-3):
        tries = ([written(place, digits) for place in places] for digits in range(3, 18))
        return next((said for said in tries if len(set(said)) == len(said)), [])
    return [minus(f"{place:,.10g}") for place in np.round(places, 12)]
