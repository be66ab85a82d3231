# One word for every chore, the same here and in CI. `make help` prints this list.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
FUZZ_STAMP := $(VENV)/.installed-fuzz

.PHONY: help crawl test quick check lint types coverage format real scoreboard fuzz clean
.PHONY: bench bench-micro bench-memory bench-check profile

help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

crawl: $(STAMP) ## the main job: crawl the practice shop into out/books.jsonl
	$(BIN)/scrape config.yaml

test: $(DEV_STAMP) ## every test, the kill tests too
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest

quick: $(DEV_STAMP) ## the tests that need no child process and no waiting
	$(BIN)/python -m pytest -m "not slow"

check: lint types test coverage ## all that CI checks: format, lint, types, tests, coverage

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV_STAMP)
	$(BIN)/mypy

coverage: $(DEV_STAMP)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

format: $(DEV_STAMP) ## rewrite the code as the formatter likes it
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

real: $(STAMP) ## crawl Debian's python3.11-doc from a real web server and compare (as root: installs it and nginx)
	$(PYTHON) tests/real/run.py --python $(BIN)/python

bench: $(STAMP) ## one job, many crawlers, one table: a quarter of an hour
	$(BIN)/python -m benchmarks crawl

bench-micro: $(STAMP) ## what each step of a page costs
	$(BIN)/python -m benchmarks micro

bench-memory: $(STAMP) ## what many URLs, pages, hosts and large bodies take
	$(BIN)/python -m benchmarks memory

bench-check: $(STAMP) ## has a step become dearer? Instructions against the stored baseline (needs valgrind)
	$(BIN)/python -m benchmarks check

profile: $(STAMP) ## where the time of a page goes, by room
	$(BIN)/python -m benchmarks profile

scoreboard: $(STAMP) ## some 140 hostile behaviours against Scrapy, into docs/scoreboard.md: ten minutes
	$(BIN)/python -m benchmarks.hostile

fuzz: $(FUZZ_STAMP) ## fuzz all that reads what others wrote, for FUZZ_SECONDS (300); see docs/fuzzing.md
	$(BIN)/python -m fuzz

clean: ## remove what make made (your crawls' state and output stay)
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis dist .real \
		benchmarks/.envs benchmarks/.sites

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scraper needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV_STAMP): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP) $@

# atheris has no wheel for some platforms; without it the other engine has all the time.
$(FUZZ_STAMP): $(DEV_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,speed,fuzz]' \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,speed]'
	@touch $@
