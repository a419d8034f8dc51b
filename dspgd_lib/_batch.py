"""Many runs side by side: the loop behind `dspgd` and `sweep`, with the rule that stops a run.

Weights and gradients are kept as rows, (runs, k, d), so that the runs of one problem take one
matrix product. A run that has ended leaves the batch; its last iterate is copied out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._validation import Array, frobenius_norm, read_only
from .convex import members, real_gradient
from .problem import Problem

UNIT = float(np.finfo(float).eps)
HUGE = 1e30  # a loss that has grown by this factor will not come back
FLOOR = 32.0  # in units of δ = u(σ_max‖W‖_F + ‖Y‖_F), the rounding error of a residual
SAFE_RESIDUAL = 1e150  # below it a loss does not overflow
BLOCK = 1 << 16  # numbers in one array of a batch: half a megabyte, which a cache holds

Endings = dict[str, NDArray[np.bool_]]  # which runs end how; the first that applies counts


@dataclass(frozen=True, eq=False)
class Runs:
    """B runs to make: problems of one shape and loss, the same ones together, and their options."""

    problems: Sequence[Problem]
    K: Any  # one, or a grid of B
    W0: Array  # (B, d, k)
    eta: Array  # (B,)
    tol: Array  # (B,)
    max_steps: int
    alone: bool  # one run, whose K need not act on stacks
    record: tuple[str, ...] = ()
    callback: Callable[[int, Array], Any] | None = None

    def part(self, part: slice) -> Runs:
        K, W0 = members(self.K, part), self.W0[part]
        problems, eta, tol = self.problems[part], self.eta[part], self.tol[part]
        return replace(self, problems=problems, K=K, W0=W0, eta=eta, tol=tol)


@dataclass(frozen=True, eq=False)
class Ends:
    """How each of B runs ended: the ending by name, the steps, the last iterate, the history."""

    ending: list[str]
    steps: NDArray[np.int64]
    W: Array  # (B, d, k)
    history: dict[str, list[Array]] = field(default_factory=dict)  # one array (B, ...) a step

    @classmethod
    def of(cls, runs: Runs) -> Ends:
        B = len(runs.problems)
        history: dict[str, list[Array]] = {name: [] for name in runs.record}
        return cls([""] * B, np.zeros(B, dtype=np.int64), np.empty(runs.W0.shape), history)


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
        return _Side(*(getattr(self, part.name)[mask] for part in fields(self)))


class _Batch:
    """The runs that have not ended yet."""

    def __init__(self, runs: Runs) -> None:
        self.problems, self.K, self.alone = list(runs.problems), runs.K, runs.alone
        self.loss = self.problems[0].loss
        self.rows = np.arange(len(self.problems))
        self.eta, self.tol = runs.eta[:, None, None], runs.tol
        self.Y = np.stack([problem.Y.T for problem in self.problems])
        self.label = np.array([problem.label_norm for problem in self.problems])
        self.sigma_min = np.array([problem.sigma_min for problem in self.problems])
        self.sigma_max = np.array([problem.sigma_max for problem in self.problems])
        self.start = frobenius_norm(runs.W0)
        B, d, k = runs.W0.shape
        self.now = _Side.empty(B, k, self.problems[0].n, d)
        self.now.W[:] = runs.W0.swapaxes(1, 2)
        self._prepare()
        self.evaluate(self.now)
        if not self.now.finite.all():
            raise ValueError("W0 makes the loss overflow: rescale W0 or the problem.")
        start = self.exact_loss(self.now)
        self.loss_limit = HUGE * (start + (self.sigma_max * self.start + self.label) ** 2)
        self._check_direction()

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
        if not np.isfinite(side.V.sum()):  # a sum may overflow, so that this only raises suspicion
            side.finite &= np.isfinite(side.V).all(axis=(1, 2))

    def exact_loss(self, side: _Side) -> Array:
        """Return the loss of each run, ∞ where the residual is not finite."""
        return np.where(side.finite, self.loss.value(side.R.swapaxes(1, 2)), np.inf)

    def gradient(self) -> Array:
        """Return V of shape (runs, d, k), or (d, k) for a run alone, which K cannot change."""
        V = self.now.V.swapaxes(1, 2)
        return read_only(V[0] if self.alone else V)

    def _check_direction(self) -> None:
        """Complain about a K that does not map matrices to matrices, one at a time."""
        V = self.gradient()
        if self.alone:
            real_gradient(self.K, V, "pass one preconditioner")
            return
        found = real_gradient(self.K, V, "it must act on a stack of matrices")
        first = np.asarray(members(self.K, slice(1)).gradient(V[:1]))
        if not np.allclose(first, found[:1], rtol=1e-9, atol=0.0, equal_nan=True):
            raise ValueError(
                "K.gradient must treat each matrix of a stack (B, d, k) alone: sum over the last "
                "two axes only."
            )

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
        direction = np.asarray(self.K.gradient(self.gradient()), dtype=float)
        direction = direction[None] if self.alone else direction
        np.multiply(direction.swapaxes(1, 2), self.eta, out=self.next.W)
        np.subtract(self.now.W, self.next.W, out=self.next.W)
        self.evaluate(self.next)
        endings: Endings = {}
        if not self.next.finite.all():
            endings["broken"] = np.logical_not(np.isfinite(direction).all(axis=(1, 2)))
            endings["overflow"] = ~self.next.finite
        idle = (self.tol > 0) & (self.next.residual_norm >= self.now.residual_norm)
        if idle.any():
            endings["floor"] = idle & self.at_floor()
            endings["stuck"] = idle & (self.next.W == self.now.W).all(axis=(1, 2))
        return endings

    def at_floor(self) -> NDArray[np.bool_]:
        """Tell which residuals are rounding errors."""
        return at_floor(
            self.now.residual_norm, self.sigma_max, frobenius_norm(self.now.W), self.label
        )

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


RECORDED: dict[str, Callable[[_Batch], Array]] = {  # of shape (runs, ...)
    "W": lambda batch: batch.now.W.swapaxes(1, 2),
    "gradient": lambda batch: batch.now.V.swapaxes(1, 2),
    "loss": lambda batch: batch.exact_loss(batch.now),
    "residual_norm": lambda batch: batch.now.residual_norm,
    "preconditioner": lambda batch: np.atleast_1d(batch.K.value(batch.gradient())),
}
RECORDABLE = tuple(RECORDED)


def at_floor(residual_norm: Any, sigma_max: Any, weight: Any, label: Any) -> Any:
    """Return whether a residual is nothing but rounding."""
    return residual_norm <= FLOOR * UNIT * (sigma_max * weight + label)


def iterate(runs: Runs) -> Ends:
    """Make all B runs to their ends, a block of them at a time."""
    ends, B = Ends.of(runs), len(runs.problems)
    whole = runs.record or runs.callback is not None
    most = B if whole else max(1, BLOCK // runs.W0[0].size)
    for first in range(0, B, most):
        part = runs.part(slice(first, min(first + most, B)))
        batch = _Batch(part)
        batch.rows += first
        _finish(batch, part, ends)
    return ends


def _finish(batch: _Batch, runs: Runs, ends: Ends) -> None:
    """Run the batch until it is empty."""
    for steps in range(runs.max_steps + 1):
        _record(batch, ends)
        endings = batch.look(last=steps == runs.max_steps)
        if runs.callback is not None:
            endings |= _called_back(runs.callback, batch, steps, ends)
        if endings and not batch.keep(_ended(batch, endings, steps, ends)):
            return
        endings = batch.step()
        going = _ended(batch, endings, steps, ends) if endings else None
        batch.now, batch.next = batch.next, batch.now
        if going is not None and not batch.keep(going):
            return


def _record(batch: _Batch, ends: Ends) -> None:
    for name, entries in ends.history.items():
        found = RECORDED[name](batch)
        if len(batch.rows) == len(ends.ending):
            entries.append(found.copy())
        else:
            entries.append(entries[-1].copy())
            entries[-1][batch.rows] = found


def _called_back(
    callback: Callable[[int, Array], Any], batch: _Batch, steps: int, ends: Ends
) -> Endings:
    """Show the callback copies of all iterates, those of runs that have ended as well."""
    ends.W[batch.rows] = batch.now.W.swapaxes(1, 2)
    W = ends.W.copy()
    answer = np.asarray(callback(steps, W[0] if batch.alone else W))
    if answer.dtype != bool:  # None, or whatever else it returns, goes on
        return {}
    if answer.ndim > 1 or answer.size not in (1, len(W)):
        raise ValueError(
            f"callback must return True, or one truth value for each of {len(W)} runs, found the "
            f"shape {answer.shape}."
        )
    return {"stopped": np.broadcast_to(answer, len(W))[batch.rows]} if answer.any() else {}


def _ended(batch: _Batch, endings: Endings, steps: int, ends: Ends) -> NDArray[np.bool_]:
    """Copy out what has ended at batch.now; return the runs that go on."""
    going = np.ones(len(batch.rows), dtype=bool)
    for name, mask in endings.items():
        for i in np.flatnonzero(mask & going):
            row = batch.rows[i]
            ends.ending[row], ends.steps[row] = name, steps
            ends.W[row] = batch.now.W[i].T
            going[i] = False
    return going
