# `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INDEX := var/demo

.PHONY: help demo test test-slow check bench peers screenshots clean

help: ## what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

# torch first and pinned, so that nothing pulls a CUDA build (docs/decisions.md).
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install --constraint constraints.txt torch==2.13.0
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(PIP) install --constraint constraints.txt --group dev hatchling editables --editable '.[postgres]'
	touch $@

demo: $(VENV)/.installed ## index sample_kb and serve it on http://127.0.0.1:8080/
	$(BIN)/kbsearch-index build sample_kb --out $(INDEX)
	$(BIN)/kbsearch calibrate --index $(INDEX) --queries sample_kb/questions.jsonl
	KBSEARCH_TITLE=Brize KBSEARCH_CONTACT=mailto:help@brize.example $(BIN)/kbsearch serve --index $(INDEX)

test: $(VENV)/.dev ## the fast tests (under 3 minutes)
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/.dev ## the tests that take longer
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.dev ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## measure everything that benchmarks/results/ states
	$(PIP) install --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks.lexical
	$(BIN)/python -m benchmarks.dense
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.ablations
	$(BIN)/python -m benchmarks.index_parts
	$(BIN)/python -m benchmarks.decision
	$(BIN)/python -m benchmarks.answers
	$(BIN)/python -m benchmarks.tickets
	$(BIN)/python -m benchmarks.suggestions
	$(BIN)/python -m benchmarks.stages
	$(BIN)/python -m benchmarks.language
	$(BIN)/python -m benchmarks.http
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.ties
	$(BIN)/python -m benchmarks.gaps
	$(BIN)/python -m benchmarks.boilerplate
	$(BIN)/python -m benchmarks.indexing
	$(BIN)/python -m benchmarks.indexing --model kbsearch-mini --passages 1 --words 12
	$(BIN)/python -m benchmarks.kills
	$(BIN)/python -m benchmarks.gate
	$(BIN)/python -m benchmarks.rollback
	$(BIN)/python -m benchmarks.measurement.simulate
	$(BIN)/python -m benchmarks.measurement.kill
	$(BIN)/python -m benchmarks.measurement.ingest
	$(BIN)/python -m benchmarks.measurement.speed

peers: $(VENV)/.dev ## measure other engines beside kbsearch (downloads them)
	$(BIN)/python -m benchmarks.peers

screenshots: $(VENV)/.dev ## take the pictures in docs/images
	$(BIN)/python docs/screenshots.py
	$(BIN)/python -m docs.dashboard_screenshots
	$(BIN)/python -m docs.widget_screenshots

clean: ## remove what was built, keep the virtual environment
	rm -rf var/demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
