# `make` lists the targets. Settings are variables: make run DATA_ROOT=/path/to/csvs
SHELL := /bin/bash
.DEFAULT_GOAL := help

ROWS ?= 200000
PORT ?= 8500
REST_PORT ?= 8501
USER_FILE ?= serving/examples/user.json
CANDIDATES ?= serving/examples/candidates.csv
RANK_FLAGS ?=
TARGET ?= kubeflow
IMAGE ?= community-din:0.1.0
SCHEDULE ?= --help
export PORT REST_PORT
# Variables on make's command line are in the environment; their names tell a mistyped setting from another variable.
export MAKE_GIVEN = $(foreach word,$(MAKEOVERRIDES),$(if $(findstring =,$(word)),$(firstword $(subst =, ,$(word)))))

# Without bytecode files each start of TFX compiles thousands of modules anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export TF_CPP_MIN_LOG_LEVEL := 3

CODE := benchmarks components data kubeflow pipeline serving settings tests trainer transform local_runner.py

.PHONY: help setup run ingest config prune tune score versions rollback canary promote parity lineage serve rank check-export kubeflow schedule image run-synthetic test test-unit test-tools test-kubeflow-official test-engines wheel lint format sample lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings are variables, such as DATA_ROOT=data/sample STATE_ROOT=var SPAN=2026-01-31; 'make config' lists them all."

setup: ## Install the locked environment into .venv, if it is not there yet
	@scripts/setup

run: setup ## Run the pipeline on DATA_ROOT: from CSVs to a published model
	@python -m pipeline run

ingest: setup ## Ingest and validate SPANS (FROM..TO, or a list; by default the window's) without training
	@python -m pipeline ingest

config: setup ## Print all settings as YAML, with what each does: make config > run.yaml; make run CONFIG=run.yaml
	@python -m pipeline config

prune: setup ## Remove old spans, models and metadata; DRY_RUN=1 only tells what would go
	@python -m pipeline prune

tune: setup ## Try hyperparameters, and write the best to OUTPUT (STATE_ROOT/tuned.yaml), which make run CONFIG= takes
	@python -m pipeline tune

score: setup ## Score the unlabelled rows of INPUT, a CSV or a folder of such, into the folder OUTPUT
	@python -m pipeline score

versions: setup ## List the published versions, and which is served, compared with, or rolled back
	@python -m pipeline versions

rollback: setup ## Serve the model of VERSION again (by default of the one before), and mark what came after it; REASON=...
	@python -m pipeline rollback

canary: setup ## Label VERSION (by default the newest) canary, beside the stable one
	@python -m pipeline canary

promote: setup ## Make the canary the stable version
	@python -m pipeline promote

parity: setup ## Compare the served requests of LOG with the model and its data; CLICKS=... joins clicks, OUTPUT=... is JSON
	@python -m pipeline parity

lineage: setup ## Tell where VERSION comes from: its model, rows, files and settings
	@python -m pipeline lineage

serve: setup ## Serve the published model until Ctrl-C; says by which server
	@scripts/serve

rank: setup ## Rank CANDIDATES for USER_FILE by the served model; RANK_FLAGS=--explain shows the attention
	@python -m serving.rank --server localhost:$(PORT) --user $(USER_FILE) --candidates $(CANDIDATES) $(RANK_FLAGS)

check-export: setup ## Run the published model's signatures in the TensorFlow of TensorFlow Serving's image
	@scripts/check_export

kubeflow: setup ## Compile the package for Kubeflow Pipelines, or for Vertex AI with TARGET=vertex, into build/
	@python -m kubeflow.compile --target $(TARGET)

schedule: setup ## Schedule the package on Kubeflow: SCHEDULE="create --cron '0 0 6 * * *'"; --help lists the commands
	@python -m kubeflow.schedule $(SCHEDULE)

image: ## Build the image of Kubeflow's steps, with Docker: IMAGE=REGISTRY/community-din:0.1.0
	docker build --build-arg REVISION="$$(git rev-parse HEAD)" -t $(IMAGE) .

run-synthetic: setup ## Run it on ROWS freshly synthesized rows, kept under var/
	@python -m data.synthesize --rows $(ROWS) --spans 3 --out var/synthetic/$(ROWS)
	@DATA_ROOT=var/synthetic/$(ROWS) python -m pipeline run

test: setup ## Run all tests, with whole runs of the pipeline, in two processes
	@pytest -n 2 --dist loadscope --no-loadscope-reorder -rs

test-unit: setup ## Run the tests that need no large library: seconds
	@pytest --light -m "not end_to_end and not slow" -rs

test-tools: ## Install what the tests use beside the environment: as root, on Debian and Ubuntu
	@scripts/test_tools

test-kubeflow-official: ## Run the Kubeflow tests with the official lock, where glibc is older in a Debian 13 root folder
	@scripts/test_official kubeflow

test-engines: ## Run the whole pipeline on Prism with workers elsewhere, in the same way; needs Go
	@scripts/test_official engines

wheel: setup ## Build this project's wheel into build/, for Beam workers whose image lacks it (docs/ENGINES.md)
	@python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build .

lint: setup ## Check style and types
	@ruff check .
	@ruff format --check .
	@mypy $(CODE)

format: setup ## Format the code
	@ruff check --fix --quiet . || true
	@ruff format .

sample: setup ## Write data/sample anew
	@python -m data.synthesize --out data/sample --rows 30000 --spans 3 --seed 0 --start-date 2026-01-01 --truth var/sample-truth

lock: setup ## Compile both lock files anew from pyproject.toml
	@scripts/lock

clean: ## Remove the environment and all state
	rm -rf .venv var build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
