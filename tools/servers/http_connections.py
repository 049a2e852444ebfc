"""Connections to an MCP server that say nothing: they take no place from those that ask for something."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
SILENT = 50
"""Connections that wait for the head of a request, all peers together; with more the one that waits longest goes."""


class ImpatientProtocol(H11Protocol):
    """uvicorn's protocol, which itself waits for the head of a request for ever."""

    _ends: asyncio.TimerHandle | None = None
    """When the head has to be there, while it is waited for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait()
        waiting = [each for each in self.connections if isinstance(each, ImpatientProtocol) and each._ends]
        if len(waiting) > SILENT:
            min(waiting, key=lambda each: each._ends.when() if each._ends else 0.0)._give_up()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._ends is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._ends = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None

    def _give_up(self) -> None:
        self._stop_waiting()
        self.transport.abort()
