"""Figures of the chapter on Bregman divergences: gaps between a function and a tangent."""

from __future__ import annotations

from typing import Any

import numpy as np

from dspgd_lib.convex import ConvexFunction
from dspgd_lib.entropies import BurgEntropy, NegativeEntropy
from dspgd_lib.figures.backgrounds import draw_legend
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, number
from dspgd_lib.plotting import FAINT, INK
from dspgd_lib.potentials import Hypentropy, LogCosh, PNorm, Quadratic
from dspgd_lib.preconditioners import Adam

FIRST, SECOND = "#5B3E96", "#00705A"  # colours of D with the moving point first, and second
CURVES: dict[str, ConvexFunction] = {
    "½w²": Quadratic(np.eye(1)),
    "w log w − w": NegativeEntropy(),
    "−log w": BurgEntropy(),
    "log cosh w": LogCosh(),
}
DRAWN: dict[str, ConvexFunction] = CURVES | {
    "⅔w^1.5": PNorm(1.5),
    "hypentropy": Hypentropy(1.0),
    "Adam’s K": Adam(1.0),
}
TANGENTS = np.geomspace(0.2, 2.8, 80).round(3).tolist()
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
    draw_legend(ax, 1.03, (0.0, "— $D(a, b)$", FIRST), (0.52, "-- $D(b, a)$", SECOND))


def _tangent_frame(name: str, b: float) -> Frame:
    f, w = DRAWN[name], np.linspace(0.02, 3.05, 60)
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
        Line(np.c_[w, _on_line(f, "divergence", w, b)], FIRST, 2.6, every=True),
        Line(np.c_[w, _on_line(f, "divergence", b, w)], SECOND, 2.2, "6 4", every=True),
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
        Two panels, 560 stops: seven functions, eighty points of tangency.

    Examples
    --------
    >>> tangent_gap().stops
    560
    """
    panels = [
        Panel(_draw_function, "Axes: weight w against the value of a convex function.", (360, 350)),
        Panel(_draw_gap, "Axes: the point a against the divergence between a and b.", (360, 350)),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("name", "function", list(DRAWN), start=1),
        Slider("b", "point of tangency b", TANGENTS, start=70),
    ]
    return Explorer(panels, _tangent_frame, controls, "The gap between a function and its tangent")


# -------------------------------------------------------------------------------- the dual ruler

PLACES = np.geomspace(0.15, 2.9, 160).round(3).tolist()
LOW, HIGH = -2.1, 1.3  # of the slopes


def _draw_weights(ax: Any) -> None:
    _draw_over_line(ax, -1.9, 1.1, "weight $w$")
    ax.plot([SEEN_AT] * 2, [-1.9, 1.1], color=FAINT, lw=0.8, ls=(0, (2, 3)))
    ax.set_title("f(w) = w log w − w")
    w = np.linspace(0.002, 3.05, 240)
    ax.plot(w, _on_line(CURVES["w log w − w"], "value", w), color=INK, lw=2)


def _draw_slopes(ax: Any) -> None:
    s = np.linspace(LOW, HIGH, 240)
    ax.plot(s, np.exp(s), color=INK, lw=2)
    ax.plot(s, 1 + s, color=SECOND, lw=1.5)
    ax.plot(0, 1, "o", color=INK, ms=6)
    ax.annotate("f′(a)", (0, 1), (-28, 6), textcoords="offset points")
    ax.set(xlim=(LOW, HIGH), ylim=(-1.2, 3.2), xlabel="slope $s$", title="f*(s) = exp s")


def _two_sides_frame(b: float) -> Frame:
    f = CURVES["w log w − w"]
    level, slope = float(_on_line(f, "value", b)), float(_on_line(f, "gradient", b))
    gap = float(_on_line(f, "divergence", SEEN_AT, b))
    foot = level + slope * (SEEN_AT - b)
    left: list[Mark] = [
        Line([(0, level - slope * b), (3.05, level + slope * (3.05 - b))], FIRST, 1.8),
        Line([(SEEN_AT, foot), (SEEN_AT, -1)], FIRST, 5),
        Dots((b, level), INK, "o", 5.5),
        Text((SEEN_AT, -1.9), "a", INK, (-13, 8), bold=True),
        Text((b, level), "b", INK, (6, 8), bold=True),
    ]
    right: list[Mark] = [
        Line([(slope, 1 + slope), (slope, b)], SECOND, 5),
        Text((slope, b), "f′(b)", INK, (-8, 8), "end", bold=True),
        Dots((slope, b), INK, "o", 5.5),
    ]
    caption = (
        f"a = {SEEN_AT:g}, b = {b:.3g}, slopes {number(0.0)} and {number(slope, '.2f')}. Gap at a "
        f"above the tangent at b: <b>{gap:.3f}</b>. Gap at f′(b) above the tangent at f′(a): "
        f"<b>{b - 1 - slope:.3f}</b>."
    )
    alts = [
        f"The entropy with its tangent at b = {b:.3g}: at a = {SEEN_AT:g} the gap is {gap:.3f}.",
        f"The exponential with its tangent at slope 0: at slope {number(slope, '.2f')} the gap is "
        f"{b - 1 - slope:.3f}.",
    ]
    return Frame([left, right], alts, caption)


def two_sides() -> Explorer:
    """Return one divergence twice: among the weights, and with swapped roles among the slopes.

    Returns
    -------
    Explorer
        Two panels, 160 stops.

    Examples
    --------
    >>> two_sides().stops
    160
    """
    panels = [
        Panel(_draw_weights, "Axes: weight against the entropy, a bowl.", (360, 320)),
        Panel(
            _draw_slopes,
            "Axes: slope against the exponential, with the tangent at slope 0.",
            (360, 320),
        ),
    ]
    controls = [Slider("b", "weight b", PLACES, start=25)]
    return Explorer(panels, _two_sides_frame, controls, "The same gap among weights and slopes")


# ---------------------------------------------------------------------------------------- a kink

SLOPES = np.linspace(-1, 1, 161).round(4).tolist()
AT_KINK = (-1.0, 2.0)


def _draw_kink(ax: Any) -> None:
    ax.plot([-2.5, 0, 2.5], [2.5, 0, 2.5], color=INK, lw=2.4)
    ax.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.6), xlabel="$w$", title="|w| and a line below it")


def _draw_kink_gap(ax: Any) -> None:
    ax.set(xlim=(-2.5, 2.5), ylim=(0, 5.1), xlabel="$a$", title="gap |a| − s·a")


def _kink_frame(s: float) -> Frame:
    gaps = [abs(a) - s * a for a in AT_KINK]
    bars = [Line([(a, s * a), (a, abs(a))], FIRST, 5) for a in AT_KINK]
    left: list[Mark] = [Line([(-2.5, -2.5 * s), (2.5, 2.5 * s)], FIRST, 1.8), *bars]
    left.append(Dots((0, 0), INK, "o", 5.5))
    right: list[Mark] = [Line([(-2.5, 2.5 * (1 + s)), (0, 0), (2.5, 2.5 * (1 - s))], FIRST, 2.6)]
    right += [Dots((a, gap), FIRST, "o", 5.5) for a, gap in zip(AT_KINK, gaps, strict=True)]
    shown = number(s, ".3g") if abs(s) > 1e-9 else "0"
    caption = (
        f"s = {shown}: the gap is <b>{gaps[0]:.2f}</b> at a = −1, <b>{gaps[1]:.2f}</b> at a = 2."
    )
    alts = [
        f"The absolute value and the line of slope {shown} through its kink. At −1 the gap between "
        f"them is {gaps[0]:.3f}, at 2 it is {gaps[1]:.3f}.",
        f"The gap over a has a kink at 0; it rises with slope {1 + s:.3f} to the left and "
        f"{1 - s:.3f} to the right.",
    ]
    return Frame([left, right], alts, caption)


def kink() -> Explorer:
    """Return the gaps of |w| above the lines through its kink, a slider for the slope.

    Returns
    -------
    Explorer
        Two panels, 161 stops.

    Examples
    --------
    >>> kink().stops
    161
    """
    panels = [
        Panel(_draw_kink, "Axes: the absolute value, with its kink at 0.", (360, 300)),
        Panel(_draw_kink_gap, "Axes: the point a against the gap.", (360, 300)),
    ]
    controls = [Slider("s", "subgradient s", SLOPES, start=120, log=False)]
    return Explorer(panels, _kink_frame, controls, "A kink has many tangents")
