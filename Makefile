# The two commands of the README are `make demo` and `make test`; both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: setup demo test check format clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV): about 6 GB, most of it PyTorch, in 2 to 5 minutes; this is done once."
	@# On a terminal pip shows what it is at, with a bar for each large file; a log is spared that.
	@test -t 1 || quietly=--quiet; \
	$(BIN)/python -m pip install $$quietly --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@echo "$(VENV) is ready."
	@touch $@

demo: setup
	$(BIN)/misfire demo

test: setup
	$(BIN)/python -m pytest --numprocesses 2

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses 2

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf mlruns report .pytest_cache .mypy_cache .ruff_cache .hypothesis
