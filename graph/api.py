"""Run tasks from Python: `ask` and `aask` start one, `aresume` continues one that was interrupted or failed."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from configs.errors import InvalidInputError, MementoError
from configs.settings import Settings, load_settings
from graph.builder import build_graph
from graph.context import Context, resolve
from graph.events import Event
from graph.results import Result, RunError, result_of
from graph.services import Services, open_services
from graph.state import Answers, Input
from graph.workspaces import THREAD_ID, check_file
from nodes.retrieve_cases import check_question

OnEvent = Callable[[Event], None]


def ask(question: str, **options: Any) -> Result:
    """`aask` for scripts without an event loop; takes the same arguments."""
    return asyncio.run(aask(question, **options))


async def aask(
    question: str,
    *,
    files: Sequence[str | Path] = (),
    expected: Answers | None = None,
    thread_id: str | None = None,
    settings: Settings | None = None,
    context: Context | None = None,
    on_event: OnEvent | None = None,
    services: Services | None = None,
) -> Result:
    """Run one task to its answer and its case.

    Args:
        question: what is asked.
        files: paths of files the task is about; copied into the thread's workspace.
        expected: the right answer or several, for the reward; the planner and the executor never see it.
        thread_id: an earlier conversation to go on with; a new one if None.
        settings: of this process; by default what files and environment say.
        context: knobs of this run alone.
        on_event: called with every event while the run goes, in the run's own thread.
        services: already opened ones, to be shared by many runs; then `settings` is theirs.

    Returns:
        The result. A run that failed has the status `failed` and says why in `error`; it can be resumed.

    Raises:
        InvalidInputError, ConfigurationError: nothing was started.
    """
    question = check_question(question)
    paths = await asyncio.to_thread(_checked_files, files)
    thread_id = check_thread_id(thread_id or uuid.uuid4().hex[:12])
    async with _opened(settings, services) as live:
        live.runs.check(resolve(context, live.settings))
        names = await live.attachments.add(thread_id, paths)
        message = HumanMessage(question, id=uuid.uuid4().hex)
        given: Input = {"messages": [message], "files": names, "expected_answer": expected}
        return await _run(live, thread_id, given, context, on_event)


async def aresume(
    thread_id: str,
    *,
    settings: Settings | None = None,
    context: Context | None = None,
    on_event: OnEvent | None = None,
    services: Services | None = None,
) -> Result:
    """Continue a run from its last checkpoint; what was finished does not run again, a finished run not at all.

    Raises:
        InvalidInputError: there is no such run.
    """
    async with _opened(settings, services) as live:
        return await _run(live, check_thread_id(thread_id), None, context, on_event)


def check_thread_id(thread_id: str) -> str:
    """The id itself.

    Raises:
        InvalidInputError: it is not 1 to 100 letters, digits, '_', '.' or '-'.
    """
    if not THREAD_ID.fullmatch(thread_id):
        raise InvalidInputError(f"thread id {thread_id[:100]!r}: takes 1 to 100 letters, digits, '_', '.' or '-'")
    return thread_id


def _checked_files(files: Sequence[str | Path]) -> list[Path]:
    paths = [Path(each).expanduser() for each in files]
    for path in paths:
        check_file(path)
    return paths


@asynccontextmanager
async def _opened(settings: Settings | None, services: Services | None) -> AsyncIterator[Services]:
    if services is not None:
        yield services
        return
    async with open_services(settings if settings is not None else await asyncio.to_thread(load_settings)) as opened:
        yield opened


async def _run(
    services: Services,
    thread_id: str,
    given: Input | None,
    context: Context | None,
    on_event: OnEvent | None,
) -> Result:
    started = time.monotonic()
    graph = build_graph(services)
    config: RunnableConfig = {"configurable": {"thread_id": thread_id}}
    error = None
    if given is None:
        config, finished = await _where_to_resume(graph, config)
        if finished:
            return result_of(thread_id, await graph.aget_state(config))
    try:
        async for event in graph.astream(
            given, config, context=context or Context(), stream_mode="custom", durability="sync"
        ):
            if on_event is not None:
                on_event(cast(Event, event))
    except MementoError as failure:
        error = RunError(type(failure).__name__, str(failure))
    latest: RunnableConfig = {"configurable": {"thread_id": thread_id}}
    return result_of(thread_id, await graph.aget_state(latest), time.monotonic() - started, error)


async def _where_to_resume(
    graph: CompiledStateGraph[Any, Any, Any, Any], config: RunnableConfig
) -> tuple[RunnableConfig, bool]:
    """The checkpoint to go on from, and whether the run is finished already.

    After a crash the latest checkpoint may name no next node although the run is not finished; the one before does.
    """
    state = await graph.aget_state(config)
    if not state.values:
        raise InvalidInputError(f"there is no run with the thread id {config['configurable']['thread_id']!r}")
    if state.next:
        return config, False
    if state.values.get("status") == "answered":
        return config, True
    async for earlier in graph.aget_state_history(config):
        if earlier.next:
            return earlier.config, False
    raise InvalidInputError("the run has no checkpoint to go on from; ask again")
