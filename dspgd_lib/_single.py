"""One run: the loop behind `dspgd` and its stopping rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._validation import Array, frobenius_norm
from .problem import Problem

UNIT = float(np.finfo(float).eps)
HUGE = 1e30  # a loss that has grown by this factor will not come back
FLOOR = 32.0  # in units of δ, the rounding error of a residual


@dataclass(frozen=True, eq=False)
class State:
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


def state_at(problem: Problem, W: Array) -> State:
    R = problem.X @ W - problem.Y
    residual_norm = float(frobenius_norm(R))
    if not np.isfinite(residual_norm):  # the loss would complain about such a residual
        return State(W, W, np.inf, np.inf, np.inf, np.inf)
    weight, label = float(frobenius_norm(W)), problem.label_norm
    return State(
        W,
        problem.X.T @ problem.loss.gradient(R),
        float(problem.loss.value(R)),
        residual_norm,
        max(weight, label / problem.sigma_max),
        UNIT * (problem.sigma_max * weight + label),
    )


def direction_at(K: Any, V: Array, remedy: str) -> Array:
    """Return ∇K(V), or say that K does not give an array of the shape of V, and the remedy."""
    direction = np.asarray(K.gradient(V), dtype=float)
    if direction.shape != V.shape:
        raise ValueError(
            f"K.gradient must return an array of the shape {V.shape} of its argument, found "
            f"{direction.shape}: {remedy}."
        )
    return direction


def iterate(
    problem: Problem,
    K: Any,
    W0: Array,
    eta: float,
    tol: float,
    max_steps: int,
    history: dict[str, list[Any]],
) -> tuple[str, int, State]:
    """Return how the run ended (by name), after how many steps, and where."""
    state, start = state_at(problem, W0), float(frobenius_norm(W0))
    if not state.finite:
        raise ValueError("W0 makes the loss overflow: rescale W0 or the problem.")
    loss_limit = HUGE * (state.loss + (problem.sigma_max * start + problem.label_norm) ** 2)

    def arrived(state: State) -> bool:
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
        direction = direction_at(K, state.gradient, "pass one preconditioner, not a grid")
        if not np.isfinite(direction).all():
            return "broken", steps, state
        new = state_at(problem, state.W - eta * direction)
        if not new.finite:
            return "diverged", steps, state
        if tol > 0 and new.residual_norm >= state.residual_norm:
            if state.at_floor:
                return "floor", steps, state
            if np.array_equal(new.W, state.W):
                return "stuck", steps, state
        state = new
    raise AssertionError("unreachable")


def _record(history: dict[str, list[Any]], K: Any, state: State) -> None:
    for name, values in history.items():
        known = name != "preconditioner"
        values.append(getattr(state, name) if known else float(K.value(state.gradient)))
