"""Geometry of three weights: floors in space, coordinates on them, and a perspective view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Floor:
    """An affine floor, such as W_0 + row space: an origin and orthonormal axes.

    Parameters
    ----------
    origin : array of shape (d,)
        The point with coordinates 0.
    axes : array of shape (m, d)
        Orthonormal rows.

    Examples
    --------
    >>> floor = Floor.along([0.0, 0.0, 5.0], [2.0, 0.0, 0.0], [1.0, 1.0, 0.0])
    >>> floor.coordinates([3.0, 4.0, 9.0]).tolist()
    [3.0, 4.0]
    >>> floor.project([3.0, 4.0, 9.0]).tolist()
    [3.0, 4.0, 5.0]
    """

    origin: np.ndarray
    axes: np.ndarray

    @classmethod
    def along(cls, origin: ArrayLike, *directions: ArrayLike) -> Floor:
        """Return the floor through a point along directions, the first of which it keeps.

        Parameters
        ----------
        origin : array of shape (d,)
            The point with coordinates 0.
        *directions : arrays of shape (d,)
            Linearly independent; each loses what the axes before it have of it.

        Returns
        -------
        Floor

        Examples
        --------
        >>> Floor.along([0.0, 0.0], [0.0, -2.0]).axes.tolist()
        [[0.0, -1.0]]
        """
        axes: list[np.ndarray] = []
        for direction in np.array(directions, dtype=float):
            for axis in axes:
                direction = direction - (direction @ axis) * axis
            axes.append(direction / np.linalg.norm(direction))
        return cls(np.asarray(origin, dtype=float), np.array(axes))

    def coordinates(self, points: ArrayLike) -> np.ndarray:
        """Return the coordinates, of shape (..., m), of the feet of points (..., d)."""
        return (np.asarray(points, dtype=float) - self.origin) @ self.axes.T

    def points(self, coordinates: ArrayLike) -> np.ndarray:
        """Return the points, of shape (..., d), with coordinates (..., m)."""
        return self.origin + np.asarray(coordinates, dtype=float) @ self.axes

    def project(self, points: ArrayLike) -> np.ndarray:
        """Return the feet of the perpendiculars from points on the floor, of the same shape."""
        return self.points(self.coordinates(points))


def grid(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Return the ends of the lines of a rectangular grid.

    Parameters
    ----------
    first : array of shape (m,)
        Where lines cross the first axis, in rising order.
    second : array of shape (n,)
        Where lines cross the second axis.

    Returns
    -------
    array of shape (m + n, 2, 2)
        Two ends for each line, those across the first axis before the others.

    Examples
    --------
    >>> grid([0.0, 1.0], [0.0, 5.0])[0].tolist()
    [[0.0, 0.0], [0.0, 5.0]]
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    across = [[(a, second[0]), (a, second[-1])] for a in first]
    return np.array(across + [[(first[0], b), (first[-1], b)] for b in second])


@dataclass(frozen=True)
class Camera:
    """A perspective view of space, turned about the third axis and looking down.

    Parameters
    ----------
    turn : float
        Degrees by which the camera has gone round.
    tilt : float
        Degrees by which it looks down; 0 is level.
    strength : float
        How fast things shrink with distance; 0 for a parallel projection.

    Examples
    --------
    >>> Camera(turn=0, tilt=0, strength=0.5).see([(1, 0, 3), (1, 2, 3)]).tolist()
    [[1.0, 3.0], [0.5, 1.5]]
    """

    turn: float
    tilt: float
    strength: float

    def see(self, points: ArrayLike) -> np.ndarray:
        """Return where points are seen.

        Parameters
        ----------
        points : array of shape (..., 3), or (..., 2) for points at height 0
            Points of space.

        Returns
        -------
        array of shape (..., 2)
            To the right and up; the origin stays where it is.

        Examples
        --------
        >>> Camera(turn=0, tilt=90, strength=0).see([3, 4]).round(9).tolist()
        [3.0, 4.0]
        """
        points = np.asarray(points, dtype=float)
        turn, tilt = np.radians(self.turn), np.radians(self.tilt)
        right = np.array([np.cos(turn), np.sin(turn), 0.0])
        back = np.array([-np.sin(turn), np.cos(turn), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        axes = np.array(
            [
                right,
                np.sin(tilt) * back + np.cos(tilt) * up,
                np.cos(tilt) * back - np.sin(tilt) * up,
            ]
        )
        seen = points @ axes[:, : points.shape[-1]].T
        return seen[..., :2] / (1 + self.strength * seen[..., 2:])
