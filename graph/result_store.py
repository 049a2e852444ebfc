"""Long tool results on disk, below the workspace of their thread, each task's in a folder of its own.

The workspace is treated as hostile: folders and files are opened beneath it without following links, and a file counts
only if its content has the id it is named by.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from configs.private_folders import private_folder
from graph.workspaces import Workspaces, folder_name
from nodes.whole_results import RESULT_ID, result_id

FOLDER = ".results"
MAX_TASK_BYTES = 64_000_000
"""Of one task; when it is full the oldest go."""
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredResults:
    """Implements `nodes.whole_results.ResultStore`."""

    workspaces: Workspaces
    max_task_bytes: int = MAX_TASK_BYTES

    async def keep(self, thread_id: str, task_id: str, result_id: str, text: str) -> bool:
        """Keep a text (file 0600, folders 0700); False where the disk does not take it."""
        try:
            return await asyncio.to_thread(self._keep, thread_id, task_id, result_id, text)
        except OSError as error:
            _logger.warning("a long tool result cannot be kept: %s", error.strerror)
            return False

    async def read(self, thread_id: str, task_id: str, result_id: str) -> str | None:
        """The text, or None where none of that id is kept for the task."""
        return await asyncio.to_thread(self._read, thread_id, task_id, result_id)

    def _keep(self, thread_id: str, task_id: str, result_id: str, text: str) -> bool:
        data = text.encode("utf-8", "replace")
        if len(data) > self.max_task_bytes:
            return False
        with self._folder(thread_id, task_id, create=True) as folder:
            if not _touched(result_id, folder):
                _make_room(folder, self.max_task_bytes - len(data))
                _write(result_id, data, folder)
        return True

    def _read(self, thread_id: str, task_id: str, name: str) -> str | None:
        if RESULT_ID.fullmatch(name) is None:
            return None
        try:
            with self._folder(thread_id, task_id, create=False) as folder:
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
                with os.fdopen(file, "rb") as opened:
                    status = os.fstat(file)
                    if not stat.S_ISREG(status.st_mode) or status.st_size > self.max_task_bytes:
                        return None
                    text = opened.read().decode("utf-8", "replace")
        except OSError:
            return None
        return text if result_id(text) == name else None

    @contextmanager
    def _folder(self, thread_id: str, task_id: str, *, create: bool) -> Iterator[int]:
        """The task's folder as a descriptor."""
        workspace = self.workspaces.folder(thread_id)
        if create:
            private_folder(workspace)
        opened = [os.open(workspace, _FOLDER_FLAGS)]
        try:
            for name in (FOLDER, folder_name(task_id)):
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=opened[-1])
                opened.append(os.open(name, _FOLDER_FLAGS, dir_fd=opened[-1]))
            yield opened[-1]
        finally:
            for descriptor in opened:
                os.close(descriptor)


def _touched(name: str, folder: int) -> bool:
    """Whether the file is there; if so it counts as new again."""
    try:
        os.utime(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _write(name: str, data: bytes, folder: int) -> None:
    """Write under another name first, so that a crash leaves no half of a result under its id."""
    draft = f".{name}-{uuid.uuid4().hex[:8]}"
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise


def _make_room(folder: int, room: int) -> None:
    """Remove the oldest files until the others take at most `room` bytes."""
    with os.scandir(folder) as entries:
        found = [
            (each.stat(follow_symlinks=False), each.name) for each in entries if not each.is_dir(follow_symlinks=False)
        ]
    total = sum(status.st_size for status, _ in found)
    for status, name in sorted(found, key=lambda each: each[0].st_mtime_ns):
        if total <= room:
            return
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        total -= status.st_size
