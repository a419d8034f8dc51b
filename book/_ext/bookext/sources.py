"""Whose statement it is: the roles paper, classical and own, and the rule that they are used.

A theorem, proposition, lemma or corollary has a label and begins with exactly one of the roles::

    {paper}`Theorem 2, first part` Let ...

The badge then stands on a line of its own under the title. Elsewhere it stands where it is put.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

logger = logging.getLogger(__name__)

KINDS = {"paper": "Paper", "classical": "Classical", "own": "This book"}
STATEMENTS = ("theorem", "proposition", "lemma", "corollary")


class source_badge(nodes.inline):
    """Says whose a statement is; every builder writes it as the inline text it is."""


class SourceRole(SphinxRole):
    """Inline role that writes a badge: the kind in bold, then the role's own text."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Build the badge; its text may hold mathematics."""
        text, messages = self.inliner.parse(self.text, self.lineno, self, self.inliner.parent)
        kind = nodes.strong("", KINDS[self.name])
        badge = source_badge("", "", kind, nodes.Text(" · "), *text)
        badge["classes"] = ["source-badge", f"source-{self.name}"]
        badge["kind"] = self.name
        return [badge], messages


def problem_of(node: nodes.Element, first: nodes.Node | None) -> str:
    """Say what a statement lacks, or nothing."""
    kind = node["realtype"]
    # sphinx-proof numbers what has no label.
    if re.fullmatch(rf"{kind}-\d+", node["label"]):
        return f"a {kind} needs a :label:"
    if not isinstance(first, source_badge) or len(list(node.findall(source_badge))) != 1:
        return (
            f"the {kind} '{node['label']}' must begin with exactly one of "
            "{paper}`...`, {classical}`...` or {own}`...`"
        )
    return ""


class PlaceBadges(SphinxTransform):
    """Check every statement and give its badge a paragraph of its own."""

    default_priority = 500

    def apply(self) -> None:
        """Run over one document."""
        for node in list(self.document.findall(nodes.Element)):
            if node.get("realtype") not in STATEMENTS:
                continue
            body = next(iter(node.findall(nodes.section)))
            paragraph = body[0] if len(body) else None
            first = paragraph[0] if isinstance(paragraph, nodes.paragraph) else None
            if problem := problem_of(node, first):
                logger.warning(problem, location=node, type="statement")
                continue
            paragraph.remove(first)
            if paragraph.children and isinstance(paragraph[0], nodes.Text):
                paragraph[0] = nodes.Text(paragraph[0].lstrip())
            body.insert(0, nodes.paragraph("", "", first, classes=["statement-source"]))
            if not paragraph.children:
                body.remove(paragraph)


def setup(app: Sphinx) -> None:
    """Register the roles and the check."""
    for name in KINDS:
        app.add_role(name, SourceRole())
    app.add_node(source_badge)
    app.add_transform(PlaceBadges)
