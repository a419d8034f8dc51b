"""Who arrives: runs as slow as the drift whose weights come to rest, and roads in space."""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.counterexamples import Drifting
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.drift import BLUE, DRIFT, ETA, LONG, ROSE, WIDE, road
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.space import Camera, Floor, grid
from dspgd_lib.plotting import INK, MANIFOLD
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd

# ------------------------------------------------------------------------------- who arrives

EXAMPLE = np.array([0.8, 0.6])


def slowed(entries: tuple[float, ...], steps: int, eta: float) -> np.ndarray:
    """Return distances from the fits and lengths of the road for K = Σh(g), h′ = g³/(1 + g²).

    With one example x of length 1 and residual r the gradient is rx.

    Parameters
    ----------
    entries : tuple of float
        Those of x; a single 1 for K = h(‖G‖), whatever x is.
    steps : int
        How many, from r = 1.
    eta : float
        Learning rate.

    Returns
    -------
    array of shape (steps + 1, 2)

    Examples
    --------
    >>> slowed((1.0,), 2, 0.5).round(4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.615, 0.385]]
    """
    r, length, found = 1.0, 0.0, [(1.0, 0.0)]
    for _ in range(steps):
        push = square = 0.0
        for x in entries:
            g = x * r
            slope = g * g * g / (1 + g * g)
            push += x * slope
            square += slope * slope
        r, length = r - eta * push, length + eta * sqrt(square)
        found.append((r, length))
    return np.array(found)


@cache
def walked(steps: int = LONG) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return losses and distances walked of the drift, and of three runs that do arrive.

    Parameters
    ----------
    steps : int
        How many, at most a million.

    Returns
    -------
    dict of triples of arrays
        Steps, loss, and length of the road up to there, by name. The three have one example
        (0.8, 0.6) and start at distance 1 from the perfect fits, as the drift does.

    Examples
    --------
    >>> list(walked(100))
    ['drift', 'k of entries', 'k of length', 'Adam']
    """
    at = np.unique(np.rint(np.geomspace(1, steps, 100))).astype(int)
    W = road()[: steps + 1]
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(W, axis=0), axis=1))]
    runs = {
        "drift": np.c_[W[:, 0], length],
        "k of entries": slowed(tuple(EXAMPLE.tolist()), steps, ETA),
        "k of length": slowed((1.0,), steps, ETA),
        "Adam": _adam(min(steps, 60)),
    }
    found = {}
    for name, run in runs.items():
        near = at[at < len(run)]
        found[name] = (near, 0.5 * run[near, 0] ** 2, run[near, 1])
    return found


def _adam(steps: int) -> np.ndarray:
    data = Problem(EXAMPLE[None], np.zeros(1))
    run = dspgd(data, Adam(1.0), EXAMPLE, ETA, tol=0, max_steps=steps, record=("W",))
    W = run.history["W"]
    length = np.linalg.norm(np.diff(W, axis=0), axis=(1, 2)).cumsum()
    return np.c_[np.abs(data.residual(W)[:, 0, 0]), np.r_[0, length]]


def arrive() -> Picture:
    """Return losses that fall alike, and roads of which one alone never ends.

    Returns
    -------
    Picture
        Two panels over the step.

    Examples
    --------
    >>> len(arrive().panels)
    2
    """
    runs = walked()
    colors = dict(zip(runs, (DRIFT, "#6A5200", BLUE, ROSE), strict=True))

    def draw_losses(ax: Any) -> None:
        for name, (t, loss, _) in runs.items():
            ax.loglog(t, loss, color=colors[name], lw=2)
        ax.set(xlim=(1, LONG), ylim=(1e-8, 1), xlabel="step $t$", title="the loss")
        ax.annotate("Adam (b)", (20, 1e-7), color=ROSE)
        ax.annotate("drift", (5e3, 8e-6), color=DRIFT, ha="right")
        ax.annotate("k of length (a)", (9e5, 1.2e-4), color=BLUE, ha="right")
        ax.annotate("k of entries (c)", (1.5e3, 1e-3), color=colors["k of entries"])

    def draw_lengths(ax: Any) -> None:
        for name, (t, _, length) in runs.items():
            ax.semilogx(np.r_[t, LONG], np.r_[length, length[-1]], color=colors[name], lw=2)
        ax.set(xlim=(1, LONG), ylim=(0, 4.5), xlabel="step $t$", title="length of the road so far")
        ax.annotate("drift", (8e3, 3.1), color=DRIFT, ha="right")
        ax.annotate("Adam (b)", (1.2, 1.4), color=ROSE)
        ax.annotate("k of entries (c)", (9e5, 1.13), color=colors["k of entries"], ha="right")
        ax.annotate("k of length (a)", (9e5, 0.7), color=BLUE, ha="right")

    ends = ", ".join(f"{name} {run[2][-1]:.2f}" for name, run in runs.items())
    return Picture(
        [
            Panel(
                draw_losses,
                "Four losses on logarithmic axes: Adam's plunges; the other three "
                "fall along lines of slope −1.",
                WIDE,
            ),
            Panel(
                draw_lengths,
                f"Length of the road: {ends}. The drift's rises by the same amount "
                "in each power of ten, the others are level.",
                WIDE,
            ),
        ]
    )


# ------------------------------------------------------------------------------- in space

SEEN = Camera(turn=200, tilt=30, strength=0.05)
UP = np.array([0.8, 0.5, -0.33])
CLIMB = 3000  # steps of the drift


class Upright:
    """The drifting K on the first and the last of three axes, ½g² on the one between.

    Parameters
    ----------
    axes : array of shape (3, 3)
        Orthonormal rows. With data on the first two, a run drifts against the third.

    Examples
    --------
    >>> Upright(np.eye(3)).gradient([[3.0], [5.0], [0.0]]).round(9).tolist()
    [[2.0], [5.0], [1.0]]
    """

    smoothness = 2.0

    def __init__(self, axes: np.ndarray) -> None:
        self.axes = axes

    def value(self, G: ArrayLike) -> np.ndarray:
        """Return K(G), of shape (...)."""
        first, between, last = np.moveaxis(self.axes @ np.asarray(G, dtype=float), -2, 0)
        return np.asarray(
            Drifting().value(np.stack([first, last], -2)) + 0.5 * between[..., 0] ** 2
        )

    def gradient(self, G: ArrayLike) -> np.ndarray:
        """Return ∇K(G), of the shape of G."""
        first, between, last = np.moveaxis(self.axes @ np.asarray(G, dtype=float), -2, 0)
        push = Drifting().gradient(np.stack([first, last], -2))
        turned = np.stack([push[..., 0, :], between, push[..., 1, :]], -2)
        return np.asarray(self.axes.T @ turned)


@cache
def roads_in_space() -> dict[str, np.ndarray]:
    """Return the roads of three methods in the coordinates of the floor and above it.

    Returns
    -------
    dict of arrays of shape (steps + 1, 3)
        The perfect fits are the points (0, 0, h).

    Examples
    --------
    >>> ends = {name: road[-1] for name, road in roads_in_space().items()}
    >>> bool(abs(ends["GD"][2]) < 1e-12 < ends["Adam"][2] < 1.0 < ends["drift"][2])
    True
    """
    room = Floor.along(np.zeros(3), UP, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]).axes[[1, 2, 0]]
    data = Problem(np.array([[1.0, 0.0], [0.35, 0.6]]) @ room[:2], np.zeros(2))
    W0 = room.T @ np.array([[2.6], [1.0], [0.0]])
    upright = Upright(room * [[1.0], [1.0], [-1.0]])
    runs: dict[str, tuple[Any, float, int]] = {
        "GD": (GradientDescent(), 0.5, 400),
        "Adam": (Adam(0.3), 0.2, 2000),
        "drift": (upright, 1.0, CLIMB),
    }
    found = {}
    for name, (K, share, steps) in runs.items():
        eta = share / (K.smoothness * data.M)
        run = dspgd(data, K, W0, eta, tol=1e-6, max_steps=steps, record=("W",))
        found[name] = run.history["W"][..., 0] @ room.T
    return found


def _draw_room(ax: Any) -> None:
    along, across = np.linspace(-0.7, 3.1, 9), np.linspace(-1.4, 1.8, 8)
    corners = [(along[i], across[j]) for i, j in ((0, 0), (-1, 0), (-1, -1), (0, -1))]
    ax.fill(*SEEN.see(corners).T, color="#f4f1e9", zorder=0)
    for line in grid(along, across):
        ax.plot(*SEEN.see(line).T, color="#ddd7c8", lw=0.7)
    for low, high, alpha in ((0, 3.75, 1.0), (-0.5, 0, 0.25)):
        ax.plot(*SEEN.see([(0, 0, low), (0, 0, high)]).T, color=MANIFOLD, lw=4.5, alpha=alpha)
    for (name, points), color in zip(roads_in_space().items(), (BLUE, ROSE, DRIFT), strict=True):
        at = np.unique(np.rint(np.geomspace(1, len(points), 120)).astype(int)) - 1
        ax.plot(*SEEN.see(points[at]).T, color=color, lw=2.2)
        marker = {"GD": "o", "Adam": "D", "drift": "s"}[name]
        ax.plot(*SEEN.see(points[-1]), marker, color=color, ms=6.5)
    start, beside = SEEN.see((2.6, 1.0, 0.0)), {"textcoords": "offset points"}
    ax.plot(*start, "o", color=INK, ms=7)
    ax.annotate("$W_0$", start, (0, -17), ha="center", **beside)
    ax.annotate(r"$\mathcal{W}$", SEEN.see((0, 0, 3.6)), (-9, -8), ha="right", **beside)
    ax.annotate("the drift", SEEN.see((0, 0, 1.9)), (-26, 6), ha="right", color=DRIFT, **beside)
    ax.annotate("Adam", SEEN.see((0, 0, 0.7)), (10, -4), color=ROSE, **beside)
    ax.annotate("GD", SEEN.see((0, 0, 0)), (10, -6), color=BLUE, **beside)
    ax.annotate("the floor", SEEN.see((0.35, 1.5)), color="#8a5a00", ha="center")
    ax.set(xlim=(-3.75, 1.5), ylim=(-1.35, 3.45))


def floor() -> Picture:
    """Return three roads from one start: GD on the floor, Adam above it, the drift up the line.

    Returns
    -------
    Picture
        One panel in perspective: two examples, three weights.

    Examples
    --------
    >>> len(floor().panels)
    1
    """
    heights = {name: points[-1, 2] for name, points in roads_in_space().items()}
    alt = (
        "A floor in perspective, and a line that stands upright on it, the perfect fits. Gradient "
        f"descent ends at its foot, Adam {heights['Adam']:.2f} above it; the drifting run bends up "
        f"beside the line and has climbed to {heights['drift']:.2f} after {CLIMB:,} steps."
    )
    return Picture([Panel(_draw_room, alt, (360, 320), axes=False)])
