"""The panel of measured against proved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validation import Array
from ..figures.words import plain
from ..plotting import BOUND, INK
from ._frame import MOST_DOTS, Frame, way
from ._labels import Board, thinned
from ._pairs import ROUNDING, Pair, beyond_words, closest_words
from ._words import spoken

FORBIDDEN = "#fbe9e7"
STRIP = 9.0  # pixels that are shaded beside each of several bounds


@dataclass(frozen=True)
class BoundPanel:
    """What is drawn and said about measured curves and their bounds."""

    pairs: list[Pair]
    frame: Frame
    below: bool
    names: tuple[str, str]
    floor: float

    @property
    def common(self) -> bool:
        """Whether one line is the bound of all curves."""
        first = self.pairs[0]
        return first.proved is not None and all(
            pair.proved is not None
            and np.array_equal(pair.proved, first.proved)
            and np.array_equal(pair.curve.x, first.curve.x)
            for pair in self.pairs
        )

    def draw(self, ax: Any) -> None:
        """Draw on matplotlib axes."""
        board = self.frame.on(ax)
        drawn = self.pairs[:1] if self.common else self.pairs
        lines = [self._line(board, pair) for pair in drawn]
        owns = [self._dots(board, pair) for pair in self.pairs]
        self._warn(board)
        for pair, own in zip(self.pairs, owns, strict=True):
            board.beside(pair.curve.name, pair.curve.look.color, own)
        self._remark(board)
        if self.common:
            board.beside(plain(self.names[1]), BOUND, lines[0])
        elif any(pair.proved is not None for pair in self.pairs):
            words = f"dots {plain(self.names[0])}, lines {plain(self.names[1])}"
            board.anywhere(words, INK)

    def _line(self, board: Board, pair: Pair) -> Array:
        """Draw a bound and shade its forbidden side; return its points in pixels."""
        if pair.proved is None:
            return np.empty((0, 2))
        color = BOUND if self.common else pair.curve.look.color
        line = np.where(np.isfinite(pair.proved), pair.proved, np.nan)
        if self.frame.log[1]:  # a bound that is not positive lies below the picture, not in a gap
            line = np.where(line <= 0, 1e-307, line)
        x, line = board.light(np.c_[pair.curve.x, line]).T
        self._shade(board, x, line, color)
        board.ax.plot(x, line, color=color, lw=1.4, zorder=2.5, gid="proved")
        return board.avoid_line(np.c_[x, line])

    def _shade(self, board: Board, x: Array, line: Array, color: str) -> None:
        """Shade all that one bound forbids, or a strip beside each of several."""
        ax, (low, high) = board.ax, self.frame.y
        style: dict[str, Any] = {"lw": 0, "gid": "forbidden", "zorder": 0.5}
        if self.common:
            ax.fill_between(
                x, line, high if self.below else low, color=FORBIDDEN, alpha=0.7, **style
            )
            return
        pixels = ax.transData.transform(np.c_[x, line])
        pixels[:, 1] += (STRIP if self.below else -STRIP) * board.unit
        edge = ax.transData.inverted().transform(pixels)[:, 1]
        ax.fill_between(x, line, edge, color=color, alpha=0.14, **style)

    def _dots(self, board: Board, pair: Pair) -> Array:
        """Draw the dots, the band over seeds and the rings; return the dots in pixels."""
        ax, curve = board.ax, pair.curve
        if len(curve.values) > 1:
            board.band(curve.x, *pair.band, curve.look.color)
        always = [at for at in (pair.closest, pair.told) if at is not None]
        own = self.frame.dots(board, curve, pair.y, always)
        if pair.beyond.any():
            y = np.clip(pair.y, *self.frame.y) if self.frame.log[1] else pair.y
            points = np.c_[curve.x, y][pair.beyond]
            worst = int(pair.beyond[: pair.worst[0]].sum())
            points = points[thinned(board.pixels(points), MOST_DOTS, [worst])]
            ring: dict[str, Any] = {"mfc": "none", "mec": BOUND, "mew": 1.2, "ms": 7, "zorder": 4}
            ax.plot(*points.T, "o", gid="beyond", clip_on=False, **ring)
        return own

    def _warn(self, board: Board) -> None:
        """Write how many dots are beyond their bounds, beside the one that is farthest."""
        broken = [pair for pair in self.pairs if pair.beyond.any()]
        if broken:
            pair = max(broken, key=lambda one: one.worst[1])
            point = self._pixel(board, pair, pair.worst[0])
            board.near(beyond_words(broken), BOUND, point, "bold")

    def _remark(self, board: Board) -> None:
        """Write beside its dot how close the closest comes, if none is beyond."""
        if any(pair.beyond.any() for pair in self.pairs):
            return
        pair = max(self.pairs, key=lambda one: one.tightness)
        if pair.told is None or self.frame.hidden(pair.y)[pair.told]:
            return
        color = INK if self.common else pair.curve.look.color
        point = self._pixel(board, pair, pair.told)
        spot = board.ax.transData.inverted().transform(point)
        board.ax.plot(
            *spot, "o", ms=8, mfc="none", mec=color, mew=0.9, zorder=4, gid="closest", clip_on=False
        )
        board.near(closest_words(pair, "the bound" if self.common else "its bound"), color, point)

    def _pixel(self, board: Board, pair: Pair, at: int) -> Array:
        y = np.clip(pair.y[at], *self.frame.y)
        return np.asarray(board.ax.transData.transform((pair.curve.x[at], y)))

    def alt(self) -> str:
        """Say what is seen, with the numbers."""
        parts = [self.frame.opening([pair.curve for pair in self.pairs])]
        parts += [_told(pair) for pair in self.pairs]
        parts.append(self.frame.closing([pair.y for pair in self.pairs]))
        if self.floor > 0:
            parts.append(f"Values up to {spoken(self.floor)} count as rounding.")
        return " ".join(filter(None, parts))


def _told(pair: Pair) -> str:
    """Say how one curve goes, and how it compares."""
    name, seeds = pair.curve.name, len(pair.curve.values)
    text = way(name, pair.y)
    if seeds > 1:
        text = f"Of {seeds} seeds the {'largest' if pair.below else 'smallest'} is shown: {text}"
    if pair.proved is None:
        return f"{text}; nothing is proved about it."
    if pair.beyond.any():
        first = spoken(float(pair.curve.x[pair.beyond][0]))
        return f"{text}. {beyond_words([pair])}, first at {first}."
    if pair.closest is None:
        return f"{text}, on its side of the bound."
    at = spoken(float(pair.curve.x[pair.closest]))
    where = f", at {at}" if pair.told == pair.closest and abs(pair.tightness - 1) > ROUNDING else ""
    return f"{text}. It {_is(closest_words(pair, 'its bound'))}{where}."


def _is(words: str) -> str:
    return f"is {words}" if words.startswith("at ") else words
