"""From `provider:name` to a chat model: OpenAI-compatible endpoints, Azure, and the embedded model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from configs.errors import ConfigurationError
from configs.settings import Settings, secrets
from graph.model_faults import provider_faults, translator
from nodes.language_model import LanguageModel

if TYPE_CHECKING:
    import httpx
    from langchain_openai import AzureChatOpenAI, ChatOpenAI

Client: TypeAlias = "Callable[[], httpx.AsyncClient]"
NO_KEY = "none"
"""Sent where an endpoint takes no key; the client insists on one."""


class ModelPool:
    """The chat models of one process, each made at its first use and kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, LanguageModel] = {}
        self._lock = asyncio.Lock()
        self._http: httpx.AsyncClient | None = None

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
                self._models[spec] = await asyncio.to_thread(make, name, self._settings, self._client)
            return self._models[spec]

    async def aclose(self) -> None:
        """Close the connections. The embedded model's server ends with the process."""
        self._models.clear()
        if self._http is not None:
            await self._http.aclose()

    def _client(self) -> httpx.AsyncClient:
        """One client for all models; the one that langchain_openai makes for itself is never closed."""
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(follow_redirects=True, timeout=self._settings.model_timeout)
        return self._http


def _openai(name: str, settings: Settings, client: Client) -> LanguageModel:
    if settings.openai_api_key is None and settings.openai_base_url is None:
        raise ConfigurationError(
            f"openai:{name} needs OPENAI_API_KEY, or OPENAI_BASE_URL for another endpoint; "
            "without either, --config local uses the embedded model"
        )
    from langchain_openai import ChatOpenAI

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else NO_KEY
    chat = ChatOpenAI(
        model=name,
        api_key=lambda: key,
        base_url=settings.openai_base_url,
        timeout=settings.model_timeout,
        max_retries=settings.model_retries,
        http_async_client=client(),
        http_socket_options=(),
    )
    return _language_model(chat, f"openai:{name}", "OPENAI_API_KEY", settings)


def _azure(name: str, settings: Settings, client: Client) -> LanguageModel:
    needed = ("azure_openai_api_key", "azure_openai_endpoint", "azure_openai_api_version")
    missing = [field.upper() for field in needed if getattr(settings, field) is None]
    if missing:
        raise ConfigurationError(f"azure:{name} needs {' and '.join(missing)}")
    from langchain_openai import AzureChatOpenAI

    chat = AzureChatOpenAI(
        azure_deployment=name,
        api_key=settings.azure_openai_api_key,
        azure_endpoint=settings.azure_openai_endpoint,
        api_version=settings.azure_openai_api_version,
        timeout=settings.model_timeout,
        max_retries=settings.model_retries,
        http_async_client=client(),
        http_socket_options=(),
    )
    model = _language_model(chat, f"azure:{name}", "AZURE_OPENAI_API_KEY", settings)
    return replace(model, output_option="max_completion_tokens")  # AzureChatOpenAI does not rename max_tokens


def _local(name: str, settings: Settings, client: Client) -> LanguageModel:
    from graph.local_model import open_local_model

    return open_local_model(name, settings, client())


def _language_model(
    chat: ChatOpenAI | AzureChatOpenAI, spec: str, key_variable: str, settings: Settings
) -> LanguageModel:
    translate = translator(spec, key_variable, secrets(settings))
    return LanguageModel(chat, spec, translate, faults=provider_faults())


_PROVIDERS: dict[str, Callable[[str, Settings, Client], LanguageModel]] = {
    "openai": _openai,
    "azure": _azure,
    "local": _local,
}
