"""A measured curve and its bound: which dots are beyond, and how close the others come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validation import Array
from ._curves import Curve, called
from ._words import ratio

ROUNDING = 1e-9  # relative: how far a value that attains its bound may round beyond it


@dataclass(frozen=True)
class Pair:
    """One measured curve with its bound, and how they compare.

    Attributes
    ----------
    y, band
        The dots, and the smallest and largest value over seeds (the same for one run).
    beyond
        Which dots are on the wrong side.
    ratios
        Measured over proved where both count; NaN elsewhere.
    closest
        Where the two are closest; None if no quotient tells.
    """

    curve: Curve
    y: Array
    band: tuple[Array, Array]
    proved: Array | None
    below: bool
    beyond: Array
    ratios: Array
    closest: int | None

    @property
    def tightness(self) -> float:
        """How close the dot that is told of comes: 1 where it attains the bound, else less."""
        if self.told is None:
            return 0.0
        value = float(self.ratios[self.told])
        return value if self.below else 1.0 / value

    @property
    def starts_equal(self) -> bool:
        """Whether the first dot that is compared lies on the bound."""
        known = self.ratios[np.isfinite(self.ratios)]
        return len(known) > 0 and bool(abs(known[0] - 1.0) <= ROUNDING)

    @property
    def told(self) -> int | None:
        """Which dot to speak of: the closest, or of a pair that parts at once the last."""
        known = np.flatnonzero(np.isfinite(self.ratios))
        if self.closest is None or not self.starts_equal or len(known) < 3:
            return self.closest
        before = known[known < self.closest]
        parts = bool((np.abs(self.ratios[before] - 1.0) <= ROUNDING).all())
        return int(known[-1]) if parts and self.closest != known[0] else self.closest

    @property
    def worst(self) -> tuple[int, float]:
        """Which dot is farthest beyond the bound, and by which factor; ∞ if none tells."""
        where = np.flatnonzero(self.beyond)
        with np.errstate(divide="ignore", invalid="ignore"):
            factors = self.ratios[where] if self.below else 1.0 / self.ratios[where]
        factors = np.where(np.isfinite(factors), factors, np.inf)
        worst = int(np.argmax(factors))
        return int(where[worst]), float(factors[worst])


def compared(curve: Curve, proved: Any, below: bool, floor: float) -> Pair:
    """Compare a curve with its bound: an array over its places, a function, or None."""
    band = curve.values.min(axis=0), curve.values.max(axis=0)
    y = band[1] if below else band[0]
    if proved is None:
        none = np.full(len(y), np.nan)
        return Pair(curve, y, band, None, below, np.zeros(len(y), dtype=bool), none, None)
    line = called("proved", proved, curve.x) if callable(proved) else np.asarray(proved)
    counts = y > floor if floor > 0 else np.ones(len(y), dtype=bool)
    slack = ROUNDING * np.abs(np.where(np.isfinite(line), line, 0.0))
    beyond = counts & ((y > line + slack) if below else (y < line - slack))
    with np.errstate(all="ignore"):
        ratios = np.where(counts & np.isfinite(line) & (line > 0), y / line, np.nan)
    return Pair(curve, y, band, line, below, beyond, ratios, _closest(ratios, below))


def _closest(ratios: Array, below: bool) -> int | None:
    """Return where the two are closest, after a start at which they are equal by themselves."""
    known = np.flatnonzero(np.isfinite(ratios) & (below | (ratios > 0)))
    if len(known) == 0:
        return None
    apart = np.abs(ratios[known] - 1.0) > ROUNDING
    later = known[np.argmax(apart) :] if apart.any() else known
    best = np.argmax(ratios[later]) if below else np.argmin(ratios[later])
    return int(later[best])


def beyond_words(pairs: list[Pair]) -> str:
    """Say how many dots are beyond their bounds, and how far."""
    count = sum(int(pair.beyond.sum()) for pair in pairs)
    total = sum(len(pair.y) for pair in pairs)
    factor = max(pair.worst[1] for pair in pairs if pair.beyond.any())
    size = f", by a factor of up to {ratio(factor)}" if np.isfinite(factor) else ""
    return f"{count} of {total} beyond the bound{size}"


def closest_words(pair: Pair, bound: str) -> str:
    """Say how close the dot that is told of comes to its bound."""
    at, times = pair.told or 0, "of" if pair.below else "times"
    value = float(pair.ratios[at])
    if abs(value - 1.0) <= ROUNDING:
        return f"attains {bound}"
    if at != pair.closest:
        return f"starts on {bound}, ends at {ratio(value)} {times} it"
    return f"at closest {ratio(value)} {times} {bound}"
