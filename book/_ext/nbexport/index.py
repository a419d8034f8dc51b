"""The numbers of the book: what a label stands for, counted as Sphinx counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import inline
from .source import Directive, Page, Text, glossary_entries, walk

STATEMENTS = {
    *("algorithm", "assumption", "axiom", "conjecture", "corollary", "criterion", "definition"),
    *("example", "lemma", "notation", "observation", "property", "proposition", "remark"),
    "theorem",
}


@dataclass(frozen=True)
class Target:
    """Something that can be referred to."""

    page: str
    anchor: str
    name: str  # "Theorem 1.1", or the text of a heading
    title: str = ""

    @property
    def number(self) -> str:
        """The number alone."""
        return self.name.rpartition(" ")[2]


class Index:
    """Every label, heading and title of the pages of a table of contents."""

    def __init__(self, pages: dict[str, Page], chapters: dict[str, int]) -> None:
        self.labels: dict[str, Target] = {}
        self.boxes: dict[tuple[str, int], Target] = {}  # by page and line
        self.headings: dict[tuple[str, str], Target] = {}
        self.titles: dict[str, str] = {}
        self.terms: dict[str, Target] = {}  # without regard to case
        self.counts: Counter[tuple[str, int]] = Counter()
        for name, page in pages.items():
            for block in walk(page.blocks):
                if isinstance(block, Directive):
                    self.note_directive(name, chapters[name], block)
                elif not block.verbatim:
                    self.note_text(name, chapters[name], block)

    def next_number(self, kind: str, chapter: int) -> str:
        """Count one more of a kind; a page outside the chapters counts without a chapter."""
        self.counts[kind, chapter] += 1
        number = str(self.counts[kind, chapter])
        return f"{chapter}.{number}" if chapter else number

    def note_directive(self, page: str, chapter: int, d: Directive) -> None:
        """Number a statement, an exercise, a figure or an equation."""
        if d.name == "glossary":
            for entry in glossary_entries(d):
                self.terms[entry.term.lower()] = Target(page, entry.anchor, entry.term)
        kind = d.name.removeprefix("prf:").removesuffix("-start")
        label = d.label or d.options.get("name", "")
        if d.name.startswith("prf:") and kind in STATEMENTS:
            name = kind.capitalize()
        elif kind == "exercise":
            name = "Exercise"
        elif kind == "figure" or d.caption:
            kind, name = "figure", "Fig."
        elif kind == "math" and label:
            name = "Equation"
        else:
            return
        if "nonumber" not in d.options:
            name = f"{name} {self.next_number(kind, chapter)}"
        title = d.argument if kind not in ("figure", "math") else ""
        target = Target(page, label, name, title)
        self.boxes[page, d.line] = target
        if label:
            self.labels[label] = target

    def note_text(self, page: str, chapter: int, block: Text) -> None:
        """Note headings, labels and numbered equations."""
        waiting = ""
        for line in block.lines:
            if label := inline.LABEL.match(line):
                waiting = label[1]
            elif heading := inline.HEADING.match(line):
                title = heading[2]
                target = Target(page, title.replace(" ", "-"), title)
                self.titles.setdefault(page, title)
                self.headings[page, inline.slug(title)] = target
                if waiting:
                    self.labels[waiting] = target
            elif waiting and line.strip():
                self.labels[waiting] = Target(page, waiting, "")
            if line.strip() and not inline.LABEL.match(line):
                waiting = ""
        for mark in inline.MARK.finditer("\n".join(block.lines)):
            if label := mark["label"]:
                number = self.next_number("math", chapter)
                self.labels[label] = Target(page, "", f"Equation {number}")


def read_toc(root: Path) -> dict[str, int]:
    """Give the pages of the table of contents in order, each with its chapter or 0."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = toc.get("parts") or [toc]
    chapters, number = {toc["root"]: 0}, 0
    for part in parts:
        for chapter in part.get("chapters", []):
            number += bool(part.get("numbered"))
            for name in files(chapter):
                chapters[name] = number if part.get("numbered") else 0
    return chapters


def files(entry: dict[str, Any]) -> Iterator[str]:
    """Give a chapter of the table of contents and its sections."""
    if "file" in entry:
        yield entry["file"]
    for section in entry.get("sections", []):
        yield from files(section)


def read_pages(root: Path, names: list[str]) -> dict[str, Page]:
    """Read these pages."""
    return {
        name: Page(f"{name}.md", (root / f"{name}.md").read_text(encoding="utf-8"))
        for name in names
    }
