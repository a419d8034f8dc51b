"""What a run returns, in the same words for every method.

Arrays have the shape of the grid of runs in front, written (...): nothing for one run, (B,) for a
sweep of B runs, more axes for a product.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ._validation import Array


@dataclass(frozen=True, eq=False)
class Run:
    """Where runs went.

    Attributes
    ----------
    W : array of shape (..., d, k)
        The last iterates, never projected; of a run that diverged, the last finite one.
    steps : int, or array of shape (...)
        Steps from W0 to W.
    converged : bool, or array of shape (...)
        Whether W lies within the tolerance, or the rounding floor, of the interpolating manifold.
    message : str, or array of them of shape (...)
        What happened, in words.
    history : dict of arrays of shape (T + 1, ...), T the steps of the longest run
        What `record` asked for; a run that has ended repeats its last entry.
    """

    W: Array = field(repr=False)
    steps: Any
    converged: Any
    message: Any
    history: dict[str, Array] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Result(Run):
    """Where runs of `dspgd`, `sweep` and `preconditioned_flow` went, and what is proved of it.

    Attributes
    ----------
    limit : array of shape (..., d, k)
        The certified limits, NaN where nothing is certified.
    limit_error : float, or array of shape (...)
        Proved bounds on ‖W_∞ − limit‖_F in exact arithmetic, ∞ where nothing is certified.
    guaranteed : bool, or array of shape (...)
        Whether the learning rate is at most 1/(βM), so that the theorems cover the run.
    """

    limit: Array = field(repr=False)
    limit_error: Any
    guaranteed: Any


@dataclass(frozen=True, eq=False)
class MirrorResult(Run):
    """Where runs of `mirror_descent` went.

    Attributes
    ----------
    dual : array of shape (..., d, k)
        The slopes ∇ψ(W), which are what the method adds up.
    """

    dual: Array = field(repr=False)


def checked_record(record: Iterable[str], recordable: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names to record, once all of them are known ones."""
    if not isinstance(record, Iterable):
        raise ValueError(f"record must be a list of names, found {record!r}: use record=[].")
    names = (record,) if isinstance(record, str) else tuple(record)
    for name in names:
        if name not in recordable:
            raise ValueError(f"record has the unknown name {name!r}: choose from {recordable}.")
    return names
