"""What the pictures of curves share: axes, dots, what lies below the axis, and the first words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._validation import Array
from . import _scales
from ._curves import Curve, check_log
from ._labels import Board, thinned
from ._words import listed, said, spoken

MOST_DOTS = 40
Ends = tuple[float, float]


@dataclass(frozen=True)
class Labels:
    """The words at the axes and above them."""

    x: str
    y: str
    title: str


@dataclass(frozen=True)
class Frame:
    """The axes of a picture of curves.

    Attributes
    ----------
    log
        Whether x and y are logarithmic.
    x, y
        Where they end.
    """

    log: tuple[bool, bool]
    x: Ends
    y: Ends
    labels: Labels

    def on(self, ax: Any) -> Board:
        """Prepare matplotlib axes; return the board on which labels are laid."""
        ax.set(xscale="log" if self.log[0] else "linear", yscale="log" if self.log[1] else "linear")
        ax.set(xlim=self.x, ylim=self.y, xlabel=self.labels.x)
        ax.set_title("\n".join(filter(None, (self.labels.title, self.labels.y))))
        _scales.fix(ax.xaxis, *self.x, self.log[0])
        _scales.fix(ax.yaxis, *self.y, self.log[1])
        return Board(ax)

    def hidden(self, y: Array) -> NDArray[np.bool_]:
        """Tell which values lie below a logarithmic axis."""
        return np.asarray(y < self.y[0]) & self.log[1]

    def dots(self, board: Board, curve: Curve, y: Array, always: Sequence[int] = ()) -> Array:
        """Draw values as dots, thinned out, and mark those below the axis at its edge.

        Returns the points that stand for the curve, in pixels.
        """
        ax, hidden = board.ax, self.hidden(y)
        seen, lost = np.flatnonzero(~hidden), np.flatnonzero(hidden)
        points = np.c_[curve.x, y][seen]
        kept = thinned(board.pixels(points), MOST_DOTS, np.flatnonzero(np.isin(seen, always)))
        style: dict[str, Any] = {"ls": "none", "color": curve.look.color, "zorder": 3}
        ax.plot(
            *points[kept].T, marker=curve.look.marker, ms=3.8, mec="#ffffff", mew=0.4,
            gid="measured", **style,
        )  # fmt: skip
        if len(lost):
            lost = lost[thinned(np.c_[lost, lost], MOST_DOTS // 2)]
            ax.plot(
                curve.x[lost], np.full(len(lost), 0.02), marker="v", ms=4, mfc="none", mew=0.9,
                transform=ax.get_xaxis_transform(), gid="below", **style,
            )  # fmt: skip
            board.avoid_dots(np.c_[curve.x[lost], np.full(len(lost), self.y[0])])
        return board.avoid_line(points)

    def opening(self, curves: list[Curve]) -> str:
        """Say in alt text what is drawn against what, and from where to where."""
        x = np.concatenate([curve.x for curve in curves])
        kinds = list(dict.fromkeys("logarithmic" if log else "linear" for log in self.log))
        what = said(self.labels.y or self.labels.title or "values")
        return (
            f"{what[0].upper() + what[1:]} against {said(self.labels.x) or 'x'} from "
            f"{spoken(x.min())} to {spoken(x.max())}, axes {listed(kinds)}."
        )

    def closing(self, curves: list[Array]) -> str:
        """Say in alt text how many values lie below the axis."""
        count = sum(int(self.hidden(y).sum()) for y in curves)
        if count == 0:
            return ""
        lie = "value lies" if count == 1 else "values lie"
        return f"{count} {lie} below the axis, marked at its edge."


def log_sides(
    scales: str | None, argument: str, x: list[Array], y: list[Array]
) -> tuple[bool, bool]:
    """Return which axes are logarithmic, and complain about what they cannot show."""
    all_x, all_y = np.concatenate(x), np.concatenate([one.ravel() for one in y])
    sides = _scales.chosen(scales, all_x, all_y)
    check_log("x", all_x, sides[0])
    check_log(argument, all_y, sides[1], zero=True)
    return sides


def height(log: bool, dots: Array, others: list[Array], lines: list[Array], floor: float) -> Ends:
    """Return the ends of the y axis.

    It shows all dots but those far below the others, all other marks, and of a line what is not
    much farther out; where a line is farther out altogether, its nearest point.
    """
    other = np.concatenate([*others, np.empty(0)])
    line = np.concatenate([*lines, np.empty(0)])
    if not log:
        shown = np.r_[dots, other]
        return _scales.limits(np.r_[shown, _near(line, shown, 2.0 * _wide(shown))], False)
    dots = dots[dots > floor] if (dots > max(floor, 0.0)).any() else dots[dots > 0]
    dots = dots[dots >= _scales.lowest(dots)]
    other = np.maximum(other, 0.1 * dots.min())
    shown = np.log10(np.r_[dots, other])
    near = _near(np.log10(line[line > 0]), shown, 6.0)
    near = near[near >= shown.min() - 1.0]
    return _scales.limits(10.0 ** np.r_[shown, near], True)


def _wide(shown: Array) -> float:
    return float(np.ptp(shown)) or abs(float(shown[0])) or 1.0


def _near(line: Array, shown: Array, margin: float) -> Array:
    """Return the values of a line that are not far from what is shown, at least the nearest."""
    if len(line) == 0:
        return line
    away = np.maximum(line - shown.max(), shown.min() - line)
    return np.r_[line[away <= margin], line[np.argmin(away)]]


def way(name: str, y: Array) -> str:
    """Say in alt text where a curve begins and ends, and where it turns."""
    text = f"{name} goes from {spoken(y[0])} to {spoken(y[-1])}"
    if y.min() < min(y[0], y[-1]) or y.max() > max(y[0], y[-1]):
        text += f", between {spoken(y.min())} and {spoken(y.max())}"
    return text
