"""Controls of the interactive figures: sliders over numbers and buttons for named choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np

_WIDE: dict[str, Any] = {"layout": widgets.Layout(width="100%")}


@dataclass(frozen=True)
class Slider:
    """A number that slides.

    Parameters
    ----------
    name
        Keyword under which the frame gets the value.
    description
        The text beside the slider.
    values
        The stops in the built page, in rising order. In Jupyter every value between the first and
        the last can be chosen.
    start
        Index of the value shown first.
    log
        Whether the slider in Jupyter is logarithmic.
    form
        Format of the number beside the slider in the built page.

    Examples
    --------
    >>> Slider("eps", "smoothing ε", [0.1, 1.0, 10.0]).labels()
    ['0.1', '1', '10']
    """

    name: str
    description: str
    values: Sequence[float]
    start: int = 0
    log: bool = True
    form: str = "{:.3g}"

    def labels(self) -> list[str]:
        """Return the text shown for each stop."""
        return [self.form.format(value).replace("-", "−") for value in self.values]

    def html(self, group: str) -> str:
        """Return an ordinary range input over the stops; ``group`` is the figure's name."""
        label = escape(self.labels()[self.start])
        return (
            f'<label class="explorer-control"><span>{escape(self.description)}</span>'
            f'<input type="range" min="0" max="{len(self.values) - 1}" value="{self.start}" '
            f'aria-valuetext="{label}" autocomplete="off" disabled>'
            f'<output aria-hidden="true">{label}</output></label>'
        )

    def live(self) -> widgets.Widget:
        """Return a slider over every value between the first and the last stop."""
        low, high = self.values[0], self.values[-1]
        if self.log:
            low, high = np.log10([low, high])
        kind = widgets.FloatLogSlider if self.log else widgets.FloatSlider
        return kind(
            value=self.values[self.start], min=low, max=high, step=(high - low) / 400,
            description=self.description, readout_format=".3g", **_WIDE,
        )  # fmt: skip


@dataclass(frozen=True)
class Buttons:
    """A choice among a few named values.

    Parameters
    ----------
    name
        Keyword under which the frame gets the value.
    description
        The text beside the buttons.
    options
        The text on each button and the value behind it, or only texts: they are the values then.
    start
        Index of the button pressed first.

    Examples
    --------
    >>> Buttons("way", "direction", ["up", "down"]).values
    ['up', 'down']
    >>> Buttons("n", "examples", {"one": 1, "two": 2}).values
    [1, 2]
    """

    name: str
    description: str
    options: Mapping[str, Any] | Sequence[str]
    start: int = 0

    def labels(self) -> list[str]:
        """Return the text on each button."""
        return list(self.options)

    @property
    def values(self) -> list[Any]:
        """The value behind each button."""
        if isinstance(self.options, Mapping):
            return list(self.options.values())
        return list(self.options)

    def html(self, group: str) -> str:
        """Return a row of radio buttons; ``group`` is the figure's name."""
        buttons = "".join(
            f'<label><input type="radio" name="{group}-{self.name}" value="{i}" '
            f'autocomplete="off" disabled{" checked" if i == self.start else ""}>'
            f"<span>{escape(label)}</span></label>"
            for i, label in enumerate(self.labels())
        )
        return (
            f'<div class="explorer-control explorer-choice" role="radiogroup" '
            f'aria-label="{escape(self.description)}"><span>{escape(self.description)}</span>'
            f"<div>{buttons}</div></div>"
        )

    def live(self) -> widgets.Widget:
        """Return the row of buttons for Jupyter."""
        options = list(zip(self.labels(), self.values, strict=True))
        return widgets.ToggleButtons(
            options=options, index=self.start, description=self.description,
            style={"button_width": "auto"},
        )  # fmt: skip
