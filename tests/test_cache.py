"""What runs when the book is built again: after a change in the prose, a cell or the library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "sphinx_proof", "sphinx_external_toc", "bookext"]
external_toc_path = "_toc.yml"
external_toc_exclude_missing = True
exclude_patterns = ["out"]
mathjax3_config = {{}}
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
"""
PAGE = """---
file_format: mystnb
kernelspec:
  name: python3
---

# TITLE

Some prose.

```{code-cell}
from dspgd_lib import NAME
with open("ran.txt", "a") as log:
    print("TITLE", file=log)
print("the library says", NAME)
```
"""


class Book:
    """A book of a few pages, with a library of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("conf.py", CONF)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def contents(self, *pages: str) -> None:
        """Make these the pages of the book."""
        entries = "".join(f"  - file: {page}\n" for page in pages)
        self.write("_toc.yml", f"format: jb-article\nroot: index\nsections:\n{entries}")
        self.write("index.md", "# Index\n")

    def build(self) -> subprocess.CompletedProcess[str]:
        """Build it, as strictly as the real one."""
        (self.folder / "ran.txt").write_text("", encoding="utf-8")
        command = [sys.executable, "-m", "sphinx", "-qnW", "--keep-going", ".", "out/html"]
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "library")}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def runs(self) -> set[str]:
        """Build it without a complaint; return the pages whose cells ran."""
        done = self.build()
        assert done.returncode == 0, done.stderr
        return set((self.folder / "ran.txt").read_text(encoding="utf-8").split())

    def html(self, page: str) -> str:
        """The built page, or nothing."""
        path = self.folder / "out" / "html" / f"{page}.html"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def says(self, page: str) -> list[str]:
        """What the cells of a built page printed."""
        return re.findall("the library says (\\w+)\n", self.html(page))


@pytest.mark.kernel
def test_what_runs_again(tmp_path: Path) -> None:
    book = Book(tmp_path)
    for name in ("one", "two", "not-in-the-contents"):
        book.write(f"{name}.md", PAGE.replace("TITLE", name))
    book.write("library/dspgd_lib/__init__.py", "NAME = 'Ada'\n")
    book.contents("one", "two")
    assert book.runs() == {"one", "two"}
    assert book.says("one") == book.says("two") == ["Ada"]

    # Prose, and a chapter less.
    book.write("one.md", PAGE.replace("TITLE", "one").replace("Some prose", "Other words"))
    book.contents("one")
    assert book.runs() == set()
    assert "Other words" in book.html("one")
    assert book.says("one") == ["Ada"]
    assert book.html("two") == ""

    # The library.
    book.write("library/dspgd_lib/__init__.py", "NAME = 'Emmy'\n")
    assert book.runs() == {"one"}
    assert book.says("one") == ["Emmy"]
    assert len(list((tmp_path / "out" / ".jupyter_cache").iterdir())) == 1

    # A cell that fails.
    book.write("one.md", PAGE.replace("TITLE", "one").replace("print(", "print(1 / 0, "))
    failed = book.build()
    assert failed.returncode != 0
    assert "division by zero" in failed.stderr
    assert f"These notebooks failed:\n{tmp_path / 'one.md'}\n" in failed.stderr
