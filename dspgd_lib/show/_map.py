"""The panel of a map over two knobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patches import PathPatch

from .._validation import Array
from ..plotting import INK
from ._frame import Frame
from ._labels import Board, Box
from ._regions import deepest, region
from ._words import listed, said, spoken

FILLS = ("#dcebf7", "#fbe6d4", "#f4dcea", "#e3f1ea", "#ece9f7")
BADGE = 15.0  # pixels across the circle with the number of a run


@dataclass(frozen=True)
class Kind:
    """One behaviour: its number in the array, its name, the colour of its region."""

    number: int
    name: str
    fill: str


@dataclass(frozen=True)
class MapPanel:
    """What is drawn and said about the map."""

    frame: Frame
    cells: Any
    kinds: list[Kind]
    grid: tuple[Array, Array]
    lines: list[tuple[str, Array]]
    runs: list[tuple[float, float]]

    def kind_at(self, x: float, y: float) -> Kind:
        """Return the behaviour of the cell that holds a point."""
        column, row = (
            int(np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2))
            for edges, at in zip(self.grid, (x, y), strict=True)
        )
        return next(kind for kind in self.kinds if kind.number == self.cells[row, column])

    def draw(self, ax: Any) -> None:
        """Draw on matplotlib axes."""
        board = self.frame.on(ax)
        ax.grid(False)
        for kind in self.kinds:
            pale = kind.fill.lower() in FILLS
            patch = PathPatch(
                region(self.cells == kind.number, *self.grid), fc=kind.fill, lw=1.0,
                ec="#ffffff", alpha=1.0 if pale else 0.22, zorder=1, gid=f"kind-{kind.number}",
            )  # fmt: skip
            ax.add_patch(patch)
        owns = []
        for _, points in self.lines:
            ax.plot(*points.T, color=INK, lw=1.4, zorder=2, gid="boundary")
            owns.append(board.avoid_line(points))
        badges(board, self.runs)
        for kind in self.kinds:
            self._name(board, kind)
        for (name, _), own in zip(self.lines, owns, strict=True):
            board.beside(name, INK, own)

    def _name(self, board: Board, kind: Kind) -> None:
        """Write the name of a region into it; beside it, with a line to it, if it is too small."""
        mask = self.cells == kind.number
        row, column = deepest(mask)
        x, y = (
            float(np.sqrt(e[i] * e[i + 1]) if log else 0.5 * (e[i] + e[i + 1]))
            for e, i, log in zip(self.grid, (column, row), self.frame.log, strict=True)
        )
        middle = board.ax.transData.transform((x, y))
        outside = self._outside(board, kind)
        words = board.write(
            kind.name, INK, middle[None], "normal", [(*middle, 0.5, 0.5)], outside, weight_far=0.0
        )
        if words is not None and outside(board.boxes[-1]) > 2.0:
            words.remove()
            board.boxes.pop()
            board.near(kind.name, INK, middle)

    def _outside(self, board: Board, kind: Kind) -> Any:
        inverse = board.ax.transData.inverted()

        def cost(box: Box) -> float:
            across, up = np.meshgrid(np.linspace(box[0], box[2], 9), np.linspace(box[1], box[3], 4))
            points = inverse.transform(np.c_[across.ravel(), up.ravel()])
            indices = [
                np.clip(np.searchsorted(edges, at) - 1, 0, len(edges) - 2)
                for edges, at in zip(self.grid, points.T, strict=True)
            ]
            return 20.0 * float((self.cells[indices[1], indices[0]] != kind.number).mean())

        return cost

    def alt(self) -> str:
        """Say what is seen, with the numbers."""
        frame, labels = self.frame, self.frame.labels
        (x0, x1), (y0, y1) = frame.x, frame.y
        text = (
            f"Map over {said(labels.x) or 'x'} from {spoken(x0)} to {spoken(x1)} and "
            f"{said(labels.y) or 'y'} from {spoken(y0)} to {spoken(y1)}. "
        )
        shares = [(float((self.cells == k.number).mean()), k.name) for k in self.kinds]
        fills = [f"{said(name)} fills {100 * s:.0f} % of the map" for s, name in shares]
        text += listed([fills[0], *(fill.removesuffix(" of the map") for fill in fills[1:])]) + "."
        for name, points in self.lines:
            ends = [f"({spoken(x)}, {spoken(y)})" for x, y in points[[0, -1]].tolist()]
            text += f" The curve {said(name)} goes from {ends[0]} to {ends[1]}."
        return text


def badges(board: Board, points: list[tuple[float, float]]) -> None:
    """Draw the numbers 1, 2, … in circles at data points, and keep labels off them."""
    for i, (x, y) in enumerate(points):
        badge(board.ax, x, y, i + 1)
        px, py = board.ax.transData.transform((x, y))
        half = 0.5 * BADGE * board.unit + 1
        board.boxes.append((px - half, py - half, px + half, py + half))


def badge(ax: Any, x: float, y: float, number: int) -> None:
    """Draw a number in a circle at a data point."""
    ax.plot(x, y, "o", ms=0.72 * BADGE, mfc="#ffffff", mec=INK, mew=0.9, zorder=5, clip_on=False)
    ax.text(
        x, y, str(number), color=INK, ha="center", va="center_baseline", zorder=6
    ).set_in_layout(False)
