"""The real services with scripted models: real Chroma, real MCP servers, real checkpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from langchain_core.language_models import BaseChatModel

from configs.errors import MementoError, ModelUnavailableError
from configs.settings import Settings
from graph.services import Services, open_services
from nodes.language_model import LanguageModel


class ProviderFault(Exception):
    """What a scripted model raises to stand for a provider's failure."""


def language_model(chat: BaseChatModel, *, native_tools: bool = True) -> LanguageModel:
    """A scripted chat model as nodes see it; a `ProviderFault` becomes a `ModelUnavailableError`."""
    return LanguageModel(chat, "scripted", translate, native_tools, faults=(ProviderFault,))


def translate(fault: Exception) -> MementoError:
    return ModelUnavailableError(f"the model is down: {fault}")


@dataclass(frozen=True)
class ScriptedModels:
    """One scripted model for each role, told apart by the configured names."""

    by_spec: dict[str, LanguageModel]

    async def get(self, spec: str) -> LanguageModel:
        return self.by_spec[spec]


@asynccontextmanager
async def scripted_services(
    settings: Settings,
    planner: BaseChatModel,
    executor: BaseChatModel,
    judge: BaseChatModel | None = None,
    *,
    native_tools: bool = True,
) -> AsyncIterator[Services]:
    """Open the real services and put the scripted models in place of the configured ones."""
    by_spec = {
        settings.planner_model: language_model(planner),
        settings.executor_model: language_model(executor, native_tools=native_tools),
        **({settings.judge_model: language_model(judge)} if judge is not None else {}),
    }
    async with open_services(settings) as services:
        yield replace(services, models=ScriptedModels(by_spec))
