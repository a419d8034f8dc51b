"""Turns one chapter into a notebook."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import quote as quote_url

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from . import inline, macros
from .citations import Bibliography
from .index import STATEMENTS, Index, Target, read_pages, read_toc
from .source import Directive, Page, Text, glossary_entries, split

ADMONITIONS = {
    *("admonition", "attention", "caution", "danger", "dropdown", "error", "hint", "important"),
    *("note", "seealso", "tip", "warning"),
}
BADGES = {"paper": "Paper", "classical": "Classical", "own": "This book"}
BADGE = re.compile(rf"(\*(?:{'|'.join(BADGES.values())}) · [^*]+\*)\s+(?=\S)")
CITATIONS = {"cite:t": False, "cite:p": True, "cite": True}
SOURCE_FOLDED = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
OUTPUT_FOLDED = {"hide-output", "remove-output", "hide-cell", "remove-cell"}
HEADER = (
    "*This notebook was made from `{page}.md` by `make notebooks`; the rendered page is "
    "`_build/html/{page}.html`.{live}*"
)
LIVE = (
    " Here you can change everything, and the figures are live: they answer for any value. "
    "Begin with Run, Run All Cells."
)
FOLDED_SOLUTION = "*The solution is folded below. Click on a triangle or on three dots to open it.*"


class ConversionError(Exception):
    """Something that no rule says how to write; the message names file and line."""


def details(summary: str, text: str) -> str:
    """Fold some Markdown away; the blank lines make Jupyter read it as Markdown."""
    return f"<details><summary>{inline.as_html(summary)}</summary>\n\n{text}\n\n</details>"


def quoted(text: str) -> str:
    """Set some Markdown off as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def box(head: str, text: str, label: str = "") -> str:
    """Write a quotation with a bold head, which links can find."""
    anchor = f'<a id="{label}"></a>' if label else ""
    return quoted(f"{anchor}**{head}**\n\n{text}".rstrip())


def digest(notebook: NotebookNode) -> str:
    """Boil down what a reader may have written into a notebook; outputs do not count."""
    texts = [f"{cell.cell_type}: {cell.source}" for cell in notebook.cells]
    return hashlib.sha256("\n\n".join(texts).encode()).hexdigest()


class Chapter:
    """One page on its way to a notebook."""

    def __init__(
        self,
        name: str,
        page: Page,
        index: Index,
        works: Bibliography,
        root: Path,
        chapters: set[str],
    ) -> None:
        self.name, self.page, self.index, self.works = name, page, index, works
        self.root, self.chapters = root, chapters
        self.cells: list[NotebookNode] = []
        self.pending: list[str] = []
        self.wrap: Callable[[str], str] | None = None
        self.in_solution = False
        self.pictures: dict[str, dict[str, str]] = {}
        self.cited: set[str] = set()
        self.line = 0

    def fail(self, problem: str) -> ConversionError:
        """Say where something is that cannot be converted."""
        return ConversionError(f"{self.page.name}:{self.line}: {problem}")

    # ------------------------------------------------------------------------------- cells

    def notebook(self) -> NotebookNode:
        """Convert the page."""
        live = LIVE if self.page.all("code-cell") else ""
        self.pending.append(HEADER.format(page=self.name, live=live))
        for block in self.page.blocks:
            self.line = block.line
            if isinstance(block, Text):
                self.add_text(block)
            elif block.name == "code-cell":
                self.add_code(block)
            elif re.fullmatch("(?:exercise|solution)-(?:start|end)", block.name):
                self.pass_gate(block)
            else:
                self.pending.append(self.directive(block))
        self.flush()
        if self.cited:
            works = "\n".join(f"- {work}" for work in self.works.listed(self.cited))
            self.pending.append(f"## References\n\n{works}")
            self.flush()
        for number, cell in enumerate(self.cells):
            cell.id = f"cell-{number}"  # not random, so that the same page gives the same file
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = new_notebook(cells=self.cells, metadata={"kernelspec": kernel})
        made.metadata["as_made"] = digest(made)
        nbformat.validate(made)
        return made

    def flush(self) -> None:
        """End the text cell that was begun."""
        text = "\n\n".join(part for part in self.pending if part)
        self.pending = []
        if not text:
            return
        cell = new_markdown_cell(self.wrap(text) if self.wrap else text)
        used = {
            name: data for name, data in self.pictures.items() if f"(attachment:{name})" in text
        }
        if used:
            cell.attachments = used
        self.cells.append(cell)

    def add_text(self, block: Text) -> None:
        """Add text; every heading and every +++ begins a cell."""
        lines, start = block.lines, 0
        cuts = [
            at
            for at, line in enumerate(lines)
            if not block.verbatim and (inline.HEADING.match(line) or line.startswith("+++"))
        ]
        for cut in [*cuts, len(lines)]:
            self.pending.append(
                self.text(Text(lines[start:cut], block.line + start, block.verbatim))
            )
            if cut < len(lines):
                self.flush()
                start = cut + lines[cut].startswith("+++")

    def add_code(self, d: Directive) -> None:
        """Add a code cell; what the page hides is folded, and so are solutions."""
        self.flush()
        tags = set(re.findall(r"[\w-]+", d.options.get("tags", "")))
        cell = new_code_cell("\n".join(d.body).strip("\n"))
        folded = {
            "source_hidden": self.in_solution or bool(tags & SOURCE_FOLDED),
            "outputs_hidden": bool(tags & OUTPUT_FOLDED),
        }
        if any(folded.values()):
            cell.metadata["jupyter"] = {key: True for key, value in folded.items() if value}
        kept = sorted(tags & {"raises-exception"}) + ["solution"] * self.in_solution
        if kept:
            cell.metadata["tags"] = kept
        self.cells.append(cell)
        if d.caption:
            target = self.index.boxes[self.name, d.line]
            caption = self.blocks(list(split(d.caption.splitlines(), d.line)))
            self.pending.append(self.captioned(target, caption))
            self.flush()

    def pass_gate(self, d: Directive) -> None:
        """Begin or end an exercise or a solution that has code cells inside."""
        self.flush()
        self.wrap, self.in_solution = None, d.name == "solution-start"
        if d.name == "exercise-start":
            target = self.index.boxes[self.name, d.line]
            self.wrap = quoted
            self.pending.append(f'<a id="{target.anchor}"></a>**{self.headline(target)}.**')
        if self.in_solution:
            target = self.target(d.argument)
            self.pending = [f"#### Solution to {self.headline(target)}", FOLDED_SOLUTION]
            self.flush()
            self.wrap = lambda text: details(f"Text of the solution to {target.name}", text)

    # -------------------------------------------------------------------------- directives

    def blocks(self, blocks: list[Directive | Text]) -> str:
        """Write what stands inside a directive."""
        parts = [
            self.text(block) if isinstance(block, Text) else self.directive(block)
            for block in blocks
        ]
        return "\n\n".join(part for part in parts if part)

    def directive(self, d: Directive) -> str:
        """Write one directive as Markdown."""
        self.line = d.line
        kind = d.name.removeprefix("prf:")
        if d.name == "prf:proof":
            made = details(self.inline(f"Proof {d.argument}".strip()), self.blocks(d.blocks))
        elif kind == "exercise" or (d.name.startswith("prf:") and kind in STATEMENTS):
            made = self.statement(d)
        elif kind == "solution":
            head = f"Solution to {self.headline(self.target(d.argument))}"
            made = details(head, self.blocks(d.blocks))
        elif kind in ADMONITIONS:
            made = self.admonition(d)
        elif kind == "quiz":
            made = self.quiz(d)
        elif kind == "glossary":
            made = self.glossary(d)
        elif kind == "math":
            made = self.display("\n".join([d.argument, *d.body]), d.label)
        elif kind in ("figure", "image"):
            made = self.figure(d)
        else:
            raise self.fail(f"no rule for the directive {{{d.name}}}")
        return textwrap.indent(made, d.indent)

    def statement(self, d: Directive) -> str:
        """Write a numbered box; a badge at its beginning stands on a line of its own."""
        target = self.index.boxes[self.name, d.line]
        head = f"{self.headline(target)}."
        return box(head, BADGE.sub(r"\1\n\n", self.blocks(d.blocks), count=1), target.anchor)

    def admonition(self, d: Directive) -> str:
        """Write a box with a title, folded if it is a dropdown."""
        titled = d.name in ("admonition", "dropdown")
        title = self.inline(d.argument) if titled else d.name.replace("seealso", "see also").title()
        # {note} may begin on the line of its name.
        first = self.inline(d.argument) if d.argument and not titled else ""
        text = "\n\n".join(part for part in (first, self.blocks(d.blocks)) if part)
        if d.name == "dropdown" or "dropdown" in d.options.get("class", "").split():
            return details(title, text)
        return box(title, text, d.options.get("name", ""))

    def quiz(self, d: Directive) -> str:
        """Write a question, its choices, and folded the feedback for each."""
        question, answer = self.inline(d.argument), int(d.options["answer"])
        choices, feedback = [], []
        for number, (lines, line) in enumerate(self.items(d), start=1):
            choice, _, rest = self.blocks(list(split(lines, line))).partition("\n\n")
            choices.append(f"{number}. " + choice.replace("\n", "\n   "))
            verdict = "right" if number == answer else "not quite"
            feedback.append(f"**Choice {number}: {verdict}.** {rest}")
        text = "\n".join(choices) + "\n\n" + details("Answer", "\n\n".join(feedback))
        return box(question, text, d.label)

    def items(self, d: Directive) -> list[tuple[list[str], int]]:
        """Divide an ordered list into its items, each without its number and indentation."""
        found: list[tuple[list[str], int]] = []
        width = 0
        for line, text in enumerate(d.body, start=d.body_line):
            if item := re.match(r"\d+[.)] +", text):
                width = item.end()
                found.append(([text[width:]], line))
            elif found and (not text.strip() or text[:width].isspace()):
                found[-1][0].append(text[width:])
            elif text.strip():
                self.line = line
                raise self.fail("the content of a {quiz} must be one ordered list")
        return found

    def glossary(self, d: Directive) -> str:
        """Write every term in bold, with an anchor, before its definition."""
        made = []
        for entry in glossary_entries(d):
            text = self.blocks(list(split(entry.body, entry.line + 1)))
            made.append(f'<a id="{entry.anchor}"></a>**{self.inline(entry.term)}.** {text}')
        return "\n\n".join(made)

    def figure(self, d: Directive) -> str:
        """Write a picture, with its number and caption if it is a figure."""
        picture = self.picture(d.options.get("alt", ""), d.argument)
        if d.name == "image":
            return picture
        target = self.index.boxes[self.name, d.line]
        return f"{picture}\n\n{self.captioned(target, self.blocks(d.blocks))}"

    @staticmethod
    def captioned(target: Target, caption: str) -> str:
        """Write the caption of a figure behind its number."""
        anchor = f'<a id="{target.anchor}"></a>' if target.anchor else ""
        return f"{anchor}**{target.name}** {caption}"

    def picture(self, alt: str, path: str) -> str:
        """Pack a picture into the notebook, wherever that will lie."""
        file = self.root / normpath(join(dirname(self.name), path))
        kind = mimetypes.guess_type(file.name)[0]
        if not kind or not file.is_file():
            raise self.fail(f"there is no picture {path}")
        name = path.replace("/", "-")
        self.pictures[name] = {kind: base64.b64encode(file.read_bytes()).decode()}
        return f"![{alt}](attachment:{name})"

    # ------------------------------------------------------------------------------- text

    def text(self, block: Text) -> str:
        """Write some lines of text."""
        if block.verbatim:
            return "\n".join(block.lines)
        text = "\n".join(self.plain_line(line) for line in block.lines)

        def write(mark: re.Match[str]) -> str:
            self.line = block.line + text.count("\n", 0, mark.start())
            return self.mark(mark)

        text = inline.replace(text, write)
        # What a label stands before may be a table, which must not continue a paragraph.
        return re.sub(r'^(<a id="[^"]*"></a>)\n', r"\1\n\n", text, flags=re.M).strip("\n")

    def plain_line(self, line: str) -> str:
        """Drop comments, and labels of headings, which Jupyter labels itself."""
        if label := inline.LABEL.match(line):
            target = self.index.labels[label[1]]
            return "" if target.name else f'<a id="{target.anchor}"></a>'
        return "" if line.startswith("%") else line

    def inline(self, text: str) -> str:
        """Write a title or another line of text."""
        return inline.replace(text, self.mark)

    def mark(self, mark: re.Match[str]) -> str:
        """Write code, mathematics, a role, a link or a picture."""
        if mark["unknown"]:
            raise self.fail(f"no rule for {mark[0].strip()!r}")
        if mark["role"]:
            return self.role(mark["role"], mark["content"])
        if mark["display"]:
            return self.display(mark["display"], mark["label"] or "")
        if mark["formula"]:
            return f"${self.tex(mark['formula'])}$"
        if mark["target"] is not None and mark["picture"]:
            return self.picture(mark["text"], mark["target"])
        if mark["target"] is not None:
            return self.link(self.inline(mark["text"]), mark["target"])
        return mark[0]

    def tex(self, formula: str) -> str:
        """Write a formula without macros."""
        try:
            return macros.expand(inline.formula(formula))
        except ValueError as problem:
            raise self.fail(str(problem)) from problem

    def display(self, formula: str, label: str) -> str:
        """Write a displayed formula, with its number if it has a label."""
        tex = self.tex(formula)
        if "\\\\" in tex and "\\begin{" not in tex:  # Sphinx makes lines of it, too
            tex = rf"\begin{{aligned}} {tex} \end{{aligned}}"
        tag = rf" \tag{{{self.target(label).number}}}" if label else ""
        return f"$${tex}{tag}$$"

    # --------------------------------------------------------------------- roles and links

    def role(self, name: str, content: str) -> str:
        """Write one role."""
        if name in BADGES:
            return f"*{BADGES[name]} · {self.inline(content)}*"
        if name in CITATIONS:
            return self.citation(content, CITATIONS[name])
        if name == "math":
            return f"${self.tex(content)}$"
        if name not in ("prf:ref", "ref", "numref", "eq", "doc", "term"):
            raise self.fail(f"no rule for the role {{{name}}}")
        text, label = inline.titled(content)
        if name == "doc":
            return self.link(text, f"{label}.md")
        if name == "term":
            return self.link_to(self.term(label), self.inline(text or label))
        target = self.target(label)
        if name == "eq":
            return self.link_to(target, f"({target.number})")
        text = text.replace("%s", target.number).replace("{number}", target.number)
        return self.link_to(target, self.inline(text.replace("{name}", target.title)))

    def citation(self, content: str, parenthetical: bool) -> str:
        """Write a citation and remember the works."""
        keys = [key.strip() for key in content.split(",")]
        try:
            written = self.works.cite(keys, parenthetical)
        except KeyError as key:
            raise self.fail(f"the bibliography has no {key}") from key
        self.cited.update(keys)
        return written

    def target(self, label: str) -> Target:
        """Find what a label stands for."""
        if label not in self.index.labels:
            raise self.fail(f"nothing has the label {label!r}")
        return self.index.labels[label]

    def term(self, word: str) -> Target:
        """Find a word in the glossary."""
        if word.lower() not in self.index.terms:
            raise self.fail(f"the glossary has no term {word!r}")
        return self.index.terms[word.lower()]

    def headline(self, target: Target) -> str:
        """Name a box as the book does, "Theorem 1.1 (Title)"."""
        return f"{target.name} ({self.inline(target.title)})" if target.title else target.name

    def link(self, text: str, address: str) -> str:
        """Write a link to a place in the book or outside."""
        if re.match("https?:|mailto:", address):
            return f"[{text}]({address})"
        path, _, fragment = address.partition("#")
        page = normpath(join(dirname(self.name), path)).removesuffix(".md") if path else self.name
        if page not in self.index.titles:
            raise self.fail(f"a link leads to {address}, which is no page of the book")
        if not fragment:
            return self.link_to(Target(page, "", self.index.titles[page]), text)
        heading = self.index.headings.get((page, fragment))
        return self.link_to(heading or self.target(fragment), text)

    def link_to(self, target: Target, text: str) -> str:
        """Write a link if there is a notebook to lead to, and plain text if there is none."""
        text = text or self.inline(target.name)
        anchor = f"#{quote_url(target.anchor)}" if target.anchor else ""
        if target.page != self.name:
            anchor = (
                f"{Path(target.page).name}.ipynb{anchor}" if target.page in self.chapters else ""
            )
        return f"[{text}]({anchor})" if anchor else text


def convert(root: Path) -> dict[str, NotebookNode]:
    """Make a notebook of every page with code cells, and of the glossary, under its file's name."""
    chapters = read_toc(root)
    pages = read_pages(root, list(chapters))
    index, works = Index(pages, chapters), Bibliography(root / "book" / "references.bib")
    chosen = {name for name, page in pages.items() if page.all("code-cell", "glossary")}
    if len({Path(name).name for name in chosen}) < len(chosen):
        raise ConversionError("_toc.yml: two pages would be notebooks of the same name")
    return {
        Path(name).name: Chapter(name, page, index, works, root, chosen).notebook()
        for name, page in pages.items()
        if name in chosen
    }
