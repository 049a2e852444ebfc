"""Judge how far the task has come: after the final answer, settle the reward.

After a round of subtasks nothing needs a model: their status is in the state, and routing decides what comes next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NotRequired

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from configs.errors import MementoError
from configs.settings import Settings
from graph.context import Context, resolve
from graph.state import ModelCall, Task, claimed_by
from nodes.answer_match import alternatives, matches
from nodes.language_model import Models, model_call
from nodes.planner_reply import json_objects
from nodes.prompts import Prompts, fence, sections

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


class ReflectInput(TypedDict, total=False):
    task: Task
    answer: str | None
    expected_answer: dict[str, Any]


class ReflectUpdate(TypedDict):
    reward: NotRequired[int | None]
    reward_source: NotRequired[str | None]
    model_calls: NotRequired[list[ModelCall]]


@dataclass(frozen=True, slots=True)
class Reflector:
    """Settle the reward: the expected answer first, then the judge model; None when nobody could tell."""

    models: Models
    prompts: Prompts
    settings: Settings

    async def __call__(self, state: ReflectInput, runtime: Runtime[Context]) -> ReflectUpdate:
        answer = state.get("answer")
        if answer is None:
            return {}
        expected = alternatives(claimed_by(state.get("expected_answer", {}), state["task"]["id"]) or [])
        update: ReflectUpdate
        if expected and matches(answer, expected):
            update = {"reward": 1, "reward_source": "ground_truth"}
        else:
            update = await self._judged(state["task"], answer, expected, runtime)
        runtime.stream_writer(
            {"type": "rewarded", "reward": update.get("reward"), "source": update.get("reward_source")}
        )
        return update

    async def _judged(self, task: Task, answer: str, expected: list[str], runtime: Runtime[Context]) -> ReflectUpdate:
        judge = resolve(runtime.context, self.settings).judge_model
        if judge == "none":
            return {"reward": 0, "reward_source": "ground_truth"} if expected else {"reward": None}
        try:
            reward, calls = await self._verdict(judge, task, answer, expected)
        except MementoError as error:
            runtime.stream_writer({"type": "warned", "message": f"the judge could not tell: {error}"})
            return {"reward": None, "reward_source": None}
        return {"reward": reward, "reward_source": "judge" if reward is not None else None, "model_calls": calls}

    async def _verdict(
        self, judge: str, task: Task, answer: str, expected: list[str]
    ) -> tuple[int | None, list[ModelCall]]:
        model = await self.models.get(judge)
        reference = fence("reference", "\n".join(expected)) or "There is no reference answer."
        asked = sections(fence("question", task["question"]), reference, fence("answer", answer))
        request = [SystemMessage(self.prompts.render("judge")), HumanMessage(asked)]
        reply = await model.reply(request, schema=VERDICT_SCHEMA)
        return read_verdict(reply), [model_call(reply, "judge", model)]


def read_verdict(reply: AIMessage) -> int | None:
    """1 or 0 as the judge says; None where it cannot tell or cannot be read."""
    for found in json_objects(str(reply.text)):
        if isinstance(found.get("verdict"), str):
            return REWARDS.get(found["verdict"].strip().lower())
    return None
