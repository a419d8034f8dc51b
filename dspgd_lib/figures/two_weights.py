"""Figures of the chapter on overparameterized models: two weights and one example."""

from __future__ import annotations

from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from dspgd_lib.figures.backgrounds import draw_axes, draw_manifold
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, keyed, number
from dspgd_lib.figures.plane import circle, on_line, segment
from dspgd_lib.figures.space import Floor
from dspgd_lib.nearest import min_norm
from dspgd_lib.plotting import FAINT, INK, MANIFOLD, STYLE_SHEET, Look, look
from dspgd_lib.preconditioners import GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd

GD = look(GradientDescent())
NORMS = (1, 2, np.inf)
LOOKS = (
    Look("p = 1", "#8A5A00", "D"),
    Look("p = 2, gradient descent", GD.color, "o"),
    Look("p = ∞", "#00705A", "s"),
)


# ----------------------------------------------------------------------------------- a right angle

HAND_START = (2.0, 0.75)
HAND_RATE = 0.4


@cache
def plane() -> Problem:
    """Return the problem with one example x = (1, 0.5), label 1, and two weights."""
    return Problem(np.array([[1.0, 0.5]]), np.array([[1.0]]))


def right_angle() -> Any:
    """Return the run on one example, straight to the foot of the perpendicular.

    Returns
    -------
    matplotlib.figure.Figure
        The line of perfect fits, the steps of gradient descent and the right angle at its end.

    Examples
    --------
    >>> len(right_angle().axes)
    1
    """
    data = plane()
    run = dspgd(data, GradientDescent(), HAND_START, HAND_RATE, record=("W",))
    (x1, x2), end = data.X[0], data.project(HAND_START)[:, 0]
    corner = Floor.along(end, (x1, x2), (-x2, x1))  # towards the start, and along the fits
    with plt.style.context(STYLE_SHEET):
        fig, ax = plt.subplots(figsize=(4, 2.9))
        ax.plot(*corner.points([(0, -0.75), (0, 1.05)]).T, color=MANIFOLD, lw=3)
        ax.plot(*corner.points([(0.11, 0), (0.11, 0.11), (0, 0.11)]).T, color=INK, lw=1.2)
        ax.plot(*run.history["W"][..., 0].T, color=GD.color, marker="o", ms=6, mec="white")
        ax.plot(*HAND_START, "o", color=INK, ms=7)
        ax.plot(*end, "o", color=GD.color, ms=8, mec="white")

        def name(text: str, at: Any, offset: tuple[float, float], color: str) -> None:
            side = "center" if offset[0] == 0 else "left"
            ax.annotate(text, at, offset, textcoords="offset points", color=color, ha=side)

        name("start $W_0$", HAND_START, (0, 9), INK)
        name(f"foot ({end[0]:g}, {end[1]:g})", end, (9, -14), GD.color)
        name("all perfect fits", corner.points((0, 0.85)), (10, 0), MANIFOLD)
        draw_axes(ax, ((0.1, 2.5), (-0.55, 1.2)))
        ax.set(xticks=[0.5, 1, 1.5, 2, 2.5], yticks=[-0.5, 0, 0.5, 1])
    plt.close(fig)
    return fig


# ------------------------------------------------------------------------- nearest in three norms

FIRST = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
SECOND = [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
UNIT_BALLS = (
    np.array([(1, 0), (0, 1), (-1, 0), (0, -1), (1, 0)], dtype=float),
    circle(count=96),
    np.array([(1, 1), (-1, 1), (-1, -1), (1, -1), (1, 1)], dtype=float),
)
NEW = np.array([1.0, -1.0])


def _draw_plane(ax: Any) -> None:
    x, y, box = plane().X[0], plane().Y[0, 0], ((-1.6, 3.6), (-2.6, 2.6))
    draw_manifold(ax, x, y, box)
    low = on_line(x, y, -2.2, entry=1)
    ax.annotate(r"$\mathcal{W}$", low, (8, 0), textcoords="offset points", size=13)
    draw_axes(ax, box, "weights")


def _draw_changes(ax: Any) -> None:
    ax.axhline(0, color=FAINT, lw=1)
    for middle, name in ((2, "first weight"), (6, "second weight")):
        ax.annotate(name, (middle, 1.72), ha="center", va="center")
    ax.set(xlim=(0.2, 7.8), ylim=(-1.9, 1.9), title="change of each weight")
    ax.set_xticks([1, 2, 3, 5, 6, 7], ["1", "2", "∞"] * 2)
    ax.set(xlabel="nearest in the $p$-norm, $p$ =")
    ax.grid(axis="x", visible=False)


def _start_frame(w1: float, w2: float) -> Frame:
    data, W0 = plane(), np.array([[w1], [w2]])
    start = W0[:, 0]
    run = dspgd(data, GradientDescent(), W0, 0.4 / data.M, tol=1e-9, record=("W",))
    ends = [min_norm(data, W0, p)[:, 0] for p in NORMS]
    steps = [end - start for end in ends]
    sizes = [float(np.linalg.norm(step, p)) for step, p in zip(steps, NORMS, strict=True)]
    road = run.history["W"]
    left: list[Mark] = [
        Line(segment(start, data.X[0] / np.linalg.norm(data.X[0]), 9), FAINT, 1.1, "4 4"),
        *(
            Line(start + size * ball, style.color, 2)
            for size, ball, style in zip(sizes, UNIT_BALLS, LOOKS, strict=True)
        ),
        Line(road, GD.color, 3),
        Dots(road, GD.color, "o", 2.6, gap=6),
        Dots(start, INK),
        *(Dots(end, style.color, style.marker, 5) for end, style in zip(ends, LOOKS, strict=True)),
    ]
    right: list[Mark] = []
    for i, (step, style) in enumerate(zip(steps, LOOKS, strict=True)):
        for place, change in zip((1 + i, 5 + i), step, strict=True):
            right.append(Line([(place, 0), (place, change)], style.color, 9))
            right.append(Dots([(place, change)], style.color, style.marker, 6))
    parts = [
        keyed(
            style,
            f"{style.name.split(',')[0]}: distance <b>{size:.2f}</b>, says "
            f"{number(float(NEW @ end), '+.2f')}",
        )
        for style, size, end in zip(LOOKS, sizes, ends, strict=True)
    ]
    caption = (
        "Distance from the start in the p-norm, and the answer to the new example (1, −1): "
        + "; ".join(parts)
        + "."
    )
    names = [f"for p = {name}" for name in ("1", "2", "infinity")]
    points = ", ".join(
        f"{name} at ({a:.2f}, {b:.2f})" for name, (a, b) in zip(names, ends, strict=True)
    )
    changes = "; ".join(
        f"{name} by {a:.2f} and {b:.2f}" for name, (a, b) in zip(names, steps, strict=True)
    )
    alts = [
        f"Start ({w1:g}, {w2:g}). A diamond, a disc and a square around it touch the line of "
        f"perfect models {points}. Gradient descent runs to the second of them.",
        f"The two weights change {changes}.",
    ]
    return Frame([left, right], alts, caption)


def move_the_start() -> Explorer:
    """Return the plane figure: three nearest models from a start, two sliders for the start.

    Returns
    -------
    Explorer
        Two panels, 81 stops.

    Examples
    --------
    >>> move_the_start().stops
    81
    """
    panels = [
        Panel(
            _draw_plane,
            "Plane of the two weights with the line of the models that fit the example.",
            (360, 360),
        ),
        Panel(
            _draw_changes,
            "Axes for the change of the first and of the second weight, three bars each.",
            (360, 360),
        ),
    ]
    controls = [
        Slider("w1", "start, first weight", FIRST, start=8, log=False, form="{:g}"),
        Slider("w2", "start, second weight", SECOND, start=7, log=False, form="{:g}"),
    ]
    return Explorer(panels, _start_frame, controls, "Nearest in three norms")
