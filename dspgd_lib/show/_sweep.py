"""A quantity over a parameter: medians over seeds as dots, their spread, and the law predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Array
from ..figures.canvas import Panel
from ..figures.picture import Picture
from ..figures.words import plain
from . import _scales
from ._curves import Curve, beside, check_log, check_text, collected, numbers
from ._labels import Board, thinned
from ._words import listed, minus, said, spoken

MOST_DOTS = 40
DASHES = (0, (5, 3))
Law = ArrayLike | Callable[[Array], ArrayLike] | None


@dataclass(frozen=True)
class Series:
    """One curve, what is predicted of it, and the slope that it has.

    Attributes
    ----------
    law
        Places and values of the predicted curve, or None.
    slope, power
        Fitted and predicted exponent; None without a prediction.
    """

    curve: Curve
    y: Array
    band: tuple[Array, Array] | None
    law: tuple[Array, Array] | None
    at_dots: Array | None
    slope: float | None
    power: float | None


def sweep(
    x: ArrayLike | Mapping[str, ArrayLike],
    values: ArrayLike | Mapping[str, ArrayLike],
    law: Law | Mapping[str, Law] = None,
    power: float | Mapping[str, float | None] | None = None,
    *,
    x_label: str = "",
    y_label: str = "",
    scales: str | None = None,
    names: tuple[str, str] = ("measured", "predicted"),
    title: str = "",
    within: tuple[float, float] = (0.0, np.inf),
    size: tuple[int, int] = (360, 260),
) -> Picture:
    """Draw a quantity over a parameter as dots, and what is predicted of it as a dashed line.

    Parameters
    ----------
    x : array of shape (n,), or dict of such
        Values of the parameter, in any order.
    values : array of shape (n,) or (seeds, n), or dict of such
        Dots are medians over seeds, the band goes from the 10th to the 90th percentile. Several
        curves by name, at most 6; the display name of a preconditioner has its look.
    law : array of shape (n,), function of an array, or dict of such, optional
        What is predicted, over x. One law is that of all curves.
    power : float, or dict of such, optional
        A predicted exponent, drawn through the middle dot; the exponent that the dots have (least
        squares on logarithms) is written beside it. Both axes must be logarithmic.
    x_label, y_label, title : str
        The y_label stands above the axes, below the title.
    scales : str, optional
        "log-log", "linear-log" (x linear, y logarithmic), "log-linear" or "linear"; by itself each
        axis is logarithmic if its numbers are positive.
    names : pair of str, optional
        What dots and law are called where they have no names of their own.
    within : pair of float, optional
        The range of x where `power` is predicted: fit and line keep to it.
    size : pair of int, optional
        Width and height in pixels.

    Returns
    -------
    Picture
        It shows itself as the last expression of a cell; its repr says what is seen.

    Raises
    ------
    ValueError
        If shapes or keys do not fit, a number is NaN, has no place on a logarithmic axis, or a
        power is asked for on other axes or from fewer than two dots.

    Examples
    --------
    >>> eps = np.geomspace(0.01, 1, 9)
    >>> picture = sweep(eps, 3 / eps, power=-1, x_label="ε", y_label="steps")
    >>> "slope −1.00, predicted −1" in repr(picture)
    True
    """
    check_text(x_label=x_label, y_label=y_label, title=title)
    if not (isinstance(names, (tuple, list)) and len(names) == 2):
        raise ValueError(f"names must be two texts, for dots and law, found {names!r}.")
    check_text(**{"names[0]": names[0], "names[1]": names[1]})
    curves = collected("values", x, values, names[0])
    keys = list(values) if isinstance(values, Mapping) else [names[0]]
    sides = _log_sides(scales, curves)
    laws = beside("law", law, x, curves, keys)
    powers = _powers(power, keys, sides)
    parts = zip(curves, laws, powers, strict=True)
    series = [_predicted(curve, one, p, sides, within) for curve, one, p in parts]
    common = len(curves) > 1 and law is not None and not isinstance(law, Mapping)
    drawing = _Drawing(series, sides, names, (x_label, y_label, title), common, within)
    return Picture([Panel(drawing.draw, drawing.alt(), size)])


def _log_sides(scales: str | None, curves: list[Curve]) -> tuple[bool, bool]:
    x = np.concatenate([curve.x for curve in curves])
    y = np.concatenate([curve.values.ravel() for curve in curves])
    sides = _scales.chosen(scales, x, y)
    check_log("x", x, sides[0])
    check_log("values", y, sides[1], zero=True)
    return sides


def _powers(power: Any, keys: list[str], sides: tuple[bool, bool]) -> list[float | None]:
    if power is None:
        return [None] * len(keys)
    if sides != (True, True):
        raise ValueError(
            "power is a slope on two logarithmic axes: leave it out, or pass scales="
            '"log-log" and positive numbers.'
        )
    given = power if isinstance(power, Mapping) else dict.fromkeys(keys, power)
    if set(given) != set(keys):
        raise ValueError(f"power must have the keys of values, {keys}, found {list(given)}.")
    found = [None if given[key] is None else numbers("power", [given[key]]) for key in keys]
    return [None if one is None else float(one.item()) for one in found]


def _predicted(
    curve: Curve,
    law: Any,
    power: float | None,
    sides: tuple[bool, bool],
    within: tuple[float, float],
) -> Series:
    y, band = np.median(curve.values, axis=0), None
    if len(curve.values) > 1:
        low, high = np.percentile(curve.values, [10, 90], axis=0)
        band = (low, high)
    line = at_dots = None
    if law is not None:
        at, at_dots = curve.x, law
        if callable(law):
            at = _between(curve.x, sides[0])
            law, at_dots = (_called(law, places) for places in (at, curve.x))
        line = (at, np.asarray(law))
    slope = None
    if power is not None:
        used, slope = _fitted(curve.x, y, within)
        ends = used[[0, -1]]
        middle = (
            used[len(used) // 2]
            if len(used) % 2
            else np.sqrt(np.prod(used[len(used) // 2 - 1 :][:2]))
        )
        height = np.exp(np.interp(np.log(middle), np.log(curve.x[y > 0]), np.log(y[y > 0])))
        if line is None:
            line = (ends, height * (ends / middle) ** power)
    return Series(curve, y, band, line, at_dots, slope, power)


def _called(law: Callable[[Array], ArrayLike], places: Array) -> Array:
    found = numbers("law", law(places))
    if found.shape != places.shape:
        raise ValueError(
            f"law must return one value for each place, found shape {found.shape} for "
            f"{places.shape}: write it for arrays."
        )
    return found


def _between(x: Array, log: bool) -> Array:
    """Return the places and more between them, for a smooth curve."""
    ends = x[0], x[-1]
    dense = np.geomspace(*ends, 150) if log else np.linspace(*ends, 150)
    return np.unique(np.r_[x, np.clip(dense, *ends)])


def _fitted(x: Array, y: Array, within: tuple[float, float]) -> tuple[Array, float]:
    """Return the places used and the slope of least squares on logarithms."""
    try:
        low, high = map(float, within)
    except (TypeError, ValueError):
        raise ValueError(f"within must be two numbers, found {within!r}.") from None
    used = (x >= low) & (x <= high) & (y > 0)
    if len(np.unique(x[used])) < 2:
        raise ValueError(
            "power needs at least two dots with positive values at different x: widen within, or "
            "leave power out."
        )
    u, v = np.log(x[used]), np.log(y[used])
    u = u - u.mean()
    return x[used], float(u @ (v - v.mean()) / (u @ u))


@dataclass(frozen=True)
class _Drawing:
    """The panel: its limits, its curves, its words."""

    series: list[Series]
    log: tuple[bool, bool]
    names: tuple[str, str]
    labels: tuple[str, str, str]
    common: bool
    within: tuple[float, float]

    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ends of both axes; a law far from the dots does not squeeze them."""
        x = np.concatenate([one.curve.x for one in self.series])
        y = np.concatenate([one.y for one in self.series])
        bands = [np.r_[one.band] for one in self.series if one.band is not None]
        laws = [one.law[1] for one in self.series if one.law is not None]
        other = np.concatenate([*bands, *laws]) if bands or laws else np.empty(0)
        if self.log[1]:
            y = y[y > 0] if (y > 0).any() else other[other > 0]
            y = y[y >= _scales.lowest(y)]
            other = other[(other >= 0.1 * y.min()) & (other <= 10 * y.max())]
        else:
            far = np.ptp(y) or abs(y[0]) or 1.0
            other = other[(other >= y.min() - 0.3 * far) & (other <= y.max() + 0.3 * far)]
        return _scales.limits(x, self.log[0]), _scales.limits(np.r_[y, other], self.log[1], 0.07)

    def draw(self, ax: Any) -> None:
        x, y = self.limits()
        ax.set(xscale="log" if self.log[0] else "linear", yscale="log" if self.log[1] else "linear")
        ax.set(xlim=x, ylim=y, xlabel=self.labels[0])
        ax.set_title("\n".join(filter(None, (self.labels[2], self.labels[1]))))
        _scales.fix(ax.xaxis, *x, self.log[0])
        _scales.fix(ax.yaxis, *y, self.log[1])
        board = Board(ax)
        owns = [self._draw_dots(ax, board, one) for one in self.series]
        lines = [self._draw_law(ax, board, i) for i in range(len(self.series))]
        for one, own in zip(self.series, owns, strict=True):
            board.beside(self._name(one), one.curve.look.color, own)
        for i, (one, line) in enumerate(zip(self.series, lines, strict=True)):
            text = self._law_name(i)
            if text:
                board.beside(text, self._law_color(one), line)

    def _name(self, one: Series) -> str:
        seeds = len(one.curve.values)
        return one.curve.name + (f" ({seeds} seeds)" if seeds > 1 and len(self.series) == 1 else "")

    def _law_name(self, i: int) -> str:
        """Return what stands beside the dashed line."""
        one = self.series[i]
        if one.slope is not None and one.power is not None:
            return _slopes(one.slope, one.power)
        if one.law is None or (i and (self.common or len(self.series) > 1)):
            return ""
        return plain(self.names[1])

    def _law_color(self, one: Series) -> str:
        return "#2b3038" if len(self.series) == 1 or self.common else one.curve.look.color

    def _draw_dots(self, ax: Any, board: Board, one: Series) -> Array:
        curve, (low, _) = one.curve, ax.get_ylim()
        color = curve.look.color
        if one.band is not None:
            foot = np.maximum(one.band[0], low) if self.log[1] else one.band[0]
            ax.fill_between(curve.x, foot, one.band[1], color=color, alpha=0.16, lw=0, gid="band")
            if len(self.series) == 1:
                for edge in (foot, one.band[1]):
                    board.avoid_line(np.c_[curve.x, edge])
        seen = np.flatnonzero(one.y >= low if self.log[1] else np.full(len(one.y), True))
        points = np.c_[curve.x, one.y][seen]
        kept = thinned(ax.transData.transform(points), MOST_DOTS)
        style = {"ls": "none", "color": color, "mec": "#ffffff", "mew": 0.4, "zorder": 3}
        dots = {"marker": curve.look.marker, "ms": 4.0, "gid": "measured"}
        ax.plot(*points[kept].T, **style, **dots)
        lost = np.setdiff1d(np.arange(len(one.y)), seen)
        if len(lost):
            ax.plot(
                curve.x[lost], np.full(len(lost), 0.015), "v", ms=3.5, mfc="none", mew=0.8,
                mec=color, transform=ax.get_xaxis_transform(), gid="below", zorder=3,
            )  # fmt: skip
        board.avoid_dots(np.c_[curve.x[lost], np.full(len(lost), low)])
        return board.avoid_line(points)

    def _draw_law(self, ax: Any, board: Board, i: int) -> Array:
        one = self.series[i]
        if one.law is None or (self.common and i):
            return np.empty((0, 2))
        ax.plot(*one.law, color=self._law_color(one), lw=1.4, ls=DASHES, zorder=2.5, gid="law")
        return board.avoid_line(np.c_[one.law])

    def alt(self) -> str:
        """Say what is seen, with the numbers."""
        xs = np.concatenate([one.curve.x for one in self.series])
        kinds = ["logarithmic" if log else "linear" for log in self.log]
        what = said(self.labels[1] or self.labels[2] or "values")
        parts = [
            f"{what[0].upper() + what[1:]} against {said(self.labels[0]) or 'x'} from "
            f"{spoken(xs.min())} to {spoken(xs.max())}, axes {listed(list(dict.fromkeys(kinds)))}."
        ]
        parts += [self._told(one) for one in self.series]
        low = self.limits()[1][0]
        hidden = sum(int((one.y < low).sum()) for one in self.series) if self.log[1] else 0
        if hidden:
            parts.append(f"{hidden} values lie below the axis, marked at its edge.")
        return " ".join(parts)

    def _told(self, one: Series) -> str:
        y, seeds = one.y, len(one.curve.values)
        name = one.curve.name + (f", median of {seeds} seeds," if seeds > 1 else "")
        text = f"{name} goes from {spoken(y[0])} to {spoken(y[-1])}"
        if not y.min() >= min(y[0], y[-1]) or not y.max() <= max(y[0], y[-1]):
            text += f", between {spoken(y.min())} and {spoken(y.max())}"
        if one.slope is not None and one.power is not None:
            text += f", {_slopes(one.slope, one.power)}"
        if one.at_dots is not None:
            text += _against(y, one.at_dots, self.names[1])
        return text + "."


def _slopes(slope: float, power: float) -> str:
    return minus(f"slope {slope:.2f}".replace("-0.00", "0.00") + f", predicted {power:.3g}")


def _against(y: Array, law: Array, name: str) -> str:
    """Say how far dots are from a law: as a quotient where it tells, else as a difference."""
    if (law > 0).all() and (y > 0).all():
        quotient = y / law
        least, most = quotient.min(), quotient.max()
        if most - least < 5e-4:
            return f", {spoken(most, 4)} times what is {name}"
        return f", {spoken(least)} to {spoken(most)} times what is {name}"
    return f", at most {spoken(float(np.abs(y - law).max()))} from what is {name}"
