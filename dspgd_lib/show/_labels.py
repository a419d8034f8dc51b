"""Where labels go: beside their curve, inside the axes, and over nothing that is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validation import Array
from ..plotting import FAINT

AIR = 3.0  # pixels that a label keeps to others and to the edge
STEP = 3.0  # pixels between the points that stand for a curve
MOST_POINTS = 250  # of a curve: at least one for each two pixels
Indices = NDArray[np.intp]
Box = tuple[float, float, float, float]
"""Left, bottom, right, top in pixels."""
Place = tuple[float, float, float, float]
"""A point in pixels, and the part of the text (0 to 1) that lies left of it and below it."""


@dataclass
class Board:
    """The finished axes, what is drawn on them, and the labels that have found a place.

    Parameters
    ----------
    ax
        Axes with their data, limits and titles; the layout is settled here, once.
    """

    ax: Any
    boxes: list[Box] = field(default_factory=list)
    points: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ax.figure.draw_without_rendering()
        self.box = self.ax.get_window_extent()
        self.unit = self.ax.figure.dpi / 100  # one pixel of the page

    def pixels(self, points: Array) -> Array:
        """Return where data points (n, 2) lie, those that have a place."""
        with np.errstate(all="ignore"):
            found = self.ax.transData.transform(np.asarray(points, dtype=float))
        return np.asarray(found[np.isfinite(found).all(axis=1)])

    def avoid_line(self, points: Array) -> Array:
        """Keep labels off the polyline through data points; return its points in pixels."""
        dense = self._inside(_densely(self.pixels(points), STEP * self.unit))
        self.points.append(dense)
        return dense

    def avoid_dots(self, points: Array) -> Array:
        """Keep labels off these data points; return them in pixels."""
        found = self._inside(self.pixels(points))
        self.points.append(found)
        return found

    def light(self, points: Array) -> Array:
        """Return so many points of a polyline as a picture shows: a page must carry them."""
        return points[self._shown(points)]

    def band(self, x: Array, low: Array, high: Array, color: str) -> None:
        """Fill what lies between two curves; on a logarithmic axis also what is 0."""
        low = np.maximum(low, self.ax.get_ylim()[0]) if self.ax.get_yscale() == "log" else low
        kept = np.union1d(self._shown(np.c_[x, low]), self._shown(np.c_[x, high]))
        style: dict[str, Any] = {"color": color, "alpha": 0.16, "lw": 0, "gid": "band"}
        self.ax.fill_between(x[kept], low[kept], high[kept], **style)

    def _shown(self, points: Array) -> Indices:
        with np.errstate(all="ignore"):
            pixels = self.ax.transData.transform(points)
        box = self.box
        pixels = np.clip(pixels, (box.x0, box.y0), (box.x1, box.y1))
        edges = np.flatnonzero(np.diff(np.isfinite(points).all(axis=1)))
        return thinned(pixels, MOST_POINTS, np.r_[edges, edges + 1])

    def _inside(self, pixels: Array) -> Array:
        box = self.box
        across = (pixels[:, 0] >= box.x0 - 1) & (pixels[:, 0] <= box.x1 + 1)
        return pixels[across & (pixels[:, 1] >= box.y0 - 1) & (pixels[:, 1] <= box.y1 + 1)]

    def beside(self, text: str, color: str, own: Array, weight: str = "normal") -> Any:
        """Write the name of a curve at its end, or as near to its end as there is room."""
        words = self.write(text, color, own, weight, _beside(own, self.unit))
        if words is not None and len(own):
            self._lead(own[np.argmin(_distance(own, self.boxes[-1]))], self.boxes[-1], color)
        return words

    def near(self, text: str, color: str, point: Array, weight: str = "normal") -> Any:
        """Write a remark on one point, given in pixels, and lead the eye from one to the other."""

        def struck(box: Box) -> float:
            return 2.0 * self._strikes(point, box)

        words = self.write(text, color, point[None], weight, _around(point, self.unit), struck, 0.4)
        if words is not None:
            self._lead(point, self.boxes[-1], FAINT)
        return words

    def anywhere(self, text: str, color: str) -> Any:
        """Write a text where there is room, in a corner if it can be."""
        return self.write(text, color, np.empty((0, 2)), "normal", ())

    def _strikes(self, point: Array, box: Box) -> int:
        """Return how many other labels lie on the way from a point to a text."""
        way = _densely(np.array([point, np.clip(point, box[:2], box[2:])]), STEP * self.unit)
        return sum(bool((_distance(way, b) == 0).any()) for b in self.boxes if b is not box)

    def _lead(self, point: Array, box: Box, color: str) -> None:
        """Draw a thin line from a point to a text that is not beside it."""
        end = np.clip(point, box[:2], box[2:])
        far = float(np.hypot(*(end - point)))
        if far < 16 * self.unit or self._strikes(point, box):
            return
        start = point + (end - point) * 6 * self.unit / far
        inverse = self.ax.transAxes.inverted()
        line = np.array([start, point + (end - point) * (1 - 2 * self.unit / far)])
        self.ax.plot(
            *inverse.transform(line).T, color=color, lw=0.7, transform=self.ax.transAxes,
            zorder=3.5, gid="lead", scalex=False, scaley=False,
        )  # fmt: skip
        self.points.append(_densely(line, STEP * self.unit))

    def write(
        self,
        text: str,
        color: str,
        own: Array,
        weight: str,
        places: Iterable[Place],
        dislike: Callable[[Box], float] = lambda box: 0.0,
        weight_far: float = 1.0,
    ) -> Any:
        """Write a text at the best of some places, or where else in the axes it fits."""
        found = list(self._all(places))
        best: tuple[float, Box, str] | None = None
        for level, lines in enumerate(_broken(text)):
            words = self._words(lines, color, weight)
            size = words.get_window_extent()
            words.remove()
            if size.width > 0.62 * self.box.width and lines != _broken(text)[-1]:
                continue
            for x, y, left, below, order in found:
                corner = (x - left * size.width, y - below * size.height)
                box = self._shifted(*corner, size.width, size.height)
                cost = self._cost(box, own, weight_far) + order + dislike(box) + level
                if cost < (best[0] if best else np.inf):
                    best = cost, box, lines
                if cost < level + 1.0:
                    break
            if best and best[0] < level + 1.0:
                break
        if best is None:  # a text larger than the axes, or more texts than they hold
            return None
        self.boxes.append(best[1])
        words = self._words(best[2], color, weight)
        words.set_position(self.ax.transAxes.inverted().transform(best[1][:2]))
        return words

    def _words(self, lines: str, color: str, weight: str) -> Any:
        words = self.ax.text(
            0, 0, lines, color=color, weight=weight, transform=self.ax.transAxes,
            ha="left", va="bottom", zorder=6, linespacing=1.1,
        )  # fmt: skip
        words.set_in_layout(False)
        return words

    def _all(self, places: Iterable[Place]) -> Iterator[tuple[float, float, float, float, float]]:
        """Return the places, then all others, with how much they are disliked (less than 1)."""
        for order, place in enumerate(places):
            yield *place, min(0.003 * order, 0.9)
        box = self.box
        for y in np.linspace(box.y1, box.y0, 24):
            for x in np.linspace(box.x1, box.x0, 12):
                yield float(x), float(y), 0.5, 0.5, 0.95

    def _shifted(self, x: float, y: float, wide: float, high: float) -> Box:
        """Return the box with this lower left corner, moved into the axes where it sticks out."""
        air, box = AIR * self.unit, self.box
        x = min(max(x, box.x0 + air), box.x1 - air - wide)
        y = min(max(y, box.y0 + air), box.y1 - air - high)
        return x, y, x + wide, y + high

    def _cost(self, box: Box, own: Array, weight_far: float) -> float:
        """Return ∞ over another label or outside the axes; else how much is covered, how far."""
        air = AIR * self.unit
        x0, y0, x1, y1 = box
        if x0 < self.box.x0 or y0 < self.box.y0:
            return np.inf
        for a0, b0, a1, b1 in self.boxes:
            if x0 - air < a1 and a0 < x1 + air and y0 - air < b1 and b0 < y1 + air:
                return np.inf
        covered, nearest = 0, np.inf
        for points in self.points:
            if len(points) == 0:
                continue
            away = _distance(points, box)
            covered += int((away < air).sum())
            if points is not own:
                nearest = min(nearest, float(away.min()))
        far = float(_distance(own, box).min()) if len(own) else 0.0
        # Beside another curve than its own, a label would name the wrong one.
        wrong = 6.0 if far > nearest + 1.0 else 0.0
        return 2.0 * covered + weight_far * (wrong + 0.05 * max(0.0, far / self.unit - 12))


def _broken(text: str) -> list[str]:
    """Return a text in one line, and in more and shorter ones."""
    found = ["\n".join(wrap(text, longest, break_long_words=False)) for longest in (99, 24, 16, 12)]
    found.append("\n".join(wrap(text, 16)) or " ")
    return list(dict.fromkeys(filter(None, found)))


def _distance(points: Array, box: Box) -> Array:
    """Return how far points lie from a box."""
    dx = np.maximum(np.maximum(box[0] - points[:, 0], points[:, 0] - box[2]), 0)
    dy = np.maximum(np.maximum(box[1] - points[:, 1], points[:, 1] - box[3]), 0)
    return np.asarray(np.hypot(dx, dy))


def _densely(pixels: Array, step: float) -> Array:
    """Return points on a polyline, none farther than a step from the next."""
    if len(pixels) < 2:
        return pixels
    pixels = np.clip(pixels, -1e4, 1e4)
    length = np.r_[0.0, np.cumsum(np.abs(np.diff(pixels, axis=0)).max(axis=1))]
    count = int(min(length[-1] / step, 4000)) + 2
    at = np.linspace(0, length[-1], count)
    return np.c_[np.interp(at, length, pixels[:, 0]), np.interp(at, length, pixels[:, 1])]


def _beside(own: Array, unit: float) -> Iterator[Place]:
    """Return places above and below a curve, from its right end to its left one."""
    if len(own) == 0:
        return
    order = np.argsort(-own[:, 0], kind="stable")
    for i in order[np.unique(np.linspace(0, len(order) - 1, 30).astype(int))]:
        x, y = own[i]
        for gap in (5.0, 10.0):
            for side in (0.5, 1.0, 0.0):
                yield x, y + gap * unit, side, 0.0
                yield x, y - gap * unit, side, 1.0
        yield x + 8 * unit, y, 0.0, 0.5
        yield x - 8 * unit, y, 1.0, 0.5


def _around(point: Array, unit: float) -> Iterator[Place]:
    """Return places round a point, near ones first."""
    x, y = point
    for gap in (9.0, 14.0, 22.0, 34.0, 48.0, 64.0):
        d = gap * unit
        yield from (
            (x, y + d, 0.5, 0.0), (x, y - d, 0.5, 1.0), (x + d, y, 0.0, 0.5), (x - d, y, 1.0, 0.5),
            (x + 0.7 * d, y + 0.7 * d, 0.0, 0.0), (x - 0.7 * d, y + 0.7 * d, 1.0, 0.0),
            (x + 0.7 * d, y - 0.7 * d, 0.0, 1.0), (x - 0.7 * d, y - 0.7 * d, 1.0, 1.0),
        )  # fmt: skip


def thinned(pixels: Array, most: int, always: ArrayLike = ()) -> Indices:
    """Return indices of at most about ``most`` points, evenly spaced on the picture."""
    if len(pixels) <= most:
        return np.arange(len(pixels))
    with np.errstate(invalid="ignore"):
        moves = np.abs(np.diff(pixels, axis=0)).max(axis=1)
    way = np.r_[0.0, np.cumsum(np.where(np.isfinite(moves), moves, 0.0))]
    wanted = np.searchsorted(way, np.linspace(0, way[-1], most))
    kept = np.r_[wanted, 0, len(pixels) - 1, np.asarray(always, dtype=int)]
    return np.unique(np.minimum(kept, len(pixels) - 1))
