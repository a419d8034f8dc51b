"""Background pictures as SVG with real text, and the map that lays marks exactly over them."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.text import Text as Words
from matplotlib.ticker import LogFormatterSciNotation

from dspgd_lib.figures.marks import SCALE, Mark, ToPixels
from dspgd_lib.figures.marks import Text as Label
from dspgd_lib.figures.words import plain
from dspgd_lib.plotting import STYLE_SHEET, themed


@dataclass(frozen=True)
class Panel:
    """One background picture.

    Parameters
    ----------
    draw
        Called with matplotlib axes; draws what no control changes, and fixes the limits.
    alt
        What the background shows, in words.
    size
        Width and height in CSS pixels at natural size; 360 fits a phone.
    axes
        False for a picture that draws its own space (perspective): the axes fill the panel.
    """

    draw: Callable[[Any], None]
    alt: str
    size: tuple[int, int] = (360, 300)
    axes: bool = True


def places(panels: Sequence[Panel]) -> str:
    """Return the class of an element with these panels: one is not stretched, three are narrow.

    Parameters
    ----------
    panels : sequence of Panel
        What stands side by side where there is room.

    Returns
    -------
    str
        A class with a space before it, or nothing.

    Examples
    --------
    >>> places([])
    ''
    """
    return {1: " one-panel", 3: " three-panels"}.get(len(panels), "")


@dataclass(frozen=True)
class Layer:
    """The marks of one panel as SVG elements: those that end at its axes, and the words."""

    shapes: list[str]
    words: list[str]


@dataclass(frozen=True)
class Canvas:
    """A drawn panel: its picture as SVG and the map from data to its pixels.

    Parameters
    ----------
    panel
        What was drawn.
    picture
        The background as an SVG element.
    to_pixels
        Maps data points of shape (n, 2) to pixels of the picture.
    clip
        Left, top, width and height of the axes in pixels: marks end there.
    """

    panel: Panel
    picture: str
    to_pixels: ToPixels
    clip: tuple[float, float, float, float]

    @classmethod
    def of(cls, panel: Panel) -> Canvas:
        """Draw a panel.

        Examples
        --------
        >>> def axes(ax):
        ...     _ = ax.set(xlim=(0, 1), ylim=(0, 1))
        >>> canvas = Canvas.of(Panel(axes, "empty square", (200, 100), axes=False))
        >>> canvas.to_pixels(np.array([(0.0, 0.0), (1.0, 1.0)])).round(9).tolist()
        [[0.0, 100.0], [200.0, 0.0]]
        """
        fig, ax = _draw(panel)
        height = panel.size[1]
        transform, box = ax.transData.frozen(), ax.bbox.frozen()
        picture = _svg(fig, panel.alt)
        plt.close(fig)

        def to_pixels(points: np.ndarray) -> np.ndarray:
            x, y = transform.transform(points).T
            return np.c_[x, height - y]

        return cls(panel, picture, to_pixels, (box.x0, height - box.y1, box.width, box.height))

    def layer(self, marks: Sequence[Mark]) -> Layer:
        """Return marks as SVG elements, in overlay pixels; words are kept inside the panel."""
        width = self.panel.size[0]
        words = [m.within(width).svg(self.to_pixels) for m in marks if isinstance(m, Label)]
        shapes = [mark.svg(self.to_pixels) for mark in marks if not isinstance(mark, Label)]
        return Layer([themed(shape) for shape in shapes], [themed(word) for word in words])

    def overlay(self, layer: Layer, alt: str) -> str:
        """Return a layer, with its description in words, as an SVG of the picture's size."""
        width, height = (SCALE * side for side in self.panel.size)
        x, y, w, h = (f"{SCALE * side:.0f}" for side in self.clip)
        return (
            f'<svg class="overlay" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escape(alt)}">'
            f'<svg x="{x}" y="{y}" width="{w}" height="{h}" viewBox="{x} {y} {w} {h}">'
            f"{''.join(layer.shapes)}</svg><g>{''.join(layer.words)}</g></svg>"
        )


class _Powers(LogFormatterSciNotation):
    """Ticks of a logarithmic axis in ordinary characters: 10⁻³."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return plain(super().__call__(x, pos))


def _draw(panel: Panel) -> tuple[Any, Any]:
    """Draw a panel on a matplotlib figure of its size; return the figure and its axes."""
    width, height = panel.size
    with _look():
        fig = plt.figure(figsize=(width / 100, height / 100), dpi=100)
        if panel.axes:
            ax = fig.add_subplot()
        else:
            fig.set_layout_engine("none")
            ax = fig.add_axes((0, 0, 1, 1))
            ax.set_axis_off()
        panel.draw(ax)
        _speak_plainly(fig, ax)
        fig.canvas.draw()
        # Saving would lay the figure out once more, and move the axes under the overlay.
        fig.set_layout_engine("none")
    return fig, ax


@contextmanager
def _look() -> Iterator[None]:
    """Use the style sheet; 𝓦 is not in matplotlib's font, but the page will have it."""
    with plt.style.context(STYLE_SHEET), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _speak_plainly(fig: Any, ax: Any) -> None:
    """Write formulas in ordinary characters: matplotlib would place each one by itself."""
    for axis in (ax.xaxis, ax.yaxis):
        if type(axis.get_major_formatter()) is LogFormatterSciNotation:
            axis.set_major_formatter(_Powers())
        if type(axis.get_minor_formatter()) is LogFormatterSciNotation:
            axis.set_minor_formatter(_Powers(minor_thresholds=(0, 0)))
    for words in fig.findobj(Words):
        words.set_text(plain(words.get_text()))


def _svg(fig: Any, alt: str) -> str:
    """Return a figure as an SVG element for the page: its theme, its font, no name twice."""
    with _look(), io.StringIO() as out:
        fig.savefig(out, format="svg", dpi=100, metadata={"Date": None, "Creator": None})
        picture = out.getvalue()
    picture = re.sub(
        r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", picture, flags=re.S
    )
    box = re.search(r'viewBox="([^"]*)"', picture)
    body = picture[picture.index(">", picture.index("<svg")) + 1 :]
    body = re.sub(r"\s*\n\s*", "", body)
    body = re.sub(r"<[^>]*>", _short, body).replace("xlink:", "")
    body = body.replace("stroke: #000000; stroke-opacity: 0", "stroke: none")
    body = re.sub(r" ?font-family: [^;\"]*;?", "", body)
    body = re.sub(r"font: ([^;\"]*?)([\d.]+px) [^;\"]*", r"font-size: \2; \1", body)
    body = _own_names(body).replace("<defs></defs>", "")
    opening = f'<svg class="background" viewBox="{box[1] if box else ""}" role="img"'
    return themed(f'{opening} aria-label="{escape(alt)}">{body}')


def _short(tag: re.Match[str]) -> str:
    """Round the coordinates in a tag to a tenth of a point; what a text says stays."""
    return re.sub(r"(\d\.\d)\d+", r"\1", tag[0])


def _own_names(body: str) -> str:
    """Drop names that nothing refers to, and make the others this picture's own."""
    used = set(re.findall(r"#([\w.-]+)\)?\"", body))
    mine = "x" + sha256(body.encode()).hexdigest()[:6]

    def rename(match: re.Match[str]) -> str:
        return f' id="{mine}{match[1]}"' if match[1] in used else ""

    body = re.sub(r' id="([^"]*)"', rename, body)
    return re.sub(r'(url\(#|href="#)([\w.-]+)', rf"\1{mine}\2", body)
