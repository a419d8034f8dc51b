"""One notation file: macros for the web and for print, and the table of symbols."""

from __future__ import annotations

import notation
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

HEADINGS = ("Symbol", "Meaning", "Shape", "In code")


class NotationTable(SphinxDirective):
    """``{notation-table} GROUP``: the symbols of one group of ``notation.toml``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Build the table and rebuild the page when the notation changes."""
        self.env.note_dependency(str(notation.FILE))
        group = self.arguments[0]
        rows = [s for s in notation.load() if s.group == group]
        if not rows:
            raise self.error(f"notation-table: no symbol in the group {group!r}")
        body = nodes.tgroup("", cols=len(HEADINGS))
        body += [nodes.colspec(colwidth=w) for w in (18, 48, 14, 30)]
        body += nodes.thead("", self.row(HEADINGS))
        body += nodes.tbody("", *[self.row(self.cells(s)) for s in rows])
        return [nodes.table("", body, classes=["notation"])]

    @staticmethod
    def cells(symbol: notation.Symbol) -> tuple[str, ...]:
        """Give one symbol as four pieces of Markdown."""
        code = ", ".join(f"`{name}`" for name in symbol.code.split(", ") if name)
        return f"${symbol.tex}$", symbol.meaning, symbol.shape, code

    def row(self, cells: tuple[str, ...]) -> nodes.row:
        """Build one row; every cell may hold inline markup."""
        entries = []
        for text in cells:
            inline, messages = self.state.inline_text(text, self.lineno)
            entries.append(nodes.entry("", nodes.paragraph("", "", *inline), *messages))
        return nodes.row("", *entries)


def add_macros(app: Sphinx, config: Config) -> None:
    """Hand the macros to MathJax and to LaTeX."""
    config.mathjax3_config.setdefault("tex", {})["macros"] = notation.macros()
    preamble = config.latex_elements.get("preamble", "")
    # \providecommand first: a LaTeX package may own the name already.
    for line in notation.latex_definitions().splitlines():
        name = line.split("{", 2)[1].split("}")[0]
        preamble += f"\n\\providecommand{{{name}}}{{}}\n" + line.replace("\\new", "\\renew", 1)
    config.latex_elements["preamble"] = preamble + "\n"


def setup(app: Sphinx) -> None:
    """Register the directive and the macros."""
    app.add_directive("notation-table", NotationTable)
    app.connect("config-inited", add_macros)
