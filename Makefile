# Needs only make and Python 3.11 or newer. Targets install everything else into .venv when they need it. Only the
# organisers' console needs Node.js, too.

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
CONSOLE := chalicelib/http/console_files/index.html

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run console console-pictures test transcripts test-fast mutants soak bench cost lock licences review lint format package deploy destroy restore environment catalogue formats api-table browser engines cloud clean

help: ## List all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make run API_PORT=9000 PHONE_PORT=9001 AWS_PORT=9002 uses other ports."
	@echo "  make run WITHOUT=api leaves out the API (or worker, or phone), so that you can start it yourself."

install: $(READY) ## Install all packages into .venv

$(READY): requirements.txt requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then echo "Tombola needs Python 3.11 or newer: install it, or give its path with PYTHON=..."; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tombola needs Python 3.11 or newer, and $(PYTHON) is older: choose another with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "$(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@echo "Installing packages into .venv (only once, and after changed requirements) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(READY) messages console ## Run everything on this machine
	@exec $(BIN)/python -m local $(addprefix --without ,$(WITHOUT))

# Whoever has no Node.js goes on without the console, or with the one that was built before.
console: ## Build the organisers' console (needs Node.js 20.19 or newer, with npm)
	@if command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; \
		then $(MAKE) -s --no-print-directory $(CONSOLE); \
		else echo "The console is not built: it needs Node.js 20.19 or newer, with npm. Everything else works without."; fi

$(CONSOLE): console/node_modules/.ready $(shell find console/src console/build console/*.* -type f 2>/dev/null)
	@echo "Building the console ..."
	@npm run --silent --prefix console build

console/node_modules/.ready: console/package-lock.json console/.npmrc
	@echo "Installing the console's packages into console/node_modules (only once, and after changes) ..."
	@npm ci --prefix console --no-audit --no-fund --loglevel=error
	@touch $@

test: $(READY) browser engines cloud messages console ## Run all tests (how long they took: ci-output/durations.txt)
	$(PYTEST) --durations=50 --junitxml=ci-output/junit.xml $(ARGS)

console-pictures: $(READY) messages browser console ## Write the console's pictures for README.md
	WRITE_CONSOLE_PICTURES=yes $(BIN)/python -m pytest tests/browser/test_console_pictures.py

test-fast: $(READY) messages ## Run the rules on moto, in minutes: no engine, server, browser or exhaustive search
	$(PYTEST) -m "not (engine or server or browser or exhaustive)" $(ARGS)

mutants: $(READY) messages ## Take conditions away one by one, and see tests fail: make mutants ONLY=store/orders (all unless named)
	$(BIN)/python -m tools.mutants --jobs $(JOBS) $(addprefix --only ,$(ONLY)) $(ARGS)

soak: $(READY) engines messages ## Race for hours, and try all mutants: make soak ATTEMPTS=100000 ENGINE=ministack TIMES=50 (both engines unless named)
	$(BIN)/python -m tests.support.races $(addprefix --attempts ,$(ATTEMPTS)) $(addprefix --engine ,$(ENGINE))
	TOMBOLA_SOAK=$(or $(TIMES),50) $(PYTEST) tests/interleavings tests/fuzz tests/outages
	$(BIN)/python -m tools.mutants --jobs $(JOBS)

bench: $(READY) engines messages ## Measure the figures of docs/performance.md: make bench ENGINE=ministack
	$(BIN)/python -m bench $(addprefix --engine ,$(ENGINE)) $(if $(JSON),--json)

lock: $(READY) ## Pin the deployed packages (requirements.in) with hashes
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
	@$(MAKE) --no-print-directory licences

licences: $(READY) ## Update docs/licences.md
	@$(BIN)/python -m tools.licences

review: $(READY) ## Check deployed packages for known vulnerabilities, and list outdated ones
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt
	$(BIN)/python -m pip list --outdated --disable-pip-version-check

cost: $(READY) ## Compute the monthly cost on AWS, and update docs/performance.md
	@$(BIN)/python -m tools.cost --write

lint: $(READY) console ## Check style, types and who imports what
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CHECKED)
	$(BIN)/lint-imports --no-logo
	@if [ -e console/node_modules/.ready ]; then npm run --silent --prefix console lint; fi

format: $(READY) ## Fix style and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@if [ -e console/node_modules/.ready ]; then npm run --silent --prefix console format; fi

package: $(READY) messages console ## Write the deployment package (template and zip) to out/: make package STAGE=prod
	rm -rf out
	$(BIN)/python tools/package.py $(or $(STAGE),dev) out

deploy: $(READY) messages console ## Deploy to AWS, or update: make deploy STAGE=prod (YES=1: no prompt)
	@$(BIN)/python -m infra deploy $(or $(STAGE),dev) $(if $(YES),--yes)

destroy: $(READY) ## Delete a stage but keep its data: make destroy STAGE=dev
	@$(BIN)/python -m infra destroy $(or $(STAGE),dev) $(if $(YES),--yes) $(if $(filter delete,$(DATA)),--data) $(addprefix --confirm ,$(CONFIRM))

restore: $(READY) ## Restore the table as a new one: make restore STAGE=prod TO=2026-11-24T03:00:00Z
	@$(BIN)/python -m infra restore $(or $(STAGE),dev) $(addprefix --to ,$(TO))

environment: $(READY) ## Print settings for `python -m chalicelib`: eval "$$(make -s environment STAGE=prod)"
	@$(BIN)/python -m infra environment $(or $(STAGE),dev)

catalogue: $(READY) ## Update the message catalogues from the code
	$(BIN)/pybabel extract --project=Tombola --version=0.1 --copyright-holder="the Tombola authors" --no-wrap --sort-by-file --add-location=file --add-comments=Note: -k n_:1,2 -o $(LOCALE)/tombola.pot chalicelib
	@test -z "$(wildcard $(LOCALE)/*/LC_MESSAGES/*.po)" || \
		$(BIN)/pybabel update --domain=tombola --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -i $(LOCALE)/tombola.pot -d $(LOCALE)
	@$(MAKE) --no-print-directory messages

transcripts: $(READY) messages ## Write what the bot says into the conversations of tests/transcripts
	WRITE_TRANSCRIPTS=yes $(BIN)/python -m pytest tests/transcripts

formats: $(READY) ## Update how countries write money and days, from Babel
	$(BIN)/python -m tools.formats
	$(BIN)/ruff format --quiet chalicelib/domain/country_table.py

api-table: $(READY) ## Update the table of routes in docs/api.md
	$(BIN)/python -m tools.api_table

# The compiled catalogues are not committed.
.PHONY: messages
messages: $(patsubst %.po,%.mo,$(wildcard $(LOCALE)/*/LC_MESSAGES/*.po)) $(READY)
	@$(BIN)/python -m tools.catalogues

%.mo: %.po $(READY) tools/catalogues.py
	@$(BIN)/python -m tools.catalogues $<
	@$(BIN)/pybabel --quiet compile -i $< -o $@

engines: tools/emulator/DynamoDBLocal.jar ## Install DynamoDB Local, for races and benchmarks

tools/emulator/DynamoDBLocal.jar: tools/install-dynamodb-local.sh
	@echo "Installing DynamoDB Local into tools/ ..."
	@tools/install-dynamodb-local.sh
	@touch $@

cloud: .cloud/.ready ## Install the AWS stand-in to which tests deploy

.cloud/.ready: tools/cloud-requirements.txt $(READY)
	@echo "Installing the AWS stand-in into .cloud ..."
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

clean: ## Remove build and cache files, but not .venv or local data
	rm -rf out ci-output chalicelib/http/console_files .mypy_cache .import_linter_cache .pytest_cache .ruff_cache .hypothesis
