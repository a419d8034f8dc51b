"""Clocks of isotropic optimizers, a little Adam, and the twin of gradient descent."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.counterexamples import Twin
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.twelve import example
from dspgd_lib.plotting import INK, look
from dspgd_lib.preconditioners import (
    Adam,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    SoftClipping,
)
from dspgd_lib.problem import Problem
from dspgd_lib.theory import Start, weight_rate

ETA, TAU, SOLO = 0.1, 0.15, "#C04D00"
SHARES = np.geomspace(1e-4, 1, 9)


def rates(steps: int = 60) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return by which factor each step of three isotropic runs shortens the error, and the bound.

    Parameters
    ----------
    steps : int
        How many.

    Returns
    -------
    t : array of shape (steps,)
    measured, proved : dicts of arrays of shape (steps,)

    Examples
    --------
    >>> t, measured, proved = rates(5)
    >>> bool(all((measured[name] <= proved[name] + 1e-12).all() for name in measured))
    True
    """
    data, W0 = example()
    goal, measured, proved = data.project(W0), {}, {}
    for K in (NormalizedGD(0.3), GradientClipping(0.3), SoftClipping(0.6)):
        eta, W = float(1 / (K.smoothness * data.M)), W0
        far, bound = [np.linalg.norm(W - goal)], []
        for _ in range(steps):
            bound.append(float(weight_rate(Start(data, K, W), eta)))
            W = W - eta * K.gradient(data.gradient(W))
            far.append(np.linalg.norm(W - goal))
        measured[look(K).name] = np.array(far[1:]) / far[:-1]
        proved[look(K).name] = np.array(bound)
    return np.arange(steps), measured, proved


@cache
def misses(seeds: int = 20, steps: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Return where runs end whose steps are normalized GD's, but for a share θ of Adam's.

    Parameters
    ----------
    seeds : int
        Data sets: three examples, eight weights, one output.
    steps : int
        How many.

    Returns
    -------
    theta : array of shape (9,)
    missed : array of shape (seeds, 9)
        Distances from the point where gradient descent ends.

    Examples
    --------
    >>> misses(2, 10)[1].shape
    (2, 9)
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((seeds, 1, 3, 8)) / 3
    Y, W0 = rng.standard_normal((seeds, 1, 3, 1)), rng.standard_normal((seeds, 1, 8, 1))
    NGD, adam, theta = NormalizedGD(0.5), Adam(0.5), SHARES[:, None, None]
    eta = 1 / (2 * np.linalg.norm(X, 2, axis=(-2, -1))[..., None, None] ** 2)
    goal = W0 + np.linalg.pinv(X) @ (Y - X @ W0)
    W = np.broadcast_to(W0, (seeds, len(SHARES), 8, 1))
    for _ in range(steps):
        V = X.swapaxes(-2, -1) @ (X @ W - Y)
        W = W - eta * ((1 - theta) * NGD.gradient(V) + theta * adam.gradient(V))
    return SHARES, np.linalg.norm(W - goal, axis=(-2, -1))


@cache
def twin_runs(tau: float = TAU, eta: float = ETA, steps: int = 40) -> dict[str, np.ndarray]:
    """Return loss and distance from GD's end of gradient descent and of its twin, over the steps.

    Parameters
    ----------
    tau : float
        How much of the determinant the twin has.
    eta : float
        Learning rate.
    steps : int
        How many.

    Returns
    -------
    dict of arrays of shape (steps + 1, 2)
        Loss and distance; under "law" the part of the twin in the null space, by the formula.

    Examples
    --------
    >>> runs = twin_runs()
    >>> bool(np.allclose(runs["GD"][:, 0], runs["twin"][:, 0])), float(runs["twin"][-1, 1].round(3))
    (True, 0.303)
    """
    data = Problem(np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]]))
    W0 = np.diag([1.0, 2.0])
    goal, found = data.project(W0), {}
    for name, K in (("GD", GradientDescent()), ("twin", Twin(tau))):
        W, rows = W0, []
        for _ in range(steps + 1):
            rows.append((float(data.loss_value(W)), float(np.linalg.norm(W - goal))))
            W = W - eta * K.gradient(data.gradient(W))
        found[name] = np.array(rows)
    v = (1 - 5 * eta) ** np.arange(steps) * np.linalg.norm(data.gradient(W0))
    found["law"] = np.r_[0, eta * tau * np.cumsum(v**3 / (1 + v**2))]
    return found


def twins() -> Picture:
    """Return gradient descent and its twin: one loss, two ends.

    Returns
    -------
    Picture
        Two panels over the step.

    Examples
    --------
    >>> len(twins().panels)
    2
    """
    runs, blue = twin_runs(), look(GradientDescent()).color
    end = runs["law"][-1]
    t = np.arange(21)

    def draw_losses(ax: Any) -> None:
        ax.semilogy(t, runs["GD"][:21, 0], "o", color=blue, ms=8, mfc="none", mew=1.6)
        ax.semilogy(t, runs["twin"][:21, 0], ".", color=SOLO, ms=6)
        ax.annotate("rings: gradient descent", (20, 3), color=blue, ha="right")
        ax.annotate("dots: its twin", (20, 0.1), color=SOLO, ha="right")
        ax.set(xlabel="step $t$", title="the loss")

    def draw_ends(ax: Any) -> None:
        ax.axhline(end, color=INK, lw=1.2, ls="--")
        ax.semilogy(t, runs["GD"][:21, 1], "o", color=blue, ms=8, mfc="none", mew=1.6)
        ax.semilogy(t, runs["twin"][:21, 1], ".", color=SOLO, ms=6)
        ax.annotate("gradient descent", (11, 5e-5), color=blue, ha="right")
        ax.annotate(
            f"the twin stays {end:.3f} away",
            (20, 2.0),
            color=SOLO,
            ha="right",
            va="bottom",
        )
        ax.set(xlabel="step $t$", title="distance to where GD ends", ylim=(1e-6, 20))

    return Picture(
        [
            Panel(
                draw_losses,
                "The losses of both runs fall along one line, dot in ring at every step.",
                (360, 260),
            ),
            Panel(
                draw_ends,
                f"GD's distance falls along a line; the twin's levels off at {end:.3f}, dashed.",
                (360, 260),
            ),
        ]
    )
