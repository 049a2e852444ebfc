"""Settle the reward of an answer: the expected answer first, then the judge model; None when nobody could tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NotRequired

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from typing_extensions import TypedDict

from configs.errors import BudgetReachedError, MementoError
from graph.state import ModelCall, Task
from nodes.answer_match import matches
from nodes.budgets import UNITS
from nodes.language_model import LanguageModel, Models
from nodes.planner_reply import json_objects
from nodes.prompts import Prompts, fence, sections
from nodes.running import Running

VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["correct", "incorrect", "unknown"]},
        "reason": {"type": "string"},
    },
    "required": ["verdict", "reason"],
    "additionalProperties": False,
}
REWARDS = {"correct": 1, "incorrect": 0}


class RewardUpdate(TypedDict):
    reward: NotRequired[int | None]
    reward_source: NotRequired[str | None]
    model_calls: NotRequired[list[ModelCall]]
    active: NotRequired[list[list[float]]]


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what an answer is worth, with the judge's model where no expected answer settles it."""

    models: Models
    prompts: Prompts

    async def settle(self, task: Task, answer: str, expected: list[str], running: Running) -> RewardUpdate:
        """The reward of an answer, of which `expected` are the right ones, if any are known."""
        update: RewardUpdate
        if expected and matches(answer, expected):
            update = {"reward": 1, "reward_source": "ground_truth"}
        else:
            update = await self._judged(task, answer, expected, running)
        running.emit({"type": "rewarded", "reward": update.get("reward"), "source": update.get("reward_source")})
        return update

    async def _judged(self, task: Task, answer: str, expected: list[str], running: Running) -> RewardUpdate:
        judge = running.knobs.judge_model
        if judge == "none":
            return {"reward": 0, "reward_source": "ground_truth"} if expected else {"reward": None}
        try:
            reward, call = await self._verdict(await self.models.get(judge), task, answer, expected, running)
        except BudgetReachedError as reached:
            why = f"the budget of {UNITS[reached.budget]} is used up"
            running.emit({"type": "warned", "message": f"the judge was not asked: {why}"})
            return {"reward": None, "reward_source": None}
        except MementoError as error:
            running.emit({"type": "warned", "message": f"the judge could not tell: {error}"})
            return {"reward": None, "reward_source": None}
        return {"reward": reward, "reward_source": "judge" if reward is not None else None, "model_calls": [call]}

    async def _verdict(
        self, judge: LanguageModel, task: Task, answer: str, expected: list[str], running: Running
    ) -> tuple[int | None, ModelCall]:
        reference = fence("reference", "\n".join(expected)) or "There is no reference answer."
        asked = sections(fence("question", task["question"]), reference, fence("answer", answer))
        request = [SystemMessage(self.prompts.render("judge")), HumanMessage(asked)]
        reply = await running.ask("judge", judge, request, schema=VERDICT_SCHEMA, last=True)
        return read_verdict(reply.message), reply.call


def read_verdict(reply: AIMessage) -> int | None:
    """1 or 0 as the judge says; None where it cannot tell or cannot be read."""
    for found in json_objects(str(reply.text)):
        if isinstance(found.get("verdict"), str):
            return REWARDS.get(found["verdict"].strip().lower())
    return None
