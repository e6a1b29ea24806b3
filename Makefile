# Needs python >= 3.11 with venv, make and git. Targets that need more say so.
.PHONY: setup demo test check docs bench corpus clean
BASE := $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
PYTHON := .venv/bin/python
export PIP_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

setup: .venv/installed
.venv/installed: pyproject.toml constraints.txt
	@test -n "$(BASE)" || { echo "python 3.11 or newer is needed"; exit 1; }
	$(BASE) -m venv .venv
	$(PYTHON) -m pip install -q -e '.[dev]'
	@touch $@

demo: setup
	$(PYTHON) examples/client.py

test: setup
	$(PYTHON) -m pytest -q -n 2

check: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy tests examples benchmarks

docs: setup
	$(PYTHON) -m backend_architect.server.docs

# CORPUS=DIR: a folder with api.github.com.json and stripe.yaml; without it, generated documents.
bench: setup
	$(PYTHON) benchmarks/bench.py $(if $(CORPUS),--corpus $(CORPUS))

# CORPUS=DIR: reviews every document in the folder and prints figures.
corpus: setup
	@test -n "$(CORPUS)" || { echo "usage: make corpus CORPUS=DIR"; exit 1; }
	$(PYTHON) benchmarks/corpus.py $(CORPUS)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
