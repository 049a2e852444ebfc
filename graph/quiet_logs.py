"""Exporters log every batch that they cannot send; a person needs to hear of that once, in a line."""

from __future__ import annotations

import logging
from collections.abc import Iterable

LINE_CHARS = 300


def log_once(names: Iterable[str]) -> None:
    """From now on each of these loggers lets one warning through, as one line; what comes after it is dropped."""
    for name in names:
        found = logging.getLogger(name)
        if not any(isinstance(each, _Once) for each in found.filters):
            found.addFilter(_Once())


class _Once(logging.Filter):
    _seen = False

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        first, self._seen = not self._seen, True
        lines = record.getMessage().splitlines() or [""]
        record.msg, record.args, record.exc_info = lines[0][:LINE_CHARS], (), None
        return first
