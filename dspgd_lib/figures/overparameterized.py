"""Figures of the chapter on overparameterized models."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.backgrounds import draw_legend
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, number
from dspgd_lib.figures.plane import foot, segment
from dspgd_lib.figures.space import Camera, Floor, grid
from dspgd_lib.figures.two_weights import (
    FIRST,
    GD,
    HAND_RATE,
    HAND_START,
    NORMS,
    SECOND,
    UNIT_BALLS,
    move_the_start,
    plane,
    right_angle,
)
from dspgd_lib.plotting import FAINT, INK, MANIFOLD
from dspgd_lib.preconditioners import GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.results import Result
from dspgd_lib.runs import dspgd

__all__ = [
    "FIRST",
    "HAND_RATE",
    "HAND_START",
    "NORMS",
    "SECOND",
    "UNIT_BALLS",
    "coordinates",
    "move_the_start",
    "plane",
    "planes_and_lines",
    "right_angle",
]

# ------------------------------------------------------------------------------- three weights

TURNS = [float(angle) for angle in range(-75, 46, 10)]
HALF, EIGHTHS = 0.85, np.linspace(-1, 1, 9)  # half the side of the squares drawn of planes
CENTRE = np.array([0.080, 0.628, -0.067])


@cache
def space(n: int) -> tuple[Problem, np.ndarray]:
    """Return a problem with three weights and one or two examples, and the start W_0."""
    X = np.array([[0.3, -0.25, 1.0], [0.9, 0.5, 0.35]])[:n]
    Y = np.array([[-0.2], [-0.25]])[:n]
    return Problem(X, Y), np.array([[0.75], [0.9], [0.95]])


@cache
def _road(n: int) -> Result:
    data, W0 = space(n)
    return dspgd(data, GradientDescent(), W0, 0.1 / data.M, tol=1e-6, record=("W",))


def _view(turn: float, points: Any) -> np.ndarray:
    """Return points of shape (..., 3) as they are seen, turned about the upright axis."""
    return Camera(turn - 50, tilt=22, strength=0.12).see(points)


def _grid(x: np.ndarray, y: float, near: np.ndarray) -> list[np.ndarray]:
    """Return a square grid in the plane of all W that fit one example, centred near a point."""
    first = np.cross(x, (0.0, 1.0, 0.0) if abs(x[2]) > abs(x[0]) else (0.0, 0.0, 1.0))
    floor, ticks = Floor.along(foot(near, x, y), first, np.cross(x, first)), HALF * EIGHTHS
    return [floor.points(line) for line in grid(ticks, ticks)]


def _draw_space(ax: Any) -> None:
    ax.set(xlim=(-1.82, 1.16), ylim=(-1.63, 1.35), aspect="equal")


def _space_frame(n: int, turn: float) -> Frame:
    data, W0 = space(n)
    run = _road(n)
    goal = data.project(W0)
    marks: list[Mark] = []
    for x, y, color in zip(data.X, data.Y[:, 0], ("#7d8796", "#b89b6a"), strict=False):
        marks += [Line(_view(turn, line), color, 1.2, opacity=0.9) for line in _grid(x, y, CENTRE)]
    if n == 2:
        along = np.cross(*data.X)
        fits = segment(data.project(CENTRE)[:, 0], along / np.linalg.norm(along), 1.15)
        marks.append(Line(_view(turn, fits), MANIFOLD, 5))
    start, end = _view(turn, W0[:, 0]), _view(turn, goal[:, 0])
    marks += [
        Line(_view(turn, run.history["W"][..., 0]), GD.color, 3),
        Dots(start, INK, "o", 6),
        Dots(end, GD.color, "o", 6.5),
        Text(start, "start", INK, (9, 5), bold=True),
        Text(end, "GD", GD.color, (-8, -17), "end", bold=True),
    ]
    shape = ("plane", "line")[n - 1]
    way = float(np.linalg.norm(W0 - goal))
    where = (
        "One example is fitted at every point of a plane: <b>2</b> free directions.",
        "Two examples are fitted where their planes meet, on a line: <b>1</b> free direction.",
    )[n - 1]
    caption = (
        f"{where} Gradient descent takes {run.steps} small steps from the start; its end is "
        f"{way:.2f} away."
    )
    bend = "straight" if n == 1 else "bent"
    alt = (
        f"Three weights, seen from {turn:g} degrees: the models that fit {n} "
        f"example{'s' if n == 2 else ''} form a {shape}. A {bend} road of gradient descent leads "
        f"from the start to a point of it, {way:.2f} away."
    )
    return Frame([marks], [alt], caption)


def planes_and_lines() -> Explorer:
    """Return the manifold in three dimensions: buttons for n = 1 and 2, a slider turns the view.

    Returns
    -------
    Explorer
        One panel, 26 stops.

    Examples
    --------
    >>> planes_and_lines().stops
    26
    """
    panel = Panel(
        _draw_space,
        "Empty space for three weights; the overlay draws the models that fit the examples.",
        (360, 360),
        axes=False,
    )
    controls: list[Slider | Buttons] = [
        Buttons("n", "examples", {"one": 1, "two": 2}),
        Slider("turn", "turn the view, degrees", TURNS, start=10, log=False, form="{:g}"),
    ]
    return Explorer([panel], _space_frame, controls, "The models that fit, among three weights")


# ------------------------------------------------------------------------ coordinate by coordinate

EMPHASIS = ("#5B3E96", "#00705A")
STEPS = np.arange(101)
BOTTOM, TOP = 1e-9, 1e3


@cache
def curvatures() -> np.ndarray:
    """Return σ_i² of the chapter's problem, 20 examples and 60 weights, the largest first."""
    return np.asarray(np.linalg.svd(Problem.gaussian(20, 60, 1, seed=0).X, compute_uv=False) ** 2)


def _draw_errors(ax: Any) -> None:
    ax.axhline(1, color=FAINT, lw=1)
    ax.set(yscale="log", xlim=(0, STEPS[-1]), ylim=(BOTTOM, TOP), xlabel="step $t$")
    ax.set_yticks([1e-9, 1e-6, 1e-3, 1, 1e3])
    others = (0.48, "the other eighteen", "#5d6470")
    draw_legend(ax, 1.04, (0.0, "— first", EMPHASIS[0]), (0.26, "-- last", EMPHASIS[1]), others)


def _errors_frame(share: float) -> Frame:
    factors = 1 - share * curvatures() / curvatures()[0]
    sizes = np.abs(factors)
    heights = sizes[:, None] ** STEPS
    curves = [np.c_[STEPS, np.maximum(height, BOTTOM / 1e3)] for height in heights]  # log 0
    marks: list[Mark] = [Line(curve, FAINT, 1) for curve in curves[1:-1]]
    marks += [Line(curves[0], EMPHASIS[0], 4), Line(curves[-1], EMPHASIS[1], 2.2, "7 5")]
    slowest = sizes.max()
    names = [
        name for name, size in (("first", sizes[0]), ("last", sizes[-1])) if size > slowest - 1e-9
    ]
    grow = int((sizes > 1).sum())
    end = f"Slowest: {' and '.join(names)}, <b>{slowest:.3f}</b> in size."
    if grow:
        many = f"{grow} of the {len(sizes)} curves rise{'s' if grow == 1 else ''}"
        end = f"{many}, the first by a factor <b>{sizes[0]:.3f}</b> per step."
    first, last = number(factors[0], ".3f"), number(factors[-1], ".3f")
    caption = f"η = {share:.3g}/M. Factors per step: first {first}, last {last}. {end}"
    alt = (
        f"Learning rate {share:.3g}/M: {len(sizes)} curves that start at 1. After {STEPS[-1]} "
        f"steps the first stands at {heights[0, -1]:.1g}, the last at {heights[-1, -1]:.1g}, the "
        f"highest at {heights[:, -1].max():.1g}."
    )
    return Frame([marks], [alt], caption)


def coordinates() -> Explorer:
    """Return what is left of each seen coordinate of the error, a slider for the learning rate.

    Returns
    -------
    Explorer
        One panel, 9 stops.

    Examples
    --------
    >>> coordinates().stops
    9
    """
    alt = "Axes: step against the size of an error, logarithmic; every error starts at 1."
    best = 2 * curvatures()[0] / (curvatures()[0] + curvatures()[-1])
    stops = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, float(best), 1.95, 2.05]
    controls = [Slider("share", "learning rate η, in units of 1/M", stops, start=1, log=False)]
    return Explorer([Panel(_draw_errors, alt, (360, 300))], _errors_frame, controls, "Errors")
