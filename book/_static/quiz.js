/* Lets a quiz answer at once: shows the feedback of the chosen answer, as often as one tries. */
(function () {
  "use strict";

  function wake(form) {
    const button = form.querySelector(".quiz-check");
    const result = form.querySelector(".quiz-result");
    const answers = form.querySelector(".quiz-answers");
    answers.hidden = true;
    button.hidden = button.disabled = false;

    form.addEventListener("submit", function (event) {
      event.preventDefault();
      const chosen = form.querySelector("input:checked");
      if (!chosen) {
        result.textContent = "Choose one of the answers first.";
        return;
      }
      const feedback = answers.querySelector('[data-choice="' + chosen.value + '"]');
      result.replaceChildren(feedback.cloneNode(true));
    });
    // An old verdict must not stand beside a new choice.
    form.addEventListener("change", function () { result.replaceChildren(); });
  }

  document.querySelectorAll("form.quiz").forEach(wake);
})();
