"""The Bregman divergence, the adjusted one, and the identity that ties them to DSPGD."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_stack, expanded, inner, positive, read_only, same_matrices
from .convex import check_convex, real_gradient
from .losses import loss_divergence
from .problem import Problem, check_problem


def bregman(f: Any, A: ArrayLike, B: ArrayLike) -> Array:
    """Return D_f(A, B) = f(A) − f(B) − ⟨∇f(B), A − B⟩, in the units of f.

    Parameters
    ----------
    f : preconditioner, loss or Problem
        Anything with `value` and `gradient`; its own `divergence` is used if it has one.
    A, B : arrays of shape (..., d, k)
        The point, and the point whose tangent is subtracted.

    Returns
    -------
    array of shape (...)
        D_f(A, B) ≥ 0 for a convex f.

    Raises
    ------
    ValueError
        If A and B are not finite matrices of one shape.

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> float(bregman(GradientDescent(), [[3.0], [4.0]], [[0.0], [0.0]]))
    12.5
    """
    check_convex("f", f, *(["divergence"] if hasattr(f, "divergence") else ["value", "gradient"]))
    if hasattr(f, "divergence"):
        return f.divergence(A, B)
    A, B = read_only(as_stack("A", A)), read_only(as_stack("B", B))
    return adjusted_bregman(f.value, A, B, f.gradient(B))


def adjusted_bregman(F: Callable[[Array], Any], A: ArrayLike, B: ArrayLike, P: ArrayLike) -> Array:
    """Return D̂_F(A, B; P) = F(A) − F(B) − ⟨P, A − B⟩, with a subgradient P carried along.

    Parameters
    ----------
    F : callable
        A convex function of an array of shape (..., d, k), not necessarily differentiable.
    A, B : arrays of shape (..., d, k)
        The point, and the point whose tangent is subtracted.
    P : array of shape (..., d, k)
        A subgradient of F at B.

    Returns
    -------
    array of shape (...)
        D̂ ≥ 0 if P is a subgradient of F at B.

    Raises
    ------
    ValueError
        If A, B and P are not finite matrices of one shape.

    Notes
    -----
    Definition 5 of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> absolute = lambda A: abs(A).sum(axis=(-2, -1))
    >>> float(adjusted_bregman(absolute, [[-2.0]], [[0.0]], P=[[0.5]]))
    3.0
    """
    A, B, P = as_stack("A", A), as_stack("B", B), as_stack("P", P)
    same_matrices(A=A, B=B, P=P)
    return F(A) - F(B) - inner(P, A - B)


def three_point_gap(
    f: Any,
    A: ArrayLike,
    B: ArrayLike,
    C: ArrayLike,
    subgradients: tuple[ArrayLike, ArrayLike] | None = None,
) -> Array:
    """Return D(A, C) − D(A, B) − D(B, C) − ⟨P_B − P_C, A − B⟩, which the identity says is 0.

    Parameters
    ----------
    f : preconditioner, loss, Problem, or callable
        As in `bregman`; a callable as in `adjusted_bregman` if `subgradients` are given.
    A, B, C : arrays of shape (..., d, k)
        Any three points.
    subgradients : pair (P_B, P_C) of arrays of shape (..., d, k), optional
        They turn the Bregman divergence into the adjusted one; without them they are ∇f.

    Returns
    -------
    array of shape (...)
        0 up to rounding.

    Raises
    ------
    ValueError
        If the arrays are not finite matrices of one shape.

    Notes
    -----
    Lemma 1 of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> float(three_point_gap(GradientDescent(), [[1.0]], [[2.0]], [[5.0]]))
    0.0
    """
    A, B, C = as_stack("A", A), as_stack("B", B), as_stack("C", C)
    same_matrices(A=A, B=B, C=C)
    if subgradients is None:
        P_B, P_C = f.gradient(B), f.gradient(C)
        divergences = bregman(f, A, C) - bregman(f, A, B) - bregman(f, B, C)
    else:
        P_B, P_C = (as_stack(name, P) for name, P in zip(("P_B", "P_C"), subgradients, strict=True))
        divergences = (
            adjusted_bregman(f, A, C, P_C)
            - adjusted_bregman(f, A, B, P_B)
            - adjusted_bregman(f, B, C, P_C)
        )
    return divergences - inner(P_B - P_C, A - B)


def loss_conjugate_at(problem: Problem, W: ArrayLike) -> Array:
    """Return L*(V) = ⟨V, W⟩ − L(W) at the dual point V = ∇L(W), where W is a subgradient of L*.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    W : array of shape (..., d, k)
        Weights.

    Returns
    -------
    array of shape (...)
        In the units of the loss.

    Raises
    ------
    ValueError
        If W does not fit the problem.

    Notes
    -----
    Lemma 2 of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[1.0])
    >>> float(loss_conjugate_at(problem, [[3.0], [7.0]]))
    4.0
    """
    check_problem(problem)
    W = problem.weights(W)
    with np.errstate(over="ignore", invalid="ignore"):
        found = inner(problem.gradient(W), W) - problem.loss_value(W)
    if not np.isfinite(found).all():
        raise ValueError("W makes the loss overflow: rescale W or the problem.")
    return found


@dataclass(frozen=True, eq=False)
class FundamentalIdentity:
    """Every term of Proposition 1 at one step W → W⁺ seen from U, each of shape (...).

    Attributes
    ----------
    loss_divergence, preconditioner_at_U : arrays of shape (...)
        The left side: D_L(W, U) and ηK(∇L(U)). For U on the manifold they are L(W) and 0.
    next_loss_divergence, next_preconditioner : arrays of shape (...)
        On the right: D_L(W⁺, U) and ηK(V⁺).
    adjusted_divergence : array of shape (...)
        On the right: D̂ = D_L(W, W⁺) − ηD_K(V⁺, V), ≥ 0 at a guaranteed learning rate.
    preconditioner_divergence : array of shape (...)
        On the right: ηD_K(∇L(U), V).
    W_next, V, V_next : arrays of shape (..., d, k)
        The next iterate W⁺ and the gradients at W and W⁺.
    """

    loss_divergence: Array
    preconditioner_at_U: Array
    next_loss_divergence: Array
    next_preconditioner: Array
    adjusted_divergence: Array
    preconditioner_divergence: Array
    W_next: Array = field(repr=False)
    V: Array = field(repr=False)
    V_next: Array = field(repr=False)

    @property
    def left(self) -> Array:
        """The left side, D_L(W, U) + ηK(u)."""
        return self.loss_divergence + self.preconditioner_at_U

    @property
    def right(self) -> Array:
        """The right side, the sum of its four terms."""
        with np.errstate(invalid="ignore"):
            return (
                self.next_loss_divergence
                + self.next_preconditioner
                + self.adjusted_divergence
                + self.preconditioner_divergence
            )

    @property
    def residual(self) -> Array:
        """Left minus right: 0 up to rounding."""
        with np.errstate(invalid="ignore"):
            return self.left - self.right


@np.errstate(over="ignore", invalid="ignore")  # a term too large for a float is ∞
def fundamental_identity(
    problem: Problem, K: Any, W: ArrayLike, U: ArrayLike, eta: ArrayLike
) -> FundamentalIdentity:
    """Return every term of Proposition 1 for the step that DSPGD takes from W, seen from U.

    Parameters
    ----------
    problem : Problem
        Data, labels and loss.
    K : preconditioner
        Any object with `value` and `gradient`.
    W : array of shape (..., d, k)
        One iterate, or all those of a run (`result.history["W"]`).
    U : array of shape (..., d, k)
        Any weights; on the interpolating manifold the left side is L(W).
    eta : float or array of shape (B,)
        Learning rate.

    Returns
    -------
    FundamentalIdentity

    Raises
    ------
    ValueError
        If W or U does not fit the problem or eta is not positive.

    Notes
    -----
    Proposition 1 of the paper (Ghane, Akhtiamov, Hassibi 2026):
    D_L(W, U) + ηK(u) = D_L(W⁺, U) + ηK(V⁺) + D̂(V⁺, V; W⁺) + ηD_K(u, V), with u = ∇L(U).

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[0.0])
    >>> step = fundamental_identity(problem, GradientDescent(), [[2.0], [1.0]], [[0.0], [0.0]], 0.5)
    >>> float(step.loss_divergence), float(step.next_loss_divergence)
    (2.0, 0.5)
    >>> float(step.adjusted_divergence), float(step.residual)
    (0.25, 0.0)
    """
    check_problem(problem)
    check_convex("K", K, "value", "gradient")
    W, U = problem.weights(W), problem.weights(U, "U")
    rate = positive("eta", eta)
    X, loss = problem.X, problem.loss
    R, R_U = problem.residual(W), problem.residual(U)
    V, u = X.T @ loss.gradient(R), X.T @ loss.gradient(R_U)
    W_next = W - expanded(rate) * real_gradient(K, V, "pass a preconditioner")
    # Moving R along with W, instead of evaluating it anew, keeps one rounding error of R in all
    # terms, where it cancels; so does looking at U through its residual when U is long.
    change = X @ (W_next - W)
    R_next = R + change
    V_next = X.T @ loss.gradient(R_next)
    gained = loss_divergence(loss, R_next, -change)
    return FundamentalIdentity(
        loss_divergence=loss_divergence(loss, R_U, R - R_U),
        preconditioner_at_U=rate * K.value(u),
        next_loss_divergence=loss_divergence(loss, R_U, R_next - R_U),
        next_preconditioner=rate * K.value(V_next),
        adjusted_divergence=gained - rate * bregman(K, V_next, V),
        preconditioner_divergence=rate * bregman(K, u, V),
        W_next=W_next,
        V=V,
        V_next=V_next,
    )
