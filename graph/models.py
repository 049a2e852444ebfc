"""From `provider:name` to a chat model: OpenAI-compatible endpoints, Azure, and the embedded model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from configs.errors import ConfigurationError
from configs.settings import Settings, secrets
from graph.chat_options import chat_options
from graph.model_faults import provider_faults, translator
from nodes.language_model import LanguageModel

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from graph.model_client import ModelClient

NO_KEY = SecretStr("none")
"""Sent where an endpoint takes no key; the client insists on one."""


class ModelPool:
    """The chat models of one process, each made at its first use and kept, with connections of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, LanguageModel] = {}
        self._clients: list[ModelClient] = []
        self._lock = asyncio.Lock()

    async def get(self, spec: str) -> LanguageModel:
        """The model of a `provider:name`; the same object for the same text.

        Raises:
            ConfigurationError: the provider needs a key or an address that is not set, or is not known.
            ModelUnavailableError: the embedded model cannot be fetched or started.
        """
        async with self._lock:
            if spec not in self._models:
                provider, _, name = spec.partition(":")
                make = _PROVIDERS.get(provider)
                if make is None:
                    raise ConfigurationError(f"{spec!r}: unknown provider; known are {', '.join(_PROVIDERS)}")
                self._models[spec] = await asyncio.to_thread(self._made, make, name)
            return self._models[spec]

    async def aclose(self) -> None:
        """Close the connections. The embedded model's server ends with the process."""
        self._models.clear()
        while self._clients:
            await self._clients.pop().aclose()

    def _made(self, make: Callable[[str, Settings, ModelClient], LanguageModel], name: str) -> LanguageModel:
        from graph.model_client import ModelClient

        client = ModelClient(self._settings.model_timeout)
        self._clients.append(client)
        return make(name, self._settings, client)


def _openai(name: str, settings: Settings, client: ModelClient) -> LanguageModel:
    if settings.openai_api_key is None and settings.openai_base_url is None:
        raise ConfigurationError(
            f"openai:{name} needs OPENAI_API_KEY, or OPENAI_BASE_URL for another endpoint; "
            "without either, --config local uses the embedded model"
        )
    from graph.quick_chat import QuickChatOpenAI

    chat = QuickChatOpenAI(
        model=name,
        api_key=settings.openai_api_key or NO_KEY,
        base_url=settings.openai_base_url,
        **chat_options(settings, client),
    )
    return _language_model(chat, f"openai:{name}", "OPENAI_API_KEY", settings)


def _azure(name: str, settings: Settings, client: ModelClient) -> LanguageModel:
    needed = ("azure_openai_api_key", "azure_openai_endpoint", "azure_openai_api_version")
    missing = [field.upper() for field in needed if getattr(settings, field) is None]
    if missing:
        raise ConfigurationError(f"azure:{name} needs {' and '.join(missing)}")
    from graph.quick_chat import QuickAzureChatOpenAI

    chat = QuickAzureChatOpenAI(
        azure_deployment=name,
        api_key=settings.azure_openai_api_key,
        azure_endpoint=settings.azure_openai_endpoint,
        api_version=settings.azure_openai_api_version,
        **chat_options(settings, client),
    )
    model = _language_model(chat, f"azure:{name}", "AZURE_OPENAI_API_KEY", settings)
    return replace(model, output_option="max_completion_tokens")  # AzureChatOpenAI does not rename max_tokens


def _local(name: str, settings: Settings, client: ModelClient) -> LanguageModel:
    from graph.local_model import open_local_model

    return open_local_model(name, settings, client)


def _language_model(chat: BaseChatModel, spec: str, key_variable: str, settings: Settings) -> LanguageModel:
    return LanguageModel(chat, spec, translator(spec, key_variable, secrets(settings)), faults=provider_faults())


_PROVIDERS: dict[str, Callable[[str, Settings, ModelClient], LanguageModel]] = {
    "openai": _openai,
    "azure": _azure,
    "local": _local,
}
