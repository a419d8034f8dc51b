"""Figures of the chapter on convex tools: what the dual knows of steps, ends and the row space."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, note, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import around, line_in_box, reach_of_ball, segment
from dspgd_lib.losses import LogCoshLoss
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD, look
from dspgd_lib.potentials import PNorm
from dspgd_lib.preconditioners import Adam, GradientDescent, NormalizedGD
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd, sweep

CURVE, DUAL, GAP = "#0072B2", "#5B3E96", "#C04D00"

# --------------------------------------------------------------------------- a run off the floor

SMOOTHING = [float(f"{eps:.3g}") for eps in np.geomspace(0.01, 30, 121)]
PUSHED, GD_COLOR = look(Adam(1.0)), look(GradientDescent()).color


@cache
def floor_problem() -> tuple[Problem, np.ndarray]:
    """Return one example (1, 1/4) with label 1, and the start (2.5, 1.5)."""
    return Problem(np.array([[1.0, 0.25]]), np.array([[1.0]])), np.array([[2.5], [1.5]])


def _run_adam(eps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return some weights and preconditioned gradients of a run for each ε."""
    problem, W0 = floor_problem()
    K = Adam(eps)
    run = sweep(
        problem, K, W0, 0.5 * eps / problem.M, tol=1e-6, max_steps=1500, record=("W", "gradient")
    )
    found = []
    for i, e in enumerate(eps):
        last = int(run.steps[i]) + 1
        W, V = (run.history[name][:last, i, :, 0] for name in ("W", "gradient"))
        way = np.linalg.norm(W - W[0], axis=1)
        shown = np.unique(np.searchsorted(way, np.linspace(0, way[-1], 11)))
        found.append((W[shown], Adam(e).gradient(V[shown][..., None])[..., 0]))
    return found


FLOOR_RUNS = Batch(_run_adam, SMOOTHING)


def _draw_floor(ax: Any) -> None:
    problem, W0 = floor_problem()
    x, y, box = problem.X[0], float(problem.Y[0, 0]), ((0.1, 2.9), (-0.35, 1.95))
    ax.set(xlim=box[0], ylim=box[1], aspect="equal", xticks=[], yticks=[], title="weights")
    ax.plot(*line_in_box(x, y, box).T, color=MANIFOLD, lw=3)
    ax.plot(*segment(W0[:, 0], x, 5).T, color=FAINT, lw=1, ls=(0, (4, 3)))
    ax.plot(*W0, "o", color=INK, ms=6)
    ax.annotate("$W_0$", W0[:, 0], (6, 4), textcoords="offset points")
    ax.annotate("floor", (1.55, 1.262), (0, 6), textcoords="offset points", color="#4d5866")
    ax.annotate(r"$XW=Y$", (1.07, -0.28), (7, 0), textcoords="offset points", color="#4d5866")
    end = problem.project(W0)[:, 0]
    ax.plot(*end, "o", color=GD_COLOR, ms=7)
    ax.annotate("GD", end, (-20, 6), textcoords="offset points", color=GD_COLOR)


def _draw_gradients(ax: Any) -> None:
    x = floor_problem()[0].X[0]
    ax.set(xlim=(-0.25, 2.15), ylim=(-0.5, 1.47), aspect="equal", xticks=[], yticks=[])
    ax.set_title("gradients")
    ax.plot(*segment((0, 0), x, 5).T, color=FAINT, lw=1, ls=(0, (4, 3)))
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    first = floor_problem()[0].gradient(floor_problem()[1])[:, 0]
    ax.plot([0, first[0]], [0, first[1]], color=DUAL, lw=2.2)
    ax.plot(*first, "o", color=DUAL, ms=6)
    ax.annotate("row space", (1.1, 0.275), (6, -15), textcoords="offset points", color="#4d5866")
    ax.annotate("V", first, (-2, 8), textcoords="offset points", color=DUAL, weight="bold")


def _floor_frame(eps: float) -> Frame:
    problem, W0 = floor_problem()
    W, P = FLOOR_RUNS(eps)
    x = problem.X[0] / np.linalg.norm(problem.X[0])
    goal = problem.project(W0)[:, 0]
    turned = np.degrees(np.arctan2(P[0, 1], P[0, 0]) - np.arctan2(x[1], x[0]))
    apart = float(np.linalg.norm(W[-1] - goal))
    weights: list[Mark] = [
        Line(W, PUSHED.color, 2.4),
        Dots(W[-1], PUSHED.color, PUSHED.marker, 6),
        note((W[0] + W[-1]) / 2 + (0.1, -0.2), "Adam", PUSHED.color),
    ]
    gradients: list[Mark] = [
        Line(P, PUSHED.color, 2.2),
        Dots(P[0], PUSHED.color, PUSHED.marker, 5),
        note(P[0] + (0, 0.1), "∇K(V)", PUSHED.color, "middle"),
    ]
    caption = (
        f"ε = {eps:.3g}: all gradients lie in the row space. Pushed through ∇K, the first is "
        f"turned by <b>{turned:.0f}°</b> out of it, and the run ends {apart:.2f} from the end of "
        "gradient descent."
    )
    alts = [
        f"A line of perfect fits, and the floor at a right angle to it. Adam leaves the start "
        f"{turned:.0f} degrees off the floor and ends on the line, {apart:.2f} from the floor.",
        f"The gradients of the run lie on a line, the row space; their images under the "
        f"preconditioner do not. The first is turned by {turned:.0f} degrees.",
    ]
    return Frame([weights, gradients], alts, caption)


def off_the_floor() -> Explorer:
    """Return a run of Adam that leaves the floor, beside its gradients, a slider for ε.

    Returns
    -------
    Explorer
        Two panels, 121 stops.

    Examples
    --------
    >>> off_the_floor().stops
    121
    """
    panels = [
        Panel(
            _draw_floor,
            "Plane of two weights with a line of perfect fits, a start and, dashed, the floor "
            "through it.",
            (360, 300),
        ),
        Panel(_draw_gradients, "Plane of gradients; the row space is a dashed line.", (360, 300)),
    ]
    controls: list[Slider | Buttons] = [Slider("eps", "smoothing ε", SMOOTHING, start=40)]
    return Explorer(panels, _floor_frame, controls, "A step that leaves the row space")


# ---------------------------------------------------------------------- one step among the slopes

GRID = np.linspace(-2.6, 3.3, 119)
ROOT = NormalizedGD(1.0)  # K, with β = 1
BENT = LogCoshLoss()  # L, with M = 2


def _one(value: Any) -> Any:
    return np.asarray(value, dtype=float)[..., None, None]


def ceiling(w: float, share: float) -> dict[str, Any]:
    """Return a step in one variable and the ceiling over K that it goes to the bottom of.

    The loss is ½w² + log cosh w, of curvature at most M = 2; K(v) = √(v² + 1) − 1 and β = 1.

    Parameters
    ----------
    w : float
        The weight before the step.
    share : float
        The learning rate in units of 1/(βM).

    Returns
    -------
    dict
        The weight after the step, ``to``; the slopes ``V`` and ``after`` at both; ``K`` there,
        ``before`` and ``then``; the points ``v`` of an axis of slopes and the ``height`` of the
        ceiling there.

    Examples
    --------
    >>> found = ceiling(1.5, 1.0)
    >>> bool((found["height"] >= ROOT.value(_one(found["v"])) - 1e-12).all())
    True
    """
    eta, V = share / 2, float(BENT.gradient(_one(w))[0, 0])
    to = w - eta * float(ROOT.gradient([[V]])[0, 0])
    v = BENT.gradient(_one(GRID))[:, 0, 0]
    dual = v * GRID - BENT.value(_one(GRID))  # L* at the slopes of the grid
    here = V * w - float(BENT.value(_one(w)))
    before = float(ROOT.value([[V]]))
    after = float(BENT.gradient(_one(to))[0, 0])
    return {
        "to": to,
        "V": V,
        "after": after,
        "before": before,
        "then": float(ROOT.value([[after]])),
        "v": v,
        "height": before + (dual - here - to * (v - V)) / eta,
    }


def _draw_ceiling(ax: Any, w: float, share: float, title: str) -> None:
    at, v = ceiling(w, share), np.linspace(-2.4, 2.4, 97)
    bottom = np.interp(at["after"], at["v"], at["height"])
    ax.set(xlim=(-2.4, 2.4), ylim=(-0.8, 2.4), yticks=[], xlabel="slope $V$", title=title)
    ax.grid(visible=False)
    ax.plot(v, ROOT.value(_one(v)), color=DUAL, lw=2.4)
    ax.plot(at["v"], at["height"], color=GAP, ls=(0, (6, 2, 1, 2)))
    ax.plot([at["after"]] * 2, [-0.8, max(bottom, at["then"])], color=FAINT, lw=1, ls=":")
    ax.plot(at["V"], at["before"], "o", color=INK)
    ax.plot(at["after"], bottom, "D", color=GAP)
    ax.plot(at["after"], at["then"], "o", color=DUAL)
    ax.text(-0.3, 2.0, "ceiling", color=GAP, weight="bold")
    ax.text(-0.3, 1.65, "K", color=DUAL, weight="bold")
    ax.annotate("before", (at["V"], at["before"]), (8, -8), textcoords="offset points")


CEILINGS = {"η = 1/(βM)": (0.55, 1.0), "η = 4/(βM)": (0.55, 4.0)}


def ceilings() -> Picture:
    """Return K and the ceiling of one step: below the guarantee, and at four times it.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> len(ceilings().panels)
    2
    """
    panels = []
    for title, (w, share) in CEILINGS.items():
        at = ceiling(w, share)
        place = "lies above it" if share <= 1 else "crosses it"
        alt = (
            f"A bowl K over the slopes, and a steeper bowl that touches it at {at['V']:.2f} and "
            f"{place}. The bottom of the steeper one is at {number(at['after'], '.2f')}; there "
            f"K is {at['then']:.2f}, before the step it was {at['before']:.2f}."
        )
        draw = partial(_draw_ceiling, w=w, share=share, title=title)
        panels.append(Panel(draw, alt, (360, 270)))
    return Picture(panels)


# ------------------------------------------------------------------------- short gradient, any road

SEEDS = range(5)


@cache
def gradients_and_losses() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return loss and squared gradient along runs of GD and of Adam from five starts.

    Returns
    -------
    dict of pairs of arrays
        For each method the losses and the squared norms of the gradient, thinned to about 14
        points for each start.

    Examples
    --------
    >>> sorted(gradients_and_losses())
    ['Adam', 'GD']
    """
    problem, found = Problem.gaussian(n=20, d=60, k=1, seed=0), {}
    starts = np.stack([0.1 * np.random.default_rng(s).standard_normal((60, 1)) for s in SEEDS])
    for name, K in (("GD", GradientDescent()), ("Adam", Adam(0.1))):
        losses, squares = [], []
        for W0 in starts:
            run = dspgd(problem, K, W0, 1 / (K.smoothness * problem.M), record=("loss", "gradient"))
            loss = run.history["loss"]
            levels = np.geomspace(loss[0] * (0.6 if name == "Adam" else 1.0), 2e-4, 14)
            at = np.unique(np.searchsorted(-loss, -levels).clip(max=len(loss) - 1))
            losses.append(loss[at])
            squares.append((run.history["gradient"][at] ** 2).sum((1, 2)))
        found[name] = np.concatenate(losses), np.concatenate(squares)
    return found


def _draw_road(ax: Any) -> None:
    problem = Problem.gaussian(n=20, d=60, k=1, seed=0)
    ends = np.array([1e-4, 60])
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=(1e-3, 3e4), xlabel="loss $L$")
    ax.set_title(r"squared gradient $\|\nabla L\|^2$")
    for name, bound in (("2μL", 2 * problem.mu), ("2ML", 2 * problem.M)):
        ax.plot(ends, bound * ends, color=BOUND, lw=1.6, ls=(0, (6, 3)))
        up = name == "2ML"
        ax.text(
            0.003 if up else 0.3, bound * (0.003 if up else 0.3) * (2.6 if up else 0.36), name,
            color=BOUND, weight="bold", ha="right" if up else "left", va="center",
        )  # fmt: skip
    for name, K in (("GD", GradientDescent()), ("Adam", Adam(0.1))):
        style = look(K)
        ax.plot(*gradients_and_losses()[name], style.marker, color=style.color, ms=4)
        ax.text(
            2.2e-4, 4e3 if name == "GD" else 8e2, name, color=style.color, weight="bold",
        )  # fmt: skip


def any_road() -> Picture:
    """Return the squared gradient against the loss along runs, between two proved lines.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> len(any_road().panels)
    1
    """
    problem = Problem.gaussian(n=20, d=60, k=1, seed=0)
    shares = {
        name: squares / (2 * problem.mu * losses)
        for name, (losses, squares) in gradients_and_losses().items()
    }
    least = min(share.min() for share in shares.values())
    most = max(share.max() for share in shares.values()) / problem.kappa
    alt = (
        "Points of ten runs, five of GD and five of Adam, on logarithmic axes: the squared "
        "gradient falls with the loss, between two parallel lines. The points lie at least at "
        f"{least:.3f} times the lower line and at most at {most:.2f} times the upper one; as the "
        "loss falls they come down towards the lower line."
    )
    return Picture([Panel(_draw_road, alt, (360, 300))])


# -------------------------------------------------------------------------- along the perfect fits

EXAMPLE, LABEL, ORIGIN = np.array([1.0, 0.5]), 1.0, np.array([2.0, 0.75])
NORMAL = EXAMPLE / np.linalg.norm(EXAMPLE)
TANGENT = np.array([-NORMAL[1], NORMAL[0]])
FOOT = ORIGIN + (LABEL - EXAMPLE @ ORIGIN) / (EXAMPLE @ EXAMPLE) * EXAMPLE
FITS_BOX = ((-0.5, 2.6), (-0.95, 1.55))
POWER = 4.0


def split_gradient(u: float, p: float = POWER) -> tuple[np.ndarray, float, np.ndarray]:
    """Return a point of the line of fits, and the gradient there along the line and in all.

    Parameters
    ----------
    u : float
        The place on the line; 0 is the foot of the perpendicular from the start.
    p : float
        f is the sum of |w − w_0|^p/p.

    Returns
    -------
    point : array of shape (2,)
    along : float
        The derivative of f when one moves along the line.
    gradient : array of shape (2,)

    Examples
    --------
    >>> abs(round(split_gradient(0.0, 2.0)[1], 9))
    0.0
    """
    point = FOOT + u * TANGENT
    gradient = PNorm(p).gradient((point - ORIGIN)[:, None])[:, 0]
    return point, float(gradient @ TANGENT), gradient


def end_of_line() -> float:
    """Return the place on the line of fits that is nearest to the start in the 4-norm.

    Returns
    -------
    float

    Examples
    --------
    >>> abs(round(split_gradient(end_of_line())[1], 9))
    0.0
    """
    q = POWER / (POWER - 1)
    move = np.sign(EXAMPLE) * np.abs(EXAMPLE) ** (q - 1) / (np.abs(EXAMPLE) ** q).sum()
    point = ORIGIN + (LABEL - EXAMPLE @ ORIGIN) * move
    return float((point - FOOT) @ TANGENT)


def _draw_fits(ax: Any, u: float, title: str) -> None:
    point, _, gradient = split_gradient(u)
    arrow = 0.85 * gradient / np.linalg.norm(gradient)
    corner, tip = point + (arrow @ NORMAL) * NORMAL, point + arrow

    def value(points: np.ndarray) -> np.ndarray:
        return np.asarray(PNorm(POWER).value((points - ORIGIN)[..., None]))

    reach = reach_of_ball(value, ORIGIN, float(value(point[None])[0]), 6.0)
    ax.set(xlim=FITS_BOX[0], ylim=FITS_BOX[1], aspect="equal", xticks=[], yticks=[], title=title)
    ax.plot(*line_in_box(EXAMPLE, LABEL, FITS_BOX).T, color=MANIFOLD, lw=3)
    ax.plot(*around(ORIGIN, reach).T, color=FAINT, lw=1.2, ls=(0, (5, 4)))
    ax.plot(*np.array([point, corner]).T, color=CURVE, lw=2)
    if np.linalg.norm(tip - corner) > 0.01:
        ax.plot(*np.array([corner, tip]).T, color=GAP, lw=2.6)
    ax.annotate("", tip, point, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.5})
    ax.plot(*point, "o", color=INK, ms=6)
    ax.plot(*ORIGIN, "o", color=INK, ms=6)
    ax.annotate("$W_0$", ORIGIN, (7, 3), textcoords="offset points")
    ax.annotate(r"$\nabla f$", tip, (-4, 8), textcoords="offset points", ha="right")
    ax.text(1.3, -0.88, "$XW=Y$", color="#4d5866", ha="right")


def multiplier() -> Picture:
    """Return two points of the perfect fits, level curves of f and its gradients there.

    Returns
    -------
    Picture
        Two panels: a point where a move along the line pays, and the end.

    Examples
    --------
    >>> len(multiplier().panels)
    2
    """
    panels = []
    for title, u in (("a move along the line pays", 0.55), ("the end: none pays", end_of_line())):
        _, along, gradient = split_gradient(u)
        meets = "crosses" if abs(along) > 0.01 else "touches"
        alt = (
            f"A line of perfect fits; a level curve of f {meets} it. The gradient has the part "
            f"{abs(along):.2f} along the line and the part {abs(gradient @ NORMAL):.2f} in the "
            "direction of the example."
        )
        panels.append(Panel(partial(_draw_fits, u=u, title=title), alt, (360, 310)))
    return Picture(panels)


# ------------------------------------------------------------------------------------- the wall

DECAYS = {1.0: ("λ = 1", 0.42, 1.0), 0.1: ("0.1", 0.9, 4.1), 0.01: ("0.01", 0.31, 4.4)}


def decayed_dual(off: Any, decay: float) -> np.ndarray:
    """Return the dual of ½(x·W − 0.4)² + ½λ‖W‖² at x + off·z; x and z are orthonormal.

    Parameters
    ----------
    off : array of any shape
        How far from the row space.
    decay : float
        λ > 0.

    Returns
    -------
    array of that shape

    Examples
    --------
    >>> float(decayed_dual(0.0, 1e-9).round(6))  # without decay ½ + 0.4
    0.9
    """
    u = (1 - 0.4 * decay) / (1 + decay)
    least = 0.5 * u**2 + 0.4 * u + (1 - u) ** 2 / (2 * decay)
    return np.asarray(least + np.asarray(off, dtype=float) ** 2 / (2 * decay))


def _draw_wall(ax: Any) -> None:
    ax.set(xlim=(-1.6, 1.6), ylim=(0, 5), xlabel="distance of the gradient from the row space")
    ax.set_title("dual of the loss with weight decay λ")
    off = np.linspace(-1.6, 1.6, 641)
    colors = dict(zip(DECAYS, ("#56B4E9", "#0B7A99", "#0072B2"), strict=True))
    for decay, (name, *place) in DECAYS.items():
        ax.plot(off, decayed_dual(off, decay), color=colors[decay], lw=2.2)
        ax.text(*place, name, color=colors[decay], weight="bold")
    ax.plot(0, 0.9, "o", color=INK, ms=6)
    for side in (-1.18, 1.18):
        ax.text(side, 2.6, "L* = +∞", color=INK, ha="center", weight="bold")


def wall() -> Picture:
    """Return the dual of a loss across the row space, for three weight decays and for none.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> len(wall().panels)
    1
    """
    alt = (
        "Three parabolas over the distance from the row space, the steeper the smaller the decay: "
        f"at distance one half their heights are {decayed_dual(0.5, 1.0):.2f}, "
        f"{decayed_dual(0.5, 0.1):.2f} and {decayed_dual(0.5, 0.01):.1f}. Without decay there is a "
        "single point, of height 0.9 at distance zero; everywhere else the dual is infinite."
    )
    return Picture([Panel(_draw_wall, alt, (360, 280))])
