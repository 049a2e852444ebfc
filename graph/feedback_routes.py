"""The routes of the case memory: feedback that comes after the run, and reading a case.

They work on the services the server's runs share, so they reach the bank that this process holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from configs.errors import InvalidInputError, OperatorError
from configs.settings import load_settings
from graph.feedback import CaseFeedback, RunFeedback, Source, parsed
from graph.identity import namespace_for
from graph.request_guard import RefusedError, check_sender, json_body
from graph.services import shared_services
from memory.case import Reward
from memory.case_memory import CaseMemory

_log = logging.getLogger(__name__)
Answer: TypeAlias = Callable[[Request], Awaitable[Response]]


def feedback_routes() -> list[Route]:
    """The routes, see docs/server.md."""
    return [
        Route("/cases/{case_id}", _guarded(show_case), methods=["GET"]),
        Route("/cases/{case_id}/feedback", _guarded(judge_case), methods=["POST"]),
        Route("/feedback", _guarded(judge_run), methods=["POST"]),
    ]


async def show_case(request: Request) -> Response:
    """The case, as `memento cases show --json` prints it."""
    memory, namespace = await _memory_of(request)
    entry = await memory.entry(request.path_params["case_id"], namespace=namespace)
    if entry is None:
        raise RefusedError(404, "there is no such case")
    episode = entry.episode.model_dump(mode="json") if entry.episode else None
    return JSONResponse({**entry.case.model_dump(mode="json"), "archived": entry.archived, "episode": episode})


async def judge_case(request: Request) -> Response:
    """Whether a case's answer was right."""
    given = parsed(CaseFeedback, await json_body(request))
    memory, namespace = await _memory_of(request)
    return await _judge(memory, namespace, request.path_params["case_id"], given.outcome(), given.note, given.source)


async def judge_run(request: Request) -> Response:
    """The same as LangSmith's clients say it, for a case, a run, or the latest case of a thread."""
    given = parsed(RunFeedback, await json_body(request))
    memory, namespace = await _memory_of(request)
    case_id = given.case_id
    if given.run_id is not None:
        case_id = await memory.case_of("run", given.run_id, namespace=namespace)
    elif given.thread_id is not None:
        case_id = await memory.case_of("thread", given.thread_id, namespace=namespace)
    return await _judge(memory, namespace, case_id, given.outcome(), given.comment or "", given.source)


async def _judge(
    memory: CaseMemory, namespace: str, case_id: str | None, reward: Reward, note: str, source: Source
) -> Response:
    if case_id is None or await memory.entry(case_id, namespace=namespace) is None:
        raise RefusedError(404, "there is no such case")
    case = await memory.feedback(case_id, reward, note, namespace=namespace, source=source)
    return JSONResponse({"case_id": case.id, "reward": case.reward, "reward_source": case.reward_source})


async def _memory_of(request: Request) -> tuple[CaseMemory, str]:
    """The memory of this server, and the namespace of whoever asks."""
    settings = await asyncio.to_thread(load_settings)
    namespace = namespace_for(request.scope.get("user"), settings)
    return (await shared_services.get(settings)).memory, namespace


def _guarded(answer: Answer) -> Answer:
    """Every refusal is one line of JSON; what is wrong with the machine is told to its log only."""

    async def endpoint(request: Request) -> Response:
        try:
            check_sender(request)
            return await answer(request)
        except RefusedError as refused:
            return _refusal(refused.status, str(refused))
        except InvalidInputError as error:
            return _refusal(422, str(error))
        except OperatorError:
            _log.exception("the case memory cannot be used")
            return _refusal(503, "the case memory cannot be used at the moment; the server's log says why")

    endpoint.__doc__ = answer.__doc__
    return endpoint


def _refusal(status: int, reason: str) -> Response:
    return JSONResponse({"detail": reason}, status)
