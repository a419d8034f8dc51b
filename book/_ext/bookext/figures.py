"""The look and the script of the library's figures, on every page."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from dspgd_lib.figures import page


def write(app: Sphinx) -> None:
    """Copy both from the library into the built book."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, "_static")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.css").write_text(page.css(), encoding="utf-8")
    (folder / "figures.js").write_text(page.SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Announce them before the book's own, which may overrule them."""
    app.connect("builder-inited", write)
    app.add_css_file("figures.css", priority=400)
    app.add_js_file("figures.js", priority=900, defer="defer")
