"""Small runs side by side: numbered as on their map, all on the same axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validation import Array
from ..figures.words import plain
from ..plotting import FAINT, INK
from ._curves import numbers
from ._map import badge
from ._words import said, spoken, written

MOST_RUNS = 6
DEEPEST, HIGHEST = 12.0, 6.0  # decades below and above the starts that the common axis shows
HEAD, FOOT = 22.0, 6.0  # pixels above all runs and below each
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Thumbnails:
    """What is drawn and said about the runs that hang from a map."""

    series: list[Array]
    kinds: list[str]
    places: list[tuple[float, float]]
    label: str
    size: tuple[int, int]

    @property
    def log(self) -> bool:
        """Whether the common axis is logarithmic."""
        over = [one for one in self.series if one.ndim == 1]
        return bool(over) and all((one >= 0).all() and (one > 0).any() for one in over)

    def ends(self) -> tuple[float, float]:
        """Return the ends of the common axis, in decades if it is logarithmic."""
        flat = [self._heights(one) for one in self.series if one.ndim == 1]
        if not flat:
            return 0.0, 1.0
        values = np.concatenate(flat)
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        if self.log:
            starts = np.array([one[np.isfinite(one)][0] for one in flat])
            low = max(low, float(starts.min()) - DEEPEST)
            high = min(high, float(starts.max()) + HIGHEST)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def _heights(self, one: Array) -> Array:
        if not self.log:
            return one
        with np.errstate(divide="ignore"):
            return np.asarray(np.log10(one))

    def draw(self, ax: Any) -> None:
        """Draw on axes that fill their panel; their unit is a pixel."""
        width, height = self.size
        ax.set(xlim=(0, width), ylim=(0, height))
        head = HEAD if self.label else 2.0
        if self.label:
            ax.text(10, height - 5, plain(self.label), color=INK, va="top", ha="left")
        columns = 1 if len(self.series) <= 3 else 2
        rows = -(-len(self.series) // columns)
        high, wide = (height - head) / rows, width / columns
        for i in range(len(self.series)):
            left, top = (i % columns) * wide, height - head - (i // columns) * high
            self._draw_one(ax, i, (left + 10, top - high + FOOT, left + wide - 10, top))

    def _draw_one(self, ax: Any, i: int, box: Box) -> None:
        left, bottom, right, top = box
        badge(ax, left + 8, top - 10, i + 1)
        steps = len(self.series[i]) - 1
        style: dict[str, Any] = {"va": "center_baseline", "color": INK}
        ax.text(left + 21, top - 10, self.kinds[i], ha="left", **style)
        one, inner = self.series[i], (left, bottom + 17, right, top - 24)
        foot = f"{steps:,} steps" if steps != 1 else "1 step"
        if one.ndim == 1:
            foot = f"{foot}, to {_size(one[-1])}"
            points = self._over_steps(one, inner)
        else:
            points = _in_plane(one, inner)
        ax.text(right, bottom + 6, foot, ha="right", **(style | {"color": "#5d6470"}))
        ax.plot([left, right], [inner[1] - 2] * 2, color=FAINT, lw=0.7)
        ax.plot(*points.T, color=INK, lw=1.2, gid=f"run-{i + 1}", solid_joinstyle="round")
        ax.plot(*points[0], "o", color=INK, ms=3.2)

    def _over_steps(self, one: Array, box: Box) -> Array:
        low, high = self.ends()
        share = np.clip((self._heights(one) - low) / (high - low), 0.0, 1.0)
        across = np.linspace(0.0, 1.0, len(one))
        return np.c_[
            box[0] + 2 + across * (box[2] - box[0] - 4), box[1] + share * (box[3] - box[1])
        ]

    def alt(self) -> str:
        """Say how each run goes."""
        parts = ["Small runs, numbered as on the map."]
        if self.label:
            parts = [
                f"{said(self.label)[0].upper()}{said(self.label)[1:]} of small runs, numbered."
            ]
        for i, (one, kind, (x, y)) in enumerate(
            zip(self.series, self.kinds, self.places, strict=True), 1
        ):
            went = ""
            if one.ndim == 1:
                went = f" from {spoken(one[0])} to {spoken(one[-1])}"
            parts.append(
                f"Run {i} at ({spoken(x)}, {spoken(y)}), {kind}:{went} in {len(one) - 1:,} steps."
            )
        return " ".join(parts)


def small_run(name: str, value: Any) -> Array:
    """Return a series of shape (steps,), infinite where it left the floats, or (steps, 2)."""
    array = numbers(name, value, infinite=True)
    flat = array.reshape(len(array), -1)
    if array.ndim > 1 and flat.shape[1] == 1:
        array = flat[:, 0]
    elif array.ndim > 1:
        array = flat
    if array.ndim == 2 and (array.shape[1] != 2 or np.isinf(array).any()):
        raise ValueError(
            f"{name} must have a series of shape (steps,) or of finite numbers (steps, 2), found "
            f"{np.shape(value)}."
        )
    if len(array) < 2 or (array.ndim == 1 and not np.isfinite(array[0])):
        raise ValueError(f"{name} must have a series of two steps or more, finite at its start.")
    return array


def _in_plane(way: Array, box: Box) -> Array:
    """Return a way in a plane, scaled alike in both directions, in the middle of a box."""
    low, high = way.min(axis=0), way.max(axis=0)
    room = np.array([box[2] - box[0] - 8, box[3] - box[1]])
    extent = np.where(high > low, high - low, 1e-300)
    scale = float((room / extent).min())
    middle = np.array([0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3])])
    return np.asarray(middle + (way - 0.5 * (low + high)) * scale)


def _size(value: float) -> str:
    return "∞" if value == np.inf else "−∞" if value == -np.inf else written(value)
