"""Figures of the chapter on convex tools: tangents, Fenchel dual, parabolas, the sector."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text
from dspgd_lib.plotting import FAINT, INK, STYLE_SHEET, look
from dspgd_lib.preconditioners import (
    Adam,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    SmoothedSign,
    SoftClipping,
)

CURVE, DUAL, GAP, HELPER, SECTOR = "#0072B2", "#5B3E96", "#C04D00", "#5d6672", "#007A5A"


class TwoWells:
    """The function (x² − 1)²/4 of one variable, which is not convex, with its Fenchel dual.

    Arrays have the shape (..., 1, 1) that the preconditioners of the library use.

    Examples
    --------
    >>> wells = TwoWells()
    >>> wells.value(np.array([[[0.0]], [[1.0]]])).tolist()
    [0.25, 0.0]
    >>> float(wells.conjugate([[6.0]])), wells.gradient_of_conjugate([[6.0]]).tolist()
    (9.75, [[2.0]])
    """

    def value(self, x: Any) -> np.ndarray:
        """Return f(x), of shape (...)."""
        return ((np.asarray(x, dtype=float) ** 2 - 1) ** 2)[..., 0, 0] / 4

    def gradient(self, x: Any) -> np.ndarray:
        """Return f'(x), of the shape of x."""
        point = np.asarray(x, dtype=float)
        return point * (point**2 - 1)

    def gradient_of_conjugate(self, s: Any) -> np.ndarray:
        """Return where ⟨s, x⟩ − f(x) is largest; for s = 0, where there are two, the right one."""
        slope = np.asarray(s, dtype=float)
        x = 1 + np.abs(slope)  # Newton for x³ − x = |s| falls to the largest root from here
        for _ in range(40):
            x = x - (x**3 - x - np.abs(slope)) / (3 * x**2 - 1)
        return np.where(slope < 0, -x, x)

    def conjugate(self, s: Any) -> np.ndarray:
        """Return f*(s), of shape (...)."""
        x = self.gradient_of_conjugate(s)
        return (np.asarray(s, dtype=float) * x)[..., 0, 0] - self.value(x)


FUNCTIONS: Mapping[str, Any] = {
    "½x²": GradientDescent(),
    "Huber": GradientClipping(1.0),
    "√(x²+1) − 1": NormalizedGD(1.0),
    "|x| − log(1+|x|)": SoftClipping(1.0),
    "two wells": TwoWells(),
}
COUNTS = {"2": 2, "3": 3, "5": 5, "9": 9, "17": 17, "33": 33}
SLOPES = sorted({sign * s for s in (0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1, 1.15, 1.3)
                 for sign in (-1, 1)})  # fmt: skip
RATIOS = [0.1, 0.3, 0.6, 1.0, 1.7, 3.0, 5.0, 9.0, 15.0]


def _column(x: Any) -> np.ndarray:
    return np.asarray(x, dtype=float)[:, None, None]


# ------------------------------------------------------------------------------------ tangents

TANGENT_X = np.linspace(-2.4, 2.4, 481)
STEEPEST = {"√(x²+1) − 1": 0.93, "two wells": 3.0}


def _draw_tangents(ax: Any) -> None:
    ax.set(xlim=(-2.4, 2.4), ylim=(-0.75, 2.1), xlabel="$x$")
    ax.set_title("lines that nowhere exceed $f$")


def _tangents_frame(which: str, count: int) -> Frame:
    f, steepest = FUNCTIONS[which], STEEPEST[which]
    slopes = np.linspace(-steepest, steepest, int(count))
    lines = np.outer(slopes, TANGENT_X) - f.conjugate(_column(slopes))[:, None]
    highest, values = lines.max(axis=0), f.value(_column(TANGENT_X))
    far = np.abs(TANGENT_X) <= (1.6 if which == "two wells" else 2.4)
    gap = (values - highest)[far]
    worst = abs(TANGENT_X[far][np.argmax(gap)])
    marks: list[Mark] = [
        Line(np.c_[TANGENT_X[[0, -1]], line[[0, -1]]], FAINT, 1, opacity=0.75) for line in lines
    ]
    marks += [
        Line(np.c_[TANGENT_X, values], CURVE, 2.6),
        Line(np.c_[TANGENT_X, highest], DUAL, 2.6, "6 4"),
        Text((0, 1.72), "f", CURVE, (0, 0), "middle", bold=True),
        Text((0, 1.47), "the highest of the lines", DUAL, (0, 0), "middle", bold=True),
    ]
    caption = (
        f"{count} slopes, one line for each. Where |x| ≤ {np.abs(TANGENT_X[far]).max():.1f}, the "
        f"highest of the lines is at most <b>{gap.max():.3f}</b> below f, farthest at |x| = "
        f"{worst:.1f}."
    )
    alt = (
        f"A curve and {count} lines below it that touch it. The highest of the lines stays within "
        f"{gap.max():.3f} of the curve; the distance is largest at distance {worst:.1f} from the "
        "middle."
    )
    return Frame([marks], [alt], caption)


def tangents() -> Explorer:
    """Return lines below a function and the highest of them, a choice of how many slopes.

    Returns
    -------
    Explorer
        One panel, 12 stops: a convex function and one with two wells.

    Examples
    --------
    >>> tangents().stops
    12
    """
    panels = [Panel(_draw_tangents, "Empty axes for a function of one variable.", (400, 300))]
    controls: list[Slider | Buttons] = [
        Buttons("which", "function", {name: name for name in STEEPEST}),
        Buttons("count", "slopes", COUNTS, start=2),
    ]
    return Explorer(panels, _tangents_frame, controls, "What lines from below tell")


# --------------------------------------------------------------------------------- largest gap

GAP_X = np.linspace(-3.2, 3.2, 321)
GAP_S = np.linspace(-1.5, 1.5, 601)


def _draw_function(ax: Any) -> None:
    ax.axhline(0, color=FAINT, lw=0.8)
    ax.plot([0, 0], [-1.75, 1.7], color=FAINT, lw=0.8)
    ax.set(xlim=(-3.2, 3.2), ylim=(-1.75, 3.3), xlabel="$x$")
    ax.set_title("$f$ and lines of slope $s$")


def _draw_dual(ax: Any) -> None:
    ax.axhline(0, color=FAINT, lw=0.8)
    ax.plot([0, 0], [-0.25, 1.7], color=FAINT, lw=0.8)
    ax.set(xlim=(-1.5, 1.5), ylim=(-0.25, 2.2), xlabel="slope $s$")
    ax.set_title("Fenchel dual $f^*$")


@cache
def _dual_curve(which: str) -> np.ndarray:
    values = FUNCTIONS[which].conjugate(_column(GAP_S))
    finite = np.isfinite(values)
    return np.c_[GAP_S[finite], values[finite]]


def _touching(which: str, s: float) -> float | None:
    """Return a point where the gap is largest, or None if there is none."""
    try:
        return float(FUNCTIONS[which].gradient_of_conjugate([[s]])[0, 0])
    except ValueError:
        return None


def _gap_frame(which: str, s: float) -> Frame:
    f = FUNCTIONS[which]
    best, touching = float(f.conjugate([[s]])), _touching(which, s)
    ends, curve = GAP_X[[0, -1]], _dual_curve(which)
    left: list[Mark] = [
        Line(np.c_[ends, s * ends], HELPER, 1.5, "5 4"),
        Line(np.c_[GAP_X, f.value(_column(GAP_X))], CURVE, 2.6),
        Text((0, 2.9), "f", CURVE, (0, 0), "middle", bold=True),
        Text((0, 2.45), "the line s·x", HELPER, (0, 0), "middle"),
    ]
    right: list[Mark] = [
        Line(curve, DUAL, 2.6),
        Text((0, 1.9), "f*", DUAL, (0, 0), "middle", bold=True),
    ]
    domain = np.abs(curve[:, 0]).max()
    if domain < GAP_S[-1]:
        right += [Line([(e, -0.25), (e, 2.2)], FAINT, 1, "2 3") for e in (-1.0, 1.0)]
        right += [Text((e, 1.9), "+∞", DUAL, (0, 0), "middle") for e in (-1.25, 1.25)]
    if np.isinf(best):
        caption = (
            f"s = {_short(s)}: the line s·x climbs away from f, and the gap grows without bound. "
            "<b>f*(s) = +∞</b>: no line of this slope stays below f."
        )
        right.append(Line([(s, -0.25), (s, 1.7)], GAP, 1.5, "4 3"))
        alts = [
            f"The line of slope {s:.3g} through the origin and the curve of f. The gap between "
            "them grows without bound to one side.",
            f"The slope {s:.3g} is marked; it lies outside the domain of the dual.",
        ]
        return Frame([left, right], alts, caption)
    left += [
        Line(np.c_[ends, s * ends - best], DUAL, 1.8),
        Text((0, 2.0), "the parallel below f", DUAL, (0, 0), "middle"),
        Dots([(0, -best)], DUAL, "D", 5),
    ]
    right.append(Dots([(s, best)], GAP, "o", 6))
    where = ""
    if touching is None:
        where = "The parallel never touches f, which comes down to it far out"
    else:
        places = [touching, -touching] if which == "two wells" and s == 0 else [touching]
        for x in places:
            low, high = float(f.value([[x]])), s * x
            left += [Line([(x, low), (x, high)], GAP, 3.5), Dots([(x, low)], GAP, "o", 4.5)]
        slope = np.array([-0.6, 0.6])
        if len(places) == 1:
            right.append(Line(np.c_[s + slope, best + touching * slope], FAINT, 1.5, "3 3"))
            outside = ", outside the picture," if abs(touching) > GAP_X[-1] else ""
            where = f"It is attained at x = {_short(touching)}{outside} the slope of f* at s"
            where = where if outside else where.replace(" the slope", ", the slope")
            if which == "Huber" and abs(s) == 1:
                where = (
                    f"It is attained at x = {_short(touching)} and everywhere beyond: f* ends here"
                )
        else:
            where = "It is attained at x = −1 and at x = 1: f* has a kink at s"
    caption = (
        f"s = {_short(s)}: the largest gap s·x − f(x) is <b>f*(s) = {best:.3f}</b>. {where}. "
        f"Lowered by that much, the line meets the vertical axis at {_signed(-best)} (diamond)."
    )
    alts = [
        f"The line of slope {s:.3g} through the origin and the curve of f. The largest vertical "
        f"gap is {best:.3f}; the parallel line through {_signed(-best)} on the vertical axis stays "
        "below f.",
        f"The dual has the value {best:.3f} at the slope {s:.3g}.",
    ]
    return Frame([left, right], alts, caption)


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value + 0.0:.3f}".replace("-0.000", "0").replace("-", "−")


def largest_gap() -> Explorer:
    """Return f with a line of slope s and its largest gap, beside the Fenchel dual.

    Returns
    -------
    Explorer
        Two panels, 95 stops: five functions and 19 slopes; two slopes lie outside most domains.

    Examples
    --------
    >>> largest_gap().stops
    95
    """
    panels = [
        Panel(_draw_function, "Axes for a function f and lines through the origin.", (360, 310)),
        Panel(_draw_dual, "Axes: slope s against the Fenchel dual.", (360, 310)),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("which", "function f", {name: name for name in FUNCTIONS}, start=2),
        Slider("s", "slope s", SLOPES, start=14, log=False),
    ]
    return Explorer(panels, _gap_frame, controls, "The Fenchel dual is the largest gap")


# ------------------------------------------------------------------------------- two parabolas

ALPHA, BETA, TOUCH = 0.6, 1.8, 2.0


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


def two_parabolas() -> Figure:
    """Return a picture of f between the parabolas of its two curvature bounds.

    Returns
    -------
    matplotlib.figure.Figure
        One pair of axes: the flat parabola, f, the steep parabola and the tangent, which touch at
        one point, and a gradient step with η = 1/β from there.

    Examples
    --------
    >>> flat, f, steep = two_parabolas().axes[0].lines[:3]
    >>> bool((flat.get_ydata() <= f.get_ydata()).all())
    True
    """
    y = np.linspace(-3.1, 3.1, 312)
    height, slope = float(between(TOUCH)), ALPHA * TOUCH
    slope += (BETA - ALPHA) * TOUCH / np.sqrt(TOUCH**2 + 1)

    def parabola(y: Any, curvature: float) -> Any:
        return height + slope * (y - TOUCH) + curvature / 2 * (y - TOUCH) ** 2

    landing, lowest = TOUCH - slope / BETA, TOUCH - slope / ALPHA
    bottom, bound, floor = parabola(landing, BETA), parabola(lowest, ALPHA), -2.9
    with plt.style.context(STYLE_SHEET):
        fig = Figure(figsize=(3.6, 3.3), layout="constrained")
        ax = fig.add_subplot()
        ax.plot(y, parabola(y, ALPHA), color=DUAL, ls="--")
        ax.plot(y, between(y), color=CURVE, lw=2.6)
        ax.plot(y, parabola(y, BETA), color=GAP, ls="-.")
        ax.plot(y, parabola(y, 0), color=FAINT, lw=1)
        ax.vlines([landing, TOUCH], floor, [bottom, height], color=FAINT, lw=1, ls=":")
        arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (landing, -2.5), (TOUCH, -2.5), arrowprops=arrow)
        ax.text((landing + TOUCH) / 2, -2.4, "step", ha="center", va="bottom")
        ax.plot(TOUCH, height, "o", color=INK)
        ax.plot(landing, bottom, "o", color=GAP)
        ax.plot(landing, between(landing), "o", color=CURVE)
        ax.plot(lowest, bound, "D", color=DUAL)
        ax.text(-1.25, 4.05, r"bend $\beta$", color=GAP, ha="right", va="top")
        ax.text(-2.15, 2.2, "$f$", color=CURVE, ha="right")
        ax.text(lowest, bound - 0.2, r"bend $\alpha$", color=DUAL, ha="center", va="top")
        ax.text(-0.55, -2.75, "tangent", color=HELPER, ha="right")
        ax.set(xlim=(-3.1, 3.1), ylim=(floor, 4.3), yticks=[])
        ax.set_xticks([landing, TOUCH], ["$x^+$", "$x$"], color=INK, fontsize=12)
        ax.set_title("$f$ between two parabolas")
        ax.grid(visible=False)
    return fig


# -------------------------------------------------------------------------------------- sector

GRADIENT = np.array([[1.0], [0.25]])
METHODS = {"Adam": Adam, "smoothed sign": SmoothedSign, "normalized GD": NormalizedGD}


def _draw_sector(ax: Any) -> None:
    direction = (GRADIENT / np.linalg.norm(GRADIENT))[:, 0]
    ax.plot([0, 0.86], [0, 0.86], color=FAINT, lw=0.8, alpha=0.6)
    ax.annotate("", direction, (0, 0), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.5})
    ax.annotate(r"$\beta g$", direction, (9, 0), textcoords="offset points", va="center")
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    ax.annotate("0", (0, 0), (-11, -4), textcoords="offset points")
    ax.set(xlim=(-0.16, 1.32), ylim=(-0.42, 0.86), aspect="equal", xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_title(r"what a sector allows $\nabla K(g)$ to be")


def _sector_frame(method: str, ratio: float) -> Frame:
    """Return the picture in units of β‖g‖, for ε = 1 and g of size R = ratio."""
    K = METHODS[method](1.0)
    unit = np.linalg.norm(GRADIENT)
    g = ratio * GRADIENT / float(K.radius(GRADIENT))
    m, beta = K.sector(ratio)
    share = m / beta
    step = (K.gradient(g) / (beta * np.linalg.norm(g)))[:, 0]
    direction = (GRADIENT / unit)[:, 0]
    around = np.exp(1j * np.linspace(0, 2 * np.pi, 121))
    circle = np.c_[around.real, around.imag]
    style = look(K)
    curved = {"Adam": (1 + ratio) ** -2}.get(method, (1 + ratio**2) ** -1.5)

    def ball(least: float) -> np.ndarray:
        return (1 + least) / 2 * direction + (1 - least) / 2 * circle

    turn = np.arcsin((1 - share) / (1 + share))
    reach = np.sqrt(share)  # from the origin to where the tangent touches the circle
    angle = np.arctan2(direction[1], direction[0])
    edges = [(np.cos(angle + a), np.sin(angle + a)) for a in (turn, -turn)]
    marks: list[Mark] = [
        *(Line([(0, 0), (reach * x, reach * y)], FAINT, 1.4, "3 3") for x, y in edges),
        Line(ball(curved), HELPER, 1.4, "5 4"),
        Line(ball(share), SECTOR, 2.4),
        Line([(0, 0), step], style.color, 2.4),
        Dots([step], style.color, style.marker, 6),
        Text((-0.15, 0.79), "sector", SECTOR, (0, 0), bold=True),
        Text((-0.15, 0.71), "from the curvature", HELPER, (0, 0)),
        Text((-0.15, 0.63), style.name, style.color, (0, 0), bold=True),
    ]
    degrees, most = (
        np.degrees(abs(np.arctan2(step[1], step[0]) - angle)),
        np.degrees(turn),
    )
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
        One panel, 27 stops: three preconditioners and nine sizes of the gradient.

    Examples
    --------
    >>> sector().stops
    27
    """
    panels = [
        Panel(
            _draw_sector,
            "Plane with an arrow from the origin, the gradient times the largest factor.",
            (420, 370),
        )
    ]
    controls: list[Slider | Buttons] = [
        Buttons("method", "preconditioner", {name: name for name in METHODS}),
        Slider("ratio", "size R of the gradient, in units of ε", RATIOS, start=5),
    ]
    return Explorer(panels, _sector_frame, controls, "What a sector allows")
