"""Reads the Markdown of the book and says what breaks the book's rules.

Every rule is a function from one page to the sentences that describe what is wrong with it, so
that it can be tried on a bad snippet as well as on the book.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from nbexport import inline
from nbexport.source import Directive, Page, walk

STATEMENTS = ("prf:theorem", "prf:proposition", "prf:lemma", "prf:corollary")
BADGES = ("{paper}`", "{classical}`", "{own}`")
FIGURES = ("figure", "image", "prf:figure")
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
LONGEST_CELL = 12
LONGEST_LINE = 79  # what the column of the page shows without scrolling
DRAWS = re.compile(r"\bplt\.|\bsubplots\(|\b(?:ax|axes|fig)\d?(?:\[[^\]]*\])?\.\w+\(")
SHOWS = re.compile(r"(?:figures|landing|show)\.(?!table)\w+\(")  # as a line of its own
LEFTOVERS = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b|(?i:\blorem ipsum\b|\bcoming soon\b)")


# ------------------------------------------------------------------------------------- rules


def figures_without_alt(page: Page) -> list[str]:
    """Every picture says in words what it shows."""
    found = [
        f"line {d.line}: {d.name} {d.argument} has no :alt:"
        for d in page.all(*FIGURES)
        if not d.options.get("alt")
    ]
    for number, line in enumerate(page.text.splitlines(), 1):
        if re.search(r"!\[\s*\]\(", line):
            found.append(f"line {number}: picture with nothing between the brackets")
    for cell in page.all("code-cell"):
        if any(DRAWS.search(line) for line in cell.body) and not cell.options.get("alt"):
            found.append(f"line {cell.line}: a cell draws but gives no mystnb image alt")
    return found


def figures_without_caption(page: Page) -> list[str]:
    """A cell that ends in a figure gives it a name and a caption, and the text refers to it."""
    referred = set(re.findall(r"\{numref\}`(?:[^`<]*<)?([\w:-]+)>?`", page.text))
    found = []
    for cell in page.all("code-cell"):
        body = [line for line in cell.body if line.strip()]
        name = cell.options.get("name", "")
        if not cell.caption and any(SHOWS.match(line) for line in body):
            found.append(f"line {cell.line}: a figure without a caption in mystnb: figure:")
        if cell.caption and name not in referred:
            found.append(f"line {cell.line}: no {{numref}} refers to the figure {name!r}")
        if len(body) == 1 and SHOWS.match(body[0]) and not hidden(cell):
            found.append(f"line {cell.line}: a cell that only calls a figure shows its input")
    return found


def tables_by_hand(page: Page) -> list[str]:
    """A table of numbers is a picture, or made by show.table."""
    return [
        f"line {cell.line}: a table put together from strings"
        for cell in page.all("code-cell")
        if any(re.search(r"\.join\(|\brows? *(?:\+?=|\.append)", line) for line in cell.body)
    ]


def hidden(cell: Directive) -> bool:
    """Say whether the page does not show the input of a cell."""
    return any(tag in cell.options.get("tags", "") for tag in HIDDEN)


def long_cells(page: Page) -> list[str]:
    """A visible cell fits in one look."""
    found = []
    for cell in page.all("code-cell"):
        length = sum(1 for line in cell.body if line.strip())
        if length > LONGEST_CELL and not hidden(cell):
            found.append(f"line {cell.line}: a visible cell of {length} lines")
        if any(len(line) > LONGEST_LINE for line in cell.body) and not hidden(cell):
            found.append(f"line {cell.line}: a visible cell with a line that must be scrolled")
    return found


def statements_without_source(page: Page) -> list[str]:
    """Every statement has a label and begins by saying whose it is."""
    found = []
    for d in page.all(*STATEMENTS):
        text = "\n".join(d.body).strip()
        if not d.label:
            found.append(f"line {d.line}: {d.name} without a label")
        if not text.startswith(BADGES) or sum(text.count(badge) for badge in BADGES) != 1:
            found.append(f"line {d.line}: {d.name} does not begin with exactly one badge")
    return found


def statements_without_proof(page: Page) -> list[str]:
    """Before the next statement comes the proof."""
    boxes = [d for d in page.directives if d.name.startswith("prf:")]
    following = [d.name for d in boxes[1:]] + [""]
    return [
        f"line {d.line}: {d.name} {d.label} has no proof"
        for d, after in zip(boxes, following, strict=False)
        if d.name in STATEMENTS and after != "prf:proof"
    ]


def exercises_without_solution(page: Page) -> list[str]:
    """Every exercise has a label and one solution, which is closed at first."""
    found = []
    solutions = page.all("solution", "solution-start")
    answered = Counter(d.argument for d in solutions)
    exercises = page.all("exercise", "exercise-start")
    for d in exercises:
        if not d.label:
            found.append(f"line {d.line}: exercise without a label")
        elif answered[d.label] != 1:
            found.append(f"line {d.line}: exercise {d.label} has {answered[d.label]} solutions")
    for d in solutions:
        if d.argument not in {e.label for e in exercises}:
            found.append(f"line {d.line}: solution to an unknown exercise {d.argument}")
        if "dropdown" not in d.options.get("class", ""):
            found.append(f"line {d.line}: the solution to {d.argument} is not a dropdown")
    return found


def leftovers(page: Page) -> list[str]:
    """Nothing says that something is still to be written."""
    return [
        f"line {number}: {match[0]}"
        for number, line in enumerate(page.text.splitlines(), 1)
        if (match := LEFTOVERS.search(line))
    ]


def terms_linked_twice(page: Page) -> list[str]:
    """A term is linked where it is first used, not again; the glossary itself is free."""
    if page.entries:
        return []
    first: dict[str, int] = {}
    found = []
    for term, line in linked_terms(page):
        if term in first:
            found.append(f"line {line}: {term!r} is linked in line {first[term]} already")
        first.setdefault(term, line)
    return found


def disorder_in_glossary(page: Page) -> list[str]:
    """The glossary is alphabetical, word by word, and says of every term what it is."""
    found = [
        f"line {after.line}: {after.term!r} stands after {before.term!r}"
        for before, after in itertools.pairwise(page.entries)
        if words(after.term) <= words(before.term)
    ]
    return found + [f"line {e.line}: {e.term!r} has no text" for e in page.entries if not e.body[0]]


PAGE_RULES = (
    figures_without_alt,
    figures_without_caption,
    tables_by_hand,
    long_cells,
    statements_without_source,
    statements_without_proof,
    exercises_without_solution,
    leftovers,
    terms_linked_twice,
    disorder_in_glossary,
)


# --------------------------------------------------------------------------- the whole book


def labels(page: Page) -> list[str]:
    """Every label a page defines: of directives, headings and equations."""
    found = [
        d.options[key] for d in page.directives for key in ("label", "name") if key in d.options
    ]
    found += re.findall(r"^\(([\w:-]+)\)=\s*$", page.text, re.M)
    found += re.findall(r"^\s*\$\$\s*\(([\w:-]+)\)\s*$", page.text, re.M)
    return found


def repeated_labels(pages: Iterable[Page]) -> list[str]:
    """A label stands for one thing in the whole book."""
    counts = Counter(label for page in pages for label in labels(page))
    return [f"label {label} is used {n} times" for label, n in counts.items() if n > 1]


def words(term: str) -> list[str]:
    """What the order of the glossary looks at."""
    return re.findall(r"\w+", term.casefold())


def linked_terms(page: Page) -> list[tuple[str, int]]:
    """Every term that a page links, without regard to case, with its line."""
    found = []
    for block in walk(page.blocks):
        if isinstance(block, Directive):
            text = block.argument
        else:
            text = "" if block.verbatim else "\n".join(block.lines)
        for mark in inline.MARK.finditer(text):
            if mark["role"] == "term":
                line = block.line + text.count("\n", 0, mark.start())
                found.append((inline.titled(mark["content"])[1].lower(), line))
    return found


def unknown_terms(pages: Iterable[Page]) -> list[str]:
    """Every linked term is in the glossary."""
    pages = list(pages)
    known = {entry.term.lower() for page in pages for entry in page.entries}
    return [
        f"{page.name}:{line}: the glossary has no {term!r}"
        for page in pages
        for term, line in linked_terms(page)
        if term not in known
    ]


def unlinked_terms(pages: Iterable[Page]) -> list[str]:
    """Every term of the glossary is used: some other page links it."""
    pages = list(pages)
    linked = {term for page in pages if not page.entries for term, _ in linked_terms(page)}
    return [
        f"{page.name}:{entry.line}: no page links {entry.term!r}"
        for page in pages
        for entry in page.entries
        if entry.term.lower() not in linked
    ]


def statement_labels(pages: Iterable[Page]) -> set[str]:
    """The labels of all statements that a test has to check."""
    return {d.label for page in pages for d in page.all(*STATEMENTS) if d.label}


def marked_labels(source: str, marker: str = "statement") -> set[str]:
    """The labels that the tests of one file name with ``@pytest.mark.<marker>``."""
    return {
        argument.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"pytest.mark.{marker}"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }


def untested(statements: set[str], marked: set[str]) -> list[str]:
    """Every statement has a test that names it, and every test names a statement."""
    return [f"no test is marked statement({name!r})" for name in sorted(statements - marked)] + [
        f"a test is marked statement({name!r}), which is not in the book"
        for name in sorted(marked - statements)
    ]


def read_book(root: Path) -> list[Page]:
    """Every Markdown page of the book."""
    pages = sorted((root / "book").glob("**/*.md"))
    return [
        Page(str(path.relative_to(root)), path.read_text(encoding="utf-8"))
        for path in pages
        if "_static" not in path.parts
    ]
