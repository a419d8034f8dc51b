"""The learning rate: bars under a curve for one example, and a derivative in general."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.chord import moved
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.flow import preconditioned_flow
from dspgd_lib.plotting import MANIFOLD, look
from dspgd_lib.preconditioners import Adam, GradientDescent, NormalizedGD, SmoothedSign
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep
from dspgd_lib.spectral import Spectral
from dspgd_lib.theory import Start

ADAM, GD, FLOW = look(Adam(1.0)), look(GradientDescent()).color, "#8a5a00"

# ------------------------------------------------------------------------------ bars

EPS, RESIDUAL = 1.0, 3.0
X = np.array([0.25, 1.0])
RATES = np.geomspace(0.15, 1, 121).round(4).tolist()  # in units of ε/‖x‖²


def turning(u: Any, x: np.ndarray = X, K: Any = None) -> np.ndarray:
    """Return q(u) = ∇K(ux)/⟨x, ∇K(ux)⟩: how far weights move for each unit of residual.

    Parameters
    ----------
    u : array of shape (m,)
        Residuals, positive.
    x : array of shape (d,)
        The example.
    K : Preconditioner, optional
        Adam with ε = 1 if none is given.

    Returns
    -------
    array of shape (m, d)

    Examples
    --------
    >>> turning(np.array([1e-9, 1e9])).round(3).tolist()
    [[0.235, 0.941], [0.8, 0.8]]
    """
    u = np.asarray(u, dtype=float)
    pushes = (K or Adam(EPS)).gradient(u[:, None, None] * x[:, None])[..., 0]
    return np.asarray(pushes / (pushes @ x)[:, None])


@cache
def one_example() -> tuple[Problem, np.ndarray]:
    """Return the example (0.25, 1) with label 0, and the start 3x/‖x‖²: residual 3."""
    return Problem(X[None], np.zeros(1)), (RESIDUAL * X / (X @ X))[:, None]


def _descents(shares: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return residuals and weights of runs with these learning rates."""
    data, W0 = one_example()
    eta = shares * EPS / data.M
    starts = np.repeat(W0[None], len(shares), axis=0)
    run = sweep(data, Adam(EPS), starts, eta, tol=1e-5, record=("W",))
    W = run.history["W"][..., 0]
    found = []
    for i, steps in enumerate(run.steps):
        path = W[: steps + 1, i]
        found.append((path @ X, path))
    return found


DESCENTS = Batch(_descents, RATES)
SOME = 60  # bars; the ones that follow are narrower than a pixel


def _draw_bars(ax: Any) -> None:
    u = np.linspace(1e-6, RESIDUAL, 100)
    ax.plot(u, turning(u)[:, 0], color=FLOW, lw=2.4)
    ax.set(xlim=(0, RESIDUAL), ylim=(0, 0.6), xlabel="residual $u$")
    ax.set_title("move of the first weight for each unit of residual")


def _draw_end(ax: Any) -> None:
    data, W0 = one_example()
    goal, end = data.project(W0)[:, 0], W0[:, 0] - moved(X, RESIDUAL, Adam(EPS))
    line = goal + np.array([[0.2], [0.8]]) * [-X[1], X[0]]
    road = np.array([end + moved(X, r, Adam(EPS)) for r in np.linspace(1e-6, 0.5, 30)])
    ax.plot(*line.T, color=MANIFOLD, lw=4)
    ax.plot(*road.T, color=FLOW, lw=2)
    ax.plot(*end, "o", color=FLOW, ms=7)
    ax.annotate("flow", road[8], (9, -6), color=FLOW, weight="bold", textcoords="offset points")
    ax.annotate(r"$\mathcal{W}$", (-0.635, 0.165), color=MANIFOLD)
    ax.annotate("to GD's end →", (-0.368, 0.068), color=GD, ha="right")
    ax.set(xlim=(-0.65, -0.36), ylim=(0.06, 0.3), aspect="equal", title="the end, near by")


def _bars(residuals: np.ndarray) -> np.ndarray:
    """Return the outline of bars whose height is the curve at their upper end."""
    r = residuals[: SOME + 1]
    heights = turning(r[:-1])[:, 0]
    tops = np.c_[np.repeat(r, 2)[1:-1], np.repeat(heights, 2)]
    return np.r_[[(r[0], 0)], tops, [(r[-1], 0)]]


def _between(residuals: np.ndarray) -> np.ndarray:
    """Return the lines that part the bars, as long as these are wide enough to be told apart."""
    r = residuals[:-1][-np.diff(residuals) > 0.02]
    heights = turning(r)[:, 0]
    points = [[(a, 0), (a, h), (a, 0)] for a, h in zip(r, heights, strict=True)]
    return np.reshape(points, (-1, 2))


def _bars_frame(share: float) -> Frame:
    residuals, path = DESCENTS(share)
    moves, exact = path[0] - path[-1], moved(X, RESIDUAL, Adam(EPS))
    excess = float(moves[0] - exact[0])
    away = float(np.linalg.norm(moves - exact))
    first: list[Mark] = [
        Band(_bars(residuals), ADAM.color, opacity=0.25),
        Line(_bars(residuals), ADAM.color, 1.4),
        Line(_between(residuals), ADAM.color, 0.8),
        note((0.1, 0.55), f"bars: {moves[0]:.3f}", ADAM.color),
        note((0.1, 0.5), f"curve: {exact[0]:.3f}", FLOW),
    ]
    near = path[path[:, 1] < 0.5]
    second: list[Mark] = [
        Line(near, ADAM.color, 1.8),
        Dots(near[:-1], ADAM.color, "o", 3, gap=12),
        Dots(path[-1], ADAM.color, ADAM.marker, 6),
        Text(path[-1], "Adam", ADAM.color, (-8, -18), "end", bold=True),
    ]
    caption = (
        f"η = {share:.2f} ε/‖x‖²: the bars stand over the curve by {excess:.3f}, and by so much "
        f"farther the first weight moves; the end lies <b>{away:.3f}</b> from that of the flow."
    )
    alts = [
        f"{len(residuals) - 1} bars, each as high as the rising curve at its upper end; their area "
        f"is {moves[0]:.3f}, that under the curve {exact[0]:.3f}.",
        f"A run from the start to the line of perfect fits; it ends {away:.3f} beyond the flow.",
    ]
    return Frame([first, second], alts, caption)


def bars() -> Explorer:
    """Return bars under a curve whose width is the learning rate, and where the run ends.

    Returns
    -------
    Explorer
        Two panels: Adam, one example with two weights.

    Examples
    --------
    >>> bars().stops
    121
    """
    panels = [
        Panel(
            _draw_bars,
            "A curve that rises from 0.235 at residual 0 to 0.5 at residual 3.",
        ),
        Panel(_draw_end, "Two weights: a piece of the line of perfect fits, where the flow ends."),
    ]
    controls: list[Slider | Buttons] = [
        Slider("share", "learning rate η, in ε/‖x‖²", RATES, start=70)
    ]
    return Explorer(panels, _bars_frame, controls, "Bars under a curve")


# ------------------------------------------------------------------------------ the derivative


@cache
def small_problem(seed: int = 5) -> tuple[Problem, np.ndarray]:
    """Return two Gaussian examples with four weights, three outputs, and a start.

    Parameters
    ----------
    seed : int
        Others draw other data.

    Returns
    -------
    Problem, array of shape (4, 3)
    """
    rng = np.random.default_rng(seed)
    problem = Problem(rng.standard_normal((2, 4)), rng.standard_normal((2, 3)))
    return problem, rng.standard_normal((4, 3))


def flow_and_slope(problem: Problem, K: Any, W0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the end of the flow, and the derivative of W_∞(η) at η = 0.

    The flow Ẇ = f(W) is integrated together with Ṡ = f′(W)S − ½Ẅ from S = 0: what each step
    forgets, half the acceleration, is carried along to the end.

    Parameters
    ----------
    problem : Problem
        With the squared loss.
    K : Preconditioner
        Twice differentiable on the gradients of the flow.
    W0 : array of shape (d, k)
        The start.

    Returns
    -------
    end : array of shape (d, k)
    slope : array of shape (d, k)

    Examples
    --------
    >>> problem, W0 = one_example()
    >>> [array.round(4).ravel().tolist() for array in flow_and_slope(problem, Adam(EPS), W0)]
    [[-0.4797, 0.1199], [-0.0688, 0.0172]]
    """
    size, h = W0.size, 1e-5

    def f(W: np.ndarray) -> np.ndarray:
        return -np.asarray(K.gradient(problem.gradient(W)))

    def along(W: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Return f′(W)D by differences of the fourth order."""
        s = h / max(float(np.linalg.norm(D)), 1e-300)
        near, far = f(W + s * D) - f(W - s * D), f(W + 2 * s * D) - f(W - 2 * s * D)
        return (8 * near - far) / (12 * s)

    def rate(_: float, state: np.ndarray) -> np.ndarray:
        W, S = state.reshape(2, *W0.shape)
        speed = f(W)
        return np.r_[speed.ravel(), (along(W, S) - 0.5 * along(W, speed)).ravel()]

    slowest = problem.mu * float(Start(problem, K, W0).m)
    whole = np.r_[W0.ravel(), np.zeros(size)]
    far = 1e-9 * np.linalg.norm(f(W0))

    def arrived(_: float, state: np.ndarray) -> float:
        return float(np.linalg.norm(f(state[:size].reshape(W0.shape))) - far)

    arrived.terminal = True  # type: ignore[attr-defined]
    run = solve_ivp(
        rate, (0, 40 / slowest), whole, method="LSODA", rtol=1e-7, atol=1e-9, events=arrived
    )
    end, slope = run.y[:, -1].reshape(2, *W0.shape)
    return problem.project(end), slope


SHARES = np.geomspace(0.02, 1, 9)  # of the guaranteed learning rate


def methods(problem: Problem, W0: np.ndarray) -> list[Any]:
    """Return two preconditioners that depend on the learning rate, and two that do not.

    Parameters
    ----------
    problem : Problem
        The data.
    W0 : array of shape (d, k)
        The smoothing is a tenth of the largest entry of the gradient there.

    Returns
    -------
    list
        Adam, smoothed sign, normalized GD, smoothed Muon.
    """
    eps = 0.1 * float(np.abs(problem.gradient(W0)).max())
    return [Adam(eps), SmoothedSign(eps), NormalizedGD(eps), Spectral(SmoothedSign(eps))]


@cache
def over_rates(seed: int = 5) -> list[tuple[Any, np.ndarray, float]]:
    """Return for four preconditioners how far W_∞(η) is from the flow's end, and the slope at 0.

    Parameters
    ----------
    seed : int
        Of the problem.

    Returns
    -------
    list of triples
        K, distances over `SHARES` of shape (9,), and ‖dW_∞/dη‖ times 1/(βM).
    """
    problem, W0 = small_problem(seed)
    found = []
    for K in methods(problem, W0):
        most = Start(problem, K, W0).max_learning_rate
        run = sweep(problem, K, W0[None].repeat(len(SHARES), 0), SHARES * most, tol=1e-14)
        if K.invariance == "none":
            end, slope = flow_and_slope(problem, K, W0)
            end = preconditioned_flow(problem, K, W0, tol=1e-10).limit
        else:
            end, slope = problem.project(W0), np.zeros_like(W0)
        apart = np.linalg.norm(problem.project(run.W) - end, axis=(1, 2))
        found.append((K, apart, float(most * np.linalg.norm(slope))))
    return found


def _draw_slope(ax: Any) -> None:
    for K, apart, slope in over_rates():
        if not slope:
            continue
        style = look(K)
        ax.plot([0, 1.05], [slope, slope], color=style.color, lw=1.6, ls=(0, (5, 3)))
        ax.plot(SHARES, apart / SHARES, style.marker, color=style.color, ms=6)
        text = f"{style.name}: law {slope:.2g}"
        ax.annotate(text, (0.04, slope - 0.0022), color=style.color, weight="bold")
    ax.set(xlim=(0, 1.06), ylim=(0, 0.03), xlabel=r"learning rate $\eta$, in 1/(βM)")
    ax.set_title("distance between the ends, over η")


def slope() -> Picture:
    """Return the distance of the end from that of the flow, over η, with the predicted levels.

    Returns
    -------
    Picture
        One panel: two examples, four weights, three outputs, seed 5.
    """
    found = over_rates()
    parts = [
        f"{look(K).name} {apart[0]:.2g} at η = {SHARES[0]:g} (predicted "
        f"{slope * SHARES[0]:.2g}) and "
        f"{apart[-1]:.2g} at η = 1 (predicted {slope:.2g})"
        for K, apart, slope in found
        if slope
    ]
    floor = max(apart.max() for _, apart, slope in found if not slope)
    alt = (
        "Distance of the end from the flow's end, divided by the learning rate, over the learning "
        "rate; the dots rise a little above their level lines. Distances: "
        + "; ".join(parts)
        + f". Not drawn: normalized GD and smoothed Muon, below {number(floor, '.0e')}."
    )
    return Picture([Panel(_draw_slope, alt, (360, 320))])
