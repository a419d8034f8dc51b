"""Figures of the chapter on the adjusted Bregman divergence: gaps, and who may touch from below."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.counterexamples import HuberLoss
from dspgd_lib.figures.backgrounds import draw_axes, draw_manifold
from dspgd_lib.figures.blade import CARRIED, EXAMPLE, LABEL, NULL
from dspgd_lib.figures.blade import blade as blade
from dspgd_lib.figures.blade import d_over_n as d_over_n
from dspgd_lib.figures.carried import at_the_kink as at_the_kink
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.plane import Box
from dspgd_lib.figures.step_gaps import gap_over_eta as gap_over_eta
from dspgd_lib.figures.step_gaps import taken as taken
from dspgd_lib.losses import Loss, SquaredLoss
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD
from dspgd_lib.problem import Problem

DUAL, GAP, FINE = "#5b3e96", "#c04d00", "#00705a"
PANEL = (360, 320)


@cache
def example() -> tuple[Problem, np.ndarray]:
    """Return one example (4/5, 3/5) with label 1/5, and the start (11/10, 1/5).

    Returns
    -------
    tuple of a Problem and an array of shape (2, 1)

    Examples
    --------
    >>> problem, W0 = example()
    >>> round(float(problem.residual(W0)[0, 0]), 9)
    0.8
    """
    return Problem(EXAMPLE[None], np.array([[LABEL]])), CARRIED[:, None].copy()


# ---------------------------------------------------------------------------------------- the fan

HERE, THERE = 1.0, -0.4  # u of V and of V′
RESIDUALS = np.linspace(0.1, 2.3, 133).round(4).tolist()
SPAN, LOW = (-1.3, 1.9), -3.1
FAN_WEIGHTS: Box = ((-0.9, 2.5), (-0.9, 2.5))
FAN_LOSSES = {"squared loss": SquaredLoss(), "Huber’s loss": HuberLoss(1.0)}
OWN = {"squared loss": 1.0, "Huber’s loss": 1.5}  # the residual of W


def _draw_fan_weights(ax: Any) -> None:
    draw_axes(ax, FAN_WEIGHTS, "weights")
    draw_manifold(ax, EXAMPLE, LABEL, FAN_WEIGHTS, margin=1)
    ax.text(0.45, -0.55, "$XW=Y$", color=MANIFOLD, ha="right")


def _draw_fan_dual(ax: Any) -> None:
    ax.set(xlim=SPAN, ylim=(LOW, 2.0), xlabel="gradient in units of the example, $u$")
    ax.set_title("ℓ*(u), and a line of slope XP − Y")
    for u, name, side in ((THERE, "V′", -5), (HERE, "V", 5)):
        ax.plot([u, u], [LOW, 0.5 * u**2], color=FAINT, lw=0.8, ls=(0, (2, 3)))
        ax.annotate(
            name,
            (u, LOW),
            (side, 5),
            textcoords="offset points",
            weight="bold",
            ha="right" if side < 0 else "left",
        )


def touching(loss: Loss, r: float) -> tuple[float, float, np.ndarray]:
    """Return the gaps of ℓ* above the line of slope r through (1, ½), and where it is cut.

    Parameters
    ----------
    loss : Loss
        The squared loss, or Huber's with c = 1.
    r : float
        The slope: the residual of P.

    Returns
    -------
    there, least : float
        The gap at V′, and the least of all, which is at the gradient of P.
    cut : array of shape (2,)
        Between these places the line runs above ℓ*.

    Examples
    --------
    >>> touching(SquaredLoss(), 1.5)[1]
    -0.125
    """
    at = np.array([THERE, float(loss.slope(np.array(r)))])
    there, least = 0.5 * at**2 - 0.5 * HERE**2 - r * (at - HERE)
    edge = 1.0 if isinstance(loss, HuberLoss) else np.inf
    return float(there), float(least), np.clip([HERE, 2 * r - HERE], -edge, edge)


def _fan_weights(huber: bool, r: float, own: float, color: str) -> list[Mark]:
    edge, W, P = ((a + LABEL) * EXAMPLE for a in (HERE, own, r))
    far = (4.0 if huber else 0.0) * EXAMPLE
    across, along = 5 * NULL, 0.4 * NULL
    area = [edge - across, edge + across, edge + across + far, edge - across + far]
    return [
        Band(area, FINE, opacity=0.16),
        Line([edge - across, edge + across], FINE, 2.4),
        note((0.0, 2.22), "gradient V", FINE),
        Dots(W - along, INK, "o", 5),
        Text(W - along, "W", INK, (8, -14), bold=True),
        Dots(P + along, color, "D", 6),
        Text(P + along, "P", color, (-8, -14), "end", bold=True),
    ]


def _fan_frame(kind: str, r: float) -> Frame:
    loss = FAN_LOSSES[kind]
    there, least, (low, high) = touching(loss, r)
    huber, allowed = kind != "squared loss", least > -1e-9
    color, level = FINE if allowed else BOUND, 0.5 * HERE**2
    u = np.linspace(-1.0, 1.0, 41) if huber else np.linspace(*SPAN, 61)
    curve = np.c_[u, 0.5 * u**2]
    if huber:
        curve = np.vstack([(-1.0, 3.0), curve, (1.0, 3.0)])
    ends, cut = np.array(SPAN), np.linspace(low, high, 21)
    kept = level + OWN[kind] * (THERE - HERE)  # how low the line of W is at V′
    dual: list[Mark] = [
        Line(np.c_[ends, level + OWN[kind] * (ends - HERE)], INK, 1.2, "5 4"),
        Line(curve, DUAL, 2.8),
        note((1.45, -0.7), "+∞" if huber else "", DUAL, "middle"),
        Line(np.c_[ends, level + r * (ends - HERE)], color, 2.0),
        Line(np.c_[cut, 0.5 * cut**2], BOUND, 5.0),
        Line([(THERE, 0.5 * THERE**2), (THERE, 0.5 * THERE**2 - there)], GAP, 5),
        Text(
            (THERE, 0.5 * THERE**2 - 0.6 * there),
            "gap" if there > 0.5 else "",
            GAP,
            (-7, -4),
            "end",
            bold=True,
        ),
        Line([(THERE - 0.09, kept), (THERE + 0.09, kept)], INK, 2.4),
        Text((THERE, kept), "W", INK, (11, 2), bold=True),
        Dots((HERE, level), INK, "o", 5.5),
    ]
    at = number(float(loss.slope(np.array(r))), ".2f")
    verdict = (
        "P has the gradient V, and the line stays below"
        if allowed
        else f"P has another gradient, and there, at u = {at}, the gap is {number(least, '.3f')}"
    )
    own = touching(loss, OWN[kind])[0]
    caption = (
        f"XP − Y = {r:.2f}: {verdict}. The gap at V′ is <b>{number(there, '.2f')}</b>; "
        f"over the line of W it is {own:.2f}."
    )
    alts = [
        f"P, with residual {r:.2f}, is {'' if allowed else 'not '}among the weights with the "
        f"gradient V, {'a half-plane' if huber else 'a line'}.",
        f"ℓ* and a line of slope {r:.2f} that meets it at V. At V′ ℓ* is {there:.2f} above it; the "
        f"least gap is {number(least, '.3f')}.",
    ]
    return Frame([_fan_weights(huber, r, OWN[kind], color), dual], alts, caption)


def fan() -> Explorer:
    """Return which weights touch at one gradient, for two losses of one residual.

    Returns
    -------
    Explorer
        Two panels, 2 × 133 = 266 stops.

    Examples
    --------
    >>> fan().stops
    266
    """
    panels = [
        Panel(_draw_fan_weights, "Plane of two weights with the line of perfect fits.", PANEL),
        Panel(_draw_fan_dual, "Axes: gradient against the dual of the loss.", PANEL),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("kind", "loss", list(FAN_LOSSES), start=1),
        Slider(
            "r", "residual of P", RESIDUALS, start=RESIDUALS.index(2.0), log=False, form="{:.2f}"
        ),
    ]
    return Explorer(panels, _fan_frame, controls, "Which weights touch at one gradient")
