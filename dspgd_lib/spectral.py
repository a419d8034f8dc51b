"""Preconditioners of singular values, such as a smoothed Muon."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import _stable as stable
from ._validation import Array, total, transposed
from .blocks import Blocks, Separable
from .profile import Profile


class Spectral(Blocks):
    """A separable preconditioner applied to singular values: K(G) = Σ_i k(σ_i(G)).

    With G = U diag(σ) Vᵀ, ∇K(G) = U diag(k′(σ)) Vᵀ. With k = 1 output it is isotropic.
    `Spectral(SmoothedSign(eps))` is a smoothed Muon without momentum. Everything else is that of
    the base, at the singular values: β, the sector (the radius is the largest singular value),
    K* and ∇K*. In the gradient the largest float stands for a k′ that is too large for one. The
    divergence of near points has an error of about u‖B‖/‖A − B‖, relatively, u = 1e-16, since
    singular vectors are known to u only.

    Parameters
    ----------
    base : Separable
        Its function k, which may hold a grid of parameters.

    Raises
    ------
    ValueError
        If base is not a separable preconditioner.

    Notes
    -----
    Gradient and conjugate are classical (von Neumann; Lewis 1995); that its limit is gradient
    descent's is a result of this book.

    Examples
    --------
    >>> from dspgd_lib import SmoothedSign
    >>> K = Spectral(SmoothedSign(eps=4.0))
    >>> K.gradient([[0.0, 3.0], [3.0, 0.0], [0.0, 0.0]]).round(3).tolist()
    [[0.0, 0.6], [0.6, 0.0], [0.0, 0.0]]
    >>> float(K.radius([[0.0, 3.0], [1.0, 0.0]])), K.smoothness
    (3.0, 0.25)
    """

    invariance = "left"
    base: Separable

    def __init__(self, base: Separable) -> None:
        if not isinstance(base, Separable):
            raise ValueError(
                f"base must be a separable preconditioner, found {base!r}: pass an object such as "
                "SmoothedSign(eps)."
            )
        self._adopt(base.profile)
        self.__dict__["base"] = base

    def _with(self, profile: Profile) -> Spectral:
        return Spectral(self.base._with(profile))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spectral) and self.base == other.base

    def __hash__(self) -> int:
        return hash((Spectral, self.base))

    def __repr__(self) -> str:
        return f"Spectral({self.base!r})"

    def _sizes(self, G: Array) -> Array:
        return np.asarray(np.linalg.svd(G, compute_uv=False), dtype=float)[..., None]

    def _scaled(self, G: Array, slope: Callable[[Array], Array]) -> Array:
        left, sizes, right = np.linalg.svd(G, full_matrices=False)
        # U diag(k′(σ)) Vᵀ also where singular values repeat or vanish: k′(0) = 0.
        new = np.minimum(slope(sizes[..., None]) * sizes[..., None], stable.LARGEST)
        return (left * transposed(new)) @ right

    def _divergence(self, A: Array, B: Array) -> Array:
        """Sum k's divergence over all pairs of singular values, weighted by how they overlap.

        The eigenvalues of [[0, G], [Gᵀ, 0]] are ±σ (and 0), and for a function of eigenvalues
        D = Σ ⟨u_i, u_j⟩² d(λ_i, λ_j): no term is negative.
        """
        A, B = (G if G.shape[-2] >= G.shape[-1] else transposed(G) for G in (A, B))
        (left_a, a, right_a), (left_b, b, right_b) = (
            np.linalg.svd(G, full_matrices=False) for G in (A, B)
        )
        P, Q = transposed(left_a) @ left_b, right_a @ transposed(right_b)
        # What u_i and u_j have outside each other's span meets singular values 0.
        lost_a = np.sum(np.square(left_a - left_b @ transposed(P)), axis=-2)[..., None]
        lost_b = np.sum(np.square(left_b - left_a @ P), axis=-2)[..., None]
        a, b = a[..., None], b[..., None]
        zero = np.zeros_like(a)
        terms = (
            (0.25 * np.square(P + Q), self._between(a, transposed(b))),
            (0.25 * np.square(P - Q), self._between(-a, transposed(b))),
            (0.5 * lost_a, self._between(a, zero)),
            (0.5 * lost_b, self._between(zero, b)),
        )
        # A weight 0 may meet a divergence too large for a float.
        return np.asarray(sum(total(np.where(w > 0, w * D, 0.0)) for w, D in terms))

    def _between(self, a: Array, b: Array) -> Array:
        """Return k's divergence from a, of either sign, to b ≥ 0."""
        size, turned = np.abs(a), np.abs(a) - a
        a, b = np.broadcast_arrays(size, b)
        return self._k.divergence(a, b, a - b) + b * self._k.slope(b) * turned
