"""Figures of the chapter on the paper's experiments, over the numbers that its cells found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.experiments import NORMS, InterpolatorDistances, LearningRates, setting
from dspgd_lib.figures.backgrounds import draw_axes, draw_cross, draw_manifold
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import Box, around, rays
from dspgd_lib.figures.words import plain
from dspgd_lib.flow import preconditioned_flow
from dspgd_lib.nearest import min_norm
from dspgd_lib.plotting import FAINT, INK, look
from dspgd_lib.potentials import Hypentropy
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep
from dspgd_lib.theory import max_learning_rate

ADAM, GD = look(Adam(1.0)).color, look(GradientDescent()).color
MIRROR = look(Hypentropy(1.0)).color
NAMES = ("p = 1", "p = 2", "p = ∞")
COLORS = ("#8a5a00", GD, "#00705a")
STOPS = np.geomspace(0.01, 100.0, 161).tolist()
ETAS = np.geomspace(0.02, 1.9, 56).tolist()
PANEL = (360, 300)


# ---------------------------------------------------------------------- three ways to be near


LINE = np.array([0.5, 1.0]), 1.1
SMALL: Box = ((-1.45, 1.75), (-1.0, 1.55))


@cache
def _plane() -> tuple[Problem, np.ndarray]:
    x, y = LINE
    return Problem(x[None], np.array([[y]])), np.array([[0.15], [0.1]])


def _draw_balls(ax: Any) -> None:
    problem, W0 = _plane()
    draw_cross(ax)
    draw_manifold(ax, *LINE, SMALL, margin=1)
    places = ((-12, 8), (8, 4), (9, 2))
    for p, color, name, place in zip(NORMS, COLORS, ("p = 1", "p = 2", "p = ∞"), places,
                                     strict=True):  # fmt: skip
        W = min_norm(problem, W0, p)
        reach = np.linalg.norm(W - W0, p) / np.linalg.norm(rays(), p, axis=1)
        ax.plot(*around(W0[:, 0], reach).T, color=color, lw=1.6)
        ax.plot(*W, "D", mfc="white", mec=color, ms=7, mew=1.6)
        ax.annotate(name, W[:, 0], place, textcoords="offset points", color=color)
    ax.plot(*W0, "o", color=INK, ms=6)
    ax.annotate("$W_0$", W0[:, 0], (-6, -14), textcoords="offset points")
    ax.annotate(r"$\mathcal{W}$", (1.5, 0.37), (0, 6), textcoords="offset points")
    draw_axes(ax, SMALL, "two weights, one example")


def _draw_three(ax: Any) -> None:
    _, W0 = setting(0)
    for W, color, name, at in zip(
        _nearest(0, 50, 200), COLORS, NAMES, ((9, 0.33), (45, 0.135), (160, 0.075)), strict=True
    ):
        ax.plot(np.arange(1, 201), np.sort(np.abs(W - W0).ravel())[::-1], color=color)
        ax.annotate(name, at, color=color)
    ax.set(xlim=(0, 201), ylim=(0, 0.62), xlabel="weights, largest change first")
    ax.set_title("$|w - w_0|$: 200 weights, 50 examples")


def three_ways() -> Picture:
    """Return the three interpolators nearest to a start: with two weights, and with 200.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> len(three_ways().panels)
    2
    """
    _, W0 = setting(0)
    sparse, round_, flat = (np.sort(np.abs(W - W0).ravel())[::-1] for W in _nearest(0, 50, 200))
    return Picture(
        [
            Panel(
                _draw_balls,
                "Plane of two weights. Around a start W_0 a diamond, a circle and a square have "
                "grown until they touch the line of interpolating weights, each at another point.",
                PANEL,
            ),
            Panel(
                _draw_three,
                f"Sizes of the changes of 200 weights, largest first. For p = 1 they fall from "
                f"{sparse[0]:.2f} to 0 at weight {int((sparse > 1e-9).sum())}; for p = 2 from "
                f"{round_[0]:.2f} slowly to 0; for p = infinity {flat[0]:.2f} is kept by "
                f"{int((flat > (1 - 1e-6) * flat[0]).sum())} weights.",
                PANEL,
            ),
        ]
    )


# ------------------------------------------------------------------------- distances against ε


@cache
def _nearest(seed: int, n: int, d: int) -> tuple[np.ndarray, ...]:
    """Return the three interpolators of one data set, of shape (d, 1)."""
    problem, W0 = setting(seed, n, d)
    return tuple(min_norm(problem, W0, p) for p in NORMS)


@cache
def _limits(seed: int, n: int, d: int, kind: Any, share: float) -> Batch:
    """Return where runs on one data set end, to a thousandth, for every ε."""
    problem, W0 = setting(seed, n, d)

    def compute(eps: np.ndarray) -> list[np.ndarray]:
        K = kind(eps)
        eta = np.minimum(share / problem.M, max_learning_rate(problem, K))
        runs = sweep(problem, K, W0, eta, tol=3e-3, max_steps=1_000_000)
        return list(problem.project(runs.W))

    return Batch(compute, STOPS)


class _First:
    """The first data set of an experiment: its interpolators, and the changes W - W0."""

    def __init__(self, found: InterpolatorDistances) -> None:
        self.key = int(found.seeds[0]), found.n, found.d
        self.problem, self.W0 = setting(*self.key)
        self.nearest = _nearest(*self.key)
        self.kind = found.preconditioner
        self.look = look(self.kind(1.0))
        share = float((found.eta[0, found.fixed] * self.problem.M).max(initial=0.1))
        self.limit = _limits(*self.key, self.kind, share)
        self.tallest = 1.8 * self.sizes(self.nearest[1]).max()

    def sizes(self, W: np.ndarray) -> np.ndarray:
        """Return the sizes |w - w_0|, largest first."""
        return np.sort(np.abs(W - self.W0).ravel())[::-1]

    def draw(self, ax: Any) -> None:
        entries = np.arange(1, len(self.W0) + 1)
        n, top = len(entries), self.tallest
        places = ((0.17 * n, 0.93 * top), (0.13 * n, 0.5 * top), (0.84 * n, 0.32 * top))
        for W, color, name, at in zip(self.nearest, COLORS, NAMES, places, strict=True):
            ax.plot(entries, self.sizes(W), color=color)
            ax.annotate(name, at, color=color)
        ax.set(xlim=(0, entries[-1] + 1), ylim=(0, self.tallest), xlabel="entries, largest first")
        ax.set_title("$|w - w_0|$, first data set")

    def describe(self) -> str:
        sparse, round_, flat = (self.sizes(W) for W in self.nearest)
        level = int((flat > (1 - 1e-6) * flat[0]).sum())
        return (
            f"Sizes of the changes of the {len(flat)} weights, largest first. The solution for "
            f"p = 1 changes {int((sparse > 1e-9).sum())} of them, by {sparse[0]:.2f} at most; for "
            f"p = 2 the largest change is {round_[0]:.2f}; for p = infinity it is {flat[0]:.2f}, "
            f"in {level} of them."
        )

    def frame(self, eps: float) -> Frame:
        W = self.limit(eps)
        gaps = [float(np.linalg.norm(W - goal) / np.linalg.norm(self.W0)) for goal in self.nearest]
        sizes, style = self.sizes(W), self.look
        left: list[Mark] = [Line([(eps, 0), (eps, 1.55)], FAINT, 1.2, "4 3")]
        left += [
            Dots((eps, gap), color, marker, 5.5, hollow=marker == "o")
            for gap, color, marker in zip(gaps, COLORS, "DoD", strict=True)
        ]
        right: list[Mark] = [
            Line(np.c_[np.arange(1, len(sizes) + 1), sizes], style.color, 3),
            note((0.45 * len(sizes), 0.38 * self.tallest), style.name, style.color),
        ]
        where = (
            f"{gaps[0]:.3f} from the sparsest, {gaps[1]:.3f} from GD's and {gaps[2]:.3f} from the "
            f"flattest solution"
        )
        change = (
            f"the largest change of a weight is {sizes[0]:.3f}, the median change "
            f"{np.median(sizes):.3f}"
        )
        caption = (
            f"ε = {eps:.3g}, first data set, in units of ‖W₀‖: {style.name} ends {where}. In units "
            f"of W {change}."
        )
        alts = [
            f"Smoothing {eps:.3g}: {style.name} ends {where}.",
            f"Smoothing {eps:.3g}: {change}.",
        ]
        return Frame([left, right], alts, caption)


def _draw_distances(found: InterpolatorDistances, ax: Any) -> None:
    shares = found.distance / found.start_norm[:, None, None]
    for j, (color, name) in enumerate(zip(COLORS, NAMES, strict=True)):
        share = shares[..., j]
        middle = np.median(share, axis=0)
        ax.fill_between(found.eps, share.min(axis=0), share.max(axis=0), color=color, alpha=0.15)
        ax.plot(found.eps, middle, color=color)
        x = 12.0 if j == 1 else 1.5
        y = float(np.interp(np.log(x), np.log(found.eps), middle))
        ax.annotate(name, (x, y), (6, 7), textcoords="offset points", color=color)
    ax.set(xscale="log", xlim=(0.008, 130), ylim=(0, 1.55), xlabel=r"smoothing $\varepsilon$")
    ax.set_title(r"distance / $\Vert W_0\Vert$")


def _describe_distances(found: InterpolatorDistances) -> str:
    medians = np.median(found.distance / found.start_norm[:, None, None], axis=0)
    ends = ", ".join(
        f"for p = {p} from {first:.3f} to {last:.3f}"
        for p, first, last in zip(("1", "2", "infinity"), medians[0], medians[-1], strict=True)
    )
    return (
        f"Median and range over {len(found.seeds)} data sets of the distance from three "
        f"interpolating solutions. From smoothing {found.eps[0]:g} to {found.eps[-1]:g} the "
        f"medians go {ends}."
    )


def distances(found: InterpolatorDistances) -> Explorer:
    """Return the paper's first figure with a slider for ε and the weights behind the distances.

    Parameters
    ----------
    found
        What `dspgd_lib.experiments.distance_to_interpolators` returned.

    Returns
    -------
    Explorer
        Two panels, 161 stops.

    Examples
    --------
    >>> from dspgd_lib.experiments import distance_to_interpolators
    >>> distances(distance_to_interpolators([1.0, 100.0], seeds=[0], n=5, d=20)).stops
    161
    """
    first = _First(found)
    panels = [
        Panel(lambda ax: _draw_distances(found, ax), _describe_distances(found), PANEL),
        Panel(first.draw, first.describe(), PANEL),
    ]
    controls = [Slider("eps", "smoothing ε", STOPS, start=90, form="{:.3g}")]
    return Explorer(panels, first.frame, controls, "Distance from three interpolators")


# --------------------------------------------------------------------- which one is nearer


def ratios(found: InterpolatorDistances) -> Picture:
    """Return, for each data set, how much farther the flat solution is than gradient descent's.

    Parameters
    ----------
    found
        What `dspgd_lib.experiments.distance_to_interpolators` returned.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> from dspgd_lib.experiments import distance_to_interpolators
    >>> len(ratios(distance_to_interpolators([1.0, 9.0], seeds=[0], n=5, d=20)).panels)
    1
    """
    ratio = found.distance[..., 2] / found.distance[..., 1]
    middle = np.median(ratio, axis=0)

    def draw(ax: Any) -> None:
        ax.axhline(1, color=INK, lw=1)
        ax.plot(found.eps, ratio.T, color=ADAM, lw=0.9, alpha=0.6)
        ax.plot(found.eps, middle, color=ADAM, lw=3)
        ax.set(xscale="log", yscale="log", xlim=(0.009, 4.5), ylim=(0.42, 3.2))
        ax.set(yticks=[0.5, 1, 2, 3], yticklabels=["0.5", "1", "2", "3"])
        ax.set_yticks([], minor=True)
        ax.set(xlabel=r"smoothing $\varepsilon$")
        ax.annotate("GD's solution is nearer", (0.012, 1.9))
        ax.annotate("the flat one is nearer", (0.15, 0.5))
        ax.set_title("distance to p = ∞ over distance to p = 2")

    first, last = np.sort(ratio[:, 0]), ratio[:, -1]
    alt = (
        f"Ratio of distances over ε, one curve for each of {len(ratio)} data sets and their "
        f"median. At ε = {found.eps[0]:.2g} it lies between {first[0]:.2f} and {first[-1]:.2f}, "
        f"{int((first < 1).sum())} times below 1; all curves rise, and at ε = {found.eps[-1]:.3g} "
        f"none is below {last.min():.2g}."
    )
    return Picture([Panel(draw, alt, PANEL)])


def shapes(ratio: np.ndarray, other: np.ndarray, found: InterpolatorDistances) -> Picture:
    """Return how the shape n/d of the data decides which interpolator small-ε Adam is near.

    Parameters
    ----------
    ratio : array of shape (N,)
        The shapes n/d.
    other : array of shape (N, S, 3)
        Distances to the three interpolators for S data sets of each shape.
    found
        The distances for the data sets that the chapter used before; they are drawn as well.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> from dspgd_lib.experiments import distance_to_interpolators
    >>> found = distance_to_interpolators([1.0], seeds=[0], n=5, d=20)
    >>> len(shapes(np.array([0.25]), found.distance[None, :, 0], found).panels)
    1
    """
    before = np.median(found.distance[:, 0] / found.distance[:, 0, 1:2], axis=0)
    middles = np.median(other / other[..., 1:2], axis=1)

    def draw(ax: Any) -> None:
        ax.axhline(1, color=INK, lw=1)
        for j, name, place in ((2, "to p = ∞", (0.55, 0.62)), (0, "to p = 1", (0.22, 3.0))):
            low, middle, top = np.quantile(other[..., j] / other[..., 1], (0, 0.5, 1), axis=1)
            ax.errorbar(
                ratio, middle, (middle - low, top - middle), fmt="o", color=COLORS[j], capsize=3,
                elinewidth=1.4,
            )  # fmt: skip
            ax.plot(found.n / found.d, before[j], "s", mfc="white", color=COLORS[j], ms=8)
            ax.annotate(name, place, color=COLORS[j])
        ax.set(xlim=(0, 0.97), xlabel="n/d", title="distance over distance to p = 2")
        ax.set_ylim(bottom=0)

    walk = ", ".join(f"{m[2]:.2f} at {r:g}" for r, m in zip(ratio, middles, strict=True))
    alt = (
        f"Two ratios of distances over n/d, medians with their ranges. To p = infinity over to "
        f"p = 2: {walk}. To p = 1 over to p = 2 it falls from {middles[0, 0]:.1f} to "
        f"{middles[-1, 0]:.1f}. Open squares at n/d = {found.n / found.d:g}, for twice as many "
        f"weights, stand at {before[2]:.2f} and {before[0]:.1f}."
    )
    return Picture([Panel(draw, alt, (360, 320))])


# -------------------------------------------------------------------- limits against η


class _Ends:
    """Where Adam's runs on the first data set end in 𝓦, seen from the limit of the flow.

    Two coordinates, in thousandths of ‖W0‖: away from gradient descent's end, and the direction at
    a right angle to it in which the end for the largest learning rate lies.
    """

    def __init__(self, one: LearningRates) -> None:
        self.problem, self.W0 = setting(int(one.seeds[0]), one.n, one.d)
        self.K = one.preconditioner(one.eps)
        self.unit = 1e-3 * float(np.linalg.norm(self.W0))
        self.flow = preconditioned_flow(self.problem, self.K, self.W0).limit
        away = self.flow - self.problem.project(self.W0)
        self.radius = float(np.linalg.norm(away)) / self.unit
        self.away = away / np.linalg.norm(away)
        self.ends = Batch(self._run, ETAS)
        last = self.ends(ETAS[-1]) - self.flow
        last = last - np.sum(last * self.away) * self.away
        self.aside = last / np.linalg.norm(last)

    def _run(self, fractions: np.ndarray) -> list[np.ndarray]:
        eta = fractions * max_learning_rate(self.problem, self.K)
        runs = sweep(self.problem, self.K, self.W0, eta, tol=1e-6, max_steps=1_000_000)
        return list(self.problem.project(runs.W))

    def at(self, fraction: float) -> tuple[float, float]:
        moved = (self.ends(fraction) - self.flow) / self.unit
        return float(np.sum(moved * self.away)), float(np.sum(moved * self.aside))

    def path(self) -> np.ndarray:
        return np.array([(0.0, 0.0), *(self.at(fraction) for fraction in ETAS)])

    def sphere(self) -> np.ndarray:
        """Return the points as far from gradient descent's end as the limit of the flow."""
        aside = np.linspace(-3.0, 17.0, 41)
        return np.c_[np.sqrt(np.maximum(self.radius**2 - aside**2, 0)) - self.radius, aside]


def _draw_moves(ax: Any) -> None:
    ax.set(xscale="log", yscale="log", xlim=(0.008, 2.4), ylim=(1e-17, 9))
    ax.set(xlabel=r"$\eta$ / guarantee", yticks=[1e-15, 1e-10, 1e-5, 1])
    ax.set_title(r"moved by / $\Vert W_0\Vert$")


def _draw_map(found: Mapping[str, _Ends], ax: Any) -> None:
    for eps, ends in found.items():
        path = ends.path()
        ax.plot(*path.T, color=FAINT, lw=1.4)
        aside = path[-1, 0] < 1
        ax.annotate(
            f"ε = {eps}", path[-1], (-6 if aside else 4, 3), textcoords="offset points",
            color=FAINT, ha="right" if aside else "left",
        )  # fmt: skip
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    ax.set(xlim=(-6.5, 17), ylim=(-2.5, 16.5), aspect="equal")
    ax.set(xlabel="away from GD's end", ylabel="around it")
    ax.set_title(r"in $\mathcal{W}$, thousandths of $\Vert W_0\Vert$")


def _tens(value: float) -> str:
    """Return one digit of a small number and a power of ten, as plain characters."""
    digit, exponent = f"{value:.0e}".split("e")
    return plain(f"${digit}·10^{{{int(exponent)}}}$")


def _power(value: float) -> str:
    """Return a small number with a power of ten, as HTML."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}·10<sup>{number(int(exponent), 'd')}</sup>"


def _move_frame(
    found: Mapping[str, LearningRates], ends: Mapping[str, _Ends], eps: str, fraction: float
) -> Frame:
    one, place = found[eps], ends[eps]
    x, away = one.fraction, np.median(one.from_flow, axis=0)
    gone = float(np.exp(np.interp(np.log(fraction), np.log(x), np.log(away))))
    start = np.median(one.from_start, axis=0)
    out, aside = place.at(fraction)
    left: list[Mark] = []
    # A distance of exactly 0 has no place on a logarithmic axis: leave out the first.
    for moves, color, dash, name, y in (
        (one.gd_from_smallest, COLORS[1], "", "gradient descent", 3e-17),
        (one.mirror_from_smallest, MIRROR, "6 3", "mirror descent", 3e-11),
    ):
        left += [
            Line(np.c_[x[1:], np.median(moves, axis=0)[1:]], color, 2.4, dash),
            note((0.012, y), name, color),
        ]
    left += [
        Line(np.c_[x, start], INK, 2.4),
        note((0.012, 0.03), "Adam, from W₀", INK),
        Line(np.c_[x, away], ADAM, 3),
        note((0.012, 3e-7), "Adam, from the flow's limit", ADAM),
        Dots((fraction, gone), ADAM, "D", 6),
    ]
    right: list[Mark] = [
        Line(place.sphere(), GD, 1.6, "5 3"),
        Line(place.path(), ADAM, 2.6),
        note((17, -1.9), f"GD's end: {place.radius:.0f} to the left", GD, "end"),
        Text((0, 0), "flow", INK, (7, -14)),
        Dots((out, aside), ADAM, "D", 6),
    ]
    still = max(one.gd_from_smallest.max(), one.mirror_from_smallest.max())
    level = float((np.ptp(one.from_start, axis=1) / one.from_start.mean(axis=1)).max())
    where = "within" if fraction <= 1 else "beyond"
    moved = float(np.hypot(out, aside))
    angle = float(np.degrees(np.arctan2(aside, out)))
    caption = (
        f"ε = {eps}, η = {fraction:.2g} of the guarantee ({where} it): Adam's end is "
        f"<b>{moved:.1f}</b> thousandths of ‖W₀‖ from the flow's, in a direction {angle:.0f}° off "
        f"the one away from GD's end. GD and mirror descent move by at most {_power(still)}."
    )
    alts = [
        f"Smoothing {eps}, learning rate {fraction:.2g} of the guarantee: Adam's limit is "
        f"{gone:.5f} away from the flow limit, on a line of slope {np.median(one.slope):.3f}; the "
        f"limits of gradient descent and mirror descent move by at most {_tens(still)}; the "
        f"distance "
        f"from the start varies by at most {level:.2%}.",
        f"In the manifold, thousandths: the end for smoothing {eps} and {fraction:.2g} of the "
        f"guarantee is {number(out, '.2f')} farther from gradient descent's end and {aside:.2f} "
        f"aside, on a nearly straight path from the limit of the flow.",
    ]
    return Frame([left, right], alts, caption)


def learning_rates(found: Sequence[LearningRates]) -> Explorer:
    """Return the paper's second figure and a map of the ends: buttons for ε, a slider for η.

    Parameters
    ----------
    found
        What `dspgd_lib.experiments.limit_against_learning_rate` returned, one for each ε.

    Returns
    -------
    Explorer
        Two panels; 56 learning rates for each ε.

    Examples
    --------
    >>> from dspgd_lib.experiments import limit_against_learning_rate
    >>> one = limit_against_learning_rate(1.0, [0.1, 0.2, 0.4], seeds=[0], n=5, d=20)
    >>> learning_rates([one]).stops
    56
    """
    by_eps = {f"{one.eps:g}": one for one in found}
    ends = {eps: _Ends(one) for eps, one in by_eps.items()}
    panels = [
        Panel(
            _draw_moves,
            "Logarithmic axes: learning rate against distances from 1e-17 to 1.",
            PANEL,
        ),
        Panel(
            lambda ax: _draw_map(ends, ax),
            "Plane in the manifold around the limit of the flow, in thousandths of the length of "
            f"the start, with the paths of the ends for ε = {', '.join(by_eps)}.",
            PANEL,
        ),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("eps", "smoothing ε", list(by_eps), start=len(by_eps) - 1),
        Slider("fraction", "learning rate η", ETAS, start=48, form="{:.2g}"),
    ]

    def frame(eps: str, fraction: float) -> Frame:
        return _move_frame(by_eps, ends, eps, fraction)

    return Explorer(panels, frame, controls, "How the limit depends on the learning rate")
