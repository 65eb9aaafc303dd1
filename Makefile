# `make` alone lists what there is. VENV and PYTHON can be set: make PYTHON=python3.12 setup
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
WORKERS ?= 2
export PYTHON
# A compiled module is read several times as fast: let Python keep what it compiles.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
RUN := $(VENV)/.ready-codec,filters,reverb,timbre
DEV := $(VENV)/.ready-codec,filters,reverb,timbre,wandb,dev
DOCS := $(VENV)/.ready-codec,filters,reverb,timbre,wandb,dev,docs
# One thread a test process: as fast with a process a core, and sums come out in the same order every time.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
	XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" JAX_PLATFORMS=cpu

# An environment whose installation was interrupted is built anew, whichever target asks for it first.
$(VENV)/.ready-%: pyproject.toml constraints.txt .ci/setup $(if $(wildcard $(VENV)/.unfinished),interrupted)
	@.ci/setup $(VENV) $*

.PHONY: help interrupted setup demo test lint format bench bench-data bench-reverb bench-reverb-quality bench-timbre bench-timbre-quality bench-filters bench-filters-quality docs constraints clean distclean

help: ## List these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | \
		while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: $(DEV) ## Build or update the environment in .venv, with the tools for development

demo: $(RUN) ## Generate songs, train the smallest codec on them, write a report to look at and listen to
	@$(BIN)/tonewright demo

test: $(DEV) ## Run the tests; make test ARGS="tests/dsp -k mel" runs some
	@$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations 10 $(ARGS)

lint: $(DEV) ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright --pythonpath $(BIN)/python

format: $(DEV) ## Bring the source into the house's form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: bench-data bench-reverb bench-timbre bench-filters ## Measure everything that is claimed to be fast

bench-data: $(DEV) ## Measure sound, its sources, losses and the trainer against their peers, which get environments of their own
	@for file in $(wildcard benchmarks/data.py benchmarks/sources.py benchmarks/losses.py benchmarks/trainer.py); do \
		echo "== $$file"; $(BIN)/python "$$file" || exit; done

bench-reverb: $(DEV) ## Measure the training and rendering of reverbs beside pyFDN, which gets an environment of its own
	@$(BIN)/python benchmarks/reverb.py $(ARGS)

bench-reverb-quality: $(DEV) ## Measure how near fitted reverbs come to rooms; needs a folder of responses: make bench-reverb-quality ARGS="--rirs FOLDER"
	@$(BIN)/python benchmarks/reverb_quality.py $(ARGS)

bench-timbre: $(DEV) ## Measure the timbre descriptors beside timbral_models, which gets an environment of its own; other sounds: ARGS="--sounds FOLDER"
	@$(BIN)/python benchmarks/timbre.py $(ARGS)

bench-timbre-quality: $(DEV) ## Measure how near the timbre descriptors are to timbral_models; on other sounds: ARGS="--sounds FOLDER"
	@$(BIN)/python benchmarks/timbre_quality.py $(ARGS)

bench-filters: $(DEV) ## Measure the filters' training, rendering, fitting and reading beside plain Flax, torch and SciPy
	@$(BIN)/python benchmarks/filters.py $(ARGS)

bench-filters-quality: $(DEV) ## Train the filters and measure what they learned, about half an hour: ARGS="--pool FOLDER --sounds FOLDER"
	@$(BIN)/python benchmarks/filters_quality.py $(ARGS)

docs: $(DOCS) ## Build the documentation in site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

constraints: $(DEV) ## Resolve pyproject.toml anew into constraints.txt; TORCH=2.14.0 changes torch's version
	@$(BIN)/python .ci/pin.py $(TORCH)

clean: ## Remove what tools left behind; environments, runs and songs stay
	rm -rf build dist site .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## Remove the environments too
	rm -rf $(VENV) .venv-peers
