"""Figures of the chapter on mirror descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from dspgd_lib.divergences import bregman
from dspgd_lib.figures.backgrounds import draw_axes, draw_cross, draw_manifold
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import Box, around, on_line, rays, reach_of_ball, segment
from dspgd_lib.figures.words import plain
from dspgd_lib.mirror import mirror_curvature, mirror_descent
from dspgd_lib.nearest import bregman_projection, min_norm
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD, look
from dspgd_lib.potentials import Cosh, PNorm
from dspgd_lib.preconditioners import Adam, GradientClipping, GradientDescent, SoftClipping
from dspgd_lib.problem import Problem
from dspgd_lib.results import MirrorResult
from dspgd_lib.runs import dspgd

COLOR = look(PNorm(2.0)).color
BALL = look(SoftClipping(1.0)).color
NEAREST = ADAM = look(Adam(1.0)).color
BLUE, GREEN = look(GradientDescent()).color, look(GradientClipping(1.0)).color
SLOPES = np.unique(np.r_[np.geomspace(1.2, 4.0, 121).round(3), 2.0]).tolist()
EXPONENTS = np.geomspace(1.05, 20.0, 160).round(3).tolist()
START = np.array([[-0.5], [0.5]])
SEEN: Box = ((-1.75, 1.75), (-1.5, 1.85))
PIXELS = 85.0  # a unit of the two planes
PANEL = (360, 350)
RAYS = 52  # on which the balls are drawn
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


def _run(p: float, W0: np.ndarray, end: np.ndarray, share: float) -> MirrorResult:
    """Run mirror descent at a share of 1 over the curvature at its destination.

    From 0 the first step takes the multiplier to share·(p − 1) of its last value, and a power above
    2 turns a small multiplier into a large weight: less is needed to see more than a few chords.
    """
    flat = np.maximum(np.abs(end), 0.02) ** (2.0 - p) / (p - 1.0)
    curvature = float(np.sum(plane().X.T ** 2 * flat))
    eta = share * min(1.0, 1.0 / (p - 1.0)) / curvature
    keep = ("W", "dual")
    return mirror_descent(plane(), PNorm(p), W0, eta, tol=2e-3, max_steps=150, record=keep)


def _outline(psi: PNorm, W0: np.ndarray, radius: float) -> np.ndarray:
    """Return the points A with D_ψ(A, W0) = radius, as a closed curve."""
    start, slopes, p = W0[:, 0], psi.gradient(W0)[:, 0], psi.p
    below = float(slopes @ start - psi.value(W0))

    def divergence(points: np.ndarray) -> np.ndarray:  # as `bregman`, faster, good for 15 digits
        powers: np.ndarray = (np.abs(points) ** p).sum(axis=1) / p
        return powers - points @ slopes + below

    return around(start, reach_of_ball(divergence, start, radius, far=8.0, count=RAYS))


def _seen(points: Any, step: float = 0.16) -> np.ndarray:
    """Return the part of a curve that lies in the frame, its points evenly spread."""
    points = np.reshape(points, (-1, 2))
    (left, right), (low, high) = SEEN
    edge = np.array([[left - 0.1, right + 0.1], [low - 0.1, high + 0.1]])
    points = points[((points >= edge[:, 0]) & (points <= edge[:, 1])).all(axis=1)]
    way = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    even = np.linspace(0.0, way[-1], max(2, int(way[-1] / step)))
    return np.stack([np.interp(even, way, column) for column in points.T], axis=1)


def _image(p: float) -> np.ndarray:
    """Return the slopes of the manifold, sampled in either slope so that it fills the frame."""
    psi = PNorm(p)
    w = psi.gradient_of_conjugate(np.linspace(-2.2, 2.2, 221)[:, None])[:, 0]
    points = np.vstack([on_line(*LINE, w, entry) for entry in (0, 1)])
    points = points[np.argsort(points[:, 0])]
    return _seen(psi.gradient(points[:, :, None]))


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


def _pair(point: Any, form: str = ".2f") -> str:
    """Return the two coordinates of a point in words."""
    first, second = np.ravel(point)
    return f"({number(first, form)}, {number(second, form)})"


def _two_frame(p: float) -> Frame:
    data, psi, W0 = plane(), PNorm(p), START
    near, end = min_norm(data, W0, p), bregman_projection(data, psi, W0)
    run = _run(p, W0, end, 0.12)
    W, S = run.history["W"], run.history["dual"]
    radius = float(bregman(psi, end, W0))
    through = psi.gradient(W0) + np.linspace(-6.0, 6.0, 1201)[:, None, None] * data.X.T
    road = _seen(psi.gradient_of_conjugate(through))
    through = through[[0, -1]]
    image = _image(p)
    gap = float(np.linalg.norm(end - near))
    straight = np.linspace(through[0, :, 0], through[-1, :, 0], 241)
    beside, anchor = _beside(S[0, :, 0], np.vstack([image, straight]))
    points: list[Mark] = [
        Line(_outline(psi, W0, radius), BALL, 2.0, "6 4"),
        Line(road, COLOR, 1.2, "2 3"),
        Line(W[[0, -1]] if p == 2 else W, COLOR, 2.4),
        Dots(W, COLOR, "o", 3.2, gap=14),
        Dots(W0, INK, "o", 4.5),
        Text(W0, "W₀", INK, (-8.0, -15.0), "end"),
        Dots(near, NEAREST, "D", 8.0, hollow=True),
        Dots(end, COLOR, "o", 4.5, hollow=True),
    ]
    slopes: list[Mark] = [
        Line(image, MANIFOLD, 3.0),
        Line(through, COLOR, 1.2, "2 3"),
        Line(S[[0, -1]], COLOR, 2.4),
        Dots(S[0], INK, "o", 4.5),
        Text(S[0], "∇ψ(W₀)", INK, beside, anchor),
        Dots(psi.gradient(end), COLOR, "o", 4.5, hollow=True),
    ]
    nearest = (
        "and this is the nearest point (diamond) as well"
        if gap < 1e-9
        else f"<b>{gap:.2f}</b> from the point nearest in the {p:.3g}-norm (diamond)"
    )
    caption = (
        f"p = {p:.3g}: the run ends (ring) at {_pair(end)}, where the Bregman ball of radius "
        f"{radius:.2f} touches 𝓦, {nearest}."
    )
    bent = "straight" if p == 2 else "curved"
    alts = [
        f"p = {p:.3g}: from {_pair(START)} a {bent} road leads to {_pair(end)}, where a Bregman "
        f"ball touches the straight manifold; the point nearest in the p-norm is {gap:.2f} away.",
        f"Slopes, p = {p:.3g}: the same run on a straight line, up to the {bent} image of the "
        f"manifold.",
    ]
    return Frame([points, slopes], alts, caption)


def two_planes() -> Explorer:
    """Return one run in the plane of points and in the plane of slopes, a slider for p.

    Returns
    -------
    Explorer
        Two panels, 122 stops, p = 2 among them.

    Examples
    --------
    >>> two_planes().stops
    122
    """
    panels = [
        Panel(
            _draw_points,
            "Plane of the two weights with the line of interpolating weights.",
            PANEL,
        ),
        Panel(_draw_slopes, "Plane of the two slopes, with axes through the origin.", PANEL),
    ]
    controls = [Slider("p", "exponent\u00a0p", SLOPES, start=92)]
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
        ax.annotate(name, at, color=INK)
    ax.set(xlim=(0, 41), ylim=(0, 1.08), xticks=[1, 10, 20, 30, 40])
    ax.set(xlabel="weights, largest first")
    ax.set_title("40 weights, 10 examples: size")


def _exponent_frame(p: float) -> Frame:
    data, zero = plane(), np.zeros((2, 1))
    end = min_norm(data, zero, p)
    run = _run(p, zero, end, 0.3)
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
        Dots(end, COLOR, "o", 5.0, hollow=True),
    ]
    sizes: list[Mark] = [
        Line(np.c_[rank, shown], COLOR, 2.4),
    ]
    ratio = float(np.min(np.abs(end)) / np.max(np.abs(end)))
    caption = (
        f"p = {p:.3g}: with two weights the smaller is <b>{ratio:.1%}</b> of the larger; with "
        f"40, <b>{large}</b> weights exceed a tenth of the largest."
    )
    alts = [
        f"p = {p:.3g}: from the origin straight to {_pair(end)}, where the p-norm ball of radius "
        f"{length:.2f} touches the manifold.",
        f"Sizes of the 40 weights in descending order for p = {p:.3g}: {large} exceed a tenth of "
        f"the largest, the median is {np.median(profile) / profile[0]:.0%} of it.",
    ]
    return Frame([touch, sizes], alts, caption)


def exponent() -> Explorer:
    """Return where mirror descent from 0 ends, a slider for the exponent p.

    Returns
    -------
    Explorer
        Two panels, 160 stops: two weights in the plane, and the sorted sizes of 40 weights.

    Examples
    --------
    >>> exponent().stops
    160
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
    controls = [Slider("p", "exponent\u00a0p", EXPONENTS, start=40)]
    return Explorer(panels, _exponent_frame, controls, "The exponent decides what is near")


# ------------------------------------------------------------------------ four perfect fits

INKS = (ADAM, COLOR, BLUE, GREEN)
BEHIND: dict[str, Any] = {"fc": "white", "ec": "none", "pad": 1.0}


def four_exponents(runs: Mapping[float, MirrorResult]) -> Picture:
    """Return where some runs with p-norm powers end, and that all of them fit.

    Parameters
    ----------
    runs
        What `mirror_descent` returned for each exponent, with record="loss"; at most four.

    Returns
    -------
    Picture
        Two panels: the sizes of the weights, largest first, and the loss of every step.

    Examples
    --------
    >>> run = mirror_descent(plane(), PNorm(1.5), [0.0, 0.0], 0.1, record="loss")
    >>> len(four_exponents({1.5: run}).panels)
    2
    """
    sizes = {p: np.sort(np.abs(run.W[:, 0]))[::-1] for p, run in runs.items()}

    def draw_sizes(ax: Any) -> None:
        for (p, size), color in zip(sizes.items(), INKS, strict=False):
            ax.plot(np.arange(1, len(size) + 1), size, color=color)
            ax.annotate(f"p = {p:g}", (1, size[0]), (7, 0), textcoords="offset points",
                        color=color, bbox=BEHIND)  # fmt: skip
        top = max(size[0] for size in sizes.values())
        ax.set(xlim=(0, len(size) + 1), ylim=(0, 1.1 * top), xlabel="weights, largest first")
        ax.set_title("size of each weight")

    def draw_losses(ax: Any) -> None:
        for (p, run), color in zip(runs.items(), INKS, strict=False):
            loss = run.history["loss"] / run.history["loss"][0]
            ax.plot(np.arange(1, len(loss)), loss[1:], color=color)
            middle = int(np.argmax(loss < 10.0 ** (-6 - 4 * list(runs).index(p))))
            ax.annotate(f"p = {p:g}", (middle, loss[middle]), (5, 2), textcoords="offset points",
                        color=color, bbox=BEHIND)  # fmt: skip
        ax.set(xscale="log", yscale="log", ylim=(1e-22, 3), xlabel="step $t$")
        ax.set_title("loss, relative")

    large = ", ".join(
        f"{int(np.sum(size > 0.1 * size[0]))} for p = {p:g}" for p, size in sizes.items()
    )
    first = ", ".join(f"{size[0]:.2f} for p = {p:g}" for p, size in sizes.items())
    return Picture(
        [
            Panel(
                draw_sizes,
                f"Sizes of the weights in descending order. The largest is {first}; larger than a "
                f"tenth of it are {large}.",
                (360, 290),
            ),
            Panel(
                draw_losses,
                "Losses of the same runs on logarithmic axes: all of them fall to rounding.",
                (360, 290),
            ),
        ]
    )


# ------------------------------------------------------------------------------ one end


def one_end(problem: Problem, W0: np.ndarray, order: np.ndarray) -> Picture:
    """Return how far four runs with one potential are from where they all end.

    Parameters
    ----------
    problem, W0
        The data and the start.
    order
        Which example each step of the fourth run uses.

    Returns
    -------
    Picture
        Two panels, the power with p = 1.5 and the hyperbolic cosine.

    Examples
    --------
    >>> data = Problem.gaussian(2, 5, 1, seed=0)
    >>> len(one_end(data, np.ones((5, 1)), np.array([0, 1])).panels)
    2
    """
    panels = []
    for psi, name in ((PNorm(1.5), "p = 1.5"), (Cosh(), "hyperbolic cosine")):
        end = bregman_projection(problem, psi, W0)
        eta = np.array([0.2, 1.0, 1.5]) / mirror_curvature(problem, psi, end)
        keep: dict[str, Any] = {"tol": 1e-11, "record": "W"}
        runs = mirror_descent(problem, psi, W0, eta, **keep)
        one = mirror_descent(problem, psi, W0, eta[1], order=order, **keep)
        ways = [runs.history["W"][: n + 1, i] for i, n in enumerate(runs.steps)]
        gaps = [np.linalg.norm(W - end, axis=(1, 2)) for W in (*ways, one.history["W"])]
        panels.append(
            Panel(
                partial(_draw_gaps, gaps=gaps, n=problem.n, name=name),
                f"Distance from the destination over the passes through the data, {name}. With "
                f"0.2, 1 and 1.5 times 1/λ it falls to rounding in {runs.steps[0]}, "
                f"{runs.steps[1]} and {runs.steps[2]} passes, with one example at a time in "
                f"{one.steps / problem.n:.0f}.",
                (360, 270),
            )
        )
    return Picture(panels)


def _draw_gaps(ax: Any, gaps: Sequence[np.ndarray], n: int, name: str) -> None:
    labels = ("0.2/λ", "1/λ", "1.5/λ", "one example at a time")
    for gap, color, label, level in zip(gaps, INKS, labels, (-3, -8, -9, -5), strict=True):
        passes = np.arange(len(gap)) / (n if label.startswith("one") else 1)
        ax.plot(passes, gap, color=color)
        at = int(np.argmax(gap < 10.0**level * gap[0]))
        left = label == "1.5/λ"
        ax.annotate(label, (passes[at], gap[at]), (-5, -6) if left else (6, 3), color=color,
                    textcoords="offset points", ha="right" if left else "left")  # fmt: skip
    ax.set(yscale="log", ylim=(1e-11, 30), xlabel="passes through the data")
    ax.set_xlim(0, 0.45 * len(gaps[0]))
    ax.set_title(f"distance left, {name}")


# ------------------------------------------------------------------------------ the ledger

SHARES = np.linspace(0.04, 1.96, 193).round(2).tolist()
PAGES = 12  # steps of the ledger that are shown


@cache
def _ledger_start() -> tuple[Problem, np.ndarray, float]:
    data = Problem.gaussian(10, 40, 1, seed=4)
    W0 = np.random.default_rng(1).standard_normal((40, 1))
    return data, W0, float(bregman(Cosh(), bregman_projection(data, Cosh(), W0), W0))


def _ledgers(shares: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each η·M the three kinds of terms, of shape (3, T), and the losses.

    The terms are shares of the budget, the losses those times 2ηθ.
    """
    data, W0, budget = _ledger_start()
    eta = shares / data.M
    run = mirror_descent(data, Cosh(), W0, eta, tol=0, max_steps=60, record="W")
    W = run.history["W"]
    L = eta * data.loss_value(W) / budget
    sharp = bregman(Cosh(), W[1:], W[:-1]) - eta * data.divergence(W[1:], W[:-1])
    terms = np.stack([sharp / budget, L[1:], L[:-1]])
    return [(terms[:, :, i], L[:, i] / eta[i]) for i in range(len(shares))]


_ledger = Batch(_ledgers, SHARES)


def _between(low: np.ndarray, high: np.ndarray, color: str) -> Band:
    t = np.arange(len(low))
    return Band(np.r_[np.c_[t, low], np.c_[t, high][::-1]], color, opacity=0.35)


def _draw_ledger(ax: Any) -> None:
    ax.axhline(100, color=INK, lw=1)
    ax.axhline(0, color=INK, lw=1)
    ax.annotate("the budget", (PAGES, 100), (0, 4), textcoords="offset points", ha="right")
    ax.set(xlim=(0, PAGES), ylim=(-55, 135), yticks=[-50, 0, 50, 100], xlabel="step $t$")
    ax.set_title("spent so far, % of the budget")


def _draw_losses(ax: Any) -> None:
    ax.set(yscale="log", xlim=(0, PAGES), ylim=(1e-7, 1e4), xlabel="step $T$")
    ax.set_title("loss, and what is proved")


def _ledger_frame(share: float) -> Frame:
    terms, loss = _ledger(share)
    data, _, budget = _ledger_start()
    levels = 100 * np.cumsum(np.cumsum(np.c_[np.zeros(3), terms], axis=1), axis=0)[:, : PAGES + 1]
    condition, after, spent = levels
    T, eta, theta = np.arange(PAGES + 1), share / data.M, 1 - share / 2
    loss = loss[: PAGES + 1] * budget
    proved = budget / (2 * eta * theta * (T + 1))
    if share <= 1:
        proved[1:] = np.minimum(proved[1:], budget / (2 * eta * T[1:]))
    left: list[Mark] = [
        _between(condition, after, BLUE),
        _between(after, spent, COLOR),
        Line(np.c_[T, condition], GREEN, 2.4),
        Line(np.c_[T, spent], INK, 2.4),
    ]
    if condition[-1] > 0:
        left.insert(0, _between(np.zeros_like(condition), condition, GREEN))
    at = 2 * PAGES / 3
    for low, high, name, color in (
        (after, spent, "loss before the step", COLOR),
        (condition, after, "loss after it", BLUE),
        (np.zeros_like(condition), condition, "the condition", GREEN),
    ):
        if high[-1] - low[-1] > 9:
            left.append(note((at, (low[-1] + high[-1]) / 2 - 4), name, color, "middle"))
    if condition[-1] < -5:
        left.append(note((at, condition[-1] - 13), "a loan", GREEN, "middle"))
    right: list[Mark] = [
        Line(np.c_[T, proved], BOUND, 2.0, "6 4"),
        Line(np.c_[T, loss], INK, 2.4),
        Dots(np.c_[T, loss], INK, "o", 3.0, gap=3),
        note((PAGES - 0.5, 4 * proved[-1]), "proved", BOUND, "end"),
    ]
    near = float(np.max(loss / proved))
    whole = "all of it positive"
    if condition.min() < -1e-9:
        whole = f"after a loan of <b>{-condition.min():.1f} %</b>, which the losses pay back"
    caption = (
        f"η = {share:g} α/M: after {PAGES} steps {spent[-1]:.1f} % of the budget is spent, "
        f"{whole}. The loss comes to {near:.2g} of its bound at most."
    )
    small = plain(f"$10^{{{np.log10(loss[-1]):.0f}}}$")
    reached = f"{loss[-1]:.2g}" if loss[-1] >= 1e-3 else f"about {small}"
    alts = [
        f"Stacked over the steps, learning rate {share:g} α/M: the condition adds up to "
        f"{number(condition[-1], '.1f')} percent of the budget, the losses after the steps to "
        f"{after[-1] - condition[-1]:.1f}, those before to {spent[-1] - after[-1]:.1f}; together "
        f"{spent[-1]:.1f}.",
        f"The loss falls from {loss[0]:.2g} to {reached}, "
        f"below the proved bound, which ends "
        f"at {proved[-1]:.2g}.",
    ]
    return Frame([left, right], alts, caption)


def ledger() -> Explorer:
    """Return the ledger of mirror descent with the hyperbolic cosine, a slider for η.

    Returns
    -------
    Explorer
        Two panels, 193 stops up to nearly twice α/M: what the steps spend, and the loss with its
        bound.

    Examples
    --------
    >>> ledger().stops
    193
    """
    panels = [
        Panel(
            _draw_ledger,
            "Axes: step against what has been spent, with lines at 0 and at 100 percent.",
            (360, 300),
        ),
        Panel(_draw_losses, "Axes: step against the loss, logarithmic.", (360, 300)),
    ]
    controls = [
        Slider(
            "share", "learning rate η, in units of α/M", SHARES, start=SHARES.index(1.8), log=False
        )
    ]
    return Explorer(panels, _ledger_frame, controls, "The ledger of mirror descent")


# ------------------------------------------------------------------------------ the mirror image

STEPS = list(range(121))
WEIGHTS: Box = ((-1.6, 2.2), (-1.9, 1.9))
DUALS: Box = ((-4.6, 4.6), (-4.6, 4.6))


@cache
def _image_run() -> tuple[Problem, np.ndarray, Adam, np.ndarray, np.ndarray]:
    """Return three examples with two weights, what fits them, and a run of Adam."""
    X, fits = np.array([[1.3, 0.3], [0.2, 0.9], [-0.6, 0.7]]), np.array([[0.6], [-0.5]])
    data, K = Problem(X, X @ fits, strict=False), Adam(0.3)
    run = dspgd(
        data, K, np.array([[-1.0], [1.4]]), 0.16 * 0.3 / data.M, tol=0, max_steps=STEPS[-1],
        record=("W", "gradient"),
    )  # fmt: skip
    return data, fits, K, run.history["W"], run.history["gradient"]


def _directions(toward: np.ndarray | None) -> np.ndarray:
    """Return unit directions all round, or those within 55 degrees of one."""
    if toward is None:
        return np.vstack([rays(120), rays(120)[:1]])
    angles = np.arctan2(toward[1], toward[0]) + np.radians(np.linspace(-55, 55, 15))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _level_of_loss(level: float, toward: np.ndarray | None = None) -> np.ndarray:
    """Return the weights of a given loss, all of them or those in one direction."""
    data, fits, *_ = _image_run()
    way = _directions(toward)
    reach = np.sqrt(2 * level) / np.linalg.norm(way @ data.X.T, axis=1)
    return fits[:, 0] + reach[:, None] * way


def _level_of_K(level: float, toward: np.ndarray | None = None) -> np.ndarray:
    """Return the gradients with a given value of K, all of them or those in one direction."""
    K, way = _image_run()[2], _directions(toward)
    low, high = np.zeros(len(way)), np.full(len(way), 12.0)
    for _ in range(40):
        middle = 0.5 * (low + high)
        inside = K.value((middle[:, None] * way)[..., None]) <= level
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low[:, None] * way


def _draw_image_weights(ax: Any) -> None:
    _, fits, _, W, _ = _image_run()
    draw_cross(ax)
    for level in (0.03, 0.3, 1.0, 2.0, 3.5):
        ax.plot(*_level_of_loss(level).T, color=FAINT, lw=0.7)
    ax.plot(*W[:, :, 0].T, color=ADAM, lw=1.2)
    ax.plot(*fits, "+", color=INK, ms=9, mew=1.5)
    ax.annotate("fits the data", fits[:, 0], (-24, -24), textcoords="offset points")
    draw_axes(ax, WEIGHTS, "weights, and levels of the loss")


def _draw_image_duals(ax: Any) -> None:
    *_, V = _image_run()
    draw_cross(ax)
    for level in (0.2, 1.0, 2.0, 3.5, 5.0):
        ax.plot(*_level_of_K(level).T, color=FAINT, lw=0.7)
    ax.plot(*V[:, :, 0].T, color=ADAM, lw=1.2)
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    draw_axes(ax, DUALS, "gradients, and levels of K", name="v")


def _arrow(start: np.ndarray, way: np.ndarray, color: str, head: float) -> list[Mark]:
    tip, side = start + way, np.array([-way[1], way[0]]) / (np.linalg.norm(way) + 1e-300)
    along = way / (np.linalg.norm(way) + 1e-300)
    wings = [tip - head * (along + 0.5 * s * side) for s in (1, -1)]
    return [Line([start, tip], color, 2.4), Line([wings[0], tip, wings[1]], color, 2.4)]


def _image_frame(t: int) -> Frame:
    data, fits, K, W, V = _image_run()
    t = int(t)
    w, v = W[t, :, 0], V[t, :, 0]
    step = np.asarray(K.gradient(V[t]))[:, 0]
    loss, level = float(data.loss_value(W[t])), float(K.value(V[t]))
    size = float(np.linalg.norm(v)) or 1.0
    left: list[Mark] = [
        Line(_level_of_loss(loss, w - fits[:, 0]), BLUE, 1.8, "5 3"),
        *_arrow(w, 0.55 * v / size, BLUE, 0.12),
        *_arrow(w, -0.6 * step, ADAM, 0.12),
        Dots(w, ADAM, "D", 5.5),
        Text(w, "W", INK, (8.0, -14.0), bold=True),
    ]
    right: list[Mark] = [
        Line(_level_of_K(level, v), ADAM, 1.8, "5 3"),
        Line([(0, 0), v], BLUE, 1.6),
        *_arrow(v, 1.4 * step, ADAM, 0.3),
        Dots(v, ADAM, "D", 5.5),
        Text(v, "V", INK, (8.0, -14.0), bold=True),
    ]
    caption = (
        f"Step {t}: W = {_pair(w, '.2f')} with loss {loss:.3f}, V = {_pair(v, '.2f')} with "
        f"K(V) = {level:.3f}. The step goes along −∇K(V) = {_pair(-step, '.2f')}."
    )
    alts = [
        f"Weights at step {t}: at {_pair(w, '.2f')} a blue arrow stands at a right angle on the "
        f"ellipse of loss {loss:.3f}; the step goes along {_pair(-step, '.2f')}.",
        f"Gradients at step {t}: at {_pair(v, '.2f')} an arrow stands at a right angle on the "
        f"level line K = {level:.3f}; the run leads to 0.",
    ]
    return Frame([left, right], alts, caption)


def image() -> Explorer:
    """Return a run of Adam among the weights and among the gradients, a slider for the step.

    Returns
    -------
    Explorer
        Two panels, 121 stops: in each the normal on the level line moves the point of the other.

    Examples
    --------
    >>> image().stops
    121
    """
    panels = [
        Panel(
            _draw_image_weights,
            "Plane of two weights with ellipses of equal loss and the road of the run to the "
            "point that fits the three examples.",
            PANEL,
        ),
        Panel(
            _draw_image_duals,
            "Plane of gradients with level lines of K, rounded diamonds, and the road of the same "
            "run to the origin.",
            PANEL,
        ),
    ]
    controls = [Slider("t", "step t", STEPS, start=32, log=False, form="{:.0f}")]
    return Explorer(panels, _image_frame, controls, "One run and its mirror image")


# ------------------------------------------------------------------------------ the break

APART = np.linspace(-1.5, 1.5, 151).round(2).tolist()


@cache
def _broken_run() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a run of Adam on one example with two weights, and the null space."""
    W0 = np.array([[-0.35], [-0.75]])
    run = dspgd(plane(), Adam(0.08), W0, 0.02, tol=1e-6, max_steps=1000, record=("W", "gradient"))
    null = np.array([-LINE[0][1], LINE[0][0]]) / np.linalg.norm(LINE[0])
    return run.history["W"][..., 0], run.history["gradient"][..., 0], null


def _draw_broken_weights(ax: Any) -> None:
    W, _, null = _broken_run()
    _draw_weights(ax, SEEN, "weights", 1.5)
    ax.plot(*segment(W[0], null, 4).T, color=FAINT, lw=1, ls=(0, (4, 3)))
    ax.plot(*W.T, color=FAINT, lw=2)
    ax.plot(*W[0], "o", color=INK, ms=6)
    ax.annotate("W", W[0], (-14, -4), textcoords="offset points")
    ax.plot(*W[-1], "D", mfc="white", mec=FAINT, ms=6)


def _draw_broken_duals(ax: Any) -> None:
    _, V, _ = _broken_run()
    draw_cross(ax)
    ax.plot(*segment((0, 0), LINE[0], 4).T, color=FAINT, lw=1, ls=(0, (4, 3)))
    ax.plot(*V.T, color=ADAM, lw=2)
    ax.plot(*V[0], "o", color=INK, ms=6)
    ax.annotate("V", V[0], (-14, 2), textcoords="offset points")
    ax.plot(0, 0, "D", mfc="white", mec=ADAM, ms=6)
    ax.annotate("row space", (0.9, 0.6), (-2, -16), textcoords="offset points")
    draw_axes(ax, ((-1.75, 1.75), (-1.5, 1.85)), "gradients", name="v")


def _broken_frame(z: float) -> Frame:
    W, V, null = _broken_run()
    twin = W + z * null
    left: list[Mark] = [
        Line([W[0], twin[0]], BLUE, 2.0, "2 3"),
        Line([W[-1], twin[-1]], BLUE, 2.0, "2 3"),
        Line(twin, ADAM, 2.6),
        Dots(twin[0], INK, "o", 4.5),
        Text(twin[0], "W + Z", INK, (8.0, -14.0)),
        Dots(twin[-1], ADAM, "D", 5.0, hollow=True),
    ]
    caption = (
        f"‖Z‖ = {abs(z):g}: two starts with the gradient {_pair(V[0], '.2f')}. After {len(V) - 1} "
        f"steps one run fits the data at {_pair(W[-1], '.2f')}, the other at "
        f"<b>{_pair(twin[-1], '.2f')}</b>; the gradients never told them apart."
    )
    alts = [
        f"Weights: a run from {_pair(W[0], '.2f')} and one from {_pair(twin[0], '.2f')} stay "
        f"{abs(z):g} apart, parallel to the manifold, and end at {_pair(W[-1], '.2f')} and "
        f"{_pair(twin[-1], '.2f')}.",
        "Gradients: one road for both runs, on the line of the data point, to 0.",
    ]
    return Frame([left, []], alts, caption)


def broken() -> Explorer:
    """Return two runs of Adam that their gradients cannot tell apart, a slider for the gap.

    Returns
    -------
    Explorer
        Two panels, 151 stops; the second does not move.

    Examples
    --------
    >>> broken().stops
    151
    """
    panels = [
        Panel(
            _draw_broken_weights,
            "Plane of two weights with the line of interpolating weights, one run of Adam to it, "
            "and through its start a dashed line parallel to it: all weights with one gradient.",
            PANEL,
        ),
        Panel(
            _draw_broken_duals,
            "Plane of gradients: the run goes along the line of the data point to 0.",
            PANEL,
        ),
    ]
    controls = [Slider("z", "how far Z leads along the null space", APART, start=120, log=False)]
    return Explorer(panels, _broken_frame, controls, "Where the mirror breaks")
