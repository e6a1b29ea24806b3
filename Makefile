# Needs python >= 3.11 with venv, make and git. Targets that need more say so.
.PHONY: setup demo test check docs bench corpus score score-graphql mariadb locks whatif mutation clean
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
	$(PYTHON) -m pytest -q -n 2 --dist worksteal

check: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy tests examples benchmarks

docs: setup
	$(PYTHON) -m backend_architect.server.docs

# CORPUS=DIR: a folder with api.github.com.json and stripe.yaml; SQL=FILE: a PostgreSQL dump;
# without them, generated documents.
# With npm, Spectral and Redocly run beside it on the same files.
bench: setup
	@if command -v npm >/dev/null; then \
		npm ci --prefix benchmarks/linters --ignore-scripts --no-audit --no-fund; fi
	$(PYTHON) benchmarks/bench.py $(if $(CORPUS),--corpus $(CORPUS)) $(if $(SQL),--sql $(SQL))

# CORPUS=DIR: reviews every document and schema in the folder, proves the schema model against the
# engines, and prints figures.
corpus: setup
	@test -n "$(CORPUS)" || { echo "usage: make corpus CORPUS=DIR"; exit 1; }
	$(PYTHON) benchmarks/corpus.py $(CORPUS)
	$(PYTHON) benchmarks/corpus_fixes.py $(CORPUS)
	$(PYTHON) benchmarks/corpus_sql.py $(CORPUS)
	$(PYTHON) benchmarks/roundtrip.py $(CORPUS)

# ORACLES=DIR: scores rules, hazards and plans against the cases of other projects' suites.
score: setup
	@test -n "$(ORACLES)" -a -n "$(APIS)" || { echo "usage: make score ORACLES=DIR APIS=DIR"; exit 1; }
	$(PYTHON) benchmarks/score_schema.py $(ORACLES)
	$(PYTHON) benchmarks/score_hazards.py $(ORACLES)
	$(PYTHON) benchmarks/score_sqlite.py $(ORACLES)/migration
	$(PYTHON) benchmarks/score_plans.py --jobs 2 $(ORACLES)
	$(PYTHON) benchmarks/score_api.py $(ORACLES)/api
	$(PYTHON) benchmarks/score_flaws.py $(ORACLES)/security/flaws.json $(APIS)
	$(PYTHON) benchmarks/score_json_schema.py $(ORACLES)/api/json-schema-test-suite

# SDL=FILE: changes of a GraphQL schema, judged beside graphql-core.
score-graphql: setup
	$(PYTHON) benchmarks/score_graphql.py $(SDL)

# Needs Debian's mariadb-server: apt-get install --no-install-recommends mariadb-server
mariadb: setup
	@PATH=$$PATH:/usr/sbin command -v mariadbd >/dev/null || { echo "mariadbd is needed"; exit 1; }
	$(PYTHON) benchmarks/mariadb_catalog.py $(or $(FILES),tests/data/schema/my_*.sql)
	$(PYTHON) benchmarks/mariadb_designs.py

# Measures what DDL locks on PostgreSQL 11 to 18 and SQLite. VERSIONS=12,18: only these; CHECK=1:
# compare with the committed tables, write nothing. Needs npm, for the servers before 18.
locks: setup
	npm ci --prefix benchmarks/servers --ignore-scripts --no-audit --no-fund
	$(PYTHON) benchmarks/probe_locks.py $(if $(VERSIONS),--versions $(VERSIONS)) $(if $(CHECK),--check)
	$(if $(CHECK),,$(PYTHON) benchmarks/probe_sqlite.py)

# QUERIES=FILE: the 22 queries of TPC-H. Plans for loaded data beside plans for imagined data; indexes
# chosen before there is data beside the best there are.
whatif: setup
	@test -n "$(QUERIES)" || { echo "usage: make whatif QUERIES=FILE [SCALE=0.1]"; exit 1; }
	$(PYTHON) -m pip install -q -e '.[whatif]'
	$(PYTHON) benchmarks/whatif.py $(QUERIES) --scale $(or $(SCALE),0.1)

# Takes every object out of the designs of the examples, one by one: a promise has to notice. Puts
# single faults into a clean API document: each has to be found as one group, at its place.
mutation: setup
	$(PYTHON) benchmarks/mutation_api.py examples/orders-api-fixed.yaml
	$(PYTHON) benchmarks/mutation.py $(or $(FILES),examples/design/*.yaml)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
