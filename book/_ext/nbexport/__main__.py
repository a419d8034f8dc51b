"""Write the notebooks: ``python -m nbexport`` from the top of the repository."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from .convert import ConversionError, convert, digest


def write(folder: Path, name: str, notebook: nbformat.NotebookNode) -> None:
    """Write one notebook; if there is one in which a reader changed something, keep that."""
    path = folder / f"{name}.ipynb"
    if path.exists() and is_changed(nbformat.read(path, as_version=4)):
        number = 1
        while (aside := folder / f"{name}-old-{number}.ipynb").exists():
            number += 1
        path.rename(aside)
        print(f"Kept the notebook that you changed as {aside}")
    nbformat.write(notebook, path)
    print(f"Wrote {path}")


def is_changed(notebook: nbformat.NotebookNode) -> bool:
    """Say whether some cell is not as it was made; having been run does not count."""
    return notebook.metadata.get("as_made") != digest(notebook)


def main() -> int:
    """Convert the book and say where it went."""
    root = Path.cwd()
    try:
        notebooks = convert(root)
    except ConversionError as problem:
        print(problem, file=sys.stderr)
        return 1
    folder = root / "notebooks"
    folder.mkdir(exist_ok=True)
    for name, notebook in notebooks.items():
        write(folder.relative_to(root), name, notebook)
    return 0


if __name__ == "__main__":
    sys.exit(main())
