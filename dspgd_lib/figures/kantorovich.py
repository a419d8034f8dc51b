"""The cone of all steps that a sector allows, the price of a perfect fit, and three constants."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib import show
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.controls import Slider
from dspgd_lib.figures.destinations import (
    DISC,
    DOT,
    drawn,
    ends,
    example,
    look_of_gd,
    seen,
    tangent,
)
from dspgd_lib.figures.destinations import adams as adam_ends
from dspgd_lib.figures.explorer import Explorer, Frame
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import circle
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD, look
from dspgd_lib.potentials import Hypentropy, Quadratic
from dspgd_lib.preconditioners import Adam, SmoothedSign
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd
from dspgd_lib.theory import Start

# ------------------------------------------------------------------------------------- the cone

SPREADS = [float(f"{q:.3g}") for q in np.geomspace(1.5, 16.0, 129)]
RUNS, TALL = 60, (360, 400)


def _draw_cone(ax: Any) -> None:
    ax.plot([1, 1], [-3, 3], color=MANIFOLD, lw=3)
    ax.plot([0, 2.6], [0, 0], color=FAINT, lw=0.8)
    ax.plot(0, 0, "o", color=INK, ms=6)
    ax.annotate("0", (0, 0), (-4, -15), textcoords="offset points", ha="center")
    ax.annotate("ray of $V$", (2.4, 0), (0, -15), textcoords="offset points", ha="right")
    ax.text(0.94, -1.4, "perfect fits", color=MANIFOLD, ha="right")
    ax.set(xlim=(-0.35, 2.45), ylim=(-1.45, 2.05), aspect="equal", xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set(title="all steps that the sector allows")
    ax.grid(visible=False)


def _draw_screen(ax: Any) -> None:
    ax.set(xlim=(-2.0, 2.0), ylim=(-2.3, 2.3), aspect="equal", title="where runs end")


@cache
def clouds() -> np.ndarray:
    """Return where random quadratic K end, for each stop of the slider.

    Returns
    -------
    array of shape (129, 60, 2)

    Examples
    --------
    >>> clouds().shape
    (129, 60, 2)
    """
    return np.array([_cloud(spread) for spread in SPREADS])


def _cloud(spread: float) -> np.ndarray:
    return seen(ends(*example(), drawn(spread, RUNS, seed=1)))


def _cone_frame(spread: float) -> Frame:
    tan = float(tangent(spread))
    phi = float(np.arctan(tan))
    touch = np.cos(phi) * np.array([np.cos(phi), np.sin(phi)])
    far = min(2.6, 2.2 / tan)  # the edges end just outside the panel, so that both are whole
    rise = far * tan
    arc = np.linspace(0, phi, 9)
    marks: list[Mark] = [
        Band(
            [(0, 0), (far, rise), (2.6, rise), (2.6, -rise), (far, -rise)],
            DISC,
            opacity=0.09,
            every=True,
        ),
        Line([(far, -rise), (0, 0), (far, rise)], DISC, 1.4, every=True),
        Line(circle((1.0, 0.0), np.sin(phi), count=72), DOT, 2.4, every=True),
        Line([(0, 0), touch], INK, 2.2),
        Line([(1, tan), (1, -tan)], DISC, 4.0),
        Dots([(1 - np.sin(phi), 0), (1 + np.sin(phi), 0)], DOT, "o", 4.0, gap=0),
        Dots(touch, INK, "o", 4.5),
        Dots((1.0, 0.0), look_of_gd().color, "o", 5.5),
        Text((1 - np.sin(phi), 0.0), "mV", DOT, (2, -16), "middle"),
        Text((1 + np.sin(phi), 0.0), "βV", DOT, (5, 7)),
        Text(0.6 * touch, "√(mβ)‖V‖", INK, (-7, 6), "end"),
        Text((1.0, tan), "tan φ", DISC, (9, 4), bold=True),
        Line(np.transpose([0.2 * np.cos(arc), 0.2 * np.sin(arc)]), DISC, 1.4, every=True),
        Text(0.2 * np.array([np.cos(phi / 2), np.sin(phi / 2)]), "φ", DISC, (3, -2), bold=True),
    ]
    points = clouds()[SPREADS.index(spread)] if spread in SPREADS else _cloud(spread)
    style, adam = look(Adam(1.0)), adam_ends(1.0 / (spread - 1.0))
    screen: list[Mark] = [
        Band(circle(radius=tan, count=72), DISC, opacity=0.09, every=True),
        Line(circle(radius=tan, count=72), DISC, 2.0, every=True),
        Dots(points, DOT, "o", 2.8, gap=0),
        Dots((0.0, 0.0), look_of_gd().color, "o", 5.5),
        Dots(adam, style.color, style.marker, 5.5),
        Text((0.0, 0.0), "GD", look_of_gd().color, (-8, 8), "end", bold=True),
        Text(adam, "Adam", style.color, (9, -4), bold=True),
    ]
    caption = (
        f"β/m = {spread:.3g}: steps turn by at most φ = <b>{np.degrees(phi):.0f}°</b>, and ends "
        f"fill a disc of radius tan φ = <b>{tan:.3g}</b>, in units of GD's way."
    )
    most = float(np.linalg.norm(points, axis=1).max())
    alts = [
        f"A circle about a point of the ray of V, seen from 0 in a cone of half angle "
        f"{np.degrees(phi):.0f} degrees; the cone cuts a line at {tan:.3g} times its distance.",
        f"A disc of radius {tan:.3g} with {RUNS} ends of quadratic K, the farthest at {most:.3g}, "
        f"and Adam's end at {np.linalg.norm(adam):.2g}.",
    ]
    return Frame([marks, screen], alts, caption)


def cone() -> Explorer:
    """Return the cone of a sector and the disc that it cuts from the perfect fits; slider β/m.

    Returns
    -------
    Explorer
        Two panels, 129 stops.

    Examples
    --------
    >>> cone().stops
    129
    """
    panels = [
        Panel(_draw_cone, "A ray from 0 and an upright line at a right angle to it.", TALL),
        Panel(_draw_screen, "The plane of perfect fits, in units of GD's way.", TALL),
    ]
    start = int(np.argmin(np.abs(np.log(np.array(SPREADS) / 6.0))))
    slider = Slider("spread", "sector β/m", SPREADS, start=start)
    return Explorer(panels, _cone_frame, [slider], "Kantorovich's cone")


# ------------------------------------------------------------------------------------ the price


def built(way: np.ndarray, detour: np.ndarray) -> np.ndarray:
    """Return the cheapest symmetric matrix whose run ends at the detour from GD's end.

    Parameters
    ----------
    way : array of shape (d,)
        W_GD − W_0, not 0.
    detour : array of shape (d,)
        W_∞ − W_GD, in the null space of the data.

    Returns
    -------
    array of shape (d, d)
        Its eigenvalues are √(1 + ρ²) + ρ and, once, √(1 + ρ²) − ρ.

    Examples
    --------
    >>> A = built(np.array([1.0, 0.0]), np.array([0.0, 0.75]))
    >>> np.linalg.eigvalsh(A).round(9).tolist(), (A @ [1.25, 0.0]).round(9).tolist()
    ([0.5, 2.0], [1.0, 0.75])
    """
    size = np.linalg.norm
    rho = size(detour) / size(way)
    middle, eye = np.sqrt(1 + rho * rho), np.eye(len(way))
    if rho == 0:
        return eye
    turned = detour / size(way) - rho * rho * way / size(way)
    across = way / size(way) - turned / size(turned)
    mirror = eye - 2 * np.outer(across, across) / (across @ across)
    return np.asarray(middle * eye + rho * mirror)


def least_price(rho: Any) -> Any:
    """Return β/m of the cheapest quadratic K that ends ρ of GD's ways from GD's end.

    Parameters
    ----------
    rho : float or array
        The distance.

    Returns
    -------
    float or array

    Examples
    --------
    >>> float(least_price(0.75))
    4.0
    """
    return np.square(rho + np.sqrt(1 + np.square(rho)))


@cache
def prices(count: int = 25, seed: int = 3) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return distances ρ and β/m, of matrices built for random fits and of random matrices.

    Parameters
    ----------
    count, seed : int
        How many of each, on random data of random sizes, and of which generator.

    Returns
    -------
    dict of pairs of arrays of shape (count,)
        The distances are those of the ends that the matrices have.

    Examples
    --------
    >>> list(prices(3))
    ['built for it', 'random matrices']
    """
    rng = np.random.default_rng(seed)
    found: dict[str, list[tuple[float, float]]] = {"built for it": [], "random matrices": []}
    for rho in np.geomspace(0.03, 10.0, count):
        n = int(rng.integers(1, 5))
        d = n + int(rng.integers(1, 4))
        problem = Problem(rng.standard_normal((n, d)), rng.standard_normal((n, 1)))
        W0 = rng.standard_normal((d, 1))
        foot, wish = problem.project(W0), problem.project(rng.standard_normal((d, 1)))
        way = np.linalg.norm(W0 - foot)
        detour = (wish - foot) / np.linalg.norm(wish - foot) * rho * way
        axes = np.linalg.qr(rng.standard_normal((d, d)))[0]
        at_random = axes * 10.0 ** rng.uniform(0.0, 3 * rng.uniform(), d) @ axes.T
        for name, A in zip(found, (built((foot - W0)[:, 0], detour[:, 0]), at_random), strict=True):
            low, *_, high = np.linalg.eigvalsh(A)
            apart = np.linalg.norm(ends(problem, W0, A) - foot) / way
            found[name].append((float(apart), float(high / low)))
    return {name: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for name, pairs in found.items()}


def price() -> Picture:
    """Return what the ends of quadratic K cost, β/m over the distance, with the least price.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> "attains its bound" in repr(price())
    True
    """
    found = prices()
    return show.bound(
        {name: rho for name, (rho, _) in found.items()},
        {name: cost for name, (_, cost) in found.items()},
        dict.fromkeys(found, least_price),
        x_label="distance ρ from GD's end, in GD's ways",
        y_label="price β/m",
        title="the price of a perfect fit",
        below=False,
        scales="log-log",
        names=("paid", "least price"),
        size=(360, 300),
    )


# ---------------------------------------------------------------------------------- three constants

OTHERS = {"Adam": Adam, "smoothed sign": SmoothedSign, "hypentropy": Hypentropy}


@cache
def attained() -> tuple[np.ndarray, np.ndarray]:
    """Return β/m, and the distance over √(2L/μ), of runs of quadratic K on one example.

    Returns
    -------
    pair of arrays of shape (9,)

    Examples
    --------
    >>> spread, factor = attained()
    >>> bool(np.allclose(factor, tangent(spread), rtol=1e-5))
    True
    """
    problem, W0 = example()
    foot, spreads, factors = problem.project(W0), [], []
    up = np.array([problem.X[0, 1], -problem.X[0, 0], 0.0])
    for rho in np.geomspace(0.1, 5.0, 9):
        A = built((foot - W0)[:, 0], rho * up / np.linalg.norm(up))
        K = Quadratic(A)
        run = dspgd(problem, K, W0, 1 / (K.smoothness * problem.M), tol=1e-8)
        start = Start(problem, K, W0)
        spreads.append(float(start.spread) ** 2)
        factors.append(float(np.linalg.norm(problem.project(run.W) - foot) / start.length))
    return np.array(spreads), np.array(factors)


@cache
def others(count: int = 9, seed: int = 5) -> dict[str, np.ndarray]:
    """Return β/m, and the distance over √(2L/μ), of runs of K that are not quadratic.

    Parameters
    ----------
    count, seed : int
        How many of each kind, on random data, and of which generator.

    Returns
    -------
    dict of arrays of shape (count, 2)

    Examples
    --------
    >>> list(others(1))
    ['Adam', 'smoothed sign', 'hypentropy']
    """
    rng, found = np.random.default_rng(seed), {}
    for name, kind in OTHERS.items():
        rows = []
        for share in np.geomspace(0.02, 3.0, count):
            n = int(rng.integers(1, 4))
            problem = Problem(rng.standard_normal((n, n + 2)), rng.standard_normal((n, 1)))
            W0 = rng.standard_normal((n + 2, 1))
            K = kind(share * float(np.linalg.norm(problem.gradient(W0))))
            start = Start(problem, K, W0)
            run = dspgd(problem, K, W0, float(start.max_learning_rate), tol=1e-4)
            apart = np.linalg.norm(problem.project(run.W) - problem.project(W0))
            rows.append((float(start.spread) ** 2, float(apart / start.length)))
        found[name] = np.array(rows)
    return found


def _draw_constants(ax: Any) -> None:
    q = np.geomspace(1.01, 1000, 120)
    curves = (("β/m − 1", q - 1, "#8a5a00"), ("√(β/m) − 1", np.sqrt(q) - 1, "#5b3e96"))
    for _, curve, color in curves:
        ax.loglog(q, curve, color=color, lw=1.8)
    ax.loglog(q, tangent(q), color=BOUND, lw=2.2)
    ax.loglog(q, 0.5 * tangent(q), color=BOUND, lw=1, ls=(0, (4, 3)))
    named = {name: (rows.T, look(OTHERS[name](1.0))) for name, rows in others().items()}
    named["quadratic, built"] = (np.array(attained()), look(Quadratic(np.eye(1))))
    for i, (name, (dots, style)) in enumerate(named.items()):
        mark: dict[str, Any] = {"color": style.color, "mec": "white", "mew": 0.5}
        ax.plot(*dots, style.marker, ms=9 if style.marker == "*" else 6.5, **mark)
        height = 1.35e-3 * 2.0**i
        ax.plot(72, 1.15 * height, style.marker, ms=9 if style.marker == "*" else 6.5, **mark)
        ax.text(92, height, name, color=style.color, weight="bold")
    ax.set(xlim=(1.1, 1000), ylim=(1e-3, 300), xlabel=r"$\beta/m$")
    ax.set(title=r"distance over √(2$L(W_0)/\mu$)")
    ax.text(1.25, 90, "β/m − 1 (paper)", color="#8a5a00", weight="bold")
    ax.text(900, 45, "√(β/m) − 1", color="#5b3e96", ha="right", weight="bold")
    ax.text(900, 0.75, "tan φ; dashed: half", color=BOUND, ha="right", weight="bold")


def constants() -> Picture:
    """Return three constants over β/m, with runs that attain the least and others below it.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> len(constants().panels)
    1
    """
    most = max(float((rows[:, 1] / tangent(rows[:, 0])).max()) for rows in others().values())
    alt = (
        "Three rising curves over β/m; crosses of quadratic K lie on the lowest, tan φ. Runs of "
        f"Adam, smoothed sign and hypentropy stay below {most:.2f} of it."
    )
    return Picture([Panel(_draw_constants, alt, (360, 320))])
