"""The lines of a file that somebody else wrote: from regular files only, and a long line is never held as a whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from configs.errors import InvalidInputError

LONGEST_LINE = 4 * 2**20
"""Bytes, without the line end."""

PART = 2**16
"""Bytes of the rest of a long line that are read at a time."""


def file_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file with their ends; of one longer than LONGEST_LINE the beginning, see `check_length`.

    Raises:
        InvalidInputError: the file cannot be read, or is a folder, a pipe or a device.
    """
    try:
        with os.fdopen(_open_regular(path), "rb") as file:
            while line := file.readline(LONGEST_LINE + 2):
                yield line
                while line and not line.endswith(b"\n"):
                    line = file.readline(PART)
    except OSError as error:
        raise InvalidInputError(f"cannot read {path}: {error.strerror}") from error


def check_length(line: bytes) -> None:
    """Raise ValueError about a line longer than LONGEST_LINE."""
    if len(line.removesuffix(b"\n")) > LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE // 2**20} MiB")


def _open_regular(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # waits for no writer of a pipe
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInputError(f"cannot read {path}: not a regular file")
    return descriptor
