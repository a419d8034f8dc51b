"""The panel of a quantity over a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validation import Array
from ..figures.words import plain
from ..plotting import INK
from ._frame import Frame, way
from ._labels import Board
from ._series import Series, against, slopes

DASHES = (0, (5, 3))


@dataclass(frozen=True)
class SweepPanel:
    """What is drawn and said about curves over a parameter."""

    series: list[Series]
    frame: Frame
    names: tuple[str, str]
    common: bool

    def draw(self, ax: Any) -> None:
        """Draw on matplotlib axes."""
        board = self.frame.on(ax)
        owns = [self._dots(board, one) for one in self.series]
        drawn = self.series[:1] if self.common else self.series
        lines = [self._line(board, one) for one in drawn]
        for one, own in zip(self.series, owns, strict=True):
            board.beside(self._name(one), one.curve.look.color, own)
        if self.common:
            board.beside(plain(self.names[1]), INK, lines[0])
        elif len(self.series) == 1 and self.series[0].power is not None:
            board.beside(slopes(self.series[0]), INK, lines[0])
        elif any(one.law is not None for one in self.series):
            words = f"dots {plain(self.names[0])}, lines {plain(self.names[1])}"
            board.anywhere(words, INK)

    def _name(self, one: Series) -> str:
        """Return what is written beside the dots."""
        seeds = len(one.curve.values)
        if len(self.series) == 1 and seeds > 1:
            name = f"{one.curve.name} ({seeds} seeds)"
        else:
            name = one.curve.name
        # The slope stands with the name where the dashed line has no label of its own.
        alone = len(self.series) == 1 and not self.common
        return name if alone or not slopes(one) else f"{name}: {slopes(one)}"

    def _dots(self, board: Board, one: Series) -> Array:
        """Draw the spread and the dots; return the dots in pixels."""
        curve = one.curve
        if one.band is not None:
            board.band(curve.x, *one.band, curve.look.color)
            if len(self.series) == 1:
                for edge in one.band:
                    board.avoid_line(np.c_[curve.x, edge])
        return self.frame.dots(board, curve, one.y)

    def _line(self, board: Board, one: Series) -> Array:
        """Draw what is predicted, dashed; return its points in pixels."""
        if one.line is None:
            return np.empty((0, 2))
        alone = len(self.series) == 1 or self.common
        x, y = one.line
        y = np.where(np.isfinite(y), y, np.nan)
        if self.frame.log[1]:
            y = np.where(y <= 0, 1e-307, y)
        x, y = board.light(np.c_[x, y]).T
        color = INK if alone else one.curve.look.color
        board.ax.plot(x, y, color=color, lw=1.4, ls=DASHES, zorder=2.5, gid="law")
        return board.avoid_line(np.c_[x, y])

    def alt(self) -> str:
        """Say what is seen, with the numbers."""
        parts = [self.frame.opening([one.curve for one in self.series])]
        parts += [_told(one) for one in self.series]
        parts.append(self.frame.closing([one.y for one in self.series]))
        return " ".join(filter(None, parts))


def _told(one: Series) -> str:
    seeds = len(one.curve.values)
    name = one.curve.name + (f", median of {seeds} seeds," if seeds > 1 else "")
    slope = f", {slopes(one)}" if slopes(one) else ""
    return f"{way(name, one.y)}{slope}{against(one)}."
