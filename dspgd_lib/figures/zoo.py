"""Figures of the chapter on preconditioners: each with its dual, and the curve it is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from dspgd_lib.blocks import Blocks
from dspgd_lib.figures.backgrounds import draw_cross
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, note, number
from dspgd_lib.figures.plane import around, circle, reach_of_ball
from dspgd_lib.plotting import FAINT, look
from dspgd_lib.potentials import Cosh, PNorm
from dspgd_lib.preconditioners import (
    Adam,
    ColumnNormalized,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    SmoothedSign,
    SoftClipping,
)
from dspgd_lib.spectral import Spectral

DUAL, QUIET = "#5B3E96", "#4d5866"
EPS, FAR, RIM, COUNT = 0.3, 1.3, 1.85, 80
TURNS = [7.5 * i for i in range(48)]

ZOO: Mapping[str, Blocks] = {
    "GD": GradientDescent(),
    "normalized": NormalizedGD(EPS),
    "clipping": GradientClipping(0.8),
    "soft clipping": SoftClipping(EPS),
    "Adam": Adam(EPS),
    "smoothed sign": SmoothedSign(EPS),
    "p = 3": PNorm(3.0),
    "cosh": Cosh(),
    "smoothed Muon": Spectral(SmoothedSign(EPS)),
    "columns": ColumnNormalized(EPS),
}

SHORT = ("GD", "normalized", "clip", "soft", "Adam", "sign", "p = 3", "cosh", "Muon", "cols")


def _far(name: str) -> float:
    """Return where the last level line of K meets the axis: nearer where steps grow long."""
    return FAR if np.isfinite(ZOO[name].smoothness) else 1.0


def diagonal(points: np.ndarray) -> np.ndarray:
    """Return the matrices with these diagonals: their entries, columns and singular values.

    Parameters
    ----------
    points : array of shape (..., 2)
        Points of the plane.

    Returns
    -------
    array of shape (..., 2, 2)

    Examples
    --------
    >>> diagonal(np.array([3.0, 4.0])).tolist()
    [[3.0, 0.0], [0.0, 4.0]]
    """
    return np.asarray(points)[..., None] * np.eye(2)


def pushed(K: Blocks, V: np.ndarray) -> np.ndarray:
    """Return ∇K at diagonal matrices, of which only the diagonal is not 0.

    Parameters
    ----------
    K : Blocks
        One of the zoo.
    V : array of shape (..., 2)
        The diagonals.

    Returns
    -------
    array of shape (..., 2)

    Examples
    --------
    >>> pushed(Spectral(PNorm(3.0)), np.array([2.0, -1.0])).round(9).tolist()
    [4.0, -1.0]
    """
    return np.asarray(K.gradient(diagonal(V)).diagonal(axis1=-2, axis2=-1))


@cache
def _levels(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return level lines of K, the last of them as far out as `_far` says, and of K*."""
    K = ZOO[name]
    ends = _far(name) * np.array([(0.35, 0.0), (0.68, 0.0), (1.0, 0.0)])
    reach = min(float(K.profile.edge), float(pushed(K, ends[-1])[0]))
    dual = reach * np.array([(0.35, 0.0), (0.65, 0.0), (0.93, 0.0)])

    def curves(value: Callable[[np.ndarray], Any], at: np.ndarray) -> list[np.ndarray]:
        levels = np.asarray(value(diagonal(at)))
        found = reach_of_ball(lambda p: value(diagonal(p)), (0, 0), levels, 3.0, COUNT)
        return [around((0, 0), one) for one in found]

    return curves(K.value, ends), curves(K.conjugate, dual)


def _edge(K: Blocks) -> list[Mark]:
    """Return the edge of the domain of K*, which no step reaches or crosses."""
    size = float(K.profile.edge)
    if np.isinf(size):
        return []
    square = size * np.array([(1, 1), (-1, 1), (-1, -1), (1, -1), (1, 1)])
    line = circle(radius=size, count=COUNT) if K.invariance == "isotropic" else square
    return [Line(line, QUIET, 1.6, "2 3")]


def _draw(ax: Any, title: str) -> None:
    ax.set(xlim=(-RIM, RIM), ylim=(-RIM, RIM), aspect="equal", xticks=[], yticks=[], title=title)
    ax.grid(visible=False)
    draw_cross(ax)


def _draw_profile(ax: Any) -> None:
    ax.set(xlim=(0, RIM), ylim=(0, RIM), aspect="equal", xticks=[0, 1], yticks=[0, 1])
    ax.set(title="in: $s$, out: $h′(s)$")
    ax.plot([0, RIM], [0, RIM], color=FAINT, lw=0.8, ls=(0, (4, 3)))
    ax.grid(visible=False)


def _arrow(start: np.ndarray, end: np.ndarray, color: str) -> list[Mark]:
    """Return an arrow as two lines."""
    way = (end - start) / np.linalg.norm(end - start)
    across = np.array([-way[1], way[0]])
    head = [end - 0.17 * way + 0.09 * across, end, end - 0.17 * way - 0.09 * across]
    return [Line([start, end], color, 2.2), Line(head, color, 2.2)]


def _normal(at: np.ndarray, way: np.ndarray, color: str) -> list[Mark]:
    """Return an arrow at a point of a level line, and the tangent of the line there."""
    way = way / np.linalg.norm(way)
    across = 0.3 * np.array([-way[1], way[0]])
    return [Line([at - across, at + across], FAINT, 1.4), *_arrow(at, at + 0.55 * way, color)]


@cache
def _reach(name: str) -> np.ndarray:
    """Return how far the last level line of K is, in half degrees of direction."""
    K = ZOO[name]

    def value(points: np.ndarray) -> np.ndarray:
        return np.asarray(K.value(diagonal(points)))

    return reach_of_ball(value, (0, 0), float(value(np.array([_far(name), 0.0]))), 3.0, 720)


MEANINGS = {
    "smoothed Muon": "diagonal matrices, ± singular values",
    "columns": "diagonal matrices, ± column lengths",
}


def _zoo_frame(name: str, turn: float) -> Frame:
    K, color = ZOO[name], look(ZOO[name]).color
    meaning = MEANINGS.get(name, "two entries")
    angle = np.radians(turn)
    V = _reach(name)[round(2 * turn) % 720] * np.array([np.cos(angle), np.sin(angle)])
    S = pushed(K, V)
    sizes = np.array([np.hypot(*V)]) if K.invariance == "isotropic" else np.abs(V)
    out, s = K.profile.slope(sizes) * sizes, RIM * np.linspace(0, 1, 49) ** 2
    levels, duals = _levels(name)
    first = [
        *(Line(line, color, 1, opacity=0.5) for line in levels[:-1]),
        Line(levels[-1], color, 2),
        *_normal(V, S, color),
        Line([(0, 0), V], DUAL, 2.6),
        Dots(V, DUAL, "o", 4.5),
        note((0, -RIM + 0.08), meaning, QUIET, "middle", bold=False),
    ]
    second = [
        *(Line(line, color, 1, opacity=0.5) for line in duals),
        *_edge(K),
        *_normal(S, V, DUAL),
        Line([(0, 0), S], color, 2.6),
        Dots(S, color, "o", 4.5),
    ]
    third: list[Mark] = [Line(np.c_[s, K.profile.slope(s) * s], color, 2.2)]
    if np.isfinite(K.profile.edge):
        third.append(Line([(0, K.profile.edge), (RIM, K.profile.edge)], QUIET, 1.6, "2 3"))
    third.append(Dots(np.c_[sizes, out], DUAL, "o", 4.5, gap=0))
    return Frame([first, second, third], *_said(name, V, S, sizes, out))


def _said(name: str, V: Any, S: Any, sizes: Any, out: Any) -> tuple[list[str], str]:
    """Return what a frame of the zoo shows in words, and its caption."""
    turned = np.degrees(np.arctan2(V[0] * S[1] - V[1] * S[0], V @ S))
    edge = float(ZOO[name].profile.edge)
    parts = [f"{size:.2f} → {new:.2f}" for size, new in zip(sizes, out, strict=True)]
    both = " and ".join(parts)
    caption = (
        f"V = ({number(V[0], '.2f')}, {number(V[1], '.2f')}) becomes "
        f"S = ({number(S[0], '.2f')}, {number(S[1], '.2f')}), turned by "
        f"<b>{abs(turned):.0f}°</b>. K = {ZOO[name].value(diagonal(V)):.2f} along the thick line."
    )
    ends = "They have no edge" if np.isinf(edge) else f"They end at a dotted edge of size {edge:g}"
    alts = [
        f"{name}: level lines of K with V = ({number(V[0], '.2f')}, {number(V[1], '.2f')}); "
        "the normal there points where S does.",
        f"Level lines of the dual with S, {abs(turned):.0f} degrees from V; the normal there "
        f"points where V does. {ends}.",
        f"A rising curve, size in against size out, with dots at {both}.",
    ]
    return alts, caption


def zoo() -> Explorer:
    """Return each preconditioner with its dual and its profile, a slider that turns the gradient.

    Returns
    -------
    Explorer
        Three panels, 480 stops.

    Examples
    --------
    >>> zoo().stops
    480
    """
    size = (240, 250)
    panels = [
        Panel(partial(_draw, title="gradient $V$, levels of $K$"), "Plane of gradients.", size),
        Panel(partial(_draw, title="step $S$, levels of $K^*$"), "Plane of steps.", size),
        Panel(_draw_profile, "Axes: size in, size out; a dashed diagonal.", size),
    ]
    controls: list[Slider | Buttons] = [
        Buttons("name", "method", dict(zip(SHORT, ZOO, strict=True)), start=4),
        Slider("turn", "direction of V", TURNS, start=3, log=False, form="{:.3g}°"),
    ]
    return Explorer(panels, _zoo_frame, controls, "The zoo of preconditioners")
