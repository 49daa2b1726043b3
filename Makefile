# SPDX-License-Identifier: Apache-2.0
# Every target sets itself up; `make demo` and `make test` are all that a newcomer needs.

WINDOWS := $(filter Windows_NT,$(OS))
PYTHON ?= $(if $(WINDOWS),python,python3)
BIN := .venv/$(if $(WINDOWS),Scripts,bin)

.PHONY: demo test lint unit conformance zephyr-test fuzz bench docs clean setup-demo setup-test

demo: setup-demo ## build the quickstart and run it in the emulator
	$(BIN)/python samples/quickstart/demo.py

test: setup-test lint unit ## everything that has to be true of every commit

lint: setup-test
	$(BIN)/ruff check west_llext tests benchmarks tools
	$(BIN)/ruff format --check west_llext tests benchmarks tools
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 west_llext
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin west_llext
	$(BIN)/lint-imports

unit: setup-test
	$(BIN)/python -m pytest -q -n auto

conformance: setup-test ## thousands of real objects, each equal to GNU ld (and lld) byte for byte [ARCH=riscv]
	$(BIN)/python -m tests.conformance $(addprefix --arch ,$(ARCH))
	$(BIN)/python -m tests.conformance --lld --mode prelocated $(addprefix --arch ,$(ARCH))

zephyr-test: setup-test ## samples and tests in a real tree of Zephyr, run in QEMU: ZEPHYR_BASE=… [BOARD=…]
	$(BIN)/python tools/zephyr_test.py "$(ZEPHYR_BASE)" $(BOARD)

fuzz: setup-test ## minutes of damaged input
	-@$(PYTHON) tools/setup.py fuzz
	$(BIN)/python -m tests.fuzz

bench: setup-test ## speed, as ratios against GNU ld in the same run
	$(BIN)/python -m benchmarks

docs: setup-test
	$(BIN)/mkdocs build --strict

setup-demo:
	@$(PYTHON) tools/setup.py run,zig

setup-test:
	@$(PYTHON) tools/setup.py run,zig,west,dev cross node

clean:
	rm -rf .venv .node build samples/*/build site
