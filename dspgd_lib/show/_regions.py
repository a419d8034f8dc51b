"""Regions of a map as polygons: the outline of all cells of one kind."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from matplotlib.path import Path

from .._validation import Array

Corner = tuple[int, int]


def edges(centres: Array, log: bool) -> Array:
    """Return the edges of cells round increasing centres, halfway between them."""
    at = np.log(centres) if log else centres
    if len(at) == 1:
        inner = np.array([at[0] - 0.5, at[0] + 0.5])
    else:
        middle = 0.5 * (at[1:] + at[:-1])
        inner = np.r_[1.5 * at[0] - 0.5 * at[1], middle, 1.5 * at[-1] - 0.5 * at[-2]]
    return np.asarray(np.exp(inner) if log else inner)


def region(mask: Any, x: Array, y: Array) -> Path:
    """Return the outline of the cells of a mask (rows over y), between the edges x and y."""
    vertices: list[tuple[float, float]] = []
    codes: list[int] = []
    for loop in outlines(mask):
        corners = [(float(x[column]), float(y[row])) for row, column in loop]
        vertices += [*corners, corners[0]]
        codes += map(int, [Path.MOVETO] + [Path.LINETO] * (len(corners) - 1) + [Path.CLOSEPOLY])
    return Path(np.reshape(vertices, (-1, 2)), codes)


def outlines(mask: Any) -> list[list[Corner]]:
    """Return closed loops of corners (row, column) round the cells of a mask, holes backwards.

    >>> import numpy as np
    >>> outlines(np.array([[True, True]]))
    [[(0, 0), (0, 2), (1, 2), (1, 0)]]
    """
    ways = _sides(np.asarray(mask, dtype=bool))
    loops = []
    while ways:
        start = min(ways)
        loop = [start]
        while True:
            here = loop[-1]
            there = ways[here].pop()
            if not ways[here]:
                del ways[here]
            if there == start:
                break
            loop.append(there)
        loops.append(_without_straight(loop))
    return loops


def _sides(mask: Any) -> defaultdict[Corner, list[Corner]]:
    """Return the sides between a cell inside and one outside, from corner to corner."""
    padded = np.pad(mask, 1)
    ways: defaultdict[Corner, list[Corner]] = defaultdict(list)
    for row, column in np.argwhere(mask).tolist():
        below, above = padded[row, column + 1], padded[row + 2, column + 1]
        left, right = padded[row + 1, column], padded[row + 1, column + 2]
        if not below:
            ways[row, column].append((row, column + 1))
        if not right:
            ways[row, column + 1].append((row + 1, column + 1))
        if not above:
            ways[row + 1, column + 1].append((row + 1, column))
        if not left:
            ways[row + 1, column].append((row, column))
    return ways


def _without_straight(loop: list[Corner]) -> list[Corner]:
    """Drop corners at which a loop goes straight on."""
    kept = []
    for i, (row, column) in enumerate(loop):
        before, after = loop[i - 1], loop[(i + 1) % len(loop)]
        if not (before[0] == row == after[0] or before[1] == column == after[1]):
            kept.append((row, column))
    return kept


def deepest(mask: Any) -> Corner:
    """Return a cell as far from the edge of its region as there is one: row and column."""
    inside = np.asarray(mask, dtype=bool)
    last = inside
    while inside.any():
        last = inside
        padded = np.pad(inside, 1)
        inside = (
            inside & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        )
    cells = np.argwhere(last)
    middle = cells[np.argmin(np.abs(cells - cells.mean(axis=0)).sum(axis=1))]
    return int(middle[0]), int(middle[1])
