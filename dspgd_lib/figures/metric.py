"""Figures of the chapter on preconditioners: each step in its own metric, and the sector."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.backgrounds import draw_manifold
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text
from dspgd_lib.figures.plane import circle, on_line
from dspgd_lib.figures.space import grid
from dspgd_lib.plotting import FAINT, INK, MANIFOLD, look
from dspgd_lib.preconditioners import Adam
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd

SECTOR, QUIET = "#007A5A", "#4d5866"
EPS, SHARE, STEPS = 0.1, 0.15, 125
COLOR = look(Adam(1.0)).color
BOX = ((0.05, 2.95), (-0.4, 2.3))
GRID = grid(np.arange(-1, 4.1, 0.5), np.arange(-1.5, 3.1, 0.5))
CORNERS = np.array([BOX[0], BOX[1]]).T  # the lower left one and the upper right one

# -------------------------------------------------------------------------------- its own metric


@cache
def glasses_run() -> tuple[Problem, np.ndarray, np.ndarray]:
    """Return the run of Adam in the plane: one example (1, 1/4) with label 1, from (2.5, 1.5).

    Returns
    -------
    Problem
    W, V : arrays of shape (301, 2)
        Weights and gradients at its steps; η is 0.15 ε/M with ε = 0.1.

    Examples
    --------
    >>> problem, W, V = glasses_run()
    >>> W[0].tolist(), V[0].round(3).tolist()
    ([2.5, 1.5], [1.875, 0.469])
    """
    problem, W0 = Problem(np.array([[1.0, 0.25]]), np.array([[1.0]])), np.array([[2.5], [1.5]])
    eta = SHARE * EPS / problem.M
    run = dspgd(problem, Adam(EPS), W0, eta, tol=0, max_steps=300, record=("W", "gradient"))
    return problem, run.history["W"][..., 0], run.history["gradient"][..., 0]


def rates(V: np.ndarray) -> np.ndarray:
    """Return the learning rates of the weights under Adam, 1/(|v| + ε), in units of η.

    Parameters
    ----------
    V : array of shape (...)
        Gradients.

    Returns
    -------
    array of shape (...)
        The diagonal of A in ∇K(V) = AV.

    Examples
    --------
    >>> rates(np.array([0.4, 0.0])).round(9).tolist()
    [2.0, 10.0]
    """
    return np.asarray(1 / (np.abs(V) + EPS))


def _glasses(V: np.ndarray) -> np.ndarray:
    """Return how much each axis is stretched by A^(−1/2), as much as the other one shrinks."""
    A = rates(V)
    return np.asarray(np.prod(A) ** 0.25 / np.sqrt(A))


def _draw_plane(ax: Any) -> None:
    problem, W, _ = glasses_run()
    for line in GRID:
        ax.plot(*line.T, color="#ddd7c8", lw=0.8)
    draw_manifold(ax, problem.X[0], 1.0, BOX, margin=1)
    ax.plot(*W.T, color=COLOR, lw=1, alpha=0.5)
    ax.plot(*W[0], "o", color=INK, ms=6)
    ax.annotate("$W_0$", W[0], (-2, 8), textcoords="offset points", ha="right")
    ax.text(1.0, -0.3, "$XW=Y$", color=QUIET, ha="right")
    ax.set(xlim=BOX[0], ylim=BOX[1], aspect="equal", xticks=[], yticks=[])
    ax.set(title="weights", xlabel="$w_1$", ylabel="$w_2$")
    ax.grid(visible=False)


def _draw_glasses(ax: Any) -> None:
    ax.plot(0, 0, "o", color=INK, ms=6)
    middle = CORNERS.mean(axis=0) - (1.95, 1.2)
    low, high = CORNERS - CORNERS.mean(axis=0) + middle
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", xticks=[], yticks=[])
    ax.set(title="the same through its own glasses", xlabel="$x_1$", ylabel="$x_2$")
    ax.grid(visible=False)


def _see(t: int, place: Callable[[np.ndarray], np.ndarray], high: float) -> list[Mark]:
    """Return a step in one of the two planes: level line, minus the gradient, the step itself.

    Where the fits are too near for names on their side, these go to the other one, that of the
    level line as far up as `high`, above the ellipse.
    """
    problem, W, V = glasses_run()
    lens, normal = _glasses(V[t]), V[t] / np.linalg.norm(V[t])
    end = W[t] + _step(V[t]) / lens
    along, down = np.array([-normal[1], normal[0]]), W[t] - np.linalg.norm(end - W[t]) * normal
    fits = (1 - problem.X[0] @ end) / problem.X[0, 0]  # where they are, to the left of the end
    left = place(end)[0] - place(end + np.array([fits, 0.0]))[0] > 0.58  # room for the labels
    above = place(end + along) - place(end)
    above = place(end) + high * above / np.linalg.norm(above)
    arrow = "−V" if left or np.linalg.norm(place(end) - place(W[t])) > 0.3 else ""
    return [
        Line(place(np.array([end - 6 * along, end + 6 * along])), FAINT, 1.6, "5 4"),
        Line(place(np.array([W[t], down])), FAINT, 2),
        Line(place(np.array([W[t], end])), COLOR, 3),
        Dots(place(end), COLOR, look(Adam(1.0)).marker, 5),
        Text(place(down), arrow, QUIET, (-5, 6), "end")
        if left
        else Text(place((down + W[t]) / 2), arrow, QUIET, (4, 5), "middle"),
        Text(place(end + 0.75 * along), "level line", QUIET, (-7, 0), "end")
        if left
        else Text(above, "level line", QUIET, (7, 0)),
    ]


def _step(V: np.ndarray) -> np.ndarray:
    """Return the step through the glasses, as long as there is room for before the fits."""
    lens, x = _glasses(V), glasses_run()[0].X[0]
    down = -V / lens / np.linalg.norm(V / lens)
    room = np.linalg.norm(V) / np.linalg.norm(x) / -(x @ (down / lens))  # to the perfect fits
    return np.asarray(min(0.6, 0.8 * room) * down)


def _metric_frame(t: float) -> Frame:
    t = round(t)
    problem, W, V = glasses_run()
    lens, step, A = _glasses(V[t]), _step(V[t]), rates(V[t])

    def through(points: np.ndarray) -> np.ndarray:
        return np.asarray((points - W[t]) * lens)

    ends = on_line(problem.X[0], 1.0, [-4.0, 5.0])
    ball = circle(radius=float(np.linalg.norm(step)), count=44)
    weights = [
        *_see(t, lambda points: points, 1.35),
        Line(W[t] + ball / lens, COLOR, 1.6, every=True),
        Dots(W[t], INK, "o", 4.5),
    ]
    ahead = 0.14 * step
    across = np.array([ahead[1], -ahead[0]])
    corner = np.array([step - ahead, step - ahead + across, step + across])
    seen = [
        *(Line(through(line), "#ddd7c8", 1) for line in GRID),
        *_see(t, through, 0.95),
        Line(ball, COLOR, 1.6, every=True),
        Line(corner, INK, 1.2),
        Line(through(ends), MANIFOLD, 3.2),
        Dots((0, 0), INK, "o", 4.5),
    ]
    longer = np.linalg.norm(step / lens) / np.linalg.norm(SHARE * EPS / problem.M * A * V[t])
    turned = _turn(V[t])
    caption = (
        f"Step {t}: the rate of w₁ is <b>{A[0]:.2f} η</b>, that of w₂ <b>{A[1]:.2f} η</b>, "
        f"{A[1] / A[0]:.2f} times as much. The step, drawn {longer:.0f} times as long as it is, "
        f"lies {turned:.0f}° off −V; through its glasses it meets the level line at a right angle."
    )
    alts = [
        f"At step {t} an ellipse around the weights, {lens[0] / lens[1]:.2f} times as high as "
        f"wide. Where the step meets it, it touches a level line; the step is {turned:.0f} degrees "
        "off minus the gradient.",
        "The same plane, stretched until the ellipse is a circle: the step meets the level line "
        f"at a right angle. Minus the gradient of the first panel does not: stretch "
        f"{lens[0]:.2f} across and {lens[1]:.2f} up.",
    ]
    return Frame([weights, seen], alts, caption)


def _turn(V: np.ndarray) -> float:
    """Return by how many degrees Adam turns a gradient."""
    pushed = rates(V) * V
    cosine = pushed @ V / (np.linalg.norm(pushed) * np.linalg.norm(V))
    return float(np.degrees(np.arccos(min(1.0, cosine))))


def metric() -> Explorer:
    """Return a run of Adam beside what it looks like through the glasses of each step.

    Returns
    -------
    Explorer
        Two panels, 126 stops: the first steps of the run.

    Examples
    --------
    >>> metric().stops
    126
    """
    panels = [
        Panel(
            _draw_plane,
            "Plane of two weights with a line of perfect fits and a bent run that ends on it.",
            (360, 345),
        ),
        Panel(_draw_glasses, "Plane of stretched weights.", (360, 345)),
    ]
    controls: list[Slider | Buttons] = [
        Slider("t", "step t", list(range(STEPS + 1)), start=24, log=False, form="{:.0f}")
    ]
    return Explorer(panels, _metric_frame, controls, "Each step in its own metric")


# -------------------------------------------------------------------------------------- sector

GRADIENT = np.array([[1.0], [0.25]])
UNIT = GRADIENT[:, 0] / np.linalg.norm(GRADIENT)
RATIOS = [float(f"{ratio:.3g}") for ratio in np.geomspace(0.1, 20, 121)]


def _draw_sector(ax: Any) -> None:
    ax.plot([0, 0.86], [0, 0.86], color=FAINT, lw=0.8, alpha=0.6)
    ax.text(0.76, 0.79, "entries all alike", color="#4d5866", ha="right")
    ax.annotate("", UNIT, (0, 0), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.5})
    ax.annotate(r"$\beta g$", UNIT, (9, 0), textcoords="offset points", va="center")
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    ax.annotate("0", (0, 0), (-11, -4), textcoords="offset points")
    ax.set(xlim=(-0.16, 1.32), ylim=(-0.42, 0.86), aspect="equal", xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_title(r"what a sector allows $\nabla K(g)$ to be")
    ax.text(-0.15, 0.78, "sector", color=SECTOR, weight="bold")
    ax.text(-0.15, 0.69, "Adam", color=look(Adam(1.0)).color, weight="bold")


def _sector_frame(ratio: float) -> Frame:
    """Return the picture in units of β‖g‖, for ε = 1 and g = r·(1, ¼) with r = ratio."""
    K, style = Adam(1.0), look(Adam(1.0))
    g = ratio * GRADIENT
    m, beta = K.sector(ratio)
    share = m / beta
    step = (K.gradient(g) / (beta * np.linalg.norm(g)))[:, 0]
    curved = (1 + ratio) ** -2

    disc = circle((1 + share) / 2 * UNIT, (1 - share) / 2, count=48)
    turn = np.degrees(np.arcsin((1 - share) / (1 + share)))
    angle = np.degrees(abs(np.arctan2(step[1], step[0]) - np.arctan2(UNIT[1], UNIT[0])))
    tilt = np.radians(turn)
    back = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    touch = np.sqrt(share) * back @ UNIT  # the tangent from 0 touches the disc at this length
    marks: list[Mark] = [
        Line([(0, 0), touch], SECTOR, 1.2, "3 3"),
        Line([(0, 0), 0.45 * step / np.linalg.norm(step)], style.color, 1.2, "3 3"),
        Line(disc, SECTOR, 2.4),
        Line([(0, 0), step], style.color, 2.4),
        Dots(step, style.color, style.marker, 6),
    ]
    caption = (
        f"r = {ratio:.3g} ε: the sector has m/β = <b>{share:.2g}</b>, the curvature alone would "
        f"give {curved:.2g}. Adam turns g by {angle:.0f}°; the sector allows {turn:.0f}°."
    )
    alt = (
        f"An arrow, and a circle from {share:.2g} to 1 times the arrow. Adam's point lies in it, "
        f"turned by {angle:.0f} degrees of {turn:.0f} allowed, which a dashed tangent shows."
    )
    return Frame([marks], [alt], caption)


def sector() -> Explorer:
    """Return the disc of preconditioned gradients that a sector allows, a slider for r/ε.

    Returns
    -------
    Explorer
        One panel, 121 stops.

    Examples
    --------
    >>> sector().stops
    121
    """
    panels = [
        Panel(
            _draw_sector,
            "Plane with an arrow from the origin, the gradient times the largest factor.",
            (360, 320),
        )
    ]
    controls: list[Slider | Buttons] = [
        Slider("ratio", "size r, in units of ε", RATIOS, start=77),
    ]
    return Explorer(panels, _sector_frame, controls, "What a sector allows")
