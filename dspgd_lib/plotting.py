"""The look of the book's figures: one style sheet, one colour and marker per optimizer."""

from __future__ import annotations

import os
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
