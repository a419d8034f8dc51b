"""Figures of the chapter on the paper's experiments, over the numbers that its cells found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.experiments import NORMS, InterpolatorDistances, LearningRates, setting
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, note
from dspgd_lib.nearest import min_norm
from dspgd_lib.plotting import FAINT, INK, look
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.runs import dspgd
from dspgd_lib.theory import max_learning_rate

ADAM = look(Adam(1.0)).color
NAMES = ("p = 1, sparsest", "p = 2, where GD ends", "p = ∞, flattest")
COLORS = ("#8A5A00", look(GradientDescent()).color, "#00705A")
STOPS = [0.03, 0.1, 0.2, 0.4, 1, 2, 4, 10, 20, 40, 100]
PANEL = (360, 300)


# ------------------------------------------------------------------------- distances against ε


@cache
def _nearest(seed: int, n: int, d: int) -> tuple[np.ndarray, ...]:
    """Return the three interpolators of one data set, of shape (d, 1)."""
    problem, W0 = setting(seed, n, d)
    return tuple(min_norm(problem, W0, p) for p in NORMS)


@cache
def _limit(seed: int, n: int, d: int, kind: Any, eps: float, share: float) -> np.ndarray:
    """Return where a run on one data set ends, to a thousandth."""
    problem, W0 = setting(seed, n, d)
    K = kind(eps)
    eta = min(share / problem.M, max_learning_rate(problem, K))
    return problem.project(dspgd(problem, K, W0, eta, tol=3e-3).W)


class _First:
    """The first data set of an experiment: its interpolators, and the changes W - W0."""

    def __init__(self, found: InterpolatorDistances) -> None:
        self.key = int(found.seeds[0]), found.n, found.d
        self.problem, self.W0 = setting(*self.key)
        self.nearest = _nearest(*self.key)
        self.kind = found.preconditioner
        self.look = look(self.kind(1.0))
        self.share = float((found.eta[0, found.fixed] * self.problem.M).max(initial=0.1))
        self.tallest = 1.8 * self.sizes(self.nearest[1]).max()

    def sizes(self, W: np.ndarray) -> np.ndarray:
        """Return the sizes |w - w_0|, largest first."""
        return np.sort(np.abs(W - self.W0).ravel())[::-1]

    def draw(self, ax: Any) -> None:
        entries = np.arange(1, len(self.W0) + 1)
        for W, color in zip(self.nearest, COLORS, strict=True):
            ax.plot(entries, self.sizes(W), color=color)
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
        W = _limit(*self.key, self.kind, eps, self.share)
        gaps = [float(np.linalg.norm(W - goal) / np.linalg.norm(self.W0)) for goal in self.nearest]
        sizes, style = self.sizes(W), self.look
        left: list[Mark] = [Line([(eps, 0), (eps, 1.55)], FAINT, 1.2, "4 3")]
        left += [
            Dots((eps, gap), color, marker, 5.5, hollow=marker == "o")
            for gap, color, marker in zip(gaps, COLORS, "DoD", strict=True)
        ]
        left += [
            note((0.011, y), name, color)
            for y, name, color in zip((1.42, 0.62, 0.16), NAMES, COLORS, strict=True)
        ]
        right: list[Mark] = [
            Line(np.c_[np.arange(1, len(sizes) + 1), sizes], style.color, 3),
            note((0.6 * len(sizes), 0.73 * self.tallest), style.name, style.color),
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
    for share, color in zip(np.moveaxis(shares, -1, 0), COLORS, strict=True):
        ax.fill_between(found.eps, share.min(axis=0), share.max(axis=0), color=color, alpha=0.15)
        ax.plot(found.eps, np.median(share, axis=0), color=color)
    ax.set(xscale="log", xlim=(0.009, 1100), ylim=(0, 1.55), xlabel=r"smoothing $\varepsilon$")
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
        Two panels, 11 stops.

    Examples
    --------
    >>> from dspgd_lib.experiments import distance_to_interpolators
    >>> distances(distance_to_interpolators([1.0, 100.0], seeds=[0], n=5, d=20)).stops
    11
    """
    first = _First(found)
    panels = [
        Panel(lambda ax: _draw_distances(found, ax), _describe_distances(found), PANEL),
        Panel(first.draw, first.describe(), PANEL),
    ]
    controls = [Slider("eps", "smoothing ε", STOPS, start=4)]
    return Explorer(panels, first.frame, controls, "Distance from three interpolators")


# -------------------------------------------------------------------- limits against η


def _draw_moves(ax: Any) -> None:
    ax.set(xscale="log", yscale="log", xlim=(0.008, 2.4), ylim=(1e-16, 9))
    ax.set(xlabel=r"$\eta$ / guarantee", yticks=[1e-15, 1e-10, 1e-5, 1])
    ax.set_title(r"moved by / $\Vert W_0\Vert$")


def _draw_slopes(ax: Any) -> None:
    ax.set(xscale="log", xlim=(0.008, 2.4), ylim=(0.85, 1.3), xlabel=r"$\eta$ / guarantee")
    ax.set_title(r"distance from flow / $\eta$, over its mean")


def _move_frame(found: Mapping[str, LearningRates], eps: str, fraction: float) -> Frame:
    one = found[eps]
    x, away = one.fraction, np.median(one.from_flow, axis=0)
    gone, start = float(np.interp(fraction, x, away)), np.median(one.from_start, axis=0)
    left: list[Mark] = [Line([(fraction, 1e-16), (fraction, 9)], FAINT, 1.2, "4 3")]
    # A distance of exactly 0 has no place on a logarithmic axis: leave out the first.
    for moves, color, dash, name, y in (
        (one.gd_from_smallest, COLORS[1], "", "gradient descent", 3e-16),
        (one.mirror_from_smallest, COLORS[2], "6 3", "mirror descent", 1e-11),
    ):
        left += [
            Line(np.c_[x[1:], np.median(moves, axis=0)[1:]], color, 2.4, dash),
            note((0.012, y), name, color),
        ]
    left += [
        Line(np.c_[x, start], INK, 2.4),
        note((0.012, 0.05), "Adam's distance from W₀", INK),
        Line(np.c_[x, away], ADAM, 3),
        Dots((fraction, gone), ADAM, "D", 6),
        note((0.012, 3e-7), "Adam's distance from its flow limit", ADAM),
    ]
    # Scaled by the mean over the learning rates, so that a straight line through 0 is the level 1.
    scaled = one.from_flow / x
    scaled = scaled / scaled.mean(axis=1, keepdims=True)
    right: list[Mark] = [Line([(0.008, 1), (2.4, 1)], FAINT, 1.2, "4 3")]
    still = max(one.gd_from_smallest.max(), one.mirror_from_smallest.max())
    level = float((np.ptp(one.from_start, axis=1) / one.from_start.mean(axis=1)).max())
    right += [Line(np.c_[x, row], ADAM, 1.6, opacity=0.8) for row in scaled]
    right += [Dots([(fraction, float(np.interp(fraction, x, scaled.mean(axis=0))))], ADAM, "D", 6)]
    slope = float(np.median(one.slope))
    where = "within" if fraction <= 1 else "beyond"
    caption = (
        f"ε = {eps}, η = {fraction:.2g} of the guarantee ({where} it): Adam's limit lies "
        f"<b>{gone:.1e}</b> ‖W₀‖ from the limit of the flow. Slope on the logarithmic axes: "
        f"<b>{slope:.3f}</b>. Distance from W₀: {float(np.interp(fraction, x, start)):.3f} ‖W₀‖. "
        f"Medians over {len(one.seeds)} data sets."
    )
    alts = [
        f"Smoothing {eps}, learning rate {fraction:.2g} of the guarantee: Adam's limit is "
        f"{gone:.1e} away from the flow limit, on a line of slope {slope:.3f}; the limits of "
        f"gradient descent and mirror descent move by at most {still:.0e}; the distance from the "
        f"start varies by at most {level:.2%}.",
        f"Distance from the flow limit over the learning rate stays between {scaled.min():.2f} "
        f"and {scaled.max():.2f} times its mean.",
    ]
    return Frame([left, right], alts, caption)


def learning_rates(found: Sequence[LearningRates]) -> Explorer:
    """Return the paper's second figure: buttons for ε, a slider for the learning rate.

    Parameters
    ----------
    found
        What `dspgd_lib.experiments.limit_against_learning_rate` returned, one for each ε.

    Returns
    -------
    Explorer
        Two panels; one stop for each pair of ε and learning rate.

    Examples
    --------
    >>> from dspgd_lib.experiments import limit_against_learning_rate
    >>> one = limit_against_learning_rate(1.0, [0.1, 0.2, 0.4], seeds=[0], n=5, d=20)
    >>> learning_rates([one]).stops
    3
    """
    by_eps = {f"{one.eps:g}": one for one in found}
    panels = [
        Panel(
            _draw_moves,
            "Logarithmic axes: learning rate against distances from 1e-16 to 1.",
            PANEL,
        ),
        Panel(
            _draw_slopes,
            "Axes: learning rate against the distance from the flow limit divided by it.",
            PANEL,
        ),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("eps", "smoothing ε", list(by_eps)),
        Slider("fraction", "learning rate η", found[0].fraction.tolist(), form="{:.2g}"),
    ]

    def frame(eps: str, fraction: float) -> Frame:
        return _move_frame(by_eps, eps, fraction)

    return Explorer(panels, frame, controls, "How the limit depends on the learning rate")
