# One command sets up and runs the main job, one runs the tests, one checks everything else. A second run is fast.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= demo
ARGS   ?=

.PHONY: demo test check types clean help

help:
	@echo "make demo    a project on real data, the whole loop run on it, then JupyterLab (ARGS=--no-lab does not open it)"
	@echo "make test    every test, the browser's too"
	@echo "make check   style, types, architecture, front end"
	@echo "make types   the front end's types, from the Python records"
	@echo "make clean   remove what these made"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# The package as a user gets it: a wheel, its front end built with a Node that comes with the build.
$(VENV)/.demo: $(BIN)/python pyproject.toml requirements.lock
	@echo "installing into $(VENV): some minutes, most of them downloads and the front end's build"
	$(BIN)/pip install --quiet --constraint requirements.lock ".[examples]"
	touch $@

# The package as a developer has it: the checkout itself, with what tests and checks need.
$(VENV)/.dev: $(BIN)/python pyproject.toml requirements.lock
	$(BIN)/pip install --quiet --constraint requirements.lock --editable ".[examples,explain,fast,jwt,mysql,notify,postgresql]" --group test --group check
	touch $@

demo: $(VENV)/.demo
	$(BIN)/jupyter mlops quickstart $(DEMO) $(ARGS)

# Where this is set, each of the hundreds of processes that tests start would compile the package anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/install_programs.sh
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm install && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm check

types: $(VENV)/.dev
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm install && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm types

clean:
	rm -rf $(VENV) jupyter_mlops/labextension labextension/lib labextension/node_modules labextension/tsconfig.tsbuildinfo
