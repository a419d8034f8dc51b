"""The preconditioned gradient flow Ẇ = −∇K(∇L(W)), the limit of the method as η → 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import LSODA

from ._batch import at_floor
from ._validation import Array, frobenius_norm, nonnegative_integer, positive_number
from .convex import check_convex, real_gradient
from .problem import Problem, check_problem
from .results import Result
from .theory import Start, certified_limit

NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)
TIGHTEST, LOOSEST = 1e-12, 1e-2
COARSER = 10.0  # the error is estimated from a second run with so much larger a tolerance


def preconditioned_flow(
    problem: Problem, K: Any, W0: ArrayLike, *, tol: float = 1e-9, max_steps: int = 100_000
) -> Result:
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
    Result
        `limit` is Π of the last point, and `limit_error` an estimate: what changes with a tolerance
        10 times as large, plus what `certified_limit` proves about the rest of the way. It is 0,
        and then a theorem, for isotropic and left-invariant K. `guaranteed` says whether something
        is proved about the rest of the way; `history` holds "time" (in the units of η), "W" and
        "loss" at each step of the integrator.

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
    check_convex("K", K, "value", "gradient", one=True)
    start = problem.weights(W0, "W0", one=True)
    if not problem.interpolable:
        raise ValueError("problem has labels that no W interpolates: the flow has no limit on 𝓦.")
    tol = positive_number("tol", tol)
    if not TIGHTEST <= tol <= LOOSEST:
        raise ValueError(f"tol must be between {TIGHTEST:g} and {LOOSEST:g}, found {tol:g}.")
    max_steps = nonnegative_integer("max_steps", max_steps, 1)
    time, W, done = _integrate(problem, K, start, tol, max_steps)
    steps, limit, rest = len(time) - 1, problem.project(W[-1]), _rest(problem, K, W[-1])
    error = rest
    if not done:
        error = np.inf
    elif rest > 0:
        _, coarse, _ = _integrate(problem, K, start, COARSER * tol, max_steps)
        error = float(frobenius_norm(problem.project(coarse[-1]) - limit))
        error += rest if np.isfinite(rest) else 0.0
    return Result(
        W=W[-1],
        steps=steps,
        converged=done,
        message=f"The residual fell to {tol:.2g} of its start in {steps} steps."
        if done
        else f"Not converged in {steps} steps: allow more steps, or a larger tol.",
        history={"time": time, "W": W, "loss": problem.loss_value(W)},
        limit=limit,
        limit_error=error,
        guaranteed=bool(done and np.isfinite(rest)),
    )


def _rest(problem: Problem, K: Any, W: Array) -> float:
    """Return a proved bound on how far the flow from W ends from Π(W): the case η → 0."""
    start = Start(problem, K, W)
    if not start.has("smoothness") or not 0 < start.max_learning_rate < np.inf:
        return np.inf
    return certified_limit(start, 1e-9 * start.max_learning_rate).error


def _integrate(
    problem: Problem, K: Any, W0: Array, tol: float, max_steps: int
) -> tuple[Array, Array, bool]:
    """Return the times, the weights at these times, and whether the residual fell to tol."""
    X, loss, shape = problem.X, problem.loss, (problem.n, problem.k)
    U0 = X @ W0 - problem.Y
    size = float(frobenius_norm(U0))
    time, W = [0.0], [W0]
    if at_floor(size, problem.sigma_max, frobenius_norm(W0), problem.label_norm):
        return np.array(time), np.array(W), True

    def directions(U: Array) -> Array:
        return real_gradient(K, X.T @ loss.gradient(U), "it must act on a stack of matrices")

    first = directions(U0[None])
    if not np.isfinite(first).all():
        raise ValueError(
            "K.gradient must be finite along the flow, found NaN or ∞ at W0: start nearer to the "
            "interpolating weights, or choose another K."
        )

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
