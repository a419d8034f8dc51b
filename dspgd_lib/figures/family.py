"""Figures of the chapter on preconditioners: five optimizers in one picture, and who belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from dspgd_lib.convex import Preconditioner
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.marks import number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import BOUND, FAINT, INK, look
from dspgd_lib.preconditioners import (
    Adam,
    ColumnNormalized,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    SmoothedSign,
)
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd
from dspgd_lib.spectral import Spectral

INSIDE = "#00705a"

# --------------------------------------------------------------------------- five optimizers


@cache
def example(seed: int = 0) -> tuple[Problem, np.ndarray]:
    """Return the problem of the chapter: features and outputs of very different sizes.

    Parameters
    ----------
    seed : int
        Others draw other data.

    Returns
    -------
    Problem, array of shape (10, 6)
        Four examples, ten features, six outputs; the start is 0.

    Examples
    --------
    >>> problem, W0 = example()
    >>> problem.gradient(W0).shape
    (10, 6)
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((4, 10)) * np.geomspace(1, 0.03, 10)
    Y = rng.standard_normal((4, 6)) * np.geomspace(4, 0.2, 6)
    return Problem(X, Y), np.zeros((10, 6))


def methods() -> dict[str, Preconditioner]:
    """Return the five optimizers of the opening by their display names.

    Returns
    -------
    dict
        Preconditioners whose parameters suit the gradients of `example`.

    Examples
    --------
    >>> list(methods())
    ['gradient descent', 'normalized GD', 'gradient clipping', 'Adam', 'spectral']
    """
    found: list[Preconditioner] = [
        GradientDescent(),
        NormalizedGD(0.4),
        GradientClipping(0.3),
        Adam(0.1),
        Spectral(SmoothedSign(0.2)),
    ]
    return {look(K).name: K for K in found}


LABELS = {  # what it is called in the picture, and where: from the highest loss to the lowest
    "Adam": ("Adam", (0.12, 1.5)),
    "spectral": ("smoothed Muon", (1e-3, 0.5)),
    "gradient clipping": ("clipping", (0.18, 5e-4)),
    "normalized GD": ("normalized GD", (0.18, 1.5e-3)),
    "gradient descent": ("GD", (1.5, 4.5)),
}


def _draw_entries(ax: Any) -> None:
    problem, W0 = example()
    V = problem.gradient(W0)
    size = np.abs(V).ravel()
    for name, K in methods().items():
        style, step = look(K), K.gradient(V).ravel()
        out, kept = np.abs(step), step * V.ravel() > 0
        if name != "spectral":  # the others do not change the order
            ax.plot(np.sort(size), np.sort(out), color=style.color, lw=1.2, alpha=0.6)
        filled = {"ms": 4, "mec": "white", "mew": 0.3}
        ax.plot(size[kept], out[kept], style.marker, color=style.color, **filled)
        hollow = {"ms": 3.6, "mfc": "none", "mec": style.color, "mew": 1.1}
        if not kept.all():
            ax.plot(size[~kept], out[~kept], style.marker, **hollow)
        text, place = LABELS[name]
        ax.annotate(text, place, color=style.color, weight="bold")
    ends = [1.07e-3, 1.07e-3], [0.09, 0.4]  # from the name to the first dot of the cloud
    ax.plot(*ends, color=look(methods()["spectral"]).color, lw=1)
    ax.set(xscale="log", yscale="log", xlim=(7e-4, 12), ylim=(2e-5, 12))
    ax.set(xlabel="|entry| of the gradient $V$", title=r"|the same entry| of $\nabla K(V)$")


def _draw_losses(ax: Any) -> None:
    for i, (name, (text, _)) in enumerate(LABELS.items()):
        K = methods()[name]
        color = look(K).color
        ax.semilogy(losses(K), color=color, lw=1.8)
        ax.annotate(text, (690, 0.7 / 4**i), color=color, weight="bold", ha="right")
    ax.set(xlabel="step $t$", title="share of the loss left")
    ax.set(xlim=(0, 700), ylim=(1e-8, 2))


def losses(K: Preconditioner) -> np.ndarray:
    """Return the loss over the steps of a run with η = 1/(βM), as a share of the first."""
    problem, W0 = example()
    run = dspgd(problem, K, W0, 1 / (K.smoothness * problem.M), record=("loss",), max_steps=700)
    loss = run.history["loss"]
    return np.asarray(loss / loss[0])


def opening() -> Picture:
    """Return what five optimizers do to one gradient, and how their losses fall.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> len(opening().panels)
    2
    """
    problem, W0 = example()
    V = problem.gradient(W0)
    size, turned = np.abs(V), methods()["spectral"].gradient(V) * V < 0
    late = {name: int(np.argmax(losses(K) < 1e-6)) for name, K in methods().items()}
    entries = (
        f"Sixty entries, in size from {size.min():.1g} to {size.max():.2g}, before and after, on "
        "logarithmic axes. Gradient descent, normalized GD and clipping are three parallel "
        "straight lines; Adam is one bending curve, which lifts small entries most; smoothed "
        f"Muon is a cloud, in which {turned.sum()} dots are hollow: their sign has changed."
    )
    falling = "Losses on a logarithmic axis: all fall to 0. A millionth is left after " + (
        ", ".join(f"{late[name]} steps ({text})" for name, (text, _) in reversed(LABELS.items()))
    )
    return Picture(
        [
            Panel(_draw_entries, entries, (360, 320)),
            Panel(_draw_losses, f"{falling}.", (360, 320)),
        ]
    )


# ------------------------------------------------------------------------------ who belongs

EPS = CUT = 0.5


def _sizes(G: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(np.sqrt(np.sum(G * G, axis=axis, keepdims=True) + EPS**2))


def _power(S: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(S)
    return np.asarray((vectors * values**exponent) @ vectors.T)


def shampoo(G: np.ndarray, eps: float = EPS) -> np.ndarray:
    """Return the step of Shampoo without memory, (GGᵀ + εI)^(−1/4) G (GᵀG + εI)^(−1/4).

    Parameters
    ----------
    G : array of shape (d, k)
        A gradient.
    eps : float
        The regularization, positive.

    Returns
    -------
    array of shape (d, k)

    Examples
    --------
    >>> shampoo(np.array([[3.0], [4.0]]), eps=11.0).round(3).tolist()
    [[0.5], [0.667]]
    """
    left, right = G @ G.T + eps * np.eye(len(G)), G.T @ G + eps * np.eye(G.shape[1])
    return _power(left, -0.25) @ G @ _power(right, -0.25)


def adafactor(G: np.ndarray, eps: float = EPS) -> np.ndarray:
    """Return the step of Adafactor without memory: g/√v, v of rank one from sums of g² + ε².

    Parameters
    ----------
    G : array of shape (d, k)
        A gradient.
    eps : float
        The smoothing, positive.

    Returns
    -------
    array of shape (d, k)

    Examples
    --------
    >>> adafactor(np.array([[3.0, 0.0], [0.0, 3.0]]), eps=1e-9).round(3).tolist()
    [[1.414, 0.0], [0.0, 1.414]]
    """
    square = G * G + eps**2
    rows, columns = square.sum(axis=1, keepdims=True), square.sum(axis=0, keepdims=True)
    return np.asarray(G / np.sqrt(rows * columns / square.sum()))


def _falling(G: np.ndarray) -> np.ndarray:
    return np.asarray(G / (np.sum(G * G) + EPS**2))


def _skewed(G: np.ndarray) -> np.ndarray:
    return np.asarray((np.eye(4) + 0.5 * np.eye(4, k=1)) @ G)


def _rows_then_columns(G: np.ndarray) -> np.ndarray:
    G = G / _sizes(G, 1)
    return np.asarray(G / _sizes(G, 0))


def newton_schulz(G: np.ndarray) -> np.ndarray:
    """Return the step of Muon as it is run, without momentum: five steps of Newton and Schulz.

    Parameters
    ----------
    G : array of shape (d, k)
        A gradient.

    Returns
    -------
    array of shape (d, k)
        A polynomial of G/‖G‖_F, near U Vᵀ of its singular vectors.

    Examples
    --------
    >>> newton_schulz(np.eye(1)).round(3).tolist()
    [[0.696]]
    """
    X = G / (np.linalg.norm(G) + 1e-7)
    for _ in range(5):
        A = X.T @ X
        X = X @ (3.4445 * np.eye(len(A)) - 4.7750 * A + 2.0315 * A @ A)
    return X


def _clipped_then_adam(G: np.ndarray) -> np.ndarray:
    return Adam(EPS).gradient(GradientClipping(1.0).gradient(G))


RULES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "Adam, no memory": Adam(EPS).gradient,
    "entries clipped": lambda G: np.clip(G, -CUT, CUT),
    "columns normalized": ColumnNormalized(EPS).gradient,
    "rows normalized": lambda G: G / _sizes(G, 1),
    "smoothed Muon": Spectral(SmoothedSign(EPS)).gradient,
    "Shampoo, no memory": shampoo,
    "columns centred": lambda G: G - G.mean(axis=0),
    "G/(‖G‖² + ε²)": _falling,
    "skewed matrix": _skewed,
    "Adafactor, no memory": adafactor,
    "rows, then columns": _rows_then_columns,
    "clipped, then Adam": _clipped_then_adam,
    "Muon as it is run": newton_schulz,
}


def jacobian(rule: Callable[[np.ndarray], np.ndarray], G: np.ndarray) -> np.ndarray:
    """Return the matrix of derivatives of an update rule, by differences of the fourth order.

    Parameters
    ----------
    rule : function
        Takes a gradient and returns the step, both of shape (d, k).
    G : array of shape (d, k)
        Where.

    Returns
    -------
    array of shape (dk, dk)

    Examples
    --------
    >>> jacobian(lambda G: 3 * G, np.ones((1, 2))).round(9).tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """
    h, columns = 1e-4, []
    for E in h * np.eye(G.size).reshape(-1, *G.shape):
        near, far = rule(G + E) - rule(G - E), rule(G + 2 * E) - rule(G - 2 * E)
        columns.append((8 * near - far).ravel() / (12 * h))
    return np.array(columns).T


@cache
def verdicts(count: int = 50) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return how far each rule is from the gradient of a convex function, at random gradients.

    Parameters
    ----------
    count : int
        How many gradients, of shape (4, 3) with standard normal entries.

    Returns
    -------
    dict of pairs of arrays of shape (count,)
        The asymmetry ‖J − Jᵀ‖/‖J‖ of the Jacobian, and the least eigenvalue of its symmetric
        part as a share of the largest in size.

    Examples
    --------
    >>> asymmetry, least = verdicts(5)["smoothed Muon"]
    >>> bool(asymmetry.max() < 1e-9), bool(least.min() > 0)
    (True, True)
    """
    gradients, found = np.random.default_rng(0).standard_normal((count, 4, 3)), {}
    for name, rule in RULES.items():
        J = np.array([jacobian(rule, G) for G in gradients])
        skew = np.linalg.norm(J - J.swapaxes(1, 2), axis=(1, 2))
        eigenvalues = np.linalg.eigvalsh(J + J.swapaxes(1, 2))
        found[name] = (
            skew / np.linalg.norm(J, axis=(1, 2)),
            eigenvalues[:, 0] / np.abs(eigenvalues).max(axis=1),
        )
    return found


ROUNDING = 1e-9


def belongs(name: str) -> tuple[bool, bool]:
    """Return whether a rule has symmetric Jacobians, and whether these are positive semidefinite.

    Parameters
    ----------
    name : str
        One of `RULES`.

    Returns
    -------
    pair of bool
        Up to rounding, at all the gradients of `verdicts`.

    Examples
    --------
    >>> belongs("G/(‖G‖² + ε²)")
    (True, False)
    """
    asymmetry, least = verdicts()[name]
    return bool(asymmetry.max() < ROUNDING), bool(least.min() > -ROUNDING)


def _draw_verdicts(ax: Any, part: int) -> None:
    for i, name in enumerate(RULES):
        values = np.maximum(verdicts()[name][part], 1e-14) if part == 0 else verdicts()[name][part]
        color = INSIDE if belongs(name)[part] else BOUND
        ax.plot([values.min(), values.max()], [i, i], color=color, lw=2)
        ax.plot(np.median(values), i, "o", color=color, ms=5.5)
    ax.axhline(6.5, color=FAINT, lw=0.8, ls=(0, (4, 3)))
    ax.set_yticks(range(len(RULES)), list(RULES))
    ax.set(ylim=(len(RULES) - 0.4, -0.6))
    ax.grid(visible=False, axis="y")
    if part == 0:
        ax.set(xscale="log", xlim=(3e-15, 6), xticks=[1e-14, 1e-9, 1e-4, 1])
        ax.set_title("asymmetry of the Jacobian", loc="right")
    else:
        ax.axvline(0, color=INK, lw=0.8)
        ax.set_xscale("symlog", linthresh=0.01)
        ax.set(xlim=(-1.5, 1.5), xticks=[-1, -0.1, 0, 0.1, 1])
        ax.set_xticklabels(["−1", "−0.1", "0", "0.1", "1"])
        ax.set_title("least eigenvalue / largest", loc="right")


def asymmetry() -> Picture:
    """Return which update rules are gradients of convex functions, judged by their Jacobians.

    Returns
    -------
    Picture
        Two panels: the asymmetry, and the least eigenvalue of the symmetric part.

    Examples
    --------
    >>> len(asymmetry().panels)
    2
    """
    skew = {name: np.median(verdicts()[name][0]) for name in RULES if not belongs(name)[0]}
    low = {name: verdicts()[name][1].min() for name in RULES if not belongs(name)[1]}
    alts = (
        "Rounding only for "
        + ", ".join(name for name in RULES if name not in skew)
        + "; plainly more for "
        + ", ".join(f"{name} ({value:.2f})" for name, value in skew.items()),
        "Negative at some gradients for "
        + ", ".join(f"{name} (down to {number(value, '.2f')})" for name, value in low.items())
        + "; for the others not",
    )
    return Picture(
        [Panel(partial(_draw_verdicts, part=i), f"{alts[i]}.", (360, 340)) for i in (0, 1)]
    )
