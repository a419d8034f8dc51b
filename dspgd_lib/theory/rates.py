"""How fast a run goes: the one-step lemma and the rates that follow from it."""

from __future__ import annotations

import numpy as np

from .._validation import Array, frobenius_norm, inner
from .start import Start, checked_sector


def one_step_bound(start: Start, eta: float) -> Array:
    """Return (1 − ηmμ)(L(W0) − (η/2)⟨∇K(V), V⟩), which L(W1) never exceeds for η ≤ 1/(βM).

    Parameters
    ----------
    start : Start
        Weights before the step. K must have a sector; m is the one at V = ∇L(W0).
    eta : float
        Learning rate, at most `start.max_learning_rate`.

    Returns
    -------
    array of shape (...)
        In the units of the loss.

    Raises
    ------
    ValueError
        If eta is not positive, or is above 1/(βM), where the lemma does not hold.

    Notes
    -----
    The one-step lemma, ``lem-conv-one-step`` in the chapter ``convergence`` (this book).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), GradientDescent(), [1.0, 0.0])
    >>> float(one_step_bound(start, eta=0.5))
    0.125
    """
    eta, K, V = start.checked_rate(eta), start.K, start.V
    m, _ = checked_sector(K, K.radius(V) if hasattr(K, "radius") else frobenius_norm(V))
    gain = 0.5 * eta * inner(K.gradient(V), V)
    return (1.0 - eta * m * start.problem.mu) * (start.loss - gain)


def loss_rate(start: Start, eta: float) -> Array:
    """Return (1 − ηmμ)², which L(W_{t+1})/L(W_t) never exceeds on the run.

    Parameters
    ----------
    start : Start
        K must have a sector.
    eta : float
        Learning rate, at most `start.max_learning_rate`.

    Returns
    -------
    array of shape (...)
        The factor by which the loss falls at least in each step.

    Raises
    ------
    ValueError
        If eta is not positive or above 1/(βM).

    Notes
    -----
    ``thm-conv-rate`` in the chapter ``convergence`` (this book).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), GradientDescent(), [1.0, 0.0])
    >>> float(loss_rate(start, eta=0.5))
    0.25
    """
    eta = start.checked_rate(eta)
    return np.square(1.0 - eta * start.m * start.problem.mu)


def weight_rate(start: Start, eta: float) -> Array:
    """Return 1 − ηcμ, which ‖W1 − W_∞‖_F/‖W0 − W_∞‖_F never exceeds for an isotropic K.

    Parameters
    ----------
    start : Start
        K must be isotropic, or left-invariant with k = 1 output, which is the same; ∇K(V) = cV.
    eta : float
        Learning rate, at most `start.max_learning_rate`.

    Returns
    -------
    array of shape (...)
        1 − ηcμ with c = h′(‖V‖)/‖V‖ at V = ∇L(W0), K = h(‖G‖_F); 1 where V = 0. Where h′(s)/s
        never increases, the rate at the start of a run covers the whole run.

    Raises
    ------
    ValueError
        If K is not isotropic, or eta is not positive or above 1/(βM).

    Notes
    -----
    ``thm-iso-rate`` in the chapter ``implicit-bias-isotropic`` (this book); for normalized GD it is
    part of ``thm-ngd-rate``.

    Examples
    --------
    >>> from dspgd_lib import Problem, SoftClipping
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), SoftClipping(eps=1.0), [1.0, 0.0])
    >>> float(weight_rate(start, eta=0.5))
    0.75
    """
    kind = getattr(start.K, "invariance", "none")
    if not (kind == "isotropic" or (kind == "left" and start.problem.k == 1)):
        raise ValueError(f"K must be isotropic for this bound, found {start.K!r}.")
    eta = start.checked_rate(eta)
    size = frobenius_norm(start.V)
    c = frobenius_norm(start.K.gradient(start.V)) / np.where(size > 0, size, 1.0)
    return np.asarray(1.0 - eta * c * start.problem.mu)
