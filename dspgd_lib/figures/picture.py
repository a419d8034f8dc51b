"""Still pictures that look like the interactive ones: panels as SVG, in the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt

from dspgd_lib.figures.canvas import Canvas, Panel, places
from dspgd_lib.figures.page import style
from dspgd_lib.plotting import STYLE_SHEET, is_static


@dataclass(frozen=True)
class Picture:
    """One panel, two, or three narrow ones. Show it by making it the last expression of a cell.

    Parameters
    ----------
    panels
        What is drawn, side by side where there is room, stacked on a phone.

    Raises
    ------
    ValueError
        If there is no panel.

    Examples
    --------
    >>> def axes(ax):
    ...     _ = ax.plot([0, 1], [0, 1])
    >>> Picture([Panel(axes, "a line that rises from 0 to 1")])
    <picture: a line that rises from 0 to 1>
    """

    panels: Sequence[Panel]

    def __post_init__(self) -> None:
        """Check that there is something to draw."""
        if not self.panels:
            raise ValueError("panels is empty: a picture needs at least one panel")

    def __repr__(self) -> str:
        """Say what is seen."""
        return f"<picture: {' '.join(panel.alt for panel in self.panels)}>"

    def html(self) -> str:
        """Return the panels as HTML."""
        drawn = "".join(Canvas.of(panel).picture for panel in self.panels)
        inside = f'<div class="explorer-panels">{drawn}</div>'
        return f'<div class="picture{places(self.panels)}">{inside}</div>'

    def figure(self) -> Any:
        """Return the panels as one matplotlib figure, to save or to change.

        Returns
        -------
        matplotlib.figure.Figure
        """
        wide = sum(panel.size[0] for panel in self.panels) / 100
        high = max(panel.size[1] for panel in self.panels) / 100
        with plt.style.context(STYLE_SHEET):
            fig, axes = plt.subplots(1, len(self.panels), figsize=(wide, high), squeeze=False)
            for ax, panel in zip(axes[0], self.panels, strict=True):
                panel.draw(ax)
                if not panel.axes:
                    ax.set_axis_off()
        return fig

    def _repr_html_(self) -> str:
        return self.html() if is_static() else style() + self.html()
