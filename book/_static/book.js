/* Small repairs of every page: names, scroll boxes that a keyboard can reach, print. */
(function () {
  "use strict";

  /* What may be wider than its column scrolls in a box of its own, which must take the focus and
     show on which sides there is more. */
  const BOXES = "mjx-container[display], pre, .pst-scrollable-table-container, .cell_output .output";

  function scrolls(box) {
    return box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(box).overflowX);
  }

  function showMore(box) {
    const hidden = box.scrollWidth - box.clientWidth - box.scrollLeft;
    box.dataset.more = [box.scrollLeft > 1 && "left", hidden > 1 && "right"].filter(Boolean).join(" ");
  }

  function reachBoxes() {
    document.querySelectorAll(BOXES).forEach(function (box) {
      if (scrolls(box)) {
        box.tabIndex = 0;
        showMore(box);
      } else {
        box.removeAttribute("tabindex");
        delete box.dataset.more;
      }
    });
  }

  /* The name of a button has to begin with the text it shows. */
  function nameButtons() {
    document.querySelectorAll("button[aria-label]").forEach(function (button) {
      const shown = button.textContent.replace(/\s+/g, " ").trim();
      const name = button.getAttribute("aria-label");
      if (shown && !name.toLowerCase().includes(shown.toLowerCase())) {
        button.setAttribute("aria-label", shown + ", " + name);
      }
    });
  }

  /* Proofs, hints and solutions are part of the printed page; the answers to a quiz are not. */
  function openForPrint() {
    document.querySelectorAll("details:not([open]):not(.quiz-answers)").forEach(function (details) {
      details.open = true;
      details.dataset.printing = "true";
    });
  }

  function closeAfterPrint() {
    document.querySelectorAll("details[data-printing]").forEach(function (details) {
      details.open = false;
      delete details.dataset.printing;
    });
  }

  /* A link to something inside a closed box opens it. */
  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }

  /* The search lists pages also from a file, but may not open them there to quote a sentence. */
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  window.addEventListener("beforeprint", openForPrint);
  window.addEventListener("afterprint", closeAfterPrint);
  window.addEventListener("hashchange", openTarget);
  window.addEventListener("resize", reachBoxes);
  window.addEventListener("load", function () {
    nameButtons();
    openTarget();
    reachBoxes();
    document.addEventListener("toggle", reachBoxes, true);
    document.addEventListener("scroll", function (event) {
      if (event.target.matches && event.target.matches("[data-more]")) showMore(event.target);
    }, { capture: true, passive: true });
    if (window.MathJax && window.MathJax.startup) window.MathJax.startup.promise.then(reachBoxes);
  });
})();
