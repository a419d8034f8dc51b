"""The interpolating weights nearest to a start, in a p-norm or a Bregman divergence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._programs import flattest, sparsest
from ._search import ON_THE_WAY, STATIONARY, Search, project
from ._validation import Array, frobenius_norm, read_only
from .convex import check_convex
from .potentials import PNorm
from .problem import Problem, check_problem

EXACT = 1e-14  # a residual this small, relative to its terms, is rounding
LADDER = 1.6  # exponents from 2 to the one wanted grow by no more than this factor
LARGEST_POWER = 1000.0  # beyond this, p or its dual exponent is as good as infinite


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
        The norm: 1, from 1.001 to 1000, or np.inf. For p = 2 the answer is Π(W0). For 1 and ∞ it
        is a linear program (HiGHS), whose answer may not be unique for special data. For every
        other p it is unique, and Newton's method finds it: W − W0 is the Bregman projection of 0
        for Σ|w|ᵖ.

    Returns
    -------
    array of shape (d, k)
        It interpolates to rounding. For p = 1 at most n entries of a column of W − W0 are not 0;
        for p = ∞ all but n − 1 at most have the same size.

    Raises
    ------
    ValueError
        If p is not one of these, W0 does not fit the problem, or no W interpolates the labels.
    RuntimeError
        If HiGHS gives up, or Newton's method stays above a relative error of 1e-10 in the
        optimality condition, as it may for p below 1.02 and a hundred examples.

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
    _check(problem)
    exponent = _exponent(p)
    W = problem.weights(W0, "W0", one=True)
    nearest = problem.project(W)
    if exponent == 2:
        return nearest
    steps, seen = np.zeros(W.shape), np.any(problem.X != 0, axis=0)
    for step, column in zip(steps.T, (nearest - W).T, strict=True):
        if exponent == 1:
            step[:] = sparsest(problem.X, column)
        elif exponent == np.inf:
            step[:] = flattest(problem.X, column)
        else:
            step[seen] = _least_norm(_axes(problem)[seen], column[seen], exponent)
    found = W + steps
    off = frobenius_norm(problem.residual(found))
    # Below 2, moving an entry that is nearly 0 would spoil its slope: Newton is left as it is.
    fine = 1 < exponent < 2 or off <= EXACT * (
        problem.sigma_max * frobenius_norm(found) + problem.label_norm
    )
    found = found if fine else problem.project(found)
    found[~seen] = W[~seen]
    return found


def bregman_projection(problem: Problem, f: Any, C: ArrayLike) -> Array:
    """Return the interpolating weights P with the least D_f(P, C).

    P is the one interpolating point with slopes of the form ∇f(C) + XᵀA. Newton's method moves P
    until its slopes fit, or its slopes until P interpolates, whichever keeps more digits. If f has
    a method `curvature`, f″ of each entry, it is a sum over entries and goes column by column;
    otherwise differences stand in for second derivatives, for all columns at once.

    Parameters
    ----------
    problem : Problem
        Data and labels; the loss plays no role.
    f : potential or preconditioner
        Any strictly convex object with `gradient` and `gradient_of_conjugate`, which raise
        ValueError outside their domain.
    C : array of shape (d, k), or (d,) if k = 1
        The point to project, in the interior of the domain of f.

    Returns
    -------
    array of shape (d, k)
        P. The errors in XP = Y and in the form of its slopes are at most 1e-10 of the size of
        these, and as a rule rounding.

    Raises
    ------
    ValueError
        If C does not fit the problem or f has no gradient there, no W interpolates the labels, or
        f needs positive weights and no positive weights interpolate.
    RuntimeError
        If floats do not tell the answer: f is too flat there (LogCosh with two weights beyond 14
        that one label ties together) or its slopes are too large (Cosh with weights beyond 700).

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
    _check(problem)
    C = problem.weights(C, "C", one=True)
    _check_function(f, C)
    P, N, axes = C.copy(), problem.project(C), _axes(problem)
    if not _entrywise(f, C):
        return project(Search(f, C, axes, entrywise=False), problem.X, N)
    seen = np.any(problem.X != 0, axis=0)
    for j in range(problem.k):
        column = np.ix_(seen, [j])
        search = Search(f, C[column], axes[seen], entrywise=True)
        P[column] = project(search, problem.X[:, seen], N[column])
    return P


def _check_function(f: Any, C: Array) -> None:
    check_convex("f", f, "gradient", "gradient_of_conjugate", one=True)
    slopes = np.asarray(f.gradient(read_only(C)))
    if slopes.shape != C.shape:
        raise ValueError(
            f"f.gradient must return an array of the shape {C.shape} of C, found {slopes.shape}."
        )
    if not np.isfinite(slopes).all():
        raise ValueError("C must have slopes that fit into floats, found inf: move C nearer to 0.")


def _entrywise(f: Any, C: Array) -> bool:
    """Tell whether f is a sum over entries that knows its curvature; columns do not interact."""
    try:
        return hasattr(f, "curvature") and bool(np.shape(f.curvature(C)) == C.shape)
    except NotImplementedError:
        return False


def _check(problem: Any) -> None:
    check_problem(problem)
    if not problem.interpolable:
        raise ValueError("problem has labels that no W interpolates: change Y.")


def _exponent(p: Any) -> float:
    number = isinstance(p, (int, float, np.integer, np.floating)) and not isinstance(p, bool)
    if not number or not p >= 1:
        raise ValueError(f"p must be a number at least 1, or np.inf, found {p!r}.")
    if LARGEST_POWER < p < np.inf:
        raise ValueError(
            f"p must be at most {LARGEST_POWER:g}, or np.inf, found {p!r:.20}: use np.inf, "
            "from which no weights will tell it."
        )
    if 1 < p < 1 + 1 / LARGEST_POWER:
        raise ValueError(
            f"p must be 1 or at least {1 + 1 / LARGEST_POWER:g}, found {p!r}: use 1, from which no "
            "weights will tell it."
        )
    return float(p)


def _axes(problem: Problem) -> Array:
    """Return an orthonormal basis of the row space of X."""
    return problem._svd[2][: problem._rank].T


def _least_norm(axes: Array, step: Array, p: float) -> Array:
    """Return argmin ‖x‖_p subject to axesᵀx = axesᵀ·step, for 1 < p < ∞, by way of other p.

    It is the Bregman projection of 0 for a power: the slopes of the answer are in the row space.
    """
    q = max(p, p / (p - 1.0))
    rungs = max(1, int(np.ceil(np.log(q - 1.0) / np.log(LADDER))))
    x, error = step[:, None], 0.0
    for rung in range(1, rungs + 1):
        r = 1.0 + (q - 1.0) ** (rung / rungs)
        unit = float(np.max(np.abs(x)))
        if unit == 0.0:
            return step
        power = PNorm(r if p > 2 else r / (r - 1.0))
        search = Search(power, np.zeros(x.shape), axes, entrywise=True, slopes_first=p < 2)
        enough = ON_THE_WAY if rung < rungs else 0.0
        x, error = search.attempt(step[:, None] / unit, x / unit, enough)
        x = unit * x
    if not error <= STATIONARY:
        raise RuntimeError(
            f"Newton's method left a relative error of {error:.1g}: p is too close to 1 or too "
            "large."
        )
    return x[:, 0]
