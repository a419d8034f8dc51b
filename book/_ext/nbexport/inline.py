"""The marks inside a paragraph, found without mistaking code or mathematics for them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from markdown_it import MarkdownIt

# In this order: what is found first hides what follows inside it.
MARK = re.compile(
    r"""
    (?P<unknown> ^[ ]*(?:`{3,}|:{3,}) | \{\{[^\n]*?\}\} | \]\{ | \[\^ | ^[ ]*\{[.#%][^\n]*\}
      | ^[ ]*:[ ] | \\begin\{\w+\*?\} | <img\b )
  | (?P<escaped> \\[^\w\s] )
  | \{(?P<role>[\w:.-]+)\}(?P<ticks>`+)(?P<content>.+?)(?<!`)(?P=ticks)(?!`)
  | (?P<code> (?<!`)(?P<fence>`+)(?!`).+?(?<!`)(?P=fence)(?!`) )
  | \$\$(?P<display>.+?)\$\$(?:[ ]*\((?P<label>[\w:-]+)\))?
  | \$(?P<formula> (?: \\. | [^$\\\n] | \n(?!\s*\n) )+ )\$
  | (?P<picture> !?)\[(?P<text> (?: \$[^$]*\$ | `[^`]*` | [^\[\]] )* )\]\((?P<target>[^)\s]*)\)
    """,
    re.X | re.S | re.M,
)
HEADING = re.compile(r"^(#{1,6}) +(.*?) *#*$")
LABEL = re.compile(r"^\(([\w:-]+)\)=\s*$")


def formula(tex: str) -> str:
    """Put a formula on one line: in a quotation, Jupyter would take the > of the next for TeX."""
    lines = [re.sub(r"(?<!\\)%.*", "", line) for line in tex.splitlines()]
    return " ".join(" ".join(lines).split())


def slug(title: str) -> str:
    """Name a heading as MyST does in links to it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def titled(content: str) -> tuple[str, str]:
    """Divide what a role holds, "shown text <label>" or "label", into the two."""
    content = " ".join(content.split())
    given = re.fullmatch(r"(?P<text>.+?) ?<(?P<label>.+)>", content)
    return (given["text"], given["label"]) if given else ("", content)


def as_html(markdown: str) -> str:
    """Write one line of Markdown as HTML, without links; formulas stay for Jupyter to typeset."""
    formulas: list[str] = []

    def keep(mark: re.Match[str]) -> str:
        if mark["formula"] is None:
            return mark["text"] if mark["target"] is not None else mark[0]
        formulas.append(html.escape(mark[0], quote=False))
        return f"\ue000{len(formulas) - 1}\ue001"

    line = MarkdownIt().renderInline(MARK.sub(keep, markdown))
    return re.sub("\ue000(\\d+)\ue001", lambda mark: formulas[int(mark[1])], line)


def replace(text: str, write: Callable[[re.Match[str]], str]) -> str:
    """Write every mark of a text anew."""
    return MARK.sub(write, text)
