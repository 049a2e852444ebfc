"""`kill -9` at random moments of a run of twelve steps, each time resumed: nothing is lost, nothing is done twice.

`MEMENTO_TEST_KILLS=200` kills more often than the 30 times for each database that it is done otherwise.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from memory.journal import replay
from tests.fakes.forked import forked_context
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.quick_bank import assert_each_written_once, states
from tests.fakes.twelve_steps import ANSWER, carry_out, noted, prepare, rules

KILLS = int(os.environ.get("MEMENTO_TEST_KILLS", "30"))
KILLS_A_RUN = 3
AT_ONCE = 3
BY_TIME, SECONDS = 0.3, 1.5
"""So many kills come at a moment of the first so many seconds of a process, most of which it spends with starting."""
AT_CALL, CALL_SECONDS = 0.3, 0.12
"""So many kills come while a tool with side effects is at work, or just before or after."""
EVENTS, STEP_SECONDS = 22, 0.06
"""The others come after some event it tells, within the time that a step takes."""
MODEL_CALLS = 7


@dataclass
class Trial:
    """One run: killed again and again, then left to end."""

    context: ForkServerContext
    home: Path
    database_url: str | None
    seed: int
    kills: int
    moments: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    requests: int = 0

    @property
    def thread_id(self) -> str:
        """Its own, since the runs share a PostgreSQL database."""
        return f"run-{self.seed}"

    def run(self) -> Trial:
        prepare(self.home)
        draw = random.Random(self.seed)
        with OpenAIServer(rules()) as server:
            while not self.result:
                self._attempt(server.url, draw)
            self.requests = len(server.chats)
            server.assert_done()
        return self

    def _attempt(self, url: str, draw: random.Random) -> None:
        """A process; killed at a random moment as long as there are kills left, unless it ends before."""
        receiver, sender = self.context.Pipe(duplex=False)
        process = self.context.Process(
            target=carry_out, args=(self.home, url, self.database_url, sender, self.thread_id)
        )
        process.start()
        sender.close()
        is_time, moment = self._moment(draw)
        deadline, heard = None, 0
        while (note := self._next(receiver, deadline)) is not None:
            if deadline is None and is_time(heard, note) and len(self.moments) < self.kills:
                deadline = time.monotonic() + moment
            heard += 1
            if isinstance(note, dict):
                self.result = note.get("outcome", {})
                self.told.append(note)
        if not self.result:
            assert deadline is not None, f"seed {self.seed}: the process ended by itself with {process.exitcode}"
            process.kill()
            self.moments.append(f"{moment:.3f} s after {self._last()}")
        process.join()
        self._rest(receiver)

    def _moment(self, draw: random.Random) -> tuple[Callable[[int, Any], bool], float]:
        """Which note, by its number or by what it says, starts the clock, and for how long it runs."""
        kind = draw.random()
        if kind < BY_TIME:
            return lambda heard, _: heard == 0, draw.uniform(0, SECONDS)
        if kind < BY_TIME + AT_CALL:
            return (
                lambda _, note: note != "ready" and (note.get("type"), note.get("name")) == ("tool_called", "book"),
                draw.uniform(0, CALL_SECONDS),
            )
        number = draw.randint(1, EVENTS)
        return lambda heard, _: heard == number, draw.uniform(0, STEP_SECONDS)

    def _next(self, receiver: Connection, deadline: float | None) -> Any:
        """The next note; None when it is time to kill or the process has ended."""
        if not receiver.poll(60.0 if deadline is None else max(deadline - time.monotonic(), 0)):
            return None
        try:
            return json.loads(receiver.recv_bytes())
        except (EOFError, OSError):
            return None

    def _rest(self, receiver: Connection) -> None:
        """What was told before the kill and not read yet."""
        while (note := self._next(receiver, 0.0)) is not None:
            if isinstance(note, dict):
                self.told.append(note)

    def _last(self) -> str:
        return str(self.told[-1]["type"]) if self.told else "the start"

    def check(self, learned: dict[str, Any]) -> None:
        about = f"seed {self.seed}, killed at {self.moments}"
        assert (self.result["status"], self.result["answer"], self.result["reward"]) == ("answered", ANSWER, 1), about
        ledger = replay(self.home)
        assert list(ledger.entries) == [self.result["case_id"]], about
        assert_each_written_once(self.home)
        assert states(ledger) == learned, f"{about}: the policies have learned something else"
        calls = [line.split(" ", 2) for line in noted(self.home).read_text(encoding="utf-8").splitlines()]
        assert [key for _, name, key in calls if name == "book"] == ["seat 7"], f"{about}: {calls}"
        finished = [each for each in self.told if each.get("type") == "tool_returned" and each["ok"]]
        for each in finished:
            same = [at for at, name, key in calls if name == each["name"] and key == self._key(each)]
            again = [at for at in same if float(at) > each["at"]]
            assert not again or self._asked_anew(each), f"{about}: {each} was told, and done again"
        lost = 2 * len(self.moments)  # two branches, a reply in flight in each
        doubts = sum("may have happened" in each.get("result", "") for each in self.told)
        assert self.requests <= MODEL_CALLS + lost + 2 * doubts, f"{about}: {self.requests} model calls"

    def _asked_anew(self, returned: dict[str, Any]) -> bool:
        """Whether the model has made the same call a second time, as it does where a booking is in doubt twice."""
        later = [each for each in self.told if each.get("type") == "tool_called" and each["at"] > returned["at"]]
        return any(each["id"] != returned["id"] and each["arguments"]["key"] == self._key(returned) for each in later)

    def _key(self, returned: dict[str, Any]) -> str:
        called = [each for each in self.told if each.get("type") == "tool_called"]
        same = [each for each in called if (each["id"], each["subtask"]) == (returned["id"], returned["subtask"])]
        return str(same[0]["arguments"]["key"])


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return forked_context()


@pytest.mark.timeout(60 + 5 * KILLS)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_killed_at_random_moments(
    database: str, processes: ForkServerContext, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres").database() if database == "postgres" else None
    start = random.SystemRandom().randrange(10**6)
    say(f"{database}: {KILLS} kills, seeds from {start}")
    baseline = Trial(processes, tmp_path / "whole", url, start, 0).run()
    learned = states(replay(baseline.home))
    baseline.check(learned)
    assert baseline.requests == MODEL_CALLS

    def trial(number: int) -> Trial:
        return Trial(processes, tmp_path / str(number), url, start + number, KILLS_A_RUN).run()

    killed, number = 0, 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while killed < KILLS:
            size = -(-(KILLS - killed) // KILLS_A_RUN)
            for done in pool.map(trial, range(number + 1, number + 1 + size)):
                say(f"seed {done.seed}: killed {done.moments}")
                done.check(learned)
                killed += len(done.moments)
            number += size
    say(f"{killed} kills in {number} runs")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
