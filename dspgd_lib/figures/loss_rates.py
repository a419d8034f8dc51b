"""How fast the loss falls and how long the road is: data for the bounds, and two pictures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.counterexamples import HuberLoss
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import circle, rays
from dspgd_lib.plotting import BOUND, FAINT, MANIFOLD, look
from dspgd_lib.potentials import Quadratic
from dspgd_lib.preconditioners import Adam, GradientClipping, GradientDescent
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd, sweep
from dspgd_lib.theory import Start, path_length_bound

WIDE = (360, 260)


def dual_rate(tuned: Any = (5, 20, 80), steps: int = 200) -> tuple[dict[str, np.ndarray], Any]:
    """Return K along runs of clipping whose threshold is tuned to come near the bound at one step.

    One example of length 1, squared loss, η = 1, W_0 at distance 1.

    Parameters
    ----------
    tuned : sequence of int
        For each T the threshold is 1/(2T + 1).
    steps : int
        How many.

    Returns
    -------
    measured : dict of arrays of shape (steps + 1,)
        K(∇L(W_t)), by name.
    proved : array of shape (steps + 1,)
        L(W_0)/(η(2t + 1)).

    Examples
    --------
    >>> measured, proved = dual_rate([5], 10)
    >>> (measured["T = 5"] / proved).round(3).tolist()[3:7]
    [0.868, 0.967, 1.0, 0.967]
    """
    data, W0 = Problem(np.eye(1, 2), np.zeros(1)), [1.0, 0.0]
    measured = {}
    for T in tuned:
        K = GradientClipping(1 / (2 * T + 1))
        run = dspgd(data, K, W0, 1.0, tol=0, max_steps=steps, record=("preconditioner",))
        measured[f"T = {T}"] = run.history["preconditioner"]
    return measured, 0.5 / (2 * np.arange(steps + 1) + 1)


def straight_loss(tuned: Any = (2, 20, 200), steps: int = 500) -> tuple[dict[str, Any], Any]:
    """Return K along runs of clipping with Huber's loss, built to come near 1/t at one step.

    One example of length 1, η = 1/(βM) = 1. For each T the threshold c solves Tc² + c = 1, and
    W_0 = 1 + Tc, so that T steps stay on the straight part of the loss and of K.

    Parameters
    ----------
    tuned : sequence of int
        The steps T.
    steps : int
        How many.

    Returns
    -------
    measured : dict of arrays of shape (steps,)
        K(V_t) in units of L(W_0)/η from t = 1 on, by name.
    proved : array of shape (steps,)
        1/t.

    Examples
    --------
    >>> measured, proved = straight_loss([2, 200])
    >>> [round(float((run / proved).max()), 2) for run in measured.values()]
    [0.5, 0.93]
    """
    data, measured = Problem(np.eye(1, 2), np.zeros(1), HuberLoss(1.0)), {}
    for T in tuned:
        c = (np.sqrt(1 + 4 * T) - 1) / (2 * T)
        run = dspgd(
            data, GradientClipping(c), [1 + T * c, 0.0], 1.0, tol=0, max_steps=steps,
            record=("preconditioner", "loss"),
        )  # fmt: skip
        measured[f"T = {T}"] = run.history["preconditioner"][1:] / run.history["loss"][0]
    return measured, 1 / np.arange(1, steps + 1)


# ------------------------------------------------------------------------------- rates


def conditioned(kappa: float, seed: int, n: int = 6, d: int = 18) -> tuple[Problem, np.ndarray]:
    """Return a problem with a given condition number and largest singular value 1, and a start.

    Parameters
    ----------
    kappa : float
        M/μ = σ_max²/σ_min².
    seed : int
        Of the directions; the singular values are evenly spread on a logarithmic scale.
    n, d : int
        Examples and weights.

    Returns
    -------
    Problem, array of shape (d, 1)

    Examples
    --------
    >>> round(conditioned(100.0, 0)[0].kappa, 6)
    100.0
    """
    rng = np.random.default_rng(seed)
    left, _, right = np.linalg.svd(rng.standard_normal((n, d)), full_matrices=False)
    X = left @ np.diag(np.geomspace(1, kappa**-0.5, n)) @ right
    return Problem(X, X @ rng.standard_normal((d, 1))), rng.standard_normal((d, 1))


def rates(kappas: Any, ratios: Any = (1, 10), seeds: int = 10) -> tuple[dict[str, Any], dict]:
    """Return by how much √L falls at least in a step of a run, and what is proved.

    Parameters
    ----------
    kappas : array of shape (m,)
        Condition numbers.
    ratios : sequence of float
        For Adam: the radius √(2ML(W_0)) in units of ε, so that β/m = 1 + ratio.
    seeds : int
        How many problems.

    Returns
    -------
    measured : dict of arrays of shape (seeds, m)
        The least 1 − √(L_{t+1}/L_t) of the run, until the loss is a millionth of the first,
        to seven digits.
    proved : dict of arrays of shape (m,)
        ηmμ at η = 1/(βM).

    Examples
    --------
    >>> measured, proved = rates([10.0], seeds=1)
    >>> bool((measured["gradient descent"] >= proved["gradient descent"]).all())
    True
    """
    kappas = np.asarray(kappas, dtype=float)
    pairs = [conditioned(kappa, seed) for seed in range(seeds) for kappa in kappas]
    data, starts = [pair[0] for pair in pairs], np.stack([pair[1] for pair in pairs])
    radius = np.array([float(Start(pair[0], GradientDescent(), pair[1]).radius) for pair in pairs])
    measured, proved = {}, {}
    for ratio in (0, *ratios):
        K = Adam(radius / ratio) if ratio else GradientDescent()
        eta = (radius / ratio if ratio else np.ones(len(pairs))) / [one.M for one in data]
        run = sweep(data, K, starts, eta, tol=1e-4, record=("loss",))
        L = run.history["loss"]
        with np.errstate(invalid="ignore"):
            kept = (L[1:] > 1e-6 * L[0]) & (np.arange(len(L) - 1)[:, None] < run.steps)
            factor = np.where(kept, L[1:] / L[:-1], 0.0).max(axis=0)
        name = f"Adam, R/ε = {ratio:g}" if ratio else "gradient descent"
        slowest = [float(f"{found:.7g}") for found in 1 - np.sqrt(factor)]
        measured[name] = np.reshape(slowest, (seeds, len(kappas)))
        proved[name] = 1 / (kappas * (1 + ratio))
    return measured, proved


def past(shares: Any, kappa: float = 2.0, spread: float = 1.5) -> dict[str, np.ndarray]:
    """Return the worst factor of the loss in one step over the learning rate, and both bounds.

    A quadratic K with eigenvalues from m to β and squared loss, the data along eigenvectors of K.

    Parameters
    ----------
    shares : array of shape (m,)
        Learning rates in units of 1/(βM).
    kappa, spread : float
        M/μ and β/m.

    Returns
    -------
    dict of arrays of shape (m,)
        "measured" and the bounds: "before", (1 − ηmμ)², up to 1; "elementary",
        1 − 2ηmμ(1 − ηβM/2); "exact", max(1 − ηmμ, ηβM − 1)².

    Examples
    --------
    >>> found = past([0.5, 1.9])
    >>> bool(np.allclose(found["measured"], found["exact"]))
    True
    """
    shares = np.asarray(shares, dtype=float)
    data = Problem(np.diag([1.0, kappa**-0.5]) @ np.eye(2, 3), np.zeros(2))
    K = Quadratic(np.diag([1.0, 1 / spread, 1.0]))
    starts = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])[..., None]
    V = data.gradient(starts)
    after = starts - shares[:, None, None, None] / data.M * K.gradient(V)
    worst = (data.loss_value(after) / data.loss_value(starts)).max(axis=1)
    slow = shares / (kappa * spread)
    return {
        "measured": worst,
        "before": np.where(shares <= 1, (1 - slow) ** 2, np.inf),
        "elementary": 1 - 2 * slow * (1 - shares / 2),
        "exact": np.maximum(1 - slow, shares - 1) ** 2,
    }


# ------------------------------------------------------------------------------- the road


@cache
def roads(count: int = 91) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return starts of one loss, on half an ellipse, and how long the roads from there are.

    Two examples that measure the two weights with ⅓ and 1, squared loss, L(W_0) = ½.

    Parameters
    ----------
    count : int
        How many starts.

    Returns
    -------
    starts : array of shape (count, 2)
    shares : dict of arrays of shape (count,)
        Length of the road in units of its bound, by name.

    Examples
    --------
    >>> round(float(roads()[1]["GD"].max()), 9)
    1.0
    """
    data, angle = _two(), np.linspace(0, np.pi, count)
    starts = np.c_[3 * np.cos(angle), np.sin(angle)]
    W0 = np.c_[starts, np.zeros(count)][..., None]
    found = {}
    for name, K in walkers().items():
        eta = 0.5 / (K.smoothness * data.M)
        run = sweep(data, K, W0, eta, tol=1e-9, record=("W",))
        length = np.linalg.norm(np.diff(run.history["W"], axis=0), axis=(2, 3)).sum(axis=0)
        found[name] = length / path_length_bound(Start(data, K, W0))
    return starts, found


def walkers() -> dict[str, Any]:
    """Return the methods whose roads are measured, by name.

    Returns
    -------
    dict

    Examples
    --------
    >>> list(walkers())
    ['GD', 'Adam', 'quadratic']
    """
    return {
        "GD": GradientDescent(),
        "Adam": Adam(1.0),
        "quadratic": Quadratic(np.diag([1.0, 0.25, 1.0])),
    }


def _two() -> Problem:
    return Problem(np.diag([1 / 3, 1.0]) @ np.eye(2, 3), np.zeros(2))


def _draw_roads(ax: Any) -> None:
    data, color = _two(), look(GradientDescent()).color
    ax.plot(*(circle() * [3.0, 1.0]).T, color=FAINT, lw=1)
    for start in rays(24) * [3.0, 1.0]:
        W0 = np.r_[start, 0.0][:, None]
        run = dspgd(data, GradientDescent(), W0, 0.2, tol=1e-4, record=("W",))
        straight = abs(start[0]) > 2.99
        ax.plot(*run.history["W"][:, :2, 0].T, color=color, lw=3.4 if straight else 1.0)
        ax.plot(*start, "o", color=color, ms=6 if straight else 3.5)
    ax.plot(0, 0, "o", color=MANIFOLD, ms=8)
    ax.annotate("equal loss", (1.9, 0.86), color="#4d5866")
    ax.annotate(r"$\mathcal{W}$", (0.06, -0.32))
    ax.set(xlim=(-3.3, 3.3), ylim=(-1.5, 1.5), aspect="equal", title="the floor, from above")


def shortest() -> Picture:
    """Return roads of gradient descent from an ellipse of equal loss, and their lengths.

    Returns
    -------
    Picture
        Two panels: the roads, and their length over the place of the start.

    Examples
    --------
    >>> len(shortest().panels)
    2
    """
    _, shares = roads()
    angle = np.linspace(0, 180, len(shares["GD"]))

    def draw_lengths(ax: Any) -> None:
        for (name, K), place in zip(walkers().items(), (0.86, 0.59, 0.335), strict=True):
            ax.plot(angle, shares[name], color=look(K).color, lw=2)
            ax.annotate(name, (5, place), color=look(K).color)
        ax.axhline(1, color=BOUND, lw=1.6)
        ax.annotate("proved", (90, 1.02), color=BOUND, ha="center")
        ax.set(xlim=(0, 180), ylim=(0, 1.12), title="length of the road / bound")
        ax.set_xticks([0, 90, 180], ["long axis", "short axis", "long axis"])
        ax.set(xlabel="place of the start on the ellipse")

    alt = ", ".join(f"{name} {share.max():.2f}" for name, share in shares.items())
    return Picture(
        [
            Panel(
                _draw_roads,
                "An ellipse of equal loss and roads of gradient descent from it to its centre: "
                "they bend to the long axis; those from its two ends are straight.",
                WIDE,
            ),
            Panel(
                draw_lengths,
                f"Length over bound by the place on the ellipse, at most: {alt}.",
                WIDE,
            ),
        ]
    )
