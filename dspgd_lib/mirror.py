"""Mirror descent: a step on the slopes ∇ψ(W) instead of on the weights W."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._validation import Array, frobenius_norm, nonnegative_integer, number, positive
from .convex import check_convex
from .problem import Problem, check_problem
from .results import MirrorResult, checked_record

RECORDABLE = ("W", "dual", "gradient", "loss")
HUGE = 1e80  # weights of this size will not come back


def mirror_descent(
    problem: Problem,
    psi: Any,
    W0: ArrayLike,
    eta: ArrayLike,
    *,
    tol: float = 1e-12,
    max_steps: int = 100_000,
    order: ArrayLike | None = None,
    record: Iterable[str] = (),
) -> MirrorResult:
    """Run ∇ψ(W⁺) = ∇ψ(W) − η∇L(W) from W0 until XW = Y holds to the tolerance.

    Every step adds an element of the row space to ∇ψ(W). So the limit, if there is one, is the
    interpolating point with ∇ψ(W) − ∇ψ(W0) in the row space, of which there is only one, for
    every learning rate: the one with the smallest Bregman divergence D_ψ(W, W0).

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    psi : convex function
        Any object with `gradient` and `gradient_of_conjugate`, such as `PNorm`, `Hypentropy` and
        `NegativeEntropy`.
    W0 : array of shape (d, k), or (d,) if k = 1
        Starting weights.
    eta : float or array of shape (F,)
        Learning rate, or several, which run side by side.
    tol : float, optional
        Stop when ‖XW − Y‖_F/σ_min is at most tol·max(‖W‖_F, ‖Y‖_F/σ_max).
    max_steps : int, optional
        The most steps to take.
    order : array of int of shape (T,), optional
        Step t uses the loss of example order[t mod T] alone; without it, of all examples.
    record : iterable of str, optional
        What to keep of every iterate: "W", "dual" (∇ψ(W)), "gradient" (of the full loss), "loss".

    Returns
    -------
    MirrorResult
        For F learning rates every array has a leading axis of length F.

    Raises
    ------
    ValueError
        If an argument does not fit: the message names it, what was found and what to do.

    Notes
    -----
    Nemirovsky and Yudin 1983 for the method; Gunasekar et al. 2018 and Azizan and Hassibi 2018
    for the limit.

    Examples
    --------
    >>> from dspgd_lib import PNorm
    >>> problem = Problem(X=[[1.0, 2.0]], Y=[9.0])
    >>> run = mirror_descent(problem, PNorm(1.5), [0.0, 0.0], [0.02, 0.06])
    >>> run.W[:, :, 0].round(9).tolist(), bool(run.steps[0] > run.steps[1])
    ([[1.0, 4.0], [1.0, 4.0]], True)
    >>> mirror_descent(problem, PNorm(1.5), [0.0, 0.0], 0.06).message
    'Converged in 12 steps.'
    """
    check_problem(problem)
    check_convex("psi", psi, "gradient", "gradient_of_conjugate", one=True)
    start = problem.weights(W0, "W0", one=True)
    rates = np.atleast_1d(positive("eta", eta))
    closeness = number("tol", tol)
    if closeness < 0:
        raise ValueError(f"tol must be at least 0, found {tol!r}.")
    examples = _checked_order(order, problem.n)
    history: dict[str, list[Array]] = {name: [] for name in checked_record(record, RECORDABLE)}
    W = np.repeat(start[None], len(rates), axis=0)
    dual = np.asarray(psi.gradient(W), dtype=float).copy()
    if dual.shape != W.shape or not np.isfinite(dual).all():
        raise ValueError("W0 must lie where psi has a gradient: move W0 or choose another psi.")
    steps, lost = np.zeros(len(rates), dtype=np.int64), np.zeros(len(rates), dtype=bool)
    max_steps = nonnegative_integer("max_steps", max_steps)
    X = problem.X
    for t in range(max_steps + 1):
        _record(history, problem, W, dual)
        residual = X @ W - problem.Y
        arrived = _interpolates(problem, W, residual, closeness)
        going = ~lost & ~(arrived & (closeness > 0))
        if t == max_steps or not going.any():
            break
        G = problem.loss.gradient(residual[going])
        seen = slice(None) if examples is None else examples[[t % len(examples)]]
        with np.errstate(all="ignore"):
            moved = dual[going] - rates[going, None, None] * (X[seen].T @ G[:, seen])
            new = _weights(psi, moved)
            fine = np.isfinite(moved).all(axis=(1, 2)) & (np.abs(new) < HUGE).all(axis=(1, 2))
        lost[going] = ~fine
        going[going] = fine
        dual[going], W[going] = moved[fine], new[fine]
        steps[going] += 1
    several = np.ndim(eta) > 0
    one = slice(None) if several else 0
    said = np.empty(len(rates), dtype=object)
    said[:] = [_message(*ending) for ending in zip(steps, arrived, lost, strict=True)]
    return MirrorResult(
        W=W[one],
        steps=steps[one] if several else int(steps[0]),
        converged=arrived[one] if several else bool(arrived[0]),
        message=said[one],
        history={name: np.array(values)[:, one] for name, values in history.items()},
        dual=dual[one],
    )


def _weights(psi: Any, dual: Array) -> Array:
    """Return ∇ψ* of each matrix of a stack, NaN where ψ has no weights with these slopes."""
    try:
        return np.asarray(psi.gradient_of_conjugate(dual), dtype=float)
    except ValueError:
        if len(dual) == 1:
            return np.full(dual.shape, np.nan)
        return np.concatenate([_weights(psi, one[None]) for one in dual])


def _message(steps: Any, arrived: Any, lost: Any) -> str:
    took = "1 step" if steps == 1 else f"{steps} steps"
    if lost:
        return (
            f"Diverged: after {took} the next one leaves the slopes that psi has, or the range of "
            "floats; try a smaller learning rate."
        )
    return f"{'Converged' if arrived else 'Not converged'} in {took}."


def mirror_curvature(problem: Problem, psi: Any, W: ArrayLike) -> float:
    """Return λ, the largest eigenvalue of M_ℓ·X∇²ψ(W)⁻¹Xᵀ, for a ψ that is a sum over entries.

    A residual that is small at W shrinks if η < 2/λ. Where ψ has curvature 0, as a power above 2
    has at an entry 0 that the data see, λ is infinite, and the value returned is only large.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    psi : convex function
        A sum over entries, with `curvature`.
    W : array of shape (d, k), or (d,) if k = 1
        Weights; in practice where the run ends.

    Returns
    -------
    float
        In units of one over a learning rate; the largest over the columns of W.

    Raises
    ------
    ValueError
        If W does not fit the problem, or ψ has no `curvature`.

    Examples
    --------
    >>> from dspgd_lib import GradientDescent, PNorm
    >>> problem = Problem(X=[[1.0, 2.0]], Y=[9.0])
    >>> round(mirror_curvature(problem, GradientDescent(), [1.0, 4.0]), 6)
    5.0
    >>> round(mirror_curvature(problem, PNorm(1.5), [1.0, 4.0]), 6)  # (1·√1 + 4·√4)/0.5
    18.0
    """
    check_problem(problem)
    check_convex("psi", psi, "gradient", one=True)
    W = problem.weights(W)
    try:
        curvature = psi.curvature(W)
    except (AttributeError, NotImplementedError):
        raise ValueError(
            f"psi must be a sum over entries with a method `curvature`, found {psi!r}: use a "
            "potential such as PNorm(1.5) or Cosh()."
        ) from None
    with np.errstate(divide="ignore"):
        flatness = np.minimum(1.0 / curvature, HUGE)
    roots = problem.X * np.sqrt(np.swapaxes(flatness, -2, -1))[..., None, :]
    return float(problem.loss.smoothness * np.max(np.linalg.norm(roots, 2, axis=(-2, -1))) ** 2)


def _checked_order(order: ArrayLike | None, n: int) -> NDArray[np.int64] | None:
    if order is None:
        return None
    examples = np.asarray(order)
    if examples.ndim != 1 or examples.dtype.kind not in "iu" or examples.size == 0:
        raise ValueError(f"order must be a list of integers, found {order!r}.")
    if examples.min() < 0 or examples.max() >= n:
        raise ValueError(f"order must name examples from 0 to {n - 1}, found {order!r}.")
    return examples.astype(np.int64)


def _record(history: dict[str, list[Array]], problem: Problem, W: Array, dual: Array) -> None:
    found = {
        "W": lambda: W.copy(),
        "dual": lambda: dual.copy(),
        "gradient": lambda: problem.gradient(W),
        "loss": lambda: problem.loss_value(W),
    }
    for name, values in history.items():
        values.append(found[name]())


def _interpolates(problem: Problem, W: Array, residual: Array, tol: float) -> NDArray[np.bool_]:
    size = np.maximum(frobenius_norm(W), problem.label_norm / problem.sigma_max)
    return np.asarray(frobenius_norm(residual) <= problem.sigma_min * tol * size)
