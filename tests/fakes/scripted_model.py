"""A chat model for the real graph that replies from a script.

    model = ScriptedModel([
        Step(plan("multiply"), when="(?s)^system: .*planner"),
        Step(calls(("multiply", {"a": 48, "b": 37})), when="Subtask 1"),
        Step("1776", when="^tool: 1776"),
        Step("FINAL ANSWER: 1776"),
    ])
    ...
    model.assert_done()

A request takes the first step that is left and whose `when` fits, so parallel branches can each find their own
steps whatever order they run in; steps without `when` are taken in order by whatever comes. A request that no step
fits raises `UnexpectedCall`, and is remembered, so that `assert_done` fails even where the caller swallowed it.
A bound `max_tokens` cuts replies as providers do.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

ROLES = {"human": "user", "ai": "assistant"}


class UnexpectedCall(AssertionError):
    """The model was asked something that no step of its script fits."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the model got it: messages, tool schemas, and every other bound argument."""

    messages: list[BaseMessage]
    tools: list[dict[str, Any]]
    response_format: Any
    options: dict[str, Any]

    @property
    def text(self) -> str:
        """All messages as `role: content`, one after the other; tool calls as `call NAME JSON`."""
        return "\n".join(_rendered(message) for message in self.messages)

    @property
    def last(self) -> str:
        """The last message, rendered in the same way."""
        return _rendered(self.messages[-1])

    @property
    def tool_names(self) -> list[str]:
        return [tool["function"]["name"] for tool in self.tools]


Matcher: TypeAlias = str | Callable[[Request], bool] | None
Reply: TypeAlias = str | AIMessage | Exception | Callable[[Request], "str | AIMessage"]


@dataclass(frozen=True, slots=True)
class Step:
    """One reply of the script.

    Args:
        reply: text, a message, an exception to raise, or a function of the request.
        when: a regular expression searched in `Request.text` (`^` and `$` fit at line ends), or a predicate.
        delay: seconds until the reply.
        times: how often the step is used; None for any number of times, also none.
    """

    reply: Reply
    when: Matcher = None
    delay: float = 0.0
    times: int | None = 1

    def fits(self, request: Request) -> bool:
        if self.when is None:
            return True
        if callable(self.when):
            return self.when(request)
        return re.search(self.when, request.text, re.MULTILINE) is not None


@dataclass
class _Script:
    steps: list[Step]
    used: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    unexpected: list[Request] = field(default_factory=list)

    def take(self, request: Request) -> Step:
        self.requests.append(request)
        for index, step in enumerate(self.steps):
            if (step.times is None or self.used[index] < step.times) and step.fits(request):
                self.used[index] += 1
                return step
        self.unexpected.append(request)
        raise UnexpectedCall(f"no step of the script fits this request; left are {self.left()}\n{request.text}")

    def left(self) -> list[str]:
        return [
            f"step {index}: {_shown(step)}"
            for index, step in enumerate(self.steps)
            if step.times is not None and self.used[index] < step.times
        ]


class ScriptedModel(BaseChatModel):
    """See the module's docstring. One instance may be bound several times and called concurrently."""

    _script: _Script = PrivateAttr()

    def __init__(self, steps: Iterable[Step | Reply] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        listed = [step if isinstance(step, Step) else Step(step) for step in steps]
        self._script = _Script(listed, used=[0] * len(listed))

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order they came."""
        return self._script.requests

    def requests_with(self, pattern: str) -> list[Request]:
        """The requests whose text holds the regular expression."""
        return [request for request in self.requests if re.search(pattern, request.text, re.MULTILINE)]

    def assert_done(self) -> None:
        """Raises AssertionError where a step was not used up, or a request came that no step fitted."""
        unexpected = [request.last for request in self._script.unexpected]
        assert not unexpected, f"requests that no step fitted: {unexpected}"
        assert not self._script.left(), f"steps that were not used: {self._script.left()}"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Bind OpenAI tool schemas; the script decides which are called."""
        choice = {"tool_choice": tool_choice} if tool_choice is not None else {}
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = _request(messages, stop, kwargs)
        step = self._script.take(request)
        time.sleep(step.delay)
        return _result(step.reply, request)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = _request(messages, stop, kwargs)
        step = self._script.take(request)
        await asyncio.sleep(step.delay)
        return _result(step.reply, request)


def calls(*named: tuple[str, dict[str, Any]], content: str = "", prefix: str = "call") -> AIMessage:
    """A reply with tool calls: `calls(("add", {"a": 1, "b": 2}), ("now", {}))`, with ids call_1, call_2."""
    made = [
        tool_call(name=name, args=arguments, id=f"{prefix}_{number}")
        for number, (name, arguments) in enumerate(named, start=1)
    ]
    return AIMessage(content=content, tool_calls=made)


def plan(*descriptions: str, first_id: int = 1) -> str:
    """A planner's reply in the plainest form: `{"plan": [{"id": 1, "description": ...}, ...]}`."""
    steps = [{"id": number, "description": text} for number, text in enumerate(descriptions, start=first_id)]
    return json.dumps({"plan": steps})


def _request(messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]) -> Request:
    rest = {**options, **({"stop": stop} if stop else {})}
    tools = rest.pop("tools", [])
    return Request([m.model_copy() for m in messages], tools, rest.pop("response_format", None), rest)


def _result(reply: Reply, request: Request) -> ChatResult:
    if isinstance(reply, Exception):
        raise reply
    made = reply(request) if callable(reply) and not isinstance(reply, AIMessage) else reply
    message = AIMessage(content=made) if isinstance(made, str) else made
    usage = message.usage_metadata or _usage(request, message)
    copied = message.model_copy(update={"id": None, "usage_metadata": usage})
    cap = request.options.get("max_tokens")
    if cap is not None and usage["output_tokens"] > cap:
        copied = _cut(copied, usage["input_tokens"], cap)
    return ChatResult(generations=[ChatGeneration(message=copied)])


def _cut(message: AIMessage, input_tokens: int, cap: int) -> AIMessage:
    """As providers end a reply at `max_tokens`: the beginning of the text, no tool call, finish reason length."""
    return AIMessage(
        str(message.text)[: 4 * cap],
        usage_metadata=UsageMetadata(input_tokens=input_tokens, output_tokens=cap, total_tokens=input_tokens + cap),
        response_metadata={"finish_reason": "length"},
    )


def _usage(request: Request, reply: AIMessage) -> UsageMetadata:
    """About four characters a token, tool schemas counted, so that more text is more tokens."""
    sent = len(request.text) + sum(len(json.dumps(tool)) for tool in request.tools)
    given, made = sent // 4 + 1, len(_rendered(reply)) // 4 + 1
    return UsageMetadata(input_tokens=given, output_tokens=made, total_tokens=given + made)


def _rendered(message: BaseMessage) -> str:
    made = message.tool_calls if isinstance(message, AIMessage) else []
    lines = [f"call {call['name']} {json.dumps(call['args'], ensure_ascii=False)}" for call in made]
    content = message.content if isinstance(message.content, str) else json.dumps(message.content, ensure_ascii=False)
    return "\n".join([f"{ROLES.get(message.type, message.type)}: {content}", *lines])


def _shown(step: Step) -> str:
    reply = step.reply if isinstance(step.reply, str) else repr(step.reply)
    return f"{reply[:80]!r} when {step.when!r}"
