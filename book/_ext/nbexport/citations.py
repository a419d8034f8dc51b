"""Citations by author and year, and the list of what was cited."""

from __future__ import annotations

import re
from pathlib import Path

from pybtex.database import BibliographyData, Entry, parse_file
from pybtex.plugin import find_plugin
from pybtex.richtext import Text


class Bibliography:
    """The references of the book; a book that cites nothing has no file of them."""

    def __init__(self, path: Path) -> None:
        known = parse_file(str(path), bib_format="bibtex") if path.is_file() else None
        self.entries = known.entries if known else {}

    def cite(self, keys: list[str], parenthetical: bool) -> str:
        """Write "Nesterov (1984)" or "(Nesterov, 1984)"; an unknown key is a KeyError."""
        works = [(authors(self.entries[key]), self.entries[key].fields["year"]) for key in keys]
        if parenthetical:
            return "(" + "; ".join(f"{who}, {year}" for who, year in works) + ")"
        return ", ".join(f"{who} ({year})" for who, year in works)

    def listed(self, keys: set[str]) -> list[str]:
        """Describe these works in full, ordered by author."""
        cited = BibliographyData({key: self.entries[key] for key in keys})
        style = find_plugin("pybtex.style.formatting", "plain")()
        return [
            re.sub(r"\\([.()-])", r"\1", entry.text.render_as("markdown").replace("\n", " "))
            for entry in style.format_bibliography(cited)
        ]


def authors(entry: Entry) -> str:
    """Name one author, two, or the first of many."""
    names = [
        Text.from_latex(" ".join([*person.prelast_names, *person.last_names])).render_as("text")
        for person in entry.persons["author"]
    ]
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]} et al."
