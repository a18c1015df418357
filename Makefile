# Two commands do everything: `make serve` and `make test`. Nothing has to be installed by hand but Python and Node.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := .make/runtime
DEV := .make/dev
COMPILE := --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header
NODE := tests/e2e/js/node_modules/.package-lock.json
AZURITE := tests/builtin_files/azurite/node_modules/.package-lock.json

.PHONY: serve test check crash bench docs lock clean help

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

serve: $(RUNTIME) ## install what the server needs and start it on ./pb_data
	$(BIN)/pbhost serve $(ARGS)

test: check $(NODE) $(AZURITE) ## linters, types and the whole test suite
	$(BIN)/python -m pytest $(ARGS)

check: $(DEV) ## linters, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports

crash: $(DEV) ## kill the server at random moments and look for what is lost (CRASH_ROUNDS=60 CRASH_WORKERS=n CRASH_SEED=n)
	$(BIN)/python -m tests.crash $(ARGS)

docs: $(DEV) ## write the reference pages anew and build docs/ as a site in .make/site
	$(BIN)/python docs/reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: $(DEV) ## measure the workloads of bench/ (needs wrk)
	$(BIN)/python -m bench $(ARGS)

lock: | $(BIN)/python ## resolve the versions of requirements/ anew
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile $(COMPILE) --build-deps-for editable --output-file requirements/runtime.txt pyproject.toml
	$(BIN)/pip-compile $(COMPILE) --constraint requirements/runtime.txt --output-file requirements/dev.txt requirements/dev.in

clean: ## remove what the other targets made
	rm -rf $(VENV) .make tests/e2e/js/node_modules tests/builtin_files/azurite/node_modules

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pbhost needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements/runtime.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p .make && touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@mkdir -p .make && touch $@

$(NODE): tests/e2e/js/package.json tests/e2e/js/package-lock.json
	npm --prefix tests/e2e/js ci --silent --no-audit --no-fund
	@touch $@

$(AZURITE): tests/builtin_files/azurite/package.json tests/builtin_files/azurite/package-lock.json
	npm --prefix tests/builtin_files/azurite ci --silent --no-audit --no-fund
	@touch $@
