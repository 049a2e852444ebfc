"""The trace of a run: its events, one JSON line each, in MEMENTO_HOME/traces/THREAD.jsonl. Written and read here.

A thread of its own writes, so that a run waits for no disk. A line is there whole or, after a crash, as the torn last
one; the next writer begins a new line, and the reader passes over it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, cast

from configs.private_folders import private_folder
from graph.events import Event
from graph.telling import RunName
from graph.workspaces import THREAD_ID

logger = logging.getLogger(__name__)
FOLDER = "traces"
TEXT_CHARS = 4000
LIST_ITEMS = 200
DEEPEST = 20
MAX_WAITING = 100_000
MAX_FILE_BYTES = 256_000_000
GATHER_SECONDS = 0.05
"""Events of so long are written together: each waking of the thread takes time from the runs."""
FLUSH_SECONDS, CLOSE_SECONDS = 1.0, 3.0
_Job: TypeAlias = "tuple[RunName, Event] | Callable[[], None] | None"


@dataclass(frozen=True, slots=True)
class Traced:
    """An event as it was read back, and the run it is of: the id of its task."""

    run: str
    event: dict[str, Any]


def trace_path(home: Path, run: RunName) -> Path:
    """Where a thread's trace is. An unusual id is hashed, so that it never names a path; a run without a thread has
    a file of its own."""
    name = run.thread_id or f"run-{run.task_id}"
    plain = THREAD_ID.fullmatch(name) and not name.startswith(".")
    return home / FOLDER / f"{name if plain else hashlib.sha256(name.encode()).hexdigest()[:32]}.jsonl"


class TraceWriter:
    """Implements `graph.telling.Listener`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._urgent = threading.Event()
        self._fault: str | None = None
        self._told = False
        self._dropped = False
        self._thread = threading.Thread(target=self._work, name="memento-traces", daemon=True)
        self._thread.start()

    def heard(self, run: RunName, event: Event) -> None:
        """Have the event written soon; where the disk cannot follow, it is dropped."""
        if self._jobs.qsize() < MAX_WAITING:
            self._jobs.put((run, event))
        elif not self._dropped:
            self._dropped = True
            self._fail("the disk is too slow")

    def fault(self) -> str | None:
        """Why a trace is not complete; told once for all runs."""
        if self._fault is None or self._told:
            return None
        self._told = True
        return self._fault

    async def settled(self) -> None:
        """Until all events so far are in their files; a second at most."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(done.set)

        self._jobs.put(tell)
        self._urgent.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), FLUSH_SECONDS)

    def close(self) -> None:
        """Write what is left; gives up after a few seconds."""
        self._jobs.put(None)
        self._urgent.set()
        self._thread.join(CLOSE_SECONDS)
        if (fault := self.fault()) is not None:
            logger.warning("%s", fault)

    def _fail(self, reason: str) -> None:
        self._fault = self._fault or f"the trace of this run is not complete: {reason}"

    def _work(self) -> None:
        while True:
            batch = [self._jobs.get()]
            self._urgent.wait(GATHER_SECONDS)
            self._urgent.clear()
            with suppress(Empty):
                while True:
                    batch.append(self._jobs.get_nowait())
            self._write([each for each in batch if isinstance(each, tuple)])
            for each in batch:
                if each is None:
                    return
                if not isinstance(each, tuple):
                    each()

    def _write(self, events: list[tuple[RunName, Event]]) -> None:
        texts: dict[Path, list[str]] = {}
        for run, event in events:
            texts.setdefault(trace_path(self._home, run), []).append(line_of(run, event))
        for path, lines in texts.items():
            try:
                append(path, "".join(lines).encode("utf-8", "replace"))
            except OSError as error:
                self._fail(f"{path}: {error.strerror or type(error).__name__}")


def line_of(run: RunName, event: Event) -> str:
    """An event as a line of its file: bounded, plain JSON."""
    fields = {"at": event.get("at"), "run": run.task_id, **event}
    return json.dumps(shortened(fields), ensure_ascii=False, default=str) + "\n"


def shortened(value: Any, depth: int = 0) -> Any:
    """A JSON value with long texts and lists cut, saying how much is missing; numbers JSON does not know are null."""
    if isinstance(value, str):
        cut = len(value) - TEXT_CHARS
        return value if cut <= 0 else f"{value[:TEXT_CHARS]}… [{cut} more characters]"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return {str(key): shortened(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        kept = [shortened(each, depth + 1) for each in value[:LIST_ITEMS]]
        return kept if len(value) <= LIST_ITEMS else [*kept, f"… [{len(value) - LIST_ITEMS} more]"]
    return value


def append(path: Path, data: bytes) -> None:
    """Append whole lines; what a crash left of a line before them is closed first.

    Raises:
        OSError: the file cannot be written, or is as large as one may get.
    """
    private_folder(path.parent)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size > MAX_FILE_BYTES:
            raise OSError(0, f"it has {size} bytes; no more is kept")
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def read_trace(home: Path, thread_id: str) -> list[Traced]:
    """The events of a thread's runs in the order they were written; none where there is no trace.

    Raises:
        OSError: there is one, and it cannot be read.
    """
    try:
        with trace_path(home, RunName(thread_id, "")).open("rb") as file:
            return list(_events(file))
    except FileNotFoundError:
        return []


def _events(lines: Iterator[bytes] | Any) -> Iterator[Traced]:
    for line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue  # torn by a crash
        if isinstance(found, dict) and isinstance(found.get("type"), str):
            event = cast(dict[str, Any], found)
            yield Traced(str(event.pop("run", "")), event)
