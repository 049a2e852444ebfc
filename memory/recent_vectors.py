"""An embedder that remembers the texts of late and embeds together what several threads ask for at once.

A run asks for the same few texts again and again: the question when cases are retrieved and when its own is written,
each subtask when earlier ones are looked up, when tools are chosen and when the case is written.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TypeAlias

import numpy as np

from memory.embedding import Embedder, Vectors

KEPT = 4_096
"""Vectors remembered: 6 MB of MiniLM's."""
MOST = 64
"""Longer lists, as imports and rebuilds have, go straight to the embedder and leave what is remembered alone."""

_Key: TypeAlias = bytes
_Waiting: TypeAlias = "Future[Vectors]"


class RecentVectors:
    """`Embedder` around another one. The vector of a text may differ in its last bits with what was embedded beside it,
    as it does with any batch.
    """

    def __init__(self, embedder: Embedder, kept: int = KEPT) -> None:
        self._embedder = embedder
        self._kept = kept
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._recent: OrderedDict[_Key, Vectors] = OrderedDict()
        self._waiting: dict[_Key, tuple[str, _Waiting]] = {}

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As `Embedder.embed`; a fault of the embedder is raised to everyone whose text was in that batch."""
        if not 0 < len(texts) <= MOST:
            return self._embedder.embed(texts)
        keys = [_key(text) for text in texts]
        futures = self._asked(dict(zip(keys, texts, strict=True)))
        if not all(future.done() for future in futures.values()):
            with self._turn:  # whoever waited for its turn finds its texts embedded, or embeds all that wait by now
                if not all(future.done() for future in futures.values()):
                    self._embed_waiting()
        return np.stack([futures[key].result() for key in keys])

    def _asked(self, wanted: dict[_Key, str]) -> dict[_Key, _Waiting]:
        """A future for each text: done for what is remembered, else shared by all who ask for it."""
        futures: dict[_Key, _Waiting] = {}
        with self._lock:
            for key, text in wanted.items():
                if key in self._recent:
                    self._recent.move_to_end(key)
                    futures[key] = Future()
                    futures[key].set_result(self._recent[key])
                else:
                    futures[key] = self._waiting.setdefault(key, (text, Future()))[1]
        return futures

    def _embed_waiting(self) -> None:
        """Embed what waits, in one batch; each future has its vector or the fault before it waits no longer."""
        with self._lock:
            waiting = dict(self._waiting)
        try:
            vectors = self._embedder.embed([text for text, _ in waiting.values()])
        except BaseException as error:
            self._settle(waiting)
            for _, future in waiting.values():
                future.set_exception(error)
            raise
        self._settle(waiting, dict(zip(waiting, vectors, strict=True)))
        for (_, future), vector in zip(waiting.values(), vectors, strict=True):
            future.set_result(vector)

    def _settle(self, waiting: dict[_Key, tuple[str, _Waiting]], found: dict[_Key, Vectors] | None = None) -> None:
        with self._lock:
            for key in waiting:
                del self._waiting[key]
            self._recent.update(found or {})
            while len(self._recent) > self._kept:
                self._recent.popitem(last=False)


def _key(text: str) -> _Key:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
