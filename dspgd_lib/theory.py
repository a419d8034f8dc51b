"""What the theorems promise: learning rates, rates, lengths, distances, the certified limit.

Bounds on a whole run from W0 hold for η ≤ `max_learning_rate(problem, K, W0)`. Such a run keeps its
gradients in the ball of radius √(2ML(W0)), where the sector (m, β) of K is taken: Frobenius norm,
which bounds every norm that a sector is measured in. A bound is ∞ where m = 0 or β = ∞.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, frobenius_norm, inner, positive_number
from .problem import Problem


def is_guaranteed(eta: float, bound: Any) -> Any:
    """Return whether η ≤ 1/(βM), where ε/σ_max² may round to just above it."""
    return eta <= bound * (1.0 + 1e-12)


def max_learning_rate(problem: Problem, K: Any, W0: ArrayLike | None = None) -> Any:
    """Return 1/(βM), the largest learning rate that the theorems cover for every K.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        Anything with a `smoothness` β; with a `sector` as well if W0 is given.
    W0 : array of shape (..., d, k), optional
        A start. If K has no finite smoothness, β is then its Lipschitz constant on the ball that
        the gradients of a run from W0 never leave, and the result covers this start only.

    Returns
    -------
    float, or array of shape (B,) for a grid or (...) for a stack of starts
        In the units of W over those of ∇K; 0 if β = ∞, since then no learning rate is guaranteed
        for every start. Isotropic and left-invariant K converge up to twice as far.

    Raises
    ------
    ValueError
        If K has no `smoothness`, or W0 does not fit the problem.

    Notes
    -----
    Assumption 1.3 of the paper (Ghane, Akhtiamov, Hassibi 2026) holds for every η up to this one.
    With W0, the run does all that the assumption is used for (this book).

    Examples
    --------
    >>> from dspgd_lib import Cosh, NormalizedGD
    >>> problem = Problem(X=[[2.0, 0.0]], Y=[1.0])
    >>> max_learning_rate(problem, NormalizedGD(eps=0.5))
    0.125
    >>> max_learning_rate(problem, Cosh())
    0.0
    >>> round(max_learning_rate(problem, Cosh(), W0=[1.0, 0.0]), 4)
    0.0665
    """
    beta = getattr(K, "smoothness", None)
    if beta is None:
        raise ValueError(
            f"K = {K!r} has no smoothness: give it an attribute `smoothness`, the Lipschitz "
            "constant β of its gradient (inf if there is none)."
        )
    beta = np.asarray(beta, dtype=float)
    if W0 is not None and np.isinf(beta).any() and hasattr(K, "sector"):
        beta = np.asarray(_sector_of_run(problem, K, problem.weights(W0, "W0"))[1], dtype=float)
    with np.errstate(divide="ignore"):  # β = 0 if K is 0 on the whole ball
        rate = 1.0 / (beta * problem.M)
    return rate if rate.ndim else float(rate)


def _sector_of_run(problem: Problem, K: Any, W0: Array) -> tuple[Any, Any]:
    """Return (m, β) on the ball that the gradients of a run from W0 never leave."""
    if not hasattr(K, "sector"):
        raise ValueError(f"K = {K!r} has no sector: give it a method `sector(radius)` → (m, β).")
    return K.sector(np.sqrt(2.0 * problem.M * problem.loss_value(W0)))


def _checked_rate(problem: Problem, K: Any, W: Array, eta: float) -> float:
    rate = positive_number("eta", eta)
    bound = max_learning_rate(problem, K, W)
    if not np.all(is_guaranteed(rate, bound)):
        raise ValueError(
            f"eta must be at most max_learning_rate(problem, K, W) = {np.min(bound):.4g} for this "
            f"bound, found {rate:.4g}: choose a smaller eta."
        )
    return rate


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
        Learning rate, at most `max_learning_rate(problem, K, W)`.

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
    W = problem.weights(W)
    eta, V = _checked_rate(problem, K, W, eta), problem.gradient(W)
    m, _ = K.sector(K.radius(V) if hasattr(K, "radius") else frobenius_norm(V))
    gain = 0.5 * eta * inner(K.gradient(V), V)
    return (1.0 - eta * m * problem.mu) * (problem.loss_value(W) - gain)


def loss_rate(problem: Problem, K: Any, W0: ArrayLike, eta: float) -> Array:
    """Return (1 − ηmμ)², which L(W_{t+1})/L(W_t) never exceeds on the run from W0.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        With `smoothness` and `sector`.
    W0 : array of shape (..., d, k)
        Start of the run.
    eta : float
        Learning rate, at most `max_learning_rate(problem, K, W0)`.

    Returns
    -------
    array of shape (...)
        The factor by which the loss falls at least in each step.

    Raises
    ------
    ValueError
        If W0 does not fit the problem, or eta is not positive or above 1/(βM).

    Notes
    -----
    The one-step lemma (this book).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[0.0])
    >>> float(loss_rate(problem, GradientDescent(), [[1.0], [0.0]], eta=0.5))
    0.25
    """
    W0 = problem.weights(W0, "W0")
    eta = _checked_rate(problem, K, W0, eta)
    m, _ = _sector_of_run(problem, K, W0)
    return np.asarray(np.square(1.0 - eta * m * problem.mu))


def weight_rate(problem: Problem, K: Any, W: ArrayLike, eta: float) -> Array:
    """Return 1 − ηcμ, which ‖W⁺ − W_∞‖_F/‖W − W_∞‖_F never exceeds for an isotropic K.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        Isotropic, or left-invariant with k = 1 output, which is the same; ∇K(V) = cV.
    W : array of shape (..., d, k)
        Weights before the step.
    eta : float
        Learning rate, at most `max_learning_rate(problem, K, W)`.

    Returns
    -------
    array of shape (...)
        1 − ηcμ with c = h′(‖V‖)/‖V‖ at V = ∇L(W), K = h(‖G‖_F); 1 where V = 0. Where h′(s)/s
        never increases, the rate at the start of a run covers the whole run.

    Raises
    ------
    ValueError
        If K is not isotropic, W does not fit the problem, or eta is not positive or above 1/(βM).

    Notes
    -----
    This book; sharper than the rate in Theorem 2 of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import SoftClipping
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[0.0])
    >>> float(weight_rate(problem, SoftClipping(eps=1.0), [[1.0], [0.0]], eta=0.5))
    0.75
    """
    kind = getattr(K, "invariance", "none")
    if not (kind == "isotropic" or (kind == "left" and problem.k == 1)):
        raise ValueError(f"K must be isotropic for this bound, found {K!r}.")
    W = problem.weights(W)
    eta, V = _checked_rate(problem, K, W, eta), problem.gradient(W)
    size = frobenius_norm(V)
    c = frobenius_norm(K.gradient(V)) / np.where(size > 0, size, 1.0)
    return np.asarray(1.0 - eta * c * problem.mu)


def energy(problem: Problem, K: Any, W: ArrayLike, eta: float) -> Array:
    """Return Φ = L(W) + ηK(∇L(W)), which falls by η⟨∇K(V), V⟩ + D̂ in each step.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        Any object with `value`.
    W : array of shape (..., d, k)
        Weights.
    eta : float
        Learning rate.

    Returns
    -------
    array of shape (...)
        In the units of the loss; between L(W) and 2L(W) for η ≤ 1/(βM).

    Raises
    ------
    ValueError
        If W does not fit the problem or eta is not positive.

    Notes
    -----
    This book, from Proposition 1 of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[0.0])
    >>> float(energy(problem, GradientDescent(), [[2.0], [0.0]], eta=0.5))
    3.0
    """
    eta = positive_number("eta", eta)
    return problem.loss_value(W) + eta * np.asarray(K.value(problem.gradient(W)))


def _loss_length(problem: Problem, W0: Array) -> Array:
    """Return √(2L(W0)/μ), in the units of W; it is at least ‖W0 − Π(W0)‖_F."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a loss may have μ = 0
        return np.nan_to_num(np.sqrt(np.divide(2.0 * problem.loss_value(W0), problem.mu)), nan=0.0)


def _times(factor: Any, length: Array) -> Array:
    """Return the product, 0 where one of the two is 0."""
    with np.errstate(invalid="ignore"):
        return np.where((length > 0) & (factor != 0), factor * length, 0.0)


def path_length_bound(problem: Problem, K: Any, W0: ArrayLike) -> Array:
    """Return √(β/m)·√(2L(W0)/μ), which Σ‖W_{t+1} − W_t‖_F never exceeds.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        With a `sector`.
    W0 : array of shape (..., d, k)
        Start of the run.

    Returns
    -------
    array of shape (...)
        A bound on the length of the path, in the units of W, for every admissible η. Attained by
        gradient descent along the weakest direction of X.

    Raises
    ------
    ValueError
        If W0 does not fit the problem or K has no sector.

    Notes
    -----
    Path length (this book).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> problem = Problem(X=[[2.0, 0.0]], Y=[0.0])
    >>> float(path_length_bound(problem, GradientDescent(), [[3.0], [0.0]]))
    3.0
    """
    W0 = problem.weights(W0, "W0")
    return _times(np.sqrt(_condition(*_sector_of_run(problem, K, W0))), _loss_length(problem, W0))


def gradient_sum_bound(problem: Problem, K: Any, W0: ArrayLike) -> Array:
    """Return (√2/m)·√(L(W0)/μ), which ηΣ‖∇L(W_t)‖_F never exceeds.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        With a `sector`.
    W0 : array of shape (..., d, k)
        Start of the run.

    Returns
    -------
    array of shape (...)
        In the units of η times those of a gradient, for every admissible η. Attained by gradient
        descent along the weakest direction of X.

    Raises
    ------
    ValueError
        If W0 does not fit the problem or K has no sector.

    Notes
    -----
    Path length (this book).

    Examples
    --------
    >>> from dspgd_lib import Adam
    >>> problem = Problem(X=[[2.0, 0.0]], Y=[0.0])
    >>> float(gradient_sum_bound(problem, Adam(eps=1.0), [[3.0], [0.0]]))
    39.0
    """
    W0 = problem.weights(W0, "W0")
    m, _ = _sector_of_run(problem, K, W0)
    with np.errstate(divide="ignore"):
        return _times(1.0 / np.asarray(m, dtype=float), _loss_length(problem, W0))


def _condition(m: Any, beta: Any) -> Array:
    """Return β/m, ∞ where m = 0 or β = ∞."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.asarray(beta, dtype=float) / m
    return np.where(np.isnan(ratio), np.inf, ratio)


def _spread(root: Array) -> Array:
    """Return ½(√(β/m) − √(m/β)) from √(β/m)."""
    return 0.5 * (root - 1.0 / root)


# What multiplies √(2L(W0)/μ) in a bound on the distance, as a function of √(β/m).
SECTOR_FACTORS: dict[str, Callable[[Array], Array]] = {
    "paper": lambda root: np.square(root) - 1.0,
    "root": lambda root: root - 1.0,
    "sector": _spread,
}


def distance_bound(
    problem: Problem, K: Any, W0: ArrayLike, kind: str = "best", eta: float | None = None
) -> Array:
    """Return a bound on ‖W_∞ − W_GD‖_F, how far from gradient descent's limit a run ends.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        With a `sector`, or with a `bend` for "energy".
    W0 : array of shape (..., d, k)
        Start of the run; W_GD = Π(W0).
    kind : str, optional
        "paper": ((β − m)/m)√(2L/μ). "root": (√(β/m) − 1)√(2L/μ). "sector": the best constant in
        front of √(2L/μ), ½(√(β/m) − √(m/β)). "energy", for Adam and the smoothed sign: bΦ with b
        the bend, 2/(3√3) = 0.385 and 0.181 over ε, and Φ the energy, without κ or μ. "best": 0
        for isotropic and left-invariant K, else the least of those that K has the properties for.
    eta : float, optional
        Learning rate. It sharpens "energy", which otherwise puts 2L(W0) for Φ.

    Returns
    -------
    array of shape (...)
        In the units of W, ∞ where nothing is known.

    Raises
    ------
    ValueError
        If kind is unknown, W0 does not fit the problem, K lacks what the bound needs, or eta is
        not positive or above 1/(βM).

    Notes
    -----
    "paper" is Theorem 2 of the paper (Ghane, Akhtiamov, Hassibi 2026), the others this book's.
    "sector" is attained with one example and a quadratic K (Kantorovich's inequality), "energy"
    approached by Adam with one example.

    Examples
    --------
    >>> from dspgd_lib import Adam
    >>> problem, W0 = Problem(X=[[1.0, 0.0]], Y=[0.0]), [[3.0], [5.0]]
    >>> K = Adam(eps=1.0)
    >>> kinds = ("paper", "root", "sector", "energy")
    >>> [round(float(distance_bound(problem, K, W0, kind)), 3) for kind in kinds]
    [9.0, 3.0, 2.25, 3.464]
    """
    W0 = problem.weights(W0, "W0")
    if kind in SECTOR_FACTORS:
        factor = SECTOR_FACTORS[kind](np.sqrt(_condition(*_sector_of_run(problem, K, W0))))
        return _times(factor, _loss_length(problem, W0))
    if kind == "energy":
        if not hasattr(K, "bend"):
            raise ValueError(f"K must be Adam or SmoothedSign for kind = 'energy', found {K!r}.")
        rate = None if eta is None else _checked_rate(problem, K, W0, eta)
        loss = 2.0 * problem.loss_value(W0) if rate is None else energy(problem, K, W0, rate)
        return np.asarray(K.bend * loss)
    if kind != "best":
        known = ("best", *SECTOR_FACTORS, "energy")
        raise ValueError(f"kind has the unknown value {kind!r}: choose from {known}.")
    if getattr(K, "invariance", "none") in ("isotropic", "left"):
        return np.zeros(W0.shape[:-2])
    kinds = [
        name for name, needs in (("sector", "sector"), ("energy", "bend")) if hasattr(K, needs)
    ]
    bounds = [distance_bound(problem, K, W0, name, eta) for name in kinds]
    return np.min(np.broadcast_arrays(*bounds, np.inf), axis=0)


def reach_bound(problem: Problem, K: Any, W0: ArrayLike) -> Array:
    """Return √(1 + κc²)·‖W0 − W_GD‖_F, c = ½(√(β/m) − √(m/β)), which ‖W0 − W_∞‖_F never exceeds.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        With a `sector`.
    W0 : array of shape (..., d, k)
        Start of the run.

    Returns
    -------
    array of shape (...)
        In the units of W. No interpolating point is nearer to W0 than W_GD.

    Raises
    ------
    ValueError
        If W0 does not fit the problem or K has no sector.

    Notes
    -----
    Theorem 2 of the paper (Ghane, Akhtiamov, Hassibi 2026), with its constant made explicit by
    this book.

    Examples
    --------
    >>> from dspgd_lib import Adam
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[0.0])
    >>> round(float(reach_bound(problem, Adam(eps=1.0), [[3.0], [5.0]])), 3)
    3.75
    """
    W0 = problem.weights(W0, "W0")
    nearest = np.asarray(frobenius_norm(W0 - problem.project(W0)))
    spread = _spread(np.sqrt(_condition(*_sector_of_run(problem, K, W0))))
    return _times(np.hypot(1.0, np.sqrt(problem.kappa) * spread), nearest)


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
        Isotropic and left-invariant K: error 0 for η < 2/(βM). Others, for η ≤ 1/(βM): the
        smaller of `distance_bound(problem, K, W, "energy", eta)`, if K has a `bend`, and of
        "sector", if it has a `sector`; the reason names it. β is the one on the gradients of the
        run if K has no global one. In all other cases the error is ∞ and Π(W) is only a guess.

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
    >>> certificate.reason
    'The limit is within 2 of the projection of W (energy left).'
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
    smoothness = getattr(K, "smoothness", None)
    if smoothness is None:
        return np.inf, "Nothing is certified: K has no smoothness."
    if np.ndim(smoothness):
        raise ValueError(f"K must be one preconditioner, found a grid of {len(smoothness)}.")
    m, _ = _sector_of_run(problem, K, W) if hasattr(K, "sector") else (np.nan, np.inf)
    bound = max_learning_rate(problem, K, W)
    invariant = getattr(K, "invariance", "none") in ("isotropic", "left")
    if invariant and m == 0:
        return np.inf, "Nothing is certified: K may be 0 away from 0, and a run may stall."
    if invariant and eta < 2.0 * bound:
        return 0.0, "The limit is the projection of W: the steps stay in the row space of X."
    if invariant or not is_guaranteed(eta, bound):
        return np.inf, _no_certificate(smoothness, bound, invariant)
    errors = {
        name: float(distance_bound(problem, K, W, kind, eta))
        for kind, needs, name in (("energy", "bend", "energy left"), ("sector", "sector", "sector"))
        if hasattr(K, needs)
    }
    name = min(errors, key=errors.__getitem__, default="")
    if not np.isfinite(errors.get(name, np.inf)):
        return np.inf, "Nothing is certified: K has no sector with m > 0."
    error = errors[name]
    return error, f"The limit is within {error:.2g} of the projection of W ({name})."


def _no_certificate(smoothness: float, bound: float, invariant: bool) -> str:
    if np.isfinite(smoothness):
        return f"Nothing is certified {'from 2/(βM) on' if invariant else 'above 1/(βM)'}."
    here = f"; from here up to {(2.0 if invariant else 1.0) * bound:.2g} is" if bound > 0 else ""
    return f"Nothing is certified: no learning rate is guaranteed for every start{here}."
