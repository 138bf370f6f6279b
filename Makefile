# Two targets are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-all lint clean

demo: $(READY)
	$(BIN)/msq-finn demo --out demo-out

test: lint
	$(BIN)/pytest -n 2 -m "not slow" tests
	$(BIN)/pytest -q -n 2 msq_finn transforms

test-all: lint
	$(BIN)/pytest -n 2 tests msq_finn transforms

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[finn,rtl,dev]"
	# FINN's board driver, for tests against a fake board; it asks for NumPy 1, but does not need it.
	$(BIN)/pip install --quiet --no-deps finn-plus-driver==1.6.1
	touch $@

clean:
	rm -rf $(VENV) demo-out build-out
