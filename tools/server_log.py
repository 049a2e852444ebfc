"""What a server writes to standard error: kept in MEMENTO_HOME/logs, bounded, never on the terminal."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import BinaryIO

from configs.private_folders import private_folder
from tools.result_text import clean

MAX_BYTES = 1_000_000
TAIL_BYTES = 4_000
_logger = logging.getLogger(__name__)


class ServerLog:
    """The log of one server; the last session's is kept as `.log.1`. Its methods block: call them in a thread."""

    def __init__(self, folder: Path, server: str) -> None:
        self.path = folder / f"mcp-{re.sub(r'[^A-Za-z0-9_-]', '_', server)}.log"
        self._file: BinaryIO | None = None
        self._begun = False
        self._written = 0
        self._tail = b""

    def open(self) -> None:
        """Begin the log, or go on with it after a restart. A log that cannot be written is done without."""
        self._tail = b""
        try:
            private_folder(self.path.parent)
            if not self._begun and self.path.exists():
                self.path.replace(f"{self.path}.1")
            self._begun = True
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self.path, flags, 0o600), "wb", buffering=0)
        except OSError as error:
            _logger.info("no log of an MCP server: %s", error)

    def write(self, chunk: bytes) -> None:
        """Add to the log until it holds MAX_BYTES; the tail in memory goes on."""
        self._tail = (self._tail + chunk)[-TAIL_BYTES:]
        room = MAX_BYTES - self._written
        if self._file is None or room <= 0:
            return
        self._written += len(chunk)
        try:
            self._file.write(chunk[:room])
        except OSError as error:
            _logger.info("the log of an MCP server ends here: %s", error)
            self._written = MAX_BYTES

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def full(self) -> bool:
        """Whether it holds all it takes."""
        return self._written >= MAX_BYTES

    @property
    def last_line(self) -> str:
        """The last line the server wrote since it started, at most 200 characters; often the reason it ended."""
        lines = clean(self._tail.decode("utf-8", "replace")).splitlines()
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
