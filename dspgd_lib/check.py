"""Friendly checks for exercises: try many inputs, and report in one sentence.

`same` compares a student's function with a right one, `holds` tries a claim, and `refutes` looks
for a counterexample to one. None raises for a mistake in the student's code: what comes back is a
`Report`, which reads as a sentence.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._hints import common_factor, described, shape_hint, value_hint
from ._trials import Failure, Report, Source, call, search, show
from ._validation import Array, as_array, nonnegative_integer, positive_number

__all__ = ["Report", "Source", "at_most", "holds", "matrices", "positive", "refutes", "same"]


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
        If low or high is not positive, or low exceeds high.

    Examples
    --------
    >>> 0.1 <= positive(0.1, 10.0).draw(np.random.default_rng(0), 0) <= 10.0
    True
    """
    low, high = positive_number("low", low), positive_number("high", high)
    if low > high:
        raise ValueError(f"low must not exceed high, found {low:g} > {high:g}: swap them.")
    ends = np.log([low, high])
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
        If a size is not a positive integer or scales are not two positive numbers in order.

    Examples
    --------
    >>> matrices(d=3, k=2).draw(np.random.default_rng(0), 0).tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """
    shape = (nonnegative_integer("d", d, 1), nonnegative_integer("k", k, 1))
    ends = as_array("scales", scales)
    if ends.shape != (2,) or not 0 < ends[0] <= ends[1]:
        raise ValueError(
            f"scales must be two positive numbers, the smaller first, found {scales!r:.60}."
        )
    scale = positive(*ends)

    def draw(rng: np.random.Generator, trial: int) -> Array:
        if trial == 0:
            return np.zeros(shape)
        G = rng.standard_normal(shape) * rng.choice([1.0, scale.draw(rng, trial)])
        return G * (rng.random(shape) < 0.4) if trial % 3 == 0 else G

    return Source(draw)


def at_most(left: ArrayLike, right: ArrayLike, rtol: float = 1e-9) -> bool:
    """Return whether left ≤ right everywhere, forgiving rounding errors; NaN is never at most.

    Parameters
    ----------
    left, right : float or array
        The two sides of an inequality.
    rtol : float
        What is forgiven, relative to the larger side.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If a side is empty or not made of real numbers, the shapes do not fit, or rtol is negative.

    Examples
    --------
    >>> at_most(0.1 + 0.2, 0.3), at_most(0.4, 0.3)
    (True, False)
    """
    a, b, rtol = _side("left", left), _side("right", right), _allowed("rtol", rtol)
    try:
        a, b = np.broadcast_arrays(a, b)
    except ValueError:
        raise ValueError(
            f"left and right must have shapes that fit, found {a.shape} and {b.shape}."
        ) from None
    with np.errstate(all="ignore"):
        near = np.isfinite(a - b) & (a - b <= rtol * np.maximum(np.abs(a), np.abs(b)))
    return bool(np.all((a <= b) | near))


def _side(name: str, value: ArrayLike) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.size == 0 or isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name} must be a real number or an array of them, found {value!r:.60}.")
    return array.astype(float)


def _allowed(name: str, tolerance: float) -> float:
    array = as_array(name, tolerance)
    if array.ndim or array < 0:
        raise ValueError(f"{name} must be a number that is not negative, found {tolerance!r:.60}.")
    return float(array)


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
        A mistake of `mine` is a failure, never an error.

    Raises
    ------
    ValueError
        If the check itself is wrong: `right` does not return real numbers, or an input, `trials`,
        `seed` or a tolerance is not what it must be.

    Examples
    --------
    >>> from dspgd_lib import NormalizedGD
    >>> same(lambda G: 2 * G, lambda G: G, matrices(d=1, k=1))
    Not yet: for the input [[1]], you return [[2]], expected [[1]]. Hint: it is 2
    times too large.
    >>> same(lambda G: G / np.hypot(np.linalg.norm(G), 0.5), NormalizedGD(0.5).gradient, matrices())
    Well done: right on all 200 inputs tried.
    """
    rtol, atol = _allowed("rtol", rtol), _allowed("atol", atol)
    if not callable(right):
        raise ValueError(f"right must be a function, found {right!r:.60}.")
    factors: list[float] = []

    def fails(args: tuple[Any, ...]) -> Failure | None:
        expected = _side("the answer of right", right(*copy.deepcopy(args)))
        answer = call(mine, args)
        if isinstance(answer, Failure):
            return answer
        if answer.dtype.kind not in "biuf":
            return Failure("type", f"it returns {described(answer)}")
        got = answer.astype(float)
        if got.shape != expected.shape:
            said = f"you return the shape {got.shape}, expected {expected.shape}"
            return Failure("shape", said, shape_hint(got, expected))
        factors.extend(common_factor(got, expected))
        differ = (got != expected) & ~(np.isnan(got) & np.isnan(expected))
        error = np.max(np.abs(got - expected), where=differ, initial=0.0)
        size = np.max(np.abs(expected), where=np.isfinite(expected), initial=0.0)
        if error <= rtol * size + atol:
            return None
        kind = "value" if np.isfinite(got).all() else "nan"
        said = f"you return {show(got)}, expected {show(expected)}"
        return Failure(kind, said, value_hint(got, expected, args, factors))

    found = search(fails, inputs, trials, seed)
    return found.report() if found else _passed(f"right on all {trials} inputs tried")


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
        Returns True or False, or a non-empty array of them; `at_most` compares up to rounding.
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
        It fails as well if the statement raises or returns anything else.

    Raises
    ------
    ValueError
        If an input, `trials` or `seed` is not what it must be.

    Examples
    --------
    >>> holds(lambda a: a * a >= a, positive(), claim="a² ≥ a").passed
    False
    """

    found = search(_refuted(statement, claim), inputs, trials, seed)
    return found.report() if found else _passed(f"{claim} holds on all {trials} inputs tried")


def refutes(
    statement: Callable[..., Any],
    *inputs: Any,
    claim: str = "the claim",
    trials: int = 200,
    seed: int = 0,
) -> Report:
    """Report whether random inputs refute a statement: the opposite of `holds`.

    Parameters
    ----------
    statement : callable
        Returns True or False, or a non-empty array of them, not all True where it is refuted.
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
        It passes with a counterexample. A statement that raises or returns anything else is no
        refutation.

    Raises
    ------
    ValueError
        If an input, `trials` or `seed` is not what it must be.

    Examples
    --------
    >>> refutes(lambda a: a * a >= a, [0.5, 2.0], claim="a² ≥ a")
    Well done: a² ≥ a is false, for example for the input 0.5.
    >>> refutes(lambda a: a * a >= a, [1.0, 2.0], claim="a² ≥ a")
    Not yet: a² ≥ a holds on all 200 inputs tried.
    """
    found = search(_refuted(statement, claim), inputs, trials, seed)
    if found is None:
        return Report(False, f"Not yet: {claim} holds on all {trials} inputs tried.")
    if found.failure.kind != "false":
        return found.report()
    return _passed(f"{claim} is false, for example for {found.inputs()}", found.args)


def _refuted(statement: Callable[..., Any], claim: str) -> Any:
    """Return the test that fails where the statement is false, or no statement at all."""

    def fails(args: tuple[Any, ...]) -> Failure | None:
        answer = call(statement, args)
        if isinstance(answer, Failure):
            return answer
        if answer.dtype.kind != "b" or answer.size == 0:
            return Failure("type", f"it returns {described(answer)}, expected True or False")
        return None if answer.all() else Failure("false", f"{claim} is false")

    return fails


def _passed(said: str, counterexample: tuple[Any, ...] | None = None) -> Report:
    return Report(True, f"Well done: {said}.", counterexample)
