"""Friendly checks for exercises: try many inputs, and report in one sentence.

`same` compares a student's function with a right one, `holds` tries a claim. Neither raises for a
mistake in the student's code: what comes back is a `Report`, which reads as a sentence.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Array, nonnegative_integer, positive_number


@dataclass(frozen=True, repr=False, eq=False)
class Report:
    """The verdict of a check; its repr is the sentence, its truth value is `passed`.

    Attributes
    ----------
    passed : bool
    message : str
        One or two sentences for the student.
    counterexample : tuple or None
        The simplest inputs found on which the check fails.
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


def positive(low: float = 1e-3, high: float = 1e3) -> Source:
    """Return a source of positive numbers, spread evenly over the powers of ten.

    Parameters
    ----------
    low, high : float
        The range.

    Returns
    -------
    Source

    Raises
    ------
    ValueError
        If low or high is not positive.

    Examples
    --------
    >>> 0.1 <= positive(0.1, 10.0).draw(np.random.default_rng(0), 0) <= 10.0
    True
    """
    ends = np.log([positive_number("low", low), positive_number("high", high)])
    return Source(lambda rng, trial: float(np.exp(rng.uniform(*ends))))


def matrices(d: int = 3, k: int = 2, scales: tuple[float, float] = (1e-8, 1e8)) -> Source:
    """Return a source of matrices: first 0, then dense and sparse ones on many scales.

    Parameters
    ----------
    d, k : int
        The shape (d, k).
    scales : pair of floats
        Smallest and largest typical size of an entry.

    Returns
    -------
    Source

    Raises
    ------
    ValueError
        If a size is not a positive integer or a scale is not positive.

    Examples
    --------
    >>> matrices(d=3, k=2).draw(np.random.default_rng(0), 0).tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """
    shape = (nonnegative_integer("d", d, 1), nonnegative_integer("k", k, 1))
    scale = positive(*scales)

    def draw(rng: np.random.Generator, trial: int) -> Array:
        if trial == 0:
            return np.zeros(shape)
        G = rng.standard_normal(shape) * rng.choice([1.0, scale.draw(rng, trial)])
        return G * (rng.random(shape) < 0.4) if trial % 3 == 0 else G

    return Source(draw)


def at_most(left: ArrayLike, right: ArrayLike, rtol: float = 1e-9) -> bool:
    """Return whether left ≤ right everywhere, forgiving rounding errors.

    Parameters
    ----------
    left, right : float or array
        The two sides of an inequality.
    rtol : float
        What is forgiven, relative to the larger side.

    Returns
    -------
    bool

    Examples
    --------
    >>> at_most(0.1 + 0.2, 0.3), at_most(0.4, 0.3)
    (True, False)
    """
    a, b = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    return bool(np.all(a - b <= rtol * np.maximum(np.abs(a), np.abs(b))))


def same(
    mine: Callable[..., Any],
    right: Callable[..., Any],
    *inputs: Any,
    trials: int = 200,
    seed: int = 0,
    rtol: float = 1e-6,
    atol: float = 1e-9,
) -> Report:
    """Report whether two functions return the same numbers on many random inputs.

    Parameters
    ----------
    mine, right : callable
        The student's function and one that is known to be right.
    *inputs : Source, or list to choose from
        One for each argument.
    trials : int
        How many inputs to try.
    seed : int
        Seed of the random numbers: the same seed tries the same inputs.
    rtol, atol : float
        The largest difference allowed is rtol·max|right| + atol.

    Returns
    -------
    Report

    Examples
    --------
    >>> from dspgd_lib import NormalizedGD
    >>> same(lambda G: 2 * G, lambda G: G, matrices(d=1, k=1))
    Not yet: for the input [[1]], you return [[2]], expected [[1]]. Hint: it is 2
    times too large.
    >>> same(lambda G: G / np.hypot(np.linalg.norm(G), 0.5), NormalizedGD(0.5).gradient, matrices())
    Well done: right on all 200 inputs tried.
    """
    factors: list[float] = []

    def fails(args: tuple[Any, ...]) -> _Failure | None:
        expected = np.asarray(right(*_copies(args)), dtype=float)
        trouble, got = _run(mine, args)
        if trouble:
            return trouble
        if got.shape != expected.shape:
            said = f"you return the shape {got.shape}, expected {expected.shape}"
            return _Failure("shape", said, _shape_hint(got, expected))
        factors.extend(_factor(got, expected))
        error = np.max(np.abs(got - expected), where=got != expected, initial=0.0)
        size = np.max(np.abs(expected), where=np.isfinite(expected), initial=0.0)
        if error <= rtol * size + atol:
            return None
        kind = "value" if np.isfinite(got).all() else "nan"
        said = f"you return {_show(got)}, expected {_show(expected)}"
        return _Failure(kind, said, _value_hint(got, expected, args, factors))

    return _search(fails, inputs, trials, seed, "right on")


def holds(
    statement: Callable[..., Any],
    *inputs: Any,
    claim: str = "the claim",
    trials: int = 200,
    seed: int = 0,
) -> Report:
    """Report whether a statement is true on many random inputs.

    Parameters
    ----------
    statement : callable
        Returns True or False (or an array of them); `at_most` compares up to rounding.
    *inputs : Source, or list to choose from
        One for each argument.
    claim : str
        What the statement says, for the report.
    trials : int
        How many inputs to try.
    seed : int
        Seed of the random numbers: the same seed tries the same inputs.

    Returns
    -------
    Report

    Examples
    --------
    >>> holds(lambda a: a * a >= a, positive(), claim="a² ≥ a").passed
    False
    """

    def fails(args: tuple[Any, ...]) -> _Failure | None:
        trouble, answer = _run(statement, args)
        return trouble or (None if answer.all() else _Failure("false", f"{claim} is false"))

    return _search(fails, inputs, trials, seed, f"{claim} holds on")


@dataclass(frozen=True)
class _Failure:
    kind: str  # shrinking must not turn one mistake into another
    said: str
    hint: str = ""


def _copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)


def _run(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[_Failure | None, Array]:
    """Call a student's function and turn every mishap into a failure."""
    nothing, given = np.empty(0), _copies(args)
    try:
        answer = function(*given)
    except Exception as error:
        return _Failure(type(error).__name__, f"it raises {type(error).__name__}: {error}"), nothing
    if any(not np.array_equal(a, b) for a, b in zip(given, args, strict=True) if _is_array(a)):
        hint = "work on a copy, G.copy(), or avoid operators such as +=."
        return _Failure("mutates", "it changes its own argument", hint), nothing
    if answer is None:
        return _Failure("none", "it returns None", "is the return statement missing?"), nothing
    try:
        return None, np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        return _Failure("type", f"it returns {answer!r}, which is not an array of numbers"), nothing


def _search(
    fails: Callable[[tuple[Any, ...]], _Failure | None],
    inputs: tuple[Any, ...],
    trials: int,
    seed: int,
    verb: str,
) -> Report:
    """Try the inputs one after the other; shrink the first that fails and report it."""
    if not inputs:
        raise ValueError("inputs is empty: pass one source such as matrices() per argument.")
    rng = np.random.default_rng(nonnegative_integer("seed", seed))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for trial in range(nonnegative_integer("trials", trials, 1)):
            args = tuple(_draw(source, rng, trial) for source in inputs)
            failure = fails(args)
            if failure:
                args, failure = _shrink(fails, args, failure)
                shown = " and ".join(_show(a) for a in args)
                noun = "inputs" if len(args) > 1 else "input"
                hint = f" Hint: {failure.hint}" if failure.hint else ""
                message = f"Not yet: for the {noun} {shown}, {failure.said}.{hint}"
                return Report(False, message, args)
    return Report(True, f"Well done: {verb} all {trials} inputs tried.")


def _draw(source: Any, rng: np.random.Generator, trial: int) -> Any:
    if isinstance(source, Source):
        return source.draw(rng, trial)
    if isinstance(source, (list, tuple)) and source:
        return source[int(rng.integers(len(source)))]
    raise ValueError(f"inputs must be matrices(), positive() or a list, found {source!r}.")


def _shrink(
    fails: Callable[[tuple[Any, ...]], _Failure | None], args: tuple[Any, ...], failure: _Failure
) -> tuple[tuple[Any, ...], _Failure]:
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


def _show(value: Any) -> str:
    if not _is_array(value):
        return f"{value + 0.0:.4g}" if isinstance(value, float) else str(value)
    if value.ndim == 0:
        return _show(float(value))
    return "[" + ", ".join(_show(part) for part in value) + "]"


def _shape_hint(got: Array, expected: Array) -> str:
    if got.T.shape == expected.shape and np.allclose(got.T, expected):
        return "it is the transpose of the right answer."
    if got.ndim < expected.ndim:
        return "an axis is lost on the way: does a sum or an index remove it?"
    return "compare the axes you sum over."


def _factor(got: Array, expected: Array) -> list[float]:
    """Return the one number c with got = c·expected, NaN if there is none, nothing for 0."""
    nonzero = expected != 0
    if not nonzero.any():
        return []
    ratios = got[nonzero] / expected[nonzero]
    constant = not got[~nonzero].any() and np.allclose(ratios, ratios[0], rtol=1e-6)
    return [float(ratios[0]) if constant else np.nan]


def _value_hint(got: Array, expected: Array, args: tuple[Any, ...], factors: list[float]) -> str:
    if np.isfinite(expected).all() and not np.isfinite(got).all():
        zero = any(_is_array(a) and not a.any() for a in args)
        return "what does the formula divide by at 0?" if zero else "does something overflow?"
    if np.array_equal(got.T, expected):
        return "it is the transpose of the right answer."
    if factors and np.allclose(factors, factors[0], rtol=1e-6):
        factor = factors[0]
        if np.isclose(factor, -1.0):
            return "the sign is wrong."
        if factor > 0:
            size = f"{max(factor, 1 / factor):.3g} times too"
            return f"it is {size} {'large' if factor > 1 else 'small'}."
    sizes = [np.max(np.abs(a)) for a in args if _is_array(a) and a.any()]
    if sizes and not 1e-3 < max(sizes) < 1e3:
        return "ordinary sizes may be right: look for digits that cancel or overflow."
    return ""
