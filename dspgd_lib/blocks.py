"""Ways to make a preconditioner from a profile: K(G) = Σ k(s), s the sizes of blocks of G.

One block (the whole matrix) makes K isotropic; one block for each entry makes it separable; one
for each column, or for each singular value (`spectral`), makes it left-invariant.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_stack, frobenius_norm, nonnegative_integer, total, transposed
from .convex import Preconditioner, plain, quiet
from .profile import Profile


class Blocks(Preconditioner):
    """A sum of one profile over the sizes of blocks; it does not change once it is made.

    Parameters
    ----------
    profile : Profile
        The function k, which may hold a grid of B parameters: then the object stands for B
        functions, `len(K)` is B, `K[i]` is one of them, and its methods act on stacks of B
        matrices. The parameters of the profile are attributes of K, too.

    Raises
    ------
    ValueError
        If profile is not a profile, or a k that is not what it says.
    """

    profile: Profile
    _k: Profile  # the same, whose grids act on stacks of matrices

    def __init__(self, profile: Profile) -> None:
        if not isinstance(profile, Profile):
            raise ValueError(
                f"profile must be an object such as Soft(eps), found {profile!r}: derive a class "
                "from Profile."
            )
        profile.check()
        self._adopt(profile)

    def _adopt(self, profile: Profile) -> None:
        own = {name: getattr(profile, name) for name in profile.parameters}
        self.__dict__.update(own, profile=profile, _k=profile.wide())

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self!r} does not change: make a new one.")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.profile == other.profile  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.profile))

    def __repr__(self) -> str:
        if type(self) in (Isotropic, Separable, ColumnWise):
            return f"{type(self).__name__}({self.profile!r})"
        parts = (f"{name}={getattr(self, name)!r}" for name in self.profile.parameters)
        return f"{type(self).__name__}({', '.join(parts)})"

    @property
    def grid(self) -> int | None:
        """The number B of functions in a grid, None for one function."""
        return self.profile.grid

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        if self.grid is None:
            raise TypeError(f"{self!r} is one preconditioner, not a grid.")
        return self.grid

    def __getitem__(self, index: Any) -> Any:
        """Return one function of a grid, or for a slice or a mask the grid of these."""
        if self.grid is None:
            raise TypeError(f"{self!r} is one preconditioner, not a grid.")
        return self._with(
            self.profile.changed(lambda v: v[index] if np.ndim(v[index]) else float(v[index]))
        )

    def _with(self, profile: Profile) -> Any:
        new = copy(self)
        new._adopt(profile)
        return new

    @property
    def definite(self) -> bool:  # type: ignore[override]
        """Whether K(G) > 0 for G ≠ 0."""
        k = self.profile
        return bool(k.definite or (k.flattens and np.all(k.smoothness > 0)))

    @property
    def smoothness(self) -> float | Array:
        """The Lipschitz constant β of ∇K, of shape (B,) for a grid; ∞ if there is none."""
        return plain(self.profile.smoothness)

    def _sector(self, radius: Array) -> tuple[Any, Any]:
        return self.profile.sector(radius)

    def _stack(self, name: str, A: ArrayLike) -> Array:
        found = as_stack(name, A)
        if self.grid and found.ndim > 2 and found.shape[-3] not in (1, self.grid):
            raise ValueError(
                f"{name} must be one matrix or a stack of {self.grid}, as many as the grid of K "
                f"has, found the shape {found.shape}."
            )
        return found

    def _sizes(self, G: Array) -> Array:
        """Return the sizes of the blocks of G as matrices that broadcast against it."""
        raise NotImplementedError

    def _sums(self, E: Array) -> Array:
        """Return the sums of E over the blocks, of the shape of the sizes."""
        raise NotImplementedError

    def _radius(self, G: Array) -> Array:
        return np.max(self._sizes(G), axis=(-2, -1))

    def _value(self, G: Array) -> Array:
        return total(self._k.value(self._sizes(G)))

    def _conjugate(self, S: Array) -> Array:
        return total(self._k.conjugate(self._sizes(S)))

    def _gradient(self, G: Array) -> Array:
        return self._scaled(G, self._k.slope)

    def _gradient_of_conjugate(self, S: Array) -> Array:
        return self._scaled(S, self._k.inverse_slope)

    def _scaled(self, G: Array, slope: Callable[[Array], Array]) -> Array:
        """Return G with each block multiplied by the slope at its size."""
        return slope(self._sizes(G)) * G

    def _divergence(self, A: Array, B: Array) -> Array:
        """Sum k's own divergence between the sizes, and k′(b)(a − ⟨A, B⟩/b) for the turn."""
        a, b, H = self._sizes(A), self._sizes(B), A - B
        along = B / np.where(b > 0, b, 1.0)
        both = a + b
        h = self._sums((A + B) / np.where(both > 0, both, 1.0) * H)  # a − b
        seen = self._sums(along * A)
        across = self._sums(np.square(H - self._sums(along * H) * along))
        turn = np.where(seen > 0, across / np.where(seen > 0, a + seen, 1.0), a - seen)
        turned = np.where(turn > 0, b * self._k.slope(b) * turn, 0.0)
        terms = np.where((h == 0) & (turn == 0), 0.0, self._k.divergence(a, b, h) + turned)
        return total(np.where(np.isnan(terms), np.inf, terms))


class Isotropic(Blocks):
    """K(G) = k(‖G‖_F), for a profile k.

    Examples
    --------
    >>> from dspgd_lib.profiles import Soft
    >>> Isotropic(Soft(5.0)).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.3], [-0.4]]
    """

    invariance = "isotropic"

    def _sizes(self, G: Array) -> Array:
        return np.asarray(frobenius_norm(G))[..., None, None]

    def _sums(self, E: Array) -> Array:
        return np.sum(E, axis=(-2, -1), keepdims=True)


class Separable(Blocks):
    """K(G) = Σ k(|g|) over the entries, for a profile k.

    Examples
    --------
    >>> from dspgd_lib.profiles import Soft
    >>> Separable(Soft(1.0)).gradient([[3.0], [-4.0]]).round(3).tolist()
    [[0.75], [-0.8]]
    """

    def _sizes(self, G: Array) -> Array:
        return np.abs(G)

    def _sums(self, E: Array) -> Array:
        return E

    @quiet
    def curvature(self, A: Array) -> Array:
        """Return k″ in each entry.

        Parameters
        ----------
        A : array of shape (..., d, k)
            Weights or a gradient.

        Returns
        -------
        array of shape (..., d, k)
            The second derivative in each entry, which may be 0 or ∞.

        Raises
        ------
        ValueError
            If A is not an array of finite matrices.

        Examples
        --------
        >>> from dspgd_lib import PNorm
        >>> PNorm(3.0).curvature([[0.0], [-2.0]]).tolist()
        [[0.0], [4.0]]
        """
        return self._k.curvature(np.abs(self._point("A", A)))

    @property
    def bend(self) -> float | Array:
        """The least b with dist(∇K(G), span G) ≤ b⟨G, ∇K(G)⟩ in every dimension, if it is known.

        Notes
        -----
        This book, for Adam and the smoothed sign.

        Examples
        --------
        >>> from dspgd_lib import Adam, SmoothedSign
        >>> round(Adam(eps=2.0).bend, 3), round(SmoothedSign(eps=2.0).bend, 4)
        (0.192, 0.0906)
        """
        return self.profile.bend  # type: ignore[attr-defined]

    def tangent(self, entries: int) -> float:
        """Return √(N − 1), which the tangent of the angle from G ≠ 0 to ∇K(G) ≠ 0 never exceeds.

        Parameters
        ----------
        entries : int
            The number N of entries of G.

        Returns
        -------
        float
            Approached by the smoothed sign, with one large entry and the others alike and small.

        Raises
        ------
        ValueError
            If entries is not a positive whole number.

        Notes
        -----
        ``lem-conv-angle`` in the chapter ``convergence`` (this book): k is even and convex.

        Examples
        --------
        >>> from dspgd_lib import Adam
        >>> Adam(eps=1e-8).tangent(5)
        2.0
        """
        return float(np.sqrt(nonnegative_integer("entries", entries, 1) - 1.0))


class ColumnWise(Blocks):
    """K(G) = Σ k(‖G_:j‖) over the columns, for a profile k: each output is treated on its own.

    Examples
    --------
    >>> from dspgd_lib.profiles import Soft
    >>> ColumnWise(Soft(5.0)).gradient([[3.0, 0.0], [-4.0, 5.0]]).round(3).tolist()
    [[0.3, 0.0], [-0.4, 0.5]]
    """

    invariance = "left"

    def _sizes(self, G: Array) -> Array:
        return np.asarray(frobenius_norm(transposed(G)[..., None]))[..., None, :]

    def _sums(self, E: Array) -> Array:
        return np.sum(E, axis=-2, keepdims=True)
