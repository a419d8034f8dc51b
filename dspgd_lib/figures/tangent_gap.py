"""Figure of the chapter on Bregman divergences: the gap under a tangent."""

from __future__ import annotations

from typing import Any

import numpy as np

from dspgd_lib.convex import ConvexFunction
from dspgd_lib.entropies import BurgEntropy, NegativeEntropy
from dspgd_lib.figures.backgrounds import draw_legend
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text
from dspgd_lib.plotting import FAINT, INK
from dspgd_lib.potentials import LogCosh, Quadratic

FIRST, SECOND = "#5B3E96", "#00705A"  # colours of D with the moving point first, and second
CURVES: dict[str, ConvexFunction] = {
    "½w²": Quadratic(np.eye(1)),
    "w log w − w": NegativeEntropy(),
    "−log w": BurgEntropy(),
    "log cosh w": LogCosh(),
}
TANGENTS = [0.2, 0.3, 0.5, 0.7, 1.4, 1.7, 2.0, 2.4, 2.8]
BOTTOM, TOP = -2.6, 4.1
SEEN_AT = 1.0


def _on_line(f: ConvexFunction, what: str, *points: Any) -> np.ndarray:
    """Call a method of f at numbers instead of matrices."""
    stacks = [np.asarray(p, dtype=float)[..., None, None] for p in points]
    found = np.asarray(getattr(f, what)(*stacks))
    return found[..., 0, 0] if what == "gradient" else found


def _draw_over_line(ax: Any, low: float, high: float, name: str) -> None:
    """Draw axes over the positive numbers, with a dotted line at the place that is measured."""
    ax.set(xlim=(0, 3.05), ylim=(low, high), xlabel=name, xticks=[0, 1, 2, 3])
    ax.plot([SEEN_AT] * 2, [low, high], color=FAINT, lw=0.8, ls=(0, (2, 3)))


def _draw_function(ax: Any) -> None:
    _draw_over_line(ax, BOTTOM, TOP, "$w$")
    ax.set_title("$f$ and its tangent at $b$")


def _draw_gap(ax: Any) -> None:
    _draw_over_line(ax, 0, 2.6, "$a$")
    draw_legend(ax, 1.03, (0.0, "— $D_f(a, b)$", FIRST), (0.52, "-- $D_f(b, a)$", SECOND))


def _tangent_frame(name: str, b: float) -> Frame:
    f, w = CURVES[name], np.linspace(0.02, 3.05, 240)
    level, slope = float(_on_line(f, "value", b)), float(_on_line(f, "gradient", b))
    here = float(_on_line(f, "value", SEEN_AT))
    below = level + slope * (SEEN_AT - b)
    there, back = (float(_on_line(f, "divergence", *pair)) for pair in ((SEEN_AT, b), (b, SEEN_AT)))
    left: list[Mark] = [
        Line(np.c_[w, _on_line(f, "value", w)], INK, 2.6),
        Line([(0, level - slope * b), (3.05, level + slope * (3.05 - b))], FIRST, 1.8),
        Line([(SEEN_AT, below), (SEEN_AT, here)], FIRST, 5),
        Line([(b, BOTTOM), (b, level)], FAINT, 1.0, "2 3"),
        Dots((b, level), INK, "o", 5.5),
        Text((b, BOTTOM), "b", INK, (6, 8), bold=True),
        Text((SEEN_AT, BOTTOM), "a", INK, (-13, 8), bold=True),
    ]
    right: list[Mark] = [
        Line(np.c_[w, _on_line(f, "divergence", w, b)], FIRST, 2.6),
        Line(np.c_[w, _on_line(f, "divergence", b, w)], SECOND, 2.2, "6 4"),
        Dots((SEEN_AT, there), FIRST, "o", 5),
        Dots((SEEN_AT, back), SECOND, "D", 4.5),
        Dots((b, 0), INK, "o", 5.5),
    ]
    caption = (
        f"f = {name}, a = {SEEN_AT:g}, b = {b:.3g}: the gap above the tangent at b is "
        f"D(a, b) = <b>{there:.3f}</b>. The other way round, D(b, a) = {back:.3f}."
    )
    alts = [
        f"The convex function {name} with its tangent at b = {b:.3g}. At a = {SEEN_AT:g} the "
        f"function lies {there:.3f} above the tangent.",
        f"Two curves over a, both touching zero at b = {b:.3g}. At a = {SEEN_AT:g} D(a, b) is "
        f"{there:.3f} and D(b, a) is {back:.3f}.",
    ]
    return Frame([left, right], alts, caption)


def tangent_gap() -> Explorer:
    """Return a function of one variable with a tangent, and the gap between the two.

    Returns
    -------
    Explorer
        Two panels, 36 stops: four functions, nine points of tangency.

    Examples
    --------
    >>> tangent_gap().stops
    36
    """
    panels = [
        Panel(_draw_function, "Axes: weight w against the value of a convex function.", (360, 290)),
        Panel(_draw_gap, "Axes: the point a against the divergence between a and b.", (360, 290)),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("name", "function", list(CURVES), start=1),
        Slider("b", "point of tangency b", TANGENTS, start=6),
    ]
    return Explorer(panels, _tangent_frame, controls, "The gap between a function and its tangent")
