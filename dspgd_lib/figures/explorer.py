"""Interactive figures that need no kernel: one background, one small SVG overlay per value.

In the built page (``DSPGD_STATIC=1``) every value of the controls is computed beforehand and
the browser only switches overlays. In Jupyter the same call recomputes the overlay for any value.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from dspgd_lib.figures.marks import Mark
from dspgd_lib.plotting import STYLE_SHEET, is_static

CSS = Path(__file__).with_name("explorer.css")
_numbers = count(1)


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
class Frame:
    """What one setting of the controls shows: marks and alt text per panel, and a sentence."""

    marks: Sequence[Sequence[Mark]]
    alts: Sequence[str]
    caption: str = ""


@dataclass(frozen=True)
class Slider:
    """A positive or signed number; ``values`` are the stops in the built page."""

    name: str
    description: str
    values: Sequence[float]
    start: int = 0
    log: bool = True
    form: str = "{:.3g}"

    def labels(self) -> list[str]:
        """Return the text shown for each stop."""
        return [self.form.format(value) for value in self.values]

    def static(self) -> widgets.Widget:
        """Return a slider over the stops, addressed by index."""
        options = [(label, i) for i, label in enumerate(self.labels())]
        return widgets.SelectionSlider(
            options=options, index=self.start, description=self.description, **_WIDE
        )

    def live(self) -> widgets.Widget:
        """Return a slider over every value between the first and the last stop."""
        low, high, start = self.values[0], self.values[-1], self.values[self.start]
        if self.log:
            low, high = np.log10([low, high])
            kind, step = widgets.FloatLogSlider, (high - low) / 400
        else:
            kind, step = widgets.FloatSlider, (high - low) / 400
        return kind(
            value=start, min=low, max=high, step=step, description=self.description,
            readout_format=".3g", **_WIDE,
        )  # fmt: skip


@dataclass(frozen=True)
class Buttons:
    """A choice among a few named values."""

    name: str
    description: str
    options: Mapping[str, Any]
    start: int = 0

    @property
    def values(self) -> list[Any]:
        """The value behind each button."""
        return list(self.options.values())

    def labels(self) -> list[str]:
        """Return the text on each button."""
        return list(self.options)

    def static(self) -> widgets.Widget:
        """Return the row of buttons."""
        return widgets.ToggleButtons(
            options=list(self.options.items()), index=self.start, description=self.description,
            style={"button_width": "auto"},
        )  # fmt: skip

    live = static


_WIDE: dict[str, Any] = {"layout": widgets.Layout(width="100%")}


@dataclass(frozen=True)
class _Canvas:
    """A drawn panel: its picture as a data URI and the map from data to its pixels."""

    panel: Panel
    source: str
    to_pixels: Callable[[np.ndarray], np.ndarray]
    clip: tuple[float, float, float, float]

    @property
    def widest(self) -> int:
        return int(1.4 * self.panel.size[0])

    def image(self) -> str:
        width, height = self.panel.size
        return (
            f'<img class="dark-light" src="{self.source}" width="{width}" height="{height}" '
            f'style="max-width:{self.widest}px" alt="{escape(self.panel.alt)}">'
        )

    def overlay(self, marks: Sequence[Mark], alt: str) -> str:
        width, height = self.panel.size
        x, y, w, h = self.clip
        box = f'x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}"'
        inner = "".join(mark.svg(self.to_pixels) for mark in marks)
        return (
            f'<svg class="overlay" viewBox="0 0 {width} {height}" role="img" '
            f'style="max-width:{self.widest}px" '
            f'aria-label="{escape(alt)}"><svg {box} viewBox="{x:.0f} {y:.0f} {w:.0f} {h:.0f}">'
            f"{inner}</svg></svg>"
        )


def _draw(panel: Panel) -> tuple[Any, Any]:
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


def _canvas(panel: Panel) -> _Canvas:
    fig, ax = _draw(panel)
    height = panel.size[1]
    transform, box = ax.transData.frozen(), ax.bbox.frozen()
    with plt.style.context(STYLE_SHEET), io.StringIO() as out:
        fig.savefig(out, format="svg", dpi=100, metadata={"Date": None, "Creator": None})
        picture = out.getvalue()
    plt.close(fig)
    picture = picture[picture.index("<svg") :]
    picture = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", picture, flags=re.S)
    picture = re.sub(r"(\d\.\d{4})\d+", r"\1", re.sub(r"\s*\n\s*", " ", picture))

    def to_pixels(points: np.ndarray) -> np.ndarray:
        x, y = transform.transform(points).T
        return np.c_[x, height - y]

    clip = (box.x0, height - box.y1, box.width, box.height)
    source = "data:image/svg+xml," + quote(picture, safe=" =:/;,()'!*-._~@+#?$[]").replace(
        "#", "%23"
    )
    return _Canvas(panel, source, to_pixels, clip)


@dataclass(frozen=True)
class Explorer:
    """A figure with controls. Show it by making it the last expression of a cell.

    Parameters
    ----------
    panels
        Background pictures, side by side where there is room, stacked on a phone.
    frame
        Called with one keyword per control; returns the :class:`Frame` to lay over the panels.
    controls
        :class:`Slider` and :class:`Buttons` objects, at most three.
    label
        Name of the figure for assistive technology.

    Raises
    ------
    ValueError
        If there is no panel or control, or more than 200 stops in all: name the figure and thin
        out the stops.

    Examples
    --------
    >>> def axes(ax):
    ...     _ = ax.set(xlim=(0, 1), ylim=(0, 1))
    >>> def frame(a):
    ...     return Frame([[Line([(0, 0), (1, a)], "black")]], [f"a line of slope {a:g}"])
    >>> from dspgd_lib.figures.marks import Line
    >>> figure = Explorer([Panel(axes, "empty unit square")], frame,
    ...                   [Slider("a", "slope", [0.0, 0.5, 1.0], log=False)], "slope")
    >>> figure.stops
    3
    """

    panels: Sequence[Panel]
    frame: Callable[..., Frame]
    controls: Sequence[Slider | Buttons]
    label: str
    _canvases: list[_Canvas] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the figure and draw its backgrounds."""
        if not self.panels or not self.controls:
            raise ValueError(f"figure {self.label!r} needs at least one panel and one control")
        if self.stops > 200:
            raise ValueError(
                f"figure {self.label!r} has {self.stops} stops; a page carries at most 200: "
                "give its controls fewer values"
            )
        object.__setattr__(self, "_canvases", [_canvas(panel) for panel in self.panels])

    @property
    def stops(self) -> int:
        """How many overlays the built page holds: one per combination of values."""
        return int(np.prod([len(control.values) for control in self.controls]))

    @property
    def start(self) -> dict[str, Any]:
        """The values shown first, by control name."""
        return {control.name: control.values[control.start] for control in self.controls}

    def html(self, **values: Any) -> str:
        """Return the overlays and the caption for these values as HTML."""
        frame = self.frame(**values)
        layers = zip(self._canvases, frame.marks, frame.alts, strict=True)
        overlays = "".join(canvas.overlay(marks, alt) for canvas, marks, alt in layers)
        caption = f'<p class="explorer-caption">{frame.caption}</p>' if frame.caption else ""
        return f'<div class="explorer-panels">{overlays}</div>{caption}'

    def background(self) -> str:
        """Return the background pictures as HTML."""
        images = "".join(canvas.image() for canvas in self._canvases)
        return f'<div class="explorer-panels explorer-background">{images}</div>'

    def still(self) -> str:
        """Return the figure as it stands before any script has run, and in print."""
        name = f"explorer-{next(_numbers)}"
        rows = "".join(f"<div>{escape(c.description)}</div>" for c in self.controls)
        return (
            f"<style>{CSS.read_text()}</style>"
            f'<figure class="explorer" id="{name}" aria-label="{escape(self.label)}" '
            f'data-frames="{self.stops}" data-backgrounds="{len(self.panels)}">'
            f'<div class="explorer-controls explorer-waiting" aria-hidden="true">{rows}</div>'
            f'<div class="explorer-stage">{self.background()}'
            f'<div class="explorer-still">{self.html(**self.start)}</div></div></figure>'
        )

    def picture(self) -> Any:
        """Return the still picture as a matplotlib figure, for print and for the README.

        Returns
        -------
        matplotlib.figure.Figure
            The panels side by side with the overlay of the starting values.
        """
        frame = self.frame(**self.start)
        wide = sum(panel.size[0] for panel in self.panels) / 100
        high = max(panel.size[1] for panel in self.panels) / 100
        with plt.style.context(STYLE_SHEET):
            fig, axes = plt.subplots(1, len(self.panels), figsize=(wide, high), squeeze=False)
            for ax, panel, marks in zip(axes[0], self.panels, frame.marks, strict=True):
                panel.draw(ax)
                if not panel.axes:
                    ax.set_axis_off()
                fig.canvas.draw()
                for mark in marks:
                    mark.draw(ax)
        return fig

    def static(self) -> widgets.Widget:
        """Return the precomputed figure: nested stacks of overlays behind linked controls."""
        layout = widgets.Layout(width="100%", margin="0", overflow="hidden")
        style = widgets.HTML().style
        controls = [control.static() for control in self.controls]

        def stack(level: int, chosen: dict[str, Any]) -> widgets.Widget:
            if level == len(controls):
                return widgets.HTML(self.html(**chosen), layout=layout, style=style)
            control = self.controls[level]
            children = [stack(level + 1, chosen | {control.name: v}) for v in control.values]
            chooser = widgets.Stack(children, selected_index=control.start, layout=layout)
            widgets.jslink((controls[level], "index"), (chooser, "selected_index"))
            return chooser

        return _assemble(controls, [stack(0, {})], static=True)

    def live(self) -> widgets.Widget:
        """Return the figure for Jupyter: every move of a control recomputes the overlay."""
        controls = [control.live() for control in self.controls]
        overlay = widgets.HTML()

        def update(_: Any = None) -> None:
            names = [control.name for control in self.controls]
            overlay.value = self.html(**dict(zip(names, (c.value for c in controls), strict=True)))

        for control in controls:
            control.observe(update, "value")
        update()
        look = widgets.HTML(f"<style>{CSS.read_text()}</style>{self.background()}")
        return _assemble(controls, [look, overlay], static=False)

    def _ipython_display_(self) -> None:
        if not is_static():
            display(self.live())
            return
        fig = self.picture()
        bundle = {"text/html": self.still(), "image/png": _png(fig), "text/plain": self.label}
        display(bundle, raw=True)
        display(self.static())


def _assemble(
    controls: list[widgets.Widget], layers: list[widgets.Widget], *, static: bool
) -> widgets.Widget:
    longest = max(len(control.description) for control in controls)
    for control in controls:
        control.style.description_width = f"{0.56 * longest:.1f}em"
    top = widgets.VBox(controls).add_class("explorer-controls")
    stage = widgets.Box(layers).add_class("explorer-stage")
    box = widgets.VBox([top, stage]).add_class("explorer-widget")
    return box if static else box.add_class("explorer")


def _png(fig: Any) -> str:
    with io.BytesIO() as out:
        fig.savefig(out, format="png", dpi=200)
        plt.close(fig)
        return base64.b64encode(out.getvalue()).decode()
