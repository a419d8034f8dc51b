"""How many examples hypothesis draws: HYPOTHESIS_PROFILE is book, fast or nightly."""

from __future__ import annotations

import os

from hypothesis import settings

FACTORS = {"book": 1.0, "fast": 0.2, "nightly": 10.0}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "book")


def examples(number: int, profile: str = PROFILE) -> int:
    """Scale a number of examples for ``@settings(max_examples=examples(8))``.

    >>> [examples(8, profile) for profile in FACTORS]
    [8, 2, 80]
    """
    return max(1, round(FACTORS[profile] * number))


def load() -> None:
    """Choose the profile: no clock, and the same examples everywhere except at night."""
    for name in FACTORS:
        settings.register_profile(
            name,
            derandomize=name != "nightly",
            max_examples=examples(25, name),
            deadline=None,
            database=None,
            print_blob=True,
        )
    settings.load_profile(PROFILE)
