"""Cases, episodes and vectors made quickly from numbers, and a check that everything a bank keeps agrees."""

from __future__ import annotations

import random
import shutil
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from configs.settings import PolicyName, Settings
from memory.case import Case, Reward, Step, case_id
from memory.case_bank import CaseBank
from memory.embedding import Vectors, normalised
from memory.entries import Entry
from memory.episode import Episode, Shown, pack
from memory.events import LINE, CaseWritten, Deleted
from memory.features import CONTEXT, FEATURES
from memory.journal import FILE, Journal
from memory.learner import Learner
from memory.ledger import Ledger
from memory.policies.base import PolicyOptions
from memory.rows import rows_of

LEARNING: tuple[PolicyName, ...] = ("bandit", "soft-q")
TABLES = ("cases", "shown", "counts")


class QuickEmbedder:
    """Unit vectors from hashes."""

    name, dimension = "quick", 16

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=self.dimension) for text in texts]
        return normalised(rows)


def quick_case(name: str, reward: Reward | None = 1, *, namespace: str = "default", run: str = "") -> Case:
    """A case with one solved subtask; its name is a word of the task that no other case has."""
    plan = (Step(id=1, description=f"solve {name}", status="done", result="r"),)
    id_ = case_id(f"task {name}", plan, run, namespace)
    return Case(
        id=id_, task=f"task {name}", plan=plan, reward=reward, namespace=namespace, run_id=run, reward_source="judge"
    )


def quick_episode(draw: random.Random, ids: Sequence[str]) -> Episode:
    """As if some of the cases had been shown, by a policy that looks at features and records vectors."""
    shown = draw.sample(list(ids), min(len(ids), draw.randint(0, 3)))
    return Episode(
        policy="bandit",
        k=4,
        bank_size=len(ids),
        context=(1.0, *(round(draw.uniform(-1, 1), 6) for _ in CONTEXT[1:])),
        vector=pack(normalised([[draw.gauss(0, 1) for _ in range(QuickEmbedder.dimension)]])[0]),
        slate=tuple(
            Shown(case_id=id_, features=tuple(round(draw.uniform(-1, 1), 6) for _ in FEATURES)) for id_ in shown
        ),
    )


def tables(ledger: Ledger) -> dict[str, list[Any]]:
    """What the ledger's file holds, but for what still has to be indexed."""
    return {name: sorted(ledger.store.rows(f"SELECT * FROM {name}")) for name in TABLES}  # noqa: S608  # fixed names


def fresh_ledger(home: Path, folder: Path) -> Ledger:
    """The journal of a home folded from nothing, in an empty folder."""
    folder.mkdir()
    if (home / FILE).exists():
        shutil.copy(home / FILE, folder / FILE)
    journal = Journal(folder)
    journal.refresh()
    return journal.ledger


def states(ledger: Ledger, namespace: str = "default") -> dict[str, dict[str, Any]]:
    """What each learning policy has learned, from nothing or the snapshot that the ledger keeps."""
    learner = Learner(PolicyOptions(seed=0))
    return {name: learner.current(name, namespace, ledger).policy.state_dict() for name in LEARNING}


def assert_agreement(bank: CaseBank, home: Path, folder: Path, namespace: str = "default") -> dict[str, Entry]:
    """Journal, ledger, vectors, words and policies of an embedded bank agree; the entries by id.

    Args:
        bank: the open bank.
        home: its home.
        folder: a folder to be made, for a fresh replay.
        namespace: whose vectors, words and policies.
    """
    ledger, fresh = bank.ledger, fresh_ledger(home, folder)
    assert tables(ledger) == tables(fresh)
    assert not ledger.store.rows("SELECT * FROM pending")
    assert states(ledger, namespace) == states(fresh, namespace)
    entries = dict(ledger.entries)
    rows = [row for entry in entries.values() for row in rows_of(entry) if row.namespace == namespace]
    vector = bank.embed("task")
    found = [(hit.case_id, hit.reward) for hit in bank.nearest(namespace, vector, len(rows) + 50)]
    assert Counter(found) == Counter((row.id, int(row.kind == "success")) for row in rows if row.kind != "subtask")
    solved = [one.id for one in bank.nearest_subtasks(namespace, vector, len(rows) + 50)]
    assert Counter(solved) == Counter(row.id for row in rows if row.kind == "subtask")
    assert_words(bank, namespace, entries.values())
    return entries


def assert_words(bank: CaseBank, namespace: str, entries: Collection[Entry]) -> None:
    """Every retrievable case is found once by the word that only it and its duplicates have, any other not at all."""
    lexical = bank._files.lexical
    expected: dict[str, list[str]] = {entry.case.task: [] for entry in entries}
    for entry in entries:
        if entry.indexed and entry.case.namespace == namespace:
            expected[entry.case.task].append(entry.case.id)
    for task, ids in expected.items():
        hits = [id_ for id_, _ in lexical.search(namespace, task.removeprefix("task "), 9)]
        assert sorted(hits) == sorted(ids), task
    assert lexical.count(namespace) == sum(map(len, expected.values()))


def assert_each_written_once(home: Path) -> None:
    """No case is in the journal twice, but after it was deleted."""
    there: set[str] = set()
    lines = (home / FILE).read_bytes().split(b"\n")[:-1] if (home / FILE).exists() else []
    for event in map(LINE.validate_json, lines):
        if isinstance(event, CaseWritten):
            assert event.case.id not in there, f"{event.case.id} was written twice"
            there.add(event.case.id)
        elif isinstance(event, Deleted):
            there.difference_update(event.case_ids)


@contextmanager
def opened(settings: Settings) -> Iterator[CaseBank]:
    """An open bank, closed at the end."""
    bank = CaseBank(settings)
    try:
        bank.open()
        yield bank
    finally:
        bank.close()


def entries(names: str) -> list[Entry]:
    """A case a letter, small ones failed."""
    draw = random.Random(names)
    cases = [quick_case(f"n{name}", 0 if name.islower() else 1) for name in names]
    return [Entry(case, episode=quick_episode(draw, [one.id for one in cases[:at]])) for at, case in enumerate(cases)]


def names(settings: Settings, folder: Path) -> str:
    """The cases of a bank, opened anew, when everything in it agrees."""
    with opened(settings) as bank:
        found = assert_agreement(bank, settings.home, folder)
    return "".join(entry.case.task.removeprefix("task n") for entry in found.values())
