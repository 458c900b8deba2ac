# Everything here needs make and Python 3.11 or newer: every target first makes .venv from uv.lock.
# ARGS are passed on: make test ARGS="-k inventory"

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
UV_REQUIREMENT := uv>=0.9

# Called rather than looked up: a version manager's shim can be on PATH and still not run.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .uv/bin/uv)

# The project's .venv, with this machine's Python: whatever the caller's environment says, uv fetches none.
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
# The first run of a command should not be the slow one.
export UV_COMPILE_BYTECODE := 1

# Sets $$python. The real path, as python3 may be the one in the .venv that uv is about to replace.
FIND_PYTHON = for p in $(PYTHONS); do \
		python=$$($$p -c 'import os, sys; sys.version_info >= (3, 11) or sys.exit(1); print(os.path.realpath(sys.executable))' 2>/dev/null) && break; \
	done; \
	[ -n "$$python" ] || { echo "Willcall needs Python 3.11 or newer; none of these is: $(PYTHONS)" >&2; exit 1; }

.PHONY: help demo up test test-fast fix neighbours faults mutations deploys onsale lint shape reference docs client clients bench bench-quick audit

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.synced ## send sample requests through the real queue and print what became of them
	@.venv/bin/willcall demo $(ARGS)

up: .venv/.synced ## run everything in the foreground: intake on port 8000, Flower on 5555
	@.venv/bin/willcall up $(ARGS)

test: .venv/.synced ## run the tests
	@.venv/bin/pytest -n auto $(ARGS)

test-fast: .venv/.synced ## run the tests that need no servers: under a minute
	@.venv/bin/pytest -n auto --without-servers tests/schemas tests/vendors tests/orders tests/worker tests/intake/documents $(ARGS)

neighbours: .venv/.synced ## have a stranger do everything at once beside another tenant: ten minutes on each broker
	@NEIGHBOURS_SECONDS=$${NEIGHBOURS_SECONDS:-600} .venv/bin/pytest -s tests/system/neighbours/at_once/test_everything_at_once.py $(ARGS)

faults: .venv/.synced ## inject hundreds of faults under load, and write docs/reliability.md: 35 minutes; needs RabbitMQ
	@FAULTS_ROUNDS=$${FAULTS_ROUNDS:-3} .venv/bin/pytest -s tests/system/failover tests/system/test_orders_on_the_queue.py tests/system/test_dead_letters.py
	@.venv/bin/python -m tests.faults --write $(ARGS)

mutations: .venv/.synced ## switch each safeguard off in turn, and see that the oracle of faults notices; needs RabbitMQ
	@FAULTS_ROUNDS=$${FAULTS_ROUNDS:-3} .venv/bin/pytest -s tests/faults/mutating/test_mutations.py $(ARGS)

deploys: .venv/.synced ## restart, upgrade and restore under load, and let a million requests wait; needs RabbitMQ
	@DEPLOYS_QUEUED=$${DEPLOYS_QUEUED:-1000000} .venv/bin/pytest -s tests/system/deploys tests/system/backup $(ARGS)

onsale: .venv/.synced ## simulate an on-sale of 20,000 buyers with killed workers, and write its plot and screenshots: 5 minutes
	@.venv/bin/python -m tests.onsale --write $(ARGS)

lint: .venv/.synced ## check style, format, types and the direction of imports
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

shape: .venv/.synced ## say how large files and functions are, and who imports whom; ARGS=--json for programs
	@.venv/bin/python -m tools.shape $(ARGS)

client: .venv/.synced ## build the distribution for other programs, willcall-client, into dist/
	@cd deploy/client && ../../.venv/bin/hatchling build --target wheel --directory ../../dist

reference: .venv/.synced ## write the pages of docs/reference that are made from the code
	@.venv/bin/python -m docs.generate

docs: .venv/.synced ## build the documentation as a site, in site/
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet $(ARGS)

clients: .clients/node/.synced .clients/php/.synced .clients/ruby/.synced ## get the vendors' own clients for their tests; needs the network

fix: .venv/.synced ## format everything, and mend what can be mended
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: .venv/.peers ## run the benchmarks
	@.venv/bin/python -m benchmarks $(ARGS)

bench-quick: .venv/.peers ## run the benchmarks, small
	@.venv/bin/python -m benchmarks --quick $(ARGS)

audit: .audit/.synced ## look for known vulnerabilities in what uv.lock names, and write .audit/sbom.json; needs the network
	@$(UV) export --frozen --no-dev --no-emit-project --all-extras --quiet --output-file .audit/requirements.txt
	@.audit/bin/cyclonedx-py requirements .audit/requirements.txt --pyproject pyproject.toml --output-file .audit/sbom.json
	@.audit/bin/pip-audit --requirement .audit/requirements.txt --require-hashes --disable-pip --strict $(ARGS)

# A stamp, so that only a changed lock costs anything. uv itself need not be newer than it: | means that.
.venv/.synced: pyproject.toml uv.lock | $(UV)
	@echo "Making .venv from uv.lock; the first time takes a minute." >&2
	@$(FIND_PYTHON); UV_PYTHON="$$python" $(UV) sync --frozen --extra embedded --extra tracing --group dev --group docs --quiet
	@touch $@

# What the benchmarks compare with, installed only for them.
.venv/.peers: .venv/.synced
	@$(FIND_PYTHON); UV_PYTHON="$$python" $(UV) sync --frozen --extra embedded --extra tracing --group dev --group docs --group peers --quiet
	@touch $@

# The vendors' clients, as their lock file names them; none of their install scripts is run.
.clients/node/.synced: tests/contract/clients/node/package.json tests/contract/clients/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is not installed: it gets the vendors' clients for Node." >&2; exit 1; }
	@mkdir -p .clients/node && cp tests/contract/clients/node/package*.json .clients/node/
	@npm ci --prefix .clients/node --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# By commit: the hash says that each source is what was tried.
.clients/php/.synced .clients/ruby/.synced: .clients/%/.synced: tests/contract/clients/%/sources.txt
	@command -v git >/dev/null || { echo "git is not installed: it gets the vendors' clients for PHP and Ruby." >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(@D)
	@while read -r name commit url; do \
		git init -q "$(@D)/$$name" && \
		git -C "$(@D)/$$name" fetch -q --depth 1 "$$url" "$$commit" && \
		git -C "$(@D)/$$name" -c advice.detachedHead=false checkout -q "$$commit" || exit 1; \
	done < $<
	@touch $@

# Apart from .venv: its tools must not decide which versions we use.
.audit/.synced: pyproject.toml uv.lock | $(UV)
	@$(FIND_PYTHON); UV_PYTHON="$$python" UV_PROJECT_ENVIRONMENT=.audit $(UV) sync --frozen --only-group audit --quiet
	@touch $@

.uv/bin/uv:
	@$(FIND_PYTHON); \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$$python cannot make virtual environments; install its venv module (Debian, Ubuntu: apt install python3-venv) or uv." >&2; exit 1; }; \
	"$$python" -m venv --clear .uv && \
	.uv/bin/python -m pip install --quiet --disable-pip-version-check '$(UV_REQUIREMENT)'
