"""Two outputs: the bundle of a gradient's columns is turned out of its plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from dspgd_lib.figures.backgrounds import draw_ground
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.explorer import Explorer, Frame, Slider
from dspgd_lib.figures.marks import Band, Dots, Line, Mark, Text
from dspgd_lib.figures.space import Camera
from dspgd_lib.plotting import FAINT, INK
from dspgd_lib.preconditioners import Adam, SmoothedSign
from dspgd_lib.spectral import Spectral

SEEN = Camera(turn=118, tilt=22, strength=0.05)
COLUMNS = np.array([[1.5, 0.5], [0.2, 1.3], [0.0, 0.0]])
PLANE, ACROSS = "#8a5a00", "#00705a"
SIDE = np.array([(1.7, -0.4), (1.7, 1.5), (-0.3, 1.5), (-0.3, -0.4), (1.7, -0.4)])
MUON, ADAM = Spectral(SmoothedSign(0.3)), Adam(0.3)


def turned(theta: float, points: np.ndarray = COLUMNS) -> np.ndarray:
    """Return columns after v, the first axis, is turned towards e, the third, by an angle.

    Parameters
    ----------
    theta : float
        In radians.
    points : array of shape (3, k)
        The columns.

    Returns
    -------
    array of shape (3, k)

    Examples
    --------
    >>> turned(np.pi / 2)[2].round(3).tolist()
    [1.5, 0.5]
    """
    c, s = np.cos(theta), np.sin(theta)
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) @ points


def _draw(ax: Any) -> None:
    draw_ground(ax, SEEN, (-1.8, 1.8), (-0.6, 1.6))
    for column in COLUMNS.T:
        ax.plot(*SEEN.see([(0, 0, 0), column]).T, color=FAINT, lw=1.8)
    ax.plot(*SEEN.see([(0, 0, 0), (0, 0, 1.6)]).T, color=INK, lw=1.0, ls=":")
    ax.annotate("$e$", SEEN.see((0, 0, 1.6)), (-12, -4), textcoords="offset points")
    ax.set(xlim=(-2.4, 2.4), ylim=(-1.4, 2.1), aspect="equal")


def _frame(angle: float) -> Frame:
    theta = np.radians(angle)
    G, up = turned(theta), turned(theta, np.array([[0.0], [0.0], [1.0]]))[:, 0]
    sheet = SEEN.see(turned(theta, np.c_[SIDE, 0 * SIDE[:, 0]].T).T)
    marks: list[Mark] = [
        Band(sheet, PLANE, opacity=0.12, every=True),
        Line(sheet, PLANE, 1.0, every=True),
    ]
    for i, column in enumerate(G.T):
        tip = column + 0.55 * COLUMNS[0, i] * up
        marks += [
            Line(SEEN.see([column, tip]), ACROSS, 2.6, every=True),
            Line(SEEN.see([(0, 0, 0), column]), INK, 2.6, every=True),
            Dots(SEEN.see(column), INK, "o", 4.5),
        ]
    marks.append(Text(SEEN.see(G[:, 0] + 0.55 * COLUMNS[0, 0] * up), "moves", ACROSS, bold=True))
    values = [f"{float(K.value(G)):.3f}" for K in (MUON, ADAM)]
    first = [f"{float(K.value(COLUMNS)):.3f}" for K in (MUON, ADAM)]
    said = (
        f"Turned by {angle:.0f}°: smoothed Muon's K is {values[0]} (first {first[0]}), "
        f"Adam's {values[1]} (first {first[1]})."
    )
    return Frame([marks], [said], said)


def bundle() -> Explorer:
    """Return two columns that are turned out of their plane.

    Returns
    -------
    Explorer
        A slider for the angle.

    Examples
    --------
    >>> bundle().stops
    121
    """
    alt = "A plane in perspective with two arrows in it, and the plane turned about a line."
    angles = np.linspace(0, 180, 121).tolist()
    return Explorer(
        [Panel(_draw, alt, (360, 270), axes=False)],
        _frame,
        [Slider("angle", "turned by", angles, 30, log=False, form="{:.0f}°")],
        "turning a bundle of columns",
    )
