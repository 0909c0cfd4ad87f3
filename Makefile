# Needs make and Python 3.11 or newer; everything else is installed into .venv by the first target that needs it.

ifeq ($(origin PYTHON),undefined)
PYTHON := $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
endif
BIN := .venv/bin
READY := .venv/.ready
JOBS ?= 2
# tests/support/schedule.py says which tests come first, and which stay together.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
CHECKED := app.py chalicelib infra local whatsapp_sandbox bench tests tools
LOCALE := chalicelib/locale

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test test-fast soak bench cost lock licences review lint format package deploy destroy restore environment catalogue api-table browser engines cloud clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make run API_PORT=9000 PHONE_PORT=9001 AWS_PORT=9002 chooses other ports;"
	@echo "  make run WITHOUT=api leaves out the API (or worker, or phone), to start it by hand."

install: $(READY) ## Install what is needed into .venv

$(READY): requirements.txt requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then echo "Tombola needs Python 3.11 or newer: install it, or name it with PYTHON=..."; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tombola needs Python 3.11 or newer, and $(PYTHON) is older: name another with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "$(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@echo "Installing packages into .venv (once, and again when requirements change) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(READY) messages ## Run everything on this machine
	@exec $(BIN)/python -m local $(addprefix --without ,$(WITHOUT))

test: $(READY) browser engines cloud messages ## Run all tests (how long they took: ci-output/durations.txt)
	$(PYTEST) --durations=50 --junitxml=ci-output/junit.xml $(ARGS)

test-fast: $(READY) messages ## Run the tests that start no engine, server or browser
	$(PYTEST) -m "not (engine or server or browser)" $(ARGS)

soak: $(READY) engines messages ## Race for hours: make soak ATTEMPTS=100000 ENGINE=ministack TIMES=50 (both engines unless named)
	$(BIN)/python -m tests.support.races $(addprefix --attempts ,$(ATTEMPTS)) $(addprefix --engine ,$(ENGINE))
	TOMBOLA_SOAK=$(or $(TIMES),50) $(PYTEST) tests/interleavings tests/fuzz tests/outages

bench: $(READY) engines messages ## Measure what docs/performance.md promises: make bench ENGINE=ministack
	$(BIN)/python -m bench $(addprefix --engine ,$(ENGINE)) $(if $(JSON),--json)

lock: $(READY) ## Pin the deployed packages of requirements.in with their hashes
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
	@$(MAKE) --no-print-directory licences

licences: $(READY) ## Bring docs/licences.md up to date
	@$(BIN)/python -m tools.licences

review: $(READY) ## Ask the registry whether deployed packages have known vulnerabilities, and which are newer
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements.txt
	$(BIN)/python -m pip list --outdated --disable-pip-version-check

cost: $(READY) ## What a month costs on AWS, into docs/performance.md
	@$(BIN)/python -m bench.cost --write

lint: $(READY) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CHECKED)

format: $(READY) ## Put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

package: $(READY) messages ## Write the deployment (template and zip) to out/: make package STAGE=prod
	rm -rf out
	$(BIN)/python tools/package.py $(or $(STAGE),dev) out

deploy: $(READY) messages ## Bring everything to AWS, and again: make deploy STAGE=prod (YES=1 asks nothing)
	@$(BIN)/python -m infra deploy $(or $(STAGE),dev) $(if $(YES),--yes)

destroy: $(READY) ## Take a stage down; its data is kept: make destroy STAGE=dev
	@$(BIN)/python -m infra destroy $(or $(STAGE),dev) $(if $(YES),--yes) $(if $(filter delete,$(DATA)),--data) $(addprefix --confirm ,$(CONFIRM))

restore: $(READY) ## The table of a moment as a new one: make restore STAGE=prod TO=2026-11-24T03:00:00Z
	@$(BIN)/python -m infra restore $(or $(STAGE),dev) $(addprefix --to ,$(TO))

environment: $(READY) ## Settings for `python -m chalicelib`: eval "$$(make -s environment STAGE=prod)"
	@$(BIN)/python -m infra environment $(or $(STAGE),dev)

catalogue: $(READY) ## Bring the texts' catalogues up to date with the code
	$(BIN)/pybabel extract --project=Tombola --version=0.1 --copyright-holder="the Tombola authors" --no-wrap --sort-by-file --add-location=file --add-comments=Note: -k n_:1,2 -o $(LOCALE)/tombola.pot chalicelib
	@test -z "$(wildcard $(LOCALE)/*/LC_MESSAGES/*.po)" || \
		$(BIN)/pybabel update --domain=tombola --no-wrap --ignore-pot-creation-date -i $(LOCALE)/tombola.pot -d $(LOCALE)
	@$(MAKE) --no-print-directory messages

api-table: $(READY) ## Bring the table of routes in docs/api.md up to date
	$(BIN)/python -m tools.api_table

# The compiled catalogues are not in the repository.
.PHONY: messages
messages: $(patsubst %.po,%.mo,$(wildcard $(LOCALE)/*/LC_MESSAGES/*.po))

%.mo: %.po $(READY)
	@$(BIN)/pybabel --quiet compile -i $< -o $@

engines: tools/emulator/DynamoDBLocal.jar ## Install DynamoDB Local, for the races and the benchmark

tools/emulator/DynamoDBLocal.jar: tools/install-dynamodb-local.sh
	@echo "Installing DynamoDB Local into tools/ ..."
	@tools/install-dynamodb-local.sh
	@touch $@

cloud: .cloud/.ready ## Install the stand-in for AWS that tests deploy to

.cloud/.ready: tools/cloud-requirements.txt $(READY)
	@echo "Installing the stand-in for AWS into .cloud ..."
	@test -x .cloud/bin/python || $(PYTHON) -m venv .cloud
	@.cloud/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@touch $@

browser:
	@{ command -v chromium && command -v chromedriver || command -v google-chrome; } >/dev/null || { \
		sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
		echo "Installing Chromium and its driver for the browser tests ..."; \
		$$sudo apt-get update -qq >/dev/null 2>&1; \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null 2>&1 || \
		echo "Chromium is missing and could not be installed: the browser tests need chromium and chromium-driver."; }

clean: ## Remove what was made here, but neither .venv nor the local state
	rm -rf out ci-output .mypy_cache .pytest_cache .ruff_cache .hypothesis
