"""The landing page: one start, four optimizers, two destinations."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dspgd_lib.figures.backgrounds import draw_ground
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, number
from dspgd_lib.figures.space import Camera, Floor
from dspgd_lib.plotting import INK, MANIFOLD, Look, look
from dspgd_lib.preconditioners import Adam, GradientClipping, GradientDescent, NormalizedGD
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep

SMOOTHING = [float(f"{eps:.3g}") for eps in np.geomspace(0.03, 30, 181)]
FAN = np.array([0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0])  # flights that are always seen
NEW_EXAMPLE = np.array([0.5, 0.5, -1.0])
FRACTION = 0.1  # of the guaranteed learning rate: small steps, so that the roads are smooth
TOLERANCE = 1e-4  # of the weights: a hundredth of a pixel
TICKS = 6
NEARLY = 0.02  # of the way is left at the last tick
LANES = (-0.042, 0.0, 0.042)
SEEN = Camera(turn=198, tilt=27, strength=0.06)
FLOOR = (-0.7, 2.75), (-1.25, 1.0)  # along and across
TALL = 2.35  # how far up the line is drawn


@cache
def problem() -> tuple[Problem, np.ndarray]:
    """Return the pictured problem, two data points in three dimensions, and the start W_0."""
    X = np.array([[0.4, -1.8, -0.3], [0.0, -1.2, -1.1]])
    Y = np.array([[0.3], [-1.2]])
    return Problem(X, Y), np.array([[0.6], [2.6], [1.0]])


@cache
def room() -> Floor:
    """Return axes: along the floor from the GD limit to the start, across it, up along the fits.

    Returns
    -------
    Floor
        Three axes; the origin is the limit of gradient descent.

    Examples
    --------
    >>> bool(abs(room().coordinates(problem()[1][:, 0])[1:]).max() < 1e-12)
    True
    """
    data, W0 = problem()
    goal, up = data.project(W0)[:, 0], np.cross(*data.X)
    along = W0[:, 0] - goal
    return Floor.along(goal, along, np.cross(along, up), up)


def _coordinates(W: np.ndarray) -> np.ndarray:
    """Coordinates in the room, of shape (..., 3), of weights of shape (..., 3, 1)."""
    return room().coordinates(W[..., 0])


class Way(NamedTuple):
    """A run as it is drawn: its look, its iterates in the room, its end, what it predicts."""

    style: Look
    path: np.ndarray
    predicts: float

    @property
    def end(self) -> np.ndarray:
        """The last iterate, in the room."""
        return self.path[-1]


def _all(K: Any, count: int) -> list[Way]:
    """Return the runs of a grid of preconditioners, made side by side."""
    data, W0 = problem()
    runs = sweep(
        data, K, np.repeat(W0[None], count, axis=0),
        lambda start: FRACTION * start.max_learning_rate, tol=TOLERANCE, record=("W",),
    )  # fmt: skip
    paths, says = _coordinates(runs.history["W"]), (NEW_EXAMPLE @ runs.W)[:, 0]
    ended = zip(runs.steps, says, strict=True)
    return [Way(look(K), paths[: steps + 1, i], y) for i, (steps, y) in enumerate(ended)]


def _ways(eps: np.ndarray) -> list[tuple[Way, ...]]:
    """Return the four runs for each ε."""
    descent = _all(GradientDescent(), 1) * len(eps)
    others = [_all(kind(eps), len(eps)) for kind in (NormalizedGD, GradientClipping, Adam)]
    return list(zip(descent, *others, strict=True))


_runs = Batch(_ways, SMOOTHING)
_fan = cache(lambda: _all(Adam(FAN), len(FAN)))


def _draw_room(ax: Any) -> None:
    draw_ground(ax, SEEN, *FLOOR)
    for low, high, alpha in ((0, TALL, 1), (-0.4, 0, 0.25)):
        ax.plot(*SEEN.see([(0, 0, low), (0, 0, high)]).T, color=MANIFOLD, lw=5, alpha=alpha)
    beside: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
    words = "each point of this line\nfits both examples"
    ax.annotate(words, SEEN.see((0, 0, TALL)), (-9, -10), color=MANIFOLD, ha="right", **beside)
    start = SEEN.see(_coordinates(problem()[1]))
    ax.annotate("start", start, (3, -13), weight="bold", ha="right", **beside)
    color = look(Adam(1.0)).color
    beside |= {"color": color, "ha": "left"}
    for eps, flight in zip(FAN, _fan(), strict=True):
        ax.plot(*SEEN.see(_even(flight.path)).T, color=color, lw=1, alpha=0.3)
        if 0.1 <= eps <= 10:
            at = SEEN.see(flight.end)
            ax.plot(*at, marker=1, ms=6, color=color)
            ax.annotate(f"ε = {eps:g}" if eps == 0.1 else f"{eps:g}", at, (11, 0), **beside)
    ax.annotate("ε → ∞", SEEN.see((0, 0)), (11, 0), **beside)
    ax.set(xlim=(-3.02, 1.77), ylim=(-0.87, 2.4), aspect="equal")


def _frame(eps: float) -> Frame:
    *floor, adam = _runs(eps)
    foot, top, color = SEEN.see((0, 0)), SEEN.see(adam.end), adam.style.color
    road, flight = _even(floor[0].path), _even(adam.path)
    x, y = SEEN.see(flight).T
    middle = np.interp(adam.end[2], (0.5, 1.4), (-1.15, -1.45))  # of its name, over the flight
    over = np.array([middle, y[np.abs(x - middle) < 0.75].max()])
    marks: list[Mark] = [Line(SEEN.see(_comb(flight)), "#a79c88", 1.2)]  # its shadow
    for lane, way in zip(LANES, floor, strict=True):
        marks += _drawn(way, road, lane)
    marks += _drawn(adam, flight, 0.0)
    marks += [
        Dots(SEEN.see(_coordinates(problem()[1])), INK, "o", 6),
        Dots(foot, INK, "o", 7),
        Dots(top, color, "D", 7),
        Text(over, "Adam (no averages)", color, (0, 8), "middle", bold=True),
    ]
    marks += [
        Text(foot, way.style.name, way.style.color, (10, -24 - 15 * line), bold=True)
        for line, way in enumerate(floor)
    ]
    others, adams = (number(way.predicts, "+.2f") for way in (floor[0], adam))
    caption = (
        f"Asked about a new example, Adam answers <b>{adams}</b>, the other three <b>{others}</b>."
    )
    alt = (
        f"ε = {eps:.3g}: three optimizers share a curved road on the floor to the foot of the "
        f"line. Adam flies over it and meets the line {abs(adam.end[2]):.1f} higher."
    )
    return Frame([marks], [alt], caption)


def _walked(path: np.ndarray) -> np.ndarray:
    return np.r_[0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]


def _even(path: np.ndarray, count: int = 65) -> np.ndarray:
    """Return points of a path at equal distances along it."""
    walked = _walked(path)
    at = np.linspace(0, walked[-1], count)
    return np.stack([np.interp(at, walked, axis) for axis in path.T], axis=1)


def _comb(flight: np.ndarray) -> np.ndarray:
    """Return the shadow of a flight with a tooth up to the flight at every ninth point."""
    points = []
    for i, point in enumerate(flight):
        ground = point * (1, 1, 0)
        points += [ground, point, ground] if 0 < i < 60 and i % 9 == 0 else [ground]
    return np.array(points)


def _drawn(way: Way, road: np.ndarray, lane: float) -> list[Mark]:
    """Return a road with markers after equal numbers of the steps that a way takes on it.

    The three ways on the floor share one road, up to less than half a pixel.
    """
    style, path = way.style, way.path
    left = np.linalg.norm(path - path[-1], axis=1) / np.linalg.norm(path[0] - path[-1])
    ticks = np.linspace(0, np.argmax(left < NEARLY), TICKS + 1).astype(int)[1:]
    seen, walked = _beside(SEEN.see(road), lane), _walked(path)
    at = np.linspace(0, walked[-1], len(seen))
    marked = np.stack([np.interp(walked[ticks], at, axis) for axis in seen.T], axis=1)
    return [Line(seen, style.color, 3.2), Dots(marked, style.color, style.marker, 4)]


def _beside(road: np.ndarray, lane: float) -> np.ndarray:
    """Move a road sideways, so that equal roads stay visible; its two ends stay put."""
    along = np.gradient(road, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-300)[:, None]
    walked = _walked(road)
    taper = np.clip(np.minimum(walked, walked[-1] - walked) / 0.15, 0, 1)
    return road + (lane * taper)[:, None] * np.c_[along[:, 1], -along[:, 0]]


def which_solution() -> Explorer:
    """Return the landing figure: four optimizers from one start, a slider for the smoothing ε.

    Returns
    -------
    Explorer
        One panel, 181 stops.

    Examples
    --------
    >>> which_solution().stops
    181
    """
    room = Panel(
        _draw_room,
        "A floor seen in perspective: the start plus the row space of the data. An upright line "
        "stands on it: all weights that fit the data perfectly.",
        (360, 246),
        axes=False,
    )
    controls = [Slider("eps", "smoothing ε", SMOOTHING, start=SMOOTHING.index(0.3))]
    return Explorer([room], _frame, controls, "Which solution does your optimizer find?")
