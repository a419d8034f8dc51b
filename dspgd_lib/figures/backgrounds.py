"""What the backgrounds of several figures draw with matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.figures.plane import Box, line_in_box
from dspgd_lib.figures.space import Camera, grid
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD


def draw_axes(ax: Any, box: Box, title: str = "", name: str = "w") -> None:
    """Make matplotlib axes the picture of a plane of two weights.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    box : Box
        The limits; both axes have the same unit.
    title, name : str
        Title, and the letter of the two coordinates.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> draw_axes(ax, ((0, 4), (0, 4)), name="v")
    >>> ax.get_xlabel()
    '$v_1$'
    """
    ax.set(xlim=box[0], ylim=box[1], aspect="equal", title=title)
    ax.set(xlabel=f"${name}_1$", ylabel=f"${name}_2$")


def draw_manifold(ax: Any, x: ArrayLike, y: float, box: Box, margin: float = 0.0) -> None:
    """Draw the line of interpolating weights x·w = y.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    x : array of shape (2,)
        The data point.
    y : float
        Its label.
    box : Box
        The limits of the picture.
    margin : float
        How far beyond them the line goes on: the picture then cuts it, and its ends do not show.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> draw_manifold(ax, [1.0, 1.0], 1.0, ((0, 3), (0, 3)), margin=1.0)
    >>> ax.lines[0].get_xdata().tolist()
    [-1.0, 2.0]
    """
    wide = tuple((low - margin, high + margin) for low, high in box)
    ax.plot(*line_in_box(x, y, (wide[0], wide[1])).T, color=MANIFOLD, lw=3)


def draw_ground(
    ax: Any, camera: Camera, along: tuple[float, float], across: tuple[float, float]
) -> None:
    """Draw a floor in perspective, a rectangle with a grid.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    camera : Camera
        How it is seen.
    along, across : pairs of float
        Where it begins and ends.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> draw_ground(ax, Camera(turn=0, tilt=90, strength=0), (0, 1), (0, 1))
    >>> len(ax.lines)
    16
    """
    first, second = np.linspace(*along, 9), np.linspace(*across, 7)
    corners = [(first[i], second[j]) for i, j in ((0, 0), (-1, 0), (-1, -1), (0, -1))]
    ax.fill(*camera.see(corners).T, color="#f4f1e9", zorder=0)
    for line in grid(first, second):
        ax.plot(*camera.see(line).T, color="#ddd7c8", lw=0.7)


def draw_cross(ax: Any) -> None:
    """Draw faint coordinate axes through the origin of matplotlib axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> draw_cross(ax)
    >>> len(ax.lines)
    2
    """
    ax.axhline(0, color=FAINT, lw=0.6)
    ax.axvline(0, color=FAINT, lw=0.6)


def draw_legend(ax: Any, height: float, *entries: tuple[float, str, str]) -> None:
    """Name the curves of an overlay above matplotlib axes, each in its colour.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    height : float
        Of the texts, in units of the axes: 1 is their upper edge.
    *entries : tuples (left, text, color)
        Where each text begins, in units of the axes; a first character — or -- shows the line.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> draw_legend(ax, 1.03, (0.0, "— first", "k"), (0.5, "-- second", "k"))
    >>> len(ax.texts)
    2
    """
    for left, text, color in entries:
        ax.text(left, height, text, color=color, transform=ax.transAxes)


def draw_between(
    ax: Any, x: ArrayLike, measured: ArrayLike, low: ArrayLike, high: ArrayLike, color: str = INK
) -> None:
    """Draw measured numbers between the two bounds proved for them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    x, measured : arrays of shape (m,)
        The measurements, drawn as dots: at most sixty of them, spread over all.
    low, high : floats or arrays of shape (m,)
        The bounds, drawn as lines.
    color : str
        Of the dots.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> draw_between(ax, [0, 1], [1.0, 1.2], 0.5, 2.0)
    >>> len(ax.lines)
    3
    """
    x = np.asarray(x)
    for bound in (low, high):
        ax.plot(x, np.broadcast_to(bound, x.shape), color=BOUND, lw=1.6)
    some = np.unique(np.linspace(0, len(x) - 1, min(60, len(x))).astype(int))
    ax.plot(x[some], np.asarray(measured)[some], "o", color=color, ms=3.5)
