"""The one place where events are told: each gets its time, loses its secrets, and goes to the stream and to traces."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler

from graph.events import Event
from graph.masking import Mask

logger = logging.getLogger(__name__)
GRAPH_NAME = "memento"


@dataclass(frozen=True, slots=True)
class RunName:
    """Which run an event is of. `task_id` is the question's; a resumed run keeps it. `thread_id` may be empty."""

    thread_id: str
    task_id: str


class Listener(Protocol):
    """Hears every event of every run, on the event loop: it may not block, and what it raises fails no run."""

    def heard(self, run: RunName, event: Event) -> None:
        """Take an event; it is masked and is not changed later."""
        ...

    def fault(self) -> str | None:
        """What went wrong since this was last asked for, as one line for a warning; told once."""
        ...

    async def settled(self) -> None:
        """Wait, within a second, until what was heard so far is kept where losing it would matter."""
        ...

    def close(self) -> None:
        """Keep or send what is left, within a few seconds. Blocks."""
        ...


@dataclass(slots=True)
class _Open:
    name: RunName
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the events of all runs of a process."""

    mask: Mask = field(default_factory=lambda: Mask.of(()))
    listeners: Sequence[Listener] = ()
    _open: dict[UUID, _Open] = field(default_factory=dict)
    _roots: dict[UUID, UUID] = field(default_factory=dict)

    def telling(
        self, run: RunName, write: Callable[[Any], None], within: UUID | None = None
    ) -> Callable[[Event], None]:
        """What a node of the run tells its events with.

        Args:
            run: whose events they are.
            write: puts one into the graph's stream.
            within: the node's own run as callbacks know it, from which the graph's invocation follows.
        """
        root = self._roots.get(within) if within is not None else None

        def tell(event: Event) -> None:
            told = cast(Event, self.mask.values({"at": time.time(), **event}))
            write(told)
            self._hear(root, run, told)
            for listener in self.listeners:
                if (fault := listener.fault()) is not None:
                    write({"type": "warned", "message": self.mask.text(fault), "at": time.time()})

        return tell

    def began(self, run_id: UUID, parent: UUID | None) -> None:
        """Something that callbacks know by this id has begun, as part of another or, without one, by itself."""
        self._roots[run_id] = self._roots.get(parent, run_id) if parent is not None else run_id

    async def ended(self, root: UUID, error: BaseException | None) -> None:
        """What began with this id is over. If it invoked the graph, the run in it has come to an end or a halt."""
        self._roots.pop(root, None)
        run = self._open.pop(root, None)
        if run is None:
            return
        for each in [each for each, its_root in self._roots.items() if its_root == root]:
            del self._roots[each]  # what was cancelled may not have said that it is over
        failed = isinstance(error, Exception)
        told = self.mask.values({"error": f"{type(error).__name__}: {error}" if failed else None})
        status = "failed" if failed else "answered" if run.answered else "interrupted"
        self._pass(run.name, cast(Event, {"type": "run_ended", "status": status, **told, "at": time.time()}))
        await asyncio.gather(*(listener.settled() for listener in self.listeners))

    def close(self) -> None:
        """Close the listeners. Blocks for a few seconds at most."""
        for listener in self.listeners:
            listener.close()

    def _hear(self, root: UUID | None, run: RunName, event: Event) -> None:
        if root is not None:
            known = self._open.get(root)
            if known is None or known.name != run:
                known = self._open[root] = _Open(run)
                if event["type"] != "task_opened":
                    self._pass(run, {"type": "run_resumed", "at": event["at"]})
            known.answered |= event["type"] == "case_written"
        self._pass(run, event)

    def _pass(self, run: RunName, event: Event) -> None:
        for listener in self.listeners:
            try:
                listener.heard(run, event)
            except Exception:  # a run does not fail because it is watched
                logger.exception("an event of run %s was lost", run.task_id)


class RunEnds(AsyncCallbackHandler):
    """Tells a teller when an invocation of the graph begins and ends, whoever invokes it."""

    run_inline = True
    ignore_agent = ignore_chat_model = ignore_custom_event = ignore_llm = ignore_retriever = ignore_retry = True

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    async def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **options: Any
    ) -> None:
        self._teller.began(run_id, None if options.get("name") == GRAPH_NAME else parent_run_id)

    async def on_chain_end(self, outputs: Any, *, run_id: UUID, **options: Any) -> None:
        await self._teller.ended(run_id, None)

    async def on_chain_error(self, error: BaseException, *, run_id: UUID, **options: Any) -> None:
        await self._teller.ended(run_id, error)
