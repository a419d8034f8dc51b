"""A map over two knobs: which behaviour where, what is proved about it, small runs hung from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Array
from ..figures.canvas import Panel
from ..figures.picture import Picture
from ..figures.words import plain
from . import _scales
from ._curves import check_log, check_text, numbers
from ._frame import Frame, Labels
from ._map import FILLS, Kind, MapPanel
from ._regions import edges
from ._thumbnails import MOST_RUNS, Thumbnails, small_run


def behaviours(
    x: ArrayLike,
    y: ArrayLike,
    kinds: ArrayLike,
    runs: Sequence[tuple[float, float, ArrayLike]] = (),
    *,
    x_label: str = "",
    y_label: str = "",
    boundary: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    names: Mapping[int, str | tuple[str, str]] | None = None,
    scales: str | None = None,
    run_label: str = "",
    title: str = "",
    size: tuple[int, int] = (360, 300),
) -> Picture:
    """Draw a map over two knobs, its regions named and coloured, with small runs hung from it.

    Parameters
    ----------
    x, y : arrays of shapes (n,) and (m,)
        The values of the two knobs, increasing.
    kinds : array of integers of shape (m, n)
        Which behaviour each pair shows; rows go with y. At most 5 different ones.
    runs : sequence of (x, y, series), optional
        At most 6 points of the map, each with a run from there: an array of shape (steps,) such as
        distances, or (steps, 2), a way in a plane. They are drawn in a second panel, numbered as on
        the map; series over steps share one axis, logarithmic if no number is negative.
    x_label, y_label, run_label, title : str
        What the knobs and the series are called.
    boundary : dict of (x, y), optional
        Curves such as proved thresholds, by name.
    names : dict, optional
        What each kind is called: a text, or a text and a colour of `plotting.PALETTE`.
    scales : str, optional
        As in `bound`.
    size : pair of int, optional
        Width and height of each panel in pixels.

    Returns
    -------
    Picture
        The map, and beside it the small runs if there are any.

    Raises
    ------
    ValueError
        If shapes do not fit, x or y do not increase, a kind has no name, or a run lies off the map.

    Examples
    --------
    >>> x, y = np.geomspace(0.1, 10, 20), np.geomspace(0.1, 10, 30)
    >>> kinds = (y[:, None] > x).astype(int)
    >>> picture = behaviours(x, y, kinds, names={0: "comes to rest", 1: "jumps"})
    >>> "comes to rest fills 50 % of the map" in repr(picture)
    True
    """
    check_text(x_label=x_label, y_label=y_label, run_label=run_label, title=title)
    at = _increasing("x", x), _increasing("y", y)
    sides = _scales.chosen(scales, *at)
    for name, places, log in zip("xy", at, sides, strict=True):
        check_log(name, places, log)
    cells = _cells(kinds, (len(at[1]), len(at[0])))
    named = _named(cells, names)
    grid = tuple(edges(places, log) for places, log in zip(at, sides, strict=True))
    ends = [(float(edge[0]), float(edge[-1])) for edge in grid]
    frame = Frame(sides, ends[0], ends[1], Labels(x_label, y_label, title))
    hung = [_run(i, run, frame) for i, run in enumerate(_checked(runs))]
    lines = _boundaries(boundary)
    chart = MapPanel(frame, cells, named, (grid[0], grid[1]), lines, [run[:2] for run in hung])
    panels = [Panel(chart.draw, chart.alt(), size)]
    if hung:
        small = [small_run(f"runs[{i}]", run[2]) for i, run in enumerate(hung)]
        kind = [chart.kind_at(run[0], run[1]).name for run in hung]
        thumbs = Thumbnails(small, kind, [run[:2] for run in hung], run_label, size)
        panels.append(Panel(thumbs.draw, thumbs.alt(), size, axes=False))
    return Picture(panels)


def _increasing(name: str, value: Any) -> Array:
    array = numbers(name, value)
    if array.ndim != 1 or len(array) < 2 or not (np.diff(array) > 0).all():
        raise ValueError(
            f"{name} must be increasing numbers of shape (n,) with n ≥ 2: sort it, and the entries "
            "of kinds with it."
        )
    return array


def _cells(kinds: Any, shape: tuple[int, int]) -> Any:
    array = numbers("kinds", kinds)
    if array.shape != shape:
        raise ValueError(
            f"kinds must have the shape (len(y), len(x)) = {shape}, found {array.shape}"
            f"{': pass kinds.T.' if array.shape == shape[::-1] else '.'}"
        )
    if not (array == array.round()).all():
        raise ValueError("kinds must hold integers, one for each behaviour.")
    cells = array.astype(int)
    if len(np.unique(cells)) > len(FILLS):
        raise ValueError(
            f"kinds holds {len(np.unique(cells))} behaviours; a map shows {len(FILLS)}: join some."
        )
    return cells


def _named(cells: Any, names: Any) -> list[Kind]:
    """Return name and colour of each kind that is on the map."""
    found = []
    for number, fill in zip(np.unique(cells).tolist(), FILLS, strict=False):
        if names is not None and number not in names:
            raise ValueError(
                f"names says nothing of the kind {number}: give it a text, or a text and a colour."
            )
        name: Any = f"kind {number}" if names is None else names[number]
        if isinstance(name, (tuple, list)) and len(name) == 2:
            name, fill = name
        check_text(**{f"names[{number}]": name, f"the colour of names[{number}]": fill})
        found.append(Kind(number, plain(name), fill))
    return found


def _checked(runs: Any) -> list[Any]:
    found = list(runs)
    if len(found) > MOST_RUNS:
        raise ValueError(f"runs holds {len(found)} runs; {MOST_RUNS} have room: choose.")
    for i, run in enumerate(found):
        if not (isinstance(run, (tuple, list)) and len(run) == 3):
            raise ValueError(f"runs[{i}] must be (x, y, series), found {type(run).__name__}.")
    return found


def _run(i: int, run: Any, frame: Frame) -> tuple[float, float, Any]:
    place = numbers(f"runs[{i}]", [run[0], run[1]])
    inside = [low <= at <= high for at, (low, high) in zip(place, (frame.x, frame.y), strict=True)]
    if not all(inside):
        raise ValueError(
            f"runs[{i}] lies at {tuple(place.tolist())}, off the map of x from {frame.x[0]:.3g} to "
            f"{frame.x[1]:.3g} and y from {frame.y[0]:.3g} to {frame.y[1]:.3g}."
        )
    return float(place[0]), float(place[1]), run[2]


def _boundaries(boundary: Any) -> list[tuple[str, Array]]:
    lines = []
    for name, curve in (boundary or {}).items():
        try:
            x, y = curve
        except (TypeError, ValueError):
            raise ValueError(f"boundary[{name!r}] must be a pair of arrays (x, y).") from None
        points = [numbers(f"boundary[{name!r}]", one) for one in (x, y)]
        if points[0].shape != points[1].shape or points[0].ndim != 1:
            raise ValueError(
                f"boundary[{name!r}] must hold two arrays of one shape (n,), found "
                f"{points[0].shape} and {points[1].shape}."
            )
        check_text(**{"a key of boundary": name})
        lines.append((plain(name), np.c_[points[0], points[1]]))
    return lines
