"""Figures of the run that fits ever better and never arrives."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dspgd_lib.counterexamples import ONE_THIRD_ROOT, Drifting, drift, foot_of
from dspgd_lib.figures.backgrounds import draw_axes
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import FAINT, INK, MANIFOLD

ETA, LONG, OFFSET = 0.5, 10**6, -0.38358
ROSE, BLUE = "#AA3377", "#0072B2"
DRIFT, DUAL = "#C04D00", "#5B3E96"
LAW: dict[str, Any] = {"color": INK, "lw": 1.2, "ls": (0, (5, 3))}
WIDE = (360, 260)
TIMES = np.unique(np.rint(np.geomspace(1, LONG, 190))).astype(int)
STOPS = np.unique(np.rint(np.geomspace(2, 2000, 220))).astype(int)  # beyond, nothing is seen


@cache
def road() -> np.ndarray:
    """Return a million steps of the drift with η = ½, of shape (1000001, 2).

    Returns
    -------
    array

    Examples
    --------
    >>> road()[10_000].round(3).tolist()
    [0.007, -2.686]
    """
    return drift(LONG, ETA)


# ------------------------------------------------------------------------------- the opening


def drifting() -> Picture:
    """Return the loss and the second weight of the run that never settles, a million steps.

    Returns
    -------
    Picture
        Two panels over the step, on logarithmic axes.

    Examples
    --------
    >>> len(drifting().panels)
    2
    """
    t, W = TIMES, road()[TIMES]
    loss = 0.5 * W[:, 0] ** 2

    def draw_loss(ax: Any) -> None:
        ax.loglog(t, loss, color=DRIFT, lw=2.2)
        ax.plot(t[t > 3], 1 / (8 * ETA * t[t > 3]), **LAW)
        ax.annotate("1/(8ηt)", (60, 8e-4), ha="right")
        ax.set(xlim=(1, LONG), ylim=(1e-7, 1), xlabel="step $t$", title="the loss falls to 0 …")

    def draw_weight(ax: Any) -> None:
        ax.semilogx(t, W[:, 1], color=DRIFT, lw=2.2)
        ax.plot(t, OFFSET - np.log(t) / 4, **LAW)
        ax.annotate("$-0.38 - \\frac{1}{4}\\,\\log\\, t$".replace("\\frac{1}{4}", "¼"), (3, -2.2))
        ax.set(
            xlim=(1, LONG),
            ylim=(-4.2, 0.2),
            xlabel="step $t$",
            title="… and the weight $w_2$ falls for ever",
        )

    return Picture(
        [
            Panel(
                draw_loss,
                f"The loss on logarithmic axes: it falls along the line 1/(8ηt), to {loss[-1]:.1e} "
                "after a million steps.",
                WIDE,
            ),
            Panel(
                draw_weight,
                "The second weight over the logarithm of the step: a straight line down, from "
                f"{number(W[0, 1], '.2f')} after one step to {number(W[-1, 1], '.2f')} after a "
                "million, with no sign of an end.",
                WIDE,
            ),
        ]
    )


def held_back(deltas: ArrayLike) -> np.ndarray:
    """Return the second weight at the end of the runs with K + ½δ‖G‖², which do arrive.

    Parameters
    ----------
    deltas : array of shape (m,)
        Positive; a run takes about 10/δ steps.

    Returns
    -------
    array of shape (m,)

    Examples
    --------
    >>> held_back([0.01, 1.0]).round(3).tolist()
    [-1.499, -0.218]
    """
    delta = np.asarray(deltas, dtype=float)
    w1, w2 = np.ones_like(delta), np.zeros_like(delta)
    while w1.max() > 1e-7:
        s = ONE_THIRD_ROOT * np.sinh(np.arcsinh(1.5 * np.sqrt(6) * w1) / 3)
        w1, w2 = w1 - ETA * (2 * s**3 + delta * w1), w2 - ETA * s**2
    return w2


# ------------------------------------------------------------------------------- why it may

SIDE = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 25))


def level_line(w: float) -> np.ndarray:
    """Return the level line of the drifting K through (w, 0), as a closed curve.

    Parameters
    ----------
    w : float
        A gradient on the row space, positive.

    Returns
    -------
    array of shape (m, 2)

    Examples
    --------
    >>> from dspgd_lib.counterexamples import Drifting
    >>> values = Drifting().value(level_line(0.3)[..., None])
    >>> bool(np.ptp(values) < 1e-12)
    True
    """
    c = float(Drifting().value([[w], [0.0]]))
    x = np.roots([4.0, 1.0, -8 * c, -4 * c])
    last = np.sqrt(x[np.abs(x.imag) < 1e-9].real.max())

    def points(p: np.ndarray, sign: int) -> np.ndarray:
        q = 1 / np.sqrt(1 + 4 * p**2)
        root = np.sqrt(np.maximum((p * p * q) ** 2 - (1 + q * q) * (p**4 - 2 * c), 0))
        beyond = (p * p * q + sign * root) / (1 + q * q)
        return np.c_[p + 2 * p * q * beyond, -p * p + q * beyond]

    under = np.linspace(last, (2 * c) ** 0.25, 5)
    low = np.c_[np.linspace(under[-1], -under[-1], 9), np.full(9, -np.sqrt(2 * c))]
    return np.vstack([points(last * SIDE, 1), points(under, -1), low, points(-under[::-1], -1)])


def _arrow(start: Any, way: Any, color: str, head: float) -> list[Mark]:
    start, way = np.asarray(start, dtype=float), np.asarray(way, dtype=float)
    along = head * way / np.linalg.norm(way)
    side, tip = 0.5 * np.array([-along[1], along[0]]), start + way
    return [
        Line([start, tip], color, 2.4, every=True),
        Line([tip - along + side, tip, tip - along - side], color, 2.4, every=True),
    ]


def _draw_duals(ax: Any) -> None:
    ax.axhline(0, color=FAINT, lw=0.8, ls=(0, (4, 3)))
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    ax.annotate("row space", (-2.07, 0.07), color="#4d5866")
    ax.annotate("level of K", (0, 0.5), color=DUAL, ha="center")
    draw_axes(ax, ((-2.1, 2.1), (-1.5, 2.0)), "gradients, in units of ‖V‖", name="g")


def _draw_line(ax: Any) -> None:
    ax.axvline(0, color=MANIFOLD, lw=4.5)
    W = road()[np.unique(np.rint(np.geomspace(1, LONG, 60))).astype(int) - 1]
    ax.plot(*W.T, color=DRIFT, lw=1.2, alpha=0.6)
    ax.plot(1, 0, "o", color=INK, ms=6)
    ax.annotate("$W_0$", (1, 0), (-20, 4), textcoords="offset points")
    ax.annotate(r"$\mathcal{W}$", (-0.05, 0.1), ha="right")
    ax.set(xlim=(-0.3, 1.1), ylim=(-4.3, 0.4), title="weights", xlabel="$w_1$", ylabel="$w_2$")


def _why_frame(t: float) -> Frame:
    t = int(t)
    w, height = road()[t]
    s = foot_of(w)
    push = np.array([2 * s**3, s * s])
    angle = float(np.degrees(np.arctan2(push[1], push[0])))
    way = push / np.linalg.norm(push)
    duals: list[Mark] = [
        Band(level_line(w) / w, DUAL, opacity=0.2, every=True),
        Line(level_line(w) / w, DUAL, 2.0, every=True),
        *_arrow((1, 0), 0.8 * way, DRIFT, 0.13),
        Dots((1, 0), DUAL, "o", 5),
        Text((1, 0), "V", DUAL, (-9, 8), "end", bold=True),
        Text((1, 0) + 0.8 * way, f"{angle:.1f}°", DRIFT, (0, 8), "middle", bold=True),
    ]
    later = road()[10 * t]
    weights: list[Mark] = [
        Dots(later, DRIFT, "s", 4.5, hollow=True),
        Text(later, f"step {10 * t:,}", DRIFT, (12, -4)),
        Dots((w, height), DRIFT, "s", 5),
        Text((w, height), f"step {t:,}", INK, (12, -2), bold=True),
    ]
    caption = (
        f"After {t:,} steps ‖V‖ = {w:.2g}, and the push stands at <b>{angle:.2f}°</b> to the row "
        f"space, tan = 1/(2s) with s = {s:.2g}. It has carried w₂ to "
        f"<b>{number(height, '.3f')}</b>."
    )
    alts = [
        f"The level line of K through V, in units of ‖V‖: an arch of relative height {s:.2g} over "
        f"a flat base. The push at V makes an angle of {angle:.1f} degrees with the row space.",
        f"The run is at distance {w:.2g} from the upright line of perfect fits, at height "
        f"{number(height, '.2f')}, and the next step goes down along it.",
    ]
    return Frame([duals, weights], alts, caption)


def why_allowed() -> Explorer:
    """Return the level line of K through the gradient and the road of the weights, over time.

    Returns
    -------
    Explorer
        Two panels, a slider for the step.

    Examples
    --------
    >>> why_allowed().stops > 120
    True
    """
    panels = [
        Panel(_draw_duals, "Plane of gradients with the row space, a horizontal line.", (360, 300)),
        Panel(
            _draw_line,
            "Plane of weights: an upright line of perfect fits, and a road that comes from the "
            "right, turns down beside the line and follows it.",
            (360, 300),
        ),
    ]
    stops = STOPS.tolist()
    controls = [Slider("t", "step t", stops, start=stops.index(20), form="{:,.0f}")]
    return Explorer(panels, _why_frame, controls, "Why the push turns upright")
