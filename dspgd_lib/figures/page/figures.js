/* Moves the interactive figures: exchanges the overlay when a control changes. */
(function () {
  "use strict";

  /* Adds to each whole number in a text its step. */
  function moved(text, steps) {
    let i = 0;
    return text.replace(/-?\d+/g, function (number) {
      const step = steps[i++];
      return step ? String(Number(number) + Number(step)) : number;
    });
  }

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const controls = [...figure.querySelectorAll(".explorer-control")];
    const overlays = [...figure.querySelectorAll("svg.overlay")];
    const caption = figure.querySelector(".explorer-caption");
    let said = "";

    /* How the stops are stored is told in figures/_packing.py. */
    [...data.places, data.alts, data.captions].flat().forEach(function (column) {
      column.forEach(function (text, i) {
        if (text === 0) column[i] = column[i - 1];
        else if (text[0] === "~") column[i] = moved(column[i - 1], text.slice(1).split(" "));
      });
    });

    function joined(columns, at) {
      return columns.map(function (column) { return column[at]; }).join("");
    }

    function position(control) {
      const input = control.querySelector("input[type=range], input:checked");
      return Number(input.value);
    }

    function say(control, label) {
      const output = control.querySelector("output");
      if (!output) return;
      output.textContent = label;
      control.querySelector("input").setAttribute("aria-valuetext", label);
    }

    function draw() {
      const at = controls.reduce(function (sum, control, i) {
        const here = position(control);
        say(control, data.labels[i][here]);
        return sum * data.labels[i].length + here;
      }, 0);
      overlays.forEach(function (overlay, i) {
        overlay.firstElementChild.innerHTML = joined(data.places[2 * i], at);
        overlay.lastElementChild.innerHTML = joined(data.places[2 * i + 1], at);
        overlay.setAttribute("aria-label", data.alts[i][at]);
      });
      const sentence = data.captions[0][at];
      if (sentence !== said) caption.innerHTML = said = sentence;
    }

    /* The widest label decides how wide every label is: the track must not move. */
    data.labels.forEach(function (labels, i) {
      const output = controls[i].querySelector("output");
      if (output) output.style.minWidth = Math.max(...labels.map((label) => label.length)) + "ch";
    });
    figure.querySelectorAll("input").forEach(function (input) { input.disabled = false; });
    figure.addEventListener("input", draw);
    figure.dataset.ready = "true";
  }

  document.querySelectorAll(".explorer[data-frames]").forEach(start);
})();
