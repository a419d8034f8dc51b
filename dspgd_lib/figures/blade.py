"""The dual of a loss in space: a blade over the row space, and the planes that touch its edge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.figures.backgrounds import draw_axes, draw_manifold
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.plane import Box, segment
from dspgd_lib.figures.space import Camera, grid
from dspgd_lib.plotting import FAINT, INK, MANIFOLD

EXAMPLE, LABEL = np.array([0.8, 0.6]), 0.2
NULL = np.array([-0.6, 0.8])
CARRIED = np.array([1.1, 0.2])  # the weights W
HERE = float(EXAMPLE @ CARRIED - LABEL)  # V = HERE·x
THERE = -0.6  # V′ = THERE·x
EDGE, PAGE, GAP = "#5b3e96", "#0072b2", "#c04d00"
PANEL = (360, 340)
RISE = 0.68  # a unit of height in the picture
SEEN = Camera(turn=88, tilt=24, strength=0.04)
FLOOR = -1.5
ENDS = (-1.6, 1.5)  # of the blade
SPINE = (-1.0, 1.75)  # ends of the page along it
OWN = float(NULL @ CARRIED)  # where W stands along the null space
TURNS = np.unique(np.r_[np.tan(np.radians(np.linspace(-60, 60, 160))).round(3), OWN]).tolist()
WEIGHTS: Box = ((-1.15, 2.35), (-1.2, 2.3))


def dual_value(u: ArrayLike) -> np.ndarray:
    """Return L*(u·x) = ½u² + uy, the height of the blade's edge.

    Parameters
    ----------
    u : array of any shape
        Places on the row space, in units of the example.

    Returns
    -------
    array of that shape

    Examples
    --------
    >>> float(dual_value(1.0))
    0.7
    """
    u = np.asarray(u, dtype=float)
    return 0.5 * u**2 + LABEL * u


def _space(u: ArrayLike, off: ArrayLike, height: ArrayLike) -> np.ndarray:
    """Return where u·x + off·z at a height is seen, z the unit vector of the null space."""
    u, off, height = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (u, off, height)))
    flat = u[..., None] * EXAMPLE + off[..., None] * NULL
    return SEEN.see(np.concatenate([flat, RISE * height[..., None]], axis=-1))


def _draw_floor(ax: Any) -> None:
    ax.set(xlim=(-1.8, 2.1), ylim=(-2.1, 1.56), aspect="auto")
    for line in grid(np.linspace(-1.8, 1.8, 7), np.linspace(-1.2, 1.2, 5)):
        ax.plot(*_space(line[:, 0], line[:, 1], FLOOR).T, color="#ddd7c8", lw=0.8)
    ax.plot(*_space((-1.8, 1.8), 0, FLOOR).T, color=FAINT, lw=1.4, ls=(0, (4, 3)))


def _draw_space(ax: Any) -> None:
    _draw_floor(ax)
    for place in ((-0.55, 0.8), (1.5, 0.6), (0.9, -0.72)):
        ax.text(*_space(*place, FLOOR), "+∞", color="#5d6470", ha="center", va="center")
    ax.text(*_space(1.85, 0.0, FLOOR), " row space", color="#5d6470", va="center")


def _blade() -> list[Mark]:
    """Return the sheet over the row space, its grain, and its lower edge."""
    u = np.linspace(*ENDS, 41)
    edge = _space(u, 0, dual_value(u))
    marks: list[Mark] = [
        Band(np.vstack([edge, _space(u[::-1], 0, dual_value(u[::-1]) + high)]), EDGE, opacity=0.09)
        for high in (0.35, 0.8, 1.4)
    ]
    for a in np.linspace(*ENDS, 19):
        grain = _space([a, a], 0, dual_value(a) + np.array([0, 1.4]))
        marks.append(Line(grain, EDGE, 0.7, opacity=0.35))
    return [*marks, Line(edge, EDGE, 3.6)]


def _tangent(u: ArrayLike) -> np.ndarray:
    """Return the height of the spine, the tangent of the edge at V."""
    return dual_value(HERE) + float(EXAMPLE @ CARRIED) * (np.asarray(u, dtype=float) - HERE)


def _half_page(slope: float, side: int) -> list[Mark]:
    """Return the half of the touching plane before the blade (side −1), or fainter behind it."""
    strong = 1.0 if side < 0 else 0.35
    wide = side * 1.15 / np.hypot(1, slope)
    low, high = SPINE

    def place(u: ArrayLike, off: ArrayLike) -> np.ndarray:
        return _space(u, off, _tangent(u) + slope * np.asarray(off))

    outline = place([low, low, high, high], [0, wide, wide, 0])
    lines = [
        Line(place([low, high], wide * part), PAGE, 0.7, opacity=0.5 * strong)
        for part in (1 / 3, 2 / 3)
    ]
    edge = Line(outline, PAGE, 1.6, opacity=strong)
    return [Band(outline, PAGE, opacity=0.2 * strong), *lines, edge]


def _draw_two_examples(ax: Any) -> None:
    _draw_floor(ax)
    ax.text(*_space(1.85, 0.0, FLOOR), " first example", color="#5d6470", va="center")


def _spine(name: Mark) -> list[Mark]:
    """Return what does not move: the tangent line, V and V′, the gap, and the name of L*."""
    touch, below = dual_value(HERE), _tangent(THERE)
    return [
        Line(_space(SPINE, 0, _tangent(SPINE)), PAGE, 2.6),
        Line(_space([THERE] * 2, 0, np.array([below, dual_value(THERE)])), GAP, 5),
        Line(_space([HERE] * 2, 0, np.array([FLOOR, touch])), FAINT, 1.0, "2 3"),
        Line(_space([THERE] * 2, 0, np.array([FLOOR, below])), FAINT, 1.0, "2 3"),
        Dots(_space(HERE, 0, touch), INK, "o", 5),
        Dots(_space(THERE, 0, dual_value(THERE)), GAP, "o", 4),
        Text(_space(HERE, 0, FLOOR), "V", INK, (0, -16), "middle", bold=True),
        Text(_space(THERE, 0, FLOOR), "V′", INK, (0, -16), "middle", bold=True),
        name,
        Text(_space(THERE, 0, 0.6 * below), "gap", GAP, (-7, 0), "end", bold=True),
    ]


ON_BLADE = note(_space(-1.36, 0, 1.35), "L*", EDGE, "start")
ON_BOWL = note((-1.72, 1.25), "L*", EDGE, "start")


def _draw_weights(ax: Any) -> None:
    draw_axes(ax, WEIGHTS, "weights")
    draw_manifold(ax, EXAMPLE, LABEL, WEIGHTS, margin=1)
    ax.plot(*segment(CARRIED, NULL, 5).T, color=FAINT, lw=1.2, ls=(0, (4, 3)))
    ax.text(0.42, -0.55, "$XW=Y$", color=MANIFOLD, ha="right")
    ax.text(2.28, 1.62, "all weights with\ngradient V", color="#5d6470", ha="right", va="top")


def _blade_frame(z: float) -> Frame:
    P = float(EXAMPLE @ CARRIED) * EXAMPLE + z * NULL
    gap = 0.5 * (THERE - HERE) ** 2
    angle = number(round(float(np.degrees(np.arctan(z)))))
    own = abs(z - OWN) < 1e-9
    weights: list[Mark] = [
        Line([CARRIED, P], PAGE, 2.4),
        Dots(CARRIED, INK, "o", 5.5),
        Text(CARRIED, "W", INK, (8, 6), bold=True),
        Dots(P, PAGE, "D", 5.5),
        Text(P, "P", PAGE, (-8, -14), "end", bold=True),
    ]
    where = f"({number(P[0], '.2f')}, {number(P[1], '.2f')})"
    caption = (
        f"P = {'W = ' * own}{where}: across the blade the page stands at {angle}°; it touches it "
        f"at V alone. Gap at V′: <b>{gap:.2f}</b>, as at every stop."
    )
    alts = [
        f"A page touches the blade's edge at V; across the blade it rises at {angle} degrees. At "
        f"V′ its spine runs {gap:.2f} below the edge.",
        f"P is at {where} on the dashed line, {abs(z - OWN):.2f} from W.",
    ]
    return Frame(
        [[*_half_page(z, 1), *_blade(), *_half_page(z, -1), *_spine(ON_BLADE)], weights],
        alts,
        caption,
    )


def blade() -> Explorer:
    """Return the dual of a loss with one example, and a plane that turns about a tangent.

    Returns
    -------
    Explorer
        Two panels, 161 stops; one of them is P = W.

    Examples
    --------
    >>> blade().stops
    161
    """
    panels = [
        Panel(
            _draw_space,
            "Space over the plane of gradients. The dual of the loss is finite over the row space "
            "only: a sheet that stands on a parabola.",
            PANEL,
            axes=False,
        ),
        Panel(
            _draw_weights,
            "Plane of two weights with the line of perfect fits, and parallel to it, dashed, the "
            "line of all weights with the gradient V.",
            PANEL,
        ),
    ]
    start = int(np.argmin(np.abs(np.array(TURNS) + 1.1)))
    controls = [Slider("z", "P on its line (W: −0.50)", TURNS, start, log=False, form="{:.2f}")]
    return Explorer(panels, _blade_frame, controls, "A page that turns about the blade’s tangent")


# ------------------------------------------------------------------------ a bowl pressed flat

LENGTHS = np.geomspace(0.1, 1.0, 121).round(4).tolist()
NEARLY = 0.2
HEIGHTS = 1.25 * (np.arange(1, 6) / 5) ** 1.6
ROUND = np.linspace(0, 2 * np.pi, 33)


def bowl_value(u: ArrayLike, off: ArrayLike, length: float) -> np.ndarray:
    """Return L* at u·x + off·z with a second example along z, which W fits.

    Parameters
    ----------
    u, off : arrays of one shape
        Places along the first example, and across it.
    length : float
        Of the second example.

    Returns
    -------
    array of that shape

    Examples
    --------
    >>> bool(bowl_value(1.0, 0.0, 0.3) == dual_value(1.0))
    True
    """
    off = np.asarray(off, dtype=float)
    return dual_value(u) + 0.5 * (off / length) ** 2 + OWN * off


def _level(height: float, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where the bowl has a height, as a closed curve."""
    radius = np.sqrt(2 * height + LABEL**2 + (length * OWN) ** 2)
    off = length * radius * np.sin(ROUND) - length**2 * OWN
    return radius * np.cos(ROUND) - LABEL, off


def _bowl(length: float) -> list[Mark]:
    """Return the bowl as a stack of level rings, and its section over the row space."""
    marks: list[Mark] = []
    for height in HEIGHTS:
        marks.append(Line(_space(*_level(height, length), height), EDGE, 1.5, every=True))
    u = np.linspace(*ENDS, 41)
    return [*marks, Line(_space(u, 0, dual_value(u)), EDGE, 3.6)]


def _draw_one_plane(ax: Any) -> None:
    draw_axes(ax, WEIGHTS, "weights")
    ax.plot(*segment(CARRIED, NULL, 5).T, color=FAINT, lw=1.2, ls=(0, (4, 3)))
    fits = LABEL * EXAMPLE + OWN * NULL
    ax.plot(*fits, "+", color=INK, ms=9, mew=1.6)
    ax.annotate("fits both", fits, (-6, -15), textcoords="offset points", ha="right")
    ax.text(2.28, 1.62, "weights with\nnearly gradient V", color="#5d6470", ha="right", va="top")


def _flat_frame(length: float) -> Frame:
    wide = NEARLY / length**2
    ring = CARRIED + NEARLY * np.c_[np.cos(ROUND)] * EXAMPLE + wide * np.c_[np.sin(ROUND)] * NULL
    weights: list[Mark] = [
        Band(ring, PAGE, opacity=0.2),
        Line(ring, PAGE, 1.8),
        Dots(CARRIED, INK, "o", 5.5),
        Text(CARRIED, "P = W", INK, (8, 6), bold=True),
    ]
    caption = (
        f"Second example of length {length:.2f}: a bowl, and one page touches at V, that of W. But "
        f"weights up to <b>{wide:.3g}</b> away have its gradient to within {NEARLY:g}."
    )
    alts = [
        f"A bowl, {length:.2f} times as wide across the row space of the first example as along "
        "it, and the one page that touches it at V.",
        f"An ellipse around W reaches {NEARLY:g} in the direction of the first example and "
        f"{wide:.3g} at a right angle to it.",
    ]
    return Frame(
        [[*_half_page(OWN, 1), *_bowl(length), *_half_page(OWN, -1), *_spine(ON_BOWL)], weights],
        alts,
        caption,
    )


def d_over_n() -> Explorer:
    """Return the dual of a loss with two examples, while the second becomes shorter.

    Returns
    -------
    Explorer
        Two panels, 121 stops.

    Examples
    --------
    >>> d_over_n().stops
    121
    """
    panels = [
        Panel(
            _draw_two_examples,
            "Space over the plane of gradients: the dual of a loss with two examples is a bowl.",
            PANEL,
            axes=False,
        ),
        Panel(
            _draw_one_plane,
            "Plane of two weights with the point that fits both examples, and a dashed line of "
            "weights with one residual of the first.",
            PANEL,
        ),
    ]
    controls = [Slider("length", "length of the second example", LENGTHS, start=70)]
    return Explorer(panels, _flat_frame, controls, "A bowl that is pressed flat")
