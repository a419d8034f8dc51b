"""Where optimizers meet: a floor and its foot, one step off it, and floors that are tilted."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.blocks import Separable
from dspgd_lib.figures import landing
from dspgd_lib.figures.backgrounds import draw_ground
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.explorer import Explorer, Frame, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text
from dspgd_lib.figures.space import Camera
from dspgd_lib.figures.three_roads import two_outputs
from dspgd_lib.figures.twelve import ISO, OFF, Mixed
from dspgd_lib.plotting import INK, MANIFOLD, look
from dspgd_lib.preconditioners import (
    Adam,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    SmoothedSign,
)
from dspgd_lib.profiles import Huber
from dspgd_lib.runs import dspgd
from dspgd_lib.spectral import Spectral

SEEN = Camera(turn=198, tilt=27, strength=0.06)
SECOND, HEIGHT = "#8a5a00", "#00705a"

WALKERS: dict[str, Any] = {
    "GD": GradientDescent(),
    "normalized GD": NormalizedGD(0.3),
    "clipping": GradientClipping(1.0),
    "Muon": Spectral(SmoothedSign(0.3)),
    "outputs mixed": Mixed(np.array([[1.0, 0.6], [0.6, 1.0]])),
    "Adam": Adam(0.3),
    "each entry": Separable(Huber(0.3)),
}
CLOCK = np.unique(np.geomspace(1, 1500, 190).astype(int)).astype(float).tolist()


@cache
def walks() -> dict[str, np.ndarray]:
    """Return the roads of the first output, in the coordinates of the room.

    Returns
    -------
    dict of arrays of shape (steps, 3)
        The third coordinate is the height above the floor.

    Examples
    --------
    >>> sorted(name for name, road in walks().items() if abs(road[-1, 2]) > 1e-3)
    ['Adam', 'each entry']
    """
    (data, W0), found = two_outputs(), {}
    for name, K in WALKERS.items():
        run = dspgd(data, K, W0, 0.1 / (K.smoothness * data.M), tol=1e-6, record=("W",))
        found[name] = landing.room().coordinates(run.history["W"][..., 0])
    return found


def _look(name: str) -> tuple[str, str]:
    """Return colour and marker of a walker; two have no name in the table of looks."""
    own = {"outputs mixed": ("#3E4A54", "X"), "each entry": ("#8C2D04", "*")}
    return own.get(name) or (look(WALKERS[name]).color, look(WALKERS[name]).marker)


def _draw_line(ax: Any, top: float) -> None:
    for low, high, alpha in ((0, top, 1.0), (-0.4, 0, 0.25)):
        ax.plot(*SEEN.see([(0, 0, low), (0, 0, high)]).T, color=MANIFOLD, lw=4.5, alpha=alpha)


def _draw_floor(ax: Any) -> None:
    draw_ground(ax, SEEN, (-0.7, 3.0), (-1.6, 1.4))
    _draw_line(ax, 2.0)
    for name, road in walks().items():
        if name not in ("normalized GD", "clipping"):
            ax.plot(*SEEN.see(road).T, color=_look(name)[0], lw=1.6, alpha=0.55)
    start = SEEN.see(walks()["GD"][0])
    ax.plot(*start, "o", color=INK, ms=7)
    ax.annotate("$W_0$", start, (0, -17), ha="center", textcoords="offset points")
    ax.annotate(
        "perfect fits", SEEN.see((0, 0, 2.0)), (8, -10), color=MANIFOLD, textcoords="offset points"
    )
    for name, road in walks().items():
        if abs(high := road[-1, 2]) > 1e-3:
            at, color = SEEN.see(road[-1]), _look(name)[0]
            ax.annotate(f"{high:.2f}", at, (9, -4), color=color, textcoords="offset points")
    ax.set(xlim=(-3.25, 1.3), ylim=(-1.0, 2.5), aspect="equal")


def _floor_frame(t: float) -> Frame:
    t = int(t)
    now = {name: road[min(t, len(road) - 1)] for name, road in walks().items()}
    marks: list[Mark] = []
    for i, (name, at) in enumerate(now.items()):
        if abs(at[2]) > 1e-3:
            marks.append(Line(SEEN.see([at * (1, 1, 0), at]), _look(name)[0], 1.2, "2 3"))
        color, marker = _look(name)
        y, shown = 2.3 - 0.21 * i, "smoothed Muon" if name == "Muon" else name
        marks.append(Dots(SEEN.see(at), color, marker, 5.5))
        marks.append(Dots((-3.13, y + 0.05), color, marker, 4.5))
        marks.append(Text((-3.0, y), shown, color, (0, 0), bold=True))
    high = ", ".join(
        f"{name} {at[2]:.2f} above it (in the end {walks()[name][-1, 2]:.2f})"
        for name, at in now.items()
        if abs(walks()[name][-1, 2]) > 1e-3
    )
    left = np.linalg.norm(now["GD"]) / np.linalg.norm(walks()["GD"][0])
    said = f"After step {t}: five are on the floor, {high}."
    return Frame([marks], [f"{said} GD has {left:.1%} of its distance left."], said)


def floor() -> Explorer:
    """Return seven optimizers on their way: five on the floor, two above it.

    Each has a tenth of its largest learning rate, 1/(βM), and all have made the same number of
    steps.

    Returns
    -------
    Explorer
        A slider for the number of steps.

    Examples
    --------
    >>> 120 <= floor().stops <= 160
    True
    """
    alt = "A floor in perspective, an upright line of perfect fits on it, and seven roads."
    start = int(np.searchsorted(CLOCK, 120))
    return Explorer(
        [Panel(_draw_floor, alt, (360, 300), axes=False)],
        _floor_frame,
        [Slider("t", "steps", CLOCK, start, form="{:.0f}")],
        "roads on and off the floor",
    )


# ------------------------------------------------------------------------------- one step

# GD's rate is PACE/M; the odd step is TIMES as long as (3) allows Adam, so that it can be seen.
PACE, TIMES, EPS, STOPS = 0.03, 10, 0.3, 121


@cache
def descent() -> tuple[np.ndarray, np.ndarray]:
    """Return the run of gradient descent on the landing page's problem, and its odd steps.

    Returns
    -------
    W : array of shape (STOPS, 3)
        Its first weights, in the room.
    odd : array of shape (STOPS, 3)
        The step that Adam would take from each with `TIMES` its largest rate ε/M, in the room.

    Examples
    --------
    >>> W, odd = descent()
    >>> bool(abs(W[:, 2]).max() < 1e-12 < odd[0, 2])
    True
    """
    data, W0 = landing.problem()
    run = dspgd(
        data, GradientDescent(), W0, PACE / data.M, tol=0, max_steps=STOPS, record=("W", "gradient")
    )
    W, V = run.history["W"][:STOPS], run.history["gradient"][:STOPS]
    axes = landing.room().axes
    step = -TIMES * EPS / data.M * Adam(EPS).gradient(V)[..., 0]
    return landing.room().coordinates(W[..., 0]), step @ axes.T


def _after(point: np.ndarray) -> np.ndarray:
    """Return where gradient descent leads from a point of the room."""
    data, _ = landing.problem()
    W0 = landing.room().points(point)[:, None]
    run = dspgd(data, GradientDescent(), W0, 10 * PACE / data.M, tol=1e-3, record=("W",))
    return landing.room().coordinates(run.history["W"][..., 0])


STAGE = "A floor in perspective, the upright line of perfect fits, and gradient descent's road"
GROUND = ((-0.7, 2.75), (-1.25, 1.2))


def _sheet(height: float) -> np.ndarray:
    (a, b), (c, d) = GROUND
    return SEEN.see(
        [(a, c, height), (b, c, height), (b, d, height), (a, d, height), (a, c, height)]
    )


def _draw_one_step(ax: Any) -> None:
    draw_ground(ax, SEEN, *GROUND)
    _draw_line(ax, 2.1)
    W, _ = descent()
    ax.plot(*SEEN.see(_after(W[0])).T, color=ISO, lw=1.6, alpha=0.5)
    ax.plot(*SEEN.see(W[0]), "o", color=INK, ms=7)
    ax.plot(*SEEN.see((0, 0, 0)), "o", color=ISO, ms=7)
    ax.annotate("$W_0$", SEEN.see(W[0]), (0, -17), ha="center", textcoords="offset points")
    ax.annotate("GD's end", SEEN.see((0, 0, 0)), (9, -20), color=ISO, textcoords="offset points")
    ax.annotate(
        "perfect fits", SEEN.see((0, 0, 2.1)), (8, -10), color=MANIFOLD, textcoords="offset points"
    )
    ax.set(xlim=(-3.02, 1.77), ylim=(-0.95, 2.3), aspect="equal")


def _one_step_frame(t: float) -> Frame:
    t = int(t)
    W, odd = descent()
    new = W[t] + odd[t]
    rest = _after(new)
    foot = rest[-1] * (0, 0, 1)
    marks: list[Mark] = [
        Band(_sheet(new[2]), SECOND, opacity=0.1, every=True),
        Line(_sheet(new[2]), SECOND, 1.0, every=True),
        Line(SEEN.see(W[: t + 1]), ISO, 2.6),
        Line(SEEN.see(rest), SECOND, 2.2),
        Line(SEEN.see([(0, 0, 0), foot]), HEIGHT, 4.5, every=True),
        Line(SEEN.see([new * (1, 1, 0), new]), HEIGHT, 2.4, every=True),
        Line(SEEN.see([W[t], new]), OFF, 3.2, every=True),
        Dots(SEEN.see(W[t]), ISO, "o", 4.5),
        Dots(SEEN.see(new), OFF, "D", 5.5),
        Dots(SEEN.see(foot), SECOND, "o", 6),
        Text(SEEN.see(foot), "its end now", SECOND, (9, 12), bold=True),
        Text(SEEN.see(new), "Adam's step", OFF, (0, 12 if t < 50 else -22), "middle", bold=True),
    ]
    said = (
        f"Step {t} is Adam's, at {TIMES} times the rate allowed: {new[2]:.3f} high. "
        f"GD goes on and ends {foot[2]:.3f} above its old end."
    )
    return Frame([marks], [said], said)


def one_step() -> Explorer:
    """Return a run of gradient descent one step of which is Adam's.

    Returns
    -------
    Explorer
        A slider for the time of that step.

    Examples
    --------
    >>> one_step().stops
    121
    """
    alt = f"{STAGE} to its foot."
    slider = Slider(
        "t", "Adam's step is step", list(map(float, range(STOPS))), 14, log=False, form="{:.0f}"
    )
    return Explorer(
        [Panel(_draw_one_step, alt, (360, 260), axes=False)],
        _one_step_frame,
        [slider],
        "one step off the floor",
    )


# ------------------------------------------------------------------------------- tilted

RATIOS = [float(f"{r:.4g}") for r in (*np.geomspace(0.05, 1, 82), *np.geomspace(1, 2.7, 40)[1:])]
FEATURE = 0


@cache
def tilt(ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the floor and the road of K = ½⟨G, BG⟩, B the identity but for one entry.

    Parameters
    ----------
    ratio : float
        That entry.

    Returns
    -------
    slope : array of shape (2,)
        How the height of the tilted floor changes along the floor and across it.
    road : array of shape (steps, 3)
        In the room, from the start to the end.

    Examples
    --------
    >>> bool(abs(tilt(1.0)[1][:, 2]).max() < 1e-9)
    True
    """
    data, W0 = landing.problem()
    B = np.ones(3)
    B[FEATURE] = ratio
    moved = (data.X * B) @ landing.room().axes.T  # two directions of the tilted floor
    slope = np.linalg.solve(moved[:, :2], moved[:, 2])
    XB = data.X * np.sqrt(B)
    eta, W, path = 0.1 / np.linalg.norm(XB, 2) ** 2, W0, [W0]
    for _ in range(1200):
        W = W - eta * B[:, None] * data.gradient(W)
        path.append(W)
    return slope, landing.room().coordinates(np.array(path)[..., 0])


def _tilted_sheet(slope: np.ndarray, start: np.ndarray) -> np.ndarray:
    (a, b), (c, d) = GROUND
    corners = np.array([(a, c), (b, c), (b, d), (a, d), (a, c)])
    return SEEN.see(np.c_[corners, (corners - start[:2]) @ slope])


def _draw_tilted(ax: Any) -> None:
    draw_ground(ax, SEEN, *GROUND)
    _draw_line(ax, 2.1)
    ax.plot(*SEEN.see([(0, 0, -0.4), (0, 0, -1.2)]).T, color=MANIFOLD, lw=4.5, alpha=0.25)
    start = tilt(1.0)[1][0]
    ax.plot(*SEEN.see(tilt(1.0)[1]).T, color=ISO, lw=1.6, alpha=0.6)
    ax.plot(*SEEN.see(start), "o", color=INK, ms=7)
    ax.plot(*SEEN.see((0, 0, 0)), "o", color=ISO, ms=7)
    ax.annotate("$W_0$", SEEN.see(start), (0, -17), ha="center", textcoords="offset points")
    ax.annotate("GD's end", SEEN.see((0, 0, 0)), (9, -4), color=ISO, textcoords="offset points")
    ax.annotate(
        "perfect fits", SEEN.see((0, 0, 2.1)), (8, -10), color=MANIFOLD, textcoords="offset points"
    )
    ax.set(xlim=(-3.02, 1.77), ylim=(-1.55, 2.3), aspect="equal")


def _tilted_frame(ratio: float) -> Frame:
    slope, road = tilt(ratio)
    at = np.unique(np.rint(np.geomspace(1, len(road), 40)).astype(int)) - 1
    end = road[-1]
    marks: list[Mark] = [
        Band(_tilted_sheet(slope, road[0]), SECOND, opacity=0.12, every=True),
        Line(_tilted_sheet(slope, road[0]), SECOND, 1.2, every=True),
        Line(SEEN.see(road[at]), SECOND, 2.6, every=True),
        Dots(SEEN.see(end), SECOND, "o", 6.5),
    ]
    if abs(end[2]) > 0.25:
        marks.append(Text(SEEN.see(end), "its end", SECOND, (9, -4), bold=True))
    where = "above" if end[2] > 0 else "below"
    moved = f"{abs(end[2]):.2f} {where} GD's end" if abs(end[2]) > 5e-3 else "at GD's end"
    said = f"r = {ratio:.3g}: the run ends {moved}."
    return Frame([marks], [said], said)


def tilted() -> Explorer:
    """Return the floor of K = ½⟨G, BG⟩, which tilts with B, and the foot that slides.

    Returns
    -------
    Explorer
        A slider for the first entry of B.

    Examples
    --------
    >>> tilted().stops
    121
    """
    alt = f"{STAGE} to its foot."
    slider = Slider("ratio", "r in B", RATIOS, int(np.searchsorted(RATIOS, 2)))
    return Explorer(
        [Panel(_draw_tilted, alt, (360, 290), axes=False)],
        _tilted_frame,
        [slider],
        "a tilted floor",
    )
