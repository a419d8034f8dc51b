"""Background pictures, and the map that lays marks exactly over them."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import matplotlib.pyplot as plt
import numpy as np

from dspgd_lib.figures.marks import Mark, ToPixels
from dspgd_lib.plotting import STYLE_SHEET


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


@dataclass(frozen=True)
class Canvas:
    """A drawn panel: its picture as a data URI and the map from data to its pixels.

    Parameters
    ----------
    panel
        What was drawn.
    source
        The picture as a data URI.
    to_pixels
        Maps data points of shape (n, 2) to pixels of the picture.
    clip
        Left, top, width and height of the axes in pixels: marks end there.
    """

    panel: Panel
    source: str
    to_pixels: ToPixels
    clip: tuple[float, float, float, float]

    @classmethod
    def of(cls, panel: Panel) -> Canvas:
        """Draw a panel.

        Parameters
        ----------
        panel : Panel
            What to draw.

        Returns
        -------
        Canvas

        Examples
        --------
        >>> def square(ax):
        ...     _ = ax.set(xlim=(0, 1), ylim=(0, 1))
        >>> canvas = Canvas.of(Panel(square, "unit square", (200, 100), axes=False))
        >>> canvas.to_pixels(np.array([(0.0, 0.0), (1.0, 1.0)])).round(9).tolist()
        [[0.0, 100.0], [200.0, 0.0]]
        """
        fig, ax = _draw(panel)
        height = panel.size[1]
        transform, box = ax.transData.frozen(), ax.bbox.frozen()
        source = _data_uri(_svg(fig))
        plt.close(fig)

        def to_pixels(points: np.ndarray) -> np.ndarray:
            x, y = transform.transform(points).T
            return np.c_[x, height - y]

        return cls(panel, source, to_pixels, (box.x0, height - box.y1, box.width, box.height))

    @property
    def _widest(self) -> str:
        return f"max-width:{int(1.4 * self.panel.size[0])}px"

    def image(self) -> str:
        """Return the picture as HTML."""
        width, height = self.panel.size
        return (
            f'<img class="dark-light" src="{self.source}" width="{width}" height="{height}" '
            f'style="{self._widest}" alt="{escape(self.panel.alt)}">'
        )

    def overlay(self, marks: Sequence[Mark], alt: str) -> str:
        """Return marks, with their description in words, as an SVG of the picture's size."""
        width, height = self.panel.size
        x, y, w, h = (f"{side:.0f}" for side in self.clip)
        inner = "".join(mark.svg(self.to_pixels) for mark in marks)
        return (
            f'<svg class="overlay" viewBox="0 0 {width} {height}" role="img" '
            f'style="{self._widest}" aria-label="{escape(alt)}">'
            f'<svg x="{x}" y="{y}" width="{w}" height="{h}" viewBox="{x} {y} {w} {h}">'
            f"{inner}</svg></svg>"
        )


def _draw(panel: Panel) -> tuple[Any, Any]:
    """Draw a panel on a matplotlib figure of its size; return the figure and its axes."""
    width, height = panel.size
    with plt.style.context(STYLE_SHEET):
        fig = plt.figure(figsize=(width / 100, height / 100), dpi=100)
        if panel.axes:
            ax = fig.add_subplot()
        else:
            fig.set_layout_engine("none")
            ax = fig.add_axes((0, 0, 1, 1))
            ax.set_axis_off()
        panel.draw(ax)
        fig.canvas.draw()
        # Saving would lay the figure out once more, and move the axes under the overlay.
        fig.set_layout_engine("none")
    return fig, ax


def _svg(fig: Any) -> str:
    """Return a figure as an SVG element, without what a page does not need."""
    with plt.style.context(STYLE_SHEET), io.StringIO() as out:
        fig.savefig(out, format="svg", dpi=100, metadata={"Date": None, "Creator": None})
        picture = out.getvalue()
    picture = picture[picture.index("<svg") :]
    picture = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", picture, flags=re.S)
    return re.sub(r"(\d\.\d{4})\d+", r"\1", re.sub(r"\s*\n\s*", " ", picture))


def _data_uri(picture: str) -> str:
    safe = quote(picture, safe=" =:/;,()'!*-._~@+#?$[]")
    return "data:image/svg+xml," + safe.replace("#", "%23")


def png(fig: Any) -> str:
    """Return a matplotlib figure as a PNG in base 64, and close it."""
    with io.BytesIO() as out:
        fig.savefig(out, format="png", dpi=200)
        plt.close(fig)
        return base64.b64encode(out.getvalue()).decode()
