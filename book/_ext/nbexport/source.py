"""Reads the Markdown of the book: what is directive, what is code, what is text.

The tests of the book's rules read the pages with it, the notebooks are made with it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:.-]+)\}(?P<rest>.*)$")
PLAIN_FENCE = re.compile(r"^ *(?P<fence>`{3,}|~{3,})[\w+-]*$")


@dataclass
class Text:
    """Lines outside all directives, with the number of the first."""

    lines: list[str]
    line: int
    verbatim: bool = False  # a block of code that is shown, not run


@dataclass
class Directive:
    """One directive of a page, with the line it begins on."""

    name: str
    argument: str
    line: int
    indent: str = ""
    options: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)
    body_line: int = 0

    @property
    def label(self) -> str:
        """The label given, or nothing."""
        return self.options.get("label", "")

    @property
    def caption(self) -> str:
        """What a code cell says about its figure, in Markdown, or nothing."""
        return self.options.get("caption", "").strip() if self.name == "code-cell" else ""

    @property
    def blocks(self) -> list[Directive | Text]:
        """What stands inside; the inside of a code cell is not Markdown."""
        return [] if self.name == "code-cell" else list(split(self.body, self.body_line))


@dataclass
class Page:
    """One page of the book."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Directive | Text]:
        """What the page consists of, without its header."""
        lines = self.text.splitlines()
        start = lines.index("---", 1) + 1 if lines[:1] == ["---"] else 0
        return list(split(lines[start:], start + 1))

    @property
    def directives(self) -> list[Directive]:
        """Every directive, also those inside others, in the order of the page."""
        return [block for block in walk(self.blocks) if isinstance(block, Directive)]

    def all(self, *names: str) -> list[Directive]:
        """Every directive with one of these names."""
        return [d for d in self.directives if d.name in names]

    @property
    def entries(self) -> list[Entry]:
        """The entries of the glossary on this page, in its order."""
        return [entry for d in self.all("glossary") for entry in glossary_entries(d)]


@dataclass
class Entry:
    """One entry of a glossary: a term, and the lines that say what it is."""

    term: str
    line: int
    body: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """What a link to the entry leads to."""
        return "term-" + "-".join(re.findall(r"\w+", self.term))


def glossary_entries(directive: Directive) -> list[Entry]:
    """Divide a glossary: a term begins at the margin, its definition is indented below it."""
    found: list[Entry] = []
    for line, text in enumerate(directive.body, start=directive.body_line):
        if text[:1].strip():
            found.append(Entry(text.strip(), line))
        elif found:
            found[-1].body.append(text)
    for entry in found:
        entry.body = textwrap.dedent("\n".join(entry.body)).strip("\n").split("\n")
    return found


def walk(blocks: Iterable[Directive | Text]) -> Iterator[Directive | Text]:
    """Give every block and then what stands inside it."""
    for block in blocks:
        yield block
        if isinstance(block, Directive):
            yield from walk(block.blocks)


def split(lines: list[str], first: int) -> Iterator[Directive | Text]:
    """Divide some lines, the first of which has the number ``first``, into blocks."""
    at = start = 0
    while at < len(lines):
        opening = FENCE.match(lines[at]) or PLAIN_FENCE.match(lines[at])
        if not opening:
            at += 1
            continue
        if start < at:
            yield Text(lines[start:at], first + start)
        end = at + 1
        while end < len(lines) and not closes(lines[end], opening["fence"]):
            end += 1
        if opening.re is FENCE:
            yield read_directive(opening, lines[at + 1 : end], first + at)
        else:
            yield Text(lines[at : end + 1], first + at, verbatim=True)
        at = start = end + 1
    if start < len(lines):
        yield Text(lines[start:], first + start)


def closes(line: str, fence: str) -> bool:
    """Say whether a line ends the block that ``fence`` began."""
    mark = line.strip()
    return len(mark) >= len(fence) and set(mark) == {fence[0]}


def read_directive(opening: re.Match[str], lines: list[str], line: int) -> Directive:
    """Make a directive of its opening line and of the lines up to its end."""
    directive = Directive(opening["name"], opening["rest"].strip(), line, opening["indent"])
    lines = [text.removeprefix(directive.indent) for text in lines]
    directive.body_line = line + 1 + read_options(lines, directive)
    return directive


def read_options(lines: list[str], directive: Directive) -> int:
    """Take the options off the front of a directive; return how many lines they take."""
    at = 0
    if lines and lines[0].strip() == "---":
        at = next((i for i, text in enumerate(lines[1:], 1) if text.strip() == "---"), 0) + 1
        directive.options.update(leaves(yaml.safe_load("\n".join(lines[1 : at - 1])) or {}))
    else:
        while at < len(lines) and (option := re.match(r"\s*:([\w-]+):(.*)$", lines[at])):
            directive.options[option[1]] = option[2].strip()
            at += 1
    directive.body = lines[at:]
    return at


def leaves(options: dict[str, Any]) -> dict[str, str]:
    """Give the options of a header in YAML without their nesting: each has a name of its own."""
    found: dict[str, str] = {}
    for key, value in options.items():
        if isinstance(value, dict):
            found.update(leaves(value))
        else:
            found[key] = " ".join(value) if isinstance(value, list) else str(value)
    return found
