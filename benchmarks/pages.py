"""How heavy the built pages are and how fast their sliders answer; also README's picture.

`make bench` runs this on the built book and writes benchmarks/pages.json with date and machine.
"""

from __future__ import annotations

import datetime
import gzip
import json
import os
import platform
import statistics
from pathlib import Path

import browser as chromium
from playwright.sync_api import Browser, ElementHandle, Page, sync_playwright

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "_build" / "html" / "book").glob("*.html"))
REPORT = Path(__file__).with_name("pages.json")
PICTURE = ROOT / "book" / "_static" / "opening.png"
PRESSES = 40

# Milliseconds from a key press to the frame in which the browser shows another overlay.
TIME_ONE_PRESS = """handle => new Promise(resolve => {
  const figure = handle.closest("div.explorer");
  let start = 0;
  const observer = new MutationObserver(() => {
    if (!start) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  });
  observer.observe(figure.querySelector(".explorer-stage"), {childList: true, subtree: true});
  const note = () => { start = performance.now(); };
  document.addEventListener("keydown", note, {once: true, capture: true});
  window.armed = true;
  setTimeout(() => resolve(null), 2000);
})"""


def press(page: Page, handle: ElementHandle, key: str) -> float | None:
    """Press a key on a slider and time the answer; None if the picture stayed."""
    page.evaluate("window.armed = false")
    answer = page.evaluate_handle(f"handle => ({{promise: ({TIME_ONE_PRESS})(handle)}})", handle)
    page.wait_for_function("window.armed")
    handle.press(key)
    return answer.evaluate("answer => answer.promise")


def time_sliders(page: Page) -> list[float]:
    """Press arrow keys on every slider of a page, to the right and back."""
    times: list[float] = []
    for handle in page.query_selector_all("div.explorer input[type=range]"):
        stops = int(float(handle.get_attribute("max") or 0))
        handle.press("Home")
        for i in range(PRESSES):
            key = "ArrowRight" if i % (2 * stops) < stops else "ArrowLeft"
            if (taken := press(page, handle, key)) is not None:
                times.append(taken)
    return times


def measure(browser: Browser, path: Path) -> dict[str, object]:
    """Weigh one page and time its sliders."""
    seen = chromium.visit(browser, path)
    times = time_sliders(seen.page)
    frames = seen.page.eval_on_selector_all(
        "div.explorer", "all => all.reduce((sum, f) => sum + Number(f.dataset.frames), 0)"
    )
    text = path.read_bytes()
    row: dict[str, object] = {
        "html_kB": round(len(text) / 1000, 1),
        "html_gzipped_kB": round(len(gzip.compress(text)) / 1000, 1),
        "overlay_frames": frames,
    }
    if times:
        row["key_press_to_picture_ms"] = round(statistics.median(times), 1)
        row["key_presses"] = len(times)
    seen.page.context.close()
    return row


def take_picture(browser: Browser) -> None:
    """Photograph the landing page for the README."""
    page = chromium.visit(browser, ROOT / "_build" / "html" / "book" / "index.html").page
    page.screenshot(path=PICTURE, clip={"x": 0, "y": 0, "width": 1280, "height": 780})


def main() -> None:
    """Measure every page, take the picture, write the report."""
    path = chromium.find_chromium()
    if path is None or not PAGES:
        raise SystemExit("This needs a built book (make book) and Chromium.")
    with sync_playwright() as playwright:
        running = chromium.launch(playwright, path)
        report = {
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "browser": f"Chromium {running.version}",
            "pages": {page.stem: measure(running, page) for page in PAGES},
        }
        take_picture(running)
        running.close()
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    print(REPORT.read_text())


if __name__ == "__main__":
    main()
