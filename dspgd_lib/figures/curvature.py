"""Figures of the chapter on convex tools: two parabolas, and the sector."""

from __future__ import annotations

from typing import Any

import numpy as np

from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.plane import circle
from dspgd_lib.plotting import FAINT, INK, look
from dspgd_lib.preconditioners import Adam, NormalizedGD, SmoothedSign

CURVE, DUAL, GAP, HELPER, SECTOR = "#0072B2", "#5B3E96", "#C04D00", "#5d6672", "#007A5A"

# ------------------------------------------------------------------------------- two parabolas

ALPHA, BETA = 0.6, 1.8
PLACES = [round(0.12 * k - 2.82, 2) for k in range(48)]
SHARES = [0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.2, 2.4, 2.6]
LINE = np.linspace(-3.1, 3.1, 125)
LOWEST = -2.6  # the lower end of the left panel


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
    ax.set(xlim=(-3.1, 3.1), ylim=(LOWEST, 4.6), yticks=[], xlabel="$x$")
    ax.set_title("$f$ between two parabolas")
    ax.grid(visible=False)
    ax.axhline(0, color=FAINT, lw=0.6)
    ax.plot(LINE, between(LINE), color=CURVE, lw=2.4)


def _draw_slopes(ax: Any) -> None:
    ax.set(xlim=(-3.1, 3.1), ylim=(-3.9, 3.9), yticks=[], xlabel="$x$")
    ax.set_title("its slope between two lines")
    ax.grid(visible=False)
    ax.axhline(0, color=FAINT, lw=0.6)
    ax.plot(LINE, slope_between(LINE), color=CURVE, lw=2.4)


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
    side = 1.0 if x > 0 else -1.0

    def parabola(curvature: float) -> np.ndarray:
        return np.c_[LINE, here + slope * (LINE - x) + curvature / 2 * (LINE - x) ** 2]

    def through(curvature: float) -> np.ndarray:
        return np.c_[LINE[[0, -1]], slope + curvature * (LINE[[0, -1]] - x)]

    values: list[Mark] = [
        Line(np.c_[LINE[[0, -1]], parabola(0)[[0, -1], 1]], FAINT, 1),
        Line(parabola(ALPHA), DUAL, 1.8, "6 4"),
        Line(parabola(BETA), GAP, 1.8, "9 3 2 3"),
        Line([(x, LOWEST), (x, here)], FAINT, 1, "2 3"),
        Line([(to, LOWEST), (to, at["upper"])], FAINT, 1, "2 3"),
        Line([(x, LOWEST + 0.35), (to, LOWEST + 0.35)], INK, 2),
        Dots((to, LOWEST + 0.35), INK, "<" if to < x else ">", 4.5),
        Dots((x, here), INK, "o", 5),
        Dots((to, at["upper"]), GAP, "o", 5),
        Dots((to, at["there"]), CURVE, "o", 5),
        Dots((at["far"], at["bottom"]), DUAL, "D", 5),
        note((-side * 2.95, 3.85), "steep: β", GAP, "start" if side > 0 else "end"),
        note((-side * 2.95, 3.3), "flat: α", DUAL, "start" if side > 0 else "end"),
        note((-side * 2.95, 2.75), "f", CURVE, "start" if side > 0 else "end"),
    ]
    slopes: list[Mark] = [
        Line(through(ALPHA), DUAL, 1.8, "6 4"),
        Line(through(BETA), GAP, 1.8, "9 3 2 3"),
        Line([(x, 0), (x, slope)], FAINT, 1, "2 3"),
        Line([(x, 0), (to, 0)], INK, 2),
        Dots((to, 0), INK, "<" if to < x else ">", 4.5),
        Dots((x, slope), INK, "o", 5),
        Dots((x - slope / BETA, 0), GAP, "o", 5),
        Dots((at["far"], 0), DUAL, "D", 5),
        Text((x - slope / BETA, 0), "earliest", GAP, (0, -17), "middle"),
        Text((at["far"], 0), "latest", DUAL, (0, 9), "middle"),
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
        f"A convex curve, and two parabolas that touch it at {x:.2f}: a flat one below and a steep "
        f"one above. A step leads to {to:.2f}, where the steep one has the height "
        f"{at['upper']:.2f} and the curve {at['there']:.2f}. The bottom of the flat one lies at "
        f"height {at['bottom']:.2f}, below the minimum of the curve.",
        f"The slope of the curve rises through zero. Two lines through its point at {x:.2f} meet "
        f"zero at {x - slope / BETA:.2f} and at {at['far']:.2f}; the curve meets it between them.",
    ]
    return Frame([values, slopes], alts, caption)


def two_parabolas() -> Explorer:
    """Return f between the parabolas of its curvature bounds, beside its slope between two lines.

    Returns
    -------
    Explorer
        Two panels, 576 stops: 48 places of a step and 12 learning rates.

    Examples
    --------
    >>> two_parabolas().stops
    576
    """
    panels = [
        Panel(_draw_values, "A convex curve with its minimum 0 in the middle.", (360, 320)),
        Panel(_draw_slopes, "The slope of the curve, which rises through zero.", (360, 320)),
    ]
    controls: list[Slider | Buttons] = [
        Slider("x", "place x", PLACES, start=40, log=False),
        Slider("share", "learning rate η, in units of 1/β", SHARES, start=4, log=False),
    ]
    return Explorer(panels, _parabolas_frame, controls, "What two bounds on the curvature say")


# -------------------------------------------------------------------------------------- sector

GRADIENT = np.array([[1.0], [0.25]])
UNIT = GRADIENT[:, 0] / np.linalg.norm(GRADIENT)
RATIOS = [float(f"{ratio:.3g}") for ratio in np.geomspace(0.1, 20, 70)]
METHODS = {"Adam": Adam, "smoothed sign": SmoothedSign, "normalized GD": NormalizedGD}


def _draw_sector(ax: Any) -> None:
    ax.plot([0, 0.86], [0, 0.86], color=FAINT, lw=0.8, alpha=0.6)
    ax.annotate("", UNIT, (0, 0), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.5})
    ax.annotate(r"$\beta g$", UNIT, (9, 0), textcoords="offset points", va="center")
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    ax.annotate("0", (0, 0), (-11, -4), textcoords="offset points")
    ax.set(xlim=(-0.16, 1.32), ylim=(-0.42, 0.86), aspect="equal", xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_title(r"what a sector allows $\nabla K(g)$ to be")


def _sector_frame(method: str, ratio: float) -> Frame:
    """Return the picture in units of β‖g‖, for ε = 1 and g of size R = ratio."""
    K = METHODS[method](1.0)
    g = ratio * GRADIENT / float(K.radius(GRADIENT))
    m, beta = K.sector(ratio)
    share = m / beta
    step = (K.gradient(g) / (beta * np.linalg.norm(g)))[:, 0]
    style = look(K)
    curved = {"Adam": (1 + ratio) ** -2}.get(method, (1 + ratio**2) ** -1.5)

    def allowed(least: float) -> np.ndarray:
        return circle((1 + least) / 2 * UNIT, (1 - least) / 2, count=72)

    turn = np.arcsin((1 - share) / (1 + share))
    angle = np.arctan2(UNIT[1], UNIT[0])
    # A tangent from the origin touches the solid circle at the distance √(m/β).
    tangents = [
        np.sqrt(share) * np.array([np.cos(a), np.sin(a)]) for a in (angle + turn, angle - turn)
    ]
    marks: list[Mark] = [
        *(Line([(0, 0), end], FAINT, 1.4, "3 3") for end in tangents),
        Line(allowed(curved), HELPER, 1.4, "5 4"),
        Line(allowed(share), SECTOR, 2.4),
        Line([(0, 0), step], style.color, 2.4),
        Dots(step, style.color, style.marker, 6),
        note((-0.15, 0.79), "sector", SECTOR),
        note((-0.15, 0.71), "from the curvature", HELPER, bold=False),
        note((-0.15, 0.63), style.name, style.color),
    ]
    degrees, most = np.degrees(abs(np.arctan2(step[1], step[0]) - angle)), np.degrees(turn)
    name = style.name[0].upper() + style.name[1:]
    caption = (
        f"{name}, R = {ratio:.3g} ε: the sector has m/β = "
        f"<b>{share:.2g}</b>, the curvature alone would give {curved:.2g}. "
        f"∇K(g) is turned by {degrees:.0f}°; the sector allows {most:.0f}°."
    )
    alt = (
        f"The gradient as an arrow and a solid circle that allows every vector of its disc; the "
        f"circle has the diameter from {share:.2g} to 1 times the arrow. A larger dashed circle "
        f"starts at {curved:.2g}. The point of {style.name} lies in the solid one, turned by "
        f"{degrees:.0f} degrees of the {most:.0f} that are allowed."
    )
    return Frame([marks], [alt], caption)


def sector() -> Explorer:
    """Return the disc of preconditioned gradients that a sector allows, a slider for R/ε.

    Returns
    -------
    Explorer
        One panel, 210 stops: three preconditioners and seventy sizes of the gradient.

    Examples
    --------
    >>> sector().stops
    210
    """
    panels = [
        Panel(
            _draw_sector,
            "Plane with an arrow from the origin, the gradient times the largest factor.",
            (360, 320),
        )
    ]
    controls: list[Slider | Buttons] = [
        Buttons("method", "preconditioner", list(METHODS)),
        Slider("ratio", "size R of the gradient, in units of ε", RATIOS, start=44),
    ]
    return Explorer(panels, _sector_frame, controls, "What a sector allows")
