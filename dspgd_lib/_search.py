"""The search for weights that interpolate and whose slopes fit, behind `nearest`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ._newton import relative_error, stationary
from ._programs import most_positive
from ._validation import Array, frobenius_norm

STATIONARY = 1e-10  # the error allowed in XP = Y and in the slopes, relatively
ON_THE_WAY = 1e-3  # the same in problems on the way to the one that is asked
FIRST_SHARE = 2.0**-16  # of the way to the labels, if all of it at once is too much
EDGE = 1e-10  # a weight this small, in units of the largest, may have to be 0
ROUNDING = 1e-14  # what N is known to, in units of C
FLATNESS = 1e-10  # f is flat where moving w by its size changes the slope by less, relatively


@dataclass(frozen=True, eq=False)
class Search:
    """The search for a P with the slopes ∇f(C) + XᵀA, all columns at once, as flat arrays.

    Either P moves, along what X does not see, until its slopes fit; or the slopes move, along the
    row space, until P interpolates. The first fails in floats where f is too steep, as at 0 for
    entropies; the second where it is too flat.
    """

    f: Any
    C: Array
    axes: Array
    entrywise: bool  # whether f is a sum over entries that knows its curvature
    slopes_first: bool | None = None  # None: if that search is the smaller one

    @cached_property
    def row(self) -> Array:
        """What X sees."""
        return np.asarray(np.kron(self.axes, np.eye(self.C.shape[1])), dtype=float)

    @cached_property
    def null(self) -> Array:
        """What X does not see."""
        complete = np.linalg.qr(self.row, mode="complete")[0]
        return complete[:, self.row.shape[1] :]

    @cached_property
    def start(self) -> Array:
        """The slopes at C."""
        return self.slopes(self.C.ravel())

    def slopes(self, w: Array) -> Array:
        return self._inside(self.f.gradient, w)

    def weights(self, s: Array) -> Array:
        return self._inside(self.f.gradient_of_conjugate, s)

    def curvature(self, w: Array) -> Array:
        return self._inside(self.f.curvature, w)

    def dual_curvature(self, s: Array) -> Array:
        return np.asarray(1.0 / self.curvature(self.weights(s)))

    def _inside(self, function: Any, x: Array) -> Array:
        """Return function(x), NaN outside its domain."""
        try:
            with np.errstate(all="ignore"):
                return np.asarray(function(x.reshape(self.C.shape)), dtype=float).ravel()
        except ValueError:
            return np.full(x.shape, np.nan)

    def errors(self, P: Array, N: Array) -> tuple[float, float]:
        """Return how far P is from interpolating as N does, and its slopes from fitting."""
        slopes = self.slopes(P)
        return relative_error(self.row, P, N), relative_error(self.null, slopes, self.start)

    def attempt(self, N: Array, guess: Array, enough: float = 0.0) -> tuple[Array, float]:
        """Return the better P of the two searches from a guess of it, and its error.

        On the way to another problem, an error that is `enough` will do.
        """
        N, guess, found = N.ravel(), guess.ravel(), []
        both = (self._move_weights, self._move_slopes)
        slopes_first = self.slopes_first
        if slopes_first is None:
            slopes_first = self.row.shape[1] < 0.5 * len(self.row)
        for search in reversed(both) if slopes_first else both:
            with np.errstate(all="ignore"):
                P = search(N, guess, enough)
            found.append((max(self.errors(P, N)), P))
            if found[-1][0] <= max(0.01 * STATIONARY, enough):
                break
        error, P = min(found, key=lambda pair: pair[0])
        return P.reshape(self.C.shape), error

    def _move_weights(self, N: Array, guess: Array, enough: float) -> Array:
        guess = guess + self.row @ (self.row.T @ (N - guess))
        curvature = self.curvature if self.entrywise else None
        return stationary(self.slopes, curvature, guess, self.null, self.start, enough)

    def _move_slopes(self, N: Array, guess: Array, enough: float) -> Array:
        step = self.row @ (self.row.T @ (np.nan_to_num(self.slopes(guess)) - self.start))
        for _ in range(60):
            if np.isfinite(self.weights(self.start + step)).all():
                break
            step = 0.5 * step
        curvature = self.dual_curvature if self.entrywise else None
        s = stationary(self.weights, curvature, self.start + step, self.row, N, enough)
        return self.weights(s)


def project(search: Search, X: Array, N: Array) -> Array:
    """Return the Bregman projection of C, given some N that interpolates."""
    C = search.C
    P, error = search.attempt(N, N)
    if not error <= STATIONARY and not np.isfinite(search.slopes(N.ravel())).all():
        N = _inner_point(search, X, N)
        P, error = search.attempt(N, N)
    if not error <= STATIONARY:  # walk from C in shares of the way
        P, share = C + FIRST_SHARE * (N - C), FIRST_SHARE
        while share <= 1.0:
            enough = ON_THE_WAY if share < 1.0 else 0.0
            P, error = search.attempt(C + share * (N - C), P, enough)
            P, share = C + 2.0 * (P - C), 2.0 * share
        P = 0.5 * (P + C)
    if not error <= STATIONARY:
        raise _failure(search, P, N)
    if P.min() <= EDGE * max(np.max(np.abs(P)), np.max(np.abs(C))):
        _inner_point(search, X, N)  # it may have come near weights that have to be 0
    _check_flatness(search, X, P)
    return P


def _inner_point(search: Search, X: Array, N: Array) -> Array:
    """Return interpolating weights in the domain of f; raise if it is known to hold none."""
    ones = np.ones(N.size)
    if np.isfinite(search.slopes(-ones)).all() or not np.isfinite(search.slopes(ones)).all():
        return N  # not a function of positive weights
    found = np.stack([most_positive(X, column) for column in N.T], axis=1)
    least = np.maximum(EDGE * np.max(found, axis=0), ROUNDING * np.max(search.C))
    if (found <= least).any():
        raise ValueError(
            "no projection found: f needs positive weights, but all weights that interpolate have "
            "one that is negative, 0 or next to 0, as a linear program shows: change Y, or use a "
            "function of all weights such as LogCosh()."
        )
    return found


def _failure(search: Search, P: Array, N: Array) -> RuntimeError:
    missed, off = search.errors(P.ravel(), N.ravel())
    back = search.weights(search.start).reshape(search.C.shape)
    if not frobenius_norm(back - search.C) <= 1e-3 * frobenius_norm(search.C):
        cause = "f is so flat at C that its slopes there do not tell where C is: move C nearer to 0"
    else:
        cause = "f is too flat or too steep there for floats: rescale Y, or choose another f"
    if not np.isfinite([missed, off]).all():
        return RuntimeError(
            "no projection found: on the way from C to Y the slopes of f do not fit into floats: "
            "rescale Y, or choose an f that grows more slowly."
        )
    return RuntimeError(
        f"no projection found: Newton's method stopped where XP misses Y by {missed:.1g} and the "
        f"slopes miss the row space by {off:.1g}, relatively; {cause}."
    )


def _check_flatness(search: Search, X: Array, P: Array) -> None:
    """Complain if f is flat, in floats, in weights that the data leave open."""
    if not search.entrywise:
        return
    p = P.ravel()
    slopes, curvature = search.slopes(p), search.curvature(p)
    large = np.abs(p) > EDGE * np.max(np.abs(p))
    flat = large & (np.abs(curvature * p) <= FLATNESS * np.abs(slopes))
    if flat.sum() > (np.linalg.matrix_rank(X[:, flat]) if flat.any() else 0):
        raise RuntimeError(
            f"no projection found: it has {flat.sum()} weights so far out that floats cannot tell "
            "the slopes of f there apart: move C and Y nearer to 0, or choose an f that grows "
            "faster."
        )
