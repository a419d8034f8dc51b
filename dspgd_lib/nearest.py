"""The interpolating points nearest to a start, in a p-norm or a Bregman divergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, linprog
from scipy.sparse import csc_array, eye_array, hstack, vstack

from ._validation import Array, frobenius_norm, inner
from .problem import Problem

ACTIVE = 1e-8  # an entry this close to a bound, in units of the largest, counts as on it
UNIT = float(np.finfo(float).eps)
EXACT = 1e-14  # a residual this small, relative to its terms, is rounding
STATIONARY = 1e-10  # what is asked of the optimality condition for 1 < p < ∞, relatively
LADDER = 1.6  # exponents from 2 to the one wanted grow by no more than this factor
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
    p : float or np.inf
        The norm, p ≥ 1. For p = 2 the answer is Π(W0). For 1 and ∞ it is a linear program
        (HiGHS), whose answer may not be unique for special data. For every other p it is unique,
        and Newton's method finds it: for p < 2 on the multipliers, for p > 2 on the weights.

    Returns
    -------
    array of shape (d, k)
        It interpolates to rounding. For p = 1 at most n entries of a column of W − W0 are not 0;
        for p = ∞ all but n − 1 at most have the same size.

    Raises
    ------
    ValueError
        If p is below 1 or not a number, W0 does not fit the problem, or no W interpolates the
        labels.
    RuntimeError
        If HiGHS gives up, or Newton's method stays above a relative error of 1e-10 in the
        optimality condition, as it may for p very close to 1, or for p of about 14 and more.

    Notes
    -----
    Problem (11) of the paper (Ghane, Akhtiamov, Hassibi 2026); classical.

    Examples
    --------
    >>> problem = Problem(X=[[1.0, 2.0]], Y=[6.0])
    >>> [min_norm(problem, [0.0, 0.0], p).ravel().round(9).tolist() for p in (1, 2, np.inf)]
    [[0.0, 3.0], [1.2, 2.4], [2.0, 2.0]]
    >>> min_norm(problem, [0.0, 0.0], 1.5).ravel().round(9).tolist()  # as 1 to 2² for q = 3
    [0.666666667, 2.666666667]
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"problem must be a Problem, found {type(problem).__name__}.")
    if isinstance(p, (bool, str)) or np.ndim(p) or not p >= 1:
        raise ValueError(f"p must be a number at least 1, or np.inf, found {p!r}.")
    W = problem.weights(W0, "W0")
    if W.ndim != 2:
        raise ValueError(f"W0 must be one start of shape (d, k), found {W.shape}.")
    if not problem.interpolable:
        raise ValueError("problem has labels that no W interpolates: change Y.")
    nearest = problem.project(W)
    if p == 2:
        return nearest
    if p in (1, np.inf):
        solve = _sparsest if p == 1 else _flattest
        steps = [solve(problem.X, column) for column in (nearest - W).T]
    else:
        axes = problem._svd[2][: problem._rank].T
        seen = np.any(problem.X != 0, axis=0)
        steps = [np.zeros(problem.d) for _ in range(problem.k)]
        for step, column in zip(steps, (nearest - W).T, strict=True):
            step[seen] = _least_norm(axes[seen], column[seen], float(p))
    found = W + np.stack(steps, axis=1)
    off = frobenius_norm(problem.residual(found))
    # Below 2, moving an entry that is nearly 0 would spoil its slope: Newton is left as it is.
    fine = 1 < p < 2 or off <= EXACT * (
        problem.sigma_max * frobenius_norm(found) + problem.label_norm
    )
    found = found if fine else problem.project(found)
    unseen = ~np.any(problem.X != 0, axis=0)
    found[unseen] = W[unseen]
    return found


def bregman_projection(problem: Problem, f: Any, C: ArrayLike) -> Array:
    """Return the interpolating weights P with the least D_f(P, C).

    Newton's method on the multipliers: P has the slopes ∇f(C) + XᵀA, and A makes XP = Y. It needs
    slopes that floats can tell apart: LogCosh has none beyond weights of about 15.

    Parameters
    ----------
    problem : Problem
        Data and labels; the loss plays no role.
    f : potential or preconditioner
        Any strictly convex object with `gradient`, `conjugate` and `gradient_of_conjugate`.
    C : array of shape (d, k), or (d,) if k = 1
        The point to project, in the interior of the domain of f.

    Returns
    -------
    array of shape (d, k)
        P, with XP = Y to about twelve digits.

    Raises
    ------
    ValueError
        If C does not fit the problem or has no gradient, or if no such P is found: the domain of
        f must contain interpolating weights.

    Notes
    -----
    The Bregman projection (this book; classical, Bregman 1967).

    Examples
    --------
    >>> from dspgd_lib import NegativeEntropy
    >>> problem = Problem(X=[[1.0, 1.0]], Y=[3.0])
    >>> bregman_projection(problem, NegativeEntropy(), [[1.0], [2.0]]).round(9).tolist()
    [[1.0], [2.0]]
    >>> bregman_projection(problem, NegativeEntropy(), [[2.0], [4.0]]).round(9).tolist()
    [[1.0], [2.0]]
    """
    C = problem.weights(C, "C")
    if C.ndim != 2:
        raise ValueError(f"C must be one matrix of shape (d, k), found {C.shape}: project in turn.")
    X, Y, start = problem.X, problem.Y, f.gradient(C)
    A = np.zeros(Y.shape)
    units = np.eye(Y.size).reshape(-1, *Y.shape)

    def dual(A: Array) -> float:
        return float(f.conjugate(start + X.T @ A) - inner(A, Y))

    def excess(A: Array) -> Array:
        return X @ f.gradient_of_conjugate(start + X.T @ A) - Y

    def good(A: Array, step: Array, length: float, value: float, fall: float) -> bool:
        """Tell whether the dual falls, and does not rise steeply where the step ends."""
        try:
            E = excess(A + length * step)
        except ValueError:  # outside the domain of the dual
            return False
        if not np.isfinite(E).all() or inner(E, step) > -0.5 * fall:
            return False
        return dual(A + length * step) <= value + 1e-4 * length * fall + 1e-13 * abs(value)

    best = np.inf
    for _ in range(200):
        E = excess(A)
        size = float(np.abs(E).max())
        scale = float(np.abs(Y).max() + np.abs(X).max() * np.abs(E + Y).max())
        if size <= 1e-15 * scale or (size >= 0.5 * best and best <= 1e-12 * scale):
            break
        best = min(best, size)
        step = -_solve(_slopes_of(excess, A, units), E)
        value, fall, length = dual(A), float(inner(E, step)), 1.0
        while length > 1e-12 and not good(A, step, length, value, fall):
            length *= 0.5
        if length <= 1e-12:
            break
        A = A + length * step
    E = excess(A)
    if not np.abs(E).max() <= 1e-9 * (np.abs(Y).max() + np.abs(X).max()):
        raise ValueError(
            f"no projection found: the labels are missed by {np.abs(E).max():.1g}. "
            "Does the domain of f hold weights that interpolate the labels of problem?"
        )
    return f.gradient_of_conjugate(start + X.T @ A)


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


def _least_norm(axes: Array, step: Array, p: float) -> Array:
    """Return argmin ‖x‖_p subject to axesᵀx = axesᵀ·step, for 1 < p < ∞ and orthonormal axes.

    For p > 2 the unknown is x = step + Zz, where Z spans what the axes do not see. For p < 2 it is
    the dual one, s = axes·u of least ‖s‖_q with ⟨s, step⟩ = 1; then x is a multiple of ∇(‖s‖_q^q).
    So the exponent of the smooth problem is never below 2.
    """
    size = float(np.max(np.abs(step)))
    if size == 0.0:
        return step
    step = step / size
    if p > 2:
        unseen = np.linalg.qr(axes, mode="complete")[0][:, axes.shape[1] :]
        return size * _least_power(step, unseen, p)
    along = axes.T @ step
    across = np.linalg.qr(along[:, None], mode="complete")[0][:, 1:]
    q = p / (p - 1.0)
    s = _least_power(axes @ along / (along @ along), axes @ across, q)
    x = _slope(s, q)
    return size * x * (along @ along) / (along @ (axes.T @ x))


def _least_power(a: Array, B: Array, r: float) -> Array:
    """Return the point of a + range(B) of least ‖·‖_r, r ≥ 2, for orthonormal columns of B."""
    s = a - B @ (B.T @ a)
    rungs = max(1, int(np.ceil(np.log(r - 1.0) / np.log(LADDER))))
    for exponent in 1.0 + (r - 1.0) ** (np.arange(1, rungs + 1) / rungs):
        s = _newton(s, B, exponent)
    off = np.linalg.norm(B.T @ _slope(s, r)) / np.linalg.norm(_slope(s, r))
    if not off <= STATIONARY:
        raise RuntimeError(
            f"Newton's method left a relative error of {off:.1g}: p is too close to 1 or too large."
        )
    return s


def _newton(s: Array, B: Array, r: float) -> Array:
    """Minimize Σ|s + Bz|^r by Newton steps whose length is found by a search along the line."""
    best, least, waited = s, float("inf"), 0
    for _ in range(200):
        g = _slope(s, r)
        off = float(np.linalg.norm(B.T @ g) / np.linalg.norm(g))
        waited = 0 if off < 0.5 * least else waited + 1
        if off < least:
            best, least = s, off
        if off <= UNIT or waited > 4:
            break
        root = np.sqrt(np.abs(s / np.max(np.abs(s))) ** (r - 2.0))
        z = np.linalg.lstsq(root[:, None] * B, -root * s, rcond=None)[0]
        d = B @ z
        s = s + _along(s, d, r) * d
    return best


def _along(s: Array, d: Array, r: float) -> float:
    """Return the α that minimizes Σ|s + αd|^r; Newton's own is 1/(r − 1)."""
    scale = np.max(np.abs(s))

    def slope(alpha: float) -> float:
        return float(d @ _slope(s + alpha * d, r, scale))

    if not slope(0.0) < 0:
        return 1.0 / (r - 1.0)
    far = 1.0 / (r - 1.0)
    while slope(far) < 0 and far < 1e6:
        far *= 2.0
    return float(brentq(slope, 0.0, far, rtol=1e-10, disp=False)) if slope(far) > 0 else far


def _slope(s: Array, r: float, scale: float | None = None) -> Array:
    """Return sign(s)|s|^(r−1) in units in which the largest |s|, or `scale`, is 1."""
    t = s / (np.max(np.abs(s)) if scale is None else scale)
    with np.errstate(over="ignore", under="ignore"):
        return np.sign(t) * np.minimum(np.abs(t) ** (r - 1.0), 1e150)


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


def _slopes_of(excess: Callable[[Array], Array], A: Array, units: Array) -> Array:
    """Return the Jacobian of `excess` by differences that stay where it is defined."""
    size = 1.0 + np.abs(A).max()
    for h in (1e-8 * size, 1e-10 * size, 1e-12 * size):
        try:
            change = (excess(A + h * units) - excess(A - h * units)) / (2.0 * h)
        except ValueError:
            continue
        if np.isfinite(change).all():
            return change.reshape(len(units), -1).T
    raise ValueError(
        "no projection found: it lies so far out that f has no slope left there in floats. Move C "
        "nearer to the interpolating weights, or choose a potential that grows faster."
    )


def _solve(J: Array, E: Array) -> Array:
    return np.asarray(np.linalg.lstsq(J, E.ravel(), rcond=1e-14)[0], float).reshape(E.shape)
