"""Each promise of the theory names the statement that proves it, and a test keeps it honest."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import book_source as rules
import pytest

from dspgd_lib import theory

ROOT = Path(__file__).parent.parent
HELD = rules.statement_labels(rules.read_book(ROOT))
PROMISES = [name for name, held in vars(theory).items() if inspect.isfunction(held)]
PROOF = re.compile(r"``([a-z]+-[a-z-]+)``\s+in\s+the\s+chapter\s+``([a-z-]+)``")


def unproved(doc: str, written: set[str], held: set[str]) -> list[str]:
    """What is wrong with the proof that a docstring names."""
    found = PROOF.findall(doc)
    if not found:
        return ["names no statement and chapter"]
    return [
        f"{label} is not in {chapter}"
        for label, chapter in found
        if chapter in written and label not in held
    ]


@pytest.mark.parametrize("name", PROMISES)
def test_a_promise_names_a_statement_which_its_chapter_holds_once_it_is_written(name: str) -> None:
    written = {path.stem for path in (ROOT / "book").glob("*.md")}
    assert unproved(getattr(theory, name).__doc__, written, HELD) == []


def test_a_promise_is_tested_and_every_marker_names_one() -> None:
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py")]
    marked = set().union(*(rules.marked_labels(source, "promise") for source in tests))
    assert marked == set(PROMISES)


def test_a_missing_proof_is_found() -> None:
    assert unproved("Some bound.", set(), set()) != []
    doc = "Proved as ``thm-a-b`` in\n    the chapter ``a``."
    assert unproved(doc, set(), set()) == unproved(doc, {"a"}, {"thm-a-b"}) == []
    assert unproved(doc, {"a"}, {"thm-b"}) == ["thm-a-b is not in a"]
