"""Figures of the chapter on fine-tuning: digits, the leash, its sharp constant, small losses."""

from __future__ import annotations

from dspgd_lib.figures.certificates import certified, closing_in, steps_needed, takes_over
from dspgd_lib.figures.chord import attained, chord, gap, hunt, hunted, ratio, worst
from dspgd_lib.figures.digits import digits, who_is_right
from dspgd_lib.figures.leash import (
    every_bound,
    example,
    leash,
    measured_and_proved,
    nearer,
)
from dspgd_lib.figures.riemann import (
    bars,
    flow_and_slope,
    over_rates,
    slope,
    turning,
)
from dspgd_lib.figures.small_loss import (
    against_the_law,
    gd_gradients,
    slopes,
    small_loss,
    small_loss_law,
)

__all__ = [
    "against_the_law",
    "attained",
    "bars",
    "certified",
    "chord",
    "closing_in",
    "digits",
    "every_bound",
    "example",
    "flow_and_slope",
    "gap",
    "gd_gradients",
    "hunt",
    "hunted",
    "leash",
    "measured_and_proved",
    "nearer",
    "over_rates",
    "ratio",
    "slope",
    "slopes",
    "small_loss",
    "small_loss_law",
    "steps_needed",
    "takes_over",
    "turning",
    "who_is_right",
    "worst",
]
