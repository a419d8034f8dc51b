"""The picture that the book carries, for three kinds of preconditioners: a floor, and a line."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures import landing
from dspgd_lib.figures.backgrounds import draw_ground
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.space import Camera
from dspgd_lib.plotting import INK, MANIFOLD, look
from dspgd_lib.preconditioners import Adam, GradientDescent, SmoothedSign
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd
from dspgd_lib.spectral import Spectral

SEEN, SHADE = Camera(turn=198, tilt=30, strength=0.06), "#a79c88"


@cache
def two_outputs() -> tuple[Problem, np.ndarray]:
    """Return two examples with three features and two outputs, and a start.

    Returns
    -------
    Problem, array of shape (3, 2)
        The first output is the one on the landing page.

    Examples
    --------
    >>> two_outputs()[0]
    Problem(n=2, d=3, k=2, loss=SquaredLoss())
    """
    data, W0 = landing.problem()
    Y = np.hstack([data.Y, [[0.0], [5.0]]])
    return Problem(data.X, Y), np.hstack([W0, np.zeros((3, 1))])


METHODS = (GradientDescent(), Spectral(SmoothedSign(0.3)), Adam(0.3))
NAMES = ("gradient descent", "smoothed Muon", "Adam")


@cache
def three_roads() -> list[np.ndarray]:
    """Return the first columns of the weights of three runs, in the coordinates of the room.

    Returns
    -------
    list of arrays of shape (steps, 3)
        Along the floor, across it, and above it; the origin is where gradient descent ends.

    Examples
    --------
    >>> [bool(abs(road[-1]).max() < 1e-5) for road in three_roads()]
    [True, True, False]
    """
    (data, W0), found = two_outputs(), []
    for K in METHODS:
        run = dspgd(data, K, W0, 0.2 / (K.smoothness * data.M), tol=1e-6, record=("W",))
        found.append(landing.room().coordinates(run.history["W"][..., 0]))
    return found


def _evenly(road: np.ndarray, count: int) -> np.ndarray:
    """Return the numbers of points at equal distances along a road, without its two ends."""
    walked = np.r_[0, np.cumsum(np.linalg.norm(np.diff(road, axis=0), axis=1))]
    return np.searchsorted(walked, np.linspace(0, walked[-1], count + 2)[1:-1])


def _draw_roads(ax: Any) -> None:
    draw_ground(ax, SEEN, (-0.7, 3.0), (-1.6, 1.4))
    for low, high, alpha in ((0, 2.0, 1.0), (-0.4, 0, 0.25)):
        ax.plot(*SEEN.see([(0, 0, low), (0, 0, high)]).T, color=MANIFOLD, lw=4.5, alpha=alpha)
    flight = three_roads()[-1]
    ax.plot(*SEEN.see(flight * (1, 1, 0)).T, color=SHADE, lw=1)
    for point in flight[_evenly(flight, 8)]:
        ax.plot(*SEEN.see([point * (1, 1, 0), point]).T, color=SHADE, lw=1)
    for i, (K, road) in enumerate(zip(METHODS, three_roads(), strict=True)):
        style, seen = look(K), SEEN.see(road)
        ax.plot(*seen.T, color=style.color, lw=2.4)
        shape = {"marker": style.marker, "ls": "", "ms": 6, "mec": "white", "mew": 0.5}
        ax.plot(*seen[_evenly(seen, 6)].T, color=style.color, **shape)
        ax.annotate(NAMES[i], (-3.2, 1.3 + 0.24 * i), color=style.color, weight="bold")
    start, foot, top = (SEEN.see(p) for p in (flight[0], (0, 0, 0), flight[-1]))
    ax.plot(*np.array([start, foot]).T, "o", color=INK, ms=7)
    ax.plot(*top, "D", color=look(METHODS[-1]).color, ms=7)
    beside: dict[str, Any] = {"textcoords": "offset points"}
    ax.annotate("$W_0$", start, (0, 9), ha="center", **beside)
    ax.annotate(r"$\Pi(W_0)$", foot, (10, -14), **beside)
    ax.annotate("perfect fits", SEEN.see((0, 0, 2.0)), (8, -12), color=MANIFOLD, **beside)
    ax.set(xlim=(-3.25, 1.3), ylim=(-1.2, 1.95), aspect="equal")


def floor() -> Picture:
    """Return the roads of three kinds of preconditioners, and the line of fits that they meet.

    Returns
    -------
    Picture
        One panel in perspective: two examples, three weights of the first of two outputs.

    Examples
    --------
    >>> len(floor().panels)
    1
    """
    ends = [float(np.linalg.norm(road[-1])) for road in three_roads()]
    alt = (
        "A floor in perspective, and an upright line on it. From the start gradient descent leads "
        "in a bend over the floor to the foot of the line, smoothed Muon almost straight to the "
        f"same foot; their ends are less than {max(ends[:2]):.0e} from it. Adam rises from the "
        f"floor and meets the line {ends[2]:.2f} above the foot."
    )
    return Picture([Panel(_draw_roads, alt, (360, 260), axes=False)])
