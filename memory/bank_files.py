"""The open files of a case bank: journal, ledger, indexes and the lock, brought in line when they open."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from configs.errors import CaseBankError
from configs.settings import Settings
from memory.compaction import Compacted
from memory.embedding import fingerprint, make_embedder
from memory.events import Event
from memory.index import FOLDER, ChromaIndex, DamagedIndexError
from memory.indexing import Indexing
from memory.journal import Journal
from memory.ledger import Ledger
from memory.ledger_store import DamagedLedgerError
from memory.lexical_index import DamagedWordsError, LexicalIndex
from memory.recent_vectors import RecentVectors
from memory.writer_lock import WriterLock

if TYPE_CHECKING:
    from memory.embedding import Vectors

_log = logging.getLogger(__name__)
T = TypeVar("T")
P = ParamSpec("P")


class BankFiles:
    """What `CaseBank` reads and writes. With an embedded index the home's writer lock is held until `close`; with a
    server's index it is taken for each append only, so that several processes may share the home and the server.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.embedder = RecentVectors(make_embedder(settings))
        self.lexical = LexicalIndex(settings.home)
        self.lock = threading.RLock()
        self._writer = WriterLock(settings.home, shared=self.shared)
        self._journal: Journal | None = None
        self._index: ChromaIndex | None = None
        self._stale = True

    @property
    def shared(self) -> bool:
        """Whether the index is a server's."""
        return self.settings.chroma_url is not None

    @property
    def is_open(self) -> bool:
        return self._journal is not None

    @property
    def ledger(self) -> Ledger:
        """The cases of this home as of the last write or opening; other homes on a shared server have their own."""
        self.ready()
        journal = self._opened_journal()
        if self.shared and journal.replaced:  # with an embedded index nobody else can
            with self.lock:
                journal.refresh()
        return journal.ledger

    def close(self) -> None:
        """Release the index and the lock."""
        with self.lock:
            index, self._index, self._stale = self._index, None, True
            journal, self._journal = self._journal, None
            self.lexical.close()
            try:
                if journal is not None:
                    journal.close()
                if index is not None:
                    index.close()
            finally:
                self._writer.release()

    def followed(self) -> Ledger:
        """The ledger with what other processes have meanwhile written; with an embedded index nobody else can."""
        self.ready()
        with self.lock:
            journal = self._opened_journal()
            if self.shared:
                journal.refresh()
                self.lexical.refresh()
            return journal.ledger

    def ready(self) -> ChromaIndex:
        """The vector index, opened and in line with the journal.

        Raises:
            CaseBankError: the home is locked by another process, cannot be read or written, or its journal is damaged.
        """
        index = self._usable()
        if index is not None:
            return index
        with self.lock:
            return self._usable() or self._open()

    def _usable(self) -> ChromaIndex | None:
        """The vector index, unless something has to be brought in line first."""
        index, journal = self._index, self._journal
        return None if self._stale or journal is None or journal.damaged else index

    def _opened_journal(self) -> Journal:
        journal = self._journal
        if journal is None:
            raise CaseBankError(f"the case bank in {self.settings.home} is closed")
        return journal

    @contextmanager
    def appending(self) -> Iterator[Journal]:
        """The right to append, and a ledger that knows what other processes appended."""
        journal = self._opened_journal()
        if not self.shared:
            yield journal
            return
        with self._writer.held():
            journal.refresh()
            yield journal

    def commit(self, journal: Journal, events: Sequence[Event], vectors: Mapping[str, Vectors] | None = None) -> None:
        """Journal first, indexes second: if that fails, the next use brings them in line."""
        if events:
            with self._healing():
                journal.append(events)
                Indexing(journal.ledger, self.ready(), self.lexical, self.embedder).catch_up(vectors)

    def append(self, journal: Journal, events: Sequence[Event]) -> None:
        """The first half of `commit`, after which `bring_in_line` has to follow; with a server's index, all of it."""
        if self.shared:
            self.commit(journal, events)
        elif events:
            with self._healing():
                journal.append(events)

    def bring_in_line(self) -> None:
        """Index what was appended, unless that has been done meanwhile."""
        if not self.shared:
            with self.lock, self._healing():
                index = self.ready()
                Indexing(self._opened_journal().ledger, index, self.lexical, self.embedder).catch_up()

    @contextmanager
    def _healing(self) -> Iterator[None]:
        """Whatever fails here, the next use brings everything in line; at once where only a file of ours is damaged."""
        try:
            yield
        except (DamagedIndexError, DamagedWordsError, DamagedLedgerError):
            self._stale = True
            if self.shared:
                raise
            self.ready()
        except BaseException:
            self._stale = True
            raise

    def compact(self) -> Compacted:
        """Take deleted cases out of the journal, and bring the indexes in line with the ledger made from it."""
        with self.lock:
            index = self.ready()
            with self.appending() as journal:
                if self.shared:  # whose rows are ours is known from the journal only
                    Indexing(journal.ledger, index, self.lexical, self.embedder).catch_up()
                before = journal.ledger.namespaces()
                self._stale = True
                try:
                    done = journal.compact()
                    for namespace in before - journal.ledger.namespaces():
                        self.lexical.discard(namespace)
                finally:
                    self.ready()
            return done

    def read(self, query: Callable[Concatenate[ChromaIndex, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Query the index; one of ours that turns out damaged is rebuilt, once."""
        index = self.ready()
        try:
            return query(index, *args, **kwargs)
        except DamagedIndexError:
            if self.shared:
                raise
            with self.lock:
                if self._index is index:
                    try:
                        return query(index, *args, **kwargs)  # Chroma says so too of files a writer is about to replace
                    except DamagedIndexError as error:
                        self._set_aside(error)
            return query(self.ready(), *args, **kwargs)
        except Exception:
            if self._index is index:
                raise
            return query(self.ready(), *args, **kwargs)  # another thread has set it aside meanwhile

    def _open(self) -> ChromaIndex:
        self._writer.acquire()
        try:
            self._journal = self._journal or Journal(self.settings.home)
            self._journal.refresh()
            try:
                return self._in_line(self._journal.ledger)
            except DamagedIndexError as error:
                if self.shared:
                    raise
                self._set_aside(error)
                return self._in_line(self._journal.ledger)
        except BaseException:
            with suppress(CaseBankError):
                self.close()
            raise
        finally:
            if self.shared:
                self._writer.release()

    def _in_line(self, ledger: Ledger) -> ChromaIndex:
        home, url, space = self.settings.home, self.settings.chroma_url, fingerprint(self.embedder)
        self._stale = True  # before there is an index that other threads could take for one in line
        if self._index is None:
            self._index = ChromaIndex.server(url, space) if url else ChromaIndex.embedded(home, space)
        Indexing(ledger, self._index, self.lexical, self.embedder).open(f"{url or 'embedded'} {space}")
        self._stale = False
        return self._index

    def _set_aside(self, why: DamagedIndexError) -> None:
        """Keep a damaged index next to a new one, for whoever wants to know what happened to it.

        Raises:
            CaseBankError: there is no room for both; a full disk can look like damage.
        """
        self._stale = True
        index, self._index = self._index, None
        if index is not None:
            with suppress(CaseBankError):
                index.close()
        folder = self.settings.home / FOLDER
        try:
            if folder.exists():
                needed, free = _size(folder), shutil.disk_usage(folder).free
                if free < needed:
                    raise CaseBankError(f"{why}; to make the index anew takes {needed} bytes of disk, {free} are free")
                kept = folder.rename(folder.with_name(f"{FOLDER}.damaged-{time.time_ns()}"))
                _log.warning("the index is damaged (%s): kept as %s, rebuilding it from the journal", why, kept)
        except OSError as error:
            raise CaseBankError(f"cannot set the damaged index {folder} aside: {error.strerror}") from error


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
