"""Measured against proved: dots, the line that they never cross, and how close they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Array
from ..figures.canvas import Panel
from ..figures.picture import Picture
from ..figures.words import plain
from ..plotting import BOUND, FAINT, INK
from . import _scales
from ._curves import Curve, beside, check_log, check_text, collected, numbers
from ._labels import Board, thinned
from ._words import listed, ratio, said, spoken, written

MOST_DOTS = 40
ROUNDING = 1e-9  # relative: how far a value that attains its bound may round beyond it
FORBIDDEN = "#fbe9e7"


@dataclass(frozen=True)
class Pair:
    """One measured curve with its bound, and how they compare.

    Attributes
    ----------
    y, band
        The dots, and the smallest and largest value over seeds (the same for one run).
    compared
        Measured over proved where both count; NaN elsewhere.
    """

    curve: Curve
    y: Array
    band: tuple[Array, Array]
    proved: Array | None
    beyond: Array
    compared: Array
    closest: int | None


def bound(
    x: ArrayLike | Mapping[str, ArrayLike] | None,
    measured: ArrayLike | Mapping[str, ArrayLike],
    proved: ArrayLike | Mapping[str, Any] | None,
    *,
    x_label: str = "step t",
    y_label: str = "",
    scales: str | None = None,
    below: bool = True,
    names: tuple[str, str] = ("measured", "proved"),
    title: str = "",
    floor: float = 0.0,
    size: tuple[int, int] = (360, 260),
) -> Picture:
    """Draw measurements as dots, what is proved about them as a line, and say how close they come.

    The side of the line where no dot may be is shaded. A dot that is there all the same is ringed,
    and the picture and its alt text say so.

    Parameters
    ----------
    x : array of shape (n,), dict of such, or None
        Places, in any order; None for the steps 0, 1, 2, … A dict where curves differ in length.
    measured : array of shape (n,) or (seeds, n), or dict of such
        Several curves by name, at most 6. The display name of a preconditioner has its look. Of
        several seeds the dots are those that come closest to the bound, with a band over all.
    proved : array of shape (n,), dict of such, or None
        A dict has the keys of `measured`, and None where nothing is proved; one array is a bound
        for all curves. ∞ is no bound.
    x_label, y_label, title : str
        The y_label stands above the axes, below the title.
    scales : str, optional
        "log-log", "linear-log" (x linear, y logarithmic), "log-linear" or "linear"; by itself each
        axis is logarithmic if its numbers are positive.
    below : bool, optional
        False if the bound is a lower one.
    names : pair of str, optional
        What dots and line are called where they have no names of their own.
    floor : float, optional
        Values up to this one are rounding: they are marked at the lower edge, and not compared.
    size : pair of int, optional
        Width and height in pixels.

    Returns
    -------
    Picture
        It shows itself as the last expression of a cell; its repr says what is seen.

    Raises
    ------
    ValueError
        If shapes or keys do not fit, a number is NaN, or has no place on a logarithmic axis.

    Examples
    --------
    >>> t = np.arange(50)
    >>> picture = bound(t, 0.8 * 0.5 ** t, 0.5 ** t, y_label="distance")
    >>> "measured is at closest 0.80 of what is proved" in repr(picture)
    True
    """
    check_text(x_label=x_label, y_label=y_label, title=title)
    pairs = _pairs(x, measured, proved, below, names, floor)
    sides = _log_sides(scales, pairs)
    drawing = _Drawing(pairs, sides, below, names, (x_label, y_label, title), floor)
    return Picture([Panel(drawing.draw, drawing.alt(), size)])


def _pairs(
    x: Any, measured: Any, proved: Any, below: bool, names: tuple[str, str], floor: float
) -> list[Pair]:
    if not (isinstance(names, (tuple, list)) and len(names) == 2):
        raise ValueError(f"names must be two texts, for dots and line, found {names!r}.")
    check_text(**{"names[0]": names[0], "names[1]": names[1]})
    level = float(numbers("floor", [floor])[0])
    curves = collected("measured", x, measured, names[0])
    keys = list(measured) if isinstance(measured, Mapping) else [names[0]]
    if isinstance(proved, Mapping) and not isinstance(measured, Mapping):
        raise ValueError("proved is a dict, so measured must be one with the same keys.")
    known = beside("proved", proved, x, curves, keys)
    return [_compared(c, p, below, level) for c, p in zip(curves, known, strict=True)]


def _compared(curve: Curve, proved: Any, below: bool, floor: float) -> Pair:
    if callable(proved):
        proved = np.asarray(numbers("proved", proved(curve.x), infinite=True))
    band = curve.values.min(axis=0), curve.values.max(axis=0)
    y = band[1] if below else band[0]
    none = np.full(len(y), np.nan)
    if proved is None:
        return Pair(curve, y, band, None, np.zeros(len(y), dtype=bool), none, None)
    counts = np.isfinite(proved) & (y > floor if floor > 0 else True)
    sign = 1.0 if below else -1.0
    slack = ROUNDING * np.abs(np.where(np.isfinite(proved), proved, 0.0))
    beyond = counts & (sign * (y - proved) > slack)
    beyond |= (proved == -np.inf) if below else (proved == np.inf)
    with np.errstate(all="ignore"):
        compared = np.where(counts & (proved > 0), y / proved, np.nan)
    return Pair(curve, y, band, proved, beyond, compared, _closest(compared, beyond, below))


def _closest(compared: Array, beyond: Array, below: bool) -> int | None:
    """Return where the two are closest, after a start at which they are equal by themselves."""
    known = np.flatnonzero(np.isfinite(compared))
    if len(known) == 0:
        return None
    away = np.abs(compared[known] - 1.0) > ROUNDING
    first = known[np.argmax(away)] if away.any() else known[0]
    if first == known[0] or beyond.any():
        first = known[0]
    later = known[known >= first]
    best = np.argmax(compared[later]) if below else np.argmin(compared[later])
    return int(later[best])


def _log_sides(scales: str | None, pairs: list[Pair]) -> tuple[bool, bool]:
    x = np.concatenate([pair.curve.x for pair in pairs])
    y = np.concatenate([pair.curve.values.ravel() for pair in pairs])
    sides = _scales.chosen(scales, x, y)
    check_log("x", x, sides[0])
    check_log("measured", y, sides[1], zero=True)
    return sides


@dataclass(frozen=True)
class _Drawing:
    """The panel: its limits, its curves, its words."""

    pairs: list[Pair]
    log: tuple[bool, bool]
    below: bool
    names: tuple[str, str]
    labels: tuple[str, str, str]
    floor: float

    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ends of both axes; a bound far beyond the dots does not squeeze them."""
        x = np.concatenate([pair.curve.x for pair in self.pairs])
        y = np.concatenate([np.r_[pair.band] for pair in self.pairs])
        known = [p.proved[np.isfinite(p.proved)] for p in self.pairs if p.proved is not None]
        lines = np.concatenate(known) if known else np.empty(0)
        if self.log[1]:
            y = y[y > max(self.floor, 0.0)] if (y > self.floor).any() else y[y > 0]
            y, lines = y[y >= _scales.lowest(y)], lines[lines > 0]
            lines = lines[lines >= 0.1 * y.min()]
        return _scales.limits(x, self.log[0], 0.03), _scales.limits(np.r_[y, lines], self.log[1])

    def draw(self, ax: Any) -> None:
        x, y = self.limits()
        ax.set(xscale="log" if self.log[0] else "linear", yscale="log" if self.log[1] else "linear")
        ax.set(xlim=x, ylim=y, xlabel=self.labels[0])
        ax.set_title("\n".join(filter(None, (self.labels[2], self.labels[1]))))
        _scales.fix(ax.xaxis, *x, self.log[0])
        _scales.fix(ax.yaxis, *y, self.log[1])
        board = Board(ax)
        common = self._common()
        for i, pair in enumerate(self.pairs):
            if not (common and i):
                self._draw_line(ax, board, pair, self._line_color(pair))
        owns = [self._draw_dots(ax, board, pair) for pair in self.pairs]
        self._label(board, owns)

    def _common(self) -> bool:
        """Whether one bound holds for several curves."""
        first = self.pairs[0].proved
        return (
            len(self.pairs) > 1
            and first is not None
            and all(
                pair.proved is not None
                and np.array_equal(pair.proved, first)
                and np.array_equal(pair.curve.x, self.pairs[0].curve.x)
                for pair in self.pairs
            )
        )

    def _line_color(self, pair: Pair) -> str:
        return BOUND if len(self.pairs) == 1 or self._common() else pair.curve.look.color

    def _draw_line(self, ax: Any, board: Board, pair: Pair, color: str) -> None:
        if pair.proved is None:
            return
        line = np.where(np.isfinite(pair.proved), pair.proved, np.nan)
        if self.log[1]:
            # A bound that is not positive lies below the picture, not in a gap.
            line = np.where(line <= 0, 1e-300, line)
        alone = len(self.pairs) == 1 or self._common()
        _shade(ax, board, pair.curve.x, line, self.below, color, alone)
        ax.plot(pair.curve.x, line, color=color, lw=1.4, zorder=2.5, gid="proved")

    def _draw_dots(self, ax: Any, board: Board, pair: Pair) -> Array:
        curve, low, high = pair.curve, *ax.get_ylim()
        if len(curve.values) > 1:
            ax.fill_between(curve.x, *pair.band, color=curve.look.color, alpha=0.15, lw=0)
        seen = pair.y >= low if self.log[1] else np.ones(len(pair.y), dtype=bool)
        points = np.c_[curve.x, np.maximum(pair.y, low)]
        pixels = ax.transData.transform(points)
        chosen = np.flatnonzero(seen)
        always = [] if pair.closest is None else list(np.flatnonzero(chosen == pair.closest))
        kept = chosen[thinned(pixels[chosen], MOST_DOTS, always)] if len(chosen) else chosen
        style = {"ls": "none", "color": curve.look.color, "mec": "#ffffff", "mew": 0.4}
        dots = {"marker": curve.look.marker, "ms": 3.6, "zorder": 3, "gid": "measured"}
        ax.plot(*points[kept].T, **style, **dots)
        lost = np.flatnonzero(~seen)
        lost = lost[thinned(pixels[lost], MOST_DOTS // 2)] if len(lost) else lost
        if len(lost):
            ax.plot(
                curve.x[lost], np.full(len(lost), 0.015), "v", ms=3.5, mfc="none", mew=0.8,
                mec=curve.look.color, transform=ax.get_xaxis_transform(), gid="below", zorder=3,
            )  # fmt: skip
        _ring(ax, points, pixels, pair.beyond)
        board.avoid_dots(np.c_[curve.x[lost], np.full(len(lost), low)])
        return board.avoid_line(points[seen])

    def _label(self, board: Board, owns: list[Array]) -> None:
        lines = []
        for pair in self.pairs:
            if pair.proved is None:
                lines.append(np.empty((0, 2)))
                continue
            points = np.c_[pair.curve.x, np.where(np.isfinite(pair.proved), pair.proved, np.nan)]
            lines.append(board.avoid_line(points))
        self._remark(board)
        several = len(self.pairs) > 1
        for pair, own in zip(self.pairs, owns, strict=True):
            board.beside(pair.curve.name, pair.curve.look.color, own)
        if not several or self._common():
            if self.pairs[0].proved is not None:
                board.beside(plain(self.names[1]), BOUND, lines[0])
        elif any(len(line) for line in lines):
            text = f"dots {plain(self.names[0])}, lines {plain(self.names[1])}"
            board.write(text, INK, np.empty((0, 2)), "normal", iter(()))

    def _remark(self, board: Board) -> None:
        """Write how close the closest comes, beside its dot, or what is beyond its bound."""
        broken = [pair for pair in self.pairs if pair.beyond.any()]
        if broken:
            pair = max(broken, key=lambda one: _worst(one, self.below)[1])
            at = _worst(pair, self.below)[0]
            point = self._pixel(board, pair, at)
            board.near(_broken(broken, self.below), BOUND, point, "bold")
            return
        pair = self._tightest()
        if pair is None or pair.closest is None:
            return
        value = float(pair.compared[pair.closest])
        point = self._pixel(board, pair, pair.closest)
        board.near(_remark(value, len(self.pairs) > 1, self.below), INK, point)
        spot = board.ax.transData.inverted().transform(point)
        board.ax.plot(*spot, "o", ms=8, mfc="none", mec=INK, mew=0.9, zorder=4, gid="closest")

    def _tightest(self) -> Pair | None:
        pairs = [pair for pair in self.pairs if pair.closest is not None]
        if not pairs:
            return None
        sign = 1.0 if self.below else -1.0
        return max(pairs, key=lambda one: sign * one.compared[one.closest or 0])

    def _pixel(self, board: Board, pair: Pair, at: int) -> Array:
        low, high = board.ax.get_ylim()
        y = np.clip(pair.y[at], low, high)
        return np.asarray(board.ax.transData.transform((pair.curve.x[at], y)))

    def alt(self) -> str:
        """Say what is seen, with the numbers."""
        xs = np.concatenate([pair.curve.x for pair in self.pairs])
        kinds = ["logarithmic" if log else "linear" for log in self.log]
        what = said(self.labels[1] or self.labels[2] or "values")
        parts = [
            f"{what[0].upper() + what[1:]} against {said(self.labels[0])} from {spoken(xs.min())} "
            f"to {spoken(xs.max())}, axes {listed(list(dict.fromkeys(kinds)))}."
        ]
        parts += [_told(pair, self.names[1], self.below) for pair in self.pairs]
        low = self.limits()[1][0]
        hidden = sum(int((pair.y < low).sum()) for pair in self.pairs) if self.log[1] else 0
        if hidden:
            parts.append(f"{hidden} values lie below the axis, marked at its edge.")
        if self.floor > 0:
            parts.append(f"Values up to {spoken(self.floor)} count as rounding.")
        return " ".join(parts)


def _shade(
    ax: Any, board: Board, x: Array, line: Array, below: bool, color: str, alone: bool
) -> None:
    """Shade the forbidden side of a bound: all of it, or a strip where there are several."""
    low, high = ax.get_ylim()
    if alone:
        ax.fill_between(x, line, high if below else low, color=FORBIDDEN, lw=0, gid="forbidden")
        return
    pixels = ax.transData.transform(np.c_[x, line])
    pixels[:, 1] += (9 if below else -9) * board.unit
    edge = ax.transData.inverted().transform(pixels)[:, 1]
    ax.fill_between(x, line, edge, color=color, alpha=0.14, lw=0, gid="forbidden")


def _ring(ax: Any, points: Array, pixels: Array, beyond: Array) -> None:
    """Ring the points beyond the bound."""
    where = np.flatnonzero(beyond)
    if len(where):
        where = where[thinned(pixels[where], MOST_DOTS)]
        style = {"ms": 8, "mfc": "none", "mec": BOUND, "mew": 1.3, "zorder": 4}
        ax.plot(*points[where].T, "o", gid="beyond", **style)


def _worst(pair: Pair, below: bool) -> tuple[int, float]:
    """Return which point is farthest beyond the bound, and by which factor (∞ if none tells)."""
    where = np.flatnonzero(pair.beyond)
    factors = np.where(np.isfinite(pair.compared[where]), pair.compared[where], np.inf)
    if not below:
        with np.errstate(divide="ignore"):
            factors = np.where(np.isfinite(factors), 1.0 / factors, np.inf)
    worst = int(np.argmax(factors))
    return int(where[worst]), float(factors[worst])


def _broken(pairs: list[Pair], below: bool) -> str:
    count, total = (sum(int(f(p)) for p in pairs) for f in (lambda p: p.beyond.sum(), _compared_n))
    factor = max(_worst(pair, below)[1] for pair in pairs)
    size = f", by a factor of up to {ratio(factor)}" if np.isfinite(factor) else ""
    return f"{count} of {total} beyond the bound{size}"


def _compared_n(pair: Pair) -> int:
    return len(pair.y)


def _remark(value: float, several: bool, below: bool) -> str:
    if abs(value - 1.0) <= ROUNDING:
        return "attained"
    times = "of" if below else "times"
    return f"at closest {ratio(value)} {times} {'its' if several else 'the'} bound"


def _told(pair: Pair, line: str, below: bool) -> str:
    """Say in alt text how one curve goes, and how it compares."""
    name, y = pair.curve.name, pair.y
    ends = f"{name} goes from {spoken(y[0])} to {spoken(y[-1])}"
    if not y.min() >= min(y[0], y[-1]) or not y.max() <= max(y[0], y[-1]):
        ends += f", between {spoken(y.min())} and {spoken(y.max())}"
    if len(pair.curve.values) > 1:
        side = "largest" if below else "smallest"
        ends = f"Of {len(pair.curve.values)} seeds the {side} is shown: {ends}"
    if pair.proved is None:
        return f"{ends}; nothing is proved about it."
    if pair.beyond.any():
        return f"{ends}. {_broken([pair], below)}: first at {spoken(pair.curve.x[pair.beyond][0])}."
    if pair.closest is None:
        return f"{ends}, on its side of what is {line}."
    value = float(pair.compared[pair.closest])
    at = f", at {spoken(pair.curve.x[pair.closest])}"
    if abs(value - 1.0) <= ROUNDING:
        return f"{ends} and attains what is {line}{at}."
    started = abs(pair.compared[np.isfinite(pair.compared)][0] - 1.0) <= ROUNDING
    start = "Both start equal; then " if started and pair.closest else ""
    times = "of" if below else "times"
    return f"{ends}. {start}{name} is at closest {ratio(value)} {times} what is {line}{at}."
