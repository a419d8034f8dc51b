"""Two perfect fits to fifty digits, of Adam and of gradient descent: what do they read?

`python -m dspgd_lib.experiments.reading` makes the runs again, which takes a minute, and writes
what the figures show into `reading.json`.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from .._validation import Array
from ..preconditioners import Adam
from ..runs import dspgd
from .digits import Digits, digits

RECORD = Path(__file__).with_name("reading.json")
EPS, NEAR = 0.01, 1e-3  # ε; tolerance of the runs, whose η is ε/M
SEEDS = range(10)
HALF = 0.5  # of a pixel
STARTS = ("pretrained", "shifted", "zero")


@dataclass(frozen=True)
class Reading:
    """Where Adam and gradient descent end from one start, and what they read differently.

    Attributes
    ----------
    seed : int
        Which images serve for what.
    start : str
        "pretrained"; "shifted", where all images have moved by half a pixel since; or "zero".
    loss : float
        L(W0).
    walked : float
        ‖W_GD − W0‖, how far gradient descent goes.
    apart : float
        ‖W_∞ − W_GD‖.
    error : float
        To which W_∞ is certified.
    margin : float
        By how much gradient descent's largest output exceeds the second one, the median of 747.
    accuracy : pair of float
        Shares of the images that Adam's fit and that of gradient descent read rightly.
    images : sequence of int
        The numbers of the images read differently.
    adam, gd, labels : sequences of int
        What Adam reads in them, what gradient descent reads, and the digits shown.
    """

    seed: int
    start: str
    loss: float
    walked: float
    apart: float
    error: float
    margin: float
    accuracy: Sequence[float]
    images: Sequence[int]
    adam: Sequence[int]
    gd: Sequence[int]
    labels: Sequence[int]

    @property
    def right(self) -> tuple[int, int]:
        """In how many of the images read differently Adam is right, and gradient descent."""
        adam, gd = (
            sum(a == b for a, b in zip(read, self.labels, strict=True))
            for read in (self.adam, self.gd)
        )
        return adam, gd


def _ends(seed: int, start: str) -> tuple[Digits, Array, Array, Array, float]:
    """Return the task, W0, the ends of Adam and of gradient descent, and how far off Adam's is."""
    if start not in STARTS:
        raise ValueError(f"start must be one of {STARTS}, found {start!r}.")
    task = digits(seed, HALF if start == "shifted" else 0.0)
    problem = task.problem
    W0 = np.zeros_like(task.W0) if start == "zero" else task.W0
    run = dspgd(problem, Adam(EPS), W0, EPS / problem.M, tol=NEAR, max_steps=40_000)
    return task, W0, np.asarray(run.limit), problem.project(W0), float(run.limit_error)


def compare(seed: int, start: str) -> Reading:
    """Fine-tune with Adam from a start, project, and compare with the end of gradient descent.

    Parameters
    ----------
    seed : int
        Which images serve for what.
    start : str
        "pretrained", "shifted" or "zero".

    Returns
    -------
    Reading
        Adam with ε = 0.01 and η = ε/M.

    Raises
    ------
    ValueError
        If the start is another one.
    """
    task, W0, *ends, error = _ends(seed, start)
    adam, gd = (task.read(W) for W in ends)
    differ = np.flatnonzero(adam != gd)
    outputs = np.sort(task.X @ ends[1], axis=1)
    return Reading(
        seed,
        start,
        float(task.problem.loss_value(W0)),
        float(np.linalg.norm(ends[1] - W0)),
        float(np.linalg.norm(ends[0] - ends[1])),
        error,
        float(np.median(outputs[:, -1] - outputs[:, -2])),
        [float(np.mean(read == task.labels)) for read in (adam, gd)],
        differ.tolist(),
        adam[differ].tolist(),
        gd[differ].tolist(),
        task.labels[differ].tolist(),
    )


def exchange(seed: int) -> tuple[int, int]:
    """Move each of gradient descent's two fits by what separates Adam from the other one.

    Parameters
    ----------
    seed : int
        Which images serve for what.

    Returns
    -------
    pair of int
        How many images the fit from the pretrained weights then reads differently, moved by the
        difference of the two fits from zero; and the fit from zero, moved by the other difference.
    """
    task, _, adam, gd, _ = _ends(seed, "pretrained")
    _, _, adam_zero, gd_zero, _ = _ends(seed, "zero")
    moved = (gd, adam_zero - gd_zero), (gd_zero, adam - gd)
    counts = [int(np.sum(task.read(W + by) != task.read(W))) for W, by in moved]
    return counts[0], counts[1]


@cache
def readings() -> dict[str, list[Reading]]:
    """Return what was found for ten seeds, by start.

    Returns
    -------
    dict of lists of Reading
        From the record.

    Examples
    --------
    >>> [len(found) for found in readings().values()]
    [10, 10, 10]
    """
    found = [Reading(**one) for one in json.loads(RECORD.read_text())["readings"]]
    return {start: [one for one in found if one.start == start] for start in STARTS}


def exchanged() -> list[tuple[int, int]]:
    """Return what `exchange` found for ten seeds.

    Returns
    -------
    list of pairs of int
        From the record.

    Examples
    --------
    >>> len(exchanged())
    10
    """
    return [(one, other) for one, other in json.loads(RECORD.read_text())["exchanged"]]


def totals(start: str) -> tuple[int, int, int]:
    """Return over ten seeds how many images are read differently, and who is right in them.

    Parameters
    ----------
    start : str
        "pretrained", "shifted" or "zero".

    Returns
    -------
    triple of int
        Of 7,470: read differently, Adam right, gradient descent right.

    Examples
    --------
    >>> totals("zero")
    (161, 45, 68)
    """
    found = readings()[start]
    right = [one.right for one in found]
    differ = sum(len(one.images) for one in found)
    return differ, sum(adam for adam, _ in right), sum(gd for _, gd in right)


def main() -> None:
    """Make all runs and write the record."""
    found = [asdict(compare(seed, start)) for start in STARTS for seed in SEEDS]
    lines = ",\n".join(json.dumps(one) for one in found)
    head = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "exchanged": [exchange(seed) for seed in SEEDS],
    }
    RECORD.write_text(f'{json.dumps(head)[:-1]}, "readings": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
