# Two commands matter: `make demo` and `make test`. Both set everything up first, in .venv.
# `make test-all` adds what CONTRIBUTING.md, "Tests", says.
PYTHON ?= python3
BIN := .venv/bin
CLIPS ?= examples/clips.csv
PAIR := $(if $(word 2,$(CLIPS)),$(wordlist 1,2,$(CLIPS)),examples/cat.mp4 examples/cat_compressed.mp4)

# What reinforcement begins from; make nano makes another.
BASE ?= bases/nano
STAGES ?= nano/stage

.PHONY: setup demo web check-lowest test test-all test-deepspeed test-vllm test-verl test-lmms test-systems mutants check docs fix nano generator teach examples clean

setup: .venv/ready

# torch goes first and by exact version, so that pip can take a CPU build where one is at hand.
.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable ".[dev]"
	@touch $@

demo: setup
	$(BIN)/vqinsight score $(CLIPS) --report report.html
	$(BIN)/vqinsight compare $(PAIR)
	@echo "The report is in report.html: open it in a browser."

web: setup
	$(BIN)/vqinsight web --folder examples

PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test: setup
	$(PYTEST) -m "not full"

test-all: test
	$(PYTEST) -m full

# Breaks a copy of the source in one place at a time: fails where the nearest test does not notice.
mutants: setup
	$(BIN)/python -m tools.mutants

# ZeRO-2 and ZeRO-3 on two processes of a CPU. DeepSpeed lies beside the environment, not in it.
test-deepspeed: setup .deepspeed/ready
	DS_ACCELERATOR=cpu PYTHONPATH=.deepspeed PATH="$(CURDIR)/.deepspeed/bin:$$PATH" OMP_NUM_THREADS=1 \
		$(BIN)/python -m pytest -m full -k deepspeed tests/invariant/test_sharded.py
	DS_ACCELERATOR=cpu PYTHONPATH=.deepspeed PATH="$(CURDIR)/.deepspeed/bin:$$PATH" \
		$(BIN)/python -m benchmarks.performance.precision --only ZeRO-2 ZeRO-3 --json results/precision_deepspeed.json

# Clips through vLLM: VLLM is the folder of its environment, MODEL one it serves.
test-vllm: setup
	VLLM_PROGRAM=$(abspath $(VLLM))/bin/vllm VLLM_MODEL=$(abspath $(MODEL)) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s tests/endpoint/test_vllm.py

# verl reads an export: VERL is the folder of its environment.
test-verl: setup
	VERL_PYTHON=$(abspath $(VERL))/bin/python OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/training/test_verl.py

# lmms-eval runs our tasks: LMMS is the folder of its environment, which gets this project without what it needs.
test-lmms: setup
	$(LMMS)/bin/pip install --quiet --no-deps --editable .
	LMMS_EVAL=$(abspath $(LMMS))/bin/lmms-eval OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s tests/lmms/test_lmms.py

# Other systems' own code beside our adapters: CLONES holds NAME/env and NAME/code, as `vqinsight baselines NAME --recipe`
# makes them. Weights are random and of reduced size.
test-systems: setup
	$(BIN)/python -m benchmarks.systems.run --systems $(CLONES) --json results/systems.json

.deepspeed/ready:
	$(BIN)/pip install --quiet --no-deps --target .deepspeed hjson py-cpuinfo ninja msgpack einops
	DS_BUILD_OPS=0 $(BIN)/pip install --quiet --no-deps --no-build-isolation --target .deepspeed deepspeed
	touch .deepspeed/ready

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The fast tests with the lowest versions that pyproject.toml allows, in an environment of its own.
check-lowest:
	$(PYTHON) -m venv build/lowest
	build/lowest/bin/python -m tools.lowest > build/lowest/constraints.txt
	build/lowest/bin/pip install --quiet torch==2.13.0
	build/lowest/bin/pip install --quiet --editable ".[test]" --constraint build/lowest/constraints.txt
	OMP_NUM_THREADS=1 build/lowest/bin/python -m pytest --numprocesses 2 --dist worksteal -m "not full and not slow"

# The site in build/site; a broken link or anchor is an error.
docs: .venv/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The site is in build/site: open build/site/index.html in a browser."

.venv/docs-ready: .venv/ready
	$(BIN)/pip install --quiet --editable ".[docs]"
	@touch $@

fix: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Makes the next embedded assessor, which reads measurements, from nothing but this repository: pre-training, stage 1,
# stage 2 (some two hours on two cores; goes on after a stop). The base before reinforcement is then in runs/nano/base.
nano: SHELL := /bin/bash
nano: setup
	time OMP_NUM_THREADS=1 $(BIN)/torchrun --nproc_per_node 2 -m vqinsight.nano.assessor.pretrain --out runs/nano
	$(BIN)/python -m vqinsight.nano.assessor.export runs/nano/final --out runs/nano/base --heads
	$(MAKE) teach BASE=runs/nano/base STAGES=nano/separate_stage
	$(BIN)/python -m vqinsight.nano.assessor.export runs/stage2/final

# Stage 1, then stage 2, from BASE (an hour or more on two cores; goes on after a stop). The result lies in runs/stage2/final.
teach: SHELL := /bin/bash
teach: setup
	time OMP_NUM_THREADS=1 $(BIN)/torchrun --nproc_per_node 2 -m vqinsight train $(STAGES)1 --set model.name=$(BASE) --resume
	time OMP_NUM_THREADS=1 $(BIN)/torchrun --nproc_per_node 2 -m vqinsight train $(STAGES)2 --resume

# Trains the embedded generator from nothing but this repository (some two hours on one core; goes on after a stop).
generator: SHELL := /bin/bash
generator: setup
	time OMP_NUM_THREADS=1 $(BIN)/python -m vqinsight.nano.generator.train --out runs/generator
	$(BIN)/python -m vqinsight.nano.generator.export runs/generator/final

examples: setup
	$(BIN)/python examples/make.py

clean:
	rm -rf .venv build report.html .pytest_cache .ruff_cache .mypy_cache .hypothesis
