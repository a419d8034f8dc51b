"""Many runs side by side: the loop behind `sweep`, with the stopping rule of `dspgd`.

Weights and gradients are kept as rows, (runs, k, d), so that the runs of one problem take one
matrix product. A run that has ended leaves the batch; its last iterate is copied out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._single import FLOOR, HUGE, UNIT, direction_at
from ._validation import Array, frobenius_norm
from .problem import Problem

SAFE_RESIDUAL = 1e150  # below it a loss does not overflow
BLOCK = 1 << 16  # numbers in one array of a batch: half a megabyte, which a cache holds


def grid_length(K: Any) -> int | None:
    """Return B if a parameter of K is a grid of shape (B,), else None."""
    if not is_dataclass(K) or isinstance(K, type):
        return None
    for field in fields(K):
        value = getattr(K, field.name)
        length = len(value) if np.ndim(value) == 1 else grid_length(value)
        if length is not None:
            return length
    return None


def members(K: Any, index: Any) -> Any:
    """Return the part of a grid K at an index, a slice or a mask; K itself if it is no grid."""
    if grid_length(K) is None:
        return K
    parts = {field.name: getattr(K, field.name) for field in fields(K)}
    return replace(
        K, **{name: v[index] if np.ndim(v) == 1 else members(v, index) for name, v in parts.items()}
    )


Endings = dict[str, NDArray[np.bool_]]  # which runs end how; the first that applies counts


@dataclass(frozen=True, eq=False)
class Ends:
    """How each of B runs ended: the ending by name, the steps and the last iterate."""

    ending: list[str]
    steps: NDArray[np.int64]
    W: Array


def _direction(K: Any, V: Array) -> Array:
    return direction_at(K, V, "it must act on a stack of matrices")


def _check_stacks(K: Any, V: Array) -> None:
    """Complain about a K made at home that mixes the matrices of a stack."""
    alone, together = _direction(members(K, slice(1)), V[:1]), _direction(K, V)[:1]
    if not np.allclose(alone, together, rtol=1e-9, atol=0.0, equal_nan=True):
        raise ValueError(
            "K.gradient must treat each matrix of a stack (B, d, k) alone: sum over the last two "
            "axes only."
        )


@dataclass(eq=False)
class _Side:
    """The iterates of the runs in the batch, and what the loop asks about them."""

    W: Array  # (runs, k, d)
    R: Array  # (runs, k, n)
    V: Array  # (runs, k, d)
    residual_norm: Array  # (runs,)
    finite: NDArray[np.bool_]  # (runs,)

    @classmethod
    def empty(cls, runs: int, k: int, n: int, d: int) -> _Side:
        W, R, V = np.empty((runs, k, d)), np.empty((runs, k, n)), np.empty((runs, k, d))
        return cls(W, R, V, np.empty(runs), np.ones(runs, dtype=bool))

    def only(self, mask: NDArray[np.bool_]) -> _Side:
        return _Side(*(getattr(self, field.name)[mask] for field in fields(self)))


class _Batch:
    """The runs that have not ended yet."""

    def __init__(
        self, problems: Sequence[Problem], K: Any, W0: Array, eta: Array, tol: Array
    ) -> None:
        self.problems, self.K, self.loss = list(problems), K, problems[0].loss
        self.rows = np.arange(len(problems))
        self.eta, self.tol = eta[:, None, None], tol
        self.Y = np.stack([problem.Y.T for problem in problems])
        self.label = np.array([problem.label_norm for problem in problems])
        self.sigma_min = np.array([problem.sigma_min for problem in problems])
        self.sigma_max = np.array([problem.sigma_max for problem in problems])
        self.start = frobenius_norm(W0)
        runs, (d, k) = len(problems), W0.shape[1:]
        self.now = _Side.empty(runs, k, problems[0].n, d)
        self.now.W[:] = W0.swapaxes(1, 2)
        self._prepare()
        self.evaluate(self.now)
        loss = self.exact_loss(self.now)
        self.loss_limit = HUGE * (loss + (self.sigma_max * self.start + self.label) ** 2)
        if not self.now.finite.all():
            raise ValueError("W0 makes the loss overflow: rescale W0 or the problem.")
        _check_stacks(K, self.now.V.swapaxes(1, 2))

    def _prepare(self) -> None:
        """Make room for the next iterates and group the runs by problem."""
        runs, k, d = self.now.W.shape
        self.next = _Side.empty(runs, k, self.now.R.shape[2], d)
        self.groups, first = [], 0
        for _, group in groupby(self.problems, key=id):
            same = list(group)
            self.groups.append((same[0].X, slice(first * k, (first + len(same)) * k)))
            first += len(same)

    def evaluate(self, side: _Side) -> None:
        """Fill in the residuals, their norms and the gradients at side.W."""
        n = side.R.shape[2]
        W, R, V = (A.reshape(-1, A.shape[2]) for A in (side.W, side.R, side.V))
        for X, part in self.groups:
            np.matmul(W[part], X.T, out=R[part])
        side.R -= self.Y
        side.residual_norm = frobenius_norm(side.R)
        side.finite = np.isfinite(side.residual_norm)
        if not (side.residual_norm < SAFE_RESIDUAL).all():
            side.R[~side.finite] = 0.0  # the loss would complain about such a residual
            side.finite &= np.isfinite(self.exact_loss(side))
        slopes = self.loss.gradient(side.R.swapaxes(1, 2)).swapaxes(1, 2).reshape(-1, n)
        for X, part in self.groups:
            np.matmul(slopes[part], X, out=V[part])
        if not np.isfinite(side.V).all():
            side.finite &= np.isfinite(side.V).all(axis=(1, 2))

    def exact_loss(self, side: _Side) -> Array:
        """Return the loss of each run, ∞ where the residual is not finite."""
        return np.where(side.finite, self.loss.value(side.R.swapaxes(1, 2)), np.inf)

    def look(self, last: bool) -> Endings:
        """Return the runs that end where they are."""
        endings: Endings = {}
        norm, size = self.now.residual_norm, frobenius_norm(self.now.W)
        size = np.maximum(size, self.label / self.sigma_max)
        arrived = norm <= self.sigma_min * (self.tol * size + UNIT * self.start)
        if arrived.any():
            endings["arrived"] = arrived & (self.tol > 0)
        # ℓ(R) ≤ ½M_ℓ‖R‖² spares the exact loss as long as nothing is near the limit.
        if (self.loss.smoothness * norm * norm > self.loss_limit).any():
            endings["diverged"] = self.exact_loss(self.now) > self.loss_limit
        if last:
            endings |= {"late": self.tol > 0, "asked": self.tol == 0}
        return endings

    def step(self) -> Endings:
        """Take one step into self.next; return the runs that it brings to an end."""
        V = self.now.V.swapaxes(1, 2)
        direction = _direction(self.K, V)
        np.multiply(direction.swapaxes(1, 2), self.eta, out=self.next.W)
        np.subtract(self.now.W, self.next.W, out=self.next.W)
        self.evaluate(self.next)
        endings: Endings = {}
        if not self.next.finite.all():
            endings["broken"] = np.logical_not(np.isfinite(direction).all(axis=(1, 2)))
            endings["diverged"] = ~self.next.finite
        idle = (self.tol > 0) & (self.next.residual_norm >= self.now.residual_norm)
        if idle.any():
            rounding = UNIT * (self.sigma_max * frobenius_norm(self.now.W) + self.label)
            endings["floor"] = idle & (self.now.residual_norm <= FLOOR * rounding)
            endings["stuck"] = idle & (self.next.W == self.now.W).all(axis=(1, 2))
        return endings

    def keep(self, mask: NDArray[np.bool_]) -> bool:
        """Go on with these runs only; return whether there are any."""
        if mask.all() or not mask.any():
            return bool(mask.all())
        self.problems = [problem for problem, kept in zip(self.problems, mask, strict=True) if kept]
        self.K, self.now = members(self.K, mask), self.now.only(mask)
        for name in (
            "rows", "eta", "tol", "Y", "label", "sigma_min", "sigma_max", "start", "loss_limit",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[mask])
        self._prepare()
        return True


def iterate(
    problems: Sequence[Problem], K: Any, W0: Array, eta: Array, tol: Array, max_steps: int
) -> Ends:
    """Run all B runs to their ends, a block of them at a time.

    Parameters
    ----------
    problems : sequence of B problems
        All of one shape and loss; the same ones should stand together.
    K : preconditioner or grid of B of them
        It must act on stacks (B, d, k).
    W0 : array of shape (B, d, k)
        Starts.
    eta, tol : arrays of shape (B,)
        Learning rates and tolerances.
    max_steps : int
        The most steps to take.

    Returns
    -------
    Ends

    Raises
    ------
    ValueError
        If a start makes the loss overflow or K does not act on stacks.
    """
    B = len(problems)
    ends = Ends([""] * B, np.zeros(B, dtype=np.int64), np.empty(W0.shape))
    most = max(1, BLOCK // W0[0].size)
    for first in range(0, B, most):
        part = slice(first, min(first + most, B))
        batch = _Batch(problems[part], members(K, part), W0[part], eta[part], tol[part])
        batch.rows += first
        _finish(batch, ends, max_steps)
    return ends


def _finish(batch: _Batch, ends: Ends, max_steps: int) -> None:
    """Run the batch until it is empty."""
    for steps in range(max_steps + 1):
        endings = batch.look(last=steps == max_steps)
        if endings and not batch.keep(_record(batch, endings, steps, ends)):
            return
        endings = batch.step()
        going = _record(batch, endings, steps, ends) if endings else None
        batch.now, batch.next = batch.next, batch.now
        if going is not None and not batch.keep(going):
            return


def _record(batch: _Batch, endings: Endings, steps: int, ends: Ends) -> NDArray[np.bool_]:
    """Copy out what has ended at batch.now; return the runs that go on."""
    going = np.ones(len(batch.rows), dtype=bool)
    for name, mask in endings.items():
        for i in np.flatnonzero(mask & going):
            row = batch.rows[i]
            ends.ending[row], ends.steps[row] = name, steps
            ends.W[row] = batch.now.W[i].T
            going[i] = False
    return going
