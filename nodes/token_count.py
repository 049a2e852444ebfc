"""How many tokens a request has, as its model's provider would count it: an approximation, corrected by experience.

Providers count with tokenizers we do not have and add what templates and tool schemas cost. Each reply reports what
its request really was, so the approximation (four characters a token, tool schemas included) is multiplied by a
factor of the model's own, learnt from these reports. It rises at once and falls slowly: an estimate that is too low
breaks a request, one that is too high only shortens it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately

CHARS_PER_TOKEN = 4
LOWEST, HIGHEST = 0.25, 8.0
"""Chinese is about six times what four characters a token give; beyond these a report is not believed."""
FALL = 0.2
SMALLEST = 40
"""Approximate tokens; in a shorter request what a template adds outweighs its text."""


@dataclass(slots=True)
class TokenCounts:
    """The factors of all models of one process. Nothing is lost where another process starts again at 1."""

    factors: dict[str, float] = field(default_factory=dict)

    def estimate(self, model_name: str, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]] = ()) -> int:
        """The tokens of a request.

        Args:
            model_name: `provider:name`.
            messages: the whole request.
            tools: the schemas that go with it, in OpenAI's form.
        """
        return math.ceil(approximate(messages, tools) * self.factor(model_name))

    def learn(self, model_name: str, approximate: int, reported: int) -> None:
        """Take up what a provider reported (input tokens) of a request that was `approximate` long."""
        if approximate < SMALLEST or reported <= 0:
            return
        seen = min(max(reported / approximate, LOWEST), HIGHEST)
        known = self.factors.get(model_name)
        self.factors[model_name] = seen if known is None or seen > known else known + FALL * (seen - known)

    def factor(self, model_name: str) -> float:
        """What an approximation is multiplied by; 1 before anything was reported."""
        return self.factors.get(model_name, 1.0)

    def room(self, model_name: str, budget: int, tools: Sequence[dict[str, Any]] = ()) -> int:
        """How many approximate tokens of messages fit into a budget of real ones, next to the tool schemas."""
        return max(math.floor(budget / self.factor(model_name)) - approximate((), tools), 0)


def approximate(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]] = ()) -> int:
    """Four characters a token, and what every message and tool schema adds."""
    return count_tokens_approximately(messages, tools=list(tools) or None)
