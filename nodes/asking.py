"""One model call within the budgets: estimated, reserved, bounded in length and time, and priced."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage
from typing_extensions import TypedDict

from configs.errors import MementoError
from configs.prices import Price
from graph.events import Event
from graph.state import Budget, ModelCall, Role
from nodes.language_model import HALVED, LanguageModel, model_call
from nodes.meter import Allowance, Request
from nodes.reply_ending import was_cut
from nodes.request_size import RequestSize
from nodes.token_count import approximate

if TYPE_CHECKING:
    from nodes.running import Shared

Emit: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked; see `LanguageModel.reply` and `Running.ask`."""

    role: Role
    model: LanguageModel
    messages: Sequence[BaseMessage]
    subtask: int | None
    tools: Sequence[dict[str, Any]]
    tool_choice: str | None
    schema: dict[str, Any] | None
    last: bool


class Asked(TypedDict):
    """What came of it, as a step keeps it. `budget`: the one that refused the call, or cut it short."""

    message: AIMessage | None
    call: ModelCall | None
    budget: Budget | None


async def ask_once(question: Question, shared: Shared, size: RequestSize, emit: Emit) -> Asked:
    """Ask, once there is room for it; exceptions as `LanguageModel.reply`."""
    meter, model = shared.meter, question.model
    sent = size.bounded(model.name, question.messages, question.tools)
    left = shared.clock.left(None if question.last else meter.answer_seconds())
    if left is not None and left <= 0:
        return {"message": None, "call": None, "budget": "seconds"}
    counted = approximate(sent, question.tools) if meter.limits else 0
    wanted = Request(
        question.role, model.name, counted * size.counts.factor(model.name), question.last, model.max_output
    )
    started, clock, allowance = time.time(), time.monotonic(), None
    try:
        async with asyncio.timeout(left) as timeout:
            allowance = await meter.admit(wanted)
            if not isinstance(allowance, Allowance):
                return {"message": None, "call": None, "budget": allowance}
            started, clock = time.time(), time.monotonic()
            message = await model.reply(
                sent,
                tools=question.tools,
                tool_choice=question.tool_choice,
                schema=question.schema,
                max_tokens=allowance.cap,
            )
    except MementoError as error:
        _tell_failed(question, started, error, emit)
        raise
    except TimeoutError:
        if not timeout.expired():
            raise
        call = _unanswered(question, started, time.monotonic() - clock) if allowance is not None else None
        return {"message": None, "call": call, "budget": "seconds"}
    finally:
        if isinstance(allowance, Allowance):
            meter.settle(allowance)
    call = model_call(message, question.role, model, question.subtask, started, time.monotonic() - clock)
    call["cost_usd"] = _cost(message, meter.prices.of(model.name))
    if meter.limits:
        call["counted_tokens"] = counted if message.usage_metadata else counted + approximate([message])
    times = 2 if message.response_metadata.get(HALVED) else 1
    size.learn(model.name, sent, question.tools, call["input_tokens"] * times)
    meter.count(call)
    emit({"type": "model_called", **call, "at": time.time()})
    return {"message": message, "call": call, "budget": allowance.budget if was_cut(message) else None}


def _tell_failed(question: Question, started: float, error: MementoError, emit: Emit) -> None:
    emit(
        {"type": "model_failed", "role": question.role, "model": question.model.name, "subtask": question.subtask,
         "started_at": started, "seconds": time.time() - started, "error": f"{type(error).__name__}: {error}"}
    )  # fmt: skip


def _unanswered(question: Question, started: float, seconds: float) -> ModelCall:
    """A call that was cut off: made, but nobody says what it cost."""
    return {
        "id": uuid.uuid4().hex,
        "role": question.role,
        "model": question.model.name,
        "subtask": question.subtask,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": None,
        "started_at": started,
        "seconds": seconds,
    }


def _cost(message: AIMessage, price: Price | None) -> float | None:
    """US dollars of a reply; None where the price is not known, or the provider did not report its tokens."""
    usage = message.usage_metadata
    if price is None:
        return None
    if usage is None:
        return 0.0 if price.input == price.output == 0 else None
    cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
    return price.cost(usage["input_tokens"], usage["output_tokens"], cached)
