"""What the means accept: one array or several by name, over common places; checked here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Array
from ..figures.words import plain
from ..plotting import LOOKS, Look

COLORS = ("#0072B2", "#C04D00", "#007A5A", "#AA3377", "#5b3e96", "#8a5a00")
MARKERS = ("o", "s", "^", "D", "v", "P")
BY_NAME = {style.name: style for style in LOOKS.values()}
MOST_CURVES = len(COLORS)


@dataclass(frozen=True)
class Curve:
    """One curve: its places in increasing order, its values (seeds, places), its look."""

    name: str
    x: Array
    values: Array
    look: Look


def looks(names: list[str]) -> list[Look]:
    """Return the look of each curve: that of the preconditioner so named, else a colour left."""
    taken = {BY_NAME[name].color for name in names if name in BY_NAME}
    left = [(c, m) for c, m in zip(COLORS, MARKERS, strict=True) if c not in taken]
    left += [(c, m) for c, m in zip(COLORS, MARKERS, strict=True) if c in taken]
    free = iter(left)
    return [BY_NAME[name] if name in BY_NAME else Look(name, *next(free)) for name in names]


def by_name(argument: str, value: Any, alone: str) -> dict[str, Any]:
    """Return arrays by name; one array alone gets the name given."""
    if not isinstance(value, Mapping):
        return {alone: value}
    if not value:
        raise ValueError(f"{argument} is an empty dict: give it at least one curve.")
    if len(value) > MOST_CURVES:
        raise ValueError(
            f"{argument} holds {len(value)} curves; a picture carries {MOST_CURVES}: draw two."
        )
    for name in value:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"{argument} must have names as keys, found {name!r}.")
    return dict(value)


def numbers(argument: str, value: Any, infinite: bool = False) -> Array:
    """Return real numbers without NaN, finite ones unless told otherwise."""
    try:
        found = np.ma.getmaskarray(value).any() if isinstance(value, np.ma.MaskedArray) else False
        array = np.asarray(value)
        if found or array.dtype.kind not in "biuf":
            raise TypeError
        array = array.astype(float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{argument} must hold real numbers, found {type(value).__name__}: pass a float array."
        ) from None
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{argument} must be an array of numbers, found shape {array.shape}.")
    if np.isnan(array).any() or (not infinite and np.isinf(array).any()):
        bad = "NaN" if np.isnan(array).any() else "an infinite entry"
        raise ValueError(f"{argument} contains {bad}: leave it out, and its place in x too.")
    return array


def places(x: Any, names: list[str], values: dict[str, Any], argument: str) -> dict[str, Array]:
    """Return the places of each curve; steps 0, 1, 2, … where x is None."""
    if isinstance(x, Mapping):
        if set(x) != set(names):
            raise ValueError(
                f"x and {argument} must have the same keys, found {sorted(map(str, x))} and "
                f"{sorted(names)}: name the curves alike."
            )
        found = {name: numbers(f"x[{name!r}]", x[name]) for name in names}
    elif x is None:
        found = {name: np.arange(np.shape(values[name])[-1]).astype(float) for name in names}
    else:
        array = numbers("x", x)
        found = dict.fromkeys(names, array)
    for name, array in found.items():
        if array.ndim != 1:
            raise ValueError(f"x must have shape (n,), found {array.shape}: pass x.ravel().")
        if values[name].shape[-1] != len(array):
            raise ValueError(
                f"{argument} must have one value for each of the {len(array)} places in x, found "
                f"shape {values[name].shape}."
            )
    return found


def collected(argument: str, x: Any, value: Any, alone: str) -> list[Curve]:
    """Return the curves of an argument: (n,), (seeds, n) or a dict of such, over x."""
    given = by_name(argument, value, alone)
    values = {}
    for name, one in given.items():
        label = f"{argument}[{name!r}]" if isinstance(value, Mapping) else argument
        array = numbers(label, one)
        if array.ndim > 2:
            raise ValueError(
                f"{label} must have shape (n,) or (seeds, n), found {array.shape}: "
                "average or ravel the other axes."
            )
        values[name] = array
    at = places(x, list(given), values, argument)
    curves = []
    for (name, array), style in zip(values.items(), looks(list(given)), strict=True):
        order = np.argsort(at[name], kind="stable")
        curves.append(Curve(plain(name), at[name][order], np.atleast_2d(array)[:, order], style))
    return curves


def beside(argument: str, value: Any, x: Any, curves: list[Curve], keys: list[str]) -> list[Any]:
    """Return what belongs to each curve (an array over its places, a function or None)."""
    if not isinstance(value, Mapping):
        found: list[Any] = [value] * len(keys)
    else:
        if set(value) != set(keys):
            raise ValueError(
                f"{argument} must have the keys of the measured curves, {keys}, found "
                f"{list(value)}: name them alike, with None where nothing is known."
            )
        found = [value[key] for key in keys]
    return [
        None if one is None else one if callable(one) else _sorted(argument, one, x, curve, key)
        for one, curve, key in zip(found, curves, keys, strict=True)
    ]


def _sorted(argument: str, value: Any, x: Any, curve: Curve, key: str) -> Array:
    array = numbers(argument, value, infinite=True)
    if array.shape != curve.x.shape:
        raise ValueError(
            f"{argument} must have the shape of x, {curve.x.shape}, found {array.shape}."
        )
    given = x[key] if isinstance(x, Mapping) else np.arange(len(curve.x)) if x is None else x
    return np.asarray(array[np.argsort(np.asarray(given, dtype=float), kind="stable")])


def check_log(argument: str, values: Array, log: bool, zero: bool = False) -> None:
    """Complain about what has no place on a logarithmic axis; zero is left to the edge."""
    if log and ((values < 0).any() or (not zero and (values == 0).any())):
        raise ValueError(
            f"{argument} must be positive on a logarithmic axis, found {values.min():g}: leave "
            'it out, or pass scales="linear" (or "linear-log" where only x is not positive).'
        )
    if log and not (values > 0).any():
        raise ValueError(f"{argument} has no positive value, so no logarithmic axis can show it.")


def check_text(**texts: Any) -> None:
    """Complain about labels that are no text."""
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{name} must be a text, found {type(text).__name__}.")


def check_pair(argument: str, value: Any) -> None:
    """Complain unless an argument is a pair of texts."""
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise ValueError(f"{argument} must be two texts, for dots and line, found {value!r}.")
    check_text(**{f"{argument}[{i}]": text for i, text in enumerate(value)})


def called(argument: str, law: Callable[[Array], ArrayLike], places: Array) -> Array:
    """Return the values of a function at some places, and complain if it gives others."""
    found = numbers(argument, law(places), infinite=True)
    if found.shape != places.shape:
        raise ValueError(
            f"{argument} must return one value for each place, found shape {found.shape} for "
            f"{places.shape}: write it for arrays."
        )
    return found
