"""Figures of the chapter on convex tools: two parabolas."""

from __future__ import annotations

from typing import Any

import numpy as np

from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, number
from dspgd_lib.plotting import FAINT, INK

CURVE, DUAL, GAP, HELPER = "#0072B2", "#5B3E96", "#C04D00", "#5d6672"

# ------------------------------------------------------------------------------- two parabolas

ALPHA, BETA = 0.6, 1.8
PLACES = [round(0.14 * k - 2.73, 2) for k in range(40)]
SHARES = [0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.2, 2.4, 2.6]
LINE = np.linspace(-3.1, 3.1, 81)
LOWEST, FLOOR = -3.7, -2.5  # the lower end of the left panel, and where a step is drawn


def between(y: Any) -> np.ndarray:
    """Return f(y) = ½αy² + (β − α)(√(y²+1) − 1), whose second derivative lies in (α, β].

    Parameters
    ----------
    y : array of any shape
        Points of the line.

    Returns
    -------
    array of that shape
        The values, of the size of ½βy² near 0; α = 0.6 and β = 1.8.

    Examples
    --------
    >>> float(between(0.0))
    0.0
    """
    y = np.asarray(y, dtype=float)
    return 0.5 * ALPHA * y**2 + (BETA - ALPHA) * (np.sqrt(y**2 + 1) - 1)


def slope_between(y: Any) -> np.ndarray:
    """Return the derivative of `between`.

    Parameters
    ----------
    y : array of any shape
        Points of the line.

    Returns
    -------
    array of that shape

    Examples
    --------
    >>> float(slope_between(0.0))
    0.0
    """
    y = np.asarray(y, dtype=float)
    return ALPHA * y + (BETA - ALPHA) * y / np.sqrt(y**2 + 1)


def _draw_values(ax: Any) -> None:
    ax.set(xlim=(-3.1, 3.1), ylim=(LOWEST, 5.2), yticks=[], xlabel="$x$")
    ax.set_title("$f$ between two parabolas")
    ax.grid(visible=False)
    ax.axhline(0, color=FAINT, lw=0.6)
    ax.plot(LINE, between(LINE), color=CURVE, lw=2.4)
    for place, text, color in ((-2, "flat: α", DUAL), (0, "f", CURVE), (2, "steep: β", GAP)):
        ax.text(place, -3.35, text, color=color, ha="center", weight="bold")


def _draw_slopes(ax: Any) -> None:
    ax.set(xlim=(-3.1, 3.1), ylim=(-3.9, 3.9), yticks=[], xlabel="$x$")
    ax.set_title("its slope between two lines")
    ax.grid(visible=False)
    ax.axhline(0, color=FAINT, lw=0.6)
    ax.plot(LINE, slope_between(LINE), color=CURVE, lw=2.4)
    ax.text(-2.9, 3.2, "slope β", color=GAP, weight="bold")
    ax.text(-2.9, 2.5, "slope α", color=DUAL, weight="bold")


def promise(x: float, share: float) -> dict[str, float]:
    """Return what the two parabolas at x say of a step with η = share/β, and what is true.

    Parameters
    ----------
    x : float
        Where the step starts.
    share : float
        The learning rate in units of 1/β.

    Returns
    -------
    dict
        The values ``here`` and ``there`` of f before and after the step, the ``slope`` at x, the
        place ``to`` of the landing, the height ``upper`` of the steep parabola there, the
        ``bottom`` of the flat one and the place ``far`` of that.

    Examples
    --------
    >>> said = promise(2.0, 1.0)
    >>> said["bottom"] < 0 < said["there"] < said["upper"] < said["here"]
    True
    """
    here, slope = float(between(x)), float(slope_between(x))
    to, far = x - share / BETA * slope, x - slope / ALPHA
    return {
        "here": here,
        "slope": slope,
        "to": to,
        "there": float(between(to)),
        "upper": here - share * (1 - share / 2) * slope**2 / BETA,
        "far": far,
        "bottom": here - slope**2 / (2 * ALPHA),
    }


def _parabolas_frame(x: float, share: float) -> Frame:
    at = promise(x, share)
    here, slope, to = at["here"], at["slope"], at["to"]

    def parabola(curvature: float) -> np.ndarray:
        heights = here + slope * (LINE - x) + curvature / 2 * (LINE - x) ** 2
        return np.c_[LINE, heights][heights < 6]

    def through(curvature: float) -> np.ndarray:
        return np.c_[LINE[[0, -1]], slope + curvature * (LINE[[0, -1]] - x)]

    values: list[Mark] = [
        Line(parabola(ALPHA), DUAL, 1.8, "6 4"),
        Line(parabola(BETA), GAP, 1.8, "9 3 2 3"),
        Dots((x, here), INK, "o", 5),
        Dots((at["far"], at["bottom"]), DUAL, "D", 5),
        Line([(x, here), (x, FLOOR), (to, FLOOR), (to, at["upper"])], INK, 1.4, "2 3"),
        Dots((to, at["there"]), CURVE, "o", 5),
    ]
    slopes: list[Mark] = [
        Line(through(ALPHA), DUAL, 1.8, "6 4"),
        Line(through(BETA), GAP, 1.8, "9 3 2 3"),
        Line([(x, slope), (x, 0)], INK, 1.4, "2 3"),
        Dots((x, slope), INK, "o", 5),
        Dots((x - slope / BETA, 0), GAP, "o", 5),
        Dots((at["far"], 0), DUAL, "D", 5),
    ]
    gains = here - at["upper"]
    if share < 2:
        said = f"must gain at least <b>{gains:.2f}</b> and gains {here - at['there']:.2f}"
    elif share == 2:
        said = f"is promised nothing, and gains {here - at['there']:.2f}"
    elif at["there"] < here:
        said = f"is promised nothing; this time it gains {here - at['there']:.2f}"
    else:
        said = f"is promised nothing, and loses {at['there'] - here:.2f}"
    caption = (
        f"x = {number(x)}, f′(x) = {number(slope, '.2f')}. The step with η = {share:g}/β {said}. "
        f"The flat parabola says that f can fall by at most {here - at['bottom']:.2f} in all; "
        f"{here:.2f} are left."
    )
    alts = [
        f"A convex curve between two parabolas that touch it at {x:.2f}, and a step from there.",
        f"Two lines through the point of the slope at {x:.2f}, which meet zero before "
        "and behind the place where the slope does.",
    ]
    return Frame([values, slopes], alts, caption)


def two_parabolas() -> Explorer:
    """Return f between the parabolas of its curvature bounds, beside its slope between two lines.

    Returns
    -------
    Explorer
        Two panels, 480 stops: 40 places of a step and 12 learning rates.

    Examples
    --------
    >>> two_parabolas().stops
    480
    """
    panels = [
        Panel(_draw_values, "A convex curve with its minimum 0 in the middle.", (360, 350)),
        Panel(_draw_slopes, "The slope of the curve, which rises through zero.", (360, 350)),
    ]
    controls: list[Slider | Buttons] = [
        Slider("x", "place x", PLACES, start=33, log=False),
        Slider("share", "learning rate η, in units of 1/β", SHARES, start=4, log=False),
    ]
    return Explorer(panels, _parabolas_frame, controls, "What two bounds on the curvature say")
