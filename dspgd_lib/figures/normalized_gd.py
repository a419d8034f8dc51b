"""Figures of the chapter on normalized gradient descent."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dspgd_lib.figures import landing
from dspgd_lib.figures.backgrounds import draw_axes, draw_ground, draw_manifold
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.explorer import Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Mark, Text, note, number
from dspgd_lib.figures.picture import Picture
from dspgd_lib.figures.plane import circle, on_line, segment
from dspgd_lib.figures.space import Camera
from dspgd_lib.plotting import BOUND, FAINT, INK, MANIFOLD, look
from dspgd_lib.preconditioners import GradientDescent, NormalizedGD
from dspgd_lib.problem import Problem
from dspgd_lib.runs import dspgd, sweep

COLOR, GD_COLOR = look(NormalizedGD(1.0)).color, look(GradientDescent()).color
DUAL = "#5B3E96"
DASHED: dict[str, Any] = {"color": FAINT, "lw": 0.8, "ls": (0, (4, 3))}
LAW: dict[str, Any] = {"color": INK, "lw": 1.2, "ls": (0, (5, 3))}
WIDE, SQUARE = (360, 260), (360, 340)


def _digits(values: np.ndarray, digits: int = 3) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values]


def _few(curve: np.ndarray, count: int = 26) -> np.ndarray:
    """Return enough points of a curve over 0, 1, 2, … to draw it: more where it does not fall."""
    last = len(curve) - 1
    if np.any(np.diff(curve) > 0):
        at = np.unique(np.rint(last * np.linspace(0, 1, 5 * count) ** 1.5).astype(int))
    else:
        evenly = np.linspace(0, last, count)
        lost = np.interp(np.linspace(0, 1, count), 1 - curve / curve[0], np.arange(last + 1))
        at = np.unique(np.rint(np.r_[evenly, lost]).astype(int))
    return np.c_[at, curve[at]]


def _size(A: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(A, axis=(-2, -1)))


@cache
def example(seed: int = 0) -> tuple[Problem, np.ndarray]:
    """Return the problem of the chapter, twenty examples and sixty weights, and its start.

    Parameters
    ----------
    seed : int
        Others draw other data and another start.

    Returns
    -------
    Problem, array of shape (60, 1)

    Examples
    --------
    >>> example()[0].X.shape
    (20, 60)
    """
    W0 = np.random.default_rng(seed + 1).standard_normal((60, 1))
    return Problem.gaussian(20, 60, 1, seed=seed), W0


# ------------------------------------------------------------------------------- two curves


def opening() -> Picture:
    """Return two curves: how far gradient descent and normalized GD are from the end, and apart.

    Returns
    -------
    Picture
        Two panels over the steps of both runs.

    Examples
    --------
    >>> len(opening().panels)
    2
    """
    data, W0 = example()
    eps, steps = 3.0, 600
    goal = data.project(W0)
    roads = []
    for K, eta in ((GradientDescent(), 1 / data.M), (NormalizedGD(eps), eps / data.M)):
        run = dspgd(data, K, W0, eta, tol=0, max_steps=steps, record=("W",))
        roads.append(run.history["W"])
    left = [_size(road - goal) / _size(W0 - goal) for road in roads]
    apart = _size(roads[1] - roads[0]) / _size(goal)
    top, last = int(apart.argmax()), apart[-40:].max()
    t = np.arange(steps + 1)

    def distances(ax: Any) -> None:
        ax.plot(t, left[0], color=GD_COLOR, lw=2)
        ax.plot(t, left[1], color=COLOR, lw=2)
        ax.annotate("gradient\ndescent", (20, 0.1), color=GD_COLOR)
        ax.annotate("normalized GD", (112, 0.5), color=COLOR)
        ax.set(xlim=(0, steps), ylim=(0, 1.05), xlabel="step $t$", title="share of the way left")

    def between(ax: Any) -> None:
        ax.semilogy(t[1:], apart[1:], color=INK, lw=2)
        ax.plot(top, apart[top], "o", color=INK, ms=5)
        ax.annotate(
            f"{apart[top]:.2f} at step {top}",
            (top, apart[top]),
            (4, -42),
            textcoords="offset points",
        )
        ax.set(xlim=(0, steps), ylim=(1e-16, 1), xlabel="step $t$")
        ax.set(title="how far apart the two are")

    return Picture(
        [
            Panel(
                distances,
                f"Share of the way left against the step: gradient descent falls to a tenth within "
                f"{int(np.argmax(left[0] < 0.1))} steps, normalized GD almost in a straight line "
                f"within {int(np.argmax(left[1] < 0.1))}.",
                WIDE,
            ),
            Panel(
                between,
                f"Distance between the two on a logarithmic axis: it rises to {apart[top]:.2f} of "
                f"the length of the solution at step {top} and falls to {last:.0e}.",
                WIDE,
            ),
        ]
    )


def pace() -> Picture:
    """Return the length of a step against the length of the gradient, with the dots of one run.

    Returns
    -------
    Picture
        One panel with logarithmic axes.

    Examples
    --------
    >>> len(pace().panels)
    1
    """
    data, W0 = example()
    eps = 10.0
    run = dspgd(data, NormalizedGD(eps), W0, 0.5 * eps / data.M, tol=1e-5, record=("gradient", "W"))
    length, step = _size(run.history["gradient"])[:-1], _size(np.diff(run.history["W"], axis=0))
    step /= 0.5 * eps / data.M

    def draw(ax: Any) -> None:
        s = np.geomspace(1e-3, 1e2, 200)
        ax.loglog(s, s / np.hypot(s, 1), color=COLOR, lw=2)
        ax.plot(s[s < 8], s[s < 8], **LAW)
        ax.plot(s[s > 0.12], np.ones_like(s[s > 0.12]), **LAW)
        ax.plot(length[::7] / eps, step[::7], "s", color=COLOR, ms=4.5, mec="white", mew=0.5)
        ax.axvline(1, **DASHED)
        ax.annotate("GD at rate $\\eta/\\varepsilon$", (0.05, 0.012))
        ax.annotate("length $\\eta$, whatever\nthe gradient", (2.2, 0.2))
        ax.annotate(
            "start",
            (length[0] / eps, step[0]),
            (0, 12),
            textcoords="offset points",
            color=COLOR,
            ha="center",
        )
        ax.set(xlim=(1e-3, 1e2), ylim=(1e-3, 4))
        ax.set(xlabel="gradient length / $\\varepsilon$", ylabel="step length / $\\eta$")

    alt = (
        "Step length against gradient length on logarithmic axes. Left of the smoothing the curve "
        "follows the line of gradient descent, right of it the level η. The run starts on the "
        f"level, at a gradient {length[0] / eps:.0f} times the smoothing, and slides down the line."
    )
    return Picture([Panel(draw, alt, WIDE)])


# ------------------------------------------------------------------------------- in the plane

SMOOTHING = _digits(np.geomspace(0.01, 100, 161))


@cache
def plane() -> tuple[Problem, np.ndarray]:
    """Return one data point of length 1, x = (0.8, 0.6) with label 0.4, and the start W_0."""
    return Problem(np.array([[0.8, 0.6]]), np.array([[0.4]])), np.array([[2.3], [2.1]])


def _plane_runs(eps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return all weights and all gradients of the run for each smoothing, η = ε/2."""
    data, W0 = plane()
    runs = sweep(data, NormalizedGD(eps), W0, 0.5 * eps, tol=1e-4, record=("W", "gradient"))
    W, V = runs.history["W"], runs.history["gradient"]
    return [(W[: n + 1, i], V[: n + 1, i]) for i, n in enumerate(runs.steps)]


_in_the_plane = Batch(_plane_runs, SMOOTHING)


def _draw_weights(ax: Any) -> None:
    data, W0 = plane()
    x, y, box = data.X[0], data.Y[0, 0], ((-1.05, 2.95), (-0.95, 2.65))
    draw_manifold(ax, x, y, box, margin=1)
    fits = on_line(x, y, -0.72)
    ax.annotate(r"$\mathcal{W}$: $XW=Y$", fits, (8, 2), textcoords="offset points")
    ax.plot(*segment(W0[:, 0], x, 1.6).T, **DASHED)
    ax.plot(*np.c_[W0, data.project(W0)], color=COLOR, lw=1.9)
    ax.plot(*W0, "o", color=INK, ms=7)
    ax.annotate("$W_0$", W0[:, 0], (8, -4), textcoords="offset points")
    draw_axes(ax, box, "weights")


def _draw_duals(ax: Any) -> None:
    ax.plot(*segment((0, 0), plane()[0].X[0], 20).T, **DASHED)
    disc = circle(count=199)
    ax.fill(*disc.T, color="#efeaf7")
    ax.plot(*disc.T, color=DUAL, lw=1)
    ax.annotate("unit disc", (0.1, -1.0), (0, -13), textcoords="offset points", ha="center")
    ax.plot(0, 0, "+", color=INK, ms=9, mew=1.5)
    draw_axes(ax, ((-1.45, 2.65), (-1.45, 2.25)), "gradients (dual space)", name="v")


def _plane_frame(eps: float) -> Frame:
    data, W0 = plane()
    W, V = _in_the_plane(eps)
    pushed = NormalizedGD(eps).gradient(V)
    goal = data.project(W0)
    steps = len(W) - 1
    every = max(1, round(steps / 14)) if eps < 1 else 1
    marked = slice(0, None, every)
    weights: list[Mark] = [
        Dots(W[marked], COLOR, "s", 3.2, gap=6),
        Dots(goal, GD_COLOR, "o", 8, hollow=True),
        Text(goal, "GD ends here", GD_COLOR, (16, -12)),
    ]
    duals: list[Mark] = [
        Dots(V[marked], DUAL, "o", 4.2, hollow=True, gap=7),
        Dots(pushed[marked], COLOR, "s", 3.2, gap=6),
    ]
    first, longest = float(_size(W[1] - W[0])), float(_size(pushed).max())
    marker = "" if every == 1 else f" (a square every {every:,} steps)"
    caption = (
        f"ε = {number(eps)}: the first gradient, of length 2.7, becomes a push of length "
        f"<b>{longest:.2f}</b>, a step of {first:.2g}{marker}. After {steps:,} steps four "
        "digits are right, at the point where GD ends."
    )
    alts = [
        f"The run moves along the dashed line, first by {first:.2g}, and ends on the hollow "
        f"circle after {steps} steps.",
        f"The pushes stay inside the unit disc, the longest is {longest:.2f}.",
    ]
    return Frame([weights, duals], alts, caption)


def where_it_lands() -> Explorer:
    """Return the plane figure: weights and gradients of one run, a slider for ε.

    Returns
    -------
    Explorer
        Two panels, 161 stops; the learning rate is half the guarantee.

    Examples
    --------
    >>> where_it_lands().stops
    161
    """
    panels = [
        Panel(
            _draw_weights,
            "Plane of the two weights with the line of interpolating weights, the start W_0 and "
            "the dashed line through it in the direction of the data point.",
            SQUARE,
        ),
        Panel(
            _draw_duals,
            "Plane of gradients: a dashed line through the origin in the direction of the data "
            "point, and the unit disc.",
            SQUARE,
        ),
    ]
    controls = [Slider("eps", "smoothing ε", SMOOTHING, start=64)]
    return Explorer(panels, _plane_frame, controls, "Normalized gradient descent in the plane")


# ------------------------------------------------------------------------------- on the floor

SEEN = Camera(turn=196, tilt=38, strength=0.06)


def _draw_floor(ax: Any) -> None:
    data, W0 = landing.problem()
    room = landing.room()
    draw_ground(ax, SEEN, (-0.6, 3.0), (-1.3, 1.1))
    for low, high, alpha in ((0, 1.75, 1.0), (-0.4, 0, 0.25)):
        ax.plot(*SEEN.see([(0, 0, low), (0, 0, high)]).T, color=MANIFOLD, lw=4.5, alpha=alpha)
    roads = (
        (NormalizedGD(6.0), 11.4 / data.M, "s"),
        (NormalizedGD(0.15), 0.15 / data.M, ""),
        (GradientDescent(), 1 / data.M, "o"),
    )
    for K, eta, marker in roads:
        W = dspgd(data, K, W0, eta, tol=1e-4, record=("W",)).history["W"]
        seen = SEEN.see(room.coordinates(W[..., 0])[:, :2])
        size = 6 if marker == "o" else 3.6
        shape = {"marker": marker, "ms": size, "mec": "white", "mew": 0.5}
        ax.plot(*seen.T, color=look(K).color, lw=1.3 if marker else 2.4, **shape)
        if marker == "o":
            ax.annotate("GD", seen[1], (-22, -10), color=GD_COLOR, textcoords="offset points")
    start, foot = SEEN.see(room.coordinates(W0[:, 0])), SEEN.see((0, 0))
    ax.plot(*start, "o", color=INK, ms=7)
    ax.plot(*foot, "o", color=INK, ms=7)
    beside = {"textcoords": "offset points"}
    ax.annotate("$W_0$", start, (0, 10), ha="center", **beside)
    ax.annotate(r"$\mathcal{W}$", SEEN.see((0, 0, 1.75)), (-9, -12), ha="right", **beside)
    ax.annotate(r"$\Pi(W_0)$", foot, (12, -15), **beside)
    ax.annotate("the floor", SEEN.see((1.9, -0.95)), color="#8a5a00", ha="center")
    ax.annotate("normalized GD", SEEN.see((2.4, 0.15)), (-36, -52), color=COLOR, **beside)
    ax.set(xlim=(-3.5, 1.3), ylim=(-1.3, 1.9))


def floor() -> Picture:
    """Return three roads on the floor W_0 + row space, and the upright line that they meet.

    Returns
    -------
    Picture
        One panel in perspective: two examples, three weights.

    Examples
    --------
    >>> len(floor().panels)
    1
    """
    alt = (
        "A floor in perspective, and a line that stands upright on it. Three roads lead from the "
        "start over the floor to the foot of the line: gradient descent in a bend, normalized GD "
        "with small steps along nearly the same bend, and with long steps in a zigzag."
    )
    return Picture([Panel(_draw_floor, alt, (360, 260), axes=False)])


def corners(fractions: Any, seeds: int = 10) -> np.ndarray:
    """Return how far normalized GD strays from the road of the gradient flow.

    Parameters
    ----------
    fractions : array of shape (m,)
        Learning rates in units of the guarantee ε/M, with ε = 10.
    seeds : int
        How many problems.

    Returns
    -------
    array of shape (seeds, m)
        The largest distance of an iterate from the flow, in units of ‖W_0 − W_GD‖_F.

    Examples
    --------
    >>> off = corners([0.2, 0.4], seeds=1)
    >>> bool(1.8 < off[0, 1] / off[0, 0] < 2.2)
    True
    """
    eps, off = 10.0, np.empty((seeds, len(fractions)))
    for seed in range(seeds):
        data, W0 = example(seed)
        sigma, right = np.linalg.svd(data.X, full_matrices=False)[1:]
        error, sharp = (right @ (W0 - data.project(W0)))[:, 0], sigma**2
        s = np.r_[0, np.geomspace(1e-3, 30, 4000)] / data.M
        road = np.exp(-s[:, None] * sharp) * error
        ahead = -sharp * road
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
        etas = np.asarray(fractions) * eps / data.M
        runs = sweep(data, NormalizedGD(eps), W0, etas, tol=0.05, record=("W",))
        for i, steps in enumerate(runs.steps):
            at = (runs.history["W"][: steps + 1, i, :, 0] - data.project(W0)[:, 0]) @ right.T
            near = np.argmin(((at[:, None] - road) ** 2).sum(axis=2), axis=1)
            gap = at - road[near]
            gap -= (gap * ahead[near]).sum(axis=1, keepdims=True) * ahead[near]
            off[seed, i] = np.linalg.norm(gap, axis=1).max() / np.linalg.norm(error)
    return off


# ------------------------------------------------------------------------------- the clock

PACES = _digits(np.geomspace(1, 200, 161))
LONG = 720


def _clock_runs(eps: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Return the share of the way left and the step where ‖V‖ falls below ε, for η = ε/M."""
    data, W0 = example()
    keep = ("W", "gradient")
    runs = sweep(
        data, NormalizedGD(eps), W0, eps / data.M, tol=1e-10, max_steps=2 * LONG, record=keep
    )
    left = _size(runs.history["W"] - data.project(W0))
    bend = np.argmax(_size(runs.history["gradient"]) < eps, axis=0)
    return [(left[: n + 1, i] / left[0, i], int(bend[i])) for i, n in enumerate(runs.steps)]


_on_the_clock = Batch(_clock_runs, PACES)


def _gd_left(seed: int = 0) -> np.ndarray:
    data, W0 = example(seed)
    run = dspgd(data, GradientDescent(), W0, 1 / data.M, tol=1e-10, record=("W",))
    left = _size(run.history["W"] - data.project(W0))
    return left / left[0]


def _draw_walk(ax: Any) -> None:
    ax.plot(_gd_left(), color=GD_COLOR, lw=1.5)
    ax.set(xlim=(0, LONG), ylim=(0, 1.1), xlabel="step $t$")
    ax.set_title("share of the way left")


def _draw_late(ax: Any) -> None:
    ax.semilogy(_gd_left(), color=GD_COLOR, lw=1.5)
    ax.set(xlim=(0, LONG), ylim=(1e-8, 3), xlabel="step $t$")
    ax.set_title("the same, logarithmic")


def _clock_frame(eps: float) -> Frame:
    data, W0 = example()
    left, bend = _on_the_clock(eps)
    way, eta = float(_size(W0 - data.project(W0))), eps / data.M
    there = int(np.argmax(left < 1e-6))
    arrival = way / eta
    ends = np.array([bend, len(left) - 1])
    law = left[there] * (1 - data.mu / data.M) ** (ends - there)
    run = _few(left, 18)
    walk: list[Mark] = [
        Line([(0, 1), (arrival, 0)], BOUND, 1.8, "6 4"),
        Line([(bend, 0), (bend, 0.6)], FAINT, 1, "2 3"),
        Line(run, COLOR, 2.6),
        note((LONG - 8, 0.92), "never faster: 1 − ηt/‖Δ₀‖", BOUND, "end", bold=False),
        note((LONG - 8, 0.8), "normalized GD", COLOR, "end"),
        note((LONG - 8, 0.68), "gradient descent", GD_COLOR, "end"),
    ]
    late: list[Mark] = [
        Line([(bend, 1e-8), (bend, 0.15)], FAINT, 1, "2 3"),
        Line(run, COLOR, 3.2),
        Line(np.c_[ends, law], INK, 1.4, "6 4"),
        note((LONG - 8, 0.5), "slope ln(1 − ημ/ε)", INK, "end", bold=False),
    ]
    shorter = f"Until step <b>{bend:,}</b> the gradient is" if bend else "The gradient is never"
    caption = (
        f"ε = {number(eps)}: {shorter} longer than ε (dotted line). A millionth of the way is left "
        f"after <b>{there:,}</b> steps; a walk alone would take {arrival:,.0f}."
    )
    alts = [
        f"The orange curve falls along the red line of a walk and leaves it near step {bend}.",
        f"From step {bend} on it is straight; a millionth is left after {there} steps.",
    ]
    return Frame([walk, late], alts, caption)


def clock() -> Explorer:
    """Return one run on two pairs of axes, each straight for one of its phases; a slider for ε.

    Returns
    -------
    Explorer
        Two panels, 161 stops.

    Examples
    --------
    >>> clock().stops
    161
    """
    panels = [
        Panel(
            _draw_walk, "Axes: step against share of the way left; gradient descent drops.", WIDE
        ),
        Panel(_draw_late, "The same with a logarithmic axis; gradient descent is straight.", WIDE),
    ]
    controls = [Slider("eps", "smoothing ε", PACES, start=46)]
    return Explorer(panels, _clock_frame, controls, "How fast normalized gradient descent is")


def aims(count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how well gradients aim on runs of normalized GD, and at the worst error there is.

    Parameters
    ----------
    count : int
        How many Gaussian problems, with two to twenty examples.

    Returns
    -------
    kappa, runs, worst : arrays of shape (count,)
        Condition numbers in rising order, the smallest cosine between gradient and error on a run,
        and the cosine at an error along the two extreme directions, with
        lengths in the ratio 1/σ_max : 1/σ_min.

    Examples
    --------
    >>> kappa, runs, worst = aims(5)
    >>> bool((runs > 0.99 * worst).all())
    True
    """
    found = []
    for seed in range(count):
        n = (2, 3, 5, 10, 20)[seed % 5]
        data = Problem.gaussian(n, 2 * n, 1, seed=seed)
        W0 = np.random.default_rng(seed + 1000).standard_normal((2 * n, 1))
        goal, far = data.project(W0), float(_size(data.gradient(W0)))
        eps = 0.1 * far
        run = dspgd(
            data, NormalizedGD(eps), W0, eps / data.M, tol=1e-4, max_steps=2_000, record=("W",)
        )
        right = np.linalg.svd(data.X, full_matrices=False)[2]
        ends = right[0] / data.sigma_max + right[-1] / data.sigma_min
        errors = [run.history["W"] - goal, ends[:, None]]
        cosines = []
        for D in errors:
            V = data.X.T @ (data.X @ D)
            cosines.append(float(((V * D).sum(axis=(-2, -1)) / (_size(V) * _size(D))).min()))
        found.append((data.kappa, *cosines))
    kappa, runs, worst = np.array(sorted(found)).T
    return kappa, runs, worst


def long_steps(smoothing: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return how many steps have a gradient longer than ε, and how many there can be at most.

    Parameters
    ----------
    smoothing : array of shape (m,)
        Values of ε, each with η = ε/M.

    Returns
    -------
    count, most : arrays of shape (m,)
        Measured on the problem of the chapter, and the bound of its ``prop-ngd-two-phases``.

    Examples
    --------
    >>> count, most = long_steps([3.0])
    >>> int(count[0]), round(float(most[0] / count[0]), 1)
    (176, 3.8)
    """
    data, W0 = example()
    eps = np.asarray(smoothing, dtype=float)
    eta = eps / data.M
    runs = sweep(data, NormalizedGD(eps), W0, eta, tol=1e-3, record=("gradient",))
    count = (_size(runs.history["gradient"]) > eps).sum(axis=0)
    spread = np.sqrt(data.kappa) + 1 / np.sqrt(data.kappa)
    way = float(_size(W0 - data.project(W0)))
    return count, np.sqrt(2) / (2 - np.sqrt(0.5)) * spread * way / eta


def _flow(data: Problem, W0: np.ndarray, left: float = 1e-6) -> tuple[float, float]:
    """Return length and time of the gradient flow to where this share of the way is left."""
    sigma, right = np.linalg.svd(data.X, full_matrices=False)[1:]
    error, sharp = (right @ (W0 - data.project(W0)))[:, 0], sigma**2
    s = np.r_[0, np.geomspace(1e-5, 2 * -np.log(left) * data.kappa, 20_000)] / data.M
    road = np.exp(-s[:, None] * sharp) * error
    distance, speed = np.linalg.norm(road, axis=1), np.linalg.norm(sharp * road, axis=1)
    end = int(np.argmax(distance < left * distance[0]))
    length = float(np.trapezoid(speed[: end + 1], s[: end + 1]))
    return length, float(s[end])


@cache
def clocks(seeds: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the steps to six digits over ε, and the two laws between which the flow's time lies.

    Parameters
    ----------
    seeds : int
        How many problems, each with η = ε/M.

    Returns
    -------
    shares : array of shape (m,)
        ε in units of the first gradient.
    steps : array of shape (seeds, m)
        Steps until a millionth of the way is left.
    least, most : arrays of shape (seeds, m)
        √((ℓ/η)² + N²) and ℓ/η + N, with the length ℓ of the flow's road and the steps N of
        gradient descent at 1/M.

    Examples
    --------
    >>> shares, steps, least, most = clocks(1)
    >>> bool((steps < 1.1 * most).all() and (steps > 0.9 * least).all())
    True
    """
    shares = np.geomspace(3e-3, 10, 22)
    steps, least, most = np.empty((3, seeds, len(shares)))
    for seed in range(seeds):
        data, W0 = example(seed)
        eps = shares * float(_size(data.gradient(W0)))
        walk, late = _flow(data, W0)[0] * data.M / eps, np.argmax(_gd_left(seed) < 1e-6)
        runs = sweep(data, NormalizedGD(eps), W0, eps / data.M, tol=1e-8, record=("W",))
        left = _size(runs.history["W"] - data.project(W0))
        steps[seed] = np.argmax(left < 1e-6 * left[0], axis=0)
        least[seed], most[seed] = np.hypot(walk, late), walk + late
    return shares, steps, least, most


def price() -> Picture:
    """Return the steps to six digits over ε, for ten problems, between the two laws of the flow.

    Returns
    -------
    Picture
        One panel with logarithmic axes.

    Examples
    --------
    >>> len(price().panels)
    1
    """
    shares, steps, least, most = clocks()
    low, middle, high = np.percentile(steps, [10, 50, 90], axis=0)

    def draw(ax: Any) -> None:
        ax.fill_between(shares, low, high, color="#fbe6d4", lw=0)
        ax.loglog(shares, np.median(least, axis=0), **LAW)
        ax.loglog(shares, np.median(most, axis=0), **LAW)
        ax.loglog(shares, middle, "s", color=COLOR, ms=4.5, mec="white", mew=0.5)
        ax.annotate("ℓ/η + N", (0.015, 420))
        ax.annotate("√((ℓ/η)² + N²)", (0.0045, 118))
        ax.set(xlabel="$\\varepsilon$ / length of the first gradient", title="steps to six digits")
        ax.set(xlim=(2.5e-3, 12), ylim=(100, 2e3))

    alt = (
        f"Steps to six digits over the smoothing, medians of ten problems: from {middle[0]:.0f} "
        f"they fall along a line of slope −1 and level off at {middle[-1]:.0f}, between two dashed "
        "laws of the same shape that are nowhere more than a factor √2 apart."
    )
    return Picture([Panel(draw, alt, WIDE)])


# ------------------------------------------------------------------------------- the edge


def edge(times: Any, seeds: int = 10) -> np.ndarray:
    """Return distances from W_GD, in units of η, at exactly twice the guarantee.

    The runs start at the distance η.

    Parameters
    ----------
    times : array of shape (m,) of integers
        Steps at which to look.
    seeds : int
        How many problems; their smoothings reach from 1 to 100.

    Returns
    -------
    array of shape (seeds, m)

    Examples
    --------
    >>> far = edge([100, 400], seeds=2)
    >>> bool((far[:, 1] < far[:, 0]).all())
    True
    """
    found = []
    for seed, eps in enumerate(np.geomspace(1, 100, seeds)):
        data, W0 = example(seed)
        eta, goal = 2 * eps / data.M, data.project(W0)
        W0 = goal + eta * (W0 - goal) / _size(W0 - goal)
        run = dspgd(
            data, NormalizedGD(eps), W0, eta, tol=0, max_steps=int(max(times)), record=("W",)
        )
        found.append(_size(run.history["W"][np.asarray(times)] - goal) / eta)
    return np.array(found)


RATES = _digits(np.linspace(0.4, 4, 181))
LAST = 3_000


def _fork_runs(fractions: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Return the first weights, the last two positions along x, and how many steps, for ε = 1."""
    data, W0 = plane()
    runs = sweep(data, NormalizedGD(1.0), W0, fractions, tol=1e-6, max_steps=LAST, record=("W",))
    W = runs.history["W"]
    along = (W - data.project(W0))[..., 0] @ data.X[0]
    ends = [along[n - 1 : n + 1, i] for i, n in enumerate(runs.steps)]
    return [(W[:40, i], ends[i], int(n)) for i, n in enumerate(runs.steps)]


_at_the_fork = Batch(_fork_runs, RATES)


def _draw_bounce(ax: Any) -> None:
    data, W0 = plane()
    x, y, box = data.X[0], data.Y[0, 0], ((-1.75, 2.95), (-1.35, 2.65))
    draw_manifold(ax, x, y, box, margin=1)
    ax.annotate(r"$\mathcal{W}$", on_line(x, y, -0.95), (8, 2), textcoords="offset points")
    ax.plot(*segment(W0[:, 0], x, 4).T, **DASHED)
    ax.plot(*np.c_[W0, data.project(W0)], color=COLOR, lw=1.2)
    ax.plot(*W0, "o", color=INK, ms=7)
    ax.annotate("$W_0$", W0[:, 0], (8, -4), textcoords="offset points")
    draw_axes(ax, box, "weights")


def _draw_fork(ax: Any) -> None:
    runs = _fork_runs(np.array(RATES[::5]))
    eta = np.linspace(2, 4, 200)
    for sign in (1, -1):
        ax.plot(eta, sign * np.sqrt(eta**2 / 4 - 1), **LAW)
    ax.plot([0.4, 2], [0, 0], **LAW)
    ax.axvline(2, color=BOUND, lw=1.2)
    for end in (0, 1):
        at = [run[1][end] for run in runs]
        ax.plot(RATES[::5], at, "s", color=COLOR, ms=2.6, mec="none")
    ax.annotate("2ε/M", (1.93, -1.6), color=BOUND, ha="right")
    ax.annotate(r"$\pm\,c$", (3.0, 1.35), ha="right")
    ax.set(xlim=(0.28, 4.12), ylim=(-1.95, 1.95), xlabel=r"learning rate $\eta$, in units of ε/M")
    ax.set_title("the last two iterates, along $x$")


def _fork_frame(fraction: float) -> Frame:
    data, W0 = plane()
    W, ends, steps = _at_the_fork(fraction)
    goal = data.project(W0)
    last = goal + ends[:, None, None] * data.X.T
    weights: list[Mark] = [
        Dots(W[:14], COLOR, "s", 2.8, gap=7),
        Dots(last, INK, "D", 4.6, hollow=True, gap=1),
        Dots(goal, GD_COLOR, "o", 3.4),
    ]
    fork: list[Mark] = [Dots([(fraction, end) for end in ends], INK, "D", 5, hollow=True, gap=1)]
    if fraction < 2:
        end = f"It rests after <b>{steps:,}</b> steps, six digits after the start."
        if steps == LAST:
            end = f"It is resting, slowly: after {steps:,} steps {abs(ends[1]):.0e} is left."
        said = f"comes to rest where gradient descent ends, within {steps} steps"
    elif fraction == 2:
        law = 1 / np.sqrt(2 * steps)
        end = (
            f"The end point: after {steps:,} steps {abs(ends[1]):.4f} is left; the law "
            f"η/√(8t) says {law:.4f}."
        )
        said = f"creeps to rest: after {steps} steps {abs(ends[1]):.3f} is left"
    else:
        c = np.sqrt(fraction**2 / 4 - 1)
        end = (
            f"It bounces for ever at distance <b>{abs(ends[1]):.4f}</b>; the formula says {c:.4f}."
        )
        said = f"bounces between two points at distance {abs(ends[1]):.2f} from the manifold"
    caption = f"η = {number(fraction)} ε/M. {end}"
    alts = [
        f"The run {said}.",
        f"The last two iterates: {number(ends[0], '.2f')} and {number(ends[1], '.2f')}.",
    ]
    return Frame([weights, fork], alts, caption)


def fork() -> Explorer:
    """Return the bounce in the plane and the fork over the learning rate, a slider for η.

    Returns
    -------
    Explorer
        Two panels, 181 stops.

    Examples
    --------
    >>> fork().stops
    181
    """
    panels = [
        Panel(
            _draw_bounce,
            "Plane of the two weights with the line of interpolating weights, the start W_0 and "
            "the dashed line through it in the direction of the data point.",
            SQUARE,
        ),
        Panel(
            _draw_fork,
            "Last two iterates over the learning rate: both are 0 up to twice the guarantee, then "
            "they part like a fork, on the two branches of the formula.",
            SQUARE,
        ),
    ]
    controls = [Slider("fraction", "learning rate η, in units of ε/M", RATES, start=110, log=False)]
    return Explorer(panels, _fork_frame, controls, "Beyond twice the guarantee")


def energy() -> Picture:
    """Return loss and energy of one bouncing run: one jumps, the other only falls.

    Returns
    -------
    Picture
        One panel.

    Examples
    --------
    >>> len(energy().panels)
    1
    """
    data, W0 = example()
    eps, steps = 10.0, 40
    K, eta, goal = NormalizedGD(eps), 10 * eps / data.M, data.project(W0)
    W0 = goal + 0.25 * (W0 - goal)
    run = dspgd(data, K, W0, eta, tol=0, max_steps=steps, record=("loss", "gradient"))
    loss = 2 * run.history["loss"]
    level = loss - eta * K.value(run.history["gradient"])
    t = np.arange(steps + 1)

    def draw(ax: Any) -> None:
        ax.axhline(0, **DASHED)
        ax.plot(t, loss, color=FAINT, lw=1.2, marker="o", ms=3)
        ax.plot(t, level, color=COLOR, lw=1.8, marker="s", ms=3.5)
        ax.annotate("$2L$: it jumps", (12, 24), color="#4d5866")
        ax.annotate(r"$2L - \eta K$: it only falls", (12, -6), color=COLOR)
        ax.set(xlim=(0, steps), xlabel="step $t$")

    ups = int((np.diff(loss) > 0).sum())
    alt = (
        f"Twice the loss rises in {ups} of {steps} steps; the energy falls from {level[0]:.1f} to "
        f"{number(level[-1], '.1f')} and never rises."
    )
    return Picture([Panel(draw, alt, WIDE)])


def amplitudes(fractions: Any, seeds: int = 10) -> np.ndarray:
    """Return how far from W_GD runs end beyond twice the guarantee, in units of ε/M.

    Parameters
    ----------
    fractions : array of shape (m,)
        Learning rates in units of ε/M, above 2.
    seeds : int
        How many problems.

    Returns
    -------
    array of shape (seeds, m)

    Examples
    --------
    >>> amplitudes([4.0], seeds=2).round(4).tolist()
    [[1.7321], [1.7321]]
    """
    eps, found = 10.0, []
    for seed in range(seeds):
        data, W0 = example(seed)
        goal, etas = data.project(W0), np.asarray(fractions) * eps / data.M
        W0 = goal + 2 * (W0 - goal) * eps / data.M
        runs = sweep(data, NormalizedGD(eps), W0, etas, tol=0, max_steps=4_000)
        found.append(_size(runs.W - goal) * data.M / eps)
    return np.array(found)


def without_eps(unsmoothed: Any) -> Picture:
    """Return two bounces without smoothing and two with a little, in the plane of the chapter.

    Parameters
    ----------
    unsmoothed : preconditioner
        What divides by the length of the gradient.

    Returns
    -------
    Picture
        Two panels: positions along x, in units of η, over the steps.

    Examples
    --------
    >>> len(without_eps(NormalizedGD(1e-9)).panels)
    2
    """
    data, W0 = plane()
    goal, eta, eps, steps = data.project(W0), 0.4, 0.04, 50
    starts = [goal + length * eta * data.X.T for length in (6.15, 5.8)]
    tracks = [
        [
            (dspgd(data, K, W, eta, tol=0, max_steps=steps, record=("W",)).history["W"] - goal)[
                ..., 0
            ]
            @ data.X[0]
            / eta
            for W in starts
        ]
        for K in (unsmoothed, NormalizedGD(eps))
    ]
    c = float(np.sqrt(1 / 4 - (eps / eta) ** 2))

    def panel(which: int, title: str) -> Any:
        def draw(ax: Any) -> None:
            ax.axhline(0, color=MANIFOLD, lw=2)
            for track, color in zip(tracks[which], (COLOR, GD_COLOR), strict=True):
                for parity, marker in ((0, "s"), (1, "o")):
                    t = np.arange(parity, steps + 1, 2)
                    ax.plot(t, track[t], marker, color=color, ms=3.2, mec="none")
            if which:
                for side in (c, -c):
                    ax.axhline(side, **LAW)
            ax.set(xlim=(0, steps), ylim=(-1.05, 1.05), xlabel="step $t$", title=title)

        return draw

    ends = [[sorted(track[-2:]) for track in pair] for pair in tracks]
    words = [
        " and ".join(f"{number(a, '.2f')} and {number(b, '.2f')}" for a, b in pair) for pair in ends
    ]
    return Picture(
        [
            Panel(
                panel(0, "no smoothing"),
                f"Without smoothing two runs bounce for ever between {words[0]} step lengths, "
                "each pair one step length apart.",
                WIDE,
            ),
            Panel(
                panel(1, r"$\varepsilon = \eta/10$"),
                f"With a little smoothing both runs end on the same bounce, {words[1]}.",
                WIDE,
            ),
        ]
    )


# ------------------------------------------------------------------------------- the map

ACROSS = _digits(np.geomspace(0.05, 50, 41), 2)
UP = [0.1, 0.2, 0.4, 0.7, 1.0, 1.3, 1.6, 1.8, 1.9, 2.0, 2.1, 2.5, 3.0]
SHOWN = 400


@cache
def _map_problem() -> tuple[Problem, np.ndarray]:
    return Problem.gaussian(5, 15, 1, seed=3), np.random.default_rng(4).standard_normal((15, 1))


def _map_runs(fraction: float) -> Batch:
    def compute(eps: np.ndarray) -> list[np.ndarray]:
        data, W0 = _map_problem()
        runs = sweep(
            data,
            NormalizedGD(eps),
            W0,
            fraction * eps / data.M,
            tol=0,
            max_steps=SHOWN,
            record=("W",),
        )
        left = _size(runs.history["W"] - data.project(W0))
        return list((left / left[0]).T)

    return Batch(compute, ACROSS)


_on_the_map = {fraction: _map_runs(fraction) for fraction in UP}


def _draw_map(ax: Any) -> None:
    data, W0 = _map_problem()
    length, time = _flow(data, W0)
    turn = length / time
    left, right = 0.85 * ACROSS[0], ACROSS[-1] / 0.85
    ax.fill_between([left, turn], 0, 2, color="#fbe6d4", lw=0)
    ax.fill_between([turn, right], 0, 2, color="#dcebf7", lw=0)
    ax.axhspan(2, 3.3, color="#f4dcea", lw=0)
    ax.axhline(2, color=BOUND, lw=1.6)
    ax.plot([turn, turn], [0, 2], **LAW)
    ax.set(xscale="log", xlim=(left, right), ylim=(-0.08, 3.2))
    ax.annotate("mostly a walk", (0.07, 0.24), color=COLOR)
    ax.annotate("mostly GD", (48, 0.24), color=GD_COLOR, ha="right")
    ax.annotate("two-cycle", (48, 2.85), color="#aa3377", ha="right")
    ax.annotate("2/M", (0.06, 2.07), color=BOUND)
    ax.set(xlabel=r"smoothing $\varepsilon$", title=r"$\eta/\varepsilon$, in units of $1/M$")


def _draw_run(ax: Any) -> None:
    ax.set(yscale="log", xlim=(0, SHOWN), ylim=(1e-9, 5), xlabel="step $t$")
    ax.set_title("share of the way left")


def _map_frame(eps: float, fraction: float) -> Frame:
    data, W0 = _map_problem()
    left = _on_the_map[fraction](eps)
    way = float(_size(W0 - data.project(W0)))
    there = int(np.argmax(left < 1e-6)) if (left < 1e-6).any() else 0
    right: list[Mark] = [Line(_few(left[left > 2e-10], 16), COLOR, 2.2)]
    share = "nearly all" if left[-1] > 0.95 else f"{100 * left[-1]:.2g} %"
    walking = left[-1] > 0.1
    if fraction > 2:
        c = np.sqrt(fraction**2 / 4 - 1) * eps / data.M
        right.append(Line([(0, c / way), (SHOWN, c / way)], INK, 1.2, "5 3"))
        right.append(note((SHOWN - 4, 2.2 * c / way), "c", INK, "end", bold=False))
        tail = left[-1] * way / c
        said = f"it ends on the two-cycle, at {tail:.2f} of its distance c"
        if walking and tail > 1.01:
            said = f"still walking after {SHOWN} steps, with {share} of the way left"
        elif not 0.99 < tail < 1.01:
            said = f"after {SHOWN} steps it is at {tail:.3g} times the distance c of the two-cycle"
    elif there:
        said = f"a millionth of the way is left after <b>{there}</b> steps"
    elif walking:
        said = f"still walking after {SHOWN} steps, with {share} of the way left"
    else:
        said = f"after {SHOWN} steps {share} of the way is left"
        if fraction == 2:
            said += ", and it falls like 1/√t"
    caption = f"ε = {number(eps)}, η = {number(fraction)} ε/M: {said}."
    plain = said.replace("<b>", "").replace("</b>", "")
    alts = ["A diamond marks the chosen point of the map.", f"The run: {plain}."]
    return Frame([[Dots([(eps, fraction)], INK, "D", 6, hollow=True)], right], alts, caption)


def behaviours() -> Explorer:
    """Return the map of all behaviours over ε and η/ε, and the run at a point of it.

    Returns
    -------
    Explorer
        Two panels, 533 stops.

    Examples
    --------
    >>> behaviours().stops
    533
    """
    panels = [
        Panel(
            _draw_map,
            "A map over the smoothing and the ratio of learning rate and smoothing: below the "
            "level 2 runs converge, on the left mostly walking, on the right mostly like gradient "
            "descent; above it they end on a two-cycle.",
            (360, 280),
        ),
        Panel(_draw_run, "Axes: step against share of the way left, logarithmic.", (360, 280)),
    ]
    controls = [
        Slider("eps", "smoothing ε", ACROSS, start=14),
        Slider("fraction", "η/ε, in units of 1/M", UP, start=6, log=False),
    ]
    return Explorer(panels, _map_frame, controls, "All behaviours of normalized gradient descent")
