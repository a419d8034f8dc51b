"""Mirror descent: a step on the slopes ∇ψ(W) instead of on the weights W."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._validation import Array, as_array, frobenius_norm, nonnegative_integer, positive
from .problem import Problem
from .solve import check_problem, empty_history

RECORDABLE = ("W", "dual", "gradient", "loss")
HUGE = 1e80  # weights of this size will not come back


@dataclass(frozen=True, eq=False)
class MirrorRuns:
    """Where mirror descent went. For F learning rates every array has a leading axis of length F.

    Attributes
    ----------
    W : array of shape (d, k), or (F, d, k)
        The last iterate, never projected; if a run grew out of bounds, the last one of use.
    dual : array of the same shape
        Its slopes ∇ψ(W), which are what the method adds up.
    steps : int, or array of shape (F,)
        Steps of each run.
    converged : bool, or array of shape (F,)
        Whether W lies within the tolerance of the interpolating manifold.
    message : str
        What happened, in words.
    history : dict of arrays of shape (T + 1, ...), T the steps of the longest run
        What `record` asked for; a run that has ended repeats its last entry.
    """

    W: Array = field(repr=False)
    dual: Array = field(repr=False)
    steps: NDArray[np.int64]
    converged: NDArray[np.bool_]
    message: str
    history: dict[str, Array] = field(repr=False)


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
) -> MirrorRuns:
    """Run ∇ψ(W⁺) = ∇ψ(W) − η∇L(W) from W0 until XW = Y holds to the tolerance.

    Every step adds an element of the row space to ∇ψ(W). So the limit, if there is one, is the
    interpolating point with ∇ψ(W) − ∇ψ(W0) in the row space, of which there is only one, for
    every learning rate: the one with the smallest Bregman divergence D_ψ(W, W0).

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    psi : potential
        Any object with `gradient` and `gradient_of_conjugate`: `Hypentropy`, or a preconditioner
        with both, such as `PNorm`, `Cosh` and `GradientDescent`.
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
    MirrorRuns

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
    for method in ("gradient", "gradient_of_conjugate"):
        if isinstance(psi, type) or not callable(getattr(psi, method, None)):
            raise ValueError(
                f"psi must be an object with gradient and gradient_of_conjugate, found {psi!r}."
            )
    start = problem.weights(W0, "W0")
    if start.ndim != 2:
        raise ValueError(f"W0 must be one start of shape (d, k), found {start.shape}.")
    rates = np.atleast_1d(positive("eta", eta))
    closeness = as_array("tol", tol)
    if closeness.ndim or closeness < 0:
        raise ValueError(f"tol must be a number ≥ 0, found {tol!r}: 0 runs exactly max_steps.")
    examples = _checked_order(order, problem.n)
    history = empty_history(record, RECORDABLE)
    W = np.repeat(start[None], len(rates), axis=0)
    dual = np.asarray(psi.gradient(W), dtype=float).copy()
    if dual.shape != W.shape or not np.isfinite(dual).all():
        raise ValueError("W0 must lie where psi has a gradient: move W0 or choose another psi.")
    steps = np.zeros(len(rates), dtype=np.int64)
    going, arrived = np.ones(len(rates), dtype=bool), np.zeros(len(rates), dtype=bool)
    for t in range(nonnegative_integer("max_steps", max_steps) + 1):
        _record(history, problem, W, dual)
        residual = problem.residual(W)
        arrived = _interpolates(problem, W, residual, float(closeness))
        going &= ~arrived if closeness > 0 else True
        if t == max_steps or not going.any():
            break
        G = problem.loss.gradient(residual[going])
        seen = slice(None) if examples is None else examples[[t % len(examples)]]
        with np.errstate(all="ignore"):
            moved = dual[going] - rates[going, None, None] * (problem.X[seen].T @ G[:, seen])
            new = np.asarray(psi.gradient_of_conjugate(moved), dtype=float)
        fine = (np.abs(new) < HUGE).all(axis=(1, 2))
        going[going] = fine
        dual[going], W[going] = moved[fine], new[fine]
        steps[going] += 1
    one = 0 if np.ndim(eta) == 0 else slice(None)
    kept = {name: np.array(values)[:, one] for name, values in history.items()}
    return MirrorRuns(W[one], dual[one], steps[one], arrived[one], _message(steps, arrived), kept)


def mirror_curvature(problem: Problem, psi: Any, W: ArrayLike) -> float:
    """Return λ, the largest eigenvalue of M_ℓ·X∇²ψ(W)⁻¹Xᵀ, for a ψ that is a sum over entries.

    A residual that is small at W shrinks if η < 2/λ. The second derivatives are central
    differences of ∇ψ*, good to about eight digits. Where ψ has curvature 0, as a power above 2 has
    at an entry 0, λ is infinite, and the value returned is only large.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    psi : potential
        With `gradient` and `gradient_of_conjugate`, both acting entry by entry.
    W : array of shape (d, k), or (d,) if k = 1
        Weights; in practice where the run ends.

    Returns
    -------
    float
        In units of one over a learning rate; the largest over the columns of W.

    Raises
    ------
    ValueError
        If W does not fit the problem, or ψ is not a sum over entries.

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
    S = np.asarray(psi.gradient(problem.weights(W)), dtype=float)
    size = np.abs(S)
    h = 1e-5 * np.where(size > 0, size, 1e-6 * max(float(np.max(size)), 1e-300))

    def rises(h: Array) -> Array:
        return np.asarray(psi.gradient_of_conjugate(S + h) - psi.gradient_of_conjugate(S - h))

    rise = rises(h)
    _refuse_mixed_entries(psi, rises, h)
    roots = [problem.X * np.sqrt(column) for column in (rise / (2.0 * h)).T]
    largest = max(float(np.linalg.norm(root, 2)) for root in roots)
    return float(problem.loss.smoothness) * largest**2


def _refuse_mixed_entries(psi: Any, rises: Callable[[Array], Array], h: Array) -> None:
    """Move some entries only: each must rise as before, the others not at all.

    The entries whose number has bit b set are moved together, so any two are told apart once.
    """
    rise, number = rises(h), np.arange(h.size).reshape(h.shape)
    rounding = 1e-14 * np.abs(rises(1e5 * h))
    for bit in range(h.size.bit_length()):
        some = (number >> bit) & 1
        if (np.abs(rises(some * h) - some * rise) > 1e-3 * np.abs(rise) + rounding).any():
            raise ValueError(
                f"psi must be a sum over entries, found {type(psi).__name__}, whose entries "
                "influence each other: use a potential such as PNorm(1.5) or Cosh()."
            )


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


def _message(steps: NDArray[np.int64], arrived: NDArray[np.bool_]) -> str:
    fewest, most = int(steps.min()), int(steps.max())
    took = f"{most} steps" if fewest == most else f"{fewest} to {most} steps"
    took = "1 step" if took == "1 steps" else took
    if arrived.all():
        return f"Converged in {took}."
    who = "Not converged" if not arrived.any() else f"{arrived.sum()} of {len(arrived)} converged"
    return f"{who} in {took}."
