"""The certified limit: stop early, project, and know the error."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .._validation import Array, positive_number
from ..convex import check_convex
from .bounds import distance_bounds
from .start import Start

ROUNDING_OF_SECTOR = 4.0 * float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class CertifiedLimit:
    """Where a run ends, and how far from there the true limit can be.

    Attributes
    ----------
    limit : array of shape (d, k)
        Π(W), the interpolating point nearest to the weights W at which the run was stopped.
    error : float
        A proved bound on ‖W_∞ − limit‖_F in exact arithmetic; ∞ when nothing is proved.
    reason : str
        One sentence that says why.
    """

    limit: Array = field(repr=False)
    error: float
    reason: str


def certified_limit(start: Start, eta: float) -> CertifiedLimit:
    """Return Π(W) and a proved bound on its distance from the limit of the run that goes on from W.

    Parameters
    ----------
    start : Start
        The iterate W at which the run is stopped, of shape (d, k), and its K, whose attributes
        (`smoothness`, `invariance`, `definite`, `bend`, `tangent`, `sector`) decide the bound.
    eta : float
        Learning rate.

    Returns
    -------
    CertifiedLimit
        Isotropic and left-invariant K that are 0 at 0 only (m > 0 or `definite`): error 0 for
        η < 2/(βM). Others: the least of `energy_distance_bound` and `angle_distance_bound`, for
        η < 2/(βM), and of `sector_distance_bound`, for η ≤ 1/(βM); the reason names it. β is the
        one on the gradients of the run if K has no global one. In all other cases the error is ∞
        and Π(W) is a guess.

    Raises
    ------
    ValueError
        If W is a stack, K a grid, or eta not positive.

    Notes
    -----
    ``thm-fine-certificate`` in the chapter ``fine-tuning`` (this book); the isotropic case is
    Theorem 2 of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import Adam, Problem
    >>> start = Start(Problem(X=[[1.0, 0.0]], Y=[0.0]), Adam(eps=1.0), [3.0, 5.0])
    >>> certificate = certified_limit(start, eta=0.5)
    >>> certificate.limit.tolist(), round(certificate.error, 3)
    ([[0.0], [5.0]], 2.043)
    >>> certificate.reason
    'The limit is within 2 of the projection of W (energy left).'
    """
    eta = positive_number("eta", eta)
    start.problem.weights(start.W0, "W0", one=True)
    check_convex("K", start.K, one=True)
    error, reason = _certified_error(start, eta)
    return CertifiedLimit(start.problem.project(start.W0), error, reason)


def _certified_error(start: Start, eta: float) -> tuple[float, str]:
    if not start.problem.interpolable:
        return np.inf, "Nothing is certified: no W interpolates these labels."
    if not start.has("smoothness"):
        return np.inf, "Nothing is certified: K has no smoothness."
    bound = start.max_learning_rate
    if not start.is_guaranteed(eta):
        # Up to twice the guarantee the loss still falls, which is all that these need.
        steady = start.has("tangent") and start.is_definite
        twice = start.in_row_space or start.has("bend") or steady
        if not (twice and eta < 2.0 * bound):
            return np.inf, _no_certificate(start, bound, twice)
    found = distance_bounds(start, eta)
    if "row space" in found:
        return 0.0, "The limit is the projection of W: the steps stay in the row space of X."
    if start.in_row_space:
        return np.inf, "Nothing is certified: K may be 0 away from 0, and a run may stall."
    if not start.is_guaranteed(eta):
        found.pop("sector", None)
    errors = {name: float(error()) for name, error in found.items()}
    if "sector" in errors:  # where m and β round to the same number, the bound is not 0
        errors["sector"] += float(ROUNDING_OF_SECTOR * start.length)
    name = min(errors, key=errors.__getitem__, default="")
    if not np.isfinite(errors.get(name, np.inf)):
        return np.inf, "Nothing is certified: K has no sector with m > 0."
    return errors[name], f"The limit is within {errors[name]:.2g} of the projection of W ({name})."


def _no_certificate(start: Start, bound: float, twice: bool) -> str:
    if np.isfinite(start.K.smoothness):
        return f"Nothing is certified {'from 2/(βM) on' if twice else 'above 1/(βM)'}."
    here = f"; from here up to {(2.0 if twice else 1.0) * bound:.2g} is" if bound > 0 else ""
    return f"Nothing is certified: no learning rate is guaranteed for every start{here}."
