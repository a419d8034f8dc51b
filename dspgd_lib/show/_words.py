"""Numbers in words: with raised exponents on pictures, as one says them in alt text."""

from __future__ import annotations

import re

from ..figures.words import plain

RAISED = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_EXPONENT = re.compile(r"(?<![\w.])([-−+]?)([\d.,]+)e([-−+]?)0*(\d+)")


def minus(text: str) -> str:
    """Return a formatted number with a minus sign instead of a hyphen."""
    return text.replace("-", "−")


def split(text: str) -> tuple[str, str] | None:
    """Return mantissa and exponent of a number written like 1.2e-05, or None."""
    match = _EXPONENT.fullmatch(text)
    if match is None:
        return None
    sign, mantissa, direction, exponent = match.groups()
    size = ("−" if direction in "-−" and direction else "") + exponent
    return minus(sign.replace("+", "")) + mantissa, size


def raised(text: str) -> str:
    """Return a formatted number as one writes it: 1.2·10⁻⁵ for 1.2e-05."""
    parts = split(text)
    if parts is None:
        return "∞" if text == "inf" else "−∞" if text == "-inf" else minus(text)
    mantissa, exponent = parts
    power = "10" + exponent.translate(RAISED)
    return {"1": power, "−1": "−" + power}.get(mantissa, f"{mantissa}·{power}")


def written(value: float, digits: int = 2) -> str:
    """Return a number for a picture."""
    return raised(f"{value:.{digits}g}" if abs(value) < 1e4 else _large(value, digits))


def spoken(value: float, digits: int = 3) -> str:
    """Return a number for alt text: 1.2e−5 is read out where raised digits are not."""
    text = f"{value:.{digits}g}" if abs(value) < 1e4 else _large(value, digits)
    return re.sub(r"e([-+]?)0*(\d)", lambda m: f"e{m[1].strip('+')}{m[2]}", text).replace("-", "−")


def _large(value: float, digits: int) -> str:
    if abs(value) < 1e6 and value == round(value):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def ratio(value: float) -> str:
    """Return a quotient with so many digits that it is not taken for 1, unless it is 1."""
    if abs(value - 1.0) <= 1e-9:
        return "1"
    if value < 0.095 or value >= 100:
        return written(value)
    digits = next((n for n in range(2, 10) if float(f"{value:.{n}f}") != 1.0), 9)
    return f"{value:.{digits}f}"


def said(label: str) -> str:
    """Return a label as alt text says it: without dollar signs."""
    return re.sub(r"[${}\\]", "", plain(label)).replace("\n", " ")


def listed(parts: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
