"""A quantity over a parameter: medians over seeds as dots, their spread, and the law predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Array
from ..figures.canvas import Panel
from ..figures.picture import Picture
from . import _scales
from ._curves import beside, check_pair, check_text, collected, numbers
from ._frame import Frame, Labels, height, log_sides
from ._series import Series, predicted
from ._sweep_panel import SweepPanel

Law = ArrayLike | Callable[[Array], ArrayLike] | None


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
    check_pair("names", names)
    curves = collected("values", x, values, names[0])
    keys = list(values) if isinstance(values, Mapping) else [names[0]]
    places = [curve.x for curve in curves]
    sides = log_sides(scales, "values", places, [curve.values for curve in curves])
    laws = beside("law", law, x, curves, keys)
    powers = _powers(power, keys, sides)
    parts = zip(curves, laws, powers, strict=True)
    series = [predicted(curve, one, p, sides[0], _range(within)) for curve, one, p in parts]
    frame = _framed(series, sides, Labels(x_label, y_label, title))
    common = law is not None and not isinstance(law, Mapping)
    panel = SweepPanel(series, frame, names, common)
    return Picture([Panel(panel.draw, panel.alt(), size)])


def _range(within: Any) -> tuple[float, float]:
    try:
        low, high = map(float, within)
    except (TypeError, ValueError):
        raise ValueError(f"within must be two numbers, found {within!r}.") from None
    if not low < high:
        raise ValueError(f"within must be two numbers, the smaller one first, found {within!r}.")
    return low, high


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


def _framed(series: list[Series], sides: tuple[bool, bool], labels: Labels) -> Frame:
    places = np.concatenate([one.curve.x for one in series])
    dots = np.concatenate([one.y for one in series])
    bands = [array for one in series if one.band is not None for array in one.band]
    lines = [one.line[1] for one in series if one.line is not None]
    finite = [line[np.isfinite(line)] for line in lines]
    y = height(sides[1], dots, bands, finite, 0.0)
    return Frame(sides, _scales.limits(places, sides[0]), y, labels)
