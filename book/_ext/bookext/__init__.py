"""The Sphinx extensions of this book, one small module each."""

from __future__ import annotations

import os
from typing import Any

from sphinx.application import Sphinx

from . import dropdown, notation, pages, quiz, rerun, sources, typography


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part of the book's extension."""
    # Kernels inherit this: figures are drawn with precomputed sliders, also by a plain
    # `jupyter-book build .`.
    os.environ.setdefault("DSPGD_STATIC", "1")
    for part in (dropdown, notation, pages, quiz, rerun, sources, typography):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
