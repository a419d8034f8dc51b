"""The Sphinx extensions of this book, one small module each."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from . import cache, downloads, dropdown, figures, notation, pages, quiz, sources, typography


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part of the book's extension."""
    for part in (cache, downloads, dropdown, figures, notation, pages, quiz, sources, typography):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
