"""Figures of the chapter on overparameterized models."""

from __future__ import annotations

from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, swatch
from dspgd_lib.interpolators import min_norm
from dspgd_lib.plotting import FAINT, INK, MANIFOLD, STYLE_SHEET, Look, look
from dspgd_lib.preconditioners import GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.solve import Result, dspgd

GD = look(GradientDescent())
NORMS = (1, 2, np.inf)
LOOKS = (
    Look("p = 1", "#8A5A00", "D"),
    Look("p = 2, gradient descent", GD.color, "o"),
    Look("p = ∞", "#00705A", "s"),
)

# ------------------------------------------------------------------------------ the smallest case

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
    foot, x = data.project(HAND_START)[:, 0], data.X[0] / np.linalg.norm(data.X[0])
    along = np.array([-x[1], x[0]])
    with plt.style.context(STYLE_SHEET):
        fig, ax = plt.subplots(figsize=(4, 2.9))
        ax.plot(*(foot + np.outer([-0.75, 1.05], along)).T, color=MANIFOLD, lw=3)
        ax.plot(*(foot + 0.11 * np.array([x, x + along, along])).T, color=INK, lw=1.2)
        ax.plot(*run.history["W"][..., 0].T, color=GD.color, marker="o", ms=6, mec="white")
        ax.plot(*HAND_START, "o", color=INK, ms=7)
        ax.plot(*foot, "o", color=GD.color, ms=8, mec="white")
        for text, at, offset, color in (
            ("start $W_0$", HAND_START, (0, 9), INK),
            (f"foot ({foot[0]:g}, {foot[1]:g})", tuple(foot), (9, -14), GD.color),
            ("all perfect fits", tuple(foot + 0.85 * along), (10, 0), MANIFOLD),
        ):
            side = "center" if offset[0] == 0 else "left"
            ax.annotate(text, at, offset, textcoords="offset points", color=color, ha=side)
        ax.set(xlim=(0.1, 2.5), ylim=(-0.55, 1.2), aspect="equal", xlabel="$w_1$", ylabel="$w_2$")
        ax.set(xticks=[0.5, 1, 1.5, 2, 2.5], yticks=[-0.5, 0, 0.5, 1])
    plt.close(fig)
    return fig


# ------------------------------------------------------------------------------- three weights

TURNS = [float(angle) for angle in range(-75, 46, 10)]
HALF = 0.85  # half the side of the squares drawn of planes
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
    """Perspective view of points of shape (n, 3), turned about the upright axis."""
    turn, tilt = np.radians(turn - 50), np.radians(22)
    right = np.array([np.cos(turn), np.sin(turn), 0])
    back = np.array([-np.sin(turn), np.cos(turn), 0])
    points = np.asarray(points, dtype=float)
    depth = points @ (np.cos(tilt) * back - np.sin(tilt) * np.array([0, 0, 1]))
    height = points @ (np.sin(tilt) * back + np.cos(tilt) * np.array([0, 0, 1]))
    return np.c_[points @ right, height] / (1 + 0.12 * depth)[:, None]


def _grid(x: np.ndarray, y: float, near: np.ndarray) -> list[np.ndarray]:
    """Return a square grid in the plane of all W that fit one example, centred near a point."""
    first = np.cross(x, (0.0, 1.0, 0.0) if abs(x[2]) > abs(x[0]) else (0.0, 0.0, 1.0))
    first /= np.linalg.norm(first)
    second = np.cross(x, first) / np.linalg.norm(x)
    centre, ticks = near + (y - x @ near) * x / (x @ x), np.linspace(-HALF, HALF, 9)
    ends = np.array([-HALF, HALF])[:, None]
    return [centre + t * first + ends * second for t in ticks] + [
        centre + t * second + ends * first for t in ticks
    ]


def _draw_space(ax: Any) -> None:
    ax.set(xlim=(-1.82, 1.16), ylim=(-1.63, 1.35), aspect="equal")


def _space_frame(n: int, turn: float) -> Frame:
    data, W0 = space(n)
    run = _road(n)
    goal = data.project(W0)[:, 0]

    def see(points: Any) -> np.ndarray:
        return _view(turn, np.atleast_2d(points))

    marks: list[Mark] = []
    for x, y, color in zip(data.X, data.Y[:, 0], ("#7d8796", "#b89b6a"), strict=False):
        marks += [Line(see(line), color, 1.2, opacity=0.9) for line in _grid(x, y, CENTRE)]
    if n == 2:
        along = np.cross(*data.X)
        along /= np.linalg.norm(along)
        foot = data.project(CENTRE)[:, 0]
        marks.append(Line(see(foot + np.array([[-1.15], [1.15]]) * along), MANIFOLD, 5))
    start, end = (tuple(see(point)[0]) for point in (W0[:, 0], goal))
    marks += [
        Line(see(run.history["W"][..., 0]), GD.color, 3),
        Dots([start], INK, "o", 6),
        Dots([end], GD.color, "o", 6.5),
        Text(start, "start", INK, (9, 5), bold=True),
        Text(end, "GD", GD.color, (-8, -17), "end", bold=True),
    ]
    shape = ("plane", "line")[n - 1]
    way = float(np.linalg.norm(W0[:, 0] - goal))
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
    for x, text, color in ((0.0, "— first", EMPHASIS[0]), (0.26, "-- last", EMPHASIS[1])):
        ax.text(x, 1.04, text, color=color, transform=ax.transAxes, fontsize=12)
    ax.text(0.48, 1.04, "the other eighteen", color="#5d6470", transform=ax.transAxes, fontsize=12)


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
    said = f"{factors[0]:.3f}".replace("-", "−")
    caption = f"η = {share:.3g}/M. Factors per step: first {said}, last {factors[-1]:.3f}. {end}"
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


# --------------------------------------------------------------------------------- two weights

FIRST = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
SECOND = [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
UNIT_BALLS = (
    np.array([(1, 0), (0, 1), (-1, 0), (0, -1), (1, 0)], dtype=float),
    np.c_[np.cos(np.linspace(0, 2 * np.pi, 97)), np.sin(np.linspace(0, 2 * np.pi, 97))],
    np.array([(1, 1), (-1, 1), (-1, -1), (1, -1), (1, 1)], dtype=float),
)
NEW = np.array([1.0, -1.0])


def _draw_plane(ax: Any) -> None:
    (a, b), y = plane().X[0], plane().Y[0, 0]
    w2 = np.array([-2.6, 2.6])
    ax.plot((y - b * w2) / a, w2, color=MANIFOLD, lw=3)
    ax.annotate(
        r"$\mathcal{W}$", ((y + b * 2.2) / a, -2.2), (8, 0), textcoords="offset points", size=13
    )
    ax.set(xlim=(-1.6, 3.6), ylim=(-2.6, 2.6), aspect="equal")
    ax.set(title="weights", xlabel="$w_1$", ylabel="$w_2$")


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
    direction = data.X[0] / np.linalg.norm(data.X[0])
    left: list[Mark] = [
        Line(start + np.array([[-9], [9]]) * direction, FAINT, 1.1, "4 4"),
    ]
    left += [
        Line(start + size * ball, style.color, 2)
        for size, ball, style in zip(sizes, UNIT_BALLS, LOOKS, strict=True)
    ]
    road = run.history["W"][..., 0]
    left += [Line(road, GD.color, 3), Dots(road, GD.color, "o", 2.6, gap=6), Dots([start], INK)]
    left += [
        Dots([end], style.color, style.marker, 5) for end, style in zip(ends, LOOKS, strict=True)
    ]
    right: list[Mark] = []
    for i, (step, style) in enumerate(zip(steps, LOOKS, strict=True)):
        for place, change in zip((1 + i, 5 + i), step, strict=True):
            right.append(Line([(place, 0), (place, change)], style.color, 9))
            right.append(Dots([(place, change)], style.color, style.marker, 6))
    said = [f"{NEW @ end:+.2f}".replace("-", "−") for end in ends]
    parts = [
        f'<span style="white-space:nowrap">{swatch(style)} {style.name.split(",")[0]}: distance '
        f"<b>{size:.2f}</b>, says {answer}</span>"
        for style, size, answer in zip(LOOKS, sizes, said, strict=True)
    ]
    caption = (
        "Distance from the start in the p-norm, and the answer to the new example (1, −1): "
        + "; ".join(parts)
        + "."
    )
    points = ", ".join(
        f"for p = {name} at ({end[0]:.2f}, {end[1]:.2f})"
        for name, end in zip(("1", "2", "infinity"), ends, strict=True)
    )
    changes = "; ".join(
        f"for p = {name} by {step[0]:.2f} and {step[1]:.2f}"
        for name, step in zip(("1", "2", "infinity"), steps, strict=True)
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
