"""Writes of many runs as few batches: what waits while one batch is written goes into the next."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeAlias

from memory.entries import Entry

MOST = 256
"""Entries in one batch."""
PAUSE = 4.0
"""While several write, as many times as long as a batch took do they gather for the next one: a batch of many costs
little more than one of one, and some of it stops every thread."""
LONGEST = 0.5
"""Seconds of such a pause."""

Add: TypeAlias = Callable[[Sequence[Entry]], list[str]]
"""Writes entries as one batch; gives the ids of the new ones."""
_log = logging.getLogger(__name__)
_Waiting: TypeAlias = "tuple[Entry, Future[bool]]"


class SharedWrites:
    """Hands entries to `add`, one batch at a time, in a thread that lives only while there is something to write.

    Every entry is answered by what became of it: a batch that fails is tried again entry by entry.
    """

    def __init__(self, add: Add) -> None:
        self._add = add
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._thread: threading.Thread | None = None

    def submit(self, entry: Entry) -> Future[bool]:
        """Whether the entry was new, once it is written; or what `add` raised for it. Does not block."""
        future: Future[bool] = Future()
        future.set_running_or_notify_cancel()  # who waits may go, the case is written all the same
        with self._lock:
            self._waiting.append((entry, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="case-writer")
                self._thread.start()
        return future

    def join(self) -> None:
        """Wait until everything submitted so far is written."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _write_all(self) -> None:
        while batch := self._next_batch():
            began = time.monotonic()
            self._write_batch(batch)
            self._gather(PAUSE * (time.monotonic() - began))

    def _gather(self, seconds: float) -> None:
        """Let more come, if someone waits already; alone, a writer never waits."""
        with self._lock:
            several = bool(self._waiting)
        if several:
            time.sleep(min(seconds, LONGEST))

    def _write_batch(self, batch: Sequence[_Waiting]) -> None:
        if len(batch) == 1:
            self._write_alone(batch[0])
            return
        try:
            self._write(batch)
        except BaseException:  # noqa: BLE001  # each is told what becomes of it alone
            _log.info("a batch of %d cases could not be written; trying each alone", len(batch), exc_info=True)
            for one in batch:
                self._write_alone(one)

    def _next_batch(self) -> list[_Waiting]:
        with self._lock:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            if not batch:
                self._thread = None
            return batch

    def _write(self, batch: Sequence[_Waiting]) -> None:
        new = set(self._add([entry for entry, _ in batch]))
        for entry, future in batch:
            future.set_result(entry.case.id in new)
            new.discard(entry.case.id)

    def _write_alone(self, one: _Waiting) -> None:
        try:
            self._write([one])
        except BaseException as error:  # noqa: BLE001  # the one who waits gets it
            one[1].set_exception(error)
