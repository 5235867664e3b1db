# The doors of the project: `make help` lists them. Everything runs in .venv, made on first use.
# PYTHON=/path/to/python3 chooses the Python; ARGS="…" is handed on.

export PYTHON
PREPARED = exec sh dev/python.sh dev/venv.py
LOCK = $(PREPARED) test uv pip compile --quiet --universal --fork-strategy fewest \
	--python-version 3.11 --generate-hashes --custom-compile-command "make lock" $(ARGS)

.PHONY: help run test quick chaos bench check lint format hooks messages lock clean
.DEFAULT_GOAL := help

help: ## List these targets
	@awk -F ' ## ' '/^[a-z]+:.* ## / { sub(/:.*/, "", $$1); printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: ## Start everything on this machine; Ctrl-C stops it (PORT=8001 chooses the port)
	@$(PREPARED) run dev.run

test: ## Run all tests (ARGS="-k words" chooses some)
	@$(PREPARED) test dev.test $(ARGS)

quick: ## Run the unit tests that are not slow: the ones to run after each change
	@$(PREPARED) test dev.test --quick $(ARGS)

chaos: ## Run every fault at its full size and print what was lost, doubled, early or late
	@CHAOS=full $(PREPARED) test pytest tests/chaos tests/model tests/mutants -p no:xdist -s --timeout 1800 $(ARGS)

bench: ## Measure speed beside a plain Flask + Celery app (ARGS=--quick for a short look)
	@$(PREPARED) test benchmarks $(ARGS)

check: lint test ## Run what CI runs: lint, format, types and all tests

lint: ## Look for mistakes: ruff, mypy, and Biome where Node is there
	@$(PREPARED) test ruff check .
	@$(PREPARED) test ruff format --check .
	@$(PREPARED) test mypy
	@$(PREPARED) test dev.biome check

format: ## Rewrite the code the way ruff and Biome format it
	@$(PREPARED) test ruff check --fix-only --exit-zero .
	@$(PREPARED) test ruff format .
	@$(PREPARED) test dev.biome check --write

hooks: ## Check every commit before it is made (pre-commit)
	@$(PREPARED) test pre_commit install

messages: ## Collect the words that people read and merge them into the translations
	@$(PREPARED) test dev.messages

lock: ## Pin the requirements again (ARGS=--upgrade takes newer ones)
	@$(LOCK) requirements.in --output-file requirements.txt
	@$(LOCK) requirements-run.in --output-file requirements-run.txt
	@$(LOCK) requirements-dev.in --output-file requirements-dev.txt

clean: ## Remove .venv and caches; your data in instance/ stays
	rm -rf .venv .venv.lock dev/node/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
