"""The data of both experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._validation import Array, nonnegative_integer
from ..problem import Problem

SEEDS = tuple(range(10))


def setting(seed: int, n: int = 50, d: int = 200) -> tuple[Problem, Array]:
    """Return the data of both experiments: a Gaussian problem and a start.

    Parameters
    ----------
    seed : int
        X, then y, come from `default_rng(seed)`, W0 from `default_rng([seed, 1])`.
    n, d : int, optional
        Examples and features.

    Returns
    -------
    problem : Problem
        One output, squared loss.
    W0 : array of shape (d, 1)
        Independent normal entries of variance 1/d, so that ‖W0‖_F is about 1.

    Raises
    ------
    ValueError
        If seed, n or d does not fit.

    Examples
    --------
    >>> problem, W0 = setting(seed=0, n=5, d=20)
    >>> problem, W0.shape
    (Problem(n=5, d=20, k=1, loss=SquaredLoss()), (20, 1))
    """
    problem = Problem.gaussian(n, d, 1, seed)
    return problem, np.random.default_rng([seed, 1]).standard_normal((d, 1)) / np.sqrt(d)


def settings(seeds: Sequence[int], n: int, d: int) -> tuple[list[Problem], Array]:
    """Return the problems and the starts, of shape (S, d, 1), of several seeds."""
    data = [setting(seed, n, d) for seed in seeds]
    return [problem for problem, _ in data], np.array([W0 for _, W0 in data])


def checked(K: Any) -> Any:
    if not hasattr(K, "bend"):
        raise ValueError(f"preconditioner must be Adam or SmoothedSign, found {type(K).__name__}.")
    return K


def checked_seeds(seeds: Sequence[int]) -> list[int]:
    found = [nonnegative_integer("seeds", seed) for seed in seeds]
    if not found:
        raise ValueError("seeds must not be empty.")
    return found
