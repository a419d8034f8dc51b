"""Measured against proved: dots, the line that they never cross, and how close they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..figures.canvas import Panel
from ..figures.picture import Picture
from . import _scales
from ._bound_panel import BoundPanel
from ._curves import beside, check_pair, check_text, collected, numbers
from ._frame import Frame, Labels, height, log_sides
from ._pairs import Pair, compared


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
        several seeds the dots are those nearest to the bound, with a band over all.
    proved : array of shape (n,), function of an array, dict of such, or None
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
        Values up to this one are rounding: they are not compared.
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
    >>> "at closest 0.80 of its bound" in repr(picture)
    True
    """
    check_text(x_label=x_label, y_label=y_label, title=title)
    check_pair("names", names)
    if not isinstance(below, (bool, np.bool_)):
        raise ValueError(f"below must be True or False, found {below!r}.")
    level = float(numbers("floor", [floor])[0])
    pairs = _pairs(x, measured, proved, bool(below), names[0], level)
    frame = _framed(pairs, scales, Labels(x_label, y_label, title), level)
    panel = BoundPanel(pairs, frame, bool(below), names, level)
    return Picture([Panel(panel.draw, panel.alt(), size)])


def _pairs(x: Any, measured: Any, proved: Any, below: bool, name: str, floor: float) -> list[Pair]:
    curves = collected("measured", x, measured, name)
    if isinstance(proved, Mapping) and not isinstance(measured, Mapping):
        raise ValueError("proved is a dict, so measured must be one with the same keys.")
    keys = list(measured) if isinstance(measured, Mapping) else [name]
    known = beside("proved", proved, x, curves, keys)
    return [compared(c, p, below, floor) for c, p in zip(curves, known, strict=True)]


def _framed(pairs: list[Pair], scales: str | None, labels: Labels, floor: float) -> Frame:
    x, values = [p.curve.x for p in pairs], [p.curve.values for p in pairs]
    sides = log_sides(scales, "measured", x, values)
    lines = [p.proved[np.isfinite(p.proved)] for p in pairs if p.proved is not None]
    dots = np.concatenate([pair.y for pair in pairs])
    bands = [array for pair in pairs for array in pair.band]
    y = height(sides[1], dots, bands, lines, floor)
    return Frame(sides, _scales.limits(np.concatenate(x), sides[0], 0.03), y, labels)
