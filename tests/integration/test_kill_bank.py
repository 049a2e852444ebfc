"""`kill -9` of whoever writes to the bank, again and again on one home: what was acknowledged is there, all agrees."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from memory.case_bank import CaseBank
from memory.entries import Entry
from tests.conftest import SettingsFactory
from tests.fakes.bank_writer import STAGES, write_until_killed
from tests.fakes.forked import forked_context
from tests.fakes.quick_bank import QuickEmbedder, assert_agreement, assert_each_written_once, quick_case

AT_RANDOM, AT_STAGES = 26, 24
LONGEST = 0.6
"""Seconds a writer lives when killed from outside: opening takes about a third of that."""
State = dict[str, tuple[int | None, bool]]
"""Reward and whether archived, by case."""


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return forked_context()


def after(state: State, change: Mapping[str, Any], *, done: bool) -> list[State]:
    """The states a change may have left behind: of a batch that was cut, the first cases."""
    if change["kind"] == "add":
        cases = [quick_case(name, reward, run=run) for name, reward, run in change["cases"]]
        new = list({case.id: case.reward for case in cases}.items())
        cuts = [len(new)] if done else list(range(len(new) + 1))
        return [{**{id_: (reward, False) for id_, reward in new[:cut]}, **state} for cut in cuts]
    changed = dict(state)
    for id_ in change["ids"]:
        reward, archived = changed.pop(id_)
        match change["kind"]:
            case "reward":
                changed[id_] = (change["reward"], archived)
            case "archived" | "restored" as kind:
                changed[id_] = (reward, kind == "archived")
    return [changed] if done else [state, changed]


def killed_writer(
    context: ForkServerContext, home: Path, seed: int, stage: str
) -> tuple[list[tuple[dict[str, Any], bool]], float]:
    """Let a writer live until it dies at a stage, or for a random time: its changes, each with whether it was done."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=write_until_killed, args=(home, seed, stage, sender))
    process.start()
    sender.close()
    assert receiver.recv_bytes() == b"ready"
    moment = random.Random(seed).uniform(0, LONGEST)
    process.join(20.0 if stage else moment)
    assert not stage or process.exitcode == -9, f"seed {seed}: ended with {process.exitcode} {stage}"
    process.kill()
    process.join()
    return list(notes(receiver)), moment


def notes(receiver: Connection) -> Iterator[tuple[dict[str, Any], bool]]:
    change: dict[str, Any] | None = None
    while True:
        try:
            note = receiver.recv_bytes()
        except (EOFError, OSError):
            if change is not None:
                yield change, False
            return
        if note == b"done":
            assert change is not None
            yield change, True
            change = None
        else:
            change = json.loads(note)


@pytest.mark.timeout(300)
def test_killed_fifty_times(
    processes: ForkServerContext, settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    start = random.SystemRandom().randrange(10**6)
    say(f"seeds from {start}")
    state: State = {}
    for number in range(AT_RANDOM + AT_STAGES):
        stage = list(STAGES)[number // 2 % len(STAGES)] if number % 2 and number < 2 * AT_STAGES else ""
        made, moment = killed_writer(processes, settings().home, start + number, stage)
        possible = [state]
        for change, done in made:
            possible = after(state, change, done=done)
            if done:
                state = possible[0]
        bank = CaseBank(settings())
        try:
            bank.open()
            entries = assert_agreement(bank, settings().home, tmp_path / str(number))
        finally:
            bank.close()
        assert_each_written_once(settings().home)
        say(f"seed {start + number}: {stage or f'after {moment:.2f} s'}, {len(made)} changes, {len(entries)} cases")
        state = now(entries)
        assert state in possible, f"seed {start + number}: {stage or f'after {moment:.2f} s'}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def now(entries: Mapping[str, Entry]) -> State:
    return {id_: (entry.case.reward, entry.archived) for id_, entry in entries.items()}
