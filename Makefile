# Everything in one command each: `make book` and `make test` set up what they need.
# The work is done by dodo.py and tools/; README.md has the same commands without make.

PYTHON ?= python3
CHAPTER ?=
NAME ?=
PARAMS ?=
PORT ?= 8000
SETTINGS ?=
PRICES ?=
GROUPS ?=
OUTPUT ?= build/portfolio
OPTIONS ?=
SEED ?= 1
VPY = .venv/bin/python
DOIT = BOOK_ENVIRONMENT_TIME=build/environment.time $(VPY) -m doit

.DEFAULT_GOAL := help
.PHONY: help env book pdf epub test serve run portfolio accept portable new-chapter data lock lint mutants bench clean lab

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

env: ## make .venv hold what requirements.lock says
	@$(PYTHON) tools/environment.py

book: env ## execute and validate every chapter, render build/site/index.html
	@$(DOIT) site
	@echo "Open: $(CURDIR)/build/site/index.html"

pdf: book ## print the book into build/ and let the site offer it; needs Chromium
	@$(VPY) -m tools.site.print_edition

epub: book ## the book as an e-book in build/, offered by the site
	@$(VPY) -m tools.site.epub_edition

test: book ## every test; builds the book first if it is stale
	@$(VPY) -m pytest

serve: env ## local site that follows your edits [PORT=8000]
	@$(VPY) -m tools.build.serve --port $(PORT)

lab: env ## chapters as notebooks in JupyterLab, saved as text [PORT=8000]
	@$(VPY) -m tools.build.lab --port $(PORT)

run: env ## one chapter with your parameters: CHAPTER=01 [PARAMS="n_assets=50 seed=7"]
	@$(VPY) -m tools.build.run_chapter $(CHAPTER) $(PARAMS)

new-chapter: env ## start a chapter from a template that keeps the rules: NAME=two-words
	@$(VPY) -m tools.build.new_chapter "$(NAME)"

portfolio: env ## report on your prices: PRICES=my.csv [GROUPS=groups.csv OUTPUT=dir OPTIONS="--costs 0.002"]
	@$(VPY) -m mixfolio report "$(PRICES)" $(if $(GROUPS),--groups "$(GROUPS)") \
		--output "$(OUTPUT)" $(OPTIONS)

accept: env ## record new reference outputs, print the difference [CHAPTER=01]
	@$(VPY) -m tools.build.accept $(CHAPTER)

portable: env ## run chapters as other machines would [SETTINGS="skylakex 4-threads" CHAPTER=07]
	@$(VPY) -m tools.build.portable $(SETTINGS) $(if $(CHAPTER),--chapter $(CHAPTER))

data: env ## rebuild data/ from the packages that distribute the originals, then check it
	@$(VPY) tools/rebuild_data.py
	@$(VPY) tools/rebuild_data.py --check

lock: env ## resolve requirements.lock and requirements-lab.lock again from pyproject.toml
	@$(VPY) -m tools.build.lock

lint: env ## ruff and mypy
	@$(VPY) -m ruff check .
	@$(VPY) -m ruff format --check .
	@$(VPY) -m mypy

mutants: env ## plant small errors in the numerical core, count those that tests notice [SEED=1]
	@$(VPY) -m tools.mutants --seed $(SEED)

bench: env ## measure speed, accuracy and memory into benchmarks/results.json
	@$(VPY) -m benchmarks.environment
	@build/bench-venv/bin/python benchmarks/run.py

clean: ## remove build/ (the environment stays)
	@rm -rf build
