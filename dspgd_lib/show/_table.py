"""Tables: semantic HTML on a page, plain text in a terminal, the same numbers in both."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np

from ..figures.words import plain
from ._words import raised, split

MOST_COLUMNS = 5
WIDTH = 45  # characters that a phone shows
FIGURE, POINT = "\u2007", "\u2008"  # spaces as wide as a digit, and as a point
_DECIMAL = re.compile(r"−?[\d,]+(?:\.(\d+))?")
_HEAD = "padding:.25em .6em;border-bottom:1.5px solid #8a8f98;vertical-align:bottom;text-align:"
_CELL = "padding:.2em .6em;border-bottom:1px solid #8a8f9855;font-weight:400;text-align:"
Form = str | Callable[[Any], str]


@dataclass(frozen=True)
class Table:
    """A small table. Show it by making it the last expression of a cell.

    Attributes
    ----------
    cells
        What the rows say, numbers formatted like 1.2e-05.
    columns
        The heads.
    caption
        A line above the table.
    align
        "left" or "right", for each column.
    """

    cells: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    caption: str
    align: tuple[str, ...]

    def _shown(self, html: bool) -> list[list[str]]:
        """Return the cells as they are shown, decimal points below each other."""
        columns = [list(column) for column in zip(*self.cells, strict=True)]
        columns = columns or [[] for _ in self.columns]
        found = []
        for column, side in zip(columns, self.align, strict=True):
            texts = [_marked(text) if html else raised(text) for text in column]
            plain_texts = [raised(text) for text in column]
            if side == "right":
                texts = _pointed(texts, plain_texts, *((FIGURE, POINT) if html else (" ", " ")))
            found.append(texts)
        return [list(row) for row in zip(*found, strict=True)]

    def _repr_html_(self) -> str:
        heads = "".join(
            f'<th scope="col" style="{_HEAD}{side}">{escape(head)}</th>'
            for head, side in zip(self.columns, self.align, strict=True)
        )
        body = "".join(f"<tr>{self._row(row)}</tr>" for row in self._shown(html=True))
        style = "text-align:left;caption-side:top;color:inherit;padding:0 0 .4em"
        caption = f'<caption style="{style}">{escape(self.caption)}</caption>' * bool(self.caption)
        return (
            '<table class="book-table" style="border-collapse:collapse;width:auto;margin:.5em 0;'
            'font-variant-numeric:tabular-nums lining-nums">'
            f"{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _row(self, row: list[str]) -> str:
        cells = []
        for i, (text, side) in enumerate(zip(row, self.align, strict=True)):
            tag, scope = ("th", ' scope="row"') if i == 0 else ("td", "")
            keep = ";white-space:nowrap" if side == "right" else ""
            cells.append(f'<{tag}{scope} style="{_CELL}{side}{keep}">{text}</{tag}>')
        return "".join(cells)

    def __repr__(self) -> str:
        """Return the table in characters, at most 45 wide where its words allow."""
        rows = self._shown(html=False)
        widths = self._widths(rows)
        lines = wrap(self.caption, WIDTH)
        lines += self._lines(
            [wrap(head, w) for head, w in zip(self.columns, widths, strict=True)], widths
        )
        lines.append("─" * (sum(widths) + 2 * (len(widths) - 1)))
        for row in rows:
            split_cells = [
                [text] if side == "right" else wrap(text, width)
                for text, side, width in zip(row, self.align, widths, strict=True)
            ]
            lines += self._lines(split_cells, widths, top=True)
        return "\n".join(line.rstrip() for line in lines)

    def _widths(self, rows: list[list[str]]) -> list[int]:
        """Return how wide the columns are: heads and words are broken where they must be."""
        least, most = [], []
        for i, (head, side) in enumerate(zip(self.columns, self.align, strict=True)):
            texts = [row[i] for row in rows]
            whole = max((len(text) for text in texts), default=0)
            words = max((len(word) for text in texts for word in text.split()), default=0)
            word = max(map(len, head.split()), default=0)
            least.append(max(whole if side == "right" else words, word, 1))
            most.append(max(whole, len(head), 1))
        widths = list(least)
        room = WIDTH - 2 * (len(widths) - 1)
        while sum(widths) < room and widths != most:
            lacks = [full - width for full, width in zip(most, widths, strict=True)]
            widths[int(np.argmax(lacks))] += 1
        return widths

    def _lines(self, cells: list[list[str]], widths: list[int], top: bool = False) -> list[str]:
        """Return the lines of one row whose cells have several; heads stand on their last line."""
        high = max(map(len, cells))
        padded = [c + [""] * (high - len(c)) if top else [""] * (high - len(c)) + c for c in cells]
        return [
            "  ".join(
                text.rjust(width) if side == "right" else text.ljust(width)
                for text, side, width in zip(line, self.align, widths, strict=True)
            )
            for line in zip(*padded, strict=True)
        ]


def table(
    rows: Sequence[Sequence[Any]],
    columns: Sequence[str],
    caption: str = "",
    align: str | Sequence[str] | None = None,
    form: Form | Sequence[Form | None] = "{:.3g}",
) -> Table:
    """Return a table of numbers and words that fits a phone.

    Parameters
    ----------
    rows : sequence of rows
        Each has one entry per column: numbers, texts, True or False, or None for nothing. An
        array of shape (rows, columns) will do.
    columns : sequence of str
        At most 5 heads.
    caption : str, optional
        A line above the table.
    align : str or sequence of str, optional
        "left" or "right" for each column, or a text such as "lrr"; by itself columns of numbers
        stand right, their points below each other.
    form : format string or function, or a sequence of them, optional
        How numbers that are no integers are written; one for all columns, or one for each.

    Returns
    -------
    Table
        It shows itself as the last expression of a cell, in HTML or in characters.

    Raises
    ------
    ValueError
        If there are no columns or more than 5, a row has another length, or a number is NaN.

    Examples
    --------
    >>> table([(0.1, 120, 1.2e-5), (10.0, 8, -3.5)], ["ε", "steps", "gap"])
       ε  steps       gap
    ─────────────────────
     0.1    120  1.2·10⁻⁵
    10        8      −3.5
    """
    heads = _heads(columns)
    if not isinstance(caption, str):
        raise ValueError(f"caption must be a text, found {type(caption).__name__}.")
    found = _rows(rows, len(heads))
    forms = _forms(form, len(heads))
    cells = tuple(
        tuple(
            _formatted(value, one, head) for value, one, head in zip(row, forms, heads, strict=True)
        )
        for row in found
    )
    return Table(cells, tuple(map(plain, heads)), plain(caption), _sides(align, found, len(heads)))


def _heads(columns: Any) -> list[str]:
    if isinstance(columns, str) or not isinstance(columns, Sequence):
        raise ValueError(f"columns must be a list of heads, found {columns!r}.")
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise ValueError(
            f"columns holds {len(columns)} heads; a phone shows 1 to {MOST_COLUMNS}: leave columns "
            "out, draw the table as two, or draw a picture."
        )
    for head in columns:
        if not isinstance(head, str):
            raise ValueError(f"columns must hold texts, found {head!r}.")
    return list(columns)


def _rows(rows: Any, count: int) -> list[list[Any]]:
    try:
        found = [None if isinstance(row, (str, dict)) else list(row) for row in rows]
    except TypeError:
        raise ValueError("rows must be a list of rows, each a list of entries.") from None
    for i, row in enumerate(found):
        if row is None or len(row) != count:
            what = "a text" if row is None else f"{len(row)} entries"
            raise ValueError(
                f"rows[{i}] must have one entry for each of the {count} columns, found {what}."
            )
    if not found:
        raise ValueError("rows is empty: give the table at least one row.")
    return [row for row in found if row is not None]


def _forms(form: Any, count: int) -> list[Form]:
    forms = [form] * count if isinstance(form, str) or callable(form) else list(form)
    if len(forms) != count:
        raise ValueError(
            f"form must be one, or one for each of {count} columns, found {len(forms)}."
        )
    return ["{:.3g}" if one is None else one for one in forms]


def _sides(align: Any, rows: list[list[Any]], count: int) -> tuple[str, ...]:
    if align is None:
        columns = zip(*rows, strict=True)
        return tuple("right" if any(map(_is_number, column)) else "left" for column in columns)
    names = {"l": "left", "r": "right", "left": "left", "right": "right"}
    sides = [names.get(side) if isinstance(side, str) else None for side in align]
    if len(sides) != count or None in sides:
        raise ValueError(
            f'align must say "left" or "right" for each of {count} columns, found {align!r}.'
        )
    return tuple(side for side in sides if side is not None)


def _is_number(value: Any) -> bool:
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iuf"


def _formatted(value: Any, form: Form, head: str) -> str:
    """Return one cell."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return plain(value)
    if np.ndim(value) > 0:
        raise ValueError(
            f"rows holds an array of shape {np.shape(value)} in the column {head!r}: one number "
            "a cell, such as array.item()."
        )
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)) and isinstance(form, str) and form == "{:.3g}":
        return f"{int(value):,}"
    if not _is_number(value):
        return str(value)
    if np.isnan(value):
        raise ValueError(
            f"rows holds NaN in the column {head!r}: write None where nothing is known."
        )
    try:
        return form(value) if callable(form) else form.format(value)
    except (ValueError, IndexError, KeyError, TypeError):
        raise ValueError(f"form {form!r} cannot write {value!r} in the column {head!r}.") from None


def _marked(text: str) -> str:
    """Return a cell in HTML, exponents as superscripts."""
    parts = split(text)
    if parts is None:
        return escape(raised(text))
    mantissa, exponent = parts
    power = f"10<sup>{exponent}</sup>"
    return {"1": power, "−1": "−" + power}.get(mantissa, f"{mantissa}·{power}")


def _pointed(shown: list[str], texts: list[str], digit: str, point: str) -> list[str]:
    """Fill up decimals on the right, so that points stand below each other."""
    matches = [_DECIMAL.fullmatch(text) for text in texts]
    after = [len(match[1] or "") for match in matches if match]
    most = max(after, default=0)
    filled = []
    for text, match in zip(shown, matches, strict=True):
        if match and most:
            lacks = most - len(match[1] or "")
            text += digit * lacks + (point if match[1] is None else "")
        filled.append(text)
    return filled
