"""Figures of the chapter on overparameterized models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.backgrounds import draw_between, draw_legend
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import circle, foot, segment
from dspgd_lib.figures.space import Camera, Floor, grid
from dspgd_lib.figures.two_weights import (
    BLUE,
    FIRST,
    HAND_RATE,
    HAND_START,
    LOOKS,
    NORMS,
    SECOND,
    UNIT_BALLS,
    hand_runs,
    move_the_start,
    nearest,
    plane,
    right_angle,
)
from dspgd_lib.figures.words import plain
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD
from dspgd_lib.preconditioners import GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.results import Result
from dspgd_lib.runs import dspgd, sweep

__all__ = [
    "FIRST",
    "HAND_RATE",
    "HAND_START",
    "NORMS",
    "SECOND",
    "UNIT_BALLS",
    "between",
    "coordinates",
    "four_models",
    "hand_runs",
    "long_gradients",
    "move_the_start",
    "nearest",
    "plane",
    "planes_and_lines",
    "right_angle",
    "shares_of_change",
]

# ------------------------------------------------------------------------------- three weights

TURNS = [float(angle) for angle in range(-70, 51)]
HALF, TICKS = 0.85, np.linspace(-1, 1, 7)  # half the side of the squares drawn of planes
CENTRE = np.array([0.080, 0.628, -0.067])
GRIDS, GROUND = ("#7d8796", "#b89b6a"), "#56b4e9"  # of the two examples, and of the floor


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


def _grid(x: np.ndarray, y: float, near: np.ndarray) -> np.ndarray:
    """Return the lines of a square grid in the plane of all W that fit one example."""
    first = np.cross(x, (0.0, 1.0, 0.0) if abs(x[2]) > abs(x[0]) else (0.0, 0.0, 1.0))
    patch = Floor.along(foot(near, x, y), first, np.cross(x, first))
    return patch.points(grid(HALF * TICKS, HALF * TICKS))


@cache
def ground(n: int) -> np.ndarray:
    """Return the lines drawn of the floor W_0 + row space: one for n = 1, a grid for n = 2."""
    data, W0 = space(n)
    start, goal = W0[:, 0], data.project(W0)[:, 0]
    along = start - goal
    if n == 1:
        return np.array([[goal - 0.5 * along, start + 0.08 * along]])
    across = np.cross(np.cross(*data.X), along)
    way, wide = float(np.linalg.norm(along)), np.linspace(-0.5, 0.5, 5)
    patch = Floor.along(goal, along, across)
    return patch.points(grid(np.linspace(-0.35, way, 7), wide))


def _woven(lines: np.ndarray) -> np.ndarray:
    """Return parallel lines of shape (m, 2, 3) as one zigzag along their ends."""
    turned = np.where(np.arange(len(lines))[:, None, None] % 2, lines[:, ::-1], lines)
    return np.asarray(turned.reshape(-1, lines.shape[-1]))


def _mesh(lines: np.ndarray, first: int, turn: float, color: str, width: float) -> list[Mark]:
    """Return the lines of a grid, of which the first so many run across, as two marks."""
    return [Line(_view(turn, _woven(way)), color, width) for way in (lines[:first], lines[first:])]


def _draw_space(ax: Any) -> None:
    ax.set(xlim=(-1.96, 1.1), ylim=(-1.53, 1.53), aspect="equal")


def _space_frame(n: int, turn: float) -> Frame:
    data, W0 = space(n)
    run = _road(n)
    goal = data.project(W0)
    marks: list[Mark] = [Line(_view(turn, ground(1)), GROUND, 2.2, "6 4")]
    if n == 2:
        marks = _mesh(ground(2), 7, turn, GROUND, 1.0)
    for x, y, color in zip(data.X, data.Y[:, 0], GRIDS, strict=False):
        marks += _mesh(_grid(x, y, CENTRE), len(TICKS), turn, color, 1.2)
    if n == 2:
        along = np.cross(*data.X)
        fits = segment(data.project(CENTRE)[:, 0], along / np.linalg.norm(along), 1.15)
        marks.append(Line(_view(turn, fits), MANIFOLD, 5))
    start, end = _view(turn, W0[:, 0]), _view(turn, goal[:, 0])
    marks += [
        Line(_view(turn, run.history["W"][..., 0]), BLUE, 3),
        Dots(start, INK, "o", 6),
        Dots(end, BLUE, "o", 6.5),
        Text(start, "start", INK, (9, 5), bold=True),
        Text(end, "GD", BLUE, (-8, -17), "end", bold=True),
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
        One panel, 2 × 121 = 242 stops.

    Examples
    --------
    >>> planes_and_lines().stops
    242
    """
    panel = Panel(
        _draw_space,
        "Empty space for three weights; the overlay draws the models that fit the examples.",
        (360, 360),
        axes=False,
    )
    controls: list[Slider | Buttons] = [
        Buttons("n", "examples", {"one": 1, "two": 2}, start=1),
        Slider("turn", "turn the view, degrees", TURNS, start=45, log=False, form="{:g}"),
    ]
    return Explorer([panel], _space_frame, controls, "The models that fit, among three weights")


# ------------------------------------------------------------------------ coordinate by coordinate

EMPHASIS = ("#5B3E96", "#00705A")
STEPS = np.arange(101)
BOTTOM, TOP = 1e-9, 1e3
CLOSE = 1.5  # half the side of the second panel


@cache
def chapter() -> tuple[Problem, np.ndarray]:
    """Return the problem of the chapter, 20 examples and 60 weights, and the start W_0."""
    start = 0.1 * np.random.default_rng(1).standard_normal((60, 1))
    return Problem.gaussian(20, 60, 1, seed=0), start


@cache
def curvatures() -> np.ndarray:
    """Return σ_i² of the chapter's problem, the largest first."""
    return np.asarray(np.linalg.svd(chapter()[0].X, compute_uv=False) ** 2)


@cache
def shares() -> list[float]:
    """Return the learning rates of the figure, in units of 1/M; the best one is among them."""
    best = 2 * curvatures()[0] / (curvatures()[0] + curvatures()[-1])
    return sorted({*np.linspace(0.05, 2.15, 169).round(4).tolist(), float(best)})


def _draw_errors(ax: Any) -> None:
    ax.axhline(1, color=FAINT, lw=1)
    ax.set(yscale="log", xlim=(0, STEPS[-1]), ylim=(BOTTOM, TOP), xlabel="step $t$")
    ax.set_yticks([1e-9, 1e-6, 1e-3, 1, 1e3])
    others = (0.48, "the other eighteen", "#5d6470")
    draw_legend(ax, 1.04, (0.0, "— first", EMPHASIS[0]), (0.26, "-- last", EMPHASIS[1]), others)


def _draw_valley(ax: Any) -> None:
    flat = float(np.sqrt(curvatures()[-1] / curvatures()[0]))
    for radius in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5):  # where the loss is equal
        ax.plot(*(circle(count=120) * (radius * flat, radius)).T, color="#ddd7c8", lw=1)
    ax.plot(0, 0, "o", mfc="white", mec=BLUE, mew=1.6, ms=9)
    ax.plot(1, 1, "o", color=INK, ms=6)
    ax.annotate("start", (1, 1), (6, 6), textcoords="offset points")
    ax.set(xlim=(-CLOSE, CLOSE), ylim=(-CLOSE, CLOSE), aspect="equal")
    ax.set(xlabel="first", ylabel="last", title="the same run, seen from above")
    ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])


def _errors_frame(share: float) -> Frame:
    factors = 1 - share * curvatures() / curvatures()[0]
    sizes = np.abs(factors)
    heights = sizes[:, None] ** STEPS
    curves = [np.c_[STEPS, np.maximum(height, BOTTOM / 1e3)] for height in heights]  # log 0
    marks: list[Mark] = [Line(_corners(curve), FAINT, 1) for curve in curves[1:-1]]
    marks += [
        Line(_corners(curves[0]), EMPHASIS[0], 4),
        Line(_corners(curves[-1]), EMPHASIS[1], 2.2, "7 5"),
    ]
    road = np.stack([factors[0] ** STEPS, factors[-1] ** STEPS], axis=-1)
    road = road[: int(np.argmax(np.abs(road).max(axis=1) < 0.004)) or len(STEPS)]
    valley: list[Mark] = [Line(road, BLUE, 1.8), Dots(road, BLUE, "o", 3.2, gap=5)]
    slowest = sizes.max()
    names = [
        name for name, size in (("first", sizes[0]), ("last", sizes[-1])) if size > slowest - 1e-9
    ]
    grow = int((sizes > 1 + 1e-12).sum())
    end = f"Slowest: {' and '.join(names)}, <b>{slowest:.3f}</b> in size."
    if grow:
        many = f"{grow} of the {len(sizes)} curves rise{'s' if grow == 1 else ''}"
        end = f"{many}, the first by a factor <b>{sizes[0]:.3f}</b> per step."
    first, last = number(factors[0], ".3f"), number(factors[-1], ".3f")
    caption = f"η = {share:.3g}/M. Factors per step: first {first}, last {last}. {end}"
    alts = [
        f"Learning rate {share:.4g}/M: {len(sizes)} curves that start at 1. After {STEPS[-1]} "
        f"steps the first stands at {_digit(heights[0, -1])}, the last at "
        f"{_digit(heights[-1, -1])}, the highest at {_digit(heights[:, -1].max())}.",
        f"The run among the first and the last coordinate of the error, from (1, 1): after one "
        f"step it is at ({first}, {last}). {_course(factors)}",
    ]
    return Frame([marks, valley], alts, caption)


def _corners(curve: np.ndarray) -> np.ndarray:
    """Return the two ends of a power of t, which is straight on the logarithmic axis."""
    inside = curve[:, 1] > BOTTOM / 1e2
    last = len(curve) - 1 if inside.all() else max(int(np.argmin(inside)), 1)
    return curve[[0, last]]


def _course(factors: np.ndarray) -> str:
    """Say in words how the run moves in the plane of the first and the last coordinate."""
    first = float(factors[0])
    if first > 1e-9:
        return "It bends towards the axis of the last, and creeps along it to the origin."
    if first > -1e-9:
        return "It steps onto the axis of the last, and creeps along it to the origin."
    if first > -1 + 1e-9:
        return "It jumps from one side of the valley to the other on its way to the origin."
    return "It jumps from one side of the valley to the other and does not come to rest."


def coordinates() -> Explorer:
    """Return what is left of each seen coordinate of the error, and the run among two of them.

    Returns
    -------
    Explorer
        Two panels, 170 stops for the learning rate.

    Examples
    --------
    >>> coordinates().stops
    170
    """
    panels = [
        Panel(
            _draw_errors,
            "Axes: step against the size of an error, logarithmic; every error starts at 1.",
            (360, 320),
        ),
        Panel(
            _draw_valley,
            "Plane of the first and the last coordinate of the error: a valley of ellipses around "
            "the origin, long in the direction of the last, and the start at (1, 1).",
            (360, 320),
        ),
    ]
    start = int(np.argmin(np.abs(np.array(shares()) - 1.6)))
    controls = [Slider("share", "learning rate η, in units of 1/M", shares(), start, log=False)]
    return Explorer(panels, _errors_frame, controls, "Gradient descent, coordinate by coordinate")


# ------------------------------------------------------------------------------ still pictures


def four_models(models: Mapping[str, np.ndarray], new: np.ndarray) -> Picture:
    """Return the weights of the models by size, and what they answer to new examples.

    Parameters
    ----------
    models : dict of four arrays of shape (d, 1)
        By name: two ends of gradient descent, the sparse and the flat model, in this order.
    new : array of shape (m, d)
        New examples.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> one = np.ones((2, 1))
    >>> models = {"a": one, "b": one, "c": one, "d": 2 * one}
    >>> four_models(models, np.ones((3, 2))).panels[1].alt
    'Answers of 4 models to 3 new examples: on 0 of them they do not even agree on the sign.'
    """
    looks = [(BLUE, "o"), (EMPHASIS[0], "^"), (LOOKS[0].color, "D"), (LOOKS[2].color, "s")]
    sizes = [np.sort(np.abs(W[:, 0]))[::-1] for W in models.values()]
    answers = new @ np.hstack([*models.values()])

    def draw_weights(ax: Any) -> None:
        for (name, _), size, (color, _), place in zip(
            models.items(), sizes, looks, (0.55, 0.73, 0.92, 0.42), strict=True
        ):
            ax.plot(np.arange(1, len(size) + 1), size, color=color)
            ax.annotate(name, (0.97, place), xycoords="axes fraction", color=color, ha="right")
        ax.set(xlabel="weights, the largest first", title="size $|w_j|$", ylim=(0, None))

    def draw_answers(ax: Any) -> None:
        ax.axhline(0, color=FAINT, lw=1)
        for answer, (color, marker) in zip(answers.T, looks, strict=True):
            ax.plot(np.arange(1, len(new) + 1), answer, marker, color=color, ms=6)
        ax.set(xlabel="new example", title="answer", xticks=[1, *range(5, len(new) + 1, 5)])
        ax.grid(axis="x", visible=False)

    counts = ", ".join(
        f"{name}: {(size > 1e-9).sum()} of {len(size)} weights are not zero, "
        f"the largest {size[0]:.2f}"
        for name, size in zip(models, sizes, strict=True)
    )
    split = int(((answers > 0).any(axis=1) & ~(answers > 0).all(axis=1)).sum())
    return Picture(
        [
            Panel(
                draw_weights, f"Sizes of the weights of each model, sorted. {counts}.", (360, 280)
            ),
            Panel(
                draw_answers,
                f"Answers of {len(models)} models to {len(new)} new examples: on {split} of them "
                "they do not even agree on the sign.",
                (360, 280),
            ),
        ]
    )


def between(residual: np.ndarray, distance: np.ndarray, smallest: float, largest: float) -> Picture:
    """Return the distance of a run to its end between the two bounds by its residual.

    Parameters
    ----------
    residual, distance : arrays of shape (T + 1,)
        At every step of a run.
    smallest, largest : float
        Singular values of the data.

    Returns
    -------
    Picture

    Examples
    --------
    >>> between(np.array([2.0, 1.0]), np.array([1.0, 0.4]), 1.0, 4.0).panels[0].alt[:40]
    'The distance to the end over 1 steps, fr'
    """
    t, low, high = np.arange(len(residual)), residual / largest, residual / smallest

    def draw(ax: Any) -> None:
        ax.set(yscale="log", xlabel="step $t$", title="distance to the end")
        draw_between(ax, t, distance, low, high)
        middle = int(0.4 * t[-1])
        words = {"textcoords": "offset points", "color": BOUND}
        at = (middle, high[middle])
        ax.annotate("‖$R_t$‖ / $\\sigma_{min}$", at, (6, 5), **words)
        at = (middle, low[middle])
        ax.annotate("‖$R_t$‖ / $\\sigma_{max}$", at, (-6, -12), ha="right", **words)

    alt = (
        f"The distance to the end over {t[-1]} steps, from {distance[0]:.2g} to "
        f"{_digit(distance[-1])}. It starts at {distance[0] / high[0]:.2f} of its upper bound "
        f"and ends at {distance[-1] / high[-1]:.3f} of it."
    )
    return Picture([Panel(draw, alt, (360, 280))])


def long_gradients() -> Picture:
    """Return the PL inequality along the chapter's run, and how much each step takes off the loss.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> len(long_gradients().panels)
    2
    """
    (data, W0), shown = chapter(), np.linspace(0.1, 1.95, 38)
    runs = sweep(
        data, GradientDescent(), W0, shown / data.M, tol=1e-6, record=("gradient", "loss")
    )  # fmt: skip
    losses, at = runs.history["loss"], int(np.argmin(np.abs(shown - 1)))
    losses = np.where(np.arange(len(losses))[:, None] <= runs.steps, losses, np.nan)
    steps = np.nanmax(losses[1:] / losses[:-1], axis=0)
    promised = 1 - shown * (2 - shown) / data.kappa
    squares = np.maximum(1 - shown / data.kappa, shown - 1) ** 2
    first = slice(0, int(runs.steps[at]) + 1)
    slope = np.linalg.norm(runs.history["gradient"][first, at], axis=(1, 2))
    share = slope**2 / (2 * losses[first, at])

    def draw_share(ax: Any) -> None:
        draw_between(ax, np.arange(len(share)), share, data.mu, data.M)
        ax.set(xlabel="step $t$", title="‖∇L‖² / 2L", ylim=(0, 1.12 * data.M))
        ax.annotate(r"$M$", (len(share), data.M), (-12, 5), textcoords="offset points", color=BOUND)
        at = (len(share), data.mu)
        ax.annotate(r"$\mu$", at, (-12, 7), textcoords="offset points", color=BOUND)

    def draw_steps(ax: Any) -> None:
        ax.plot(shown, promised, color=BOUND)
        ax.plot(shown, squares, color=BLUE, ls=(0, (5, 4)))
        ax.plot(shown, steps, "o", color=BLUE, ms=3.5)
        words = {"textcoords": "offset points"}
        ax.annotate(
            "promised by PL", (1, promised.min()), (0, 9), color=BOUND, ha="center", **words
        )
        ax.annotate("ρ²", (1, squares[at]), (-2, -20), color=BLUE, **words)
        ax.set(xlabel="learning rate η, in units of 1/M", title="loss after a step / before")

    alts = [
        f"At each of {len(share) - 1} steps the squared gradient over twice the loss lies between "
        f"{data.mu:.1f} and {data.M:.1f}: it falls from {share[0]:.1f} to {share[-1]:.2f}.",
        f"The largest factor of the loss in a step against the learning rate: dots on the dashed "
        f"curve of rho squared, least {steps.min():.2f}, below a red curve that is never under "
        f"{promised.min():.2f}.",
    ]
    drawn = zip((draw_share, draw_steps), alts, strict=True)
    return Picture([Panel(draw, alt, (360, 280)) for draw, alt in drawn])


def shares_of_change(x: np.ndarray, change: Callable[[np.ndarray, float, float], Any]) -> Picture:
    """Return how the nearest perfect fit changes each weight as the norm goes from 1 to ∞.

    Parameters
    ----------
    x : array of shape (d,)
        The one example.
    change : callable
        Maps (x, r, p) to the changes of the weights, of shape (d,).

    Returns
    -------
    Picture

    Examples
    --------
    >>> equal = shares_of_change(np.ones(2), lambda x, r, p: r * x / 2)
    >>> equal.panels[0].alt[-55:]
    '; at p = infinity x = 1 by 0.50, x = 1 by 0.50 in size.'
    """
    inverse = np.linspace(1, 0, 81)
    powers = [1 / share if share else np.inf for share in inverse]
    sizes = np.abs([change(x, 1.0, p) for p in powers])
    order = np.argsort(-np.abs(x))
    colors = (EMPHASIS[0], BLUE, EMPHASIS[1], LOOKS[0].color, FAINT)

    def draw(ax: Any) -> None:
        for place, (j, color) in enumerate(zip(order, colors, strict=False)):
            ax.plot(inverse, sizes[:, j], color=color)
            label = number(x[j], ".3g").join(("x = ", ""))
            at = (0.98, 0.92 - 0.085 * place)
            ax.annotate(label, at, xycoords="axes fraction", color=color, ha="right")
        ax.set(
            xlim=(1.02, -0.02),
            xlabel="$p$",
            title="size of the change",
            ylim=(0, 0.6 * float(sizes.max()) / 0.5),
        )
        ax.set_xticks([1, 0.75, 0.5, 0.25, 0], ["1", "4/3", "2", "4", "∞"])

    said = [
        ", ".join(f"x = {x[j]:g} by {row[j]:.2f}" for j in order) for row in (sizes[0], sizes[-1])
    ]
    alt = f"At p = 1 the weights change, {said[0]}; at p = infinity {said[1]} in size."
    return Picture([Panel(draw, alt, (360, 280))])


def _digit(value: float) -> str:
    """Return one digit of a number, with a power of ten if it is small or large."""
    if value == 0 or 1e-3 <= value < 10:
        return f"{value:.1g}"
    digit, exponent = f"{value:.0e}".split("e")
    return plain(f"${digit}·10^{{{int(exponent)}}}$")
