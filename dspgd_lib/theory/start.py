"""The hypotheses of the theorems: a problem, a preconditioner and a start, and their constants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Array, frobenius_norm, positive_number
from ..convex import check_convex, plain
from ..problem import Problem, check_problem

ROUNDING = 1e-12  # ε/σ_max² may round to just above 1/(βM)


@dataclass(frozen=True, eq=False, repr=False)
class Start:
    """Where a run starts, or goes on, with the constants that the theorems speak of.

    A run with η ≤ `max_learning_rate` keeps its gradients in the ball of `radius` √(2ML(W0)), where
    the sector (m, β) of K is taken: Frobenius norm, which bounds every norm that a sector is
    measured in. Constants are computed when they are first asked for.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        With `value` and `gradient`; `smoothness` and `sector` where a bound needs them.
    W0 : array of shape (..., d, k), or (d,) if k = 1
        The start, or any iterate of a run; a stack of them gives a stack of constants.

    Raises
    ------
    ValueError
        If an argument does not fit; later, if K lacks what a constant needs, or contradicts itself.

    Examples
    --------
    >>> from dspgd_lib import Cosh
    >>> start = Start(Problem(X=[[2.0, 0.0]], Y=[1.0]), Cosh(), [1.0, 0.0])
    >>> float(start.loss), float(start.radius)
    (0.5, 2.0)
    >>> float(start.m), round(float(start.beta), 3), round(start.max_learning_rate, 4)
    (1.0, 3.762, 0.0665)
    """

    problem: Problem
    K: Any
    W0: Array

    def __post_init__(self) -> None:
        check_problem(self.problem)
        check_convex("K", self.K, "value", "gradient")
        object.__setattr__(self, "W0", self.problem.weights(self.W0, "W0"))

    def __repr__(self) -> str:
        return f"Start({self.problem!r}, {self.K!r}, W0 of shape {self.W0.shape})"

    @cached_property
    def loss(self) -> Array:
        """L(W0), of shape (...); ½M_ℓ‖R‖² where the loss of R has lost its digits."""
        ell, size = self.problem.loss, frobenius_norm(self.problem.residual(self.W0))
        with np.errstate(over="ignore"):
            least, most = (0.5 * c * size * size for c in (ell.strong_convexity, ell.smoothness))
        loss = np.asarray(self.problem.loss_value(self.W0))
        loss = np.where(loss < least * (1.0 - 1e-6), most, loss)
        if not np.isfinite(loss).all():
            raise ValueError("W0 makes the loss overflow: rescale W0 or the problem.")
        return loss

    @cached_property
    def V(self) -> Array:
        """The gradient ∇L(W0), of shape (..., d, k)."""
        return self.problem.gradient(self.W0)

    @cached_property
    def radius(self) -> Array:
        """√(2ML(W0)), which no gradient of the run exceeds."""
        return self.problem.sigma_max * np.sqrt(2.0 * self.problem.loss.smoothness * self.loss)

    @cached_property
    def _sector(self) -> tuple[Array, Array]:
        return checked_sector(self.K, self.radius)

    @property
    def m(self) -> Array:
        """The lower end of the sector of K on the ball of `radius`."""
        return self._sector[0]

    @property
    def beta(self) -> Array:
        """The upper end of the sector of K on the ball of `radius`, where ∇K is β-Lipschitz."""
        return self._sector[1]

    @property
    def spread(self) -> Array:
        """√(β/m), ∞ where m = 0 or β = ∞."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.beta / self.m
        return np.sqrt(np.where(np.isnan(ratio), np.inf, ratio))

    @cached_property
    def length(self) -> Array:
        """√(2L(W0)/μ), in the units of W; it is at least ‖W0 − Π(W0)‖_F."""
        problem = self.problem
        with np.errstate(divide="ignore", invalid="ignore"):  # a loss may have μ = 0
            length = np.sqrt(2.0 * self.loss / problem.loss.strong_convexity) / problem.sigma_min
        return np.where(self.loss > 0, length, 0.0)

    @cached_property
    def max_learning_rate(self) -> Any:
        """1/(βM): with the global β if K has one, else with the β of this start."""
        beta = checked_smoothness(self.K)
        if np.isinf(beta).any() and hasattr(self.K, "sector"):
            beta = self.beta
        return _rate(beta, self.problem)

    def is_guaranteed(self, eta: Any) -> Any:
        """Return whether η ≤ 1/(βM), up to rounding."""
        return np.all(np.less_equal(eta, self.max_learning_rate * (1.0 + ROUNDING)))

    def checked_rate(self, eta: float, times: float = 1.0) -> float:
        """Return η, or complain if it is not below ``times`` the largest guaranteed one."""
        rate = positive_number("eta", eta)
        most = times * np.min(self.max_learning_rate)
        if not (self.is_guaranteed(rate) or rate < most):
            raise ValueError(
                f"eta must be at most max_learning_rate(problem, K, W0) = {most / times:.4g}"
                f"{'' if times == 1.0 else f' times {times:g}'} for this bound, found {rate:.4g}: "
                "choose a smaller eta."
            )
        return rate

    def has(self, name: str) -> bool:
        """Return whether K has this attribute."""
        return hasattr(self.K, name)

    @property
    def in_row_space(self) -> bool:
        """Whether K is isotropic or left-invariant, so that no step leaves the row space."""
        return getattr(self.K, "invariance", "none") in ("isotropic", "left")

    @property
    def is_definite(self) -> bool:
        """Whether K is known to be 0 at 0 only; else a run may stall where K is 0."""
        known = getattr(self.K, "definite", False)
        return bool(known or (self.has("sector") and np.all(self.m > 0)))


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
    Assumption 1.3 of the paper (Ghane, Akhtiamov, Hassibi 2026) holds for every η up to this one,
    ``prop-dual-step`` in the chapter ``dual-preconditioning``. With W0, the run does all that the
    assumption is used for (this book).

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
    check_problem(problem)
    if W0 is not None:
        return Start(problem, K, problem.weights(W0, "W0")).max_learning_rate
    return _rate(checked_smoothness(K), problem)


def _rate(beta: Array, problem: Problem) -> Any:
    with np.errstate(divide="ignore"):  # β = 0 if K is 0 on the whole ball
        return plain(1.0 / (beta * problem.M))


def checked_smoothness(K: Any) -> Array:
    """Return β of K as an array, or say what is wrong with it."""
    check_convex("K", K)
    beta = getattr(K, "smoothness", None)
    if beta is None:
        raise ValueError(
            f"K = {K!r} has no smoothness: give it an attribute `smoothness`, the Lipschitz "
            "constant β of its gradient (inf if there is none)."
        )
    found = np.asarray(beta)
    if found.dtype.kind not in "iuf" or not (found > 0).all():
        raise ValueError(f"K.smoothness must be positive, or inf, found {beta!r}.")
    return found.astype(float)


def checked_sector(K: Any, radius: Array) -> tuple[Array, Array]:
    """Return (m, β) of K on the ball of this radius, or say what is wrong with it."""
    if not hasattr(K, "sector"):
        raise ValueError(f"K = {K!r} has no sector: give it a method `sector(radius)` → (m, β).")
    m, beta = (np.asarray(end, dtype=float) for end in K.sector(radius))
    if not ((m >= 0) & (m <= beta)).all():
        raise ValueError(f"K.sector must return 0 ≤ m ≤ β, found m = {m} and β = {beta}.")
    if hasattr(K, "smoothness") and not (m <= checked_smoothness(K)).all():
        raise ValueError(
            f"K.sector says m = {m}, more than its smoothness {K.smoothness}: m ≤ β must hold."
        )
    return m, beta
