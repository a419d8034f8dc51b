"""Dual space preconditioned gradient descent, W ← W − η∇K(∇L(W)): one run, or many side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _batch
from ._batch import RECORDABLE, Runs
from ._combine import Rate, combined
from ._validation import Array, as_array, frobenius_norm, nonnegative_integer, number, positive
from .convex import Preconditioner, check_convex, grid_length, members
from .problem import LARGEST, Problem, check_problem
from .results import Result, checked_record
from .theory import Start, certified_limit

ENDINGS = {
    "arrived": "Converged in {steps}, within {distance:.2g} of interpolation.",
    "floor": "Converged in {steps} to the rounding floor, within {distance:.2g} of "
    "interpolation; double precision does not reach tol = {tol:.2g} on this problem.",
    "asked": "Ran {steps} as asked for and ended within {distance:.2g} of interpolation.",
    "stopped": "Stopped by the callback after {steps}, within {distance:.2g} of interpolation.",
    "late": "Not converged in {steps}, all that max_steps allows: the distance to interpolation is "
    "up to {distance:.2g}.",
    "stuck": "Not converged: after {steps}, up to {distance:.2g} from interpolation, a step "
    "no longer changes W in double precision; try a larger learning rate.",
    "diverged": "Diverged: the loss is {loss:.2g} after {steps} and grows out of bounds; try "
    "a smaller learning rate.",
    "overflow": "Diverged: after {steps}, at the loss {loss:.2g}, the next step is too long for a "
    "float; try a smaller learning rate.",
    "broken": "Stopped after {steps}: K.gradient returned NaN or ∞ for a finite gradient.",
}


def dspgd(
    problem: Problem,
    K: Any,
    W0: ArrayLike,
    eta: Rate,
    *,
    tol: float = 1e-12,
    max_steps: int = 100_000,
    record: Iterable[str] = (),
    callback: Callable[[int, Array], Any] | None = None,
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
    eta : float, or function of a `Start`
        Learning rate η > 0. Above 1/(βM) the run goes ahead and `message` says so. A function
        gets (problem, K, W0) as a `Start`: `lambda start: 0.5 * start.max_learning_rate`.
    tol : float, optional
        Stop when ‖XW − Y‖_F/σ_min, which bounds the distance of W from the interpolating
        manifold, is at most tol·max(‖W‖_F, ‖Y‖_F/σ_max) (plus one rounding error of W0), or when
        rounding stops the progress. 0 runs exactly `max_steps` steps unless the run diverges.
    max_steps : int, optional
        The most steps to take.
    record : iterable of str, optional
        What to keep of every iterate: "W", "gradient" (V = ∇L(W)), "loss" (L(W)),
        "residual_norm" (‖XW − Y‖_F), "preconditioner" (K(V)).
    callback : function, optional
        Called with the number of steps and the iterate W before each step; True stops the run.

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
    check_convex("K", K, "value", "gradient", one=True)
    W = problem.weights(W0, "W0", one=True)
    rate = number("eta", eta(Start(problem, K, W)) if callable(eta) else eta)
    runs = Runs(
        [problem],
        K,
        W[None],
        np.array([positive("eta", rate)]),
        np.array([_checked_tolerance(number("tol", tol))]),
        nonnegative_integer("max_steps", max_steps),
        True,
        checked_record(record, RECORDABLE),
        _checked_callback(callback),
    )
    return _results(runs, ())


def sweep(
    problem: Problem | Sequence[Problem],
    K: Any,
    W0: ArrayLike,
    eta: Rate,
    *,
    tol: Rate = 1e-12,
    max_steps: int = 100_000,
    record: Iterable[str] = (),
    callback: Callable[[int, Array], Any] | None = None,
    product: bool = False,
) -> Result:
    """Run `dspgd` B times side by side, many times faster than one after the other.

    Each of problem, K, W0, eta and tol is either one for all runs or one for each; with `product`,
    every combination is run. The runs of one problem share their matrix products; a run that has
    ended no longer costs anything.

    Parameters
    ----------
    problem : Problem or sequence of B problems
        All of one shape and one loss. Name the same object again for runs on the same data.
    K : preconditioner
        One for all, or a grid whose parameter has shape (B,). It must act on stacks (B, d, k).
    W0 : array of shape (d, k) or (B, d, k), or (d,) if k = 1
        Starting weights.
    eta : float or array of shape (B,), or function of a `Start`
        Learning rates η > 0; a function is asked for each problem, K and W0.
    tol : float or array of shape (B,), or function of a `Start`, optional
        As in `dspgd`.
    max_steps : int, optional
        The most steps that a run may take.
    record : iterable of str, optional
        As in `dspgd`.
    callback : function, optional
        Called with the number of steps and all iterates, an array (B, d, k) also in a product;
        True, or an array of B truth values, stops these runs.
    product : bool, optional
        True runs every combination. The results have an axis for each of problem, K, W0, eta and
        tol, in this order, that is not one for all; but as many starts as problems go along with
        them. A function eta may return an array (F,), which becomes the last axis.

    Returns
    -------
    Result
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
    >>> problem, K = Problem(X=[[1.0, 2.0]], Y=[5.0]), Adam([0.01, 1.0, 100.0])
    >>> runs = sweep(problem, K, [0.0, 0.0], eta=lambda start: start.max_learning_rate)
    >>> runs.limit[:, :, 0].round(2).tolist()
    [[1.66, 1.67], [1.47, 1.77], [1.03, 1.98]]
    >>> bool(runs.converged.all()), bool(runs.limit_error.max() < 1e-12)
    (True, True)
    >>> sweep(problem, K, [0.0, 0.0], eta=[0.001, 0.002], product=True).steps.shape
    (3, 2)
    """
    if not isinstance(product, bool):
        raise ValueError(f"product must be True or False, found {product!r}.")
    problems = _checked_problems(problem)
    check_convex("K", K, "value", "gradient")
    starts = problems[0].weights(W0, "W0")
    if starts.ndim > 3:
        raise ValueError(f"W0 must have shape (d, k) or (B, d, k), found {starts.shape}.")
    lengths = {
        "problem": None if isinstance(problem, Problem) else len(problems),
        "K": grid_length(K),
        "W0": len(starts) if starts.ndim == 3 else None,
    }
    shape, problems, K, starts, rates, tolerances = combined(
        problems, K, starts, eta, tol, lengths, product
    )
    runs = Runs(
        problems,
        K,
        starts,
        np.asarray(positive("eta", rates)),
        _checked_tolerance(tolerances),
        nonnegative_integer("max_steps", max_steps),
        False,
        checked_record(record, RECORDABLE),
        _checked_callback(callback),
    )
    return _results(runs, shape)


def _checked_tolerance(tol: ArrayLike) -> Array:
    tolerance = as_array("tol", tol)
    if (tolerance < 0).any():
        raise ValueError(f"tol must be at least 0, found {tolerance.min():g}.")
    return tolerance


def _checked_callback(callback: Any) -> Any:
    if not (callback is None or callable(callback)) or isinstance(callback, type):
        raise ValueError(f"callback must be a function of (steps, W), found {callback!r}.")
    return callback


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


def _results(runs: Runs, shape: tuple[int, ...]) -> Result:
    """Make the runs and say how each ended."""
    if not isinstance(runs.K, Preconditioner):  # a K made at home is doubted before it runs
        certified_limit(Start(runs.problems[0], runs.K, runs.W0[0]), float(runs.eta[0]))
    with np.errstate(all="ignore"):  # a diverging run ends with a sentence, not with warnings
        ends = _batch.iterate(runs)
        found = [_ended(runs, ends, i) for i in range(len(runs.problems))]

    def gathered(name: str, dtype: Any = None) -> Any:
        values = [one[name] for one in found]
        if shape == () and np.ndim(values[0]) == 0:
            return values[0]
        return np.array(values, dtype=dtype).reshape(*shape, *np.shape(values[0]))

    return Result(
        W=ends.W.reshape(*shape, *ends.W.shape[1:]),
        steps=gathered("steps"),
        converged=gathered("converged"),
        message=gathered("message", object),
        history={
            name: np.stack(entries).reshape(len(entries), *shape, *entries[0].shape[1:])
            for name, entries in ends.history.items()
        },
        limit=gathered("limit"),
        limit_error=gathered("limit_error"),
        guaranteed=gathered("guaranteed"),
    )


def _ended(runs: Runs, ends: _batch.Ends, i: int) -> dict[str, Any]:
    """Return what there is to say about one run."""
    problem, W, eta = runs.problems[i], ends.W[i], float(runs.eta[i])
    K, ending, steps = members(runs.K, i), ends.ending[i], int(ends.steps[i])
    R = problem.X @ W - problem.Y
    residual = float(frobenius_norm(R))
    floor = _batch.at_floor(residual, problem.sigma_max, frobenius_norm(W), problem.label_norm)
    said = ENDINGS[ending].format(
        steps="1 step" if steps == 1 else f"{steps} steps",
        distance=residual / problem.sigma_min,
        loss=float(problem.loss.value(R)),
        tol=float(runs.tol[i]),
    )
    guaranteed, warning = _guaranteed(Start(problem, K, runs.W0[i]), eta)
    limit, error, reason = np.full(W.shape, np.nan), np.inf, ""
    if ending not in ("diverged", "overflow", "broken") and np.max(np.abs(W)) <= LARGEST:
        certificate = certified_limit(Start(problem, K, W), eta)
        error, reason = certificate.error, f" {certificate.reason}"
        limit = certificate.limit if np.isfinite(error) else limit
    return {
        "steps": steps,
        "converged": ending in ("arrived", "floor")
        or bool(floor and ending in ("asked", "stopped")),
        "message": said + warning + reason,
        "limit": limit,
        "limit_error": error,
        "guaranteed": guaranteed,
    }


def _guaranteed(start: Start, eta: float) -> tuple[bool, str]:
    """Return whether the theorems cover the run, and a sentence if η is above their guarantee."""
    if not start.has("smoothness"):
        return False, ""
    if start.is_guaranteed(eta):
        return True, ""
    most = start.max_learning_rate
    if most == 0:
        return False, " No learning rate is guaranteed: K has no finite smoothness β."
    here = "" if np.isfinite(start.K.smoothness) else " for this start"
    return False, f" The learning rate {eta:.4g} is above the guarantee 1/(βM) = {most:.4g}{here}."
