"""Figures of the chapter on convex tools: lines from below and the Fenchel dual."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.curvature import (
    ALPHA,
    BETA,
    CURVE,
    DUAL,
    GAP,
    HELPER,
    PLACES,
    SHARES,
    between,
    promise,
    slope_between,
    two_parabolas,
)
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, note, number
from dspgd_lib.figures.plane import segment
from dspgd_lib.figures.slopes import (
    CEILINGS,
    any_road,
    ceiling,
    ceilings,
    end_of_line,
    gradients_and_losses,
    multiplier,
    off_the_floor,
    split_gradient,
    wall,
)
from dspgd_lib.plotting import FAINT
from dspgd_lib.preconditioners import NormalizedGD

__all__ = [
    "ALPHA",
    "BETA",
    "CEILINGS",
    "PLACES",
    "SHARES",
    "any_road",
    "between",
    "ceiling",
    "ceilings",
    "end_of_line",
    "gradients_and_losses",
    "largest_gap",
    "multiplier",
    "off_the_floor",
    "promise",
    "slope_between",
    "split_gradient",
    "tangents",
    "two_parabolas",
    "wall",
]


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
    "√(x²+1) − 1": NormalizedGD(1.0),
    "two wells": TwoWells(),
}
SLOPES = [round(0.025 * k - 1.5, 3) for k in range(121)]


def _column(x: Any) -> np.ndarray:
    return np.asarray(x, dtype=float)[:, None, None]


# ------------------------------------------------------------------------------------ tangents

TANGENT_X = np.linspace(-2.4, 2.4, 241)
STEEPEST = {"√(x²+1) − 1": 0.93, "two wells": 3.0}
COUNTS = list(range(2, 42))


def slopes_in_turn(count: int) -> np.ndarray:
    """Return the first of the slopes −1, 1, 0, −½, ½, −¾, …: each halves one of the widest gaps.

    Parameters
    ----------
    count : int
        How many, at least 2.

    Returns
    -------
    array of shape (count,)

    Examples
    --------
    >>> slopes_in_turn(5).tolist()
    [-1.0, 1.0, 0.0, -0.5, 0.5]
    """
    found, step = [-1.0, 1.0], 1.0
    while len(found) < count:
        found += np.arange(-1 + step, 1, 2 * step).tolist()
        step /= 2
    return np.array(found[:count])


def _draw_tangents(ax: Any) -> None:
    ax.set(xlim=(-2.4, 2.4), ylim=(-0.75, 2.1), xlabel="$x$")
    ax.set_title("lines that nowhere exceed $f$")


def shortfall(which: str, count: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return the lines, the highest of them, by how much that falls short of f, and where.

    Parameters
    ----------
    which : str
        A name in ``STEEPEST``.
    count : int
        How many slopes.

    Returns
    -------
    lines : array of shape (count, 241)
        Their heights over ``TANGENT_X``.
    highest : array of shape (241,)
        The largest of them.
    worst, at : float
        The largest distance from f for |x| up to 2.4, or 1.6 for the two wells, and its |x|.

    Examples
    --------
    >>> round(shortfall("two wells", 65)[2], 6)
    0.25
    """
    f = FUNCTIONS[which]
    slopes = STEEPEST[which] * slopes_in_turn(count)
    lines = np.outer(slopes, TANGENT_X) - f.conjugate(_column(slopes))[:, None]
    highest = lines.max(axis=0)
    far = np.abs(TANGENT_X) <= (1.6 if which == "two wells" else 2.4) + 1e-12
    gap = (f.value(_column(TANGENT_X)) - highest)[far]
    return lines, highest, float(gap.max()), float(abs(TANGENT_X[far][np.argmax(gap)]))


def _tangents_frame(which: str, count: float) -> Frame:
    lines, highest, worst, at = shortfall(which, round(count))
    ends = TANGENT_X[[0, -1]]
    marks: list[Mark] = [Line(np.c_[ends, line[[0, -1]]], FAINT, 1, opacity=0.75) for line in lines]
    marks += [
        Line(np.c_[TANGENT_X, FUNCTIONS[which].value(_column(TANGENT_X))], CURVE, 2.6),
        Line(np.c_[TANGENT_X, highest], DUAL, 2.6, "6 4"),
        note((0, 1.72), "f", CURVE, "middle"),
        note((0, 1.42), "the highest of the lines", DUAL, "middle"),
    ]
    reach = 1.6 if which == "two wells" else 2.4
    caption = (
        f"{count:.0f} slopes, one line for each. Where |x| ≤ {reach}, the highest of the lines is "
        f"at most <b>{worst:.3f}</b> below f, farthest at |x| = {at:.1f}."
    )
    alt = (
        f"A curve and {count:.0f} lines below it that touch it. The highest of the lines stays "
        f"within {worst:.3f} of the curve, farthest at distance {at:.1f} from the middle."
    )
    return Frame([marks], [alt], caption)


def tangents() -> Explorer:
    """Return lines below a function and the highest of them, a choice of how many slopes.

    Returns
    -------
    Explorer
        One panel, 80 stops: a convex function and one with two wells.

    Examples
    --------
    >>> tangents().stops
    80
    """
    panels = [Panel(_draw_tangents, "Empty axes for a function of one variable.", (360, 300))]
    controls: list[Slider | Buttons] = [
        Buttons("which", "function", list(STEEPEST)),
        Slider("count", "slopes", COUNTS, start=3, form="{:.0f}"),
    ]
    return Explorer(panels, _tangents_frame, controls, "What lines from below tell")


# --------------------------------------------------------------------------------- largest gap

GAP_X = np.linspace(-3.2, 3.2, 161)
GAP_S = np.linspace(-1.5, 1.5, 301)


def _draw_axis(ax: Any, bottom: float) -> None:
    """Draw faint coordinate axes that end below the names of the curves."""
    ax.axhline(0, color=FAINT, lw=0.8)
    ax.plot([0, 0], [bottom, 1.7], color=FAINT, lw=0.8)


def _draw_function(ax: Any) -> None:
    _draw_axis(ax, -1.75)
    ax.set(xlim=(-3.2, 3.2), ylim=(-1.75, 3.3), xlabel="$x$")
    ax.set_title("$f$ and lines of slope $s$")
    ax.text(0, 2.9, "f", color=CURVE, ha="center", weight="bold")
    ax.text(0, 2.45, "the line s·x", color=HELPER, ha="center")
    ax.text(0, 2.0, "the parallel below f", color=DUAL, ha="center")


def _draw_dual(ax: Any) -> None:
    _draw_axis(ax, -0.25)
    ax.set(xlim=(-1.5, 1.5), ylim=(-0.25, 2.2), xlabel="slope $s$")
    ax.set_title("Fenchel dual $f^*$")
    ax.text(0, 1.9, "f*", color=DUAL, ha="center", weight="bold")


@cache
def _dual_curve(which: str) -> np.ndarray:
    values = FUNCTIONS[which].conjugate(_column(GAP_S))
    finite = np.isfinite(values)
    return np.c_[GAP_S[finite], values[finite]]


def _places(which: str, s: float) -> list[float]:
    """Return the points where the gap is largest, if there are any."""
    try:
        x = float(FUNCTIONS[which].gradient_of_conjugate([[s]])[0, 0])
    except ValueError:
        return []
    return [x, -x] if which == "two wells" and s == 0 else [x]


def _attained(which: str, s: float, places: list[float]) -> str:
    """Say where the gap is largest, and what that tells of the dual."""
    if not places:
        return "The parallel never touches f, which comes down to it far out"
    if len(places) == 2:
        return "It is attained at x = −1 and at x = 1: f* has a kink at s"
    at = f"It is attained at x = {number(places[0])}"
    outside = ", outside the picture" if abs(places[0]) > GAP_X[-1] else ""
    return f"{at}{outside}, the slope of f* at s"


def _gap_frame(which: str, s: float) -> Frame:
    f = FUNCTIONS[which]
    best = float(f.conjugate([[s]]))
    ends, curve = GAP_X[[0, -1]], _dual_curve(which)
    left: list[Mark] = [
        Line(np.c_[ends, s * ends], HELPER, 1.5, "5 4"),
        Line(np.c_[GAP_X, f.value(_column(GAP_X))], CURVE, 2.6),
    ]
    right: list[Mark] = [Line(curve, DUAL, 2.6)]
    if np.abs(curve[:, 0]).max() < GAP_S[-1]:
        right += [Line([(e, -0.25), (e, 2.2)], FAINT, 1, "2 3") for e in (-1.0, 1.0)]
        right += [note((e, 1.9), "+∞", DUAL, "middle", bold=False) for e in (-1.25, 1.25)]
    if np.isinf(best):
        right.append(Line([(s, -0.25), (s, 1.7)], GAP, 1.5, "4 3"))
        caption = (
            f"s = {number(s)}: the line s·x climbs away from f, and the gap grows without bound. "
            "<b>f*(s) = +∞</b>: no line of this slope stays below f."
        )
        alts = [
            f"The line of slope {s:.3g} and the curve of f. The gap between them has no bound.",
            f"The slope {s:.3g} lies outside the domain of the dual.",
        ]
        return Frame([left, right], alts, caption)
    places = _places(which, s)
    left.append(Line(np.c_[ends, s * ends - best], DUAL, 1.8))
    left += [Line([(x, float(f.value([[x]]))), (x, s * x)], GAP, 4) for x in places]
    if len(places) == 1:
        right.append(Line(segment((s, best), (1, places[0]), 0.6), FAINT, 1.5, "3 3"))
    right.append(Dots((s, best), GAP, "o", 6))
    caption = (
        f"s = {number(s)}: the largest gap s·x − f(x) is <b>f*(s) = {best:.3f}</b>. "
        f"{_attained(which, s, places)}."
    )
    alts = [
        f"The line of slope {s:.3g}, its largest gap over the curve of f, and the parallel below.",
        f"The dual, with the slope {s:.3g} marked.",
    ]
    return Frame([left, right], alts, caption)


def largest_gap() -> Explorer:
    """Return f with a line of slope s and its largest gap, beside the Fenchel dual.

    Returns
    -------
    Explorer
        Two panels, 242 stops: two functions and 121 slopes.

    Examples
    --------
    >>> largest_gap().stops
    242
    """
    panels = [
        Panel(_draw_function, "Axes for a function f and lines through the origin.", (360, 310)),
        Panel(_draw_dual, "Axes: slope s against the Fenchel dual.", (360, 310)),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("which", "function", list(FUNCTIONS)),
        Slider("s", "slope s", SLOPES, start=96, log=False),
    ]
    return Explorer(panels, _gap_frame, controls, "The Fenchel dual is the largest gap")
