SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 4
AEGRA_PYTHON ?= python3.12
Q ?= What is 48 times 37?

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test tool-table listings test-aegra check bench bench-million chat-ui simulate dev ask clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another one with: make PYTHON=...")'
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all,server,dev,postgres,otel]'
	touch $@

install: $(STAMP)  ## create .venv and install what constraints.txt pins

demo: install  ## watch a frozen small model fail without memory and succeed with it
	$(BIN)/memento demo

test: install  ## run the whole test suite, WORKERS tests at a time
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

tool-table: install  ## try every tool on real files and write docs/tools.md
	rm -rf build/tool-table
	MEMENTO_TOOL_TABLE=$(CURDIR)/build/tool-table $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $$(grep -rlE 'tool_table|one_server' tests/integration)
	$(BIN)/python -m tests.tool_page build/tool-table

listings: install  ## write anew what the bundled servers list
	$(BIN)/python -m tools.servers.write_listings

test-aegra: install  ## kill and restart a server of the LangGraph API on PostgreSQL: Aegra (needs Python 3.12)
	test -x .venv-aegra/bin/pip || $(AEGRA_PYTHON) -m venv --clear .venv-aegra
	.venv-aegra/bin/pip install --quiet --constraint constraints.txt torch
	.venv-aegra/bin/pip install --quiet --constraint constraints.txt '.[postgres]' aegra-api==0.11.0
	MEMENTO_TEST_AEGRA=$(CURDIR)/.venv-aegra/bin/python $(BIN)/python -m pytest tests/integration/test_aegra.py

check: install  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2

bench: install  ## measure what the agent itself costs, and the case memory up to 100,000 cases, against the original's way
	$(BIN)/python -m benchmarks.tool_calls
	$(BIN)/python -m benchmarks.orchestration
	$(BIN)/python -m benchmarks.retrieval
	$(BIN)/python -m benchmarks.parametric
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.lexical

chat-ui: install  ## drive LangChain's agent-chat-ui in headless Chromium; needs npm; pictures in build/chat-ui/shots
	CHAT_UI=build/chat-ui $(BIN)/python -m pytest tests/integration/test_chat_ui.py

simulate: install  ## compare every case policy in six simulated worlds, 20 seeds each
	$(BIN)/python -m evaluation.simulation --markdown

bench-million: install  ## hold and search a million cases
	$(BIN)/python -m benchmarks.scale --sizes 1000000

dev: install  ## serve the graph with langgraph dev
	$(BIN)/langgraph dev

ask: install  ## ask one question: make ask Q="..."
	$(BIN)/memento ask "$$Q"

clean:  ## remove .venv and what tools left behind
	rm -rf $(VENV) .venv-aegra .mypy_cache .pytest_cache .ruff_cache .langgraph_api build *.egg-info

export Q
