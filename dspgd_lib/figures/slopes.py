"""Figures of the chapter on convex tools: what the dual knows of steps, ends and the row space."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.plane import circle, line_in_box, reach_of_ball, segment
from dspgd_lib.losses import LogCoshLoss
from dspgd_lib.plotting import FAINT, INK, MANIFOLD, look
from dspgd_lib.potentials import PNorm
from dspgd_lib.preconditioners import Adam, GradientDescent, NormalizedGD
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep

CURVE, DUAL, GAP = "#0072B2", "#5B3E96", "#C04D00"

# --------------------------------------------------------------------------- a run off the floor

SMOOTHING = [float(f"{eps:.3g}") for eps in np.geomspace(0.01, 30, 161)]
PUSHED, GD_COLOR = look(Adam(1.0)), look(GradientDescent()).color


@cache
def floor_problem() -> tuple[Problem, np.ndarray]:
    """Return one example (1, 1/4) with label 1, and the start (2.5, 1.5)."""
    return Problem(np.array([[1.0, 0.25]]), np.array([[1.0]])), np.array([[2.5], [1.5]])


def _run_adam(eps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return weights, gradients and preconditioned gradients of a run for each ε."""
    problem, W0 = floor_problem()
    K = Adam(eps)
    run = sweep(
        problem, K, W0, 0.5 * eps / problem.M, tol=1e-6, max_steps=1500, record=("W", "gradient")
    )
    found = []
    for i, e in enumerate(eps):
        last = int(run.steps[i]) + 1
        W, V = (run.history[name][:last, i, :, 0] for name in ("W", "gradient"))
        found.append((W, V, Adam(e).gradient(V[..., None])[..., 0]))
    return found


FLOOR_RUNS = Batch(_run_adam, SMOOTHING)


def _draw_floor(ax: Any) -> None:
    problem, W0 = floor_problem()
    x, y, box = problem.X[0], float(problem.Y[0, 0]), ((0.1, 2.9), (-0.35, 1.95))
    ax.set(xlim=box[0], ylim=box[1], aspect="equal", xticks=[], yticks=[], title="weights")
    ax.plot(*line_in_box(x, y, box).T, color=MANIFOLD, lw=3)
    ax.plot(*segment(W0[:, 0], x, 5).T, color=FAINT, lw=1, ls=(0, (4, 3)))
    ax.plot(*W0, "o", color=INK, ms=6)
    ax.annotate("$W_0$", W0[:, 0], (6, 4), textcoords="offset points")
    ax.annotate("floor", (1.55, 1.262), (0, 6), textcoords="offset points", color="#4d5866")
    ax.annotate(r"$XW=Y$", (1.07, -0.28), (7, 0), textcoords="offset points", color="#4d5866")
    end = problem.project(W0)[:, 0]
    ax.plot(*end, "o", color=GD_COLOR, ms=7)
    ax.annotate("GD", end, (-20, 6), textcoords="offset points", color=GD_COLOR)


def _draw_gradients(ax: Any) -> None:
    x = floor_problem()[0].X[0]
    ax.set(xlim=(-0.25, 2.15), ylim=(-0.5, 1.47), aspect="equal", xticks=[], yticks=[])
    ax.set_title("gradients")
    ax.plot(*segment((0, 0), x, 5).T, color=FAINT, lw=1, ls=(0, (4, 3)))
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    ax.annotate("row space", (1.3, 0.325), (6, -14), textcoords="offset points", color="#4d5866")


def _floor_frame(eps: float) -> Frame:
    problem, W0 = floor_problem()
    W, V, P = FLOOR_RUNS(eps)
    x = problem.X[0] / np.linalg.norm(problem.X[0])
    goal = problem.project(W0)[:, 0]
    turned = np.degrees(np.arctan2(P[0, 1], P[0, 0]) - np.arctan2(x[1], x[0]))
    apart = float(np.linalg.norm(W[-1] - goal))
    weights: list[Mark] = [
        Line(W, PUSHED.color, 2.4),
        Dots(W[-1], PUSHED.color, PUSHED.marker, 6),
        Text(W[-1], "Adam", PUSHED.color, (9, -12)),
    ]
    gradients: list[Mark] = [
        Dots(V, DUAL, "o", 3.6, hollow=True, gap=9),
        Dots(P, PUSHED.color, PUSHED.marker, 3.6, gap=9),
        note((1.55, 0.85), "∇K(V)", PUSHED.color),
        note((1.72, 0.52), "V", DUAL),
    ]
    caption = (
        f"ε = {eps:.3g}: all gradients lie in the row space. Pushed through ∇K, the first is "
        f"turned by <b>{turned:.0f}°</b> out of it, and the run ends {apart:.2f} from the end of "
        "gradient descent."
    )
    alts = [
        f"A line of perfect fits and the floor, which crosses it at a right angle where gradient "
        f"descent ends. Adam with smoothing {eps:.3g} leaves the start at an angle of "
        f"{turned:.0f} degrees to the floor and ends on the line, {apart:.2f} away.",
        f"The gradients of the run lie on one line, the row space. Their images under the "
        f"preconditioner lie off it; the first has the entries {P[0, 0]:.2f} and {P[0, 1]:.2f}.",
    ]
    return Frame([weights, gradients], alts, caption)


def off_the_floor() -> Explorer:
    """Return a run of Adam that leaves the floor, beside its gradients, a slider for ε.

    Returns
    -------
    Explorer
        Two panels, 161 stops.

    Examples
    --------
    >>> off_the_floor().stops
    161
    """
    panels = [
        Panel(
            _draw_floor,
            "Plane of two weights with a line of perfect fits, a start and, dashed, the floor "
            "through it.",
            (360, 300),
        ),
        Panel(_draw_gradients, "Plane of gradients; the row space is a dashed line.", (360, 300)),
    ]
    controls: list[Slider | Buttons] = [Slider("eps", "smoothing ε", SMOOTHING, start=66)]
    return Explorer(panels, _floor_frame, controls, "A step that leaves the row space")


# ---------------------------------------------------------------------- one step among the slopes

STARTS = [round(0.05 * k, 2) for k in range(2, 63)]
RATES = {"half of it": 0.5, "1/(βM)": 1.0, "three times": 3.0}
GRID = np.linspace(-2.6, 3.3, 119)
ROOT = NormalizedGD(1.0)  # K, with β = 1
BENT = LogCoshLoss()  # L, with M = 2


def _one(value: Any) -> Any:
    return np.asarray(value, dtype=float)[..., None, None]


def _loss(w: Any) -> np.ndarray:
    return BENT.value(_one(w))


def _slope(w: Any) -> Any:
    return BENT.gradient(_one(w))[..., 0, 0]


def ceiling(w: float, share: float) -> dict[str, Any]:
    """Return a step in one variable and the ceiling over K that it goes to the bottom of.

    The loss is ½w² + log cosh w, of curvature at most M = 2; K(v) = √(v² + 1) − 1 and β = 1.

    Parameters
    ----------
    w : float
        The weight before the step.
    share : float
        The learning rate in units of 1/(βM).

    Returns
    -------
    dict
        The weight after the step, ``to``; the slopes ``V`` and ``after`` at both; ``K`` there,
        ``before`` and ``then``; the points ``v`` of an axis of slopes and the ``height`` of the
        ceiling there.

    Examples
    --------
    >>> found = ceiling(1.5, 1.0)
    >>> bool((found["height"] >= ROOT.value(_one(found["v"])) - 1e-12).all())
    True
    """
    eta, V = share / 2, float(_slope(w))
    to = w - eta * float(ROOT.gradient([[V]])[0, 0])
    v = _slope(GRID)
    dual = v * GRID - _loss(GRID)  # L* at the slopes of the grid
    here = V * w - float(_loss(w))
    before = float(ROOT.value([[V]]))
    after = float(_slope(to))
    return {
        "to": to,
        "V": V,
        "after": after,
        "before": before,
        "then": float(ROOT.value([[after]])),
        "v": v,
        "height": before + (dual - here - to * (v - V)) / eta,
    }


def _draw_loss(ax: Any) -> None:
    w = np.linspace(-2, 3.3, 107)
    ax.set(xlim=(-2, 3.3), ylim=(-1.3, 7.5), yticks=[], xlabel="weight $W$")
    ax.set_title("the loss and its tangents")
    ax.grid(visible=False)
    ax.plot(w, _loss(w), color=CURVE, lw=2.4)


def _draw_potential(ax: Any) -> None:
    v = np.linspace(-2.6, 4.3, 139)
    ax.set(xlim=(-2.6, 4.3), ylim=(-0.45, 3.6), yticks=[], xlabel="slope $V$")
    ax.set_title("$K$ and a ceiling")
    ax.grid(visible=False)
    ax.plot(v, ROOT.value(_one(v)), color=DUAL, lw=2.4)


def _step_frame(w: float, share: float) -> Frame:
    at = ceiling(w, share)
    to, V, after = at["to"], at["V"], at["after"]

    def tangent(point: float, slope: float) -> np.ndarray:
        return segment((point, float(_loss(point))), (1, slope), 0.8)

    left: list[Mark] = [
        Line(tangent(w, V), INK, 1.4),
        Line(tangent(to, after), GAP, 1.4),
        Line([(w, -0.8), (to, -0.8)], INK, 2),
        Dots((to, -0.8), INK, "<" if to < w else ">", 4.5),
        Dots((w, float(_loss(w))), INK, "o", 5),
        Dots((to, float(_loss(to))), GAP, "o", 5),
    ]
    bottom = float(np.interp(after, at["v"], at["height"]))
    right: list[Mark] = [
        Line(np.c_[at["v"], at["height"]], GAP, 1.8, "9 3 2 3"),
        Line([(after, -0.45), (after, bottom)], FAINT, 1, "2 3"),
        Dots((V, at["before"]), INK, "o", 5),
        Dots((after, bottom), GAP, "D", 5),
        Dots((after, at["then"]), GAP, "o", 5),
        note((-2.5, 3.25), "ceiling", GAP),
        note((-2.5, 2.8), "K", DUAL),
    ]
    verb = "falls" if at["then"] <= at["before"] else "<b>rises</b>"
    lid = "lies above K everywhere" if share <= 1 else "need not lie above K"
    caption = (
        f"From W = {number(w)} to {number(to, '.2f')}; the slope goes from {number(V, '.2f')} to "
        f"{number(after, '.2f')}, to the bottom of the ceiling. The ceiling {lid}; K {verb} from "
        f"{at['before']:.2f} to {at['then']:.2f}."
    )
    alts = [
        f"The loss, a convex curve, with tangents of slope {V:.2f} at {w:.2f} and of slope "
        f"{after:.2f} at {to:.2f}.",
        f"The potential K over the slopes and a steeper convex curve that touches it at {V:.2f}. "
        f"The bottom of that curve lies at the slope {after:.2f} and height {bottom:.2f}, where K "
        f"is {at['then']:.2f}.",
    ]
    return Frame([left, right], alts, caption)


def one_step() -> Explorer:
    """Return a preconditioned step among the weights, and as the bottom of a ceiling over K.

    Returns
    -------
    Explorer
        Two panels, 183 stops: 61 starts and three learning rates.

    Examples
    --------
    >>> one_step().stops
    183
    """
    panels = [
        Panel(_draw_loss, "A convex loss of one weight.", (360, 300)),
        Panel(_draw_potential, "The potential K over the slopes, least at zero.", (360, 300)),
    ]
    controls: list[Slider | Buttons] = [
        Slider("w", "weight before the step", STARTS, start=32, log=False),
        Buttons("share", "learning rate", RATES, start=1),
    ]
    return Explorer(panels, _step_frame, controls, "A step goes to the bottom of a ceiling")


# -------------------------------------------------------------------------- along the perfect fits

ALONG = [round(0.02 * k - 1, 2) for k in range(101)]
POWERS = {"p = 1.5": 1.5, "p = 2": 2.0, "p = 4": 4.0}
EXAMPLE, LABEL, ORIGIN = np.array([1.0, 0.5]), 1.0, np.array([2.0, 0.75])
NORMAL = EXAMPLE / np.linalg.norm(EXAMPLE)
TANGENT = np.array([-NORMAL[1], NORMAL[0]])
FOOT = ORIGIN + (LABEL - EXAMPLE @ ORIGIN) / (EXAMPLE @ EXAMPLE) * EXAMPLE
FITS_BOX = ((-0.3, 2.6), (-0.95, 1.55))


def _draw_fits(ax: Any) -> None:
    ax.set(xlim=FITS_BOX[0], ylim=FITS_BOX[1], aspect="equal", xticks=[], yticks=[])
    ax.set_title("weights")
    ax.plot(*line_in_box(EXAMPLE, LABEL, FITS_BOX).T, color=MANIFOLD, lw=3)
    ax.plot(*ORIGIN, "o", color=INK, ms=6)
    ax.annotate("$W_0$", ORIGIN, (7, 3), textcoords="offset points")
    ax.annotate(r"$XW=Y$", (0.3, 1.4), (8, -3), textcoords="offset points", color="#4d5866")


def _draw_along(ax: Any) -> None:
    ax.set(xlim=(-1, 1), ylim=(0, 2.4), yticks=[], xlabel="place on the line")
    ax.set_title("$f$ along the line")
    ax.grid(visible=False)


def split_gradient(u: float, p: float) -> tuple[np.ndarray, float, float, np.ndarray]:
    """Return a point of the line of fits, f there, and its gradient along the line and in all.

    Parameters
    ----------
    u : float
        The place on the line; 0 is the foot of the perpendicular from the start.
    p : float
        f is the sum of |w − w_0|^p/p.

    Returns
    -------
    point : array of shape (2,)
    value, along : float
        f, and its derivative when one moves along the line.
    gradient : array of shape (2,)

    Examples
    --------
    >>> abs(round(split_gradient(0.0, 2.0)[2], 9))
    0.0
    """
    point = FOOT + u * TANGENT
    move = (point - ORIGIN)[:, None]
    gradient = PNorm(p).gradient(move)[:, 0]
    return point, float(PNorm(p).value(move)), float(gradient @ TANGENT), gradient


@cache
def _value_along(p: float) -> np.ndarray:
    return np.array([split_gradient(u, p)[1] for u in ALONG])


@cache
def _directions() -> np.ndarray:
    return circle(count=72)[:-1]


def _level(point: np.ndarray, p: float) -> np.ndarray:
    """Return the level curve of f through a point."""

    def value(points: np.ndarray) -> np.ndarray:
        return np.asarray(PNorm(p).value((points - ORIGIN)[..., None]))

    level = float(value(point[None])[0])
    reach = reach_of_ball(value, ORIGIN, level, 6.0, count=72)
    around = ORIGIN + reach[:, None] * _directions()
    return np.vstack([around, around[:1]])


def _fits_frame(u: float, p: float) -> Frame:
    point, value, along, gradient = split_gradient(u, p)
    size = float(np.linalg.norm(gradient))
    arrow = 0.75 * gradient / size  # points away from the start
    rows = (gradient @ NORMAL) / np.linalg.norm(EXAMPLE)
    tip, corner = point + arrow, point + (arrow @ NORMAL) * NORMAL
    curve = np.c_[ALONG, _value_along(p)]
    left: list[Mark] = [
        Line(_level(point, p), FAINT, 1.4, "5 4"),
        Line([point, corner], CURVE, 2),
        Line([corner, tip], GAP, 3),
        Line([point, tip], INK, 2),
        Dots(tip, INK, "o", 3),
        Dots(point, INK, "o", 5),
        Text(tip, "∇f", INK, (-8, -14), "end"),
    ]
    right: list[Mark] = [
        Line(curve, CURVE, 2.4),
        Line(segment((u, value), (1, along), 0.35), GAP, 2),
        Dots((u, value), INK, "o", 5),
        note((-0.95, 2.15), "f", CURVE),
        note((-0.95, 1.9), "its slope along the line", GAP, bold=False),
    ]
    if abs(along) < 0.02:
        said = (
            "no move along the line pays. The gradient lies in the row space: it is "
            f"<b>{number(rows, '.2f')} times the example</b>"
        )
    else:
        said = (
            f"the slope along the line is <b>{number(along, '.2f')}</b>, so a move "
            f"{'up' if along < 0 else 'down'} the line pays"
        )
    caption = f"p = {p:g}: {said}."
    alts = [
        f"A line of perfect fits, a start beside it, and the level curve of f through a point of "
        f"the line. The gradient there has a part along the line of {along:.2f} and a part in the "
        f"direction of the example of {gradient @ NORMAL:.2f}.",
        f"f along the line, a bowl; at the place {u:.2f} its height is {value:.2f} and its slope "
        f"{along:.2f}.",
    ]
    return Frame([left, right], alts, caption)


def along_the_fits() -> Explorer:
    """Return the gradient of a distance at a point of the perfect fits, split into two parts.

    Returns
    -------
    Explorer
        Two panels, 303 stops: 101 points and three powers.

    Examples
    --------
    >>> along_the_fits().stops
    303
    """
    panels = [
        Panel(_draw_fits, "A line of perfect fits and a start beside it.", (360, 320)),
        Panel(_draw_along, "Axes: place on the line against f.", (360, 320)),
    ]
    controls: list[Slider | Buttons] = [
        Slider("u", "place on the line", ALONG, start=83, log=False),
        Buttons("p", "power of the distance f", POWERS, start=1),
    ]
    return Explorer(panels, _fits_frame, controls, "A gradient in the row space marks the end")


# ------------------------------------------------------------------------------------- the wall

DECAYS = [float(f"{decay:.3g}") for decay in np.geomspace(3, 0.002, 121)][::-1]
OFF = np.linspace(-1.5, 1.5, 121)


def decayed_dual(off: Any, decay: float) -> np.ndarray:
    """Return the dual of ½(x·W − 0.4)² + ½λ‖W‖² at x + off·z; x and z are orthonormal.

    Parameters
    ----------
    off : array of any shape
        How far from the row space.
    decay : float
        λ > 0.

    Returns
    -------
    array of that shape

    Examples
    --------
    >>> float(decayed_dual(0.0, 1e-9).round(6))  # without decay ½ + 0.4
    0.9
    """
    u = (1 - 0.4 * decay) / (1 + decay)
    least = 0.5 * u**2 + 0.4 * u + (1 - u) ** 2 / (2 * decay)
    return np.asarray(least + np.asarray(off, dtype=float) ** 2 / (2 * decay))


def _draw_wall(ax: Any) -> None:
    ax.set(xlim=(-1.5, 1.5), ylim=(0, 6), xlabel="distance of the gradient from the row space")
    ax.set_title("dual of the loss with weight decay λ")
    ax.plot([0, 0], [0.9, 6], color=DUAL, lw=1.2, ls=(0, (4, 3)))
    ax.plot(0, 0.9, "o", color=DUAL, ms=6)
    ax.annotate("+∞", (-1.3, 0.5), color=DUAL)
    ax.annotate("+∞", (1.1, 0.5), color=DUAL)
    ax.annotate("$L^*$", (0, 0.9), (7, -12), textcoords="offset points", color=DUAL)


def _wall_frame(decay: float) -> Frame:
    at_half = float(decayed_dual(0.5, decay))
    marks: list[Mark] = [Line(np.c_[OFF, decayed_dual(OFF, decay)], CURVE, 2.6)]
    caption = (
        f"λ = {decay:.3g}: a parabola of curvature 1/λ = {1 / decay:.3g}. At distance ½ from the "
        f"row space the dual is already <b>{at_half:.3g}</b>; on it {decayed_dual(0.0, decay):.2f}."
    )
    alt = (
        f"A parabola over the distance from the row space, with the height "
        f"{decayed_dual(0.0, decay):.2f} at zero and {at_half:.3g} at one half. Without decay "
        "there is a single point, of height 0.9, and the dual is infinite to both sides of it."
    )
    return Frame([marks], [alt], caption)


def wall() -> Explorer:
    """Return the dual of a loss with weight decay, across the row space, a slider for the decay.

    Returns
    -------
    Explorer
        One panel, 121 stops.

    Examples
    --------
    >>> wall().stops
    121
    """
    panels = [
        Panel(_draw_wall, "Axes: distance from the row space against the dual.", (360, 290)),
    ]
    controls: list[Slider | Buttons] = [Slider("decay", "weight decay λ", DECAYS, start=84)]
    return Explorer(panels, _wall_frame, controls, "The wall around the row space")
