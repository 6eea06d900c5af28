# Every target makes its own .venv first; only Python and a C compiler need to be there.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# The root of the checkout must not be on the import path: its datasets/ would hide a library.
export PYTHONSAFEPATH = 1
# Tests run side by side, one to a core; threads of libraries would wait for each other.
TEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/pytest -n auto

.PHONY: help demo test test-slow soak lint check bench audit clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.neural ## run the demo benchmark and write runs/demo/report/index.html
	$(BIN)/codecbench demo -o runs/demo

test: $(VENV)/.dev ## run the tests that need no special hardware
	$(TEST) -m "not slow and not soak and not gpu and not weights"

test-slow: $(VENV)/.dev ## run the tests that take long
	$(TEST) --dist loadgroup -m "slow and not soak and not gpu and not weights"

soak: $(VENV)/.dev ## run the longest tests, which repeat in full what others test in short
	$(TEST) -m "soak and not gpu and not weights"

lint: $(VENV)/.dev ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## everything that a change must pass

bench: $(VENV)/.dev ## measure speed; writes build/bench
	$(BIN)/python -P tests/benchmarks/run_all.py --out build/bench

audit: $(VENV)/.dev ## look for known faults of all dependencies
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install -q pip-audit
	build/audit/bin/pip-audit --strict --skip-editable --progress-spinner off \
	  --path $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")

clean: ## remove what the other targets made
	rm -rf $(VENV) build runs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Packages without wheels are installed one by one, so that one that cannot be built is named
# together with its fix and the rest works.
define install_compiled
	@for extra in $(1); do \
	  $(BIN)/pip install -q -e ".[$$extra]" || { \
	    echo "warning: extra '$$extra' could not be built; install a C and C++ compiler" \
	         "(apt-get install gcc g++ python3-dev), then run 'rm -rf $(VENV)' and make again." \
	         "Until then its cells say skipped:missing_dependency."; }; \
	done
endef

$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -e .
	$(call install_compiled,pesq world)
	@touch $@

# Without torch the demo does everything else, so a torch that cannot be had is only named.
$(VENV)/.neural: $(VENV)/.base
	@$(BIN)/pip install -q -e ".[neural]" || \
	  echo "warning: torch could not be installed; cells of neural codecs say" \
	       "skipped:missing_dependency. Try '$(BIN)/pip install torch' to see why."
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/pip install -q -e ".[dev]"
	$(call install_compiled,oracle)
	@touch $@
