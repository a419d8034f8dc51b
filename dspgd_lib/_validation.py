"""Checks on arrays and numbers: every complaint names the argument, what was found, the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SMALLEST = float(np.finfo(float).tiny)
SAFE_SQUARE = 1e-270  # a square in (this, 1/this) has lost nothing to underflow or overflow


def as_array(name: str, value: ArrayLike) -> Array:
    """Return ``value`` as finite float64 numbers."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"{name} must be a plain array, found a masked one: fill the gaps with "
            f"{name}.filled(...) first."
        )
    try:
        found = np.asarray(value)
        if found.dtype.kind not in "biuf":
            raise TypeError
        array = found.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must hold real numbers, found {type(value).__name__}: pass a float array."
        ) from None
    if not np.isfinite(array).all():
        bad = "NaN" if np.isnan(array).any() else "an infinite entry"
        raise ValueError(f"{name} contains {bad}: replace or remove it first.")
    return array


def as_stack(name: str, value: ArrayLike) -> Array:
    """Return ``value`` as finite matrices of shape (..., d, k)."""
    array = as_array(name, value)
    if array.ndim < 2 or array.size == 0:
        raise ValueError(
            f"{name} must have shape (..., d, k), found {array.shape}: "
            f"write a vector as the column {name}[:, None]."
        )
    return array


def same_matrices(**arrays: Array) -> None:
    """Complain unless the arrays hold matrices of one shape (d, k), in stacks that fit."""
    shapes = {name: array.shape for name, array in arrays.items()}
    names = " and ".join(shapes)
    if len({shape[-2:] for shape in shapes.values()}) > 1:
        found = " and ".join(map(str, shapes.values()))
        raise ValueError(f"{names} must be matrices of one shape (d, k), found {found}.")
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        raise ValueError(
            f"{names} must be stacks of one length, found the shapes {shapes}."
        ) from None


def number(name: str, value: ArrayLike) -> float:
    """Return one real number; True is none."""
    array = _no_truth(name, value)
    if array.ndim:
        raise ValueError(f"{name} must be one number, found shape {array.shape}.")
    return float(array)


def _no_truth(name: str, value: ArrayLike) -> Array:
    if np.asarray(value).dtype.kind == "b":
        raise ValueError(f"{name} must be a number, found {value!r}: write it in digits.")
    return as_array(name, value)


def positive(name: str, value: ArrayLike) -> float | Array:
    """Return a positive number, or a read-only grid of them."""
    array = _no_truth(name, value)
    if array.ndim > 1 or array.size == 0:
        raise ValueError(
            f"{name} must be a number or a grid of shape (B,), found shape {array.shape}."
        )
    if not (array > 0).all():
        raise ValueError(f"{name} must be positive, found {array.min():g}: choose {name} > 0.")
    if array.min() < SMALLEST:
        raise ValueError(
            f"{name} must be at least {SMALLEST:g}, found {array.min():g}: its reciprocal is too "
            "large for a float."
        )
    if array.ndim == 0:
        return float(array)
    array = array.copy()
    array.flags.writeable = False
    return array


def positive_number(name: str, value: ArrayLike) -> float:
    """Return one positive number."""
    number(name, value)
    return float(positive(name, value))


def nonnegative_integer(name: str, value: Any, least: int = 0) -> int:
    """Return an integer that is at least ``least``."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} must be an integer, found {value!r}: write int({name}).")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, found {value}.")
    return int(value)


def expanded(parameter: float | Array) -> float | Array:
    """Give a grid of shape (B,) the shape (B, 1, 1) that acts on B matrices."""
    return parameter if np.ndim(parameter) == 0 else np.asarray(parameter)[..., None, None]


def read_only(array: Array) -> Array:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def transposed(A: Array) -> Array:
    """Return Aᵀ of each matrix of a stack."""
    return np.swapaxes(A, -2, -1)


def total(E: Array) -> Array:
    """Return the sum of the entries of each matrix of a stack."""
    return np.sum(E, axis=(-2, -1))


def inner(A: Array, B: Array) -> Array:
    """Return ⟨A, B⟩ = tr(AᵀB) over the last two axes."""
    return total(A * B)


def frobenius_norm(A: Array) -> Array:
    """Return ‖A‖_F over the last two axes, without overflow or underflow of the squares."""
    flat = A.reshape(*A.shape[:-2], -1)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.vecdot(flat, flat)
        safe = (squares > SAFE_SQUARE) & (squares < 1.0 / SAFE_SQUARE)
        if safe.item() if safe.size == 1 else safe.all():  # .all() is slow for one number
            return np.sqrt(squares)
        top = np.max(np.abs(flat), axis=-1, keepdims=True)
        flat = flat / np.where(top > 0, top, 1.0)
        return top[..., 0] * np.sqrt(np.vecdot(flat, flat))
