"""The notebook in the download menu, and the address of the source."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from bookext import downloads
from nbexport.__main__ import is_changed

ROOT = Path(__file__).parent.parent


def context(page: str, repository: str = "") -> dict:
    """The page's context after the hook."""
    config = SimpleNamespace(book_repository=repository, root_doc="book/index")
    app = SimpleNamespace(srcdir=ROOT, config=config)
    menu = {"label": "download-buttons", "buttons": [{"text": ".md"}]}
    made = {"header_buttons": [menu], "pathto": lambda name, _: f"../{name}", "body": "<h1>A</h1>"}
    downloads.add_to_page(app, page, "", made, object())  # type: ignore[arg-type]
    return made


def test_a_chapter_offers_its_notebook_beside_its_source() -> None:
    found = context("book/bregman")["header_buttons"][0]["buttons"]
    assert [link["text"] for link in found] == [".ipynb", ".md"]
    assert found[0]["url"] == "../notebooks/bregman.ipynb"


def test_a_page_without_a_notebook_offers_none() -> None:
    found = context("book/bibliography")["header_buttons"][0]["buttons"]
    assert [link["text"] for link in found] == [".md"]


def test_an_address_is_shown_where_there_is_one() -> None:
    none, some = context("book/index"), context("book/index", "https://example.org/a/b")
    assert none["body"] == "<h1>A</h1>" and len(none["header_buttons"]) == 1
    assert 'Source: <a href="https://example.org/a/b">' in some["body"]
    assert some["header_buttons"][-1]["url"] == "https://example.org/a/b"
    assert "Source:" not in context("book/bregman", "https://example.org/a/b")["body"]


@pytest.mark.parametrize("repository", ["", "https://example.org/a/b"])
def test_the_notebooks_say_how_to_install_the_library(tmp_path: Path, repository: str) -> None:
    config = SimpleNamespace(book_repository=repository)
    builder = SimpleNamespace(format="html")
    app = SimpleNamespace(srcdir=ROOT, outdir=tmp_path, config=config, builder=builder)
    downloads.write(app, None)  # type: ignore[arg-type]
    made = nbformat.read(tmp_path / "notebooks" / "bregman.ipynb", as_version=4)
    nbformat.validate(made)
    command = f"pip install git+{repository}" if repository else "pip install -e ."
    assert command in made.cells[0].source
    assert not is_changed(made)
