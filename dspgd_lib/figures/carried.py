"""Linearized Bregman iteration: what the run carries moves while the weights stand still."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dspgd_lib.divergences import adjusted_bregman
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import FAINT
from dspgd_lib.problem import Problem

KINK = 10.0  # λ
STEPS = 80
CARRIED, FRESH = "#5b3e96", "#c04d00"


class Linearized(NamedTuple):
    """A run of linearized Bregman iteration.

    Attributes
    ----------
    problem : Problem
        20 examples, 60 weights, and labels that a sparse vector fits.
    truth : array of shape (60, 1)
        That vector, with four entries that are not 0.
    W, P : arrays of shape (steps + 1, 60, 1)
        Weights, and the subgradients of λ‖·‖₁ + ½‖·‖² at them that the run carries.
    """

    problem: Problem
    truth: np.ndarray
    W: np.ndarray
    P: np.ndarray


def potential(W: np.ndarray) -> np.ndarray:
    """Return ψ(W) = λ‖W‖₁ + ½‖W‖² with λ = 10.

    Parameters
    ----------
    W : array of shape (..., d, k)
        Weights.

    Returns
    -------
    array of shape (...)

    Examples
    --------
    >>> float(potential(np.array([[2.0], [0.0]])))
    22.0
    """
    return np.asarray(KINK * np.abs(W).sum(axis=(-2, -1)) + 0.5 * (W**2).sum(axis=(-2, -1)))


def weights_of(P: np.ndarray) -> np.ndarray:
    """Return the weights of which P is a subgradient: what sticks out of [−λ, λ].

    Parameters
    ----------
    P : array of any shape
        A subgradient of ψ.

    Returns
    -------
    array of that shape

    Examples
    --------
    >>> weights_of(np.array([9.0, -12.0])).tolist()
    [0.0, -2.0]
    """
    return P - np.clip(P, -KINK, KINK)


@cache
def linearized() -> Linearized:
    """Return a run from 0 with η = 1/M.

    Returns
    -------
    Linearized

    Examples
    --------
    >>> run = linearized()
    >>> bool((run.W == weights_of(run.P)).all())
    True
    """
    X, rng = Problem.gaussian(n=20, d=60, k=1, seed=0).X, np.random.default_rng(1)
    truth = np.zeros((60, 1))
    places = rng.choice(60, 4, replace=False)
    truth[places, 0] = rng.choice([-1, 1], 4) * rng.uniform(1, 3, 4)
    problem, P = Problem(X, X @ truth), [np.zeros((60, 1))]
    for _ in range(STEPS):
        P.append(P[-1] - problem.gradient(weights_of(P[-1])) / problem.M)
    return Linearized(problem, truth, weights_of(np.array(P)), np.array(P))


def gaps_to_truth() -> tuple[np.ndarray, np.ndarray]:
    """Return D̂_ψ(truth, W_t; P) for the carried P_t, and for one made afresh from W_t.

    Returns
    -------
    carried, fresh : arrays of shape (steps + 1,)

    Examples
    --------
    >>> carried, fresh = gaps_to_truth()
    >>> bool(carried[0] == fresh[0] and (np.diff(carried) <= 0).all())
    True
    """
    run = linearized()
    A = np.broadcast_to(run.truth, run.W.shape)
    afresh = KINK * np.sign(run.W) + run.W
    return tuple(adjusted_bregman(potential, A, run.W, P) for P in (run.P, afresh))  # type: ignore[return-value]


def rest() -> int:
    """Return the last step at which all weights are still 0.

    Returns
    -------
    int

    Examples
    --------
    >>> rest()
    15
    """
    return int(np.flatnonzero(np.abs(linearized().W).max(axis=(1, 2)) == 0)[-1])


def _draw_carried(ax: Any) -> None:
    run = linearized()
    ax.axhspan(-KINK, KINK, color="#efeaf7", lw=0)
    for values, true in zip(run.P[..., 0].T, run.truth[:, 0] != 0, strict=True):
        ax.plot(values, color=CARRIED if true else FAINT, lw=2.4 if true else 0.7)
    ax.set(xlim=(0, STEPS), ylim=(-13.2, 13.2), yticks=[-KINK, 0, KINK], xlabel="step $t$")
    ax.set_title("carried, $P_t$; in the band the weight is 0")


def _draw_gaps(ax: Any) -> None:
    carried, fresh = gaps_to_truth()
    ax.plot(fresh, color=FRESH, lw=2.2, ls=(0, (5, 3)))
    ax.plot(carried, color=CARRIED, lw=2.6)
    ax.axvline(rest(), color=FAINT, lw=1, ls=(0, (2, 3)))
    ax.text(rest() + 1, 0.93 * fresh[0], "fresh subgradient", color=FRESH, weight="bold")
    ax.text(1.2, 0.45 * fresh[0], "carried", color=CARRIED, weight="bold")
    ax.text(rest() + 0.6, 2, "first weight leaves 0", color="#5d6470")
    ax.set(xlim=(0, STEPS), ylim=(0, 1.08 * fresh[0]), xlabel="step $t$")
    ax.set_title("gap to the sparse truth")


def at_the_kink() -> Picture:
    """Return a run of linearized Bregman iteration: the weights rest, what is carried moves.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> len(at_the_kink().panels)
    2
    """
    carried, fresh = gaps_to_truth()
    t = rest()
    entries = (
        f"60 carried entries over {STEPS} steps, four of them, those of the truth, drawn strong. "
        f"Three of these leave the band from −10 to 10, the first after step {t}; one ends inside."
    )
    gaps = (
        f"Two curves over the steps, from {fresh[0]:.1f}. With a fresh subgradient the gap stays "
        f"there to step {t}; with the carried one it has fallen to {carried[t]:.1f} by then, and "
        f"to {carried[-1]:.1f} at the end."
    )
    return Picture([Panel(_draw_carried, entries, (360, 290)), Panel(_draw_gaps, gaps, (360, 290))])
