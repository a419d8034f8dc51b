"""Opens built pages in headless Chromium, without a network, and says what is wrong with them."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ElementHandle, Error, Page, Playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
HEAVIEST_PAGE = 200_000  # bytes of HTML, gzipped
HEAVIEST_FIGURES = 125_000  # bytes of all stops of all sliders of a page, gzipped
PATIENCE = 3_000  # milliseconds until a picture has to have changed

# The overlays that are seen in the figure an element belongs to.
PICTURE = """element => {
  const figure = element.closest("div.explorer");
  if (!figure) return "";
  return [...figure.querySelectorAll("svg.overlay")].map(overlay => overlay.outerHTML).join("");
}"""

# What kind of stop has the focus; nothing when Tab is round the page.
STOP = """() => {
  const stop = document.activeElement;
  if (stop === document.body || stop.dataset.visited) return null;
  stop.dataset.visited = "1";
  if (stop.type === "radio" && stop.closest(".explorer")) return "choice";
  return stop.getAttribute("role") || stop.type || stop.localName;
}"""

# MathJax's boxes are four fifths of a page and hold no text: a style sheet draws their glyphs.
FORMULAS_AS_TEXT = """for (const formula of document.querySelectorAll("mjx-container"))
  if (formula.children.length) formula.textContent = formula.textContent;"""
# This rule asks whether something scrolls, which is up to the formulas.
SCROLLING = "scrollable-region-focusable"


def find_chromium() -> str | None:
    """The Chromium of this machine; the environment variable CHROMIUM names another one."""
    names = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if name and (path := shutil.which(name))), None)


def launch(playwright: Playwright, path: str) -> Browser:
    """Start a Chromium that reaches no host."""
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


@dataclass
class Visit:
    """A page that was opened, and what went wrong since."""

    page: Page
    path: Path
    problems: list[str] = field(default_factory=list)


def visit(browser: Browser, path: Path, javascript: bool = True) -> Visit:
    """Open a page from the file system and wait until it has settled."""
    # Without motion, so that no colour is measured halfway between light and dark.
    context = browser.new_context(
        viewport=WIDE,
        color_scheme="light",
        reduced_motion="reduce",
        java_script_enabled=javascript,
    )
    seen = Visit(context.new_page(), path)
    page, note = seen.page, seen.problems.append
    page.on("console", lambda m: note(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: note(f"error: {error}"))
    page.on("requestfailed", lambda request: note(f"failed: {request.url[:200]}"))
    page.on("request", lambda request: note_outside(request.url, note))
    page.goto(path.as_uri())
    if javascript:
        settle(seen)
    return seen


def note_outside(url: str, note) -> None:
    """Write down a request that leaves the page's own folder."""
    if not url.startswith(("file:", "data:", "blob:", "about:")):
        note(f"outside request: {url[:200]}")


def settle(seen: Visit) -> None:
    """Wait for formulas and figures."""
    seen.page.evaluate("window.MathJax && MathJax.startup && MathJax.startup.promise")
    try:
        seen.page.wait_for_function(
            "!document.querySelector('div.explorer:not([data-ready])')", timeout=20_000
        )
    except Error:
        seen.problems.append("an interactive figure never became ready")


# ----------------------------------------------------------------------------------- checks


def open_all(page: Page) -> None:
    """Open every box that can be opened, so that its content counts."""
    page.evaluate("document.querySelectorAll('article details').forEach(d => d.open = true)")


def bad_images(page: Page) -> list[str]:
    """Pictures that did not load or whose alt text says nothing."""
    images = page.eval_on_selector_all(
        "img",
        "images => images.map(i => [i.alt, i.getAttribute('src') || '', i.complete"
        " && i.naturalWidth > 0, !!i.closest('[aria-hidden=true]')])",
    )
    bad = []
    for alt, source, loaded, hidden in images:
        if not loaded:
            bad.append(f"did not load: {source[:80]}")
        # Without a text of its own, a picture is given its file name.
        if not hidden and (not alt.strip() or re.search(r"\.(png|svg|jpe?g)$", alt.strip())):
            bad.append(f"no alt text: {source[:80]}")
    return bad


def bad_formulas(page: Page) -> list[str]:
    """Formulas that MathJax could not read, such as those with an undefined macro."""
    return page.eval_on_selector_all(
        "mjx-merror", "all => all.map(e => e.dataset.mjxError || e.textContent)"
    )


def too_wide(page: Page) -> list[str]:
    """Elements that make a page scroll sideways on a phone."""
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.scrollingElement.scrollWidth")
    if width <= page.evaluate("document.scrollingElement.clientWidth"):
        return []
    names = page.evaluate(
        """[...document.querySelectorAll("article *")]
          .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
          .slice(0, 5).map(e => e.outerHTML.slice(0, 100))"""
    )
    return [f"the page is {width} px wide", *names]


def axe(page: Page, **options: object) -> list[str]:
    """Serious and critical violations that axe finds."""
    # preload would fetch the style sheets once more, which a page from a file may not.
    options = {"preload": False, "resultTypes": ["violations"], **options}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{v['impact']}: {v['id']}: {node['target']} {node['html'][:120]}"
        for v in found
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]


def traps(page: Page) -> list[str]:
    """Regions that scroll, but not by keyboard."""
    return axe(page, runOnly=[SCROLLING])


def barriers(page: Page) -> list[str]:
    """All other barriers; from here on the page has plain text in place of its formulas."""
    page.evaluate(FORMULAS_AS_TEXT)
    return axe(page, rules={SCROLLING: {"enabled": False}})


def over_budget(page: Page, path: Path) -> list[str]:
    """What a page carries too much of."""
    weight = len(gzip.compress(path.read_bytes()))
    stops = page.eval_on_selector_all(
        "div.explorer > script", "all => all.map(script => script.textContent).join()"
    )
    budget = [
        ("bytes of HTML, gzipped", weight, HEAVIEST_PAGE),
        ("bytes of stops, gzipped", len(gzip.compress(stops.encode())), HEAVIEST_FIGURES),
    ]
    return [f"{found} {what}, at most {most}" for what, found, most in budget if not found <= most]


# --------------------------------------------------------------------------------- keyboard


def tab_stops(page: Page, most: int = 1_000) -> Iterator[str]:
    """Press Tab through the page, from its first stop to its last; say what has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        kind = page.evaluate(STOP)
        if kind is None:
            return
        yield kind


def focused(page: Page) -> ElementHandle:
    """The element that has the focus."""
    return page.evaluate_handle("document.activeElement").as_element()


def use(page: Page, kind: str) -> list[str]:
    """Try what has the focus by keyboard."""
    if kind == "range":
        return move_slider(page, focused(page))
    if kind == "radio":
        return answer_quiz(page, focused(page))
    if kind == "choice":
        return press_and_see(page, focused(page), "ArrowRight")
    if kind == "summary":
        page.keyboard.press("Enter")
    return []


def press_and_see(page: Page, element: ElementHandle, key: str) -> list[str]:
    """Press a key on a control; the picture has to be another one then."""
    before = element.evaluate(PICTURE)
    page.keyboard.press(key)
    try:
        page.wait_for_function(
            f"([element, before]) => ({PICTURE})(element) !== before",
            arg=[element, before],
            timeout=PATIENCE,
        )
    except Error:
        name = element.evaluate("e => e.labels.length ? e.labels[0].innerText : e.outerHTML")
        return [f"{key} on {name!r} does not change the picture"]
    return []


def move_slider(page: Page, handle: ElementHandle) -> list[str]:
    """Move a slider to its ends by keyboard; it must have a name and speak its values."""
    found = []
    if not handle.evaluate("e => e.labels.length && e.labels[0].innerText.trim()"):
        found.append("a slider has no name")
    # First to the middle, wherever it stood, so that each key below has to change something.
    page.keyboard.press("Home")
    found += press_and_see(page, handle, "ArrowRight")
    spoken = {handle.get_attribute("aria-valuetext")}
    for key in ("End", "Home"):
        found += press_and_see(page, handle, key)
        spoken.add(handle.get_attribute("aria-valuetext"))
        readout = handle.evaluate(
            "e => e.closest('.explorer-control').querySelector('output').textContent"
        )
        if handle.get_attribute("aria-valuetext") != readout:
            found.append(f"a slider shows {readout!r} but says another value")
    if len(spoken) < 3 or None in spoken:
        found.append(f"a slider says only {spoken}")
    return found


def answer_quiz(page: Page, radio: ElementHandle) -> list[str]:
    """Try every answer of a quiz by keyboard; each must be met with its own feedback."""
    found = []
    form = radio.evaluate_handle("e => e.form").as_element()
    for number in range(1, len(form.query_selector_all("input")) + 1):
        page.keyboard.press("Space" if number == 1 else "ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        shown = form.eval_on_selector(".quiz-result", "e => e.innerText.trim()")
        if not shown.startswith(f"Choice {number}:"):
            found.append(f"choice {number} is answered by {shown!r}")
        page.keyboard.press("Shift+Tab")
    return found
