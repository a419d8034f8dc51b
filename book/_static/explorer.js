/* Puts each interactive figure's controls and overlays into its still picture, once they are ready. */
(function () {
  "use strict";

  function mount(figure, widget) {
    var stage = widget.querySelector(".explorer-stage");
    var background = figure.querySelector(".explorer-background");
    stage.insertBefore(background, stage.firstChild);
    figure.replaceChildren(widget);
    figure.dataset.ready = "true";
  }

  /* The figure that a widget belongs to is the last one before it on the page. */
  function figureBefore(widget) {
    var found = null;
    document.querySelectorAll("figure.explorer:not([data-ready])").forEach(function (figure) {
      if (figure.compareDocumentPosition(widget) & Node.DOCUMENT_POSITION_FOLLOWING) found = figure;
    });
    return found;
  }

  function ready(widget) {
    var handles = widget.querySelectorAll(".explorer-controls .noUi-handle, .explorer-controls button");
    return handles.length > 0 && widget.querySelector(".explorer-stage svg.overlay") !== null;
  }

  function mountAll() {
    document.querySelectorAll(".explorer-widget").forEach(function (widget) {
      if (widget.closest("figure.explorer") || !ready(widget)) return;
      var figure = figureBefore(widget);
      if (figure) mount(figure, widget);
    });
    if (!document.querySelector("figure.explorer:not([data-ready])")) observer.disconnect();
  }

  var observer = new MutationObserver(mountAll);
  if (document.querySelector("figure.explorer")) {
    observer.observe(document.body, { childList: true, subtree: true });
    mountAll();
  }
})();
