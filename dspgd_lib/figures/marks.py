"""Marks: what an overlay draws, each able to draw itself as SVG and on matplotlib axes.

Points may have the shape (n, 2) or, as columns of weights, (n, 2, 1); one point (2,) or (2, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
from matplotlib.path import Path

from dspgd_lib.plotting import Look, themed

ToPixels = Callable[[np.ndarray], np.ndarray]
"""Maps data points of shape (n, 2) to pixels of shape (n, 2), y pointing down."""

SCALE = 2
"""Overlay pixels for each pixel of a panel: whole numbers then place a mark to half a pixel."""
PAGE = "#ffffff"
"""The colour of the page, whatever its theme makes of it."""

FAR = 1e4  # pixels: what lies farther out is clipped anyway and would only cost digits

NEAR = 1e3  # overlay pixels: enough for a curve of many points, and fewer digits

_CORNERS = {  # corners of a marker of radius 1
    "s": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "^": [(0, -1.15), (1.05, 0.8), (-1.05, 0.8)],
    "v": [(0, 1.15), (1.05, -0.8), (-1.05, -0.8)],
    "D": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
    "<": [(-1.15, 0), (0.8, -1.05), (0.8, 1.05)],
    ">": [(1.15, 0), (-0.8, 1.05), (-0.8, -1.05)],
    "P": list(
        zip(
            (-0.4, 0.4, 0.4, 1.1, 1.1, 0.4, 0.4, -0.4, -0.4, -1.1, -1.1, -0.4),
            (-1.1, -1.1, -0.4, -0.4, 0.4, 0.4, 1.1, 1.1, 0.4, 0.4, -0.4, -0.4),
            strict=True,
        )
    ),
    "p": [(np.sin(a), -np.cos(a)) for a in np.arange(5) * 2 * np.pi / 5],
    "d": [(0, -1.25), (0.75, 0), (0, 1.25), (-0.75, 0)],
    "*": [
        (r * np.sin(a), -r * np.cos(a))
        for a, r in zip(np.arange(10) * np.pi / 5, (1.25, 0.5) * 5, strict=True)
    ],
    "X": [
        (r * np.sin(a), -r * np.cos(a))
        for a, r in zip(
            np.deg2rad((28, 62, 90, 118, 152, 180, 208, 242, 270, 298, 332, 360)),
            (1.2, 1.2, 0.5) * 4,
            strict=True,
        )
    ],
    "h": [(np.sin(a), -np.cos(a)) for a in np.arange(6) * 2 * np.pi / 6],
}


def _rows(points: Any) -> np.ndarray:
    return np.asarray(points, dtype=float).reshape(-1, 2)


def _pixels(points: Any, to_pixels: ToPixels) -> np.ndarray:
    """Return the finite points in whole overlay pixels."""
    with np.errstate(all="ignore"):
        pixels = to_pixels(_rows(points))
    pixels = np.clip(pixels[np.isfinite(pixels).all(axis=1)], -FAR, FAR)
    return np.rint(SCALE * pixels)


def _thin(pixels: np.ndarray, step: float) -> np.ndarray:
    """Drop points closer than ``step`` to the one kept before; keep both ends."""
    kept: list[int] = []
    x0 = y0 = float("inf")
    for i, (x, y) in enumerate(pixels.tolist()):
        if not kept or abs(x - x0) >= step or abs(y - y0) >= step:
            kept.append(i)
            x0, y0 = x, y
    if kept and kept[-1] != len(pixels) - 1:
        kept.append(len(pixels) - 1)
    return pixels[kept]


def _distinct(pixels: np.ndarray) -> np.ndarray:
    """Drop points that fall on the one before."""
    if len(pixels) < 2:
        return pixels
    return pixels[np.r_[True, np.any(np.diff(pixels, axis=0) != 0, axis=1)]]


def _simple(pixels: np.ndarray, tolerance: float = 0.5) -> np.ndarray:
    """Drop points that a polyline does not need to stay within ``tolerance`` overlay pixels."""
    if len(pixels) < 3:
        return pixels
    path = Path(pixels)
    path.should_simplify, path.simplify_threshold = True, tolerance
    simple = path.cleaned(simplify=True)
    return np.rint(np.asarray(simple.vertices)[np.asarray(simple.codes) != Path.STOP])


def _px(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def _path(pixels: np.ndarray) -> str:
    """Path commands through whole pixels, each relative to the one before."""
    if not len(pixels):
        return ""
    x, y = pixels[0]
    moves = " ".join(f"{dx:.0f} {dy:.0f}" for dx, dy in np.diff(pixels, axis=0))
    return f"M{x:.0f} {y:.0f}" + (f"l{moves}" if moves else "")


@dataclass(frozen=True)
class Line:
    """A polyline through data points.

    With ``every`` none of them is left out. A curve that a slider bends, through points that belong
    together from stop to stop, weighs least so: only numbers change.
    """

    points: Any
    color: str
    width: float = 2.0
    dash: str = ""
    opacity: float = 1.0
    every: bool = False

    def svg(self, to_pixels: ToPixels) -> str:
        """Return the SVG element of this line."""
        pixels = _pixels(self.points, to_pixels)
        if self.every:
            path = _path(np.clip(pixels, -NEAR, NEAR))
        else:
            path = _path(_simple(_distinct(pixels)))
        dash = " ".join(f"{SCALE * float(length):g}" for length in self.dash.split())
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        extra += f' opacity="{self.opacity:g}"' if self.opacity < 1 else ""
        return (
            f'<path fill="none" stroke="{self.color}" stroke-width="{SCALE * self.width:g}"'
            f'{extra} d="{path}"/>'
        )

    def draw(self, ax: Any) -> None:
        """Draw the line on matplotlib axes (for print)."""
        x, y = _rows(self.points).T
        pattern = (0, tuple(map(float, self.dash.split()))) if self.dash else "-"
        ax.plot(x, y, color=self.color, lw=0.75 * self.width, ls=pattern, alpha=self.opacity)


@dataclass(frozen=True)
class Band(Line):
    """The area inside a closed curve."""

    def svg(self, to_pixels: ToPixels) -> str:
        """Return the SVG element of this area."""
        path = Line(self.points, self.color, every=self.every).svg(to_pixels).split(' d="')[1]
        return f'<path fill="{self.color}" fill-opacity="{self.opacity:g}" d="{path}'

    def draw(self, ax: Any) -> None:
        """Fill the area on matplotlib axes (for print)."""
        ax.fill(*np.reshape(self.points, (-1, 2)).T, color=self.color, alpha=self.opacity, lw=0)


@dataclass(frozen=True)
class Dots:
    """Markers at data points, thinned out to at most one every ``gap`` pixels."""

    points: Any
    color: str
    marker: str = "o"
    size: float = 4.0
    hollow: bool = False
    gap: float = 8.0

    def svg(self, to_pixels: ToPixels) -> str:
        """Return one SVG path that draws every marker."""
        pixels = _thin(_pixels(self.points, to_pixels), SCALE * self.gap)
        outline = self._outline()
        path = "".join(f"M{x:.0f} {y:.0f}{outline}" for x, y in pixels)
        fill, edge = (PAGE, self.color) if self.hollow else (self.color, PAGE)
        width = SCALE * (1.8 if self.hollow else 0.8)
        return f'<path fill="{fill}" stroke="{edge}" stroke-width="{width:g}" d="{path}"/>'

    def _outline(self) -> str:
        """Path commands that go round one marker, from its centre."""
        size = SCALE * self.size
        if self.marker not in _CORNERS:
            r, d = _px(size), _px(2 * size)
            return f"m-{r},0a{r},{r} 0 1 0 {d},0a{r},{r} 0 1 0 -{d},0z"
        corners = np.array(_CORNERS[self.marker]) * size
        moves = np.diff(corners, axis=0, prepend=[(0, 0)])
        return "m" + " ".join(f"{_px(x)},{_px(y)}" for x, y in moves) + "z"

    def draw(self, ax: Any) -> None:
        """Draw the markers on matplotlib axes (for print)."""
        pixels = _thin(ax.transData.transform(_rows(self.points)), self.gap)
        x, y = ax.transData.inverted().transform(pixels).T
        fill, edge = ("white", self.color) if self.hollow else (self.color, "white")
        ax.plot(x, y, self.marker, ms=1.5 * self.size, mfc=fill, mec=edge, ls="none", zorder=3)


@dataclass(frozen=True)
class Text:
    """A short text beside a data point, ``offset`` in pixels (right, up)."""

    at: Any
    text: str
    color: str
    offset: tuple[float, float] = (6.0, 6.0)
    anchor: str = "start"
    size: float = 12.5
    bold: bool = False
    room: float = float("inf")

    def within(self, room: float) -> Text:
        """Return the same text, to be kept inside a panel of this width in pixels."""
        return replace(self, room=room)

    def svg(self, to_pixels: ToPixels) -> str:
        """Return the SVG text, with a halo of the page's colour: lines do not strike it out."""
        ((x, y),) = to_pixels(_rows(self.at))
        x = self._kept_inside(x + self.offset[0])
        weight = ' font-weight="600"' if self.bold else ""
        place = f'x="{SCALE * x:.0f}" y="{SCALE * (y - self.offset[1]):.0f}"'
        anchor = f' text-anchor="{self.anchor}"' if self.anchor != "start" else ""
        return (
            f'<text {place} fill="{self.color}" font-size="{SCALE * self.size:g}"{anchor}{weight}'
            f' stroke="{PAGE}" stroke-width="{3 * SCALE:g}" paint-order="stroke">'
            f"{escape(self.text)}</text>"
        )

    def _kept_inside(self, x: float) -> float:
        wide = 0.56 * self.size * len(self.text)
        before = {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return float(max(min(x, self.room - 2 - (wide - before)), before + 2))

    def draw(self, ax: Any) -> None:
        """Write the text on matplotlib axes (for print)."""
        side = {"start": "left", "middle": "center", "end": "right"}[self.anchor]
        ax.annotate(
            self.text,
            _rows(self.at)[0],
            (0.75 * self.offset[0], 0.75 * self.offset[1]),
            textcoords="offset points",
            color=self.color,
            ha=side,
            fontsize=0.72 * self.size,
            weight="bold" if self.bold else "normal",
        )


Mark = Line | Dots | Text


def note(at: Any, text: str, color: str, anchor: str = "start", bold: bool = True) -> Text:
    """Return a text that stands exactly at a data point: it names a curve, not the point.

    Parameters
    ----------
    at : array of shape (2,)
        Where its baseline begins, or what else the anchor says.
    text, color : str
        What it says, and in which colour.
    anchor : str
        "start", "middle" or "end".
    bold : bool
        Whether it is set in bold type.

    Returns
    -------
    Text

    Examples
    --------
    >>> note((0.5, 1.0), "f", "black").offset
    (0.0, 0.0)
    """
    return Text(at, text, color, (0.0, 0.0), anchor, bold=bold)


def number(value: float, form: str = ".3g") -> str:
    """Return a number in words of the book: with a minus sign instead of a hyphen.

    Parameters
    ----------
    value : float
        The number.
    form : str
        How to format it.

    Returns
    -------
    str

    Examples
    --------
    >>> number(-0.5), number(2.0, "+.2f")
    ('−0.5', '+2.00')
    """
    return f"{value:{form}}".replace("-", "−")


def swatch(style: Look) -> str:
    """Return an optimizer's marker as inline SVG, for a legend in running text."""
    mark = themed(Dots([(8, 8)], style.color, style.marker, 5.5).svg(lambda points: points))
    box = f"0 0 {16 * SCALE} {16 * SCALE}"
    return f'<svg class="swatch" viewBox="{box}" aria-hidden="true">{mark}</svg>'


def keyed(style: Look, text: str) -> str:
    """Return an optimizer's marker and a text that stay on one line of a caption."""
    return f'<span style="white-space:nowrap">{swatch(style)} {text}</span>'
