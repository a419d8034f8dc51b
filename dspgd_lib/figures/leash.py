"""A small loss is a short leash: Adam's end in its disc, and every bound over decades of loss."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.backgrounds import draw_ground
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import circle
from dspgd_lib.figures.space import Camera, Floor
from dspgd_lib.plotting import BOUND, INK, MANIFOLD, look
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep
from dspgd_lib.theory import (
    Start,
    energy_distance_bound,
    path_length_bound,
    sector_distance_bound,
)

ADAM, GD = look(Adam(1.0)), look(GradientDescent()).color

# ------------------------------------------------------------------------------ the leash

EPS, SHARE = 0.4, 0.1  # smoothing, and the learning rate in units of 1/(βM)
HEIGHTS = np.linspace(0.04, 2, 148).round(4).tolist()
SEEN = Camera(turn=25, tilt=24, strength=0.05)
EXAMPLE = np.array([0.85, 0.45, 0.27])


@cache
def one_example() -> tuple[Problem, Floor]:
    """Return an example of length 1, and axes: two along the perfect fits, one upright.

    Returns
    -------
    Problem
        Three weights, one output.
    Floor
        Three axes; the first points to where Adam ends.
    """
    x = EXAMPLE / np.linalg.norm(EXAMPLE)
    away = x - np.sign(x) * np.sqrt(np.abs(x))  # roughly where Adam leaves the upright
    room = Floor.along(np.zeros(3), x, away, np.cross(x, away))
    return Problem(x[None], np.zeros(1)), Floor(room.origin, room.axes[[1, 2, 0]])


def _flights(heights: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Return the roads of Adam from these heights, in the room, and the lengths of the leash."""
    data, room = one_example()
    K, W0 = Adam(EPS), heights[:, None, None] * room.axes[2][:, None]
    eta = SHARE * EPS / data.M
    run = sweep(data, K, W0, eta, tol=1e-4, record=("W",))
    leash = energy_distance_bound(Start(data, K, W0), eta)
    paths = room.coordinates(run.history["W"][..., 0])
    found = []
    for i, steps in enumerate(run.steps):
        path = paths[: steps + 1, i]
        walked = np.r_[0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
        even = np.linspace(0, walked[-1], 25)
        road = np.stack([np.interp(even, walked, axis) for axis in path.T], axis=1)
        found.append((road, float(leash[i])))
    return found


FLIGHTS = Batch(_flights, HEIGHTS)


@cache
def _locus() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return heights, Adam's ends and leashes over two decades, for the backgrounds."""
    heights = np.geomspace(0.04, 2, 25)
    flights = _flights(heights)
    ends = np.array([road[-1] for road, _ in flights])
    return heights, ends, np.array([leash for _, leash in flights])


def _draw_fits(ax: Any) -> None:
    draw_ground(ax, SEEN, (-2, 2), (-2, 2))
    ax.plot(*SEEN.see([(0, 0, 0), (0, 0, 2.1)]).T, color=GD, lw=1, alpha=0.5)
    ax.plot(*SEEN.see(_locus()[1] * (1, 1, 0)).T, color=ADAM.color, lw=1, alpha=0.4)
    ax.annotate("perfect fits", SEEN.see((-1.4, -1.15, 0)), color=MANIFOLD, ha="center")
    ax.set(xlim=(-2.65, 2.65), ylim=(-1.45, 2.45), aspect="equal")


def _draw_lengths(ax: Any) -> None:
    heights, ends, leash = _locus()
    apart = np.hypot(*ends[:, :2].T)
    ax.loglog(heights, heights, color=INK, lw=1.6)
    ax.loglog(heights, leash, color=BOUND, lw=2)
    ax.loglog(heights, apart, color=ADAM.color, lw=2)
    ax.annotate("GD's way", (0.05, 0.17), color=INK, weight="bold")
    ax.annotate("leash", (0.15, 0.033), color=BOUND, weight="bold", ha="right")
    ax.annotate("Adam − GD", (0.33, 0.0055), color=ADAM.color, weight="bold")
    ax.set(xlim=(0.035, 2.3), ylim=(2e-4, 4), xlabel="distance of $W_0$ from the perfect fits")
    ax.set_title("lengths")


def _leash_frame(height: float) -> Frame:
    road, leash = FLIGHTS(height)
    end = road[-1]
    apart = float(np.hypot(*end[:2]))
    rim = SEEN.see(circle(radius=leash, count=48))
    start, foot, there = SEEN.see((0, 0, height)), SEEN.see((0, 0, 0)), SEEN.see(end)
    fits: list[Mark] = [
        Band(rim, BOUND, opacity=0.16, every=True),
        Line(rim, BOUND, 1.5, every=True),
        Line([start, foot], GD, 2.6),
        Line(SEEN.see(road), ADAM.color, 2.6, every=True),
        Dots(start, INK, "o", 6),
        Dots(foot, GD, "o", 5.5),
        Dots(there, ADAM.color, ADAM.marker, 5.5),
        Text(start, "W₀", INK, (9, 10)),
        Text(foot, "GD", GD, (-8, -4), "end", bold=True),
        Text(there, "Adam", ADAM.color, (9, -4), bold=True),
    ]
    lengths: list[Mark] = [
        Dots((height, height), INK, "o", 5),
        Dots((height, leash), BOUND, "s", 5),
        Dots((height, apart), ADAM.color, ADAM.marker, 5),
    ]
    caption = (
        f"W₀ is {height:.2f} from the perfect fits: L = {height**2 / 2:.3g}, the leash is "
        f"<b>{leash:#.2g}</b> long, and Adam ends {apart:#.2g} from GD's end."
    )
    alts = [
        f"A start {height:.2f} above the plane of perfect fits; GD drops to its foot. Adam ends "
        f"{apart:.2g} beside it, inside a disc of radius {leash:.2g}.",
        f"At {height:.2f}: leash {leash:.2g}, distance of Adam from GD {apart:.2g}.",
    ]
    return Frame([fits, lengths], alts, caption)


def leash() -> Explorer:
    """Return Adam's end inside a disc around that of GD, a slider for the height of the start.

    Returns
    -------
    Explorer
        Two panels: three weights, one example; the lengths on logarithmic axes.

    Examples
    --------
    >>> leash().stops
    148
    """
    _, ends, long = _locus()
    share = np.hypot(*ends[:, :2].T) / long
    panels = [
        Panel(
            _draw_fits,
            "The plane of perfect fits as a ground in perspective, and a line upright on it.",
            axes=False,
        ),
        Panel(
            _draw_lengths,
            "Over the distance of the start on logarithmic axes: GD's way has slope 1, the leash "
            f"slope 2. Adam's distance from GD is {share.min():.2f} to {share.max():.2f} of it.",
        ),
    ]
    controls: list[Slider | Buttons] = [
        Slider("height", "distance of W₀", HEIGHTS, start=80, log=False)
    ]
    return Explorer(panels, _leash_frame, controls, "A small loss is a short leash")


# ------------------------------------------------------------------------------ every bound

SEEDS = range(10)
LOSSES = np.geomspace(1e-4, 1e4, 17)
SIZES = 5, 20  # examples, weights


@cache
def example(seed: int = 0) -> tuple[Problem, np.ndarray]:
    """Return the problem of the chapter, and a start with loss 1.

    Parameters
    ----------
    seed : int
        Others draw other data.

    Returns
    -------
    Problem, array of shape (20, 1)
        Five Gaussian examples, twenty weights.

    Examples
    --------
    >>> problem, W0 = example()
    >>> float(problem.loss_value(W0)).__round__(9)
    1.0
    """
    n, d = SIZES
    problem = Problem.gaussian(n, d, 1, seed)
    W0 = np.random.default_rng([seed, 1]).standard_normal((d, 1))
    return problem, nearer(problem, W0, 1.0)


def nearer(problem: Problem, W0: np.ndarray, loss: float) -> np.ndarray:
    """Return the start on the way from W0 to Π(W0) that has this loss, for the squared loss.

    Parameters
    ----------
    problem : Problem
        Data and labels.
    W0 : array of shape (d, k)
        Not a perfect fit.
    loss : float
        Positive.

    Returns
    -------
    array of shape (d, k)
    """
    goal = problem.project(W0)
    return np.asarray(goal + np.sqrt(loss / problem.loss_value(W0)) * (W0 - goal))


PROVED = {
    "this chapter": lambda start: energy_distance_bound(start, start.max_learning_rate),
    "sector, best": sector_distance_bound,
    "sector, paper": lambda start: sector_distance_bound(start, "paper"),
    "length of road": path_length_bound,
}


@cache
def measured_and_proved() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return distances of Adam's end from GD's, and four bounds, over eight decades of the loss.

    Returns
    -------
    measured : array of shape (10, 17)
        By seed and loss; ε = 1, η = ε/M.
    proved : dict of arrays of this shape
    """
    measured, proved = [], []
    for seed in SEEDS:
        problem, W0 = example(seed)
        starts = np.array([nearer(problem, W0, loss) for loss in LOSSES])
        run = sweep(problem, Adam(1.0), starts, 1 / problem.M, tol=1e-7)
        apart = problem.project(run.W) - problem.project(W0)
        measured.append(np.linalg.norm(apart, axis=(1, 2)))
        start = Start(problem, Adam(1.0), starts)
        proved.append([bound(start) for bound in PROVED.values()])
    bounds = np.swapaxes(proved, 0, 1)
    return np.array(measured), dict(zip(PROVED, bounds, strict=True))


LABELS = {  # where a bound's name stands, and its colour
    "this chapter": ((1.3e-4, 0.85), BOUND, "left"),
    "sector, best": ((1.3e-4, 2.9), "#5b3e96", "left"),
    "sector, paper": ((1.2e4, 6.0), "#8a5a00", "right"),
    "length of road": ((3e-3, 21.0), "#5d6672", "left"),
}


def _draw_bounds(ax: Any) -> None:
    measured, proved = measured_and_proved()
    for name, bounds in proved.items():
        place, color, ha = LABELS[name]
        width = 2.6 if color == BOUND else 1.6
        ax.loglog(LOSSES, np.median(bounds / LOSSES, axis=0), color=color, lw=width)
        words = "leash" if name == "this chapter" else name
        ax.annotate(words, place, color=color, ha=ha, weight="bold")
    spent = measured / LOSSES
    ax.fill_between(LOSSES, spent.min(0), spent.max(0), color=ADAM.color, alpha=0.2, lw=0)
    ax.loglog(LOSSES, np.median(spent, axis=0), ADAM.marker, color=ADAM.color, ms=4.5)
    ax.annotate("measured", (0.3, 0.018), color=ADAM.color, weight="bold", ha="right")
    ax.set(xlim=(6e-5, 1.6e4), ylim=(8e-4, 1e2), xlabel="$L(W_0)/\\varepsilon$")
    ax.set_title("distance of the two ends · ε/L(W₀)")


def every_bound() -> Picture:
    """Return the distance between the two ends and four bounds on it, over decades of the loss.

    Returns
    -------
    Picture
        One panel, ten seeds.
    """
    measured, proved = measured_and_proved()
    medians = {name: np.median(bounds, axis=0) for name, bounds in proved.items()}
    least = np.min([*proved.values()], axis=0)
    shares = np.median(measured / least, axis=0)
    takes_over = LOSSES[np.argmax(medians["sector, best"] < medians["this chapter"])]
    alt = (
        "Distances divided by the loss, medians over ten seeds, on logarithmic axes. The bound of "
        f"the leash is level, at {medians['this chapter'][0] / LOSSES[0]:.2f} for small losses, "
        f"and the least one up to a loss of about {number(takes_over, '.2g')}; from there on "
        "the best sector bound is. The measured distance is between "
        f"{shares.min():.2f} and {shares.max():.2f} of the least bound."
    )
    return Picture([Panel(_draw_bounds, alt, (360, 320))])
