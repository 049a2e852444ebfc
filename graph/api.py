"""Run tasks from Python: `ask` and `aask` start one, `aresume` continues one that was interrupted or failed."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from configs.errors import CheckpointError, InvalidInputError, MementoError
from configs.settings import Settings, load_settings
from graph.answers import command_of
from graph.builder import graph_of
from graph.checkpoints import held
from graph.context import Context, resolve
from graph.events import Event
from graph.kept_knobs import kept_context, metadata_of
from graph.results import Result, RunError, is_finished, result_of
from graph.services import Services, open_services
from graph.state import Answers, Input
from graph.workspaces import THREAD_ID, check_file
from nodes.approval_names import check_before
from nodes.retrieve_cases import check_question

OnEvent = Callable[[Event], None]
Graph: TypeAlias = "CompiledStateGraph[Any, Any, Any, Any]"
_graphs: WeakKeyDictionary[Services, Graph] = WeakKeyDictionary()


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
        RunInUseError: another run has the thread; nothing was started.
        CheckpointError: the checkpoints cannot be opened; nothing was started.
    """
    question = check_question(question)
    paths = await asyncio.to_thread(_checked_files, files)
    thread_id = check_thread_id(thread_id or uuid.uuid4().hex[:12])
    async with _opened(settings, services) as live, held(live.checkpointer, thread_id):
        knobs = resolve(context, live.settings)
        live.runs.check(knobs)
        await check_before(knobs.approval, live.tools)
        names = await live.attachments.add(thread_id, paths)
        message = HumanMessage(question, id=uuid.uuid4().hex)
        given: Input = {"messages": [message], "files": names, "expected_answer": expected}
        config: RunnableConfig = {"configurable": {"thread_id": thread_id}}
        return await _run(live, config, given, context or Context(), on_event)


async def aresume(
    thread_id: str,
    *,
    answers: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    context: Context | None = None,
    on_event: OnEvent | None = None,
    services: Services | None = None,
) -> Result:
    """Continue a run from its last checkpoint; what was finished does not run again, a finished run not at all.

    The run keeps the knobs it was started with, but for those that `context` names.

    Args:
        thread_id: of the run.
        answers: to `Result.interrupts`, by their ids: `{"decisions": [...]}`, see docs/steering.md.
        settings, context, on_event, services: as for `aask`.

    Raises:
        InvalidInputError: there is no such run, nothing of it waits for such an answer, or the answer cannot be read.
        RunInUseError: another process is working on it.
        CheckpointError: the checkpoints cannot be opened or read.
    """
    check_thread_id(thread_id)
    async with _opened(settings, services) as live, held(live.checkpointer, thread_id):
        graph = _graph_of(live)
        found = await _where_to_resume(graph, {"configurable": {"thread_id": thread_id}})
        if answers:
            given = command_of(found, answers)
        elif is_finished(found):
            return result_of(thread_id, found)
        else:
            given = None
        return await _run(live, found.config, given, kept_context(found.metadata, context), on_event)


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


def _graph_of(services: Services) -> Graph:
    """The graph around the services, built once: that costs as much as a few steps of a run."""
    graph = _graphs.get(services)
    if graph is None:
        graph = _graphs[services] = graph_of(services)
    return graph


async def _run(
    services: Services,
    config: RunnableConfig,
    given: Input | Command[Any] | None,
    context: Context,
    on_event: OnEvent | None,
) -> Result:
    started = time.monotonic()
    graph = _graph_of(services)
    thread_id = config["configurable"]["thread_id"]
    error = None
    try:
        kept: RunnableConfig = {**config, "metadata": metadata_of(resolve(context, services.settings))}
        async for event in graph.astream(given, kept, context=context, stream_mode="custom", durability="sync"):
            if on_event is not None:
                on_event(cast(Event, event))
    except MementoError as failure:
        error = RunError(type(failure).__name__, str(failure))
    return await _outcome(graph, thread_id, time.monotonic() - started, error)


async def _outcome(graph: Graph, thread_id: str, seconds: float, error: RunError | None) -> Result:
    """What the latest checkpoint says; where it cannot be read any more, that the run failed and why."""
    latest: RunnableConfig = {"configurable": {"thread_id": thread_id}}
    try:
        snapshot = await graph.aget_state(latest)
    except CheckpointError as failure:
        error = error or RunError(type(failure).__name__, str(failure))
        snapshot = StateSnapshot({}, (), latest, None, None, None, (), ())
    return result_of(thread_id, snapshot, seconds, error)


async def _where_to_resume(graph: Graph, config: RunnableConfig) -> StateSnapshot:
    """The thread's latest checkpoint. Without its id: running from one is time travel, which does finished steps again.

    Raises:
        InvalidInputError: the thread has none.
    """
    state = await graph.aget_state(config)
    if state.created_at is None:
        raise InvalidInputError(f"there is no run with the thread id {config['configurable']['thread_id']!r}")
    return state._replace(config=config)
