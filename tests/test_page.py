"""The look of a page that Chromium alone can tell: scroll cues, cards on a phone, captions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import browser as chromium
import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parent.parent / "book" / "_static"
PANEL = '<svg role="img" aria-label="a" width="360" height="260"></svg>'
# The parts of a built page that the style sheet and the script know.
PAGE = f"""<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Page</title>
<style>body, pre {{ margin: 0 }} * {{ box-sizing: border-box }} pre {{ overflow-x: auto;
font-family: "DejaVu Sans Mono", "Liberation Mono", monospace }}
.bd-article {{ max-width: 768px; padding: 0 1rem }}</style>
<link rel="stylesheet" href="{(STATIC / "book.css").as_uri()}">
<script>const DOCUMENTATION_OPTIONS = {{}};</script>
<script defer src="{(STATIC / "book.js").as_uri()}"></script></head>
<body><main><article class="bd-article">
<div class="cell_input"><div class="highlight-python"><div class="highlight">
<pre id="fits">{"x" * 55}</pre></div></div></div>
<div class="cell_output"><div class="output highlight-none"><div class="highlight">
<pre id="wide">{"x" * 200}</pre></div></div></div>
<figure id="one"><div class="output"><div class="explorer one-panel">{PANEL}</div></div>
<figcaption><p><span class="caption-number">Fig. 1</span> What is seen.</p></figcaption></figure>
<figure id="two"><div class="output"><div class="picture">{PANEL}{PANEL}</div></div>
<figcaption><p>What is seen.</p></figcaption></figure>
<div class="pst-scrollable-table-container"><table class="table notation"><thead><tr><th>Symbol</th>
<th>Meaning</th><th>Shape</th><th>In code</th></tr></thead><tbody><tr><td>M</td>
<td>a meaning of many words, which goes on</td><td>scalar</td>
<td><p><code>{"problem.loss." * 2}</code>
</p></td></tr></tbody></table></div>
<table class="book-table"><caption>Distances</caption><thead><tr><th scope="col">name</th>
<th scope="col">a</th></tr></thead><tbody><tr><th scope="row">Adam</th><td>1.5</td></tr></tbody>
</table></article></main></body></html>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    path = chromium.find_chromium()
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium found: the page was NOT opened")
    assert path, "no Chromium found"
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(PAGE, encoding="utf-8")
    with sync_playwright() as playwright:
        running = chromium.launch(playwright, path)
        opened = running.new_page(viewport=chromium.PHONE)
        opened.goto(file.as_uri())
        yield opened
        running.close()


def shows_more(page: Page, selector: str) -> str | None:
    page.wait_for_timeout(100)
    return page.get_attribute(selector, "data-more")


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found
    return found


def test_a_listing_shows_on_which_side_it_goes_on(page: Page) -> None:
    page.set_viewport_size(chromium.PHONE)
    seen = [shows_more(page, "#wide")]
    for place in (100, 100_000):
        page.eval_on_selector("#wide", f"box => box.scrollLeft = {place}")
        seen.append(shows_more(page, "#wide"))
    assert seen == ["right", "left right", "left"]
    assert "gradient" in page.eval_on_selector("#wide", "e => getComputedStyle(e).backgroundImage")


def test_fifty_five_characters_fit_a_phone(page: Page) -> None:
    page.set_viewport_size(chromium.PHONE)
    assert shows_more(page, "#fits") is None
    assert page.eval_on_selector("#fits", "e => parseFloat(getComputedStyle(e).fontSize)") >= 11
    assert page.evaluate("document.scrollingElement.scrollWidth") == chromium.PHONE["width"]


def test_the_name_in_code_is_seen_on_a_phone(page: Page) -> None:
    page.set_viewport_size(chromium.PHONE)
    code = box(page, "table.notation code")
    assert code["x"] + code["width"] <= chromium.PHONE["width"]
    assert code["y"] > box(page, "table.notation td:nth-child(2)")["y"]


def test_a_caption_stands_beside_one_panel_and_below_two(page: Page) -> None:
    page.set_viewport_size(chromium.WIDE)
    assert box(page, "#one figcaption")["x"] == box(page, "#one .output")["x"] + 360 + 24
    assert box(page, "#one figcaption")["y"] == box(page, "#one .output")["y"]
    below = box(page, "#two .output")
    assert box(page, "#two figcaption")["y"] >= below["y"] + below["height"]
    page.set_viewport_size(chromium.PHONE)
    below = box(page, "#one .output")
    assert box(page, "#one figcaption")["y"] >= below["y"] + below["height"]


def test_numbers_of_a_table_stand_right(page: Page) -> None:
    style = page.eval_on_selector(
        "table.book-table td",
        "e => [getComputedStyle(e).textAlign, getComputedStyle(e).fontVariantNumeric].join()",
    )
    assert style.startswith("right,") and "tabular-nums" in style
