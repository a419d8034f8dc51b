"""Figures of the chapter on convergence: the drift, the ledger, the rates."""

from __future__ import annotations

from dspgd_lib.figures.arrivals import arrive, floor, walked
from dspgd_lib.figures.drift import drifting, held_back, road, why_allowed
from dspgd_lib.figures.loss_ledger import (
    accounts,
    dropped,
    energies,
    energy_account,
    example,
    ledger,
    optimizers,
    without_one,
)
from dspgd_lib.figures.loss_rates import dual_rate, past, rates, roads, shortest, straight_loss

__all__ = [
    "accounts",
    "arrive",
    "drifting",
    "dropped",
    "dual_rate",
    "energies",
    "energy_account",
    "example",
    "floor",
    "held_back",
    "ledger",
    "optimizers",
    "past",
    "rates",
    "road",
    "roads",
    "shortest",
    "straight_loss",
    "walked",
    "why_allowed",
    "without_one",
]
