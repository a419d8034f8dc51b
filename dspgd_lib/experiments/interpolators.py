"""Figure 1 of the paper: how far Adam ends from three interpolators, over ε."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validation import Array, frobenius_norm, positive, positive_number
from ..nearest import min_norm
from ..preconditioners import Adam
from ..runs import sweep
from ..theory import Start
from .data import SEEDS, checked, checked_seeds, settings

NORMS = (1, 2, np.inf)
EPS = tuple(np.geomspace(0.01, 1000.0, 26).tolist())


@dataclass(frozen=True, eq=False)
class InterpolatorDistances:
    """Figure 1: how far the limit is from the interpolators nearest to W0, for S seeds and E ε.

    Attributes
    ----------
    seeds : array of shape (S,)
        One data set each.
    eps : array of shape (E,)
        Smoothing, in the units of a gradient.
    distance : array of shape (S, E, 3)
        ‖W_∞ − argmin ‖W − W0‖_p‖_F for p = 1, 2, ∞, in the units of W, not normalized.
    gd_distance : array of shape (S, 3)
        The same for gradient descent, the end ε → ∞.
    start_norm : array of shape (S,)
        ‖W0‖_F, to normalize with.
    start_gradient : array of shape (S,)
        The largest entry of ∇L(W0): ε is small or large against it.
    eta : array of shape (S, E)
        Learning rates.
    fixed : array of shape (E,)
        True where η is the same share of 1/σ_max²; for smaller ε that one is not guaranteed to
        converge, and η = ε/σ_max² stands in for it.
    limit_error : array of shape (S, E)
        Proved bounds on the error of W_∞, hence of every distance.
    steps : array of shape (S, E)
        Steps of each run.
    n, d : int
        Examples and features.
    preconditioner : class
        Whose limits these are.
    """

    seeds: NDArray[np.int64]
    eps: Array
    distance: Array
    gd_distance: Array
    start_norm: Array
    start_gradient: Array
    eta: Array
    fixed: NDArray[np.bool_]
    limit_error: Array
    steps: NDArray[np.int64]
    n: int
    d: int
    preconditioner: Callable[..., Any]


def distance_to_interpolators(
    eps: ArrayLike = EPS,
    seeds: Sequence[int] = SEEDS,
    eta_fraction: float = 0.1,
    *,
    n: int = 50,
    d: int = 200,
    preconditioner: Callable[..., Any] = Adam,
    precision: float = 3e-3,
    max_steps: int = 1_000_000,
) -> InterpolatorDistances:
    """Run Adam for each ε at one learning rate; measure its limit against three interpolators.

    A run stops when what is left of it is proved to move the limit by no more than about
    `precision` times its natural size, and is then projected.

    Parameters
    ----------
    eps : array of shape (E,), optional
        Smoothings, 0.01 to 1000 unless told otherwise.
    seeds : sequence of S int, optional
        One data set each, see `setting`.
    eta_fraction : float, optional
        η = eta_fraction/σ_max², and ε/σ_max² for ε below eta_fraction.
    n, d : int, optional
        Examples and features.
    preconditioner : class, optional
        `Adam` or `SmoothedSign`.
    precision : float, optional
        Error of a limit, relative to the smaller of ‖W0 − Π(W0)‖_F and of the bound on its
        distance from gradient descent's limit, which falls like 1/ε. So does that distance for
        `Adam`; for `SmoothedSign` it falls like 1/ε², and a large ε needs more precision.
    max_steps : int, optional
        The most steps that a run may take.

    Returns
    -------
    InterpolatorDistances

    Raises
    ------
    ValueError
        If an argument does not fit.

    Notes
    -----
    Figure 1 of the paper (Ghane, Akhtiamov, Hassibi 2026) with this book's data.

    Examples
    --------
    >>> found = distance_to_interpolators([0.1, 100.0], seeds=[0], n=5, d=20)
    >>> found.distance.shape, bool(found.limit_error.max() < 1e-3)
    ((1, 2, 3), True)
    >>> bool(found.distance[0, 1, 1] < found.distance[0, 0, 1])  # nearer to GD's limit
    True
    """
    eps, seeds = np.atleast_1d(positive("eps", eps)), checked_seeds(seeds)
    share = positive_number("eta_fraction", eta_fraction)
    goal = positive_number("precision", precision)
    problems, starts = settings(seeds, n, d)
    rates = np.array([np.minimum(share, eps) / problem.M for problem in problems])
    runs = sweep(
        problems,
        checked(preconditioner(eps)),
        starts,
        eta=lambda start: min(share, start.K.eps) / start.problem.M,
        tol=lambda start: _tolerance(start, goal),
        max_steps=max_steps,
        product=True,
    )
    pairs = list(zip(problems, starts, strict=True))
    targets = np.array([[min_norm(problem, W0, p) for p in NORMS] for problem, W0 in pairs])
    ends = np.array([problem.project(W0) for problem, W0 in pairs])
    return InterpolatorDistances(
        seeds=np.array(seeds),
        eps=eps,
        distance=frobenius_norm(runs.limit[:, :, None] - targets[:, None]),
        gd_distance=frobenius_norm(ends[:, None] - targets),
        start_norm=frobenius_norm(starts),
        start_gradient=np.array([np.abs(problem.gradient(W0)).max() for problem, W0 in pairs]),
        eta=rates,
        fixed=eps >= share * (1.0 - 1e-12),
        limit_error=runs.limit_error,
        steps=runs.steps,
        n=n,
        d=d,
        preconditioner=preconditioner,
    )


def _tolerance(start: Start, precision: float) -> Array:
    """Return the tolerance of `dspgd` that certifies the limit to the precision.

    The certified error is at most 2·bend·L(W) = bend‖R‖², and dspgd compares ‖R‖/σ_min with tol
    times a size, which is taken here to be ‖W0‖ + ‖W0 − Π(W0)‖.
    """
    problem, W0, bend = start.problem, start.W0, start.K.bend
    way, size = frobenius_norm(problem.project(W0) - W0), frobenius_norm(W0)
    natural = np.minimum(way, bend * start.loss)
    return np.sqrt(precision * natural / bend) / (problem.sigma_min * (size + way))
