"""Figures of the chapter on the paper's experiments, over the numbers that its cells found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.experiments import NORMS, InterpolatorDistances, LearningRates, setting
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text
from dspgd_lib.interpolators import min_norm
from dspgd_lib.plotting import FAINT, INK, look
from dspgd_lib.preconditioners import Adam, GradientDescent
from dspgd_lib.solve import dspgd
from dspgd_lib.theory import max_learning_rate

ADAM = look(Adam(1.0)).color
NAMES = ("p = 1, sparsest", "p = 2, where GD ends", "p = ∞, flattest")
COLORS = ("#8A5A00", look(GradientDescent()).color, "#00705A")
STOPS = [0.03, 0.1, 0.2, 0.4, 1, 2, 4, 10, 20, 40, 100]
PANEL = (360, 300)


# ------------------------------------------------------------------------- distances against ε


@cache
def _nearest() -> tuple[np.ndarray, ...]:
    """Return the three interpolators of the first data set, of shape (200, 1)."""
    problem, W0 = setting(seed=0)
    return tuple(min_norm(problem, W0, p) for p in NORMS)


@cache
def _limit(eps: float) -> np.ndarray:
    """Return where Adam ends on the first data set, to a thousandth."""
    problem, W0 = setting(seed=0)
    K = Adam(eps)
    eta = min(0.1 / problem.M, max_learning_rate(problem, K))
    return problem.project(dspgd(problem, K, W0, eta, tol=3e-3).W)


def _sizes(W: np.ndarray) -> np.ndarray:
    """Return the 200 sizes |w − w_0|, largest first."""
    return np.sort(np.abs(W - setting(seed=0)[1]).ravel())[::-1]


def _draw_distances(found: InterpolatorDistances, ax: Any) -> None:
    shares = found.distance / found.start_norm[:, None, None]
    for share, color in zip(np.moveaxis(shares, -1, 0), COLORS, strict=True):
        ax.fill_between(found.eps, share.min(axis=0), share.max(axis=0), color=color, alpha=0.15)
        ax.plot(found.eps, np.median(share, axis=0), color=color)
    ax.set(xscale="log", xlim=(0.009, 1100), ylim=(0, 1.55), xlabel=r"smoothing $\varepsilon$")
    ax.set_title(r"distance / $\Vert W_0\Vert$")


def _draw_sizes(ax: Any) -> None:
    for W, color in zip(_nearest(), COLORS, strict=True):
        ax.plot(np.arange(1, 201), _sizes(W), color=color)
    ax.set(xlim=(0, 201), ylim=(0, 0.26), xlabel="entries, largest first")
    ax.set_title("$|w - w_0|$, first data set")


def _distance_frame(eps: float) -> Frame:
    W, (_, W0) = _limit(eps), setting(seed=0)
    gaps = [float(np.linalg.norm(W - goal) / np.linalg.norm(W0)) for goal in _nearest()]
    left: list[Mark] = [Line([(eps, 0), (eps, 1.55)], FAINT, 1.2, "4 3")]
    left += [Dots([(eps, gap)], color, "D", 5.5) for gap, color in zip(gaps, COLORS, strict=True)]
    left += [
        Text((0.011, y), name, color, (0, 0), bold=True)
        for y, name, color in zip((1.42, 0.62, 0.16), NAMES, COLORS, strict=True)
    ]
    sizes = _sizes(W)
    right: list[Mark] = [
        Line(np.c_[np.arange(1, 201), sizes], ADAM, 3),
        Text((120, 0.19), "Adam", ADAM, (0, 0), bold=True, size=14),
    ]
    caption = (
        f"ε = {eps:.3g}, first data set: Adam ends <b>{gaps[0]:.2f}</b> from the sparsest, "
        f"<b>{gaps[1]:.3f}</b> from GD's and <b>{gaps[2]:.2f}</b> from the flattest solution. Its "
        f"largest change of a weight is {sizes[0]:.3f}, its median change {np.median(sizes):.3f}."
    )
    alts = [
        f"Smoothing {eps:.3g}: on the first data set the distances from the solutions for p = 1, 2 "
        f"and infinity are {gaps[0]:.2f}, {gaps[1]:.3f} and {gaps[2]:.2f}.",
        f"Adam changes the weights by {sizes[0]:.3f} at most and {np.median(sizes):.3f} in the "
        f"median, between the flat and the bell-shaped profile.",
    ]
    return Frame([left, right], alts, caption)


def distances(found: InterpolatorDistances) -> Explorer:
    """Return the paper's first figure with a slider for ε and the weights behind the distances.

    Parameters
    ----------
    found
        What `dspgd_lib.experiments.distance_to_interpolators` returned, for W of shape (200, 1).

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
    panels = [
        Panel(
            lambda ax: _draw_distances(found, ax),
            "Median and range over all data sets of the distance from three interpolating "
            "solutions against the smoothing: to p = 1 it falls slowly, to p = 2 it falls towards "
            "0, to p = infinity it rises.",
            PANEL,
        ),
        Panel(
            _draw_sizes,
            "Sizes of the changes of the 200 weights in three interpolating solutions: p = 1 "
            "changes few weights much, p = infinity almost all by the same amount, p = 2 lies "
            "between.",
            PANEL,
        ),
    ]
    controls = [Slider("eps", "smoothing ε", STOPS, start=4)]
    return Explorer(panels, _distance_frame, controls, "Distance from three interpolators")


# -------------------------------------------------------------------- limits against η


def _draw_moves(ax: Any) -> None:
    ax.set(xscale="log", yscale="log", xlim=(0.008, 2.4), ylim=(1e-16, 9))
    ax.set(xlabel=r"$\eta$, times its guarantee", yticks=[1e-15, 1e-10, 1e-5, 1])
    ax.set_title(r"moved by / $\Vert W_0\Vert$")


def _draw_slopes(ax: Any) -> None:
    ax.set(xscale="log", xlim=(0.008, 2.4), ylim=(0, 2), xlabel=r"$\eta$, times its guarantee")
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
            Text((0.012, y), name, color, (0, 0), bold=True),
        ]
    left += [
        Line(np.c_[x, start], INK, 2.4),
        Text((0.012, 0.05), "Adam's distance from W₀", INK, (0, 0), bold=True),
        Line(np.c_[x, away], ADAM, 3),
        Dots([(fraction, gone)], ADAM, "D", 6),
        Text((0.012, 3e-7), "Adam's distance from its flow limit", ADAM, (0, 0), bold=True),
    ]
    # Scaled by the mean over the learning rates, so that a straight line through 0 is the level 1.
    scaled = one.from_flow / x
    scaled = scaled / scaled.mean(axis=1, keepdims=True)
    right: list[Mark] = [Line([(0.008, 1), (2.4, 1)], FAINT, 1.2, "4 3")]
    right += [Line(np.c_[x, row], ADAM, 1.6, opacity=0.8) for row in scaled]
    right += [Dots([(fraction, float(np.interp(fraction, x, scaled.mean(axis=0))))], ADAM, "D", 6)]
    slope = float(np.median(one.slope))
    where = "within" if fraction <= 1 else "beyond"
    caption = (
        f"ε = {eps}, η = {fraction:.2g} of the guarantee ({where} it): Adam's limit lies "
        f"<b>{gone:.1e}</b> ‖W₀‖ from the limit of the flow. Slope on the logarithmic axes: "
        f"<b>{slope:.3f}</b>. Distance from W₀: {float(np.interp(fraction, x, start)):.3f} ‖W₀‖."
    )
    alts = [
        f"Smoothing {eps}, learning rate {fraction:.2g} of the guarantee: Adam's limit is "
        f"{gone:.1e} away from the flow limit, on a line of slope {slope:.3f}; the limits of "
        f"gradient descent and mirror descent move by less than 1e-9; the distance from the start "
        f"is level.",
        f"Distance from the flow limit over the learning rate stays between {scaled.min():.2f} "
        f"and {scaled.max():.2f} of its mean.",
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
        Buttons("eps", "smoothing ε", {name: name for name in by_eps}),
        Slider("fraction", "learning rate η", found[0].fraction.tolist(), form="{:.2g}"),
    ]

    def frame(eps: str, fraction: float) -> Frame:
        return _move_frame(by_eps, eps, fraction)

    return Explorer(panels, frame, controls, "How the limit depends on the learning rate")
