"""The vector index in Chroma: our own vectors, never its embedding functions; every call has a deadline. Blocking."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from configs.errors import CaseBankError, ConfigurationError
from configs.private_folders import private_folder
from memory.rows import Kind, Row

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection as ChromaCollection

    from memory.embedding import Vectors

T = TypeVar("T")
FOLDER = "chroma"
PREFIX = "memento"
DEADLINE_SECONDS = 30.0
PART = 5_000
"""Rows in one call: below Chroma's limit, and quick enough for the deadline."""
HNSW: Any = {"space": "cosine", "ef_construction": 70, "ef_search": 400}
"""A quicker build and a broader search than Chroma's defaults (100 and 100): at 100,000 hard vectors about half the
time to build, and a recall@4 of 0.995 where the defaults give 0.99."""


_FIELDS = ("documents", "metadatas", "embeddings")
_OUTSIDE = re.compile(r"\(code: (?:5|6|8|13|14)\)|os error (?:13|28|30)\b")
"""SQLite's busy, locked, read-only, full and cannot-open, and the system's: a new index would fare no better."""


_REFUSED = frozenset(
    {"DuplicateIDError", "InvalidArgumentError", "InvalidDimensionException", "BatchSizeExceededError"}
)
"""What Chroma says of a request it does not take: the index is as good as before."""


class DamagedIndexError(CaseBankError):
    """The index answers with an internal error; one of ours can be rebuilt from the journal."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A row found; `cosine` is None where it was not compared, `document` where the index keeps none.

    `vector` is its unit vector of shape (d,), where it was asked for; `trust` is what its writer gave it at first.
    """

    id: str
    cosine: float | None = None
    document: str | None = None
    created_at: float = 0.0
    vector: Vectors | None = field(default=None, compare=False)
    trust: float = 0.0


class ChromaIndex:
    """Collections by kind and namespace. A shared index is a server's, and other homes may keep cases in it too."""

    def __init__(self, client: Client, fingerprint: str, *, shared: bool, deadline: float = DEADLINE_SECONDS) -> None:
        self.shared = shared
        self._client = client
        self._fingerprint = fingerprint
        self._deadline = deadline
        self._collections: dict[tuple[Kind, str], ChromaCollection] = {}

    @classmethod
    def embedded(cls, home: Path, fingerprint: str) -> ChromaIndex:
        """The index in a folder of the home; the caller holds the home's writer lock."""
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings

        _prepare(home / FOLDER)
        options = Settings(anonymized_telemetry=False)
        path = str(home / FOLDER)
        try:
            client = _within(DEADLINE_SECONDS, lambda: chromadb.PersistentClient(path, settings=options))
        except CaseBankError:
            SharedSystemClient._identifier_to_system.pop(path, None)  # what failed to start would be used again
            raise
        return cls(cast("Client", client), fingerprint, shared=False)

    @classmethod
    def server(cls, url: str, fingerprint: str) -> ChromaIndex:
        """The index of a Chroma server.

        Raises:
            CaseBankError: nothing answers there, or it is no Chroma server.
        """
        import chromadb
        from chromadb.config import Settings

        parts = urlsplit(url)
        if not parts.hostname:
            raise ConfigurationError(f"MEMENTO_CHROMA_URL: got {url!r}; takes a Chroma server's http(s) address")
        ssl = parts.scheme == "https"
        options = Settings(anonymized_telemetry=False)
        host, port = parts.hostname, parts.port or (443 if ssl else 80)
        try:
            client = _within(DEADLINE_SECONDS, lambda: chromadb.HttpClient(host, port, ssl, settings=options))
        except (ValueError, CaseBankError) as error:
            raise CaseBankError(
                f"MEMENTO_CHROMA_URL: no Chroma server answers at {parts.scheme}://{host}:{port}"
            ) from error
        return cls(cast("Client", client), fingerprint, shared=True)

    def write(self, rows: Sequence[Row], vectors: Vectors, *, fresh: bool) -> None:
        """Write rows of one kind and namespace with their vectors; a shared index also gets the documents.

        Args:
            rows: of one kind and namespace.
            vectors: shape (len(rows), d).
            fresh: no row is there yet, or the same one; adding is twice as fast as replacing.
        """
        collection = self._collection(rows[0].kind, rows[0].namespace)
        for start in range(0, len(rows), PART):
            part = rows[start : start + PART]
            values: dict[str, Any] = {"ids": [row.id for row in part], "embeddings": vectors[start : start + PART]}
            if self.shared:
                values["documents"] = [row.source.model_dump_json() for row in part]
                values["metadatas"] = [{"created_at": row.created_at, "trust": row.trust} for row in part]
            self._call(collection.add if fresh else collection.upsert, **values)

    def delete(self, kind: Kind, namespace: str, ids: Iterable[str]) -> None:
        """Remove rows; unknown ids are ignored."""
        gone = list(ids)
        for start in range(0, len(gone), PART):
            self._call(self._collection(kind, namespace).delete, ids=gone[start : start + PART])

    def nearest(self, kind: Kind, namespace: str, vector: Vectors, n: int, *, vectors: bool = False) -> list[Hit]:
        """The n rows of largest cosine to a vector of shape (d,), largest first; with their vectors if asked for."""
        if n <= 0:
            return []
        include = ["distances", *self._included(vectors, documents=True)]
        collection = self._collection(kind, namespace)
        found: Any = self._call(collection.query, query_embeddings=vector[None, :], n_results=n, include=include)
        values = {key: found[key][0] for key in _FIELDS if found.get(key) is not None}
        cosines = (1.0 - float(distance) for distance in found["distances"][0])
        return [
            replace(hit, cosine=cosine) for hit, cosine in zip(_hits(found["ids"][0], values), cosines, strict=True)
        ]

    def read(
        self, kind: Kind, namespace: str, ids: Collection[str] | None = None, *, vectors: bool = False
    ) -> list[Hit]:
        """Rows by id, or all rows of a kind without their documents."""
        if ids is not None and not ids:
            return []
        values: dict[str, Any] = {"include": self._included(vectors, documents=ids is not None)}
        if ids is not None:
            values["ids"] = list(ids)
        found = self._call(self._collection(kind, namespace).get, **values)
        return _hits(found["ids"], found)

    def _included(self, vectors: bool, *, documents: bool) -> list[str]:
        shared = (["metadatas", "documents"] if documents else ["metadatas"]) if self.shared else []
        return [*shared, *(["embeddings"] if vectors else [])]

    def verify(self, kind: Kind, namespace: str, dimension: int, rows: int) -> None:
        """Check that so many of the rows listed can be found by search; one search for all of them is the quick way.

        Raises:
            DamagedIndexError: the vectors of some are lost.
        """
        import numpy as np

        probe = np.full((1, dimension), dimension**-0.5, dtype=np.float32)
        collection = self._collection(kind, namespace)
        found = self._call(collection.query, query_embeddings=probe, n_results=rows, include=[])["ids"][0]
        if len(found) < rows:  # lost, or out of reach of an approximate search: reading every vector tells
            self._call(collection.get, include=["embeddings"])

    def count(self, kind: Kind, namespace: str) -> int:
        return int(self._call(self._collection(kind, namespace).count))

    def namespaces(self) -> set[str]:
        """The namespaces that have a collection in this vector space."""
        found = {(collection.metadata or {}).get("namespace") for collection in self._ours()}
        return {namespace for namespace in found if namespace is not None}

    def close(self) -> None:
        """Let go of files and connections. The index is not used again."""
        for client in (self._client, self._client._admin_client):  # whose HTTP sessions Chroma leaves open
            session = getattr(getattr(client, "_server", None), "_session", None)
            if session is not None:
                session.close()
        _within(self._deadline, self._client.close)

    def _ours(self) -> list[ChromaCollection]:
        ending = f"-{self._fingerprint}"
        every: Sequence[ChromaCollection] = self._call(self._client.list_collections)
        return [one for one in every if one.name.startswith(f"{PREFIX}-") and one.name.endswith(ending)]

    def _collection(self, kind: Kind, namespace: str) -> ChromaCollection:
        key = (kind, namespace)
        if key not in self._collections:
            digest = hashlib.sha256(namespace.encode()).hexdigest()[:12]
            self._collections[key] = self._call(
                self._client.get_or_create_collection,
                f"{PREFIX}-{kind}-{digest}-{self._fingerprint}",
                embedding_function=None,
                configuration={"hnsw": HNSW},
                metadata={"namespace": namespace, "kind": kind},
            )
        return self._collections[key]

    def _call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return _within(self._deadline, lambda: function(*args, **kwargs))


def _prepare(folder: Path) -> None:
    try:
        private_folder(folder)
    except OSError as error:
        raise CaseBankError(f"cannot write {folder}: {error.strerror}") from error


def _hits(ids: Sequence[str], values: Any) -> list[Hit]:
    columns: dict[str, Any] = {key: values.get(key) for key in _FIELDS}
    nothing = [None] * len(ids)
    documents, metadatas, vectors = (nothing if columns[key] is None else columns[key] for key in _FIELDS)
    return [
        Hit(id_, None, text, float(known.get("created_at", 0)), vector, float(known.get("trust", 0)))
        for id_, text, metadata, vector in zip(ids, documents, metadatas, vectors, strict=True)
        for known in [metadata or {}]
    ]


def _within(seconds: float, function: Callable[[], T]) -> T:
    """Run a Chroma call in a thread of its own and give up on it after a while: a hung one cannot be interrupted.

    Raises:
        CaseBankError: no answer in time, or no way to reach the files or the server.
        DamagedIndexError: Chroma failed inside.
    """
    import httpx
    from chromadb.errors import ChromaError

    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  # Chroma's Rust panics derive from BaseException
            future.set_exception(error)

    threading.Thread(target=work, name="chroma", daemon=True).start()
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        raise CaseBankError(f"the case bank did not answer within {seconds:.0f} seconds") from None
    except (OSError, httpx.TransportError) as error:
        raise CaseBankError(f"the case bank cannot be reached: {_line(error)}") from error
    except BaseException as error:
        if not isinstance(error, ChromaError) and type(error).__name__ != "PanicException":
            raise
        refused = type(error).__name__ in _REFUSED or _OUTSIDE.search(str(error))
        kind = CaseBankError if refused else DamagedIndexError
        raise kind(f"the case bank failed: {_line(error)}") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
