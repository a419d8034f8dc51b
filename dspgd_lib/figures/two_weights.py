"""Figures of the chapter on overparameterized models: two weights and one example."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.backgrounds import draw_axes, draw_manifold
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, keyed, number
from dspgd_lib.figures.plane import circle, on_line, segment
from dspgd_lib.figures.space import Floor
from dspgd_lib.plotting import FAINT, INK, MANIFOLD, Look, look
from dspgd_lib.preconditioners import GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep

GD = GradientDescent()
BLUE = look(GD).color
NORMS = (1, 2, np.inf)
LOOKS = (
    Look("p = 1", "#8A5A00", "D"),
    Look("p = 2, gradient descent", BLUE, "o"),
    Look("p = ∞", "#00705A", "s"),
)


# ----------------------------------------------------------------------------------- a right angle

HAND_START = (2.0, 0.75)
HAND_RATE = 0.4
HAND_STEPS = 60
SHOWN = 20  # steps in the second panel
RATES = np.linspace(0.05, 1.7, 166).round(2).tolist()
RIGHT = ((0.1, 2.6), (-0.65, 1.35))


@cache
def plane() -> Problem:
    """Return the problem with one example x = (1, 0.5), label 1, and two weights."""
    return Problem(np.array([[1.0, 0.5]]), np.array([[1.0]]))


def _hand_runs(rates: np.ndarray) -> list[np.ndarray]:
    """Return the iterates, of shape (HAND_STEPS + 1, 2), for each learning rate."""
    runs = sweep(
        plane(), GD, HAND_START, rates, tol=0, max_steps=HAND_STEPS, record=("W",)
    )  # fmt: skip
    return list(np.moveaxis(runs.history["W"][..., 0], 0, 1))


hand_runs = Batch(_hand_runs, RATES)


def _draw_right_angle(ax: Any) -> None:
    data = plane()
    (x1, x2), end = data.X[0], data.project(HAND_START)[:, 0]
    corner = Floor.along(end, (x1, x2), (-x2, x1))  # towards the start, and along the fits
    ax.plot(*corner.points([(0, -2), (0, 2)]).T, color=MANIFOLD, lw=3)
    ax.plot(*corner.points([(0.13, 0), (0.13, 0.13), (0, 0.13)]).T, color=INK, lw=1.2)
    ax.plot(*HAND_START, "o", color=INK, ms=7)
    ax.plot(*end, "o", mfc="white", mec=BLUE, mew=1.6, ms=11)

    def name(text: str, at: Any, offset: tuple[float, float], color: str) -> None:
        ax.annotate(text, at, offset, textcoords="offset points", color=color)

    name("$W_0$", HAND_START, (-6, 9), INK)
    name(f"foot ({end[0]:g}, {end[1]:g})", end, (9, -16), BLUE)
    name("all perfect fits", corner.points((0, 0.95)), (10, 0), MANIFOLD)
    draw_axes(ax, RIGHT, "weights")
    ax.set(xticks=[0.5, 1, 1.5, 2, 2.5], yticks=[-0.5, 0, 0.5, 1])


def _draw_miss(ax: Any) -> None:
    ax.axhline(0, color=MANIFOLD, lw=2)
    ax.set(xlim=(-0.6, SHOWN + 0.6), ylim=(-2, 2), xlabel="step $t$", title="miss $x^T W_t - 1$")
    ax.set_xticks(range(0, SHOWN + 1, 5))


def _hand_frame(eta: float) -> Frame:
    data, road = plane(), hand_runs(eta)
    miss = (road @ data.X[0] - data.Y[0, 0]).round(12) + 0.0  # no −0
    factor = number(1 - eta * float(data.X[0] @ data.X[0]), ".3g")
    within = np.abs(miss) <= 0.01 * abs(miss[0])
    if within.any():
        count = int(np.argmax(within))
        steps = f"<b>{count}</b> step{'s' if count > 1 else ''}"
        end = f"After {steps} less than a hundredth of the miss is left."
        says = "it ends at the foot of the perpendicular"
    elif abs(miss[-1]) < abs(miss[0]) * (1 - 1e-9):
        end = f"After <b>{HAND_STEPS}</b> steps {abs(miss[-1] / miss[0]):.0%} of the miss is left."
        says = f"after {HAND_STEPS} steps it is still on its way to the foot"
    else:
        end = "The run never arrives."
        says = "it jumps across the line of perfect fits for ever"
    t = np.arange(len(miss))
    seen = slice(0, SHOWN + 1)
    close = np.where(np.abs(miss) < 8, miss, 0)  # a run that flies away leaves the picture straight
    ends = [road[np.argmax(close)], road[np.argmin(close)]]
    marks: list[list[Mark]] = [
        [Line(ends, BLUE, 2.4), Dots(road[seen], BLUE, "o", 4.2, gap=4)],
        [Dots(np.c_[t, miss][seen], BLUE)],
    ]
    caption = f"η = {eta:.3g}: each step multiplies the miss by {factor}. {end}"
    alts = [
        f"Learning rate {eta:.3g}: gradient descent starts at ({HAND_START[0]:g}, "
        f"{HAND_START[1]:g}) and stays on the straight line perpendicular to the perfect fits; "
        f"{says}.",
        f"The miss starts at {miss[0]:.3g} and is {number(float(miss[1]))} after one step, "
        f"{number(float(miss[2]))} after two.",
    ]
    return Frame(marks, alts, caption)


def right_angle() -> Explorer:
    """Return the run on one example, straight to the foot of the perpendicular, and its misses.

    Returns
    -------
    Explorer
        Two panels, 166 stops for the learning rate.

    Examples
    --------
    >>> right_angle().stops
    166
    """
    panels = [
        Panel(
            _draw_right_angle,
            "Plane of two weights: a line of perfect fits falls steeply; the start lies to the "
            "right of it, and a right angle marks the foot of the perpendicular at (0.9, 0.2).",
            (360, 320),
        ),
        Panel(_draw_miss, "Axes: step against the miss, with a line at miss 0.", (360, 320)),
    ]
    start = int(np.argmin(np.abs(np.array(RATES) - HAND_RATE)))
    controls = [Slider("eta", "learning rate η", RATES, start=start, log=False)]
    return Explorer(panels, _hand_frame, controls, "One example, two weights")


# ------------------------------------------------------------------------- nearest in three norms

FIRST = np.linspace(0, 2, 41).round(2).tolist()
SECOND = np.linspace(-0.75, 0.9, 12).round(2).tolist()
UNIT_BALLS = (
    np.array([(1, 0), (0, 1), (-1, 0), (0, -1), (1, 0)], dtype=float),
    circle(count=32),
    np.array([(1, 1), (-1, 1), (-1, -1), (1, -1), (1, 1)], dtype=float),
)
NEW = np.array([1.0, -1.0])
ALONG = np.array([2.0, 1.0]) / np.sqrt(5)  # the direction of the example


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


def nearest(start: np.ndarray, p: float) -> np.ndarray:
    """Return the perfect fit of the figure that is nearest to a start in the p-norm.

    Parameters
    ----------
    start : array of shape (2,)
        The two weights.
    p : float
        1, 2 or ∞.

    Returns
    -------
    array of shape (2,)

    Examples
    --------
    >>> nearest(np.zeros(2), 1).tolist(), nearest(np.zeros(2), 2).tolist()
    ([1.0, 0.0], [0.8, 0.4])
    """
    x = plane().X[0]
    way = {1: np.array([x[0], 0.0]), 2: x, np.inf: np.sign(x)}[p]
    return np.asarray(start + (plane().Y[0, 0] - x @ start) / (x @ way) * way)


def _roads(starts: np.ndarray) -> list[np.ndarray]:
    """Return the iterates of gradient descent from each start, of shape (steps + 1, 2)."""
    data = plane()
    runs = sweep(data, GD, starts[..., None], 0.4 / data.M, tol=1e-4, record=("W",))
    ends = np.asarray(runs.steps)
    return [runs.history["W"][: steps + 1, i, :, 0] for i, steps in enumerate(ends)]


@cache
def _all_roads() -> dict[tuple[float, float], np.ndarray]:
    places = [(float(w1), float(w2)) for w1 in FIRST for w2 in SECOND]
    return dict(zip(places, _roads(np.array(places)), strict=True))


def _road(w1: float, w2: float) -> np.ndarray:
    found = _all_roads().get((w1, w2))
    return _roads(np.array([[w1, w2]]))[0] if found is None else found


def _start_frame(w1: float, w2: float) -> Frame:
    start, road = np.array([w1, w2]), _road(w1, w2)
    ends = [nearest(start, p) for p in NORMS]
    steps = [end - start for end in ends]
    sizes = [float(np.linalg.norm(step, p)) for step, p in zip(steps, NORMS, strict=True)]
    left: list[Mark] = [
        Line(segment(start, ALONG, 9), FAINT, 1.1, "4 4"),
        *(
            Line(start + size * ball, style.color, 2, every=True)
            for size, ball, style in zip(sizes, UNIT_BALLS, LOOKS, strict=True)
        ),
        Line(road, BLUE, 3),
        Dots(road, BLUE, "o", 2.6, gap=12),
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
        Two panels, 41 × 12 = 492 stops.

    Examples
    --------
    >>> move_the_start().stops
    492
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
        Slider("w1", "start, first weight", FIRST, start=30, log=False, form="{:g}"),
        Slider("w2", "start, second weight", SECOND, start=10, log=False, form="{:g}"),
    ]
    return Explorer(panels, _start_frame, controls, "Nearest in three norms")
