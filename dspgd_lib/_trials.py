"""Calling a student's function on many inputs: what can go wrong, and the simplest such input."""

from __future__ import annotations

import copy
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._validation import nonnegative_integer


@dataclass(frozen=True, repr=False, eq=False)
class Report:
    """The verdict of a check; its repr is the sentence, its truth value is `passed`.

    Attributes
    ----------
    passed : bool
    message : str
        One or two sentences for the student.
    counterexample : tuple or None
        The simplest inputs found on which the check fails, or on which a claim is refuted.
    """

    passed: bool
    message: str
    counterexample: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        return textwrap.fill(self.message, 78)

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True, repr=False)
class Source:
    """Where the inputs of a check come from.

    Attributes
    ----------
    draw : callable
        ``draw(rng, trial)`` returns the input for this trial.
    """

    draw: Callable[[np.random.Generator, int], Any]


@dataclass(frozen=True)
class Failure:
    """What is wrong with one answer."""

    kind: str  # shrinking must not turn one mistake into another
    said: str
    hint: str = ""


@dataclass(frozen=True)
class Found:
    """The simplest inputs on which a check fails, and how."""

    args: tuple[Any, ...]
    failure: Failure

    def report(self) -> Report:
        hint = f" Hint: {self.failure.hint}" if self.failure.hint else ""
        message = f"Not yet: for {self.inputs()}, {self.failure.said}.{hint}"
        return Report(False, message, self.args)

    def inputs(self) -> str:
        *shown, last = map(show, self.args)
        return f"the inputs {', '.join(shown)} and {last}" if shown else f"the input {last}"


def call(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Return a student's answer as an array, or a Failure for whatever went wrong."""
    given = copy.deepcopy(args)
    try:
        answer = function(*given)
    except Exception as error:
        return Failure(type(error).__name__, f"it raises {type(error).__name__}: {error}")
    if any(not np.array_equal(a, b) for a, b in zip(given, args, strict=True) if _is_array(a)):
        hint = "work on a copy, G.copy(), or avoid operators such as +=."
        return Failure("mutates", "it changes its own argument", hint)
    if answer is None:
        return Failure("none", "it returns None", "is the return statement missing?")
    if isinstance(answer, np.ma.MaskedArray):
        return Failure("type", "it returns a masked array, expected a plain one")
    try:
        return np.asarray(answer)
    except ValueError:  # rows of different lengths
        return Failure("type", f"it returns {answer!r:.60}, which is not an array of numbers")


def search(
    fails: Callable[[tuple[Any, ...]], Failure | None],
    inputs: tuple[Any, ...],
    trials: int,
    seed: int,
) -> Found | None:
    """Try the inputs one after the other, and shrink the first that fails."""
    if not inputs:
        raise ValueError("inputs is empty: pass one source such as matrices() per argument.")
    rng = np.random.default_rng(nonnegative_integer("seed", seed))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for trial in range(nonnegative_integer("trials", trials, 1)):
            args = tuple(_draw(source, rng, trial) for source in inputs)
            failure = fails(args)
            if failure:
                return Found(*_shrink(fails, args, failure))
    return None


def _draw(source: Any, rng: np.random.Generator, trial: int) -> Any:
    if isinstance(source, Source):
        return source.draw(rng, trial)
    if isinstance(source, (list, tuple)) and source:
        return copy.deepcopy(source[int(rng.integers(len(source)))])
    raise ValueError(f"inputs must be matrices(), positive() or a list, found {source!r}.")


def _shrink(
    fails: Callable[[tuple[Any, ...]], Failure | None], args: tuple[Any, ...], failure: Failure
) -> tuple[tuple[Any, ...], Failure]:
    """Replace inputs by simpler ones as long as the check fails in the same way."""
    for _ in range(20):
        candidates = (
            (*args[:i], simple, *args[i + 1 :])
            for i, value in enumerate(args)
            for simple in _simpler(value)
            if not np.array_equal(simple, value)
        )
        for candidate in candidates:
            found = fails(candidate)
            if found and found.kind == failure.kind:
                args, failure = candidate, found
                break
        else:
            break
    return args, failure


def _simpler(value: Any) -> Iterator[Any]:
    if _is_array(value):
        yield np.zeros_like(value)
        if np.count_nonzero(value) > min(value.shape):
            yield np.eye(*value.shape)
        for index in zip(*np.nonzero(value), strict=True):
            fewer = value.copy()
            fewer[index] = 0.0
            yield fewer
        yield from (np.sign(value), np.round(value))


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def show(value: Any) -> str:
    if not _is_array(value):
        return f"{value + 0.0:.4g}" if isinstance(value, float) else str(value)
    if value.ndim == 0:
        return show(float(value))
    return "[" + ", ".join(show(part) for part in value) + "]"
