"""Dual space preconditioned gradient descent, W ← W − η∇K(∇L(W))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _batch, _single
from ._batch import grid_length, members
from ._single import State, state_at
from ._validation import (
    Array,
    as_array,
    nonnegative_integer,
    positive,
    positive_number,
)
from .problem import Problem
from .theory import certified_limit, is_guaranteed, max_learning_rate

RECORDABLE = ("W", "gradient", "loss", "residual_norm", "preconditioner")

ENDINGS = {
    "arrived": "Converged in {steps}, within {distance:.2g} of interpolation.",
    "floor": "Converged in {steps} to the rounding floor, within {distance:.2g} of "
    "interpolation; double precision does not reach tol = {tol:.2g} on this problem.",
    "asked": "Ran {steps} as asked for and ended within {distance:.2g} of interpolation.",
    "late": "Not converged in {steps}, all that max_steps allows: the distance to interpolation is "
    "up to {distance:.2g}.",
    "stuck": "Not converged: after {steps}, up to {distance:.2g} from interpolation, a step "
    "no longer changes W in double precision; try a larger learning rate.",
    "diverged": "Diverged: the loss is {loss:.2g} after {steps} and grows out of bounds; try "
    "a smaller learning rate.",
    "broken": "Stopped after {steps}: K.gradient returned NaN or ∞ for a finite gradient.",
}


@dataclass(frozen=True, eq=False)
class Result:
    """What a run of `dspgd` found.

    Attributes
    ----------
    W : array of shape (d, k)
        The last iterate, never projected; if the run diverged, the last finite one.
    limit : array of shape (d, k) or None
        The certified limit, None when nothing is certified.
    limit_error : float
        A proved bound on ‖W_∞ − limit‖_F, ∞ when nothing is certified.
    steps : int
        Steps from W0 to W.
    converged : bool
        Whether W lies within the tolerance, or the rounding floor, of the interpolating manifold.
    guaranteed : bool
        Whether the learning rate is at most 1/(βM), so that the theorems cover the run.
    message : str
        What happened, in words.
    history : dict of arrays with steps + 1 entries
        What `record` asked for.
    """

    W: Array = field(repr=False)
    limit: Array | None = field(repr=False)
    limit_error: float
    steps: int
    converged: bool
    guaranteed: bool
    message: str
    history: dict[str, Array] = field(repr=False)


def empty_history(record: Iterable[str], recordable: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return an empty list for each name to record, once all names are known ones."""
    names = (record,) if isinstance(record, str) else tuple(record)
    for name in names:
        if name not in recordable:
            raise ValueError(f"record has the unknown name {name!r}: choose from {recordable}.")
    return {name: [] for name in names}


def _checked_tolerance(tol: ArrayLike) -> Array:
    tolerance = as_array("tol", tol)
    if tolerance.ndim > 1 or tolerance.size == 0 or (tolerance < 0).any():
        raise ValueError(f"tol must be a number ≥ 0, found {tol!r}: 0 runs exactly max_steps.")
    return tolerance


def _guarantee(problem: Problem, K: Any) -> Any:
    return max_learning_rate(problem, K) if hasattr(K, "smoothness") else None


def check_problem(problem: Any) -> None:
    if not isinstance(problem, Problem):
        raise ValueError(f"problem must be a Problem, found {type(problem).__name__}.")


def check_preconditioner(K: Any) -> None:
    if isinstance(K, type):
        raise ValueError(f"K must be an object, found the class {K.__name__}: call it first.")
    for method in ("value", "gradient"):
        if not callable(getattr(K, method, None)):
            raise ValueError(
                f"K must have the methods value and gradient, found {K!r} without {method}."
            )


def dspgd(
    problem: Problem,
    K: Any,
    W0: ArrayLike,
    eta: float,
    *,
    tol: float = 1e-12,
    max_steps: int = 100_000,
    record: Iterable[str] = (),
) -> Result:
    """Run W ← W − η∇K(∇L(W)) from W0 until XW = Y holds to the tolerance.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        Any object with `value` and `gradient`; with `smoothness` as well, the learning rate is
        compared with 1/(βM) and the limit can be certified.
    W0 : array of shape (d, k), or (d,) if k = 1
        Starting weights.
    eta : float
        Learning rate η > 0. Above 1/(βM) the run goes ahead and `message` says so.
    tol : float, optional
        Stop when ‖XW − Y‖_F/σ_min, which bounds the distance of W from the interpolating
        manifold, is at most tol·max(‖W‖_F, ‖Y‖_F/σ_max) (plus one rounding error of W0), or when
        rounding stops the progress. 0 runs exactly `max_steps` steps unless the run diverges.
    max_steps : int, optional
        The most steps to take.
    record : iterable of str, optional
        What to keep of every iterate: "W", "gradient" (V = ∇L(W)), "loss" (L(W)),
        "residual_norm" (‖XW − Y‖_F), "preconditioner" (K(V)).

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If an argument does not fit: the message names it, what was found and what to do.

    Notes
    -----
    Iteration (1) of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import NormalizedGD, max_learning_rate
    >>> problem, K = Problem(X=[[1.0, 1.0]], Y=[2.0]), NormalizedGD(eps=0.5)
    >>> result = dspgd(problem, K, [0.0, 1.0], max_learning_rate(problem, K), record=["loss"])
    >>> result.W.round(9).tolist(), result.converged, result.limit_error
    ([[0.5], [1.5]], True, 0.0)
    >>> len(result.history["loss"]) == result.steps + 1
    True
    """
    check_problem(problem)
    check_preconditioner(K)
    W = problem.weights(W0, "W0").copy()
    if W.ndim != 2:
        raise ValueError(f"W0 must be one start of shape (d, k), found {W.shape}.")
    eta = positive_number("eta", eta)
    tolerance = _checked_tolerance(tol)
    if tolerance.ndim:
        raise ValueError(f"tol must be one number, found shape {tolerance.shape}.")
    max_steps = nonnegative_integer("max_steps", max_steps)
    history = empty_history(record, RECORDABLE)
    bound = _guarantee(problem, K)
    if bound is not None and np.ndim(bound):
        raise ValueError(f"K must be one preconditioner, found a grid of {len(bound)}.")
    with np.errstate(all="ignore"):  # a diverging run ends with a sentence, not with warnings
        ending, steps, state = _single.iterate(problem, K, W, eta, float(tol), max_steps, history)
        return _result(problem, K, eta, float(tol), bound, ending, steps, state, history)


def _result(
    problem: Problem,
    K: Any,
    eta: float,
    tol: float,
    bound: float | None,
    ending: str,
    steps: int,
    state: State,
    history: dict[str, list[Any]],
) -> Result:
    distance = state.residual_norm / problem.sigma_min
    message = ENDINGS[ending].format(
        steps="1 step" if steps == 1 else f"{steps} steps",
        distance=distance,
        loss=state.loss,
        tol=tol,
    )
    guaranteed = bound is not None and is_guaranteed(eta, bound)
    if bound is not None and not guaranteed:
        message += f" The learning rate {eta:.4g} is above the guarantee 1/(βM) = {bound:.4g}"
        endless = ": K has no finite smoothness β, so that none is guaranteed for every start."
        message += "." if bound else endless
    limit, error = None, np.inf
    if ending not in ("diverged", "broken"):
        certificate = certified_limit(problem, K, state.W, eta)
        message += f" {certificate.reason}"
        if np.isfinite(certificate.error):
            limit, error = certificate.limit, certificate.error
    return Result(
        W=state.W,
        limit=limit,
        limit_error=error,
        steps=steps,
        converged=ending in ("arrived", "floor") or (ending == "asked" and state.at_floor),
        guaranteed=guaranteed,
        message=message,
        history={name: np.array(values) for name, values in history.items()},
    )


@dataclass(frozen=True, eq=False)
class Sweep:
    """What the B runs of `sweep` found, one entry for each.

    Attributes
    ----------
    W : array of shape (B, d, k)
        The last iterates, never projected; of a run that diverged, the last finite one.
    limit : array of shape (B, d, k)
        Π(W): the certified limits, and mere guesses where limit_error is ∞.
    limit_error : array of shape (B,)
        Proved bounds on ‖W_∞ − limit‖_F, ∞ where nothing is certified.
    steps : array of shape (B,)
        Steps from W0 to W.
    converged : array of shape (B,)
        Whether W lies within the tolerance, or the rounding floor, of the interpolating manifold.
    guaranteed : array of shape (B,)
        Whether the learning rate is at most 1/(βM).
    messages : tuple of B strings
        What happened, in words.
    """

    W: Array = field(repr=False)
    limit: Array = field(repr=False)
    limit_error: Array
    steps: NDArray[np.int64]
    converged: NDArray[np.bool_]
    guaranteed: NDArray[np.bool_]
    messages: tuple[str, ...] = field(repr=False)


def sweep(
    problem: Problem | Sequence[Problem],
    K: Any,
    W0: ArrayLike,
    eta: ArrayLike,
    *,
    tol: ArrayLike = 1e-12,
    max_steps: int = 100_000,
) -> Sweep:
    """Run `dspgd` B times side by side, many times faster than one after the other.

    Each of problem, K, W0, eta and tol is either one for all runs or one for each. The runs of
    one problem share their matrix products; a run that has ended no longer costs anything.

    Parameters
    ----------
    problem : Problem or sequence of B problems
        All of one shape and one loss. Name the same object again for runs on the same data.
    K : preconditioner
        One for all, or a grid whose parameter has shape (B,). It must act on stacks (B, d, k).
    W0 : array of shape (d, k) or (B, d, k), or (d,) if k = 1
        Starting weights.
    eta : float or array of shape (B,)
        Learning rates η > 0.
    tol : float or array of shape (B,), optional
        As in `dspgd`.
    max_steps : int, optional
        The most steps that a run may take.

    Returns
    -------
    Sweep
        What `dspgd` finds for each run, up to rounding.

    Raises
    ------
    ValueError
        If an argument does not fit: the message names it, what was found and what to do.

    Notes
    -----
    Iteration (1) of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import Adam
    >>> problem, eps = Problem(X=[[1.0, 2.0]], Y=[5.0]), np.array([0.01, 1.0, 100.0])
    >>> runs = sweep(problem, Adam(eps), [0.0, 0.0], eta=eps / problem.M)
    >>> runs.limit[:, :, 0].round(2).tolist()
    [[1.66, 1.67], [1.47, 1.77], [1.03, 1.98]]
    >>> bool(runs.converged.all()), bool(runs.limit_error.max() < 1e-12)
    (True, True)
    """
    problems = _checked_problems(problem)
    check_preconditioner(K)
    starts = problems[0].weights(W0, "W0")
    if starts.ndim > 3:
        raise ValueError(f"W0 must have shape (d, k) or (B, d, k), found {starts.shape}.")
    rates, tolerances = np.asarray(positive("eta", eta)), _checked_tolerance(tol)
    max_steps = nonnegative_integer("max_steps", max_steps)
    B = _number_of_runs(
        problem=None if isinstance(problem, Problem) else len(problems),
        K=grid_length(K),
        W0=len(starts) if starts.ndim == 3 else None,
        eta=len(rates) if rates.ndim else None,
        tol=len(tolerances) if tolerances.ndim else None,
    )
    problems = problems if len(problems) == B else problems * B
    starts = np.broadcast_to(starts, (B, *starts.shape[-2:]))
    rates, tolerances = np.broadcast_to(rates, B), np.broadcast_to(tolerances, B)
    with np.errstate(all="ignore"):
        ends = _batch.iterate(problems, K, starts, rates, tolerances, max_steps)
        return _gathered(
            [
                _result(
                    problems[i],
                    member := members(K, i),
                    float(rates[i]),
                    float(tolerances[i]),
                    _guarantee(problems[i], member),
                    ends.ending[i],
                    int(ends.steps[i]),
                    state_at(problems[i], ends.W[i]),
                    {},
                )
                for i in range(B)
            ],
            problems,
        )


def _checked_problems(problem: Any) -> list[Problem]:
    problems = list(problem) if isinstance(problem, Iterable) else [problem]
    if not problems:
        raise ValueError("problem must not be an empty list.")
    for one in problems:
        check_problem(one)
        if one.X.shape != problems[0].X.shape or one.k != problems[0].k:
            raise ValueError(
                f"problem must hold problems of one shape (n, d, k), found {problems[0]!r} and "
                f"{one!r}: call sweep once for each."
            )
        if one.loss != problems[0].loss:
            raise ValueError(
                f"problem must hold problems with one loss, found {problems[0].loss} and "
                f"{one.loss}: call sweep once for each."
            )
    return problems


def _number_of_runs(**lengths: int | None) -> int:
    given = {name: length for name, length in lengths.items() if length is not None}
    if len(set(given.values())) > 1:
        found = ", ".join(f"{name} for {length}" for name, length in given.items())
        raise ValueError(f"{' and '.join(given)} must agree on the number of runs, found {found}.")
    return next(iter(given.values()), 1)


def _gathered(results: Sequence[Result], problems: Sequence[Problem]) -> Sweep:
    limits = [
        problem.project(result.W) if result.limit is None else result.limit
        for problem, result in zip(problems, results, strict=True)
    ]
    return Sweep(
        W=np.stack([result.W for result in results]),
        limit=np.stack(limits),
        limit_error=np.array([result.limit_error for result in results]),
        steps=np.array([result.steps for result in results]),
        converged=np.array([result.converged for result in results]),
        guaranteed=np.array([result.guaranteed for result in results]),
        messages=tuple(result.message for result in results),
    )
