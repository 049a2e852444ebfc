"""A process that changes a bank at random, says what it does before and after each change, and dies when told to."""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from configs.settings import load_settings
from memory.case_bank import CaseBank
from memory.entries import Entry
from memory.learner import Learner
from memory.policies.base import PolicyOptions
from tests.fakes.quick_bank import LEARNING, QuickEmbedder, quick_case, quick_episode

STAGES: Mapping[str, tuple[str, str]] = {
    "before the journal": ("memory.journal", "_write_at"),
    "after the journal": ("memory.journal", "_write_at"),
    "in a line of the journal": ("memory.journal", "_write_at"),
    "before the ledger's commit": ("memory.ledger_fold", "Fold.flush"),
    "after the ledger": ("memory.journal", "Journal._fold_written"),
    "before the vectors": ("memory.index", "ChromaIndex.write"),
    "after the vectors": ("memory.index", "ChromaIndex.write"),
    "after the removed vectors": ("memory.index", "ChromaIndex.delete"),
    "before the words": ("memory.lexical_index", "LexicalIndex.write"),
    "after the words": ("memory.lexical_index", "LexicalIndex.write"),
    "before the snapshot": ("memory.learner", "_save"),
    "after the snapshot": ("memory.learner", "_save"),
}
"""Where a writer can die, and of which function before, after or in the middle of its work."""


def write_until_killed(home: Path, seed: int, stage: str, notes: Any) -> None:
    """Change a bank at random until killed: from outside, or by itself at the given stage.

    Args:
        home: of the bank.
        seed: decides every change, and at which call of its stage the writer dies.
        stage: one of STAGES, or empty.
        notes: the end of a pipe that gets "ready", and each change as JSON before it is made and "done" after it.
    """
    pytest.MonkeyPatch().setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    notes.send_bytes(b"ready")
    draw = random.Random(seed)
    if stage:
        _die_at(stage, draw.randint(1, 8))
    bank, learner = CaseBank(load_settings(overrides=[f"home={home}"])), Learner(PolicyOptions(seed=0))
    while True:
        number = len(bank.ledger.entries)
        change = _change(draw, bank, f"s{seed}n{number}")
        notes.send_bytes(json.dumps(change).encode())
        _make(draw, bank, change)
        notes.send_bytes(b"done")
        if draw.random() < 0.2:
            for name in LEARNING:
                learner.current(name, "default", bank.ledger)
            bank.save(learner)


def _change(draw: random.Random, bank: CaseBank, name: str) -> dict[str, Any]:
    ids = list(bank.ledger.entries)
    kind = draw.choice(("add", "add", "reward", "archived", "restored", "deleted")) if len(ids) > 3 else "add"
    if kind == "add":
        size = draw.choice((1, 1, 1, 12))
        rewards = [draw.choice((0, 1, 1, None)) for _ in range(size)]
        twins = [f"{name}x{draw.randrange(size) if draw.random() < 0.3 else at}" for at in range(size)]
        return {
            "kind": "add",
            "cases": [[twin, reward, str(at)] for at, (twin, reward) in enumerate(zip(twins, rewards, strict=True))],
        }
    some = draw.sample(ids, draw.randint(1, 3))
    return {"kind": kind, "ids": some[: 1 if kind == "reward" else 3], "reward": draw.choice((0, 1))}


def _make(draw: random.Random, bank: CaseBank, change: Mapping[str, Any]) -> None:
    match change["kind"]:
        case "add":
            ids = list(bank.ledger.entries)
            cases = [quick_case(name, reward, run=run) for name, reward, run in change["cases"]]
            bank.add([Entry(case, episode=quick_episode(draw, ids)) for case in cases])
        case "reward":
            bank.reward("default", change["ids"][0], change["reward"])
        case "deleted":
            bank.delete("default", change["ids"])
        case kind:
            bank.set_archived("default", change["ids"], kind == "archived")


def _die_at(stage: str, call: int) -> None:
    """Arrange for SIGKILL at a call of a stage's function."""
    module, path = STAGES[stage]
    owner: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    function: Callable[..., Any] = getattr(owner, name)
    calls = iter(range(1, 10**6))

    def deadly(*args: Any, **kwargs: Any) -> Any:
        last = next(calls) == call
        if last and stage.startswith("before"):
            os.kill(os.getpid(), signal.SIGKILL)
        if last and stage.startswith("in"):
            descriptor, offset, data = args
            function(descriptor, offset, data[: len(data) * 2 // 3])
        result = None if last and stage.startswith("in") else function(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)
