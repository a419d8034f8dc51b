"""Figures of the chapter on Bregman divergences: balls, and Pythagoras."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.convex import ConvexFunction
from dspgd_lib.entropies import BurgEntropy, NegativeEntropy
from dspgd_lib.figures.backgrounds import draw_axes, draw_legend, draw_manifold
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text
from dspgd_lib.figures.plane import around, crossings, foot, on_line, rays, reach_of_ball
from dspgd_lib.figures.tangent_gap import CURVES, FIRST, SECOND, tangent_gap
from dspgd_lib.nearest import bregman_projection
from dspgd_lib.plotting import FAINT, INK
from dspgd_lib.potentials import LogCosh, Quadratic
from dspgd_lib.problem import Problem

__all__ = ["CURVES", "ball", "balls", "is_convex", "tangent_gap", "touching", "touching_point"]

RULERS: dict[str, ConvexFunction] = {
    "squared distance": Quadratic(np.eye(2)),
    "Mahalanobis": Quadratic(np.array([[1.5, 0.6], [0.6, 0.8]])),
    "Kullback–Leibler": NegativeEntropy(),
    "Itakura–Saito": BurgEntropy(),
    "log cosh": LogCosh(),
}
CENTRES = [0.2, 0.4, 0.7, 1.1, 1.6]
RADII = [0.1, 0.3, 1.0]
PLACES = [0.4, 0.75, 0.95, 1.2, 1.65, 2.05, 2.6]
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

    def divergence(points: np.ndarray) -> np.ndarray:  # grows along every ray (lem-breg-balls)
        pair = (points[..., None], np.broadcast_to(centre[:, None], (len(points), 2, 1)))
        return np.asarray(f.divergence(*(pair if kind == 1 else pair[::-1])))

    far: Any = FAR
    if isinstance(f, (NegativeEntropy, BurgEntropy)):
        _, border = crossings(centre, rays(), POSITIVE)
        far = np.minimum(FAR, border * (1 - 1e-9))
    reach = reach_of_ball(divergence, centre, r, far)
    return around(centre, reach), reach


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
    draw_axes(ax, ((0, 4), (0, 4)))
    ax.set(xticks=range(5), yticks=range(5))
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


def _ball_frame(name: str, first: float, r: float) -> Frame:
    f, centre = RULERS[name], np.array([first, 0.8])
    (solid, near), (dashed, far) = (ball(f, centre, r, kind) for kind in (1, 2))
    marks: list[Mark] = [
        Line(solid, FIRST, 2.6),
        Line(dashed, SECOND, 2.2, "6 4"),
        Dots(centre, INK, "o", 4.5),
        Text(centre, "C", INK, (5, 5), bold=True),
    ]
    spans = [_span(first, reach) for reach in (near, far)]
    if far.max() >= FAR:
        says = "The dashed ball never ends in some directions."
    elif not is_convex(dashed):
        says = "The dashed ball is not convex."
    elif np.abs(near - far).max() < 1e-9:
        says = "The two balls are the same."
    else:
        says = "Both balls are convex."
    level = f"on the level of C the solid ball runs in w₁ {spans[0]}, the dashed one {spans[1]}"
    caption = f"{name}, C = ({first:.3g}, {centre[1]:g}), r = {r:.3g}: {level}. {says}"
    alt = f"{name}, centre ({first:.3g}, {centre[1]:g}), radius {r:.3g}: {level}. {says}"
    return Frame([marks], [alt], caption)


def balls() -> Explorer:
    """Return the two kinds of Bregman balls around a point of the plane.

    Returns
    -------
    Explorer
        One panel, 75 stops: five generators, five centres, three radii.

    Examples
    --------
    >>> balls().stops
    75
    """
    panels = [Panel(_draw_plane, "Axes: the plane of two positive weights.", (360, 370))]
    controls: list[Slider | Buttons] = [
        Buttons("name", "divergence", list(RULERS), start=2),
        Slider("first", "first weight of C", CENTRES, start=1),
        Slider("r", "radius r", RADII, start=1),
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
    box = ((0.0, 3.7), (0.0, 3.7))
    draw_manifold(ax, NORMAL, LABEL, box)
    ax.plot(*OUTSIDE, "o", color=INK, ms=7)
    ax.plot(*FOOT, "o", mfc="none", mec=INK, mew=1.4, ms=13)
    ax.annotate("$C$", OUTSIDE, (7, 3), textcoords="offset points")
    ax.annotate(r"$\mathcal{A}$", (2.95, 0.05), (5, 5), textcoords="offset points", fontsize=13)
    draw_axes(ax, box)
    ax.set(xticks=range(4), yticks=range(4))


def _triangle_frame(name: str, place: float) -> Frame:
    f, P = RULERS[name], np.array(touching_point(name))
    A = on_line(NORMAL, LABEL, place)

    def divergence(one: np.ndarray, other: np.ndarray) -> float:
        return float(f.divergence(one[:, None], other[:, None]))

    whole, along, across = divergence(A, OUTSIDE), divergence(A, P), divergence(P, OUTSIDE)
    touching, _ = ball(f, OUTSIDE, across, kind=1)
    marks: list[Mark] = [
        Line(touching, FIRST, 2.4),
        Line([A, OUTSIDE], FAINT, 1.4, "4 3"),
        Line([P, OUTSIDE], INK, 1.6),
        Dots(P, FIRST, "D", 5.5),
        Dots(A, SECOND, "o", 5.5),
        Text(P, "P", FIRST, (-16, -21), bold=True),
        Text(A, "A", SECOND, (4, 9) if abs(A[0] - P[0]) < 0.35 else (-15, -15), bold=True),
    ]
    sums = f"D(A, P) + D(P, C) = {along:.4f} + {across:.4f} = <b>{along + across:.4f}</b>"
    caption = f"{name}, P = ({P[0]:.2f}, {P[1]:.2f}): D(A, C) = <b>{whole:.4f}</b>, and {sums}."
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
        One panel, 35 stops: five generators, seven places of A.

    Examples
    --------
    >>> touching().stops
    35
    """
    alt = (
        "The plane of two weights with a line that falls to the right, a point C above it and a "
        "ring at the foot of the perpendicular from C."
    )
    panels = [Panel(_draw_line, alt, (360, 360))]
    controls: list[Slider | Buttons] = [
        Buttons("name", "divergence", list(RULERS), start=2),
        Slider("place", "first weight of A", PLACES, start=1, log=False),
    ]
    return Explorer(panels, _triangle_frame, controls, "Pythagoras for Bregman divergences")
