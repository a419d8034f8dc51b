"""What a page loads and what it is made of, after all other extensions had their say.

Scripts: none twice, none unused, those for widgets only on pages with a widget.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_SCRIPTS = ("html-manager", "mathjax-hub-shim", "explorer", "widgets.js")
# Jupyter Book loads these for features the book does not use. thebe is inserted twice and
# throws; togglebutton has no buttons to add, since our dropdowns are <details> elements.
UNUSED = ("thebe", "togglebutton", "toggleHint", "toggleOpenOnPrint")

CORRECTIONS = {
    # Its children are bibliography entries, which a list must not have.
    '<div role="list" class="citation-list">': "<div>",
    # The name hides the text that the line shows, "Show code cell source".
    '<summary aria-label="Toggle hidden content">': "<summary>",
}


def choose(scripts: list[Any], has_widget: bool) -> list[Any]:
    """Keep, in order, the scripts that a page needs."""
    kept, seen = [], set()
    for script in scripts:
        attributes = getattr(script, "attributes", {})
        key = (str(getattr(script, "filename", "") or ""), attributes.get("body") or "")
        widget_state = "widget-state" in str(attributes.get("type", ""))
        text = key[0] if widget_state else " ".join(key)
        if key in seen or any(word in text for word in UNUSED):
            continue
        if not has_widget and (widget_state or any(word in key[0] for word in WIDGET_SCRIPTS)):
            continue
        seen.add(key)
        kept.append(script)
    return kept


def clean_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Replace the page's script list, and correct its text where it is wrong."""
    body = context.get("body", "")
    context["script_files"] = choose(context.get("script_files", []), WIDGET_VIEW in body)
    for wrong, right in CORRECTIONS.items():
        body = body.replace(wrong, right)
    context["body"] = body


def drop_thebe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Remove the two scripts that sphinx-thebe writes into every page's text."""
    for node in list(doctree.findall(nodes.raw)):
        if "x-thebe-config" in node.astext() or "kernelName" in node.astext():
            node.parent.remove(node)


def setup(app: Sphinx) -> None:
    """Connect, and announce the scripts that only pages with a widget keep."""
    for name in ("mathjax-hub-shim.js", "explorer.js", "widgets.js"):
        app.add_js_file(name, priority=900, defer="defer")  # after MathJax
    app.connect("html-page-context", clean_page, priority=999)
    app.connect("doctree-resolved", drop_thebe, priority=999)
