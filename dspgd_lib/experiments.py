"""The two figures of the paper as functions that return numbers.

The appendix with the paper's data is lost, so that these choices are this book's: X (n = 50,
d = 200) and y standard normal, W0 normal with variance 1/d, squared loss, one output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._validation import (
    Array,
    frobenius_norm,
    nonnegative_integer,
    positive,
    positive_number,
)
from .flow import preconditioned_flow
from .mirror import MirrorRuns, mirror_descent
from .nearest import min_norm
from .potentials import Hypentropy
from .preconditioners import Adam, GradientDescent
from .problem import Problem
from .solve import Sweep, sweep

NORMS = (1, 2, np.inf)
SEEDS = tuple(range(10))
EPS = tuple(np.geomspace(0.01, 1000.0, 26).tolist())
FRACTIONS = tuple(np.geomspace(0.01, 1.9, 16).tolist())


def setting(seed: int, n: int = 50, d: int = 200) -> tuple[Problem, Array]:
    """Return the data of both experiments: a Gaussian problem and a start.

    Parameters
    ----------
    seed : int
        X, then y, come from `default_rng(seed)`, W0 from `default_rng([seed, 1])`.
    n, d : int, optional
        Examples and features.

    Returns
    -------
    problem : Problem
        One output, squared loss.
    W0 : array of shape (d, 1)
        Independent normal entries of variance 1/d, so that ‖W0‖_F is about 1.

    Raises
    ------
    ValueError
        If seed, n or d does not fit.

    Examples
    --------
    >>> problem, W0 = setting(seed=0, n=5, d=20)
    >>> problem, W0.shape
    (Problem(n=5, d=20, k=1, loss=SquaredLoss()), (20, 1))
    """
    problem = Problem.gaussian(n, d, 1, seed)
    return problem, np.random.default_rng([seed, 1]).standard_normal((d, 1)) / np.sqrt(d)


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
    eps, seeds = np.atleast_1d(positive("eps", eps)), _checked_seeds(seeds)
    share = positive_number("eta_fraction", eta_fraction)
    goal = positive_number("precision", precision)
    data = [setting(seed, n, d) for seed in seeds]
    rates = np.array([np.minimum(share, eps) / problem.M for problem, _ in data])
    bend = _checked(preconditioner(eps)).bend
    runs = sweep(
        [problem for problem, _ in data for _ in eps],
        preconditioner(np.tile(eps, len(data))),
        np.repeat([W0 for _, W0 in data], len(eps), axis=0),
        rates.ravel(),
        tol=np.concatenate([_tolerance(problem, W0, bend, goal) for problem, W0 in data]),
        max_steps=max_steps,
    )
    targets = np.array([[min_norm(problem, W0, p) for p in NORMS] for problem, W0 in data])
    limits = runs.limit.reshape(len(data), len(eps), 1, d, 1)
    ends = np.array([problem.project(W0) for problem, W0 in data])
    return InterpolatorDistances(
        seeds=np.array(seeds),
        eps=eps,
        distance=frobenius_norm(limits - targets[:, None]),
        gd_distance=frobenius_norm(ends[:, None] - targets),
        start_norm=np.array([frobenius_norm(W0) for _, W0 in data]),
        start_gradient=np.array([np.abs(problem.gradient(W0)).max() for problem, W0 in data]),
        eta=rates,
        fixed=eps >= share * (1.0 - 1e-12),
        limit_error=runs.limit_error.reshape(rates.shape),
        steps=runs.steps.reshape(rates.shape),
        n=n,
        d=d,
        preconditioner=preconditioner,
    )


def _tolerance(problem: Problem, W0: Array, bend: Array, precision: float) -> Array:
    """Return the tolerances of `dspgd` that certify the limits to the precision, of shape (E,).

    The certified error is at most 2·bend·L(W) = bend‖R‖², and dspgd compares ‖R‖/σ_min with tol
    times a size, which is taken here to be ‖W0‖ + ‖W0 − Π(W0)‖.
    """
    way, start = frobenius_norm(problem.project(W0) - W0), frobenius_norm(W0)
    natural = np.minimum(way, bend * problem.loss_value(W0))
    return np.asarray(np.sqrt(precision * natural / bend) / (problem.sigma_min * (start + way)))


def _checked(K: Any) -> Any:
    if not hasattr(K, "bend"):
        raise ValueError(f"preconditioner must be Adam or SmoothedSign, found {type(K).__name__}.")
    return K


def _checked_seeds(seeds: Sequence[int]) -> list[int]:
    found = [nonnegative_integer("seeds", seed) for seed in seeds]
    if not found:
        raise ValueError("seeds must not be empty.")
    return found


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
    K = _checked(preconditioner(positive_number("eps", eps)))
    data = [setting(seed, n, d) for seed in _checked_seeds(seeds)]
    stop = {"tol": tol, "max_steps": max_steps}
    norms = np.array([frobenius_norm(W0) for _, W0 in data])[:, None]
    M = np.array([problem.M for problem, _ in data])[:, None]
    eta = shares / (M * K.smoothness)
    runs, plain = _grid(data, K, eta, stop), _grid(data, GradientDescent(), shares / M, stop)
    mirrored = [_mirrored(problem, W0, shares, width, stop) for problem, W0 in data]
    mirror_ends = [problem.project(run.W) for (problem, _), run in zip(data, mirrored, strict=True)]
    flows = [preconditioned_flow(problem, K, W0) for problem, W0 in data]
    ends = np.array([flow.limit for flow in flows])[:, None]
    starts = np.array([W0 for _, W0 in data])[:, None]
    from_flow = frobenius_norm(_limits(runs, shares) - ends) / norms
    left = np.where(runs.converged, K.bend * _loss_left(data, runs), np.inf).reshape(eta.shape)
    return LearningRates(
        seeds=np.array(_checked_seeds(seeds)),
        eps=K.eps,
        fraction=shares,
        eta=eta,
        from_start=frobenius_norm(_limits(runs, shares) - starts) / norms,
        from_smallest=_moves(_limits(runs, shares)) / norms,
        from_flow=from_flow,
        flow_from_start=frobenius_norm(ends - starts)[:, 0] / norms[:, 0],
        slope=_slopes(np.log(eta), np.log(from_flow)),
        flow_error=np.array([flow.limit_error for flow in flows]) / norms[:, 0],
        # A step takes at least η(1 − ηβM/2)⟨∇K(V), V⟩ from the loss, and bend times the sum of
        # η⟨∇K(V), V⟩ bounds the way off the row space: a proof for every η < 2/(βM).
        limit_error=left / (1.0 - 0.5 * shares) / norms,
        gd_from_smallest=_moves(_limits(plain, shares)) / norms,
        mirror_from_smallest=np.array([_moves(end) for end in mirror_ends]) / norms,
        gd_converged=plain.converged.reshape(eta.shape),
        mirror_converged=np.array([run.converged for run in mirrored]),
    )


def _grid(data: Sequence[tuple[Problem, Array]], K: Any, eta: Array, stop: dict[str, Any]) -> Sweep:
    """Run every seed with each of its F learning rates."""
    problems = [problem for problem, _ in data for _ in eta[0]]
    return sweep(
        problems, K, np.repeat([W0 for _, W0 in data], eta.shape[1], 0), eta.ravel(), **stop
    )


def _limits(runs: Sweep, shares: Array) -> Array:
    return runs.limit.reshape(-1, len(shares), *runs.limit.shape[1:])


def _loss_left(data: Sequence[tuple[Problem, Array]], runs: Sweep) -> Array:
    ends = runs.W.reshape(len(data), -1, *runs.W.shape[1:])
    pairs = zip(data, ends, strict=True)
    return np.concatenate([problem.loss_value(W) for (problem, _), W in pairs])


def _moves(limits: Array) -> Array:
    """Return how far the limits, of shape (..., F, d, k), are from the first of them."""
    return frobenius_norm(limits - limits[..., :1, :, :])


def _slopes(x: Array, y: Array) -> Array:
    """Return the least-squares slopes of y against x, both of shape (S, F)."""
    x = x - x.mean(axis=1, keepdims=True)
    return np.sum(x * y, axis=1) / np.sum(x * x, axis=1)


def _mirrored(
    problem: Problem, W0: Array, shares: Array, width: float, stop: dict[str, Any]
) -> MirrorRuns:
    """Run mirror descent at these shares of 1/λ, λ the curvature of its steps at the limit."""
    psi = Hypentropy(width)
    safe = 1.0 / (problem.M * np.max(np.hypot(problem.project(W0), width)))
    end = problem.project(mirror_descent(problem, psi, W0, 0.3 * safe, **stop).W)
    root = problem.X * np.sqrt(np.hypot(end, width)).T
    curvature = problem.loss.smoothness * np.linalg.norm(root, 2) ** 2
    return mirror_descent(problem, psi, W0, shares / curvature, **stop)
