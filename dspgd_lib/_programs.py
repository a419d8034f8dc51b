"""The linear programs behind nearest weights, solved by HiGHS."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_array, eye_array, hstack, vstack

from ._validation import Array

ACTIVE = 1e-8  # an entry this close to a bound, in units of the largest, counts as on it
TOLERANCES = (1e-10, 1e-8, 1e-7)  # HiGHS gives up on some data at the first, never at the last


def sparsest(X: Array, step: Array) -> Array:
    """Return argmin ‖x‖₁ subject to Xx = X·step."""
    d = X.shape[1]
    parts = _solution(np.ones(2 * d), X, step, A_eq=lambda A: np.hstack([A, -A]))
    x = parts[:d] - parts[d:]
    support = np.abs(x) > ACTIVE * np.max(np.abs(x), initial=0.0)
    x[~support] = 0.0
    x[support] += _correction(X[:, support], X @ (step - x))
    return x


def flattest(X: Array, step: Array) -> Array:
    """Return argmin ‖x‖_∞ subject to Xx = X·step; the last unknown of the program is the bound."""
    d = X.shape[1]
    identity, minus = eye_array(d), csc_array(-np.ones((d, 1)))
    sides = vstack([hstack([identity, minus]), hstack([-identity, minus])])
    cost = np.append(np.zeros(d), 1.0)
    free = [(None, None)] * d + [(0, None)]
    x = _solution(
        cost, X, step, A_eq=lambda A: np.pad(A, ((0, 0), (0, 1))), bounds=free,
        A_ub=sides, b_ub=np.zeros(2 * d),
    )  # fmt: skip
    x, bound = x[:d], x[d]
    inside = np.abs(x) < bound * (1.0 - ACTIVE)
    edge = np.where(inside, 0.0, np.sign(x))
    x = np.where(inside, x, bound * edge)
    change = _correction(np.column_stack([X[:, inside], X @ edge]), X @ (step - x))
    x[inside] += change[:-1]
    return x + change[-1] * edge


def most_positive(X: Array, step: Array) -> Array:
    """Return an x with Xx = X·step whose least entry is as large as can be.

    The unknowns are x − t and t, the least entry, which is held below the largest of |step|.
    """
    d = X.shape[1]
    cost = np.append(np.zeros(d), -1.0)
    bounds = [(0, None)] * d + [(None, 1.0)]
    x = _solution(cost, X, step, A_eq=lambda A: np.column_stack([A, A.sum(axis=1)]), bounds=bounds)
    return np.asarray(x[:d] + x[d])


def _solution(cost: Array, X: Array, step: Array, A_eq: Any, **program: Any) -> Array:
    """Solve the program in units in which the data and the answer are of order 1."""
    size, scale = float(np.max(np.abs(step))), float(np.max(np.abs(X)))
    if size == 0.0:
        return np.zeros(len(cost))
    A, b = X / scale, X @ (step / size) / scale
    for tolerance in TOLERANCES:
        options = {f"{side}_feasibility_tolerance": tolerance for side in ("primal", "dual")}
        found = linprog(cost, A_eq=A_eq(A), b_eq=b, method="highs", options=options, **program)
        if found.status == 0:
            return np.asarray(size * found.x)
    raise RuntimeError(f"HiGHS found no answer: {found.message}")


def _correction(A: Array, residual: Array) -> Array:
    """Return the shortest x with Ax = residual: what HiGHS left undone on its active set."""
    return np.asarray(np.linalg.lstsq(A, residual, rcond=None)[0], dtype=float)
