"""Figures of the chapter on Bregman divergences: balls, Pythagoras, and still pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.convex import ConvexFunction
from dspgd_lib.entropies import BurgEntropy, NegativeEntropy
from dspgd_lib.figures.backgrounds import draw_axes, draw_legend, draw_manifold
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import around, crossings, foot, on_line, rays, reach_of_ball
from dspgd_lib.figures.tangent_gap import (
    CURVES,
    DRAWN,
    FIRST,
    SECOND,
    kink,
    tangent_gap,
    two_sides,
)
from dspgd_lib.nearest import bregman_projection
from dspgd_lib.plotting import BOUND, FAINT, INK, look
from dspgd_lib.potentials import Cosh, LogCosh, Quadratic
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.problem import Problem

__all__ = [
    "CURVES",
    "DRAWN",
    "ball",
    "balls",
    "best_guess",
    "between_curvatures",
    "five_answers",
    "is_convex",
    "kink",
    "not_a_distance",
    "tangent_gap",
    "touching",
    "touching_point",
    "two_sides",
]

RULERS: dict[str, ConvexFunction] = {
    "squared distance": Quadratic(np.eye(2)),
    "Mahalanobis": Quadratic(np.array([[1.5, 0.6], [0.6, 0.8]])),
    "Kullback–Leibler": NegativeEntropy(),
    "Itakura–Saito": BurgEntropy(),
    "log cosh": LogCosh(),
}
MEASURES: dict[str, ConvexFunction] = {
    **{name: f for name, f in RULERS.items() if name != "Mahalanobis"},
    "cosh": Cosh(),
    "Adam’s K": Adam(1.0),
}
NEAR, AWAY = np.array([0.4, 0.8]), np.array([2.2, 2.4])  # centres of the balls
RADII = np.geomspace(0.02, 1.0, 60).round(3).tolist()
PLACES = np.linspace(0.3, 2.68, 120).round(2).tolist()
FAR = 30.0
POSITIVE = ((0.0, np.inf), (0.0, np.inf))

# ------------------------------------------------------------------------------------ the balls


def ball(
    f: ConvexFunction, centre: np.ndarray, r: float, kind: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the boundary of a Bregman ball of the plane and its reach along each ray.

    Parameters
    ----------
    f : ConvexFunction
        A potential of matrices of shape (2, 1).
    centre : array of shape (2,)
        The centre, in the domain of f.
    r : float
        The radius, in the units of f.
    kind : int
        1 for {A : D(A, centre) ≤ r}, 2 for {A : D(centre, A) ≤ r}.

    Returns
    -------
    points : array of shape (241, 2)
        A closed curve.
    reach : array of shape (240,)
        Distance from the centre on evenly spread rays, the first of which points to the right; 30
        where the ball does not end.

    Examples
    --------
    >>> _, reach = ball(LogCosh(), np.zeros(2), 0.5, kind=1)
    >>> bool(reach.min() > 1.0)
    True
    """

    reach = reaches(f, centre, np.array([r]), kind)[0]
    return around(centre, reach), reach


def reaches(f: ConvexFunction, centre: np.ndarray, radii: np.ndarray, kind: int) -> np.ndarray:
    """Return how far the Bregman balls around one centre extend on evenly spread rays.

    Parameters
    ----------
    f : ConvexFunction
        A potential of matrices of shape (2, 1).
    centre : array of shape (2,)
        The centre, in the domain of f.
    radii : array of shape (m,)
        The radii, in the units of f.
    kind : int
        As in `ball`.

    Returns
    -------
    array of shape (m, 240)

    Examples
    --------
    >>> reaches(LogCosh(), np.zeros(2), np.array([0.1, 0.5]), kind=1).shape
    (2, 240)
    """

    def divergence(points: np.ndarray) -> np.ndarray:  # grows along every ray (lem-breg-balls)
        pair = (points[..., None], np.broadcast_to(centre[:, None], (*points.shape, 1)))
        return np.asarray(f.divergence(*(pair if kind == 1 else pair[::-1])))

    far: Any = FAR
    if isinstance(f, (NegativeEntropy, BurgEntropy)):
        _, border = crossings(centre, rays(), POSITIVE)
        far = np.minimum(FAR, border * (1 - 1e-9))
    return reach_of_ball(divergence, centre, radii, far)


def is_convex(points: np.ndarray) -> bool:
    """Tell whether a closed curve, run through anticlockwise, never turns right.

    Parameters
    ----------
    points : array of shape (m + 1, 2)
        A polygon whose last point is its first.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_convex(np.array([(0, 0), (1, 0), (0, 1), (0, 0)]))
    True
    """
    edges = np.diff(points, axis=0)
    edges = edges[np.linalg.norm(edges, axis=1) > 1e-12]
    edges = edges / np.linalg.norm(edges, axis=1)[:, None]
    after = np.roll(edges, -1, axis=0)
    return bool((edges[:, 0] * after[:, 1] - edges[:, 1] * after[:, 0] > -1e-6).all())


def _draw_plane(ax: Any) -> None:
    ax.plot([0, 0, 5.3], [5.3, 0, 0], color=INK, lw=1)  # the border of the positive weights
    for centre, name in ((NEAR, "$C$"), (AWAY, "$C'$")):
        ax.plot(*centre, "o", color=INK, ms=5)
        ax.annotate(name, centre, (5, 4), textcoords="offset points")
    draw_axes(ax, ((-1.2, 5.3), (-1.2, 5.3)))
    ax.set(xticks=range(-1, 6), yticks=range(-1, 6))
    solid, dashed = r"— $D(A, C) \leq r$", r"-- $D(C, A) \leq r$"
    draw_legend(ax, 1.03, (0.0, solid, FIRST), (0.52, dashed, SECOND))


def _edge(w: float) -> str:
    """Write a number to two decimals, with more if it is a small one beside the border 0."""
    shown = f"{w:.2f}" if abs(w) >= 0.005 or abs(w) < 1e-6 else f"{w:.1g}"
    return f"{0:.2f}" if float(shown) == 0 else shown.replace("-", "−")


def _span(centre: float, reach: np.ndarray) -> str:
    """Say between which first weights a ball lies on the horizontal line through its centre."""
    left, right = float(reach[len(reach) // 2]), float(reach[0])
    if min(left, right) >= FAR:
        return "to both sides without end"
    if left >= FAR:
        return f"without end to the left, up to {_edge(centre + right)}"
    end = "on without end" if right >= FAR else f"to {_edge(centre + right)}"
    return f"from {_edge(centre - left)} {end}"


@cache
def _family(name: str) -> Batch:
    """Return the reaches of the four balls of the figure for one of the measures."""
    kinds = [(centre, kind) for centre in (NEAR, AWAY) for kind in (1, 2)]

    def compute(radii: np.ndarray) -> list[np.ndarray]:
        found = [reaches(MEASURES[name], centre, radii, kind) for centre, kind in kinds]
        return list(np.stack(found, axis=1))

    return Batch(compute, RADII)


def _ball_frame(name: str, r: float) -> Frame:
    marks: list[Mark] = []
    spans, endless, dented, same = [], False, False, True
    found = _family(name)(r)
    for centre, near, far in ((NEAR, *found[:2]), (AWAY, *found[2:])):
        solid, dashed = around(centre, near[::6]), around(centre, far[::6])
        marks += [
            Line(solid, FIRST, 2.4, every=True),
            Line(dashed, SECOND, 2.0, "6 4", every=True),
        ]
        spans.append(_span(float(centre[0]), near))
        endless |= bool(far.max() >= FAR)
        dented |= not is_convex(dashed)
        same &= bool(np.abs(near - far).max() < 1e-9)
    if endless:
        says = "A dashed ball never ends in some directions."
    elif dented:
        says = "A dashed ball is dented: not convex."
    elif same:
        says = "The balls of the two kinds are the same."
    else:
        says = "All four balls are convex."
    level = f"on its level the solid ball around C runs {spans[0]}, that around C′ {spans[1]}"
    caption = f"{name}, r = {r:.3g}: {level}. <b>{says}</b>"
    alt = f"{name}, radius {r:.3g}, C = (0.4, 0.8), C′ = (2.2, 2.4): {level}. {says}"
    return Frame([marks], [alt], caption)


def balls() -> Explorer:
    """Return the two kinds of Bregman balls around two points of the plane.

    Returns
    -------
    Explorer
        One panel, 360 stops: six functions, sixty radii.

    Examples
    --------
    >>> balls().stops
    360
    """
    alt = "The plane of two weights, the border of the positive ones, and two centres, C near it."
    panels = [Panel(_draw_plane, alt, (360, 370))]
    controls: list[Slider | Buttons] = [
        Buttons("name", "divergence", list(MEASURES), start=1),
        Slider("r", "radius r", RADII, start=41),
    ]
    return Explorer(panels, _ball_frame, controls, "Bregman balls of both kinds")


# ----------------------------------------------------------------------------------- Pythagoras

NORMAL, LABEL, OUTSIDE = np.array([0.5, 1.0]), 1.5, np.array([2.1, 1.9])
FOOT = foot(OUTSIDE, NORMAL, LABEL)


@cache
def touching_point(name: str) -> tuple[float, float]:
    """Return the point of the line in the figure that is nearest to C, for one of the rulers.

    Parameters
    ----------
    name : str
        A key of `RULERS`.

    Returns
    -------
    tuple of two floats

    Examples
    --------
    >>> touching_point("squared distance")
    (1.52, 0.74)
    """
    line = Problem(NORMAL[None], np.array([[LABEL]]))
    x, y = bregman_projection(line, RULERS[name], OUTSIDE)[:, 0].round(12)
    return float(x), float(y)


def _draw_line(ax: Any) -> None:
    box = ((0.0, 4.4), (0.0, 4.4))
    draw_manifold(ax, NORMAL, LABEL, box)
    ax.plot(*OUTSIDE, "o", color=INK, ms=7)
    ax.plot(*FOOT, "o", mfc="none", mec=INK, mew=1.4, ms=13)
    ax.annotate("$C$", OUTSIDE, (7, 3), textcoords="offset points")
    ax.annotate(r"$\mathcal{A}$", (2.95, 0.05), (5, 5), textcoords="offset points", fontsize=13)
    draw_axes(ax, box)
    ax.set(xticks=range(5), yticks=range(5))


@cache
def _touching_ball(name: str) -> np.ndarray:
    f, P = RULERS[name], np.array(touching_point(name))
    return ball(f, OUTSIDE, float(f.divergence(P[:, None], OUTSIDE[:, None])), kind=1)[0]


def _triangle_frame(name: str, place: float) -> Frame:
    f, P = RULERS[name], np.array(touching_point(name))
    A = on_line(NORMAL, LABEL, place)

    def divergence(one: np.ndarray, other: np.ndarray) -> float:
        return float(f.divergence(one[:, None], other[:, None]))

    whole, along, across = divergence(A, OUTSIDE), divergence(A, P), divergence(P, OUTSIDE)
    if abs(whole - along - across) < 1e-9:  # the two may round to either side
        whole = along + across
    near = round(along + across, 4) - round(across, 4)  # what is printed adds up
    marks: list[Mark] = [
        Line(_touching_ball(name), FIRST, 2.4),
        Line([A, OUTSIDE], FAINT, 1.4, "4 3"),
        Line([P, OUTSIDE], INK, 1.6),
        Dots(P, FIRST, "D", 5.5),
        Dots(A, SECOND, "o", 5.5),
        Text(P, "P", FIRST, (-16, -21), bold=True),
        Text(A, "A", SECOND, (4, 9) if abs(A[0] - P[0]) < 0.35 else (-15, -15), bold=True),
    ]
    sums = f"D(A, P) + D(P, C) = {near:.4f} + {across:.4f} = <b>{along + across:.4f}</b>"
    places = f"P = ({P[0]:.2f}, {P[1]:.2f}), A = ({A[0]:.2f}, {A[1]:.2f})"
    caption = f"{name}, {places}: D(A, C) = <b>{whole:.4f}</b>, and {sums}."
    alt = (
        f"{name}: the ball around C touches the line at P = ({P[0]:.2f}, {P[1]:.2f}). For A = "
        f"({A[0]:.2f}, {A[1]:.2f}) on the line D(A, C) is {whole:.4f}, the sum of {along:.4f} and "
        f"{across:.4f}."
    )
    return Frame([marks], [alt], caption)


def touching() -> Explorer:
    """Return the ball that touches a line, and the Pythagorean identity for a point of the line.

    Returns
    -------
    Explorer
        One panel, 600 stops: five generators, 120 places of A.

    Examples
    --------
    >>> touching().stops
    600
    """
    alt = (
        "The plane of two weights with a line that falls to the right, a point C above it and a "
        "ring at the foot of the perpendicular from C."
    )
    panels = [Panel(_draw_line, alt, (360, 360))]
    controls: list[Slider | Buttons] = [
        Buttons("name", "divergence", list(RULERS), start=2),
        Slider("place", "first weight of A", PLACES, start=33, log=False),
    ]
    return Explorer(panels, _triangle_frame, controls, "Pythagoras for Bregman divergences")


# -------------------------------------------------------------------------------- still pictures

COLORS = (look(GradientDescent()).color, FIRST, "#8A5A00", SECOND)  # of the four in CURVES
WORDS: dict[str, Any] = {"textcoords": "offset points"}


def _entry(f: ConvexFunction, a: Any, b: Any) -> np.ndarray:
    """Return D(a, b) of numbers or arrays of numbers."""
    a, b = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    return np.asarray(f.divergence(a[..., None, None], b[..., None, None]))


def between_curvatures(a: np.ndarray, b: np.ndarray) -> Picture:
    """Return the divergence of the entropy beside half the squared distance, and its direction.

    Parameters
    ----------
    a, b : arrays of shape (m,)
        Pairs of numbers between 1/2 and 3, no two equal.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> between_curvatures(np.array([1.0, 2.0]), np.array([2.0, 1.0])).panels[1].alt[-45:]
    'it lies between 0.79 and 1.26 in these pairs.'
    """
    f = CURVES["w log w − w"]
    there, back = _entry(f, a, b), _entry(f, b, a)
    ratio, swap = there / (0.5 * (a - b) ** 2), there / back

    def draw_ratio(ax: Any) -> None:
        w = np.linspace(0.5, 3, 200)
        ax.plot(w, 1 / w, color=INK, lw=1.4, ls=(0, (5, 4)))
        ax.plot(0.5 * (a + b), ratio, "o", color=FIRST, ms=3)
        for limit, text, up in ((2, "largest curvature, 2", 5), (1 / 3, "least curvature, ⅓", -14)):
            ax.axhline(limit, color=BOUND, lw=1.6)
            ax.annotate(text, (3, limit), (0, up), ha="right", color=BOUND, **WORDS)
        ax.annotate("$1/w$", (0.62, 1 / 0.62), (6, 4), **WORDS)
        ax.set(xlabel="middle of $a$ and $b$", title="D(a, b) over ½(a − b)²")
        ax.set(ylim=(0, 2.3))

    def draw_swap(ax: Any) -> None:
        ax.axhline(1, color=INK, lw=1)
        ax.plot(a - b, swap, "o", color=FIRST, ms=3)
        ax.set(xlabel="$a - b$", title="$D(a, b)$ over $D(b, a)$")

    alts = [
        f"The ratio of the divergence to half the squared distance for {len(a)} pairs, against "
        f"their middle: between {ratio.min():.3f} and {ratio.max():.3f}, close to the curve 1/w.",
        f"The ratio of the two directions rises with a − b from below 1 to above; "
        f"it lies between {swap.min():.2f} and {swap.max():.2f} in these pairs.",
    ]
    drawn = zip((draw_ratio, draw_swap), alts, strict=True)
    return Picture([Panel(draw, alt, (360, 280)) for draw, alt in drawn])


def not_a_distance() -> Picture:
    """Return the divergences of −log w and of log cosh, either way round, over one of the points.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> len(not_a_distance().panels)
    2
    """
    burg, bounded, b = CURVES["−log w"], CURVES["log cosh w"], np.linspace(0.08, 10, 300)
    ends = np.array([3.0, 9.0])
    bow = float(_entry(burg, 1, 6)), float(_entry(burg, 1, ends).mean())

    def draw_burg(ax: Any) -> None:
        ax.plot(b, _entry(burg, b, 1), color=FIRST)
        ax.plot(b, _entry(burg, 1, b), color=SECOND, ls=(0, (5, 3)))
        ax.plot(ends, _entry(burg, 1, ends), "o-", color=BOUND, lw=1.2, ms=4)
        ax.annotate("$D(b, 1)$", (7, _entry(burg, 7, 1)), (-8, 4), color=FIRST, ha="right", **WORDS)
        ax.annotate("$D(1, b)$", (7.5, 1.15), (0, 7), color=SECOND, **WORDS)
        ax.annotate(
            "a chord below its curve", (6, bow[1]), (0, -16), color=BOUND, ha="center", **WORDS
        )
        ax.set(xlim=(0, 10), ylim=(0, 7), xlabel="$b$", title="−log w: from 1 and to 1")

    def draw_bounded(ax: Any) -> None:
        ax.plot(b, _entry(bounded, b, 0), color=FIRST)
        ax.plot(b, _entry(bounded, 0, b), color=SECOND, ls=(0, (5, 3)))
        ax.axhline(np.log(2), color=BOUND, lw=1.2)
        ax.annotate("$D(b, 0)$", (3.6, 3), (-6, 4), color=FIRST, ha="right", **WORDS)
        ax.annotate("D(0, b) stays below log 2", (9.8, np.log(2)), (0, -16), ha="right",
                    color=SECOND, **WORDS)  # fmt: skip
        ax.set(xlim=(0, 10), ylim=(0, 7), xlabel="$b$", title="log cosh w: from 0 and to 0")

    alts = [
        f"−log w: D(10, 1) is {_entry(burg, 10, 1):.2f}, D(0.1, 1) and D(1, 10) are both "
        f"{_entry(burg, 1, 10):.2f}. The curve of D(1, b) lies above its chord from 3 to 9: at 6 "
        f"it is {bow[0]:.3f}, the chord {bow[1]:.3f}.",
        f"log cosh: D(b, 0) grows without bound, at b = 7 it is {_entry(bounded, 7, 0):.2f}; "
        f"D(0, b) is {_entry(bounded, 0, 1):.2f} at 1, "
        f"{_entry(bounded, 0, 10):.4f} at 10, below log 2.",
    ]
    drawn = zip((draw_burg, draw_bounded), alts, strict=True)
    return Picture([Panel(draw, alt, (360, 280)) for draw, alt in drawn])


def best_guess(points: np.ndarray) -> Picture:
    """Return the sums of divergences from and to given numbers, over the other argument.

    Parameters
    ----------
    points : array of shape (m,)
        Positive numbers.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> best_guess(np.array([1.0, 4.0])).panels[1].alt[-50:]
    'w − w at 2.00, −log w at 1.60, log cosh w at 1.38.'
    """
    c = np.linspace(0.25, 5.2, 991)
    sums = [
        [_entry(f, *(pair if second else pair[::-1])).sum(axis=0) for f in CURVES.values()]
        for pair in ((points[:, None], c),)
        for second in (True, False)
    ]
    places = [[float(c[np.argmin(total)]) for total in totals] for totals in sums]

    def draw(totals: Any, least: Any, title: str) -> Any:
        def panel(ax: Any) -> None:
            ax.axvline(points.mean(), color=FAINT, lw=1)
            for total, at, color, name, place in zip(
                totals,
                least,
                COLORS,
                CURVES,
                ((0.42, 0.14), (0.42, 0.04), (0.75, 0.14), (0.72, 0.04)),
                strict=True,
            ):
                ax.plot(c, total / total.min(), color=color, lw=1.8)
                ax.plot(at, 1, "o", color=color, ms=6)
                ax.annotate(name, place, xycoords="axes fraction", color=color)
            ax.plot(points, np.full(len(points), 0.94), "|", color=INK, ms=7)
            ax.set(xlim=(0.2, 5.3), ylim=(0.6, 2.2), xlabel="$c$", title=title)

        return panel

    titles = ("Σ D($a_i$, c) over its least", "Σ D(c, $a_i$) over its least")
    said = [
        ", ".join(f"{name} at {at:.2f}" for name, at in zip(CURVES, least, strict=True))
        for least in places
    ]
    alts = [
        f"With c in the second place all four curves are least at the mean: {said[0]}.",
        f"With c in the first place they are least at four places: {said[1]}.",
    ]
    drawn = zip(sums, places, titles, alts, strict=True)
    return Picture([Panel(draw(*it[:3]), it[3], (360, 290)) for it in drawn])


def five_answers(
    rulers: Mapping[str, ConvexFunction], found: Mapping[str, np.ndarray], true: np.ndarray
) -> Picture:
    """Return the nearest weights for each ruler, and Pythagoras with the true weights.

    Parameters
    ----------
    rulers, found : dicts
        Functions and the projections of (1, ..., 1), of shape (d, 1), by name; at most five.
    true : array of shape (d, 1)
        Weights that interpolate, too.

    Returns
    -------
    Picture
        Two panels.
    """
    order = np.argsort(np.mean([*found.values()], axis=0)[:, 0])
    start = np.ones(true.shape)
    colors = [COLORS[0], "#3E4A54", *COLORS[1:]]
    along = [float(f.divergence(true, found[name])) for name, f in rulers.items()]
    across = [float(f.divergence(found[name], start)) for name, f in rulers.items()]
    whole = [float(f.divergence(true, start)) for f in rulers.values()]

    def draw_weights(ax: Any) -> None:
        ax.axhline(0, color=INK, lw=1)
        number = np.arange(1, len(true) + 1)
        ax.plot(number, true[order, 0], "o", color=INK, ms=4)
        ax.annotate(
            "true", (int(np.argmax(true[order, 0])) + 1, true.max()), (-8, -4), ha="right", **WORDS
        )
        for i, (name, color) in enumerate(zip(rulers, colors, strict=False)):
            ax.plot(number, found[name][order, 0], color=color, lw=1.5)
            at = (0.03, 0.93 - 0.085 * i)
            ax.annotate(name, at, xycoords="axes fraction", color=color)
        ax.set(xticks=[1, *range(5, len(true) + 1, 5)])
        ax.set(xlabel="weight, in the order of the average", title="nearest to (1, …, 1)")

    def draw_sums(ax: Any) -> None:
        for i, color in enumerate(colors[: len(rulers)]):
            height = across[i] / whole[i]
            ax.bar(i, height, 0.62, color=color)
            ax.bar(i, along[i] / whole[i], 0.62, bottom=height, color=color, alpha=0.45)
        ax.axhline(1, color=BOUND, lw=1.6)
        ax.annotate("D(true, C)", (0, 1), (-12, 5), color=BOUND, **WORDS)
        ax.set(ylim=(0, 1.2), title="D(true, P) on D(P, C), whole 1")
        ax.set_xticks(range(len(rulers)), list(rulers), rotation=18)
        ax.grid(axis="x", visible=False)

    least = ", ".join(f"{name} {found[name].min():.2f}" for name in rulers).replace("-", "−")
    shares = ", ".join(
        f"{name} {a / w:.0%}" for name, a, w in zip(rulers, across, whole, strict=True)
    )
    alts = [
        f"Twenty weights for each ruler beside the true ones, all different. The least weight of "
        f"each: {least}.",
        "Two bars on each other reach the line of the whole for every ruler. The share of the "
        f"lower one, D(P, C): {shares}.",
    ]
    drawn = zip((draw_weights, draw_sums), alts, strict=True)
    return Picture([Panel(draw, alt, (360, 300)) for draw, alt in drawn])
