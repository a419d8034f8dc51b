"""What the first page says: of its figure, and how long the chapters take."""

import re
from pathlib import Path

import numpy as np
import pytest

from dspgd_lib.figures import landing
from dspgd_lib.figures.canvas import Canvas

BOOK = Path(__file__).parents[1] / "book"
PAGE = (BOOK / "index.md").read_text(encoding="utf-8")
STATED = re.findall(r"^- \[\]\(([\w-]+)\.md\):.*\*(\d+)\s+minutes\*", PAGE, re.M)


@pytest.fixture(scope="module")
def ways():
    return landing._ways(np.array(landing.SMOOTHING))


def test_three_optimizers_take_one_road_up_to_half_a_pixel_and_end_at_its_foot(ways):
    to_pixels = Canvas.of(landing.which_solution().panels[0]).to_pixels
    for descent, *others, _ in ways[::20]:
        road = to_pixels(landing.SEEN.see(landing._even(descent.path, 400)))
        for way in others:
            seen = to_pixels(landing.SEEN.see(landing._even(way.path, 400)))
            apart = np.linalg.norm(seen[:, None] - road[None], axis=-1).min(axis=1)
            assert apart.max() < 0.5
            assert np.abs(way.end).max() < 1e-3
            assert way.predicts == pytest.approx(descent.predicts, abs=1e-3)


def test_adam_sinks_toward_the_end_of_gradient_descent_as_the_smoothing_grows(ways):
    heights = np.array([adam.end[2] for *_, adam in ways])
    assert (np.diff(heights) < 0).all()
    assert heights[0] > 1.7 and heights[-1] < 0.1
    (*_, far), (*_, farther) = landing._ways(np.array([300.0, 3000.0]))
    assert far.end[2] < 0.02 and farther.end[2] < 0.002


def test_every_flight_ends_on_the_upright_line(ways):
    for *_, adam in ways[::20]:
        assert np.abs(adam.end[:2]).max() < 1e-3


def minutes(chapter: str) -> float:
    """Time to read a chapter: 200 words or 10 lines of code a minute, without its exercises."""
    text = (BOOK / f"{chapter}.md").read_text(encoding="utf-8").split("---\n", 2)[2]
    lines = 0
    for cell in re.findall(r"```\{code-cell\}.*?\n```", text, re.S):
        text = text.replace(cell, "")
        code = cell.split("---\n", 2)[-1] if "\n---\n" in cell else cell
        if "remove-input" not in cell:
            lines += sum(bool(line.strip()) for line in code.splitlines()[1:-1])
    text = re.sub(r"(`{3,})\{(exercise|solution)[^\n]*\n.*?\n\1(?=\n)", "", text, flags=re.S)
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "m", text, flags=re.S)
    text = re.sub(r"^:.*$|\]\([^)]*\)|\{[\w:-]+\}", " ", text, flags=re.M)
    return len(re.findall(r"\S*\w\S*", text)) / 200 + lines / 10


def test_every_chapter_is_listed_with_its_minutes():
    chapters = re.findall(r"file: book/([\w-]+)", (BOOK.parent / "_toc.yml").read_text())
    assert [name for name, _ in STATED] == [
        name for name in chapters if name not in ("notation", "glossary", "bibliography")
    ]


@pytest.mark.parametrize(("chapter", "stated"), STATED)
def test_the_minutes_are_honest(chapter, stated):
    counted = minutes(chapter)
    assert abs(int(stated) - counted) <= max(5, 0.2 * counted), (
        f"book/index.md says {stated} minutes for {chapter}, its words and code take {counted:.0f}"
    )
