"""Formulas in pictures as ordinary characters: text that a browser can set in the page's font."""

from __future__ import annotations

import re

_NAMES = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "epsilon": "ε",
    "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω", "ell": "ℓ", "nabla": "∇",
    "Delta": "Δ", "Phi": "Φ", "Pi": "Π", "Vert": "‖", "|": "‖", "infty": "∞", "to": "→",
    "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "cdot": "·", "times": "×", "pm": "±",
    "star": "*", "langle": "⟨", "rangle": "⟩", "sqrt": "√", "approx": "≈", "in": "∈",
    "mathcal{W}": "𝓦", "mathcal{A}": "𝓐", "hat{W}": "Ŵ", ",": " ", " ": " ", "quad": "  ",
}  # fmt: skip
_RAISED = str.maketrans("0123456789+-−=()nitT*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱᵗᵀ*")
_LOWERED = str.maketrans("0123456789+-−=()aeijkmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑᵢⱼₖₘₙₒₚᵣₛₜᵤᵥₓ")
_COMMAND = re.compile(r"\\(mathcal\{\w\}|hat\{\w\}|[A-Za-z]+|[|, ])")
_WRAPPED = re.compile(
    r"\\(?:mathdefault|mathrm|text|operatorname|mathsf)\{((?:[^{}]|\{[^{}]*\})*)\}"
)


def plain(text: str) -> str:
    r"""Return a text with its formulas in ordinary characters, where these exist.

    Parameters
    ----------
    text : str
        With formulas between dollar signs, as matplotlib reads them.

    Returns
    -------
    str
        Without them; the text itself if some part of it has no such character.

    Examples
    --------
    >>> plain(r"$w_1$ after $10^{-3}$ of $\eta/\varepsilon$")
    'w₁ after 10⁻³ of η/ε'
    >>> plain(r"$W_{\mathrm{GD}}$")
    'W_GD'
    >>> plain(r"$\frac{1}{2}$")
    '$\\frac{1}{2}$'
    """
    parts = text.split("$")
    if len(parts) % 2 == 0:
        return text
    try:
        parts[1::2] = [_formula(part) for part in parts[1::2]]
    except KeyError:
        return text
    return "".join(parts)


def _formula(tex: str) -> str:
    tex = _WRAPPED.sub(r"\1", tex)
    tex = _COMMAND.sub(lambda match: _NAMES[match[1]], tex)
    tex = re.sub(r"\^(?:\{([^{}]*)\}|(.))", lambda match: _shifted(match, _RAISED), tex)
    tex = re.sub(r"_(?:\{([^{}]*)\}|(.))", lambda match: _shifted(match, _LOWERED), tex)
    if set(tex) & set("\\{}^"):
        raise KeyError(tex)
    return tex.replace("-", "−")


def _shifted(match: re.Match[str], table: dict[int, int]) -> str:
    inner = (match[1] or match[2] or "").replace(" ", "")
    if any(ord(character) not in table for character in inner):
        if match[0].startswith("_") and inner.isalpha():
            return f"_{inner}"
        raise KeyError(inner)
    return inner.translate(table)
