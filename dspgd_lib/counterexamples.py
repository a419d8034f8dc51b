"""Preconditioners and a loss that show what an assumption is for: convex, smooth, and no good."""

from __future__ import annotations

from dataclasses import dataclass
from math import asinh, sinh, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_stack, frobenius_norm, nonnegative_integer, positive_number
from .losses import Loss

ONE_THIRD_ROOT = sqrt(2 / 3)


class Drifting:
    """K = ½dist(G, C)² + ½g₂², C = {g₂ ≤ −g₁²}, for two weights and one output.

    K is convex and 2-smooth, and 0 is its only minimum; but seen from the first axis it falls
    ever more steeply across and ever less along, so that a run with X = [1 0] never settles.

    Notes
    -----
    ``prop-conv-drift`` in the chapter ``convergence`` (this book).

    Examples
    --------
    >>> K = Drifting()
    >>> K.gradient([[3.0], [0.0]]).round(12).tolist()  # the nearest point of C is (1, -1)
    [[2.0], [1.0]]
    >>> float(K.value([[3.0], [0.0]]).round(12))
    2.5
    """

    smoothness = 2.0
    definite = True

    def value(self, G: ArrayLike) -> Array:
        """Return K(G), of shape (...)."""
        G = _plane(G)
        away = G - nearest_below_parabola(G)
        return np.asarray(0.5 * (away * away).sum((-2, -1)) + 0.5 * G[..., 1, 0] ** 2)

    def gradient(self, G: ArrayLike) -> Array:
        """Return ∇K(G), of shape (..., 2, 1)."""
        G = _plane(G)
        return np.asarray(G - nearest_below_parabola(G) + G * [[0.0], [1.0]])


def _plane(G: ArrayLike) -> Array:
    G = as_stack("G", G)
    if G.shape[-2:] != (2, 1):
        raise ValueError(f"G must have shape (..., 2, 1), two weights, found {G.shape}.")
    return G


def nearest_below_parabola(G: ArrayLike) -> Array:
    """Return the points of {g₂ ≤ −g₁²} nearest to given points, of shape (..., 2, 1).

    Parameters
    ----------
    G : array of shape (..., 2, 1)
        Points of the plane.

    Returns
    -------
    array of shape (..., 2, 1)
        (s, −s²) with 2s³ + (1 + 2g₂)s = g₁ for points above the parabola, G itself below it.

    Examples
    --------
    >>> nearest_below_parabola([[3.0], [0.0]]).round(12).tolist()
    [[1.0], [-1.0]]
    """
    G = np.asarray(G, dtype=float)
    a, b = np.abs(G[..., 0, 0]), G[..., 1, 0]
    above = b > -a * a
    s, stiff = a.copy(), np.where(above, 1 + 2 * b, 1.0)
    for _ in range(120):  # Newton's method from the right on a convex cubic: it cannot miss
        with np.errstate(divide="ignore", invalid="ignore"):
            move = (2 * s**3 + stiff * s - a) / (6 * s**2 + stiff)
        move = np.where(above & np.isfinite(move), move, 0.0)
        s = s - move
        if np.all(np.abs(move) <= 1e-16 * s):
            break
    foot = np.stack([np.copysign(s, G[..., 0, 0]), -s * s], axis=-1)[..., None]
    return np.where(above[..., None, None], foot, G)


def drift(steps: int, eta: float = 0.5) -> Array:
    """Return the run of DSPGD with `Drifting` for X = [1 0], Y = 0, from W = (1, 0).

    With w₁ = s + 2s³ a step takes 2ηs³ from w₁ and ηs² from w₂: two numbers, so that a million
    steps take half a second.

    Parameters
    ----------
    steps : int
        How many.
    eta : float
        Learning rate.

    Returns
    -------
    array of shape (steps + 1, 2)

    Examples
    --------
    >>> drift(1000)[-1].round(3).tolist()
    [0.023, -2.107]
    """
    eta = positive_number("eta", eta)
    w1, w2, path = 1.0, 0.0, [(1.0, 0.0)]
    for _ in range(nonnegative_integer("steps", steps)):
        s = foot_of(w1)
        square = eta * s * s
        w1 -= 2 * square * s
        w2 -= square
        path.append((w1, w2))
    return np.array(path)


def foot_of(w: float) -> float:
    """Return the s with s + 2s³ = w.

    Parameters
    ----------
    w : float
        The weight w₁, which is the gradient too.

    Returns
    -------
    float

    Examples
    --------
    >>> round(foot_of(3.0), 12)
    1.0
    """
    return ONE_THIRD_ROOT * sinh(asinh(1.5 * sqrt(6) * w) / 3)


@dataclass(frozen=True)
class FlatBall:
    """K = ½(‖G‖_F − r)² outside the ball of radius r, 0 in it: 1-smooth, but not definite.

    Parameters
    ----------
    r : float
        Radius of the ball on which K is flat.

    Examples
    --------
    >>> FlatBall(1.0).gradient([[0.6], [0.0]]).tolist(), float(FlatBall(1.0).value([[3.0], [0.0]]))
    ([[0.0], [0.0]], 2.0)
    """

    r: float
    smoothness: float = 1.0
    invariance: str = "isotropic"
    definite: bool = False

    def _outside(self, G: Any) -> tuple[Array, Array]:
        size = np.asarray(frobenius_norm(G))
        return size, np.maximum(size - self.r, 0.0)

    def value(self, G: ArrayLike) -> Array:
        """Return K(G), of shape (...)."""
        return np.asarray(0.5 * self._outside(as_stack("G", G))[1] ** 2)

    def gradient(self, G: ArrayLike) -> Array:
        """Return ∇K(G), of the shape of G."""
        G = as_stack("G", G)
        size, beyond = self._outside(G)
        return np.asarray(G * (beyond / np.where(size > 0, size, 1.0))[..., None, None])


@dataclass(frozen=True)
class DeadZone(Loss):
    """ℓ(Z) = Σ ½(|z| − r)₊²: convex and 1-smooth, but 0 wherever no entry is longer than r.

    Parameters
    ----------
    r : float
        How large a residual costs nothing.

    Examples
    --------
    >>> float(DeadZone(1.0).value([[0.5], [-3.0]])), DeadZone(1.0).gradient([[-3.0]]).tolist()
    (2.0, [[-2.0]])
    """

    r: float
    strong_convexity = 0.0
    smoothness = 1.0

    def phi(self, z: Array) -> Array:
        """Return ½(|z| − r)₊² in each entry."""
        return 0.5 * np.square(self.slope(z))

    def slope(self, z: Array) -> Array:
        """Return what of z is beyond r, with its sign."""
        return z - np.clip(z, -self.r, self.r)


@dataclass(frozen=True)
class HuberLoss(Loss):
    """ℓ(Z) = Σ ½z² up to |z| = c, then the tangent: convex, 1-smooth, 0 at 0 only.

    Parameters
    ----------
    c : float
        Where the straight part begins.

    Examples
    --------
    >>> float(HuberLoss(1.0).value([[0.5], [-3.0]])), HuberLoss(1.0).gradient([[-3.0]]).tolist()
    (2.625, [[-1.0]])
    """

    c: float
    strong_convexity = 0.0
    smoothness = 1.0

    def phi(self, z: Array) -> Array:
        """Return Huber's function of each entry."""
        return np.asarray(self.slope(z) * (z - 0.5 * self.slope(z)))

    def slope(self, z: Array) -> Array:
        """Return z cut off at c in size."""
        return np.clip(z, -self.c, self.c)


@dataclass(frozen=True)
class Twin:
    """K = ½s² + τ det(G) s²/(1 + s²), s = ‖G‖_F, for two weights and two outputs.

    On matrices of rank one it is the K of gradient descent, and with one example a run has its
    losses; but it ends elsewhere. Convex for τ ≤ 27/52.

    Parameters
    ----------
    tau : float
        How much of the determinant, positive.

    Notes
    -----
    ``prop-iso-det`` in the chapter ``implicit-bias-isotropic`` (this book).

    Examples
    --------
    >>> K = Twin(tau=0.5)
    >>> K.gradient([[1.0, 0.0], [0.0, 0.0]]).tolist(), float(K.value([[1.0, 0.0], [0.0, 0.0]]))
    ([[1.0, 0.0], [0.0, 0.25]], 0.5)
    """

    tau: float
    definite: bool = True

    def __post_init__(self) -> None:
        positive_number("tau", self.tau)

    @property
    def smoothness(self) -> float:
        """A Lipschitz constant of ∇K, 1 + 52τ/27."""
        return 1 + 52 / 27 * self.tau

    def value(self, G: ArrayLike) -> Array:
        """Return K(G), of shape (...)."""
        G = _square(G)
        u = (G * G).sum((-2, -1))
        return np.asarray(0.5 * u + self.tau * _cofactors(G)[1] * u / (1 + u))

    def gradient(self, G: ArrayLike) -> Array:
        """Return ∇K(G), of shape (..., 2, 2)."""
        G = _square(G)
        u = (G * G).sum((-2, -1))[..., None, None]
        C, det = _cofactors(G)
        turn = 2 * det[..., None, None] / (1 + u) ** 2
        return np.asarray(G + self.tau * (C * u / (1 + u) + turn * G))


def _square(G: ArrayLike) -> Array:
    G = as_stack("G", G)
    if G.shape[-2:] != (2, 2):
        raise ValueError(f"G must have shape (..., 2, 2), found {G.shape}.")
    return G


def _cofactors(G: Array) -> tuple[Array, Array]:
    """Return the gradient of the determinant, and the determinant."""
    C = G[..., ::-1, ::-1] * [[1.0, -1.0], [-1.0, 1.0]]
    return C, 0.5 * (C * G).sum((-2, -1))
