"""Dropdowns that need no script: every admonition of class ``dropdown`` is a <details> element.

Also a ``{prf:proof}`` whose identifier is not the same for all proofs of a page.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.locale import admonitionlabels
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

# sphinx-proof and sphinx-exercise give these to every box, so that a page repeats them.
REPEATED_IDS = {"proof-content", "exercise-content", "solution-content"}


class details(nodes.General, nodes.Element):
    """A part that opens and closes."""


class summary(nodes.General, nodes.TextElement):
    """The line that is always seen."""


class Proof(SphinxDirective):
    """A proof: an admonition titled "Proof", or "Proof of ..." with an argument."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        """Build the admonition."""
        text = f"Proof {self.arguments[0]}" if self.arguments else "Proof"
        inline, messages = self.state.inline_text(text, self.lineno)
        box = nodes.admonition(classes=["proof", "proof-box", *self.options.get("class", [])])
        box += nodes.title(text, "", *inline)
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box, *messages]


class OpenDropdowns(SphinxPostTransform):
    """Turn dropdowns into <details>, after all titles and references are resolved."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Run over one document."""
        for section in self.document.findall(nodes.section):
            section["ids"] = [i for i in section["ids"] if i not in REPEATED_IDS]
        for box in list(self.document.findall(nodes.Admonition)):
            if "dropdown" in box.get("classes", []):
                self.replace(box)

    @staticmethod
    def replace(box: nodes.Element) -> None:
        """Put a <details> in the place of one admonition."""
        if not isinstance(box[0], nodes.title):  # a {hint} or {note} is titled by its kind
            box.insert(0, nodes.title("", admonitionlabels[box.tagname]))
            box["classes"].append(box.tagname)
        title, *content = box.children
        # A link inside the line that opens the box would be a trap: keep its text.
        for link in list(title.findall(nodes.reference)):
            link.parent.replace(link, link.children)
        node = details("", summary("", "", *title.children), *content)
        node["ids"], node["classes"] = box["ids"], ["admonition", *box["classes"]]
        box.replace_self(node)


def visit_details(self: Any, node: details) -> None:
    """Open the element."""
    self.body.append(self.starttag(node, "details"))


def visit_summary(self: Any, node: summary) -> None:
    """Open the element."""
    self.body.append(self.starttag(node, "summary", "", CLASS="admonition-title"))


def depart(self: Any, node: nodes.Element) -> None:
    """Close either element."""
    self.body.append(f"</{type(node).__name__}>\n")


def setup(app: Sphinx) -> None:
    """Register the directive and the transform."""
    app.setup_extension("sphinx_proof")
    app.add_node(details, html=(visit_details, depart))
    app.add_node(summary, html=(visit_summary, depart))
    app.add_directive_to_domain("prf", "proof", Proof, override=True)
    app.add_post_transform(OpenDropdowns)
