"""One notation file for the macros, the table and the code."""

from __future__ import annotations

import re
from pathlib import Path

import notation
import numpy as np
import pytest
from notation import Symbol

from dspgd_lib import Adam, Problem, bregman, dspgd

ROOT = Path(__file__).parent.parent
SYMBOLS = notation.load()


def commands(tex: str) -> set[str]:
    return set(re.findall(r"\\(?:[A-Za-z]+|.)", tex))


# What LaTeX and MathJax know without us, as far as the notation uses it.
KNOWN = commands(
    r"\sigma \max \min \mathbb \langle \rangle \lVert \rVert \operatorname \arg \, \mathcal \Pi"
    r"\nabla \infty \mathrm \widehat \ \times \sqrt \top \ell \mu \kappa \varepsilon \beta \eta"
    r"\sup \ge \partial \psi \in"
)


def test_macros_are_not_given_twice() -> None:
    names = [s.macro for s in SYMBOLS if s.macro]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda s: s.tex)
def test_symbol_uses_only_what_is_defined(symbol: Symbol) -> None:
    macros = {f"\\{name}" for name in notation.macros()}
    formulas = re.findall(r"\$([^$]*)\$", symbol.meaning + symbol.shape)
    assert commands(" ".join([symbol.tex, *formulas])) <= KNOWN | macros
    assert commands(symbol.body) <= KNOWN
    arguments = {int(number) for number in re.findall(r"#(\d)", symbol.body)}
    assert arguments == set(range(1, symbol.args + 1))


@pytest.mark.parametrize(
    ("symbol", "name"), [(s, n) for s in SYMBOLS for n in s.code.split(", ") if n]
)
def test_name_in_code_exists(symbol: Symbol, name: str) -> None:
    problem = Problem.gaussian(n=2, d=4, k=1, seed=0)
    K, W0, eta = Adam(1.0), np.zeros((4, 1)), 0.1
    result = dspgd(problem, K, W0, eta, max_steps=3, tol=0, record=("W",))
    names = {
        "np": np,
        "bregman": bregman,
        "problem": problem,
        "K": K,
        "W0": W0,
        "eta": eta,
        "result": result,
    }
    value = eval(name, names)
    if symbol.shape == "scalar" and not callable(value):
        assert np.ndim(value) == 0


def test_every_group_is_on_the_notation_page() -> None:
    page = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\{notation-table\} (.+)$", page, re.M)
    assert shown == list(dict.fromkeys(s.group for s in SYMBOLS))


def test_latex_definitions_say_the_same_as_the_macros() -> None:
    lines = notation.latex_definitions().splitlines()
    pattern = re.compile(r"\\newcommand\{\\(\w+)\}(?:\[(\d)\])?\{(.*)\}")
    found = {}
    for line in lines:
        name, args, body = pattern.fullmatch(line).groups()
        found[name] = [body, int(args)] if args else body
    assert found == notation.macros()


@pytest.mark.parametrize(
    "row",
    [
        {"macro": "a"},
        {"body": "b"},
        {"macro": "a", "body": "#1", "args": 1},
        {},
    ],
)
def test_incomplete_symbols_are_refused(row: dict) -> None:
    with pytest.raises(ValueError, match="notation: "):
        Symbol(group="Data", meaning="a thing", **row)
