"""What a Q model keeps of each case, in memory and in a file. A file that is damaged is made anew."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from configs.private_folders import private_folder
from memory.embedding import Vectors
from memory.private_files import write_private

HEADER = "memento"
FORMAT = "memento-case-rows/1"
WRITTEN_FROM = 32
"""So many new rows are worth writing the file again; fewer are quickly made again in the next process."""
CHUNK = 256
Make: TypeAlias = Callable[[Sequence[str]], Vectors]

log = logging.getLogger(__name__)


class CaseRows:
    """Rows of one width by case id. A case's text never changes under its id, so a row is never out of date."""

    def __init__(self, path: Path | None, fingerprint: str, width: int) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._place, self._rows = _read(path, fingerprint, width) if path is not None else _empty(width)
        self._unwritten = 0

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that have no row yet."""
        with self._lock:
            return [id_ for id_ in ids if id_ not in self._place]

    def fill(self, ids: Sequence[str], make: Make) -> None:
        """Add rows for ids without one. `make` turns ids into rows, some at a time."""
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            self._add(part, make(part))
        with self._lock:
            if self._path is not None and self._unwritten >= WRITTEN_FROM:
                self._write(self._path)
                self._unwritten = 0

    def rows(self, ids: Sequence[str]) -> Vectors:
        """Shape (len(ids), width); KeyError for an id without a row."""
        with self._lock:
            rows: Vectors = self._rows[[self._place[id_] for id_ in ids]]
            return rows

    def _add(self, ids: Sequence[str], rows: Vectors) -> None:
        with self._lock:
            start, needed = len(self._place), len(self._place) + len(ids)
            if needed > len(self._rows):
                grown = np.empty((max(needed, 2 * len(self._rows)), self._rows.shape[1]), dtype=np.float32)
                grown[:start] = self._rows[:start]
                self._rows = grown
            for id_, row in zip(ids, rows, strict=True):
                self._rows[self._place.setdefault(id_, len(self._place))] = row
            self._unwritten += len(ids)

    def _write(self, path: Path) -> None:
        from safetensors.numpy import save

        header = {"format": FORMAT, "fingerprint": self._fingerprint, "ids": list(self._place)}
        try:
            private_folder(path.parent)
            data = save({"rows": self._rows[: len(self._place)]}, metadata={HEADER: json.dumps(header)})
            write_private(path, data)
        except OSError as error:
            log.warning("cannot keep what was computed of the cases in %s: %s", path, error.strerror)


def _empty(width: int) -> tuple[dict[str, int], Vectors]:
    return {}, np.empty((0, width), dtype=np.float32)


def _read(path: Path, fingerprint: str, width: int) -> tuple[dict[str, int], Vectors]:
    """What the file holds if it is whole and of this model, else nothing."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, ""))
            rows = file.get_tensor("rows")
        ids = header["ids"]
        fits = (header["format"], header["fingerprint"], rows.shape) == (FORMAT, fingerprint, (len(ids), width))
        place = {str(id_): number for number, id_ in enumerate(ids)}
    except FileNotFoundError:
        return _empty(width)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        log.warning("%s is damaged and is made anew: %s", path, error)
        return _empty(width)
    if not fits or len(place) != len(rows) or rows.dtype != np.float32:
        return _empty(width)
    return place, rows
