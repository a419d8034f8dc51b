"""The look of the book's figures: one style sheet, one colour and marker per optimizer."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt

STYLE_SHEET = Path(__file__).with_name("dspgd.mplstyle")

INK = "#2b3038"
"""Text, the start W_0."""
FAINT = "#8a8f98"
"""Axes, helper lines."""
MANIFOLD = "#4d5561"
"""The interpolating manifold."""
BOUND = "#b3261e"
"""A proven bound drawn beside a measurement."""


@dataclass(frozen=True)
class Look:
    """Name, colour, marker and dash pattern of one optimizer, the same in every figure."""

    name: str
    color: str
    marker: str
    dash: str = ""


LOOKS: Mapping[str, Look] = {
    "GradientDescent": Look("gradient descent", "#0072B2", "o"),
    "NormalizedGD": Look("normalized GD", "#C04D00", "s", "7 3"),
    "GradientClipping": Look("gradient clipping", "#007A5A", "^", "2 3"),
    "SoftClipping": Look("soft clipping", "#0B7A99", "v", "9 3 2 3"),
    "Adam": Look("Adam", "#AA3377", "D"),
    "SmoothedSign": Look("smoothed sign", "#4B0FD8", "P", "6 2"),
    "PNorm": Look("p-norm power", "#6A5200", "<", "4 4"),
    "Cosh": Look("hyperbolic cosine", "#14402A", ">", "10 2"),
    "LogCosh": Look("log cosh", "#00518F", "d", "6 3 2 3"),
    "Hypentropy": Look("hypentropy", "#8C2D04", "*", "3 2"),
    "Quadratic": Look("quadratic", "#3E4A54", "X", "12 3"),
    "Spectral": Look("spectral", "#A83FEA", "h", "9 2 2 2 2 2"),
    "ColumnNormalized": Look("column-normalized", "#1B0A4A", "p", "5 2 1 2"),
}


PALETTE: Mapping[str, str] = {
    "#ffffff": "#121212",  # the page itself
    INK: "#e4e8ee",
    FAINT: "#7f8893",
    MANIFOLD: "#b3bcc9",
    BOUND: "#ff8177",
    "#0072b2": "#6ab7f0",  # from here on in the order of LOOKS
    "#c04d00": "#ff9a57",
    "#007a5a": "#4fd0a3",
    "#0b7a99": "#5cc8e4",
    "#aa3377": "#f38bc1",
    "#4b0fd8": "#b39bff",
    "#6a5200": "#d9bf5e",
    "#14402a": "#9ad9b5",
    "#00518f": "#7fa8e8",
    "#8c2d04": "#ff8a75",
    "#3e4a54": "#b8c4ce",
    "#a83fea": "#d79cff",
    "#1b0a4a": "#c7c3f7",
    "#666666": "#b0b0b0",
    "#00705a": "#53d6b0",  # curves that belong to no optimizer
    "#5b3e96": "#b7a0ee",
    "#8a5a00": "#e6b450",
    "#e69f00": "#f0b73c",
    "#56b4e9": "#7cc7f2",
    "#4d5866": "#b0bbc8",  # quieter than ink
    "#5d6470": "#a3acb8",
    "#5d6672": "#a2adb9",
    "#7d8796": "#8f99a8",
    "#a79c88": "#9a907b",
    "#b89b6a": "#a68b5c",
    "#ddd7c8": "#3a3f47",  # grids and faces, from here on
    "#e6e8ec": "#2b313a",
    "#f4f1e9": "#1e232a",
    "#efeaf7": "#2a2438",
    "#fbe9e7": "#3a2122",  # forbidden by a bound
    "#dcebf7": "#1c3044",  # regions of a map
    "#fbe6d4": "#43291a",
    "#f4dcea": "#40223a",
    "#e3f1ea": "#1b3a30",
    "#ece9f7": "#2a2748",
}
"""Every colour that a figure may use, on a light page and on a dark one."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")


def _variable(color: str) -> str:
    return f"--c{color[1:].lower()}"


def themed(svg: str) -> str:
    """Let the page's theme choose the colours of a picture.

    Parameters
    ----------
    svg : str
        SVG with colours of the palette; others stay as they are.

    Returns
    -------
    str
        The same with CSS variables, which :func:`palette_css` defines.

    Examples
    --------
    >>> themed('<path stroke="#0072B2"/>')
    '<path stroke="var(--c0072b2)"/>'
    """

    def variable(match: re.Match[str]) -> str:
        color = match[0].lower()
        return f"var({_variable(color)})" if color in PALETTE else match[0]

    return _COLOR.sub(variable, svg)


def palette_css() -> str:
    """Return the CSS that gives the palette its colours on light and on dark pages.

    Returns
    -------
    str

    Examples
    --------
    >>> "--c0072b2:#6ab7f0" in palette_css()
    True
    """
    light = "".join(f"{_variable(color)}:{color};" for color in PALETTE)
    dark = "".join(f"{_variable(color)}:{other};" for color, other in PALETTE.items())
    places = 'html[data-theme="dark"], body[data-jp-theme-light="false"], body.vscode-dark'
    return f":root {{ {light} }}\n@media not print {{ {places} {{ {dark} }} }}\n"


def look(preconditioner: object) -> Look:
    """Return the look of a preconditioner object; unknown ones are drawn in grey.

    Parameters
    ----------
    preconditioner
        An object of ``dspgd_lib.preconditioners`` or any other potential.

    Returns
    -------
    Look
        Display name, colour, marker and dash pattern.

    Examples
    --------
    >>> from dspgd_lib import Adam
    >>> look(Adam(0.1)).name
    'Adam'
    """
    kind = type(preconditioner).__name__
    return LOOKS.get(kind, Look(kind, "#666666", "x"))


def use_style() -> None:
    """Switch matplotlib to the book's style sheet.

    Examples
    --------
    >>> use_style()
    """
    plt.style.use(STYLE_SHEET)


def is_static() -> bool:
    """Tell whether figures are drawn for a page without a kernel (``DSPGD_STATIC=1``).

    Returns
    -------
    bool
        True in the book's build, False in a reader's Jupyter.

    Examples
    --------
    >>> import os
    >>> is_static() == (os.environ.get("DSPGD_STATIC", "0") == "1")
    True
    """
    return os.environ.get("DSPGD_STATIC", "0") == "1"
