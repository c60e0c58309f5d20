# Needs make and Python 3.11 or newer, and nothing else: it makes its own environment.
#   make install     the library and its command line, in .venv
#   make demo        one life in about a minute
#   make test        the tests        (make test PYTEST_ARGS="tests/data -x" for a part)
#   make lint        ruff and pyright
#   make bench       the benchmarks, written to benchmarks/results
#   make docs-check  the documentation builds without a warning

VENV ?= .venv
# The first of these that runs and is new enough; give PYTHON=... to choose another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; \
	done)
PYTEST_ARGS ?=

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
INSTALL = $(PIP) install --quiet --constraint constraints.txt --editable

.PHONY: install demo test bench lint docs-check

install: $(VENV)/.installed

demo: install
	$(BIN)/sodachi demo

# At most 4 workers: each holds a JAX runtime of its own.
test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup $(PYTEST_ARGS)

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs-check: $(VENV)/.docs
	$(BIN)/mkdocs build --strict --site-dir $(VENV)/site

# Stamps make repeated calls quick; a changed dependency list makes them again.
$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) .
	@touch $@

# Tests compare with everything the extras bring, and the linters read the tests' imports too.
$(VENV)/.test: $(VENV)/.installed
	$(INSTALL) '.[test]'
	@touch $@

$(VENV)/.lint: $(VENV)/.installed
	$(INSTALL) '.[test,dev]'
	@touch $@

$(VENV)/.bench: $(VENV)/.installed
	$(INSTALL) '.[bench]'
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(INSTALL) '.[docs]'
	@touch $@

# An environment that is already there is used as it is. Without ensurepip (bare Debian) a new one
# gets its pip from the one outside, which may install into another environment even where the
# system's own is externally managed.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11 or newer, found none (give PYTHON=/path/to/python)" >&2; exit 1; }
	@$(PIP) --version >/dev/null 2>&1 \
		|| $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
		|| { $(PYTHON) -m venv --without-pip $(VENV) \
		&& $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; } \
		|| { echo "make: expected $(PYTHON) with venv, and ensurepip or pip, found them missing" >&2; exit 1; }
	@touch $@
