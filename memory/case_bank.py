"""The case bank: the journal decides, the index finds. Blocking and thread-safe; `CaseMemory` is its async face."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from configs.errors import CaseBankError, InvalidInputError
from configs.settings import Settings
from memory.case import Case, Reward
from memory.embedding import fingerprint, make_embedder
from memory.index import FOLDER, ChromaIndex, DamagedIndexError, Hit
from memory.journal import ArchiveChanged, CaseWritten, Deleted, Event, FeedbackGiven, Journal, case_ids
from memory.ledger import Entry, Ledger
from memory.policies.base import Candidate
from memory.reconcile import delete_rows, reconcile, write_rows
from memory.rows import Kind, Row, rows_of
from memory.subtask_memory import SolvedSubtask
from memory.writer_lock import WriterLock

if TYPE_CHECKING:
    from memory.embedding import Vectors

_log = logging.getLogger(__name__)
T = TypeVar("T")
P = ParamSpec("P")
OUTCOMES: tuple[tuple[Kind, Reward], ...] = (("success", 1), ("failure", 0))


class CaseBank:
    """Cases of one home. With an embedded index the home's writer lock is held until `close`; with a server's index
    it is taken for each append only, so that several processes may share the home and the server.
    """

    def __init__(self, settings: Settings) -> None:
        self._embedder = make_embedder(settings)
        self._settings = settings
        self._lock = threading.RLock()
        self._writer = WriterLock(settings.home)
        self._journal = Journal(settings.home)
        self._index: ChromaIndex | None = None
        self._stale = True

    @property
    def shared(self) -> bool:
        """Whether the index is a server's."""
        return self._settings.chroma_url is not None

    @property
    def ledger(self) -> Ledger:
        """The cases of this home as of the last write or opening; other homes on a shared server have their own."""
        return self._journal.ledger

    def open(self) -> None:
        """Open journal and index and bring them in line. Idempotent; every other method does it when needed.

        Raises:
            CaseBankError: the home is locked by another process, cannot be read or written, or its journal is damaged.
        """
        self._ready()

    def close(self) -> None:
        """Release the index and the lock."""
        with self._lock:
            index, self._index, self._stale = self._index, None, True
            try:
                if index is not None:
                    index.close()
            finally:
                self._writer.release()

    def add(self, entries: Sequence[Entry]) -> list[str]:
        """Write new cases as one batch; those whose id is there already are left as they are.

        Returns:
            The ids that were new.
        """
        with self._lock:
            self._ready()
            with self._appending():
                new = {e.case.id: e for e in entries if e.case.id not in self.ledger.entries}
                events = [CaseWritten(case=e.case, episode=e.episode, archived=e.archived) for e in new.values()]
                self._commit(events)
            return list(new)

    def reward(self, case_id: str, reward: Reward, note: str = "") -> Case:
        """Replace a case's reward by a person's.

        Raises:
            InvalidInputError: this home has no such case.
        """
        self._change([case_id], lambda: FeedbackGiven(case_id=case_id, reward=reward, note=note))
        return self.ledger.entries[case_id].case

    def set_archived(self, ids: Collection[str], archived: bool) -> None:
        """Take cases out of retrieval or put them back; InvalidInputError if one is unknown, and nothing changes."""
        self._change(ids, lambda: ArchiveChanged(kind="archived" if archived else "restored", case_ids=tuple(ids)))

    def delete(self, ids: Collection[str]) -> None:
        """Remove cases; InvalidInputError if one is unknown, and nothing changes."""
        self._change(ids, lambda: Deleted(case_ids=tuple(ids)))

    def embed(self, text: str) -> Vectors:
        """The vector of a text, shape (d,)."""
        vector: Vectors = self.embed_all([text])[0]
        return vector

    def embed_all(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts, shape (n, d). Opens the bank first: a locked home is told before a model loads."""
        self._ready()
        return self._embedder.embed(texts)

    def size(self, namespace: str) -> int:
        """How many cases may be retrieved."""
        self._ready()
        if not self.shared:
            return len(self.ledger.eligible(namespace))
        return sum(self._read(ChromaIndex.count, kind, namespace) for kind, _ in OUTCOMES)

    def roster(self, namespace: str) -> list[Candidate]:
        """Every case that may be retrieved, first written first, not compared to any task."""
        self._ready()
        if not self.shared:
            cases = list(self.ledger.eligible(namespace).values())
            return [Candidate(case.id, case.reward or 0, case.created_at) for case in cases]
        return [
            Candidate(hit.id, reward, hit.created_at)
            for kind, reward in OUTCOMES
            for hit in self._read(ChromaIndex.read, kind, namespace)
        ]

    def nearest(self, namespace: str, vector: Vectors, n: int, *, failures: bool = True) -> list[Candidate]:
        """The n successes, and unless told otherwise the n failures, of largest cosine to a task's vector."""
        return [
            Candidate(hit.id, reward, hit.created_at, hit.cosine)
            for kind, reward in OUTCOMES[: 2 if failures else 1]
            for hit in self._read(ChromaIndex.nearest, kind, namespace, vector, n)
        ]

    def cases(self, namespace: str, ids: Sequence[str]) -> dict[str, Case]:
        """The cases of these ids; an id that has meanwhile gone is left out."""
        if not self.shared:
            eligible = self.ledger.eligible(namespace)
            return {id_: eligible[id_] for id_ in ids if id_ in eligible}
        hits = [hit for kind, _ in OUTCOMES for hit in self._read(ChromaIndex.read, kind, namespace, ids)]
        return {hit.id: Case.model_validate_json(hit.document) for hit in hits if hit.document}

    def nearest_subtasks(self, namespace: str, vector: Vectors, n: int) -> list[tuple[SolvedSubtask, float]]:
        """The n solved subtasks of largest cosine to a description's vector, largest first."""
        hits = self._read(ChromaIndex.nearest, "subtask", namespace, vector, n)
        found = ((self._subtask(hit), hit.cosine) for hit in hits)
        return [(subtask, cosine) for subtask, cosine in found if subtask is not None and cosine is not None]

    def _subtask(self, hit: Hit) -> SolvedSubtask | None:
        if hit.document is not None:
            return SolvedSubtask.model_validate_json(hit.document)
        rows = rows_of(self.ledger.entries.get(hit.id.partition(":")[0]))
        return next((SolvedSubtask.model_validate_json(row.document) for row in rows if row.id == hit.id), None)

    def _ready(self) -> ChromaIndex:
        index = self._index
        if index is not None and not self._stale:
            return index
        with self._lock:
            return self._index if self._index is not None and not self._stale else self._open()

    def _open(self) -> ChromaIndex:
        if not self.shared:
            self._writer.acquire()
        try:
            self._journal.refresh()
            try:
                return self._reconciled()
            except DamagedIndexError:
                if self.shared:
                    raise
                self._set_aside()
                return self._reconciled()
        except BaseException:
            with suppress(CaseBankError):
                self.close()
            raise

    def _reconciled(self) -> ChromaIndex:
        if self._index is None:
            home, url, space = self._settings.home, self._settings.chroma_url, fingerprint(self._embedder)
            self._index = ChromaIndex.server(url, space) if url else ChromaIndex.embedded(home, space)
        self._stale = True
        reconcile(self.ledger, self._index, self._embedder)
        self._stale = False
        return self._index

    def _set_aside(self) -> None:
        """Keep a damaged index next to a new one, for whoever wants to know what happened to it."""
        if self._index is not None:
            with suppress(CaseBankError):
                self._index.close()
            self._index = None
        folder = self._settings.home / FOLDER
        try:
            if folder.exists():
                kept = folder.rename(folder.with_name(f"{FOLDER}.damaged-{time.time_ns()}"))
                _log.warning("the index was damaged: kept as %s, rebuilding it from the journal", kept)
        except OSError as error:
            raise CaseBankError(f"cannot set the damaged index {folder} aside: {error.strerror}") from error

    def _change(self, ids: Collection[str], event: Callable[[], Event]) -> None:
        with self._lock:
            self._ready()
            with self._appending():
                unknown = sorted(set(ids) - self.ledger.entries.keys())
                if unknown:
                    raise InvalidInputError(f"no case {unknown[0]!r} in {self._settings.home}")
                self._commit([event()] if ids else [])

    @contextmanager
    def _appending(self) -> Iterator[None]:
        """The right to append, and a ledger that knows what other processes appended."""
        if not self.shared:
            yield
            return
        with self._writer.held():
            self._journal.refresh()
            yield

    def _commit(self, events: Sequence[Event]) -> None:
        """Journal first, index second: if that fails, the next use brings the index in line."""
        if not events:
            return
        touched = {id_ for event in events for id_ in case_ids(event)}
        before = self._rows(touched)
        self._journal.append(events)
        after = self._rows(touched)
        index = self._ready()
        try:
            delete_rows(index, [row for key, row in before.items() if key not in after])
            write_rows(index, self._embedder, [row for key, row in after.items() if before.get(key) != row])
        except BaseException:
            self._stale = True
            raise

    def _rows(self, ids: Collection[str]) -> dict[tuple[Kind, str, str], Row]:
        rows = [row for id_ in ids for row in rows_of(self.ledger.entries.get(id_))]
        return {(row.kind, row.namespace, row.id): row for row in rows}

    def _read(self, query: Callable[Concatenate[ChromaIndex, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Query the index; one of ours that turns out damaged is rebuilt, once."""
        index = self._ready()
        try:
            return query(index, *args, **kwargs)
        except DamagedIndexError:
            if self.shared:
                raise
            with self._lock:
                if self._index is index:
                    self._set_aside()
            return query(self._ready(), *args, **kwargs)
