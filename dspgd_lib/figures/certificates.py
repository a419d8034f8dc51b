"""Stop early, project, and know the error: the certificate of a run beside its true error."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.leash import example
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import BOUND, FAINT, INK, look
from dspgd_lib.preconditioners import Adam, SmoothedSign
from dspgd_lib.runs import dspgd
from dspgd_lib.theory import Start, energy_distance_bound, sector_distance_bound

METHODS = (Adam(1.0), SmoothedSign(1.0))
LOSS = 300.0  # of the start: far enough that the sector has something to say
SEEDS = range(10)
SECTOR = "#00705a"


@cache
def certified(method: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return what is proved at each step about the end, and the true errors.

    Parameters
    ----------
    method : int
        0 for Adam, 1 for the smoothed sign; ε = 1, η = ε/M.
    seed : int
        Of the problem.

    Returns
    -------
    dict of arrays of shape (steps + 1,)
        "energy", "sector": bounds on ‖W_∞ − Π(W_t)‖; "projected": that distance; "walk":
        ‖W_∞ − W_t‖, the error without the projection.
    """
    problem, W1 = example(seed)
    goal, K = problem.project(W1), METHODS[method]
    W0, eta = goal + np.sqrt(LOSS) * (W1 - goal), 1 / problem.M
    run = dspgd(problem, K, W0, eta, tol=1e-14, record=("W",))
    W, end = run.history["W"], problem.project(run.W)
    start = Start(problem, K, W)
    return {
        "energy": energy_distance_bound(start, eta),
        "sector": sector_distance_bound(start),
        "projected": np.linalg.norm(problem.project(W) - end, axis=(1, 2)),
        "walk": np.linalg.norm(W - end, axis=(1, 2)),
    }


def steps_needed(error: float = 1e-6) -> np.ndarray:
    """Return after how many steps an error is certified, and after how many the weights have it.

    Parameters
    ----------
    error : float
        In the units of the weights.

    Returns
    -------
    array of shape (2, 10, 2)
        By method, by seed: certified, ‖W_t − W_∞‖.

    Examples
    --------
    >>> steps_needed().shape
    (2, 10, 2)
    """
    found = np.empty((2, len(SEEDS), 2))
    for method in (0, 1):
        for seed in SEEDS:
            run = certified(method, seed)
            least = np.minimum(run["energy"], run["sector"])
            found[method, seed] = [np.argmax(e <= error) for e in (least, run["walk"])]
    return found


def _draw_run(ax: Any, method: int) -> None:
    run, style = certified(method), look(METHODS[method])
    t = np.arange(len(run["walk"]))
    seen = run["projected"] > 1e-13
    ax.semilogy(t, run["walk"], color=INK, lw=1.6, ls=(0, (4, 3)))
    ax.semilogy(t, run["sector"], color=SECTOR, lw=1.6)
    ax.semilogy(t, run["energy"], color=BOUND, lw=2.2)
    ax.semilogy(t[seen], run["projected"][seen], color=style.color, lw=2.2)
    ax.axhline(1e-6, color=FAINT, lw=0.8)
    last, other, at = takes_over(method)
    ax.semilogy(at, run[last][at], "o", color=COLORS[last], ms=6)
    here = at, run[last][at]
    there = at + 18, 30 * max(here[1], 0.1)
    ax.plot(*zip(here, there, strict=True), color=COLORS[last], lw=0.8)
    ax.annotate(f"{NAMES[last]} takes over", there, color=COLORS[last], weight="bold")
    beside = int(np.argmax(run[other] < 3e-11))
    ax.annotate(NAMES[other], (beside + 4, 3e-11), color=COLORS[other])
    ax.annotate("W − end", (150, 1e-4), color=INK)
    ax.annotate("Π(W) − end", (72, 1e-11), color=style.color, ha="right")
    ax.set(xlim=(0, 215), ylim=(1e-13, 2e3), xlabel="step $t$")
    ax.set_title(f"{style.name}: errors, proved and true")


COLORS = {"energy": BOUND, "sector": SECTOR}
NAMES = {"energy": "leash", "sector": "sector"}


def takes_over(method: int, seed: int = 0) -> tuple[str, str, int]:
    """Return which bound is the lesser one in the end, the other one, and from which step on.

    Parameters
    ----------
    method : int
        0 for Adam, 1 for the smoothed sign.
    seed : int
        Of the problem.

    Returns
    -------
    str, str, int
        "energy" and "sector", in some order; the step after the last at which the other is less.

    Examples
    --------
    >>> [takes_over(method)[0] for method in (0, 1)]
    ['energy', 'sector']
    """
    run = certified(method, seed)
    settled = np.flatnonzero(run["walk"] > 1e-6)[-1]  # later, some numbers are rounding
    less = run["energy"] < run["sector"]
    last, other = ("energy", "sector") if less[settled] else ("sector", "energy")
    return last, other, int(np.flatnonzero(less[: settled + 1] != less[settled])[-1] + 1)


def closing_in() -> Picture:
    """Return for Adam and for the smoothed sign what is proved at each step, and the true error.

    Returns
    -------
    Picture
        Two panels.
    """
    panels = []
    for method in (0, 1):
        run = certified(method)
        least = np.minimum(run["energy"], run["sector"])
        last, _, at = takes_over(method)
        done, walked = (int(np.argmax(e <= 1e-6)) for e in (least, run["walk"]))
        alt = (
            f"{look(METHODS[method]).name}: errors over the step on a logarithmic axis. From step "
            f"{at} on the least bound is the {NAMES[last]}. An error of 1e-6 is certified after "
            f"{done} steps; the weights themselves are so near after {walked}."
        )
        panels.append(Panel(partial(_draw_run, method=method), alt, (360, 300)))
    return Picture(panels)
