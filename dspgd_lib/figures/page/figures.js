/* Moves the interactive figures: exchanges the overlay when a control changes. */
(function () {
  "use strict";

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const controls = [...figure.querySelectorAll(".explorer-control")];
    const overlays = [...figure.querySelectorAll("svg.overlay")];
    const caption = figure.querySelector(".explorer-caption");

    function joined(numbers) {
      return numbers.map(function (number) { return data.pieces[number]; }).join("");
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
      const [layers, alts, sentence] = data.frames[at];
      layers.forEach(function ([shapes, words], i) {
        overlays[i].firstElementChild.innerHTML = joined(shapes);
        overlays[i].lastElementChild.innerHTML = joined(words);
        overlays[i].setAttribute("aria-label", data.pieces[alts[i]]);
      });
      if (caption.innerHTML !== data.pieces[sentence]) caption.innerHTML = data.pieces[sentence];
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
