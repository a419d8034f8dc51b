"""Figures of the chapter on convex tools: two parabolas, and the sector."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, note
from dspgd_lib.figures.plane import circle
from dspgd_lib.plotting import FAINT, INK, STYLE_SHEET, look
from dspgd_lib.preconditioners import Adam, NormalizedGD, SmoothedSign

CURVE, DUAL, GAP, HELPER, SECTOR = "#0072B2", "#5B3E96", "#C04D00", "#5d6672", "#007A5A"

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
UNIT = GRADIENT[:, 0] / np.linalg.norm(GRADIENT)
RATIOS = [0.1, 0.3, 0.6, 1.0, 1.7, 3.0, 5.0, 9.0, 15.0]
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
        return circle((1 + least) / 2 * UNIT, (1 - least) / 2, count=120)

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
        Buttons("method", "preconditioner", list(METHODS)),
        Slider("ratio", "size R of the gradient, in units of ε", RATIOS, start=5),
    ]
    return Explorer(panels, _sector_frame, controls, "What a sector allows")
