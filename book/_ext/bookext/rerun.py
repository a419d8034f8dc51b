"""Run again what is read again, if the environment variable DSPGD_RERUN is set.

Executed notebooks are cached by the text of their cells, so that a change in ``dspgd_lib`` goes
unseen. ``make chapter`` sets the variable: the chapter that changed runs, the others rest.
"""

from __future__ import annotations

import os

from sphinx.application import Sphinx


def force_execution(app: Sphinx) -> None:
    """Turn the cache off after myst-nb has read its configuration, which stays unchanged."""
    if os.environ.get("DSPGD_RERUN"):
        app.env.mystnb_config = app.env.mystnb_config.copy(execution_mode="force")


def setup(app: Sphinx) -> None:
    """Connect after myst-nb."""
    app.connect("builder-inited", force_execution, priority=900)
