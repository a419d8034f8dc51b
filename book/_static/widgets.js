/* Names and values that ipywidgets leaves out, for keyboards and screen readers. */
(function () {
  "use strict";

  function text(box, selector) {
    const element = box.querySelector(selector);
    return element ? element.textContent.replace(/\s+/g, " ").trim() : "";
  }

  /* A slider over a list of values speaks its position; say the value that is shown instead. */
  function nameSlider(box) {
    const handle = box.querySelector(".noUi-handle");
    if (!handle || handle.dataset.named) return;
    handle.dataset.named = "true";
    const speak = function () {
      const value = text(box, ".widget-readout");
      if (value && handle.getAttribute("aria-valuetext") !== value) {
        handle.setAttribute("aria-valuetext", value);
      }
    };
    handle.setAttribute("aria-label", text(box, ".widget-label") || "slider");
    const observer = new MutationObserver(speak);
    observer.observe(handle, { attributeFilter: ["aria-valuetext", "aria-valuenow"] });
    const readout = box.querySelector(".widget-readout");
    if (readout) observer.observe(readout, { childList: true, characterData: true, subtree: true });
    speak();
  }

  /* A row of buttons is a group, and the chosen one is pressed. */
  function nameButtons(box) {
    const buttons = box.querySelectorAll("button");
    if (!buttons.length || box.dataset.named) return;
    box.dataset.named = "true";
    const row = buttons[0].parentElement;
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", text(box, ".widget-label") || "choice");
    const press = function () {
      buttons.forEach(function (button) {
        button.setAttribute("aria-pressed", String(button.classList.contains("mod-active")));
      });
    };
    new MutationObserver(press).observe(row, { attributeFilter: ["class"], subtree: true });
    press();
  }

  function nameAll() {
    document.querySelectorAll(".widget-slider").forEach(nameSlider);
    document.querySelectorAll(".widget-toggle-buttons").forEach(nameButtons);
  }

  new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
  nameAll();
})();
