"""Dual space preconditioned gradient descent, W ← W − η∇K(∇L(W))."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_array, frobenius_norm, nonnegative_integer, positive_number
from .problem import Problem
from .theory import certified_limit, is_guaranteed, max_learning_rate

RECORDABLE = ("W", "gradient", "loss", "residual_norm", "preconditioner")
UNIT = float(np.finfo(float).eps)
HUGE = 1e30  # a loss that has grown by this factor will not come back
FLOOR = 32.0  # in units of δ, the rounding error of a residual

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


@dataclass(frozen=True, eq=False)
class _State:
    """One iterate and what the loop asks about it."""

    W: Array
    gradient: Array
    loss: float
    residual_norm: float
    size: float  # max(‖W‖_F, ‖Y‖_F/σ_max), what a distance is compared with
    rounding: float  # δ = u(σ_max‖W‖_F + ‖Y‖_F)

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.loss) and np.isfinite(self.gradient).all())

    @property
    def at_floor(self) -> bool:
        return self.residual_norm <= FLOOR * self.rounding


def _state(problem: Problem, W: Array) -> _State:
    R = problem.X @ W - problem.Y
    residual_norm = float(frobenius_norm(R))
    if not np.isfinite(residual_norm):  # the loss would complain about such a residual
        return _State(W, W, np.inf, np.inf, np.inf, np.inf)
    weight, label = float(frobenius_norm(W)), problem.label_norm
    return _State(
        W,
        problem.X.T @ problem.loss.gradient(R),
        float(problem.loss.value(R)),
        residual_norm,
        max(weight, label / problem.sigma_max),
        UNIT * (problem.sigma_max * weight + label),
    )


def _direction(K: Any, V: Array) -> Array:
    direction = np.asarray(K.gradient(V), dtype=float)
    if direction.shape != V.shape:
        raise ValueError(
            f"K.gradient must return an array of the shape {V.shape} of its argument, found "
            f"{direction.shape}: pass one preconditioner, not a grid."
        )
    return direction


def _iterate(
    problem: Problem,
    K: Any,
    W0: Array,
    eta: float,
    tol: float,
    max_steps: int,
    history: dict[str, list[Any]],
) -> tuple[str, int, _State]:
    """Return how the run ended (a key of ENDINGS), after how many steps, and where."""
    state, start = _state(problem, W0), float(frobenius_norm(W0))
    if not state.finite:
        raise ValueError("W0 makes the loss overflow: rescale W0 or the problem.")
    loss_limit = HUGE * (state.loss + (problem.sigma_max * start + problem.label_norm) ** 2)

    def arrived(state: _State) -> bool:
        # Rounding moves the iterates by about UNIT·‖W0‖ on the way, whatever tol asks for.
        reach = tol * state.size + UNIT * start
        return tol > 0 and state.residual_norm <= problem.sigma_min * reach

    for steps in range(max_steps + 1):
        _record(history, K, state)
        if arrived(state):
            return "arrived", steps, state
        if state.loss > loss_limit:
            return "diverged", steps, state
        if steps == max_steps:
            return ("late" if tol > 0 else "asked"), steps, state
        direction = _direction(K, state.gradient)
        if not np.isfinite(direction).all():
            return "broken", steps, state
        new = _state(problem, state.W - eta * direction)
        if not new.finite:
            return "diverged", steps, state
        if tol > 0 and new.residual_norm >= state.residual_norm:
            if state.at_floor:
                return "floor", steps, state
            if np.array_equal(new.W, state.W):
                return "stuck", steps, state
        state = new
    raise AssertionError("unreachable")


def _record(history: dict[str, list[Any]], K: Any, state: _State) -> None:
    for name, values in history.items():
        known = name != "preconditioner"
        values.append(getattr(state, name) if known else float(K.value(state.gradient)))


def _checked_record(record: Iterable[str]) -> dict[str, list[Any]]:
    names = (record,) if isinstance(record, str) else tuple(record)
    for name in names:
        if name not in RECORDABLE:
            raise ValueError(f"record has the unknown name {name!r}: choose from {RECORDABLE}.")
    return {name: [] for name in names}


def _check_preconditioner(K: Any) -> None:
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
    if not isinstance(problem, Problem):
        raise ValueError(f"problem must be a Problem, found {type(problem).__name__}.")
    _check_preconditioner(K)
    W = problem.weights(W0, "W0").copy()
    if W.ndim != 2:
        raise ValueError(f"W0 must be one start of shape (d, k), found {W.shape}.")
    eta = positive_number("eta", eta)
    tolerance = as_array("tol", tol)
    if tolerance.ndim or tolerance < 0:
        raise ValueError(f"tol must be a number ≥ 0, found {tol!r}: 0 runs exactly max_steps.")
    max_steps = nonnegative_integer("max_steps", max_steps)
    history = _checked_record(record)
    bound = max_learning_rate(problem, K) if hasattr(K, "smoothness") else None
    if bound is not None and np.ndim(bound):
        raise ValueError(f"K must be one preconditioner, found a grid of {len(bound)}.")
    with np.errstate(all="ignore"):  # a diverging run ends with a sentence, not with warnings
        ending, steps, state = _iterate(problem, K, W, eta, float(tol), max_steps, history)
        return _result(problem, K, eta, float(tol), bound, ending, steps, state, history)


def _result(
    problem: Problem,
    K: Any,
    eta: float,
    tol: float,
    bound: float | None,
    ending: str,
    steps: int,
    state: _State,
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
        message += "." if bound else ": K has no finite smoothness β."
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
