# make run    serve the catalog: the demo library, or LIBRARY=/path/to/sounds; PORT=8000
# make test   every test (they start what they need themselves)
# make check  linter, formatter, types, imports, migrations
# make bench  how fast sounds are analyzed, beside transformers' own ways; CLIPS=/path/to/sounds
# make bench-search  how fast a million sounds are searched, beside numpy, FAISS and pgvector

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
LIBRARY ?=
CLIPS ?=
BIN := .venv/bin

.PHONY: run test check bench bench-search clean

run: .venv/.installed
	$(BIN)/timbre up --port $(PORT) $(if $(LIBRARY),--library "$(LIBRARY)",--demo)

test: .venv/.installed-dev
	$(BIN)/python -m pytest

check: .venv/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: .venv/.installed-dev
	$(BIN)/python -m benchmarks.analysis $(if $(CLIPS),--clips "$(CLIPS)")

bench-search: .venv/.installed-dev
	$(BIN)/python -m benchmarks.search

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Timbre needs Python 3.11 or newer, found " + sys.version)'
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --editable .
	touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --editable '.[dev]'
	touch .venv/.installed $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
