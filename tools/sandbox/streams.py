"""The host's ends of a sandbox's pipes: read without blocking, bounded, and without belief in what comes."""

from __future__ import annotations

import array
import asyncio
import fcntl
import json
import os
import termios
from typing import Any

CHUNK = 1 << 18
MAX_REPLY = 200_000
"""Bytes of one reply; the kernel's own stay far below."""
MAX_AHEAD = 100
"""Replies that nobody has read."""


class Drained:
    """What comes out of a pipe: all is read and counted, the head and the tail are kept."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self.begin(0)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)
        self.ended = asyncio.Event()

    def begin(self, limit: int) -> None:
        """Forget what came and keep at most about `limit` bytes from now on."""
        self._half = limit // 2
        self._head = b""
        self._tail = b""
        self.total = 0

    def catch_up(self) -> None:
        """Read what is in the pipe at this moment, and no more."""
        size = array.array("i", [0])
        left = 0
        if not self.ended.is_set():
            fcntl.ioctl(self._descriptor, termios.FIONREAD, size)
            left = size[0]
        while left > 0 and not self.ended.is_set():
            left -= self._read()

    def text(self) -> str:
        """What was kept, with a line in place of what was not."""
        left_out = self.total - len(self._head) - len(self._tail)
        head, tail = (part.decode("utf-8", "replace") for part in (self._head, self._tail))
        return f"{head}{tail}" if not left_out else f"{head}\n[... {left_out:,} bytes left out ...]\n{tail}"

    def close(self) -> None:
        """Read no more and close the pipe; idempotent."""
        if not self.ended.is_set():
            self.ended.set()
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> int:
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return CHUNK
        except OSError:
            data = b""
        if not data:
            self.close()
        self.total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room] if room > 0 else b""
        if self._half:
            self._tail = (self._tail + data[max(room, 0) :])[-self._half :]
        return len(data)


class Replies:
    """JSON objects, one a line, from somebody who may write anything; `broken` once it is not that."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._rest = b""
        self._came: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.broken = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    async def next(self) -> dict[str, Any] | None:
        """The next reply; None if there will be no more."""
        return await self._came.get() if not self.broken or not self._came.empty() else None

    def close(self) -> None:
        """Read no more and close the pipe; idempotent."""
        if not self.broken:
            self.broken = True
            self._came.put_nowait(None)
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            for line in lines:
                self._came.put_nowait(_object(line))
            if not data or len(self._rest) > MAX_REPLY or self._came.qsize() > MAX_AHEAD:
                raise ValueError("no reply")
        except (ValueError, RecursionError):
            self.close()


class Commands:
    """The pipe to the kernel."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._waiting = b""

    def send(self, command: dict[str, Any]) -> None:
        """Write a line, now or when there is room; nothing happens once nobody reads."""
        if self._descriptor is not None:
            if not self._waiting:
                self._loop.add_writer(self._descriptor, self._write)
            self._waiting += json.dumps(command).encode() + b"\n"
            self._write()

    def close(self) -> None:
        """Close the pipe; idempotent."""
        if self._descriptor is not None:
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self) -> None:
        if self._descriptor is None:
            return
        try:
            self._waiting = self._waiting[os.write(self._descriptor, self._waiting) :]
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not self._waiting:
            self._loop.remove_writer(self._descriptor)


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_REPLY:
        raise ValueError("too long")
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value
