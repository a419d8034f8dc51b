# `make` lists the targets.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
VERSIONS ?= newest

PY := $(VENV)/bin/python
HTML := _build/html
ZIP := _build/dual-space-preconditioning-book.zip
# Each file of tests stays in one process: its tests share visits to pages, and figures.
PYTEST := $(PY) -m pytest -n logical --maxprocesses 4 --dist loadscope
JUPYTER_BOOK := $(VENV)/bin/jupyter-book build . -n --keep-going
# Whatever the built book depends on; folders too, so that a removed file counts.
SOURCES := $(shell find book/. dspgd_lib/. _config.yml _toc.yml -name __pycache__ -prune -o -print)

.DEFAULT_GOAL := help
.PHONY: help book test test-fast nightly lint format library chapter notebooks serve zip bench digits clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

book: $(VENV)/.book ## make the environment and build the whole book from nothing
	rm -rf _build/.jupyter_cache
	$(build)

test: $(VENV)/.test _build/.built ## run every check: lint, types, tests, the built book in Chromium
	@$(MAKE) --no-print-directory lint
	$(PYTEST)

test-fast: $(VENV)/.test ## run the tests that need neither browser nor kernel, with few examples
	HYPOTHESIS_PROFILE=fast $(PYTEST) -m "not browser and not kernel"

nightly: export HYPOTHESIS_PROFILE := nightly
nightly: test ## run every check with ten times as many examples, other ones each time

lint: $(VENV)/.test ## check style and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(VENV)/.test ## put the code into the project's style
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

chapter: $(VENV)/.book ## build what changed, say where a chapter is: make chapter CHAPTER=normalized-gd
	@test -f "book/$(CHAPTER).md" || { \
	  echo "Which chapter? For example: make chapter CHAPTER=normalized-gd" >&2; exit 1; }
	$(JUPYTER_BOOK)
	@echo "Open $(CURDIR)/$(HTML)/book/$(CHAPTER).html"

library: ## run the library's tests alone, with the oldest versions: make library VERSIONS=oldest
	$(PYTHON) .ci/library.py $(VERSIONS)

notebooks: $(VENV)/.book ## write the chapters as notebooks for any Jupyter, into notebooks/
	PYTHONPATH=book/_ext $(PY) -m nbexport

serve: $(VENV)/.book ## show the built book at http://127.0.0.1:8000
	@test -f $(HTML)/index.html || $(MAKE) --no-print-directory book
	$(PY) -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT)

zip: _build/.built ## pack the built book into one archive
	$(PY) -c "import shutil; shutil.make_archive('$(ZIP:.zip=)', 'zip', '_build', 'html')"
	@echo "Packed $(ZIP)"

bench: $(VENV)/.test _build/.built ## weigh the pages and time their sliders; writes benchmarks/pages.json
	PYTHONPATH=tests $(PY) benchmarks/pages.py

digits: $(VENV)/.test ## fine-tune on the digits again, ten seeds; writes dspgd_lib/experiments/reading.json
	$(PY) -m dspgd_lib.experiments.reading

clean: ## remove everything that was built; the environment stays
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis

# Sphinx has no second warning about a page that it does not read again: it reads all of them. What
# the chapters computed is kept in _build/.jupyter_cache, as long as cells and library are the same.
define build
rm -rf $(HTML) _build/.doctrees _build/jupyter_execute _build/.built
$(JUPYTER_BOOK) --warningiserror
@touch _build/.built
@echo
@echo "The book is built. Open $(CURDIR)/$(HTML)/index.html"
@echo "or run 'make serve' and go to http://127.0.0.1:$(PORT)"
endef

_build/.built: $(VENV)/.book $(SOURCES)
	$(build)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "The book needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.book: $(VENV)/.python requirements.txt constraints.txt pyproject.toml
	$(PY) -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.book
	$(PY) -m pip install --quiet -c constraints.txt -e ".[test]"
	@touch $@
