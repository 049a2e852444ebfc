"""What every chat client is given, whatever its provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from typing_extensions import TypedDict

from configs.settings import Settings

if TYPE_CHECKING:
    from graph.model_client import ModelClient


class ChatOptions(TypedDict):
    """Arguments that ChatOpenAI and AzureChatOpenAI share.

    `disable_streaming`: replies are JSON and tool calls, of which nobody reads the first half; a stream that breaks
    would not be retried, and half of a tool call's arguments would be completed to arguments nobody asked for.
    """

    timeout: float
    max_retries: int
    http_async_client: ModelClient
    http_socket_options: tuple[()]
    disable_streaming: Literal[True]


def chat_options(settings: Settings, client: ModelClient) -> ChatOptions:
    """The options as configured. `client` is closed by whoever opened it; the one they would open never is."""
    return {
        "timeout": settings.model_timeout,
        "max_retries": settings.model_retries,
        "http_async_client": client,
        "http_socket_options": (),
        "disable_streaming": True,
    }
