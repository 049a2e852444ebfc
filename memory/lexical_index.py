"""BM25 over what cases say, in tantivy: one index a namespace in a folder of the home, made again when it is damaged.

At 100,000 cases it answers in about a millisecond, exactly, and adds one durably in ten; see `benchmarks.lexical`.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.errors import CaseBankError
from configs.private_folders import private_folder

if TYPE_CHECKING:
    from tantivy import Index

FOLDER = "lexical"
HEAP_BYTES = 32_000_000
THREADS = 1
MAX_WORDS = 64
"""Of a query, the first so many different ones."""


class DamagedWordsError(CaseBankError):
    """The index cannot be used as it is; it can be made again from the journal."""


class LexicalIndex:
    """Documents by id. Writing is for whoever holds the home's writer lock; reading is for everyone."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._open: dict[str, Index] = {}
        self._lock = threading.Lock()

    def write(self, namespace: str, added: Sequence[tuple[str, str]], removed: Sequence[str]) -> None:
        """Remove documents, then add others as (id, text), durably and all at once; one to replace is in both.

        Raises:
            DamagedWordsError: the folder cannot be written, or the index in it is damaged or gone.
        """
        import tantivy

        if not added and not removed:
            return
        try:
            index = self._index(namespace, create=True)
            assert index is not None  # noqa: S101  # created
            writer = index.writer(HEAP_BYTES, THREADS)
            for id_ in removed:
                writer.delete_documents_by_term("id", id_)
            for id_, text in added:
                writer.add_document(tantivy.Document(id=id_, text=text))
            writer.commit()
            writer.wait_merging_threads()
            index.reload()
        except (ValueError, OSError) as error:
            with self._lock:
                self._open.pop(namespace, None)
            raise DamagedWordsError(f"cannot write {self._folder}: {_line(error)}") from error

    def search(self, namespace: str, text: str, n: int) -> list[tuple[str, float]]:
        """The n documents of largest BM25 score for the words of a text, largest first; scores are above 0.

        Raises:
            CaseBankError: the index cannot be read.
        """
        import tantivy

        if n <= 0:
            return []
        try:
            index = self._index(namespace, create=False)
            if index is None:
                return []
            terms = _words(text)
            parts = [
                (tantivy.Occur.Should, tantivy.Query.term_query(index.schema, "text", term, "freq")) for term in terms
            ]
            if not parts:
                return []
            searcher = index.searcher()
            hits = searcher.search(tantivy.Query.boolean_query(parts), n, count=False).hits
            return [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in hits]
        except (ValueError, OSError) as error:
            raise CaseBankError(f"cannot read {self._folder}: {_line(error)}") from error

    def count(self, namespace: str) -> int:
        """How many documents a namespace has; -1 if its index is damaged."""
        try:
            index = self._index(namespace, create=False)
            return 0 if index is None else int(index.searcher().num_docs)
        except (ValueError, OSError):
            return -1

    def refresh(self) -> None:
        """See what other processes wrote."""
        for namespace, index in list(self._open.items()):
            try:
                index.reload()
            except (ValueError, OSError):  # made anew by another process: the next use opens what is there now
                with self._lock:
                    self._open.pop(namespace, None)

    def discard(self, namespace: str) -> None:
        """Remove a namespace's index."""
        with self._lock:
            self._open.pop(namespace, None)
            shutil.rmtree(self._path(namespace), ignore_errors=True)

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._open.clear()

    def _index(self, namespace: str, *, create: bool) -> Index | None:
        with self._lock:
            if namespace not in self._open:
                path = self._path(namespace)
                if not create and not path.is_dir():
                    return None
                self._open[namespace] = _opened(path)
            return self._open[namespace]

    def _path(self, namespace: str) -> Path:
        return self._folder / hashlib.sha256(namespace.encode()).hexdigest()[:12]


def _opened(path: Path) -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", stored=False, tokenizer_name="default", index_option="freq")
    private_folder(path)
    return tantivy.Index(builder.build(), path=str(path), reuse=True)


def _words(text: str) -> Sequence[str]:
    """The different words of a text, cut as tantivy's default tokenizer does: runs of letters and digits."""
    cut = "".join(char if char.isalnum() else " " for char in text.lower())
    return list(dict.fromkeys(word for word in cut.split() if len(word.encode()) <= 40))[:MAX_WORDS]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
