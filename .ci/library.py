"""Run the tests of the library alone: .ci/library.py oldest|newest.

They run in an environment of their own, with the oldest versions that pyproject.toml allows or
with the newest.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
# These are about the pages and need the whole book environment.
BOOK_TESTS = {
    *("book", "browser", "cache", "downloads", "extension"),
    *("notation", "notebooks", "page", "pins", "promises"),
}


def requirements(versions: str) -> list[str]:
    """List what the library and its tests need, the library's own at its lowest if so asked."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = project["dependencies"]
    if versions == "oldest":
        needed = [re.sub(r">=([\d.]+).*", r"==\1", requirement) for requirement in needed]
    tools = project["optional-dependencies"]["test"]
    return [*needed, *(tool for tool in tools if tool.startswith(("pytest", "hypothesis")))]


def main(versions: str) -> int:
    """Make the environment and run the tests in it."""
    folder = ROOT / "_build" / f"library-{versions}"
    venv.create(folder, clear=True, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements(versions)], check=True)
    tests = [
        str(path)
        for path in sorted((ROOT / "tests").glob("test_*.py"))
        if path.stem.removeprefix("test_") not in BOOK_TESTS
    ]
    return subprocess.run([python, "-m", "pytest", *tests, "dspgd_lib"], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
