"""A dozen optimizers on one problem: nine end at one point, three beside it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.blocks import Separable
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.picture import Picture
from dspgd_lib.preconditioners import (
    Adam,
    ColumnNormalized,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    SmoothedSign,
    SoftClipping,
)
from dspgd_lib.problem import Problem
from dspgd_lib.profiles import Huber
from dspgd_lib.spectral import Spectral

ISO, LEFT, OFF = "#0072B2", "#A83FEA", "#AA3377"
STEPS = 800


class Shampoo:
    """Shampoo without memory: G between the inverse fourth roots of GGᵀ + δI and GᵀG + δI.

    Parameters
    ----------
    delta : float
        Smoothing δ; it is smoothed Muon with ε = √δ.

    Examples
    --------
    >>> Shampoo(16.0).gradient([[0.0, 3.0], [3.0, 0.0], [0.0, 0.0]]).round(3).tolist()
    [[0.0, 0.6], [0.6, 0.0], [0.0, 0.0]]
    """

    def __init__(self, delta: float) -> None:
        self.delta, self.smoothness = delta, delta**-0.5

    def gradient(self, G: ArrayLike) -> np.ndarray:
        """Return the step, of the shape of G."""
        G = np.asarray(G, dtype=float)
        return np.asarray(
            self._root(G @ G.swapaxes(-2, -1)) @ G @ self._root(G.swapaxes(-2, -1) @ G)
        )

    def _root(self, S: np.ndarray) -> np.ndarray:
        values, Q = np.linalg.eigh(S + self.delta * np.eye(S.shape[-1]))
        return np.asarray(Q * values[..., None, :] ** -0.25 @ Q.swapaxes(-2, -1))


class Mixed:
    """K = ½tr(GCGᵀ): the outputs are recombined by a positive definite C.

    Parameters
    ----------
    C : array of shape (k, k)
        Symmetric and positive definite.

    Examples
    --------
    >>> Mixed(np.diag([1.0, 2.0])).gradient([[1.0, 1.0]]).tolist()
    [[1.0, 2.0]]
    """

    def __init__(self, C: np.ndarray) -> None:
        self.C, self.smoothness = C, float(np.linalg.eigvalsh(C)[-1])

    def value(self, G: ArrayLike) -> np.ndarray:
        """Return ½tr(GCGᵀ), of shape (...)."""
        return np.asarray(0.5 * (self.gradient(G) * np.asarray(G)).sum((-2, -1)))

    def gradient(self, G: ArrayLike) -> np.ndarray:
        """Return GC, of the shape of G."""
        return np.asarray(np.asarray(G, dtype=float) @ self.C)


@cache
def example(seed: int = 0) -> tuple[Problem, np.ndarray]:
    """Return the problem of the chapter: three examples, eight weights for each of four outputs.

    Parameters
    ----------
    seed : int
        Others draw other data and another start.

    Returns
    -------
    Problem, array of shape (8, 4)

    Examples
    --------
    >>> example()[0]
    Problem(n=3, d=8, k=4, loss=SquaredLoss())
    """
    rng = np.random.default_rng(seed)
    left, _, right = np.linalg.svd(rng.standard_normal((3, 8)), full_matrices=False)
    X = left @ np.diag([1.0, 0.7, 0.4]) @ right
    return Problem(X, rng.standard_normal((3, 4))), rng.standard_normal((8, 4))


@cache
def dozen() -> dict[str, tuple[str, Any]]:
    """Return the twelve optimizers of the opening: kind and preconditioner by name.

    Returns
    -------
    dict of pairs
        The kind is "isotropic", "left" or "none".

    Examples
    --------
    >>> [kind for kind, _ in dozen().values()].count("none")
    3
    """
    C = np.diag([1.0, 0.6, 0.4, 0.3]) + 0.1
    return {
        "gradient descent": ("isotropic", GradientDescent()),
        "normalized GD": ("isotropic", NormalizedGD(0.05)),
        "clipping": ("isotropic", GradientClipping(0.02)),
        "soft clipping": ("isotropic", SoftClipping(0.2)),
        "smoothed Muon": ("left", Spectral(SmoothedSign(0.1))),
        "Shampoo without memory": ("left", Shampoo(0.001)),
        "Adam of singular values": ("left", Spectral(Adam(0.15))),
        "column norms": ("left", ColumnNormalized(0.025)),
        "outputs mixed": ("left", Mixed(C)),
        "Adam": ("none", Adam(0.3)),
        "smoothed sign": ("none", SmoothedSign(0.3)),
        "clip each entry": ("none", Separable(Huber(0.1))),
    }


@cache
def distances(seed: int = 0, steps: int = STEPS) -> dict[str, np.ndarray]:
    """Return how far each of the dozen is from where gradient descent ends, over the steps.

    Parameters
    ----------
    seed : int
        Of `example`.
    steps : int
        How many.

    Returns
    -------
    dict of arrays of shape (steps + 1,)
        In units of the distance at the start.

    Examples
    --------
    >>> far = distances(steps=10)
    >>> bool(all(one[0] == 1 and one[-1] < 1 for one in far.values()))
    True
    """
    data, W0 = example(seed)
    goal, found = data.project(W0), {}
    for name, (_, K) in dozen().items():
        W, far = W0, []
        for _ in range(steps + 1):
            far.append(np.linalg.norm(W - goal))
            W = W - K.gradient(data.gradient(W)) / (K.smoothness * data.M)
        found[name] = np.array(far) / far[0]
    return found


def opening() -> Picture:
    """Return the distances of a dozen optimizers from the point where gradient descent ends.

    Returns
    -------
    Picture
        One panel over the step.

    Examples
    --------
    >>> len(opening().panels)
    1
    """
    far, colors = distances(), {"isotropic": ISO, "left": LEFT, "none": OFF}
    at = np.arange(0, STEPS + 1, 5)

    def draw(ax: Any) -> None:
        for name, (kind, _) in dozen().items():
            y = far[name][at]
            end = int(np.argmax(y < 3e-15)) + 1 if y.min() < 3e-15 else len(y)
            ax.semilogy(at[:end], y[:end], color=colors[kind], lw=1.8)
        ax.annotate("clip each entry", (STEPS - 8, 0.6), color=OFF, ha="right")
        ax.annotate("Adam, smoothed sign", (STEPS - 8, 4e-3), color=OFF, ha="right")
        ax.annotate("four that rescale\nthe gradient", (STEPS - 8, 1e-6), color=ISO, ha="right")
        ax.annotate("five that work\non its columns", (STEPS - 8, 1e-9), color=LEFT, ha="right")
        ax.annotate("GD", (95, 1e-9), color=ISO, ha="right")
        ax.annotate("mixed", (STEPS - 170, 3e-13), color=LEFT)
        ax.set(xlim=(0, STEPS), ylim=(1e-15, 30), xlabel="step $t$")
        ax.set(title="distance to where GD ends")

    ends = {name: float(one[-1]) for name, one in far.items()}
    off = ", ".join(
        f"{name} at {ends[name]:.2g}" for name, (kind, _) in dozen().items() if kind == "none"
    )
    alt = (
        "Distances over the steps on logarithmic axes. Nine curves fall to "
        f"{max(v for n, v in ends.items() if dozen()[n][0] != 'none'):.0e} or less of the first "
        f"distance; three level off: {off}."
    )
    return Picture([Panel(draw, alt, (360, 320))])
