"""A chat model with what the nodes must know about it: how it takes tools, and what its faults mean."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable

from configs.errors import MementoError, RequestTooLongError
from graph.state import ModelCall, Role
from nodes.shorter_request import half_as_long

HALVED = "memento_request_halved"
"""In a reply's metadata: it was given to half of the request."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """One model behind one endpoint.

    Attributes:
        chat: the LangChain chat model; it retries what its provider says can be retried.
        name: `provider:name`, as configured.
        native_tools: takes tool schemas and replies with tool calls; without it, it is asked for JSON actions.
        constrain: from a JSON schema to what must be bound so that the reply keeps to it; None if nothing can do that.
        max_output: the most tokens of one reply, where the model has a bound of its own.
        output_option: what bounds a reply when it is bound.
        faults: what `chat` raises when the provider fails.
        translate: turns such a fault into one of ours, in one line without secrets.
    """

    chat: BaseChatModel
    name: str
    translate: Callable[[Exception], MementoError]
    native_tools: bool = True
    constrain: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    faults: tuple[type[Exception], ...] = ()
    max_output: int | None = None
    output_option: str = "max_tokens"

    async def reply(
        self,
        messages: Sequence[BaseMessage],
        *,
        tools: Sequence[dict[str, Any]] = (),
        tool_choice: str | None = None,
        schema: dict[str, Any] | None = None,
        max_tokens: int | None = None,
    ) -> AIMessage:
        """Ask once; a request that is too long is asked once more, half as long.

        Args:
            messages: the whole request, system message first.
            tools: offered as native tools, in OpenAI's form.
            tool_choice: "none" to offer them and yet ask for text.
            schema: what the reply must look like; ignored by a model that cannot be constrained.
            max_tokens: the most tokens of the reply; None for the model's own bound.

        Raises:
            ModelUnavailableError, ConfigurationError, AgentError: as `translate` says.
            RequestTooLongError: also the shorter request does not fit.
        """
        bound = self._bound(tools, tool_choice, schema, max_tokens)
        try:
            return await self._asked(bound, messages)
        except RequestTooLongError:
            shorter = half_as_long(messages)
            if shorter is None:
                raise
        message = await self._asked(bound, shorter)
        message.response_metadata[HALVED] = True
        return message

    async def _asked(self, bound: Runnable[Any, AIMessage], messages: Sequence[BaseMessage]) -> AIMessage:
        try:
            return await bound.ainvoke(list(messages))
        except self.faults as fault:
            raise self.translate(fault) from fault

    def _bound(
        self,
        tools: Sequence[dict[str, Any]],
        tool_choice: str | None,
        schema: dict[str, Any] | None,
        max_tokens: int | None,
    ) -> Runnable[Any, AIMessage]:
        options: dict[str, Any] = {}
        if max_tokens is not None:
            options[self.output_option] = min(max_tokens, self.max_output or max_tokens)
        if tools:
            return self.chat.bind_tools(list(tools), tool_choice=tool_choice, **options)
        if schema is not None and self.constrain is not None:
            options.update(self.constrain(schema))
        return self.chat.bind(**options) if options else self.chat


class Models(Protocol):
    """Where nodes get their models from."""

    async def get(self, spec: str) -> LanguageModel:
        """The model of a `provider:name`; the same object for the same text.

        Raises:
            ConfigurationError: the provider needs a key or an address that is not set, or is not known.
            ModelUnavailableError: the embedded model cannot be started.
        """
        ...


def model_call(
    message: AIMessage, role: Role, model: LanguageModel, subtask: int | None, started_at: float, seconds: float
) -> ModelCall:
    """What one reply cost, as its provider reported it; zeros where it reported nothing."""
    usage = message.usage_metadata
    return {
        "id": message.id or uuid.uuid4().hex,
        "role": role,
        "model": model.name,
        "subtask": subtask,
        "input_tokens": usage["input_tokens"] if usage else 0,
        "output_tokens": usage["output_tokens"] if usage else 0,
        "cost_usd": None,
        "started_at": started_at,
        "seconds": seconds,
    }
