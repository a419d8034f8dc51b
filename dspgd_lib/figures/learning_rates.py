"""Figures of the chapter on preconditioners: how large the learning rate may be, and beyond."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, note
from dspgd_lib.figures.plane import circle, segment
from dspgd_lib.plotting import BOUND, FAINT, INK, look
from dspgd_lib.potentials import Quadratic
from dspgd_lib.preconditioners import Adam
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep

# ------------------------------------------------------------------------------ the fifty-fold rate

CURVATURE = np.array([1.0, 0.01])
LENGTH = 1.01**0.5
HERO = float(np.degrees(np.arctan(10.0)))
ANGLES = sorted([*np.linspace(0, 90, 180).tolist(), HERO])
COLOR, QUIET = look(Quadratic(np.diag(CURVATURE))).color, "#4d5866"
ALLOWED = "#00705a"


def example_at(theta: float) -> Problem:
    """Return one example of length √1.01 in a direction, with label 0.

    Parameters
    ----------
    theta : float
        The direction in degrees; at arctan 10 = 84.3° the example is (0.1, 1).

    Returns
    -------
    Problem

    Examples
    --------
    >>> example_at(HERO).X.round(9).tolist()
    [[0.1, 1.0]]
    """
    angle = np.radians(theta)
    return Problem(LENGTH * np.array([[np.cos(angle), np.sin(angle)]]), np.zeros((1, 1)))


def allowed(theta: ArrayLike) -> np.ndarray:
    """Return the largest η of part 3 of the assumptions for K = ½g₁² + 0.005g₂² and an example.

    Parameters
    ----------
    theta : array of shape (...)
        The direction of the example in degrees.

    Returns
    -------
    array of shape (...)
        1/(x₁² + 0.01 x₂²); where runs stop converging is twice that.

    Examples
    --------
    >>> float(allowed(HERO).round(9))
    50.0
    """
    angle = np.radians(theta)
    bent = CURVATURE[0] * np.cos(angle) ** 2 + CURVATURE[1] * np.sin(angle) ** 2
    return np.asarray(1 / (LENGTH**2 * bent))


@cache
def ends_of_convergence(count: int = 13) -> tuple[np.ndarray, np.ndarray]:
    """Return the learning rates beyond which runs no longer converge, found by bisection.

    Parameters
    ----------
    count : int
        How many directions between 0° and 90°.

    Returns
    -------
    theta, eta : arrays of shape (count,)

    Examples
    --------
    >>> theta, eta = ends_of_convergence(3)
    >>> eta.round(1).tolist()
    [2.0, 3.9, 198.0]
    """
    theta = np.linspace(0, 90, count)
    problems, start = [example_at(angle) for angle in theta], np.array([[1.0], [1.0]])
    low, high = np.full(count, 0.1), np.full(count, 1e4)
    for _ in range(24):
        eta = np.sqrt(low * high)
        run = sweep(
            problems, Quadratic(np.diag(CURVATURE)), start, eta, tol=0, max_steps=300,
            record=("loss",),
        )  # fmt: skip
        calm = run.history["loss"][-1] < run.history["loss"][0]
        low, high = np.where(calm, eta, low), np.where(calm, high, eta)
    return theta, low


def _draw_rates(ax: Any) -> None:
    theta, ends = ends_of_convergence()
    ax.axhline(1 / LENGTH**2, color=BOUND, lw=2)
    ax.semilogy(ANGLES, allowed(ANGLES), color=ALLOWED, lw=2.4)
    ax.semilogy(ANGLES, 2 * allowed(ANGLES), color=INK, lw=1.2, ls=(0, (5, 3)))
    ax.plot(theta, ends, "o", color=INK, ms=4.5)
    ax.annotate("1/(βM)", (32, 0.6), color=BOUND, weight="bold")
    ax.annotate("part 3", (82, 2.2), color=ALLOWED, weight="bold", ha="right")
    ax.annotate("runs stop converging", (68, 25), color=INK, ha="right")
    ax.set(xlim=(-2.5, 92.5), ylim=(0.4, 400), xticks=[0, 30, 60, 90])
    ax.set(xlabel="direction of the example in degrees", title="largest learning rate")


def _draw_bowl(ax: Any) -> None:
    ax.plot(*circle().T, color=BOUND, lw=1.8)
    ax.plot(*(circle() / np.sqrt(CURVATURE)).T, color=COLOR, lw=2)
    ax.annotate("K = ½", (1.3, -8.2), color=COLOR, weight="bold")
    ax.annotate("½β‖G‖² = ½", (-1.5, 1.5), color=BOUND, weight="bold", ha="right")
    ax.plot(0, 0, "+", color=INK, ms=8, mew=1.5)
    ax.set(xlim=(-11, 11), ylim=(-11, 11), aspect="equal", xticks=[], yticks=[])
    ax.set(title="gradients", xlabel="$g_1$", ylabel="$g_2$")
    ax.grid(visible=False)


def _fifty_frame(theta: float) -> Frame:
    most, formula = float(allowed(theta)), 1 / LENGTH**2
    ray = np.array([np.cos(np.radians(theta)), np.sin(np.radians(theta))])
    reach = float(np.sqrt(most / formula))
    rates: list[Mark] = [
        Line([(theta, formula), (theta, most)], FAINT, 1.4, "3 3"),
        Dots([(theta, formula)], BOUND, "o", 5.5),
        Dots([(theta, most)], ALLOWED, "D", 5.5),
    ]
    plane: list[Mark] = [
        Line(segment((0, 0), ray, 30), FAINT, 1.4, "5 4"),
        Line([(0, 0), reach * ray], ALLOWED, 3),
        Line([(0, 0), ray], BOUND, 3),
        Dots(ray, BOUND, "o", 4.5),
        Dots(reach * ray, ALLOWED, "D", 5),
        note((-10.5, 9.6), "dashed: row space", QUIET, bold=False),
    ]
    x = LENGTH * ray
    caption = (
        f"x = ({x[0]:.2f}, {x[1]:.2f}): the formula allows η ≤ {formula:.2f}, part 3 "
        f"η ≤ <b>{most:.3g}</b>, {most / formula:.3g} times as much. Along the row space the level "
        f"line is {reach:.2f} times as far as the circle."
    )
    alts = [
        f"At {theta:.1f} degrees the formula allows {formula:.2f} and part 3 {most:.3g}; dots "
        "where runs stop converging lie at twice the latter.",
        f"A circle of radius 1 in an ellipse ten times as high as wide. A line at {theta:.1f} "
        f"degrees leaves the circle at 1 and the ellipse at {reach:.2f}.",
    ]
    return Frame([rates, plane], alts, caption)


def fifty() -> Explorer:
    """Return the learning rates that a formula and part 3 allow, a slider for the example.

    Returns
    -------
    Explorer
        Two panels, 181 stops; the start is the example (0.1, 1).

    Examples
    --------
    >>> fifty().stops
    181
    """
    panels = [
        Panel(
            _draw_rates,
            "Learning rates over the direction of the example: a level line, and a curve that "
            "starts on it and rises a hundredfold.",
            (360, 310),
        ),
        Panel(_draw_bowl, "Plane of gradients with a circle in a tall ellipse.", (360, 310)),
    ]
    controls: list[Slider | Buttons] = [
        Slider("theta", "direction θ", ANGLES, ANGLES.index(HERO), log=False, form="{:.1f}°")
    ]
    return Explorer(panels, _fifty_frame, controls, "How large the learning rate may be")


# -------------------------------------------------------------------------- twice, and beyond


@cache
def map_problem(seed: int = 1) -> tuple[Problem, np.ndarray]:
    """Return the problem of the map: three examples, eight weights for each of two outputs.

    Parameters
    ----------
    seed : int
        Others draw other data and another start.

    Returns
    -------
    Problem, array of shape (8, 2)

    Examples
    --------
    >>> map_problem()[0]
    Problem(n=3, d=8, k=2, loss=SquaredLoss())
    """
    return Problem.gaussian(3, 8, 2, seed=seed), np.zeros((8, 2))


def residuals(
    problem: Problem, W0: np.ndarray, eps: np.ndarray, ratio: np.ndarray, steps: int
) -> Iterator[np.ndarray]:
    """Yield the residuals of many runs of Adam, R ← R − ηX∇K(XᵀR), with η = ratio·ε/σ_max².

    Parameters
    ----------
    problem : Problem
        With the squared loss.
    W0 : array of shape (d, k) or (B, d, k)
        Where the runs start.
    eps, ratio : arrays of shape (B,)
        Smoothing, and learning rate in units of ε/σ_max².
    steps : int
        How many.

    Yields
    ------
    array of shape (B, n, k)
        ``steps + 1`` times.

    Examples
    --------
    >>> data, W0 = map_problem()
    >>> few = list(residuals(data, W0, np.array([1.0, 2.0]), np.array([1.0, 1.0]), steps=3))
    >>> len(few), few[0].shape
    (4, (2, 3, 2))
    """
    eta = (ratio * eps / problem.M)[:, None, None]
    K, R = Adam(eps), np.broadcast_to(problem.residual(W0), (len(eps), problem.n, problem.k))
    for _ in range(steps):
        yield R
        R = R - eta * (problem.X @ K.gradient(problem.X.T @ R))
    yield R


def endings(
    problem: Problem, W0: np.ndarray, eps: np.ndarray, ratio: np.ndarray, steps: int = 800
) -> np.ndarray:
    """Return how runs of Adam end.

    Parameters
    ----------
    problem, W0, eps, ratio, steps
        As for `residuals`.

    Returns
    -------
    array of int of shape (B,)
        0: a millionth of the residual is left, and none made an obtuse angle with the one before;
        1: some did; 2: more is left.

    Examples
    --------
    >>> endings(*map_problem(), np.array([1.0, 1.0, 1.0]), np.array([0.9, 1.9, 2.1])).tolist()
    [0, 1, 2]
    """
    back, least = np.zeros(len(eps), dtype=bool), None
    for before, R in pairwise(residuals(problem, W0, eps, ratio, steps)):
        least = 1e-6 * np.linalg.norm(before, axis=(-2, -1)) if least is None else least
        far = np.linalg.norm(R, axis=(-2, -1)) > least
        back |= far & ((R * before).sum(axis=(-2, -1)) < 0)
    return np.where(far, 2, back)


ACROSS = np.geomspace(0.05, 50, 33)
UP = 0.5 * 2 ** ((np.arange(48) + 0.5) / 16)
HUNG = ((0.15, 0.62), (12.0, 0.62), (0.4, 1.85), (12.0, 1.6), (0.15, 3.2), (12.0, 3.2))


@cache
def behaviours_of_adam() -> dict[str, Any]:
    """Return the map of Adam over smoothing and learning rate, as `show.behaviours` takes it.

    Returns
    -------
    dict
        Keyword arguments: ``x`` and ``y``, ``kinds``, ``runs``, ``boundary`` and ``names``.

    Examples
    --------
    >>> behaviours_of_adam()["kinds"].shape
    (48, 33)
    """
    data, W0 = map_problem()
    pairs = np.stack(np.meshgrid(ACROSS, UP)).reshape(2, -1)
    eps, ratio = np.array(HUNG).T
    sizes = np.linalg.norm(list(residuals(data, W0, eps, ratio, 150)), axis=(-2, -1))
    shares = np.maximum(sizes / sizes[0], 1e-9)
    return {
        "x": ACROSS,
        "y": UP,
        "kinds": endings(data, W0, *pairs).reshape(len(UP), len(ACROSS)),
        "runs": [(*at, share) for at, share in zip(HUNG, shares.T, strict=True)],
        "boundary": {
            "1: part 3": (ACROSS[[0, -1]], [1, 1]),
            "2: the loss falls": (ACROSS[[0, -1]], [2, 2]),
        },
        "names": {0: "rests, never turns back", 1: "turns back, rests", 2: "never rests"},
        "run_label": "share of the residual, log",
        "scales": "log-log",
    }


def share_at_rest(
    ratio: ArrayLike, starts: int = 200, eps: float = 1.0, seed: int = 1
) -> np.ndarray:
    """Return for which share of random starts runs of Adam come to rest.

    Parameters
    ----------
    ratio : array of shape (m,)
        Learning rates in units of ε/σ_max².
    starts : int
        How many, with normally distributed weights.
    eps : float
        The smoothing.
    seed : int
        Of the problem, as in `map_problem`.

    Returns
    -------
    array of shape (m,)
        Within 2,000 steps, to a millionth of the first residual.

    Examples
    --------
    >>> share_at_rest([1.0, 3.0], starts=5).tolist()
    [1.0, 0.0]
    """
    ratio = np.atleast_1d(np.asarray(ratio, dtype=float))
    W0 = np.random.default_rng(seed).standard_normal((starts, 8, 2))
    pairs = np.repeat(W0, len(ratio), axis=0), np.tile(ratio, starts)
    ends = endings(map_problem(seed)[0], pairs[0], np.full(len(pairs[1]), eps), pairs[1], 2000)
    return np.asarray((ends < 2).reshape(starts, len(ratio)).mean(axis=0))
