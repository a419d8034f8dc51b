"""The notation of the book: one file, from which macros and tables are made."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent.parent / "notation.toml"


@dataclass(frozen=True)
class Symbol:
    """One row of the notation table, and the macro that writes it if there is one."""

    group: str
    meaning: str
    tex: str = ""
    shape: str = ""
    code: str = ""
    macro: str = ""
    args: int = 0
    body: str = ""

    def __post_init__(self) -> None:
        if bool(self.macro) != bool(self.body):
            raise ValueError(f"notation: macro and body belong together, found {self}")
        if not self.tex:
            if not self.macro or self.args:
                raise ValueError(f"notation: say in tex how to show {self}")
            object.__setattr__(self, "tex", "\\" + self.macro)


@cache
def load() -> tuple[Symbol, ...]:
    """Read every symbol of the book, in the order of the notation page.

    Returns
    -------
    tuple of Symbol
        The rows of ``notation.toml``.

    Examples
    --------
    >>> [s.tex for s in load() if s.macro == "manifold"]
    ['\\\\manifold']
    """
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["symbol"]
    return tuple(Symbol(**row) for row in rows)


def macros() -> dict[str, str | list[str | int]]:
    """Give the macros in the form in which MathJax 3 takes them.

    Returns
    -------
    dict
        Macro name to its body, or to ``[body, number of arguments]``.

    Examples
    --------
    >>> macros()["manifold"], macros()["norm"]
    ('\\\\mathcal{W}', ['\\\\lVert #1 \\\\rVert', 1])
    """
    return {s.macro: [s.body, s.args] if s.args else s.body for s in load() if s.macro}


def latex_definitions() -> str:
    """Give the macros as LaTeX definitions, for the preamble of a printed book.

    Returns
    -------
    str
        One ``\\newcommand`` a line.

    Examples
    --------
    >>> print(latex_definitions().splitlines()[0])
    \\newcommand{\\smax}{\\sigma_{\\max}}
    """
    return "\n".join(
        rf"\newcommand{{\{s.macro}}}{f'[{s.args}]' if s.args else ''}{{{s.body}}}"
        for s in load()
        if s.macro
    )
