"""The tangent of the angle between a gradient and its step, and the bounds that it gives."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib import show
from dspgd_lib.figures import landing
from dspgd_lib.figures.backgrounds import draw_ground
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.controls import Slider
from dspgd_lib.figures.destinations import tangent
from dspgd_lib.figures.explorer import Explorer, Frame
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.space import Camera
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD, look
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd
from dspgd_lib.theory import (
    Start,
    angle_distance_bound,
    energy_distance_bound,
    sector_distance_bound,
)

ADAM, GD = look(Adam(1.0)), look(GradientDescent())
WIDE = (360, 300)

# ---------------------------------------------------------------------------------- the triangle

SEEN = Camera(turn=198, tilt=27, strength=0.06)


@cache
def lifted(eps: float = 0.1) -> np.ndarray:
    """Return a run of Adam in the room of the landing page: along, across and above the floor.

    Parameters
    ----------
    eps : float
        Smoothing.

    Returns
    -------
    array of shape (steps + 1, 3)
        GD ends at the origin, the perfect fits are the points (0, 0, h).

    Examples
    --------
    >>> bool(lifted()[-1, 2] > 1.0)
    True
    """
    data, W0 = landing.problem()
    eta = 0.2 * eps / data.M
    run = dspgd(data, Adam(eps), W0, eta, tol=1e-6, max_steps=20_000, record=("W",))
    return landing.room().coordinates(run.history["W"][..., 0])


def _draw_triangle(ax: Any) -> None:
    road = lifted()
    start, foot, top = road[0], np.zeros(3), road[-1]
    draw_ground(ax, SEEN, (-0.7, 2.75), (-1.25, 1.0))
    seen = SEEN.see([start, foot, top])
    ax.fill(*seen.T, color="#f4dcea", zorder=1)
    for low, high, alpha in ((0, 2.2, 1.0), (-0.4, 0, 0.25)):
        ax.plot(*SEEN.see([(0, 0, low), (0, 0, high)]).T, color=MANIFOLD, lw=4.5, alpha=alpha)
    ax.plot(*SEEN.see([start, foot]).T, color=GD.color, lw=2.4)
    ax.plot(*SEEN.see([start, top]).T, color=INK, lw=1.4, ls=(0, (4, 3)))
    ax.plot(*SEEN.see([foot, top]).T, color=ADAM.color, lw=2.4)
    ax.plot(*SEEN.see(road).T, color=ADAM.color, lw=1.6)
    corner = SEEN.see([(0.22, 0, 0), (0.22, 0, 0.22), (0, 0, 0.22)])
    ax.plot(*corner.T, color=INK, lw=1.2)
    ax.plot(*seen[0], "o", color=INK, ms=7)
    ax.plot(*seen[1], GD.marker, color=GD.color, ms=8, mec="white")
    ax.plot(*seen[2], ADAM.marker, color=ADAM.color, ms=7, mec="white")
    beside: dict[str, Any] = {"textcoords": "offset points", "weight": "bold"}
    ax.annotate("$W_0$", seen[0], (-2, -17), ha="center", **beside)
    ax.annotate("$W_{GD}$", seen[1], (11, -6), color=GD.color, **beside)
    ax.annotate(r"$W_\infty$", seen[2], (11, -4), color=ADAM.color, **beside)
    way, up = start[0], top[2]
    middle = SEEN.see((0.5 * way, 0, 0))
    ax.annotate(f"GD's way, {way:.2f}", middle, (6, -15), color=GD.color, ha="center", **beside)
    side = SEEN.see((0, 0, 0.55 * up))
    ax.annotate(f"{up:.2f}", side, (11, 0), color=ADAM.color, **beside)
    words = f"slope {up / way:.2f}"
    ax.annotate(words, SEEN.see((0.62 * way, 0, 0.1 * up)), (0, 0), ha="center", **beside)
    ax.set(xlim=(-3.02, 1.2), ylim=(-0.87, 2.25), aspect="equal")


def triangle() -> Picture:
    """Return the right triangle of start, GD's end and the end of a run of Adam.

    Returns
    -------
    Picture
        One panel in perspective: two examples, three weights.

    Examples
    --------
    >>> len(triangle().panels)
    1
    """
    road = lifted()
    way, up = road[0, 0], road[-1, 2]
    alt = (
        "A floor in perspective with an upright line of perfect fits. From the start a straight "
        f"leg of length {way:.2f} leads over the floor to GD's end, the foot of the line; the "
        f"other leg, {up:.2f} long, goes up the line to where Adam ends. The angle is right."
    )
    return Picture([Panel(_draw_triangle, alt, (360, 270), axes=False)])


# ------------------------------------------------------------------------------ turns on the way

EPSILONS = [float(f"{eps:.3g}") for eps in np.geomspace(0.01, 30, 121)]
STEPS, DEEP = 900, 9.0  # of a flow over ln √L, and how far that falls
LEVELS = np.linspace(0, 1, 65)  # of √(L/L(W_0)), where the tangent is drawn


def flows(problem: Problem, K: Any, W0: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Follow the flows of a grid of preconditioners, with s = ln √(L(W_0)/L) in the place of time.

    Parameters
    ----------
    problem : Problem
        With the squared loss.
    K : preconditioner
        A grid of `count` of them.
    W0 : array of shape (d, 1)
        The start of all.
    count : int
        How many.

    Returns
    -------
    W : array of shape (STEPS + 1, count, d, 1)
        Fourth-order Runge–Kutta; √L falls to e^(−DEEP) of its first value.
    tangents : array of shape (STEPS + 1, count)
        Of the angles between gradient and velocity.

    Examples
    --------
    >>> problem, W0 = landing.problem()
    >>> W, tangents = flows(problem, Adam(np.array([1.0])), W0, 1)
    >>> bool(problem.loss_value(W[-1, 0]) < 1e-6)
    True
    """

    def slope(W: np.ndarray) -> np.ndarray:
        V = problem.gradient(W)
        S = K.gradient(V)
        pays = np.sum(S * V, axis=(-2, -1), keepdims=True)
        return -2 * problem.loss_value(W)[..., None, None] / pays * S

    h, W = DEEP / STEPS, np.repeat(W0[None], count, axis=0)
    path = [W]
    for _ in range(STEPS):
        a = slope(W)
        b = slope(W + 0.5 * h * a)
        c = slope(W + 0.5 * h * b)
        W = W + h / 6 * (a + 2 * b + 2 * c + slope(W + h * c))
        path.append(W)
    whole = np.array(path)
    V = problem.gradient(whole)
    S = np.array([K.gradient(v) for v in V])
    along = np.sum(S * V, axis=(-2, -1))
    across = np.sum(S * S, axis=(-2, -1)) * np.sum(V * V, axis=(-2, -1)) - along**2
    return whole, np.sqrt(np.maximum(across, 0)) / along


def _turns(eps: np.ndarray) -> list[tuple[np.ndarray, float, float, float]]:
    """Return for each ε the tangents at LEVELS, area, distance, and what the sector allows.

    The last three are in the units of √(2L(W_0)/μ).
    """
    problem, W0 = landing.problem()
    W, tangents = flows(problem, Adam(eps), W0, len(eps))
    level = np.sqrt(problem.loss_value(W) / problem.loss_value(W0))
    start = Start(problem, Adam(eps), np.repeat(W0[None], len(eps), axis=0))
    ends = problem.project(W[-1]) - problem.project(W0)
    far = np.linalg.norm(ends, axis=(-2, -1)) / start.length
    area = -np.trapezoid(tangents, level, axis=0)
    most, found = tangent(np.square(start.spread)), []
    for i in range(len(eps)):
        curve = np.interp(LEVELS, level[::-1, i], tangents[::-1, i])
        found.append((curve, float(area[i]), float(far[i]), float(most[i])))
    return found


turns = Batch(_turns, EPSILONS)


def _draw_turns(ax: Any) -> None:
    for eps in (0.01, 30.0):
        ax.plot(1 - LEVELS, turns(eps)[0], color=ADAM.color, lw=1, alpha=0.35)
    ax.set(xlim=(0, 1), ylim=(0, 1.05), title=r"tangent of the angle $\theta_t$")
    ax.set(xlabel=r"√($L/L(W_0)$), falling", xticks=[0, 0.25, 0.5, 0.75, 1])
    ax.set(xticklabels=["1", "0.75", "0.5", "0.25", "0"])


def _draw_areas(ax: Any) -> None:
    eps = np.array(EPSILONS)
    found = [turns(e) for e in eps]
    for at, color in ((3, BOUND), (1, "#00705a"), (2, ADAM.color)):
        ax.loglog(eps, [one[at] for one in found], color=color, lw=2)
    ax.set(xlim=(0.01, 30), ylim=(3e-3, 30), xlabel=r"$\varepsilon$")
    ax.set(title=r"distance over √(2$L(W_0)/\mu$)")
    ax.text(0.35, 7.5, "the sector, tan φ", color=BOUND, weight="bold")
    ax.text(0.6, 1.15, "area", color="#00705a", weight="bold")
    ax.text(0.013, 0.09, "measured", color=ADAM.color, weight="bold")


def _turned_frame(eps: float) -> Frame:
    curve, area, far, most = turns(eps)
    top = np.c_[1 - LEVELS, curve]
    under = np.vstack([top, [(0.0, 0.0), (1.0, 0.0)]])
    marks: list[Mark] = [
        Band(under, "#00705a", opacity=0.12, every=True),
        Line(top, ADAM.color, 2.4, every=True),
        Text((0.05, 0.0), f"area {area:.2g}", "#00705a", (0, 9), bold=True),
    ]
    dots: list[Mark] = [
        Line([(eps, 3e-3), (eps, most)], FAINT, 1.0),
        Dots((eps, most), BOUND, "o", 4.5),
        Dots((eps, area), "#00705a", "o", 4.5),
        Dots((eps, far), ADAM.color, ADAM.marker, 5.5),
    ]
    caption = (
        f"ε = {eps:.3g}: the flow ends <b>{far:.2g}</b> from GD's end, in units of "
        f"√(2L(W₀)/μ); the area allows {area:.2g}, the sector {most:.3g}."
    )
    alts = [
        f"The tangent of Adam's angle begins at {curve[-1]:.2g} and ends at {curve[0]:.2g} as the "
        f"loss falls to zero; at most {curve.max():.2g}. The area below is {area:.2g}.",
        f"Over ε three falling curves: sector {most:.3g}, area {area:.2g}, measured {far:.2g}.",
    ]
    return Frame([marks, dots], alts, caption)


def turned() -> Explorer:
    """Return the tangent of Adam's angle over √L, the area below it, and what it bounds.

    Returns
    -------
    Explorer
        Two panels, 121 stops.

    Examples
    --------
    >>> turned().stops
    121
    """
    panels = [
        Panel(_draw_turns, "Two faint curves, of the least and the largest ε.", WIDE),
        Panel(_draw_areas, "Three curves over ε that fall: sector, area, measured.", WIDE),
    ]
    start = min(range(len(EPSILONS)), key=lambda i: abs(np.log(EPSILONS[i] / 0.5)))
    slider = Slider("eps", "smoothing ε", EPSILONS, start=start)
    return Explorer(panels, _turned_frame, [slider], "The tangent of the angle along a flow")


# ------------------------------------------------------------------------------ outside the ball


@cache
def outside(steps: int = 400) -> dict[str, np.ndarray]:
    """Return the way of a quadratic rule and of one with a kink: floor, height and J of each step.

    Parameters
    ----------
    steps : int
        With η = 1/(βM) = 1/36; the examples are (2, 1, 0) and (1, 2, 0), with labels 0.

    Returns
    -------
    dict of arrays of shape (steps + 1, 3)
        Distance to go in the row space, distance from it, and J, which the first rule keeps.

    Examples
    --------
    >>> {name: round(float(rows[-1, 1]), 4) for name, rows in outside(2000).items()}
    {'quadratic': 0.75, 'one kink': 0.8554}
    """
    b, c = np.array([-2.0, 6, -1]) / np.sqrt(41), np.array([1.0, 0, -2]) / np.sqrt(5)
    X, found = np.array([[2.0, 1, 0], [1, 2, 0]]), {}
    for name, kink in (("quadratic", 0.0), ("one kink", 3.0)):
        W, rows = np.array([1.0, 0, 0]), []
        for _ in range(steps + 1):
            V = X.T @ (X @ W)
            rows.append((float(np.hypot(W[0], W[1])), float(W[2]), float(0.75 * W[0] + W[2])))
            W = W - (V + 3 * c * (c @ V) + kink * b * max(b @ V, 0.0)) / 36
        found[name] = np.array(rows)
    return found


KINK = "#5b3e96"


def past_the_rim() -> Picture:
    """Return two runs to the upright line, one that ends on the rim of the ball and one above it.

    Returns
    -------
    Picture
        Two panels: height over what is left in the floor, and J over the steps.

    Examples
    --------
    >>> len(past_the_rim().panels)
    2
    """
    colors = {"quadratic": "#00705a", "one kink": KINK}

    def draw_way(ax: Any) -> None:
        ax.axvline(0, color=MANIFOLD, lw=4)
        ax.plot([0, 1], [0.75, 0.75], color=BOUND, lw=1.6)
        for name, rows in outside().items():
            ax.plot(rows[:, 0], rows[:, 1], ".-", color=colors[name], lw=1.8, ms=5)
            ax.plot(0, rows[-1, 1], "o", color=colors[name], ms=7, mec="white", clip_on=False)
        ax.plot(1, 0, "o", color=INK, ms=6)
        ax.text(0.98, 0.77, "rim of the ball, ¾", color=BOUND, weight="bold")
        ax.text(0.1, 0.86, "one kink", color=KINK, ha="right", weight="bold")
        ax.text(0.06, 0.55, "quadratic", color="#00705a", ha="right", weight="bold")
        ax.set(xlim=(1.06, -0.04), ylim=(-0.03, 0.95), title="height above the floor")
        ax.set(xlabel="what is left to go in the floor")

    def draw_book(ax: Any) -> None:
        for name, rows in outside().items():
            ax.plot(np.arange(13), rows[:13, 2], ".-", color=colors[name], lw=2)
        ax.text(3, 0.866, "one kink", color=KINK, weight="bold")
        ax.text(3, 0.757, "quadratic", color="#00705a", weight="bold")
        ax.set(xlim=(0, 12), ylim=(0.73, 0.88), xlabel="step t", title="the book $J_t$")

    first, second = (outside()[name][-1, 1] for name in ("quadratic", "one kink"))
    alts = (
        f"Two curves rise from the start, height 0, to the upright line: the quadratic rule ends "
        f"at {first:.3f}, on the rim of the ball, the one with a kink at {second:.3f}, above it.",
        f"J stays at 0.75 for the quadratic rule; with the kink it rises to {second:.3f}.",
    )
    panels = [Panel(draw_way, alts[0], WIDE), Panel(draw_book, alts[1], WIDE)]
    return Picture(panels)


# ------------------------------------------------------------------------------------- approach

SMALL = np.geomspace(1e-8, 10, 37)
DELTA = 1e-4


def approached(N: int, eps: np.ndarray, delta: float = DELTA) -> np.ndarray:
    """Return how far the smoothed sign's flow ends from GD's, for x = (1, δ, …, δ), in GD's ways.

    Parameters
    ----------
    N : int
        How many weights.
    eps : array of shape (m,)
        Smoothing; the gradient is ux with u from 1 to 0.
    delta : float
        All entries of x but one.

    Returns
    -------
    array of shape (m,)

    Examples
    --------
    >>> bool(1.95 < approached(5, np.array([1e-8]))[0] < 2.0)
    True
    """
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.r_[0.0, np.geomspace(1e-11, 1, 34)]
    half = 0.5 * np.diff(edges)[:, None]
    u = (edges[:-1, None] + half * (1 + nodes)).ravel()
    w = (half * weights).ravel()
    found = []
    for e in eps:
        big, small = u / np.hypot(u, e), delta * u / np.hypot(delta * u, e)
        along = big + (N - 1) * delta * small
        found.append([w @ (big / along), w @ (small / along)])
    way = np.array(found)
    square = 1 + (N - 1) * delta * delta
    apart = np.square(way[:, 0] - 1 / square) + (N - 1) * np.square(way[:, 1] - delta / square)
    return np.sqrt(apart * square)


def approach() -> Picture:
    """Return how the smoothed sign comes to √(N − 1) of GD's ways from GD's end as ε falls.

    Returns
    -------
    Picture
        One panel over ε.

    Examples
    --------
    >>> len(approach().panels)
    1
    """
    sizes = (2, 5, 17, 65)
    names = {N: f"{N} weights" for N in sizes}
    return show.sweep(
        SMALL,
        {names[N]: approached(N, SMALL) for N in sizes},
        {names[N]: np.full(len(SMALL), np.sqrt(N - 1.0)) for N in sizes},
        x_label="ε",
        y_label="distance from GD's end, in GD's ways",
        scales="log-linear",
        names=("measured", "√(N − 1)"),
        size=(360, 300),
    )


# ------------------------------------------------------------------------------- three bounds

SEEDS = 3
OVER = np.geomspace(1e-4, 1e3, 22)


def curvature_form(start: Start) -> np.ndarray:
    """Return (β − m)/m·√(2L(W0)/μ) with m and β the ends of the curvature of Adam on its ball.

    Parameters
    ----------
    start : Start
        K must be Adam.

    Returns
    -------
    array of shape (...)

    Examples
    --------
    >>> start = Start(Problem([[1.0, 0.0]], [0.0]), Adam(1.0), [3.0, 5.0])
    >>> float(curvature_form(start))
    45.0
    """
    ratio = np.square((start.radius + start.K.eps) / start.K.eps)
    return np.asarray((ratio - 1.0) * start.length)


@cache
def over_eps(seeds: int = SEEDS) -> dict[str, np.ndarray]:
    """Return how far Adam's flow ends from GD's end, and what is proved of it, over ε.

    Parameters
    ----------
    seeds : int
        How many random problems: n = 2, d = 20, k = 1.

    Returns
    -------
    dict of arrays of shape (seeds, 22)
        In the units of √(2L(W_0)/μ).

    Examples
    --------
    >>> list(over_eps(1))
    ['measured', 'energy', 'sector', 'angle', 'curvature']
    """
    found: dict[str, list[np.ndarray]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        problem = Problem(rng.standard_normal((2, 20)), rng.standard_normal((2, 1)))
        W0, K = rng.standard_normal((20, 1)), Adam(OVER)
        start = Start(problem, K, np.repeat(W0[None], len(OVER), axis=0))
        slow = 1e-9 * float(np.min(start.max_learning_rate))  # the flow
        W, _ = flows(problem, K, W0, len(OVER))
        apart = problem.project(W[-1]) - problem.project(W0)
        row = {
            "measured": np.linalg.norm(apart, axis=(-2, -1)),
            "energy": energy_distance_bound(start, slow),
            "sector": sector_distance_bound(start),
            "angle": angle_distance_bound(start, slow),
            "curvature": curvature_form(start),
        }
        for name, value in row.items():
            found.setdefault(name, []).append(value / start.length)
    return {name: np.array(rows) for name, rows in found.items()}


def _draw_over_eps(ax: Any, names: dict[str, tuple[str, str, tuple[float, float]]]) -> None:
    """Draw medians over seeds, each with its name at a place, and where the bounds cross."""
    found = over_eps()
    for name, (words, color, at) in names.items():
        middle = np.median(found[name], axis=0)
        if name == "measured":
            ax.fill_between(OVER, *np.quantile(found[name], (0, 1), axis=0), color="#f4dcea")
            ax.loglog(OVER, middle, ADAM.marker, color=color, ms=4.5, mec="white", mew=0.5)
        else:
            ax.loglog(OVER, middle, color=color, lw=2.2)
        ax.text(*at, words, color=color, weight="bold")
    ax.set(xlim=(OVER[0], OVER[-1]), xlabel=r"$\varepsilon$")
    ax.set(title=r"distance over √(2$L(W_0)/\mu$)")


def bounds_over_eps() -> Picture:
    """Return three bounds on where Adam ends, over seven decades of ε, and what was measured.

    Returns
    -------
    Picture
        One panel over ε.

    Examples
    --------
    >>> len(bounds_over_eps().panels)
    1
    """
    at = {
        "energy": ("energy", "#5b3e96", (1.5e-2, 1.5e3)),
        "sector": ("sector, tan φ", BOUND, (1.3e-4, 15.0)),
        "angle": ("angle, √(N − 1)", "#00705a", (2.0, 6.0)),
        "measured": ("Adam, measured", ADAM.color, (2e-4, 4e-2)),
    }

    def draw(ax: Any) -> None:
        _draw_over_eps(ax, at)
        ax.set(ylim=(1e-4, 1e5))

    found = {name: np.median(over_eps()[name], axis=0) for name in at}
    least = {name: float(found[name][0]) for name in at}
    alt = (
        f"Over ε from {OVER[0]:.0e} to {OVER[-1]:.0e} three bounds above the measured distance. "
        f"At the smallest ε the energy says {least['energy']:.2g}, the sector "
        f"{least['sector']:.3g}, the angle {least['angle']:.2g}, measured {least['measured']:.2g}. "
        "At the largest the energy is the least."
    )
    return Picture([Panel(draw, alt, (360, 320))])
