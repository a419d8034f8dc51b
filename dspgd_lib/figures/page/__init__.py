"""What a page needs to show the figures: their look, and the script that moves them."""

from __future__ import annotations

from pathlib import Path

from dspgd_lib.plotting import palette_css

SCRIPT = Path(__file__).with_name("figures.js")


def css() -> str:
    """Return the look of the figures, with the colours of light and dark pages.

    Returns
    -------
    str

    Examples
    --------
    >>> ".explorer" in css()
    True
    """
    return palette_css() + Path(__file__).with_name("figures.css").read_text()


def style() -> str:
    """Return the look as an HTML element, for places without the book's own pages.

    Returns
    -------
    str

    Examples
    --------
    >>> style().startswith("<style>")
    True
    """
    return f"<style>{css()}</style>"
