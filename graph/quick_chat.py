"""LangChain's OpenAI clients without the most costly step of a call, which changes nothing in the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_openai import AzureChatOpenAI, ChatOpenAI

if TYPE_CHECKING:
    from langchain_core.language_models import LanguageModelInput


def plain(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with its tools in `extra_body`, from where they go into the request as they are.

    Elsewhere the OpenAI client walks through every key of every tool's JSON schema to find names that its Python types
    spell differently, of which there are none; that takes as long as the rest of the call.
    """
    tools = payload.pop("tools", None)
    if tools:
        payload["extra_body"] = {**(payload.get("extra_body") or {}), "tools": tools}
    return payload


class QuickChatOpenAI(ChatOpenAI):
    """ChatOpenAI; `_get_request_payload` is what the library has for endpoints that take other requests."""

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        return plain(super()._get_request_payload(input_, stop=stop, **kwargs))


class QuickAzureChatOpenAI(AzureChatOpenAI):
    """The same for Azure."""

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        return plain(super()._get_request_payload(input_, stop=stop, **kwargs))
