"""How far a run goes and where it ends: energy, path length, distance from GD's destination.

Unless a bound takes the learning rate, it holds for every η ≤ `start.max_learning_rate`. A bound is
∞ where the constants it needs are not finite: m = 0, β = ∞ or μ = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._validation import Array, frobenius_norm, positive_number
from .start import ROUNDING, Start


def energy(start: Start, eta: float) -> Array:
    """Return Φ = L(W0) + ηK(∇L(W0)), which falls by η⟨∇K(V), V⟩ + D̂ in each step.

    Parameters
    ----------
    start : Start
        Any K with a `value`.
    eta : float
        Learning rate.

    Returns
    -------
    array of shape (...)
        In the units of the loss; between L(W0) and 2L(W0) for η ≤ 1/(βM).

    Raises
    ------
    ValueError
        If eta is not positive.

    Notes
    -----
    ``prop-conv-energy`` in the chapter ``convergence`` (this book), from Proposition 1 of the paper
    (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), GradientDescent(), [2.0, 0.0])
    >>> float(energy(start, eta=0.5))
    3.0
    """
    return start.loss + positive_number("eta", eta) * np.asarray(start.K.value(start.V))


def path_length_bound(start: Start) -> Array:
    """Return √(β/m)·√(2L(W0)/μ), which Σ‖W_{t+1} − W_t‖_F never exceeds.

    Parameters
    ----------
    start : Start
        K must have a sector.

    Returns
    -------
    array of shape (...)
        A bound on the length of the path, in the units of W. Attained by gradient descent along
        the weakest direction of X.

    Raises
    ------
    ValueError
        If K has no sector.

    Notes
    -----
    ``thm-conv-path`` in the chapter ``convergence`` (this book).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent, Problem
    >>> start = Start(Problem(X=[[2.0, 0.0]], Y=[0.0]), GradientDescent(), [3.0, 0.0])
    >>> float(path_length_bound(start))
    3.0
    """
    return _times(start.spread, start.length)


def gradient_sum_bound(start: Start) -> Array:
    """Return (√2/m)·√(L(W0)/μ), which ηΣ‖∇L(W_t)‖_F never exceeds.

    Parameters
    ----------
    start : Start
        K must have a sector.

    Returns
    -------
    array of shape (...)
        In the units of η times those of a gradient. Attained by gradient descent along the weakest
        direction of X.

    Raises
    ------
    ValueError
        If K has no sector.

    Notes
    -----
    ``thm-conv-path`` in the chapter ``convergence`` (this book).

    Examples
    --------
    >>> from dspgd_lib import Adam, Problem
    >>> start = Start(Problem(X=[[2.0, 0.0]], Y=[0.0]), Adam(eps=1.0), [3.0, 0.0])
    >>> float(gradient_sum_bound(start))
    39.0
    """
    with np.errstate(divide="ignore"):
        return _times(1.0 / start.m, start.length)


def _half_spread(root: Array) -> Array:
    return 0.5 * (root - 1.0 / root)


# What multiplies √(2L(W0)/μ) in a bound on the distance, as a function of √(β/m).
SECTOR_FACTORS: dict[str, Callable[[Array], Array]] = {
    "best": _half_spread,
    "root": lambda root: root - 1.0,
    "paper": lambda root: np.square(root) - 1.0,
}


def sector_distance_bound(start: Start, form: str = "best") -> Array:
    """Return c·√(2L(W0)/μ), which ‖W_∞ − W_GD‖_F never exceeds, with c from the sector of K.

    Parameters
    ----------
    start : Start
        K must have a sector.
    form : str, optional
        "best": c = ½(√(β/m) − √(m/β)), the best constant, attained on all data by a
        `Quadratic` K (Kantorovich's inequality). "root": √(β/m) − 1. "paper": (β − m)/m.

    Returns
    -------
    array of shape (...)
        In the units of W. W_GD = Π(W0) is where gradient descent ends.

    Raises
    ------
    ValueError
        If form is unknown or K has no sector.

    Notes
    -----
    "paper" is Theorem 2 of the paper (Ghane, Akhtiamov, Hassibi 2026); the others are this book's,
    ``thm-general-distance`` in the chapter ``implicit-bias-general``.

    Examples
    --------
    >>> from dspgd_lib import Adam, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), Adam(eps=1.0), [3.0, 5.0])
    >>> [float(sector_distance_bound(start, form)) for form in ("paper", "root", "best")]
    [9.0, 3.0, 2.25]
    """
    if not isinstance(form, str) or form not in SECTOR_FACTORS:
        raise ValueError(f"form must be one of {tuple(SECTOR_FACTORS)}, found {form!r}.")
    return _times(SECTOR_FACTORS[form](start.spread), start.length)


def energy_distance_bound(start: Start, eta: float | None = None) -> Array:
    """Return b·Φ, which ‖W_∞ − W_GD‖_F never exceeds for Adam and the smoothed sign.

    Parameters
    ----------
    start : Start
        K must have a `bend` b: 2/(3√3) = 0.385 over ε for Adam, 0.181 over ε for the smoothed sign.
    eta : float, optional
        Learning rate, below 2/(βM). Φ is L(W0) + ηK(∇L(W0)) up to 1/(βM), or
        L(W0)/(1 − ηβM/2) where that is less. Without eta it is 2L(W0), for every η ≤ 1/(βM).

    Returns
    -------
    array of shape (...)
        In the units of W; neither κ nor μ enters. Approached by Adam with one example.

    Raises
    ------
    ValueError
        If K has no `bend`, or eta is not positive or not below 2/(βM).

    Notes
    -----
    ``thm-fine-energy`` in the chapter ``fine-tuning`` (this book).

    Examples
    --------
    >>> from dspgd_lib import Adam, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), Adam(eps=1.0), [3.0, 5.0])
    >>> round(float(energy_distance_bound(start)), 3)
    3.464
    >>> round(float(energy_distance_bound(start, eta=0.5)), 3)
    2.043
    """
    if not start.has("bend"):
        raise ValueError(f"K must be Adam or SmoothedSign for this bound, found {start.K!r}.")
    if eta is None:
        return np.asarray(start.K.bend * 2.0 * start.loss)
    rate = start.checked_rate(eta, times=2.0)
    share = np.minimum(rate / start.max_learning_rate, 2.0)
    spent = start.loss / (1.0 - 0.5 * share)
    if start.is_guaranteed(rate):
        spent = np.minimum(spent, energy(start, rate))
    return np.asarray(start.K.bend * spent)


def angle_distance_bound(start: Start, eta: float | None = None) -> Array:
    """Return tan θ·√(2L(W0)/μ), which ‖W_∞ − W_GD‖_F never exceeds, whatever ε is.

    Parameters
    ----------
    start : Start
        K must have a `tangent`, which bounds tan θ, θ the angle between G and ∇K(G): √(dk − 1) if
        K is separable. It must be 0 at 0 only (`definite`), or the run must be known to arrive.
    eta : float, optional
        Learning rate, below 2/(βM). From 1/(βM) on the bound is 1/(1 − ½ηβM) times as large.
        Without eta it is the one for every η ≤ 1/(βM).

    Returns
    -------
    array of shape (...)
        In the units of W; neither β/m nor ε enters. Approached by the smoothed sign with one
        example, as ε and η go to 0. ∞ where no learning rate is guaranteed.

    Raises
    ------
    ValueError
        If K has no `tangent` or no `smoothness`, or eta is not positive or not below 2/(βM).

    Notes
    -----
    ``thm-general-distance`` and, from 1/(βM) on, ``thm-general-steady`` in the chapter
    ``implicit-bias-general`` (this book).

    Examples
    --------
    >>> from dspgd_lib import Adam, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), Adam(eps=0.01), [3.0, 5.0])
    >>> float(angle_distance_bound(start)), float(angle_distance_bound(start, eta=0.015))
    (3.0, 12.0)
    """
    if not start.has("tangent"):
        raise ValueError(f"K must be separable, or have a tangent, for this bound: {start.K!r}.")
    most = start.max_learning_rate
    share = np.where(np.greater(most, 0), 0.0, 2.0)
    if eta is not None:
        times = start.checked_rate(eta, times=2.0) / most
        share = np.where(times <= 1.0 + ROUNDING, 0.0, np.minimum(times, 2.0))
    turn = start.K.tangent(start.problem.d * start.problem.k)
    with np.errstate(divide="ignore"):
        return _times(turn * (1.0 / (1.0 - 0.5 * share)), start.length)


def distance_bound(start: Start, eta: float | None = None) -> Array:
    """Return the least bound on ‖W_∞ − W_GD‖_F that K has the properties for.

    Parameters
    ----------
    start : Start
        What K has decides: 0 for an isotropic or left-invariant K that is 0 at 0 only, else the
        least of `sector_distance_bound`, `energy_distance_bound` and `angle_distance_bound`.
    eta : float, optional
        Learning rate, at most `start.max_learning_rate`. It sharpens the second of these.

    Returns
    -------
    array of shape (...)
        In the units of W, ∞ where nothing is known.

    Raises
    ------
    ValueError
        If eta is not positive or above 1/(βM).

    Notes
    -----
    ``thm-general-distance`` in the chapter ``implicit-bias-general`` (this book).

    Examples
    --------
    >>> from dspgd_lib import Adam, NormalizedGD, Problem
    >>> problem, W0 = Problem(X=[[1.0, 0.0]], Y=[0.0]), [3.0, 5.0]
    >>> [float(distance_bound(Start(problem, K, W0))) for K in (Adam(eps=1.0), NormalizedGD(1.0))]
    [2.25, 0.0]
    """
    if eta is not None and start.has("smoothness"):
        start.checked_rate(eta)
    bounds = {name: bound() for name, bound in distance_bounds(start, eta).items()}
    return np.min(np.broadcast_arrays(*bounds.values(), np.full(start.loss.shape, np.inf)), axis=0)


def distance_bounds(start: Start, eta: float | None) -> dict[str, Callable[[], Array]]:
    """Return the bounds on ‖W_∞ − W_GD‖_F that K has the properties for, by what they rest on."""
    if start.in_row_space:
        return {"row space": lambda: np.zeros(start.loss.shape)} if start.is_definite else {}
    bounds: dict[str, tuple[str, Callable[[], Array]]] = {
        "energy left": ("bend", lambda: energy_distance_bound(start, eta)),
        "sector": ("sector", lambda: sector_distance_bound(start)),
    }
    if start.is_definite and start.has("smoothness"):
        bounds["angle"] = ("tangent", lambda: angle_distance_bound(start, eta))
    return {name: bound for name, (needs, bound) in bounds.items() if start.has(needs)}


def reach_bound(start: Start) -> Array:
    """Return √(1 + κc²)·‖W0 − W_GD‖_F, c = ½(√(β/m) − √(m/β)), which ‖W0 − W_∞‖_F never exceeds.

    Parameters
    ----------
    start : Start
        K must have a sector.

    Returns
    -------
    array of shape (...)
        In the units of W. No interpolating point is nearer to W0 than W_GD.

    Raises
    ------
    ValueError
        If K has no sector.

    Notes
    -----
    Theorem 2 of the paper (Ghane, Akhtiamov, Hassibi 2026), with its constant made explicit by
    this book: ``cor-general-reach`` in the chapter ``implicit-bias-general``.

    Examples
    --------
    >>> from dspgd_lib import Adam, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), Adam(eps=1.0), [3.0, 5.0])
    >>> round(float(reach_bound(start)), 3)
    3.75
    """
    nearest = np.asarray(frobenius_norm(start.W0 - start.problem.project(start.W0)))
    tilt = _times(np.sqrt(start.problem.kappa), _half_spread(start.spread))
    return _times(np.hypot(1.0, tilt), nearest)


def _times(factor: Any, length: Array) -> Array:
    """Return the product, 0 where one of the two is 0."""
    with np.errstate(invalid="ignore"):
        return np.where((length > 0) & (factor != 0), factor * length, 0.0)
