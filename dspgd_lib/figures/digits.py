"""Fine-tuning on handwritten digits: two perfect fits, and images that they read differently."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from dspgd_lib.experiments.digits import digits as task
from dspgd_lib.experiments.reading import exchanged, readings, totals
from dspgd_lib.figures.canvas import Panel
from dspgd_lib.figures.picture import Picture
from dspgd_lib.plotting import FAINT, INK, MANIFOLD, look
from dspgd_lib.preconditioners import Adam, GradientDescent

ADAM, GD = look(Adam(1.0)).color, look(GradientDescent()).color

# ------------------------------------------------------------------------------ two perfect fits


def _draw_side(ax: Any) -> None:
    beside: dict[str, Any] = {"textcoords": "offset points"}
    for name, floor in (("pretrained", 4.6), ("zero", 0.0)):
        run = readings()[name][0]
        start, foot, end = (-run.walked, floor), (0, floor), (0, floor + run.apart)
        ax.plot([-9.6, 0.5], [floor, floor], color=FAINT, lw=1.2)
        ax.plot([0, 0], [floor, floor + 2.9], color=MANIFOLD, lw=4.5)
        ax.plot(*zip(start, end, strict=True), color=ADAM, lw=2)
        ax.plot(*zip(start, foot, strict=True), color=GD, lw=2)
        ax.plot(*start, "o", color=INK, ms=6)
        ax.plot(*foot, "o", color=GD, ms=7)
        ax.plot(*end, "D", color=ADAM, ms=6)
        ax.annotate(f"{run.apart:.2f}", end, (9, -4), color=ADAM, **beside)
        ax.annotate("GD", foot, (9, -4), color=GD, weight="bold", **beside)
        middle = (-run.walked / 2, floor)
        ax.annotate(f"{run.walked:.1f}", middle, (0, -14), color=GD, ha="center", **beside)
        words = f"{name}\nL = {run.loss:.3g}"
        ax.annotate(words, start, (0, -32), ha="center", **beside)
    ax.annotate("perfect fits", (0, 7.5), (-8, -8), color=MANIFOLD, ha="right", **beside)
    ax.annotate("Adam", (-4.9, 1.45), color=ADAM, weight="bold", ha="right")
    ax.set(xlim=(-10.4, 1.6), ylim=(-1.9, 7.8), aspect="equal")


SIDE, ACROSS = 8, 4  # pixels of an image, images in a row
CELL = 15.0  # pixels of an image that a place has to each side


def ink(image: np.ndarray, level: float, corner: tuple[float, float]) -> Path:
    """Return the squares of the pixels of an image that are darker than a level.

    Parameters
    ----------
    image : array of shape (8, 8)
        Between 0 (white) and 1.
    level : float
        Which are drawn.
    corner : pair of float
        Of the image, its upper left one.

    Returns
    -------
    matplotlib.path.Path

    Examples
    --------
    >>> len(ink(np.eye(8), 0.5, (0.0, 0.0)).vertices)
    40
    """
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)])
    rows, columns = np.nonzero(image > level)
    at = np.c_[corner[0] + columns, corner[1] - 1 - rows]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    return Path((at[:, None] + corners).reshape(-1, 2), codes * len(at))


def _draw_images(ax: Any) -> None:
    run, images = readings()["zero"][0], task(0).images
    for place, i in enumerate(run.images[: 3 * ACROSS]):
        x, y = CELL * (place % ACROSS), -CELL * (place // ACROSS)
        for level in (0.1, 0.35, 0.6, 0.85):
            patch = PathPatch(ink(images[i], level, (x, y)), facecolor=INK, alpha=0.4, lw=0)
            ax.add_patch(patch)
        read = ((run.adam[place], ADAM, -2.8), (run.gd[place], GD, -6.0))
        for digit, color, down in read:
            right = digit == run.labels[place]
            text = f"{digit} ✓" if right else f"{digit}"
            weight = "bold" if right else "normal"
            ax.text(x + 9, y + down, text, color=color, weight=weight)
        if not any(digit == run.labels[place] for digit, *_ in read):
            ax.text(x + 4, y - 11.2, f"is {run.labels[place]}", color="#4d5866", ha="center")
    ax.text(0, 4, "Adam reads", color=ADAM, weight="bold")
    ax.text(22, 4, "GD reads", color=GD, weight="bold")
    ax.text(40, 4, "✓ right", color="#4d5866")
    ax.set(xlim=(-2, 59), ylim=(-43.5, 7.3), aspect="equal")


def digits() -> Picture:
    """Return how far apart two perfect fits end, and the images that they read differently.

    Returns
    -------
    Picture
        Two panels, seed 0: the floors of two starts from the side; images.

    Examples
    --------
    >>> len(digits().panels)
    2
    """
    near, far = readings()["pretrained"][0], readings()["zero"][0]
    side = (
        "Two floors from the side, on one scale, each with an upright line of fits. From the "
        f"pretrained weights, with loss {near.loss:.2f}, gradient descent walks {near.walked:.2f} "
        f"and Adam ends {near.apart:.2f} above its end; from zero, with loss {far.loss:.0f}, "
        f"they are {far.walked:.2f} and {far.apart:.2f}."
    )
    right = far.right
    shown = min(3 * ACROSS, len(far.images))
    images = (
        f"{shown} of the {len(far.images)} images, of 747, that the two ends from "
        f"zero read differently, with what each reads. Adam is right in {right[0]}, gradient "
        f"descent in {right[1]}. The two ends from the pretrained weights differ in "
        f"{len(near.images)}."
    )
    return Picture(
        [
            Panel(_draw_side, side, (360, 300), axes=False),
            Panel(_draw_images, images, (360, 300), axes=False),
        ]
    )


# ------------------------------------------------------------------------------ over ten seeds


MARKERS = {"pretrained": "o", "shifted": "^", "zero": "s"}
PLACES = {"pretrained": (0.8, -3.4), "shifted": (1.55, 10.2), "zero": (1.97, 18.0)}
WORDS = {"pretrained": "pretrained", "shifted": "pretrained,\nthen shifted", "zero": "from zero"}


def _draw_apart(ax: Any) -> None:
    for name, runs in readings().items():
        x, y = zip(*((run.apart, len(run.images)) for run in runs), strict=True)
        ax.plot(x, y, MARKERS[name], color=ADAM, ms=6, mec="white", mew=0.7)
        losses = [run.loss for run in runs]
        loss = f"{min(losses):.1f}–{max(losses):.1f}" if np.ptp(losses) else f"{losses[0]:.0f}"
        ha = "right" if name == "zero" else "center"
        ax.annotate(f"{WORDS[name]}\nL = {loss}", PLACES[name], ha=ha, va="center")
    hollow: dict[str, Any] = {"mfc": "white", "mec": ADAM, "mew": 1.3, "ls": "none"}
    near, far = ([run.apart for run in readings()[name]] for name in ("pretrained", "zero"))
    sure, unsure = zip(*exchanged(), strict=True)
    ax.plot(far, sure, MARKERS["pretrained"], ms=5.5, **hollow)
    ax.plot(near, unsure, MARKERS["zero"], ms=5.5, **hollow)
    ax.annotate("pretrained,\nmoved by more", (2.3, -3.0), ha="center", va="center")
    ax.annotate("from zero,\nmoved by less", (0.8, 10.2), ha="center", va="center")
    ax.set(xlim=(0.3, 2.7), ylim=(-6, 25), yticks=range(0, 26, 5))
    ax.set(xlabel="distance of the two weights")
    ax.set(title="images read differently, of 747")


def _draw_right(ax: Any) -> None:
    for row, run in enumerate(readings()["zero"]):
        adam, gd = run.right
        ax.plot([0, adam], [row, row], color=ADAM, lw=7, solid_capstyle="butt")
        ax.plot([0, -gd], [row, row], color=GD, lw=7, solid_capstyle="butt")
    _, adam, gd = totals("zero")
    ax.axvline(0, color=INK, lw=0.8)
    ax.annotate(f"GD right: {gd}", (-6, -1.1), color=GD, weight="bold", ha="center")
    ax.annotate(f"Adam right: {adam}", (5.5, -1.1), color=ADAM, weight="bold", ha="center")
    ticks = [-10, -5, 0, 5, 10]
    ax.set(xlim=(-12, 12), ylim=(9.7, -1.9), xticks=ticks, yticks=range(0, 10, 3))
    ax.set_xticklabels([str(abs(tick)) for tick in ticks])
    ax.grid(visible=False, axis="y")
    ax.set(ylabel="seed", title="from zero: who is right where they differ")


def _range(which: int) -> str:
    counts = [pair[which] for pair in exchanged()]
    return f"{min(counts)} to {max(counts)}"


def who_is_right() -> Picture:
    """Return over ten seeds how many images are read differently, and who is right.

    Returns
    -------
    Picture
        Two panels.

    Examples
    --------
    >>> len(who_is_right().panels)
    2
    """
    counts = {name: [len(run.images) for run in runs] for name, runs in readings().items()}
    apart = (
        "Images read differently over the distance of the two weights, ten seeds: "
        + ", ".join(f"{name} {min(many)} to {max(many)}" for name, many in counts.items())
        + ". Hollow: gradient descent's fit from the pretrained weights, moved by the difference "
        f"of the two fits from zero, {_range(0)}; that from zero, moved by the other difference, "
        f"{_range(1)}."
    )
    differ, adam, gd = totals("zero")
    right = (
        f"Bars for each seed: of the {differ} images read differently from zero, gradient descent "
        f"is right in {gd}, Adam in {adam}, neither in the other {differ - adam - gd}."
    )
    return Picture([Panel(_draw_apart, apart, (360, 280)), Panel(_draw_right, right, (360, 280))])
