# farwatch: `make demo` runs it, `make test` tests it. Nothing here needs root, node or Docker.
PYTHON ?= python3
BIN := .venv/bin
NODE := $(shell command -v node 2>/dev/null)

.PHONY: help venv console demo test lint types bench-pages bench-main bench-sensors bench-history torture kills clocks bench-dispatch bench-vision bench-cameras soak-cameras disconnects fuzz-hj212 requirements clean

help:
	@echo "make demo [ARGS=\"--port 8080 --data DIR --seed N\"]  a simulated city on this machine"
	@echo "make test                                           every test that can run here"
	@echo "make lint | console | venv | bench-pages | bench-main | bench-sensors | bench-history | bench-dispatch | bench-cameras | soak-cameras | torture | kills | clocks | disconnects | fuzz-hj212"

.venv/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "farwatch: Python 3.11 or newer is needed (PYTHON=...)" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "farwatch: Python's venv module is missing (Debian: apt install python3-venv)" >&2; exit 2; }
	@echo "making .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar on -r requirements/run.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar on -r requirements/dev.txt
	@touch $@

venv: .venv/.run

# Without node on the machine, the wheel brings one into the virtual environment.
.venv/.node: requirements/console.txt .venv/.run
	@if [ -z "$(NODE)" ]; then echo "fetching node for the console's build"; \
	  $(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements/console.txt; fi
	@touch $@

CONSOLE_SOURCES := alerting/reports/words.json $(shell find console -type f -not -path 'console/node_modules/*' -not -path 'console/dist/*' 2>/dev/null)

console/dist/index.html: .venv/.node $(CONSOLE_SOURCES)
	@echo "building the console"
	@cd console && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund --loglevel=error && PATH="$(CURDIR)/$(BIN):$$PATH" npm run build --silent
	@touch $@

console: console/dist/index.html

demo: venv console
	@exec $(BIN)/farwatch demo $(ARGS)

# Two processes share the files of tests; what measures time goes alone afterwards. With ARGS one process runs those tests.
test: .venv/.dev console
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone"
	$(BIN)/python -m pytest -m alone
endif
	cd console && PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent

lint: .venv/.dev console
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd console && PATH="$(CURDIR)/$(BIN):$$PATH" npm run check --silent

bench-main: .venv/.dev
	@$(BIN)/python benchmarks/main_job.py $(ARGS)

bench-sensors: .venv/.dev
	@$(BIN)/python -m benchmarks.sensors $(ARGS)

bench-history: .venv/.dev
	@$(BIN)/python -m benchmarks.history $(ARGS)

# Twenty kills of the service and the database, twenty restarts of the broker, under load; some minutes.
torture: .venv/.dev
	FARWATCH_TORTURE=20 FARWATCH_TORTURE_STATIONS=200 $(BIN)/python -m pytest -q -s tests/e2e/test_torture.py $(ARGS)

# Whom to send: ours against the nearest idle officer, in a simulated city; two minutes, or ARGS=--quick.
bench-dispatch: .venv/.dev
	@$(BIN)/python -m benchmarks.dispatch $(ARGS)

# From a finding to the offer on its officer's page, with 500 pages open; two minutes.
bench-pages: .venv/.dev
	@$(BIN)/python -m benchmarks.pages $(ARGS)

bench-vision: .venv/.dev
	@$(BIN)/python benchmarks/vision_clips.py $(ARGS)

bench-cameras: .venv/.dev
	@$(BIN)/python -m benchmarks.cameras $(ARGS)

# A hundred kills of either of two engines, under fifty findings a second; some six minutes.
kills: .venv/.dev
	FARWATCH_KILLS=100 $(BIN)/python -m pytest -q -s tests/e2e/test_kills.py $(ARGS)

# Ten thousand open tasks with their clocks, and a database that stands still for two minutes across a deadline of five; seven minutes.
clocks: .venv/.dev
	FARWATCH_MANY=10000 FARWATCH_OUTAGE_S=120 $(BIN)/python -m pytest -q -o log_cli=true --log-cli-level=INFO \
	  tests/integration/test_clocks_many.py tests/integration/test_clocks_outage.py $(ARGS)

# Sixty cameras beside the monitors' load; half an hour, or ARGS="--minutes 5".
soak-cameras: .venv/.dev
	@$(BIN)/python -m benchmarks.camera_soak $(ARGS)

# A thousand connections to cameras broken in every way; some ten minutes.
disconnects: .venv/.dev
	FARWATCH_DISCONNECTS=1000 $(BIN)/python -m pytest -q -s tests/e2e/test_disconnects.py $(ARGS)

fuzz-hj212: .venv/.dev
	@$(BIN)/python -m benchmarks.fuzz_hj212 $(ARGS)

# After editing requirements/*.in; writes hashes and no addresses.
requirements: .venv/.dev
	@$(BIN)/python -m pip install --quiet pip-tools
	@cd requirements && for part in run dev console; do ../$(BIN)/pip-compile -q --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --allow-unsafe --strip-extras -o $$part.txt $$part.in; done

clean:
	rm -rf .venv console/dist console/node_modules
