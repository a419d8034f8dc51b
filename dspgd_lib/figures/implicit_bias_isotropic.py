"""Figures of the chapter on isotropic preconditioners, and on all that end where they do."""

from __future__ import annotations

from dspgd_lib.figures.bundle import bundle, turned
from dspgd_lib.figures.circles import around, circles, shapes
from dspgd_lib.figures.meeting_point import descent, floor, one_step, tilt, tilted, walks
from dspgd_lib.figures.twelve import distances, dozen, example, opening
from dspgd_lib.figures.twins import misses, rates, twin_runs, twins

__all__ = [
    "around",
    "bundle",
    "circles",
    "descent",
    "distances",
    "dozen",
    "example",
    "floor",
    "misses",
    "one_step",
    "opening",
    "rates",
    "shapes",
    "tilt",
    "tilted",
    "turned",
    "twin_runs",
    "twins",
    "walks",
]
