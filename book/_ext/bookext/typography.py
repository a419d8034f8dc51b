"""Keeps a formula and the punctuation that touches it on one line.

A typeset formula is a box of its own, after which a browser may break the line: without this, a
line can begin with a full stop.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

BEFORE = re.compile(r"[(\[“‘]+$")
AFTER = re.compile(r"^[.,;:!?)\]’”]+")


class KeepPunctuation(SphinxPostTransform):
    """Wrap formulas together with what touches them."""

    default_priority = 800
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Run over one document."""
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            at = parent.index(formula)
            before = self.cut(parent, at - 1, BEFORE)
            after = self.cut(parent, at + 1, AFTER)
            if before or after:
                kept = [nodes.Text(before), formula, nodes.Text(after)]
                parent[at] = nodes.inline("", "", *kept, classes=["keep"])

    @staticmethod
    def cut(parent: nodes.Element, at: int, pattern: re.Pattern[str]) -> str:
        """Take the punctuation off the text at this place, if there is text and punctuation."""
        if not 0 <= at < len(parent) or not isinstance(parent[at], nodes.Text):
            return ""
        text = parent[at].astext()
        found = pattern.search(text)
        if not found:
            return ""
        parent[at] = nodes.Text(pattern.sub("", text))
        return found[0]


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_post_transform(KeepPunctuation)
