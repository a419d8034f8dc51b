"""The overparameterized linear problem L(W) = ℓ(XW − Y) and its interpolating manifold XW = Y."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_array, frobenius_norm, nonnegative_integer
from .losses import Loss, SquaredLoss, check_loss, loss_divergence

SMALLEST, LARGEST = 1e-140, 1e140


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """A linear model with more weights than data, L(W) = ℓ(XW − Y), the sum over all entries.

    Parameters
    ----------
    X : array of shape (n, d)
        Data, one example in each row; full row rank, d > n.
    Y : array of shape (n, k) or (n,)
        Labels; (n,) is read as one column. Everything returned is two-dimensional.
    loss : Loss, optional
        The loss ℓ of the residual; the squared loss ½‖·‖_F² unless told otherwise.
    strict : bool, optional
        False skips the checks d > n and full row rank, for counterexamples. Then Π uses the
        pseudoinverse, and σ_min is the smallest singular value that is not zero.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is not finite, d ≤ n, or X lacks full row rank.

    Examples
    --------
    >>> problem = Problem(X=[[1.0, 0.0]], Y=[2.0])
    >>> problem.project([[0.0], [3.0]]).tolist()
    [[2.0], [3.0]]
    >>> Problem.gaussian(n=5, d=20, k=2, seed=0)
    Problem(n=5, d=20, k=2, loss=SquaredLoss())
    """

    X: Array
    Y: Array
    loss: Loss = field(default_factory=SquaredLoss)
    strict: bool = True

    def __post_init__(self) -> None:
        X, Y = as_array("X", self.X), as_array("Y", self.Y)
        if X.ndim != 2 or X.size == 0:
            raise ValueError(f"X must have shape (n, d), found {X.shape}: one example per row.")
        Y = Y[:, None] if Y.ndim == 1 else Y
        if Y.ndim != 2 or Y.size == 0 or len(Y) != len(X):
            raise ValueError(
                f"Y must have shape (n, k) with n = {len(X)} as in X, found {Y.shape}: "
                "one row of labels per example."
            )
        for name, array in (("X", X.copy()), ("Y", Y.copy())):
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        check_loss(self.loss)
        if not self.X.any():
            raise ValueError("X must not be 0: no W changes such a model.")
        self._check_scale()
        if self.strict:
            self._check_overparameterized()

    def _check_scale(self) -> None:
        """Complain about numbers whose squares a float does not hold."""
        in_range(X=self.X, Y=self.Y)
        sizes = {"X": (self.sigma_min, self.sigma_max), "Y": (self.label_norm or 1.0,) * 2}
        for name, (least, most) in sizes.items():
            if least < SMALLEST or most > LARGEST:
                raise ValueError(
                    f"{name} must have a size between {SMALLEST:g} and {LARGEST:g}, whose "
                    f"square a float holds, found {least:.2g} to {most:.2g}: change its units."
                )

    def _check_overparameterized(self) -> None:
        if self.d <= self.n:
            raise ValueError(
                f"X must be wide, d > n, found n = {self.n} and d = {self.d}: add features, "
                "remove examples, or pass strict=False."
            )
        if self._rank < self.n:
            fate = (
                "only special labels can be interpolated"
                if self.interpolable
                else "no W interpolates these labels"
            )
            raise ValueError(
                f"X must have full row rank, found rank {self._rank} with n = {self.n}, so {fate}: "
                "remove repeated or dependent rows, or pass strict=False."
            )

    @classmethod
    def gaussian(
        cls, n: int, d: int, k: int = 1, seed: int = 0, loss: Loss | None = None
    ) -> Problem:
        """Return a random problem: all entries of X (n, d), then of Y (n, k), standard normal.

        Parameters
        ----------
        n, d, k : int
            Examples, features, outputs; d > n.
        seed : int
            Seed of `numpy.random.default_rng`.
        loss : Loss, optional
            The squared loss unless told otherwise.

        Returns
        -------
        Problem

        Raises
        ------
        ValueError
            If a size is not a positive integer or d ≤ n.

        Examples
        --------
        >>> Problem.gaussian(n=2, d=3, k=1, seed=0).X.shape
        (2, 3)
        """
        sizes = [nonnegative_integer(name, v, 1) for name, v in (("n", n), ("d", d), ("k", k))]
        rng = np.random.default_rng(nonnegative_integer("seed", seed))
        X = rng.standard_normal((sizes[0], sizes[1]))
        Y = rng.standard_normal((sizes[0], sizes[2]))
        return cls(X, Y, SquaredLoss() if loss is None else loss)

    def __repr__(self) -> str:
        return f"Problem(n={self.n}, d={self.d}, k={self.k}, loss={self.loss!r})"

    @property
    def n(self) -> int:
        """The number of examples."""
        return self.X.shape[0]

    @property
    def d(self) -> int:
        """The number of features."""
        return self.X.shape[1]

    @property
    def k(self) -> int:
        """The number of outputs."""
        return self.Y.shape[1]

    @cached_property
    def _svd(self) -> tuple[Array, Array, Array]:
        left, singular, right = np.linalg.svd(self.X, full_matrices=False)
        return left, singular, right

    @cached_property
    def _rank(self) -> int:
        singular = self._svd[1]
        return int(np.sum(singular > singular[0] * max(self.X.shape) * np.finfo(float).eps))

    def _pinv(self, R: Array) -> Array:
        left, singular, right = self._svd
        r = self._rank
        return right[:r].T @ ((left[:, :r].T @ R) / singular[:r, None])

    @cached_property
    def interpolable(self) -> bool:
        """Whether some W has XW = Y (always true of a strict problem)."""
        outside = self.Y - self.X @ self._pinv(self.Y)
        return self._rank == self.n or bool(frobenius_norm(outside) <= 1e-10 * self.label_norm)

    @cached_property
    def label_norm(self) -> float:
        """‖Y‖_F."""
        return float(frobenius_norm(self.Y))

    @property
    def sigma_max(self) -> float:
        """The largest singular value of X."""
        return float(self._svd[1][0])

    @property
    def sigma_min(self) -> float:
        """The smallest singular value of X (the smallest nonzero one if not strict)."""
        return float(self._svd[1][self._rank - 1])

    @property
    def mu(self) -> float:
        """μ = μ_ℓ σ_min², the strong convexity of L along the row space of X."""
        return float(self.loss.strong_convexity) * self.sigma_min * self.sigma_min

    @property
    def M(self) -> float:
        """M = M_ℓ σ_max², the smoothness of L."""
        return float(self.loss.smoothness) * self.sigma_max * self.sigma_max

    @property
    def kappa(self) -> float:
        """The condition number κ = M/μ."""
        return self.M / self.mu

    def weights(self, W: ArrayLike, name: str = "W", one: bool = False) -> Array:
        """Return W as finite weights of shape (..., d, k), a vector (d,) as a column if k = 1.

        Parameters
        ----------
        W : array of shape (..., d, k), or (d,) if k = 1
            Weights.
        name : str
            The name to complain about.
        one : bool
            Whether a stack of weights is refused.

        Returns
        -------
        array of shape (..., d, k)

        Raises
        ------
        ValueError
            If the shape does not fit the problem or an entry is not finite.

        Examples
        --------
        >>> Problem(X=[[1.0, 0.0]], Y=[2.0]).weights([3, 4]).tolist()
        [[3.0], [4.0]]
        """
        array = as_array(name, W)
        if array.size == 0:
            raise ValueError(f"{name} must not be empty, found shape {array.shape}.")
        in_range(**{name: array})
        if array.ndim == 1 and self.k == 1:
            array = array[:, None]
        if array.shape[-2:] != (self.d, self.k):
            raise ValueError(
                f"{name} must have shape (..., d, k) with d = {self.d}, k = {self.k}, "
                f"found {np.shape(W)}."
            )
        if one and array.ndim != 2:
            raise ValueError(
                f"{name} must be one matrix of shape (d, k), found {array.shape}: one at a time."
            )
        return array

    def residual(self, W: ArrayLike) -> Array:
        """Return R = XW − Y, in the units of the labels.

        Parameters
        ----------
        W : array of shape (..., d, k)
            Weights.

        Returns
        -------
        array of shape (..., n, k)

        Raises
        ------
        ValueError
            If W does not fit the problem.

        Examples
        --------
        >>> Problem(X=[[1.0, 0.0]], Y=[2.0]).residual([[3.0], [4.0]]).tolist()
        [[1.0]]
        """
        return self.X @ self.weights(W) - self.Y

    def loss_value(self, W: ArrayLike) -> Array:
        """Return the training loss L(W) = ℓ(XW − Y), a sum over the entries.

        Parameters
        ----------
        W : array of shape (..., d, k)
            Weights.

        Returns
        -------
        array of shape (...)

        Raises
        ------
        ValueError
            If W does not fit the problem.

        Examples
        --------
        >>> float(Problem(X=[[1.0, 0.0]], Y=[2.0]).loss_value([[3.0], [4.0]]))
        0.5
        """
        return self.loss.value(self.residual(W))

    def gradient(self, W: ArrayLike) -> Array:
        """Return the gradient V = ∇L(W) = Xᵀ∇ℓ(XW − Y).

        Parameters
        ----------
        W : array of shape (..., d, k)
            Weights.

        Returns
        -------
        array of shape (..., d, k)
            A dual point, in units of loss over weight.

        Raises
        ------
        ValueError
            If W does not fit the problem.

        Examples
        --------
        >>> Problem(X=[[5.0, 0.0]], Y=[2.0]).gradient([[1.0], [4.0]]).tolist()
        [[15.0], [0.0]]
        """
        return self.X.T @ self.loss.gradient(self.residual(W))

    def project(self, W: ArrayLike) -> Array:
        """Return Π(W) = W + X⁺(Y − XW), the interpolating point nearest to W (classical).

        Parameters
        ----------
        W : array of shape (..., d, k)
            Weights.

        Returns
        -------
        array of shape (..., d, k)
            Where gradient descent from W ends.

        Raises
        ------
        ValueError
            If W does not fit the problem.

        Examples
        --------
        >>> Problem(X=[[1.0, 1.0]], Y=[2.0]).project([[0.0], [1.0]]).round(12).tolist()
        [[0.5], [1.5]]
        """
        W = self.weights(W)
        for _ in range(2):  # the second pass removes the rounding of the first
            W = W - self._pinv(self.X @ W - self.Y)
        return W

    def divergence(self, A: ArrayLike, B: ArrayLike) -> Array:
        """Return D_L(A, B) without cancellation (½‖X(A − B)‖_F² for the squared loss).

        Parameters
        ----------
        A, B : arrays of shape (..., d, k)
            Weights.

        Returns
        -------
        array of shape (...)
            The Bregman divergence of L, ≥ 0.

        Raises
        ------
        ValueError
            If A or B does not fit the problem.

        Examples
        --------
        >>> problem = Problem(X=[[1.0, 0.0]], Y=[2.0])
        >>> float(problem.divergence([[3.0], [4.0]], [[1.0], [9.0]]))
        2.0
        """
        A, B = self.weights(A, "A"), self.weights(B, "B")
        return loss_divergence(self.loss, self.X @ B - self.Y, self.X @ (A - B))


def in_range(**arrays: Array) -> None:
    """Complain about numbers whose squares a float does not hold."""
    for name, array in arrays.items():
        if (most := float(np.max(np.abs(array)))) > LARGEST:
            raise ValueError(
                f"{name} must have entries of at most {LARGEST:g}, whose squares a float holds, "
                f"found {most:.2g}: change its units."
            )


def check_problem(problem: Any) -> None:
    """Complain about anything that is not a `Problem`."""
    if not isinstance(problem, Problem):
        raise ValueError(
            f"problem must be a Problem, found {problem!r}: make one with Problem(X, Y)."
        )
