"""Interactive figures that need no kernel: one background, one small SVG overlay per value.

In the built page (``DSPGD_STATIC=1``) every value of the controls is computed beforehand and
the browser only switches overlays. In Jupyter the same call recomputes the overlay for any value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from dspgd_lib.figures.canvas import Canvas, Panel, png
from dspgd_lib.figures.canvas import _draw as _draw
from dspgd_lib.figures.controls import Buttons, Slider
from dspgd_lib.figures.marks import Mark
from dspgd_lib.plotting import STYLE_SHEET, is_static

CSS = Path(__file__).with_name("explorer.css")
_numbers = count(1)


@dataclass(frozen=True)
class Frame:
    """What one setting of the controls shows: marks and alt text per panel, and a sentence."""

    marks: Sequence[Sequence[Mark]]
    alts: Sequence[str]
    caption: str = ""


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
    _canvases: list[Canvas] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the figure and draw its backgrounds."""
        if not self.panels or not self.controls:
            raise ValueError(f"figure {self.label!r} needs at least one panel and one control")
        if self.stops > 200:
            raise ValueError(
                f"figure {self.label!r} has {self.stops} stops; a page carries at most 200: "
                "give its controls fewer values"
            )
        object.__setattr__(self, "_canvases", [Canvas.of(panel) for panel in self.panels])

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
        bundle = {"text/html": self.still(), "image/png": png(fig), "text/plain": self.label}
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
