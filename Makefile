# Two commands do everything on a fresh machine with git, make, Python >= 3.11 and Node >= 20:
#   make demo    the main job, end to end
#   make test    every check
# and one takes an hour, for whoever changes a contract:
#   make audit-contracts    slither, proofs, mutation testing and coverage; writes docs/audit/contracts.md

PYTHON ?= python3
BIN    := .venv/bin
FORGE   = $(abspath $(firstword $(wildcard node_modules/@foundry-rs/forge-*/bin/forge)))

# Without this, pip and npm say more than a reader wants to know.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export npm_config_update_notifier := false

.PHONY: help demo test lint test-contracts test-clients test-python canary clients wheel wheel-check lock clean snapshots sim reliability audit-contracts

help:
	@grep -E '^#   make' Makefile | sed 's/^#   //'

demo: .venv/run node_modules/.installed
	$(BIN)/proofbridge demo

test: lint test-contracts canary test-clients test-python

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-contracts: node_modules/.installed
	cd contracts && $(FORGE) fmt --check && $(FORGE) test

# A failing test must fail the run: npm's wrapper of forge, for one, would hide it.
canary: node_modules/.installed
	@cd contracts && if FOUNDRY_PROFILE=canary $(FORGE) test >/dev/null 2>&1; \
	then echo "the canary test failed and forge did not say so"; exit 1; \
	else echo "canary: a failing forge test fails the run"; fi

# The TypeScript client alone; against a real server it is tested from Python.
test-clients: clients/typescript/node_modules/.installed
	cd clients/typescript && npm test --silent

test-python: .venv/dev node_modules/.installed clients/typescript/node_modules/.installed
	$(BIN)/pytest -n 2 --dist loadscope

# The simulated world alone, with dice of its own each time; SEED=… throws the same again. A seed that fails goes into
# tests/sim/seeds.txt.
ifeq ($(origin SEED), undefined)
SEED := $(shell date +%s)
endif
sim: .venv/dev node_modules/.installed
	SEED=$(SEED) $(BIN)/pytest tests/sim || { echo "make sim SEED=$(SEED)"; exit 1; }

# As many seeds as it takes to believe it, for the relayer and for the index: about forty minutes on two cores.
reliability: .venv/dev node_modules/.installed
	$(BIN)/python -m tests.sim.reliability --seeds $(or $(SEEDS),1000) --index-seeds $(or $(INDEX_SEEDS),$(SEEDS),1000) --out build/reliability.md

# After a change of a contract: its ABI, code and gas anew. Each difference belongs into the commit, with its reason.
snapshots: .venv/dev node_modules/.installed
	$(BIN)/python scripts/export_contracts.py
	cd contracts && FORGE_SNAPSHOT_CHECK=false FORGE_SNAPSHOT_EMIT=true $(FORGE) test --match-path test/Gas.t.sol

# What is generated for the clients, anew: after a change of the API, of an ABI or of the readers.
clients: .venv/dev clients/typescript/node_modules/.installed
	$(BIN)/proofbridge serve --openapi > docs/openapi.json
	$(BIN)/python -m scripts.export_readers
	cd clients/typescript && npm run generate --silent

# The wheel, in an environment of its own, outside the checkout, with an empty home.
wheel: .venv/dev
	rm -rf dist && $(BIN)/python -m build --wheel --no-isolation --outdir dist

wheel-check: wheel
	scripts/check_wheel dist

# Slower than every other check together, so nothing else runs it.
audit-contracts: .venv-audit/run node_modules/.installed
	PYTHONPATH=scripts .venv-audit/bin/python -m audit $(AUDIT)

# Newer versions within the bounds of pyproject.toml and package.json.
lock: .venv/dev
	$(BIN)/uv pip compile $(UV_LOCK) --group checkout -o requirements/run.txt
	$(BIN)/uv pip compile $(UV_LOCK) --group dev -c requirements/run.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --group audit $(UV_FORM) -o requirements/audit.txt
	npm install --package-lock-only
	cd clients/typescript && npm install --package-lock-only
UV_LOCK  = pyproject.toml $(UV_FORM)
UV_FORM := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

clean:
	rm -rf .venv .venv-audit node_modules clients/typescript/node_modules clients/typescript/dist dist contracts/out contracts/cache proofbridge-demo

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "proofbridge needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv-audit/run: requirements/audit.txt
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --require-hashes -r requirements/audit.txt
	@touch $@

.venv/run: .venv/made requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/run requirements/dev.txt
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# `install --no-save` and not `ci`: it keeps to the lock and its hashes, and accepts that the lock lacks platforms whose
# packages the registry did not have when it was made.
node_modules/.installed: package.json package-lock.json
	npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clients/typescript/node_modules/.installed: clients/typescript/package.json clients/typescript/package-lock.json
	cd clients/typescript && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
