"""The small-loss law: where Adam ends near a perfect fit, from the path of gradient descent."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.leash import example
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import BOUND, INK, look
from dspgd_lib.preconditioners import Adam
from dspgd_lib.problem import Problem
from dspgd_lib.runs import sweep

ADAM, REST = look(Adam(1.0)).color, "#5b3e96"
EPS = np.geomspace(0.1, 1e5, 25)
FRACTION = 1.0  # of the guaranteed learning rate


def small_loss_law(
    problem: Problem, W0: np.ndarray, eps: float, eta: float
) -> tuple[np.ndarray, float]:
    """Return (η/ε²)QΣV∘|V| over gradient descent with the step η/ε, and how far off it can be.

    Parameters
    ----------
    problem : Problem
        With the squared loss.
    W0 : array of shape (d, k)
        The start.
    eps : float
        The smoothing of Adam.
    eta : float
        Its learning rate, less than 2ε/M.

    Returns
    -------
    predicted : array of shape (d, k)
        Of W_∞ − W_GD.
    rest : float
        (1 + (1 + √(1 + ρ/ε))/(2 − s))·ρS/ε² with s = ηM/ε, L = L(W0), ρ = √(2ML), S = L/(1 − s/2).

    Examples
    --------
    >>> problem, W0 = Problem([[1.0, 2.0]], [0.0]), np.array([[0.2], [0.4]])
    >>> predicted, rest = small_loss_law(problem, W0, 100.0, 20.0)
    >>> (1e3 * predicted).round(3).ravel().tolist()
    [-1.6, 0.8]
    """
    step, loss = eta / eps, float(problem.loss_value(W0))
    V = gd_gradients(problem, W0, step)
    bent = np.sum(V * np.abs(V), axis=0)
    null = problem.project(bent) - problem.project(np.zeros_like(bent))
    share = step * problem.M
    spent, longest = loss / (1 - 0.5 * share), np.sqrt(2 * problem.M * loss)
    rest = (1 + (1 + np.sqrt(1 + longest / eps)) / (2 - share)) * longest * spent / eps**2
    return step / eps * null, float(rest)


def gd_gradients(problem: Problem, W0: np.ndarray, step: float) -> np.ndarray:
    """Return the gradients along gradient descent from W0, until they are rounding.

    Parameters
    ----------
    problem : Problem
        With the squared loss.
    W0 : array of shape (d, k)
        The start.
    step : float
        The learning rate.

    Returns
    -------
    array of shape (steps, d, k)

    Examples
    --------
    >>> gd_gradients(Problem([[1.0, 0.0]], [0.0]), np.array([[1.0], [0.0]]), 0.5)[:3, 0, 0].tolist()
    [1.0, 0.5, 0.25]
    """
    # R_t = (I − step·XXᵀ)ᵗR_0: a power of each eigenvalue
    values, axes = np.linalg.eigh(problem.X @ problem.X.T)
    shrink = 1 - step * values
    slowest = min(float(np.max(np.abs(shrink))), 1 - 1e-9)
    steps = 1 if slowest < 1e-9 else int(np.ceil(np.log(1e-9) / np.log(slowest)))
    powers = shrink[None] ** np.arange(steps + 1)[:, None]
    turned = axes.T @ problem.residual(W0)
    return np.asarray(problem.X.T @ (axes @ (powers[..., None] * turned)))


@cache
def against_the_law(seed: int = 0) -> dict[str, np.ndarray]:
    """Return distances of Adam's end from GD's over ε, the law, what it leaves over, and its bound.

    Parameters
    ----------
    seed : int
        Of the problem.

    Returns
    -------
    dict of arrays of shape (25,)
        "measured", "law", "rest", "proved".
    """
    problem, W0 = example(seed)
    eta = FRACTION * EPS / problem.M
    run = sweep(problem, Adam(EPS), W0[None].repeat(len(EPS), 0), eta, tol=1e-14)
    apart = problem.project(run.W) - problem.project(W0)
    # the law with ε = 1 and η/ε = 1/M: it is proportional to 1/ε
    predicted, _ = small_loss_law(problem, W0, 1.0, FRACTION / problem.M)
    law = predicted / EPS[:, None, None]
    proved = [small_loss_law(problem, W0, eps, FRACTION * eps / problem.M)[1] for eps in EPS]
    return {
        "measured": np.linalg.norm(apart, axis=(1, 2)),
        "law": np.linalg.norm(law, axis=(1, 2)),
        "rest": np.linalg.norm(apart - law, axis=(1, 2)),
        "proved": np.array(proved),
    }


def _draw_law(ax: Any) -> None:
    found = against_the_law()
    ax.loglog(EPS, found["proved"], color=BOUND, lw=2)
    ax.loglog(EPS, found["law"], color=INK, lw=1.6, ls=(0, (5, 3)))
    ax.loglog(EPS, found["measured"], "D", color=ADAM, ms=5)
    ax.loglog(EPS, found["rest"], "o", color=REST, ms=4.5)
    ax.annotate("law", (0.12, 6), color=INK, weight="bold")
    ax.annotate("distance", (300, 6e-3), color=ADAM, weight="bold")
    ax.annotate("the rest: what the\nlaw leaves over", (0.6, 3e-8), color=REST, weight="bold")
    ax.annotate("proved for the rest", (4, 100.0), color=BOUND, weight="bold")
    ax.set(xlim=(0.08, 1.3e5), ylim=(1e-11, 1e5), xlabel=r"smoothing $\varepsilon$")
    ax.set_title("distance of Adam's end from GD's")


def slopes(seed: int = 0) -> tuple[float, float]:
    """Return the slopes of the distance and of what is left over, from ε = 1000 on.

    Parameters
    ----------
    seed : int
        Of the problem.

    Returns
    -------
    pair of float
    """
    found, far = against_the_law(seed), EPS >= 1000
    at = np.log(EPS[far])
    first, second = (np.polyfit(at, np.log(found[n][far]), 1)[0] for n in ("measured", "rest"))
    return float(first), float(second)


def small_loss() -> Picture:
    """Return the distance over ε beside the law, and what the law leaves over beside its bound.

    Returns
    -------
    Picture
        One panel: the problem of the chapter, seed 0, η = ε/M.
    """
    found, (first, second) = against_the_law(), slopes()
    alt = (
        "Distance of Adam's end from GD's over ε on logarithmic axes. From ε = 100 on the dots lie "
        f"on the dashed law, slope {first:.2f}; what the law leaves over falls with slope "
        f"{second:.2f}, and is {np.max(found['rest'] / found['proved']):.1g} of its bound at most."
    ).replace("slope -", "slope −")
    return Picture([Panel(_draw_law, alt, (360, 320))])
