"""Every chapter as a notebook in its download menu, and where the source of the book is.

The address is the configuration value ``book_repository``; while it is empty, nothing points
anywhere.
"""

from __future__ import annotations

import os
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from nbexport.convert import ConversionError, convert, digest
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
FOLDER = "notebooks"


@lru_cache(maxsize=1)
def notebooks(root: Path, repository: str) -> dict[str, nbformat.NotebookNode]:
    """Convert the book once a build; each notebook says how to install what it imports."""
    if not (root / "_toc.yml").is_file():
        return {}
    try:
        made = convert(root)
    except ConversionError as problem:
        logger.warning(str(problem), type="notebook")
        return {}
    source = f"git+{repository}" if repository else "-e ."
    where = "" if repository else " in the folder of the book"
    line = f"\n\n*Its cells need the library of the book: `pip install {source}`{where}.*"
    for notebook in made.values():
        if any(cell.cell_type == "code" for cell in notebook.cells):
            head, blank, rest = notebook.cells[0].source.partition("\n\n")
            notebook.cells[0].source = head + line + blank + rest
            notebook.metadata["as_made"] = digest(notebook)
    return made


def forget(app: Sphinx) -> None:
    """Convert anew in every build."""
    notebooks.cache_clear()


def of_page(app: Sphinx, page: str) -> str:
    """Name the notebook of a page, or give nothing."""
    name = Path(page).name
    return name if name in notebooks(Path(app.srcdir), app.config.book_repository) else ""


def repository_button(address: str) -> dict[str, Any]:
    """Describe the button that leads to the source."""
    return {
        "type": "link",
        "url": address,
        "tooltip": "Source of the book",
        "icon": "fas fa-code",
        "label": "source-repository-button",
        "classes": "pst-navbar-icon",
    }


def add_to_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Offer the notebook first in the download menu; say where the source is, if that is known."""
    buttons = context.get("header_buttons", [])
    name = of_page(app, page) if doctree else ""
    for group in buttons:
        if name and group.get("label") == "download-buttons":
            link = {
                "type": "link",
                "url": f"{context['pathto'](FOLDER, 1)}/{name}.ipynb",
                "text": ".ipynb",
                "tooltip": "Download as a notebook",
                "icon": "fas fa-code",
                "label": "download-notebook-button",
            }
            group["buttons"].insert(0, link)
    address = app.config.book_repository
    if not address:
        return
    buttons.append(repository_button(address))
    if page == app.config.root_doc:
        link = f'<a href="{escape(address)}">{escape(address)}</a>'
        context["body"] = context.get("body", "") + f'\n<p class="book-source">Source: {link}</p>\n'


def write(app: Sphinx, problem: Exception | None) -> None:
    """Write the notebooks that changed next to the pages."""
    if problem or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    made = notebooks(Path(app.srcdir), app.config.book_repository)
    texts = {f"{name}.ipynb": nbformat.writes(notebook) for name, notebook in made.items()}
    for old in folder.glob("*.ipynb"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        os.makedirs(folder, exist_ok=True)
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register the address, and connect after the theme made its buttons."""
    app.add_config_value("book_repository", "", "html", [str])
    app.connect("builder-inited", forget)
    app.connect("html-page-context", add_to_page, priority=990)
    app.connect("build-finished", write)
