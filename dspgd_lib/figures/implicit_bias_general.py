"""Figures of the chapter on general preconditioners: cone, disc, triangle, and the tangent."""

from __future__ import annotations

from dspgd_lib.figures.destinations import adam_in_disc, example, opening
from dspgd_lib.figures.kantorovich import cone, constants, price
from dspgd_lib.figures.turns import (
    approach,
    bounds_over_eps,
    past_the_rim,
    triangle,
    turned,
)

__all__ = [
    "adam_in_disc",
    "approach",
    "bounds_over_eps",
    "cone",
    "constants",
    "example",
    "opening",
    "past_the_rim",
    "price",
    "triangle",
    "turned",
]
