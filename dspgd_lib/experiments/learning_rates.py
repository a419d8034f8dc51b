"""Figure 2 of the paper: how the limit moves with the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validation import Array, frobenius_norm, positive, positive_number
from ..flow import preconditioned_flow
from ..mirror import mirror_curvature, mirror_descent
from ..nearest import bregman_projection
from ..potentials import Hypentropy
from ..preconditioners import Adam, GradientDescent
from ..problem import Problem
from ..results import MirrorResult
from ..runs import sweep
from ..theory import max_learning_rate
from .data import SEEDS, checked, checked_seeds, settings

FRACTIONS = tuple(np.geomspace(0.01, 1.9, 16).tolist())


@dataclass(frozen=True, eq=False)
class LearningRates:
    """Figure 2: where runs with F learning rates end, for S seeds; lengths in units of ‖W0‖_F.

    Attributes
    ----------
    seeds : array of shape (S,)
        One data set each.
    eps : float
        Smoothing.
    fraction : array of shape (F,)
        η as a share of its guarantee: of ε/σ_max² for Adam, of 1/σ_max² for gradient descent, of
        1/λ for mirror descent, λ the largest eigenvalue of X∇²ψ(W_∞)⁻¹Xᵀ.
    eta : array of shape (S, F)
        Learning rates of Adam.
    from_start : array of shape (S, F)
        ‖W_∞(η) − W0‖/‖W0‖.
    from_smallest : array of shape (S, F)
        ‖W_∞(η) − W_∞(η_0)‖/‖W0‖, η_0 the smallest of the learning rates: 0 there.
    from_flow : array of shape (S, F)
        ‖W_∞(η) − limit of the flow‖/‖W0‖.
    flow_from_start : array of shape (S,)
        ‖limit of the flow − W0‖/‖W0‖.
    slope : array of shape (S,)
        Slope of log from_flow against log η, fitted by least squares to all F points.
    flow_error : array of shape (S,)
        Estimated error of the limit of the flow, over ‖W0‖.
    limit_error : array of shape (S, F)
        Proved bounds on the errors of W_∞(η), over ‖W0‖.
    gd_from_smallest, mirror_from_smallest : arrays of shape (S, F)
        As from_smallest, for gradient descent and for mirror descent.
    gd_converged, mirror_converged : arrays of shape (S, F)
        Whether these runs interpolate.
    n, d : int
        Examples and features.
    preconditioner : class
        Whose limits these are.
    """

    seeds: NDArray[np.int64]
    eps: float
    fraction: Array
    eta: Array
    from_start: Array
    from_smallest: Array
    from_flow: Array
    flow_from_start: Array
    slope: Array
    flow_error: Array
    limit_error: Array
    gd_from_smallest: Array
    mirror_from_smallest: Array
    gd_converged: NDArray[np.bool_]
    mirror_converged: NDArray[np.bool_]
    n: int
    d: int
    preconditioner: Callable[..., Any]


def limit_against_learning_rate(
    eps: float = 1.0,
    fractions: ArrayLike = FRACTIONS,
    seeds: Sequence[int] = SEEDS,
    *,
    n: int = 50,
    d: int = 200,
    preconditioner: Callable[..., Any] = Adam,
    width: float = 0.1,
    tol: float = 1e-10,
    max_steps: int = 1_000_000,
) -> LearningRates:
    """Run Adam, gradient descent and mirror descent for each learning rate; compare their limits.

    Parameters
    ----------
    eps : float, optional
        Smoothing.
    fractions : array of shape (F,), optional
        Learning rates as shares of the guarantee, below 2 and in ascending order.
    seeds : sequence of S int, optional
        One data set each, see `setting`.
    n, d : int, optional
        Examples and features.
    preconditioner : class, optional
        `Adam` or `SmoothedSign`.
    width : float, optional
        Width of the `Hypentropy` of mirror descent, in the units of W.
    tol : float, optional
        Tolerance of every run.
    max_steps : int, optional
        The most steps that a run may take.

    Returns
    -------
    LearningRates

    Raises
    ------
    ValueError
        If an argument does not fit.

    Notes
    -----
    Figure 2 of the paper (Ghane, Akhtiamov, Hassibi 2026) with this book's data.

    Examples
    --------
    >>> found = limit_against_learning_rate(1.0, [0.1, 0.2, 0.4], seeds=[0], n=5, d=20)
    >>> found.slope.round(1).tolist(), bool(found.mirror_from_smallest.max() < 1e-9)
    ([1.0], True)
    """
    shares = np.atleast_1d(positive("fractions", fractions))
    if not (np.diff(shares) > 0).all() or shares[-1] >= 2.0:
        raise ValueError(f"fractions must ascend and stay below 2, found {shares.tolist()}.")
    K = checked(preconditioner(positive_number("eps", eps)))
    seeds = checked_seeds(seeds)
    problems, starts = settings(seeds, n, d)
    stop: dict[str, Any] = {"tol": tol, "max_steps": max_steps}
    runs = sweep(
        problems, K, starts, lambda start: shares * start.max_learning_rate, **stop, product=True
    )
    pairs = list(zip(problems, starts, strict=True))
    compared = _others(tuple(shares.tolist()), tuple(seeds), n, d, width, tol, max_steps)
    flows = [preconditioned_flow(problem, K, W0) for problem, W0 in pairs]
    ends, norms = np.array([flow.limit for flow in flows]), frobenius_norm(starts)[:, None]
    eta = np.array([shares * max_learning_rate(problem, K) for problem in problems])
    from_flow = frobenius_norm(runs.limit - ends[:, None]) / norms
    return LearningRates(
        seeds=np.array(seeds),
        eps=K.eps,
        fraction=shares,
        eta=eta,
        from_start=frobenius_norm(runs.limit - starts[:, None]) / norms,
        from_smallest=_moves(runs.limit) / norms,
        from_flow=from_flow,
        flow_from_start=frobenius_norm(ends - starts) / norms[:, 0],
        slope=_slopes(np.log(eta), np.log(from_flow)),
        flow_error=np.array([flow.limit_error for flow in flows]) / norms[:, 0],
        limit_error=runs.limit_error / norms,
        gd_from_smallest=compared[0] / norms,
        mirror_from_smallest=compared[1] / norms,
        gd_converged=compared[2],
        mirror_converged=compared[3],
        n=n,
        d=d,
        preconditioner=preconditioner,
    )


def _moves(limits: Array) -> Array:
    """Return how far the limits, of shape (..., F, d, k), are from the first of them."""
    return frobenius_norm(limits - limits[..., :1, :, :])


def _slopes(x: Array, y: Array) -> Array:
    """Return the least-squares slopes of y against x, both of shape (S, F)."""
    x = x - x.mean(axis=1, keepdims=True)
    return np.sum(x * y, axis=1) / np.sum(x * x, axis=1)


@lru_cache(maxsize=8)
def _others(
    fractions: tuple[float, ...],
    seeds: tuple[int, ...],
    n: int,
    d: int,
    width: float,
    tol: float,
    max_steps: int,
) -> tuple[Array, Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return how far gradient descent and mirror descent move, and whether they arrive.

    No ε enters, so that the experiments with several ε share these runs.
    """
    shares, (problems, starts) = np.array(fractions), settings(seeds, n, d)
    stop: dict[str, Any] = {"tol": tol, "max_steps": max_steps}
    plain = sweep(
        problems, GradientDescent(), starts, lambda start: shares * start.max_learning_rate,
        **stop, product=True,
    )  # fmt: skip
    mirrored = [
        _mirrored(problem, W0, shares, width, stop)
        for problem, W0 in zip(problems, starts, strict=True)
    ]
    ends = [problem.project(run.W) for problem, run in zip(problems, mirrored, strict=True)]
    found = (
        _moves(plain.limit),
        np.array([_moves(end) for end in ends]),
        np.asarray(plain.converged),
        np.array([run.converged for run in mirrored]),
    )
    for array in found:
        array.flags.writeable = False  # whoever asks again gets the same
    return found


def _mirrored(
    problem: Problem, W0: Array, shares: Array, width: float, stop: dict[str, Any]
) -> MirrorResult:
    """Run mirror descent at these shares of 1/λ, λ the curvature of its steps at the limit."""
    psi = Hypentropy(width)
    end = bregman_projection(problem, psi, W0)
    return mirror_descent(problem, psi, W0, shares / mirror_curvature(problem, psi, end), **stop)
