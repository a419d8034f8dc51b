"""Every built page in headless Chromium, from the file system and without a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import browser as chromium
import pytest
from browser import Visit
from playwright.sync_api import Browser, sync_playwright

pytestmark = pytest.mark.browser

HTML = Path(__file__).parent.parent / "_build" / "html"
FIRST = HTML / "index.html"  # leads on to the landing page
PAGES = [p for p in sorted(HTML.glob("**/*.html")) if "_static" not in p.parts and p != FIRST]
NO_BOOK = "there is no built book in _build/html: run `make book` first"
NO_CHROMIUM = (
    "no Chromium found: the pages were NOT opened. Install one (Debian: apt-get install chromium"
    " libatomic1) or name it in the environment variable CHROMIUM"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not PAGES:
        pytest.fail(NO_BOOK, pytrace=False)
    path = chromium.find_chromium()
    if path is None and os.environ.get("CI"):
        pytest.fail(NO_CHROMIUM, pytrace=False)
    if path is None:
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        running = chromium.launch(playwright, path)
        yield running
        running.close()


@pytest.fixture(
    scope="module",
    params=PAGES or [None],
    ids=lambda p: p.relative_to(HTML).as_posix() if p else "",
)
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    opened = chromium.visit(browser, request.param)
    yield opened
    opened.page.context.close()


# ------------------------------------------------------ one visit to each page, in this order


def test_keyboard_reaches_and_moves_everything(visit: Visit) -> None:
    page, problems = visit.page, []
    for kind in chromium.tab_stops(page):
        problems += chromium.use(page, kind)
    assert problems == []
    unreached = page.evaluate(
        """[...document.querySelectorAll("input[type=range], article summary")]
          .filter(e => e.checkVisibility() && !e.dataset.visited).map(e => e.outerHTML)"""
    )
    assert unreached == []
    assert page.query_selector("form.quiz:not(:has(input:checked))") is None
    assert page.query_selector("article details:not([open]):not(.quiz-answers)") is None


def test_pictures_load_and_have_alt_text(visit: Visit) -> None:
    assert chromium.bad_images(visit.page) == []


def test_formulas_are_read(visit: Visit) -> None:
    assert chromium.bad_formulas(visit.page) == []


def test_page_is_light_enough(visit: Visit) -> None:
    assert chromium.over_budget(visit.page, visit.path) == []


@pytest.mark.parametrize("size", [chromium.WIDE, chromium.PHONE], ids=["wide", "phone"])
def test_whatever_scrolls_takes_the_focus(visit: Visit, size: dict[str, int]) -> None:
    visit.page.set_viewport_size(size)
    chromium.open_all(visit.page)
    assert chromium.traps(visit.page) == []


def test_fits_a_phone(visit: Visit) -> None:
    chromium.open_all(visit.page)
    assert chromium.too_wide(visit.page) == []


def test_no_barriers_in_light_mode(visit: Visit) -> None:
    visit.page.set_viewport_size(chromium.WIDE)
    chromium.open_all(visit.page)
    assert chromium.barriers(visit.page) == []


def test_no_barriers_in_dark_mode_on_a_phone(visit: Visit) -> None:
    visit.page.set_viewport_size(chromium.PHONE)
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert chromium.barriers(visit.page) == []


def test_prints_proofs_but_not_answers(visit: Visit) -> None:
    page = visit.page
    page.evaluate("document.querySelectorAll('article details').forEach(d => d.open = false)")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.query_selector("article details:not([open]):not(.quiz-answers)") is None
    page.emulate_media(media="print")
    for hidden in page.query_selector_all(".quiz-answers, .quiz-check"):
        assert not hidden.is_visible()
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.query_selector("article details[open]") is None


def test_nothing_went_wrong(visit: Visit) -> None:
    assert visit.problems == []


# ------------------------------------------------------------------------------ the whole book


def test_first_page_leads_to_the_landing_page(browser: Browser) -> None:
    page = browser.new_page()
    page.goto(FIRST.as_uri())
    page.wait_for_url("**/book/index.html")
    page.close()


def test_search_works_from_the_file_system(browser: Browser) -> None:
    opened = chromium.visit(browser, HTML / "search.html")
    opened.page.goto((HTML / "search.html").as_uri() + "?q=notation")
    opened.page.wait_for_selector("#search-results a[href*='notation.html']")
    opened.page.wait_for_timeout(200)
    assert opened.problems == []
    opened.page.context.close()


def test_reads_without_javascript(browser: Browser) -> None:
    chapters = [path for path in PAGES if path.parent.name == "book"]
    for path in chapters:
        page = chromium.visit(browser, path, javascript=False).page
        assert page.is_visible("article h1")
        for still in page.query_selector_all("figure.explorer"):
            assert still.query_selector("svg.overlay").is_visible()
        for form in page.query_selector_all("form.quiz"):
            assert form.query_selector("details > summary").is_visible()
            assert not form.query_selector("button").is_visible()
        page.context.close()


def test_formulas_themselves_are_no_barrier(browser: Browser) -> None:
    # All macros are on this page; on the others, axe reads the text of the formulas.
    opened = chromium.visit(browser, HTML / "book" / "notation.html")
    assert chromium.axe(opened.page) == []
    assert opened.page.query_selector("mjx-math")
    opened.page.context.close()


# ------------------------------------------------------------------------- every check can fail

BAD = """<!doctype html><html lang="en"><head><title>Bad</title></head><body><main><article>
<h1>Bad</h1>
<img src="https://example.org/a.png" alt="a picture">
<img src="missing.png" alt="../_images/missing.png">
<p style="color: #999; background: #aaa">What is this?</p>
<mjx-container style="color: #999; background: #aaa"><math><mi>sin</mi></math></mjx-container>
<div style="width: 900px; height: 1px"></div>
<div style="height: 50px; overflow: scroll"><p>One</p><p>Two</p><p>Three</p><p>Four</p></div>
<div class="explorer" data-ready="true">
  <svg class="overlay" role="img" aria-label="nothing"></svg>
  <div class="explorer-control"><input type="range" max="3"><output>0.1</output></div>
  <script type="application/json">NOISE</script>
</div>
<form class="quiz" onsubmit="return false"><input type="radio" name="a"><button>Check</button>
<div class="quiz-result"></div></form>
<script>console.error("oh"); setTimeout(() => { throw new Error("no") })</script>
</article></main></body></html>"""


@pytest.fixture(scope="module")
def bad(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    path = tmp_path_factory.mktemp("bad") / "bad.html"
    path.write_text(BAD.replace("NOISE", os.urandom(200_000).hex()), encoding="utf-8")
    opened = chromium.visit(browser, path)
    yield opened
    opened.page.context.close()


def test_a_bad_page_is_found_out(bad: Visit) -> None:
    page = bad.page
    assert len(chromium.bad_images(page)) == 3
    assert len(chromium.over_budget(page, bad.path)) == 2
    assert len(chromium.traps(page)) == 1
    barriers = "\n".join(chromium.barriers(page))
    assert barriers.count("color-contrast") == 2
    assert len(chromium.too_wide(page)) == 2
    problems = "\n".join(bad.problems)
    for word in ("outside request", "failed:", "console: oh", "error: no"):
        assert word in problems


def test_a_dead_slider_and_a_dead_quiz_are_found_out(
    bad: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "PATIENCE", 200)
    page = bad.page
    page.focus("input[type=range]")
    problems = "\n".join(chromium.move_slider(page, page.query_selector("input[type=range]")))
    for word in ("no name", "does not change the picture", "says another value", "says only"):
        assert word in problems
    page.focus(".quiz input")
    assert len(chromium.answer_quiz(page, page.query_selector(".quiz input"))) == 1


def test_an_undefined_macro_is_found_out(browser: Browser) -> None:
    opened = chromium.visit(browser, HTML / "book" / "notation.html")
    assert chromium.bad_formulas(opened.page) == []
    opened.page.evaluate(
        r"MathJax.tex2chtmlPromise('\\nosuchmacro').then(node => document.body.append(node))"
    )
    assert "nosuchmacro" in "\n".join(chromium.bad_formulas(opened.page))
    opened.page.context.close()
