"""Elementary functions in forms that lose no digits to cancellation, and no warning to overflow."""

from __future__ import annotations

from math import factorial, log

import numpy as np
from scipy.special import expit

from ._validation import Array

LARGEST = float(np.finfo(float).max)


def log_remainder(x: Array) -> Array:
    """Return 1 − log(1 + x)/x for x > −1 to a few units in the last place, 0 at 0.

    Near 0 it is summed from log(1 + x) = 2 artanh(x/(2 + x)), whose leading terms cancel by hand.
    """
    near = (x > -0.5) & (x < 1.0)
    small = np.where(near, x, 0.0)
    ratio = small / (2.0 + small)
    square = ratio * ratio
    series = np.zeros_like(square)
    for odd in range(33, 1, -2):  # |ratio| ≤ 1/3, so the first term left out is below 1e-17
        series = series * square + 1.0 / odd
    by_series = ratio - 2.0 * square * series / (2.0 + small)
    # Beyond the largest float 1 − log(1 + x)/x is 1 to the last digit.
    large = np.where(near, 1.0, np.minimum(x, LARGEST))
    return np.where(near, by_series, 1.0 - np.log1p(large) / large)


def log_ratio(a: Array, b: Array) -> Array:
    """Return log(a/b) although a/b may overflow."""
    (a, up), (b, down) = np.frexp(a), np.frexp(b)
    return np.log(a / b) + log(2.0) * (up - down)


def log_cosh(z: Array) -> Array:
    """Return log cosh z entry by entry."""
    size = np.abs(z)
    near = 0.5 * np.log1p(np.sinh(np.minimum(size, 1.0)) ** 2)
    far = size + np.log1p(np.exp(-2.0 * size)) - log(2.0)
    return np.where(size < 1.0, near, far)


def log_cosh_divergence(b: Array, h: Array) -> Array:
    """Return the Bregman divergence of log cosh from b + h to b, entry by entry."""
    # With p + q = 1 and tanh b = p − q, the divergence of log cosh is
    # log(p e^{2qh} + q e^{−2ph}); near h = 0 the first-order terms cancel by hand.
    p, q = expit(2.0 * b), expit(-2.0 * b)
    short = np.clip(h, -1.0, 1.0)
    near = np.log1p(p * _exp_remainder(2.0 * q * short) + q * _exp_remainder(-2.0 * p * short))
    log_p, log_q = -np.logaddexp(0.0, -2.0 * b), -np.logaddexp(0.0, 2.0 * b)
    far = np.logaddexp(log_p + 2.0 * q * h, log_q - 2.0 * p * h)
    return np.where(np.abs(h) < 1.0, near, far)


def _exp_remainder(x: Array) -> Array:
    """Return eˣ − 1 − x ≥ 0 for |x| ≤ 2."""
    small = np.clip(x, -0.5, 0.5)
    series = np.zeros_like(small)
    for power in range(16, 1, -1):
        series = series * small + 1.0 / factorial(power)
    return np.where(np.abs(x) <= 0.5, series * small * small, np.expm1(x) - x)


def cosh_divergence(b: Array, h: Array) -> Array:
    """Return the Bregman divergence of cosh from b + h to b, for |h| ≤ 1.

    It is cosh(b)(cosh h − 1) + sinh(b)(sinh h − h).
    """
    return np.cosh(b) * 2.0 * np.sinh(0.5 * h) ** 2 + np.sinh(b) * _sinh_remainder(h)


def _sinh_remainder(h: Array) -> Array:
    """Return sinh h − h for |h| ≤ 1, by its series: what is left out is below 1e-17 of it."""
    square = h * h
    series = np.zeros_like(h)
    for n in range(19, 1, -2):
        series = (1.0 + series) * square / (n * (n - 1))
    return h * series


def power(s: Array, exponent: float | Array) -> Array:
    """Return s^exponent for s ≥ 0, ∞ where it is too large for a float."""
    return np.power(s, exponent)


def ratio(f: Array, s: Array) -> Array:
    """Return f/s, and the limit 1 at s = 0."""
    return np.where(s > 0, f / np.where(s > 0, s, 1.0), 1.0)
