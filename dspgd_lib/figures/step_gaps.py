"""The adjusted divergence of a step over the learning rate: of one step, and along runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.convex import Preconditioner
from dspgd_lib.divergences import fundamental_identity
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, number
from dspgd_lib.plotting import BOUND, INK
from dspgd_lib.preconditioners import Adam, GradientClipping, NormalizedGD
from dspgd_lib.problem import Problem
from dspgd_lib.spectral import Spectral

DUAL, TOUCH, FINE = "#5b3e96", "#0072b2", "#00705a"
PANEL = (360, 320)

# ---------------------------------------------------------------------------- one step, over η

MOST = 3.5
SHARES = np.linspace(0.04, MOST, 174).round(2).tolist()
ROOT = NormalizedGD(1.0)
STARTS = {"close, u = 0.5": 0.5, "far, u = 2": 2.0}
REACH, LOW, HIGH = 3.0, -2.6, 2.0


def _K(u: ArrayLike) -> Any:
    return ROOT.value(np.asarray(u, dtype=float)[..., None, None])


def one_step(u: float, share: ArrayLike) -> dict[str, Any]:
    """Return a step of normalized GD with ε = 1 and one example of length 1, and its gap.

    Parameters
    ----------
    u : float
        The residual before the step, in units of ε.
    share : float or array of shape (m,)
        η in units of 1/(βM).

    Returns
    -------
    dict
        The residual ``after``, D_L(W, W⁺) as ``loss``, ``gap`` = D̂ and its ``part`` of it.

    Examples
    --------
    >>> bool((one_step(0.5, np.array([0.5, 1.0]))["gap"] >= 0).all())
    True
    """
    share, slope = np.asarray(share, dtype=float), u / np.sqrt(u**2 + 1)
    after = u - share * slope
    loss = 0.5 * (after - u) ** 2
    gap = loss - share * (_K(after) - _K(u) - slope * (after - u))
    return {"after": after, "loss": loss, "gap": gap, "part": gap / loss}


def gap_from(u: float, share: float, v: ArrayLike) -> np.ndarray:
    """Return the gap of that step at any gradient.

    Parameters
    ----------
    u, share : float
        As in `one_step`.
    v : array of any shape
        Gradients to look from.

    Returns
    -------
    array of that shape
        Somewhere negative exactly if the share is above √(1 + u²).

    Examples
    --------
    >>> gap_from(0.75, 1.25, [-0.75, 0.75]).round(12).tolist()
    [0.0, 0.0]
    """
    v, slope = np.asarray(v, dtype=float), u / np.sqrt(u**2 + 1)
    return np.asarray(0.5 * (v - u) ** 2 - share * (_K(v) - _K(u) - slope * (v - u)))


def _draw_difference(ax: Any) -> None:
    ax.set(xlim=(-REACH, REACH), ylim=(LOW, HIGH), xlabel="gradient in units of ε, $u$")
    ax.set_title("ℓ* − ηK, and a line of slope $W^+$")


def _draw_parts(ax: Any) -> None:
    ax.set(xlim=(0, MOST), ylim=(-2.5, 1.15), xlabel="learning rate η, in units of 1/(βM)")
    ax.set_title("which share of the divergence is left")
    ax.axhline(0, color=INK, lw=1)
    ax.plot([0, MOST], [1, 1 - MOST], color=BOUND, lw=1.6, ls=(0, (6, 3)))
    ax.text(0.12, -0.75, "proved:", color=BOUND, weight="bold")
    ax.text(0.12, -1.1, "1 − ηβM", color=BOUND, weight="bold")


def _step_frame(u: float, share: float) -> Frame:
    at = one_step(u, share)
    after, gap, part = (float(at[name]) for name in ("after", "gap", "part"))
    color = FINE if gap >= 0 else BOUND

    def height(v: Any) -> np.ndarray:
        return np.asarray(0.5 * np.asarray(v) ** 2 - share * _K(v))

    def line(v: Any) -> np.ndarray:
        return np.asarray(height(u) + after * (np.asarray(v) - u))

    places, ends = np.linspace(-REACH, REACH, 61), np.array([-REACH, REACH])
    looks = np.linspace(-REACH, REACH, 1201)
    seen = gap_from(u, share, looks)
    below = looks[seen < -1e-9]
    cut = np.linspace(below.min(), below.max(), 25) if len(below) else np.full(25, u)
    worst, least = float(looks[np.argmin(seen)]), float(seen.min())
    left: list[Mark] = [
        Line(np.c_[places, height(places)], DUAL, 2.8, every=True),
        Line(np.c_[cut, height(cut)], BOUND, 5.0, every=True),
        Line(np.c_[ends, line(ends)], TOUCH, 2.0),
        Line([(after, float(line(after))), (after, float(height(after)))], color, 5),
        Dots((u, float(height(u))), INK, "o", 5.5),
        Dots((after, float(height(after))), color, "D", 5.5),
        Text((u, float(height(u))), "V", INK, (2, -18), bold=True),
        Text((after, float(height(after))), "V⁺", color, (-4, 9), "end", bold=True),
    ]
    rates = np.linspace(0.02, MOST, 60)
    right: list[Mark] = [
        Line(np.c_[rates, one_step(u, rates)["part"]], INK, 2.4, every=True),
        Dots((share, part), color, "D", 6),
    ]
    bent = "convex" if share <= 1 else "no longer convex"
    elsewhere = (
        f"; at u = {number(worst, '.2f')} it is {number(least, '.3f')}" if len(below) else ""
    )
    caption = (
        f"η = {share:.2f}/(βM), ℓ* − ηK is {bent}: the gap at V⁺ is <b>{number(gap, '.3f')}</b>"
        f"{elsewhere}. Left at V⁺: {number(part, '.2f')}, proved at least "
        f"{number(1 - share, '.2f')}."
    )
    alts = [
        f"The function ℓ* − ηK, {bent}, and the line of slope {number(after, '.2f')} through its "
        f"point at u = {u:g}. At {number(after, '.2f')} the function is {number(gap, '.3f')} above "
        f"the line{'' if len(below) else ', and nowhere below it'}{elsewhere}.",
        f"The share falls with η from 1; the proved line lies below it. At {share:.2f} it is "
        f"{number(part, '.3f')}.",
    ]
    return Frame([left, right], alts, caption)


def gap_over_eta() -> Explorer:
    """Return one step of normalized GD on the blade, and its adjusted gap, over η.

    Returns
    -------
    Explorer
        Two panels, 2 × 174 = 348 stops.

    Examples
    --------
    >>> gap_over_eta().stops
    348
    """
    panels = [
        Panel(_draw_difference, "Axes: gradient against ℓ* − ηK.", PANEL),
        Panel(_draw_parts, "Axes: learning rate against the gap, with the proved line.", PANEL),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("u", "start", STARTS),
        Slider(
            "share", "learning rate η, in units of 1/(βM)", SHARES, SHARES.index(0.8), log=False
        ),
    ]
    return Explorer(panels, _step_frame, controls, "One step and its gap, over the learning rate")


# ------------------------------------------------------------------------------ many steps

METHODS: dict[str, Callable[[float], Preconditioner]] = {
    "Adam": Adam,
    "normalized GD": NormalizedGD,
    "gradient clipping": GradientClipping,
    "singular values": lambda eps: Spectral(Adam(eps)),
}


def parts_of_steps(
    problem: Problem, K: Preconditioner, starts: ArrayLike, etas: ArrayLike, steps: int
) -> np.ndarray:
    """Return D̂(V⁺, V; W⁺)/D_L(W, W⁺) for every step of runs.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : Preconditioner
        With a smoothness β.
    starts : array of shape (S, d, k)
        Where the runs begin.
    etas : array of shape (B,)
        In units of 1/(βM).
    steps : int
        How many.

    Returns
    -------
    array of shape (steps, S, B)
        1 where a step is too short to tell.

    Examples
    --------
    >>> problem = Problem(X=[[1.0, 0.5]], Y=[1.0])
    >>> start = np.array([[[2.0], [1.0]]])
    >>> bool((parts_of_steps(problem, Adam(1.0), start, [0.5, 1.0], 9) >= [0.5, 0.0]).all())
    True
    """
    starts, etas = np.asarray(starts, dtype=float), np.asarray(etas, dtype=float)
    W = np.repeat(starts[:, None], len(etas), axis=1)
    U, found = np.broadcast_to(problem.project(starts[0]), W.shape), []
    shortest = 1e-18 * problem.loss_value(starts).max()
    for _ in range(steps):
        step = fundamental_identity(problem, K, W, U, etas / (K.smoothness * problem.M))
        loss = problem.divergence(W, step.W_next)
        known = loss > shortest
        found.append(np.where(known, step.adjusted_divergence / np.where(known, loss, 1.0), 1.0))
        W = step.W_next
    return np.array(found)


@cache
def _parts(name: str, etas: tuple[float, ...], starts: int) -> np.ndarray:
    """Return the shares of all steps for one of the methods, of shape (steps, starts, B)."""
    k = 3 if name == "singular values" else 1
    problem, rng = Problem.gaussian(n=8, d=24, k=k, seed=0), np.random.default_rng(1)
    W = rng.standard_normal((starts, 24, k))
    K = METHODS[name](float(0.3 * np.linalg.norm(problem.gradient(W[0]))))
    return parts_of_steps(problem, K, W, etas, 40)


def taken(etas: ArrayLike, starts: int = 100) -> dict[str, np.ndarray]:
    """Return the most that ηD_K takes of D_L(W, W⁺) in any step of runs, for each η.

    Parameters
    ----------
    etas : array of shape (B,)
        In units of 1/(βM).
    starts : int
        How many runs of each method, from random weights.

    Returns
    -------
    dict of arrays of shape (B,)
        Shares of D_L, for four methods; above 1 the gap of a step was negative.

    Examples
    --------
    >>> bool((taken([0.5], 2)["Adam"] <= 0.5).all())
    True
    """
    rates = tuple(float(eta) for eta in np.asarray(etas))
    return {name: 1 - _parts(name, rates, starts).min(axis=(0, 1)) for name in METHODS}


def runs_below_zero(etas: ArrayLike, starts: int = 100) -> dict[str, np.ndarray]:
    """Return the share of runs with a step of D̂ < 0, for each η.

    Parameters
    ----------
    etas : array of shape (B,)
        In units of 1/(βM).
    starts : int
        How many runs of each method.

    Returns
    -------
    dict of arrays of shape (B,)

    Examples
    --------
    >>> runs_below_zero([1.0], 2)["Adam"].tolist()
    [0.0]
    """
    rates = tuple(float(eta) for eta in np.asarray(etas))
    below = {name: (_parts(name, rates, starts) < -1e-9).any(axis=0) for name in METHODS}
    return {name: found.mean(axis=0) for name, found in below.items()}
