"""Interactive figures that need no kernel: one background, one small SVG overlay per value.

In the built page (``DSPGD_STATIC=1``) every value of the controls is computed beforehand, and a
few lines of script exchange the overlay. In Jupyter the same call shows ipywidgets, which
recompute the overlay for any value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count, product
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from dspgd_lib.figures._packing import columns
from dspgd_lib.figures.canvas import Canvas, Layer, Panel, places
from dspgd_lib.figures.controls import Buttons, Slider
from dspgd_lib.figures.marks import Mark
from dspgd_lib.figures.page import style
from dspgd_lib.plotting import STYLE_SHEET, is_static

MOST_STOPS = 600
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
        If there is no panel or control, or more than 600 stops in all: name the figure and thin
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
        if self.stops > MOST_STOPS:
            raise ValueError(
                f"figure {self.label!r} has {self.stops} stops; a page carries at most "
                f"{MOST_STOPS}: give its controls fewer values"
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
        return self._shown(frame, self._layers(frame))

    def _layers(self, frame: Frame) -> list[Layer]:
        return [c.layer(m) for c, m in zip(self._canvases, frame.marks, strict=True)]

    def _shown(self, frame: Frame, layers: list[Layer]) -> str:
        drawn = zip(self._canvases, layers, frame.alts, strict=True)
        overlays = "".join(canvas.overlay(layer, alt) for canvas, layer, alt in drawn)
        return (
            f'<div class="explorer-panels">{overlays}</div>'
            f'<p class="explorer-caption" aria-live="polite">{frame.caption}</p>'
        )

    def background(self) -> str:
        """Return the background pictures as HTML."""
        pictures = "".join(canvas.picture for canvas in self._canvases)
        return f'<div class="explorer-panels">{pictures}</div>'

    def static(self) -> str:
        """Return the whole figure for a page: it stands before any script runs, and in print.

        Returns
        -------
        str
            HTML: controls, backgrounds, the overlay of the starting values, and as JSON the
            overlays of all stops.
        """
        name = f"explorer-{next(_numbers)}"
        combinations = product(*(control.values for control in self.controls))
        names = [control.name for control in self.controls]
        frames = [self.frame(**dict(zip(names, chosen, strict=True))) for chosen in combinations]
        layers = [self._layers(frame) for frame in frames]
        at = [control.start for control in self.controls]
        first = int(np.ravel_multi_index(at, [len(control.values) for control in self.controls]))
        return (
            f'<div class="explorer{places(self.panels)}" id="{name}" role="group" '
            f'aria-label="{escape(self.label)}" data-frames="{self.stops}">'
            f'<div class="explorer-controls">{"".join(c.html(name) for c in self.controls)}</div>'
            f'<div class="explorer-stage">{self.background()}'
            f"<div>{self._shown(frames[first], layers[first])}</div></div>"
            f'<script type="application/json">{self._packed(frames, layers)}</script></div>'
        )

    def _packed(self, frames: list[Frame], layers: list[list[Layer]]) -> str:
        """Return all frames as JSON: for each place in a picture what it holds at each stop."""
        places = [
            columns([part(drawn[i]) for drawn in layers])
            for i in range(len(self.panels))
            for part in (lambda layer: layer.shapes, lambda layer: layer.words)
        ]
        whole = {
            "labels": [control.labels() for control in self.controls],
            "places": places,
            "alts": columns([list(frame.alts) for frame in frames]),
            "captions": columns([[frame.caption] for frame in frames]),
        }
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        return text.replace("</", r"<\/").replace("<!", r"<\u0021")

    def picture(self) -> Any:
        """Return the still picture as a matplotlib figure, for the README.

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

    def live(self) -> widgets.Widget:
        """Return the figure for Jupyter: every move of a control recomputes the overlay."""
        controls = [control.live() for control in self.controls]
        names = [control.name for control in self.controls]
        overlay = widgets.HTML()

        def update(_: Any = None) -> None:
            chosen = (control.value for control in controls)
            overlay.value = self.html(**dict(zip(names, chosen, strict=True)))

        for control in controls:
            control.observe(update, "value")
        update()
        return _assemble(controls, [widgets.HTML(style() + self.background()), overlay])

    def _ipython_display_(self) -> None:
        if is_static():
            display({"text/html": self.static(), "text/plain": self.label}, raw=True)
        else:
            display(self.live())


def _assemble(controls: list[widgets.Widget], layers: list[widgets.Widget]) -> widgets.Widget:
    longest = max(len(control.description) for control in controls)
    for control in controls:
        control.style.description_width = f"{0.56 * longest:.1f}em"
    top = widgets.VBox(controls).add_class("explorer-controls")
    stage = widgets.Box(layers).add_class("explorer-stage")
    return widgets.VBox([top, stage]).add_class("explorer")
