"""Pages that were fetched lately, in files under the home; bounded in size and age."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from configs.private_folders import private_folder

MAX_BYTES = 200_000_000
MAX_AGE = 7 * 86_400.0
MAX_ENTRY = 15_000_000
KEPT_HEADERS = ("etag", "last-modified", "cache-control")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer.

    Attributes:
        url: of the last redirect.
        fresh_until: seconds since the epoch; afterwards it has to be asked for again.
        headers: KEPT_HEADERS of the answer.
    """

    url: str
    media_type: str
    charset: str | None
    headers: dict[str, str]
    data: bytes
    fresh_until: float


class PageCache:
    """One file an answer: a line of JSON, then the body. Several processes may share it. Blocking."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES, max_age: float = MAX_AGE) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_age = max_age

    def get(self, key: str) -> Kept | None:
        """What was kept under a key, fresh or not; a damaged or aged file is none."""
        path = self._path(key)
        try:
            if time.time() - path.stat().st_mtime > self._max_age:
                return None
            head, _, data = path.read_bytes().partition(b"\n")
            told = json.loads(head)
            if told.pop("key") != key or told.pop("length") != len(data):
                return None
            return Kept(**told, data=data)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer. Where that cannot be done, such as on a full disk, it is not kept."""
        if len(kept.data) > MAX_ENTRY:
            return
        told = {
            "key": key, "length": len(kept.data), "url": kept.url, "media_type": kept.media_type,
            "charset": kept.charset, "headers": kept.headers, "fresh_until": kept.fresh_until,
        }  # fmt: skip
        try:
            private_folder(self._folder)
            self._write(self._path(key), json.dumps(told).encode() + b"\n" + kept.data)
            self._make_room()
        except OSError as error:
            _logger.warning("a page was not kept: %s", error.strerror)

    def forget(self, key: str) -> None:
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:40]}.page"

    def _write(self, path: Path, data: bytes) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _make_room(self) -> None:
        """Delete what is too old, then the oldest, until all is small enough."""
        files = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        total, oldest = sum(size for _, size, _ in files), time.time() - self._max_age
        for changed, size, path in sorted(files):
            if changed >= oldest and total <= self._max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
