/* html-manager asks MathJax 2 to typeset its labels; pass the request on to MathJax 3. */
(function () {
  "use strict";
  const mathjax = window.MathJax;
  if (!mathjax || mathjax.Hub) return;
  mathjax.Hub = {
    Queue: function (job) {
      const elements = job && job[2] ? [job[2]] : undefined;
      mathjax.startup.promise = mathjax.startup.promise.then(function () {
        return mathjax.typesetPromise(elements);
      });
    },
  };
})();
