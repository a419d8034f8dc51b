"""Potentials of mirror descent; each serves as a preconditioner, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_array, as_stack, inner
from .blocks import Separable
from .convex import Preconditioner
from .profile import Parameter
from .profiles import ArcSinh, HyperbolicCosine, LogHyperbolicCosine, Power


class PNorm(Separable):
    """A power of the p-norm, K(G) = Σ |g|ᵖ/p, with ∇K(G) = sign(g)|g|ᵖ⁻¹ in each entry.

    K* is Σ |s|^q/q with 1/p + 1/q = 1. Unless p = 2 there is no smoothness β, so that no learning
    rate is guaranteed for every start. For p > 2, ∇K is smooth on bounded sets, but so flat at 0
    that m = 0; for p < 2 it is so steep at 0 that every constant learning rate overshoots.
    Where a power is too large for a float it is ∞, without a warning.

    Parameters
    ----------
    p : float or array of shape (B,)
        Exponent p > 1.

    Raises
    ------
    ValueError
        If p is not above 1.

    Notes
    -----
    Classical: the potential of mirror descent with p-norms.

    Examples
    --------
    >>> PNorm(p=3.0).gradient([[3.0], [-4.0]]).tolist()
    [[9.0], [-16.0]]
    >>> PNorm(p=3.0).smoothness
    inf
    """

    p: Parameter

    def __init__(self, p: Parameter) -> None:
        super().__init__(Power(p))


class Cosh(Separable):
    """The hyperbolic cosine, K(G) = Σ cosh g − 1, with ∇K(G) = sinh g in each entry.

    K* is Σ s arsinh s − √(1 + s²) + 1. There is no smoothness β, so that no learning rate is
    guaranteed for every start; on the ball |g| ≤ R, β = cosh R. Where |g| > 710 value and
    gradient are too large for a float: they are ∞, without a warning.

    Notes
    -----
    Classical.

    Examples
    --------
    >>> Cosh().gradient([[1.0], [-2.0]]).round(3).tolist()
    [[1.175], [-3.627]]
    >>> m, beta = Cosh().sector(radius=1.0)
    >>> m, round(beta, 3)
    (1.0, 1.543)
    """

    def __init__(self) -> None:
        super().__init__(HyperbolicCosine())


class LogCosh(Separable):
    """The function f(W) = Σ log cosh w: quadratic near 0, |w| − log 2 far out.

    Its slopes tanh w lie between −1 and 1.

    Notes
    -----
    Classical. The Fenchel dual is ½Σ (1 + s) log(1 + s) + (1 − s) log(1 − s) for |s| ≤ 1.

    Examples
    --------
    >>> f = LogCosh()
    >>> f.gradient([[0.0], [50.0]]).tolist(), round(float(f.conjugate([[1.0]])), 4)
    ([[0.0], [1.0]], 0.6931)
    """

    def __init__(self) -> None:
        super().__init__(LogHyperbolicCosine())


class Hypentropy(Separable):
    """ψ(W) = Σ w arsinh(w/width) − √(w² + width²) + width, from the 1-norm to the squared norm.

    Where |w| is far above the width, ψ is close to |w|(log(2|w|/width) − 1) + width, an entropy
    for either sign; far below it, to w²/(2·width). The mirror map is arsinh(w/width), its inverse
    width·sinh(s). The dual is ψ*(S) = Σ width·(cosh(s) − 1).

    Parameters
    ----------
    width : float or array of shape (B,)
        In the units of the argument, positive.

    Raises
    ------
    ValueError
        If width is not a positive number.

    Notes
    -----
    The hypentropy of Ghai, Hazan and Singer 2020 (classical).

    Examples
    --------
    >>> psi = Hypentropy(width=0.5)
    >>> float(psi.value([[0.0]])), psi.smoothness
    (0.0, 2.0)
    >>> W = np.array([[3.0], [-0.1]])
    >>> psi.gradient_of_conjugate(psi.gradient(W)).round(12).tolist()
    [[3.0], [-0.1]]
    """

    width: Parameter

    def __init__(self, width: Parameter) -> None:
        super().__init__(ArcSinh(width))


@dataclass(frozen=True, eq=False, repr=False)
class Quadratic(Preconditioner):
    """Half the squared length in a metric, f(A) = ½⟨A, QA⟩ (Mahalanobis).

    As a preconditioner it multiplies the gradient by the fixed matrix Q.

    Parameters
    ----------
    Q : array of shape (d, d)
        Symmetric and positive definite.

    Raises
    ------
    ValueError
        If Q is not a symmetric positive definite matrix.

    Notes
    -----
    Classical. Its divergence is ½⟨H, QH⟩, H the difference of the two points.

    Examples
    --------
    >>> f = Quadratic([[2.0, 0.0], [0.0, 1.0]])
    >>> float(f.value([[1.0], [4.0]])), float(f.divergence([[1.0], [4.0]], [[0.0], [4.0]]))
    (9.0, 1.0)
    >>> f.sector(radius=5.0)
    (1.0, 2.0)
    """

    Q: Array
    definite: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Q = as_array("Q", self.Q)
        if Q.ndim != 2 or Q.shape[0] != Q.shape[1] or Q.size == 0:
            raise ValueError(f"Q must have shape (d, d), found {Q.shape}: pass a square matrix.")
        if np.abs(Q - Q.T).max() > 1e-12 * np.abs(Q).max():
            raise ValueError(
                f"Q must be symmetric, found entries {np.abs(Q - Q.T).max():g} away from their "
                "mirror images: pass (Q + Q.T) / 2."
            )
        Q = 0.5 * Q + 0.5 * Q.T
        if self._ends(Q)[0] <= 0:
            raise ValueError(
                f"Q must be positive definite, found the eigenvalue {self._ends(Q)[0]:g}: add a "
                "multiple of the identity."
            )
        Q.flags.writeable = False
        object.__setattr__(self, "Q", Q)

    @staticmethod
    def _ends(Q: Array) -> tuple[float, float]:
        eigenvalues = np.linalg.eigvalsh(Q)
        return float(eigenvalues[0]), float(eigenvalues[-1])

    def __repr__(self) -> str:
        return f"Quadratic({self.Q.tolist()})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quadratic) and np.array_equal(self.Q, other.Q)

    def __hash__(self) -> int:
        return hash(self.Q.tobytes())

    @property
    def smoothness(self) -> float:
        """The largest eigenvalue of Q."""
        return self._ends(self.Q)[1]

    def _sector(self, radius: Array) -> tuple[float, float]:
        return self._ends(self.Q)

    def _stack(self, name: str, A: ArrayLike) -> Array:
        found = as_stack(name, A)
        if found.shape[-2] != len(self.Q):
            raise ValueError(
                f"{name} must have {len(self.Q)} rows as Q has, found the shape {found.shape}."
            )
        return found

    def _value(self, A: Array) -> Array:
        return 0.5 * inner(A, self.Q @ A)

    def _gradient(self, A: Array) -> Array:
        return self.Q @ A

    def _conjugate(self, S: Array) -> Array:
        return 0.5 * inner(S, self._gradient_of_conjugate(S))

    def _gradient_of_conjugate(self, S: Array) -> Array:
        return np.asarray(np.linalg.solve(self.Q, S), dtype=np.float64)

    def _divergence(self, A: Array, B: Array) -> Array:
        return self._value(A - B)
