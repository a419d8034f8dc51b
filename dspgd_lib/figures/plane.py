"""Geometry of the plane of two weights: feet, lines in a box, and curves around a centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Box = tuple[tuple[float, float], tuple[float, float]]
"""The limits of the first and of the second coordinate, as in ``ax.set(xlim=…, ylim=…)``."""


# ------------------------------------------------------------------------------ straight things


def foot(point: ArrayLike, x: ArrayLike, y: float) -> np.ndarray:
    """Return the foot of the perpendicular from a point on {w : x·w = y}.

    Parameters
    ----------
    point : array of shape (..., d)
        One point or many.
    x : array of shape (d,)
        The data point, not 0.
    y : float
        Its label.

    Returns
    -------
    array of shape (..., d)

    Examples
    --------
    >>> foot([3.0, 1.0], x=[1.0, 1.0], y=2.0).tolist()
    [2.0, 0.0]
    """
    point, x = np.asarray(point, dtype=float), np.asarray(x, dtype=float)
    return point + ((y - point @ x) / (x @ x))[..., None] * x


def on_line(x: ArrayLike, y: float, w: ArrayLike, entry: int = 0) -> np.ndarray:
    """Return the points of the line x·w = y of which one of the two weights is given.

    Parameters
    ----------
    x : array of shape (2,)
        The data point; the entry that belongs to the other weight is not 0.
    y : float
        Its label.
    w : array of shape (...)
        The given weight.
    entry : int
        Which weight that is, 0 or 1.

    Returns
    -------
    array of shape (..., 2)

    Examples
    --------
    >>> on_line([1.0, 2.0], 4.0, [0.0, 2.0]).tolist()
    [[0.0, 2.0], [2.0, 1.0]]
    >>> on_line([1.0, 2.0], 4.0, 0.0, entry=1).tolist()
    [4.0, 0.0]
    """
    x, w = np.asarray(x, dtype=float), np.asarray(w, dtype=float)
    other = (y - x[entry] * w) / x[1 - entry]
    return np.stack([w, other] if entry == 0 else [other, w], axis=-1)


def segment(middle: ArrayLike, direction: ArrayLike, reach: float) -> np.ndarray:
    """Return the two ends of the piece of a straight line around a point of it.

    Parameters
    ----------
    middle, direction : arrays of shape (d,)
        A point of the line and its direction, of any length.
    reach : float
        How many times the direction the piece reaches to either side.

    Returns
    -------
    array of shape (2, d)

    Examples
    --------
    >>> segment([1.0, 1.0], [0.5, 0.0], 2.0).tolist()
    [[0.0, 1.0], [2.0, 1.0]]
    """
    return np.asarray(middle, dtype=float) + np.outer([-reach, reach], np.asarray(direction))


def crossings(start: ArrayLike, direction: ArrayLike, box: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return where straight lines enter and leave a box, in units of their directions.

    Parameters
    ----------
    start : array of shape (d,)
        A point common to the lines.
    direction : array of shape (..., d)
        Their directions.
    box : d pairs of floats
        Least and largest value of each coordinate; infinite where the box is open.

    Returns
    -------
    enter, leave : arrays of shape (...)
        ``start + t * direction`` lies in the box for t from ``enter`` to ``leave``; where
        ``enter`` is the larger of the two, the line misses the box.

    Examples
    --------
    >>> enter, leave = crossings([1.0, 1.0], [2.0, 0.0], ((0, 4), (0, 4)))
    >>> float(enter), float(leave)
    (-0.5, 1.5)
    """
    start, direction = np.asarray(start, dtype=float), np.asarray(direction, dtype=float)
    low, high = np.asarray(box, dtype=float).T
    still, within = direction == 0, (low <= start) & (start <= high)
    pace = np.where(still, 1.0, direction)
    first, second = (low - start) / pace, (high - start) / pace
    enter = np.where(still, np.where(within, -np.inf, np.inf), np.minimum(first, second))
    leave = np.where(still, np.where(within, np.inf, -np.inf), np.maximum(first, second))
    return enter.max(axis=-1), leave.min(axis=-1)


def line_in_box(x: ArrayLike, y: float, box: Box) -> np.ndarray:
    """Return the two ends of the line x·w = y in a box.

    Parameters
    ----------
    x : array of shape (2,)
        The data point, not 0.
    y : float
        Its label.
    box : Box
        Limits of both weights.

    Returns
    -------
    array of shape (2, 2)
        Two points on the border of the box, the left one first, or the lower one.

    Raises
    ------
    ValueError
        If the line misses the box.

    Examples
    --------
    >>> line_in_box([1.0, 1.0], 1.0, ((0, 3), (0, 3))).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    x = np.asarray(x, dtype=float)
    start, along = foot(np.zeros(2), x, y), np.array([x[1], -x[0]])
    if tuple(along) < (0.0, 0.0):
        along = -along
    enter, leave = crossings(start, along, box)
    if enter > leave:
        raise ValueError(f"the line {x} · w = {y:g} misses the box {box}")
    return start + np.outer([enter, leave], along)


# ------------------------------------------------------------------------------- closed curves


def rays(count: int = 240) -> np.ndarray:
    """Return evenly spread unit directions, anticlockwise from the right.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    array of shape (count, 2)

    Examples
    --------
    >>> rays(4).round(9).tolist()[1]
    [0.0, 1.0]
    """
    angles = np.arange(count) * 2 * np.pi / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def around(centre: ArrayLike, reach: ArrayLike) -> np.ndarray:
    """Return the closed curve that lies at given distances from a centre.

    Parameters
    ----------
    centre : array of shape (2,)
        Where the rays start.
    reach : array of shape (m,)
        Distance of the curve on each of m evenly spread rays.

    Returns
    -------
    array of shape (m + 1, 2)
        Points of the curve; the last is the first.

    Examples
    --------
    >>> around([1.0, 1.0], [1.0, 2.0, 1.0, 2.0]).round(9).tolist()[1]
    [1.0, 3.0]
    """
    reach = np.asarray(reach, dtype=float)
    points = np.asarray(centre, dtype=float) + reach[:, None] * rays(len(reach))
    return np.vstack([points, points[:1]])


def circle(centre: ArrayLike = (0.0, 0.0), radius: float = 1.0, count: int = 240) -> np.ndarray:
    """Return a circle as a closed curve.

    Parameters
    ----------
    centre : array of shape (2,)
        Its centre.
    radius : float
        Its radius.
    count : int
        How many points.

    Returns
    -------
    array of shape (count + 1, 2)

    Examples
    --------
    >>> circle(radius=2.0, count=4).round(9).tolist()[0]
    [2.0, 0.0]
    """
    return around(centre, np.full(count, radius))


def reach_of_ball(
    value: Callable[[np.ndarray], np.ndarray],
    centre: ArrayLike,
    level: ArrayLike,
    far: ArrayLike,
    count: int = 240,
) -> np.ndarray:
    """Return how far balls {A : value(A) ≤ level} extend on evenly spread rays.

    The value must not fall along a ray, as a norm of A − centre and Bregman divergences from and
    to the centre: then halving the ray again and again finds the only crossing.

    Parameters
    ----------
    value : callable
        Maps points of shape (..., count, 2) to their values, of shape (..., count).
    centre : array of shape (2,)
        A point with a value of at most the level.
    level : float or array of shape (...)
        The radius of the ball, or of each of several, in the units of the value.
    far : float or array of shape (count,)
        How far to look; the points up to there belong to the domain of the value.
    count : int
        How many rays.

    Returns
    -------
    array of shape (..., count)
        Distances from the centre; ``far`` where the ball does not end before.

    Examples
    --------
    >>> def square(points):
    ...     return np.abs(points).max(axis=1)
    >>> reach_of_ball(square, [0.0, 0.0], 3.0, far=10.0, count=4).round(9).tolist()
    [3.0, 3.0, 3.0, 3.0]
    """
    centre, directions = np.asarray(centre, dtype=float), rays(count)

    def inside(lengths: np.ndarray) -> np.ndarray:
        return value(centre + lengths[..., None] * directions) <= level

    level = np.asarray(level, dtype=float)[..., None]
    far = np.broadcast_to(np.asarray(far, dtype=float), (*level.shape[:-1], count))
    low, high = np.zeros(far.shape), far
    for _ in range(54):  # as many as a float has digits
        middle = 0.5 * (low + high)
        within = inside(middle)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return np.where(inside(far), far, low)
