"""The preconditioned gradient flow Ẇ = −∇K(∇L(W)), the limit of the method as η → 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import LSODA

from ._batch import grid_length
from ._single import FLOOR, UNIT
from ._validation import Array, frobenius_norm, nonnegative_integer, positive_number
from .problem import Problem
from .solve import check_preconditioner, check_problem
from .theory import certified_limit, max_learning_rate

NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)
COARSER = 10.0  # the error is estimated from a second run with so much larger a tolerance


@dataclass(frozen=True, eq=False)
class FlowResult:
    """Where the flow went.

    Attributes
    ----------
    limit : array of shape (d, k)
        The estimated limit, an interpolating point.
    limit_error : float
        Estimate of ‖limit of the flow − limit‖_F. It is 0, and then a theorem, for isotropic and
        left-invariant K.
    time : array of shape (steps + 1,)
        The times at which the integrator stopped, in the units of η.
    W : array of shape (steps + 1, d, k)
        The weights at these times.
    loss : array of shape (steps + 1,)
        The loss at these times.
    steps : int
        Steps of the integrator.
    converged : bool
        Whether the residual fell to tol times that of W0.
    message : str
        What happened, in words.
    """

    limit: Array = field(repr=False)
    limit_error: float
    time: Array = field(repr=False)
    W: Array = field(repr=False)
    loss: Array = field(repr=False)
    steps: int
    converged: bool
    message: str


def preconditioned_flow(
    problem: Problem, K: Any, W0: ArrayLike, *, tol: float = 1e-9, max_steps: int = 100_000
) -> FlowResult:
    """Follow Ẇ = −∇K(∇L(W)) from W0 until the loss is negligible.

    The residual U = XW − Y obeys an equation of its own, U̇ = −X∇K(Xᵀ∇ℓ(U)). It is integrated by
    LSODA, which changes between methods for stiff and for other equations; the weights follow by
    Gauss quadrature of ∇K on each of its steps. It is slow where ∇K is infinitely steep at 0
    (powers below 2).

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        Any object with `value` and `gradient` that acts on stacks (B, d, k).
    W0 : array of shape (d, k), or (d,) if k = 1
        Starting weights.
    tol : float, optional
        Relative tolerance of the integrator, between 1e-12 and 0.01; the run ends when the
        residual is tol times that of W0.
    max_steps : int, optional
        The most steps of the integrator.

    Returns
    -------
    FlowResult
        `limit` is Π of the last point. Its error is what changes with a tolerance 10 times as
        large, plus what `certified_limit` proves about the rest of the way, if anything.

    Raises
    ------
    ValueError
        If an argument does not fit: the message names it, what was found and what to do.

    Notes
    -----
    This book: for the squared loss and K strongly convex and smooth on the run, the limit of
    `dspgd` differs from that of the flow by O(η).

    Examples
    --------
    >>> from dspgd_lib import Adam
    >>> problem = Problem(X=[[1.0, 2.0]], Y=[5.0])
    >>> flow = preconditioned_flow(problem, Adam(eps=1.0), [0.0, 0.0])
    >>> flow.limit.ravel().round(3).tolist(), flow.converged, flow.limit_error < 1e-7
    ([1.45, 1.775], True, True)
    """
    check_problem(problem)
    check_preconditioner(K)
    if (length := grid_length(K)) is not None:
        raise ValueError(f"K must be one preconditioner, found a grid of {length}.")
    start = problem.weights(W0, "W0")
    if start.ndim != 2:
        raise ValueError(f"W0 must be one start of shape (d, k), found {start.shape}.")
    if not problem.interpolable:
        raise ValueError("problem has labels that no W interpolates: the flow has no limit on 𝓦.")
    tol = positive_number("tol", tol)
    if not 1e-12 <= tol <= 1e-2:
        raise ValueError(f"tol must be between 1e-12 and 0.01, found {tol:g}.")
    max_steps = nonnegative_integer("max_steps", max_steps, 1)
    time, W, done = _integrate(problem, K, start, tol, max_steps)
    limit, rest = problem.project(W[-1]), _rest(problem, K, W[-1])
    error = rest
    if not done:
        error = np.inf
    elif rest > 0:
        _, coarse, _ = _integrate(problem, K, start, COARSER * tol, max_steps)
        error = float(frobenius_norm(problem.project(coarse[-1]) - limit))
        error += rest if np.isfinite(rest) else 0.0
    return FlowResult(
        limit=limit,
        limit_error=error,
        time=time,
        W=W,
        loss=problem.loss_value(W),
        steps=len(time) - 1,
        converged=done,
        message=f"The residual fell to {tol:.2g} of its start in {len(time) - 1} steps."
        if done
        else f"Not converged in {len(time) - 1} steps: allow more steps, or a larger tol.",
    )


def _rest(problem: Problem, K: Any, W: Array) -> float:
    """Return a proved bound on how far the flow from W ends from Π(W): the case η → 0."""
    if not hasattr(K, "smoothness"):
        return np.inf
    bound = max_learning_rate(problem, K, W)
    return certified_limit(problem, K, W, 1e-9 * bound).error if 0 < bound < np.inf else np.inf


def _integrate(
    problem: Problem, K: Any, W0: Array, tol: float, max_steps: int
) -> tuple[Array, Array, bool]:
    """Return the times, the weights at these times, and whether the residual fell to tol."""
    X, loss, shape = problem.X, problem.loss, (problem.n, problem.k)
    U0 = X @ W0 - problem.Y
    size = float(frobenius_norm(U0))
    time, W = [0.0], [W0]
    terms = problem.label_norm + problem.sigma_max * float(frobenius_norm(W0))
    if size <= FLOOR * UNIT * terms:  # W0 interpolates already
        return np.array(time), np.array(W), True

    def directions(U: Array) -> Array:
        return np.asarray(K.gradient(X.T @ loss.gradient(U)))

    def field_at(t: float, u: Array) -> Array:
        return -(X @ directions(u.reshape(1, *shape))[0]).ravel()

    # The residual never grows, so that its own size at the end is a safe absolute tolerance.
    atol = 0.1 * tol * tol * size / np.sqrt(U0.size)
    solver = LSODA(field_at, 0.0, U0.ravel(), t_bound=np.inf, rtol=tol, atol=atol)
    while len(time) <= max_steps and solver.status == "running":
        solver.step()
        if solver.status == "failed" or not np.isfinite(solver.y).all():
            break
        h, between = solver.t - time[-1], solver.dense_output()
        U = between(time[-1] + 0.5 * h * (1.0 + NODES)).T.reshape(-1, *shape)
        W.append(W[-1] - 0.5 * h * np.tensordot(WEIGHTS, directions(U), axes=1))
        time.append(solver.t)
        if np.linalg.norm(solver.y) <= tol * size:
            return np.array(time), np.array(W), True
    return np.array(time), np.array(W), False
