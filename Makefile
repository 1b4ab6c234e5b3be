# CamDigiKey. `make demo` and `make test` install what is missing by themselves.
.DEFAULT_GOAL := help
BIN := .venv/bin
PYTEST ?=

help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: ## Install everything for development and tests
	@tools/install test

demo: ## Install what is missing and run everything on this machine
	@tools/install demo
	@$(BIN)/camdigikey demo $(DEMO)

test: ## Install what is missing and run all tests
	@tools/install test
	@HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST)

format: ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

check: ## Format, lint, types, import rules, spelling, vendored files, the lock
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/mypy idp mobile_api camdx_bridge sdk_web sdk_app camdigikey && $(BIN)/lint-imports
	@$(BIN)/codespell && $(BIN)/python tools/vendor.py --check && tools/check-lock

e2e: ## Run only the end-to-end tests
	@$(BIN)/python -m pytest tests/e2e

interop: ## Run only the clients that nobody here wrote
	@$(BIN)/python -m pytest tests/interop

fuzz: ## Run the property tests for a long time
	@HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest tests/fuzz

proofing-report: ## Measure the readers of zones on fresh seeds; write docs/proofing.md
	@$(BIN)/python -m bench.proofing_report --write $(REPORT)

mutate: ## Break the security checks one by one and see a test fail
	@$(BIN)/python -m bench.mutation

migrate: ## Bring the database of the settings to the newest revision
	@$(BIN)/camdigikey migrate

serve: ## Serve with the settings of the environment
	@$(BIN)/camdigikey serve

screenshots: ## Draw the pictures of the README and the docs
	@$(BIN)/python -m tools.screenshots

lock: ## Write requirements/*.txt again from pyproject.toml
	@tools/lock

audit: ## Ask the vulnerability database about every dependency (needs the network)
	@$(BIN)/uv tool run pip-audit -r requirements/run.txt --disable-pip --require-hashes

.PHONY: help install demo test format check e2e interop fuzz proofing-report mutate migrate serve screenshots lock audit
