"""Writes of many runs as few batches: what waits while one batch is written goes into the next."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias

from memory.entries import Entry

MOST = 256
"""Entries in one batch."""
PAUSE = 4.0
"""While several write, as many times as long as a batch took do they gather for the next one: a batch of many costs
little more than one of one, and some of it stops every thread."""
LONGEST = 0.5
"""Seconds of such a pause."""

GRACE = 0.03
"""Seconds in which those just answered end their runs before indexing takes the processor, unless someone waits."""

Keep: TypeAlias = Callable[[Sequence[Entry]], list[str]]
"""Makes entries durable as one batch; gives the ids of the new ones."""
_log = logging.getLogger(__name__)
_Waiting: TypeAlias = "tuple[Entry, Future[bool]]"


class SharedWrites:
    """Hands entries to `keep`, one batch at a time, in a thread that lives only while there is something to write.

    Every entry is answered by what became of it, as soon as it is durable: a batch that fails is tried again entry by
    entry. Then `index` brings the indexes in line; whoever has to see what was answered waits for `indexed()`.
    """

    def __init__(self, keep: Keep, index: Callable[[], None]) -> None:
        self._keep = keep
        self._index = index
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._indexed: Future[None] = _uncancelled()
        self._indexed.set_result(None)

    def submit(self, entry: Entry) -> Future[bool]:
        """Whether the entry was new, once it is durable; or what `keep` raised for it. Does not block."""
        future: Future[bool] = _uncancelled()
        with self._lock:
            self._waiting.append((entry, future))
            if self._thread is None:
                thread = threading.Thread(target=self._write_all, name="case-writer")
                try:
                    thread.start()
                except RuntimeError:  # no more threads: nothing was taken, and the next one tries again
                    self._waiting.pop()
                    raise
                self._thread = thread
        return future

    def indexed(self) -> Future[None]:
        """Done once everything answered so far is indexed, or was tried to be. Does not block."""
        self._wanted.set()
        return self._indexed

    def join(self) -> None:
        """Wait until everything submitted so far is written and indexed."""
        with self._lock:
            thread = self._thread
        self._wanted.set()
        if thread is not None:
            thread.join()

    def _write_all(self) -> None:
        while batch := self._next_batch():
            began = time.monotonic()
            self._wanted.clear()
            self._indexed = _uncancelled()
            self._keep_all(batch)
            self._wanted.wait(GRACE)
            self._bring_in_line()
            self._indexed.set_result(None)
            self._gather(PAUSE * (time.monotonic() - began))

    def _bring_in_line(self) -> None:
        try:
            self._index()
        except Exception:  # noqa: BLE001  # who waited is answered; the next use tries again, and tells if it fails
            _log.warning("cases are written and could not be indexed yet", exc_info=True)

    def _next_batch(self) -> list[_Waiting]:
        with self._lock:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            if not batch:
                self._thread = None
            return batch

    def _gather(self, seconds: float) -> None:
        """Let more come, if someone waits already; alone, a writer never waits."""
        with self._lock:
            several = bool(self._waiting)
        if several:
            time.sleep(min(seconds, LONGEST))

    def _keep_all(self, batch: Sequence[_Waiting]) -> None:
        if len(batch) == 1:
            self._keep_alone(batch[0])
            return
        try:
            self._answer(batch)
        except BaseException:  # noqa: BLE001  # each is told what becomes of it alone
            _log.info("a batch of %d cases could not be written; trying each alone", len(batch), exc_info=True)
            for one in batch:
                self._keep_alone(one)

    def _keep_alone(self, one: _Waiting) -> None:
        try:
            self._answer([one])
        except BaseException as error:  # noqa: BLE001  # the one who waits gets it
            one[1].set_exception(error)

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        new = set(self._keep([entry for entry, _ in batch]))
        for entry, future in batch:
            future.set_result(entry.case.id in new)
            new.discard(entry.case.id)


def _uncancelled() -> Future[Any]:
    """A future that goes on when one of those who wait for it is cancelled."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future
