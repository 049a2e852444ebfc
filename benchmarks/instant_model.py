"""A chat model in this process that replies as `benchmarks.orders` says: what an HTTP client costs is not in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from benchmarks.orders import reply_to
from configs.errors import MementoError, ModelUnavailableError
from nodes.language_model import LanguageModel

ROLES = {"human": "user", "ai": "assistant"}


class InstantModel(BaseChatModel):
    """Replies after `delay` seconds."""

    delay: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "instant"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        return self.bind(tools=tools, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = [(ROLES.get(message.type, message.type), str(message.text)) for message in messages]
        reply = reply_to(said, has_tools=bool(kwargs.get("tools")))
        if isinstance(reply, str):
            message = AIMessage(reply)
        else:
            message = AIMessage("", tool_calls=[tool_call(name=reply.name, args=reply.arguments, id="call_1")])
        message.usage_metadata = UsageMetadata(input_tokens=100, output_tokens=10, total_tokens=110)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.sleep(self.delay)
        return self._generate(messages, stop, None, **kwargs)


@dataclass(frozen=True, slots=True)
class InstantModels:
    """The same model for every name."""

    delay: float = 0.0

    async def get(self, spec: str) -> LanguageModel:
        return LanguageModel(InstantModel(delay=self.delay), spec, _translated)


def _translated(fault: Exception) -> MementoError:
    return ModelUnavailableError(str(fault))
