# Everything a developer or an operator needs, from nothing but Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2

.PHONY: help venv demo demarches test check fast lint types bench browser soak lock audit sbom clean

help:
	@echo "make demo   the main job, end to end      make test   the whole suite"
	@echo "make check  lint, types, fast tests       make bench  benchmarks"
	@echo "make demarches  the catalogue on an invented département, against its truth"
	@echo "make soak   long tests                    make lock   recompute requirements.lock"
	@echo "make browser  the pages in a real Chromium, which must be on PATH"
	@echo "make audit  known vulnerabilities         make sbom   bill of materials (CycloneDX)"

venv: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: venv
	$(BIN)/python -m benchmarks.demo

demarches: venv
	$(BIN)/allervers demo --all --explain

test: venv
	$(BIN)/python -m pytest -n $(JOBS) -m "not soak and not flow and not browser"
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "flow and not soak"

check: lint types fast

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

fast: venv
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not soak and not flow and not browser"

bench: venv
	$(BIN)/python -m pytest benchmarks --benchmark-only
	$(BIN)/python -m benchmarks.match_table --quick
	$(BIN)/python -m benchmarks.peers --quick

browser: venv  # pages opened in a Chromium found on PATH
	$(BIN)/python -m pytest -q -m browser tests/test_pages_in_browser.py

soak: venv
	$(BIN)/python -m pytest -m soak --timeout 7200

lock: venv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --extra cluster --extra server --extra dev pyproject.toml --output-file requirements.lock

audit: venv  # ADVISORIES=FOLDER: a copy of the PyPA advisory database, where the index cannot be reached
	$(BIN)/python -m tests.supply_chain audit $(ADVISORIES)

sbom: venv
	$(BIN)/python -m tests.supply_chain sbom build/sbom.cdx.json

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
