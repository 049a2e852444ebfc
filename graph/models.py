"""Placeholder until the model pool is written."""

from __future__ import annotations

from configs.settings import Settings
from nodes.language_model import LanguageModel


class ModelPool:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def get(self, spec: str) -> LanguageModel:
        raise NotImplementedError

    async def aclose(self) -> None:
        return None
