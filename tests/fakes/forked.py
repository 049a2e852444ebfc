"""Processes that start in milliseconds: forked from one that has the libraries of the agent imported."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

import pytest

from tests.project_files import ROOT

PRELOADED = [
    *("chromadb", "tantivy", "memory.bank_files", "memory.open_memories", "tests.fakes.bank_writer"),
    *("langchain_openai", "graph.sqlite_checkpoints", "graph.postgres_checkpoints", "tests.fakes.twelve_steps"),
]


def forked_context() -> ForkServerContext:
    """The context; the process that forks is started here, in an environment in which ours is importable."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # the server that forks knows no other path before Python 3.13
        process = context.Process()
        process.start()
    process.join()
    return context
