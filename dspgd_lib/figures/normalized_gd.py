"""Figures of the chapter on normalized gradient descent."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.backgrounds import draw_axes, draw_manifold
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, note
from dspgd_lib.figures.plane import circle, on_line, segment
from dspgd_lib.plotting import BOUND, FAINT, INK, look
from dspgd_lib.preconditioners import GradientDescent, NormalizedGD
from dspgd_lib.problem import Problem
from dspgd_lib.results import Result
from dspgd_lib.runs import dspgd
from dspgd_lib.theory import max_learning_rate

SMOOTHING = [0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0]
FRACTIONS = [0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.3, 1.6, 1.9, 2.2, 2.6]
PACES = [3, 4, 6, 8, 12, 20, 30, 40, 60, 80, 120, 200, 300]
COLOR, GD_COLOR = look(NormalizedGD(1.0)).color, look(GradientDescent()).color
DUAL = "#5B3E96"
DASHED: dict[str, Any] = {"color": FAINT, "lw": 0.8, "ls": (0, (4, 3))}


@cache
def plane() -> tuple[Problem, np.ndarray]:
    """Return one data point of length 1, x = (0.8, 0.6) with label 0.4, and the start W_0."""
    return Problem(np.array([[0.8, 0.6]]), np.array([[0.4]])), np.array([[2.3], [2.1]])


def _run(eps: float, fraction: float) -> Result:
    data, W0 = plane()
    K = NormalizedGD(eps)
    eta = fraction * max_learning_rate(data, K)
    # Beyond twice the guarantee the run never settles: walk to the manifold, then 100 steps more.
    steps = 20_000 if fraction < 2 else int(3 / eta) + 100
    return dspgd(data, K, W0, eta, tol=1e-9, max_steps=steps, record=("W", "gradient"))


def _draw_weights(ax: Any) -> None:
    data, W0 = plane()
    x, y, box = data.X[0], data.Y[0, 0], ((-1.05, 2.95), (-0.95, 2.65))
    draw_manifold(ax, x, y, box, margin=1)
    fits = on_line(x, y, -0.72)
    ax.annotate(r"$\mathcal{W}$: $XW=Y$", fits, (8, 2), textcoords="offset points")
    ax.plot(*segment(W0[:, 0], x, 1.6).T, **DASHED)
    ax.plot(*W0, "o", color=INK, ms=7)
    ax.annotate("$W_0$", W0[:, 0], (8, -4), textcoords="offset points")
    draw_axes(ax, box, "weights")


def _draw_duals(ax: Any) -> None:
    ax.plot(*segment((0, 0), plane()[0].X[0], 20).T, **DASHED)
    disc = circle(count=199)
    ax.fill(*disc.T, color="#efeaf7")
    ax.plot(*disc.T, color=DUAL, lw=1)
    ax.annotate("unit disc", (0.1, -1.0), (0, -13), textcoords="offset points", ha="center")
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    draw_axes(ax, ((-1.45, 2.65), (-1.45, 2.25)), "gradients (dual space)", name="v")


def _every(distance: np.ndarray) -> int:
    """Return N such that a marker every N steps puts about 20 on the first 99 % of the way."""
    near = distance < 0.01 * distance[0]
    steps = int(np.argmax(near))
    return max(1, round(steps / 20)) if near.any() else 1


def _frame(eps: float, fraction: float) -> Frame:
    data, W0 = plane()
    run = _run(eps, fraction)
    W, V = run.history["W"], run.history["gradient"]
    pushed = NormalizedGD(eps).gradient(V)
    goal = data.project(W0)
    distance = np.linalg.norm(W - goal, axis=(1, 2))
    every = _every(distance)
    shown = np.r_[0 : len(W) : every, len(W) - 2, len(W) - 1]
    weights: list[Mark] = [
        Line(W, COLOR, 2.5),
        Dots(W[shown], COLOR, "s", 3.4, gap=1.5),
        Dots(goal, GD_COLOR, "o", 8, hollow=True),
        Text(goal, "GD ends here", GD_COLOR, (16, -12)),
    ]
    duals: list[Mark] = [
        Line(V, DUAL, 1.5),
        Dots(V[shown], DUAL, "o", 4.2, hollow=True, gap=1.5),
        Dots(pushed[shown], COLOR, "s", 3.4, gap=1.5),
    ]
    if run.converged:
        end = f"After {run.steps:,} steps it reaches the point where GD ends."
        said = f"lands on the point where gradient descent ends after {run.steps} steps"
    else:
        end = f"It never settles: it jumps between two points {distance[-2:].sum():.2f} apart"
        end += ", outside the picture." if distance[-1] > 1.4 else "."
        said = "jumps back and forth across the manifold for ever"
    zone = "within the guarantee" if fraction <= 1 else "beyond the guarantee"
    marker = "every step is marked" if every == 1 else f"a marker every {every:,} steps"
    caption = f"η = {fraction:.3g} ε is {zone}. The first step has length "
    caption += f"<b>{np.linalg.norm(W[1] - W[0]):.2g}</b> ({marker}). {end}"
    alts = [
        f"Smoothing {eps:.3g}, learning rate {fraction:.3g} times the guarantee: normalized "
        f"gradient descent moves along the straight line through the start perpendicular to the "
        f"manifold and {said}.",
        f"Gradients lie on one line; their preconditioned images stay inside the unit disc, the "
        f"longest {np.linalg.norm(pushed, axis=(1, 2)).max():.2f}.",
    ]
    return Frame([weights, duals], alts, caption)


def where_it_lands() -> Explorer:
    """Return the plane figure: weights and gradients of one run, sliders for ε and η.

    Returns
    -------
    Explorer
        Two panels, 77 stops; five of the eleven learning rates lie beyond the guarantee.

    Examples
    --------
    >>> where_it_lands().stops
    77
    """
    panels = [
        Panel(
            _draw_weights,
            "Plane of the two weights with the line of interpolating weights, the start W_0 and "
            "the dashed line through it in the direction of the data point.",
            (360, 340),
        ),
        Panel(
            _draw_duals,
            "Plane of gradients: a dashed line through the origin in the direction of the data "
            "point, and the unit disc.",
            (360, 340),
        ),
    ]
    controls = [
        Slider("eps", "smoothing ε", SMOOTHING, start=3),
        Slider("fraction", "learning rate η, in units of ε", FRACTIONS, start=1),
    ]
    return Explorer(panels, _frame, controls, "Normalized gradient descent in the plane")


@cache
def _clock_problem() -> tuple[Problem, np.ndarray]:
    data = Problem.gaussian(20, 60, 1, seed=0)
    return data, np.random.default_rng(1).standard_normal((60, 1))


@cache
def _clock_run(eps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return the way left, its bound, the pace in percent, and the step where ‖V‖ falls below ε.

    The learning rate is half the guarantee.
    """
    data, W0 = _clock_problem()
    K = NormalizedGD(eps)
    eta = 0.5 * max_learning_rate(data, K)
    run = dspgd(data, K, W0, eta, tol=1e-9, max_steps=4_000, record=("W", "gradient"))
    distance = np.linalg.norm(run.history["W"] - data.project(W0), axis=(1, 2))
    distance /= distance[0]
    length = np.linalg.norm(run.history["gradient"], axis=(1, 2))
    pace = eta / np.hypot(length, eps)
    bound = np.cumprod(np.r_[1, 1 - pace[:-1] * data.mu])
    return distance, bound, 100 * pace * eps / eta, int(np.argmax(length < eps))


def _draw_distance(ax: Any) -> None:
    ax.set(yscale="log", xlim=(0, 1000), ylim=(1e-9, 2), xlabel="step $t$")
    ax.set_title("share of the way left")


def _draw_pace(ax: Any) -> None:
    ax.axhline(100, color=FAINT, lw=1, ls=(0, (4, 3)))
    ax.set(xlim=(0, 1000), ylim=(0, 119), xlabel="step $t$", yticks=[0, 25, 50, 75, 100])
    ax.set_title("effective learning rate, % of ceiling")


def _clock_frame(eps: float) -> Frame:
    distance, bound, pace, bend = _clock_run(eps)
    t = np.arange(len(distance))
    there = int(np.argmax(distance < 1e-6))
    left: list[Mark] = [
        Line([(bend, 1e-9), (bend, 2)], FAINT, 1, "2 3"),
        Line(np.c_[t, bound], BOUND, 2, "6 4"),
        Line(np.c_[t, distance], COLOR, 2.8),
        note((980, 0.15), "proven bound", BOUND, "end", bold=False),
        note((980, 0.015), "normalized GD", COLOR, "end"),
    ]
    right: list[Mark] = [
        Line([(bend, 0), (bend, 119)], FAINT, 1, "2 3"),
        Line(np.c_[t, pace], COLOR, 2.8),
        Text((bend, 8), "gradient shorter than ε", "#4d5866", (6, 0)),
    ]
    shorter = f"After {bend:,} steps the gradient is" if bend else "The gradient is always"
    caption = (
        f"ε = {eps:.3g}: the first step has {pace[0]:.0f} % of the full learning rate. {shorter} "
        f"shorter than ε; after <b>{there:,}</b> steps a millionth of the way is left."
    )
    alts = [
        f"Smoothing {eps:.3g}: the share of the way left, on a logarithmic axis, bends down until "
        f"step {bend} and then falls in a straight line, below the proven bound; it is a millionth "
        f"after {there} steps.",
        f"The effective learning rate rises from {pace[0]:.0f} to {pace[-1]:.0f} percent of its "
        f"ceiling; the gradient becomes shorter than ε at step {bend}.",
    ]
    return Frame([left, right], alts, caption)


def clock() -> Explorer:
    """Return distance and effective learning rate against the step, a slider for ε.

    Returns
    -------
    Explorer
        Two panels, 13 stops.

    Examples
    --------
    >>> clock().stops
    13
    """
    panels = [
        Panel(_draw_distance, "Axes: step against relative distance, logarithmic.", (360, 270)),
        Panel(_draw_pace, "Axes: step against effective learning rate times M.", (360, 270)),
    ]
    controls = [Slider("eps", "smoothing ε", PACES, start=5)]
    return Explorer(panels, _clock_frame, controls, "How fast normalized gradient descent is")
