"""Where each unit of the first loss goes: the ledger, the energy, what each assumption does."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.counterexamples import DeadZone, FlatBall
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Band, Line, Mark, note, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import BOUND, INK, look
from dspgd_lib.preconditioners import Adam, GradientClipping, GradientDescent, SmoothedSign
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd, sweep
from dspgd_lib.spectral import Spectral

WIDE, TALL = (360, 260), (360, 300)
NAMES = ("loss left", "ηK(V)", "ηD(0, V)", "D̂")
COLORS = ("#4d5866", "#0072B2", "#00705A", "#C04D00")
SHARES = np.linspace(0.025, 1.5, 60).round(3).tolist()
STEPS, KAPPA = 200, 20.0
AT = np.unique(np.r_[0, np.rint(np.geomspace(1, STEPS, 20))]).astype(int)


@cache
def example(seed: int = 0) -> tuple[Problem, np.ndarray]:
    """Return the problem of the chapter: four examples, twelve weights for each of two outputs.

    The largest singular value is 1, the condition number KAPPA.

    Parameters
    ----------
    seed : int
        Others draw other data and another start.

    Returns
    -------
    Problem, array of shape (12, 2)

    Examples
    --------
    >>> example()[0]
    Problem(n=4, d=12, k=2, loss=SquaredLoss())
    """
    rng = np.random.default_rng(seed)
    left, _, right = np.linalg.svd(rng.standard_normal((4, 12)), full_matrices=False)
    X = left @ np.diag(np.geomspace(1, KAPPA**-0.5, 4)) @ right
    goal, off = rng.standard_normal((2, 12, 2))
    return Problem(X, X @ goal), goal + right.T @ (right @ off)


@cache
def optimizers(scale: float = 1.0) -> dict[str, Any]:
    """Return the four preconditioners of the chapter by name.

    Parameters
    ----------
    scale : float
        Of their smoothings; the gradient at the start has the length 1.9.

    Returns
    -------
    dict

    Examples
    --------
    >>> list(optimizers())
    ['GD', 'clipping', 'Adam', 'smoothed Muon']
    """
    return {
        "GD": GradientDescent(),
        "clipping": GradientClipping(0.6 * scale),
        "Adam": Adam(0.75 * scale),
        "smoothed Muon": Spectral(SmoothedSign(scale)),
    }


# ------------------------------------------------------------------------------- the ledger


def accounts(K: Any, shares: Any, steps: int = STEPS) -> np.ndarray:
    """Return where the first loss of a run has gone, for several learning rates.

    Parameters
    ----------
    K : preconditioner
        With a `smoothness`.
    shares : array of shape (m,)
        Learning rates in units of 1/(βM).
    steps : int
        How many.

    Returns
    -------
    array of shape (m, 4, steps + 1)
        In per cent of L(W_0), after each step: loss left, and what has been spent so far on ηK(V),
        ηD_K(0, V) and D̂. They add up to 100.

    Examples
    --------
    >>> accounts(GradientDescent(), [1.0], steps=2).sum(axis=1).round(9).tolist()
    [[100.0, 100.0, 100.0]]
    """
    data, W0 = example()
    etas = np.asarray(shares, dtype=float) / (K.smoothness * data.M)
    run = sweep(data, K, W0, etas, tol=0, max_steps=steps, record=("W", "gradient"))
    L, V = data.loss_value(run.history["W"]), run.history["gradient"]
    level, work = etas * K.value(V), etas * (V * K.gradient(V)).sum((-2, -1))
    rest = work - level
    spent = np.stack([level[1:], rest[:-1], L[:-1] - L[1:] - level[1:] - rest[:-1]])
    so_far = np.concatenate([np.zeros_like(spent[:, :1]), np.cumsum(spent, axis=1)], axis=1)
    return np.asarray(100 * np.concatenate([L[None], so_far]) / L[0]).transpose(2, 0, 1)


def _ledgers_of(K: Any) -> Batch:
    """Return for each learning rate the ledger at the steps drawn, and its most negative D̂."""

    def compute(shares: np.ndarray) -> list[tuple[np.ndarray, float]]:
        return [(one[:, AT], float(np.diff(one[3]).min())) for one in accounts(K, shares)]

    return Batch(compute, SHARES)


_ledgers = {name: _ledgers_of(K) for name, K in optimizers().items()}


@cache
def _ends(name: str) -> np.ndarray:
    """Return the last column of the ledger for every stop, of shape (4, m)."""
    shares = np.array(SHARES)
    return np.asarray(accounts(optimizers()[name], shares)[:, :, -1].T)


def _edges(parts: np.ndarray) -> np.ndarray:
    """Return the upper edges of the layers, the topmost first, and the lower edge of the debt."""
    debt = np.minimum(parts[3], 0.0)
    gains = np.r_[parts[:3], np.maximum(parts[3:], 0.0)]
    return np.r_[np.cumsum(gains, axis=0)[::-1], debt[None]]


def _layers(x: np.ndarray, parts: np.ndarray) -> list[Mark]:
    edges = _edges(parts)
    colors = (*COLORS[::-1], COLORS[3])
    marks: list[Mark] = []
    for edge, color in zip(edges, colors, strict=True):
        area = np.r_[np.c_[x, edge], [(x[-1], 0.0), (x[0], 0.0)]]
        marks += [Band(area, "#ffffff", every=True), Band(area, color, opacity=0.42, every=True)]
    return marks


def _draw_time(ax: Any) -> None:
    ax.set_xscale("symlog", linthresh=2, linscale=0.6)
    ax.set(xlim=(0, STEPS), ylim=(-125, 230), xlabel="step $t$")
    ax.set_xticks(
        [0, 1, 2, 5, 10, 20, 50, 100, 200], ["0", "1", "2", "5", "10", "20", "50", "100", "200"]
    )
    ax.minorticks_off()
    ax.set(yticks=[-100, 0, 100, 200], title="where the loss went, % of $L(W_0)$")


def _draw_rates(ax: Any) -> None:
    ax.set(xlim=(SHARES[0], SHARES[-1]), ylim=(-125, 230), xlabel="η, in units of 1/(βM)")
    ax.set(yticks=[-100, 0, 100, 200], title=f"after {STEPS} steps")


def _ledger_frame(K: str, share: float) -> Frame:
    parts, worst = _ledgers[K](share)
    end, ends = parts[:, -1], _ends(K)
    x = np.array(SHARES)
    left, right = _layers(AT.astype(float), parts), _layers(x, ends)
    edges = _edges(parts)
    at = 14
    for i, name in enumerate(NAMES):  # the first has left by then
        top = edges[3 - i, at] if i < 3 or parts[3, at] > 0 else 0.0
        bottom = top - abs(parts[i, at])
        if top - bottom > 14:
            left.append(note((AT[at], (top + bottom) / 2 - 4), name, COLORS[i], "middle"))
    for marks, ends_of_axis in ((left, (0, STEPS)), (right, (SHARES[0], SHARES[-1]))):
        marks += [Line([(end, level) for end in ends_of_axis], INK, 1.4) for level in (0, 100)]
    if parts[0, 1] > 30:
        left.append(note((0.1, 8), "left", COLORS[0]))
    right += [
        Line([(1, -125), (1, 230)], BOUND, 1.6),
        Line([(share, -125), (share, 230)], INK, 1.4, "3 3"),
        note((0.97, 207), "guarantee", BOUND, "end"),
    ]
    shares = [f"{number(part, '.0f')} %" for part in end[1:]]
    sign = "no step of D̂ is negative"
    if worst < -0.05:
        sign = f"in the worst step D̂ is <b>{number(worst, '.1f')} %</b>"
    caption = (
        f"{K} at η = {share:g}/(βM): of each 100 % of loss {shares[0]} went on ηK(V), {shares[1]} "
        f"on ηD(0, V), {shares[2]} on D̂; {sign}."
    )
    alts = [
        f"Stacked over the steps: {end[0]:.1f} % of the loss is left at the end, {shares[0]} went "
        f"on K(V), {shares[1]} on the divergence from 0, {shares[2]} on D̂.",
        f"The same after {STEPS} steps over the learning rate, marked at {share:g}.",
    ]
    return Frame([left, right], alts, caption)


def ledger() -> Explorer:
    """Return where each unit of the initial loss goes, over time and over the learning rate.

    Returns
    -------
    Explorer
        Two panels; buttons for K and a slider for the learning rate.

    Examples
    --------
    >>> ledger().stops
    240
    """
    panels = [
        Panel(_draw_time, "Axes: step against per cent of the first loss.", TALL),
        Panel(_draw_rates, "Axes: learning rate against per cent of the first loss.", TALL),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("K", "method", list(optimizers()), start=2),
        Slider(
            "share",
            "learning rate η, in units of 1/(βM)",
            SHARES,
            start=29,
            log=False,
            form="{:.3f}",
        ),
    ]
    return Explorer(panels, _ledger_frame, controls, "Where each unit of the loss goes")


# ------------------------------------------------------------------------------- the energy


def energies(steps: int = 60) -> dict[str, np.ndarray]:
    """Return energy and loss along runs at the largest guaranteed learning rate.

    Parameters
    ----------
    steps : int
        How many.

    Returns
    -------
    dict of arrays of shape (3, steps + 1)
        For each method Φ = L + ηK(V), L, and what η⟨∇K(V), V⟩ has added up to before each step.

    Examples
    --------
    >>> energy, loss, work = energies(5)["GD"]
    >>> bool((loss <= energy).all() and (energy + work <= energy[0]).all())
    True
    """
    data, W0 = example()
    found = {}
    for name, K in optimizers(0.25).items():
        eta = 1 / (K.smoothness * data.M)
        run = dspgd(data, K, W0, eta, tol=0, max_steps=steps, record=("loss", "gradient"))
        L, V = run.history["loss"], run.history["gradient"]
        work = eta * (V * K.gradient(V)).sum((-2, -1)).cumsum()
        found[name] = np.stack([L + eta * K.value(V), L, np.r_[0, work[:-1]]])
    return found


def energy_account() -> Picture:
    """Return the energy in units of the loss, and where the energy of one run goes.

    Returns
    -------
    Picture
        Two panels over the steps.

    Examples
    --------
    >>> len(energy_account().panels)
    2
    """
    runs, steps = energies(60), 24
    ratios = {name: found[0] / found[1] for name, found in runs.items()}
    energy, _, work = 100 * runs["Adam"] / runs["Adam"][0, 0]
    t = np.arange(len(energy))

    def draw_ratios(ax: Any) -> None:
        for name, K in optimizers().items():
            ratio, color = ratios[name], look(K).color
            ax.plot(ratio[: steps + 1], color=color, lw=2)
            top = int(ratio.argmax()) + (name == "GD")
            off = (26, -4) if name == "clipping" else (0, 5)  # past the name before it
            ax.annotate(name, (top, ratio.max()), off, textcoords="offset points", color=color)
        for level in (1, 2):
            ax.axhline(level, color=BOUND, lw=1.6)
        ax.annotate("proved", (steps - 0.3, 1.93), color=BOUND, ha="right")
        ax.set(xlim=(0, steps), ylim=(0.9, 2.1), xlabel="step $t$", title="energy Φ / loss")

    def draw_account(ax: Any) -> None:
        edges = (0 * t, energy, energy + work, 0 * t + 100)
        names = ("energy left", "work η⟨∇K(V), V⟩", "D̂")
        colors = (COLORS[0], COLORS[1], COLORS[3])
        for low, high, name, color in zip(edges, edges[1:], names, colors, strict=False):
            ax.fill_between(t, low, high, color=color, alpha=0.42, lw=0)
            at = 0.4 if name == "energy left" else 7
            middle = 20 if at < 1 else (low[8] + high[8]) / 2 - 3
            ax.annotate(name, (at, middle), color=color, weight="bold")
        ax.set(xlim=(0, 16), ylim=(0, 103), xlabel="step $t$", title="Adam: % of Φ at the start")

    low, high = min(map(np.min, ratios.values())), max(map(np.max, ratios.values()))
    ratio_alt = f"Energy over loss for four methods: from {low:.2f} to {high:.2f}, within 1 and 2."
    account_alt = (
        f"Stacked over the steps, for Adam: the work takes {work[-1]:.0f} % of the energy, the "
        f"adjusted divergence {100 - work[-1] - energy[-1]:.0f} %."
    )
    return Picture([Panel(draw_ratios, ratio_alt, WIDE), Panel(draw_account, account_alt, WIDE)])


# ------------------------------------------------------------------------------- what each does


@cache
def without_one() -> dict[str, np.ndarray]:
    """Return how far runs are from the labels when one assumption of the theorem is dropped.

    Returns
    -------
    dict of arrays of shape (61,)
        ‖XW_t − Y‖ in units of the start, by what was dropped.

    Examples
    --------
    >>> bool(without_one()["nothing dropped"][-1] < 1e-6)
    True
    """
    X, W0, adam = np.array([[1.0, 0.4, 0.2], [0.3, -0.8, 0.5]]), [3.0, -2.0, 1.0], Adam(1.0)
    Y, twice = np.zeros(2), np.array([2.5, -2.5])
    good = Problem(X, Y)
    cases: dict[str, tuple[Problem, Any, float]] = {
        "nothing dropped": (good, adam, 1.0),
        "K flat on a ball": (good, FlatBall(1.0), 1.0),
        "labels that disagree": (Problem(X[[0, 0]], twice, strict=False), adam, 1.0),
        "loss with a dead zone": (Problem(X, Y, DeadZone(0.25)), adam, 1.0),
        "η at 2.2/(βM)": (good, adam, 2.2),
    }
    found = {}
    for name, (data, K, share) in cases.items():
        eta = share / (K.smoothness * data.M)
        run = dspgd(data, K, W0, eta, tol=0, max_steps=60, record=("W",))
        left = np.linalg.norm(data.residual(run.history["W"]), axis=(1, 2))
        found[name] = left / left[0]
    return found


def dropped() -> Picture:
    """Return runs that do not arrive, one for each assumption that is dropped.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> len(dropped().panels)
    1
    """
    runs = without_one()
    colors = (INK, *COLORS[1:], BOUND)

    def draw(ax: Any) -> None:
        for (name, left), color in zip(runs.items(), colors, strict=True):
            ax.semilogy(left, color=color, lw=2)
            beside: dict[str, Any] = {"color": color, "textcoords": "offset points"}
            if left[-1] > 1e-3:
                ax.annotate(name, (59, left[-1]), (0, 4), ha="right", **beside)
            else:
                ax.annotate(name, (9, 3e-3), (4, 0), **beside)
        ax.set(
            xlim=(0, 60), ylim=(1e-3, 2), xlabel="step $t$", title="‖XW − Y‖, share of the first"
        )

    ends = ", ".join(f"{name}: {left[-1]:.2g}" for name, left in runs.items())
    return Picture([Panel(draw, f"What is left of the residual after 60 steps: {ends}.", TALL)])
