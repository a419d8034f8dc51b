"""Which problem, K, start and learning rate each run of a sweep has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, as_array
from .convex import members
from .problem import Problem
from .theory import Start

Rate = ArrayLike | Callable[[Start], ArrayLike]
Shape = tuple[int, ...]
Lengths = dict[str, int | None]  # of problem, K and W0; None is one for all


def combined(
    problems: Sequence[Problem],
    K: Any,
    starts: Array,
    eta: Rate,
    tol: Rate,
    lengths: Lengths,
    product: bool,
) -> tuple[Shape, list[Problem], Any, Array, Array, Array]:
    """Return the shape of the runs, and for each run its problem, K, start, η and tolerance."""
    lengths = lengths | {"eta": _length("eta", eta), "tol": _length("tol", tol)}
    given = {name: length for name, length in lengths.items() if length is not None}
    if product:
        together = "problem" in given and given.get("W0") == given["problem"]
        axes = [name for name in given if not (together and name == "W0")]
        shape = tuple(given[name] for name in axes)
        places = np.indices(shape).reshape(len(axes), np.prod(shape, dtype=int))
        place = dict(zip(axes, places, strict=True))
        place |= {"W0": place["problem"]} if together else {}
    elif len(set(given.values())) > 1:
        found = ", ".join(f"{name} for {length}" for name, length in given.items())
        raise ValueError(
            f"{' and '.join(given)} must agree on the number of runs, found {found}: "
            "pass product=True for all combinations."
        )
    else:
        shape = (next(iter(given.values()), 1),)
        place = {name: np.arange(*shape) for name in given}
    first = np.zeros(np.prod(shape, dtype=int), dtype=int)
    index = {name: place.get(name, first) for name in lengths}
    ours, K = [problems[i] for i in index["problem"]], members(K, index["K"])
    starts = starts.reshape(-1, *starts.shape[-2:])[index["W0"]]

    def resolved(name: str, value: Rate, most_axes: int) -> Array:
        if not callable(value):
            return np.atleast_1d(np.asarray(value, dtype=float))[index[name]]
        found = [
            as_array(name, value(Start(problem, members(K, i), W0)))
            for i, (problem, W0) in enumerate(zip(ours, starts, strict=True))
        ]
        if len({one.shape for one in found}) > 1 or found[0].ndim > most_axes:
            raise ValueError(f"{name} must return one number for each Start, found {found[0]!r}.")
        return np.stack(found)

    rates, tolerances = resolved("eta", eta, 1 if product else 0), resolved("tol", tol, 0)
    if rates.ndim > 1:  # a last axis of learning rates
        again = np.repeat(np.arange(len(ours)), rates.shape[1])
        ours, K, starts = [ours[i] for i in again], members(K, again), starts[again]
        shape, tolerances = (*shape, rates.shape[1]), tolerances[again]
    return shape, ours, K, starts, rates.ravel(), tolerances


def _length(name: str, value: Rate) -> int | None:
    """Return B for an array (B,), None for one value or a function."""
    if callable(value):
        return None
    array = as_array(name, value)
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"{name} must be a number or have shape (B,), found {array.shape}.")
    return len(array) if array.ndim else None
