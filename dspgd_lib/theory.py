"""What the theorems promise: the largest learning rate, the one-step bound, the certified limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, frobenius_norm, inner, positive_number
from .problem import Problem


def is_guaranteed(eta: float, bound: float) -> bool:
    """Return whether η ≤ 1/(βM), where ε/σ_max² may round to just above it."""
    return eta <= bound * (1.0 + 1e-12)


def max_learning_rate(problem: Problem, K: Any) -> Any:
    """Return 1/(βM), the largest learning rate that the theorems cover for every K.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        Anything with a `smoothness` β.

    Returns
    -------
    float, or array of shape (B,) for a grid
        In the units of W over those of ∇K; 0 if β = ∞, since then no learning rate is covered
        for every starting point. Isotropic and left-invariant K converge up to twice as far.

    Raises
    ------
    ValueError
        If K has no `smoothness`.

    Notes
    -----
    Assumption 1.3 of the paper (Ghane, Akhtiamov, Hassibi 2026) holds for every η up to this one.

    Examples
    --------
    >>> from dspgd_lib import NormalizedGD
    >>> problem = Problem(X=[[2.0, 0.0]], Y=[1.0])
    >>> max_learning_rate(problem, NormalizedGD(eps=0.5))
    0.125
    """
    beta = getattr(K, "smoothness", None)
    if beta is None:
        raise ValueError(
            f"K = {K!r} has no smoothness: give it an attribute `smoothness`, the Lipschitz "
            "constant β of its gradient (inf if there is none)."
        )
    rate = 1.0 / (np.asarray(beta, dtype=float) * problem.M)
    return rate if rate.ndim else float(rate)


def one_step_bound(problem: Problem, K: Any, W: ArrayLike, eta: float) -> Array:
    """Return (1 − ηmμ)(L(W) − (η/2)⟨∇K(V), V⟩), which L(W⁺) never exceeds for η ≤ 1/(βM).

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        It must have a sector; m is the one at V = ∇L(W).
    W : array of shape (..., d, k)
        Weights before the step.
    eta : float
        Learning rate, at most `max_learning_rate(problem, K)`.

    Returns
    -------
    array of shape (...)
        In the units of the loss.

    Raises
    ------
    ValueError
        If W does not fit the problem, eta is not positive, or eta is above 1/(βM), where the
        lemma does not hold.

    Notes
    -----
    The one-step lemma (this book).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[0.0])
    >>> float(one_step_bound(problem, GradientDescent(), [[1.0], [0.0]], eta=0.5))
    0.125
    """
    eta, W = positive_number("eta", eta), problem.weights(W)
    if not is_guaranteed(eta, bound := max_learning_rate(problem, K)):
        raise ValueError(
            f"eta must be at most max_learning_rate(problem, K) = {bound:.4g} for this bound, "
            f"found {eta:.4g}: choose a smaller eta."
        )
    V = problem.gradient(W)
    m, _ = K.sector(K.radius(V) if hasattr(K, "radius") else frobenius_norm(V))
    gain = 0.5 * eta * inner(K.gradient(V), V)
    return (1.0 - eta * m * problem.mu) * (problem.loss_value(W) - gain)


@dataclass(frozen=True, eq=False)
class CertifiedLimit:
    """Where a run from W ends, and how far from there the true limit can be.

    Attributes
    ----------
    limit : array of shape (d, k)
        Π(W), the interpolating point nearest to W.
    error : float
        A proved bound on ‖W_∞ − limit‖_F in exact arithmetic; ∞ when nothing is proved.
    reason : str
        One sentence that says why.
    """

    limit: Array = field(repr=False)
    error: float
    reason: str


def certified_limit(problem: Problem, K: Any, W: ArrayLike, eta: float) -> CertifiedLimit:
    """Return Π(W) and a proved bound on its distance from the limit of the run from W.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        With `smoothness`, and K(G) > 0 for G ≠ 0; what else it has (`invariance`, `bend`,
        `sector`) decides the bound.
    W : array of shape (d, k)
        The iterate at which the run is stopped.
    eta : float
        Learning rate.

    Returns
    -------
    CertifiedLimit
        Isotropic and left-invariant K: error 0 for η < 2/(βM). Others, for η ≤ 1/(βM): Adam
        (2/(3√3))(L(W) + ηK(V))/ε; with a sector (√(β/m) − 1)√(2L(W)/μ), m on the ball of radius
        √(2ML(W)). In all other cases the error is ∞ and Π(W) is only a guess.

    Raises
    ------
    ValueError
        If W does not fit the problem or eta is not positive.

    Notes
    -----
    Certified limit (this book); the isotropic case is Theorem 2 of the paper
    (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import Adam
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[0.0])
    >>> certificate = certified_limit(problem, Adam(eps=1.0), [[3.0], [5.0]], eta=0.5)
    >>> certificate.limit.tolist(), round(certificate.error, 3)
    ([[0.0], [5.0]], 2.043)
    """
    eta = positive_number("eta", eta)
    W = problem.weights(W)
    if W.ndim != 2:
        raise ValueError(f"W must be one iterate of shape (d, k), found {W.shape}.")
    error, reason = _certified_error(problem, K, W, eta)
    return CertifiedLimit(problem.project(W), error, reason)


def _certified_error(problem: Problem, K: Any, W: Array, eta: float) -> tuple[float, str]:
    if not problem.interpolable:
        return np.inf, "Nothing is certified: no W interpolates these labels."
    if getattr(K, "smoothness", None) is None:
        return np.inf, "Nothing is certified: K has no smoothness."
    bound = max_learning_rate(problem, K)
    if np.ndim(bound):
        raise ValueError(f"K must be one preconditioner, found a grid of {len(bound)}.")
    loss, V = float(problem.loss_value(W)), problem.gradient(W)
    if getattr(K, "invariance", "none") in ("isotropic", "left"):
        if hasattr(K, "sector") and not K.sector(np.sqrt(2.0 * problem.M * loss))[0] > 0:
            return np.inf, "Nothing is certified: K may be 0 away from 0, and a run may stall."
        if eta < 2.0 * bound:
            return 0.0, "The limit is the projection of W: the steps stay in the row space of X."
        return np.inf, "Nothing is certified from 2/(βM) on."
    if not is_guaranteed(eta, bound):
        return np.inf, "Nothing is certified above 1/(βM)."
    if hasattr(K, "bend"):
        error = float(K.bend * (loss + eta * K.value(V)))
        return error, f"The limit is within {error:.2g} of the projection of W (energy left)."
    if hasattr(K, "sector"):
        m, beta = K.sector(np.sqrt(2.0 * problem.M * loss))
        if m > 0 and problem.mu > 0:
            error = float((np.sqrt(beta / m) - 1.0) * np.sqrt(2.0 * loss / problem.mu))
            return error, f"The limit is within {error:.2g} of the projection of W (sector)."
    return np.inf, "Nothing is certified: K has no sector with m > 0."
