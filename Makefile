# Two targets are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Where this is set, every process would compile what it imports anew.
export PYTHONDONTWRITEBYTECODE :=
READY := $(VENV)/.ready

.PHONY: demo test test-all notebooks board-test coverage rehearse docs lint clean

demo: $(INSTALLED)
	$(BIN)/msq-finn demo --out demo-out

# Two workers have the cores: further threads of theirs would wait for one another.
test test-all coverage: export OMP_NUM_THREADS := 1

test: lint docs
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow" tests
	$(BIN)/pytest -q -n 2 --doctest-glob="*.md" msq_finn transforms docs

test-all: lint
	$(BIN)/pytest -n 2 tests msq_finn transforms

# Runs every notebook and stores what it prints and draws; `make test` runs all but the four
# that take a minute or more.
notebooks: $(READY)
	$(BIN)/python -m tests.store_notebooks
	$(BIN)/pytest -q tests/test_notebooks.py -k "not runs"

# The demo's package in Python for armv7l and aarch64, under QEMU. As root it installs Debian's
# qemu-user-static and mmdebstrap; where it cannot, it says why and tests nothing.
board-test: $(READY)
	bash tests/board/roots.sh build/board-roots
	$(BIN)/pytest -q -rs tests/board

# Lines of the package that the tests reach, at least 90 %; also those run by worker processes.
coverage: $(READY)
	$(BIN)/pytest -q -n 2 --dist worksteal -m "not slow" --cov=msq_finn --cov=transforms \
		--cov-report=term --cov-fail-under=90 tests

# The Vivado scripts of the demo on a Zynq-7000 and on an UltraScale+, without Vivado.
rehearse: $(READY)
	set -e; for board in Pynq-Z1 Ultra96; do \
		$(BIN)/msq-finn demo --board $$board --out build/rehearse-$$board; \
		$(BIN)/msq-finn rehearse build/rehearse-$$board; \
	done

# Warnings are errors: a link to nowhere, a parameter that a docstring invents.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir build/site

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What users need. Modules are compiled when they are first imported: all of them take a minute.
$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --editable ".[finn,rtl]"
	touch $@

# What tests and documentation need besides.
$(READY): $(INSTALLED)
	$(BIN)/pip install --quiet --editable ".[finn,rtl,dev,docs]"
	# FINN's board driver, with which tests compare ours; it asks for NumPy 1, but does not need it.
	$(BIN)/pip install --quiet --no-deps finn-plus-driver==1.6.1
	touch $@

clean:
	rm -rf $(VENV) demo-out build-out
