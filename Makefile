# Words a newcomer can guess. Each sets up what it needs: a virtual environment and everything in it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export RUECKSPIEGEL_STATE ?= state

.PHONY: help chat test lint bench chaos promises train clean
.DEFAULT_GOAL := help

help:
	@echo "make chat   talk to the bot in this terminal"
	@echo "make test   run all tests"
	@echo "make lint   ruff, mypy, import-linter, check of the data"
	@echo "make chaos  kill and starve the bot, and count what was lost"
	@echo "make promises  run the long tests, among them those that fail today"
	@echo "make bench  measure speed, memory and accuracy into docs/benchmarks.md"
	@echo "make train  fit the model to the data and write data/model"

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
	$(BIN)/python -m pytest

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bot check --strict

bench: $(BIN)/.dev
	$(BIN)/python -m tests.bench

chaos: $(BIN)/.dev
	$(BIN)/python -m tests.chaos
	$(BIN)/python -m tests.chaos_digests
	$(BIN)/python -m tests.chaos_accounts

promises: $(BIN)/.dev
	$(BIN)/python -m pytest -m promises

train: $(BIN)/.dev
	$(BIN)/python -m bot train

clean:
	rm -rf $(VENV) .venv-synapse .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
