"""The optimizers of the book by name, each a preconditioner."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_stack
from .blocks import ColumnWise, Isotropic, Separable
from .profile import Parameter
from .profiles import Huber, Root, Soft, Square


class GradientDescent(Isotropic):
    """Plain gradient descent, K(G) = ½‖G‖_F² (classical).

    Examples
    --------
    >>> K = GradientDescent()
    >>> K.gradient([[3.0], [-4.0]]).tolist()
    [[3.0], [-4.0]]
    >>> float(K.value([[3.0], [-4.0]]))
    12.5
    """

    def __init__(self) -> None:
        super().__init__(Square())

    def curvature(self, A: ArrayLike) -> Array:
        """Return 1 in each entry: ½‖A‖_F² is a sum over entries, too."""
        return np.ones_like(as_stack("A", A))


class NormalizedGD(Isotropic):
    """Smoothed normalized gradient descent, K(G) = √(‖G‖_F² + ε²) − ε.

    K* is finite on the closed unit ball (ε on its boundary); ∇K* exists inside.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Example 1 in Section II-A of the paper (Ghane, Akhtiamov, Hassibi 2026).

    Examples
    --------
    >>> K = NormalizedGD(eps=12.0)
    >>> K.gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.231], [-0.308]]
    >>> float(K.value([[3.0], [-4.0]]))
    1.0
    """

    eps: Parameter

    def __init__(self, eps: Parameter) -> None:
        super().__init__(Root(eps))


class GradientClipping(Isotropic):
    """Clipping to norm c: K(G) = ½s² up to s = ‖G‖_F = c, then the tangent cs − ½c² (Huber).

    K* is ½‖S‖_F² on the closed ball of radius c. At its boundary every tS, t ≥ 1, has the
    gradient S; `gradient_of_conjugate` returns the shortest, S itself.

    Parameters
    ----------
    c : float or array of shape (B,)
        Clipping threshold c > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If c is not positive.

    Notes
    -----
    Classical: K is Huber's function of the norm.

    Examples
    --------
    >>> K = GradientClipping(c=1.0)
    >>> K.gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.6], [-0.8]]
    >>> float(K.value([[3.0], [-4.0]]))
    4.5
    """

    c: Parameter

    def __init__(self, c: Parameter) -> None:
        super().__init__(Huber(c))


class SoftClipping(Isotropic):
    """Soft clipping, K(G) = s − ε log(1 + s/ε) with s = ‖G‖_F.

    K* and ∇K* are finite inside the open unit ball only.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Classical: the scalar function of Adam, applied to the norm.

    Examples
    --------
    >>> SoftClipping(eps=5.0).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.3], [-0.4]]
    """

    eps: Parameter

    def __init__(self, eps: Parameter) -> None:
        super().__init__(Soft(eps))


class Adam(Separable):
    """Adam without momentum, K(G) = Σ |g| − ε log(1 + |g|/ε): each entry is soft-clipped.

    K* and ∇K* are finite where every |entry| is below 1.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Example 3 in Section II-A of the paper (Ghane, Akhtiamov, Hassibi 2026). It is the Adam of
    torch and optax with β₁ = β₂ = 0.

    Examples
    --------
    >>> Adam(eps=1.0).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.75], [-0.8]]
    """

    eps: Parameter

    def __init__(self, eps: Parameter) -> None:
        super().__init__(Soft(eps))


class SmoothedSign(Separable):
    """Smoothed sign descent, K(G) = Σ √(g² + ε²) − ε: RMSprop without its running average.

    K* is finite where every |entry| is at most 1; ∇K* exists where every |entry| is below 1.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Classical: the scalar function of normalized GD, applied to each entry.

    Examples
    --------
    >>> SmoothedSign(eps=4.0).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.6], [-0.707]]
    """

    eps: Parameter

    def __init__(self, eps: Parameter) -> None:
        super().__init__(Root(eps))


class ColumnNormalized(ColumnWise):
    """Each column is normalized on its own: K(G) = Σ_j √(‖G_:j‖² + ε²) − ε.

    Normalized GD for each of the k outputs. K* is finite where every column has norm at most 1;
    ∇K* exists where every column has norm below 1.

    Parameters
    ----------
    eps : float or array of shape (B,)
        Smoothing ε > 0, in the units of a gradient.

    Raises
    ------
    ValueError
        If eps is not positive.

    Notes
    -----
    Classical; that its limit is gradient descent's is a result of this book.

    Examples
    --------
    >>> G = [[3.0, 0.0], [-4.0, 5.0]]
    >>> ColumnNormalized(eps=12.0).gradient(G).round(3).tolist()
    [[0.231, 0.0], [-0.308, 0.385]]
    """

    eps: Parameter

    def __init__(self, eps: Parameter) -> None:
        super().__init__(Root(eps))
