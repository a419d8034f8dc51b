"""The interpolating points nearest to a start in the 1-, 2- and ∞-norm: argmin ‖W − W0‖_p."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from scipy.sparse import csc_array, eye_array, hstack, vstack

from ._validation import Array, frobenius_norm
from .problem import Problem

ACTIVE = 1e-8  # an entry this close to a bound, in units of the largest, counts as on it
EXACT = 1e-14  # a residual this small, relative to its terms, is rounding
TOLERANCES = (1e-10, 1e-8, 1e-7)  # HiGHS gives up on some data at the first, never at the last


def min_norm(problem: Problem, W0: ArrayLike, p: float) -> Array:
    """Return an interpolating W of least ‖W − W0‖_p, the norm taken over the entries.

    Columns do not interact: each column of W is nearest to its own column of W0. For p = ∞ this
    also minimizes the largest entry of the whole matrix (many W do; this one leaves no column
    larger than it need be).

    Parameters
    ----------
    problem : Problem
        Data and labels; the loss plays no role.
    W0 : array of shape (d, k), or (d,) if k = 1
        The start.
    p : 1, 2 or np.inf
        The norm. For p = 2 the answer is Π(W0); the other two are linear programs (HiGHS), whose
        answer may not be unique for special data.

    Returns
    -------
    array of shape (d, k)
        It interpolates to rounding. For p = 1 at most n entries of a column of W − W0 are not 0;
        for p = ∞ all but n − 1 at most have the same size.

    Raises
    ------
    ValueError
        If p is another number, W0 does not fit the problem, or no W interpolates the labels.
    RuntimeError
        If HiGHS gives up.

    Notes
    -----
    Problem (11) of the paper (Ghane, Akhtiamov, Hassibi 2026); classical.

    Examples
    --------
    >>> problem = Problem(X=[[1.0, 2.0]], Y=[6.0])
    >>> [min_norm(problem, [0.0, 0.0], p).ravel().round(9).tolist() for p in (1, 2, np.inf)]
    [[0.0, 3.0], [1.2, 2.4], [2.0, 2.0]]
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"problem must be a Problem, found {type(problem).__name__}.")
    if isinstance(p, bool) or np.ndim(p) or p not in (1, 2, np.inf):
        raise ValueError(f"p must be 1, 2 or np.inf, found {p!r}.")
    W = problem.weights(W0, "W0")
    if W.ndim != 2:
        raise ValueError(f"W0 must be one start of shape (d, k), found {W.shape}.")
    if not problem.interpolable:
        raise ValueError("problem has labels that no W interpolates: change Y.")
    nearest = problem.project(W)
    if p == 2:
        return nearest
    solve = _sparsest if p == 1 else _flattest
    found = W + np.stack([solve(problem.X, column) for column in (nearest - W).T], axis=1)
    off = frobenius_norm(problem.residual(found))
    fine = off <= EXACT * (problem.sigma_max * frobenius_norm(found) + problem.label_norm)
    return found if fine else problem.project(found)


def _sparsest(X: Array, step: Array) -> Array:
    """Return argmin ‖x‖₁ subject to Xx = X·step."""
    d = X.shape[1]
    parts = _solution(np.ones(2 * d), X, step, A_eq=lambda A: np.hstack([A, -A]))
    x = parts[:d] - parts[d:]
    support = np.abs(x) > ACTIVE * np.max(np.abs(x), initial=0.0)
    x[~support] = 0.0
    x[support] += _correction(X[:, support], X @ (step - x))
    return x


def _flattest(X: Array, step: Array) -> Array:
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
