"""What a page loads and what it is made of, after all other extensions had their say.

Scripts: none twice, none unused.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# Jupyter Book loads these for features the book does not use. thebe is inserted twice and
# throws; togglebutton has no buttons to add, since our dropdowns are <details> elements.
UNUSED = ("thebe", "togglebutton", "toggleHint", "toggleOpenOnPrint")

CORRECTIONS = {
    # Its children are bibliography entries, which a list must not have.
    '<div role="list" class="citation-list">': "<div>",
    # The name hides the text that the line shows, "Show code cell source".
    '<summary aria-label="Toggle hidden content">': "<summary>",
}


def choose(scripts: list[Any]) -> list[Any]:
    """Keep, in order, the scripts that a page needs."""
    kept, seen = [], set()
    for script in scripts:
        attributes = getattr(script, "attributes", {})
        key = (str(getattr(script, "filename", "") or ""), attributes.get("body") or "")
        if key in seen or any(word in " ".join(key) for word in UNUSED):
            continue
        seen.add(key)
        kept.append(script)
    return kept


def clean_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Replace the page's script list, and correct its text where it is wrong."""
    body = context.get("body", "")
    context["script_files"] = choose(context.get("script_files", []))
    for wrong, right in CORRECTIONS.items():
        body = body.replace(wrong, right)
    context["body"] = body


def drop_thebe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Remove the two scripts that sphinx-thebe writes into every page's text."""
    for node in list(doctree.findall(nodes.raw)):
        if "x-thebe-config" in node.astext() or "kernelName" in node.astext():
            node.parent.remove(node)


def setup(app: Sphinx) -> None:
    """Connect, last of all."""
    app.connect("html-page-context", clean_page, priority=999)
    app.connect("doctree-resolved", drop_thebe, priority=999)
