"""Runs the chapters side by side before Sphinx reads them, and again after a change in the library.

myst-nb looks an executed notebook up by the text of its cells alone. Here the folder it looks in
is named after all else that the outputs depend on, so that nothing out of date can be found.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from logging import CRITICAL, Logger, getLogger
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from myst_nb.core.read import is_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError
from sphinx.util import logging

logger = logging.getLogger(__name__)

EXTENSIONS = Path(__file__).parent.parent
DISTRIBUTIONS = ("numpy", "scipy", "matplotlib", "ipywidgets", "ipython")
READER = {"type": "plugin", "name": "myst_nb_md"}
# Kernels inherit these: figures are drawn with precomputed sliders, and one notebook does not
# take the processors of another.
ENVIRONMENT = {
    "DSPGD_STATIC": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class NotebookError(SphinxError):
    """A notebook did not run to its end."""

    category = "Notebook error"


def digest(folder: Path, *more: str) -> str:
    """Name the state of a folder of code, and of more that is given as text."""
    found = hashlib.sha256(repr(more).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            found.update(repr((path.relative_to(folder).as_posix(), path.read_bytes())).encode())
    return found.hexdigest()[:16]


def state_of_the_library() -> str:
    """Name all that the output of a cell depends on, except for the cells."""
    folder = Path(find_spec("dspgd_lib").origin).parent
    versions = [version(name) for name in DISTRIBUTIONS]
    return digest(folder, os.environ["DSPGD_STATIC"], platform.python_version(), *versions)


def choose_cache(app: Sphinx, config: Config) -> None:
    """Point myst-nb to the folder for this state of the library; forget the other states.

    The folder is part of Sphinx's configuration: when it changes, all pages are read again.
    """
    caches = Path(app.outdir).parent / ".jupyter_cache"
    chosen = caches / state_of_the_library()
    config.nb_execution_cache_path = str(chosen)
    for old in set(caches.glob("*")) - {chosen}:
        shutil.rmtree(old) if old.is_dir() else old.unlink()


def run_notebooks(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Run those of the pages to be read that are notebooks and not in the cache."""
    settings = env.mystnb_config
    if settings.execution_mode != "cache":
        return
    cache = get_cache(settings.execution_cache_path)
    paths = notebooks(app, docnames)
    for path in paths:  # they run in this order
        cache.add_nb_to_project(path, read_data=READER)
    waiting = cache.list_unexecuted(paths)
    if not waiting:
        return
    logger.info("running %s notebooks, %s at a time", len(waiting), os.cpu_count())
    executor = load_executor("local-parallel", cache, silent_logger())
    result = executor.run_and_cache(filter_uris=paths, timeout=settings.execution_timeout)
    # Whatever else goes wrong, myst-nb tries again, and reports.
    if failed := result.excepted:
        tracebacks = [cache.get_project_record(path).traceback for path in failed]
        raise NotebookError("\n".join([*tracebacks, "These notebooks failed:", *failed]))


def notebooks(app: Sphinx, docnames: list[str]) -> list[str]:
    """Choose the pages with cells to run, the last chapter first.

    It builds on the others and computes most: begun last, it would run alone at the end.
    """
    order = getattr(app.config, "external_site_map", docnames)  # one page has no contents
    paths = [app.env.doc2path(name) for name in order if name in docnames]
    return [
        path
        for path in reversed(paths)
        if is_myst_markdown_notebook(Path(path).read_text(encoding="utf-8"))
    ]


def silent_logger() -> Logger:
    """Keep the processes from reporting what is reported once they are done."""
    silent = getLogger("bookext.workers")
    silent.setLevel(CRITICAL)
    return silent


def remove_pages(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Remove the built pages of chapters that are gone, which Sphinx leaves where they are."""
    for name in removed:
        Path(app.builder.get_outfilename(name)).unlink(missing_ok=True)
    return []


def setup(app: Sphinx) -> None:
    """Connect, and read all pages again when this extension itself has changed."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    app.add_config_value("bookext_code", digest(EXTENSIONS), "env")
    app.connect("config-inited", choose_cache)
    app.connect("env-get-outdated", remove_pages)
    app.connect("env-before-read-docs", run_notebooks)
