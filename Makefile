# The two commands of the README are `make demo` and `make test`; both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Each of two processes begins with one half of the tests, so that what a file's tests share is made once.
SHARED := --numprocesses 2 --dist worksteal

.PHONY: setup demo test check format clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV): about 6 GB, most of it PyTorch, in 2 to 5 minutes; this is done once."
	@# On a terminal pip shows what it is at, with a bar for each large file; in a log, how far it is stands every 3 s.
	@install="$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable .[dev]"; \
	if [ -t 1 ]; then $$install; else \
		$$install --quiet & pid=$$!; \
		while sleep 3; kill -0 $$pid 2>/dev/null; do echo "  $$(du -sm $(VENV) | cut -f1) of about 6000 MB"; done; \
		wait $$pid; \
	fi
	@echo "$(VENV) is ready."
	@touch $@

demo: setup
	$(BIN)/misfire demo

test: setup
	$(BIN)/python -m pytest $(SHARED)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(SHARED)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf mlruns report .pytest_cache .mypy_cache .ruff_cache .hypothesis
