"""Figures of the chapter on mirror descent."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.divergences import bregman
from dspgd_lib.figures.backgrounds import draw_axes, draw_cross, draw_manifold
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text
from dspgd_lib.figures.plane import Box, around, on_line, rays, reach_of_ball
from dspgd_lib.mirror import mirror_descent
from dspgd_lib.nearest import bregman_projection, min_norm
from dspgd_lib.plotting import FAINT, INK, MANIFOLD, look
from dspgd_lib.potentials import PNorm
from dspgd_lib.problem import Problem
from dspgd_lib.results import MirrorResult

COLOR = look(PNorm(2.0)).color
BALL = "#0B7A99"
NEAREST = "#AA3377"
SLOPES = [1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0]
EXPONENTS = [
    1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0,
    2.25, 2.5, 3.0, 3.5, 4.0, 5.0, 7.0, 10.0, 14.0, 20.0,
]  # fmt: skip
STARTS = {"the origin": (0.0, 0.0), "the left": (-0.5, 0.5), "below": (0.75, -0.8)}
SEEN: Box = ((-1.65, 1.8), (-1.45, 1.9))
PIXELS = 85.0  # a unit of the two planes
PANEL = (360, 350)
RAYS = 180  # on which the balls are drawn
LINE = np.array([0.9, 0.6]), 0.8


@cache
def plane() -> Problem:
    """Return one data point x = (0.9, 0.6) with label 0.8."""
    x, y = LINE
    return Problem(x[None], np.array([[y]]))


@cache
def larger() -> Problem:
    """Return the Gaussian problem with 10 examples and 40 weights of the second figure."""
    return Problem.gaussian(10, 40, 1, seed=4)


def _run(p: float, W0: np.ndarray, end: np.ndarray) -> MirrorResult:
    """Run mirror descent at 0.3 over the curvature at its destination.

    From 0 the first step takes the multiplier to 0.3(p − 1) of its last value: for large p less is
    needed to stay on this side of the manifold.
    """
    flat = np.maximum(np.abs(end), 0.02) ** (2.0 - p) / (p - 1.0)
    curvature = float(np.sum(plane().X.T ** 2 * flat))
    eta = min(0.3, 0.9 / (p - 1.0)) / curvature
    keep = ("W", "dual")
    return mirror_descent(plane(), PNorm(p), W0, eta, tol=1e-6, max_steps=300, record=keep)


def _outline(p: float, W0: np.ndarray, radius: float) -> np.ndarray:
    """Return the points A with D_ψ(A, W0) = radius, as a closed curve."""
    centres = np.broadcast_to(W0, (RAYS, 2, 1))

    def divergence(points: np.ndarray) -> np.ndarray:
        return bregman(PNorm(p), points[..., None], centres)

    start = W0[:, 0]
    return around(start, reach_of_ball(divergence, start, radius, far=8.0, count=RAYS))


def _image(p: float) -> np.ndarray:
    """Return the slopes of the manifold, sampled in either slope so that it fills the frame."""
    psi = PNorm(p)
    w = psi.gradient_of_conjugate(np.linspace(-2.2, 2.2, 221)[:, None])[:, 0]
    points = np.vstack([on_line(*LINE, w, entry) for entry in (0, 1)])
    points = points[np.argsort(points[:, 0])]
    return psi.gradient(points[:, :, None])[..., 0]


def _beside(at: np.ndarray, lines: np.ndarray) -> tuple[tuple[float, float], str]:
    """Return the offset and anchor of a label of 50 pixels that is farthest from the lines."""
    places = {
        (-8.0, -15.0): "end", (8.0, -15.0): "start", (-8.0, 7.0): "end", (8.0, 7.0): "start",
    }  # fmt: skip
    room = {}
    for (right, up), anchor in places.items():
        along = np.linspace(0.0, 50.0, 6) * (1 if anchor == "start" else -1)
        box = np.stack([right + along, np.full(6, up + 4.0)], axis=1)
        apart = box[:, None] - (lines - at)[None] * PIXELS
        room[right, up] = float(np.min(np.abs(apart).max(axis=2)))
    best = max(room, key=room.__getitem__)
    return best, places[best]


def _draw_weights(ax: Any, box: Box, title: str, named: float) -> None:
    """Draw the plane with the manifold, named where the first weight has a given value."""
    draw_cross(ax)
    draw_manifold(ax, *LINE, box, margin=1)
    at = on_line(*LINE, named)
    ax.annotate(r"$\mathcal{W}$", at, (5, 3), textcoords="offset points")
    draw_axes(ax, box, title)


def _draw_points(ax: Any) -> None:
    _draw_weights(ax, SEEN, "points", 1.5)


def _draw_slopes(ax: Any) -> None:
    draw_cross(ax)
    draw_axes(ax, SEEN, "slopes (dual space)", name="s")


def _two_frame(p: float, start: tuple[float, float]) -> Frame:
    data, psi = plane(), PNorm(p)
    W0 = np.array(start)[:, None]
    near = min_norm(data, W0, p)
    end = bregman_projection(data, psi, W0) if W0.any() else near  # D(W, 0) is a power of ‖W‖ₚ
    run = _run(p, W0, end)
    W, S = run.history["W"], run.history["dual"]
    radius = float(bregman(psi, end, W0))
    through = psi.gradient(W0) + np.linspace(-6.0, 6.0, 601)[:, None, None] * data.X.T
    road = psi.gradient_of_conjugate(through)
    image = _image(p)
    gap = float(np.linalg.norm(end - near))
    beside, anchor = _beside(S[0, :, 0], np.vstack([image, through[..., 0]]))
    points: list[Mark] = [
        Line(_outline(p, W0, radius), BALL, 2.0, "6 4"),
        Line(road, COLOR, 1.2, "2 3"),
        Line(W, COLOR, 2.4),
        Dots(W, COLOR, "o", 3.6, gap=7),
        Dots(W0, INK, "o", 4.5),
        Text(W0, "W₀", INK, (-8.0, -15.0), "end"),
        Dots(near, NEAREST, "D", 5.0, hollow=True),
        Dots(end, COLOR, "o", 6.0, hollow=True),
    ]
    slopes: list[Mark] = [
        Line(image, MANIFOLD, 3.0),
        Line(through, COLOR, 1.2, "2 3"),
        Line(S, COLOR, 2.4),
        Dots(S, COLOR, "o", 3.6, gap=7),
        Dots(S[0], INK, "o", 4.5),
        Text(S[0], "∇ψ(W₀)", INK, beside, anchor),
        Dots(psi.gradient(end), COLOR, "o", 6.0, hollow=True),
    ]
    nearest = (
        "and this is the nearest point (diamond) as well"
        if gap < 1e-9
        else f"<b>{gap:.3f}</b> from the point nearest in the {p:.3g}-norm (diamond)"
    )
    caption = (
        f"p = {p:.3g}, start ({start[0]:.3g}, {start[1]:.3g}): the run ends (ring) at "
        f"({end[0, 0]:.3f}, {end[1, 0]:.3f}), where the dashed Bregman ball of radius "
        f"{radius:.3f} touches 𝓦, {nearest}."
    )
    bent = "straight" if p == 2 or start == (0.0, 0.0) else "curved"
    alts = [
        f"Points, p = {p:.3g}: from ({start[0]:.3g}, {start[1]:.3g}) a {bent} road leads to "
        f"({end[0, 0]:.3f}, {end[1, 0]:.3f}) on the straight manifold, where a dashed Bregman ball "
        f"touches it; the point nearest in the p-norm is {gap:.3f} away.",
        f"Slopes, p = {p:.3g}: the same run on a straight line parallel to the data point, up to "
        f"the {'straight' if p == 2 else 'curved'} image of the manifold.",
    ]
    return Frame([points, slopes], alts, caption)


def two_planes() -> Explorer:
    """Return one run in the plane of points and in the plane of slopes: p, and three starts.

    Returns
    -------
    Explorer
        Two panels, 27 stops.

    Examples
    --------
    >>> two_planes().stops
    27
    """
    panels = [
        Panel(
            _draw_points,
            "Plane of the two weights with the line of interpolating weights.",
            PANEL,
        ),
        Panel(_draw_slopes, "Plane of the two slopes, with axes through the origin.", PANEL),
    ]
    controls: list[Slider | Buttons] = [
        Slider("p", "exponent\u00a0p", SLOPES, start=2),
        Buttons("start", "where it starts", STARTS, start=1),
    ]
    return Explorer(panels, _two_frame, controls, "Mirror descent in points and in slopes")


# --------------------------------------------------------------------------- the exponent


def _draw_touch(ax: Any) -> None:
    data, zero = plane(), np.zeros((2, 1))
    _draw_weights(ax, ((-1.3, 1.75), (-1.15, 1.9)), "two weights, one example", 1.4)
    ax.plot(0, 0, "o", color=INK, ms=6)
    ax.annotate("$W_0$", (0, 0), (-20, -14), textcoords="offset points")
    for p, name, shift in ((1, "p = 1", (5, 6)), (np.inf, "p = ∞", (9, 4))):
        W = min_norm(data, zero, p)[:, 0]
        ax.plot(*W, "D", mfc="white", mec=INK, ms=6)
        ax.annotate(name, W, shift, textcoords="offset points")


@cache
def _profile(p: float) -> np.ndarray:
    data = larger()
    return np.sort(np.abs(min_norm(data, np.zeros((data.d, 1)), p)[:, 0]))[::-1]


def _draw_profile(ax: Any) -> None:
    rank = np.arange(1, larger().d + 1)
    top = _profile(1.0)[0]
    for p, dash, name, at in (
        (1.0, (0, (2, 2)), "p = 1", (8.2, 0.56)),
        (np.inf, (0, (6, 3)), "p = ∞", (33.5, 0.3)),
    ):
        ax.plot(rank, _profile(p) / top, color=FAINT, lw=1.6, ls=dash)
        ax.annotate(name, at, color="#4d5866")
    ax.set(xlim=(0, 41), ylim=(0, 1.08), xticks=[1, 10, 20, 30, 40])
    ax.set(xlabel="weights, largest first")
    ax.set_title("40 weights, 10 examples: size")


def _exponent_frame(p: float) -> Frame:
    data, zero = plane(), np.zeros((2, 1))
    end = min_norm(data, zero, p)
    run = _run(p, zero, end)
    W = run.history["W"]
    profile = _profile(p)
    large = int(np.sum(profile > 0.1 * profile[0]))
    shown = profile / _profile(1.0)[0]
    rank = np.arange(1, len(profile) + 1)
    length = float(np.linalg.norm(end[:, 0], p))
    reach = length / np.linalg.norm(rays(RAYS), p, axis=1)
    touch: list[Mark] = [
        Line(around((0, 0), reach), BALL, 2.0, "6 4"),
        Line([zero, end], COLOR, 2.4),
        Dots(W, COLOR, "o", 3.6, gap=7),
        Dots(end, COLOR, "o", 6.0, hollow=True),
    ]
    sizes: list[Mark] = [
        Line(np.c_[rank, shown], COLOR, 2.4),
        Dots(np.c_[rank, shown], COLOR, "o", 2.8, gap=5),
    ]
    ratio = float(np.min(np.abs(end)) / np.max(np.abs(end)))
    caption = (
        f"p = {p:.3g}: with two weights the smaller is <b>{ratio:.1%}</b> of the larger; with "
        f"40, <b>{large}</b> weights exceed a tenth of the largest."
    )
    alts = [
        f"p = {p:.3g}: from the origin straight to ({end[0, 0]:.3f}, {end[1, 0]:.3f}), where the "
        f"p-norm ball of radius {length:.3f} touches the manifold.",
        f"Sizes of the 40 weights in descending order for p = {p:.3g}: {large} exceed a tenth of "
        f"the largest, the median is {np.median(profile) / profile[0]:.0%} of it.",
    ]
    return Frame([touch, sizes], alts, caption)


def exponent() -> Explorer:
    """Return where mirror descent from 0 ends, a slider for the exponent p.

    Returns
    -------
    Explorer
        Two panels, 20 stops: two weights in the plane, and the sorted sizes of 40 weights.

    Examples
    --------
    >>> exponent().stops
    20
    """
    few, flat = _profile(1.0), _profile(np.inf)
    panels = [
        Panel(
            _draw_touch,
            "Plane of two weights with the line of interpolating weights, the origin, and the "
            "points of the line that are nearest to it in the 1-norm and in the maximum norm.",
            PANEL,
        ),
        Panel(
            _draw_profile,
            f"Sizes of 40 weights in descending order for p = 1, where {np.sum(few > 0)} are not "
            f"zero, and for p = ∞, where {np.sum(flat > flat[0] * (1 - 1e-9))} are equal.",
            PANEL,
        ),
    ]
    controls = [Slider("p", "exponent\u00a0p", EXPONENTS, start=6)]
    return Explorer(panels, _exponent_frame, controls, "The exponent decides what is near")
