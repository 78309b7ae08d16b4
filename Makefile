# Words a newcomer can guess. Each sets up what it needs: a virtual environment and everything in it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export RUECKSPIEGEL_STATE ?= state
# The site's theme advertises its successor at each build.
export NO_MKDOCS_2_WARNING := 1

.PHONY: help chat test lint docs bench chaos soak promises pins audit privacy train wheel image clean
.DEFAULT_GOAL := help

help:
	@echo "make chat   talk to the bot in this terminal"
	@echo "make test   run all tests"
	@echo "make lint   ruff, mypy, import-linter, check of the data, docs without warnings"
	@echo "make docs   the documentation as a site, into site/"
	@echo "make chaos  kill and starve the bot, and count what was lost"
	@echo "make soak   ask 50,000 questions and see that nothing grows"
	@echo "make promises  run the long tests, print each promise with its figure, write docs/promises.md"
	@echo "make pins   write constraints-hashed.txt and docs/licences.md from constraints.txt"
	@echo "make audit  look whether a vulnerability is known of what is pinned; needs the network"
	@echo "make privacy  put the tables of what is kept into docs/privacy/record.md"
	@echo "make bench  measure speed, memory and accuracy into docs/benchmarks.md"
	@echo "make train  fit the model to the data and write data/model"
	@echo "make wheel  build the program with its data into dist/"
	@echo "make image  build the container image"

$(BIN)/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(BIN)/.dev: $(BIN)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

chat: $(BIN)/.run
	@$(BIN)/python -m bot chat

test: $(BIN)/.dev
	$(BIN)/python -m tests.matrix.homeserver --install
	$(BIN)/python -m pytest -n 3 --dist loadfile

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bot check --strict
	$(BIN)/mkdocs build --strict --quiet

docs: $(BIN)/.dev
	$(BIN)/mkdocs build --strict

bench: $(BIN)/.dev
	$(BIN)/python -m tests.bench

chaos: $(BIN)/.dev
	$(BIN)/python -m tests.chaos
	$(BIN)/python -m tests.chaos_digests
	$(BIN)/python -m tests.chaos_accounts

soak: $(BIN)/.dev
	$(BIN)/python -m tests.soak

promises: $(BIN)/.dev
	$(BIN)/python -m pytest -p tests.promises.report -m 'promises or promise'

pins: $(BIN)/.run
	$(BIN)/python deploy/supply.py

.venv-audit/.done:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9'
	@touch $@

audit: .venv-audit/.done
	.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement constraints-hashed.txt

privacy: $(BIN)/.dev
	$(BIN)/python -m tests.promises.documents

train: $(BIN)/.dev
	$(BIN)/python -m bot train

wheel: $(BIN)/.run
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

image:
	docker build --file deploy/Dockerfile --tag rueckspiegel .

clean:
	rm -rf $(VENV) .venv-synapse .venv-audit site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
