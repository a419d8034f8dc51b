"""Where runs on one example end: a disc on the plane of perfect fits, and a hexagon in it."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np

from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.controls import Slider
from dspgd_lib.figures.explorer import Explorer, Frame
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import circle
from dspgd_lib.figures.space import Floor
from dspgd_lib.plotting import BOUND, FAINT, Look, look
from dspgd_lib.potentials import Quadratic
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep

SPREAD, COUNT, SEED = 4.0, 800, 0
DISC, BOX, DOT = BOUND, "#00705a", look(Quadratic(np.eye(1))).color
WIDE = (360, 340)


@cache
def example() -> tuple[Problem, np.ndarray]:
    """Return one example with three weights, and the start 0 at distance 1 from the fits.

    Returns
    -------
    Problem, array of shape (3, 1)

    Examples
    --------
    >>> problem, W0 = example()
    >>> round(float(np.linalg.norm(W0 - problem.project(W0))), 12)
    1.0
    """
    x = np.array([[5.0, 4.0, 3.0]]) / np.sqrt(50.0)
    return Problem(x, np.array([[1.0]])), np.zeros((3, 1))


def tangent(spread: Any) -> Any:
    """Return tan φ, the tangent of the largest turn, for β/m.

    Parameters
    ----------
    spread : float or array
        β/m.

    Returns
    -------
    float or array

    Examples
    --------
    >>> float(tangent(4.0))
    0.75
    """
    root = np.sqrt(spread)
    return 0.5 * (root - 1.0 / root)


def ends(problem: Problem, W0: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Return where the runs of K = ½⟨G, AG⟩ end, A acting on columns, whatever the learning rate.

    Parameters
    ----------
    problem : Problem
        Data and labels.
    W0 : array of shape (d, k)
        The start.
    A : array of shape (..., d, d)
        Symmetric and positive definite.

    Returns
    -------
    array of shape (..., d, k)
        The point of W0 + A·(row space) that fits.

    Examples
    --------
    >>> problem = Problem([[1.0, 1.0]], [1.0])
    >>> ends(problem, np.zeros((2, 1)), np.diag([3.0, 1.0])).ravel().tolist()
    [0.75, 0.25]
    """
    AX = np.asarray(A) @ problem.X.T
    return np.asarray(W0 + AX @ np.linalg.solve(problem.X @ AX, problem.Y - problem.X @ W0))


@cache
def fits() -> Floor:
    """Return axes of the plane of perfect fits; the origin is where gradient descent ends.

    Returns
    -------
    Floor
        The first axis points to the fit that moves the first weight alone.

    Examples
    --------
    >>> fits().coordinates(example()[0].project(example()[1])[:, 0]).round(12).tolist()
    [0.0, 0.0]
    """
    problem, W0 = example()
    goal = problem.project(W0)[:, 0]
    single = np.diag(1.0 / problem.X[0])
    return Floor.along(goal, single[0] - goal, single[1] - goal)


def drawn(spread: float, count: int = COUNT, seed: int = SEED) -> np.ndarray:
    """Return random symmetric matrices with eigenvalues 1, β/m and one between, at random angles.

    The logarithm of the third follows a beta law that likes both ends.

    Parameters
    ----------
    spread : float
        β/m.
    count, seed : int
        How many, and of which generator.

    Returns
    -------
    array of shape (count, 3, 3)

    Examples
    --------
    >>> np.linalg.eigvalsh(drawn(9.0, 2))[:, [0, 2]].round(9).tolist()
    [[1.0, 9.0], [1.0, 9.0]]
    """
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((count, 3, 3)))[0]
    share = np.c_[np.zeros(count), rng.beta(0.2, 0.2, count), np.ones(count)]
    return np.asarray(axes * (spread**share)[:, None] @ np.swapaxes(axes, 1, 2))


def seen(W: np.ndarray) -> np.ndarray:
    """Return where perfect fits are drawn.

    Parameters
    ----------
    W : array of shape (..., 3, 1)
        Weights.

    Returns
    -------
    array of shape (..., 2)

    Examples
    --------
    >>> problem, W0 = example()
    >>> seen(problem.project(W0)).round(12).tolist()
    [0.0, 0.0]
    """
    return fits().coordinates(W[..., 0])


# --------------------------------------------------------------------------------- the opening


def _cloud(ax: Any, title: str) -> np.ndarray:
    points = seen(ends(*example(), drawn(SPREAD)))
    ax.plot(*points.T, "o", color=DOT, ms=2.3, mew=0)
    ax.plot(0, 0, look_of_gd().marker, color=look_of_gd().color, ms=8, mec="white")
    ax.set(xlim=(-1.0, 1.0), ylim=(-0.97, 0.92), aspect="equal", title=title)
    ax.set(xticks=(-0.5, 0.0, 0.5), yticks=(-0.5, 0.0, 0.5))
    return points


def look_of_gd() -> Look:
    """Return the look of gradient descent.

    Returns
    -------
    Look

    Examples
    --------
    >>> look_of_gd().name
    'gradient descent'
    """
    return look(GradientDescent())


def opening() -> Picture:
    """Return where runs with random quadratic K end, and the circle that they do not leave.

    Returns
    -------
    Picture
        Two panels, the plane of perfect fits.

    Examples
    --------
    >>> len(opening().panels)
    2
    """
    radius, points = float(tangent(SPREAD)), seen(ends(*example(), drawn(SPREAD)))
    far = np.linalg.norm(points, axis=1).max()

    def draw_dots(ax: Any) -> None:
        _cloud(ax, "where they end")
        name = {"color": look_of_gd().color, "weight": "bold", "ha": "right"}
        line = {"arrowstyle": "-", "color": look_of_gd().color, "lw": 1.4, "shrinkB": 5}
        ax.annotate("$W_{GD}$", (0, 0), (-0.62, 0.8), arrowprops=line, **name)

    def draw_rim(ax: Any) -> None:
        _cloud(ax, "and what they do not leave")
        ax.plot(*circle(radius=radius).T, color=DISC, lw=2.2)
        ax.plot([0, 0], [0, -radius], color=DISC, lw=1.4)
        words = {"color": DISC, "weight": "bold", "ha": "center"}
        ax.text(0, -0.9, f"radius {radius:.4g}", **words)

    first = (
        f"{COUNT} dots around the end of gradient descent: a round disc with a sharp rim; the "
        f"farthest lies {far:.3f} from the middle."
    )
    second = f"The same dots in a circle of radius {radius:.3f}; none is outside."
    return Picture([Panel(draw_dots, first, WIDE), Panel(draw_rim, second, WIDE)])


# ------------------------------------------------------------------------------ Adam in its disc

EPSILONS = [float(f"{eps:.3g}") for eps in np.geomspace(0.05, 3, 121)]
TOLERANCE = 1e-5


def spread_of(eps: Any) -> Any:
    """Return β/m of Adam's sector on the example, whose gradients are at most 1.

    Parameters
    ----------
    eps : float or array
        Smoothing.

    Returns
    -------
    float or array

    Examples
    --------
    >>> spread_of(0.5)
    3.0
    """
    return 1.0 + 1.0 / eps


def _adams(eps: np.ndarray) -> list[np.ndarray]:
    problem, W0 = example()
    runs = sweep(
        problem, Adam(eps), np.repeat(W0[None], len(eps), axis=0),
        lambda start: 0.3 * start.max_learning_rate, tol=TOLERANCE,
    )  # fmt: skip
    return list(seen(problem.project(runs.W)))


adams = Batch(_adams, EPSILONS)


def corners(spread: float) -> np.ndarray:
    """Return the hexagon of the ends of diagonal matrices with entries from m to β, in order.

    Parameters
    ----------
    spread : float
        β/m.

    Returns
    -------
    array of shape (6, 2)

    Examples
    --------
    >>> corners(4.0).shape
    (6, 2)
    """
    rates = np.array(list(product((1.0, spread), repeat=3))[1:-1])
    points = seen(ends(*example(), rates[:, None] * np.eye(3)))
    middle = points - points.mean(axis=0)
    return np.asarray(points[np.argsort(np.arctan2(middle[:, 1], middle[:, 0]))])


def singles() -> np.ndarray:
    """Return the three perfect fits that move a single weight.

    Returns
    -------
    array of shape (3, 2)

    Examples
    --------
    >>> np.linalg.norm(singles(), axis=1).round(3).tolist()
    [1.0, 1.458, 2.134]
    """
    return seen(np.diag(1.0 / example()[0].X[0])[..., None])


def _draw_fits(ax: Any) -> None:
    triangle, gd = singles(), look_of_gd()
    ax.plot(*triangle[[0, 1, 2, 0]].T, color=FAINT, lw=1)
    away = {"textcoords": "offset points", "color": "#4d5866"}
    for i, (point, ha, shift) in enumerate(
        zip(triangle, ("left", "center", "center"), ((5, -4), (0, 5), (0, -14)), strict=True)
    ):
        ax.annotate(f"$w_{i + 1}$ alone", point, shift, ha=ha, **away)
    ax.plot(0, 0, gd.marker, color=gd.color, ms=8, mec="white")
    ax.set(xlim=(-2.3, 2.05), ylim=(-2.5, 1.85), aspect="equal", title="the plane of perfect fits")


def _draw_distances(ax: Any) -> None:
    eps = np.array(EPSILONS)
    reach = [np.linalg.norm(corners(q), axis=1).max() for q in spread_of(eps)]
    ax.loglog(eps, tangent(spread_of(eps)), color=DISC, lw=2)
    ax.loglog(eps, reach, color=BOX, lw=2)
    ax.loglog(eps, [np.linalg.norm(adams(e)) for e in eps], color=look(Adam(1.0)).color, lw=2)
    ax.set(xlim=(0.05, 3), ylim=(1e-2, 4), xlabel=r"$\varepsilon$", title="distance from GD's end")
    ax.text(0.1, 1.9, "disc", color=DISC, weight="bold")
    ax.text(0.055, 0.85, "hexagon", color=BOX, weight="bold")
    ax.text(0.055, 0.09, "Adam", color=look(Adam(1.0)).color, weight="bold")


def _adam_frame(eps: float) -> Frame:
    spread, style, end = float(spread_of(eps)), look(Adam(1.0)), adams(eps)
    radius, hexagon, far = float(tangent(spread)), corners(spread), float(np.linalg.norm(end))
    reach = float(np.linalg.norm(hexagon, axis=1).max())
    closed = np.vstack([hexagon, hexagon[:1]])
    marks: list[Mark] = [
        Band(closed, BOX, opacity=0.12, every=True),
        Line(closed, BOX, 2.0, every=True),
        Line(circle(radius=radius, count=72), DISC, 2.0, every=True),
        Dots((0.0, 0.0), look_of_gd().color, "o", 5.5),
        Dots(end, style.color, style.marker, 6),
        Text((0.0, 0.0), "GD", look_of_gd().color, (-8, 8), "end", bold=True),
        Text(end, "Adam", style.color, (9, -4), bold=True),
    ]
    stems: list[Mark] = [
        Line([(eps, 2e-3), (eps, radius)], FAINT, 1.0),
        Dots((eps, radius), DISC, "o", 4.5),
        Dots((eps, reach), BOX, "o", 4.5),
        Dots((eps, far), style.color, style.marker, 5.5),
    ]
    caption = (
        f"ε = {eps:.3g}, β/m = {spread:.3g}: Adam ends <b>{far:.3g}</b> from GD's end, in units "
        f"of GD's way; the hexagon allows {reach:.3g}, the disc tan φ = {radius:.3g}."
    )
    alts = [
        f"A circle of radius {radius:.3g} around GD's end, a hexagon in it that reaches "
        f"{reach:.3g}, and Adam's end in the hexagon, {far:.3g} from the middle.",
        f"At ε = {eps:.3g} the curves stand at {radius:.3g}, {reach:.3g} and {far:.3g}.",
    ]
    return Frame([marks, stems], alts, caption)


def adam_in_disc() -> Explorer:
    """Return Adam's end in the hexagon of diagonal matrices, in the disc of all; a slider for ε.

    Returns
    -------
    Explorer
        Two panels, 121 stops.

    Examples
    --------
    >>> adam_in_disc().stops
    121
    """
    panels = [
        Panel(
            _draw_fits,
            "The plane of perfect fits and, faint, the triangle of those that move one weight.",
            WIDE,
        ),
        Panel(
            _draw_distances,
            "Over ε: radius of the disc, reach of the hexagon, distance of Adam's end; all fall.",
            WIDE,
        ),
    ]
    slider = Slider("eps", "smoothing ε", EPSILONS, start=EPSILONS.index(_near(0.2)))
    return Explorer(panels, _adam_frame, [slider], "Adam in the disc of its sector")


def _near(value: float) -> float:
    return min(EPSILONS, key=lambda eps: abs(np.log(eps / value)))
