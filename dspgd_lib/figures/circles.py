"""One output: a gradient is turned on a circle, and the values of K say what leaves the floor."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.plane import circle
from dspgd_lib.plotting import FAINT, INK, look
from dspgd_lib.potentials import PNorm, Quadratic
from dspgd_lib.preconditioners import Adam, NormalizedGD, SmoothedSign, SoftClipping

RADIUS, EPS = 1.5, 0.5
OFF = "#00705a"
LONG = 1.6  # the step is drawn at this length
ANGLES = np.linspace(0, 360, 49)[:-1].tolist()
TURN = np.radians(np.linspace(0, 360, 145))


@cache
def shapes() -> dict[str, Any]:
    """Return six preconditioners of two weights, the first two of them isotropic.

    Returns
    -------
    dict

    Examples
    --------
    >>> [name for name, K in shapes().items() if K.invariance == "isotropic"]
    ['normalized GD', 'soft clipping']
    """
    return {
        "normalized GD": NormalizedGD(EPS),
        "soft clipping": SoftClipping(EPS),
        "Adam": Adam(EPS),
        "smoothed sign": SmoothedSign(EPS),
        "p = 3": PNorm(3.0),
        "ellipse": Quadratic(np.diag([1.1, 1.0])),
    }


def around(
    K: Any, angles: np.ndarray, radius: float = RADIUS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gradients on a circle, the values of K there, and the directions of the steps.

    Parameters
    ----------
    K : preconditioner
        Of two weights and one output.
    angles : array of shape (m,)
        In radians.
    radius : float
        Of the circle.

    Returns
    -------
    G : array of shape (m, 2)
    values : array of shape (m,)
    S : array of shape (m, 2)
        The gradients of K.

    Examples
    --------
    >>> around(shapes()["normalized GD"], np.zeros(1), 1.2)[1].round(3).tolist()
    [0.8]
    """
    G = radius * np.c_[np.cos(angles), np.sin(angles)]
    return G, K.value(G[..., None]), K.gradient(G[..., None])[..., 0]


def _level(K: Any, value: float) -> np.ndarray:
    """Return the level line of K, by bisection on 73 rays."""
    a = TURN[::2]
    low, high = np.zeros(len(a)), np.full(len(a), 8.0)
    for _ in range(40):
        mid = (low + high) / 2
        at = K.value((mid[:, None] * np.c_[np.cos(a), np.sin(a)])[..., None])
        low, high = np.where(at < value, mid, low), np.where(at < value, high, mid)
    return np.asarray(mid[:, None] * np.c_[np.cos(a), np.sin(a)])


def _relative(K: Any) -> tuple[float, float]:
    """Return mean and unit of the second panel: the mean of K, and r times the mean step."""
    _, values, S = around(K, TURN[:-1])
    return float(values.mean()), float(RADIUS * np.linalg.norm(S, axis=1).mean())


def _draw_plane(ax: Any) -> None:
    ax.plot(*circle((0, 0), RADIUS).T, color=FAINT, lw=1.2, ls="--")
    ax.plot(0, 0, "o", color=INK, ms=4)
    ax.set(xlim=(-4.2, 4.2), ylim=(-3.65, 3.65), aspect="equal", xticks=[], yticks=[])
    ax.set(title="gradients", xlabel="$g_1$", ylabel="$g_2$")
    ax.grid(visible=False)


def _draw_values(ax: Any) -> None:
    ax.axhline(0, color=FAINT, lw=0.8)
    ax.set(xlim=(0, 360), ylim=(-0.1, 0.1), xticks=[0, 90, 180, 270, 360])
    ax.set(title="K along the circle, less its mean", xlabel="angle in degrees")
    ax.set_yticks([0.0])


def _beside(at: np.ndarray, side: np.ndarray, text: str, color: str) -> Text:
    """Return a label on one side of a point."""
    anchor = "start" if side[0] > 0.4 else "end" if side[0] < -0.4 else "middle"
    return Text(at, text, color, (9 * side[0], 11 * side[1] - 4), anchor, bold=True)


def _frame(name: str, angle: float) -> Frame:
    K, theta = shapes()[name], np.radians(angle)
    color = look(K).color
    mean, unit = _relative(K)
    (G,), (value,), (S,) = around(K, np.array([theta]))
    out, along = G / RADIUS, np.array([-np.sin(theta), np.cos(theta)])
    tip = G + LONG * S / np.linalg.norm(S)
    straight = G + LONG * out * (S @ out) / np.linalg.norm(S)
    off = float(S @ along / np.linalg.norm(S))
    side = along * np.sign(off) if abs(off) > 1e-3 else along
    levels: list[Mark] = [
        Line(_level(K, float(K.value([[r], [0.0]]))), color, 1.2, opacity=0.6)
        for r in (0.8, 1.5, 2.2)
    ]
    first: list[Mark] = [
        *levels,
        Line([(0, 0), G], INK, 2.2, every=True),
        Line([G, straight], INK, 1.2, "3 3", every=True),
        Line([G, tip], color, 3.0, every=True),
        Line([straight, tip], OFF, 4.0, every=True),
        Dots(G, INK, "o", 5),
        Text(G / 2, "G", INK, (5, 6), bold=True),
        _beside(tip, side, "∇K(G)", color),
    ]
    if abs(off) > 0.03:
        first.append(_beside(straight, -side, "off the line", OFF))
    y = (around(K, TURN)[1] - mean) / unit
    here, slope = (value - mean) / unit, float(off * np.linalg.norm(S) * RADIUS / unit)
    reach = np.radians(13)
    second: list[Mark] = [
        Line(np.c_[np.degrees(TURN), y], color, 2.4),
        Line(
            [(angle - 13, here - reach * slope), (angle + 13, here + reach * slope)],
            OFF,
            2.6,
            every=True,
        ),
        Dots((angle, here), INK, "o", 5),
        note((8, 0.083), name, color),
    ]
    turned = round(abs(float(np.degrees(np.arcsin(np.clip(off, -1, 1))))), 1)
    said = f"At {angle:.0f}° the step of {name} is {turned:.1f}° off the line of G."
    shown = number(round(slope, 3) + 0.0, ".3f")
    return Frame(
        [first, second],
        [
            said,
            f"Slope of K along the circle: {shown} in units of the step.",
        ],
        said,
    )


def circles() -> Explorer:
    """Return a gradient on a circle: the step's part off its line is the slope of K.

    Returns
    -------
    Explorer
        Buttons for K, a slider for the angle.

    Examples
    --------
    >>> circles().stops
    288
    """
    return Explorer(
        [
            Panel(_draw_plane, "The plane of gradients with a circle around 0.", (360, 320)),
            Panel(
                _draw_values, "Axes: the angle, and K along the circle less its mean.", (360, 320)
            ),
        ],
        _frame,
        [
            Buttons("name", "K", list(shapes()), 2),
            Slider("angle", "angle of G", ANGLES, 3, log=False, form="{:.0f}°"),
        ],
        "turning a gradient",
    )
