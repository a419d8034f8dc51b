"""The landing page: one start, four optimizers, two destinations."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, keyed, number
from dspgd_lib.figures.space import Camera, Floor, grid
from dspgd_lib.plotting import INK, MANIFOLD, look
from dspgd_lib.preconditioners import Adam, GradientClipping, GradientDescent, NormalizedGD
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd
from dspgd_lib.theory import max_learning_rate

SMOOTHING = [
    *(0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7),
    *(1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30),
]
NEW_EXAMPLE = np.array([[0.5, 0.5, -1.0]])
FRACTION = 0.1  # of the guaranteed learning rate: small steps, so that the roads are smooth
TICKS = 10
NEARLY = 0.02  # of the way is left at the last tick
SEEN = Camera(turn=196, tilt=31, strength=0.06)
TALL = 2.55  # how far up the manifold is drawn


@cache
def problem() -> tuple[Problem, np.ndarray]:
    """Return the pictured problem, two data points in three dimensions, and the start W_0."""
    X = np.array([[0.4, -1.8, -0.3], [0.0, -1.2, -1.1]])
    Y = np.array([[0.3], [-1.2]])
    return Problem(X, Y), np.array([[0.6], [2.6], [1.0]])


@cache
def _room() -> Floor:
    """Axes: along the floor from the GD limit to the start, across it, up along the manifold."""
    data, W0 = problem()
    goal, up = data.project(W0)[:, 0], np.cross(*data.X)
    along = W0[:, 0] - goal
    return Floor.along(goal, along, np.cross(along, up), up)


def _coordinates(W: np.ndarray) -> np.ndarray:
    """Coordinates in the room, of shape (..., 3), of weights of shape (..., 3, 1)."""
    return _room().coordinates(W[..., 0])


def _draw_room(ax: Any) -> None:
    along, across = np.linspace(-0.75, 3.0, 9), np.linspace(-1.3, 1.1, 7)
    corners = [(along[i], across[j]) for i, j in ((0, 0), (-1, 0), (-1, -1), (0, -1))]
    ax.fill(*SEEN.see(corners).T, color="#f4f1e9", zorder=0)
    for line in grid(along, across):
        ax.plot(*SEEN.see(line).T, color="#ddd7c8", lw=0.7)
    for low, high, alpha in ((0, TALL, 1), (-0.45, 0, 0.25)):
        ax.plot(*SEEN.see([(0, 0, low), (0, 0, high)]).T, color=MANIFOLD, lw=5, alpha=alpha)
    words = "every point of this\nline fits the two\ndata points"
    beside = {"textcoords": "offset points", "ha": "right"}
    ax.annotate(words, SEEN.see((0, 0, TALL)), (-9, -31), fontsize=10, color=MANIFOLD, **beside)
    start = SEEN.see(_coordinates(problem()[1]))
    ax.annotate("start", start, (-3, 9), weight="bold", **beside)
    ax.set(xlim=(-3.15, 1.8), ylim=(-1.16, 2.8))


@cache
def _runs(eps: float) -> tuple[Any, ...]:
    data, W0 = problem()
    family = (GradientDescent(), NormalizedGD(eps), GradientClipping(eps), Adam(eps))
    return tuple(
        (K, dspgd(data, K, W0, FRACTION * max_learning_rate(data, K), tol=1e-6, record=("W",)))
        for K in family
    )


def _frame(eps: float) -> Frame:
    *floor, (adam, adam_run) = _runs(eps)
    flight, landed = _coordinates(adam_run.history["W"]), _coordinates(adam_run.W)
    foot, top = SEEN.see((0, 0)), SEEN.see(landed)
    style = look(adam)
    marks: list[Mark] = [Line(SEEN.see(flight[:, :2]), "#a79c88", 1.6, "2 4")]  # its shadow
    for lane, (K, run) in zip((-0.055, 0.0, 0.055), floor, strict=True):
        marks += _road(K, _coordinates(run.history["W"]), lane)
    marks += _road(adam, flight, 0.0)
    marks += [
        Dots(SEEN.see(_coordinates(problem()[1])), INK, "o", 6),
        Dots(foot, INK, "o", 7),
        Dots(top, style.color, "D", 7),
        Text(top, "Adam", style.color, (13, 2), bold=True, size=14),
    ]
    marks += [
        Text(foot, look(K).name, look(K).color, (13, -13 - 15 * line), bold=True)
        for line, (K, _) in enumerate(floor)
    ]
    others, adams = (number((NEW_EXAMPLE @ run.W)[0, 0], "+.2f") for run in (floor[0][1], adam_run))
    steps = ", ".join(keyed(look(K), f"{run.steps:,}") for K, run in _runs(eps))
    caption = (
        f"On a new example Adam says <b>{adams}</b>, the other three <b>{others}</b>. "
        f"Steps at a tenth of each guaranteed learning rate: {steps}."
    )
    alt = (
        f"Smoothing {eps:.3g}: gradient descent, normalized GD and clipping run along one curved "
        f"road on the floor and meet where the manifold stands on it. Adam leaves the floor and "
        f"reaches the manifold {abs(landed[2]):.2f} higher. On a new example they predict "
        f"{others}, Adam {adams}."
    )
    return Frame([marks], [alt], caption)


def _road(K: Any, path: np.ndarray, lane: float) -> list[Mark]:
    """Return a path with markers after equal numbers of steps, moved sideways into its lane."""
    style, road = look(K), _beside(SEEN.see(path), lane)
    left = np.linalg.norm(path - path[-1], axis=1) / np.linalg.norm(path[0] - path[-1])
    ticks = np.linspace(0, np.argmax(left < NEARLY), TICKS + 1).astype(int)[1:]
    return [
        Line(road, style.color, 3.2),
        Dots(road[ticks], style.color, style.marker, 4.4),
    ]


def _beside(road: np.ndarray, lane: float) -> np.ndarray:
    """Move a road sideways, so that equal roads stay visible; its two ends stay put."""
    along = np.gradient(road, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-300)[:, None]
    walked = np.r_[0, np.cumsum(np.hypot(*np.diff(road, axis=0).T))]
    taper = np.clip(np.minimum(walked, walked[-1] - walked) / 0.15, 0, 1)
    return road + (lane * taper)[:, None] * np.c_[along[:, 1], -along[:, 0]]


def which_solution() -> Explorer:
    """Return the landing figure: four optimizers from one start, a slider for the smoothing ε.

    Returns
    -------
    Explorer
        One panel, 22 stops.

    Examples
    --------
    >>> which_solution().stops
    22
    """
    room = Panel(
        _draw_room,
        "A floor seen in perspective: the start plus the row space of the data. An upright line "
        "stands on it: all weights that fit the data perfectly.",
        (400, 320),
        axes=False,
    )
    controls = [Slider("eps", "smoothing ε", SMOOTHING, start=7)]
    return Explorer([room], _frame, controls, "Which solution does your optimizer find?")
