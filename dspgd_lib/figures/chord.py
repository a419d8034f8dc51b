"""The sharp constant behind the leash: a convex curve and its chord, and who comes near it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, note, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import BOUND, FAINT, INK, look
from dspgd_lib.preconditioners import Adam

ADAM, CHORD = look(Adam(1.0)), "#8a5a00"
BEND = Adam(1.0).bend  # 2/(3√3)

# ------------------------------------------------------------------------------ the chord

SIZES = [float(f"{v:.2g}") for v in np.geomspace(0.2, 5, 13)]
MASSES = np.linspace(0.02, 0.98, 41).round(3).tolist()
WIDE = 6.2


def gap(mass: ArrayLike, v: ArrayLike) -> np.ndarray:
    """Return E[1/c] − 1/E[c] for c = 1 + v with probability `mass`, else c = 1.

    Parameters
    ----------
    mass : array
        Between 0 and 1.
    v : array
        The large entry in units of ε; the others are infinitesimal.

    Returns
    -------
    array
        dist(∇K(V), span V)²/⟨V, ∇K(V)⟩ for Adam with ε = 1.

    Examples
    --------
    >>> gap(0.5, 1.0).round(4).item()
    0.0833
    """
    mass, v = np.asarray(mass, dtype=float), np.asarray(v, dtype=float)
    return 1 - mass * v / (1 + v) - 1 / (1 + mass * v)


def ratio(mass: ArrayLike, v: ArrayLike) -> np.ndarray:
    """Return dist(∇K(V), span V)/⟨V, ∇K(V)⟩ for the same V: t√(1 − t)/√(1 + tv) for mass t.

    Parameters
    ----------
    mass, v : arrays
        As for `gap`.

    Returns
    -------
    array
        At most 2/(3√3), which it approaches for mass 2/3 and v → 0.

    Examples
    --------
    >>> float(ratio(2 / 3, 1e-9)).__round__(4)
    0.3849
    """
    mass, v = np.asarray(mass, dtype=float), np.asarray(v, dtype=float)
    return np.asarray(mass * np.sqrt((1 - mass) / (1 + mass * v)))


def _draw_curve(ax: Any) -> None:
    c = np.linspace(1, WIDE, 100)
    ax.plot(c, 1 / c, color=INK, lw=2)
    ax.annotate("1/c", (5.25, 0.09), color=INK)
    ax.set(xlim=(0.8, WIDE), ylim=(0, 1.06), xlabel="$c$ = |entry| / its step")
    ax.set_title("the curve and its chord")


def _draw_ratio(ax: Any) -> None:
    t = np.sin(np.linspace(0, np.pi / 2, 200)) ** 2
    ax.plot(t, ratio(t, 0.0), color=FAINT, lw=1.4, ls=(0, (4, 3)))
    ax.axhline(BEND, color=BOUND, lw=2)
    ax.annotate("v → 0", (0.17, 0.195), color="#4d5866", ha="right")
    ax.annotate("2/(3√3)", (0.02, BEND + 0.012), color=BOUND)
    ax.set(xlim=(0, 1), ylim=(0, 0.45), xlabel="share $t$ of the work, large entry")
    ax.set_title("distance of ∇K(V) from span V, over ⟨V, ∇K(V)⟩")


def _chord_frame(v: float, mass: float) -> Frame:
    top, mean = 1 + v, 1 + mass * v
    on_chord = 1 - mass * v / top
    high, here = float(gap(mass, v)), float(ratio(mass, v))
    side = "start" if mean < 4.4 else "end"
    step = 0.12 if side == "start" else -0.12
    first: list[Mark] = [
        Line([(1, 1), (top, 1 / top)], CHORD, 2),
        Dots([(1, 1), (top, 1 / top)], CHORD, "o", 5, gap=0),
        Line([(mean, 1 / mean), (mean, on_chord)], ADAM.color, 5),
        note((mean + step, on_chord + 0.02), f"gap {number(high, '.3f')}", ADAM.color, side),
        note((top, 1 / top - 0.09), "t", CHORD, "middle"),
        note((1.2, 0.985), "1 − t", CHORD, "start"),
    ]
    t = np.sin(np.linspace(0, np.pi / 2, 61)) ** 2
    second: list[Mark] = [
        Line(np.c_[t, ratio(t, v)], ADAM.color, 2, every=True),
        Dots((mass, here), ADAM.color, ADAM.marker, 6),
    ]
    share = here / BEND
    caption = (
        f"One entry of size {v:g}ε has the share t = {mass:.2f}, infinitely many tiny ones the "
        f"rest: the distance is <b>{here:.3f}</b> of ⟨V, ∇K(V)⟩, {100 * share:.0f} % of the most "
        "that is possible."
    )
    alts = [
        f"The curve 1/c and its chord from c = 1 to c = {top:g}. At the mean {mean:.2f} the chord "
        f"is {high:.3f} above the curve.",
        f"The quotient over t for v = {v:g}: it is {here:.3f} at t = {mass:.2f}, below the level "
        f"{BEND:.3f}.",
    ]
    return Frame([first, second], alts, caption)


def chord() -> Explorer:
    """Return the curve 1/c with its chord, sliders for the large entry and its share.

    Returns
    -------
    Explorer
        Two panels: the gap, and the quotient that it makes.

    Examples
    --------
    >>> chord().stops
    533
    """
    panels = [
        Panel(_draw_curve, "The convex curve 1/c for c from 1 to 6."),
        Panel(
            _draw_ratio,
            "The quotient over t: a dashed arch for v → 0 touches the level 2/(3√3) = 0.385 at "
            "t = 2/3.",
        ),
    ]
    controls: list[Slider | Buttons] = [
        Slider("v", "large entry v/ε", SIZES, start=9),
        Slider("mass", "its share t of the work", MASSES, start=25, log=False),
    ]
    return Explorer(panels, _chord_frame, controls, "A chord above a curve")


# ------------------------------------------------------------------------------ the hunt

SPREAD = [1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000, 2000, 4000]
NARROW = 0.003  # of ε: how large the first residual is, for examples of length 1


def worst(entries: int) -> np.ndarray:
    """Return the example of length 1 with two thirds of ‖x‖² in one entry, the rest spread evenly.

    Parameters
    ----------
    entries : int
        Over how many.

    Returns
    -------
    array of shape (entries + 1,)

    Examples
    --------
    >>> (worst(2) ** 2).round(3).tolist()
    [0.667, 0.167, 0.167]
    """
    return np.sqrt(np.r_[2 / 3, np.full(entries, 1 / (3 * entries))])


def attained(x: np.ndarray, residual: float = NARROW, K: Any = None) -> float:
    """Return ‖W_∞ − W_GD‖ of the flow as a share of its bound b·L(W0), for one example.

    Parameters
    ----------
    x : array of shape (d,)
        The example.
    residual : float
        That of the start.
    K : Preconditioner, optional
        With a `bend`; Adam with ε = 1 if none is given.

    Returns
    -------
    float

    Examples
    --------
    >>> round(attained(worst(1)), 2)
    0.29
    """
    K = K or Adam(1.0)
    apart = moved(x, residual, K) - residual * x / (x @ x)
    return float(np.linalg.norm(apart) / (K.bend * 0.5 * residual**2))


NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def moved(x: np.ndarray, residual: float, K: Any) -> np.ndarray:
    """Return how far the flow moves each weight for one example: the integral of ∇K(ux)/φ′(u).

    Parameters
    ----------
    x : array of shape (d,)
        The example.
    residual : float
        That of the start; u goes from 0 to it.
    K : Preconditioner
        φ(u) = K(ux).

    Returns
    -------
    array of shape (d,)
        W_0 − W_∞.

    Examples
    --------
    >>> from dspgd_lib import GradientDescent
    >>> moved(np.array([3.0, 4.0]), 25.0, GradientDescent()).round(9).tolist()
    [3.0, 4.0]
    """
    u = 0.5 * residual * (1 + NODES)
    pushes = K.gradient(u[:, None, None] * x[:, None])[..., 0]
    return np.asarray(0.5 * residual * WEIGHTS @ (pushes / (pushes @ x)[:, None]))


@cache
def hunted(seeds: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return how near the worst example, and random ones, come to the bound, over the entries.

    Parameters
    ----------
    seeds : int
        How many random examples for each number of entries.

    Returns
    -------
    worst : array of shape (13,)
        Shares of the bound, over `SPREAD`.
    random : array of shape (seeds, 13)
        The same for standard normal x divided by their length.
    """
    tight = np.array([attained(worst(count)) for count in SPREAD])
    loose = np.empty((seeds, len(SPREAD)))
    for seed in range(seeds):
        for i, count in enumerate(SPREAD):
            x = np.random.default_rng(seed).standard_normal(count + 1)
            loose[seed, i] = attained(x / np.linalg.norm(x))
    return tight, loose


def _draw_hunt(ax: Any) -> None:
    tight, loose = hunted()
    ax.axhspan(1, 1.3, color="#fbe9e7")
    ax.axhline(1, color=BOUND, lw=2)
    ax.annotate("proved", (1.1, 1.04), color=BOUND, weight="bold")
    ax.fill_between(SPREAD, loose.min(axis=0), loose.max(axis=0), color=FAINT, alpha=0.3, lw=0)
    ax.plot(SPREAD, np.median(loose, axis=0), "o", color="#5d6470", ms=5)
    ax.plot(SPREAD, tight, ADAM.marker, color=ADAM.color, ms=6)
    ax.annotate("two thirds in one entry", (4e3, 0.74), color=ADAM.color, weight="bold", ha="right")
    ax.annotate("random examples", (4e3, 0.32), color="#5d6470", weight="bold", ha="right")
    ax.set(xscale="log", ylim=(0, 1.14), xlabel="entries over which the rest is spread")
    ax.set_title("distance as a share of b·L(W₀)/ε")


def hunt() -> Picture:
    """Return how near the worst example comes to the bound, and how far random ones stay away.

    Returns
    -------
    Picture
        One panel; one example, Adam's flow, a residual of 0.003ε.
    """
    tight, loose = hunted()
    alt = (
        "Distance as a share of the bound, over the number of entries that share a third of the "
        f"example's square. It rises from {tight[0]:.2f} at 1 to {tight[-1]:.3f} at {SPREAD[-1]:,}."
        f" Ten random examples: their median is {np.median(loose[:, 0]):.2f} with two entries and "
        f"{np.median(loose[:, -1]):.2f} with {SPREAD[-1] + 1:,}."
    )
    return Picture([Panel(_draw_hunt, alt, (360, 270))])
